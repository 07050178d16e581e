"""The sender of the client for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self

import grpc

from sidecar_client.errors import Cancelled, DeadlinePassed, SidecarError, error_from_rpc, is_cancelled, translated
from sidecar_client.messages import Priority, Wait
from sidecar_client.outgoing import FRAME_BYTES, SMALL_BYTES, Outgoing, Sizes
from sidecar_client.stubs import AsyncStubs
from sidecar_client.times import limit


class AsyncSender:
    """Many messages to one peer and channel over one call, pipelined.

    `send` returns as soon as there is room (16 MiB may be without an outcome) and gives the message's number; `result`
    waits for one message, `flush` for all so far. Leaving the `async with` block waits for all of them; leaving it by
    an exception cancels what has no outcome. When the sidecar goes away, what was handed over fails as OutcomeUnknown
    and the sender is of no more use: open a new one.
    """

    def __init__(
        self,
        stubs: AsyncStubs,
        *,
        peer_id: str,
        channel: str,
        priority: Priority,
        wait: Wait,
        durable: bool,
        ttl: float | None,
        timeout: float | None,
        sizes: Callable[[], Awaitable[Sizes]],
    ) -> None:
        self._book = Outgoing(peer_id, channel, priority, wait, durable=durable, ttl=ttl)
        self._sizes = sizes
        self._more = asyncio.Event()
        self._progress: list[asyncio.Future[None]] = []
        self._turn = 0
        """What had been added when the other tasks had their turn last."""
        self._stubs = stubs
        self._timeout = limit(timeout)
        self._call: Any = None
        self._tasks: list[asyncio.Task[None]] = []

    def __repr__(self) -> str:
        return f"<AsyncSender {self._book!r}>"

    async def __aenter__(self) -> Self:
        with translated():
            self._call = self._stubs.encoded.SendStream(timeout=self._timeout)
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
        book = self._book
        if book.added - self._turn >= FRAME_BYTES:
            # There is a whole frame: the task that writes it has its turn, and so have all others.
            self._turn = book.added
            await asyncio.sleep(0)
        while book.full() and book.refusal is None:
            await self._changed()
        number = book.add(payload, headers, message_id, sizes)
        self._more.set()
        return number

    async def result(self, number: int, timeout: float | None = None) -> None:
        """Returns once message `number` has reached its level; raises why it did not, DeadlinePassed, or
        InvalidField where there is no such message."""
        self._book.check(number)
        await self._through(number, timeout)
        error = self._book.failures.of(number)
        if error is not None:
            raise error.with_traceback(None)

    async def flush(self, timeout: float | None = None) -> None:
        """Returns once every message so far has reached its level. SendFailed names those that did not and were not
        named before; DeadlinePassed when `timeout` seconds were not enough."""
        await self._through(self._book.count, timeout)
        self._book.failures.raise_new()

    async def close(self) -> None:
        """Sends no more, waits for what was sent, and ends the call. SendFailed as in `flush`."""
        self._book.close()
        self._more.set()
        self._notify()
        try:
            await asyncio.gather(*self._tasks)
        except asyncio.CancelledError:
            await self.cancel()
            raise
        self._book.failures.raise_new()

    async def cancel(self) -> None:
        """Ends the call at once; what has no outcome fails."""
        if self._call is not None:
            self._call.cancel()
        await asyncio.gather(*self._tasks)

    async def _through(self, number: int, timeout: float | None) -> None:
        try:
            async with asyncio.timeout(limit(timeout)):
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
            while not self._book.over:
                parts = self._book.next_frame()
                if parts is not None:
                    await self._call.write(b"".join(parts))
                elif self._book.refusal is not None:
                    await self._call.done_writing()
                    return
                else:
                    self._more.clear()
                    await self._more.wait()
        except (grpc.RpcError, asyncio.InvalidStateError, asyncio.CancelledError):
            # The call is over: `_read` learns why.
            if is_cancelled():
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
            if is_cancelled():
                self._call.cancel()
                raise
            error = Cancelled("the call was cancelled", reason="")
        finally:
            self._book.end(error)
            self._more.set()
            self._notify()
