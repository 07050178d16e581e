"""A peer that knows the protocol and keeps no rule of it: it says hello as it is told to, and then whatever bytes a
test writes."""

from __future__ import annotations

from typing import Any

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import Identity
from sidecar.wire import proof, varint
from sidecar.wire.frames import FrameReader, FrameType, encode
from sidecar.wire.session import Session
from tests.wire.pipe import PipeEnd, Pipes
from tests.wire.side import Side, identity

LIMITS = wire_pb2.Limits(
    max_message_bytes=1 << 20, link_bytes=1 << 20, link_messages=1000, channel_bytes=80_000, channel_messages=100,
    max_channels=8,
)  # fmt: skip


class Stranger:
    """One end of a connection to a side under test."""

    def __init__(self, pipes: Pipes, victim: Side, *, dials: bool = True, number: int = 40) -> None:
        self.identity: Identity = identity(number)
        self.pipes = pipes
        near, far = pipes.ends_of_new((victim if dials else self).identity.certificate_der)
        self.end: PipeEnd = near if dials else far
        self.end.protocol = self
        self.session: Session = pipes.seat(victim, far if dials else near)
        """The victim's."""
        self.frames: list[tuple[int, bytes]] = []
        """Control frames that came."""
        self.closed_with: tuple[int, str] | None = None
        self.acceptor_leaf = b"" if dials else self.identity.certificate_der
        self._reader = FrameReader()
        self._control_in: int | None = None
        self.control = self.end.open_stream()
        self.write(b"\x00")

    @property
    def peer_id(self) -> str:
        """Who it is."""
        return self.identity.peer_id

    # StreamProtocol

    def established(self, chain: tuple[bytes, ...], now: float) -> None:
        """Knows the acceptor."""
        if chain:
            self.acceptor_leaf = chain[0]

    def opened(self, now: float) -> None:
        """Says nothing by itself."""

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        """Reads control frames."""
        if self._control_in is None and data[:1] == b"\x00":
            self._control_in, data = stream_id, data[1:]
        if stream_id == self._control_in:
            self.frames += self._reader.feed_untrusted(data)

    def stream_reset(self, stream_id: int, code: int, now: float) -> None:
        """Does nothing."""

    def stop_sending(self, stream_id: int, code: int, now: float) -> None:
        """Does nothing."""

    def datagram(self, data: bytes, now: float) -> None:
        """Does nothing."""

    def fill(self, now: float) -> None:
        """Does nothing."""

    def deadline(self) -> float | None:
        """Has none."""
        return None

    def closed(self, code: int, reason: str, application: bool, remote: bool, now: float) -> None:
        """Remembers why."""
        self.closed_with = (code, reason)

    # verbs

    def write(self, data: bytes) -> None:
        """Bytes on the control stream."""
        self.end.send(self.control, data)

    def frame(self, kind: FrameType, body: Any) -> None:
        """A control frame."""
        self.write(encode(kind, body if isinstance(body, bytes) else body.SerializeToString()))

    def open(self, *numbers: int, data: bytes = b"", fin: bool = False) -> int:
        """A unidirectional stream that begins with some varints."""
        stream_id = self.end.open_stream()
        self.end.send(stream_id, b"".join(map(varint.encode, numbers)) + data, fin)
        return stream_id

    def said(self, kind: FrameType) -> list[bytes]:
        """The bodies of frames of a kind that came."""
        return [body for number, body in self.frames if number == kind]

    def run(self) -> None:
        """Until nothing happens any more."""
        self.pipes.run()

    # handshakes

    def hello(self, **changes: Any) -> bytes:
        """The body of a dialler's HELLO, right but for `changes`."""
        fields: dict[str, Any] = {
            "version": 1, "nonce": b"n" * 32, "limits": LIMITS, "network_id": "test", "instance": 7, "epoch": 9,
            "agent": "stranger", "observed": "10.0.0.2:1",
        }  # fmt: skip
        return wire_pb2.Hello(**(fields | changes)).SerializeToString()

    def proof(self, hello: bytes, *, by: Identity | None = None, **changes: Any) -> wire_pb2.Proof:
        """The proof over a HELLO, right but for `changes` to the transcript's parts."""
        said = wire_pb2.AcceptorHello.FromString(self.said(FrameType.HELLO)[0])
        parts: dict[str, bytes] = {
            "acceptor_leaf": self.acceptor_leaf, "acceptor_nonce": said.nonce, "dialler_nonce": b"n" * 32,
            "hello_body": hello,
        }  # fmt: skip
        signer = by or self.identity
        signed = proof.transcript(**(parts | changes))
        return wire_pb2.Proof(certificates=[self.identity.certificate_der], signature=signer.sign(signed))

    def introduce(self, **changes: Any) -> None:
        """Dials properly until WELCOME."""
        self.run()
        hello = self.hello(**changes)
        self.frame(FrameType.HELLO, hello)
        self.frame(FrameType.PROOF, self.proof(hello))
        self.run()

    def accept(self, *, say_welcome: bool = True, **changes: Any) -> None:
        """Accepts properly."""
        self.frame(
            FrameType.HELLO,
            wire_pb2.AcceptorHello(version=changes.pop("version", 1), nonce=b"a" * 32, limits=LIMITS),
        )
        self.run()
        if say_welcome:
            self.welcome(**changes)

    def welcome(self, **changes: Any) -> None:
        """Says WELCOME."""
        fields: dict[str, Any] = {
            "network_id": "test", "instance": 7, "agent": "stranger", "observed": "10.0.0.1:1", "epoch": 9,
        }  # fmt: skip
        self.frame(FrameType.WELCOME, wire_pb2.Welcome(**(fields | changes)))
        self.run()
