"""Errands: work in the background that nobody waits for. A bug in one is logged when it shows, not when its task is
collected, which for one that runs as long as the sidecar does is at the end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

_log = logging.getLogger(__name__)


class Errands:
    """Those of one owner."""

    def __init__(self, what: str) -> None:
        """`what` they do, for the log."""
        self._what = what
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def run(self, work: Coroutine[None, None, None]) -> None:
        """Has it done."""
        self.keep(asyncio.get_running_loop().create_task(work))

    def keep(self, task: asyncio.Task[None]) -> None:
        """The same for what its owner may want to cancel alone."""
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def cancel(self) -> None:
        """None is gone on with."""
        for task in list(self._tasks):
            task.cancel()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("%s failed by a bug", self._what, exc_info=error)
