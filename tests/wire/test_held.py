"""A dialler that is to wait until it was dialled back: what it sends is held, bounded, and released or dropped."""

from __future__ import annotations

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.errors import Close
from sidecar.wire.frames import FrameType
from sidecar.wire.hello import Greeting, Introduction
from sidecar.wire.incoming import HELD_MAX
from sidecar.wire.lanes import encode_lane_frame
from sidecar.wire.link import Link
from sidecar.wire.session import CHECK_TIMEOUT, Session
from tests.wire.pipe import Pipes
from tests.wire.side import Side, entry
from tests.wire.stranger import Stranger


class Careful(Side):
    """Welcomes nobody before it is told to."""

    held: tuple[Session, Introduction] | None = None

    def admit(self, session: Session, peer: Introduction) -> tuple[Link, Greeting] | None:  # type: ignore[override]
        """See Owner."""
        self.held = session, peer
        return None

    def let_in(self) -> None:
        """Whoever waits is welcomed."""
        assert self.held is not None
        session, introduced = self.held
        session.welcome(*super().admit(session, introduced), 1.0)


def waiting() -> tuple[Careful, Stranger]:
    """A newcomer that waits, having sent a message."""
    pipes = Pipes()
    victim = Careful(len(pipes.sides))
    pipes.sides.append(victim)
    newcomer = Stranger(pipes, victim)
    newcomer.introduce(role=wire_pb2.ROLE_NODE)
    assert victim.held is not None
    assert victim.held[1].nonce == b"n" * 32
    assert newcomer.said(FrameType.WELCOME) == []
    body = entry(b"early")
    newcomer.open(1, 1, 0, data=encode_lane_frame(0, 1, len(body)) + body)
    newcomer.run()
    return victim, newcomer


def test_messages_before_admission_are_held_and_released() -> None:
    victim, newcomer = waiting()
    reader = victim.read()
    newcomer.run()
    assert reader.payloads == []
    victim.let_in()
    newcomer.run()
    assert newcomer.said(FrameType.WELCOME)
    assert reader.payloads == [b"early"]


def test_messages_of_who_is_refused_reach_nobody() -> None:
    victim, newcomer = waiting()
    reader = victim.read()
    newcomer.session.close(Close.UNREACHABLE, "cannot be dialled back")
    newcomer.run()
    assert newcomer.closed_with == (Close.UNREACHABLE, "cannot be dialled back")
    assert reader.payloads == []
    assert victim.peers == {}


def test_what_is_held_before_admission_is_bounded() -> None:
    _, newcomer = waiting()
    newcomer.open(1, 0, 0, data=bytes(HELD_MAX))
    newcomer.run()
    assert newcomer.closed_with is not None
    assert newcomer.closed_with[0] == Close.MALFORMED


def test_the_wait_has_an_end() -> None:
    _, newcomer = waiting()
    assert newcomer.session.deadline() == newcomer.session.began + CHECK_TIMEOUT
    newcomer.session.fill(newcomer.session.began + CHECK_TIMEOUT)
    newcomer.run()
    assert newcomer.closed_with is not None
    assert newcomer.closed_with[0] == Close.HANDSHAKE_TIMEOUT
