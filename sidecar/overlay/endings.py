"""Endings: what the end of a connection means for its link, and how a link is left on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from sidecar.errors import Reason, SidecarError
from sidecar.metrics import CloseReason, Counters, Direction
from sidecar.overlay.events import PeerRefused, PeerUnlinked
from sidecar.overlay.peer import Peer, PeerState
from sidecar.wire.errors import Close
from sidecar.wire.session import Session

if TYPE_CHECKING:
    from sidecar.overlay.links import Links

_log = logging.getLogger(__name__)

EXCLUDED = (Close.CERTIFICATE, Close.BLOCKED)
"""Close codes that say that a side does not want the other for a peer."""
BROKEN = (Close.MALFORMED, Close.CREDIT, Close.PROOF, Close.INTERNAL)
"""Close codes that say that a side has broken the protocol."""


class Endings:
    """See the module."""

    def __init__(self, links: Links, counters: Counters) -> None:
        self._links = links
        self._counters = counters

    def ended(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        """A connection is gone; see Owner."""
        self._counters.connections_closed[_cause(session, reason, application, remote)] += 1
        if session.link is None:
            self._refused(session, code, reason, application, remote)
            return
        peer = self._links.peers.get(session.peer_id or "")
        if peer is None or session not in peer.sessions:
            return
        peer.sessions.remove(session)
        self._tell_bad_end(session, peer, code, reason, application, remote)
        if peer.sessions:
            self._links.changed(peer.peer_id)
            self._links.roles.admission.restore(peer)
            return
        if peer.leaving is not None or (application and remote and code in (Close.DONE, Close.STOPPING, *EXCLUDED)):
            why = peer.leaving or reason or "the peer closed the link"
            self._links.forget(peer, Reason.LINK_CLOSED, f"the link to {peer.peer_id} was closed: {why}")
            self._links.parted(peer.peer_id)
            self._links.tell(PeerUnlinked(peer.peer_id, why))
            peer.goodbye.set()
            return
        _log.info("lost %s at %s (%s), resuming", peer.peer_id, session.remote, reason or f"code {code:#x}")
        if remote and application and code == Close.REPLACED and not self._links.sessions_with(peer.peer_id):
            self._links.resuming.rest(peer)
        self._links.resuming.resume(peer)

    def _refused(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        peer = self._links.peers.get(session.peer_id or "")
        if peer is not None and peer.state is PeerState.KNOWN and not self._links.sessions_with(peer.peer_id):
            self._links.forget(peer, Reason.PEER_UNREACHABLE, reason)  # made to greet it, and for nothing else
        told_code = session.rejected_code if session.rejected is not None else code
        if session.visits or (told_code == Close.DONE and (session.rejected is not None or (remote and application))):
            return  # a probe or a visit that is over, a dial that is not needed any more, a link that is being left
        ours = session.closing
        if session.rejected_code == Close.UNREACHABLE or (remote and application and code == Close.UNREACHABLE):
            self._links.roles.standing.refused(session, session.rejected or reason)
        if session.rejected is not None or (remote and application):
            told, by_peer = session.rejected or reason, True
        elif ours is not None and ours[0] is not Close.DONE and not remote:
            told, by_peer = ours[1], False
        else:
            self._counters.connection_attempts[way(session), "failed"] += 1
            return
        self._counters.connection_attempts[way(session), "refused"] += 1
        if ours is not None and ours[0] in (Close.PROOF, *EXCLUDED):
            self._counters.auth_failures += 1
        _log.info("refused: %s (%s)", told, session.remote)
        self._links.tell(PeerRefused(session.peer_id or "", session.remote, told, by_peer))

    def _tell_bad_end(
        self, session: Session, peer: Peer, code: int, reason: str, application: bool, remote: bool
    ) -> None:
        ours = session.closing
        if not remote and ours is not None and ours[0] in (*BROKEN, *EXCLUDED):
            self._links.tell(PeerRefused(peer.peer_id, session.remote, ours[1], by_peer=False))
            _log.warning("closed the connection to %s: %s", peer.peer_id, ours[1])
        elif remote and application and code in (*BROKEN, *EXCLUDED):
            self._links.tell(PeerRefused(peer.peer_id, session.remote, reason, by_peer=True))
            _log.warning("%s closed the connection: %s", peer.peer_id, reason)

    def going_away(self, peer: Peer, session: Session, reason: str) -> None:
        """The other side closes once all is acknowledged; nothing new goes to it."""
        if peer.leaving is not None:
            peer.goodbye.set()
            return
        peer.leaving = reason or "the peer is going away"
        outbox = peer.link.outbound.outbox
        outbox.withdraw(lambda run: True, Reason.LINK_CLOSED, f"{peer.peer_id}: {peer.leaving}")
        outbox.when_empty(lambda: session.go_away("done"))
        self._links.changed(peer.peer_id)

    async def leave(self, peer: Peer, why: str, timeout: float) -> int:
        """Closes a link once everything sent is acknowledged, or after `timeout` seconds; what waits for a link that is
        being made, or made again, gets it first. The number of messages without an outcome; each is reported to its
        sender."""
        until = asyncio.get_running_loop().time() + timeout
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
            answered = asyncio.Event()
            peer.link.flows.when_answered(answered.set)
            try:
                async with asyncio.timeout_at(until):
                    await empty.wait()
                    await answered.wait()
                    await peer.goodbye.wait()
            except TimeoutError:
                _log.info("%s is left before all is acknowledged", peer.peer_id)
        self.part(peer, why, linked=linked)
        return peer.lost

    def part(self, peer: Peer, why: str, *, linked: bool) -> None:
        """Closes a link at once; what is not acknowledged is reported."""
        peer.leaving, peer.leaving_here = why, True
        for session in self._links.sessions_with(peer.peer_id):  # one that is being dialled would link it again
            session.close(Close.DONE, why)
        if self._links.peers.get(peer.peer_id) is peer:
            self._links.forget(peer, Reason.LINK_CLOSED, f"the link to {peer.peer_id} was closed: {why}")
            if linked:
                self._links.tell(PeerUnlinked(peer.peer_id, why))


def way(session: Session) -> Direction:
    """Who dialled the connection, for the metrics."""
    return "out" if session.dialled else "in"


def _cause(session: Session, reason: str, application: bool, remote: bool) -> CloseReason:
    """What ended a connection, for the metrics."""
    if not remote and session.closing is not None and session.closing[0] in BROKEN:
        return "untrusted"
    if application:
        return "remote" if remote else "local"
    return "idle_timeout" if reason == "idle timeout" else "lost"
