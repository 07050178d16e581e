"""One peer as this sidecar deals with it: its link, whatever state that is in."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import Enum
from functools import cached_property

from sidecar.errors import Reason, SidecarError
from sidecar.wire.link import Link
from sidecar.wire.roles import Role
from sidecar.wire.session import Session


class PeerState(Enum):
    """How a peer stands to this sidecar."""

    KNOWN = "known"
    CONNECTING = "connecting"
    LINKED = "linked"
    RESUMING = "resuming"
    BLOCKED = "blocked"


class Peer:
    """A peer that is linked, or that somebody wants to reach. Others are in the directory only."""

    def __init__(self, peer_id: str, link: Link) -> None:
        self.peer_id = peer_id
        self.link = link
        self.state = PeerState.KNOWN
        self.sessions: list[Session] = []
        """Those that are welcomed."""
        self.linked_at: float | None = None
        """Seconds since 1970."""
        self.agent: str | None = None
        self.role: Role | None = None
        """What it is taken for; None until it was dialled back, or was not reached."""
        self.checked_by = 0
        """How many have dialled it, this sidecar included."""
        self.waiting: list[Session] = []
        """Who has asked for its record while it was being dialled back."""
        self.called = False
        """It has dialled this sidecar: that a dial from here reaches it may be due to that."""
        self.reversing: asyncio.Task[None] | None = None
        """Dials the link's second connection."""
        self.labels: Mapping[str, str] = {}
        """As it says itself."""
        self.dialling: asyncio.Task[None] | None = None
        self.attempt: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """What everybody who wants the peer waits for: done once it is linked, by whichever side dialled."""
        self.renewed = False
        """Its last introduction began a new epoch."""
        self.settled_at = 0.0
        """When it was last linked, new or again, by the loop's clock."""
        self.flaps = 0
        """How often in a row the link was lost soon after that."""
        self.asked_at: float | None = None
        """When it was asked whether it is still there, while it has not answered."""
        self.lost = 0
        """Messages without an outcome when the link was forgotten."""
        self.gives_up_at = 0.0
        """When a lost link is given up, by the loop's clock."""
        self.leaving: str | None = None
        """Why the link is being closed on purpose, once it is; it is not resumed then."""
        self.leaving_here = False
        """It is closed from this side."""
        self.former_instances: tuple[int, ...] = ()
        self.records_left = 256.0
        """Records that may still be taken from this peer, as of `records_at`; refilled with time."""
        self.records_at = 0.0

        self.turns_lost = 0
        """How often in a row another sidecar with this one's key has taken the link over."""
        self.rests_until = 0.0
        """It is not dialled before, by the loop's clock."""

    @cached_property
    def goodbye(self) -> asyncio.Event:
        """The other side has nothing more to send, or is gone. Made when first asked for: most links never are."""
        return asyncio.Event()

    @property
    def wanted(self) -> bool:
        """Whether it is to be dialled."""
        return self.state in (PeerState.CONNECTING, PeerState.RESUMING)

    @property
    def used(self) -> bool:
        """Whether messages have passed, or wait to."""
        return bool(self.link.outbound.outbox.messages or self.link.outbound.messages_sent
                    or self.link.inbound.messages_received)  # fmt: skip

    @property
    def carrier(self) -> Session | None:
        """The connection that messages go out on."""
        carrier = self.link.carrier
        for session in self.sessions:
            if session is carrier:
                return session
        return None

    @property
    def address(self) -> str:
        """Where the newest connection leads, host:port; empty without one."""
        return self.sessions[-1].remote if self.sessions else ""

    def __repr__(self) -> str:
        return f"Peer({self.peer_id[:8]} {self.state.value}, {len(self.sessions)} connections)"


def not_dialable(peer_id: str) -> SidecarError:
    """The error of whoever wants a client that is not linked."""
    return SidecarError(
        Reason.PEER_NOT_DIALABLE, f"{peer_id} is a client, which dials and is not dialled: wait until it links"
    )
