"""A reverse probe: the shortest connection that proves that a peer can be dialled at an address.

prober                                  the peer
             TLS handshake              proves the peer's key
                <-- HELLO
PROBE nonce -->
                <-- PROBE nonce         only the process that the probe is for knows the nonce
closes with DONE
"""

from __future__ import annotations

from collections.abc import Callable

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import BadCertificate, leaf_key_untrusted
from sidecar.trust import Refused, Trust
from sidecar.wire.errors import Close, Untrusted
from sidecar.wire.frames import FrameReader, FrameType, StreamType, encode, parse_untrusted
from sidecar.wire.owner import Connection


class Probe:
    """See the module. It is a StreamProtocol to its connection."""

    def __init__(
        self, connection: Connection, *, expected_peer_id: str, nonce: bytes, deadline: float,
        ended: Callable[[str], None], trust: Trust,
    ) -> None:  # fmt: skip
        """`ended` is told once: nothing when the peer has answered, else why it has not.
        `trust` judges who answers as it judges whoever is dialled: a node has to be let in both ways."""
        self._trust = trust
        self._connection = connection
        self._expected_peer_id = expected_peer_id
        self._nonce = nonce
        self._deadline = deadline
        self._ended: Callable[[str], None] | None = ended
        self._reader = FrameReader()
        self._control: int | None = None
        self._greeted = False
        self._judged = False
        self._said = False

    def opened(self, now: float) -> None:
        """A prober accepts nothing."""

    def established(self, chain: tuple[bytes, ...], now: float) -> None:
        """Who has answered."""
        try:
            key = leaf_key_untrusted(chain)
        except BadCertificate as error:
            self._end(f"certificate: {error}")
            return
        if key.peer_id != self._expected_peer_id:
            self._end(f"another peer answers there: {key.peer_id}")
            return
        try:
            self._trust.acceptor_untrusted(key, chain, name=None, expected=True)
        except Refused as refused:
            self._end(str(refused))
            return
        self._judged = True
        self._ask()

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        """The control stream; others are not looked at."""
        if self._control is None and data and data[0] == StreamType.CONTROL:
            self._control, data = stream_id, data[1:]
        if stream_id != self._control or self._ended is None:
            return
        try:
            for kind, body in self._reader.feed_untrusted(data):
                self._frame_untrusted(kind, body)
        except Untrusted as error:
            self._end(error.reason)

    def _frame_untrusted(self, kind: int, body: bytes) -> None:
        if kind == FrameType.HELLO:
            self._greeted = True
            self._ask()
        elif kind == FrameType.PROBE and parse_untrusted(wire_pb2.Probe, body).nonce == self._nonce and self._said:
            self._end("")

    def _ask(self) -> None:
        if self._judged and self._greeted and not self._said:
            self._said = True
            asked = encode(FrameType.PROBE, wire_pb2.Probe(nonce=self._nonce).SerializeToString())
            self._connection.send(self._connection.open_stream(), bytes((StreamType.CONTROL,)) + asked)

    def stream_reset(self, stream_id: int, code: int, now: float) -> None:
        """The end follows, or the deadline."""

    def stop_sending(self, stream_id: int, code: int, now: float) -> None:
        """The same."""

    def datagram(self, data: bytes, now: float) -> None:
        """Nothing is expected in one."""

    def fill(self, now: float) -> None:
        """Looks at the time."""
        if now >= self._deadline:
            self._end("no answer in time")

    def deadline(self) -> float | None:
        """When it must have answered."""
        return self._deadline if self._ended is not None else None

    def closed(self, code: int, reason: str, application: bool, remote: bool, now: float) -> None:
        """The connection is gone."""
        self._tell(reason or f"closed with code {code:#x}")

    def _end(self, why: str) -> None:
        self._tell(why)
        self._connection.close(Close.DONE, "reverse probe")

    def _tell(self, why: str) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            ended(why)
