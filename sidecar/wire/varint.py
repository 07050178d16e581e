"""QUIC's variable-length integers (RFC 9000 section 16): the top two bits of the first byte tell the length.

00xxxxxx                          1 byte    6 bits
01xxxxxx xxxxxxxx                 2 bytes  14 bits
10xxxxxx ... (4 bytes)                     30 bits
11xxxxxx ... (8 bytes)                     62 bits
"""

from __future__ import annotations

MAX = (1 << 62) - 1


def encode(value: int) -> bytes:
    """The shortest encoding of 0 <= value < 2^62; ValueError beyond."""
    if value < 0:
        raise ValueError(f"{value} is negative")
    if value < 0x40:
        return bytes((value,))
    if value < 0x4000:
        return (value | 0x4000).to_bytes(2, "big")
    if value < 0x4000_0000:
        return (value | 0x8000_0000).to_bytes(4, "big")
    if value <= MAX:
        return (value | 0xC000_0000_0000_0000).to_bytes(8, "big")
    raise ValueError(f"{value} does not fit 62 bits")


def decode_untrusted(data: bytes | bytearray, position: int) -> tuple[int, int] | None:
    """The integer at `position` and where it ends; None when `data` ends before it does. Any bytes are valid."""
    if position >= len(data):
        return None
    first = data[position]
    if first < 0x40:
        return first, position + 1
    end = position + (1 << (first >> 6))
    if end > len(data):
        return None
    value = int.from_bytes(data[position:end], "big")
    return value & ((1 << (((end - position) << 3) - 2)) - 1), end
