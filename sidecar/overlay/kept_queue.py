"""A queue of durable messages: what waits for one peer on one channel and priority.

In memory is only what the link's outbox has room for; the rest is on disk and is read by pages. What a link loses is
read again, from the first message that is not known to have arrived, so that order holds; the other side's journal
knows what comes twice.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sidecar.errors import Reason
from sidecar.mail.journal import outgoing
from sidecar.overlay.awaited import Awaited
from sidecar.overlay.peer import Peer, PeerState
from sidecar.wire.kept import TTL_MAX_MS, Kept
from sidecar.wire.run import Run

if TYPE_CHECKING:
    from sidecar.overlay.courier import Courier

PAGE_BYTES = 256 << 10
"""Read from the journal at a time for one queue."""
FINAL = frozenset({Reason.MESSAGE_TOO_LARGE, Reason.UNSUPPORTED_BY_PEER, Reason.LIMIT_REACHED})
"""What the peer's sidecar will say next time too: such messages become dead letters."""


class InFlight:
    """A row that the link has."""

    __slots__ = ("count", "left", "number", "sent", "size")

    def __init__(self, number: int, count: int, size: int) -> None:
        self.number = number
        self.count = count
        self.left = count
        self.size = size
        self.sent = False


class Destination:
    """A peer that messages wait for."""

    def __init__(self, peer_id: str) -> None:
        self.peer_id = peer_id
        self.bytes = 0
        self.queues: list[Queue] = []
        self.room_wanted: list[Callable[[], None]] = []
        self.awaited = Awaited(durable=True)
        self.attempts = 0
        self.retry: asyncio.TimerHandle | None = None


class Queue:
    """See the module. It is the sink of its runs, whose numbers are the journal's."""

    def __init__(self, courier: Courier, destination: Destination, channel: str, priority: int) -> None:
        self.destination = destination
        self.channel = channel
        self.priority = priority
        self.tail = 0
        """The number of the last row in the journal."""
        self.position = 0
        """That of the last row handed to the link, or passed over."""
        self.unwritten = 0
        """Batches handed to the journal and not written."""
        self._courier = courier
        self._numbers: list[int] = []
        self._in_flight: dict[int, InFlight] = {}
        self._loading = False
        self._waiting = False
        self._restarts = 0

    def written(self, runs: Sequence[Run], flags: int, expires: float) -> None:
        """Rows are in the journal. They go on at once where nothing waits before them."""
        first = self.position >= self.tail and not self._loading
        self.tail = runs[-1].first
        peer = self._ready()
        if first and peer is not None and not peer.link.outbound.outbox.full(self.channel):
            for run in runs:
                self._put(peer, run, flags, expires)
        else:
            self.go_on()

    @property
    def idle(self) -> bool:
        """Whether nothing waits, is on its way or is being written."""
        return not (self.unwritten or self._numbers or self._loading or self._waiting) and self.position >= self.tail

    def go_on(self) -> None:
        """Reads what is next, when there is something, a link and room for it."""
        if self._loading or self._waiting or self.position >= self.tail:
            return
        peer = self._ready()
        if peer is None:
            self._courier.reach(self.destination)
            return
        outbox = peer.link.outbound.outbox
        if outbox.full(self.channel):
            self._waiting = True
            outbox.want_room(self.channel, self._room_came)
            return
        self._loading = True
        key = (self.destination.peer_id, self.channel, self.priority, self.position, PAGE_BYTES)
        restarts, tail = self._restarts, self.tail
        self._courier.journal.submit(
            lambda database: outgoing.page(database, *key),
            lambda found: self._loaded(restarts, tail, *found),
            lambda error: self._not_loaded(),
        )

    def _not_loaded(self) -> None:
        self._loading = False  # the sweep tries again

    def _room_came(self) -> None:
        self._waiting = False
        self.go_on()

    def _loaded(
        self, restarts: int, tail: int, rows: list[outgoing.Loaded], damaged: list[int], complete: bool
    ) -> None:
        self._loading = False
        for number in damaged:
            self._courier.damaged(self, number)
        if restarts == self._restarts and (peer := self._ready()) is not None:
            now = self._courier.journal.clock.now()
            for row in rows:
                if row.expires and row.expires <= now:
                    self.position = row.number  # the sweep removes and reports it
                else:
                    self._put(peer, Run([row.data], row.count, self, row.number), row.flags, row.expires)
            if complete:
                self.position = max(self.position, tail)
        self.go_on()

    def _ready(self) -> Peer | None:
        peer = self._courier.links.peers.get(self.destination.peer_id)
        if peer is None or self._courier.closed or peer.leaving is not None:
            return None
        return peer if peer.state in (PeerState.LINKED, PeerState.RESUMING) else None

    def _put(self, peer: Peer, run: Run, flags: int, expires: float) -> None:
        ttl = 0
        if expires:
            ttl = min(max(1, int((expires - self._courier.journal.clock.now()) * 1000)), TTL_MAX_MS)
        run.kept = Kept(run.first, flags, ttl)
        self._numbers.append(run.first)
        self._in_flight[run.first] = InFlight(run.first, run.count, run.size)
        self.position = run.first
        peer.link.outbound.outbox.put(self.channel, self.priority, run)
        peer.link.wake()

    def restart(self) -> None:
        """What the link had is to be sent again, from the first that is not known to have arrived."""
        if not self._numbers:
            return
        self._restarts += 1
        self.position = min(self.position, self._numbers[0] - 1)
        self._numbers.clear()
        self._in_flight.clear()
        peer = self._courier.links.peers.get(self.destination.peer_id)
        if peer is not None:
            peer.link.outbound.withdraw(self, Reason.CANCELLED, "it is sent again", peer.link.carrier)
        asyncio.get_running_loop().call_soon(self.go_on)

    def again_from(self, number: int) -> None:
        """A row that was passed over waits again."""
        if self._numbers:
            self.restart()
        self.position = min(self.position, number - 1)
        self.tail = max(self.tail, number)
        self._restarts += 1
        self.go_on()

    def was_sent(self, number: int) -> bool:
        """Whether a row has left, so that its outcome is the other side's."""
        found = self._in_flight.get(number)
        return found is not None and found.sent

    def drop(self, number: int) -> None:
        """A row is not wanted any more: the link gives it back if it has it."""
        if number in self._in_flight:
            self.restart()

    # Sink

    def _row(self, number: int) -> InFlight | None:
        at = bisect_right(self._numbers, number) - 1
        if at < 0:
            return None
        row = self._in_flight[self._numbers[at]]
        return row if number < row.number + row.count else None

    def sent(self, first: int, count: int) -> None:
        """See wire.run.Sink."""
        row = self._row(first)
        if row is not None:
            row.sent = True

    def delivered(self, first: int, count: int) -> None:
        """See wire.run.Sink."""
        row = self._row(first)
        if row is None:
            return  # it was given up here meanwhile; it comes again, and is known there
        row.left -= count
        self._courier.delivered(row.number, first - row.number, count)
        if row.left <= 0:
            self._forget(row)
            self._courier.remove(self.destination, row.number, row.size)

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """See wire.run.Sink."""
        row = self._row(first)
        if row is None:
            return
        if reason in FINAL:
            self._forget(row)
            self._courier.bury(self, row.number, row.count, row.size, reason, detail)
        else:
            self.restart()

    def _forget(self, row: InFlight) -> None:
        del self._in_flight[row.number]
        del self._numbers[bisect_right(self._numbers, row.number) - 1]

    def __repr__(self) -> str:
        return f"Queue({self.destination.peer_id[:8]} {self.channel!r} at {self.position} of {self.tail})"
