"""Who may call: the tokens of a listener, compared in constant time, and the scope that each gives."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from sidecar.api.scope import EVERYTHING, App, Scope
from sidecar.errors import Reason, SidecarError

OPEN_PREFIX = "/grpc.health.v1.Health/"
"""Health stays open: what starts an app asks it, and it tells nothing but yes or no."""

SCHEME = b"bearer "


def is_open(method: str) -> bool:
    """Whether a method, by its path, needs no token."""
    return method.startswith(OPEN_PREFIX)


def check_token(
    token: bytes | None, method: str, metadata: Iterable[tuple[str, str | bytes]], apps: Sequence[App] = ()
) -> Scope:
    """What the caller may do. SidecarError TOKEN_INVALID unless the call carries the listener's `token` or one of its
    `apps`, where it has either; SCOPE_DENIED where the scope does not have the method.

    Several `authorization` headers are refused as well: proxies disagree on which of them counts.
    """
    if (token is None and not apps) or is_open(method):
        return EVERYTHING
    shown = [value if isinstance(value, bytes) else value.encode() for key, value in metadata if key == "authorization"]
    if not shown:
        raise SidecarError(
            Reason.TOKEN_INVALID,
            "this listener asks for a token: send the header `authorization: Bearer TOKEN`"
            " (clients take it from SIDECAR_TOKEN)",
        )
    scheme, credential = shown[0][: len(SCHEME)], shown[0][len(SCHEME) :].strip()
    found = EVERYTHING if token is not None and hmac.compare_digest(credential, token) else None
    for app in apps:  # all of them, whichever it is: the time tells nothing
        if hmac.compare_digest(credential, app.token):
            found = app.scope
    if len(shown) > 1 or scheme.lower() != SCHEME or found is None:
        raise SidecarError(
            Reason.TOKEN_INVALID, "the token is not the one this listener asks for: compare SIDECAR_TOKEN with its file"
        )
    found.require_method(method)
    return found
