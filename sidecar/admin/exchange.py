"""What is asked of the admin endpoint, and what it answers."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

READ_BYTES = 4 << 10
"""What a connection is read by."""

TEXT = "text/plain; charset=utf-8"


class Request(NamedTuple):
    """A request."""

    method: str
    path: str
    """Without its query."""
    accept: str


class Response(NamedTuple):
    """An answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = TEXT
    allow: str | None = None
