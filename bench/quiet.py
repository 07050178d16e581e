"""When a sample counts: taken while nothing else used the machine, or taken again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.works import Sample

LIMIT = 0.10
"""The share of the machine that others may take during a sample."""


@dataclass
class Quiet:
    """Takes a sample again while others took more than `limit` of the machine: `again` times at most, and `budget`
    times in all of a run, so that a machine which is never quiet still comes to an end."""

    again: int
    budget: int
    limit: float = LIMIT

    def take(self, sample: Callable[[], Sample]) -> Sample:
        """The quietest of the samples taken; `others` is in each. `tries` says how many there were, and `busy` is 1
        where even the quietest was not quiet."""
        best = sample()
        tries = 1
        while best["others"] > self.limit and tries <= self.again and self.budget > 0:
            self.budget -= 1
            tries += 1
            best = min(best, sample(), key=lambda taken: taken["others"])
        return {**best, "tries": tries, "busy": float(best["others"] > self.limit)}
