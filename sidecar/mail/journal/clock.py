"""The clock of the journal."""

from __future__ import annotations

import time
from collections.abc import Callable


class SteadyClock:
    """Seconds since 1970 that never go back and never jump.

    The wall clock is read once, when a run begins, and never below what a former run has seen; from then on the
    monotonic
    clock counts. Who sets the wall clock of a running sidecar changes no time to live; one that is set back between
    two runs stops the time until it has caught up, as far as the journal is concerned.
    """

    def __init__(
        self,
        seen: float = 0.0,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._offset = max(wall(), seen) - monotonic()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._offset + self._monotonic()
