"""A peer as an app or an operator sees it: what the directory, its link and the block list say of it together."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

from sidecar.addresses import format_address
from sidecar.overlay.links import Links
from sidecar.overlay.peer import PeerState
from sidecar.wire.roles import Role


@dataclass(frozen=True, slots=True)
class PeerInfo:
    """A peer as it is now. Times in seconds, since 1970 where they are points; None while not linked."""

    peer_id: str
    state: PeerState
    addresses: list[str]
    agent: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    rtt: float | None = None
    linked_at: float | None = None
    connections: int = 0
    role: Role | None = None
    checked_by: int = 0
    messages_sent: int = 0
    messages_received: int = 0
    queued_bytes: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0


def is_known(links: Links, peer_id: str) -> bool:
    """Whether there is anything to `find`."""
    return peer_id in links.peers or peer_id in links.directory or peer_id in links.local.trust.access.blocked


def find(links: Links, peer_id: str) -> PeerInfo | None:
    """What is known of a peer; None for nothing."""
    if not is_known(links, peer_id):
        return None
    known = links.directory.get(peer_id)
    peer = links.peers.get(peer_id)
    blocked = peer_id in links.local.trust.access.blocked
    addresses = [format_address(address) for address in known.addresses()] if known is not None else []
    if peer is None:
        return PeerInfo(peer_id, PeerState.BLOCKED if blocked else PeerState.KNOWN, addresses)
    outbound, inbound = peer.link.outbound, peer.link.inbound
    linked = peer.state is PeerState.LINKED
    rtt = links.pump(peer.sessions[-1]).statistics().smoothed_rtt if peer.sessions else None
    return PeerInfo(
        peer_id=peer_id,
        state=peer.state,
        addresses=addresses,
        agent=peer.agent if linked else None,
        labels=peer.labels if linked else {},
        rtt=rtt,
        linked_at=peer.linked_at if linked else None,
        connections=len(peer.sessions),
        role=peer.role,
        checked_by=peer.checked_by,
        messages_sent=outbound.messages_sent,
        messages_received=inbound.messages_received,
        queued_bytes=outbound.outbox.bytes,
        bytes_sent=outbound.bytes_sent,
        bytes_received=inbound.bytes_received,
    )


def page(links: Links, after: str, limit: int, *, linked_only: bool) -> list[PeerInfo]:
    """At most `limit` peers with ids greater than `after`, by id."""
    if linked_only:
        ids = [peer.peer_id for peer in links.linked if peer.peer_id > after]
    else:
        every = {*links.directory.peer_ids(), *links.local.trust.access.blocked}
        ids = [peer_id for peer_id in every if peer_id > after]
    found = (find(links, peer_id) for peer_id in heapq.nsmallest(limit, ids))
    return [info for info in found if info is not None]
