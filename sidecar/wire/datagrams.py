"""Unreliable messages of one link: what waits for the connection to have room, and not a moment longer than it may.

A datagram is the body `Datagram` in one DATAGRAM frame (RFC 9221). It is never sent again, and is dropped when its time
is over, when more wait, or when the other side has nobody who reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.errors import malformed
from sidecar.wire.flow_frames import NAME_MAX
from sidecar.wire.frames import parse_untrusted

CONTENT_MAX = 1150
"""Bytes of payload and channel, so that the whole fits the smallest packet (RFC 9000 section 14): 1,200 bytes less
header, tag and framing."""
WAITING_MAX = 256

Dropped = Literal["late", "crowded"]
"""Their time was over, or too many waited."""


class Waiting(NamedTuple):
    """A datagram that waits."""

    until: float
    """By the same clock as `now`."""
    data: bytes


class DatagramCarrier(Protocol):
    """A connection that takes datagrams."""

    def datagram_room(self) -> int:
        """Bytes of datagrams that may leave at once."""
        ...

    def send_datagram(self, data: bytes) -> None:
        """Hands one over."""
        ...


class Datagrams:
    """See the module. `came` gets what comes in, `dropped` why and how many were dropped here."""

    def __init__(self) -> None:
        self.came: Callable[[str, bytes], None] = lambda channel, payload: None
        self.dropped: Callable[[Dropped, int], None] = lambda why, count: None
        self.waiting: list[Waiting] = []
        """What is to go out, the oldest first."""

    def send(self, channel: str, payload: bytes, until: float) -> None:
        """Queues one that may wait `until`; the oldest gives way where too many do. The caller wakes the connection."""
        if len(self.waiting) >= WAITING_MAX:
            del self.waiting[0]
            self.dropped("crowded", 1)
        self.waiting.append(Waiting(until, wire_pb2.Datagram(channel=channel, payload=payload).SerializeToString()))

    def fill(self, carrier: DatagramCarrier, now: float) -> None:
        """Hands over what there is room for."""
        self.expire(now)
        if not self.waiting:
            return
        room = carrier.datagram_room()
        handed = 0
        for _, data in self.waiting:
            room -= len(data)
            if room < 0:
                break
            carrier.send_datagram(data)
            handed += 1
        del self.waiting[:handed]

    def expire(self, now: float) -> None:
        """Drops what may wait no longer."""
        if not self.waiting:
            return
        late = sum(each.until < now for each in self.waiting)
        if late:
            self.waiting = [each for each in self.waiting if each.until >= now]
            self.dropped("late", late)

    def on_datagram_untrusted(self, data: bytes) -> None:
        """One that came."""
        datagram = parse_untrusted(wire_pb2.Datagram, data)
        if len(datagram.channel.encode()) > NAME_MAX:
            raise malformed(f"a datagram's channel of {len(datagram.channel.encode())} bytes")
        self.came(datagram.channel, datagram.payload)
