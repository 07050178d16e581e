"""An app's claim on a channel: what it was handed, by delivery id, until it settles it, gives it back or is gone."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from typing import TYPE_CHECKING

from sidecar.errors import Reason, SidecarError
from sidecar.mail.piece import Piece

if TYPE_CHECKING:
    from sidecar.mail.inbox import Channel, Inbox

CREDIT_MAX = 1 << 31
"""Messages that a subscription may have unsettled, however much credit it is given."""


class Subscription:
    """See the module."""

    def __init__(
        self, inbox: Inbox, channel: Channel, wake: Callable[[], None], credit: int | None, ack_deadline: float = 0.0,
        max_deliveries: int = 0,
    ) -> None:  # fmt: skip
        self.channel = channel
        self.ack_deadline = ack_deadline
        self.max_deliveries = max_deliveries
        self._deadline: asyncio.TimerHandle | None = None
        self.wake = wake
        self.hungry = False
        """The last `take` found nothing, and `wake` has not called since."""
        self._inbox = inbox
        self._auto = credit is None
        self._credit = credit or 0
        self._next_id = 1
        self._ids: list[int] = []
        self._pieces: list[Piece] = []
        self._unsettled = 0
        self._closed = False

    @property
    def room(self) -> bool:
        """Whether something may be taken."""
        return self._auto or self._unsettled < self._credit

    def take(self, max_bytes: int) -> list[tuple[int, Piece]]:
        """What is waiting, some `max_bytes` of it, and at least one piece if there is any: (delivery id of its first
        message, piece). Without credit, what the last call gave is settled by this one."""
        if self._auto and self._pieces:
            pieces, self._pieces = self._pieces, []
            for piece in pieces:
                self._inbox.settle(piece)
        if self._closed:
            return []
        queue = self.channel.queue
        taken: list[tuple[int, Piece]] = []
        while queue and max_bytes > 0 and self.room:
            piece = queue.popleft()
            if piece.arrival.expires and self._inbox.expired(piece):
                self._inbox.expire(piece)
                continue
            if not self._auto and piece.count > self._credit - self._unsettled:
                piece, rest = piece.split(self._credit - self._unsettled)
                queue.appendleft(rest)
            max_bytes -= len(piece.batch)
            taken.append((0 if self._auto else self._next_id, piece))
            self._pieces.append(piece)
            if self.ack_deadline:
                piece.until = asyncio.get_running_loop().time() + self.ack_deadline
            if not self._auto:
                self._ids.append(self._next_id)
                self._next_id += piece.count
                self._unsettled += piece.count
        self.hungry = not taken
        if queue and taken:
            self._inbox.wake(self.channel)
        elif self.channel.backlog is not None and not queue:
            self._inbox.keeper.load(self.channel)
        if self.ack_deadline and taken and self._deadline is None:
            self._watch(self.ack_deadline)
        return taken

    @property
    def unsettled(self) -> int:
        """Messages that the app has in hand."""
        return self._unsettled

    def add_credit(self, credit: int) -> None:
        """More messages may be unsettled."""
        self._credit = min(self._credit + credit, CREDIT_MAX)
        if self.channel.queue:
            self.wake()

    def ack(self, first: int, last: int) -> list[tuple[int, int]]:
        """Settles messages by delivery id, inclusive; the parts of the range that this subscription does not hold."""
        pieces, unknown = self._cut(first, last)
        for _, piece in pieces:
            self._inbox.settle(piece)
        if self.channel.queue:
            self.wake()
        return unknown

    def nack(self, first: int, last: int, delay: float = 0.0) -> list[tuple[int, int]]:
        """Gives messages back, to be handed out again after `delay` seconds; the parts of the range that this
        subscription does not hold."""
        pieces, unknown = self._cut(first, last)
        back = [piece for _, piece in pieces]
        self._inbox.requeue(self.channel, back, max_deliveries=self.max_deliveries, delay=delay)
        if self.channel.queue:
            self.wake()
        return unknown

    def extend(self, first: int, last: int, seconds: float) -> list[tuple[int, int]]:
        """Gives messages `seconds` from now before they come back; the parts of the range that are not held."""
        pieces, unknown = self._cut(first, last)
        until = asyncio.get_running_loop().time() + seconds
        for number, piece in pieces:
            piece.until = until
            position = bisect_right(self._ids, number)
            self._ids.insert(position, number)
            self._pieces.insert(position, piece)
            self._unsettled += piece.count
        if self._deadline is not None:
            self._deadline.cancel()
        if self._pieces:
            self._watch(max(0.0, min(p.until for p in self._pieces if p.until) - until + seconds))
        return unknown

    def _watch(self, seconds: float) -> None:
        self._deadline = asyncio.get_running_loop().call_later(seconds, self._overdue)

    def _overdue(self) -> None:
        """What was not acknowledged in time comes back."""
        self._deadline = None
        now = asyncio.get_running_loop().time()
        late = [
            (number, number + piece.count - 1)
            for number, piece in zip(self._ids, self._pieces, strict=True)
            if piece.until and piece.until <= now
        ]
        for first, last in late:
            self.nack(first, last)
        following = min((piece.until for piece in self._pieces if piece.until), default=0.0)
        if following:
            self._watch(max(0.0, following - now))

    def _cut(self, first: int, last: int) -> tuple[list[tuple[int, Piece]], list[tuple[int, int]]]:
        """Takes the range out of what is unsettled: (delivery id, piece) of each, and what is not there."""
        if not 0 < first <= last:
            raise SidecarError(Reason.INVALID_FIELD, f"delivery range {first} to {last} is empty or begins at 0")
        out: list[tuple[int, Piece]] = []
        unknown: list[tuple[int, int]] = []
        position = max(0, bisect_right(self._ids, first) - 1)
        while first <= last:
            if position == len(self._ids) or self._ids[position] > last:
                unknown.append((first, last))
                break
            begin, piece = self._ids[position], self._pieces[position]
            end = begin + piece.count
            if end <= first:
                position += 1
                continue
            if begin > first:
                unknown.append((first, begin - 1))
                first = begin
            if begin < first:
                head, piece = piece.split(first - begin)
                self._ids.insert(position, begin)
                self._pieces.insert(position, head)
                position += 1
                self._ids[position], self._pieces[position] = first, piece
            if end > last + 1:
                piece, tail = piece.split(last + 1 - first)
                self._ids[position], self._pieces[position] = last + 1, tail
            else:
                del self._ids[position], self._pieces[position]
            out.append((first, piece))
            self._unsettled -= piece.count
            first = end
        return out, unknown

    def close(self, *, written: bool = False) -> None:
        """The app is gone: what it did not settle goes to another. `written` says that without credit the last take
        reached the app as well."""
        if self._closed:
            return
        self._closed = True
        if self._deadline is not None:
            self._deadline.cancel()
        pieces, self._pieces = self._pieces, []
        self._ids.clear()
        if self._auto and written:
            for piece in pieces:
                self._inbox.settle(piece)
            pieces = []
        self._inbox.unsubscribe(self, pieces)
