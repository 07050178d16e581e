"""What a SendStream tells of its messages: cumulative receipts per level, with exceptions.

Outcomes come in any order: a small message overtakes a bulk one, runs are acknowledged with gaps. A receipt tells only
what is gap-free from number 1 on, plus what failed; the book holds one pair of numbers per gap and nothing per message.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from sidecar.api.status import MESSAGE_BYTES, cut, reason_number
from sidecar.errors import Reason
from sidecar.gen.overlay.v1 import message_pb2 as pb

FULL_EXCEPTIONS = 1000
"""So many exceptions that the client has not been told of make the book `full`."""


class Settled:
    """The numbers that have an outcome on one level: all up to `through`, and the runs beyond."""

    __slots__ = ("through", "_firsts", "_lasts")

    def __init__(self) -> None:
        self.through = 0
        self._firsts: list[int] = []
        self._lasts: list[int] = []

    def __repr__(self) -> str:
        runs = "".join(f" {first}-{last}" for first, last in zip(self._firsts, self._lasts, strict=True))
        return f"<Settled 1-{self.through}{runs}>"

    @property
    def gaps(self) -> int:
        """How many runs stand beyond `through`."""
        return len(self._firsts)

    def add(self, first: int, last: int) -> bool:
        """Settles a run, whatever of it was settled before; True when `through` rose by it."""
        if last <= self.through:
            return False
        if first > self.through + 1:
            self._insert(first, last)
            return False
        self.through = last
        # Runs that the new end reaches or touches are swallowed.
        if self._firsts and (swallowed := bisect_right(self._firsts, self.through + 1)):
            self.through = max(self.through, self._lasts[swallowed - 1])
            del self._firsts[:swallowed], self._lasts[:swallowed]
        return True

    def _insert(self, first: int, last: int) -> None:
        left = bisect_left(self._lasts, first - 1)
        right = bisect_right(self._firsts, last + 1)
        if left < right:
            first, last = min(first, self._firsts[left]), max(last, self._lasts[right - 1])
        self._firsts[left:right] = [first]
        self._lasts[left:right] = [last]

    def open_parts(self, first: int, last: int) -> list[tuple[int, int]]:
        """What of a run is not settled."""
        first = max(first, self.through + 1)
        parts: list[tuple[int, int]] = []
        for index in range(bisect_left(self._lasts, first), len(self._firsts)):
            if self._firsts[index] > last:
                break
            if self._firsts[index] > first:
                parts.append((first, self._firsts[index] - 1))
            first = self._lasts[index] + 1
        if first <= last:
            parts.append((first, last))
        return parts


class ReceiptBook:
    """The outcomes of one SendStream. Its first three verbs are what the mail below calls; `take` is the stream's own.

    `level` is the highest level receipts are wanted for. Exceptions stand in that level's receipt.
    """

    def __init__(self, level: pb.DeliveryLevel, clock: Callable[[], int] = time.time_ns) -> None:
        self.level = level
        self._clock = clock
        self._sent = Settled()
        self._delivered = Settled()
        self._processed = Settled()
        self._top = {
            pb.DELIVERY_LEVEL_SENT: self._sent,
            pb.DELIVERY_LEVEL_PROCESSED: self._processed,
        }.get(level, self._delivered)
        self._exceptions: list[tuple[int, int, Reason, str]] = []
        self._changed: dict[int, int] = {}
        """Level -> when its `through` rose last, of those the client has not been told of."""

    def __repr__(self) -> str:
        return (
            f"<ReceiptBook sent {self._sent!r} delivered {self._delivered!r} {len(self._exceptions)} exceptions untold>"
        )

    @property
    def through(self) -> int:
        """Every message up to this number has its final outcome."""
        return self._top.through

    @property
    def full(self) -> bool:
        """Whether so much is untold that no more messages should be taken."""
        return len(self._exceptions) >= FULL_EXCEPTIONS

    def sent(self, first: int, count: int) -> None:
        """`count` messages from number `first` on have left this sidecar."""
        if self._sent.add(first, first + count - 1):
            self._changed[pb.DELIVERY_LEVEL_SENT] = self._clock()

    def delivered(self, first: int, count: int) -> None:
        """They are in the other sidecar's inbox."""
        self.sent(first, count)
        if self._top is not self._sent and self._delivered.add(first, first + count - 1):
            self._changed[pb.DELIVERY_LEVEL_DELIVERED] = self._clock()

    def processed(self, first: int, count: int) -> None:
        """The app over there has acknowledged them."""
        self.delivered(first, count)
        if self._top is self._processed and self._processed.add(first, first + count - 1):
            self._changed[pb.DELIVERY_LEVEL_PROCESSED] = self._clock()

    def failed(self, first: int, count: int, reason: Reason, detail: str) -> None:
        """They did not, or will not, reach the level asked for. Those that have reached it stay as they are."""
        last = first + count - 1
        for part_first, part_last in self._top.open_parts(first, last):
            self._name(part_first, part_last, reason, detail)
        if self._sent.add(first, last):
            self._changed[pb.DELIVERY_LEVEL_SENT] = self._clock()
        if self._top is not self._sent and self._delivered.add(first, last):
            self._changed[pb.DELIVERY_LEVEL_DELIVERED] = self._clock()
        if self._top is self._processed and self._processed.add(first, last):
            self._changed[pb.DELIVERY_LEVEL_PROCESSED] = self._clock()

    def _name(self, first: int, last: int, reason: Reason, detail: str) -> None:
        if self._exceptions:
            last_first, last_last, last_reason, last_detail = self._exceptions[-1]
            if last_last + 1 == first and (last_reason, last_detail) == (reason, detail):
                self._exceptions[-1] = (last_first, last, reason, detail)
                return
        self._exceptions.append((first, last, reason, detail))

    def take(self) -> bytes | None:
        """The encoded SendStreamResponse with all that the client does not know yet; None when it knows everything."""
        if not self._changed and not self._exceptions:
            return None
        response = pb.SendStreamResponse()
        # The level with the exceptions comes first: the other's number may count messages that are named there.
        if self._top is self._processed and (self._exceptions or pb.DELIVERY_LEVEL_PROCESSED in self._changed):
            self._receipt(response, pb.DELIVERY_LEVEL_PROCESSED, self._processed)
        if pb.DELIVERY_LEVEL_DELIVERED in self._changed or (self._top is self._delivered and self._exceptions):
            self._receipt(response, pb.DELIVERY_LEVEL_DELIVERED, self._delivered)
        if self._top is self._sent or pb.DELIVERY_LEVEL_SENT in self._changed:
            self._receipt(response, pb.DELIVERY_LEVEL_SENT, self._sent)
        self._changed.clear()
        return response.SerializeToString()

    def _receipt(self, response: pb.SendStreamResponse, level: pb.DeliveryLevel, settled: Settled) -> None:
        receipt = response.receipts.add(level=level, through_sequence=settled.through)
        reached = self._changed.get(level)
        if reached is not None:
            receipt.time.FromNanoseconds(reached)
        if settled is self._top:
            for first, last, reason, detail in self._exceptions:
                receipt.exceptions.add(
                    first=first, last=last, reason=reason_number(reason), detail=cut(detail, MESSAGE_BYTES)
                )
            self._exceptions.clear()
