"""The post: everything about messages that are kept. It joins the journal to links and inbox, and shows what waits."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.mail.inbox import Inbox
from sidecar.mail.journal import Journal, incoming, letters
from sidecar.mail.keeper import PURGED
from sidecar.mail.piece import Backlog
from sidecar.metrics import Counters
from sidecar.overlay.awaited import TrackedSink
from sidecar.overlay.courier import Courier
from sidecar.overlay.events import Event, JournalTrouble
from sidecar.overlay.kept_sender import AnySender, DurableSender, TrackedSender, Tracker
from sidecar.overlay.links import Links
from sidecar.overlay.peer import Peer, PeerState
from sidecar.overlay.requests import Requests

SWEEP_SECONDS = 10.0

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a caller wants of its messages beside their way."""

    durable: bool = False
    ttl: float | None = None
    """Seconds; None for as long as the sidecar keeps any."""
    awaits_delivered: bool = True
    awaits_processed: bool = False


class Post:
    """See the module."""

    def __init__(
        self, links: Links, inbox: Inbox, journal: Journal, counters: Counters, tell: Callable[[Event], None], *,
        queue_bytes: int, queue_time: float, window: float,
    ) -> None:  # fmt: skip
        self.journal = journal
        self.courier = Courier(links, journal, counters, tell, queue_bytes=queue_bytes)
        self.requests = Requests(journal, self.courier, window=window)
        self._tracker = Tracker(links)
        self._links = links
        self._inbox = inbox
        self._counters = counters
        self._tell = tell
        self._queue_time = queue_time
        self._sweep: asyncio.TimerHandle | None = None
        links.on_outcomes = self._outcomes
        links.on_connected = self._connected
        journal.on_trouble = lambda error: tell(JournalTrouble(error.detail if error is not None else ""))
        journal.on_commit = self._committed

    def start(self) -> None:
        """Begins to work."""
        if self.journal.damage is not None:
            self._tell(JournalTrouble(self.journal.damage))
        if self.journal.troubled is not None:
            self._tell(JournalTrouble(self.journal.troubled.detail))
        self.courier.start()
        self._look()

    def close(self) -> None:
        """Writes what is to be written, and closes the journal."""
        if self._sweep is not None:
            self._sweep.cancel()
        self.courier.close()
        self._inbox.keeper.close()
        self.journal.close()

    def _look(self) -> None:
        self._sweep = asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._look)
        self.journal.sweep()
        self._inbox.expire_heads()
        self.requests.forget()

    def _committed(self, works: int, seconds: float) -> None:
        self._counters.journal_commit.add(seconds)
        self._counters.journal_group.add(works)

    # sending

    def open_sender(
        self, peer_id: str, channel: str, priority: int, sink: TrackedSink, delivery: Delivery, token: str = ""
    ) -> AnySender:
        """A way to send as `delivery` says. SidecarError INVALID_FIELD where nothing can be durable."""
        if not delivery.durable:
            return TrackedSender(
                self._links, self._counters, self._tell, peer_id, channel, priority, sink, self._tracker, token
            )  # fmt: skip
        if not self.journal.durable:
            raise SidecarError(
                Reason.INVALID_FIELD, "durable: this sidecar runs with --ephemeral and keeps nothing on disk",
                fields=(("durable", "needs a sidecar with a state directory"),),
            )  # fmt: skip
        return DurableSender(
            self.courier, self._counters, peer_id, channel, priority, sink,
            ttl=min(delivery.ttl, self._queue_time) if delivery.ttl is not None else self._queue_time,
            tracked=delivery.awaits_processed, awaited=delivery.awaits_delivered,
        )  # fmt: skip

    # links

    def peer_changed(self, peer_id: str) -> None:
        """A peer stands otherwise than it did."""
        self.courier.peer_changed(peer_id)
        if self._links.state(peer_id) is PeerState.KNOWN:
            self._tracker.lost(peer_id)

    def _connected(self, peer: Peer) -> None:
        self._tracker.connected(peer.peer_id, renewed=peer.renewed)
        self.courier.connected(peer.peer_id)

    def _outcomes(self, peer_id: str, ranges: list[wire_pb2.OutcomeRange]) -> None:
        for told in ranges:
            if told.durable:
                self.courier.outcome(peer_id, told)
            else:
                self._tracker.of(peer_id).tell(told)

    # what is kept

    async def _ask(self, run: Callable[[sqlite3.Connection], Result]) -> Result:
        answered: asyncio.Future[Result] = asyncio.get_running_loop().create_future()

        def done(result: Result) -> None:
            if not answered.done():
                answered.set_result(result)

        def failed(error: SidecarError) -> None:
            if not answered.done():
                answered.set_exception(error)

        self.journal.submit(run, done, failed)
        return await answered

    async def queues(self) -> list[letters.Summary]:
        """What is kept, summed."""
        return await self._ask(letters.summaries)

    async def letters_of(self, choice: letters.Choice, after: int, most: int) -> list[letters.Letter]:
        """The letters of a queue behind `after`, at most so many."""
        return await self._ask(lambda database: letters.listed(database, choice, after, most))

    async def letter(self, queue: letters.Queue, letter_id: int) -> tuple[letters.Letter, bytes]:
        """One letter and its batch. SidecarError LETTER_UNKNOWN."""
        choice = letters.Choice(queue, ids=(letter_id,))

        def run(database: sqlite3.Connection) -> tuple[list[letters.Letter], bytes | None]:
            return letters.listed(database, choice, 0, 1), letters.messages_of(database, queue, letter_id)

        found, data = await self._ask(run)
        if not found or data is None:
            raise SidecarError(Reason.LETTER_UNKNOWN, f"there is no letter {letter_id} in {queue.name}")
        return found[0], data

    async def purge(self, choice: letters.Choice) -> int:
        """Removes letters for good; how many messages."""
        gone = 0
        while rows := await self._ask(lambda database: letters.chosen(database, choice)):
            if choice.queue is letters.Queue.OUTGOING:
                purged = self.courier.purge(rows)
            elif choice.queue is letters.Queue.INCOMING:
                purged = await self._purge_incoming(rows)
            else:
                purged = await self._purge_dead(choice.queue, rows)
            gone += purged
            if not purged:
                break  # what is left is in the hands of peers or apps
        return gone

    async def _purge_dead(self, queue: letters.Queue, rows: list[letters.Chosen]) -> int:
        await self._ask(lambda database: letters.purge(database, queue, [row[0] for row in rows]))
        self.journal.give_back(sum(row[2] for row in rows))
        return sum(row[1] for row in rows)

    async def _purge_incoming(self, rows: list[letters.Chosen]) -> int:
        in_memory = self._inbox.purge({row[0] for row in rows})
        on_disk = [row for row in rows if self._inbox.unread(row[4], row[0])]
        until = self.journal.clock.now() + self._inbox.keeper.window

        def run(database: sqlite3.Connection) -> None:
            for row, count, *_ in on_disk:
                incoming.settle(database, row, 0, count, PURGED, last=True, until=until)

        await self._ask(run)
        self.journal.give_back(sum(row[2] for row in on_disk))
        return in_memory + sum(row[1] for row in on_disk)

    async def replay(self, choice: letters.Choice) -> int:
        """Puts letters of a queue of dead ones back where they came from; how many messages."""
        back = 0
        expires = self.journal.clock.now() + self._queue_time
        while rows := await self._ask(lambda database: letters.chosen(database, choice)):
            ids = [row[0] for row in rows]
            if choice.queue is letters.Queue.DEAD_OUTGOING:
                await self._ask(lambda database, ids=ids: letters.replay_outgoing(database, ids, expires))  # type: ignore[misc]
                self.courier.replayed(rows)
            else:
                await self._ask(lambda database, ids=ids: letters.replay_incoming(database, ids))  # type: ignore[misc]
                for row in rows:
                    self._inbox.replay(row[4], Backlog(row[0], after=row[0] - 1))
            back += sum(row[1] for row in rows)
        return back
