"""A run: consecutive messages that travel as one, from one sender's call to one peer, channel and priority."""

from __future__ import annotations

from typing import Protocol

from sidecar.errors import Reason
from sidecar.wire import batch
from sidecar.wire.batch import IN_LINE_MAX
from sidecar.wire.kept import DURABLE, Kept


class Sink(Protocol):
    """Who wants to know what became of messages. `first` is the sink's own number of the first of `count` messages.

    Each message ends with exactly one of `delivered` and `failed`; `sent` may come before either. The verbs must not
    raise.
    """

    def sent(self, first: int, count: int) -> None:
        """They were handed to QUIC."""
        ...

    def delivered(self, first: int, count: int) -> None:
        """The other sidecar has acknowledged them."""
        ...

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """They did not make it, or nobody knows (OUTCOME_UNKNOWN)."""
        ...


class Run:
    """Messages back to back as a checked batch, or one large message in parts that are never joined."""

    __slots__ = ("channel", "count", "first", "kept", "parts", "sink", "size", "was_sent")

    def __init__(self, parts: list[bytes], count: int, sink: Sink, first: int) -> None:
        self.parts = parts
        self.count = count
        self.size = sum(map(len, parts))
        self.sink = sink
        self.first = first
        self.was_sent = False
        self.kept: Kept | None = None
        self.channel = ""
        """Set once it is queued."""

    @property
    def bulk(self) -> bool:
        """Whether this is one message too large to share a stream."""
        return self.size > IN_LINE_MAX and self.count == 1

    @property
    def durable(self) -> bool:
        """Whether a journal has it, so that no link can lose it."""
        return self.kept is not None and bool(self.kept.flags & DURABLE)

    def split(self, count: int) -> tuple[Run, Run]:
        """The first `count` messages and the others; 0 < count < self.count. Only runs of small messages have
        others."""
        data = self.parts[0]
        cut = batch.ends(data)[count - 1]
        head = Run([data[:cut]], count, self.sink, self.first)
        tail = Run([data[cut:]], self.count - count, self.sink, self.first + count)
        head.was_sent = tail.was_sent = self.was_sent
        head.channel = tail.channel = self.channel
        if self.kept is not None:
            head.kept, tail.kept = self.kept, self.kept.after(count)
        return head, tail

    def fit(self, max_bytes: int, max_messages: int) -> int:
        """How many of the messages fit."""
        if self.size <= max_bytes and self.count <= max_messages:
            return self.count
        fitting = 0
        for end in batch.ends(self.parts[0])[:max_messages]:
            if end > max_bytes:
                break
            fitting += 1
        return fitting

    def too_large(self, most: int) -> tuple[int, int] | None:
        """The first message with a payload of more than `most` bytes: its index and that payload's size."""
        if len(self.parts) > 1:
            payload = self.size - len(self.parts[0])
            return (0, payload) if payload > most else None
        try:
            batch.check_untrusted(self.parts[0], most)
        except batch.BadBatch as bad:
            return bad.index, bad.size
        return None

    def __repr__(self) -> str:
        return f"Run(first={self.first}, count={self.count}, size={self.size})"


def runs_of(data: bytes, ends: list[int], sink: Sink, first: int, run_max: int) -> list[Run]:
    """Cuts a checked batch into runs: small messages together up to `run_max` bytes, each large one alone; none of an
    empty batch."""
    if not ends:
        return []
    if len(data) <= run_max and (len(ends) == 1 or len(data) <= IN_LINE_MAX):
        return [Run([data], len(ends), sink, first)]
    runs: list[Run] = []
    start, count = 0, 0
    previous = 0
    for end in ends:
        large = end - previous > IN_LINE_MAX
        if count and (large or end - start > run_max):
            runs.append(Run([data[start:previous]], count, sink, first))
            first += count
            start, count = previous, 0
        count += 1
        if large:
            runs.append(Run([data[start:end]], 1, sink, first))
            first += 1
            start, count = end, 0
        previous = end
    if count:
        runs.append(Run([data[start:previous]], count, sink, first))
    return runs
