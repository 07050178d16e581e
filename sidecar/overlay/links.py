"""Links: made, resumed, replaced, given up. The owner of every session."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection

from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.mail.inbox import Inbox
from sidecar.metrics import Counters
from sidecar.overlay.dialler import NOT_NEEDED, Dialler
from sidecar.overlay.directory import Directory, HostPort
from sidecar.overlay.endings import Endings, way
from sidecar.overlay.events import Event, InstanceConflict, PeerLinked
from sidecar.overlay.exchange import Exchange
from sidecar.overlay.exclusion import Exclusion
from sidecar.overlay.peer import Peer, PeerState, not_dialable
from sidecar.overlay.resuming import Resuming
from sidecar.overlay.roles import Roles
from sidecar.overlay.roster import Roster
from sidecar.transport.pump import Pump
from sidecar.trust import Refused
from sidecar.wire.budget import Windows
from sidecar.wire.datagrams import Dropped
from sidecar.wire.errors import Close, Untrusted
from sidecar.wire.flow import Cause, Flow, FlowMemory
from sidecar.wire.flows import Flows
from sidecar.wire.hello import Greeting, Introduction, LocalPeer
from sidecar.wire.inbound import Inbound
from sidecar.wire.link import Link
from sidecar.wire.outbound import Outbound
from sidecar.wire.outbox import Outbox
from sidecar.wire.roles import Role
from sidecar.wire.session import Session

_log = logging.getLogger(__name__)

FLOW_BYTES = 64 << 20
"""What apps have written to byte streams and requests, and the other side has not acknowledged, in all."""
FORMER_INSTANCES = 4
"""Starts of a peer that are remembered, to tell two of one key from one that has started again."""

LINKS_MAX = 16_384
"""Peers, linked or being dialled, above which no stranger is let in."""


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
        self._loose: dict[Session, None] = {}
        """Connections that are no part of a link: not welcomed yet, or closed here."""
        self._said: dict[bytes, Session] = {}
        """Those that this side has dialled, by the nonce of its HELLO."""
        self.roster = Roster()
        """Who is linked."""
        self.nodes = Roster()
        """Those of them that are nodes."""
        self.dialler = Dialler(local, self, self._made, handshake_timeout=handshake_timeout)
        self.exchange = Exchange(self)
        self.roles = Roles(self)
        self.peers: dict[str, Peer] = {}
        self.flow_memory = FlowMemory(FLOW_BYTES)
        self.on_flow: Callable[[Flow], None] = lambda flow: flow.reset(Cause.NO_SUBSCRIBER, detail="nobody takes flows")
        """Told of each request and byte stream that comes in."""
        self.verified: Callable[[Peer, HostPort, bytes], None] = lambda peer, address, certificate: None
        """Told of each node that this side has dialled, directly, and linked to, with its certificate (DER)."""
        self.lapsed: Callable[[str], None] = lambda peer_id: None
        """Told of each peer that turns out to be a client."""
        self.parted: Callable[[str], None] = lambda peer_id: None
        """Told of each peer that has left this side on purpose."""
        self.held: Callable[[list[Peer]], None] = lambda peers: None
        """Told every few minutes who is linked."""
        self.on_datagram: Callable[[str, str, bytes], None] = lambda peer_id, channel, payload: None
        """Told of each datagram that comes in: peer, channel, payload."""
        self.refusing: str | None = None
        """Why no new links are made, once none are."""
        self._inbox = inbox
        self._windows = windows
        self._limits = windows.limits()
        self._outbox_bytes = outbox_bytes
        self._handshake_timeout = handshake_timeout
        self._counters = counters
        self.tell = tell
        self.changed = changed
        self._loop = asyncio.get_running_loop()
        self.resuming = Resuming(self, counters, resume_timeout=resume_timeout)
        self._endings = Endings(self, counters)
        self.exclusion = Exclusion(self)
        self.on_outcomes: Callable[[str, list[wire_pb2.OutcomeRange]], None] = lambda peer_id, ranges: None
        """Told what a peer says of kept messages."""
        self.on_connected: Callable[[Peer], None] = lambda peer: None
        """Told of each connection that is welcomed."""
        self._pings: dict[Session, set[asyncio.Future[float]]] = {}
        self._introduced: dict[Session, Introduction] = {}
        """What was said on a connection that is admitted and not settled yet."""

    # looking

    @property
    def linked(self) -> list[Peer]:
        """Peers with a connection."""
        return list(self.roster)

    def state(self, peer_id: str) -> PeerState:
        """How a peer stands."""
        peer = self.peers.get(peer_id)
        return PeerState.KNOWN if peer is None else peer.state

    @property
    def pumps(self) -> Collection[Pump]:
        """Every connection there is."""
        return self._pumps.values()

    @property
    def sessions(self) -> Collection[Session]:
        """Every session there is."""
        return self._pumps.keys()

    def sessions_with(self, peer_id: str | None) -> list[Session]:
        """Every connection to a peer, those that are not welcomed yet included."""
        peer = self.peers.get(peer_id or "")
        found = [] if peer is None else list(peer.sessions)
        return found + [session for session in self._loose if session.peer_id == peer_id]

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
        self._made(session, pump)
        return session

    def _made(self, session: Session, pump: Pump) -> None:
        self._pumps[session] = pump
        self._loose[session] = None
        if session.dialled:
            self._said[session.nonce] = session

    def want(self, peer_id: str) -> Peer:
        """The peer, being dialled if it is not linked. SidecarError when it cannot be: refusing, oneself, unknown."""
        linked = self.peers.get(peer_id)
        if linked is not None and linked.state is PeerState.LINKED and linked.leaving is None and self.refusing is None:
            return linked  # as nearly every message finds it; who is not trusted any more is parted from at once
        self._require_open()
        self._require_other(peer_id)
        self._require_trusted(peer_id)
        self._require_dialable(peer_id)
        peer = self._peer(peer_id)
        if peer.leaving is not None:
            raise SidecarError(
                Reason.LINK_CLOSED, f"the link to {peer_id} is being closed: {peer.leaving}", retry_after=1
            )
        if peer.state is PeerState.KNOWN:
            self.resuming.begin(peer, PeerState.CONNECTING)
        return peer

    async def connect(self, peer_id: str) -> Peer:
        """Links to a peer; every caller waits for the one attempt there is. SidecarError tells why there is no link."""
        peer = self.want(peer_id)
        if peer.state is not PeerState.LINKED:
            await asyncio.shield(peer.attempt)
        return peer

    async def connect_address(
        self, addresses: list[HostPort], expected: str | None, *, name: str | None = None
    ) -> Peer:
        """Links to whoever is at one of some addresses. `name` is the DNS name they were found under."""
        self._require_open()
        self._require_other(expected)
        if expected is not None:
            for address in reversed(addresses):
                known = self.directory.touch(expected)
                known.told = (address, *(other for other in known.told if other != address))
                known.client = False  # whoever names an address wants it dialled
            return await self.connect(expected)
        return await self.meet(addresses, None, name=name)

    async def meet(
        self, addresses: list[HostPort], expected: str | None, *, name: str | None = None,
        made: list[Session] | None = None,
    ) -> Peer:  # fmt: skip
        """The same for one attempt, which ends with its caller and leaves the peer otherwise as it stood; `made` gets
        its sessions."""
        self._require_open()
        self._require_other(expected)
        if expected is not None:
            self._require_trusted(expected)
        elif name is None and self.local.trust.needs_name:
            raise SidecarError(
                Reason.PEER_UNTRUSTED, "a contact with neither a DNS name nor a peer id: nobody can be the right one"
            )
        for peer in self.linked:
            if peer.peer_id == expected:
                return peer
            if expected is None and any(
                self._pumps[session].remote in addresses and self.local.trust.is_for(session.credential, name)
                for session in peer.sessions
            ):
                return peer
        session = await self.dialler.reach(addresses, expected, name=name, made=made)
        found = self.peers.get(session.peer_id or "")
        if found is None:
            raise SidecarError(Reason.LINK_CLOSED, f"the link to {session.remote} was closed at once")
        return found

    def let_go(self, session: Session) -> None:
        """Closes a connection of an attempt that is not needed any more, unless somebody else waits for that peer or
        uses the link. The peer may have welcomed it by then: it learns at once that there is no link after all."""
        peer = self.peers.get(session.peer_id or "")
        if session.link is None:
            if peer is None or not (peer.sessions or peer.wanted):
                session.close(Close.DONE, NOT_NEEDED)
        elif peer is not None and peer.sessions == [session] and not peer.used:
            self._endings.part(peer, NOT_NEEDED, linked=True)

    def _require_open(self) -> None:
        if self.refusing is not None:
            raise SidecarError(Reason.DRAINING, self.refusing, retry_after=5)

    def _require_other(self, peer_id: str | None) -> None:
        if peer_id == self.local.identity.peer_id:
            raise SidecarError(Reason.PEER_IS_SELF, "this is the sidecar's own peer id: name another peer")

    def _require_trusted(self, peer_id: str) -> None:
        try:
            self.local.trust.access.judge(peer_id)
        except Refused as refused:
            raise SidecarError(Reason.PEER_UNTRUSTED, f"{peer_id}: {refused}") from refused

    def _require_dialable(self, peer_id: str) -> None:
        known, peer = self.directory.get(peer_id), self.peers.get(peer_id)
        if known is not None and known.client and (peer is None or peer.state is PeerState.KNOWN):
            raise not_dialable(peer_id)

    def _peer(self, peer_id: str) -> Peer:
        peer = self.peers.get(peer_id)
        if peer is None:
            inbound = Inbound(self._windows, self._inbox, peer_id)
            self._inbox.register(inbound)
            peer = Peer(peer_id, Link(peer_id, Outbound(Outbox(self._outbox_bytes)), inbound, self._flows(peer_id)))
            peer.link.datagrams.came = lambda channel, payload: self.on_datagram(peer_id, channel, payload)
            peer.link.datagrams.dropped = self._datagrams_dropped
            self.peers[peer_id] = peer
            self.directory.touch(peer_id).pinned = True
        return peer

    def _flows(self, peer_id: str) -> Flows:
        return Flows(peer_id, self.flow_memory, self._flow_came)

    def _datagrams_dropped(self, why: Dropped, count: int) -> None:
        self._counters.datagrams_dropped[why] += count

    def _flow_came(self, flow: Flow) -> None:
        self.on_flow(flow)

    def known(self, peer_id: str) -> None:
        """A new record of a peer has come: it has started, or where it is has changed."""
        self.changed(peer_id)
        peer = self.peers.get(peer_id)
        if peer is not None:
            self.resuming.moved(peer)

    def forget(self, peer: Peer, reason: Reason, detail: str, error: SidecarError | None = None) -> None:
        """The link is over: who waits for it is told `error`, what was not acknowledged is reported."""
        if self.peers.get(peer.peer_id) is peer:
            del self.peers[peer.peer_id]
        peer.state = PeerState.KNOWN
        self._enlist(peer)
        if peer.dialling is not None and peer.dialling is not asyncio.current_task():
            peer.dialling.cancel()
        if peer.reversing is not None:
            peer.reversing.cancel()
        for session in self.sessions_with(peer.peer_id):
            if session.dialled and session.link is None:  # it speaks for a link that is over
                session.close(Close.DONE, "not needed any more")
        self._loose.update(dict.fromkeys(peer.sessions))
        peer.sessions.clear()  # a check of its role that is under way learns that it is gone
        if not peer.attempt.done():
            peer.attempt.set_exception(error or SidecarError(reason, detail))
            peer.attempt.exception()  # whoever waits learns it; often nobody does
        peer.lost = peer.link.outbound.fail(reason, detail)
        peer.link.inbound.reset()
        peer.link.flows.fail(detail, reason)
        self._inbox.unregister(peer.link.inbound)
        known = self.directory.get(peer.peer_id)
        if known is not None:
            known.pinned = False
            if not known.addresses() and not known.client:  # it was never found
                self.directory.forget(peer.peer_id)
        self.changed(peer.peer_id)

    def set_state(self, peer: Peer, state: PeerState) -> None:
        """How the peer stands from now on."""
        if peer.state is not state:
            peer.state = state
            self._enlist(peer)
            self.changed(peer.peer_id)

    def _enlist(self, peer: Peer) -> None:
        linked = peer.state is PeerState.LINKED
        self.roster.set(peer, there=linked)
        self.nodes.set(peer, there=linked and peer.role is Role.NODE)

    def set_role(self, peer: Peer, role: Role, checked_by: int) -> None:
        """What a peer is taken for from now on."""
        known = self.directory.touch(peer.peer_id)
        known.client = role is Role.CLIENT
        if known.client:
            known.record = None
        former = peer.role, peer.checked_by
        peer.role, peer.checked_by = role, checked_by
        self._enlist(peer)
        if former != (role, checked_by):
            self.changed(peer.peer_id)
        if former[0] is not role:
            self.exchange.decided(peer)
            self._remember(peer)

    def _remember(self, peer: Peer) -> None:
        """What a peer is taken for has changed: a node that was dialled is a way back into the network, a client is
        none."""
        if peer.role is Role.CLIENT:
            self.lapsed(peer.peer_id)
        for session in peer.sessions:
            if session.dialled and peer.role is Role.NODE:
                self.verified(peer, self._pumps[session].remote, session.certificate)

    def has_said(self, nonce: bytes, peer_id: str | None = None) -> bool:
        """Whether the nonce is that of a HELLO which this side has said, to that peer if one is given, on a connection
        that lives."""
        session = self._said.get(nonce)
        return session is not None and session.closing is None and peer_id in (None, session.peer_id)

    # Owner: what sessions ask

    def limits(self) -> wire_pb2.Limits:
        """See Owner."""
        return self._limits

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

    def admit(self, session: Session, introduced: Introduction) -> tuple[Link, Greeting] | None:
        """See Owner."""
        if not session.dialled and self.local.role is Role.CLIENT:
            raise Untrusted(Close.NOT_DIALABLE, "this sidecar is a client: it dials, and is not dialled")
        self._require_known(introduced.peer_id)
        if not session.dialled and introduced.role is Role.VISITOR:
            return None
        if not session.dialled and len(self.peers) >= LINKS_MAX and introduced.peer_id not in self.peers:
            raise Untrusted(Close.BUSY, f"this sidecar is linked to {len(self.peers)} peers and takes no more")
        if not session.dialled and introduced.answers and not self.has_said(introduced.answers, introduced.peer_id):
            raise Untrusted(Close.DONE, "the connection that this one answers is gone")
        if not session.dialled and self.roles.admission.wanted(session, introduced):
            self.roles.admission.hold(session, introduced)
            return None
        return self._admit(session, introduced)

    def let_in(self, session: Session, introduced: Introduction) -> None:
        """A dialler that was to wait is welcomed."""
        try:
            self._require_known(introduced.peer_id)
            admitted = self._admit(session, introduced)
        except Untrusted as error:
            session.close(error.code, error.reason)
        else:
            session.welcome(*admitted, self._loop.time())

    def _admit(self, session: Session, introduced: Introduction) -> tuple[Link, Greeting]:
        peer = self._peer(introduced.peer_id)
        if peer.leaving is not None and peer.leaving_here:
            raise Untrusted(Close.DONE, peer.leaving)
        link = peer.link
        if link.peer_instance not in (0, introduced.instance):
            # A restart, as a rule; two at once when the one that was replaced comes again.
            if introduced.instance in peer.former_instances:
                self.tell(InstanceConflict(peer.peer_id, session.remote))
            peer.former_instances = (*peer.former_instances, link.peer_instance)[-FORMER_INSTANCES:]
            peer.role, peer.checked_by, peer.called = None, 0, False
            self._enlist(peer)
        if link.peer_epoch not in (0, introduced.epoch):
            self._replace(peer, peer.sessions, "the peer has begun the link anew")
            if peer.state is PeerState.LINKED:
                self.resuming.resume(peer)  # should this connection be refused after all
        peer.renewed = link.meet_untrusted(
            introduced.instance,
            introduced.epoch,
            introduced.resume_epoch,
            introduced.received,
            told_epoch=introduced.told_epoch,
        )
        peer.agent = introduced.agent
        self._introduced[session] = introduced
        peer.labels = introduced.labels
        self.exchange.introduced(session, introduced)
        return link, self._greeting(peer)

    def settled(self, session: Session) -> None:
        """See Owner."""
        self._pumps[session].admitted()
        peer = self.peers[session.peer_id or ""]
        self._replace(peer, [s for s in peer.sessions if s.dialled == session.dialled], "a newer connection has come")
        peer.sessions.append(session)
        self._loose.pop(session, None)
        introduced = self._introduced.pop(session)
        if session.dialled or introduced.role is not Role.CLIENT:
            self.directory.reached(peer.peer_id, self._pumps[session].remote)
        self.directory.touch(peer.peer_id).pinned = True
        first = peer.state is not PeerState.LINKED
        if first or peer.renewed:
            resumed = peer.state is PeerState.RESUMING and not peer.renewed
            peer.leaving = None
            peer.settled_at = self._loop.time()
            self.set_state(peer, PeerState.LINKED)
            if not resumed:
                peer.linked_at = time.time()
                self.tell(PeerLinked(peer.peer_id, session.remote, session.dialled))
            _log.info("%s %s at %s", "resumed" if resumed else "linked", peer.peer_id, session.remote)
            self.exchange.linked(peer)
        else:
            self.changed(peer.peer_id)
        if not peer.attempt.done():
            peer.attempt.set_result(None)
        self.on_connected(peer)
        peer.renewed = False
        self._counters.connection_attempts[way(session), "ok"] += 1
        self._counters.handshake.add(self._loop.time() - session.began)
        self.dialler.settled(session)
        was_node = peer.role is Role.NODE
        self.roles.linked(session, peer, introduced)
        if was_node and session.dialled:
            self.verified(peer, self._pumps[session].remote, session.certificate)

    def _replace(self, peer: Peer, sessions: list[Session], why: str) -> None:
        for session in list(sessions):
            peer.sessions.remove(session)
            self._loose[session] = None
            peer.link.detach(session)
            session.close(Close.REPLACED, why)

    def peers_requested(self, session: Session, peer_id: bytes) -> None:
        """See Owner."""
        self.exchange.requested(session, peer_id)

    def role_frame_untrusted(self, session: Session, kind: int, body: bytes) -> None:
        """See Owner."""
        self.roles.frame_untrusted(session, kind, body)

    def peers_told_untrusted(self, session: Session, peers: wire_pb2.Peers) -> None:
        """See Owner."""
        self.exchange.told_untrusted(session, peers)

    def outcomes_told(self, session: Session, ranges: list[wire_pb2.OutcomeRange]) -> None:
        """See Owner."""
        self.on_outcomes(session.peer_id or "", ranges)

    def going_away(self, session: Session, reason: str) -> None:
        """See Owner."""
        peer = self.peers.get(session.peer_id or "")
        if peer is not None:
            self._endings.going_away(peer, session, reason)

    def ended(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        """See Owner."""
        pump = self._pumps.pop(session, None)
        self._loose.pop(session, None)
        self._said.pop(session.nonce, None)
        self._introduced.pop(session, None)
        if pump is not None:
            self._counters.packets_lost += pump.statistics().packets_lost
        for ping in self._pings.pop(session, set()):
            if not ping.done():
                ping.set_exception(SidecarError(Reason.LINK_CLOSED, f"the connection ended before an answer: {reason}"))
        self.dialler.ended(session, code, reason, application, remote)
        self.roles.ended(session)
        self._endings.ended(session, code, reason, application, remote)

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
        """See Endings.leave."""
        return await self._endings.leave(peer, why, timeout)

    def close(self) -> None:
        """Nothing is dialled or resumed any more; what is not known to be delivered is reported."""
        self.exchange.close()
        self.roles.close()
        self.resuming.close()
        for peer in list(self.peers.values()):
            peer.leaving = peer.leaving or "the sidecar stops"
            self.forget(peer, Reason.LINK_CLOSED, peer.leaving)
