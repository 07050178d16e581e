"""Byte streams and requests of the client for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from sidecar_client.answers import answered, failed, taken
from sidecar_client.errors import (
    FrameUnexpected,
    SidecarError,
    SidecarUnavailable,
    StreamReset,
    error_from_rpc,
    is_cancelled,
    translated,
)
from sidecar_client.gen.overlay.v1 import request_pb2, stream_pb2
from sidecar_client.messages import IncomingRequest, Replied
from sidecar_client.stubs import AsyncStubs
from sidecar_client.times import duration

PIECE = 256 << 10
"""Bytes of one frame."""


class AsyncStream:
    """A byte stream to an app beside another sidecar. `async with` ends it: both ways, and at once after an error."""

    def __init__(self, call: Any, frame: type[stream_pb2.OpenRequest | stream_pb2.AcceptRequest]) -> None:
        self.peer_id = ""
        self.name = ""
        self.headers: Mapping[str, str] = {}
        self.accepted = False
        """The other app has taken it."""
        self.suspensions = 0
        """How often it lost its connection and went on by another."""
        self.suspended = False
        self._call = call
        self._frame = frame
        self._ended = False
        self._finished = False
        self._left = b""
        self._at = 0
        """So many bytes of what is left were read."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.cancel()
        else:
            await self.close()

    async def opened(self) -> Self:
        """Returns once the other app has taken it; raises why it was not."""
        while not self.accepted:
            if not await self._next():
                raise StreamReset("the stream ended before it was accepted")
        return self

    async def write(self, data: bytes) -> None:
        """Takes bytes; waits while the other app does not read. FrameUnexpected after `finish`."""
        if self._finished:
            raise FrameUnexpected("this way of the stream is finished")
        for start in range(0, len(data), PIECE):
            frame = self._frame(data=data[start : start + PIECE])
            try:
                with translated():
                    await self._call.write(frame)
            except asyncio.InvalidStateError as error:
                raise await self._why() from error

    async def finish(self) -> None:
        """Writes no more; reading goes on."""
        if not self._finished:
            self._finished = True
            with contextlib.suppress(grpc.RpcError, asyncio.InvalidStateError):  # reading tells why it ended
                await self._call.write(self._frame(finish=stream_pb2.StreamFinished()))
                await self._call.done_writing()

    async def read(self, most: int = PIECE) -> bytes:
        """The next bytes, at most so many; none at the end. Raises StreamReset, StreamLost and the like; ValueError for
        less than one."""
        if most < 1:
            raise ValueError(f"read at least one byte, not {most}; read_all reads everything")
        while self._at == len(self._left) and not self._ended:
            if not await self._next():
                self._ended = True
        data = self._left[self._at : self._at + most]
        self._at += len(data)
        return data

    async def read_all(self) -> bytes:
        """Everything to the end."""
        parts = []
        while part := await self.read():
            parts.append(part)
        return b"".join(parts)

    async def reset(self, code: int = 0, detail: str = "") -> None:
        """Ends it in both directions; the other app gets the code, unless this way is finished: then there is no word
        any more to give it."""
        if self._finished:
            self.cancel()
            return
        self._finished = True
        with contextlib.suppress(SidecarError, asyncio.InvalidStateError), translated():  # it has ended
            await self._call.write(self._frame(reset=stream_pb2.StreamReset(code=code, detail=detail)))
            await self._call.done_writing()
            while await self._call.read() is not grpc.aio.EOF:
                pass

    async def close(self) -> None:
        """Writes no more, passes over what still comes, and returns once all that was written is with the other
        sidecar."""
        await self.finish()
        with translated():
            while await self._call.read() is not grpc.aio.EOF:
                pass

    def cancel(self) -> None:
        """Ends it at once, as if the app had gone."""
        self._call.cancel()

    async def _next(self) -> bool:
        """Takes a frame; False at the end of the other app's way."""
        with translated():
            response = await self._call.read()
        if response is grpc.aio.EOF:
            return False
        kind = response.WhichOneof("frame")
        if kind == "data":
            self._left, self._at = response.data, 0
        elif kind == "accepted":
            self.accepted = True
            told = response.accepted
            self.peer_id, self.name, self.headers = told.peer_id, told.name, dict(told.headers)
        elif kind == "state":
            self.suspended = response.state == stream_pb2.STREAM_STATE_SUSPENDED
            self.suspensions += self.suspended
        return bool(kind != "finished")

    async def _why(self) -> SidecarError:
        """Why the call has ended."""
        code = await self._call.code()
        if code is grpc.StatusCode.OK:
            return StreamReset("the stream is over")
        return error_from_rpc(
            grpc.aio.AioRpcError(
                code, await self._call.initial_metadata(), await self._call.trailing_metadata(),
                await self._call.details(),
            )
        )  # fmt: skip


async def open_stream(
    stubs: AsyncStubs, peer_id: str, name: str, headers: Mapping[str, str] | None, accept_timeout: float | None
) -> AsyncStream:
    """See AsyncSidecar.open_stream."""
    opening = stream_pb2.StreamOpen(peer_id=peer_id, name=name, headers=headers)
    if accept_timeout is not None:
        opening.accept_timeout.CopyFrom(duration("accept_timeout", accept_timeout))
    with translated():
        call = stubs.streams.Open()
    stream = AsyncStream(call, stream_pb2.OpenRequest)
    stream.peer_id, stream.name = peer_id, name
    try:
        with translated():
            await call.write(stream_pb2.OpenRequest(open=opening))
    except BaseException:
        call.cancel()
        raise
    return stream


async def accept_stream(stubs: AsyncStubs, name: str, peer_ids: Iterable[str]) -> AsyncStream:
    """See AsyncSidecar.accept_stream."""
    with translated():
        call = stubs.streams.Accept()
    stream = AsyncStream(call, stream_pb2.AcceptRequest)
    try:
        with translated():
            await call.write(
                stream_pb2.AcceptRequest(accept=stream_pb2.StreamAccept(name=name, peer_ids=list(peer_ids)))
            )
        return await stream.opened()
    except BaseException:
        call.cancel()
        raise


async def request(
    stubs: AsyncStubs,
    peer_id: str,
    payload: bytes,
    channel: str,
    headers: Mapping[str, str] | None,
    timeout: float | None,
) -> Replied:
    """See AsyncSidecar.request."""
    asked = request_pb2.RequestRequest(peer_id=peer_id, channel=channel, headers=headers, payload=payload)
    with translated():
        reply = await stubs.messages.Request(asked, timeout=timeout)
    return Replied(reply.payload, dict(reply.headers))


Answerer = Callable[[IncomingRequest], Awaitable[bytes | Replied]]


async def requests_of(stubs: AsyncStubs, channel: str, answer: Answerer, credit: int, peer_ids: Iterable[str]) -> None:
    """See AsyncSidecar.reply."""
    with translated():
        call = stubs.messages.Reply()
    tasks: dict[int, asyncio.Task[None]] = {}
    frames: asyncio.Queue[request_pb2.ReplyRequest] = asyncio.Queue()
    frames.put_nowait(
        request_pb2.ReplyRequest(open=request_pb2.ReplyOpen(channel=channel, credits=credit, peer_ids=list(peer_ids)))
    )

    async def write() -> None:
        # A task of its own: to cancel one that writes would be to cancel the call. What it fails with, reading tells.
        with contextlib.suppress(grpc.RpcError, asyncio.InvalidStateError):
            while True:
                await call.write(await frames.get())

    async def work(asked: request_pb2.IncomingRequest) -> None:
        answer_ = await _answer(answer, asked)
        frames.put_nowait(request_pb2.ReplyRequest(answers=request_pb2.ReplyAnswers(answers=[answer_])))

    writer = asyncio.create_task(write())
    try:
        with translated():
            response: Any
            while (response := await call.read()) is not grpc.aio.EOF:
                for asked in response.requests:
                    task = asyncio.create_task(work(asked))
                    tasks[asked.request_id] = task
                    task.add_done_callback(lambda _, number=asked.request_id: tasks.pop(number, None))  # type: ignore[misc]
                for number in response.cancelled:
                    if number in tasks:
                        tasks[number].cancel()
        raise SidecarUnavailable("the sidecar ended the call")
    finally:
        call.cancel()
        ending = [writer, *tasks.values()]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)


async def _answer(answer: Answerer, asked: request_pb2.IncomingRequest) -> request_pb2.Answer:
    """An app's bug is the requester's error, and ends nothing else."""
    try:
        return answered(asked.request_id, await answer(taken(asked)))
    except asyncio.CancelledError as error:
        if is_cancelled():
            raise
        return failed(asked.request_id, error)  # not this task's: something that the app awaits was cancelled
    except Exception as error:  # noqa: BLE001  whatever it is
        return failed(asked.request_id, error)
