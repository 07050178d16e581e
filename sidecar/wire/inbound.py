"""The receiving half of a link: takes each message once, counts credit, and tells what it has.

It outlives connections, as the sending half does; frames come from whichever connection carries them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire import batch
from sidecar.wire.arrival import Arrival, Inbox
from sidecar.wire.batch import ENTRY_OVERHEAD_MAX, IN_LINE_MAX, BadBatch
from sidecar.wire.budget import Budget, ChannelIn, Windows
from sidecar.wire.errors import Close, Untrusted, malformed
from sidecar.wire.kept import (
    DURABLE,
    FIRST_KEPT,
    LANES,
    Kept,
    KeptFrame,
    KeptReader,
    OutcomeLog,
    Pending,
    check_ranges_untrusted,
)
from sidecar.wire.lanes import BULK, BULK_MISSING_MAX, PRIORITIES, BulkHeader, LaneFrame, LaneReader


class BulkIn:
    """A large message whose header has come."""

    __slots__ = ("counted", "granted", "header")

    def __init__(self, header: BulkHeader, counted: bool) -> None:
        self.header = header
        self.counted = counted
        """It fits the windows and is counted there; else it needs a reservation."""
        self.granted = False


class Inbound:
    """See the module."""

    def __init__(self, windows: Windows, inbox: Inbox, peer_id: str) -> None:
        assert windows.first_channel_bytes >= IN_LINE_MAX, "a message that fits a lane fits the first window"
        self.windows = windows
        self.inbox = inbox
        self.peer_id = peer_id
        self.instance = 0
        self.messages_received = 0
        self.bytes_received = 0
        self.wake = _nothing
        """Called when there is something to tell the other side outside of a read."""
        self.budget = Budget(windows, inbox)
        self._begin()

    def _begin(self) -> None:
        self._next = [0] * LANES
        self._stored: defaultdict[int, Pending] = defaultdict(Pending)
        """What of the kept lanes may be acknowledged."""
        self._storing: dict[int, None] = {}
        """Large messages that are whole and on their way into the journal."""
        self.outcomes = OutcomeLog()
        self._bulk_next = 0
        self._bulk_beyond: list[tuple[int, int]] = []
        """Ranges of numbers beyond `_bulk_next` that have come too, ascending and apart."""
        self._bulk: dict[int, BulkIn] = {}
        self._ack_due = 0
        """Lanes that are to be acknowledged, as bits: an empty set takes 216 bytes of every link."""
        self._grants_due: dict[int, None] = {}
        """Numbers whose reservation is to be granted, or to be told again; in the order they were asked for."""
        self.epoch = object()
        """Changes with every reset: room taken up before it is not the sender's any more."""

    def reset(self) -> None:
        """The other side begins a new epoch: numbers and windows begin anew. What the inbox holds stays there."""
        for bulk in self._bulk.values():
            if bulk.granted:
                self.inbox.unreserve(self.budget.channels[bulk.header.channel].name, bulk.header.length)
        self.budget = Budget(self.windows, self.inbox, self.budget.expected)
        self._begin()
        self.budget.expect()

    # what comes

    def on_channel_open_untrusted(self, opened: wire_pb2.ChannelOpen) -> None:
        """A channel gets its number."""
        self.budget.open_untrusted(opened.channel, opened.name)

    def lane_opening_untrusted(self, lane: int, first: int) -> LaneReader:
        """A lane's stream begins, on whatever connection: a reader for it."""
        if lane >= PRIORITIES:
            raise malformed(f"lane {lane} has no stream")
        if first > self._next[lane]:
            raise malformed(f"lane {lane} begins at {first}, {self._next[lane]} is next")
        return LaneReader(lane, first)

    def kept_opening_untrusted(self, lane: int, first: int) -> KeptReader:
        """The same for a lane of kept messages."""
        if not FIRST_KEPT <= lane < LANES:
            raise malformed(f"lane {lane} has no stream of kept messages")
        if first > self._next[lane]:
            raise malformed(f"lane {lane} begins at {first}, {self._next[lane]} is next")
        return KeptReader(lane, first)

    def on_kept_frames_untrusted(self, reader: KeptReader, frames: list[KeptFrame]) -> None:
        """Kept messages, in order; they are acknowledged once they are stored."""
        lane = reader.lane
        for number, messages, batch_data, kept in frames:
            channel = self.budget.channels.get(number)
            if channel is None:
                raise malformed(f"message on channel {number}, which was not opened")
            self._require_journal_untrusted(kept)
            ends = self._check_untrusted(batch_data)
            if len(ends) != messages:
                raise malformed(f"frame of {messages} messages holds {len(ends)}")
            first = reader.next_sequence
            reader.next_sequence = first + messages
            known = max(0, self._next[lane] - first)
            if known:
                self._ack_due |= 1 << lane
                self.inbox.repeated(min(known, messages))
            if known >= messages:
                continue
            data = batch_data[ends[known - 1] :] if known else batch_data
            count = messages - known
            self.budget.accept_untrusted(channel, len(data), count)
            self._next[lane] += count
            arrival = Arrival(
                self, channel.name, number, lane - FIRST_KEPT, first + known, count, data, bulk=False, reserved=False
            )
            self._keep(arrival, kept.after(known))

    def _require_journal_untrusted(self, kept: Kept) -> None:
        if kept.flags & DURABLE and not self.windows.durable:
            raise malformed("a durable message for a sidecar that has said that it keeps no journal")

    def _keep(self, arrival: Arrival, kept: Kept) -> None:
        arrival.kept = kept
        self.messages_received += arrival.count
        self.bytes_received += arrival.size
        self.inbox.keep(arrival)

    def stored(self, arrival: Arrival) -> None:
        """Kept messages are where they belong: they are acknowledged, if the link is still the same."""
        if arrival.epoch is not self.epoch:
            return
        if arrival.bulk:
            self._storing.pop(arrival.first_sequence, None)
            self._mark(arrival.first_sequence)
            self._ack_due |= 1 << BULK
        else:
            self._stored[arrival.priority].stored(arrival.first_sequence, arrival.count)
            self._ack_due |= 1 << (FIRST_KEPT + arrival.priority)
        self.wake()

    def on_outcomes_asked_untrusted(self, asked: wire_pb2.OutcomesAsk) -> None:
        """The other side wants to know again what became of kept messages."""
        ranges = check_ranges_untrusted(asked.ranges)
        self.outcomes.asked(part for part in ranges if not part.durable)
        durable = [part for part in ranges if part.durable]
        if durable and self.windows.durable:
            self.inbox.asked(self, durable)

    def tell_outcome(self, first: int, count: int, outcome: wire_pb2.Outcome, *, durable: bool) -> None:
        """Kept messages have an outcome that their sender wants."""
        self.outcomes.add(first, count, outcome, durable=durable)
        self.wake()

    def on_lane_frames_untrusted(self, reader: LaneReader, frames: list[LaneFrame]) -> None:
        """Messages of a lane, in order; those that came before on another connection are passed over."""
        lane = reader.lane
        for number, messages, batch_data in frames:
            channel = self.budget.channels.get(number)
            if channel is None:
                raise malformed(f"message on channel {number}, which was not opened")
            ends = self._check_untrusted(batch_data)
            if len(ends) != messages:
                raise malformed(f"frame of {messages} messages holds {len(ends)}")
            first = reader.next_sequence
            reader.next_sequence = first + messages
            self._ack_due |= 1 << lane
            known = max(0, self._next[lane] - first)
            if known:
                self.inbox.repeated(min(known, messages))
            if known >= messages:
                continue
            data = batch_data[ends[known - 1] :] if known else batch_data
            count = messages - known
            self.budget.accept_untrusted(channel, len(data), count)
            self._next[lane] += count
            self._deliver(channel, number, lane, first + known, count, data, bulk=False, reserved=False)

    def _check_untrusted(self, data: bytes) -> list[int]:
        try:
            return batch.check_untrusted(data, self.windows.max_message_bytes)
        except BadBatch as error:
            raise malformed(str(error)) from error

    def _deliver(
        self, channel: ChannelIn, number: int, priority: int, first: int, count: int, data: bytes, *, bulk: bool,
        reserved: bool,
    ) -> None:  # fmt: skip
        self.messages_received += count
        self.bytes_received += len(data)
        self.inbox.put(Arrival(self, channel.name, number, priority, first, count, data, bulk=bulk, reserved=reserved))

    # large messages

    def on_bulk_header_untrusted(self, header: BulkHeader, kept: Kept | None = None) -> bool:
        """A large message begins; false when it came before and its bytes are not wanted."""
        sequence = header.sequence
        if kept is not None:
            self._require_journal_untrusted(kept)
        if self.has_bulk(sequence):
            self._ack_due |= 1 << BULK
            return False
        if header.priority >= PRIORITIES:
            raise malformed(f"bulk message of priority {header.priority}")
        channel = self.budget.channels.get(header.channel)
        if channel is None:
            raise malformed(f"bulk message on channel {header.channel}, which was not opened")
        if header.length > self.windows.max_message_bytes + ENTRY_OVERHEAD_MAX:
            raise malformed(
                f"bulk message of {header.length} bytes, at most {self.windows.max_message_bytes} are allowed"
            )
        pending = self._bulk.get(sequence)
        if pending is None:
            if not header.length:
                return True
            if len(self._bulk) >= BULK_MISSING_MAX:
                raise malformed(f"bulk message {sequence} begins while {BULK_MISSING_MAX} are unfinished")
            pending = BulkIn(header, counted=header.length <= self.windows.first_channel_bytes)
            if pending.counted:
                self.budget.accept_untrusted(channel, header.length, 1)
            self._bulk[sequence] = pending
        elif header.length not in (0, pending.header.length) or header.channel != pending.header.channel:
            raise malformed(f"bulk message {sequence} comes again with another length or channel")
        if not pending.counted and header.length:
            self._grants_due[sequence] = None
        return True

    def bulk_may_come(self, sequence: int) -> bool:
        """Whether bytes of the message may come: it is counted, or its reservation was granted."""
        pending = self._bulk.get(sequence)
        return pending is not None and (pending.counted or pending.granted)

    def on_bulk_untrusted(self, header: BulkHeader, data: bytes, kept: Kept | None = None) -> None:
        """A large message is whole; of no bytes, it was given up."""
        pending = self._bulk.pop(header.sequence, None)
        channel = self.budget.channels[header.channel]
        if data:
            if len(self._check_untrusted(data)) != 1:
                raise malformed("bulk message that is not exactly one message")
            reserved = pending is not None and not pending.counted
            if kept is not None:
                if len(self._storing) >= BULK_MISSING_MAX:
                    raise Untrusted(Close.BUSY, f"{BULK_MISSING_MAX} large messages wait for the journal")
                self._storing[header.sequence] = None
                arrival = Arrival(
                    self, channel.name, header.channel, header.priority, header.sequence, 1, data, bulk=True,
                    reserved=reserved,
                )  # fmt: skip
                self._keep(arrival, kept)
                return
            self._deliver(
                channel, header.channel, header.priority, header.sequence, 1, data, bulk=True, reserved=reserved
            )
        elif pending is not None and pending.counted:
            self.budget.release(header.channel, pending.header.length, 1)
        elif pending is not None and pending.granted:
            self.inbox.unreserve(channel.name, pending.header.length)
        self._mark(header.sequence)
        if len(self._bulk_beyond) > BULK_MISSING_MAX:
            raise malformed(f"bulk message {header.sequence} leaves more than {BULK_MISSING_MAX} gaps")
        self._ack_due |= 1 << BULK

    def has_bulk(self, sequence: int) -> bool:
        """Whether the message has come, or was given up."""
        if sequence in self._storing:
            return True
        return sequence < self._bulk_next or any(first <= sequence <= last for first, last in self._bulk_beyond)

    def _mark(self, sequence: int) -> None:
        beyond = self._bulk_beyond
        at = bisect_left(beyond, (sequence, sequence))
        first = last = sequence
        if at and beyond[at - 1][1] == sequence - 1:
            at -= 1
            first, _ = beyond.pop(at)
        if at < len(beyond) and beyond[at][0] == sequence + 1:
            _, last = beyond.pop(at)
        if first == self._bulk_next:
            self._bulk_next = last + 1
            return
        beyond.insert(at, (first, last))

    # what goes back

    def taken(self, arrival: Arrival, size: int, count: int) -> None:
        """See Arrival.take."""
        if arrival.reserved:
            self.inbox.unreserve(arrival.channel, size)
        elif arrival.epoch is self.epoch:
            self.budget.release(arrival.number, size, count)
        if self.budget.due:
            self.wake()

    def relieved(self) -> None:
        """The budget has more again: channels that got less than they should are seen to."""
        self.budget.relieve()
        if self.budget.due:
            self.wake()

    def subscription_changed(self, channel: str) -> None:
        """An app has begun or ceased to read a channel: the other side is told, and reservations may be due."""
        self.budget.subscription_changed(channel)
        if self.budget.due:
            self.wake()

    def reservations_changed(self) -> None:
        """Memory for large messages has become free."""
        if self._grants_due:
            self.wake()

    def ack(self) -> wire_pb2.Ack | None:
        """What to acknowledge now."""
        if not self._ack_due:
            return None
        due, self._ack_due = self._ack_due, 0
        lanes = [self._lane_received(lane) for lane in range(LANES) if due >> lane & 1]
        return wire_pb2.Ack(received=wire_pb2.Received(lanes=lanes))

    def received(self) -> wire_pb2.Received:
        """Everything that is here, to resume on another connection; a lane of which nothing is has no entry."""
        return wire_pb2.Received(lanes=[self._lane_received(lane) for lane in self._used()])

    def _used(self) -> list[int]:
        """The lanes on which anything has come."""
        used = [lane for lane in range(LANES) if self._next[lane]]
        if self._bulk_next or self._bulk_beyond:
            used.append(BULK)
        return used

    def _lane_received(self, lane: int) -> wire_pb2.LaneReceived:
        if lane < PRIORITIES:
            return wire_pb2.LaneReceived(lane=lane, next=self._next[lane])
        if lane >= FIRST_KEPT:
            return wire_pb2.LaneReceived(lane=lane, next=self._stored[lane - FIRST_KEPT].through)
        ranges = [wire_pb2.Range(first=first, last=last) for first, last in self._bulk_beyond]
        return wire_pb2.LaneReceived(lane=BULK, next=self._bulk_next, ranges=ranges)

    def credit(self) -> wire_pb2.Credit | None:
        """What to grant now."""
        reserved = self._grant_reservations()
        return self.budget.credit(reserved) if reserved or self.budget.due else None

    def _grant_reservations(self) -> list[int]:
        granted: list[int] = []
        waiting: dict[int, None] = {}
        for sequence in self._grants_due:
            pending = self._bulk.get(sequence)
            if pending is None:
                continue
            name = self.budget.channels[pending.header.channel].name
            if pending.granted or self.inbox.reserve(name, pending.header.length):
                pending.granted = True
                granted.append(sequence)
            else:
                waiting[sequence] = None
        self._grants_due = waiting
        return granted

    def attach(self) -> None:
        """Another connection: whatever ACK and CREDIT may have been lost with the last one is told again. The other
        side may write on a third one, and would have no reason to repeat anything."""
        for lane in self._used():
            self._ack_due |= 1 << lane
        self.budget.tell_all()
        self._grants_due |= dict.fromkeys(sequence for sequence, bulk in self._bulk.items() if bulk.granted)

    @property
    def owes(self) -> bool:
        """Whether there may be something to acknowledge or to grant."""
        return bool(self._ack_due or self.budget.due or self._grants_due or self.outcomes.due)

    @property
    def idle(self) -> bool:
        """Whether no large message is half received."""
        return not self._bulk

    def __repr__(self) -> str:
        return f"Inbound(lanes at {self._next}, bulk at {self._bulk_next}, {len(self.budget.channels)} channels)"


def _nothing() -> None:
    """Nobody is told."""
