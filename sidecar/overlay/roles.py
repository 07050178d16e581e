"""Everything about roles that a session's frames and a connection's beginning and end set going."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.overlay.admission import Admission
from sidecar.overlay.dialback import Dialback
from sidecar.overlay.peer import Peer
from sidecar.overlay.prober import Prober
from sidecar.overlay.standing import CHECK_INTERVAL, Standing
from sidecar.transport.endpoint import Endpoint
from sidecar.wire.frames import FrameType, parse_untrusted
from sidecar.wire.hello import Introduction
from sidecar.wire.roles import Role
from sidecar.wire.session import Session

if TYPE_CHECKING:
    from sidecar.overlay.links import Links

REFRESH_INTERVAL = 300
"""Every so many seconds nodes that one side alone has checked are checked by another."""


class Roles:
    """See the module."""

    def __init__(self, links: Links) -> None:
        self.prober = Prober(links.local.trust)
        self.dialback = Dialback(links, self.prober)
        self.admission = Admission(links, self.prober)
        self.standing = Standing(links, self.dialback, links.local.role)
        self._links = links

    def start(self, endpoint: Endpoint) -> None:
        """The endpoint is open."""
        self.prober.endpoint = endpoint

    def close(self) -> None:
        """Nothing more is asked or answered."""
        self.dialback.close()
        self.admission.close()
        self.standing.close()

    def look(self, seconds: int) -> None:
        """Once a second."""
        self.standing.look_again()
        if seconds % CHECK_INTERVAL == 0:
            self.standing.check()
        if seconds % REFRESH_INTERVAL == 0:
            self.admission.refresh()

    def linked(self, session: Session, peer: Peer, introduced: Introduction) -> None:
        """A connection is part of its link."""
        self.admission.linked(session, peer, introduced)
        self.standing.linked(session)

    def ended(self, session: Session) -> None:
        """A connection is gone."""
        self.dialback.ended(session)
        self.admission.ended(session)

    def frame_untrusted(self, session: Session, kind: int, body: bytes) -> None:
        """A frame of ROLE_FRAMES. Raises Untrusted."""
        match kind:
            case FrameType.PROBE:
                self._probed(session, parse_untrusted(wire_pb2.Probe, body).nonce)
            case FrameType.CHECK if session.dialled:
                self.standing.check_asked_untrusted(session, parse_untrusted(wire_pb2.Check, body))
            case FrameType.DIALBACK if session.link is not None or session.visits:
                self.dialback.asked_untrusted(session, parse_untrusted(wire_pb2.Dialback, body))
            case FrameType.DIALBACK_RESULT:
                result = parse_untrusted(wire_pb2.DialbackResult, body)
                if not self.dialback.answered(session, result):
                    self.admission.answered(session, result)
            case FrameType.ADMITTED if session.link is not None:
                self.standing.admitted(session, parse_untrusted(wire_pb2.Admitted, body))
            case FrameType.ROLE_TOLD if session.link is not None:
                self._told(session, parse_untrusted(wire_pb2.RoleTold, body))

    def _probed(self, session: Session, nonce: bytes) -> None:
        """Somebody looks whether this process is at this address: it answers who has its nonce, and nobody else."""
        if self.dialback.expects(nonce) or self._links.has_said(nonce):
            session.say(FrameType.PROBE, wire_pb2.Probe(nonce=nonce))

    def _told(self, session: Session, told: wire_pb2.RoleTold) -> None:
        """A peer says what it is: a client is dialled no more. To become a node takes a dial-back, not its word."""
        peer = self._links.peers.get(session.peer_id or "")
        if peer is not None and told.role == wire_pb2.ROLE_CLIENT and any(not each.dialled for each in peer.sessions):
            self._links.set_role(peer, Role.CLIENT, 0)
