"""Frames of the control stream: varint type, varint length, a protobuf body (RFC 9114 section 7.1 is the model).

Types that are not known are skipped, so that a later version may add some.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from sidecar.wire import varint
from sidecar.wire.errors import malformed

FRAME_MAX = 64 << 10
"""The longest frame body; a longer declared length closes the connection before anything of it is kept."""


class FrameType(IntEnum):
    """Control frame types."""

    HELLO = 0x00
    PROOF = 0x01
    WELCOME = 0x02
    REJECT = 0x03
    CHANNEL_OPEN = 0x04
    CREDIT = 0x05
    ACK = 0x06
    PING = 0x07
    PEERS_REQUEST = 0x08
    PEERS = 0x09
    GOAWAY = 0x0A
    PROBE = 0x10
    CHECK = 0x11
    DIALBACK = 0x12
    DIALBACK_RESULT = 0x13
    ADMITTED = 0x14
    ROLE_TOLD = 0x15
    OUTCOMES = 0x18
    OUTCOMES_ASK = 0x19


class StreamType(IntEnum):
    """The varint that opens a unidirectional stream."""

    CONTROL = 0x00
    MESSAGES = 0x01
    BULK = 0x02
    KEPT = 0x08
    KEPT_BULK = 0x09


def encode(kind: FrameType, body: bytes) -> bytes:
    """One frame."""
    return varint.encode(kind) + varint.encode(len(body)) + body


class FrameReader:
    """Cuts a control stream into frames; holds at most one unfinished frame."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed_untrusted(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """The (type, body) of every frame that is now complete. Raises Untrusted on a frame above FRAME_MAX."""
        held = self._held
        held += data
        position = 0
        try:
            while (kind := varint.decode_untrusted(held, position)) is not None:
                size = varint.decode_untrusted(held, kind[1])
                if size is None:
                    return
                if size[0] > FRAME_MAX:
                    raise malformed(f"control frame of {size[0]} bytes, at most {FRAME_MAX} are allowed")
                end = size[1] + size[0]
                if end > len(held):
                    return
                body = bytes(held[size[1] : end])
                position = end
                yield kind[0], body
        finally:
            del held[:position]


Body = TypeVar("Body", bound=Message)


def parse_untrusted(kind: type[Body], body: bytes) -> Body:
    """The body of a frame; Untrusted when it is none."""
    try:
        return kind.FromString(body)
    except DecodeError as error:
        raise malformed(f"{kind.DESCRIPTOR.name} cannot be decoded") from error
