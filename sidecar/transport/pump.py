"""One connection: an engine's below, a `StreamProtocol` above, and the rules of when each gets its turn."""

from __future__ import annotations

import logging
import math
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple, Unpack

from sidecar.transport.engine.base import (
    Address,
    Closed,
    Connection,
    ConnectionIdAdded,
    ConnectionIdRetired,
    DatagramFrame,
    Event,
    KeysReady,
    PeerShown,
    Statistics,
    StopSending,
    StreamData,
    StreamReset,
    Train,
)
from sidecar.transport.engine.packet import LEAST_INITIAL_BYTES
from sidecar.transport.pathwatch import Finding, PathWatch
from sidecar.transport.udp import shown
from sidecar.wire.errors import Close
from sidecar.wire.streams import StreamProtocol

if TYPE_CHECKING:
    from sidecar.transport.endpoint import Endpoint

_T = TypeVar("_T")
_Arguments = TypeVarTuple("_Arguments")

_log = logging.getLogger(__name__)

ACK_BYTES = 256 << 10
ACK_INTERVAL = 0.002
"""A connection that only receives is let speak after that many bytes or seconds: each acknowledgement costs both sides
a packet."""
FIRST_ACK_BYTES = 4096
FRESH_AFTER = 0.25
"""At the start, and after that many seconds of silence, it is let speak after so few bytes, and each time after half as
many more: the sender begins with a small window, and where the path is short it would wait for nothing else."""
FALL_BACK_AFTER = 1.0
"""A dial that has heard nothing for so long begins anew with the smallest datagrams, lest the path is too narrow for
its first ones (RFC 9000 section 14.1)."""
NARROWER_AFTER = 0.25
"""The same once a narrower probe is answered: the answer to the first packet is on its way by then, or never was."""
LONE_BYTES = 4096
LONE_ACK_INTERVAL = 0.005
"""What has brought less than that lets it wait so long for something to go with."""
GATHER_INTERVAL = 0.003
"""Seconds between two writes of a busy connection that nothing else asks for. After RFC 896: an answer from the other
side lets it write at once, and so does enough to write (`wire.link.GATHERED_BYTES`)."""
RECENT = 3.0
"""Seconds after a connection has last written in which its path is looked at, whatever became of the look before."""
PATIENCE = 1.25
"""The accepting side waits that much longer before it pings, so that the two do not ping each other."""


class Pump:
    """One connection, and what its protocol may do to it (`Streams`). All verbs belong to the loop's thread.

    A write rouses the connection by itself: what was written goes out before the loop's next turn ends.
    """

    __slots__ = (
        "_ack_bytes", "_asked_at", "_carried", "_connection", "_endpoint", "_failed", "_falls_back_at", "_gathering",
        "_gives_up_at", "_heard_at", "_path", "_patience", "_pinged_at", "_protocol", "_remote", "_smaller",
        "_spoke_at", "_telling", "_unspoken", "_working", "_written", "armed", "connection_ids", "credit", "dialled",
        "ended", "established", "fell_back", "queued", "reset_token", "roused", "verified",
    )  # fmt: skip

    def __init__(
        self, endpoint: Endpoint, connection: Connection, remote: Address, *, dialled: bool, now: float
    ) -> None:
        self.dialled = dialled
        self.established = False
        self.fell_back = False
        """Whether it took smaller datagrams to be heard."""
        self._carried = 0
        """The widest probe of the path that was answered (`transport.widths`)."""
        self.verified = False
        """Whether the peer proved its address by a token before the connection was made."""
        self.reset_token: bytes | None = None
        """What a stateless reset of the peer's would end with."""
        self.ended: Closed | None = None
        self.connection_ids: set[bytes] = set()
        self.roused = False
        self.queued = False
        self.credit = 0
        """Bytes it may write in its turn; below 0 what it has written too much while others waited."""
        self.armed: list[float] = []
        """When the endpoint will look at this connection again, the soonest last."""
        self._endpoint = endpoint
        self._connection = connection
        self._protocol: StreamProtocol | None = None
        self._remote = remote
        self._working = False
        self._telling = False
        self._failed = False
        self._written = True
        self._heard_at = now
        self._pinged_at = now
        self._asked_at = now
        self._spoke_at = now
        self._unspoken = 0
        self._ack_bytes = FIRST_ACK_BYTES
        self._gathering = False
        self._gives_up_at = now + endpoint.handshake_timeout
        self._falls_back_at: float | None = None
        self._smaller: Callable[[int], Connection] | None = None
        self._path: PathWatch | None = None
        self._patience = endpoint.keep_alive * (1 if dialled else PATIENCE) or math.inf

    def __repr__(self) -> str:
        host, port = self.remote
        return f"<connection {'to' if self.dialled else 'from'} {host}:{port}{' ended' if self.ended else ''}>"

    @property
    def remote(self) -> tuple[str, int]:
        """The peer's host and port, as last seen to answer; an IPv4 one plainly so."""
        return shown(self._remote)

    @property
    def width(self) -> int:
        """Bytes of the largest datagrams it sends."""
        return self._connection.max_datagram

    @property
    def heard_at(self) -> float:
        """When a datagram last came, by the endpoint's clock."""
        return self._heard_at

    def unanswered(self, now: float) -> float:
        """Seconds since the first keep-alive ping after which nothing has come; 0 without one."""
        return now - self._asked_at if self._asked_at > self._heard_at else 0.0

    def statistics(self) -> Statistics:
        """What the engine knows of the path."""
        return self._connection.statistics()

    def wake(self, *, busy: bool = False) -> None:
        """Lets the protocol `fill` before the loop's next turn ends; a moment after the last time if it says that it is
        `busy`, so that under load what comes by then goes with it."""
        if self.roused or self._telling or (busy and self._gathering):
            return
        due = self._spoke_at + GATHER_INTERVAL
        if busy and self._endpoint.now() < due:
            self._gathering = True
            self._endpoint.alarm(self, due)
        else:
            self._endpoint.rouse(self)

    def admitted(self) -> None:
        """The protocol knows who is there, and lets them in: the connection is limited as a handshake no longer."""
        self._endpoint.admitted(self)

    # -- Streams

    def open_stream(self, *, bidirectional: bool = False) -> int:
        """A new stream's id."""
        return self._connection.open_stream(bidirectional=bidirectional)

    def stream_room(self) -> int:
        """How many more bidirectional streams may be opened now."""
        return self._connection.stream_room()

    def datagram_room(self) -> int:
        """Bytes of unreliable messages that may be handed over now."""
        return self._connection.datagram_room()

    def send_datagram(self, data: bytes) -> None:
        """Sends an unreliable message."""
        self._connection.send_datagram(data)
        self._write()

    def send(self, stream_id: int, data: bytes | memoryview, fin: bool = False) -> None:
        """Queues the next bytes of a stream."""
        self._connection.send(stream_id, data, fin)
        self._write()

    def reset(self, stream_id: int, code: int) -> None:
        """Gives up sending on a stream."""
        self._connection.reset(stream_id, code)
        self._write()

    def stop(self, stream_id: int, code: int) -> None:
        """Asks the peer to give up sending on a stream."""
        self._connection.stop(stream_id, code)
        self._write()

    def close(self, code: int, reason: str) -> None:
        """Closes with an application code and phrase; the protocol's `closed` follows, not from within this call."""
        self._connection.close(code, reason)
        self._write()

    def send_room(self) -> int:
        """How many more bytes may be handed to `send` now."""
        return self._connection.send_room()

    def _write(self) -> None:
        self._written = True
        if not (self.roused or self._working):
            self._endpoint.rouse(self)

    # -- for the endpoint

    def begin(self, protocol: StreamProtocol) -> None:
        """Gives the connection its protocol."""
        self._protocol = protocol

    def connect(self, now: float, smaller: Callable[[int], Connection] | None) -> None:
        """Starts dialling; `smaller` makes the connection that tries again with datagrams of so many bytes."""
        self._smaller = smaller
        self._falls_back_at = None if smaller is None else now + FALL_BACK_AFTER
        self._connection.connect(self._remote, now)
        self.tell(now)

    def carries(self, width: int, now: float) -> None:
        """The path has carried a probe of that width. Without an answer to wider packets the dial soon goes on with
        the widest that was."""
        if self._path is not None:
            self._path.answered(wide=width >= self.width)
        if self._falls_back_at is not None:
            self._carried = max(self._carried, width)
            self._falls_back_at = min(self._falls_back_at, now + NARROWER_AFTER)
            self._endpoint.alarm(self, self._falls_back_at)

    def look_at_path(self, now: float) -> None:
        """To be called about once a second: closes the connection when the path has come to swallow its packets, for
        whoever dials again to take narrower ones."""
        if self._path is None and now - self._spoke_at > RECENT:
            return  # whatever is on its way since then was looked at when it had just left
        if self.ended is not None or self.width <= LEAST_INITIAL_BYTES:
            return
        waiting = self._connection.statistics().bytes_in_flight > 0
        if self._path is None:
            if not waiting:
                return
            self._path = PathWatch()
        finding = self._path.look(waiting=waiting)
        if finding is Finding.ASK:
            self._endpoint.check_path(self, self._remote)
        elif finding is Finding.NARROW:
            self.close(Close.NARROW, f"the path does not carry packets of {self.width} bytes any more")

    def receive(self, data: bytes, segment: int, address: Address, now: float) -> None:
        """Takes what one read gave."""
        if now - self._heard_at > FRESH_AFTER:
            self._ack_bytes = FIRST_ACK_BYTES
        self._heard_at = now
        self._falls_back_at = None
        self._unspoken += len(data)
        self._connection.receive(data, segment, address, now)

    def work(self, now: float) -> bool:
        """Tells the protocol what happened and lets it fill. Returns whether something should go out now."""
        self.roused = self._gathering = False
        self._working = True
        opening = not self.established  # a flight of the handshake may be due, of which no engine tells
        connection = self._connection
        if connection.eventful:
            self._telling = True  # whatever is asked for by then, `fill` follows
            self.tell(now)
            self._telling = False
        if self._protocol is not None:
            self._call(self._protocol.fill, now)
            if connection.eventful:
                self.tell(now)
        self._working = False
        return (
            self._written
            or opening
            or self._unspoken >= self._ack_bytes
            or now >= self._speak_by()
            or self._connection.unsent() > 0
        )

    def transmit(self, now: float, max_bytes: int) -> list[Train]:
        """What to put on the wire now."""
        self._written = False
        if self._ack_bytes < ACK_BYTES:
            self._ack_bytes = min(ACK_BYTES, self._ack_bytes + self._unspoken // 2)
        self._unspoken = 0
        self._spoke_at = now
        trains = self._connection.transmit(now, max_bytes)
        if trains and trains[-1].address is not self._remote:
            self._remote = trains[-1].address
        if self._connection.eventful:
            self._working = True
            self.tell(now)
            self._working = False
        return trains

    def deadline(self) -> float | None:
        """When `fire` is due; None when this connection needs nothing more, ever."""
        engine = self._connection.timer()
        if self.ended is not None:
            return engine
        due = self._ping_due() if self.established else self._gives_up_at
        wanted = self._call(self._protocol.deadline) if self._protocol is not None else None
        for other in (engine, wanted, self._falls_back_at):
            if other is not None and other < due:
                due = other
        if self._unspoken:
            due = min(due, self._speak_by())
        if self._gathering:
            due = min(due, self._spoke_at + GATHER_INTERVAL)
        return due

    def _speak_by(self) -> float:
        return self._spoke_at + (ACK_INTERVAL if self._unspoken >= LONE_BYTES else LONE_ACK_INTERVAL)

    def fire(self, now: float) -> None:
        """Does what time asks for."""
        due = self._connection.timer()
        if due is not None and now >= due:
            self._connection.handle_timer(now)
            self._written = True
        if self.ended is not None:
            return
        if not self.established and now >= self._gives_up_at:
            self.abandon(Closed(0, "handshake timeout", application=False, remote=False))
        elif self._falls_back_at is not None and now >= self._falls_back_at:
            self._fall_back(now)
        elif self.established and now >= self._ping_due():
            if self._asked_at <= self._heard_at:
                self._asked_at = now
            self._pinged_at = now
            self._connection.ping()
            self._written = True

    def _ping_due(self) -> float:
        """When silence is to be broken. A ping is no word of the peer's, so `heard_at` is not touched by it."""
        return max(self._heard_at, self._pinged_at) + self._patience

    def reset_by_peer(self) -> None:
        """The peer knows the connection no more."""
        self._connection.reset_by_peer()

    def abandon(self, closed: Closed) -> None:
        """Ends the connection for a reason of ours that is not the application's."""
        self._connection.close(closed.code, closed.reason)
        self._written = True
        self._end(closed, self._endpoint.now())

    def tell(self, now: float) -> None:
        """Hands the engine's events on."""
        for event in self._connection.events():
            if type(event) is StreamData and (protocol := self._protocol) is not None:  # as nearly every one
                self._call(protocol.stream_data, *event, now)
            else:
                self._tell(event, now)

    def _fall_back(self, now: float) -> None:
        assert self._smaller is not None
        smaller, width = self._smaller, self._carried or LEAST_INITIAL_BYTES
        self._carried = 0
        for connection_id in list(self.connection_ids):
            self._endpoint.disown(self, connection_id)
        self._connection = smaller(width)
        self.fell_back = True
        self.connect(now, smaller if width > LEAST_INITIAL_BYTES else None)
        self._written = True

    # -- upward

    def _tell(self, event: Event, now: float) -> None:
        protocol = self._protocol
        match event:
            case ConnectionIdAdded(connection_id):
                self._endpoint.own(self, connection_id)
            case ConnectionIdRetired(connection_id):
                self._endpoint.disown(self, connection_id)
            case Closed():
                self._end(event, now)
            case _ if protocol is None:
                return
            case DatagramFrame(data):
                self._call(protocol.datagram, data, now)
            case StreamReset(stream_id, code):
                self._call(protocol.stream_reset, stream_id, code, now)
            case StopSending(stream_id, code):
                self._call(protocol.stop_sending, stream_id, code, now)
            case KeysReady():
                self._call(protocol.opened, now)
            case PeerShown(chain):
                self.established = True
                self.reset_token = self._connection.peer_reset_token
                self._endpoint.shook_hands(self)
                self._call(protocol.established, chain, now)

    def _end(self, closed: Closed, now: float) -> None:
        if self.ended is not None:
            return
        self.ended = closed
        self._written = True
        if closed.application and closed.code == Close.NARROW:
            self._endpoint.narrowed(self)
        self._endpoint.ended(self)
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            try:
                protocol.closed(*closed, now)
            except Exception as error:  # noqa: BLE001  as in `_call`
                report("closed", error)

    def _call(self, verb: Callable[[Unpack[_Arguments]], _T], *arguments: *_Arguments) -> _T | None:
        """Calls a verb of the protocol's."""
        if self._failed:
            return None
        try:
            return verb(*arguments)
        except Exception as error:  # noqa: BLE001  a bug above must cost this connection and no other
            report(verb.__name__, error)
            self._failed = True
            self.close(Close.INTERNAL, "internal error")
            return None


_reported: set[tuple[str, int]] = set()


def report(verb: str, error: Exception) -> None:
    """Logs a bug of the protocol's, once for each place it comes from."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    place = (frame.filename, frame.lineno or 0)
    if place not in _reported:
        _reported.add(place)
        _log.error("a connection is closed: its protocol failed in %s; later ones are not logged", verb, exc_info=error)
