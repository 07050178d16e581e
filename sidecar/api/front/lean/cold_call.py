"""Calls of cold methods: one coroutine for each call, with a protobuf object for each message."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from google.protobuf.message import Message

from sidecar.api.front.base import CallContext, ColdBidi, ColdStream, ColdUnary
from sidecar.api.front.failures import status_for
from sidecar.api.front.lean.call import Call
from sidecar.api.front.lean.encodings import Packed, plain
from sidecar.api.front.lean.stream import Stream
from sidecar.api.front.requests import decoded
from sidecar.api.status import Code, ForeignStatus, Status


class SingleRequest(Call):
    """A call whose client sends one request and no more."""

    def __init__(self, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(stream, context, loop)
        self._request: bytes | None = None

    def messages(self, batch: list[bytes]) -> None:
        """As `Call.messages`."""
        if self._request is not None or len(batch) > 1:
            self.stream.refuse(Status(Code.INTERNAL, f"{self.path} takes one request, and more came"))
            return
        self._request = batch[0]

    def half_closed(self) -> None:
        """As `Call.half_closed`."""
        request = self._request
        if request is None:
            self.stream.refuse(Status(Code.INTERNAL, f"{self.path} takes one request, and none came"))
            return
        try:
            if isinstance(request, Packed):
                self._request = request = self._unpacked(request)
            self.begin(request)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            self.stream.refuse(status_for(self.path, error))

    def _unpacked(self, request: bytes) -> bytes:
        """Inflated within the room for large messages: it lives as long as the call."""
        request = plain(request)
        stream = self.stream
        if not stream.keep(len(request)):
            raise ForeignStatus(
                Code.RESOURCE_EXHAUSTED, "no room for another large request that is compressed: send it as it is"
            )
        return request

    @abstractmethod
    def begin(self, request: bytes) -> None:
        """The one request is here, inflated."""


class UnaryCall(SingleRequest):
    """ColdUnary. A method that is not done when the answer is due is cancelled and answered for."""

    def __init__(
        self, method: ColdUnary, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(stream, context, loop)
        self._method = method
        self._task: asyncio.Task[None] | None = None
        if context.deadline is not None and context.answer_by is not None:
            # Between the two: the method itself was told `answer_by` and has better words for what it waited for.
            self.at((context.answer_by + context.deadline) / 2)

    def begin(self, request: bytes) -> None:
        """As `SingleRequest.begin`."""
        message = decoded(self._method.request, request)
        self._request = b""
        self._task = self.loop.create_task(self._run(message))

    async def _run(self, message: Message) -> None:
        stream = self.stream
        try:
            response = await self._method.call(message, self.context)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            stream.finish(status_for(self.path, error))
        else:
            if not stream.over:
                stream.respond(response.SerializeToString())

    def give(self, room: int) -> bool:
        """Nothing: the task hands its response in."""
        return False

    def over(self, completed: bool) -> None:
        """As `Call.over`."""
        super().over(completed)
        task = self._task
        if task is not None and not task.done() and not completed:
            task.cancel()


class Responses:
    """What the two cold calls that stream share: one response after the other, each when there is room for it."""

    def __init__(self, stream: Stream, loop: asyncio.AbstractEventLoop) -> None:
        self._stream = stream
        self._loop = loop
        self._room: asyncio.Future[None] | None = None

    def room_came(self) -> None:
        """Everything was written that had been handed in."""
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    async def write_all(self, path: str, responses: AsyncIterator[Message]) -> None:
        """Writes what an iterator gives and ends the call; closes the iterator however that comes."""
        stream = self._stream
        try:
            async with aclosing(responses) as open_responses:  # type: ignore[type-var] # servicers give async generators
                stream.start()
                async for response in open_responses:
                    if stream.over:
                        return
                    stream.send([response.SerializeToString()])
                    stream.connection.flush_soon()
                    if stream.waiting or stream.connection.full:
                        self._room = self._loop.create_future()
                        stream.wake()
                        await self._room
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            stream.finish(status_for(path, error))
        else:
            stream.finish()


class ServerStreamCall(SingleRequest):
    """ColdStream."""

    def __init__(
        self, method: ColdStream, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop
    ) -> None:
        super().__init__(stream, context, loop)
        self._method = method
        self._responses = Responses(stream, loop)
        self._task: asyncio.Task[None] | None = None
        self.at(context.deadline)

    def begin(self, request: bytes) -> None:
        """As `SingleRequest.begin`."""
        message = decoded(self._method.request, request)
        self._request = b""
        responses = self._method.call(message, self.context)
        self._task = self.loop.create_task(self._responses.write_all(self.path, responses))

    def give(self, room: int) -> bool:
        """As `Call.give`: the task goes on."""
        self._responses.room_came()
        return False

    def over(self, completed: bool) -> None:
        """As `Call.over`."""
        super().over(completed)
        if self._task is not None and not completed:
            self._task.cancel()


class BidiCall(Call):
    """ColdBidi. Requests wait here until the method asks for them; those that wait are counted in `held`."""

    streams = True

    def __init__(self, method: ColdBidi, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(stream, context, loop)
        self._method = method
        self._waiting: deque[bytes] = deque()
        self._ended = False
        self._came = asyncio.Event()
        self._responses = Responses(stream, loop)
        responses = method.call(self._requests(), context)
        self._task = loop.create_task(self._responses.write_all(self.path, responses))
        self.at(context.deadline)

    def messages(self, batch: list[bytes]) -> None:
        """As `Call.messages`."""
        self._waiting += batch
        self.held += sum(map(len, batch))
        self._came.set()

    def half_closed(self) -> None:
        """As `Call.half_closed`."""
        self._ended = True
        self._came.set()

    async def _requests(self) -> AsyncIterator[Any]:
        while True:
            while self._waiting:
                request = self._waiting.popleft()
                self.held -= len(request)
                self.stream.open_window()
                yield decoded(self._method.request, plain(request))
            if self._ended:
                return
            self._came.clear()
            await self._came.wait()

    def give(self, room: int) -> bool:
        """As `Call.give`: the task goes on."""
        self._responses.room_came()
        return False

    def over(self, completed: bool) -> None:
        """As `Call.over`."""
        super().over(completed)
        self._waiting.clear()
        if not completed:
            self._task.cancel()
