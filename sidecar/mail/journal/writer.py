"""The one thread that writes the journal. What has gathered during one commit goes into the next: group commit."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from sidecar.errors import Reason, SidecarError
from sidecar.state import result_code

_log = logging.getLogger(__name__)

GROUP_MAX = 4096
"""Works in one commit."""

Result = TypeVar("Result")


@dataclass(slots=True)
class Work:
    """Something to do in a transaction, and whom to tell."""

    run: Callable[[sqlite3.Connection], Any]
    done: Callable[[Any], None]
    failed: Callable[[SidecarError], None]
    result: Any = None
    error: SidecarError | None = None


class Writer:
    """See the module. Its verbs are for the event loop's thread, and so is what they call back."""

    def __init__(
        self, database: sqlite3.Connection, noted: Callable[[int, float], None], refusal: SidecarError | None
    ) -> None:
        """With a `refusal` nothing is written, and each work fails with it."""
        self._database = database
        self._noted = noted
        self._refusal = refusal
        self._works: SimpleQueue[Work | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    def submit(
        self,
        run: Callable[[sqlite3.Connection], Result],
        done: Callable[[Result], None],
        failed: Callable[[SidecarError], None],
    ) -> None:
        """Has `run` done with the next commit, after all that was submitted before. `done` gets what it gave when
        that is on the disk, `failed` why it is not; neither once the journal is closed."""
        if self._closed:
            return
        if self._refusal is not None:
            asyncio.get_running_loop().call_soon(failed, self._refusal)
            return
        if self._thread is None:
            self._loop = asyncio.get_running_loop()
            self._thread = Thread(target=self._write, name="journal", daemon=True)
            self._thread.start()
        self._works.put(Work(run, done, failed))

    def close(self) -> None:
        """Writes what was submitted, and ends. Nobody is told any more."""
        if self._closed:
            return
        self._closed = True
        if self._thread is not None:
            self._works.put(None)
            self._thread.join()
        self._database.close()

    # the thread

    def _write(self) -> None:
        while True:
            group: list[Work] = []
            work = self._works.get()
            while work is not None:
                group.append(work)
                if len(group) == GROUP_MAX:
                    break
                try:
                    work = self._works.get_nowait()
                except Empty:
                    break
            if group:
                began = time.monotonic()
                self._commit(group)
                assert self._loop is not None, "set before the thread began"
                if not self._closed:
                    self._loop.call_soon_threadsafe(self._tell, group, time.monotonic() - began)
            if work is None:
                return

    def _commit(self, group: list[Work]) -> None:
        """Does works in one transaction; when that fails, in halves, until it is known which of them cannot be done.
        All fail alike when the file is locked: each try waits for the lock."""
        database = self._database
        try:
            database.execute("BEGIN")
            for work in group:
                work.result = work.run(database)
            database.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - the border where a bug costs its own work, and not the thread of all
            if database.in_transaction:  # SQLite ends it by itself after some errors
                with contextlib.suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
            if len(group) == 1 or result_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                for work in group:
                    work.error = _named(error)
                return
            half = len(group) // 2
            self._commit(group[:half])
            self._commit(group[half:])

    def _tell(self, group: list[Work], seconds: float) -> None:
        if self._closed:
            return
        self._noted(len(group), seconds)
        for work in group:
            try:
                if work.error is not None:
                    work.failed(work.error)
                else:
                    work.done(work.result)
            except Exception:  # noqa: BLE001 - as above: the others of the group learn theirs
                _log.exception("what followed from a work of the journal failed by a bug")


def _named(error: Exception) -> SidecarError:
    if not isinstance(error, sqlite3.Error):
        _log.error("a work of the journal failed by a bug", exc_info=error)
        return SidecarError(Reason.INTERNAL, "the journal could not do it: see the log of this sidecar")
    if result_code(error) == sqlite3.SQLITE_FULL:
        return SidecarError(Reason.JOURNAL_FULL, "the journal's disk is full: make room", retry_after=1)
    return SidecarError(Reason.JOURNAL_FAILED, f"the journal cannot be written: {error}", retry_after=1)
