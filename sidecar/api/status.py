"""The one table from a reason to a gRPC status, and the status in the form it travels in.

A status is the canonical code, the words, and `google.rpc` details in the trailer `grpc-status-details-bin`: always
ErrorInfo, BadRequest where fields are named, RetryInfo where trying again later makes sense. Nothing here knows a
server library: every front sends the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple, cast
from urllib.parse import quote

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status as RpcStatus

from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.v1 import errors_pb2

DOMAIN = "overlay.v1"
DETAILS = "grpc-status-details-bin"
PUSHBACK = "grpc-retry-pushback-ms"

MESSAGE_BYTES = 1024
"""The most of a status's words that travels: they stand in it twice, and clients take 8 KiB of headers by default."""

ESCAPED_BYTES = 2048
"""The same once it is percent-encoded, as it travels in `grpc-message`."""

DETAIL_BYTES = 1536
"""The most of ErrorInfo's metadata, and of BadRequest's fields, that travels."""


class Code(IntEnum):
    """The canonical codes that this API uses."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    UNAUTHENTICATED = 16


class Row(NamedTuple):
    """What the API makes of a reason."""

    code: Code
    advice: str
    """What the caller does next, for docs/api.md."""
    retry_after: float | None = None
    """Seconds for RetryInfo where the error names none."""
    final: bool = False
    """Whether a client's retry layer is told not to repeat the call although the code is UNAVAILABLE: the sidecar has
    tried for as long as the call allowed."""


TABLE: Mapping[Reason, Row] = {
    Reason.INVALID_FIELD: Row(Code.INVALID_ARGUMENT, "correct the fields that BadRequest names"),
    Reason.MESSAGE_TOO_LARGE: Row(
        Code.INVALID_ARGUMENT,
        "stay within `limit`; what one gRPC message cannot hold goes through SendStream in chunks",
    ),
    Reason.PEER_IS_SELF: Row(Code.INVALID_ARGUMENT, "name another peer"),
    Reason.PEER_UNKNOWN: Row(Code.NOT_FOUND, "Connect to a contact `peer-id@host:port`, or Bootstrap first"),
    Reason.CONTACT_UNKNOWN: Row(Code.NOT_FOUND, "take one that ListContacts prints"),
    Reason.PEER_UNREACHABLE: Row(Code.UNAVAILABLE, "try again later; nothing was received there", final=True),
    Reason.PEER_NOT_DIALABLE: Row(
        Code.UNAVAILABLE, "wait until the client links by itself; nothing was received there", final=True
    ),
    Reason.PEER_REFUSED: Row(Code.FAILED_PRECONDITION, "see the peer's words: network id, version or its lists"),
    Reason.IDENTITY_MISMATCH: Row(Code.FAILED_PRECONDITION, "correct the contact: another peer answers there"),
    Reason.PEER_UNTRUSTED: Row(
        Code.PERMISSION_DENIED, "see the words: renew a certificate, unblock the peer, or leave it out"
    ),
    Reason.LINK_CLOSED: Row(Code.UNAVAILABLE, "send again: it was not sent", final=True),
    Reason.OUTCOME_UNKNOWN: Row(Code.UNKNOWN, "it may have arrived: send again only what may arrive twice"),
    Reason.QUEUE_FULL: Row(Code.RESOURCE_EXHAUSTED, "send more slowly, or give the call more time", retry_after=1.0),
    Reason.NO_SUBSCRIBER: Row(
        Code.RESOURCE_EXHAUSTED, "start an app over there that receives this channel", retry_after=5.0
    ),
    Reason.DEADLINE: Row(Code.DEADLINE_EXCEEDED, "give the call more time"),
    Reason.CANCELLED: Row(Code.CANCELLED, "nothing: the call was cancelled"),
    Reason.DRAINING: Row(Code.UNAVAILABLE, "wait until the sidecar is back"),
    Reason.BOOTSTRAP_FAILED: Row(Code.UNAVAILABLE, "see what each contact answered", final=True),
    Reason.CURSOR_EXPIRED: Row(Code.OUT_OF_RANGE, "begin the watch without a cursor"),
    Reason.TOKEN_INVALID: Row(Code.UNAUTHENTICATED, "send the header `authorization: Bearer TOKEN`"),
    Reason.SCOPE_DENIED: Row(Code.PERMISSION_DENIED, "use the token of an app that may, or widen its entry"),
    Reason.REQUEST_FAILED: Row(Code.ABORTED, "see the app's own `code` in the metadata"),
    Reason.PEER_NOT_ALLOWED: Row(Code.PERMISSION_DENIED, "have the other app let this peer in"),
    Reason.STREAM_RESET: Row(Code.ABORTED, "see the other app's `code` in the metadata"),
    Reason.STREAM_LOST: Row(Code.UNAVAILABLE, "open another; what was not acknowledged may be lost", final=True),
    Reason.FRAME_UNEXPECTED: Row(Code.INVALID_ARGUMENT, "send `open` first and once, and chunks in order"),
    Reason.LIMIT_REACHED: Row(Code.RESOURCE_EXHAUSTED, "end some of them, or try again later", retry_after=1.0),
    Reason.INTERNAL: Row(Code.INTERNAL, "see the sidecar's log"),
    Reason.UNSUPPORTED_BY_PEER: Row(
        Code.FAILED_PRECONDITION, "send without `durable` and PROCESSED, or give that sidecar a state directory"
    ),
    Reason.PENDING: Row(
        Code.DEADLINE_EXCEEDED, "nothing: it goes on; Send with the same `request_id` tells how far it has come"
    ),
    Reason.JOURNAL_FULL: Row(
        Code.RESOURCE_EXHAUSTED, "make room on the disk, purge queues, or raise `journal_bytes`", retry_after=1.0
    ),
    Reason.JOURNAL_FAILED: Row(
        Code.UNAVAILABLE, "see the sidecar's log: its disk does not take the journal", retry_after=1.0, final=True
    ),
    Reason.DEAD_LETTERED: Row(Code.FAILED_PRECONDITION, "see the dead letters over there: `sidecar queue ls`"),
    Reason.EXPIRED: Row(Code.DEADLINE_EXCEEDED, "send it again if it is still of use, with a longer `ttl`"),
    Reason.PURGED: Row(Code.CANCELLED, "nothing: somebody has removed it from its queue"),
    Reason.LETTER_UNKNOWN: Row(Code.NOT_FOUND, "take an id that ListLetters prints; it may be gone by now"),
}
"""Every reason's row. The fronts, the documentation and the tests read this and nothing else."""


@dataclass(frozen=True, slots=True)
class Status:
    """A status as a front sends it."""

    code: int
    message: str
    trailers: tuple[tuple[str, str | bytes], ...] = ()


class ForeignStatus(Exception):
    """A status of a service that is not of `overlay.v1` (health), which has no reason."""

    def __init__(self, code: Code, message: str, *trailers: tuple[str, str]) -> None:
        super().__init__(message)
        self.status = Status(code, message, trailers)


def status_of(error: SidecarError) -> Status:
    """The status of an error, cut to what a header list may hold."""
    row = TABLE[error.reason]
    message = cut(error.detail, MESSAGE_BYTES)
    if len(quote(message)) > ESCAPED_BYTES:
        message = cut(message, ESCAPED_BYTES // 3)
    info = ErrorInfo(reason=error.reason.value, domain=DOMAIN)
    room = DETAIL_BYTES
    for key, value in error.metadata.items():
        room -= len(key.encode()) + len(value.encode())
        if room < 0:
            info.metadata["cut"] = "more than a status can hold"
            break
        info.metadata[key] = value
    details: list[Message] = [info]
    if error.fields:
        request = BadRequest()
        room = DETAIL_BYTES
        for field, what in error.fields:
            room -= len(field.encode()) + len(what.encode())
            if room < 0 and request.field_violations:
                break
            request.field_violations.add(field=cut(field, MESSAGE_BYTES), description=cut(what, MESSAGE_BYTES))
        details.append(request)
    retry_after = error.retry_after if error.retry_after is not None else row.retry_after
    if retry_after is not None:
        nanos = round(retry_after * 1e9)
        details.append(RetryInfo(retry_delay=Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)))
    packed = RpcStatus(code=row.code, message=message)
    for detail in details:
        packed.details.add().Pack(detail)
    trailers: list[tuple[str, str | bytes]] = [(DETAILS, packed.SerializeToString())]
    if row.final:
        trailers.append((PUSHBACK, "-1"))
    return Status(row.code, message, tuple(trailers))


def reason_number(reason: Reason) -> errors_pb2.ErrorReason:
    """The reason as `overlay.v1` messages carry it."""
    return cast(errors_pb2.ErrorReason, _NUMBERS[reason])


_NUMBERS = {reason: errors_pb2.ErrorReason.Value(f"ERROR_REASON_{reason.value}") for reason in Reason}


def cut(text: str, size: int) -> str:
    """At most `size` bytes of `text` in UTF-8, marked where something is missing."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= size:
        return text
    return encoded[: size - 3].decode(errors="ignore") + "..."


def markdown_rows() -> Iterator[str]:
    """The table of docs/api.md, its head included."""
    yield "| reason | status code | what to do |"
    yield "| --- | --- | --- |"
    for reason in Reason:
        row = TABLE[reason]
        yield f"| `{reason.value}` | `{row.code.name}` | {row.advice} |"
