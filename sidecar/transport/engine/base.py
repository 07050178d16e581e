"""What the transport asks of a QUIC implementation: one sans-IO connection, driven by datagrams and time.

Nothing here reads a clock or a socket: `now` is the caller's, in seconds of any monotonic clock. An address is what
`socket.recvmsg` gives, `(host, port)` or `(host, port, flow, scope)`, and is handed back unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

from sidecar.transport.engine.inflight import INITIAL_DATAGRAMS
from sidecar.wire.streams import Streams

Address = tuple[str, int] | tuple[str, int, int, int]

CONNECTION_ID_BYTES = 8
"""The length of every connection id this side makes, so that a short header can be read without state."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What every connection of one endpoint has in common."""

    alpn: str
    certificate_chain: tuple[bytes, ...]
    """DER, leaf first; shown by the accepting side."""
    private_key_pem: bytes
    """PKCS8 PEM of the leaf's key: Ed25519 or P-256."""
    idle_timeout: float = 30.0
    """Seconds without a packet after which a connection is gone."""
    connection_window: int = 8 << 20
    """Bytes of stream data that may arrive unread or gapped on one connection; fixed, never grown by the engine."""
    stream_window: int = 4 << 20
    """The same on one stream."""
    in_flight_limit: int = 4 << 20
    """The most bytes handed to `send` and not yet acknowledged, whatever the congestion window says."""
    max_datagram: int = 1200
    """Bytes of UDP payload per packet, at least 1200 (RFC 9000 section 14)."""
    initial_datagrams: int = INITIAL_DATAGRAMS
    """The least the limit of bytes in flight is, in datagrams (`engine.inflight`)."""
    congestion_control: Literal["reno", "cubic"] = "reno"
    """aioquic's below that limit; qh3 has its own CUBIC and no other."""
    pacing: bool = True
    """Whether aioquic spreads a window over its round trip; qh3 always does."""


class PeerShown(NamedTuple):
    """The handshake is done. `chain` is the acceptor's certificate chain in DER, leaf first, whose CertificateVerify
    was checked and nothing else; empty on the accepting side."""

    chain: tuple[bytes, ...]


class KeysReady(NamedTuple):
    """Accepting side: streams may be opened and written now, to go out with the handshake flight (0.5-RTT)."""


class StreamData(NamedTuple):
    """The next bytes of a stream, in order; `fin` when they are the last (then `data` may be empty)."""

    stream_id: int
    data: bytes
    fin: bool


class StreamReset(NamedTuple):
    """The peer gave up sending on a stream."""

    stream_id: int
    code: int


class StopSending(NamedTuple):
    """The peer does not want the rest of a stream of ours."""

    stream_id: int
    code: int


class DatagramFrame(NamedTuple):
    """An unreliable message (RFC 9221)."""

    data: bytes


class ConnectionIdAdded(NamedTuple):
    """Packets to this connection id now belong to this connection."""

    connection_id: bytes


class ConnectionIdRetired(NamedTuple):
    """Packets to this connection id no longer do."""

    connection_id: bytes


class Closed(NamedTuple):
    """The connection is gone: the last event. `application` tells whose code it is (RFC 9000 section 20), `remote` who
    closed; an idle timeout is neither side's and has code 0 and the reason `idle timeout`."""

    code: int
    reason: str
    application: bool
    remote: bool


Event = (
    PeerShown
    | KeysReady
    | StreamData
    | StreamReset
    | StopSending
    | DatagramFrame
    | ConnectionIdAdded
    | ConnectionIdRetired
    | Closed
)


class Train(NamedTuple):
    """Datagrams of one size, only the last of which may be shorter, for one address: what one UDP_SEGMENT call
    takes."""

    address: Address
    size: int
    datagrams: list[bytes]


class Statistics(NamedTuple):
    """What an engine knows of its path; None where it does not know."""

    smoothed_rtt: float | None
    packets_lost: int
    congestion_window: int | None
    bytes_in_flight: int


class Connection(Streams, Protocol):
    """One QUIC connection, dialling or accepting, without sockets."""

    def connect(self, address: Address, now: float) -> None:
        """Starts the handshake (dialling side, once)."""
        ...

    def receive(self, data: bytes, segment: int, address: Address, now: float) -> None:
        """Takes what one read gave: datagrams of `segment` bytes each, of which only the last may be shorter. Never
        raises for what is in them."""
        ...

    eventful: bool
    """Whether `events` has something to tell."""

    def events(self) -> list[Event]:
        """Everything that happened since the last call, in order."""
        ...

    def transmit(self, now: float, max_bytes: int) -> list[Train]:
        """What to put on the wire now, some `max_bytes` of it at most; call again when it was that much."""
        ...

    def timer(self) -> float | None:
        """When to call `handle_timer` next."""
        ...

    def handle_timer(self, now: float) -> None:
        """Tells that the time of `timer` has come."""
        ...

    max_datagram: int
    """Bytes of the largest datagrams it sends."""

    peer_reset_token: bytes | None
    """Dialling side, from `PeerShown` on: what a stateless reset of the peer's ends with; None where it told none."""

    def reset_by_peer(self) -> None:
        """The peer has said that it knows this connection no more: it ends, and nothing more is sent on it."""
        ...

    def ping(self) -> None:
        """Sends a PING frame, which keeps the connection and the NAT's mapping alive."""
        ...

    def unsent(self) -> int:
        """Bytes handed to `send` that wait to go out, at most; 0 on a connection that has ended."""
        ...

    def statistics(self) -> Statistics:
        """What is known of the path."""
        ...


class Engine(Protocol):
    """Makes connections of one implementation."""

    name: str

    def dial(self, settings: EngineSettings, server_name: str | None) -> Connection:
        """A connection that will dial. It verifies no certificate chain: the caller judges `PeerShown`."""
        ...

    def accept(
        self,
        settings: EngineSettings,
        *,
        original_connection_id: bytes,
        retry_connection_id: bytes | None,
        reset_key: bytes = b"",
        peer_has_id: bool = True,
    ) -> Connection:
        """A connection for a client's first Initial; after a Retry `retry_connection_id` is the id the Retry gave and
        `original_connection_id` the one before it (RFC 9000 section 7.3). Its stateless reset tokens are made of
        `reset_key`; of nothing that anybody knows where it is empty. `peer_has_id` says that the client has chosen a
        connection id of some length for itself."""
        ...
