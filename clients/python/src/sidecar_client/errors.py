"""What a call to the sidecar may raise, by the reason the sidecar gives (overlay.v1.ErrorReason).

    SidecarError
    ├── RequestError                what was asked cannot be done as asked; a repeat fails the same way
    │   ├── InvalidField            `fields` names each and what is wrong with it
    │   ├── MessageTooLarge
    │   ├── PeerIsSelf
    │   ├── FrameUnexpected
    │   ├── TokenInvalid
    │   ├── ScopeDenied
    │   ├── PeerNotAllowed          the app over there does not take this peer
    │   └── CursorExpired           begin the watch anew
    ├── NotFound
    │   ├── PeerUnknown
    │   ├── ContactUnknown
    │   └── LetterUnknown
    ├── PeerError                   the other side, or the way to it
    │   ├── PeerUnreachable
    │   ├── PeerNotDialable         it is a client: it links by itself
    │   ├── PeerRefused
    │   ├── IdentityMismatch
    │   ├── PeerUntrusted
    │   ├── LinkClosed
    │   ├── BootstrapFailed
    │   ├── OutcomeUnknown          it was sent and may have arrived
    │   ├── UnsupportedByPeer       its sidecar does not take such messages
    │   ├── DeadLettered            no app over there would acknowledge it
    │   ├── Expired                 its time to live has passed
    │   └── Purged                  somebody has emptied the queue that held it
    ├── Busy                        try again later, `retry_after` seconds from now where it is given
    │   ├── QueueFull
    │   ├── LimitReached
    │   ├── JournalFull             the sidecar's disk, or its budget there, is full
    │   └── NoSubscriber            nobody reads the channel over there and it is full
    ├── RequestFailed               the app that was asked answered with an error
    ├── StreamReset                 the other app has ended the stream, or went away
    ├── StreamLost                  its connection was lost for too long
    ├── DeadlinePassed
    │   └── Pending                 a durable message is on its way, and goes on
    ├── Cancelled
    ├── SidecarUnavailable          no sidecar answers at the endpoint, or it went away in the middle of the call
    │   ├── Draining                it is about to stop and takes nothing new
    │   └── JournalFailed           its disk does not take the journal
    └── InternalError               the sidecar's own fault; its log has the details

A plain SidecarError is a failure of a kind that this client does not know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, cast

import grpc
import grpc.aio

from sidecar_client.foreign import BadRequest, ErrorInfo, RetryInfo, Status

DOMAIN = "overlay.v1"
DETAILS = "grpc-status-details-bin"
TYPE_PREFIX = "type.googleapis.com/google.rpc."


class SidecarError(Exception):
    """A call failed.

    `reason` is the name the sidecar gives it, empty when the failure is not the sidecar's word; `code` gRPC's canonical
    status; `detail` says in words what was wrong; `metadata` holds figures by name; `fields` pairs of a request's field
    and what is wrong with it; `retry_after` the seconds after which trying again makes sense, where they are known.
    """

    REASON: ClassVar[str] = ""
    CODE: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNKNOWN
    """The status that goes with the reason where it came in another way than as a status."""

    def __init__(
        self,
        detail: str,
        *,
        code: grpc.StatusCode | None = None,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        fields: Sequence[tuple[str, str]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = self.CODE if code is None else code
        self.reason = self.REASON if reason is None else reason
        self.metadata = dict(metadata or {})
        self.fields = tuple(fields)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.detail}"


class RequestError(SidecarError):
    """What was asked cannot be done as asked."""


class InvalidField(RequestError):
    """A field is missing or malformed."""

    REASON = "INVALID_FIELD"
    CODE = grpc.StatusCode.INVALID_ARGUMENT


class MessageTooLarge(RequestError):
    """A message, header or batch is larger than a limit; `metadata` has `limit` and `size`."""

    REASON = "MESSAGE_TOO_LARGE"
    CODE = grpc.StatusCode.INVALID_ARGUMENT


class PeerIsSelf(RequestError):
    """The peer named is this app's own sidecar."""

    REASON = "PEER_IS_SELF"
    CODE = grpc.StatusCode.INVALID_ARGUMENT


class FrameUnexpected(RequestError):
    """The frames of a stream are out of order."""

    REASON = "FRAME_UNEXPECTED"
    CODE = grpc.StatusCode.INVALID_ARGUMENT


class TokenInvalid(RequestError):
    """The sidecar asks for a token, and it was not this one."""

    REASON = "TOKEN_INVALID"
    CODE = grpc.StatusCode.UNAUTHENTICATED


class ScopeDenied(RequestError):
    """This app's token is not for that; `metadata` has `app` and what it `needs`."""

    REASON = "SCOPE_DENIED"
    CODE = grpc.StatusCode.PERMISSION_DENIED


class RequestFailed(SidecarError):
    """The app that was asked answered with an error; `metadata` has its `code`, `detail` its words."""

    REASON = "REQUEST_FAILED"
    CODE = grpc.StatusCode.ABORTED


class PeerNotAllowed(RequestError):
    """The app over there does not take this peer's requests or streams."""

    REASON = "PEER_NOT_ALLOWED"
    CODE = grpc.StatusCode.PERMISSION_DENIED


class StreamReset(SidecarError):
    """The other app has reset the stream, or went away; `metadata` has its `code`."""

    REASON = "STREAM_RESET"
    CODE = grpc.StatusCode.ABORTED


class StreamLost(SidecarError):
    """The stream's connection was lost and it could not be resumed in time."""

    REASON = "STREAM_LOST"
    CODE = grpc.StatusCode.UNAVAILABLE


class CursorExpired(RequestError):
    """The cursor is of another run of the sidecar or older than what it remembers."""

    REASON = "CURSOR_EXPIRED"
    CODE = grpc.StatusCode.OUT_OF_RANGE


class NotFound(SidecarError):
    """The sidecar knows nothing by that name."""


class PeerUnknown(NotFound):
    """No contact, record or link tells where this peer is."""

    REASON = "PEER_UNKNOWN"
    CODE = grpc.StatusCode.NOT_FOUND


class ContactUnknown(NotFound):
    """It is not among the bootstrap contacts."""

    REASON = "CONTACT_UNKNOWN"
    CODE = grpc.StatusCode.NOT_FOUND


class LetterUnknown(NotFound):
    """There is no queued message or dead letter with this id."""

    REASON = "LETTER_UNKNOWN"
    CODE = grpc.StatusCode.NOT_FOUND


class PeerError(SidecarError):
    """The other side, or the way to it."""


class PeerUnreachable(PeerError):
    """Dialling the peer failed; nothing was received there."""

    REASON = "PEER_UNREACHABLE"
    CODE = grpc.StatusCode.UNAVAILABLE


class PeerNotDialable(PeerError):
    """The peer is a client, which is never dialled, and it is not linked."""

    REASON = "PEER_NOT_DIALABLE"
    CODE = grpc.StatusCode.UNAVAILABLE


class PeerRefused(PeerError):
    """The peer refused the connection."""

    REASON = "PEER_REFUSED"
    CODE = grpc.StatusCode.FAILED_PRECONDITION


class IdentityMismatch(PeerError):
    """Whoever answered at the address is not the peer that was expected."""

    REASON = "IDENTITY_MISMATCH"
    CODE = grpc.StatusCode.FAILED_PRECONDITION


class PeerUntrusted(PeerError):
    """This app's sidecar does not let the peer in: by its certificates, the allow list or the block list."""

    REASON = "PEER_UNTRUSTED"
    CODE = grpc.StatusCode.PERMISSION_DENIED


class LinkClosed(PeerError):
    """The link was closed before the message was sent."""

    REASON = "LINK_CLOSED"
    CODE = grpc.StatusCode.UNAVAILABLE


class BootstrapFailed(PeerError):
    """None of the contacts could be linked; `metadata` names each with its reason."""

    REASON = "BOOTSTRAP_FAILED"
    CODE = grpc.StatusCode.UNAVAILABLE


class OutcomeUnknown(PeerError):
    """The message was sent and no acknowledgement came: it may have arrived."""

    REASON = "OUTCOME_UNKNOWN"
    CODE = grpc.StatusCode.UNKNOWN


class UnsupportedByPeer(PeerError):
    """The peer's sidecar does not take such messages."""

    REASON = "UNSUPPORTED_BY_PEER"
    CODE = grpc.StatusCode.FAILED_PRECONDITION


class DeadLettered(PeerError):
    """No app over there acknowledged the message: it is a dead letter there."""

    REASON = "DEAD_LETTERED"
    CODE = grpc.StatusCode.FAILED_PRECONDITION


class Expired(PeerError):
    """The message's time to live has passed."""

    REASON = "EXPIRED"
    CODE = grpc.StatusCode.DEADLINE_EXCEEDED


class Purged(PeerError):
    """Somebody has purged the queue that held the message."""

    REASON = "PURGED"
    CODE = grpc.StatusCode.CANCELLED


class Busy(SidecarError):
    """There is no room now."""


class QueueFull(Busy):
    """The queue for this peer stayed full until the deadline."""

    REASON = "QUEUE_FULL"
    CODE = grpc.StatusCode.RESOURCE_EXHAUSTED


class LimitReached(Busy):
    """Too many calls, channels or subscriptions of this kind are open."""

    REASON = "LIMIT_REACHED"
    CODE = grpc.StatusCode.RESOURCE_EXHAUSTED


class JournalFull(Busy):
    """The journal's disk, or its budget, is full."""

    REASON = "JOURNAL_FULL"
    CODE = grpc.StatusCode.RESOURCE_EXHAUSTED


class NoSubscriber(Busy):
    """The other side's channel is full and nobody subscribes to it there."""

    REASON = "NO_SUBSCRIBER"
    CODE = grpc.StatusCode.RESOURCE_EXHAUSTED


class DeadlinePassed(SidecarError):
    """The call's deadline passed before the operation ended."""

    REASON = "DEADLINE"
    CODE = grpc.StatusCode.DEADLINE_EXCEEDED


class Pending(DeadlinePassed):
    """The message is in the journal and goes on; the call had to be answered."""

    REASON = "PENDING"
    CODE = grpc.StatusCode.DEADLINE_EXCEEDED


class Cancelled(SidecarError):
    """The call was cancelled."""

    REASON = "CANCELLED"
    CODE = grpc.StatusCode.CANCELLED


class SidecarUnavailable(SidecarError):
    """No sidecar answers at the endpoint, or it went away in the middle of the call."""

    CODE = grpc.StatusCode.UNAVAILABLE


class Draining(SidecarUnavailable):
    """The sidecar is about to stop and takes nothing new."""

    REASON = "DRAINING"
    CODE = grpc.StatusCode.UNAVAILABLE


class JournalFailed(SidecarUnavailable):
    """The journal cannot be written."""

    REASON = "JOURNAL_FAILED"
    CODE = grpc.StatusCode.UNAVAILABLE


class InternalError(SidecarError):
    """The sidecar failed in a way that is its own fault."""

    REASON = "INTERNAL"
    CODE = grpc.StatusCode.INTERNAL


def _leaves(kind: type[SidecarError]) -> Iterable[type[SidecarError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _leaves(below)


BY_REASON: Mapping[str, type[SidecarError]] = {kind.REASON: kind for kind in _leaves(SidecarError) if kind.REASON}
"""The class of each reason that this client knows."""

BY_CODE: Mapping[grpc.StatusCode, type[SidecarError]] = {
    grpc.StatusCode.UNAVAILABLE: SidecarUnavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlinePassed,
    grpc.StatusCode.CANCELLED: Cancelled,
    grpc.StatusCode.UNAUTHENTICATED: TokenInvalid,
    grpc.StatusCode.INTERNAL: InternalError,
}
"""The class of a status that came without the sidecar's own word: from gRPC itself, here or there."""


def error_of_reason(reason: str, detail: str, **more: Any) -> SidecarError:
    """The error for a reason, whatever brought it."""
    kind = BY_REASON.get(reason, SidecarError)
    return kind(detail, reason=reason, **more)


def error_from_rpc(error: grpc.RpcError) -> SidecarError:
    """What gRPC raised, in this client's terms. The original is to be its cause: `raise error_from_rpc(e) from e`."""
    code: grpc.StatusCode = error.code()
    detail = error.details() or code.name.replace("_", " ").lower()
    trailers: Iterable[tuple[str, str | bytes]] = cast(Any, error.trailing_metadata()) or ()
    packed = next((value for key, value in trailers if key == DETAILS), None)
    if not isinstance(packed, bytes):
        return BY_CODE.get(code, SidecarError)(detail, code=code, reason="")
    reason, metadata, fields, retry_after = "", {}, [], None
    status: Any = Status.FromString(packed)
    for item in status.details:
        match item.type_url.removeprefix(TYPE_PREFIX):
            case "ErrorInfo":
                info: Any = ErrorInfo.FromString(item.value)
                if info.domain == DOMAIN:
                    reason = info.reason
                    metadata = {pair.key: pair.value for pair in info.metadata}
            case "BadRequest":
                request: Any = BadRequest.FromString(item.value)
                fields = [(violation.field, violation.description) for violation in request.field_violations]
            case "RetryInfo":
                retry: Any = RetryInfo.FromString(item.value)
                retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    if not reason:
        return BY_CODE.get(code, SidecarError)(detail, code=code, reason="")
    return error_of_reason(reason, detail, code=code, metadata=metadata, fields=fields, retry_after=retry_after)


def is_cancelled() -> bool:
    """Whether somebody has cancelled the task that runs, so that a CancelledError is its own and not a call's."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@contextmanager
def translated() -> Iterator[None]:
    """Turns what gRPC raises into this client's errors."""
    try:
        yield
    except grpc.RpcError as error:
        raise error_from_rpc(error) from error
    except asyncio.CancelledError as error:
        # gRPC's asyncio says so of a call that was taken back here, too: by its own `cancel`, or with the client.
        if is_cancelled():
            raise
        raise Cancelled("the call was taken back", reason="") from error
    except ValueError as error:
        # gRPC's words for a channel that `close` has closed: before a call begins, and while it does.
        if any(words in str(error).lower() for words in ("closed channel", "channel closed")):
            raise SidecarUnavailable("this client is closed") from error
        raise
    except grpc.aio.UsageError as error:
        # The same of its asyncio.
        if "closed" in str(error).lower():
            raise SidecarUnavailable("this client is closed") from error
        raise
