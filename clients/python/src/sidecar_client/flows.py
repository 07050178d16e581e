"""Byte streams and requests of the client for threads."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Any, Self

import grpc

from sidecar_client.aio_flows import PIECE
from sidecar_client.answers import answered, failed, taken
from sidecar_client.errors import (
    Cancelled,
    FrameUnexpected,
    SidecarError,
    SidecarUnavailable,
    StreamReset,
    error_from_rpc,
    translated,
)
from sidecar_client.gen.overlay.v1 import request_pb2, stream_pb2
from sidecar_client.messages import IncomingRequest, Replied
from sidecar_client.streams import CLOSE_SECONDS
from sidecar_client.stubs import Stubs
from sidecar_client.times import duration

Answerer = Callable[[IncomingRequest], bytes | Replied]

AHEAD = 4
"""Frames that may be written ahead of what gRPC has taken."""


class _Frames:
    """What is to be written: an iterator that gRPC reads from a thread of its own."""

    def __init__(self, first: Any) -> None:
        self._frames: deque[Any] = deque([first])
        self._changed = threading.Condition()
        self._ended = False
        self.over = False
        """Nobody takes frames any longer: the call has ended."""

    def put(self, frame: Any) -> None:
        """Waits for its place; once it is over, frames are dropped."""
        with self._changed:
            self._changed.wait_for(lambda: self.over or len(self._frames) < AHEAD)
            if not self.over:
                self._frames.append(frame)
                self._changed.notify_all()

    def end(self) -> None:
        """No more come than were put."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def stop(self) -> None:
        """It is over."""
        with self._changed:
            self.over = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Any]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self.over or self._ended or self._frames)
                if self.over or not self._frames:
                    return
                frame = self._frames.popleft()
                self._changed.notify_all()
            yield frame


class Stream:
    """A byte stream to an app beside another sidecar. `with` ends it: both ways, and at once after an error. One thread
    may read while another writes."""

    def __init__(self, begin: Any, frame: Any, first: Any) -> None:
        self.peer_id = ""
        self.name = ""
        self.headers: Mapping[str, str] = {}
        self.accepted = False
        """The other app has taken it."""
        self.suspensions = 0
        """How often it lost its connection and went on by another, as far as `read` has come."""
        self.suspended = False
        self._frame = frame
        self._frames = _Frames(first)
        self._finished = False
        self._ended = False
        self._left = b""
        self._at = 0
        """So many bytes of what is left were read."""
        self._reading = threading.Lock()
        with translated():
            self._call: Any = begin(iter(self._frames))
        if not self._call.add_callback(self._frames.stop):
            self._frames.stop()  # it has ended already

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.cancel()
        else:
            self.close()

    def opened(self) -> Self:
        """Returns once the other app has taken it; raises why it was not."""
        while not self.accepted:
            if not self._next():
                raise StreamReset("the stream ended before it was accepted")
        return self

    def write(self, data: bytes) -> None:
        """Takes bytes; waits while the other app does not read. FrameUnexpected after `finish`."""
        if self._finished:
            raise FrameUnexpected("this way of the stream is finished")
        for start in range(0, len(data), PIECE):
            if self._frames.over:
                raise self._why()
            self._frames.put(self._frame(data=data[start : start + PIECE]))

    def finish(self) -> None:
        """Writes no more; reading goes on."""
        if not self._finished:
            self._finished = True
            self._frames.put(self._frame(finish=stream_pb2.StreamFinished()))
            self._frames.end()

    def read(self, most: int = PIECE) -> bytes:
        """The next bytes, at most so many; none at the end. Raises StreamReset, StreamLost and the like; ValueError for
        less than one."""
        if most < 1:
            raise ValueError(f"read at least one byte, not {most}; read_all reads everything")
        while self._at == len(self._left) and not self._ended:
            if not self._next():
                self._ended = True
        data = self._left[self._at : self._at + most]
        self._at += len(data)
        return data

    def read_all(self) -> bytes:
        """Everything to the end."""
        parts = []
        while part := self.read():
            parts.append(part)
        return b"".join(parts)

    def reset(self, code: int = 0, detail: str = "") -> None:
        """Ends it in both directions; the other app gets the code, unless this way is finished: then there is no word
        any more to give it."""
        if self._finished:
            self.cancel()
            return
        self._finished = True
        self._frames.put(self._frame(reset=stream_pb2.StreamReset(code=code, detail=detail)))
        self._frames.end()
        with contextlib.suppress(grpc.RpcError):  # it has ended, one way or another
            while self._response() is not None:
                pass

    def close(self) -> None:
        """Writes no more, passes over what still comes, and returns once all that was written is with the other
        sidecar."""
        self.finish()
        self.await_end()

    def await_end(self) -> None:
        """Passes over what still comes, and returns once both ways have ended, whoever writes."""
        with translated():
            while self._response() is not None:
                pass

    def cancel(self) -> None:
        """Ends it at once, as if the app had gone."""
        self._frames.stop()
        self._call.cancel()

    def _why(self) -> SidecarError:
        """Why the call has ended."""
        if self._call.code() is grpc.StatusCode.OK:
            return StreamReset("the stream is over")
        return error_from_rpc(self._call)

    def _response(self) -> Any:
        """The next one; None behind the last. One thread at a time: gRPC takes no two."""
        with self._reading:
            return next(self._call, None)

    def _next(self) -> bool:
        try:
            response = self._response()
        except grpc.RpcError as error:
            raise error_from_rpc(error) from error
        if response is None:
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


def open_stream(
    stubs: Stubs, peer_id: str, name: str, headers: Mapping[str, str] | None, accept_timeout: float | None
) -> Stream:
    """See Sidecar.open_stream."""
    opening = stream_pb2.StreamOpen(peer_id=peer_id, name=name, headers=headers)
    if accept_timeout is not None:
        opening.accept_timeout.CopyFrom(duration("accept_timeout", accept_timeout))
    stream = Stream(stubs.streams.Open, stream_pb2.OpenRequest, stream_pb2.OpenRequest(open=opening))
    stream.peer_id, stream.name = peer_id, name
    return stream


def accept_stream(stubs: Stubs, name: str, peer_ids: Iterable[str]) -> Stream:
    """See Sidecar.accept_stream."""
    accept = stream_pb2.StreamAccept(name=name, peer_ids=list(peer_ids))
    stream = Stream(stubs.streams.Accept, stream_pb2.AcceptRequest, stream_pb2.AcceptRequest(accept=accept))
    try:
        return stream.opened()
    except BaseException:
        stream.cancel()  # or the sidecar would hand a stream to nobody
        raise


class PendingRequest:
    """A request that is on its way."""

    def __init__(
        self,
        stubs: Stubs,
        peer_id: str,
        payload: bytes,
        channel: str,
        headers: Mapping[str, str] | None,
        timeout: float | None,
    ) -> None:
        asked = request_pb2.RequestRequest(peer_id=peer_id, channel=channel, headers=headers, payload=payload)
        with translated():
            self._call: Any = stubs.messages.Request.future(asked, timeout=timeout)

    def result(self) -> Replied:
        """Waits for the reply; raises as Sidecar.request, and Cancelled once it was taken back."""
        try:
            with translated():
                reply = self._call.result()
        except grpc.FutureCancelledError as error:
            raise Cancelled("the request was taken back", reason="") from error
        return Replied(reply.payload, dict(reply.headers))

    def cancel(self) -> None:
        """Takes it back, from any thread; the app that has it is told."""
        self._call.cancel()


def request(
    stubs: Stubs, peer_id: str, payload: bytes, channel: str, headers: Mapping[str, str] | None, timeout: float | None
) -> Replied:
    """See Sidecar.request."""
    asked = request_pb2.RequestRequest(peer_id=peer_id, channel=channel, headers=headers, payload=payload)
    with translated():
        reply = stubs.messages.Request(asked, timeout=timeout)
    return Replied(reply.payload, dict(reply.headers))


class Responder:
    """Answers the requests of a channel, each in a thread, `credits` at once, from its making until it is closed.

    Leaving the `with` block closes it; leaving it by an exception ends it at once.
    """

    def __init__(self, stubs: Stubs, channel: str, answer: Answerer, credit: int, peer_ids: Iterable[str]) -> None:
        opening = request_pb2.ReplyOpen(channel=channel, credits=credit, peer_ids=list(peer_ids))
        self._answer = answer
        self._frames = _Frames(request_pb2.ReplyRequest(open=opening))
        self._waiting: queue.SimpleQueue[tuple[int, IncomingRequest] | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._in_hand: dict[int, IncomingRequest] = {}
        self._workers = 0
        self._closing = False
        self._error: SidecarError | None = None
        with translated():
            self._call: Any = stubs.messages.Reply(iter(self._frames))
            self._call.initial_metadata()  # the sidecar's word that it hands requests out
            if not self._call.is_active():
                next(self._call, None)
        if not self._call.add_callback(self._frames.stop):
            self._frames.stop()
        self._reader = threading.Thread(target=self._read, name="sidecar-requests", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self.cancel()
        else:
            self.close()

    def wait(self) -> None:
        """Returns when it was closed; raises why the sidecar has ended it."""
        self._reader.join()
        if self._error is not None and not self._closing:
            raise self._error

    def close(self) -> None:
        """Takes no more requests, waits for the answers to those in hand, and ends the call."""
        with self._changed:
            self._closing = True
            self._changed.wait_for(lambda: not self._in_hand)
        self._frames.end()
        self._reader.join(CLOSE_SECONDS)
        self.cancel()

    def cancel(self) -> None:
        """Ends it at once: who waits for an answer is told that there may be none."""
        self._closing = True
        self._frames.stop()
        self._call.cancel()
        self._reader.join()

    def _read(self) -> None:
        try:
            for response in self._call:
                for asked in response.requests:
                    self._take(asked)
                for number in response.cancelled:
                    with self._changed:
                        request = self._in_hand.get(number)
                    if request is not None:
                        request.cancelled.set()
            self._error = SidecarUnavailable("the sidecar ended the call")
        except grpc.RpcError as error:
            self._error = error_from_rpc(error)
        finally:
            self._frames.stop()
            with self._changed:
                left, self._in_hand = self._in_hand, {}
                self._changed.notify_all()
            for request in left.values():
                request.cancelled.set()
            for _ in range(self._workers):
                self._waiting.put(None)

    def _take(self, asked: request_pb2.IncomingRequest) -> None:
        request = taken(asked)
        with self._changed:
            if self._closing:
                return
            self._in_hand[asked.request_id] = request
            more = len(self._in_hand) > self._workers
        if more:
            self._workers += 1
            threading.Thread(target=self._work, name="sidecar-answers", daemon=True).start()
        self._waiting.put((asked.request_id, request))

    def _work(self) -> None:
        while (waiting := self._waiting.get()) is not None:
            number, request = waiting
            answer = _answer(self._answer, number, request)
            if not request.cancelled.is_set():
                self._frames.put(request_pb2.ReplyRequest(answers=request_pb2.ReplyAnswers(answers=[answer])))
            with self._changed:
                self._in_hand.pop(number, None)
                self._changed.notify_all()


def _answer(answer: Answerer, number: int, asked: IncomingRequest) -> request_pb2.Answer:
    try:
        return answered(number, answer(asked))
    except BaseException as error:  # noqa: BLE001  an app's bug is the requester's error, and ends nothing else
        return failed(number, error)
