"""Messages whose senders wait for what apps make of them, by number."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from typing import Protocol

from sidecar.errors import Reason
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.kept import RANGES_MAX, Ranges
from sidecar.wire.run import Sink

REASONS = {
    wire_pb2.OUTCOME_DEAD: (Reason.DEAD_LETTERED, "no app over there acknowledged it: it is a dead letter"),
    wire_pb2.OUTCOME_EXPIRED: (Reason.EXPIRED, "its time to live has passed before an app over there had it"),
    wire_pb2.OUTCOME_PURGED: (Reason.PURGED, "it was purged over there"),
}
"""What an outcome other than PROCESSED is to the sender."""


class TrackedSink(Sink, Protocol):
    """A sink that is also told what apps have done."""

    def processed(self, first: int, count: int) -> None:
        """An app over there has acknowledged them."""
        ...


class Run:
    """Messages of one caller."""

    __slots__ = ("count", "first", "number", "open", "sink")

    def __init__(self, number: int, count: int, sink: TrackedSink, first: int) -> None:
        self.number = number
        self.count = count
        self.sink = sink
        self.first = first
        self.open = Ranges()
        """Numbers whose outcome is not known."""
        self.open.add(number, number + count - 1)


class Awaited:
    """The runs of one peer that wait for outcomes."""

    def __init__(self, *, durable: bool) -> None:
        self.durable = durable
        self._numbers: list[int] = []
        self._runs: dict[int, Run] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def add(self, number: int, count: int, sink: TrackedSink, first: int) -> None:
        """Messages wait from now on; `first` is the sink's own number of the first."""
        if number not in self._runs:
            insort(self._numbers, number)
        self._runs[number] = Run(number, count, sink, first)

    def tell(self, outcome: wire_pb2.OutcomeRange) -> None:
        """An outcome came; what nobody waits for is passed over. An outcome of a later version says nothing."""
        for run in list(self._between(outcome.first, outcome.last)):
            for low, high in list(run.open.within(outcome.first, outcome.last)):
                first, count = run.first + low - run.number, high - low + 1
                if outcome.outcome == wire_pb2.OUTCOME_PROCESSED:
                    run.sink.processed(first, count)
                elif outcome.outcome in REASONS:
                    run.sink.failed(first, count, *REASONS[outcome.outcome])
                else:
                    continue
                run.open.remove(low, high)
            if not run.open:
                self.drop(run.number)

    def _between(self, first: int, last: int) -> Iterator[Run]:
        at = max(0, bisect_right(self._numbers, first) - 1)
        while at < len(self._numbers) and self._numbers[at] <= last:
            run = self._runs[self._numbers[at]]
            if run.number + run.count > first:
                yield run
            at += 1

    def drop(self, number: int) -> None:
        """Nobody waits for the run of this number any more."""
        if self._runs.pop(number, None) is not None:
            del self._numbers[bisect_right(self._numbers, number) - 1]

    def drop_sink(self, sink: TrackedSink) -> None:
        """A caller waits no more."""
        for number in [number for number, run in self._runs.items() if run.sink is sink]:
            self.drop(number)

    def fail(self, reason: Reason, detail: str) -> None:
        """Nobody will ever know."""
        runs = [self._runs[number] for number in self._numbers]
        self._numbers.clear()
        self._runs.clear()
        for run in runs:
            for low, high in run.open:
                run.sink.failed(run.first + low - run.number, high - low + 1, reason, detail)

    def questions(self) -> Iterator[list[wire_pb2.OutcomeRange]]:
        """What to ask, a frame at a time."""
        ranges: list[wire_pb2.OutcomeRange] = []
        for number in self._numbers:
            last = number + self._runs[number].count - 1  # what of it is known is told again, and heeded once
            if ranges and ranges[-1].last + 1 == number:
                ranges[-1].last = last
                continue
            if len(ranges) == RANGES_MAX // 4:
                yield ranges
                ranges = []
            ranges.append(wire_pb2.OutcomeRange(first=number, last=last, durable=self.durable))
        if ranges:
            yield ranges
