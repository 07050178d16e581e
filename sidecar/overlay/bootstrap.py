"""The way in: remembered nodes and contacts are dialled until one is linked, again whenever nobody is, and as long as
fewer are than there should be."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from sidecar.addresses import Contact, HostPort, format_address
from sidecar.errors import Reason, SidecarError
from sidecar.metrics import Counters
from sidecar.overlay.cache import Cache
from sidecar.overlay.contacts import Contacts
from sidecar.overlay.errands import Errands
from sidecar.overlay.events import (
    BootstrapFailed,
    BootstrapSucceeded,
    ContactAdded,
    ContactOrigin,
    ContactRemoved,
    Event,
    IdentityChanged,
)
from sidecar.overlay.links import Links
from sidecar.overlay.peer import Peer, PeerState
from sidecar.overlay.race import PATIENCE, ContactResult, Race

_log = logging.getLogger(__name__)

CACHED = ContactOrigin.CACHED

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
"""Seconds between rounds that failed, or whose links were lost sooner than the longest of them: doubled each time,
varied by a third, for as long as the sidecar runs."""
LONGEST_PATIENCE = 5.0
"""Seconds that an attempt may hold a place others wait for, at most: doubled with each round that failed, lest a slow
path is given up ever too soon."""
FAILURES_TOLD = 64
"""Contacts that an event of a failure names, of 200 and more; the others are counted."""
FAILURES_SHOWN = 8
"""The same for a line of the log and an error's words."""
TOP_UP = 64
"""Peers known by their records alone that are tried at once where links are missing."""
PARTED = 30.0
"""Seconds in which a peer that has left on purpose is not sought, unless as a contact when nobody is linked."""
LEFT_MAX = 1024
"""Peers remembered as left on purpose. Whose time is over first gives way, so that strangers who come and go make
nobody be sought whose link was ended here."""


class Bootstrap:
    """Finds the way in, and keeps it."""

    def __init__(
        self, contacts: Contacts, cache: Cache, links: Links, counters: Counters, tell: Callable[[Event], None], *,
        min_links: int,
    ) -> None:  # fmt: skip
        self._contacts = contacts
        self._cache = cache
        self._links = links
        self._counters = counters
        self._tell = tell
        self._min_links = min_links
        self._errands = Errands("the search for a way in")
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._hurried = asyncio.Event()
        self._patience = PATIENCE
        self._left: dict[str, float] = {}
        """Until when, by the loop's clock, whom it would be wrong to seek."""
        self._loop = asyncio.get_running_loop()
        self._failures: tuple[tuple[str, str], ...] = ()
        links.verified = self.verified
        links.parted = self._parted
        links.lapsed = self._lapsed
        links.held = lambda peers: cache.refresh(peer.peer_id for peer in peers)
        links.dialler.resolved = contacts.resolved
        links.dialler.mistaken = lambda expected, session: tell(
            IdentityChanged(session.remote, expected, session.peer_id or "")
        )
        cache.added = lambda peer_id, endpoint: tell(ContactAdded(str(Contact(*endpoint, peer_id)), CACHED))
        cache.removed = lambda peer_id, endpoint: tell(ContactRemoved(str(Contact(*endpoint, peer_id)), CACHED))

    def start(self) -> None:
        """Begins to look after the way in."""
        self._task = asyncio.get_running_loop().create_task(self._keep())
        self._errands.keep(self._task)

    def nudge(self) -> None:
        """Links, or who is known, have changed: there may be something to do."""
        self._changed.set()

    def hurry(self) -> None:
        """There are more contacts, or another network: what waits for a pause to pass is tried at once."""
        self._hurried.set()
        self._changed.set()

    def leave_alone(self, peer_id: str) -> None:
        """Its link was ended on purpose here: it is not sought until it is linked again."""
        self._leave_until(peer_id, math.inf)

    def _parted(self, peer_id: str) -> None:
        """It has left: it stops, or does not want the link."""
        self._leave_until(peer_id, self._loop.time() + PARTED)
        self._loop.call_later(PARTED, self.nudge)

    def _leave_until(self, peer_id: str, until: float) -> None:
        self._left[peer_id] = until
        if len(self._left) > LEFT_MAX:
            del self._left[min(self._left, key=self._left.__getitem__)]

    def linked(self, peer_id: str) -> None:
        """A peer was linked, whoever wanted it."""
        self._left.pop(peer_id, None)
        self._patience = PATIENCE
        self.nudge()

    def is_left_alone(self, peer_id: str) -> bool:
        """Whether its link was ended on purpose here, or may not be."""
        return self._left.get(peer_id) == math.inf or peer_id in self._links.local.trust.access.blocked

    def _is_resting(self, peer_id: str) -> bool:
        """The same, or whether it has left not long ago."""
        return self._left.get(peer_id, 0.0) > self._loop.time() or self.is_left_alone(peer_id)

    def verified(self, peer: Peer, address: HostPort, certificate: bytes) -> None:
        """A node was dialled at an address, directly, and linked to, with its certificate (DER): it is remembered,
        unless it is a contact, which is known anyway."""
        covering = self._contacts.covering(peer.peer_id, address)
        former = [found for contact in covering if (found := self._contacts.found(contact)) is not None]
        former += self._cache.at(address)
        if former and former[0] != peer.peer_id:
            self._tell(IdentityChanged(format_address(address), former[0], peer.peer_id))
        for contact in covering:
            self._contacts.found_at(contact, peer.peer_id)
        if covering:
            self._cache.forget(peer.peer_id)
        else:
            self._cache.connected(peer.peer_id, address, certificate)

    def _lapsed(self, peer_id: str) -> None:
        """It is a client, or has become one."""
        self._cache.forget(peer_id)

    async def stop(self) -> None:
        """Ceases."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def once(self, contacts: Sequence[Contact] = ()) -> list[ContactResult]:
        """Dials these contacts, or everybody remembered and then the contacts that are known, and returns when the
        first is linked or all have failed, with what is decided by then. SidecarError BOOTSTRAP_FAILED names each
        contact and its reason."""
        return await self._join(list(contacts) or list(self._ways_in()), wanted=1)

    # rounds

    async def _join(self, chosen: list[Contact], wanted: int) -> list[ContactResult]:
        if not chosen:
            raise SidecarError(Reason.BOOTSTRAP_FAILED, "there is no contact to dial: give one, or add one")
        told: list[str] = []

        def linked(result: ContactResult) -> None:
            if not told:
                told.append(result.peer_id)
                self._counters.bootstrap_last_success = time.time()
                self._tell(BootstrapSucceeded(result.peer_id, str(result.contact)))

        results = await Race(self._links, wanted, linked, patience=self._patience).run(chosen)
        if told:
            return results
        self._patience = min(2 * self._patience, LONGEST_PATIENCE)
        raise self._failed({str(result.contact): result.error for result in results})

    def _failed(self, failures: dict[str, str]) -> SidecarError:
        """Tells that no contact could be linked."""
        named = tuple(islice(failures.items(), FAILURES_TOLD))
        if named != self._failures:
            self._failures = named  # a sidecar that is cut off for days keeps thousands of events, of one text
        self._tell(BootstrapFailed(self._failures, len(failures) - len(named)))
        words = "; ".join(f"{contact}: {error}" for contact, error in islice(failures.items(), FAILURES_SHOWN))
        others = f"; and {len(failures) - FAILURES_SHOWN} others" if len(failures) > FAILURES_SHOWN else ""
        return SidecarError(
            Reason.BOOTSTRAP_FAILED, f"no contact could be linked: {words}{others}", metadata=failures, retry_after=1
        )

    async def _keep(self) -> None:
        clock = asyncio.get_running_loop().time
        pause, ended = 0.0, -LONGEST_PAUSE
        while True:
            self._changed.clear()
            if self._round() is None:
                await self._changed.wait()
                continue
            pause = 0.0 if clock() - ended > LONGEST_PAUSE else min(max(2 * pause, FIRST_PAUSE), LONGEST_PAUSE)
            if pause and await self._rest(pause * random.uniform(0.67, 1.33)):
                pause = 0.0
            wanted = self._round()
            if wanted is None:
                ended = clock()
                continue
            missing, ways = wanted
            try:
                if self._alone():
                    await self._join(ways, missing)
                else:
                    await Race(self._links, missing, lambda result: None, patience=self._patience).run(ways)
            except SidecarError as error:
                _log.warning("%s; trying again", error.detail)
            ended = clock()

    def _round(self) -> tuple[int, list[Contact]] | None:
        """How many links are missing, and whom to dial for them; None when there is nothing to do."""
        if self._links.refusing is not None:
            return None
        missing = self._min_links - len(self._links.nodes)
        if missing <= 0:
            return None
        ways = list(self._unlinked_ways() if self._alone() else self._more_ways())
        return (missing, ways) if ways else None

    def _alone(self) -> bool:
        """Whether there is no way into the network but to be found."""
        return not self._links.nodes

    async def _rest(self, seconds: float) -> bool:
        """Waits; whether it was hurried."""
        self._hurried.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()
        return self._hurried.is_set()

    # whom to dial

    def _ways_in(self) -> Iterator[Contact]:
        """Remembered nodes, newest first, then contacts, then where else the nodes have been."""
        nodes = [node for node in self._cache.newest_first() if not self._is_resting(node.peer_id)]
        for node in nodes:
            yield Contact(*node.endpoints[0], node.peer_id)
        for contact, _ in self._contacts.all():
            yield contact
        for node in nodes:
            for endpoint in node.endpoints[1:]:
                yield Contact(*endpoint, node.peer_id)

    def _unlinked_ways(self) -> Iterator[Contact]:
        """The same without those that are linked, or dialled as it is, at the pace that is right for them."""
        for contact in self._ways_in():
            peer_id = contact.peer_id or self._contacts.found(contact)
            if peer_id is None or self._links.state(peer_id) is PeerState.KNOWN:
                yield contact

    def _more_ways(self) -> Iterator[Contact]:
        """Where some are linked already: without those that are left alone too, and then peers that have told where
        they are."""
        for contact in self._unlinked_ways():
            peer_id = contact.peer_id or self._contacts.found(contact)
            if peer_id is None or self._may_seek(peer_id):
                yield contact
        directory = self._links.directory
        told = []
        for peer_id in directory.peer_ids():
            known = directory.get(peer_id)
            if known is not None and known.told and known.record is not None and self._may_seek(peer_id):
                told.append(Contact(*known.told[0], peer_id))
        yield from random.sample(told, min(TOP_UP, len(told)))

    def _may_seek(self, peer_id: str) -> bool:
        return (
            self._links.state(peer_id) is PeerState.KNOWN
            and not self._is_resting(peer_id)
            and peer_id != self._links.local.identity.peer_id
        )
