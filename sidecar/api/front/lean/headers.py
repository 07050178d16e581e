"""Header blocks: a request's read and checked once for each that differs, a response's written without a table.

`hpack` decodes. What the checks of RFC 9113 section 8 and the gRPC protocol make of a request is kept, by the bytes of
its block for as long as the dynamic table stands as it did, and by its fields: a client repeats the same few.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar
from urllib.parse import quote

from hpack import Decoder, Encoder
from hpack.exceptions import HPACKDecodingError, HPACKError, OversizedHeaderListError
from hpack.huffman_table import decode_huffman

from sidecar.api.front.lean.frames import Broken, ErrorCode, Reset
from sidecar.api.status import Status
from sidecar.errors import Reason, SidecarError

LIST_BYTES: Final = 16 << 10
"""The header list that a call may have, in the sum of RFC 9113 section 6.5.2; more costs the call."""
DECODED_BYTES: Final = 64 << 10
"""Decoding ends there; more costs the connection, whose table is then unknown."""
BLOCK_BYTES: Final = 32 << 10
"""The longest block, CONTINUATION included."""

KEPT: Final = 64
KEPT_BYTES: Final = 1024
"""So many different requests of a connection are known again, if they are no longer."""

TIMEOUT: Final = b"grpc-timeout"

TABLE_SIZE_UPDATE: Final = 0x20
"""The upper bits of a field that is none but a new size of the table (RFC 7541 section 6.3)."""

ENTRY_BYTES: Final = 32
"""What an entry counts beside its name and value (RFC 7541 section 4.1)."""

PSEUDO: Final = frozenset({b":method", b":scheme", b":path", b":authority"})
CONNECTION_SPECIFIC: Final = frozenset(
    {b"connection", b"proxy-connection", b"keep-alive", b"transfer-encoding", b"upgrade"}
)
"""Section 8.2.2."""

TRANSPORT_NAMES: Final = frozenset({"te", "content-type", "content-length", "trailer"})
"""Regular headers that are no metadata; so is every `grpc-` one."""

_NAME = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")
_BAD_VALUE = re.compile(rb"[\0\r\n]")

_CONTENT_TYPE = re.compile(r"application/grpc(?:[+;]|$)")
"""Not gRPC-Web, whose frames are others."""

_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_UNITS: Final = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}


@dataclass(frozen=True, slots=True)
class Head:
    """A request's headers, understood."""

    path: str
    pairs: Sequence[tuple[str, str]]
    """All regular headers in order, for what must see repeated ones."""
    metadata: Mapping[str, str]
    """As `CallContext.metadata`."""
    size: int
    """Of the header list, in the sum of RFC 9113 section 6.5.2, without the time-out."""
    encoding: str
    """`grpc-encoding`; `identity` without one."""
    content_length: int | None
    refusal: int | None
    """The HTTP status for what is no gRPC request; None for one that is."""
    error: SidecarError | None
    """Why the call fails although HTTP has nothing against it."""


Key = TypeVar("Key")
Value = TypeVar("Value")


def keep(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """Keeps it, and forgets all of them when they have become many."""
    if len(kept) >= KEPT:
        kept.clear()
    kept[key] = value


class HeaderReader:
    """Reads the blocks of one connection, in order, each exactly once."""

    def __init__(self) -> None:
        self._decoder = Decoder(max_header_list_size=DECODED_BYTES)
        self._requests: dict[bytes, tuple[Head, float | None]] = {}
        """By their blocks, for as long as the table stands as it did."""
        self._heads: dict[tuple[tuple[bytes, bytes], ...], Head] = {}
        """By their fields without the time-out, which differs with every call of a deadline."""

    def __repr__(self) -> str:
        return f"<HeaderReader {len(self._requests)} blocks and {len(self._heads)} heads kept>"

    def request_untrusted(self, block: bytes) -> tuple[Head, float | None]:
        """A request's block: what it says, and the seconds of its `grpc-timeout`. Broken when it is no HPACK or too
        large, Reset when no HTTP request may look so."""
        request = self._requests.get(block)
        if request is None:
            fields, same = self._decode(block)
            key = tuple([field for field in fields if field[0] != TIMEOUT])
            head = self._heads.get(key)
            if head is None:
                head = head_of(key)
                if head.size <= KEPT_BYTES:
                    keep(self._heads, key, head)
            timeout = None
            if len(key) < len(fields):
                text = next(value for name, value in fields if name == TIMEOUT).decode("latin-1")
                try:
                    timeout = seconds_of(text)
                except ValueError as wrong:
                    head = replace(head, error=SidecarError(Reason.INVALID_FIELD, str(wrong)))
            request = head, timeout
            if same and len(block) <= KEPT_BYTES:
                keep(self._requests, block, request)
        return request

    def trailers_untrusted(self, block: bytes) -> None:
        """The trailers of a request, which gRPC does not use. Broken; Reset when they are none (section 8.1)."""
        fields, _ = self._decode(block)
        for name, value in fields:
            if name.startswith(b":"):
                raise Reset(ErrorCode.PROTOCOL_ERROR, f"{name!r} in trailers")
            check_field(name, value)

    def _decode(self, block: bytes) -> tuple[list[tuple[bytes, bytes]], bool]:
        """The fields, and whether the dynamic table stands as before, so that the same bytes mean the same again."""
        table = self._decoder.header_table
        entries, size = table.dynamic_entries, table.maxsize
        first, count = entries[0] if entries else None, len(entries)
        try:
            fields = self._fields(block)
        except OversizedHeaderListError as error:
            raise Broken(ErrorCode.ENHANCE_YOUR_CALM, str(error)) from error
        except HPACKError as error:
            raise Broken(ErrorCode.COMPRESSION_ERROR, str(error)) from error
        # What is added comes first and is a new object, while `first` is still alive.
        entries = table.dynamic_entries
        same = (entries[0] if entries else None) is first and len(entries) == count and table.maxsize == size
        if not same:
            self._requests.clear()
        return fields, same

    def _fields(self, block: bytes) -> list[tuple[bytes, bytes]]:
        """The fields of a block. Those that clients repeat, a number of the table or a new value under a name of it,
        are taken here, in a fifth of the time; `hpack` has the rest from the first of another kind on. HPACKError."""
        table = self._decoder.header_table
        fields: list[tuple[bytes, bytes]] = []
        position, end, size = 0, len(block), 0
        while position < end:
            first = block[position]
            if 0x80 < first < 0xFF:
                name, value = table.get_by_index(first & 0x7F)
                position += 1
            elif 0x40 < first < 0x7F and position + 1 < end and block[position + 1] & 0x7F < 0x7F:
                name = table.get_by_index(first & 0x3F)[0]
                length = block[position + 1] & 0x7F
                value = block[position + 2 : position + 2 + length]
                if len(value) < length:
                    raise HPACKDecodingError("Truncated header block")
                if block[position + 1] & 0x80:
                    value = decode_huffman(value)
                table.add(name, value)
                position += 2 + length
            else:
                break
            fields.append((name, value))
            size += len(name) + len(value) + ENTRY_BYTES
            if size > DECODED_BYTES:
                raise OversizedHeaderListError(f"A header list larger than {DECODED_BYTES} has been received")
        if position < end:
            if fields and block[position] & 0xE0 == TABLE_SIZE_UPDATE:
                raise HPACKDecodingError("Table size update not at the start of the block")
            rest = self._decoder.decode(block[position:], raw=True)
            fields += [(bytes(name), bytes(value)) for name, value in rest]
        return fields


def check_field(name: bytes, value: bytes) -> None:
    """Reset unless a regular header may be so (sections 8.2.1 and 8.2.2)."""
    if _NAME.fullmatch(name) is None:
        raise Reset(ErrorCode.PROTOCOL_ERROR, f"{name!r} is no name of a header")
    if _BAD_VALUE.search(value) is not None:
        raise Reset(ErrorCode.PROTOCOL_ERROR, f"{name!r} has a line break or a zero in it")
    if name in CONNECTION_SPECIFIC or (name == b"te" and value != b"trailers"):
        raise Reset(ErrorCode.PROTOCOL_ERROR, f"{name!r} is for connections of HTTP/1")


def head_of(fields: Sequence[tuple[bytes, bytes]]) -> Head:
    """What a request's header list says. Reset when it is malformed (section 8.1.1)."""
    pseudo: dict[bytes, bytes] = {}
    pairs: list[tuple[str, str]] = []
    size = 0
    for name, value in fields:
        size += len(name) + len(value) + ENTRY_BYTES
        if name.startswith(b":"):
            if name not in PSEUDO or name in pseudo or pairs:
                raise Reset(ErrorCode.PROTOCOL_ERROR, f"{name!r} is unknown, repeated or behind a regular header")
            if _BAD_VALUE.search(value) is not None:
                raise Reset(ErrorCode.PROTOCOL_ERROR, f"{name!r} has a line break or a zero in it")
            pseudo[name] = value
        else:
            check_field(name, value)
            # The gRPC protocol allows stripping; RFC 9113 would have the request refused.
            pairs.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
    if not pseudo.get(b":path") or b":method" not in pseudo or b":scheme" not in pseudo:
        raise Reset(ErrorCode.PROTOCOL_ERROR, "a request has :method, :scheme and :path")
    named = dict(pairs)
    length = named.get("content-length")
    if length is not None and (
        any(name == "content-length" and value != length for name, value in pairs)
        or not (length.isascii() and length.isdecimal() and len(length) <= 12)
    ):
        raise Reset(ErrorCode.PROTOCOL_ERROR, f"content-length {length!r}")
    refusal = None
    if pseudo[b":method"] != b"POST":
        refusal = 405
    elif _CONTENT_TYPE.match(named.get("content-type", "")) is None:
        refusal = 415
    error = None
    if size > LIST_BYTES:
        error = SidecarError(
            Reason.LIMIT_REACHED, f"the call's metadata has {size} bytes, at most {LIST_BYTES} are read: send less"
        )
    return Head(
        path=pseudo[b":path"].decode("latin-1"),
        pairs=tuple(pairs),
        metadata={name: value for name, value in pairs if is_metadata(name)},
        size=size,
        encoding=named.get("grpc-encoding", "identity"),
        content_length=None if length is None else int(length),
        refusal=refusal,
        error=error,
    )


def is_metadata(name: str) -> bool:
    """Whether a method is told of a header: an ASCII one of the application's."""
    return name not in TRANSPORT_NAMES and not name.startswith("grpc-") and not name.endswith("-bin")


def seconds_of(timeout: str) -> float:
    """The value of `grpc-timeout`. ValueError, in words, when it is none."""
    match = _TIMEOUT.fullmatch(timeout)
    if match is None:
        raise ValueError(f"grpc-timeout {timeout!r} is not up to 8 digits and one of H, M, S, m, u, n")
    return int(match[1]) * _UNITS[match[2]]


_encoder = Encoder()
"""Without state: every field is written as one that no table may hold, and the settings of clients do not matter."""


def block_of(fields: Sequence[tuple[str, str]]) -> bytes:
    """A header block that depends on no table but the static one."""
    return _encoder.encode([(name, value, True) for name, value in fields], huffman=False)


RESPONSE_FIELDS: Final = ((":status", "200"), ("content-type", "application/grpc"))
RESPONSE: Final = block_of(RESPONSE_FIELDS)
"""The headers before a call's first response."""
DONE: Final = block_of([("grpc-status", "0")])
"""The trailers of a call that ended well."""

REFUSAL: Final = b"This is a gRPC server.\n"

_PRINTABLE: Final = "".join(chr(byte) for byte in range(0x20, 0x7F) if byte != ord("%"))


def status_fields(status: Status) -> list[tuple[str, str]]:
    """The trailers that say how a call ended."""
    fields = [("grpc-status", str(status.code))]
    if status.message:
        fields.append(("grpc-message", quote(status.message, safe=_PRINTABLE)))
    for name, value in status.trailers:
        text = base64.b64encode(value).rstrip(b"=").decode() if isinstance(value, bytes) else value
        fields.append((name, text))
    return fields


def trailers_block(status: Status) -> bytes:
    """The trailers after responses."""
    return block_of(status_fields(status))


def trailers_only_block(status: Status) -> bytes:
    """Headers and trailers in one, of a call that fails before its first response."""
    return block_of([*RESPONSE_FIELDS, *status_fields(status)])


def refusal_block(http_status: int) -> bytes:
    """The answer to what is no gRPC request."""
    return block_of([(":status", str(http_status)), ("content-length", str(len(REFUSAL)))])
