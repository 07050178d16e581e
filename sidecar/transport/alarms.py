"""When each connection wants to be looked at again, with one timer of the loop for all of them."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Iterator

from sidecar.transport.pump import Pump

EARLY = 1e-6
"""The loop rings up to its clock's resolution early."""


class Alarms:
    """Deadlines of connections. One that moves later costs nothing: the connection is asked again when it was due."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ring: Callable[[], None]) -> None:
        self._loop = loop
        self._ring = ring
        self._heap: list[tuple[float, int, Pump]] = []
        self._pushed = 0
        self._timer: asyncio.TimerHandle | None = None

    def set(self, pump: Pump, due: float) -> None:
        """The connection is to be looked at by then."""
        if not pump.armed or due < pump.armed[-1]:
            # Earlier than all that is armed for it, so its times in the heap stay sorted, the soonest last.
            pump.armed.append(due)
            self._pushed += 1
            heapq.heappush(self._heap, (due, self._pushed, pump))
            if self._timer is None or due < self._timer.when():
                self._start()

    def due(self, now: float) -> Iterator[Pump]:
        """Those whose time has come, each taken off."""
        self._timer = None
        while self._heap and self._heap[0][0] <= now + EARLY:
            pump = heapq.heappop(self._heap)[2]
            pump.armed.pop()
            yield pump
        if self._heap:
            self._start()

    def close(self) -> None:
        """Rings no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._heap.clear()

    def _start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._heap[0][0], self._ring)
