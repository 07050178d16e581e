"""Compressed requests: kept as they came until a method is about to take them, so that a few bytes fill no memory."""

from __future__ import annotations

import zlib
from typing import Final

from sidecar.api.front.base import TRANSPORT_BYTES
from sidecar.api.status import Code, ForeignStatus

GZIP: Final = "gzip"
IDENTITY: Final = "identity"
ACCEPTED: Final = f"{IDENTITY},{GZIP}"

_GZIP_WINDOW: Final = 31
"""zlib's number for the largest window behind a gzip head."""


class Packed(bytes):
    """A request whose head says that it is compressed."""


def packed(compressed: int, encoding: str, message: bytes) -> Packed:
    """ForeignStatus when it is not compressed in a way that is known here."""
    if compressed != 1:
        raise ForeignStatus(Code.INTERNAL, f"a message begins with {compressed}, which is neither 0 nor 1")
    if encoding == IDENTITY:
        raise ForeignStatus(Code.INTERNAL, "a compressed message in a call without grpc-encoding")
    if encoding != GZIP:
        # The compression page of gRPC's protocol: the answer says what is known.
        raise ForeignStatus(
            Code.UNIMPLEMENTED,
            f"grpc-encoding {encoding!r} is not known here: use {ACCEPTED}",
            ("grpc-accept-encoding", ACCEPTED),
        )
    return Packed(message)


def plain(message: bytes) -> bytes:
    """The request itself. ForeignStatus when it is not one whole gzip stream, or larger than any may be."""
    if not isinstance(message, Packed):
        return message
    inflater = zlib.decompressobj(wbits=_GZIP_WINDOW)
    try:
        # One byte more tells that there is too much.
        inflated = inflater.decompress(message, TRANSPORT_BYTES + 1)
    except zlib.error as error:
        raise ForeignStatus(Code.INTERNAL, f"a compressed message is not gzip: {error}") from error
    if len(inflated) > TRANSPORT_BYTES:
        raise ForeignStatus(
            Code.RESOURCE_EXHAUSTED, f"a message of more than the {TRANSPORT_BYTES} bytes that this server takes"
        )
    if not inflater.eof or inflater.unused_data:
        raise ForeignStatus(Code.INTERNAL, "a compressed message is not one whole gzip stream")
    return inflated
