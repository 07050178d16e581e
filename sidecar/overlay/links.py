"""Links: made, resumed, replaced, given up. The owner of every session."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable

from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.mail.inbox import Inbox
from sidecar.metrics import CloseReason, Counters, Direction
from sidecar.overlay.dialler import Dialler
from sidecar.overlay.directory import Directory, HostPort
from sidecar.overlay.events import (
    Event,
    InstanceConflict,
    PeerLinked,
    PeerRefused,
    PeerUnlinked,
)
from sidecar.overlay.exchange import Exchange
from sidecar.overlay.peer import Peer, PeerState
from sidecar.transport.pump import Pump
from sidecar.wire.errors import Close, Untrusted
from sidecar.wire.hello import Greeting, Introduction, LocalPeer
from sidecar.wire.inbound import Inbound, Windows
from sidecar.wire.link import Link
from sidecar.wire.outbound import Outbound
from sidecar.wire.outbox import Outbox
from sidecar.wire.session import Session

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
LINKS_MAX = 16_384
"""Peers, linked or being dialled, above which no stranger is let in."""
SILENCE = 1.0
"""Seconds without a packet, while messages wait for the peer, after which the peer is asked for an answer; after as
many without one the connection is doubted: another is dialled beside it, which takes over if the peer has restarted or
moved."""
SUSPICION = 0.5
"""The same when others tell that the peer has started anew."""
CHECK_INTERVAL = 1.0
EXCHANGE_INTERVAL = 300
"""Every so many checks linked peers are told and asked for records, which are good for a day."""
RTT_INTERVAL = 10
"""Every so many checks the round trips are noted for the metrics."""
BROKEN = (Close.MALFORMED, Close.CREDIT, Close.PROOF, Close.INTERNAL)
"""Close codes that say that a side has broken the protocol."""


class Links:
    """Every link of this sidecar, by peer id."""

    def __init__(
        self, local: LocalPeer, directory: Directory, inbox: Inbox, windows: Windows, *, outbox_bytes: int,
        resume_timeout: float, handshake_timeout: float, counters: Counters, tell: Callable[[Event], None],
        changed: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.local = local
        self.directory = directory
        self._pumps: dict[Session, Pump] = {}
        self.dialler = Dialler(local, self, self._pumps.__setitem__, handshake_timeout=handshake_timeout)
        self.exchange = Exchange(self)
        self.peers: dict[str, Peer] = {}
        self.refusing: str | None = None
        """Why no new links are made, once none are."""
        self._inbox = inbox
        self._windows = windows
        self._outbox_bytes = outbox_bytes
        self._resume_timeout = resume_timeout
        self._handshake_timeout = handshake_timeout
        self._counters = counters
        self._tell = tell
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._checks = 0
        self._check: asyncio.TimerHandle | None = self._loop.call_later(CHECK_INTERVAL, self._look)
        self._pings: dict[Session, set[asyncio.Future[float]]] = {}

    # looking

    @property
    def linked(self) -> list[Peer]:
        """Peers with a connection."""
        return [peer for peer in self.peers.values() if peer.state is PeerState.LINKED]

    def state(self, peer_id: str) -> PeerState:
        """How a peer stands."""
        peer = self.peers.get(peer_id)
        return PeerState.KNOWN if peer is None else peer.state

    def pump(self, session: Session) -> Pump:
        """The connection under a session."""
        return self._pumps[session]

    # reaching

    def accept(self, pump: Pump) -> Session:
        """The protocol of a connection that came in."""
        host, port = pump.remote
        remote = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        session = Session(
            pump,
            self.local,
            self,
            remote=remote,
            dialled=False,
            began=self._loop.time(),
            timeout=self._handshake_timeout,
        )
        self._pumps[session] = pump
        return session

    def want(self, peer_id: str) -> Peer:
        """The peer, being dialled if it is not linked. SidecarError when it cannot be: refusing, oneself, unknown."""
        self._require_open()
        self._require_other(peer_id)
        peer = self._peer(peer_id)
        if peer.leaving is not None:
            raise SidecarError(
                Reason.LINK_CLOSED, f"the link to {peer_id} is being closed: {peer.leaving}", retry_after=1
            )
        if peer.state is PeerState.KNOWN:
            self._begin(peer, PeerState.CONNECTING)
        return peer

    async def connect(self, peer_id: str) -> Peer:
        """Links to a peer; every caller waits for the one attempt there is. SidecarError tells why there is no link."""
        peer = self.want(peer_id)
        if peer.state is not PeerState.LINKED:
            await asyncio.shield(peer.attempt)
        return peer

    async def connect_address(self, addresses: list[HostPort], expected: str | None) -> Peer:
        """Links to whoever is at one of some addresses."""
        self._require_open()
        self._require_other(expected)
        if expected is not None:
            for address in reversed(addresses):
                known = self.directory.touch(expected)
                known.told = (address, *(other for other in known.told if other != address))
            return await self.connect(expected)
        for peer in self.linked:
            if any(self._pumps[session].remote in addresses for session in peer.sessions):
                return peer
        session = await self.dialler.reach(addresses, None)
        found = self.peers.get(session.peer_id or "")
        if found is None:
            raise SidecarError(Reason.LINK_CLOSED, f"the link to {session.remote} was closed at once")
        return found

    def _require_open(self) -> None:
        if self.refusing is not None:
            raise SidecarError(Reason.DRAINING, self.refusing, retry_after=5)

    def _require_other(self, peer_id: str | None) -> None:
        if peer_id == self.local.identity.peer_id:
            raise SidecarError(Reason.PEER_IS_SELF, "this is the sidecar's own peer id: name another peer")

    def _peer(self, peer_id: str) -> Peer:
        peer = self.peers.get(peer_id)
        if peer is None:
            inbound = Inbound(self._windows, self._inbox, peer_id)
            self._inbox.register(inbound)
            peer = Peer(peer_id, Link(peer_id, Outbound(Outbox(self._outbox_bytes)), inbound))
            self.peers[peer_id] = peer
            self.directory.touch(peer_id).pinned = True
        return peer

    def _begin(self, peer: Peer, state: PeerState) -> None:
        peer.attempt = self._loop.create_future()
        self._set_state(peer, state)
        self._dial(peer)

    def _dial(self, peer: Peer) -> None:
        if peer.dialling is None:
            peer.dialling = self._loop.create_task(self._reach(peer))
            self._keep(peer.dialling)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._dropped)

    def _dropped(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("an attempt to reach a peer failed by a bug", exc_info=error)

    async def _reach(self, peer: Peer) -> None:
        """Dials until the peer is linked, or given up: at once when it was never linked, else after the resume
        timeout."""
        try:
            attempt = peer.flaps // 2
            while peer.wanted:
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

    async def _reach_within(self, peer: Peer, patience: float) -> None:
        """The same for a peer that was there a moment ago: a new attempt soon finds one that restarts sooner than the
        repeats of an old one, which QUIC spaces further and further apart."""
        try:
            async with asyncio.timeout(patience):
                await self._reach_once(peer)
        except TimeoutError:
            raise SidecarError(Reason.PEER_UNREACHABLE, f"{peer.peer_id}: no answer in {patience:g} s") from None

    async def _reach_once(self, peer: Peer) -> None:
        known = self.directory.touch(peer.peer_id)
        if not known.addresses():
            await self.exchange.find(peer.peer_id)
        addresses = known.addresses()
        if not addresses:
            raise SidecarError(
                Reason.PEER_UNKNOWN,
                f"nobody linked here knows where {peer.peer_id} is: add a contact for it, or bootstrap",
            )
        tried: list[HostPort] = []
        while True:
            try:
                await self.dialler.reach(addresses, peer.peer_id)
                return
            except SidecarError:
                tried += addresses
                addresses = [address for address in known.addresses() if address not in tried]
                if not addresses:  # none has become known meanwhile
                    raise

    def _give_up(self, peer: Peer, error: SidecarError) -> None:
        """The peer cannot be reached: everything that waits for it is reported, and its link's state is forgotten."""
        was_linked = peer.state is PeerState.RESUMING
        self._forget(peer, error.reason, error.detail, error)
        if was_linked:
            self._tell(PeerUnlinked(peer.peer_id, error.detail))

    def _forget(self, peer: Peer, reason: Reason, detail: str, error: SidecarError | None = None) -> None:
        if self.peers.get(peer.peer_id) is peer:
            del self.peers[peer.peer_id]
        peer.state = PeerState.KNOWN
        if peer.dialling is not None and peer.dialling is not asyncio.current_task():
            peer.dialling.cancel()
        if not peer.attempt.done():
            peer.attempt.set_exception(error or SidecarError(reason, detail))
            peer.attempt.exception()  # whoever waits learns it; often nobody does
        peer.lost = peer.link.outbound.fail(reason, detail)
        peer.link.inbound.reset()
        self._inbox.unregister(peer.link.inbound)
        known = self.directory.get(peer.peer_id)
        if known is not None:
            known.pinned = False
            if not known.addresses():  # it was never found
                self.directory.forget(peer.peer_id)
        self._changed(peer.peer_id)

    def _set_state(self, peer: Peer, state: PeerState) -> None:
        if peer.state is not state:
            peer.state = state
            self._changed(peer.peer_id)

    # Owner: what sessions ask

    def limits(self) -> wire_pb2.Limits:
        """See Owner."""
        return self._windows.limits()

    def greet(self, session: Session, peer_id: str) -> Greeting:
        """See Owner."""
        self._require_known(peer_id)
        return self._greeting(self._peer(peer_id))

    def _require_known(self, peer_id: str) -> None:
        """While none are made, only the links there are may get a connection, so that what was accepted can end
        well."""
        if self.refusing is not None and peer_id not in self.peers:
            raise Untrusted(Close.STOPPING, self.refusing)

    def _greeting(self, peer: Peer) -> Greeting:
        link = peer.link
        return Greeting(link.epoch, link.peer_epoch, link.inbound.received(), self.exchange.own_record())

    def admit(self, session: Session, introduced: Introduction) -> tuple[Link, Greeting]:
        """See Owner."""
        self._require_known(introduced.peer_id)
        if not session.dialled and len(self.peers) >= LINKS_MAX and introduced.peer_id not in self.peers:
            raise Untrusted(Close.BUSY, f"this sidecar is linked to {len(self.peers)} peers and takes no more")
        peer = self._peer(introduced.peer_id)
        if peer.leaving is not None and peer.leaving_here:
            raise Untrusted(Close.STOPPING, peer.leaving)
        link = peer.link
        if link.peer_instance not in (0, introduced.instance):
            # A restart, as a rule; two at once when the one that was replaced comes again.
            if introduced.instance in peer.former_instances:
                self._tell(InstanceConflict(peer.peer_id, session.remote))
            peer.former_instances.append(link.peer_instance)
        if link.peer_epoch not in (0, introduced.epoch):
            self._replace(peer, peer.sessions, "the peer has begun the link anew")
            if peer.state is PeerState.LINKED:
                self._resume(peer)  # should this connection be refused after all
        peer.renewed = link.meet_untrusted(
            introduced.instance,
            introduced.epoch,
            introduced.resume_epoch,
            introduced.received,
            told_epoch=introduced.told_epoch,
        )
        peer.agent = introduced.agent
        self.exchange.introduced(session, introduced)
        return link, self._greeting(peer)

    def settled(self, session: Session) -> None:
        """See Owner."""
        self._pumps[session].admitted()
        peer = self.peers[session.peer_id or ""]
        self._replace(peer, [s for s in peer.sessions if s.dialled == session.dialled], "a newer connection has come")
        peer.sessions.append(session)
        known = self.directory.reached(peer.peer_id, self._pumps[session].remote)
        known.pinned = True
        first = peer.state is not PeerState.LINKED
        if first or peer.renewed:
            resumed = peer.state is PeerState.RESUMING and not peer.renewed
            peer.leaving = None
            peer.settled_at = self._loop.time()
            self._set_state(peer, PeerState.LINKED)
            if not resumed:
                peer.linked_at = time.time()
                self._tell(PeerLinked(peer.peer_id, session.remote, session.dialled))
            _log.info("%s %s at %s", "resumed" if resumed else "linked", peer.peer_id, session.remote)
            self.exchange.linked(peer)
        if not peer.attempt.done():
            peer.attempt.set_result(None)
        peer.renewed = False
        self._counters.connection_attempts[_way(session), "ok"] += 1
        self._counters.handshake.add(self._loop.time() - session.began)
        self.dialler.settled(session)

    def _replace(self, peer: Peer, sessions: list[Session], why: str) -> None:
        for session in list(sessions):
            peer.sessions.remove(session)
            peer.link.detach(session)
            session.close(Close.REPLACED, why)

    def peers_requested(self, session: Session, peer_id: bytes) -> None:
        """See Owner."""
        self.exchange.requested(session, peer_id)

    def peers_told_untrusted(self, session: Session, peers: wire_pb2.Peers) -> None:
        """See Owner."""
        self.exchange.told_untrusted(session, peers)

    def going_away(self, session: Session, reason: str) -> None:
        """See Owner: the other side closes once all is acknowledged; nothing new goes to it."""
        peer = self.peers.get(session.peer_id or "")
        if peer is None:
            return
        if peer.leaving is not None:
            peer.goodbye.set()
            return
        peer.leaving = reason or "the peer is going away"
        outbox = peer.link.outbound.outbox
        outbox.withdraw(lambda run: True, Reason.LINK_CLOSED, f"{peer.peer_id}: {peer.leaving}")
        outbox.when_empty(lambda: session.go_away("done"))
        self._changed(peer.peer_id)

    def ended(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        """See Owner."""
        pump = self._pumps.pop(session, None)
        if pump is not None:
            self._counters.packets_lost += pump.statistics().packets_lost
        for ping in self._pings.pop(session, set()):
            if not ping.done():
                ping.set_exception(SidecarError(Reason.LINK_CLOSED, f"the connection ended before an answer: {reason}"))
        self.dialler.ended(session, code, reason, application, remote)
        self._counters.connections_closed[_cause(session, reason, application, remote)] += 1
        if session.link is None:
            self._refused(session, code, reason, application, remote)
            return
        peer = self.peers.get(session.peer_id or "")
        if peer is None or session not in peer.sessions:
            return
        peer.sessions.remove(session)
        self._tell_bad_end(session, peer, code, reason, application, remote)
        if peer.sessions:
            self._changed(peer.peer_id)
            return
        if peer.leaving is not None or (application and remote and code in (Close.DONE, Close.STOPPING)):
            why = peer.leaving or reason or "the peer closed the link"
            self._forget(peer, Reason.LINK_CLOSED, f"the link to {peer.peer_id} was closed: {why}")
            self._tell(PeerUnlinked(peer.peer_id, why))
            peer.goodbye.set()
            return
        _log.info("lost %s at %s (%s), resuming", peer.peer_id, session.remote, reason or f"code {code:#x}")
        if remote and application and code == Close.REPLACED and not self._shaking_hands(peer):
            self._rest(peer)
        self._resume(peer)

    def _shaking_hands(self, peer: Peer) -> bool:
        """Whether there is another connection of ours to the peer, which may have taken the place of one."""
        return any(session.peer_id == peer.peer_id for session in self._pumps)

    def _rest(self, peer: Peer) -> None:
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

    def _resume(self, peer: Peer) -> None:
        now = self._loop.time()
        peer.flaps = peer.flaps + 1 if now - peer.settled_at < STEADY else 0
        peer.gives_up_at = max(now, peer.rests_until) + self._resume_timeout
        self._begin(peer, PeerState.RESUMING)

    def _refused(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        peer = self.peers.get(session.peer_id or "")
        if (
            peer is not None
            and peer.state is PeerState.KNOWN
            and not any(other.peer_id == peer.peer_id for other in self._pumps)
        ):
            self._forget(peer, Reason.PEER_UNREACHABLE, reason)  # made to greet it, and for nothing else
        ours = session.closing
        if session.rejected is not None or (remote and application):
            told, by_peer = session.rejected or reason, True
        elif ours is not None and ours[0] is not Close.DONE and not remote:
            told, by_peer = ours[1], False
        else:
            self._counters.connection_attempts[_way(session), "failed"] += 1
            return
        self._counters.connection_attempts[_way(session), "refused"] += 1
        if ours is not None and ours[0] is Close.PROOF:
            self._counters.auth_failures += 1
        _log.info("refused: %s (%s)", told, session.remote)
        self._tell(PeerRefused(session.peer_id or "", session.remote, told, by_peer))

    def _tell_bad_end(
        self, session: Session, peer: Peer, code: int, reason: str, application: bool, remote: bool
    ) -> None:
        ours = session.closing
        if not remote and ours is not None and ours[0] in BROKEN:
            self._tell(PeerRefused(peer.peer_id, session.remote, ours[1], by_peer=False))
            _log.warning("closed the connection to %s: %s", peer.peer_id, ours[1])
        elif remote and application and code in BROKEN:
            self._tell(PeerRefused(peer.peer_id, session.remote, reason, by_peer=True))
            _log.warning("%s closed the connection: %s", peer.peer_id, reason)

    def known(self, peer_id: str) -> None:
        """A new record of a peer has come: it has started, or where it is has changed."""
        self._changed(peer_id)
        peer = self.peers.get(peer_id)
        if peer is None:
            return
        if peer.state is PeerState.RESUMING or (peer.state is PeerState.LINKED and self._silence(peer) > SUSPICION):
            self._dial_anew(peer)

    def _dial_anew(self, peer: Peer) -> None:
        if peer.dialling is not None:
            peer.dialling.cancel()
            peer.dialling = None
        if peer.state is PeerState.RESUMING:
            self._dial(peer)
        else:
            peer.dialling = self._loop.create_task(self._probe(peer))
            self._keep(peer.dialling)

    # doubts

    def _look(self) -> None:
        """Once a second: doubts connections that have fallen silent while messages wait for them."""
        self._check = self._loop.call_later(CHECK_INTERVAL, self._look)
        self._checks += 1
        if self._checks % RTT_INTERVAL == 0:
            for pump in self._pumps.values():
                rtt = pump.statistics().smoothed_rtt
                if rtt is not None:
                    self._counters.rtt.add(rtt)
        if self._checks % EXCHANGE_INTERVAL == 0:
            self.exchange.refresh()
        for peer in list(self.peers.values()):
            if peer.state is PeerState.LINKED and peer.dialling is None:
                self._doubt(peer)

    def _doubt(self, peer: Peer) -> None:
        now = self._loop.time()
        if self._silence(peer) < SILENCE:
            peer.asked_at = None
        elif peer.asked_at is None:
            peer.asked_at = now
            with contextlib.suppress(Untrusted):  # as many as may be are asked already
                peer.sessions[-1].ping(lambda answered_at: None)
        elif now - peer.asked_at >= SILENCE:
            self._dial_anew(peer)

    def _silence(self, peer: Peer) -> float:
        """Seconds without a packet while messages wait, be it for room over there; 0 when none do."""
        if not peer.link.outbound.outbox.messages:
            return 0.0
        return self._loop.time() - max(self._pumps[session].heard_at for session in peer.sessions)

    async def _probe(self, peer: Peer) -> None:
        """Dials a peer that is linked: the new connection takes over."""
        try:
            await self._reach_within(peer, PATIENCE[1])
        except SidecarError as error:
            _log.info("%s is silent and cannot be reached again yet: %s", peer.peer_id, error.detail)
        finally:
            if peer.dialling is asyncio.current_task():
                peer.dialling = None
        if peer.dialling is None and peer.state is PeerState.RESUMING:
            self._dial(peer)

    # pings and leaving

    async def ping(self, peer: Peer) -> float:
        """Seconds to the other sidecar and back."""
        if not peer.sessions:
            raise SidecarError(Reason.PEER_UNREACHABLE, f"the link to {peer.peer_id} is being resumed", retry_after=1)
        session = peer.sessions[-1]
        answered: asyncio.Future[float] = self._loop.create_future()
        waiting = self._pings.setdefault(session, set())
        waiting.add(answered)
        began = self._loop.time()
        try:
            session.ping(lambda now: None if answered.done() else answered.set_result(self._loop.time()))
            return await answered - began
        except Untrusted as error:
            raise SidecarError(Reason.LIMIT_REACHED, error.reason, retry_after=0.1) from error
        finally:
            waiting.discard(answered)

    async def leave(self, peer: Peer, why: str, timeout: float) -> int:
        """Closes a link once everything sent is acknowledged, or after `timeout` seconds; what waits for a link that is
        being made, or made again, gets it first. The number of messages without an outcome; each is reported to its
        sender."""
        until = self._loop.time() + timeout
        outbox = peer.link.outbound.outbox
        with contextlib.suppress(SidecarError, TimeoutError):
            async with asyncio.timeout_at(until):
                while peer.wanted and outbox.messages:
                    peer.leaving = why  # nothing new is taken
                    await asyncio.shield(peer.attempt)
        linked = peer.state is not PeerState.CONNECTING
        peer.leaving, peer.leaving_here = why, True
        if peer.sessions:
            empty = asyncio.Event()
            peer.sessions[-1].go_away(why)
            outbox.when_empty(empty.set)
            try:
                async with asyncio.timeout_at(until):
                    await empty.wait()
                    await peer.goodbye.wait()
            except TimeoutError:
                _log.info("%s is left before all is acknowledged", peer.peer_id)
        for session in list(peer.sessions):
            session.close(Close.DONE, why)
        if self.peers.get(peer.peer_id) is peer:
            self._forget(peer, Reason.LINK_CLOSED, f"the link to {peer.peer_id} was closed: {why}")
            if linked:
                self._tell(PeerUnlinked(peer.peer_id, why))
        return peer.lost

    def close(self) -> None:
        """Nothing is dialled or resumed any more; what is not known to be delivered is reported."""
        if self._check is not None:
            self._check.cancel()
            self._check = None
        self.exchange.close()
        for task in list(self._tasks):
            task.cancel()
        for peer in list(self.peers.values()):
            peer.leaving = peer.leaving or "the sidecar stops"
            self._forget(peer, Reason.LINK_CLOSED, peer.leaving)


def _way(session: Session) -> Direction:
    return "out" if session.dialled else "in"


def _cause(session: Session, reason: str, application: bool, remote: bool) -> CloseReason:
    """What ended a connection, for the metrics."""
    if not remote and session.closing is not None and session.closing[0] in BROKEN:
        return "untrusted"
    if application:
        return "remote" if remote else "local"
    return "idle_timeout" if reason == "idle timeout" else "lost"
