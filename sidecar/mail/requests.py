"""Requests and replies: who asks, which apps answer, and what is between the two.

A request that has come whole goes to one of its channel's workers, the one with the most room; nobody else gets it,
also when that one goes. It is answered once.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

from google.protobuf.message import DecodeError

from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.mail.flow_errors import error_of
from sidecar.mail.shares import has_room
from sidecar.metrics import Counters
from sidecar.wire.flow import Cause, Flow

PAYLOAD_MAX = 16 << 20
"""The largest payload of a request or a reply."""
BODY_MAX = PAYLOAD_MAX + (64 << 10)
"""That with headers."""
HELD_MAX = 64 << 20
"""Bytes of requests that may be here and not handed out, in all; shared between peers as in `shares`."""
WAITING_MAX = 1024
"""Requests that may wait for a worker of one channel, likewise."""
READ_BYTES = 256 << 10


class Reply(NamedTuple):
    """What an app answered."""

    headers: Mapping[str, str]
    payload: bytes


class Question:
    """A request of an app here. `settled` is called once, when `reply` or `error` is there."""

    def __init__(
        self, flow: Flow, headers: Mapping[str, str], payload: bytes, settled: Callable[[], None], counters: Counters
    ) -> None:
        self.flow = flow
        self._counters = counters
        self._began = time.monotonic()
        self.reply: Reply | None = None
        self.error: SidecarError | None = None
        self._settled = settled
        self._withdrawn = False
        self._parts: list[bytes] = []
        self._size = 0
        flow.changed = self._look
        message = wire_pb2.RequestMessage(payload=payload)
        if headers:  # a map costs more than the rest
            message.headers.update(headers)
        flow.write(message.SerializeToString())
        flow.finish()
        self._look()

    @property
    def over(self) -> bool:
        """Whether `reply` or `error` is there, or nobody waits for them."""
        return self.reply is not None or self.error is not None or self._withdrawn

    def withdraw(self, cause: Cause) -> None:
        """Nobody waits any longer."""
        self._withdrawn = True
        self.flow.changed = _nothing
        self.flow.reset(cause)
        if self.reply is None and self.error is None:
            self._counters.requests["unanswered"] += 1

    def _look(self) -> None:
        flow = self.flow
        while flow.readable:
            part = flow.read(READ_BYTES)
            self._size += len(part)
            self._parts.append(part)
        if self._size > BODY_MAX:
            flow.reset(Cause.LIMIT, detail=f"a reply of more than {PAYLOAD_MAX} bytes")
        if self.reply is not None or self.error is not None:
            return
        if flow.at_end and (flow.ended is None or flow.ended.cause is Cause.DONE):
            self._read_reply()
        elif flow.ended is not None:
            self.error = error_of(flow, flow.ended) or SidecarError(Reason.OUTCOME_UNKNOWN, "it ended without a reply")
        else:
            return
        self._parts.clear()
        flow.changed = _nothing
        failed = self.error is not None and self.error.reason is Reason.REQUEST_FAILED
        self._counters.requests["replied" if self.error is None else "failed" if failed else "unanswered"] += 1
        self._counters.request.add(time.monotonic() - self._began)
        self._settled()

    def _read_reply(self) -> None:
        try:
            message = wire_pb2.ReplyMessage.FromString(b"".join(self._parts))
        except DecodeError:
            self.error = SidecarError(Reason.OUTCOME_UNKNOWN, f"{self.flow.peer_id} answered with what is no reply")
            return
        if message.HasField("error"):
            self.error = SidecarError(
                Reason.REQUEST_FAILED,
                message.error.message or message.error.code,
                metadata={"code": message.error.code},
            )
        else:
            self.reply = Reply(message.headers, message.payload)


def _nothing() -> None:
    """For flows of which nothing more is to be known."""


class Asked:
    """A request that has come."""

    __slots__ = ("body", "flow", "number", "size", "until", "worker")

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.body: list[bytes] | wire_pb2.RequestMessage = []
        self.size = 0
        self.number = 0
        """Among its worker's."""
        self.worker: Worker | None = None
        self.until = time.monotonic() + flow.timeout_ms / 1000 if flow.timeout_ms else None
        """When the requester gives up, by the monotonic clock."""

    @property
    def message(self) -> wire_pb2.RequestMessage:
        """What is asked, once it has come whole."""
        assert not isinstance(self.body, list)
        return self.body

    @property
    def time_left(self) -> float | None:
        """Seconds the requester still waits."""
        return None if self.until is None else max(0.0, self.until - time.monotonic())


class Worker:
    """An app that answers requests of one channel."""

    def __init__(
        self, requests: Requests, channel: str, wake: Callable[[], None], credit: int, peers: frozenset[str]
    ) -> None:
        self.channel = channel
        self.credit = credit
        """How many more requests it may get."""
        self._requests = requests
        self._wake = wake
        self._peers = peers
        self._held: dict[int, Asked] = {}
        self._new: deque[Asked] = deque()
        self._cancelled: list[int] = []
        self._numbers = 0

    def allows(self, peer_id: str) -> bool:
        """Whether it takes requests of a peer."""
        return not self._peers or peer_id in self._peers

    def give(self, asked: Asked) -> None:
        """Hands it a request."""
        self._numbers += 1
        asked.number, asked.worker = self._numbers, self
        self.credit -= 1
        self._held[asked.number] = asked
        self._new.append(asked)
        asked.flow.accept()
        self._wake()

    def take(self) -> tuple[list[Asked], list[int]]:
        """Requests that are new, and numbers of those nobody waits for any longer."""
        new, cancelled = list(self._new), self._cancelled
        self._new.clear()
        self._cancelled = []
        return new, cancelled

    def answer(self, number: int, reply: wire_pb2.ReplyMessage) -> bool:
        """Answers; False for a number that is not held."""
        asked = self._held.pop(number, None)
        if asked is None:
            return False
        asked.flow.write(reply.SerializeToString())
        asked.flow.finish()
        self.credit += 1
        self._requests.counters.requests["answered"] += 1
        self._requests.serve(self.channel)
        return True

    def add_credit(self, credit: int) -> None:
        """Makes room for more."""
        self.credit += credit
        self._requests.serve(self.channel)

    def gone(self, asked: Asked) -> None:
        """Nobody waits for a request any longer."""
        if self._held.pop(asked.number, None) is None:
            return
        self.credit += 1
        if asked in self._new:
            self._new.remove(asked)
        else:
            self._cancelled.append(asked.number)
            self._wake()
        self._requests.serve(self.channel)

    def close(self) -> None:
        """The app answers no more. What it was handed may have been done: nobody else gets it."""
        self._requests.leave(self)
        held, self._held = self._held, {}
        for asked in held.values():
            asked.flow.changed = _nothing
            asked.flow.reset(Cause.GONE, detail="the app that had the request went away")


class Requests:
    """The requests that come in, and their workers by channel."""

    def __init__(self, counters: Counters) -> None:
        self.counters = counters
        self.held_bytes = 0
        """Of requests that are not handed out."""
        self._held_of: Counter[str] = Counter()
        """The same by peer."""
        self._workers: dict[str, list[Worker]] = {}
        self._waiting: dict[str, deque[Asked]] = {}

    @property
    def waiting(self) -> int:
        """Requests that wait for a worker."""
        return sum(map(len, self._waiting.values()))

    def subscribe(self, channel: str, wake: Callable[[], None], credit: int, peers: frozenset[str]) -> Worker:
        """A worker; `wake` is called when it has something to take."""
        worker = Worker(self, channel, wake, credit, peers)
        self._workers.setdefault(channel, []).append(worker)
        self.serve(channel)
        return worker

    def leave(self, worker: Worker) -> None:
        """A worker goes."""
        workers = self._workers[worker.channel]
        workers.remove(worker)
        if not workers:
            del self._workers[worker.channel]

    def came(self, flow: Flow) -> None:
        """A request begins to come in."""
        asked = Asked(flow)
        flow.changed = lambda: self._look(asked)
        self._look(asked)

    def _look(self, asked: Asked) -> None:
        flow = asked.flow
        if flow.ended is not None:
            self._drop(asked)
            return
        if not isinstance(asked.body, list):
            return
        while flow.readable and flow.ended is None:
            part = flow.read(READ_BYTES)
            asked.body.append(part)
            asked.size += len(part)
            self._hold(flow.peer_id, len(part))
            if asked.size > BODY_MAX:
                self._refuse(asked, Cause.LIMIT, "the request is too large")
                return
            if self._held_of[flow.peer_id] > HELD_MAX - self.held_bytes:
                self._refuse(asked, Cause.LIMIT, "too many bytes of this peer's requests wait here")
                return
        if not flow.at_end:
            return
        try:
            asked.body = wire_pb2.RequestMessage.FromString(b"".join(asked.body))
        except DecodeError:
            self._refuse(asked, Cause.LIMIT, "that is no request")
            return
        if flow.name not in self._waiting and self._hand(asked):
            self.counters.requests["received"] += 1
            return
        waiting = self._waiting.setdefault(flow.name, deque())
        if not has_room(WAITING_MAX, len(waiting), (one.flow.peer_id == flow.peer_id for one in waiting)):
            self._refuse(asked, Cause.LIMIT, f"{len(waiting)} requests wait for an app that answers {flow.name!r}")
            return
        waiting.append(asked)
        self.counters.requests["received"] += 1
        self.serve(flow.name)

    def _hold(self, peer_id: str, size: int) -> None:
        self.held_bytes += size
        self._held_of[peer_id] += size
        if not self._held_of[peer_id]:
            del self._held_of[peer_id]

    def _refuse(self, asked: Asked, cause: Cause, detail: str) -> None:
        asked.flow.reset(cause, detail=detail)
        self._drop(asked)

    def _drop(self, asked: Asked) -> None:
        """It has ended: by an answer that arrived, or otherwise."""
        asked.flow.changed = _nothing
        if asked.worker is not None:
            asked.worker.gone(asked)
            return
        self._hold(asked.flow.peer_id, -asked.size)
        waiting = self._waiting.get(asked.flow.name)
        if waiting is not None and asked in waiting:
            waiting.remove(asked)
            if not waiting:
                del self._waiting[asked.flow.name]

    def _hand(self, asked: Asked) -> bool:
        """Hands out a request before which none waits; False where it has to."""
        best: Worker | None = None
        for worker in self._workers.get(asked.flow.name, ()):
            if worker.allows(asked.flow.peer_id) and (best is None or worker.credit > best.credit):
                best = worker
        if best is None or best.credit <= 0:
            return False
        self._hold(asked.flow.peer_id, -asked.size)
        best.give(asked)
        return True

    def serve(self, channel: str) -> None:
        """Hands out what waits on a channel, as far as its workers have room."""
        waiting, workers = self._waiting.get(channel), self._workers.get(channel)
        if not waiting or not workers:
            return
        kept: deque[Asked] = deque()
        self._waiting[channel] = kept
        for asked in waiting:
            allowed = [worker for worker in workers if worker.allows(asked.flow.peer_id)]
            if not allowed:
                asked.flow.changed = _nothing
                asked.flow.reset(Cause.NOT_ALLOWED, detail="the apps there do not answer this peer")
                self._hold(asked.flow.peer_id, -asked.size)
                continue
            worker = max(allowed, key=lambda worker: worker.credit)
            if worker.credit > 0:
                self._hold(asked.flow.peer_id, -asked.size)
                worker.give(asked)
            else:
                kept.append(asked)
        if not kept:
            del self._waiting[channel]
