"""The errors a verb of this sidecar may raise, named as the API names them.

    SidecarError              what the caller of a verb learns: a reason, words, and what to do
    SettingsError             why a sidecar cannot start as it is configured, in one line that says what to do
    wire.errors.Untrusted     what a peer did wrong: costs that peer's connection (see `sidecar.wire.errors`)

Any other exception is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Reason(StrEnum):
    """Why a verb failed. The names are those of `overlay.v1.ErrorReason` without its prefix."""

    INVALID_FIELD = "INVALID_FIELD"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    PEER_IS_SELF = "PEER_IS_SELF"
    PEER_UNKNOWN = "PEER_UNKNOWN"
    CONTACT_UNKNOWN = "CONTACT_UNKNOWN"
    PEER_UNREACHABLE = "PEER_UNREACHABLE"
    PEER_NOT_DIALABLE = "PEER_NOT_DIALABLE"
    PEER_REFUSED = "PEER_REFUSED"
    IDENTITY_MISMATCH = "IDENTITY_MISMATCH"
    PEER_UNTRUSTED = "PEER_UNTRUSTED"
    LINK_CLOSED = "LINK_CLOSED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    QUEUE_FULL = "QUEUE_FULL"
    NO_SUBSCRIBER = "NO_SUBSCRIBER"
    DEADLINE = "DEADLINE"
    CANCELLED = "CANCELLED"
    DRAINING = "DRAINING"
    BOOTSTRAP_FAILED = "BOOTSTRAP_FAILED"
    CURSOR_EXPIRED = "CURSOR_EXPIRED"
    TOKEN_INVALID = "TOKEN_INVALID"
    SCOPE_DENIED = "SCOPE_DENIED"
    REQUEST_FAILED = "REQUEST_FAILED"
    PEER_NOT_ALLOWED = "PEER_NOT_ALLOWED"
    STREAM_RESET = "STREAM_RESET"
    STREAM_LOST = "STREAM_LOST"
    FRAME_UNEXPECTED = "FRAME_UNEXPECTED"
    LIMIT_REACHED = "LIMIT_REACHED"
    INTERNAL = "INTERNAL"
    UNSUPPORTED_BY_PEER = "UNSUPPORTED_BY_PEER"
    PENDING = "PENDING"
    JOURNAL_FULL = "JOURNAL_FULL"
    JOURNAL_FAILED = "JOURNAL_FAILED"
    DEAD_LETTERED = "DEAD_LETTERED"
    EXPIRED = "EXPIRED"
    PURGED = "PURGED"
    LETTER_UNKNOWN = "LETTER_UNKNOWN"


class SidecarError(Exception):
    """A verb failed for a reason its caller can act on.

    `detail` says what was wrong and what to do; `metadata` holds figures by name; `fields` pairs of a request's field
    path and what is wrong with it (reason INVALID_FIELD); `retry_after` seconds after which trying again makes sense.
    """

    def __init__(
        self,
        reason: Reason,
        detail: str,
        *,
        metadata: Mapping[str, str] | None = None,
        fields: Sequence[tuple[str, str]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.metadata = dict(metadata or {})
        self.fields = tuple(fields)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


class SettingsError(Exception):
    """A sidecar cannot start as it is configured: its text is one line that says what is wrong and what to do."""


def invalid_field(path: str, what: str) -> SidecarError:
    """The error of one malformed field of a request: `path` as in the proto file, `what` is wrong and what to give."""
    return SidecarError(Reason.INVALID_FIELD, f"{path}: {what}", fields=((path, what),))
