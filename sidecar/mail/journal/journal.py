"""The journal as the event loop sees it: what it holds, and work for its thread."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sidecar.errors import SidecarError
from sidecar.mail.journal import incoming, outgoing
from sidecar.mail.journal.clock import SteadyClock
from sidecar.mail.journal.database import open_journal
from sidecar.mail.journal.writer import Writer

SLACK_PAGES = 2_000
SHRINK_PAGES = 2_000
"""Pages of 4 KiB: free ones that the file keeps for what comes next, and how many beyond those each sweep gives back to
the disk at most, which holds up other writes for some tens of milliseconds."""
SWEEP_MOST = 2_000
"""Rows that one sweep deals with."""

REQUESTS_READ = 10_000

Result = TypeVar("Result")


class Survey:
    """What a journal begins with."""

    def __init__(self, database: sqlite3.Connection) -> None:
        (self.seen,) = database.execute("SELECT coalesce(max(value), 0) FROM facts WHERE name = 'seen'").fetchone()
        self.standings = outgoing.standings(database)
        self.backlog = incoming.channels(database)
        self.bytes = 0
        for table in ("outgoing", "incoming"):
            (held,) = database.execute(f"SELECT coalesce(sum(size), 0) FROM {table} WHERE data NOT NULL").fetchone()
            self.bytes += held
        self.last_number = outgoing.last_number(database)
        self.requests = outgoing.requests(database, REQUESTS_READ)


class Journal:
    """See the package. Without a directory it is in memory: what it holds is not durable."""

    def __init__(self, directory: Path | None, max_bytes: int) -> None:
        """Opens it. SettingsError when it cannot be used."""
        self.durable = directory is not None
        self.troubled: SidecarError | None
        """Why it cannot be written, once it cannot."""
        self.max_bytes = max_bytes
        database, self.damage, self.troubled = open_journal(directory, Survey)
        survey = Survey(database)
        self.clock = SteadyClock(survey.seen)
        self.standings = survey.standings
        """Queues of messages that a former run has left."""
        self.backlog = survey.backlog
        """The same of messages that have come: (channel, messages, bytes, highest row)."""
        self.bytes = survey.bytes
        """Of messages that it holds, or will as soon as they are written."""
        self._requests = survey.requests
        self.commits = 0
        self.works = 0
        self.seconds = 0.0
        """Commits, what was done in them, and how long they took in all."""
        self.on_trouble: Callable[[SidecarError | None], None] = lambda error: None
        self.on_commit: Callable[[int, float], None] = lambda works, seconds: None
        # Numbers are never used twice, also not by a journal that was lost or put back: see the decision.
        self._next = max(survey.last_number + 1, time.time_ns() // 1000)
        self._writer = Writer(database, self._committed, self.troubled)
        self._database = database

    def requests(self, most: int) -> list[outgoing.Request]:
        """The latest requests that a former run remembers, the last first."""
        now = self.clock.now()
        return [request for request in self._requests if not 0 < request.until <= now][:most]

    def numbers(self, count: int) -> int:
        """The first of so many numbers that nobody has had."""
        first = self._next
        self._next += count
        return first

    # room

    @property
    def full(self) -> bool:
        """Whether its budget is used up."""
        return self.bytes >= self.max_bytes

    def take(self, size: int) -> None:
        """So many bytes are about to be written."""
        self.bytes += size

    def give_back(self, size: int) -> None:
        """So many are gone."""
        self.bytes -= size

    # work

    def submit(
        self,
        run: Callable[[sqlite3.Connection], Result],
        done: Callable[[Result], None],
        failed: Callable[[SidecarError], None] | None = None,
    ) -> None:
        """Has it done in the journal's thread, after all that was submitted before. Without `failed`, what cannot be
        done is told as trouble alone."""

        def failure(error: SidecarError) -> None:
            self._trouble(error)
            if failed is not None:
                failed(error)

        self._writer.submit(run, done, failure)

    def sweep(self) -> None:
        """Forgets what its window has passed for, and notes the time."""
        now = self.clock.now()

        def run(database: sqlite3.Connection) -> None:
            database.execute("INSERT OR REPLACE INTO facts VALUES ('seen', ?)", (now,))
            incoming.forget(database, now, SWEEP_MOST)
            database.execute("DELETE FROM requests WHERE until > 0 AND until <= ?", (now,))

        self.submit(run, lambda _: None)
        # It wants room in the log first: on a disk that has none it waits for better times, and that is no trouble.
        self._writer.submit(_shrink, lambda _: None, lambda _: None)

    def _committed(self, works: int, seconds: float) -> None:
        self.commits += 1
        self.works += works
        self.seconds += seconds
        self.on_commit(works, seconds)

    def _trouble(self, error: SidecarError) -> None:
        if self.troubled is None or self.troubled.detail != error.detail:
            self.troubled = error
            self.on_trouble(error)

    def recovered(self) -> None:
        """It was written after all."""
        if self.troubled is not None:
            self.troubled = None
            self.on_trouble(None)

    def close(self) -> None:
        """Writes what was submitted and closes the file."""
        self._writer.close()

    def __repr__(self) -> str:
        where = "on disk" if self.durable else "in memory"
        return f"Journal({where}, {self.bytes}/{self.max_bytes} bytes, {self.commits} commits)"


def _shrink(database: sqlite3.Connection) -> None:
    (free,) = database.execute("PRAGMA freelist_count").fetchone()
    for _ in range(min(free - SLACK_PAGES, SHRINK_PAGES)):
        database.execute("PRAGMA incremental_vacuum(1)")  # Python's module stops after one page, whatever it is told
