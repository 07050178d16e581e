"""Every service of the API, over one node."""

from __future__ import annotations

from functools import partial
from typing import Final

from sidecar.api.batches import ChunkMemory
from sidecar.api.bootstrap import BootstrapService
from sidecar.api.datagram import Broadcast, ReceiveDatagrams, SendDatagram
from sidecar.api.front.base import ColdUnary, Hot, Service
from sidecar.api.health import Health
from sidecar.api.node import NodeService
from sidecar.api.peer import PeerService
from sidecar.api.queue import QueueService
from sidecar.api.receive import Consume, Receive
from sidecar.api.reflection import reflection_services
from sidecar.api.reply import Reply, Request
from sidecar.api.send import Send
from sidecar.api.send_stream import SendStream
from sidecar.api.stream import stream_service
from sidecar.gen.overlay.v1 import datagram_pb2
from sidecar.gen.overlay.v1 import message_pb2 as pb
from sidecar.node import Node

MESSAGE_SERVICE: Final = "overlay.v1.MessageService"

CHUNKED_AT_ONCE: Final = 4
"""So many of the largest messages may be on their way in through SendStream at once."""


def services(node: Node, health: Health, front: str) -> list[Service]:
    """What a front called `front` serves."""
    offered = [
        message_service(node),
        stream_service(node),
        PeerService(node).service(),
        BootstrapService(node).service(),
        QueueService(node).service(),
        NodeService(node, front).service(),
        health.service(),
    ]
    return [*offered, *reflection_services(service.name for service in offered)]


def message_service(node: Node) -> Service:
    """MessageService."""
    memory = ChunkMemory(CHUNKED_AT_ONCE * node.settings.max_message_bytes)
    return Service(
        MESSAGE_SERVICE,
        {
            "Send": ColdUnary(pb.SendRequest, Send(node)),
            "SendStream": Hot(partial(SendStream, node, memory)),
            "Receive": Hot(partial(Receive, node), unary_request=True),
            "Consume": Hot(partial(Consume, node)),
            "Request": Hot(partial(Request, node), unary_request=True, unary_response=True, punctual=True),
            "Reply": Hot(partial(Reply, node)),
            "Broadcast": ColdUnary(datagram_pb2.BroadcastRequest, Broadcast(node, Send(node))),
            "SendDatagram": ColdUnary(datagram_pb2.SendDatagramRequest, SendDatagram(node)),
            "ReceiveDatagrams": Hot(partial(ReceiveDatagrams, node), unary_request=True),
        },
    )
