"""What an endpoint reads and writes without a connection: packet headers and Version Negotiation.

    long header    1 | fixed | type 2 | ... 4     version 32     dcid length 8, dcid     scid length 8, scid
      Initial                                     ... token length varint, token, length varint, protected payload
    short header   0 | fixed | ... 6              dcid (8 bytes here)                    protected payload

RFC 8999 (what no version changes), RFC 9000 section 17.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

VERSION_1 = 1
SUPPORTED_VERSIONS = (VERSION_1,)
LEAST_INITIAL_BYTES = 1200
"""A client's first datagram is at least this long (RFC 9000 section 14.1); a shorter one is never answered."""
LEAST_CHOSEN_ID_BYTES = 8
"""The id a client chooses for its first packets is at least this long (RFC 9000 section 7.2)."""
MOST_ID_BYTES = 20

_LONG = 0x80
_FIXED = 0x40
_INITIAL = 0


class LongHeader(NamedTuple):
    """The beginning of a long header packet; `token` is an Initial's, empty in others."""

    version: int
    initial: bool
    destination_id: bytes
    source_id: bytes
    token: bytes


def is_short(data: bytes) -> bool:
    """Whether a datagram begins with a short header packet."""
    return bool(data) and not data[0] & _LONG


def read_long_untrusted(data: bytes) -> LongHeader | None:
    """The header of a long header packet; None where it is none."""
    try:
        return _read_long(data)
    except (IndexError, struct.error):
        return None


def _read_long(data: bytes) -> LongHeader | None:
    first = data[0]
    if not first & _LONG:
        return None
    (version,) = struct.unpack_from("!I", data, 1)
    destination, at = _read_bytes(data, data[5], 6)
    source, at = _read_bytes(data, data[at], at + 1)
    if version != VERSION_1:
        # Ids of other versions may be longer (RFC 8999 section 5.1); all that is done with them is to swap them.
        return LongHeader(version, False, destination, source, b"")
    if not first & _FIXED or len(destination) > MOST_ID_BYTES or len(source) > MOST_ID_BYTES:
        return None
    if (first & 0x30) >> 4 != _INITIAL:
        return LongHeader(version, False, destination, source, b"")
    length, at = _read_varint(data, at)
    token, at = _read_bytes(data, length, at)
    return LongHeader(version, True, destination, source, token)


def _read_bytes(data: bytes, length: int, at: int) -> tuple[bytes, int]:
    end = at + length
    if end > len(data):
        raise IndexError(end)
    return data[at:end], end


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    length = 1 << (data[at] >> 6)
    raw, end = _read_bytes(data, length, at)
    return int.from_bytes(raw, "big") & ((1 << (8 * length - 2)) - 1), end


def version_negotiation(header: LongHeader) -> bytes:
    """The answer to a packet of a version we do not speak (RFC 9000 section 6)."""
    # Here and not above: with the other engine this is all of aioquic that is loaded, and seldom needed.
    from aioquic.quic.packet import encode_quic_version_negotiation

    return encode_quic_version_negotiation(header.destination_id, header.source_id, list(SUPPORTED_VERSIONS))
