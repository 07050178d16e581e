"""Reunion: configured contacts that are not linked although others are get dialled again and again, so that two islands
that share one become one network when they can."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random

from sidecar.addresses import Contact
from sidecar.errors import Reason, SidecarError
from sidecar.overlay.bootstrap import Bootstrap
from sidecar.overlay.contacts import Contacts
from sidecar.overlay.errands import Errands
from sidecar.overlay.links import Links
from sidecar.overlay.peer import PeerState

_log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Seconds before a contact that was linked and is not any more is tried, doubled after each attempt that failed until
the longest, which is also what one has to wait that was not needed at the start; varied by a third."""
LEAST_PAUSE = 0.2
"""Seconds between two looks at the contacts, however often links change."""


class _Plan:
    """When a contact is tried next."""

    def __init__(self, now: float, pause: float) -> None:
        self.pause = pause
        self.due = now + pause * random.uniform(0.67, 1.33)


class Reunion:
    """See the module."""

    def __init__(self, contacts: Contacts, links: Links, bootstrap: Bootstrap) -> None:
        self._contacts = contacts
        self._links = links
        self._bootstrap = bootstrap
        self._plans: dict[Contact, _Plan] = {}
        self._were_linked: set[Contact] = set()
        self._errands = Errands("looking after the contacts")
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()

    def start(self) -> None:
        """Begins to look after the contacts that there are."""
        if self._contacts.configured:
            self._task = asyncio.get_running_loop().create_task(self._keep())
            self._errands.keep(self._task)

    def nudge(self) -> None:
        """Links have changed."""
        self._changed.set()

    def hurry(self) -> None:
        """The network has changed: all are tried at once."""
        self._plans.clear()
        self._were_linked.update(self._contacts.configured)
        for contact in self._contacts.configured:
            self._plans[contact] = _Plan(self._now(), 0.0)
        self._changed.set()

    async def stop(self) -> None:
        """Ceases."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _keep(self) -> None:
        while True:
            self._changed.clear()
            due = self._look()
            if due is None:
                await self._changed.wait()
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._changed.wait()
            await asyncio.sleep(LEAST_PAUSE)
            if self._links.roster and self._links.refusing is None:
                now = self._now()
                ripe = [contact for contact, plan in self._plans.items() if plan.due <= now]
                await asyncio.gather(*map(self._try, ripe))

    def _look(self) -> float | None:
        """Plans for the contacts that are not linked; when the first is due."""
        if not self._links.roster:  # then everybody is dialled anyway
            self._plans.clear()
            return None
        now = self._now()
        for contact in self._contacts.configured:
            if self._is_linked(contact):
                self._plans.pop(contact, None)
                self._were_linked.add(contact)
            elif contact not in self._plans:
                self._plans[contact] = _Plan(now, FIRST_PAUSE if contact in self._were_linked else LONGEST_PAUSE)
        return min((plan.due for plan in self._plans.values()), default=None)

    def _is_linked(self, contact: Contact) -> bool:
        """Whether there is nothing to do about a contact: it is linked, is being dialled, was left on purpose, or is
        this sidecar itself."""
        peer_id = contact.peer_id or self._contacts.found(contact)
        if peer_id is not None:
            return (
                self._links.state(peer_id) is not PeerState.KNOWN
                or self._bootstrap.is_left_alone(peer_id)
                or peer_id == self._links.local.identity.peer_id
            )
        addresses = self._contacts.addresses(contact)
        return any(self._links.pump(session).remote in addresses
                   for peer in self._links.linked for session in peer.sessions)  # fmt: skip

    async def _try(self, contact: Contact) -> None:
        plan = self._plans.get(contact)
        if plan is None or self._is_linked(contact):
            return
        try:
            addresses = await self._links.dialler.resolve(contact)
            await self._links.meet(addresses, contact.peer_id, name=contact.name)
        except SidecarError as error:
            if error.reason is Reason.PEER_IS_SELF:
                self._contacts.found_at(contact, self._links.local.identity.peer_id)
                return
            _log.info("contact %s is not linked: %s", contact, error.detail)
        if contact in self._plans:
            self._plans[contact] = _Plan(self._now(), min(2 * max(plan.pause, FIRST_PAUSE), LONGEST_PAUSE))

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
