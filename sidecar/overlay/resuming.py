"""Resuming: a peer that is wanted, or was lost, is dialled until it is linked or given up; a connection that has fallen
silent is doubted, and another dialled beside it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING

from sidecar.errors import Reason, SidecarError
from sidecar.metrics import Counters
from sidecar.overlay.directory import HostPort
from sidecar.overlay.errands import Errands
from sidecar.overlay.events import PeerUnlinked
from sidecar.overlay.peer import Peer, PeerState, not_dialable
from sidecar.wire.errors import Untrusted
from sidecar.wire.roles import Role

if TYPE_CHECKING:
    from sidecar.overlay.links import Links

_log = logging.getLogger(__name__)

BACKOFF = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each attempt to resume a link, the last one repeated; each varies by a third."""
PATIENCE = (0.5, 1.0, 2.0, 5.0)
"""Seconds for each attempt to resume a link."""
STEADY = 1.0
"""A link that is lost sooner, in seconds, is resumed more slowly each second time: somebody may be closing it."""
REST = 1.0
REST_MAX = 64.0
"""Seconds before a link is taken back from another sidecar with the same key, doubled each time until the longest: the
two would take turns as fast as they can. A link that was held for RESTED seconds counts anew."""
RESTED = 3 * REST_MAX
SILENCE = 1.0
"""Seconds without a packet, while messages or a ping wait for the peer, after which it is asked for an answer; after as
many without one the connection is doubted: another is dialled beside it, which takes over if the peer has restarted or
moved."""
SUSPICION = 0.5
"""The same when others tell that the peer has started anew."""
CHECK_INTERVAL = 1.0
EXCHANGE_INTERVAL = 300
"""Every so many checks linked peers are told and asked for records, which are good for a day."""
RTT_INTERVAL = 10
"""Every so many checks the round trips are noted for the metrics."""


class Resuming:
    """Who is being dialled, and who is doubted."""

    def __init__(self, links: Links, counters: Counters, *, resume_timeout: float) -> None:
        self._links = links
        self._counters = counters
        self._resume_timeout = resume_timeout
        self._loop = asyncio.get_running_loop()
        self._errands = Errands("an attempt to reach a peer")
        self._checks = 0
        self._check: asyncio.TimerHandle | None = self._loop.call_later(CHECK_INTERVAL, self._look)

    def close(self) -> None:
        """Nobody is dialled or doubted any more."""
        if self._check is not None:
            self._check.cancel()
            self._check = None
        self._errands.cancel()

    def begin(self, peer: Peer, state: PeerState) -> None:
        """The peer is wanted: it is dialled until its `attempt` is decided."""
        peer.attempt = self._loop.create_future()
        self._links.set_state(peer, state)
        self._dial(peer)

    def _dial(self, peer: Peer) -> None:
        if peer.dialling is None:
            peer.dialling = self._loop.create_task(self._reach(peer))
            self._errands.keep(peer.dialling)

    async def _reach(self, peer: Peer) -> None:
        """Dials until the peer is linked, or given up: at once when it was never linked, else after the resume
        timeout."""
        try:
            attempt = peer.flaps // 2
            while peer.wanted:
                if peer.role is Role.CLIENT:
                    await self._await_client(peer)
                    continue
                pause = BACKOFF[min(attempt, len(BACKOFF) - 1)] * random.uniform(0.67, 1.33)
                if peer.state is PeerState.RESUMING:
                    pause = min(pause, max(0.0, peer.gives_up_at - self._loop.time()))
                await asyncio.sleep(max(pause, peer.rests_until - self._loop.time()))
                try:
                    if peer.state is PeerState.CONNECTING:
                        await self._reach_once(peer)
                    elif peer.state is PeerState.RESUMING:
                        await self._reach_within(peer, PATIENCE[min(attempt, len(PATIENCE) - 1)])
                except SidecarError as error:
                    if peer.state is PeerState.LINKED:  # it has dialled us meanwhile
                        return
                    if peer.state is not PeerState.RESUMING or self._loop.time() >= peer.gives_up_at:
                        self._give_up(peer, error)
                        return
                attempt += 1
        finally:
            if peer.dialling is asyncio.current_task():
                peer.dialling = None

    async def _await_client(self, peer: Peer) -> None:
        """A client dials by itself, or is given up."""
        await asyncio.wait({peer.attempt}, timeout=max(0.0, peer.gives_up_at - self._loop.time()))
        if peer.state is PeerState.RESUMING and self._loop.time() >= peer.gives_up_at:
            self._give_up(peer, not_dialable(peer.peer_id))

    async def _reach_within(self, peer: Peer, patience: float) -> None:
        """The same for a peer that was there a moment ago: a new attempt soon finds one that restarts sooner than the
        repeats of an old one, which QUIC spaces further and further apart."""
        try:
            async with asyncio.timeout(patience):
                await self._reach_once(peer)
        except TimeoutError:
            raise SidecarError(Reason.PEER_UNREACHABLE, f"{peer.peer_id}: no answer in {patience:g} s") from None

    async def _reach_once(self, peer: Peer) -> None:
        known = self._links.directory.touch(peer.peer_id)
        if not known.addresses():
            await self._links.exchange.find(peer.peer_id)
        addresses = known.addresses()
        if not addresses:
            raise SidecarError(
                Reason.PEER_UNKNOWN,
                f"nobody linked here knows where {peer.peer_id} is: add a contact for it, or bootstrap",
            )
        tried: list[HostPort] = []
        while True:
            try:
                await self._links.dialler.reach(addresses, peer.peer_id)
                return
            except SidecarError:
                tried += addresses
                addresses = [address for address in known.addresses() if address not in tried]
                if not addresses:  # none has become known meanwhile
                    raise

    def _give_up(self, peer: Peer, error: SidecarError) -> None:
        """The peer cannot be reached: everything that waits for it is reported, and its link's state is forgotten."""
        was_linked = peer.state is PeerState.RESUMING
        self._links.forget(peer, error.reason, error.detail, error)
        if was_linked:
            self._links.tell(PeerUnlinked(peer.peer_id, error.detail))

    def rest(self, peer: Peer) -> None:
        """Somebody else with our key has taken the link over: a sidecar too many, or this one is to be the former."""
        now = self._loop.time()
        if now - peer.settled_at > RESTED:
            peer.turns_lost = 0
        rest = min(REST * 2 ** min(peer.turns_lost, 10), REST_MAX) * random.uniform(0.67, 1.33)
        peer.turns_lost += 1
        peer.rests_until = now + rest
        _log.warning(
            "another sidecar with this one's key has taken over the link to %s: taking it back in %.1f s; give each a "
            "key of its own", peer.peer_id, rest,
        )  # fmt: skip

    def resume(self, peer: Peer) -> None:
        """The link has no connection any more: it is dialled until it has one, or the time is over."""
        now = self._loop.time()
        peer.flaps = peer.flaps + 1 if now - peer.settled_at < STEADY else 0
        peer.gives_up_at = max(now, peer.rests_until) + self._resume_timeout
        self.begin(peer, PeerState.RESUMING)

    def moved(self, peer: Peer) -> None:
        """There is news of where a peer is: it is dialled anew if it is lost, or silent."""
        if peer.state is PeerState.RESUMING or (
            peer.state is PeerState.LINKED and self._silence(peer, self._loop.time()) > SUSPICION
        ):
            self._dial_anew(peer)

    def hurry(self) -> None:
        """The network has changed: whoever is lost is dialled at once."""
        for peer in list(self._links.peers.values()):
            if peer.state is PeerState.RESUMING:
                self._dial_anew(peer)

    def _dial_anew(self, peer: Peer) -> None:
        if peer.dialling is not None:
            peer.dialling.cancel()
            peer.dialling = None
        if peer.state is PeerState.RESUMING:
            self._dial(peer)
        elif peer.role is not Role.CLIENT:
            peer.dialling = self._loop.create_task(self._probe(peer))
            self._errands.keep(peer.dialling)

    # doubts

    def _look(self) -> None:
        """Once a second: doubts connections that have fallen silent while an answer is awaited on them."""
        self._check = self._loop.call_later(CHECK_INTERVAL, self._look)
        self._checks += 1
        if self._checks % RTT_INTERVAL == 0:
            for pump in self._links.pumps:
                rtt = pump.statistics().smoothed_rtt
                if rtt is not None:
                    self._counters.rtt.add(rtt)
        if self._checks % EXCHANGE_INTERVAL == 0:
            self._links.exchange.refresh()
        self._links.roles.look(self._checks)
        now = self._loop.time()
        # With thousands of links, most of them idle, what is not asked of an idle one is what this costs.
        for peer in list(self._links.peers.values()):
            link = peer.link
            carrier = peer.carrier
            quiet = link.quiet
            if not quiet:
                link.flows.tick(now, self._resume_timeout)
                link.datagrams.expire(now)
            if carrier is None:
                continue
            if not (quiet and peer.asked_at is None and not carrier.dialled):
                self._doubt(peer, now)
            self._links.pump(carrier).look_at_path(now)

    def _doubt(self, peer: Peer, now: float) -> None:
        if peer.state is not PeerState.LINKED or peer.dialling is not None:
            return
        if self._silence(peer, now) < SILENCE:
            peer.asked_at = None
        elif peer.asked_at is None:
            peer.asked_at = now
            with contextlib.suppress(Untrusted):  # as many as may be are asked already
                (peer.carrier or peer.sessions[-1]).ping(lambda answered_at: None)
        elif now - peer.asked_at >= SILENCE:
            self._dial_anew(peer)

    def _silence(self, peer: Peer, now: float) -> float:
        """Seconds without a packet, where messages go out, while some wait, be it for room over there, or else since a
        keep-alive ping that is not answered, where we have dialled; 0 when nothing is awaited."""
        link = peer.link
        if link.outbound.outbox.messages or link.flows.unacknowledged:
            return now - self._links.pump(peer.carrier or peer.sessions[-1]).heard_at
        if link.carrier is None or not link.carrier.dialled:  # then no connection is: one that is would be preferred
            return 0.0
        return min(self._links.pump(session).unanswered(now) for session in peer.sessions)

    async def _probe(self, peer: Peer) -> None:
        """Dials a peer that is linked: the new connection takes over."""
        try:
            await self._reach_within(peer, PATIENCE[2])  # a path that has become narrower takes a second to find out
        except SidecarError as error:
            _log.info("%s is silent and cannot be reached again yet: %s", peer.peer_id, error.detail)
        finally:
            if peer.dialling is asyncio.current_task():
                peer.dialling = None
        if peer.dialling is None and peer.state is PeerState.RESUMING:
            self._dial(peer)
