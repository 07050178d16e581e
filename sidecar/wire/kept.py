"""Kept messages: those that are durable, and those whose sender wants to know when an app has processed them.

They have lanes of their own, one per priority, so that their ACK may wait for a journal while no other's does; large
ones have streams of their own kind and share the numbers of the bulk lane. A frame says besides the number of its first
message, which its sender's sidecar gave it once and for all:

    stream = 0x08 varint:lane varint:first_sequence *frame
    frame  = varint:channel varint:count varint:length varint:number varint:flags varint:ttl batch

    bulk   = 0x09 varint:sequence varint:channel varint:priority varint:length
             varint:number varint:flags varint:ttl [entry]
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire import varint
from sidecar.wire.errors import malformed
from sidecar.wire.lanes import BULK, FRAME_MAX, PRIORITIES, BulkHeader, BulkReader, decode_varints_untrusted

FIRST_KEPT = BULK + 1
LANES = FIRST_KEPT + PRIORITIES
"""All lanes: 0 to 2, bulk, and 4 to 6 for kept messages of priority 0 to 2."""
DURABLE = 1
"""Flag: it goes into the journals."""
TRACKED = 2
"""Flag: its sender wants its outcome."""
RANGES_MAX = 4096
"""Ranges in one OUTCOMES or OUTCOMES_ASK."""
TTL_MAX_MS = 366 * 86_400_000


class Kept(NamedTuple):
    """What is said of kept messages beside themselves."""

    number: int
    """Of the first; the others count on."""
    flags: int
    ttl_ms: int
    """Milliseconds that they are still worth delivering; 0 for as long as it takes."""

    def after(self, count: int) -> Kept:
        """The same for the messages behind the first `count`."""
        return self._replace(number=self.number + count)


class KeptFrame(NamedTuple):
    """Consecutive messages of one channel."""

    channel: int
    messages: int
    batch: bytes
    kept: Kept


def kept_untrusted(number: int, flags: int, ttl_ms: int) -> Kept:
    """Proves that nothing is out of bounds."""
    if ttl_ms > TTL_MAX_MS:
        raise malformed(f"a time to live of {ttl_ms} ms, at most {TTL_MAX_MS} are allowed")
    return Kept(number, flags & (DURABLE | TRACKED), ttl_ms)


def encode_kept_opening(lane: int, first_sequence: int) -> bytes:
    """What a kept lane's stream begins with."""
    return b"\x08" + varint.encode(lane) + varint.encode(first_sequence)


def encode_kept_frame(channel: int, count: int, length: int, kept: Kept) -> bytes:
    """What stands before a batch."""
    return b"".join(map(varint.encode, (channel, count, length, *kept)))


def encode_kept_bulk_header(header: BulkHeader, kept: Kept) -> bytes:
    """What a kept bulk stream begins with."""
    return b"\x09" + b"".join(map(varint.encode, (*header, *kept)))


class KeptReader:
    """Cuts a kept lane's stream, its opening already taken, into frames; holds at most one unfinished frame."""

    def __init__(self, lane: int, next_sequence: int) -> None:
        self.lane = lane
        self.next_sequence = next_sequence
        """The number of the first message that has not been returned yet."""
        self._parts: list[bytes] = []
        self._missing = 0
        """Bytes without which there is nothing to look at."""

    @property
    def unfinished(self) -> bool:
        """Whether a frame has begun that is not whole."""
        return bool(self._parts)

    def feed_untrusted(self, data: bytes) -> list[KeptFrame]:
        """Every frame that is now complete. Raises Untrusted on a frame that no sender may send."""
        frames: list[KeptFrame] = []
        if self._parts:
            self._parts.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return frames
            data = b"".join(self._parts)
            self._parts.clear()
        position, total = 0, len(data)
        while position < total:
            header = decode_varints_untrusted(data, position, 6)
            if header is None:
                self._hold(data[position:], 1)
                break
            (channel, count, length, number, flags, ttl), start = header
            if length > FRAME_MAX or not 0 < count <= length:
                raise malformed(f"kept frame of {count} messages in {length} bytes, at most {FRAME_MAX} are allowed")
            kept = kept_untrusted(number, flags, ttl)
            if start + length > total:
                self._hold(data[position:], start + length - total)
                break
            position = start + length
            frames.append(KeptFrame(channel, count, data[start:position], kept))
        return frames

    def _hold(self, rest: bytes, missing: int) -> None:
        self._parts.append(rest)
        self._missing = missing


class KeptBulkReader(BulkReader):
    """Gathers one large kept message."""

    def __init__(self, header: BulkHeader, kept: Kept) -> None:
        super().__init__(header)
        self.kept = kept


class Ranges:
    """Numbers as ascending ranges that do not touch."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(zip(self._firsts, self._lasts, strict=True))

    def __len__(self) -> int:
        return len(self._firsts)

    def add(self, first: int, last: int) -> None:
        """Adds `first` to `last`."""
        at = bisect_right(self._firsts, first)
        while at and self._lasts[at - 1] >= first - 1:
            at -= 1
            first, last = min(first, self._firsts[at]), max(last, self._lasts[at])
            del self._firsts[at], self._lasts[at]
        while at < len(self._firsts) and self._firsts[at] <= last + 1:
            last = max(last, self._lasts[at])
            del self._firsts[at], self._lasts[at]
        self._firsts.insert(at, first)
        self._lasts.insert(at, last)

    def within(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """The parts of `first` to `last` that are there."""
        at = max(0, bisect_right(self._firsts, first) - 1)
        while at < len(self._firsts) and self._firsts[at] <= last:
            low, high = max(first, self._firsts[at]), min(last, self._lasts[at])
            if low <= high:
                yield low, high
            at += 1

    def remove(self, first: int, last: int) -> None:
        """Takes out `first` to `last`."""
        for low, high in list(self.within(first, last)):
            at = bisect_right(self._firsts, low) - 1
            begin, end = self._firsts[at], self._lasts[at]
            del self._firsts[at], self._lasts[at]
            for left, right in ((high + 1, end), (begin, low - 1)):
                if left <= right:
                    self._firsts.insert(at, left)
                    self._lasts.insert(at, right)

    def drop_lowest(self) -> None:
        """Forgets the lowest range."""
        del self._firsts[0], self._lasts[0]


class OutcomeLog:
    """Outcomes that are to be told, and those of messages without a journal that may be asked for again."""

    REMEMBERED = 4096
    """Ranges of outcomes of one kind that are remembered; the lowest numbers are forgotten first."""

    def __init__(self) -> None:
        self.due: list[wire_pb2.OutcomeRange] = []
        """What is to be told."""
        self._known: dict[wire_pb2.Outcome, Ranges] = {}

    def add(self, first: int, count: int, outcome: wire_pb2.Outcome, *, durable: bool) -> None:
        """Messages have an outcome."""
        last = first + count - 1
        self._tell(first, last, outcome, durable)
        if not durable:
            known = self._known.setdefault(outcome, Ranges())
            known.add(first, last)
            if len(known) > self.REMEMBERED:
                known.drop_lowest()

    def asked(self, ranges: Iterable[wire_pb2.OutcomeRange]) -> None:
        """The sender asks for messages that no journal has."""
        for wanted in ranges:
            for outcome, known in self._known.items():
                for first, last in known.within(wanted.first, wanted.last):
                    self._tell(first, last, outcome, durable=False)

    def _tell(self, first: int, last: int, outcome: wire_pb2.Outcome, durable: bool) -> None:
        if self.due:
            end = self.due[-1]
            if end.last + 1 == first and end.outcome == outcome and end.durable == durable:
                end.last = last
                return
        self.due.append(wire_pb2.OutcomeRange(first=first, last=last, outcome=outcome, durable=durable))

    def take(self) -> wire_pb2.Outcomes:
        """What is to be told now, as much as a frame holds."""
        told, self.due = self.due[: RANGES_MAX // 2], self.due[RANGES_MAX // 2 :]
        return wire_pb2.Outcomes(ranges=told)

    def __repr__(self) -> str:
        return f"OutcomeLog({len(self.due)} to tell)"


def check_ranges_untrusted(ranges: Iterable[wire_pb2.OutcomeRange]) -> list[wire_pb2.OutcomeRange]:
    """Proves that ranges are ranges of numbers that messages may have, and not too many."""
    found = list(ranges)
    if len(found) > RANGES_MAX:
        raise malformed(f"{len(found)} ranges of outcomes, at most {RANGES_MAX} are allowed")
    for part in found:
        if not part.first <= part.last <= varint.MAX:
            raise malformed(f"outcomes of messages {part.first} to {part.last}")
    return found


class Pending:
    """Which of a lane's messages are stored: in order, so that one number says it all."""

    def __init__(self) -> None:
        self.through = 0
        """Every message with a lower number is stored."""
        self._beyond: list[tuple[int, int]] = []

    def stored(self, first: int, count: int) -> None:
        """Messages are stored."""
        insort(self._beyond, (first, first + count))
        while self._beyond and self._beyond[0][0] <= self.through:
            self.through = max(self.through, self._beyond.pop(0)[1])
