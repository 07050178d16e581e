"""Senders of kept messages, with the verbs of `Sender`: what goes through the journal, and what waits for apps."""

from __future__ import annotations

import time
from collections.abc import Callable

from sidecar.errors import Reason
from sidecar.mail.journal import outgoing
from sidecar.metrics import Counters
from sidecar.overlay.awaited import Awaited, TrackedSink
from sidecar.overlay.courier import Courier
from sidecar.overlay.events import Event
from sidecar.overlay.kept_queue import Queue
from sidecar.overlay.links import Links
from sidecar.overlay.sender import Samples, Sender
from sidecar.wire import batch
from sidecar.wire.kept import TRACKED, Kept
from sidecar.wire.lanes import RUN_MAX
from sidecar.wire.run import Run, runs_of

BLOCK = 1 << 32
"""Numbers set aside for one sender."""


class Tracker:
    """Messages without a journal whose senders wait for apps, by peer; their numbers."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._peers: dict[str, Awaited] = {}
        self._next = time.time_ns() // 1000

    def block(self) -> int:
        """The first of numbers enough for all that one sender will ever send."""
        first = self._next
        self._next += BLOCK
        return first

    def of(self, peer_id: str) -> Awaited:
        """Those of one peer."""
        found = self._peers.get(peer_id)
        if found is None:
            found = self._peers[peer_id] = Awaited(durable=False)
        return found

    def connected(self, peer_id: str, *, renewed: bool) -> None:
        """There is a new connection to a peer: outcomes may have been lost with the former; with a new epoch all that
        was sent in the last is."""
        awaited = self._peers.get(peer_id)
        if awaited is None or not len(awaited):
            return
        if renewed:
            self.lost(peer_id)
            return
        peer = self._links.peers[peer_id]
        for ranges in awaited.questions():
            peer.sessions[-1].ask_outcomes(ranges)

    def lost(self, peer_id: str) -> None:
        """The link is over: what apps over there do, nobody here will know."""
        awaited = self._peers.pop(peer_id, None)
        if awaited is not None:
            awaited.fail(Reason.OUTCOME_UNKNOWN, "the link ended before an app over there acknowledged it")


class TrackedSender(Sender):
    """Messages that are not journalled, and whose sender waits until apps have acknowledged them."""

    def __init__(
        self, links: Links, counters: Counters, tell: Callable[[Event], None], peer_id: str, channel: str, priority:
        int, sink: TrackedSink, tracker: Tracker, token: str = "",
    ) -> None:  # fmt: skip
        super().__init__(links, counters, tell, peer_id, channel, priority, sink, token)
        self._tracked_sink = sink
        self._awaited = tracker.of(peer_id)
        self._base = tracker.block()

    def _queue(self, runs: list[Run], count: int) -> None:
        for run in runs:
            run.kept = Kept(self._base + run.first, TRACKED, 0)
        super()._queue(runs, count)

    def delivered(self, first: int, count: int) -> None:
        """See Sink: from now on it is up to an app."""
        self._awaited.add(self._base + first, count, self, first)
        self._tracked_sink.delivered(first, count)

    def processed(self, first: int, count: int) -> None:
        """See TrackedSink."""
        self.settled += count
        self._counters.messages["send", "ok"] += count
        self._samples.reached(first + count, self._counters.delivery["processed"])
        self._tracked_sink.processed(first, count)

    def withdraw(self, reason: Reason, detail: str) -> None:
        """Takes back and reports what has not been sent; nobody waits for the rest any more."""
        super().withdraw(reason, detail)
        self._awaited.drop_sink(self)


class DurableSender:
    """Messages of one caller that are journalled: accepted once they are on the disk, whether the peer is there or
    not."""

    def __init__(
        self, courier: Courier, counters: Counters, peer_id: str, channel: str, priority: int, sink: TrackedSink, *,
        ttl: float, tracked: bool, awaited: bool,
    ) -> None:  # fmt: skip
        self.peer_id = peer_id
        self.channel = channel
        self.priority = priority
        self.offered = 0
        """Messages taken so far; the number of the last."""
        self.settled = 0
        self.starved = False
        self.request: outgoing.Request | None = None
        """Journalled with the next message."""
        self._courier = courier
        self._counters = counters
        self._sink = sink
        self._ttl = ttl
        self._tracked = tracked
        self._awaited = awaited or tracked
        self._samples = Samples()

    def offer(self, data: bytes, ends: list[int]) -> None:
        """See Sender."""
        self._counters.message_size.add(len(data) / len(ends), len(ends))
        queue, number = self._queue(), self._courier.journal.numbers(len(ends))
        self._take(queue, runs_of(data, ends, queue, number, RUN_MAX), len(ends))

    def offer_large(self, message_id: str, headers: dict[str, str], parts: list[bytes]) -> None:
        """See Sender."""
        whole = b"".join(batch.large_entry(message_id, headers, parts))
        self._counters.message_size.add(len(whole))
        queue = self._queue()
        self._take(queue, [Run([whole], 1, queue, self._courier.journal.numbers(1))], 1)

    def _queue(self) -> Queue:
        """The one there is now: it is forgotten while nothing is in it."""
        return self._courier.queue(self.peer_id, self.channel, self.priority)

    def _take(self, queue: Queue, runs: list[Run], count: int) -> None:
        first = self.offered + 1
        self.offered += count
        self._samples.take(first)
        request = self.request
        if request is not None:
            request = self.request = request._replace(number=runs[0].first)
        self._courier.take(
            queue, runs, self, first, ttl=self._ttl, tracked=self._tracked, awaited=self._awaited, request=request
        )

    @property
    def full(self) -> bool:
        """Whether the journal, or the peer's share of it, is full: the caller is to wait until `want_room` calls."""
        return self._courier.full(self.peer_id)

    def want_room(self, call: Callable[[], None]) -> None:
        """Calls once when there is room again."""
        self._courier.want_room(self.peer_id, call)

    def withdraw(self, reason: Reason, detail: str) -> None:
        """What is journalled is not taken back; its caller waits no more."""
        self._courier.forget_sink(self.peer_id, self)

    # TrackedSink

    def sent(self, first: int, count: int) -> None:
        """See Sink: it is in the journal."""
        if not self._awaited:
            self.settled += count
            self._counters.messages["send", "ok"] += count
            self._samples.reached(first + count, self._counters.delivery["sent"])
        self._sink.sent(first, count)

    def delivered(self, first: int, count: int) -> None:
        """See Sink."""
        if not self._tracked:
            self.settled += count
            self._counters.messages["send", "ok"] += count
            self._samples.reached(first + count, self._counters.delivery["delivered"])
        self._sink.delivered(first, count)

    def processed(self, first: int, count: int) -> None:
        """See TrackedSink."""
        self.settled += count
        self._counters.messages["send", "ok"] += count
        self._samples.reached(first + count, self._counters.delivery["processed"])
        self._sink.processed(first, count)

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """See Sink."""
        self.settled += count
        self._counters.messages["send", "failed"] += count
        self._sink.failed(first, count, reason, detail)


AnySender = Sender | DurableSender
"""What a caller is given: the verbs are the same."""
