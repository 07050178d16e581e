"""Lanes: how messages travel. A lane numbers its messages from 0 without gaps, for one direction of one link.

Lanes 0 to 2, one per priority, are streams of frames that hold many messages. A stream may be opened again, on another
connection or after another connection on the same, and then says where it begins; the last one opened counts:

    stream = 0x01 varint:lane varint:first_sequence *frame
    frame  = varint:channel varint:count varint:length batch           length: of the batch, at most FRAME_MAX

Lane 3 (bulk) holds the messages too large to share a stream, each on its own:

    stream = 0x02 varint:sequence varint:channel varint:priority varint:length [entry]      then FIN

Without the entry the message was given up, and its number is used.
"""

from __future__ import annotations

from typing import NamedTuple

from sidecar.wire import varint
from sidecar.wire.batch import IN_LINE_MAX
from sidecar.wire.errors import malformed

BULK = 3
PRIORITIES = 3
"""Lanes 0 high, 1 normal, 2 low."""
BULK_MISSING_MAX = 256
"""Large messages that may be unfinished on a link at a time; so many gaps at most are in what has come."""
FRAME_MAX = 256 << 10
RUN_MAX = 128 << 10
"""A sender joins small messages up to this many bytes; one message of IN_LINE_MAX fits above it."""
assert RUN_MAX + IN_LINE_MAX <= FRAME_MAX
PIECE_MIN = 1024


class LaneFrame(NamedTuple):
    """Consecutive messages of one channel."""

    channel: int
    messages: int
    batch: bytes


class BulkHeader(NamedTuple):
    """What opens a bulk stream."""

    sequence: int
    channel: int
    priority: int
    length: int


def encode_lane_opening(lane: int, first_sequence: int) -> bytes:
    """What a lane's stream begins with."""
    return b"\x01" + varint.encode(lane) + varint.encode(first_sequence)


def encode_lane_frame(channel: int, count: int, length: int) -> bytes:
    """What stands before a batch."""
    return varint.encode(channel) + varint.encode(count) + varint.encode(length)


def encode_bulk_header(header: BulkHeader) -> bytes:
    """What a bulk stream begins with."""
    return b"\x02" + b"".join(varint.encode(part) for part in header)


def decode_varints_untrusted(held: bytes | bytearray, position: int, count: int) -> tuple[list[int], int] | None:
    """`count` integers and where they end; None when there are not enough bytes yet."""
    values = []
    for _ in range(count):
        found = varint.decode_untrusted(held, position)
        if found is None:
            return None
        values.append(found[0])
        position = found[1]
    return values, position


def _append(parts: list[bytes | memoryview], data: bytes) -> None:
    """Adds to what is gathered. Small pieces are joined, so that a sender of single bytes costs no more memory than it
    sends."""
    if parts and len(parts[-1]) < PIECE_MIN:
        parts[-1] = b"".join((parts[-1], data))
    else:
        parts.append(data)


class LaneReader:
    """Cuts a lane's stream, its opening already taken, into frames; holds at most one unfinished frame."""

    def __init__(self, lane: int, next_sequence: int) -> None:
        self.lane = lane
        self.next_sequence = next_sequence
        """The number of the first message that has not been returned yet."""
        self._begun: tuple[int, int] | None = None
        """Channel and count of the frame whose batch is being gathered."""
        self._parts: list[bytes | memoryview] = []
        """Its batch so far; before that, the header so far. Joined once, when all is there, not at every packet."""
        self._missing = 0

    @property
    def unfinished(self) -> bool:
        """Whether a frame has begun that is not whole."""
        return bool(self._parts) or self._begun is not None

    def feed_untrusted(self, data: bytes) -> list[LaneFrame]:
        """Every frame that is now complete. Raises Untrusted on a frame that no sender may send."""
        frames: list[LaneFrame] = []
        position, total = 0, len(data)
        if self._begun is not None:
            if total < self._missing:
                _append(self._parts, data)
                self._missing -= total
                return frames
            position = self._missing
            self._parts.append(memoryview(data)[:position])
            frames.append(LaneFrame(*self._begun, b"".join(self._parts)))
            self._parts.clear()
            self._begun = None
        elif self._parts:
            data = b"".join((*self._parts, data))
            total = len(data)
            self._parts.clear()
        while position < total:
            header = decode_varints_untrusted(data, position, 3)
            if header is None:
                self._parts.append(data[position:])
                break
            (channel, count, length), start = header
            if length > FRAME_MAX or not 0 < count <= length:
                raise malformed(f"lane frame of {count} messages in {length} bytes, at most {FRAME_MAX} are allowed")
            position = start + length
            if position > total:
                self._begun = (channel, count)
                # What is kept of a large piece must not keep all of it.
                whole = 2 * (total - start) >= total >= 2 * PIECE_MIN
                self._parts.append(memoryview(data)[start:] if whole else data[start:])
                self._missing = position - total
                break
            frames.append(LaneFrame(channel, count, data[start:position]))
        return frames


class BulkReader:
    """Gathers one bulk message, its header already taken."""

    def __init__(self, header: BulkHeader) -> None:
        self.header = header
        self._parts: list[bytes | memoryview] = []
        self.received = 0

    def feed_untrusted(self, data: bytes, fin: bool) -> bytes | None:
        """The entry once it is whole, no bytes at all when it was given up. Raises Untrusted when more or less comes
        than was declared."""
        self.received += len(data)
        if data:
            _append(self._parts, data)
        if self.received > self.header.length or (fin and 0 < self.received < self.header.length):
            raise malformed(f"bulk message of {self.received} bytes, {self.header.length} were declared")
        if not fin:
            return None
        whole = b"".join(self._parts)
        self._parts.clear()
        return whole
