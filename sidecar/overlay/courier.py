"""The courier: takes durable messages from the journal to their peers' journals, and keeps at it until they are there.

It takes them from callers, dials the peers they wait for, tells callers what became of them, and removes from the
journal what has arrived. The way of each from the disk to the link is its queue's (`kept_queue.py`).
"""

from __future__ import annotations

import asyncio
import logging
import random
import sqlite3
from collections.abc import Callable, Sequence

from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.mail.journal import Journal, outgoing
from sidecar.metrics import Counters
from sidecar.overlay.awaited import TrackedSink
from sidecar.overlay.events import Event, MessagesDead, MessagesLost
from sidecar.overlay.kept_queue import Destination, Queue
from sidecar.overlay.links import Links
from sidecar.overlay.peer import PeerState
from sidecar.wire.kept import DURABLE, TRACKED
from sidecar.wire.run import Run

_log = logging.getLogger(__name__)

UNWRITTEN_MAX = 16 << 20
"""Bytes handed to the journal and not written, above which senders wait."""
BACKOFF = (0.25, 1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between attempts to reach a peer that messages wait for, the last one repeated; each varies by a third."""
SWEEP_SECONDS = 1.0
EXPIRED_AT_ONCE = 1000


class Caller:
    """Who waits for what becomes of a row."""

    __slots__ = ("first", "sink")

    def __init__(self, sink: TrackedSink, first: int) -> None:
        self.sink = sink
        self.first = first


class Courier:
    """See the module."""

    def __init__(
        self, links: Links, journal: Journal, counters: Counters, tell: Callable[[Event], None], *, queue_bytes: int
    ) -> None:
        self.links = links
        self.journal = journal
        self.closed = False
        self.bytes = 0
        """Of messages that wait, or are on their way."""
        self.remembered: set[int] = set()
        """Rows whose request is remembered in the journal, and that have no outcome."""
        self.request_window = 0.0
        self.on_unasked: Callable[[int, tuple[Reason, str] | None], None] = lambda number, failure: None
        """Called when such a row that no caller waits for was delivered, or has failed."""
        self._queue_bytes = queue_bytes
        self._counters = counters
        self._tell = tell
        self._destinations: dict[str, Destination] = {}
        self._queues: dict[tuple[str, str, int], Queue] = {}
        self._callers: dict[int, Caller] = {}
        self._unwritten = 0
        self._removals: list[tuple[int, int]] = []
        self._removing: set[int] = set()
        """Rows that are on their way out of the journal."""
        self._sweep: asyncio.TimerHandle | None = None
        for standing in journal.standings:
            queue = self.queue(standing.peer, standing.channel, standing.priority)
            queue.tail = standing.last
            queue.destination.bytes += standing.bytes
            self.bytes += standing.bytes

    def start(self) -> None:
        """Begins to work."""
        for destination in self._destinations.values():
            self._go_on(destination)
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._look)

    def close(self) -> None:
        """Nothing is sent or dialled any more."""
        self.closed = True
        if self._sweep is not None:
            self._sweep.cancel()
        for destination in self._destinations.values():
            if destination.retry is not None:
                destination.retry.cancel()
        self._flush()

    # what is taken

    def queue(self, peer_id: str, channel: str, priority: int) -> Queue:
        """The queue of a peer, channel and priority."""
        key = (peer_id, channel, priority)
        found = self._queues.get(key)
        if found is None:
            destination = self._destinations.get(peer_id)
            if destination is None:
                destination = self._destinations[peer_id] = Destination(peer_id)
            found = self._queues[key] = Queue(self, destination, channel, priority)
            destination.queues.append(found)
        return found

    def full(self, peer_id: str) -> bool:
        """Whether senders to a peer are to wait."""
        destination = self._destinations.get(peer_id)
        held = destination.bytes if destination is not None else 0
        return held >= self._queue_bytes or self.journal.full or self._unwritten >= UNWRITTEN_MAX

    def want_room(self, peer_id: str, call: Callable[[], None]) -> None:
        """Calls once when senders to a peer need not wait."""
        if not self.full(peer_id):
            call()
            return
        self._destinations.setdefault(peer_id, Destination(peer_id)).room_wanted.append(call)

    def _room_came(self) -> None:
        for destination in self._destinations.values():
            if destination.room_wanted and not self.full(destination.peer_id):
                wanted, destination.room_wanted = destination.room_wanted, []
                for call in wanted:
                    call()

    def take(
        self, queue: Queue, runs: Sequence[Run], sink: TrackedSink, first: int, *, ttl: float, tracked: bool,
        awaited: bool, request: outgoing.Request | None = None,
    ) -> None:  # fmt: skip
        """Journals runs and sees them delivered. `sink` has them from its number `first` on, and is told `sent` when
        they are in the journal; with `awaited` what becomes of them as well, with `tracked` to the end."""
        now = self.journal.clock.now()
        expires = now + ttl
        flags = DURABLE | (TRACKED if tracked else 0)
        destination = queue.destination
        rows = [
            outgoing.Outgoing(
                run.first, run.count, destination.peer_id, queue.channel, queue.priority, flags, now, expires,
                run.parts[0] if len(run.parts) == 1 else b"".join(run.parts),
            )
            for run in runs
        ]  # fmt: skip
        size, count = sum(run.size for run in runs), sum(run.count for run in runs)
        self.journal.take(size)
        destination.bytes += size
        self.bytes += size
        self._unwritten += size
        queue.unwritten += 1

        def write(database: sqlite3.Connection) -> None:
            outgoing.add(database, rows)
            if request is not None:
                outgoing.remember(database, request)

        def done(_: None) -> None:
            self._unwritten -= size
            queue.unwritten -= 1
            self.journal.recovered()
            if request is not None:
                self.remembered.add(request.number)
            at = first
            for run in runs:
                if awaited:
                    self._callers[run.first] = Caller(sink, at)
                if tracked and awaited:
                    destination.awaited.add(run.first, run.count, sink, at)
                at += run.count
            sink.sent(first, count)
            queue.written(runs, flags, expires)
            self._room_came()

        def failed(error: SidecarError) -> None:
            self._unwritten -= size
            queue.unwritten -= 1
            self._release(destination, size)
            self.journal.give_back(size)
            sink.failed(first, count, error.reason, error.detail)
            self._room_came()

        self.journal.submit(write, done, failed)

    def forget_sink(self, peer_id: str, sink: TrackedSink) -> None:
        """A caller waits no more."""
        destination = self._destinations.get(peer_id)
        if destination is not None:
            destination.awaited.drop_sink(sink)
        for number in [number for number, caller in self._callers.items() if caller.sink is sink]:
            del self._callers[number]

    # what becomes of it

    def delivered(self, number: int, offset: int, count: int) -> None:
        """Messages of a row are in the other side's journal."""
        caller = self._callers.get(number)
        if caller is not None:
            caller.sink.delivered(caller.first + offset, count)
        elif number in self.remembered:
            self.on_unasked(number, None)

    def remove(self, destination: Destination, number: int, size: int) -> None:
        """All of a row is there."""
        self._callers.pop(number, None)
        self._release(destination, size)
        self._removals.append((number, size))
        self._removing.add(number)
        if len(self._removals) == 1:
            asyncio.get_running_loop().call_soon(self._flush)
        self._room_came()

    def _flush(self) -> None:
        removals, self._removals = self._removals, []
        if not removals:
            return
        size = sum(size for _, size in removals)
        numbers = [number for number, _ in removals]
        asked_for = [number for number in numbers if number in self.remembered]
        self.remembered.difference_update(asked_for)
        now = self.journal.clock.now()
        until = now + self.request_window

        def run(database: sqlite3.Connection) -> None:
            outgoing.remove(database, numbers)
            outgoing.note_delivered(database, asked_for, now, until)

        def done(_: None) -> None:
            self._removing.difference_update(numbers)
            self.journal.give_back(size)
            self.journal.recovered()

        def failed(error: SidecarError) -> None:
            self.remembered.update(asked_for)
            asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._retry_removals, removals)

        self.journal.submit(run, done, failed)

    def _retry_removals(self, removals: list[tuple[int, int]]) -> None:
        self._removals += removals
        self._flush()

    def bury(self, queue: Queue, number: int, count: int, size: int, reason: Reason, detail: str) -> None:
        """The peer will never take a row."""
        destination = queue.destination
        self._fail(destination, queue.channel, number, count, reason, detail)
        self._release(destination, size)
        self._tell(MessagesDead(destination.peer_id, queue.channel, count, outgoing=True))
        self.journal.submit(lambda database: outgoing.bury(database, number, reason, detail), lambda _: None)

    def damaged(self, queue: Queue, number: int) -> None:
        """A row is not as it was written; the journal has made it a dead letter."""
        self._fail(queue.destination, queue.channel, number, 1, Reason.INTERNAL, outgoing.DAMAGED)

    def _fail(
        self, destination: Destination, channel: str, number: int, count: int, reason: Reason, detail: str
    ) -> None:
        destination.awaited.drop(number)
        caller = self._callers.pop(number, None)
        self._tell(MessagesLost(destination.peer_id, channel, count, reason))
        if number in self.remembered:
            if caller is None:
                self.on_unasked(number, (reason, detail))
            self.remembered.discard(number)
            until = self.journal.clock.now() + self.request_window
            self.journal.submit(
                lambda database: outgoing.note_failed(database, number, reason, detail, until), lambda _: None
            )
        if caller is not None:
            caller.sink.failed(caller.first, count, reason, detail)

    def _release(self, destination: Destination, size: int) -> None:
        destination.bytes -= size
        self.bytes -= size

    def outcome(self, peer_id: str, told: wire_pb2.OutcomeRange) -> None:
        """A peer tells what became of messages over there."""
        destination = self._destinations.get(peer_id)
        if destination is not None:
            destination.awaited.tell(told)

    def watch(self, peer_id: str, number: int, sink: TrackedSink, *, tracked: bool) -> None:
        """Somebody asks for a row of an earlier call."""
        self._callers[number] = Caller(sink, 1)
        if tracked:
            destination = self._destinations.setdefault(peer_id, Destination(peer_id))
            destination.awaited.add(number, 1, sink, 1)
            self._ask(destination)

    # peers

    def peer_changed(self, peer_id: str) -> None:
        """A peer was linked, lost or forgotten."""
        destination = self._destinations.get(peer_id)
        if destination is None or self.closed:
            return
        if self.links.state(peer_id) is PeerState.LINKED:
            destination.attempts = 0
            if destination.retry is not None:
                destination.retry.cancel()
                destination.retry = None
        self._go_on(destination)

    def connected(self, peer_id: str) -> None:
        """There is a new connection to a peer: outcomes may have been lost with the former."""
        destination = self._destinations.get(peer_id)
        if destination is not None:
            self._ask(destination)

    def _ask(self, destination: Destination) -> None:
        peer = self.links.peers.get(destination.peer_id)
        if peer is not None and peer.sessions and len(destination.awaited):
            for ranges in destination.awaited.questions():
                peer.sessions[-1].ask_outcomes(ranges)

    def _go_on(self, destination: Destination) -> None:
        for queue in destination.queues:
            queue.go_on()

    def reach(self, destination: Destination) -> None:
        """Messages wait for a peer that is not linked: it is dialled, again and again."""
        if self.closed or destination.retry is not None or self.links.state(destination.peer_id) is not PeerState.KNOWN:
            return
        pause = BACKOFF[min(destination.attempts, len(BACKOFF)) - 1] if destination.attempts else 0.0
        destination.retry = asyncio.get_running_loop().call_later(
            pause * random.uniform(0.67, 1.33), self._dial, destination
        )

    def _dial(self, destination: Destination) -> None:
        destination.retry = None
        destination.attempts += 1
        try:
            self.links.want(destination.peer_id)
        except SidecarError as error:
            _log.debug("%s cannot be dialled: %s", destination.peer_id, error)
            self.reach(destination)

    # time

    def _look(self) -> None:
        """Once a second: what has expired goes, and what was held up goes on."""
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._look)
        now = self.journal.clock.now()
        self.journal.submit(lambda database: outgoing.expired(database, now, EXPIRED_AT_ONCE), self._expired)
        self._room_came()
        for destination in list(self._destinations.values()):
            self._go_on(destination)
            self._forget_idle(destination)

    def _forget_idle(self, destination: Destination) -> None:
        """What nobody uses any more leaves nothing behind."""
        for queue in [queue for queue in destination.queues if queue.idle]:
            destination.queues.remove(queue)
            del self._queues[destination.peer_id, queue.channel, queue.priority]
        if not (destination.queues or destination.room_wanted or destination.retry or len(destination.awaited)):
            del self._destinations[destination.peer_id]

    def _expired(self, rows: list[tuple[int, int, str, str, int, int]]) -> None:
        for number, count, peer_id, channel, priority, size in rows:
            queue = self.queue(peer_id, channel, priority)
            if not queue.was_sent(number) and number not in self._removing:
                detail = "its time to live has passed before the peer's sidecar had it"
                self._drop(queue, number, count, size, Reason.EXPIRED, detail)

    def _drop(self, queue: Queue, number: int, count: int, size: int, reason: Reason, detail: str) -> None:
        queue.drop(number)
        self._fail(queue.destination, queue.channel, number, count, reason, detail)
        self.remove(queue.destination, number, size)

    def purge(self, rows: list[tuple[int, int, int, str, str, int]]) -> int:
        """Rows (number, count, size, peer, channel, priority) are wanted by nobody any more; how many messages."""
        gone = 0
        for number, count, size, peer_id, channel, priority in rows:
            queue = self.queue(peer_id, channel, priority)
            if not queue.was_sent(number) and number not in self._removing:
                self._drop(queue, number, count, size, Reason.PURGED, "it was purged from the queue")
                gone += count
        self._flush()  # before anybody looks again
        return gone

    def replayed(self, rows: list[tuple[int, int, int, str, str, int]]) -> None:
        """Dead letters wait again."""
        for number, _, size, peer_id, channel, priority in rows:
            queue = self.queue(peer_id, channel, priority)
            queue.destination.bytes += size
            self.bytes += size
            queue.again_from(number)
