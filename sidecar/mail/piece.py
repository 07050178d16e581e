"""A piece: consecutive messages of one arrival, as an app is handed them."""

from __future__ import annotations

from collections import deque

from sidecar.wire import batch
from sidecar.wire.arrival import Arrival


class Piece:
    """Consecutive messages of one arrival, as they are handed out."""

    __slots__ = ("arrival", "batch", "count", "first_sequence", "order", "received_at", "redeliveries", "until")

    def __init__(
        self, arrival: Arrival, data: bytes, first_sequence: int, count: int, received_at: float, redeliveries: int
    ) -> None:
        self.arrival = arrival
        self.batch = data
        self.first_sequence = first_sequence
        self.count = count
        self.received_at = received_at
        """Seconds since 1970."""
        self.redeliveries = redeliveries
        """How often these were handed out before."""
        self.order = 0
        """Which arrival of its channel it is of: what comes back goes before what came later."""
        self.until = 0.0
        """When it is handed out again if it is not acknowledged, by the loop's clock; 0 for never."""

    def split(self, count: int) -> tuple[Piece, Piece]:
        """The first `count` messages and the others; 0 < count < self.count."""
        cut = batch.ends(self.batch)[count - 1]
        arrival, at, times = self.arrival, self.received_at, self.redeliveries
        head = Piece(arrival, self.batch[:cut], self.first_sequence, count, at, times)
        tail = Piece(arrival, self.batch[cut:], self.first_sequence + count, self.count - count, at, times)
        head.order = tail.order = self.order
        head.until = tail.until = self.until
        return head, tail

    def __repr__(self) -> str:
        return f"Piece({self.first_sequence}+{self.count}, {len(self.batch)} bytes, {self.redeliveries} redeliveries)"


class Backlog:
    """What a former run has left of a channel: rows of the journal up to `through`, read by pages."""

    __slots__ = ("after", "later", "loading", "through")

    def __init__(self, through: int, *, after: int = 0) -> None:
        self.after = after
        """The last row that was read."""
        self.through = through
        self.loading = False
        self.later: deque[Piece] = deque()
        """What has come meanwhile."""
