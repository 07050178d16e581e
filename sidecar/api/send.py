"""Send: one message, answered when its level is reached."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Final

from sidecar.api.batches import MAX_GRPC_BYTES, check_batch, level_of, priority_of, too_large
from sidecar.api.front.base import CallContext
from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.v1 import message_pb2 as pb
from sidecar.node import Node
from sidecar.overlay.sender import Sender
from sidecar.wire.batch import length_prefix

TOKEN_MAX: Final = 128
"""The longest token of a SendRequest, in bytes."""


class Outcome:
    """The sink of one message."""

    def __init__(self, level: pb.DeliveryLevel) -> None:
        self.level = level
        self.sent_at = 0
        self.delivered_at = 0
        """Nanoseconds since 1970; 0 for not yet."""
        self.reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def sent(self, first: int, count: int) -> None:
        """The message has left this sidecar."""
        self.sent_at = self.sent_at or time.time_ns()
        if self.level == pb.DELIVERY_LEVEL_SENT and not self.reached.done():
            self.reached.set_result(None)

    def delivered(self, first: int, count: int) -> None:
        """It is in the other sidecar's inbox."""
        self.sent(first, count)
        self.delivered_at = time.time_ns()
        if not self.reached.done():
            self.reached.set_result(None)

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """It did not make it, or nobody knows."""
        if not self.reached.done():
            self.reached.set_exception(SidecarError(reason, detail))


class Send:
    """The method."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __call__(self, request: pb.SendRequest, context: CallContext) -> pb.SendResponse:
        """As `MessageService.Send`."""
        context.scope.require_send(request.channel)
        outcome = Outcome(level_of(request.level, "level"))
        priority = priority_of(request.priority, "priority")
        if len(request.token.encode()) > TOKEN_MAX:
            raise too_large("token", len(request.token.encode()), TOKEN_MAX, "shorten it")
        entry = self._entry(request)
        sender = self._node.open_sender(request.peer_id, request.channel, priority, outcome, request.token)
        try:
            async with asyncio.timeout_at(context.answer_by):
                await room(sender)
                sender.offer(entry, [len(entry)])
                await asyncio.shield(outcome.reached)
        except TimeoutError:
            give_up(sender, outcome)
            await outcome.reached
        except asyncio.CancelledError:
            outcome.reached.cancel()  # nobody is left to learn it
            sender.withdraw(Reason.CANCELLED, "the call was cancelled before the message was sent")
            raise
        response = pb.SendResponse(message_id=request.message.message_id, token=request.token, level=outcome.level)
        response.sent_at.FromNanoseconds(outcome.sent_at)
        if outcome.delivered_at and outcome.level != pb.DELIVERY_LEVEL_SENT:
            response.delivered_at.FromNanoseconds(outcome.delivered_at)
        return response

    def _entry(self, request: pb.SendRequest) -> bytes:
        """The message as a checked batch of one. A missing id is made."""
        message = request.message
        limit = self._node.settings.max_message_bytes
        if len(message.payload) > min(limit, MAX_GRPC_BYTES):
            way = "use SendStream, which takes it in chunks" if len(message.payload) <= limit else "send less"
            raise too_large("message.payload", len(message.payload), min(limit, MAX_GRPC_BYTES), way)
        if not message.message_id:
            message.message_id = secrets.token_hex(8)
        encoded = message.SerializeToString()
        entry = b"\x0a" + length_prefix(len(encoded)) + encoded
        check_batch(entry, limit, "message")
        return entry


async def room(sender: Sender) -> None:
    """Returns once the queue for the sender's peer has room."""
    while sender.full:
        free = asyncio.Event()
        sender.want_room(free.set)
        await free.wait()


def give_up(sender: Sender, outcome: Outcome) -> None:
    """Settles a message whose call has to be answered now."""
    if not sender.offered:
        outcome.failed(
            1, 1, Reason.QUEUE_FULL, f"the queue for {sender.peer_id} stayed full until the deadline; it was not sent"
        )
    elif sender.starved:
        sender.withdraw(
            Reason.NO_SUBSCRIBER,
            f"channel {sender.channel!r} of {sender.peer_id} is full and no app reads it there; it was not sent",
        )
    else:
        sender.withdraw(Reason.DEADLINE, "the message could not be sent before the call's deadline")
    outcome.failed(
        1,
        1,
        Reason.OUTCOME_UNKNOWN,
        "it was sent, and not acknowledged before the call's deadline: it may have arrived",
    )
