"""What waits to be sent to one peer, and whose turn it is.

Messages queue by class (three priorities, small and bulk apart, so that a large message never stands before a small
one) and by channel. Classes share by deficit round robin over bytes; channels of a class take turns; a channel
without credit steps aside and holds up no other.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable

from sidecar.errors import Reason
from sidecar.wire.lanes import PRIORITIES
from sidecar.wire.run import Run, Sink

CLASSES = PRIORITIES * 2
"""Class = 2 * priority + (1 for bulk)."""
CHANNEL_SHARE = 4
"""A channel may queue so many times what the outbox has left: alone four fifths of it, and however many channels are
stuck there is some for one more (dynamic thresholds, after Choudhury and Hahne 1998)."""
CHANNEL_LEAST = 64 << 10
"""Bytes any channel may queue, whatever others hold."""
QUANTUM = 64 << 10
CHANNEL_QUANTUM = 128 << 10
"""Bytes of a channel's turn within its class: as much as the longest run of small messages."""
WEIGHTS = (16, 16, 4, 4, 1, 1)


def class_of(priority: int, bulk: bool) -> int:
    """The class of a run."""
    return priority * 2 + bulk


class Class:
    """The queues of one class, by channel."""

    __slots__ = ("blocked", "ready", "shares")

    def __init__(self) -> None:
        self.ready: OrderedDict[str, deque[Run]] = OrderedDict()
        """In the order of their turns."""
        self.blocked: dict[str, deque[Run]] = {}
        """Without credit."""
        self.shares: dict[str, int] = {}
        """Bytes that a channel may still send in its turn; the whole quantum where it is not named."""


class Outbox:
    """Queued runs of one peer, bounded in bytes together with those sent and not acknowledged: by channel, so that one
    that is stuck leaves room to the others."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        """Queued and unacknowledged; the latter are the link's, which gives them back by `settle`."""
        self.messages = 0
        self.fresh_bytes = 0
        """Queued since the link last had a turn to write, which sets it back."""
        self.peak_bytes = 0
        self.classes: dict[int, Class] = {}
        """Those that have queued anything: most outboxes never do, and six of them empty took 2 KiB."""
        self.kinds: tuple[int, ...] = ()
        """The classes that have queued anything yet, the first first."""
        self._deficit = [0] * CLASSES
        self._channel_bytes: dict[str, int] = {}
        self._room_wanted: list[tuple[str, Callable[[], None]]] = []
        self._empty_wanted: list[Callable[[], None]] = []

    def full(self, channel: str) -> bool:
        """Whether senders to a channel are to wait."""
        return self._channel_bytes.get(channel, 0) >= self._share

    @property
    def _share(self) -> int:
        return max(CHANNEL_LEAST, CHANNEL_SHARE * (self.max_bytes - self.bytes))

    def put(self, channel: str, priority: int, run: Run) -> None:
        """Queues a run at the end of its class and channel. A run is taken whole even when it passes the bound."""
        self.bytes += run.size
        self.fresh_bytes += run.size
        self.messages += run.count
        run.channel = channel
        self._channel_bytes[channel] = self._channel_bytes.get(channel, 0) + run.size
        self.peak_bytes = max(self.peak_bytes, self.bytes)
        self._queue(class_of(priority, run.bulk), channel).append(run)

    def put_back(self, channel: str, priority: int, run: Run) -> None:
        """Queues what `next` gave, or a part of it, in front again. It is counted already."""
        self._queue(class_of(priority, run.bulk), channel).appendleft(run)

    def _queue(self, kind: int, channel: str) -> deque[Run]:
        queues = self.classes.get(kind)
        if queues is None:
            queues = self.classes[kind] = Class()
            self.kinds = tuple(sorted(self.classes))
        queue = queues.blocked.get(channel)
        if queue is None:
            queue = queues.ready.get(channel)
            if queue is None:
                queue = queues.ready[channel] = deque()
        return queue

    # whose turn

    def turn(self, kinds: list[int]) -> int:
        """The class among `kinds`, those that can send now, whose turn it is. When none has a share left a new round
        begins: each gets its share. A class that has nothing to send saves one quantum and no more, so that what it
        sends next goes before the rest of the round."""
        while True:
            for kind in kinds:
                if self._deficit[kind] > 0:
                    return kind
            for kind in range(CLASSES):
                self._deficit[kind] = self._deficit[kind] + QUANTUM * WEIGHTS[kind] if kind in kinds else QUANTUM

    def spend(self, kind: int, size: int) -> None:
        """Counts what a class has sent."""
        self._deficit[kind] -= size

    def head(self, kind: int) -> tuple[str, Run]:
        """The channel whose turn it is and its first run."""
        channel, queue = next(iter(self.classes[kind].ready.items()))
        return channel, queue[0]

    def next(self, kind: int) -> Run:
        """Takes what `head` showed; the channel goes to the end of the turn once it has had its share of bytes."""
        queues = self.classes[kind]
        ready, shares = queues.ready, queues.shares
        channel, queue = next(iter(ready.items()))
        run = queue.popleft()
        if not queue:
            del ready[channel]
            shares.pop(channel, None)
        elif len(ready) > 1:
            left = shares.get(channel, CHANNEL_QUANTUM) - run.size
            if left <= 0:
                # What it had too much, it has less next time; a large message is not held against its channel for long.
                left = max(left, 1 - CHANNEL_QUANTUM) + CHANNEL_QUANTUM
                ready.move_to_end(channel)
            shares[channel] = left
        return run

    def block(self, kind: int, channel: str) -> None:
        """The channel has no credit for its first run."""
        queues = self.classes[kind]
        queues.blocked[channel] = queues.ready.pop(channel)

    def blocked(self, channel: str) -> bool:
        """Whether messages of the channel wait for its credit."""
        return any(channel in queues.blocked for queues in self.classes.values())

    def unblock(self, channel: str | None = None) -> None:
        """The channel has got credit; None: all have."""
        for queues in self.classes.values():
            blocked = queues.blocked
            for name in [channel] if channel is not None else list(blocked):
                queue = blocked.pop(name, None)
                if queue is not None:
                    queues.ready[name] = queue

    # ends

    def settle(self, run: Run) -> None:
        """A run taken by `next` has its outcome: its bytes are free."""
        self.bytes -= run.size
        self.messages -= run.count
        left = self._channel_bytes[run.channel] - run.size
        if left:
            self._channel_bytes[run.channel] = left
        else:
            del self._channel_bytes[run.channel]
        if self._room_wanted:
            self._tell_room()
        if self._empty_wanted and not self.messages:
            wanted, self._empty_wanted = self._empty_wanted, []
            for call in wanted:
                call()

    def want_room(self, channel: str, call: Callable[[], None]) -> None:
        """Calls once when the channel has come down to half of what it may queue; at once if that is so."""
        if self._roomy(channel):
            call()
        else:
            self._room_wanted.append((channel, call))

    def _roomy(self, channel: str) -> bool:
        return self._channel_bytes.get(channel, 0) * 2 <= self._share

    def _tell_room(self) -> None:
        roomy = [one for one in self._room_wanted if self._roomy(one[0])]
        if roomy:
            self._room_wanted = [one for one in self._room_wanted if one not in roomy]
            for _, call in roomy:
                call()

    def when_empty(self, call: Callable[[], None]) -> None:
        """Calls once when every message has its outcome; at once if that is so."""
        if self.messages:
            self._empty_wanted.append(call)
        else:
            call()

    def withdraw(self, chosen: Callable[[Run], bool], reason: Reason, detail: str) -> int:
        """Takes out what has not been sent and reports it; the number of messages, those that a journal has left
        out."""
        out: list[Run] = []
        for queues in self._every():
            for channel, queue in list(queues.items()):
                if not any(chosen(run) for run in queue):
                    continue
                kept = deque(run for run in queue if not chosen(run))
                out += [run for run in queue if chosen(run)]
                if kept:
                    queues[channel] = kept
                else:
                    del queues[channel]
        for run in out:
            self.settle(run)
            run.sink.failed(run.first, run.count, reason, detail)
        return sum(run.count for run in out if not run.durable)

    def _every(self) -> list[dict[str, deque[Run]]]:
        """Queues by channel: those of each class that are ready, by class, and then those that are blocked."""
        classes = [self.classes[kind] for kind in self.kinds]
        return [*(queues.ready for queues in classes), *(queues.blocked for queues in classes)]

    def withdraw_channel(self, channel: str, reason: Reason, detail: str) -> None:
        """The same for the messages of one channel."""
        out = [run for queues in self._every() for run in queues.pop(channel, ())]
        for run in out:
            self.settle(run)
            run.sink.failed(run.first, run.count, reason, detail)

    def withdraw_sink(self, sink: Sink, reason: Reason, detail: str) -> int:
        """The same for the messages of one caller."""
        return self.withdraw(lambda run: run.sink is sink, reason, detail)

    def __repr__(self) -> str:
        return f"Outbox({self.messages} messages, {self.bytes}/{self.max_bytes} bytes, peak {self.peak_bytes})"
