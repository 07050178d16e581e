"""The subscriptions of the client for asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, Self

import grpc
import grpc.aio

from sidecar_client import requests
from sidecar_client.acks import Acks
from sidecar_client.errors import (
    DeadlinePassed,
    SidecarError,
    SidecarUnavailable,
    error_from_rpc,
    is_cancelled,
    translated,
)
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1 import node_pb2
from sidecar_client.incoming import Incoming
from sidecar_client.messages import Gap
from sidecar_client.received import Received
from sidecar_client.streams import CLOSE_SECONDS
from sidecar_client.stubs import AsyncStubs
from sidecar_client.times import limit


class AsyncSubscription(ABC):
    """What AsyncReceiver and AsyncConsumer have in common: messages from calls that follow each other.

    The first call is open when `async with` has been entered: what is sent from then on is not missed. Several tasks
    may iterate: each message goes to one of them. One that is cancelled while it waits takes nothing with it: what
    comes is the next one's.
    """

    def __init__(self, stubs: AsyncStubs, timeout: float | None) -> None:
        self._stubs = stubs
        timeout = limit(timeout)
        self._end = None if timeout is None else time.monotonic() + timeout
        self._incoming = Incoming()
        self._pop = self._incoming.ready.popleft
        self._closed = asyncio.Event()
        self._reading = asyncio.Lock()
        """Held by the task that reads the call, or opens the next one."""
        self._asked: asyncio.Task[Any] | None = None
        """What reads the call. It outlives the cancellation of who waits for it, which would cancel the call."""
        self._broken: SidecarError | None = None
        """Why the last call has ended, until the next one is open."""
        self._instance = 0
        self._call: Any = None

    async def __aenter__(self) -> Self:
        async with self._reading:
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
        while True:
            try:
                return self._pop()
            except IndexError:
                await self._read()

    def abandon(self) -> None:
        """Its client closes: iterations end."""
        self._closed.set()

    async def close(self) -> None:
        """Ends the subscription; an iteration that waits in another task ends too."""
        self._closed.set()
        if self._call is not None:
            self._call.cancel()
        if (asked := self._asked) is not None:
            # Nobody else may be there to look at what became of it.
            await asyncio.gather(asked, return_exceptions=True)

    @abstractmethod
    async def _begin(self) -> Any:
        """Starts the call."""

    async def _read(self) -> None:
        """Takes what the call brings next, unless another task has just done so. StopAsyncIteration once it is
        closed."""
        async with self._reading:
            if self._incoming.ready:
                return
            if self._closed.is_set():
                raise StopAsyncIteration
            if self._call is None:
                await self._open()
            if self._broken is None:
                self._broken = await self._next()
            if self._broken is not None:
                await self._resume(self._broken)

    async def _next(self) -> SidecarError | None:
        """Takes the next response; why there is none, where that may pass. Everything else is raised."""
        if self._asked is None:
            self._asked = asyncio.create_task(self._call.read())
        await asyncio.wait({self._asked})
        asked, self._asked = self._asked, None
        if asked.cancelled():  # `close` has cancelled the call
            raise StopAsyncIteration
        try:
            response = asked.result()
        except grpc.RpcError as error:
            if self._closed.is_set():
                raise StopAsyncIteration from None
            broken = error_from_rpc(error)
            if not isinstance(broken, SidecarUnavailable):
                raise broken from error
            return broken
        if response is grpc.aio.EOF:
            if self._closed.is_set():
                raise StopAsyncIteration
            return SidecarUnavailable("the sidecar ended the subscription")
        try:
            self._take(response)
        except SidecarError:
            self._call.cancel()
            raise
        return None

    def _take(self, response: Any) -> None:
        self._incoming.take(response.deliveries)

    def _timeout(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    async def _open(self) -> None:
        """Opens a call and waits until the sidecar has taken it. Raises as it fails; then no call is left open."""
        with translated():
            self._call = call = await self._begin()
            try:
                # The sidecar answers a call it has taken with headers at once.
                await call.initial_metadata()
                if call.done():
                    await call.read()
                node = await self._stubs.node.GetNode(node_pb2.GetNodeRequest(), timeout=5.0)
            except BaseException as error:
                call.cancel()
                if self._broken is None:
                    self._call = None
                if isinstance(error, asyncio.CancelledError) and self._closed.is_set() and not is_cancelled():
                    raise StopAsyncIteration from None  # by `close`, which has cancelled the call
                raise
        self._instance = node.instance
        if self._closed.is_set():
            call.cancel()

    async def _resume(self, broken: SidecarError) -> None:
        """Opens the next call where the last one ended for a reason that may pass."""
        former, attempt = self._instance, 0
        while True:
            try:
                async with asyncio.timeout(requests.retry_wait(attempt)):
                    await self._closed.wait()
                return
            except TimeoutError:
                attempt += 1
            self._incoming.restart()
            try:
                await self._open()
            except (SidecarUnavailable, DeadlinePassed) as error:
                if self._end is not None and time.monotonic() >= self._end:
                    raise DeadlinePassed(f"the sidecar did not come back: {error.detail}") from error
                continue
            self._broken = None
            self._incoming.ready.append(Gap(broken.detail, restarted=self._instance != former))
            return


class AsyncReceiver(AsyncSubscription):
    """Iterates over what comes to a channel; a message counts as taken once it is written to this app."""

    def __init__(self, stubs: AsyncStubs, channel: str, timeout: float | None) -> None:
        super().__init__(stubs, timeout)
        self._request = pb.ReceiveRequest(channel=channel)

    async def _begin(self) -> Any:
        return self._stubs.encoded.Receive(self._request, timeout=self._timeout())


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
        self._more = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self.unknown = 0

    async def ack(self, *messages: Received) -> None:
        """These are done. Those of a call before the last Gap are passed over: the sidecar no longer waits for them."""
        self._acks.ack(Received.ids_of(messages, self._incoming.opening))
        self._more.set()

    async def nack(self, *messages: Received, delay: float = 0.0) -> None:
        """Hand these out again, to any subscriber, after `delay` seconds."""
        self._acks.nack(Received.ids_of(messages, self._incoming.opening), delay)
        self._more.set()

    async def extend(self, *messages: Received, seconds: float) -> None:
        """These take longer: they come back `seconds` from now if they are not acked."""
        self._acks.extend(Received.ids_of(messages, self._incoming.opening), seconds)
        self._more.set()

    async def close(self) -> None:
        """Hands over the last acknowledgements and ends the subscription."""
        first = not self._closed.is_set()
        self._closed.set()
        self._more.set()
        try:
            if first and self._call is not None and not self._call.done():
                # The status comes behind what was not read; whoever iterates in another task reads that as well.
                with contextlib.suppress(TimeoutError, StopAsyncIteration, SidecarError):
                    async with asyncio.timeout(CLOSE_SECONDS), self._reading:
                        while self._broken is None:
                            self._broken = await self._next()
        finally:
            await self._end_writer()
            await super().close()

    async def _begin(self) -> Any:
        await self._end_writer()
        self._acks.clear()
        with translated():
            call = self._stubs.encoded.Consume(timeout=self._timeout())
        self._writer = asyncio.create_task(self._write(call))
        return call

    async def _write(self, call: Any) -> None:
        """Writes what is gathered, as long as the call lasts; acknowledgements for one that has ended are void."""
        call.add_done_callback(lambda _: self._more.set())
        with contextlib.suppress(grpc.RpcError, asyncio.InvalidStateError):
            await call.write(self._acks.opening)
            while not call.done():
                if (request := self._acks.next_request()) is not None:
                    await call.write(request)
                elif self._closed.is_set():
                    await call.done_writing()
                    return
                else:
                    self._more.clear()
                    await self._more.wait()

    async def _end_writer(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})

    def _take(self, response: pb.ConsumeResponse) -> None:
        self.unknown += sum(held.last - held.first + 1 for held in response.unknown)
        super()._take(response)
