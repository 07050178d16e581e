"""The streams of the client for threads: one sender and two kinds of subscription."""

from __future__ import annotations

import contextlib
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import grpc

from sidecar_client import requests
from sidecar_client.acks import Acks
from sidecar_client.errors import DeadlinePassed, SidecarError, SidecarUnavailable, error_from_rpc, translated
from sidecar_client.foreign import HealthCheckRequest
from sidecar_client.gen.overlay.v1 import message_pb2 as pb
from sidecar_client.gen.overlay.v1 import node_pb2
from sidecar_client.incoming import Incoming
from sidecar_client.messages import Gap, Priority, Received, Wait
from sidecar_client.outgoing import SMALL_BYTES, Outgoing, Sizes
from sidecar_client.stubs import Metadata, Stubs

SEND_STREAM = "/overlay.v1.MessageService/SendStream"

CLOSE_SECONDS = 5.0
"""How long a closing subscription waits for the sidecar to take its last acknowledgements."""

RECONNECT_SECONDS = 1.0
"""How long each attempt to take up a broken call waits for the sidecar to be back."""


def look(stubs: Stubs, seconds: float) -> None:
    """Waits so long for the channel to be connected. Without a thread in it, grpc's sync channel goes no further with a
    reconnection than to begin it: somebody who only tries again after pauses would find it broken for ever."""
    # What the matter is, the next call says better; ValueError is gRPC's word for a closed channel.
    with contextlib.suppress(grpc.RpcError, ValueError):
        stubs.health.Check(HealthCheckRequest(service="live"), timeout=seconds, wait_for_ready=True)


class Sender:
    """Many messages to one peer and channel over one call, pipelined.

    `send` returns as soon as there is room (16 MiB may be without an outcome) and gives the message's number; `result`
    waits for one message, `flush` for all so far. Leaving the `with` block waits for all of them; leaving it by an
    exception cancels what has no outcome. When the sidecar goes away, what was handed over fails as OutcomeUnknown and
    the sender is of no more use: open a new one. May be used from several threads.
    """

    def __init__(
        self,
        channel: grpc.Channel,
        metadata: Metadata,
        *,
        peer_id: str,
        to_channel: str,
        priority: Priority,
        wait: Wait,
        durable: bool,
        ttl: float | None,
        timeout: float | None,
        sizes: Callable[[], Sizes],
    ) -> None:
        self._book = Outgoing(peer_id, to_channel, priority, wait, durable=durable, ttl=ttl)
        self._sizes = sizes
        self._changed = threading.Condition()
        self._closing = False
        with translated():
            begin: Any = channel.stream_stream(
                SEND_STREAM, request_serializer=None, response_deserializer=pb.SendStreamResponse.FromString
            )
            self._call: Any = begin(self._frames(), metadata=metadata, timeout=timeout)
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
        with self._changed:
            self._changed.wait_for(lambda: not self._book.full() or self._book.ended)
            number = self._book.add(payload, headers, message_id, sizes)
            self._changed.notify_all()
        return number

    def result(self, number: int, timeout: float | None = None) -> None:
        """Returns once message `number` has reached its level; raises why it did not, or DeadlinePassed."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._book.through >= number, timeout):
                raise DeadlinePassed(f"message {number} has no outcome after {timeout:g} s")
            error = self._book.error_of(number)
        if error is not None:
            raise error

    def flush(self, timeout: float | None = None) -> None:
        """Returns once every message so far has reached its level. SendFailed names those that did not and were not
        named before; DeadlinePassed when `timeout` seconds were not enough."""
        with self._changed:
            number = self._book.count
            if not self._changed.wait_for(lambda: self._book.through >= number, timeout):
                raise DeadlinePassed(f"{number - self._book.through} messages have no outcome after {timeout:g} s")
            self._book.raise_new_failures()

    def close(self) -> None:
        """Sends no more, waits for what was sent, and ends the call. SendFailed as in `flush`."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._reader.join()
        with self._changed:
            self._book.raise_new_failures()

    def cancel(self) -> None:
        """Ends the call at once; what has no outcome fails."""
        self._call.cancel()
        self._reader.join()

    def _frames(self) -> Iterator[bytes]:
        """Run by gRPC's own thread, which asks for the next frame when the last one is on its way."""
        yield self._book.opening
        while True:
            with self._changed:
                frame = self._book.next_frame()
                while frame is None and not self._closing and self._book.ended is None:
                    self._changed.wait()
                    frame = self._book.next_frame()
            if frame is None:
                return
            yield frame

    def _read(self) -> None:
        error: SidecarError | None = None
        try:
            for response in self._call:
                with self._changed:
                    self._book.receipts(response)
                    self._changed.notify_all()
        except grpc.RpcError as failed:
            error = error_from_rpc(failed)
        with self._changed:
            self._book.end(error)
            self._changed.notify_all()


class Subscription(ABC):
    """What Receiver and Consumer have in common: messages from calls that follow each other.

    The first call is open when the constructor returns: what is sent from then on is not missed.
    """

    def __init__(self, stubs: Stubs, timeout: float | None) -> None:
        self._stubs = stubs
        self._end = None if timeout is None else time.monotonic() + timeout
        self._incoming = Incoming()
        self._ready: deque[Received | Gap] = deque()
        self._closed = threading.Event()
        self._reading = threading.Lock()
        self._instance = 0
        self._call: Any = None
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Received | Gap]:
        return self

    def __next__(self) -> Received | Gap:
        while not self._ready:
            if self._closed.is_set():
                raise StopIteration
            try:
                with self._reading:
                    response = next(self._call)
            except StopIteration:
                self._resume(SidecarUnavailable("the sidecar ended the subscription"))
            except grpc.RpcError as error:
                self._resume(error_from_rpc(error), error)
            else:
                self._take(response)
        return self._ready.popleft()

    def close(self) -> None:
        """Ends the subscription; an iteration that waits in another thread ends too."""
        self._closed.set()
        self._call.cancel()

    @abstractmethod
    def _begin(self) -> Any:
        """Starts the call."""

    def _take(self, response: Any) -> None:
        self._ready.extend(self._incoming.messages(response.deliveries))

    def _timeout(self) -> float | None:
        return None if self._end is None else max(0.0, self._end - time.monotonic())

    def _open(self) -> None:
        """Opens a call and waits until the sidecar has taken it. Raises as it fails."""
        with translated():
            self._call = self._begin()
            # The sidecar answers a call it has taken with headers at once.
            self._call.initial_metadata()
            if not self._call.is_active():
                next(self._call, None)
            self._instance = self._stubs.node.GetNode(node_pb2.GetNodeRequest(), timeout=5.0).instance

    def _resume(self, broken: SidecarError, cause: Exception | None = None) -> None:
        """Opens the next call where the last one ended for a reason that may pass."""
        if self._closed.is_set():
            return
        if not isinstance(broken, SidecarUnavailable):
            raise broken from cause
        former, attempt = self._instance, 0
        while not self._closed.wait(requests.retry_wait(attempt)):
            self._call.cancel()
            self._incoming.restart()
            look(self._stubs, RECONNECT_SECONDS)
            try:
                self._open()
            except (SidecarUnavailable, DeadlinePassed) as error:
                if self._end is not None and time.monotonic() >= self._end:
                    raise DeadlinePassed(f"the sidecar did not come back: {error.detail}") from error
                attempt += 1
                continue
            self._ready.append(Gap(broken.detail, restarted=self._instance != former))
            return


class Receiver(Subscription):
    """Iterates over what comes to a channel; a message counts as taken once it is written to this app."""

    def __init__(self, stubs: Stubs, channel: str, timeout: float | None) -> None:
        self._request = pb.ReceiveRequest(channel=channel)
        super().__init__(stubs, timeout)

    def _begin(self) -> Any:
        return self._stubs.messages.Receive(self._request, timeout=self._timeout())


class Consumer(Subscription):
    """The same with acknowledgements. What is not acked when the consumer closes goes to another subscriber.

    `unknown` counts acknowledgements that came for messages the sidecar no longer held for this consumer.
    """

    def __init__(
        self, stubs: Stubs, channel: str, credits: int, timeout: float | None,  # noqa: A002
        ack_deadline: float | None = None, max_deliveries: int = 0,
    ) -> None:  # fmt: skip
        self._acks = Acks(channel, credits, ack_deadline, max_deliveries)
        self._changed = threading.Condition()
        self._half_closed = False
        self.unknown = 0
        super().__init__(stubs, timeout)

    def ack(self, *messages: Received) -> None:
        """These are done. Those of a call before the last Gap are passed over: the sidecar no longer waits for them."""
        with self._changed:
            self._acks.ack(message.delivery_id for message in messages if message.opening == self._incoming.opening)
            self._changed.notify_all()

    def nack(self, *messages: Received, delay: float = 0.0) -> None:
        """Hand these out again, to any subscriber, after `delay` seconds."""
        with self._changed:
            self._acks.nack(
                (message.delivery_id for message in messages if message.opening == self._incoming.opening), delay
            )
            self._changed.notify_all()

    def extend(self, *messages: Received, seconds: float) -> None:
        """These take longer: they come back `seconds` from now if they are not acked."""
        with self._changed:
            self._acks.extend(
                (message.delivery_id for message in messages if message.opening == self._incoming.opening), seconds
            )
            self._changed.notify_all()

    def close(self) -> None:
        """Hands over the last acknowledgements and ends the subscription."""
        self._closed.set()
        with self._changed:
            self._half_closed = True
            self._changed.notify_all()
        # The status comes behind what was not read; whoever iterates in another thread reads that as well.
        giving_up = threading.Timer(CLOSE_SECONDS, self._call.cancel)
        giving_up.start()
        try:
            with self._reading:
                for _ in self._call:
                    pass
        except grpc.RpcError:
            # It is over already: what was not taken is handed out again.
            pass
        finally:
            giving_up.cancel()

    def _begin(self) -> Any:
        with self._changed:
            self._acks.clear()
        return self._stubs.messages.Consume(self._frames(self._incoming.opening), timeout=self._timeout())

    def _frames(self, opening: int) -> Iterator[pb.ConsumeRequest]:
        yield self._acks.opening
        while True:
            with self._changed:
                request = None
                while opening == self._incoming.opening:
                    request = self._acks.next_request()
                    if request is not None or self._half_closed:
                        break
                    self._changed.wait()
            if request is None:
                return
            yield request

    def _take(self, response: pb.ConsumeResponse) -> None:
        self.unknown += sum(held.last - held.first + 1 for held in response.unknown)
        super()._take(response)

    def _resume(self, broken: SidecarError, cause: Exception | None = None) -> None:
        try:
            super()._resume(broken, cause)
        except SidecarError:
            self._half_closed = True
            raise
        finally:
            # Lets the former call's frames end.
            with self._changed:
                self._changed.notify_all()
