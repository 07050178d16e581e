"""PeerService: peers as messages, and the watch over them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from google.protobuf.duration_pb2 import Duration

from sidecar.api.front.base import CallContext, ColdStream, ColdUnary, Service
from sidecar.api.paging import key_of, page_size, token_after
from sidecar.gen.overlay.v1 import cursor_pb2, role_pb2
from sidecar.gen.overlay.v1 import peer_pb2 as pb
from sidecar.node import Node
from sidecar.overlay.peer import PeerState
from sidecar.overlay.peer_info import PeerInfo
from sidecar.wire.roles import Role

SERVICE: Final = "overlay.v1.PeerService"

SNAPSHOT_PEERS: Final = 500
"""Peers in one response of a snapshot."""

DISCONNECT_SECONDS: Final = 10.0
"""How long Disconnect waits for acknowledgements in a call without a deadline."""

STATES: Final = {
    PeerState.KNOWN: pb.PEER_STATE_KNOWN,
    PeerState.CONNECTING: pb.PEER_STATE_CONNECTING,
    PeerState.LINKED: pb.PEER_STATE_LINKED,
    PeerState.RESUMING: pb.PEER_STATE_RESUMING,
    PeerState.BLOCKED: pb.PEER_STATE_BLOCKED,
}

ROLES: Final = {Role.CLIENT: role_pb2.ROLE_CLIENT, Role.NODE: role_pb2.ROLE_NODE, Role.AUTO: role_pb2.ROLE_AUTO}


class PeerService:
    """The servicer."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._leaving: set[asyncio.Task[int]] = set()

    def service(self) -> Service:
        """The service for a front."""
        return Service(
            SERVICE,
            {
                "ListPeers": ColdUnary(pb.ListPeersRequest, self.list_peers),
                "GetPeer": ColdUnary(pb.GetPeerRequest, self.get_peer),
                "WatchPeers": ColdStream(pb.WatchPeersRequest, self.watch_peers),
                "Connect": ColdUnary(pb.ConnectRequest, self.connect),
                "Disconnect": ColdUnary(pb.DisconnectRequest, self.disconnect),
                "BlockPeer": ColdUnary(pb.BlockPeerRequest, self.block_peer),
                "UnblockPeer": ColdUnary(pb.UnblockPeerRequest, self.unblock_peer),
                "Ping": ColdUnary(pb.PingRequest, self.ping),
            },
        )

    async def list_peers(self, request: pb.ListPeersRequest, _context: CallContext) -> pb.ListPeersResponse:
        """As in the proto file."""
        size, after = page_size(request.page_size), key_of(request.page_token)
        found = self._node.list_peers(after, size + 1, linked_only=request.linked_only)
        response = pb.ListPeersResponse(peers=map(peer_message, found[:size]))
        if len(found) > size:
            response.next_page_token = token_after(found[size - 1].peer_id)
        return response

    async def get_peer(self, request: pb.GetPeerRequest, _context: CallContext) -> pb.GetPeerResponse:
        """As in the proto file."""
        return pb.GetPeerResponse(peer=peer_message(self._node.get_peer(request.peer_id)))

    async def watch_peers(
        self, request: pb.WatchPeersRequest, _context: CallContext
    ) -> AsyncIterator[pb.WatchPeersResponse]:
        """As in the proto file. What changed several times since the last response is told once, as it is now."""
        changes = self._node.peer_changes
        if request.HasField("cursor"):
            revision = request.cursor.revision
            changes.after(request.cursor.instance, revision)
        else:
            # Changes from here on are told after the snapshot, also those that it shows already.
            revision = changes.revision
            async for response in self._snapshot(revision):
                yield response
        while True:
            await changes.wait(revision)
            changed = dict.fromkeys(change.peer_id for change in changes.after(changes.instance, revision))
            revision = changes.revision
            yield pb.WatchPeersResponse(changes=map(self._change, changed), cursor=self._cursor(revision))

    async def _snapshot(self, revision: int) -> AsyncIterator[pb.WatchPeersResponse]:
        after = ""
        while True:
            page = self._node.list_peers(after, SNAPSHOT_PEERS)
            complete = len(page) < SNAPSHOT_PEERS
            response = pb.WatchPeersResponse(snapshot_complete=complete)
            response.changes.extend(pb.PeerChange(peer=peer_message(info)) for info in page)
            if complete:
                response.cursor.CopyFrom(self._cursor(revision))
            yield response
            if complete:
                return
            after = page[-1].peer_id

    def _cursor(self, revision: int) -> cursor_pb2.Cursor:
        return cursor_pb2.Cursor(instance=self._node.instance, revision=revision)

    def _change(self, peer_id: str) -> pb.PeerChange:
        info = self._node.find_peer(peer_id)
        if info is None:
            return pb.PeerChange(peer=pb.Peer(peer_id=peer_id), removed=True)
        return pb.PeerChange(peer=peer_message(info))

    async def connect(self, request: pb.ConnectRequest, _context: CallContext) -> pb.ConnectResponse:
        """As in the proto file."""
        return pb.ConnectResponse(peer=peer_message(await self._node.connect(request.target)))

    async def disconnect(self, request: pb.DisconnectRequest, context: CallContext) -> pb.DisconnectResponse:
        """As in the proto file."""
        timeout = DISCONNECT_SECONDS
        if context.answer_by is not None:
            timeout = max(0.0, context.answer_by - asyncio.get_running_loop().time())
        # The leave goes on whatever becomes of the call: a link that is left by half takes nothing, and is in the way.
        leaving = asyncio.create_task(self._node.disconnect(request.peer_id, timeout))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)
        return pb.DisconnectResponse(messages_lost=await asyncio.shield(leaving))

    async def block_peer(self, request: pb.BlockPeerRequest, _context: CallContext) -> pb.BlockPeerResponse:
        """As in the proto file."""
        self._node.block_peer(request.peer_id)
        return pb.BlockPeerResponse()

    async def unblock_peer(self, request: pb.UnblockPeerRequest, _context: CallContext) -> pb.UnblockPeerResponse:
        """As in the proto file."""
        self._node.unblock_peer(request.peer_id)
        return pb.UnblockPeerResponse()

    async def ping(self, request: pb.PingRequest, _context: CallContext) -> pb.PingResponse:
        """As in the proto file."""
        return pb.PingResponse(rtt=duration(await self._node.ping(request.peer_id)))


def peer_message(info: PeerInfo) -> pb.Peer:
    """A peer as the API shows it."""
    peer = pb.Peer(
        peer_id=info.peer_id,
        state=STATES[info.state],
        addresses=info.addresses,
        agent=info.agent,
        labels=info.labels,
        connections=info.connections,
        messages_sent=info.messages_sent,
        messages_received=info.messages_received,
        queued_bytes=info.queued_bytes,
        bytes_sent=info.bytes_sent,
        bytes_received=info.bytes_received,
        role=role_pb2.ROLE_UNSPECIFIED if info.role is None else ROLES[info.role],
        checked_by=info.checked_by,
    )
    if info.rtt is not None:
        peer.rtt.CopyFrom(duration(info.rtt))
    if info.linked_at is not None:
        peer.linked_at.FromNanoseconds(int(info.linked_at * 1e9))
    return peer


def duration(seconds: float) -> Duration:
    """Seconds as the API shows them."""
    nanos = round(seconds * 1e9)
    return Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)
