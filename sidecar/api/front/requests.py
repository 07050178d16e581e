"""Requests of cold methods: bytes in, a message or a typed error out, whichever server read them."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from sidecar.errors import Reason, SidecarError

Request = TypeVar("Request", bound=Message)


def decoded(kind: type[Request], request: bytes) -> Request:
    """The message. SidecarError INVALID_FIELD when the bytes are none: no server library would say so by itself."""
    try:
        return kind.FromString(request)
    except DecodeError as error:
        raise SidecarError(
            Reason.INVALID_FIELD, f"the request is no {kind.DESCRIPTOR.full_name}: {error}; compare the .proto files"
        ) from error
