"""The seam between a connection and the protocol spoken on it: what the protocol may do to its connection, and what the
connection tells the protocol. Neither half knows sockets or a clock; `now` is in seconds of any monotonic clock."""

from __future__ import annotations

from typing import Protocol


class Streams(Protocol):
    """What the protocol may do to its connection. Stream ids are QUIC's (RFC 9000 section 2.1)."""

    def open_stream(self, *, bidirectional: bool = False) -> int:
        """A new stream's id. It is the caller's to keep below the peer's limit of concurrent streams: 100 always
        hold."""
        ...

    def stream_room(self) -> int:
        """How many more bidirectional streams the peer lets this side open now."""
        ...

    def datagram_room(self) -> int:
        """Bytes of unreliable messages that may be handed over now and leave at once."""
        ...

    def send_datagram(self, data: bytes) -> None:
        """Sends an unreliable message (RFC 9221), which must fit one packet."""
        ...

    def send(self, stream_id: int, data: bytes | memoryview, fin: bool = False) -> None:
        """Queues the next bytes of a stream. The connection owns a copy when this returns."""
        ...

    def reset(self, stream_id: int, code: int) -> None:
        """Gives up sending on a stream."""
        ...

    def stop(self, stream_id: int, code: int) -> None:
        """Asks the peer to give up sending on a stream."""
        ...

    def close(self, code: int, reason: str) -> None:
        """Closes with an application code and phrase. `Protocol.closed` follows in every case."""
        ...

    def send_room(self) -> int:
        """How many more bytes may be handed to `send` now, so that unacknowledged ones stay within the in-flight limit.

        The protocol obeys it for message bytes; control frames may pass it.
        """
        ...


class StreamProtocol(Protocol):
    """What a connection tells the protocol. No verb raises for what the peer sent; a verb may call `Streams` verbs."""

    def established(self, chain: tuple[bytes, ...], now: float) -> None:
        """The handshake is done. `chain` is the acceptor's certificates in DER, leaf first, its possession of the key
        proven and nothing else judged; empty on the accepting side. On the accepting side `opened` came before."""
        ...

    def opened(self, now: float) -> None:
        """Accepting side: streams may be opened and written, to go out with the handshake flight."""
        ...

    def stream_data(self, stream_id: int, data: bytes, fin: bool, now: float) -> None:
        """The next bytes of a stream, in order; `fin` when they are the last (then `data` may be empty)."""
        ...

    def stream_reset(self, stream_id: int, code: int, now: float) -> None:
        """The peer gave up sending on a stream."""
        ...

    def stop_sending(self, stream_id: int, code: int, now: float) -> None:
        """The peer does not want the rest of a stream of ours."""
        ...

    def datagram(self, data: bytes, now: float) -> None:
        """An unreliable message (RFC 9221)."""
        ...

    def fill(self, now: float) -> None:
        """A good moment to write: after every batch of reads, after `wake`, and whenever room may have grown."""
        ...

    def deadline(self) -> float | None:
        """When `fill` is to be called at the latest."""
        ...

    def closed(self, code: int, reason: str, application: bool, remote: bool, now: float) -> None:
        """The connection is gone: the last verb. `application` tells whose code it is (RFC 9000 section 20),
        `remote` who closed; an idle timeout is neither side's: code 0, reason `idle timeout`."""
        ...
