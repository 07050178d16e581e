"""What a session has above and below it: who keeps the links, and the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.hello import Greeting, Introduction
from sidecar.wire.link import Link
from sidecar.wire.streams import Streams

if TYPE_CHECKING:
    from sidecar.wire.session import Session


class Owner(Protocol):
    """Who keeps the links. The verbs may raise Untrusted to refuse."""

    def limits(self) -> wire_pb2.Limits:
        """What this side accepts on any link."""
        ...

    def greet(self, session: Session, peer_id: str) -> Greeting:
        """What to say to a peer whose certificate was just seen, before it has answered."""
        ...

    def admit(self, session: Session, peer: Introduction) -> tuple[Link, Greeting] | None:
        """The peer has introduced itself: the link it belongs to, and what to answer. `settled` follows. None for a
        dialler that is to wait, for `Session.welcome`, or whose connection is for no link."""
        ...

    def settled(self, session: Session) -> None:
        """The session is part of its link now; on the accepting side WELCOME is written."""
        ...

    def peers_requested(self, session: Session, peer_id: bytes) -> None:
        """PEERS_REQUEST; `peer_id` is empty or 32 bytes."""
        ...

    def peers_told_untrusted(self, session: Session, peers: wire_pb2.Peers) -> None:
        """PEERS."""
        ...

    def outcomes_told(self, session: Session, ranges: list[wire_pb2.OutcomeRange]) -> None:
        """OUTCOMES."""
        ...

    def role_frame_untrusted(self, session: Session, kind: int, body: bytes) -> None:
        """A frame of ROLE_FRAMES; before WELCOME too."""
        ...

    def going_away(self, session: Session, reason: str) -> None:
        """GOAWAY."""
        ...

    def ended(self, session: Session, code: int, reason: str, application: bool, remote: bool) -> None:
        """The connection is gone. Always the last call."""
        ...


class Connection(Streams, Protocol):
    """The connection under a session."""

    def wake(self, *, busy: bool = False) -> None:
        """Asks for a `fill` soon; when `busy`, a moment later may do, so that more goes with it."""
        ...
