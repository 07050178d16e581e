"""When a sample counts: taken while nothing else used the machine, or taken again."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Taken = TypeVar("Taken")

LIMIT = 0.10
"""The share of the machine that others may take during a sample."""


@dataclass(frozen=True)
class Kept(Generic[Taken]):
    """A sample that counts."""

    sample: Taken
    others: float
    """The share of the machine that others took meanwhile."""
    tries: int
    busy: bool
    """Whether it was too much, and is kept as there was nothing quieter."""

    def marks(self) -> dict[str, float]:
        """What a sample says of this."""
        return {"others": self.others, "tries": self.tries, "busy": float(self.busy)}


@dataclass
class Quiet:
    """Takes a sample again while others took more than `limit` of the machine: `again` times at most, and for as many
    seconds as there are left, so that a machine which is never quiet still comes to an end."""

    again: int
    left: float = 0.0
    """Seconds that samples taken again may still take; the last one may go beyond."""
    limit: float = LIMIT
    clock: Callable[[], float] = time.monotonic

    def take(self, sample: Callable[[], tuple[Taken, float]]) -> Kept[Taken]:
        """The quietest of the samples taken. `sample` gives one with the share that others took."""
        best, least = sample()
        tries = 1
        while least > self.limit and tries <= self.again and self.left > 0:
            began = self.clock()
            another, others = sample()
            self.left -= self.clock() - began
            tries += 1
            if others < least:
                best, least = another, others
        return Kept(best, least, tries, least > self.limit)
