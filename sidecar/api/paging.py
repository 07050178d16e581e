"""Pages by AIP-158: a size and an opaque token, which holds the key of the last item shown."""

from __future__ import annotations

import base64
import binascii
from typing import Final

from sidecar.errors import invalid_field

DEFAULT_PAGE: Final = 100
LARGEST_PAGE: Final = 1000


def page_size(asked: int) -> int:
    """How many items a page has. SidecarError INVALID_FIELD for a negative number."""
    if asked < 0:
        raise invalid_field("page_size", f"{asked} is negative: give a number from 0 to {LARGEST_PAGE}")
    return min(asked or DEFAULT_PAGE, LARGEST_PAGE)


def token_after(key: str) -> str:
    """The token of the page after an item."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def key_of(token: str) -> str:
    """The key a page begins after, empty for the first page. SidecarError INVALID_FIELD for a foreign token."""
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise invalid_field("page_token", "this is no token of a former response; leave it empty to begin") from error
