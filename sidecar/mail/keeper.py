"""Kept messages beside the inbox: into the journal before they are acknowledged, out of it when apps have settled them.

A link's kept messages go through one intake, in order: a durable one that waits for the disk holds back the kept ones
behind it, and nothing else. What a former run has left comes back by pages, channel by channel, in front of what is
new.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from sidecar.errors import SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.mail.journal import Journal, incoming
from sidecar.mail.piece import Backlog, Piece
from sidecar.metrics import KeptEvent
from sidecar.wire.arrival import Arrival, Row
from sidecar.wire.inbound import Inbound
from sidecar.wire.kept import DURABLE, TRACKED, Kept

if TYPE_CHECKING:
    from sidecar.mail.inbox import Channel, Inbox

RETRY_SECONDS = 1.0
"""Between attempts to write what could not be written."""
ASKED_MAX = 64
"""Frames of questions of one peer that the journal is at; what is beyond is not answered."""
PAGE_BYTES = 1 << 20
"""Of a former run's messages so many are read at a time."""

PROCESSED, DEAD, EXPIRED, PURGED = (
    wire_pb2.OUTCOME_PROCESSED,
    wire_pb2.OUTCOME_DEAD,
    wire_pb2.OUTCOME_EXPIRED,
    wire_pb2.OUTCOME_PURGED,
)


class Entry:
    """A run in an intake."""

    __slots__ = ("arrival", "ready")

    def __init__(self, arrival: Arrival) -> None:
        self.arrival = arrival
        self.ready: list[Arrival] | None = None
        """What of it is to be handed out, once it is stored."""


class Origin:
    """The sender of messages whose link is gone. See wire.inbound.Source."""

    def __init__(self, peer_id: str, instance: int) -> None:
        self.peer_id = peer_id
        self.instance = instance
        self.epoch = object()

    def taken(self, arrival: Arrival, size: int, count: int) -> None:
        """Nobody counts them any more."""


class Keeper:
    """See the module."""

    def __init__(
        self, inbox: Inbox, journal: Journal, *, window: float, on_dead: Callable[[str, str, int], None]
    ) -> None:
        self.journal = journal
        self.window = window
        """Seconds that a settled message is remembered."""
        self.redelivered = 0
        self.dead = 0
        self.expired = 0
        self.repeats = 0
        """Messages that came before, by number or by id."""
        self._inbox = inbox
        self._on_dead = on_dead
        self._inbounds: dict[str, Inbound] = {}
        self._intakes: dict[Inbound, deque[Entry]] = {}
        self._asked: dict[str, int] = {}
        """By peer: questions that the journal is at."""
        self._due: list[tuple[Callable[[sqlite3.Connection], object], Callable[[], None]]] = []
        """What is to be written with the next commit, and what follows from it."""
        self._flushing = False
        for channel, _, _, through in journal.backlog:
            inbox.restore(channel, Backlog(through))

    def counts(self) -> dict[KeptEvent, int]:
        """What became of messages that came, for the metrics."""
        return {
            "redelivered": self.redelivered, "dead": self.dead, "expired": self.expired, "repeated": self.repeats,
        }  # fmt: skip

    # links

    def register(self, inbound: Inbound) -> None:
        """A link begins."""
        self._inbounds[inbound.peer_id] = inbound

    def unregister(self, inbound: Inbound) -> None:
        """It is gone."""
        if self._inbounds.get(inbound.peer_id) is inbound:
            del self._inbounds[inbound.peer_id]

    # what comes

    def keep(self, arrival: Arrival) -> None:
        """See wire.inbound.Inbox."""
        kept, inbound = _kept(arrival), arrival.inbound
        assert isinstance(inbound, Inbound), "what comes, comes on a link"
        if kept.ttl_ms:
            arrival.expires = self.journal.clock.now() + kept.ttl_ms / 1000
        intake = self._intakes.get(inbound)
        if not kept.flags & DURABLE and not intake:
            self._inbox.put(arrival)
            inbound.stored(arrival)
            return
        if intake is None:
            intake = self._intakes[inbound] = deque()
        entry = Entry(arrival)
        intake.append(entry)
        if kept.flags & DURABLE:
            self._store(intake, entry)
        else:
            entry.ready = [arrival]

    def _store(self, intake: deque[Entry], entry: Entry) -> None:
        if self.journal.full:
            self._again(intake, entry)
            return
        arrival = entry.arrival
        kept = _kept(arrival)
        run = incoming.Incoming(
            arrival.inbound.peer_id, kept.number, arrival.count, arrival.channel, arrival.priority, kept.flags,
            arrival.bulk, arrival.instance, arrival.first_sequence, self.journal.clock.now(), arrival.expires,
            arrival.batch,
        )  # fmt: skip
        self.journal.take(arrival.size)

        def failed(error: SidecarError) -> None:
            self.journal.give_back(arrival.size)
            self._again(intake, entry)

        self.journal.submit(
            lambda database: incoming.store(database, run), lambda found: self._stored(intake, entry, *found), failed
        )

    def _again(self, intake: deque[Entry], entry: Entry) -> None:
        asyncio.get_running_loop().call_later(RETRY_SECONDS, self._store, intake, entry)

    def _stored(
        self, intake: deque[Entry], entry: Entry, parts: list[incoming.Stored], known: list[tuple[int, int, int]]
    ) -> None:
        self.journal.recovered()
        arrival, kept = entry.arrival, _kept(entry.arrival)
        entry.ready = []
        for stored in parts:
            part = arrival
            if stored.count < arrival.count:
                part = _part(arrival, stored.offset, stored.count, stored.data)
            part.row = Row(stored.row, kept.number + stored.offset, stored.count, len(stored.data))
            entry.ready.append(part)
        size, count = sum(part.size for part in entry.ready), sum(part.count for part in entry.ready)
        if count < arrival.count:
            self.repeats += arrival.count - count
            self.journal.give_back(arrival.size - size)
            arrival.take(arrival.size - size, arrival.count - count)
            if not kept.flags & TRACKED:
                known = []
            for number, many, outcome in known:
                self._tell(arrival.inbound.peer_id, number, many, outcome)
        self._hand_on(intake)

    def _hand_on(self, intake: deque[Entry]) -> None:
        while intake and intake[0].ready is not None:
            entry = intake.popleft()
            for arrival in entry.ready or ():
                self._inbox.put(arrival)
            inbound = entry.arrival.inbound
            assert isinstance(inbound, Inbound), "what comes, comes on a link"
            inbound.stored(entry.arrival)
            if not intake:
                self._intakes.pop(inbound, None)

    def asked(self, inbound: Inbound, ranges: list[wire_pb2.OutcomeRange]) -> None:
        """See wire.inbound.Inbox."""
        peer_id = inbound.peer_id
        if self._asked.get(peer_id, 0) >= ASKED_MAX:
            return  # it asks again on its next connection
        self._asked[peer_id] = self._asked.get(peer_id, 0) + 1
        wanted = [(part.first, part.last) for part in ranges]

        def run(database: sqlite3.Connection) -> list[tuple[int, int, int]]:
            return [found for first, last in wanted for found in incoming.outcomes(database, peer_id, first, last)]

        def answered() -> None:
            self._asked[peer_id] -= 1
            if not self._asked[peer_id]:
                del self._asked[peer_id]

        def done(found: list[tuple[int, int, int]]) -> None:
            answered()
            for number, count, outcome in found:
                self._tell(peer_id, number, count, outcome)

        self.journal.submit(run, done, lambda error: answered())

    def _tell(self, peer_id: str, number: int, count: int, outcome: int) -> None:
        inbound = self._inbounds.get(peer_id)
        if inbound is not None:  # else it asks when it links again
            inbound.tell_outcome(number, count, _outcome(outcome), durable=True)

    # what goes

    def settled(self, piece: Piece, outcome: wire_pb2.Outcome = PROCESSED) -> None:
        """Messages have their outcome here."""
        arrival, kept = piece.arrival, _kept(piece.arrival)
        number = kept.number + piece.first_sequence - arrival.first_sequence
        row, inbound = arrival.row, arrival.inbound
        if row is None:
            if kept.flags & TRACKED and isinstance(inbound, Inbound) and arrival.epoch is inbound.epoch:
                inbound.tell_outcome(number, piece.count, outcome, durable=False)
            return
        row.left -= piece.count
        last = not row.left
        first, count, row_id = number - row.number, piece.count, row.id
        until = self.journal.clock.now() + self.window

        def run(database: sqlite3.Connection) -> None:
            incoming.settle(database, row_id, first, count, outcome, last=last, until=until)

        def after() -> None:
            if last:
                self.journal.give_back(row.size)
            if kept.flags & TRACKED:
                self._tell(inbound.peer_id, number, count, outcome)

        self._write(run, after)

    def came_back(self, piece: Piece) -> None:
        """Messages were handed out and come back: how often is noted."""
        row = piece.arrival.row
        self.redelivered += piece.count
        if row is not None:
            row_id, deliveries = row.id, piece.redeliveries
            self._write(lambda database: incoming.count_deliveries(database, row_id, deliveries), _nothing)

    def bury(self, piece: Piece, deliveries: int) -> None:
        """Messages become a dead letter; their place in the inbox is free already. A plain one finds room, or is
        lost."""
        arrival = piece.arrival
        self.dead += piece.count
        self._on_dead(arrival.inbound.peer_id, arrival.channel, piece.count)
        if arrival.row is None and self.journal.full:
            if arrival.kept is not None:
                self.settled(piece, DEAD)
            return
        flags = arrival.kept.flags & ~TRACKED if arrival.kept is not None else 0  # its sender is told that it is dead
        letter = incoming.Incoming(
            arrival.inbound.peer_id, 0, piece.count, arrival.channel, arrival.priority,
            flags, arrival.bulk, arrival.instance, piece.first_sequence,
            piece.received_at, 0.0, piece.batch,
        )  # fmt: skip
        self.journal.take(len(piece.batch))
        self._write(lambda database: incoming.bury(database, letter, deliveries, "DEAD_LETTERED"), _nothing)
        if arrival.kept is not None:
            self.settled(piece, DEAD)

    def _write(self, run: Callable[[sqlite3.Connection], object], after: Callable[[], None]) -> None:
        self._due.append((run, after))
        if not self._flushing:
            self._flushing = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        """What has gathered in a turn of the loop is one work for the journal. What cannot be written is tried again:
        it is of messages that apps have settled."""
        self._flushing = False
        due, self._due = self._due, []

        def run(database: sqlite3.Connection) -> None:
            for work, _ in due:
                work(database)

        def done(_: None) -> None:
            for _work, after in due:
                after()

        def failed(error: SidecarError) -> None:
            self._due = due + self._due
            if not self._flushing:
                self._flushing = True
                asyncio.get_running_loop().call_later(RETRY_SECONDS, self._flush)

        self.journal.submit(run, done, failed)

    # what a former run has left

    def load(self, channel: Channel) -> None:
        """Reads the next of them, to be handed out."""
        backlog = channel.backlog
        if backlog is None or backlog.loading:
            return
        backlog.loading = True
        name, after, through = channel.name, backlog.after, backlog.through

        def done(found: tuple[list[incoming.Unsettled], int, bool]) -> None:
            parts, backlog.after, complete = found
            backlog.loading = False
            rows: dict[int, Row] = {}
            for part in parts:
                row = rows.get(part.row)
                if row is None:
                    row = rows[part.row] = Row(part.row, part.row_number, part.left, part.row_size)
                self._inbox.put_restored(channel, _restored(part, row))
            if complete:
                self._inbox.complete(channel)
            self._inbox.wake(channel)

        def failed(error: SidecarError) -> None:
            backlog.loading = False

        self.journal.submit(
            lambda database: incoming.page(database, name, after, through, PAGE_BYTES), done, failed
        )  # fmt: skip

    def load_once(self, channel: Channel, backlog: Backlog) -> None:
        """Reads one row into a channel's queue, behind what is there; a channel that has a backlog comes to it by
        itself."""
        if channel.backlog is not None and channel.backlog.after < backlog.through <= channel.backlog.through:
            return
        name, after, through = channel.name, backlog.after, backlog.through
        channel.delayed += 1

        def done(found: tuple[list[incoming.Unsettled], int, bool]) -> None:
            channel.delayed -= 1
            for part in found[0]:
                row = Row(part.row, part.row_number, part.left, part.row_size)
                self._inbox.put_restored(channel, _restored(part, row))
            self._inbox.wake(channel)

        def failed(error: SidecarError) -> None:
            channel.delayed -= 1

        self.journal.submit(
            lambda database: incoming.page(database, name, after, through, PAGE_BYTES), done, failed
        )  # fmt: skip

    def close(self) -> None:
        """Writes what is settled."""
        if self._due:
            self._flush()


def _nothing() -> None:
    """Nothing follows."""


def _outcome(number: int) -> wire_pb2.Outcome:
    return (wire_pb2.OUTCOME_UNSPECIFIED, PROCESSED, DEAD, EXPIRED, PURGED)[number]


def _kept(arrival: Arrival) -> Kept:
    assert arrival.kept is not None, "a plain message is not kept"
    return arrival.kept


def _part(arrival: Arrival, offset: int, count: int, data: bytes) -> Arrival:
    part = Arrival(
        arrival.inbound, arrival.channel, arrival.number, arrival.priority, arrival.first_sequence + offset, count,
        data,
        bulk=arrival.bulk, reserved=arrival.reserved,
    )  # fmt: skip
    part.epoch, part.instance, part.expires = arrival.epoch, arrival.instance, arrival.expires
    part.kept = _kept(arrival).after(offset)
    return part


def _restored(part: incoming.Unsettled, row: Row) -> Piece:
    arrival = Arrival(
        Origin(part.peer, part.instance), part.channel, 0, part.priority, part.sequence, part.count, part.data,
        bulk=part.bulk, reserved=False,
    )  # fmt: skip
    arrival.kept = Kept(part.number, part.flags & TRACKED | DURABLE, 0)
    arrival.row = row
    arrival.expires = part.expires
    # It may have been handed out before the end of the former run: nobody wrote that down.
    return Piece(arrival, part.data, part.sequence, part.count, part.taken, part.deliveries + 1)
