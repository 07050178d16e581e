"""Where messages wait for an app: by channel, in order, bounded by the credit that was granted for them.

Subscribers of a channel compete. What a subscriber was handed and has not settled goes back to the front of its
channel when the subscriber goes, to be handed out again.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable

from sidecar.errors import Reason, SidecarError
from sidecar.wire import batch
from sidecar.wire.inbound import Arrival, Inbound

RESERVED_UNREAD_MAX = 4 << 20
"""Bytes of large messages a channel may hold that no app reads."""
OVERCOMMIT = 4
"""Of what links were granted beyond their first window and may still send, one part in so many is taken as held: few
use all they may."""


class Piece:
    """Consecutive messages of one arrival, as they are handed out."""

    __slots__ = ("arrival", "batch", "count", "first_sequence", "received_at", "redeliveries")

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

    def split(self, count: int) -> tuple[Piece, Piece]:
        """The first `count` messages and the others; 0 < count < self.count."""
        cut = batch.ends(self.batch)[count - 1]
        arrival, at, times = self.arrival, self.received_at, self.redeliveries
        return (
            Piece(arrival, self.batch[:cut], self.first_sequence, count, at, times),
            Piece(arrival, self.batch[cut:], self.first_sequence + count, self.count - count, at, times),
        )

    def __repr__(self) -> str:
        return f"Piece({self.first_sequence}+{self.count}, {len(self.batch)} bytes, {self.redeliveries} redeliveries)"


class Channel:
    """A channel's messages and subscribers."""

    __slots__ = ("name", "queue", "reserved", "subscriptions", "turn")

    def __init__(self, name: str) -> None:
        self.name = name
        self.queue: deque[Piece] = deque()
        self.subscriptions: list[Subscription] = []
        self.turn = 0
        self.reserved = 0

    @property
    def unused(self) -> bool:
        """Whether nobody needs it."""
        return not self.queue and not self.subscriptions and not self.reserved


class Inbox:
    """Every channel of this sidecar."""

    def __init__(self, max_bytes: int, max_reserved: int) -> None:
        self.max_bytes = max_bytes
        self.max_reserved = max_reserved
        self.bytes = 0
        self.messages = 0
        self.reserved = 0
        self.taken = 0
        """Messages that apps have."""
        self.repeats = 0
        """Messages that came again on another connection."""
        self.expected = 0
        """Bytes that links were granted and have not sent."""
        self._counted = 0
        """Of `bytes`, those that no reservation holds room for."""
        self._channels: dict[str, Channel] = {}
        self._inbounds: set[Inbound] = set()
        self._short = False

    # links

    def register(self, inbound: Inbound) -> None:
        """A link's receiving half, to be told what changes here."""
        self._inbounds.add(inbound)

    def unregister(self, inbound: Inbound) -> None:
        """The link is gone."""
        self._inbounds.discard(inbound)
        self.expected -= inbound.expected
        self._relieve()

    def put(self, arrival: Arrival) -> None:
        """See wire.inbound.Inbox."""
        channel = self._channel(arrival.channel)
        self.bytes += arrival.size
        self.messages += arrival.count
        if not arrival.reserved:
            self._counted += arrival.size
        channel.queue.append(Piece(arrival, arrival.batch, arrival.first_sequence, arrival.count, time.time(), 0))
        self.wake(channel)

    def repeated(self, count: int) -> None:
        """See wire.inbound.Inbox."""
        self.repeats += count

    def subscribed(self, channel: str) -> bool:
        """Whether an app reads the channel."""
        found = self._channels.get(channel)
        return found is not None and bool(found.subscriptions)

    def reserve(self, channel: str, size: int) -> bool:
        """See wire.inbound.Inbox. A channel holds one large message at a time, or more that are small enough
        together; of a channel nobody reads only so much is taken in, and of all such channels half of what there
        is."""
        found = self._channel(channel)
        room, most = self.max_reserved // 4, self.max_reserved
        if found.subscriptions:
            fits = not found.reserved or found.reserved + size <= room
            fits = fits and (not self.reserved or self.reserved + size <= most)
        else:
            unread = sum(one.reserved for one in self._channels.values() if not one.subscriptions)
            fits = found.reserved + size <= min(room, RESERVED_UNREAD_MAX) and unread + size <= most // 2
            fits = fits and self.reserved + size <= most
        if not fits:
            self._forget(found)
            return False
        found.reserved += size
        self.reserved += size
        return True

    def unreserve(self, channel: str, size: int) -> None:
        """See wire.inbound.Inbox."""
        found = self._channel(channel)
        found.reserved -= size
        self.reserved -= size
        self._forget(found)
        for inbound in self._inbounds:
            inbound.reservations_changed()

    def expect(self, size: int) -> None:
        """See wire.inbound.Inbox."""
        self.expected += size

    def left(self, channel: str) -> int:
        """See wire.inbound.Inbox. Channels that nobody reads have half of it."""
        most = self.max_bytes if self.subscribed(channel) else self.max_bytes // 2
        left = most - self._counted - self.expected // OVERCOMMIT
        self._short = self._short or left * 4 < most
        return left

    @property
    def full(self) -> bool:
        """See wire.inbound.Inbox."""
        return self._counted >= 2 * self.max_bytes

    # apps

    def subscribe(self, channel: str, wake: Callable[[], None], *, credit: int | None = None) -> Subscription:
        """A subscription. With `credit`, messages are settled by the app and at most so many are unsettled; without, a
        message is settled once the one after it is taken. `wake` is called when there may be something to take."""
        found = self._channel(channel)
        subscription = Subscription(self, found, wake, credit)
        found.subscriptions.append(subscription)
        if len(found.subscriptions) == 1:
            self._tell(found)
        if found.queue:
            wake()
        return subscription

    def depth(self) -> list[tuple[str, int, int]]:
        """(channel, messages, subscribers) of every channel in use."""
        return [(c.name, sum(piece.count for piece in c.queue), len(c.subscriptions)) for c in self._channels.values()]

    def _channel(self, name: str) -> Channel:
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name)
        return channel

    def _forget(self, channel: Channel) -> None:
        if channel.unused:
            self._channels.pop(channel.name, None)

    def _tell(self, channel: Channel) -> None:
        for inbound in self._inbounds:
            inbound.subscription_changed(channel.name)

    def wake(self, channel: Channel) -> None:
        """Wakes a subscriber that can take something: of those that wait for it the one whose turn it is, else whoever
        has the next turn. One that is busy takes what there is when it comes round, but others need not wait for
        it."""
        subscriptions = channel.subscriptions
        chosen: int | None = None
        for offset in range(1, len(subscriptions) + 1):
            position = (channel.turn + offset) % len(subscriptions)
            if subscriptions[position].room and (chosen is None or subscriptions[position].hungry):
                chosen = position
                if subscriptions[position].hungry:
                    break
        if chosen is not None:
            channel.turn = chosen
            subscriptions[chosen].hungry = False
            subscriptions[chosen].wake()

    def settle(self, piece: Piece) -> None:
        """An app has the messages: their room is free."""
        size = len(piece.batch)
        self.bytes -= size
        self.messages -= piece.count
        self.taken += piece.count
        if not piece.arrival.reserved:
            self._counted -= size
        piece.arrival.take(size, piece.count)
        self._relieve()

    def _relieve(self) -> None:
        """When half is free again, links that got less than they should are told."""
        if self._short and (self._counted + self.expected // OVERCOMMIT) * 4 <= self.max_bytes:
            self._short = False
            for inbound in self._inbounds:
                inbound.relieved()

    def requeue(self, channel: Channel, pieces: Iterable[Piece]) -> None:
        """Messages that were handed out come back, to the front."""
        for piece in reversed(list(pieces)):
            piece.redeliveries += 1
            channel.queue.appendleft(piece)
        if channel.queue:
            self.wake(channel)

    def unsubscribe(self, subscription: Subscription, pieces: Iterable[Piece]) -> None:
        """A subscription is closed; `pieces` come back."""
        channel = subscription.channel
        channel.subscriptions.remove(subscription)
        self.requeue(channel, pieces)
        if not channel.subscriptions:
            self._tell(channel)
        self._forget(channel)

    def __repr__(self) -> str:
        return f"Inbox({self.messages} messages, {self.bytes}/{self.max_bytes} bytes, {len(self._channels)} channels)"


class Subscription:
    """An app's claim on a channel."""

    def __init__(self, inbox: Inbox, channel: Channel, wake: Callable[[], None], credit: int | None) -> None:
        self.channel = channel
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
            if not self._auto and piece.count > self._credit - self._unsettled:
                piece, rest = piece.split(self._credit - self._unsettled)
                queue.appendleft(rest)
            max_bytes -= len(piece.batch)
            taken.append((0 if self._auto else self._next_id, piece))
            self._pieces.append(piece)
            if not self._auto:
                self._ids.append(self._next_id)
                self._next_id += piece.count
                self._unsettled += piece.count
        self.hungry = not taken
        if queue and taken:
            self._inbox.wake(self.channel)
        return taken

    def add_credit(self, credit: int) -> None:
        """More messages may be unsettled."""
        self._credit += credit
        if self.channel.queue:
            self.wake()

    def ack(self, first: int, last: int) -> list[tuple[int, int]]:
        """Settles messages by delivery id, inclusive; the parts of the range that this subscription does not hold."""
        pieces, unknown = self._cut(first, last)
        for piece in pieces:
            self._inbox.settle(piece)
        if self.channel.queue:
            self.wake()
        return unknown

    def nack(self, first: int, last: int) -> list[tuple[int, int]]:
        """Gives messages back, to be handed out again; the parts of the range that this subscription does not hold."""
        pieces, unknown = self._cut(first, last)
        self._inbox.requeue(self.channel, pieces)
        return unknown

    def _cut(self, first: int, last: int) -> tuple[list[Piece], list[tuple[int, int]]]:
        """Takes the range out of what is unsettled."""
        if not 0 < first <= last:
            raise SidecarError(Reason.INVALID_FIELD, f"delivery range {first} to {last} is empty or begins at 0")
        out: list[Piece] = []
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
            out.append(piece)
            self._unsettled -= piece.count
            first = end
        return out, unknown

    def close(self, *, written: bool = False) -> None:
        """The app is gone: what it did not settle goes to another. `written` says that without credit the last take
        reached the app as well."""
        if self._closed:
            return
        self._closed = True
        pieces, self._pieces = self._pieces, []
        self._ids.clear()
        if self._auto and written:
            for piece in pieces:
                self._inbox.settle(piece)
            pieces = []
        self._inbox.unsubscribe(self, pieces)
