"""Send: one message, answered when its level is reached."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from typing import Final

from sidecar.api.batches import MAX_GRPC_BYTES, check_batch, delivery_of, level_of, priority_of, too_large
from sidecar.api.front.base import CallContext
from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.v1 import message_pb2 as pb
from sidecar.node import Node
from sidecar.overlay.kept_sender import AnySender, DurableSender
from sidecar.overlay.requests import REQUEST_ID_MAX, Request
from sidecar.wire.batch import length_prefix

TOKEN_MAX: Final = 128
"""The longest token of a SendRequest, in bytes."""


class Outcome:
    """The sink of one message: how far it has come, for the call that sent it and those that repeat it."""

    def __init__(self, level: pb.DeliveryLevel) -> None:
        self.level = level
        self.sent_at = 0
        self.delivered_at = 0
        self.processed_at = 0
        """Nanoseconds since 1970; 0 for not yet, or not known."""
        self.request: Request | None = None
        self.node: Node | None = None
        """Who is told when a request has its outcome."""
        self.reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def sent(self, first: int, count: int) -> None:
        """The message has left this sidecar, or is in its journal."""
        self.sent_at = self.sent_at or time.time_ns()
        self._reach(pb.DELIVERY_LEVEL_SENT)

    def delivered(self, first: int, count: int) -> None:
        """It is in the other sidecar's inbox."""
        self.sent(first, count)
        self.delivered_at = self.delivered_at or time.time_ns()
        self._reach(pb.DELIVERY_LEVEL_DELIVERED)

    def processed(self, first: int, count: int) -> None:
        """The app over there has acknowledged it."""
        self.delivered(first, count)
        self.processed_at = self.processed_at or time.time_ns()
        self._reach(pb.DELIVERY_LEVEL_PROCESSED)

    def _reach(self, level: pb.DeliveryLevel) -> None:
        if level == self.level and not self.reached.done():
            self.reached.set_result(None)
            self._settle(None)

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """It did not make it, or nobody knows."""
        if not self.reached.done():
            self.reached.set_exception(SidecarError(reason, detail))
            self.reached.exception()  # whoever waits learns it; the call may be over
            self._settle(reason)

    def _settle(self, reason: Reason | None) -> None:
        if self.request is not None and self.node is not None:
            self.node.post.requests.settled(self.request, reason)


class Send:
    """The method."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def __call__(self, request: pb.SendRequest, context: CallContext) -> pb.SendResponse:
        """As `MessageService.Send`."""
        context.scope.require_send(request.channel)
        level = level_of(request.level, "level")
        priority = priority_of(request.priority, "priority")
        delivery = delivery_of(request, level)
        for field, text, most in (
            ("token", request.token, TOKEN_MAX),
            ("request_id", request.request_id, REQUEST_ID_MAX),
        ):
            if len(text.encode()) > most:
                raise too_large(field, len(text.encode()), most, "shorten it")
        digest = _digest(request) if request.request_id else b""
        if request.request_id and (former := self._node.post.requests.find(request.request_id, digest)) is not None:
            return await self._repeat(request, former, level, context)
        entry = self._entry(request)
        outcome = Outcome(level)
        sender = self._node.open_kept_sender(
            request.peer_id, request.channel, priority, outcome, delivery, request.token
        )
        if request.request_id:
            requests = self._node.post.requests
            outcome.request = requests.begin(request.request_id, digest, request.message.message_id, outcome)
            outcome.node = self._node
            if isinstance(sender, DurableSender):
                sender.request = requests.row(outcome.request)
        try:
            async with asyncio.timeout_at(context.answer_by):
                await room(sender)
                sender.offer(entry, [len(entry)])
                if isinstance(sender, DurableSender) and outcome.request is not None and sender.request is not None:
                    outcome.request.number = sender.request.number
                await asyncio.shield(outcome.reached)
        except TimeoutError:
            give_up(sender, outcome)
            await outcome.reached
        except asyncio.CancelledError:
            if outcome.request is None:
                outcome.reached.cancel()  # nobody is left to learn it
            if outcome.request is None or not isinstance(sender, DurableSender):
                sender.withdraw(Reason.CANCELLED, "the call was cancelled before the message was sent")
            raise
        return _response(request, outcome, request.message.message_id)

    async def _repeat(
        self, request: pb.SendRequest, former: Request, level: pb.DeliveryLevel, context: CallContext
    ) -> pb.SendResponse:
        """The call was made before: it is answered for that one's message."""

        def make() -> Outcome:
            outcome = Outcome(level)
            outcome.request, outcome.node = former, self._node
            return outcome

        tracked = level == pb.DELIVERY_LEVEL_PROCESSED
        outcome = self._node.post.requests.take_up(former, request.peer_id, make, tracked=tracked)
        assert isinstance(outcome, Outcome), "only this method makes requests"
        try:
            async with asyncio.timeout_at(context.answer_by):
                await asyncio.shield(outcome.reached)
        except TimeoutError:
            raise unknown(durable=request.durable, written=outcome.sent_at > 0) from None
        return _response(request, outcome, former.message_id)

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


def _digest(request: pb.SendRequest) -> bytes:
    """What two calls with one request id must have in common."""
    same = pb.SendRequest()
    same.CopyFrom(request)
    same.ClearField("token")
    return hashlib.sha256(same.SerializeToString(deterministic=True)).digest()


def _response(request: pb.SendRequest, outcome: Outcome, message_id: str) -> pb.SendResponse:
    outcome.reached.result()
    response = pb.SendResponse(message_id=message_id, token=request.token, level=outcome.level)
    response.sent_at.FromNanoseconds(outcome.sent_at)
    if outcome.delivered_at and outcome.level != pb.DELIVERY_LEVEL_SENT:
        response.delivered_at.FromNanoseconds(outcome.delivered_at)
    if outcome.processed_at and outcome.level == pb.DELIVERY_LEVEL_PROCESSED:
        response.processed_at.FromNanoseconds(outcome.processed_at)
    return response


async def room(sender: AnySender) -> None:
    """Returns once the queue for the sender's peer has room."""
    while sender.full:
        free = asyncio.Event()
        sender.want_room(free.set)
        await free.wait()


def give_up(sender: AnySender, outcome: Outcome) -> None:
    """Settles a message whose call has to be answered now."""
    if not sender.offered:
        outcome.failed(
            1, 1, Reason.QUEUE_FULL, f"the queue for {sender.peer_id} stayed full until the deadline; it was not sent"
        )
    elif isinstance(sender, DurableSender):
        if outcome.request is None:
            sender.withdraw(Reason.PENDING, "nobody waits")
        raise unknown(durable=True, written=outcome.sent_at > 0)
    elif sender.starved:
        sender.withdraw(
            Reason.NO_SUBSCRIBER,
            f"channel {sender.channel!r} of {sender.peer_id} is full and no app reads it there; it was not sent",
        )
    elif sender.stalled:
        sender.withdraw(
            Reason.QUEUE_FULL,
            f"channel {sender.channel!r} of {sender.peer_id} is full: the app there does not read; it was not sent",
        )
    else:
        sender.withdraw(Reason.DEADLINE, "the message could not be sent before the call's deadline")
    if outcome.request is None:
        error = unknown(durable=False)
        outcome.failed(1, 1, error.reason, error.detail)
    elif not outcome.reached.done():
        raise unknown(durable=False)


def unknown(*, durable: bool, written: bool = True) -> SidecarError:
    """The error of a call that has to be answered before anything is known, but whether the journal has written the
    message."""
    if durable and not written:
        return SidecarError(
            Reason.OUTCOME_UNKNOWN,
            "the journal had not written it by the call's deadline: it goes on as soon as that is done",
        )
    if durable:
        return SidecarError(
            Reason.PENDING, "it is in the journal and goes on; it had not reached the level by the call's deadline"
        )
    return SidecarError(
        Reason.OUTCOME_UNKNOWN,
        "it was sent, and not acknowledged before the call's deadline: it may have arrived",
    )
