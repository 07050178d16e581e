from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ERROR_REASON_UNSPECIFIED: _ClassVar[ErrorReason]
    ERROR_REASON_INVALID_FIELD: _ClassVar[ErrorReason]
    ERROR_REASON_MESSAGE_TOO_LARGE: _ClassVar[ErrorReason]
    ERROR_REASON_PEER_IS_SELF: _ClassVar[ErrorReason]
    ERROR_REASON_PEER_UNKNOWN: _ClassVar[ErrorReason]
    ERROR_REASON_CONTACT_UNKNOWN: _ClassVar[ErrorReason]
    ERROR_REASON_PEER_UNREACHABLE: _ClassVar[ErrorReason]
    ERROR_REASON_PEER_REFUSED: _ClassVar[ErrorReason]
    ERROR_REASON_IDENTITY_MISMATCH: _ClassVar[ErrorReason]
    ERROR_REASON_LINK_CLOSED: _ClassVar[ErrorReason]
    ERROR_REASON_OUTCOME_UNKNOWN: _ClassVar[ErrorReason]
    ERROR_REASON_QUEUE_FULL: _ClassVar[ErrorReason]
    ERROR_REASON_NO_SUBSCRIBER: _ClassVar[ErrorReason]
    ERROR_REASON_DEADLINE: _ClassVar[ErrorReason]
    ERROR_REASON_CANCELLED: _ClassVar[ErrorReason]
    ERROR_REASON_DRAINING: _ClassVar[ErrorReason]
    ERROR_REASON_BOOTSTRAP_FAILED: _ClassVar[ErrorReason]
    ERROR_REASON_CURSOR_EXPIRED: _ClassVar[ErrorReason]
    ERROR_REASON_TOKEN_INVALID: _ClassVar[ErrorReason]
    ERROR_REASON_FRAME_UNEXPECTED: _ClassVar[ErrorReason]
    ERROR_REASON_LIMIT_REACHED: _ClassVar[ErrorReason]
    ERROR_REASON_INTERNAL: _ClassVar[ErrorReason]
    ERROR_REASON_SCOPE_DENIED: _ClassVar[ErrorReason]
    ERROR_REASON_PEER_UNTRUSTED: _ClassVar[ErrorReason]
    ERROR_REASON_REQUEST_FAILED: _ClassVar[ErrorReason]
    ERROR_REASON_PEER_NOT_ALLOWED: _ClassVar[ErrorReason]
    ERROR_REASON_STREAM_RESET: _ClassVar[ErrorReason]
    ERROR_REASON_STREAM_LOST: _ClassVar[ErrorReason]
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_INVALID_FIELD: ErrorReason
ERROR_REASON_MESSAGE_TOO_LARGE: ErrorReason
ERROR_REASON_PEER_IS_SELF: ErrorReason
ERROR_REASON_PEER_UNKNOWN: ErrorReason
ERROR_REASON_CONTACT_UNKNOWN: ErrorReason
ERROR_REASON_PEER_UNREACHABLE: ErrorReason
ERROR_REASON_PEER_REFUSED: ErrorReason
ERROR_REASON_IDENTITY_MISMATCH: ErrorReason
ERROR_REASON_LINK_CLOSED: ErrorReason
ERROR_REASON_OUTCOME_UNKNOWN: ErrorReason
ERROR_REASON_QUEUE_FULL: ErrorReason
ERROR_REASON_NO_SUBSCRIBER: ErrorReason
ERROR_REASON_DEADLINE: ErrorReason
ERROR_REASON_CANCELLED: ErrorReason
ERROR_REASON_DRAINING: ErrorReason
ERROR_REASON_BOOTSTRAP_FAILED: ErrorReason
ERROR_REASON_CURSOR_EXPIRED: ErrorReason
ERROR_REASON_TOKEN_INVALID: ErrorReason
ERROR_REASON_FRAME_UNEXPECTED: ErrorReason
ERROR_REASON_LIMIT_REACHED: ErrorReason
ERROR_REASON_INTERNAL: ErrorReason
ERROR_REASON_SCOPE_DENIED: ErrorReason
ERROR_REASON_PEER_UNTRUSTED: ErrorReason
ERROR_REASON_REQUEST_FAILED: ErrorReason
ERROR_REASON_PEER_NOT_ALLOWED: ErrorReason
ERROR_REASON_STREAM_RESET: ErrorReason
ERROR_REASON_STREAM_LOST: ErrorReason
