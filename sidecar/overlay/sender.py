"""A sender: one caller's way to one peer and channel. It queues what it is given and passes outcomes on."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from sidecar.errors import Reason, SidecarError
from sidecar.metrics import DROP_REASONS, Counters, Histogram
from sidecar.overlay.events import Event, MessagesLost, Unsent
from sidecar.overlay.links import Links
from sidecar.overlay.peer import Peer
from sidecar.wire import batch
from sidecar.wire.lanes import RUN_MAX
from sidecar.wire.run import Run, Sink, runs_of

SAMPLES_MAX = 16
"""Messages of one caller whose delivery is timed at once: under load a sample, not all."""


class Samples(deque[tuple[int, float]]):
    """Some messages of one caller: their numbers, and when they were accepted."""

    def take(self, first: int) -> None:
        """A message was accepted under that number."""
        if len(self) < SAMPLES_MAX:
            self.append((first, time.monotonic()))

    def reached(self, end: int, histogram: Histogram) -> None:
        """All below `end` have reached the level that `histogram` is of, or have failed."""
        while self and self[0][0] < end:
            histogram.add(time.monotonic() - self.popleft()[1])


class Sender:
    """Messages of one caller to one peer, channel and priority, numbered by the caller from 1 on.

    It stands between the link and the caller's sink: it counts, and it tells the sidecar's own events of losses, so
    that none is silent even when the caller is gone.
    """

    def __init__(
        self, links: Links, counters: Counters, tell: Callable[[Event], None], peer_id: str, channel: str, priority:
        int, sink: Sink, token: str = "",
    ) -> None:  # fmt: skip
        self.peer_id = peer_id
        self.channel = channel
        self.priority = priority
        self.offered = 0
        """Messages taken so far; the number of the last."""
        self.settled = 0
        """Messages that have their outcome."""
        self._links = links
        self._counters = counters
        self._tell = tell
        self._sink = sink
        self._token = token
        self._samples = Samples()

    def offer(self, data: bytes, ends: list[int]) -> None:
        """Takes a batch that `wire.batch.check_untrusted` has checked; `ends` is what that gave. Always succeeds:
        what cannot be queued is reported to the sink."""
        runs = runs_of(data, ends, self, self.offered + 1, RUN_MAX)
        self._counters.message_size.add(len(data) / len(ends), len(ends))
        self._queue(runs, len(ends))

    def offer_large(self, message_id: str, headers: dict[str, str], parts: list[bytes]) -> None:
        """Takes one message whose payload comes in parts; id and headers are checked already."""
        run = Run(batch.large_entry(message_id, headers, parts), 1, self, self.offered + 1)
        if not run.bulk:
            run.parts = [b"".join(run.parts)]
        self._counters.message_size.add(run.size)
        self._queue([run], 1)

    def _queue(self, runs: list[Run], count: int) -> None:
        first = self.offered + 1
        if len(self._samples) < SAMPLES_MAX:
            self._samples.append((first, time.monotonic()))
        self.offered += count
        try:
            peer = self._links.want(self.peer_id)
        except SidecarError as error:
            self.failed(first, count, error.reason, error.detail)
            return
        outbox = peer.link.outbound.outbox
        for run in runs:
            outbox.put(self.channel, self.priority, run)
        peer.link.wake()

    @property
    def full(self) -> bool:
        """Whether the queue for this peer and channel is full: the caller is to wait until `want_room` calls."""
        peer = self._peer
        return peer is not None and peer.link.outbound.outbox.full(self.channel)

    def want_room(self, call: Callable[[], None]) -> None:
        """Calls once when there is room again, or the peer is given up."""
        peer = self._peer
        if peer is None:
            call()
        else:
            peer.link.outbound.outbox.want_room(self.channel, call)

    def withdraw(self, reason: Reason, detail: str) -> None:
        """Takes back and reports what has not been sent."""
        peer = self._peer
        if peer is not None:
            peer.link.outbound.withdraw(self, reason, detail, peer.link.carrier)

    @property
    def starved(self) -> bool:
        """Whether the other side has said that no app reads the channel."""
        peer = self._peer
        return peer is not None and peer.link.outbound.starved(self.channel)

    @property
    def stalled(self) -> bool:
        """Whether messages wait because the channel's window over there is full."""
        peer = self._peer
        return peer is not None and peer.link.outbound.outbox.blocked(self.channel)

    @property
    def _peer(self) -> Peer | None:
        return self._links.peers.get(self.peer_id)

    # Sink

    def sent(self, first: int, count: int) -> None:
        """See Sink."""
        self._sink.sent(first, count)

    def delivered(self, first: int, count: int) -> None:
        """See Sink."""
        self.settled += count
        self._counters.messages["send", "ok"] += count
        samples = self._samples
        while samples and samples[0][0] < first + count:  # as `reached`, without a call for each message
            self._counters.delivery["delivered"].add(time.monotonic() - samples.popleft()[1])
        self._sink.delivered(first, count)

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """See Sink."""
        self.settled += count
        self._counters.messages["send", "unknown" if reason is Reason.OUTCOME_UNKNOWN else "failed"] += count
        if reason in DROP_REASONS:
            self._counters.messages_dropped[reason] += count
        unsent = (Unsent(self._token, first, first + count - 1, id(self)),)
        self._tell(MessagesLost(self.peer_id, self.channel, count, reason, unsent))
        self._sink.failed(first, count, reason, detail)
