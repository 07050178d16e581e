"""Frames of HTTP/2: layouts, numbers and the two errors of RFC 9113.

    +-----------------------------------------------+
    |                 Length (24)                   |
    +---------------+---------------+---------------+
    |   Type (8)    |   Flags (8)   |
    +-+-------------+---------------+-------------------------------+
    |R|                 Stream Identifier (31)                      |
    +=+=============================================================+
    |                   Frame Payload (0...)                      ...
    +---------------------------------------------------------------+

In DATA stand gRPC messages, each behind one byte that says whether it is compressed and four of length.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct
from typing import Final

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

# Types, section 6. Plain numbers: they are compared for every frame.
DATA: Final = 0
HEADERS: Final = 1
PRIORITY: Final = 2
RST_STREAM: Final = 3
SETTINGS: Final = 4
PUSH_PROMISE: Final = 5
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

# Flags.
END_STREAM: Final = 0x1
ACK: Final = 0x1
END_HEADERS: Final = 0x4
PADDED: Final = 0x8
WITH_PRIORITY: Final = 0x20

# Settings, section 6.5.2.
HEADER_TABLE_SIZE: Final = 1
ENABLE_PUSH: Final = 2
MAX_CONCURRENT_STREAMS: Final = 3
INITIAL_WINDOW_SIZE: Final = 4
MAX_FRAME_SIZE: Final = 5
MAX_HEADER_LIST_SIZE: Final = 6

DEFAULT_WINDOW: Final = 65_535
"""Of a connection and of a stream, until told otherwise."""
MOST_WINDOW: Final = (1 << 31) - 1
LEAST_FRAME: Final = 1 << 14
MOST_FRAME: Final = (1 << 24) - 1
MOST_STREAM: Final = (1 << 31) - 1

FRAME_HEAD: Final = Struct(">HBBBI")
"""Upper 16 and lower 8 bits of the length, type, flags, stream."""
MESSAGE_HEAD: Final = Struct(">BI")
"""Compressed or not, length."""
DATA_HEAD: Final = Struct(">HBBBIBI")
"""The two together, for a message that is alone in its frame."""
NUMBER: Final = Struct(">I")
TWO_NUMBERS: Final = Struct(">II")
SETTING: Final = Struct(">HI")

PING_BYTES: Final = 8
PRIORITY_BYTES: Final = 5


class ErrorCode(IntEnum):
    """Section 7."""

    NO_ERROR = 0x0
    PROTOCOL_ERROR = 0x1
    INTERNAL_ERROR = 0x2
    FLOW_CONTROL_ERROR = 0x3
    SETTINGS_TIMEOUT = 0x4
    STREAM_CLOSED = 0x5
    FRAME_SIZE_ERROR = 0x6
    REFUSED_STREAM = 0x7
    CANCEL = 0x8
    COMPRESSION_ERROR = 0x9
    CONNECT_ERROR = 0xA
    ENHANCE_YOUR_CALM = 0xB
    INADEQUATE_SECURITY = 0xC
    HTTP_1_1_REQUIRED = 0xD


class Broken(Exception):
    """The client broke the connection: GOAWAY with the code and the words, then the end (section 5.4.1)."""

    def __init__(self, code: ErrorCode, why: str) -> None:
        super().__init__(f"{code.name}: {why}")
        self.code = code
        self.why = why


class Reset(Exception):
    """The client broke one stream: RST_STREAM with the code (section 5.4.2)."""

    def __init__(self, code: ErrorCode, why: str) -> None:
        super().__init__(f"{code.name}: {why}")
        self.code = code
        self.why = why


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """A whole frame. `payload` has less than 16 MiB."""
    size = len(payload)
    return FRAME_HEAD.pack(size >> 8, size & 0xFF, kind, flags, stream_id) + payload


def settings_frame(values: dict[int, int]) -> bytes:
    """SETTINGS with these values."""
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(name, value) for name, value in values.items()))


def window_update(stream_id: int, increment: int) -> bytes:
    """WINDOW_UPDATE; stream 0 is the connection."""
    return frame(WINDOW_UPDATE, 0, stream_id, NUMBER.pack(increment))


def rst_stream(stream_id: int, code: ErrorCode) -> bytes:
    """RST_STREAM."""
    return frame(RST_STREAM, 0, stream_id, NUMBER.pack(code))


def goaway(last_stream: int, code: ErrorCode, why: str = "") -> bytes:
    """GOAWAY: what is above `last_stream` was not looked at."""
    return frame(GOAWAY, 0, 0, TWO_NUMBERS.pack(last_stream, code) + why.encode("ascii", "replace"))


def number_untrusted(payload: bytes) -> int:
    """The payload of WINDOW_UPDATE or RST_STREAM. Broken FRAME_SIZE_ERROR when it is not 4 bytes."""
    if len(payload) != NUMBER.size:
        raise Broken(ErrorCode.FRAME_SIZE_ERROR, f"a number of {len(payload)} bytes, it has 4")
    value: int = NUMBER.unpack(payload)[0]
    return value


def settings_untrusted(payload: bytes) -> Iterator[tuple[int, int]]:
    """Names and values of a SETTINGS frame, each checked (section 6.5.2); unknown names are given too. Broken."""
    if len(payload) % SETTING.size:
        raise Broken(ErrorCode.FRAME_SIZE_ERROR, f"SETTINGS of {len(payload)} bytes, each takes 6")
    for name, value in SETTING.iter_unpack(payload):
        if name == ENABLE_PUSH and value > 1:
            raise Broken(ErrorCode.PROTOCOL_ERROR, f"ENABLE_PUSH is 0 or 1, not {value}")
        if name == INITIAL_WINDOW_SIZE and value > MOST_WINDOW:
            raise Broken(ErrorCode.FLOW_CONTROL_ERROR, f"INITIAL_WINDOW_SIZE {value} is above {MOST_WINDOW}")
        if name == MAX_FRAME_SIZE and not LEAST_FRAME <= value <= MOST_FRAME:
            raise Broken(ErrorCode.PROTOCOL_ERROR, f"MAX_FRAME_SIZE {value} is not within {LEAST_FRAME}..{MOST_FRAME}")
        yield name, value


def unpadded_untrusted(payload: bytes) -> bytes:
    """A padded payload without its padding (section 6.1). Broken when there is more padding than payload."""
    if not payload:
        raise Broken(ErrorCode.FRAME_SIZE_ERROR, "a padded frame without the length of its padding")
    end = len(payload) - payload[0]
    if end < 1:
        raise Broken(ErrorCode.PROTOCOL_ERROR, f"{payload[0]} bytes of padding in a frame of {len(payload)}")
    return payload[1:end]
