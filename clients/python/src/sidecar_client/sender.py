"""The sender of the client for threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import grpc

from sidecar_client.errors import DeadlinePassed, SidecarError, error_from_rpc, translated
from sidecar_client.messages import Priority, Wait
from sidecar_client.outgoing import SMALL_BYTES, Outgoing, Sizes
from sidecar_client.stubs import Stubs
from sidecar_client.times import limit


class Sender:
    """Many messages to one peer and channel over one call, pipelined.

    `send` returns as soon as there is room (16 MiB may be without an outcome) and gives the message's number; `result`
    waits for one message, `flush` for all so far. Leaving the `with` block waits for all of them; leaving it by an
    exception cancels what has no outcome. When the sidecar goes away, what was handed over fails as OutcomeUnknown and
    the sender is of no more use: open a new one. May be used from several threads.
    """

    def __init__(
        self,
        stubs: Stubs,
        *,
        peer_id: str,
        channel: str,
        priority: Priority,
        wait: Wait,
        durable: bool,
        ttl: float | None,
        timeout: float | None,
        sizes: Callable[[], Sizes],
    ) -> None:
        self._book = Outgoing(peer_id, channel, priority, wait, durable=durable, ttl=ttl)
        self._sizes = sizes
        self._lock = threading.RLock()
        """Held for the book and what follows; each condition is told only of what somebody waits for, since a thread
        that wakes takes its time from the one that sends."""
        self._more = threading.Condition(self._lock)
        """For frames, or the end."""
        self._writer_waits = False
        self._room = threading.Condition(self._lock)
        self._outcome = threading.Condition(self._lock)
        self._awaited: list[int] = []
        """The messages whose outcomes are waited for."""
        with translated():
            self._call: Any = stubs.encoded.SendStream(self._frames(), timeout=limit(timeout))
        self._reader = threading.Thread(target=self._read, name="sidecar-receipts", daemon=True)
        self._reader.start()

    def __repr__(self) -> str:
        return f"<Sender {self._book!r}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.cancel()
        else:
            self.close()

    def send(self, payload: bytes, *, headers: Mapping[str, str] | None = None, message_id: str = "") -> int:
        """Takes a message of any size; gives its number, from 1 on. Raises what ended the call, once it has ended."""
        sizes = self._sizes() if len(payload) > SMALL_BYTES else None
        book = self._book
        with self._lock:
            while book.full() and book.refusal is None:
                self._room.wait()
            number = book.add(payload, headers, message_id, sizes)
            if self._writer_waits:
                self._writer_waits = False
                self._more.notify()
        return number

    def result(self, number: int, timeout: float | None = None) -> None:
        """Returns once message `number` has reached its level; raises why it did not, DeadlinePassed, or
        InvalidField where there is no such message."""
        with self._lock:
            self._book.check(number)
            if not self._await(number, timeout):
                raise DeadlinePassed(f"message {number} has no outcome after {timeout:g} s")
            error = self._book.failures.of(number)
        if error is not None:
            raise error.with_traceback(None)

    def flush(self, timeout: float | None = None) -> None:
        """Returns once every message so far has reached its level. SendFailed names those that did not and were not
        named before; DeadlinePassed when `timeout` seconds were not enough."""
        with self._lock:
            number = self._book.count
            if not self._await(number, timeout):
                raise DeadlinePassed(f"{number - self._book.through} messages have no outcome after {timeout:g} s")
            self._book.failures.raise_new()

    def close(self) -> None:
        """Sends no more, waits for what was sent, and ends the call. SendFailed as in `flush`."""
        with self._lock:
            self._book.close()
            self._room.notify_all()
            self._more.notify()
        self._reader.join()
        with self._lock:
            self._book.failures.raise_new()

    def cancel(self) -> None:
        """Ends the call at once; what has no outcome fails."""
        self._call.cancel()
        self._reader.join()

    def _await(self, number: int, timeout: float | None) -> bool:
        """Waits, with the lock held, until message `number` has an outcome; whether it has."""
        self._awaited.append(number)
        try:
            return self._outcome.wait_for(lambda: self._book.through >= number, limit(timeout))
        finally:
            self._awaited.remove(number)

    def _frames(self) -> Iterator[bytes]:
        """Run by gRPC's own thread, which asks for the next frame when the last one is on its way."""
        yield self._book.opening
        while True:
            with self._lock:
                parts = self._book.next_frame()
                while parts is None and self._book.refusal is None:
                    self._writer_waits = True
                    self._more.wait()
                    parts = self._book.next_frame()
                self._writer_waits = False
            if parts is None:
                return
            yield b"".join(parts)

    def _read(self) -> None:
        error: SidecarError | None = None
        try:
            for response in self._call:
                with self._lock:
                    self._book.receipts(response)
                    self._tell()
        except grpc.RpcError as failed:
            error = error_from_rpc(failed)
        finally:
            with self._lock:
                self._book.end(error)
                self._more.notify()
                self._tell()

    def _tell(self) -> None:
        """Wakes those whose time has come, with the lock held."""
        if not self._book.full():
            self._room.notify_all()
        if self._awaited and self._book.through >= min(self._awaited):
            self._outcome.notify_all()
