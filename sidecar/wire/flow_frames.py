"""Frames of a flow's bidirectional stream: varint kind, varint length, body; the opener's half begins with the stream's
type. DATA is handed on as it comes, every other body once it is whole. Kinds that are not known are skipped.

    opener      type OPEN    (DATA | CREDIT)* (FIN | RESET) CREDIT*
    acceptor         ANSWER  (DATA | CREDIT)* (FIN | RESET) CREDIT*
    later, on another connection: RESUME in OPEN's place
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum

from google.protobuf.message import Message

from sidecar.wire import varint
from sidecar.wire.errors import malformed

BODY_MAX = 16 << 10
"""The longest body but DATA's."""
NAME_MAX = 128
"""Bytes of a flow's name."""
HEADERS_MAX = 8 << 10
"""Bytes of its headers, keys and values."""


class FlowFrame(IntEnum):
    """Kinds of frames."""

    OPEN = 0x0
    RESUME = 0x1
    ANSWER = 0x2
    DATA = 0x3
    CREDIT = 0x4
    FIN = 0x5
    RESET = 0x6


class FlowKind(IntEnum):
    """The varint that opens a bidirectional stream."""

    REQUEST = 0x10
    STREAM = 0x11


def encode_flow_frame(kind: FlowFrame, body: Message) -> bytes:
    """One frame with a protobuf body."""
    data = body.SerializeToString()
    if len(data) < _SHORT:
        return bytes((kind, len(data))) + data
    return varint.encode(kind) + varint.encode(len(data)) + data


def encode_data_header(size: int) -> bytes:
    """What stands before `size` bytes of DATA."""
    if size < _SHORT:
        return bytes((FlowFrame.DATA, size))
    return _DATA + varint.encode(size)


class FlowReader:
    """Cuts one half of a flow's stream into frames."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._kind: int | None = None
        self._left = 0
        """Bytes of the body of `_kind` that are still to come."""

    @property
    def unfinished(self) -> bool:
        """Whether the stream stands within a frame."""
        return bool(self._held) or self._kind is not None

    def feed_untrusted(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The (kind, body) of frames, DATA in pieces as they come. Raises Untrusted on a body above BODY_MAX."""
        position, end = 0, len(data)
        # The way of nearly all frames of requests: short ones that came whole.
        between = self._kind is None and not self._held
        while between and end - position >= 2:
            short, length = data[position], data[position + 1]
            start = position + 2
            if length >= 0x40:
                if length >= 0x80 or start == end:
                    break
                length = (length & 0x3F) << 8 | data[start]
                start += 1
            if short > FlowFrame.RESET or start + length > end:
                break
            position = start + length
            if length or short != FlowFrame.DATA:
                yield short, data[start:position]
        while position < len(data) or (self._kind is not None and not self._left):
            if self._kind is None:
                if self._held:
                    self._held += data[position:]
                    data, position = bytes(self._held), 0
                    self._held.clear()
                kind = varint.decode_untrusted(data, position)
                size = varint.decode_untrusted(data, kind[1]) if kind is not None else None
                if kind is None or size is None:
                    self._held += data[position:]
                    return
                self._kind, self._left, position = kind[0], size[0], size[1]
                if self._kind in _WHOLE and self._left > BODY_MAX:
                    raise malformed(f"flow frame {self._kind:#x} of {self._left} bytes, at most {BODY_MAX} are allowed")
            piece = data[position : position + self._left]
            position += len(piece)
            self._left -= len(piece)
            if self._kind in _WHOLE:
                self._held += piece
                if not self._left:
                    kind_read, body = self._kind, bytes(self._held)
                    self._kind = None
                    self._held.clear()
                    yield kind_read, body
                continue
            known = self._kind == FlowFrame.DATA
            if not self._left:
                self._kind = None
            if known and piece:
                yield FlowFrame.DATA, piece


_DATA = varint.encode(FlowFrame.DATA)
_SHORT = 0x40
"""What is less is one byte of a varint."""
_WHOLE = frozenset(FlowFrame) - {FlowFrame.DATA}
