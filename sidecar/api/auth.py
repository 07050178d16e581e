"""Who may call: the token of a listener, compared in constant time."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from sidecar.errors import Reason, SidecarError

OPEN_PREFIX = "/grpc.health.v1.Health/"
"""Health stays open: what starts an app asks it, and it tells nothing but yes or no."""

SCHEME = b"bearer "


def check_token(token: bytes | None, method: str, metadata: Iterable[tuple[str, str | bytes]]) -> None:
    """SidecarError TOKEN_INVALID unless the call may go on: `token` is what the listener asks for, None for nothing.

    Several `authorization` headers are refused as well: proxies disagree on which of them counts.
    """
    if token is None or method.startswith(OPEN_PREFIX):
        return
    shown = [value if isinstance(value, bytes) else value.encode() for key, value in metadata if key == "authorization"]
    if not shown:
        raise SidecarError(
            Reason.TOKEN_INVALID,
            "this listener asks for a token: send the header `authorization: Bearer TOKEN`"
            " (clients take it from SIDECAR_TOKEN)",
        )
    scheme, credential = shown[0][: len(SCHEME)], shown[0][len(SCHEME) :].strip()
    matches = hmac.compare_digest(credential, token)
    if len(shown) > 1 or scheme.lower() != SCHEME or not matches:
        raise SidecarError(
            Reason.TOKEN_INVALID, "the token is not the one this listener asks for: compare SIDECAR_TOKEN with its file"
        )
