"""Request and Reply: an app asks, another answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from sidecar.api.batches import MAX_GRPC_BYTES, too_large
from sidecar.api.front.base import HotCall
from sidecar.api.front.requests import decoded
from sidecar.errors import Reason, SidecarError, invalid_field
from sidecar.gen.overlay.v1 import request_pb2 as pb
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.identity import parse_peer_id
from sidecar.mail.requests import Asked, Question, Worker
from sidecar.node import Node
from sidecar.wire.flow import Cause
from sidecar.wire.flow_frames import HEADERS_MAX

UNKNOWN_MAX: Final = 10_000
"""So many answers to unknown requests, of which the client has not been told, hold its next ones back."""
CODE_MAX: Final = 128
WORDS_MAX: Final = 1024
RESPONSE_BYTES: Final = 1 << 20


def check_content(headers: dict[str, str], payload: bytes, where: str = "") -> None:
    """SidecarError MESSAGE_TOO_LARGE when headers or payload are above their limits."""
    if headers:
        size = sum(len(key.encode()) + len(value.encode()) for key, value in headers.items())
        if size > HEADERS_MAX:
            raise too_large(f"{where}headers", size, HEADERS_MAX, "send less")
    if len(payload) > MAX_GRPC_BYTES:
        raise too_large(f"{where}payload", len(payload), MAX_GRPC_BYTES, "use a byte stream")


def peers_allowed(peer_ids: Sequence[str], field: str) -> frozenset[str]:
    """The peers an app lets in. SidecarError INVALID_FIELD."""
    for index, peer_id in enumerate(peer_ids):
        try:
            parse_peer_id(peer_id)
        except ValueError as error:
            raise invalid_field(f"{field}[{index}]", str(error)) from error
    return frozenset(peer_ids)


class Request:
    """One Request call. It is hot, without a task of its own: an app may have a thousand under way."""

    __slots__ = ("_call", "_node", "_question", "_timer")

    def __init__(self, node: Node, call: HotCall) -> None:
        self._node = node
        self._call = call
        self._question: Question | None = None
        self._timer: asyncio.TimerHandle | None = None
        if call.context.answer_by is not None:
            self._timer = asyncio.get_running_loop().call_at(call.context.answer_by, self._late)

    def messages(self, batch: list[bytes]) -> None:
        """The one request."""
        request = decoded(pb.RequestRequest, batch[0])
        context = self._call.context
        context.scope.require_send(request.channel)
        headers = dict(request.headers)
        check_content(headers, request.payload)
        timeout, answer_by = 0.0, context.answer_by
        if answer_by is not None:
            timeout = max(0.001, answer_by - asyncio.get_running_loop().time())
        self._question = self._node.ask(
            request.peer_id, request.channel, headers, request.payload, timeout=timeout, settled=self._settled
        )
        if self._question.over:
            self._settled()

    def half_closed(self) -> None:
        """As every call with one request does at once."""

    @property
    def paused(self) -> bool:
        """Never."""
        return False

    def _settled(self) -> None:
        if self._question is not None:
            self._call.finish(self._question.error)

    def _late(self) -> None:
        question = self._question
        if question is None:
            self._call.finish(SidecarError(Reason.DEADLINE, "the request did not come before the call's deadline"))
        elif not question.over:
            question.withdraw(Cause.DEADLINE)
            self._call.finish(_too_late(question))

    def take(self, max_bytes: int) -> Sequence[bytes]:
        """The reply, once."""
        reply = self._question.reply if self._question is not None else None
        if reply is None:
            return ()
        self._question = None
        response = pb.RequestResponse(payload=reply.payload)
        if reply.headers:
            response.headers.update(reply.headers)
        return [response.SerializeToString()]

    def ended(self, completed: bool) -> None:
        """A call that is cancelled asks no more."""
        if self._timer is not None:
            self._timer.cancel()
        question, self._question = self._question, None
        if question is not None and not question.over:
            question.withdraw(Cause.CANCELLED)


def _too_late(question: Question) -> SidecarError:
    flow = question.flow
    if flow.accepted:
        return SidecarError(
            Reason.DEADLINE, f"the app that answers {flow.name!r} at {flow.peer_id} has it, and took longer"
        )
    if flow.answered:
        return SidecarError(Reason.NO_SUBSCRIBER, f"no app at {flow.peer_id} took the request on {flow.name!r} in time")
    return SidecarError(Reason.DEADLINE, f"the request did not reach {flow.peer_id} before the call's deadline")


class Reply:
    """One Reply call."""

    def __init__(self, node: Node, call: HotCall) -> None:
        self._node = node
        self._call = call
        self._worker: Worker | None = None
        self._unknown: list[int] = []
        self._pending: list[Asked] = []

    def messages(self, batch: list[bytes]) -> None:
        """Frames: the opening, then credit and answers in any order."""
        for encoded in batch:
            frame = decoded(pb.ReplyRequest, encoded)
            kind = frame.WhichOneof("frame")
            if self._worker is None:
                if kind != "open":
                    raise SidecarError(
                        Reason.FRAME_UNEXPECTED, f"the first frame must be `open`, it is `{kind or 'empty'}`"
                    )
                self._call.context.scope.require_receive(frame.open.channel)
                allowed = peers_allowed(frame.open.peer_ids, "open.peer_ids")
                self._worker = self._node.answer(
                    frame.open.channel, self._call.wake, max(1, frame.open.credits), allowed
                )
            elif kind == "answers":
                for answer in frame.answers.answers:
                    self._answer(self._worker, answer)
            elif kind == "credit":
                self._worker.add_credit(frame.credit.credits)
            else:
                raise SidecarError(
                    Reason.FRAME_UNEXPECTED, "after `open`, a frame is one of `credit` and `answers`, and never empty"
                )
        if self._unknown:
            self._call.wake()

    def _answer(self, worker: Worker, answer: pb.Answer) -> None:
        reply = wire_pb2.ReplyMessage()
        if answer.HasField("error"):
            where = f"answers[{answer.request_id}]."
            if not answer.error.code or len(answer.error.code.encode()) > CODE_MAX:
                raise invalid_field(f"{where}error.code", f"is a word of 1 to {CODE_MAX} bytes")
            if len(answer.error.message.encode()) > WORDS_MAX:
                raise too_large(f"{where}error.message", len(answer.error.message.encode()), WORDS_MAX, "say less")
            reply.error.code, reply.error.message = answer.error.code, answer.error.message
        else:
            payload = answer.payload
            if answer.headers or len(payload) > MAX_GRPC_BYTES:
                headers = dict(answer.headers)
                check_content(headers, payload, f"answers[{answer.request_id}].")
                reply.headers.update(headers)
            reply.payload = payload
        if not worker.answer(answer.request_id, reply):
            self._unknown.append(answer.request_id)

    def half_closed(self) -> None:
        """No answer can come any more."""
        self._call.finish()

    @property
    def paused(self) -> bool:
        """While the client does not read what it is told of its answers."""
        return len(self._unknown) >= UNKNOWN_MAX

    def take(self, max_bytes: int) -> Sequence[bytes]:
        """New requests, some of them to a response, and what the client is to know of others."""
        if self._worker is None:
            return ()
        new, cancelled = self._worker.take()
        unknown, self._unknown = self._unknown, []
        if len(unknown) >= UNKNOWN_MAX:
            self._call.resume()
        responses: list[bytes] = []
        response = pb.ReplyResponse(cancelled=cancelled, unknown=unknown)
        size = 0
        for asked in new:
            if size and size + asked.size > RESPONSE_BYTES:
                responses.append(response.SerializeToString())
                response, size = pb.ReplyResponse(), 0
            size += asked.size
            _show(response, asked)
        if size or cancelled or unknown or new:
            responses.append(response.SerializeToString())
        return responses

    def ended(self, completed: bool) -> None:
        """What is not answered never will be."""
        if self._worker is not None:
            self._worker.close()


def _show(response: pb.ReplyResponse, asked: Asked) -> None:
    message, left = asked.message, asked.time_left
    shown = response.requests.add(
        request_id=asked.number, peer_id=asked.flow.peer_id, channel=asked.flow.name, payload=message.payload
    )
    if message.headers:
        shown.headers.update(message.headers)
    if left is not None:
        seconds = int(left)
        shown.time_left.seconds, shown.time_left.nanos = seconds, int((left - seconds) * 1e9)
