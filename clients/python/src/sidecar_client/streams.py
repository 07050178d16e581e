"""The subscriptions of the client for threads."""

from __future__ import annotations

import contextlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
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
from sidecar_client.messages import Gap
from sidecar_client.received import Received
from sidecar_client.stubs import Stubs
from sidecar_client.times import limit

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


class Subscription(ABC):
    """What Receiver and Consumer have in common: messages from calls that follow each other.

    The first call is open when the constructor returns: what is sent from then on is not missed. Several threads may
    iterate: each message goes to one of them.
    """

    def __init__(self, stubs: Stubs, timeout: float | None) -> None:
        self._stubs = stubs
        timeout = limit(timeout)
        self._end = None if timeout is None else time.monotonic() + timeout
        self._incoming = Incoming()
        self._pop = self._incoming.ready.popleft
        self._closed = threading.Event()
        self._reading = threading.Lock()
        """Held by the thread that reads the call, or opens the next one."""
        self._reader = 0
        """That thread's identifier."""
        self._broken: SidecarError | None = None
        """Why the last call has ended, until the next one is open."""
        self._instance = 0
        self._call: Any = None
        with translated():
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
        while True:
            try:
                return self._pop()
            except IndexError:
                self._read()

    def abandon(self) -> None:
        """Its client closes: iterations end."""
        self._closed.set()

    def close(self) -> None:
        """Ends the subscription; an iteration that waits in another thread ends too."""
        self._closed.set()
        self._call.cancel()

    @abstractmethod
    def _begin(self) -> Any:
        """Starts the call."""

    def _read(self) -> None:
        """Takes what the call brings next, unless another thread has just done so. StopIteration once it is closed."""
        with self._reading:
            self._reader = threading.get_ident()
            try:
                if self._incoming.ready:
                    return
                if self._closed.is_set():
                    raise StopIteration
                if self._broken is None:
                    self._broken = self._next()
                if self._broken is not None:
                    self._resume(self._broken)
            finally:
                self._reader = 0

    def _next(self) -> SidecarError | None:
        """Takes the next response; why there is none, where that may pass. Everything else is raised."""
        try:
            response = next(self._call)
        except StopIteration:
            if self._closed.is_set():
                raise
            return SidecarUnavailable("the sidecar ended the subscription")
        except grpc.RpcError as error:
            if self._closed.is_set():
                raise StopIteration from None
            broken = error_from_rpc(error)
            if not isinstance(broken, SidecarUnavailable):
                raise broken from error
            return broken
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

    def _open(self) -> None:
        """Opens a call and waits until the sidecar has taken it. Raises what gRPC raises when it fails; then no call is
        left open."""
        self._call = self._begin()
        if self._closed.is_set():  # meanwhile, and the former call was cancelled in place of this one
            self._call.cancel()
        try:
            # The sidecar answers a call it has taken with headers at once.
            self._call.initial_metadata()
            if not self._call.is_active():
                next(self._call, None)
            self._instance = self._stubs.node.GetNode(node_pb2.GetNodeRequest(), timeout=5.0).instance
        except BaseException:
            self._call.cancel()
            raise

    def _resume(self, broken: SidecarError) -> None:
        """Opens the next call where the last one ended for a reason that may pass."""
        former, attempt = self._instance, 0
        while not self._closed.wait(requests.retry_wait(attempt)):
            self._incoming.restart()
            look(self._stubs, RECONNECT_SECONDS)
            try:
                with translated():
                    self._open()
            except SidecarError as error:
                if self._closed.is_set():
                    return
                if not isinstance(error, SidecarUnavailable | DeadlinePassed):
                    raise
                if self._end is not None and time.monotonic() >= self._end:
                    raise DeadlinePassed(f"the sidecar did not come back: {error.detail}") from error
                attempt += 1
                continue
            self._broken = None
            self._incoming.ready.append(Gap(broken.detail, restarted=self._instance != former))
            return


class Receiver(Subscription):
    """Iterates over what comes to a channel; a message counts as taken once it is written to this app."""

    def __init__(self, stubs: Stubs, channel: str, timeout: float | None) -> None:
        self._request = pb.ReceiveRequest(channel=channel)
        super().__init__(stubs, timeout)

    def _begin(self) -> Any:
        return self._stubs.encoded.Receive(self._request, timeout=self._timeout())


class Consumer(Subscription):
    """The same with acknowledgements. What is not acked when the consumer closes goes to another subscriber.

    `unknown` counts acknowledgements that came for messages the sidecar no longer held for this consumer.
    """

    def __init__(
        self, stubs: Stubs, channel: str, credits: int, timeout: float | None,  # noqa: A002
        ack_deadline: float | None = None, max_deliveries: int = 0,
    ) -> None:  # fmt: skip
        self._acks = Acks(channel, credits, ack_deadline, max_deliveries)
        self._lock = threading.RLock()
        """Held for the acks and what follows."""
        self._more = threading.Condition(self._lock)
        """For acks, or the end of a call."""
        self._writer_waits = False
        self._half_closed = False
        self.unknown = 0
        try:
            super().__init__(stubs, timeout)
        except BaseException:
            self._end_frames()
            raise

    def ack(self, *messages: Received) -> None:
        """These are done. Those of a call before the last Gap are passed over: the sidecar no longer waits for them."""
        with self._lock:
            self._acks.ack(Received.ids_of(messages, self._incoming.opening))
            self._tell()

    def nack(self, *messages: Received, delay: float = 0.0) -> None:
        """Hand these out again, to any subscriber, after `delay` seconds."""
        with self._lock:
            self._acks.nack(Received.ids_of(messages, self._incoming.opening), delay)
            self._tell()

    def extend(self, *messages: Received, seconds: float) -> None:
        """These take longer: they come back `seconds` from now if they are not acked."""
        with self._lock:
            self._acks.extend(Received.ids_of(messages, self._incoming.opening), seconds)
            self._tell()

    def abandon(self) -> None:
        super().abandon()
        self._end_frames()

    def close(self) -> None:
        """Hands over the last acknowledgements and ends the subscription."""
        self._closed.set()
        self._end_frames()
        # The status comes behind what was not read; whoever iterates in another thread reads that as well.
        giving_up = threading.Timer(CLOSE_SECONDS, self._call.cancel)
        giving_up.daemon = True
        giving_up.start()
        if self._reader == threading.get_ident():
            return  # a signal's handler: the iteration that it interrupts goes on to the end
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
        with self._lock:
            self._acks.clear()
            self._more.notify_all()  # the former call's frames end
        return self._stubs.encoded.Consume(self._frames(self._incoming.opening), timeout=self._timeout())

    def _frames(self, opening: int) -> Iterator[pb.ConsumeRequest]:
        """Run by gRPC's own thread, which asks for the next frame when the last one is on its way."""
        yield self._acks.opening
        while True:
            with self._lock:
                request = None
                while opening == self._incoming.opening:
                    request = self._acks.next_request()
                    if request is not None or self._half_closed:
                        break
                    self._writer_waits = True
                    self._more.wait()
            if request is None:
                return
            yield request

    def _tell(self) -> None:
        """Wakes the thread that writes, with the lock held."""
        if self._writer_waits:
            self._writer_waits = False
            self._more.notify_all()

    def _end_frames(self) -> None:
        with self._lock:
            self._half_closed = True
            self._more.notify_all()

    def _take(self, response: Any) -> None:
        self.unknown += sum(held.last - held.first + 1 for held in response.unknown)
        super()._take(response)

    def _read(self) -> None:
        try:
            super()._read()
        except SidecarError:
            self._end_frames()
            raise
