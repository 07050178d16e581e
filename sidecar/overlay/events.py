"""What a sidecar tells of what happens to it: the kinds of `overlay.v1.Event`."""

from __future__ import annotations

from dataclasses import dataclass

from sidecar.errors import Reason


@dataclass(frozen=True, slots=True)
class PeerLinked:
    """A peer was linked."""

    peer_id: str
    address: str
    dialled: bool


@dataclass(frozen=True, slots=True)
class PeerUnlinked:
    """A link ended for good."""

    peer_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PeerRefused:
    """A connection was refused, by this side or the other."""

    peer_id: str
    address: str
    reason: str
    by_peer: bool


@dataclass(frozen=True, slots=True)
class MessagesLost:
    """Messages did not make it, or nobody knows."""

    peer_id: str
    channel: str
    count: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class InstanceConflict:
    """Two sidecars run with one key: their instances take turns."""

    peer_id: str
    address: str


@dataclass(frozen=True, slots=True)
class Bootstrapped:
    """A bootstrap ended."""

    peer_id: str
    error: str


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The sidecar serves, drains or stops."""

    state: str


@dataclass(frozen=True, slots=True)
class TrustReloaded:
    """Files that trust is made of have changed: they are in use now, or were refused and the former ones stay."""

    files: tuple[str, ...]
    error: str


@dataclass(frozen=True, slots=True)
class TrustExpiring:
    """A certificate of the own path expires soon, or a revocation list is due to be replaced, or they already have."""

    file: str
    subject: str
    ends: float
    """Seconds since 1970."""


Event = (
    PeerLinked
    | PeerUnlinked
    | PeerRefused
    | MessagesLost
    | InstanceConflict
    | Bootstrapped
    | StateChanged
    | TrustReloaded
    | TrustExpiring
)
