"""What the connections of both engines have in common: their events, the limit of bytes in flight, and how they end."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import NamedTuple

from sidecar.transport.engine.base import (
    Address,
    Closed,
    ConnectionIdAdded,
    EngineSettings,
    Event,
    Statistics,
    StreamData,
    Train,
)
from sidecar.transport.engine.inflight import InFlight

_log = logging.getLogger(__name__)

MOST_REASON_BYTES = 512
"""A close reason is cut to this, so that it fits the one packet it travels in."""
ETHERNET_DATAGRAM = 1472
"""Larger datagrams, on loopback or a path of jumbo frames, do not make the first burst larger."""
MOST_CRYPTO_BYTES = 96 << 10
"""TLS bytes one side may send in all: a certificate chain of 16 KiB many times over. Both libraries would take
megabytes from a stranger, aioquic half of one for a single packet."""
AMPLIFICATION = 3
"""Bytes that may go to an address for each that came from it, until it is known to be the peer's (RFC 9000 section
8.1)."""
INTERNAL_ERROR = 0x1
NO_APPLICATION_PROTOCOL = 0x178
"""CRYPTO_ERROR with TLS's alert 120 (RFC 9001 section 8.1)."""
IDLE = Closed(0, "idle timeout", application=False, remote=False)
RESET = Closed(0, "stateless reset", application=False, remote=True)
LINGER_MINIMUM = 0.1
NO_STATISTICS = Statistics(None, 0, None, 0)
"""Before anything was measured."""


class PathFigures(NamedTuple):
    """What an engine knows of its path: seconds, and packets."""

    latest_rtt: float
    smoothed_rtt: float
    packets_lost: int


class EngineConnection(ABC):
    """One QUIC connection around a library's, of which subclasses say how it is driven.

    After its end it holds no more than its closing packet, which answers a peer that goes on talking, ever more rarely,
    until three probe timeouts have passed (RFC 9000 section 10.2.1); then `timer` is None.
    """

    def __init__(self, settings: EngineSettings, *, dials: bool, proven: bool) -> None:
        self.settings = settings
        self.dials = dials
        self.max_datagram = settings.max_datagram
        self._allowance: int | None = None if proven else 0
        """Bytes that may still go to an address that is not proven to be the peer's. The libraries keep to it with all
        but their close packets."""
        self.ended: Closed | None = None
        self.peer_reset_token: bytes | None = None
        self._limit = InFlight(
            settings.in_flight_limit,
            min(settings.max_datagram, ETHERNET_DATAGRAM),
            settings.initial_datagrams,
            paced=settings.pacing,
        )
        self.eventful = False
        self._events: list[Event] = []
        self._end_told = False
        self._arriving: dict[int, list[bytes]] = {}
        """By stream: pieces that came since the last other event. Several streams share packets by turns."""
        self._finished: dict[int, None] = {}
        """Those of them that are whole."""
        self._farewell: list[Train] = []
        self._farewell_due = False
        self._farewell_built = False
        """The library's connection is let go of once its close packet is built."""
        self._farewell_until: float | None = None
        self._parting: tuple[int, int | None, str] | None = None
        """A dialler's close that the library has not been told of yet."""
        self._answered = 0
        self._gone_ids = -1
        self._final = NO_STATISTICS

    # -- what each library does

    @abstractmethod
    def _take(self, data: bytes, segment: int, address: Address, now: float) -> None:
        """Hands over received datagrams and files the events they caused."""

    @abstractmethod
    def _poll(self, now: float, max_bytes: int) -> list[Train]:
        """What to send now, coupled."""

    @abstractmethod
    def _fire(self, now: float) -> None:
        """Hands over that the library's timer has come, and files the events."""

    @abstractmethod
    def _deadline(self) -> float | None:
        """The library's timer."""

    @abstractmethod
    def _path(self) -> PathFigures | None:
        """The path's figures; None before the first round trip."""

    @abstractmethod
    def _outstanding(self) -> int:
        """Bytes handed in and not acknowledged."""

    @abstractmethod
    def _unsent(self) -> int:
        """Bytes handed in and not on the wire, at most."""

    @abstractmethod
    def _measure(self) -> Statistics:
        """The figures for `statistics`."""

    @abstractmethod
    def _begin_close(self, code: int, frame_type: int | None, reason: str) -> None:
        """Makes the library send its close packet; `frame_type` None for an application's."""

    @abstractmethod
    def _handshake_open(self) -> bool:
        """Whether a dialler's handshake is complete and not yet confirmed (RFC 9001 section 4.1.2)."""

    @abstractmethod
    def _confirm(self) -> None:
        """Takes it for confirmed: what follows leaves in 1-RTT packets only."""

    @abstractmethod
    def _linger(self) -> float:
        """Three probe timeouts, in seconds."""

    @abstractmethod
    def _drop(self) -> None:
        """Lets go of the library's connection."""

    @abstractmethod
    def _open(self, bidirectional: bool) -> int: ...

    @abstractmethod
    def _send_datagram(self, data: bytes) -> None: ...

    @abstractmethod
    def _stream_room(self) -> int: ...

    @abstractmethod
    def _send(self, stream_id: int, data: bytes | memoryview, fin: bool) -> None: ...

    @abstractmethod
    def _reset(self, stream_id: int, code: int) -> None: ...

    @abstractmethod
    def _stop(self, stream_id: int, code: int) -> None: ...

    @abstractmethod
    def _ping(self) -> None: ...

    # -- streams

    def open_stream(self, *, bidirectional: bool = False) -> int:
        """A new stream's id; ValueError past the peer's limit. On a connection that has ended, an id that leads
        nowhere."""
        if self.ended is None:
            return self._open(bidirectional)
        self._gone_ids -= 1
        return self._gone_ids

    def stream_room(self) -> int:
        """How many more bidirectional streams may be opened now; 0 on a connection that has ended."""
        return self._stream_room() if self.ended is None else 0

    def datagram_room(self) -> int:
        """Bytes of unreliable messages that may leave at once: what the congestion window has left."""
        if self.ended is not None:
            return 0
        figures = self._measure()
        return max(0, (figures.congestion_window or 0) - figures.bytes_in_flight)

    def send_datagram(self, data: bytes) -> None:
        """Sends an unreliable message; dropped when the connection has ended."""
        if self.ended is None:
            self._send_datagram(data)

    def send(self, stream_id: int, data: bytes | memoryview, fin: bool = False) -> None:
        """Queues bytes; dropped when the connection has ended or the peer has stopped the stream, of which an event
        tells."""
        if self.ended is None:
            self._send(stream_id, data, fin)

    def reset(self, stream_id: int, code: int) -> None:
        """Gives up sending; nothing happens where the stream is over."""
        if self.ended is None:
            self._reset(stream_id, code)

    def stop(self, stream_id: int, code: int) -> None:
        """Asks the peer to give up; nothing happens where the stream is over."""
        if self.ended is None:
            self._stop(stream_id, code)

    def send_room(self) -> int:
        """Bytes that may be handed to `send` now; 0 on a connection that has ended."""
        return self._limit.room(self._outstanding()) if self.ended is None else 0

    def ping(self) -> None:
        """Sends a PING frame."""
        if self.ended is None:
            self._ping()

    def close(self, code: int, reason: str) -> None:
        """Closes with an application's code and phrase; `Closed` is among the next events."""
        self._close(Closed(code, reason, application=True, remote=False), None)

    def reset_by_peer(self) -> None:
        """The peer knows this connection no more (RFC 9000 section 10.3)."""
        self._over(RESET)

    # -- driving

    def receive(self, data: bytes, segment: int, address: Address, now: float) -> None:
        """Takes what one read gave; never raises for what is in it."""
        if self._allowance is not None:
            self._allowance += AMPLIFICATION * len(data)
        if self.ended is not None:
            self._answer()
            return
        try:
            self._take(data, segment, address, now)
            self._observe(now)
        except Exception as error:  # noqa: BLE001  hostile bytes find what a library did not expect
            self._fail(error)

    def transmit(self, now: float, max_bytes: int) -> list[Train]:
        """What to put on the wire now."""
        if self.ended is not None:
            return self._last_words(now, max_bytes)
        try:
            self._limit.use(self._outstanding())
            trains = self._poll(now, max_bytes)
            if self._allowance is not None:
                self._allowance -= _bytes_of(trains)
            return trains
        except Exception as error:  # noqa: BLE001  what a peer sent may only show when an answer is built
            self._fail(error)
            return []

    def timer(self) -> float | None:
        """When to call `handle_timer`; None on a connection that is entirely over."""
        if self.ended is not None:
            return self._farewell_until
        own, library = self._limit.due, self._deadline()
        if own is None or (library is not None and library < own):
            return library
        return own

    def handle_timer(self, now: float) -> None:
        """Tells that the time of `timer` has come."""
        if self.ended is not None:
            if self._farewell_until is not None and now >= self._farewell_until:
                self._farewell_until = None
                self._farewell = []
            return
        self._limit.tick(now)
        due = self._deadline()
        if due is None or now < due:
            return
        try:
            self._fire(now)
            self._observe(now)
        except Exception as error:  # noqa: BLE001  as in `transmit`
            self._fail(error)

    def events(self) -> list[Event]:
        """Everything that happened since the last call, in order; pieces of one stream with nothing but other streams'
        between them are joined."""
        self.eventful = False
        self._file_arrived()
        events, self._events = self._events, []
        if self.ended is not None and not self._end_told:
            self._end_told = True
            events.append(self.ended)
        return events

    def unsent(self) -> int:
        """Bytes handed in that wait to go out, at most."""
        return self._unsent() if self.ended is None else 0

    def statistics(self) -> Statistics:
        """What is known of the path; after the end what was known then."""
        return self._measure() if self.ended is None else self._final

    # -- for subclasses

    def _proven(self) -> None:
        """The handshake is done, so the address is the peer's."""
        self._allowance = None

    def _happened(self, event: Event) -> None:
        self.eventful = True
        self._file_arrived()
        self._events.append(event)

    def _arrived(self, stream_id: int, data: bytes, fin: bool) -> None:
        self.eventful = True
        pieces = self._arriving.get(stream_id)
        if pieces is None:
            self._arriving[stream_id] = [data]
        else:
            pieces.append(data)
        if fin:
            self._finished[stream_id] = None

    def _owns(self, *connection_ids: bytes) -> None:
        for connection_id in connection_ids:
            self._happened(ConnectionIdAdded(connection_id))

    def _over(self, closed: Closed) -> None:
        """The peer, or time, has ended the connection: nothing more is said."""
        if self.ended is None:
            self._final = self._measure()
            self.ended = closed
            self.eventful = True
            self._drop()

    def _broke(self, code: int, reason: str) -> None:
        """The library has found the peer in the wrong and has a close packet ready."""
        self._say(Closed(code, reason, application=False, remote=False))

    def _refuse(self, code: int, frame_type: int, reason: str) -> None:
        """Closes with a transport error of our own finding."""
        self._close(Closed(code, reason, application=False, remote=False), frame_type)

    def _file_arrived(self) -> None:
        if not self._arriving:
            return
        finished = self._finished
        for stream_id, pieces in self._arriving.items():
            data = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            self._events.append(StreamData(stream_id, data, stream_id in finished))
        self._arriving.clear()
        finished.clear()

    def _observe(self, now: float) -> None:
        if self.ended is None:
            outstanding = self._outstanding()
            if outstanding != self._limit.outstanding and (path := self._path()) is not None:
                self._limit.observe(now, outstanding, *path)

    # -- the end

    def _close(self, closed: Closed, frame_type: int | None) -> None:
        if self.ended is not None:
            return
        cut = closed.reason.encode()[:MOST_REASON_BYTES].decode(errors="ignore")
        if closed.application and self.dials:
            self._parting = (closed.code, frame_type, cut)
        else:
            self._begin_close(closed.code, frame_type, cut)
        self._say(closed)

    def _say(self, closed: Closed) -> None:
        if self.ended is None:
            self._final = self._measure()
            self.ended = closed
            self.eventful = True
            self._farewell_due = True

    def _fail(self, error: Exception) -> None:
        _log.debug("a connection is closed for what its peer sent: %r", error, exc_info=error)
        try:
            self._refuse(INTERNAL_ERROR, 0, "the peer sent what could not be handled")
        except Exception:  # noqa: BLE001  the library is in no state to say so: the connection just ends
            self._over(
                Closed(INTERNAL_ERROR, "the peer sent what could not be handled", application=False, remote=False)
            )

    def _last_words(self, now: float, max_bytes: int) -> list[Train]:
        if not self._farewell_due:
            return []
        self._farewell_due = False
        if not self._farewell_built:
            self._farewell_built = True
            try:
                self._farewell = [*self._handshake_end(now, max_bytes), *self._poll(now, max_bytes)]
                self._farewell_until = now + max(LINGER_MINIMUM, self._linger())
            except Exception as error:  # noqa: BLE001  as in `transmit`; there is nothing left to close
                _log.debug("a close packet could not be built: %r", error)
                self._farewell = []
            self._drop()
        if self._allowance is not None:
            size = _bytes_of(self._farewell)
            if size > self._allowance:
                return []
            self._allowance -= size
        return self._farewell

    def _handshake_end(self, now: float, max_bytes: int) -> list[Train]:
        """A dialler that closes as soon as it knows who answered has not sent the end of its handshake yet, and before
        that a close can carry no application's word (RFC 9000 section 10.2.3): it goes first, so that the acceptor
        learns why."""
        if self._parting is None:
            return []
        trains: list[Train] = []
        parting, self._parting = self._parting, None
        if self._handshake_open():
            trains = self._poll(now, max_bytes)
            self._confirm()
        self._begin_close(*parting)
        return trains

    def _answer(self) -> None:
        """A packet after the end: every first, second, fourth... is answered by the close packet."""
        if self._farewell:
            self._answered += 1
            if self._answered & (self._answered - 1) == 0:
                self._farewell_due = True


def _bytes_of(trains: list[Train]) -> int:
    return sum(len(data) for train in trains for data in train.datagrams)
