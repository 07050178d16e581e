"""The streams of the client for asyncio: one sender and two kinds of subscription."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from sidecar_client import requests
from sidecar_client.acks import Acks
from sidecar_client.errors import DeadlinePassed, SidecarError, SidecarUnavailable, error_from_rpc, translated
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1 import node_pb2
from sidecar_client.incoming import Incoming
from sidecar_client.messages import Gap, Priority, Received, Wait
from sidecar_client.outgoing import SMALL_BYTES, Outgoing, Sizes
from sidecar_client.streams import CLOSE_SECONDS, SEND_STREAM
from sidecar_client.stubs import AsyncStubs, Metadata


class AsyncSender:
    """Many messages to one peer and channel over one call, pipelined.

    `send` returns as soon as there is room (16 MiB may be without an outcome) and gives the message's number; `result`
    waits for one message, `flush` for all so far. Leaving the `async with` block waits for all of them; leaving it by
    an exception cancels what has no outcome. When the sidecar goes away, what was handed over fails as OutcomeUnknown
    and the sender is of no more use: open a new one.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        metadata: Metadata,
        *,
        peer_id: str,
        to_channel: str,
        priority: Priority,
        wait: Wait,
        durable: bool,
        ttl: float | None,
        timeout: float | None,
        sizes: Callable[[], Awaitable[Sizes]],
    ) -> None:
        self._book = Outgoing(peer_id, to_channel, priority, wait, durable=durable, ttl=ttl)
        self._sizes = sizes
        self._more = asyncio.Event()
        self._progress: list[asyncio.Future[None]] = []
        self._closing = False
        self._begin: Any = channel.stream_stream(
            SEND_STREAM, request_serializer=None, response_deserializer=pb.SendStreamResponse.FromString
        )
        self._named: dict[str, Any] = {"metadata": metadata, "timeout": timeout}
        self._call: Any = None
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        return f"<AsyncSender {self._book!r}>"

    async def __aenter__(self) -> Self:
        with translated():
            self._call = self._begin(**self._named)
        self._tasks = [asyncio.create_task(self._write()), asyncio.create_task(self._read())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            await self.cancel()
        else:
            await self.close()

    async def send(self, payload: bytes, *, headers: Mapping[str, str] | None = None, message_id: str = "") -> int:
        """Takes a message of any size; gives its number, from 1 on. Raises what ended the call, once it has ended."""
        if self._call is None:
            raise RuntimeError("open the sender first: async with sidecar.sender(...) as out")
        sizes = await self._sizes() if len(payload) > SMALL_BYTES else None
        while self._book.full() and self._book.ended is None:
            await self._changed()
        number = self._book.add(payload, headers, message_id, sizes)
        self._more.set()
        return number

    async def result(self, number: int, timeout: float | None = None) -> None:
        """Returns once message `number` has reached its level; raises why it did not, or DeadlinePassed."""
        await self._through(number, timeout)
        error = self._book.error_of(number)
        if error is not None:
            raise error

    async def flush(self, timeout: float | None = None) -> None:
        """Returns once every message so far has reached its level. SendFailed names those that did not and were not
        named before; DeadlinePassed when `timeout` seconds were not enough."""
        await self._through(self._book.count, timeout)
        self._book.raise_new_failures()

    async def close(self) -> None:
        """Sends no more, waits for what was sent, and ends the call. SendFailed as in `flush`."""
        self._closing = True
        self._more.set()
        try:
            await asyncio.gather(*self._tasks)
        except asyncio.CancelledError:
            await self.cancel()
            raise
        self._book.raise_new_failures()

    async def cancel(self) -> None:
        """Ends the call at once; what has no outcome fails."""
        self._call.cancel()
        await asyncio.gather(*self._tasks)

    async def _through(self, number: int, timeout: float | None) -> None:
        try:
            async with asyncio.timeout(timeout):
                while self._book.through < number:
                    await self._changed()
        except TimeoutError:
            left = number - self._book.through
            raise DeadlinePassed(f"{left} messages have no outcome after {timeout:g} s") from None

    async def _changed(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._progress.append(waiter)
        await waiter

    def _notify(self) -> None:
        waiters, self._progress = self._progress, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _write(self) -> None:
        try:
            await self._call.write(self._book.opening)
            while self._book.ended is None:
                frame = self._book.next_frame()
                if frame is not None:
                    await self._call.write(frame)
                elif self._closing:
                    await self._call.done_writing()
                    return
                else:
                    self._more.clear()
                    await self._more.wait()
        except (grpc.RpcError, asyncio.InvalidStateError, asyncio.CancelledError):
            # The call is over: `_read` learns why.
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise

    async def _read(self) -> None:
        error: SidecarError | None = None
        try:
            async for response in self._call:
                self._book.receipts(response)
                self._notify()
        except grpc.RpcError as failed:
            error = error_from_rpc(failed)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                self._call.cancel()
                raise
            error = SidecarUnavailable("the call was cancelled")
        finally:
            self._book.end(error)
            self._more.set()
            self._notify()


class AsyncSubscription(ABC):
    """What AsyncReceiver and AsyncConsumer have in common: messages from calls that follow each other.

    The first call is open when `async with` has been entered: what is sent from then on is not missed.
    """

    def __init__(self, stubs: AsyncStubs, timeout: float | None) -> None:
        self._stubs = stubs
        self._end = None if timeout is None else time.monotonic() + timeout
        self._incoming = Incoming()
        self._ready: deque[Received | Gap] = deque()
        self._closed = asyncio.Event()
        self._instance = 0
        self._call: Any = None

    async def __aenter__(self) -> Self:
        if self._call is None:
            await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Received | Gap:
        if self._call is None:
            await self._open()
        while not self._ready:
            if self._closed.is_set():
                raise StopAsyncIteration
            try:
                response = await self._call.read()
            except grpc.RpcError as error:
                await self._resume(error_from_rpc(error), error)
            except asyncio.CancelledError:
                # Either this task is cancelled or `close` has cancelled the call.
                if not self._closed.is_set():
                    raise
            else:
                if response is grpc.aio.EOF:
                    await self._resume(SidecarUnavailable("the sidecar ended the subscription"))
                else:
                    self._take(response)
        return self._ready.popleft()

    async def close(self) -> None:
        """Ends the subscription; an iteration that waits in another task ends too."""
        self._closed.set()
        if self._call is not None:
            self._call.cancel()

    @abstractmethod
    async def _begin(self) -> Any:
        """Starts the call."""

    def _take(self, response: Any) -> None:
        self._ready.extend(self._incoming.messages(response.deliveries))

    def _timeout(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    async def _open(self) -> None:
        """Opens a call and waits until the sidecar has taken it. Raises as it fails."""
        with translated():
            self._call = await self._begin()
            # The sidecar answers a call it has taken with headers at once.
            await self._call.initial_metadata()
            if self._call.done():
                await self._call.read()
            node = await self._stubs.node.GetNode(node_pb2.GetNodeRequest(), timeout=5.0)
            self._instance = node.instance

    async def _resume(self, broken: SidecarError, cause: Exception | None = None) -> None:
        """Opens the next call where the last one ended for a reason that may pass."""
        if self._closed.is_set():
            return
        if not isinstance(broken, SidecarUnavailable):
            raise broken from cause
        former, attempt = self._instance, 0
        while True:
            try:
                async with asyncio.timeout(requests.retry_wait(attempt)):
                    await self._closed.wait()
                return
            except TimeoutError:
                attempt += 1
            self._call.cancel()
            self._incoming.restart()
            try:
                await self._open()
            except (SidecarUnavailable, DeadlinePassed) as error:
                if self._end is not None and time.monotonic() >= self._end:
                    raise DeadlinePassed(f"the sidecar did not come back: {error.detail}") from error
                continue
            self._ready.append(Gap(broken.detail, restarted=self._instance != former))
            return


class AsyncReceiver(AsyncSubscription):
    """Iterates over what comes to a channel; a message counts as taken once it is written to this app."""

    def __init__(self, stubs: AsyncStubs, channel: str, timeout: float | None) -> None:
        super().__init__(stubs, timeout)
        self._request = pb.ReceiveRequest(channel=channel)

    async def _begin(self) -> Any:
        return self._stubs.messages.Receive(self._request, timeout=self._timeout())


class AsyncConsumer(AsyncSubscription):
    """The same with acknowledgements. What is not acked when the consumer closes goes to another subscriber.

    `unknown` counts acknowledgements that came for messages the sidecar no longer held for this consumer.
    """

    def __init__(
        self, stubs: AsyncStubs, channel: str, credits: int, timeout: float | None,  # noqa: A002
        ack_deadline: float | None = None, max_deliveries: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(stubs, timeout)
        self._acks = Acks(channel, credits, ack_deadline, max_deliveries)
        self.unknown = 0

    async def ack(self, *messages: Received) -> None:
        """These are done. Those of a call before the last Gap are passed over: the sidecar no longer waits for them."""
        self._acks.ack(message.delivery_id for message in messages if message.opening == self._incoming.opening)
        await self._tell()

    async def nack(self, *messages: Received, delay: float = 0.0) -> None:
        """Hand these out again, to any subscriber, after `delay` seconds."""
        self._acks.nack(
            (message.delivery_id for message in messages if message.opening == self._incoming.opening), delay
        )
        await self._tell()

    async def extend(self, *messages: Received, seconds: float) -> None:
        """These take longer: they come back `seconds` from now if they are not acked."""
        self._acks.extend(
            (message.delivery_id for message in messages if message.opening == self._incoming.opening), seconds
        )
        await self._tell()

    async def close(self) -> None:
        """Hands over the last acknowledgements and ends the subscription."""
        if self._call is not None and not self._closed.is_set() and not self._call.done():
            self._closed.set()
            try:
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._call.done_writing()
                    # The status comes behind what was not read.
                    while await self._call.read() is not grpc.aio.EOF:
                        pass
            except (grpc.RpcError, asyncio.InvalidStateError, TimeoutError):
                # It is over already, or the sidecar does not answer: what was not taken is handed out again.
                pass
        await super().close()

    async def _begin(self) -> Any:
        self._acks.clear()
        call = self._stubs.messages.Consume(timeout=self._timeout())
        # A call that failed at once takes nothing; its status says why.
        with contextlib.suppress(asyncio.InvalidStateError):
            await call.write(self._acks.opening)
        return call

    async def _tell(self) -> None:
        """Writes what was gathered; acknowledgements for a call that has ended meanwhile are void."""
        while (request := self._acks.next_request()) is not None:
            try:
                await self._call.write(request)
            except (grpc.RpcError, asyncio.InvalidStateError):
                self._acks.clear()

    def _take(self, response: pb.ConsumeResponse) -> None:
        self.unknown += sum(held.last - held.first + 1 for held in response.unknown)
        super()._take(response)
