"""Datagrams and Broadcast."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from sidecar.api.batches import MAX_GRPC_BYTES, seconds_of, too_large
from sidecar.api.front.base import CallContext, HotCall
from sidecar.api.front.requests import decoded
from sidecar.api.send import Send
from sidecar.api.status import reason_number
from sidecar.errors import SidecarError
from sidecar.gen.overlay.v1 import datagram_pb2 as pb
from sidecar.gen.overlay.v1 import message_pb2
from sidecar.mail.datagrams import Box
from sidecar.node import Node
from sidecar.wire.datagrams import CONTENT_MAX

TTL: Final = 0.1
"""Seconds a datagram may wait where its sender does not say."""
TTL_MAX: Final = 10.0


class SendDatagram:
    """The method."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __call__(self, request: pb.SendDatagramRequest, context: CallContext) -> pb.SendDatagramResponse:
        """As `MessageService.SendDatagram`."""
        context.scope.require_send(request.channel)
        ttl = seconds_of(request.ttl, "ttl", TTL_MAX) if request.HasField("ttl") else TTL
        size = len(request.payload) + len(request.channel.encode())
        if size > CONTENT_MAX:
            raise too_large("payload and channel", size, CONTENT_MAX, "send a message, or several datagrams")
        self._node.send_datagram(request.peer_id, request.channel, request.payload, ttl)
        return pb.SendDatagramResponse()


class ReceiveDatagrams:
    """One ReceiveDatagrams call."""

    def __init__(self, node: Node, call: HotCall) -> None:
        self._node = node
        self._call = call
        self._box: Box | None = None

    def messages(self, batch: list[bytes]) -> None:
        """The one request."""
        request = decoded(pb.ReceiveDatagramsRequest, batch[0])
        self._call.context.scope.require_receive(request.channel)
        self._box = self._node.receive_datagrams(request.channel, self._call.wake)

    def half_closed(self) -> None:
        """As every call with one request does at once."""

    @property
    def paused(self) -> bool:
        """Never: there is nothing to read."""
        return False

    def take(self, max_bytes: int) -> Sequence[bytes]:
        """What came."""
        if self._box is None:
            return ()
        held, dropped = self._box.take()
        if not held and not dropped:
            return ()
        response = pb.ReceiveDatagramsResponse(dropped=dropped)
        for came in held:
            response.datagrams.add(peer_id=came.peer_id, payload=came.payload)
        return [response.SerializeToString()]

    def ended(self, completed: bool) -> None:
        """What is here is lost."""
        if self._box is not None:
            self._box.close()


class Broadcast:
    """The method: a Send to each."""

    def __init__(self, node: Node, send: Send) -> None:
        self._node = node
        self._send = send

    async def __call__(self, request: pb.BroadcastRequest, context: CallContext) -> pb.BroadcastResponse:
        """As `MessageService.Broadcast`."""
        context.scope.require_send(request.channel)
        if len(request.payload) > MAX_GRPC_BYTES:
            raise too_large("payload", len(request.payload), MAX_GRPC_BYTES, "send less, or to each by SendStream")
        peers = self._node.linked_with(dict(request.labels))

        async def one(peer_id: str) -> pb.BroadcastResult:
            message = message_pb2.Message(headers=request.headers, payload=request.payload)
            asked = message_pb2.SendRequest(peer_id=peer_id, channel=request.channel, message=message)
            try:
                await self._send(asked, context)
            except SidecarError as error:
                return pb.BroadcastResult(peer_id=peer_id, reason=reason_number(error.reason), detail=error.detail)
            return pb.BroadcastResult(peer_id=peer_id)

        return pb.BroadcastResponse(results=await asyncio.gather(*(one(peer_id) for peer_id in peers)))
