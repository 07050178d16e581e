"""Calls: what stands between a stream and a method, one class for each way of `sidecar.api.front.base`.

The stream calls `messages`, `half_closed`, `give` and, once and last, `over`. Nothing here waits for a client: a cold
method's coroutine does, in its own task.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final

from google.protobuf.message import Message

from sidecar.api.front.base import (
    CallContext,
    ColdBidi,
    ColdStream,
    ColdUnary,
    Hot,
    Method,
    whole,
)
from sidecar.api.front.failures import status_for
from sidecar.api.front.lean.encodings import IDENTITY, Packed, plain
from sidecar.api.front.lean.stream import Stream
from sidecar.api.front.requests import decoded
from sidecar.api.status import Code, ForeignStatus, Status
from sidecar.errors import Reason, SidecarError

TAKE_BYTES: Final = 1 << 20
"""The most that a hot method is asked for at a time."""

HAND_IN_BYTES: Final = 256 << 10
"""The most that a hot method gets at a time of what has waited while it was paused."""

REFUSAL_SECONDS: Final = 0.05


class Call(ABC):
    """One call, whatever its method."""

    streams = False
    """Whether the client may send more than one request."""

    def __init__(self, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop) -> None:
        self.stream = stream
        self.context = context
        self.path = context.method
        self.loop = loop
        self.held = 0
        """Bytes of requests that the method has not taken."""
        self.ending = False
        """Whether `give` ends the call when the method gives no more."""
        self._timer: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path}>"

    @abstractmethod
    def messages(self, batch: list[bytes]) -> None:
        """Requests have come."""

    @abstractmethod
    def half_closed(self) -> None:
        """No more will come."""

    @abstractmethod
    def give(self, room: int) -> bool:
        """Hands the stream what there is, some `room` bytes; whether there may be more, or the call's end."""

    def over(self, completed: bool) -> None:
        """The stream has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def late(self) -> None:
        """The client's deadline has passed."""
        self.stream.refuse(
            status_for(self.path, SidecarError(Reason.DEADLINE, f"{self.path} was not done within the call's deadline"))
        )

    def at(self, when: float | None) -> None:
        """Has `late` called then, unless the call is over before."""
        if when is not None:
            self._timer = self.loop.call_at(when, self.late)


class RefusedCall(Call):
    """A call that was refused before its first request. It is told when that comes, or soon: the library of Python apps
    takes a call that ended before its first write for an internal error."""

    def __init__(self, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop, error: Exception) -> None:
        super().__init__(stream, context, loop)
        self._status = status_for(context.method, error)
        self.at(loop.time() + REFUSAL_SECONDS)

    def messages(self, batch: list[bytes]) -> None:
        """As `Call.messages`."""
        self.stream.refuse(self._status)

    def half_closed(self) -> None:
        """As `Call.half_closed`."""
        self.stream.refuse(self._status)

    def late(self) -> None:
        """As `Call.late`."""
        self.stream.refuse(self._status)

    def give(self, room: int) -> bool:
        """Nothing."""
        return False


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


class HotCall(Call):
    """Hot; the front's side of `sidecar.api.front.base.HotCall` too."""

    def __init__(self, method: Hot, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(stream, context, loop)
        self.streams = not method.unary_request
        self._unary_response = method.unary_response
        self._one_by_one = stream.encoding != IDENTITY
        """Whether requests may be compressed, so that each is inflated when it is its turn."""
        self._only: bytes | None = None
        self._error: Exception | None = None
        self._opened = False
        """Whether a request was handed in."""
        self._backlog: deque[bytes] = deque()
        """Requests that came while the method was paused."""
        self._half_closed = False
        """Whether the client has, and the method does not know yet."""
        self._ended = False
        self._served = method.open(self)
        self.at(context.deadline)

    # the stream's side

    def messages(self, batch: list[bytes]) -> None:
        """As `Call.messages`."""
        if self.ending:
            return
        if self._backlog or self._one_by_one or self._served.paused or not self.streams:
            self._backlog += batch
            self.held += sum(map(len, batch))
            if self.streams:
                self._hand_in()
        else:
            self._take_in(batch)

    def half_closed(self) -> None:
        """As `Call.half_closed`."""
        self._half_closed = True
        if self.streams:
            self._hand_in()
            return
        if len(self._backlog) != 1:
            self.stream.refuse(Status(Code.INTERNAL, f"{self.path} takes one request, and {len(self._backlog)} came"))
            return
        self.held = 0
        self._take_in([self._backlog.popleft()])
        self._tell_half_closed()

    def _take_in(self, batch: list[bytes]) -> None:
        try:
            if self._one_by_one:
                batch = [plain(message) for message in batch]
            self._served.messages(batch)
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            self._finish(error)
            return
        if not self._opened:
            self._opened = True
            if not self._unary_response and not self.ending:
                self.stream.start()

    def _hand_in(self) -> None:
        """Gives the method what has waited, until it is paused again; and then the client's end."""
        backlog = self._backlog
        while backlog and not self.ending and not self._served.paused:
            batch = [backlog.popleft()]
            size = len(batch[0])
            while not self._one_by_one and backlog and size + len(backlog[0]) <= HAND_IN_BYTES:
                batch.append(backlog.popleft())
                size += len(batch[-1])
            self.held -= size
            self._take_in(batch)
        if self._half_closed and not backlog:
            self._tell_half_closed()

    def _tell_half_closed(self) -> None:
        self._half_closed = False
        if self.ending:
            return
        try:
            self._served.half_closed()
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            self._finish(error)

    def give(self, room: int) -> bool:
        """As `Call.give`."""
        # In this order: what is ready when `finish` is called is still written.
        ending = self.ending
        try:
            responses = self._served.take(max(1, min(room, TAKE_BYTES)))
        except Exception as error:  # noqa: BLE001 - the border where a bug becomes INTERNAL
            self.ending = True
            self.stream.finish(status_for(self.path, error))
            return True
        if responses:
            if self._unary_response:
                self._only = whole(responses[0])
            else:
                self.stream.send(responses)
            return True
        if ending:
            if self._error is not None:
                self.stream.finish(status_for(self.path, self._error))
            else:
                if self._only is not None:
                    self.stream.send([self._only])
                self.stream.finish()
        return ending

    def over(self, completed: bool) -> None:
        """As `Call.over`."""
        super().over(completed)
        self.ending = True
        self._backlog.clear()
        if not self._ended:
            self._ended = True
            self._served.ended(completed)

    # the method's side

    def wake(self) -> None:
        """As `base.HotCall.wake`."""
        self.stream.wake()

    def resume(self) -> None:
        """As `base.HotCall.resume`."""
        if self._backlog or self._half_closed:
            self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if not self.stream.over:
            self._hand_in()
            self.stream.open_window()

    def finish(self, error: SidecarError | None = None) -> None:
        """As `base.HotCall.finish`; the first one counts."""
        self._finish(error)

    def _finish(self, error: Exception | None) -> None:
        if not self.ending:
            self.ending = True
            self._error = error
            self._backlog.clear()
            self.held = 0
            self.stream.wake()


def open_call(method: Method, stream: Stream, context: CallContext, loop: asyncio.AbstractEventLoop) -> Call:
    """The call for a method."""
    match method:
        case ColdUnary():
            return UnaryCall(method, stream, context, loop)
        case ColdStream():
            return ServerStreamCall(method, stream, context, loop)
        case ColdBidi():
            return BidiCall(method, stream, context, loop)
        case Hot():
            return HotCall(method, stream, context, loop)
