"""Where messages wait for an app: by channel, in order, bounded by the credit that was granted for them.

Subscribers of a channel compete. What a subscriber was handed and has not settled goes back to the front of its
channel when the subscriber goes, to be handed out again.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.mail.journal import Journal
from sidecar.mail.keeper import EXPIRED, PURGED, Keeper
from sidecar.mail.piece import Backlog, Piece
from sidecar.mail.subscription import Subscription
from sidecar.wire.arrival import Arrival
from sidecar.wire.inbound import Inbound

RESERVED_UNREAD_MAX = 4 << 20
"""Bytes of large messages a channel may hold that no app reads."""
OVERCOMMIT = 4
"""Of what links were granted beyond their first window and may still send, one part in so many is taken as held: few
use all they may."""


class Channel:
    """A channel's messages and subscribers."""

    __slots__ = ("backlog", "delayed", "name", "order", "queue", "reserved", "subscriptions", "turn")

    def __init__(self, name: str) -> None:
        self.name = name
        self.queue: deque[Piece] = deque()
        self.subscriptions: list[Subscription] = []
        self.turn = 0
        self.reserved = 0
        self.backlog: Backlog | None = None
        """What a former run has left, while it is not all in the queue."""
        self.delayed = 0
        """Pieces that came back and wait for their time."""
        self.order = 0

    @property
    def unused(self) -> bool:
        """Whether nobody needs it."""
        return not (self.queue or self.subscriptions or self.reserved or self.delayed or self.backlog is not None)


class Inbox:
    """Every channel of this sidecar."""

    def __init__(
        self, max_bytes: int, max_reserved: int, journal: Journal | None = None, *, window: float = 3600.0,
        on_dead: Callable[[str, str, int], None] = lambda peer_id, channel, count: None,
    ) -> None:  # fmt: skip
        """`window`: seconds that the journal remembers settled messages; `on_dead` is told of dead letters."""
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
        self.keeper = Keeper(self, journal or Journal(None, max_bytes), window=window, on_dead=on_dead)

    # links

    def register(self, inbound: Inbound) -> None:
        """A link's receiving half, to be told what changes here."""
        self._inbounds.add(inbound)
        self.keeper.register(inbound)

    def unregister(self, inbound: Inbound) -> None:
        """The link is gone."""
        self._inbounds.discard(inbound)
        self.keeper.unregister(inbound)
        self.expected -= inbound.budget.expected
        self._relieve()

    def put(self, arrival: Arrival) -> None:
        """See wire.inbound.Inbox."""
        channel = self._channel(arrival.channel)
        self.bytes += arrival.size
        self.messages += arrival.count
        if not arrival.reserved:
            self._counted += arrival.size
        piece = Piece(arrival, arrival.batch, arrival.first_sequence, arrival.count, time.time(), 0)
        channel.order = piece.order = channel.order + 1
        if channel.backlog is not None:
            channel.backlog.later.append(piece)
            return
        channel.queue.append(piece)
        self.wake(channel)

    def keep(self, arrival: Arrival) -> None:
        """See wire.inbound.Inbox."""
        self.keeper.keep(arrival)

    def asked(self, inbound: Inbound, ranges: list[wire_pb2.OutcomeRange]) -> None:
        """See wire.inbound.Inbox."""
        self.keeper.asked(inbound, ranges)

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

    # what a former run has left

    def restore(self, channel: str, backlog: Backlog) -> None:
        """The journal has messages for a channel, which go before all that comes."""
        found = self._channel(channel)
        if found.backlog is None:
            found.backlog = backlog
        else:
            found.backlog.through = max(found.backlog.through, backlog.through)

    def put_restored(self, channel: Channel, piece: Piece) -> None:
        """One of them."""
        self.bytes += len(piece.batch)
        self._counted += len(piece.batch)
        self.messages += piece.count
        channel.queue.append(piece)

    def complete(self, channel: Channel) -> None:
        """That was all of them."""
        if channel.backlog is not None:
            channel.queue += channel.backlog.later
            channel.backlog = None
            self._forget(channel)

    # apps

    def subscribe(
        self, channel: str, wake: Callable[[], None], *, credit: int | None = None, ack_deadline: float = 0.0,
        max_deliveries: int = 0,
    ) -> Subscription:  # fmt: skip
        """A subscription. With `credit`, messages are settled by the app and at most so many are unsettled; without, a
        message is settled once the one after it is taken. `wake` is called when there may be something to take. What is
        not settled `ack_deadline` seconds after it was taken comes back, 0 for never; what comes back for the
        `max_deliveries`th time is a dead letter, 0 for never."""
        found = self._channel(channel)
        subscription = Subscription(self, found, wake, credit, ack_deadline, max_deliveries)
        found.subscriptions.append(subscription)
        if len(found.subscriptions) == 1:
            self._tell(found)
        if found.queue:
            wake()
        elif found.backlog is not None:
            self.keeper.load(found)
        return subscription

    def unsettled(self) -> int:
        """Messages that apps have in hand."""
        return sum(one.unsettled for channel in self._channels.values() for one in channel.subscriptions)

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
        self.taken += piece.count
        self._release(piece)
        if piece.arrival.kept is not None:
            self.keeper.settled(piece)

    def _release(self, piece: Piece) -> None:
        size = len(piece.batch)
        self.bytes -= size
        self.messages -= piece.count
        if not piece.arrival.reserved:
            self._counted -= size
        piece.arrival.take(size, piece.count)
        self._relieve()

    def expire(self, piece: Piece) -> None:
        """Their time has passed before an app had them."""
        self._release(piece)
        self.keeper.expired += piece.count
        self.keeper.settled(piece, EXPIRED)

    def expired(self, piece: Piece) -> bool:
        """Whether a piece that has a time to live has none left."""
        return piece.arrival.expires <= self.keeper.journal.clock.now()

    def expire_heads(self) -> None:
        """Drops what has expired at the head of channels: nobody may read them."""
        for channel in list(self._channels.values()):
            while channel.queue and channel.queue[0].arrival.expires and self.expired(channel.queue[0]):
                self.expire(channel.queue.popleft())
            self._forget(channel)

    def unread(self, channel: str, row: int) -> bool:
        """Whether a row of the journal is one that a former run has left and that was not read yet."""
        found = self._channels.get(channel)
        backlog = found.backlog if found is not None else None
        return backlog is not None and backlog.after < row <= backlog.through

    def replay(self, channel: str, backlog: Backlog) -> None:
        """The journal has a dead letter for a channel again, which goes behind all that is there."""
        found = self._channel(channel)
        self.keeper.load_once(found, backlog)

    def purge(self, rows: set[int]) -> int:
        """Rows of the journal are wanted by nobody: they leave their queues; how many messages. What an app has in hand
        stays with it."""
        count = 0
        for channel in list(self._channels.values()):
            for queue in (channel.queue, channel.backlog.later if channel.backlog is not None else deque[Piece]()):
                gone = [piece for piece in queue if piece.arrival.row is not None and piece.arrival.row.id in rows]
                for piece in gone:
                    queue.remove(piece)
                    self._release(piece)
                    self.keeper.settled(piece, PURGED)
                    count += piece.count
            self._forget(channel)
        return count

    def _relieve(self) -> None:
        """When half is free again, links that got less than they should are told."""
        if self._short and (self._counted + self.expected // OVERCOMMIT) * 4 <= self.max_bytes:
            self._short = False
            for inbound in self._inbounds:
                inbound.relieved()

    def requeue(
        self, channel: Channel, pieces: Iterable[Piece], *, max_deliveries: int = 0, delay: float = 0.0
    ) -> None:
        """Messages that were handed out come back, before all that came later; after `delay` seconds, or as dead
        letters when this was their last time."""
        back: list[Piece] = []
        for piece in pieces:
            piece.redeliveries += 1
            piece.until = 0.0
            if max_deliveries and piece.redeliveries >= max_deliveries:
                self._release(piece)
                self.keeper.bury(piece, piece.redeliveries)
                continue
            self.keeper.came_back(piece)
            back.append(piece)
        if not back:
            return
        if delay:
            channel.delayed += 1
            asyncio.get_running_loop().call_later(delay, self._delay_over, channel, back)
        else:
            self._insert(channel, back)

    def _delay_over(self, channel: Channel, pieces: list[Piece]) -> None:
        channel.delayed -= 1
        self._insert(channel, pieces)
        self._forget(channel)

    def _insert(self, channel: Channel, pieces: list[Piece]) -> None:
        queue = channel.queue
        for piece in reversed(pieces):
            passed: list[Piece] = []
            while queue and (queue[0].order, queue[0].first_sequence) < (piece.order, piece.first_sequence):
                passed.append(queue.popleft())
            queue.appendleft(piece)
            queue.extendleft(reversed(passed))
        self.wake(channel)

    def unsubscribe(self, subscription: Subscription, pieces: Iterable[Piece]) -> None:
        """A subscription is closed; `pieces` come back."""
        channel = subscription.channel
        channel.subscriptions.remove(subscription)
        self.requeue(channel, pieces, max_deliveries=subscription.max_deliveries)
        if not channel.subscriptions:
            self._tell(channel)
        self._forget(channel)

    def __repr__(self) -> str:
        return f"Inbox({self.messages} messages, {self.bytes}/{self.max_bytes} bytes, {len(self._channels)} channels)"
