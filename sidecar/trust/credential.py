"""What a peer was let in for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from sidecar.trust.certificate import Certificate

Side = Literal["acceptor", "dialler"]
"""Which part in the connection the peer had."""


@dataclass(frozen=True, slots=True)
class Credential:
    """See the module."""

    peer_id: str
    side: Side
    names: tuple[str, ...] = ()
    """The DNS names that its certificate proves; none where no CA is asked."""
    chain: tuple[Certificate, ...] = ()
    at: float = 0.0
    """When its chain was judged, in seconds since 1970."""
