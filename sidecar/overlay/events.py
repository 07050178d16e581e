"""What a sidecar tells of what happens to it: the kinds of `overlay.v1.Event`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum
from typing import NamedTuple

from sidecar.errors import Reason
from sidecar.wire.roles import Role


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


UNSENT_MAX = 64
"""Entries that one event names."""


class Unsent(NamedTuple):
    """Messages of one call: its token, and their numbers within it."""

    token: str
    first: int
    last: int
    call: int
    """Tells calls apart while their messages fail, and means nothing else."""


@dataclass(frozen=True, slots=True)
class MessagesLost:
    """Messages did not make it, or nobody knows; `unsent` names the first of them."""

    peer_id: str
    channel: str
    count: int
    reason: Reason
    unsent: tuple[Unsent, ...] = ()

    def with_more(self, other: MessagesLost) -> MessagesLost:
        """Both in one: messages of one call that follow each other are one entry."""
        unsent = self.unsent
        for each in other.unsent:
            last = unsent[-1] if unsent else None
            if last is not None and last.call == each.call and each.first == last.last + 1:
                unsent = (*unsent[:-1], last._replace(last=each.last))
            elif len(unsent) < UNSENT_MAX:
                unsent = (*unsent, each)
        return replace(self, count=self.count + other.count, unsent=unsent)


@dataclass(frozen=True, slots=True)
class InstanceConflict:
    """Two sidecars run with one key: their instances take turns."""

    peer_id: str
    address: str


@dataclass(frozen=True, slots=True)
class BootstrapSucceeded:
    """A way into the network was found."""

    peer_id: str
    contact: str
    """Where."""


@dataclass(frozen=True, slots=True)
class BootstrapFailed:
    """None was found, for now."""

    failures: tuple[tuple[str, str], ...]
    """(contact, reason)."""
    others: int
    """Contacts that failed too and are not named."""


class ContactOrigin(Enum):
    """How a contact is known."""

    CONFIGURED = "configured"
    ADDED = "added"
    CACHED = "cached"


@dataclass(frozen=True, slots=True)
class ContactAdded:
    """There is one more way in."""

    contact: str
    origin: ContactOrigin


@dataclass(frozen=True, slots=True)
class ContactRemoved:
    """There is one way in less."""

    contact: str
    origin: ContactOrigin


@dataclass(frozen=True, slots=True)
class IdentityChanged:
    """Another peer answers where one was known to be: its key is another, so it is not that peer."""

    address: str
    expected: str
    """Who was known there."""
    found: str
    """Who answers now."""


@dataclass(frozen=True, slots=True)
class RoleChanged:
    """This sidecar is a node now, or a client."""

    role: Role
    reason: str


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The sidecar serves, drains or stops."""

    state: str


@dataclass(frozen=True, slots=True)
class MessagesDead:
    """Messages became dead letters."""

    peer_id: str
    channel: str
    count: int
    outgoing: bool


@dataclass(frozen=True, slots=True)
class JournalTrouble:
    """The journal was damaged, or cannot be written; no error: it can be written again."""

    error: str


class FlowChange(Enum):
    """What has become of requests and byte streams."""

    SUSPENDED = "suspended"
    RESUMED = "resumed"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class FlowsChanged:
    """Requests and byte streams to and from a peer wait for a connection, go on by another, or are lost."""

    peer_id: str
    change: FlowChange
    streams: int
    requests: int
    detail: str

    def with_one(self, *, stream: bool) -> FlowsChanged:
        """One more."""
        return replace(self, streams=self.streams + stream, requests=self.requests + (not stream))

    def without(self, others: FlowsChanged) -> FlowsChanged:
        """Fewer by as many as others."""
        return replace(
            self,
            streams=max(0, self.streams - others.streams),
            requests=max(0, self.requests - others.requests),
        )


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
    MessagesDead
    | JournalTrouble
    | FlowsChanged
    | PeerLinked
    | PeerUnlinked
    | PeerRefused
    | MessagesLost
    | InstanceConflict
    | TrustReloaded
    | TrustExpiring
    | StateChanged
    | BootstrapSucceeded
    | BootstrapFailed
    | ContactAdded
    | ContactRemoved
    | IdentityChanged
    | RoleChanged
)
