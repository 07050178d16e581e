"""The receiving half of a link: takes each message once, counts credit, and tells what it has.

It outlives connections, as the sending half does; frames come from whichever connection carries them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from itertools import islice
from typing import NamedTuple, Protocol

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire import batch
from sidecar.wire.batch import ENTRY_OVERHEAD_MAX, IN_LINE_MAX, BadBatch
from sidecar.wire.credit import Allowance
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

CHANNEL_NAME_MAX = 128
MESSAGES_LEAST = 64
"""Messages a channel that an app reads may always have unread."""
RELIEVED_AT_ONCE = 4
"""Channels short of window that are seen to, in turn, whenever an app takes something: with many, seeing to all of them
each time would cost more than the messages do."""


class Windows(NamedTuple):
    """What a receiving half grants."""

    max_message_bytes: int
    """Payload bytes of the largest message."""
    link_bytes: int
    """The budget of the link, which its channels share."""
    link_messages: int
    channel_bytes: int
    """The most one channel gets of it."""
    channel_messages: int
    first_channel_bytes: int
    """What channel 0 begins with, and the least that a channel has which an app reads; larger messages need a
    reservation. At least IN_LINE_MAX."""
    unread_channel_bytes: int
    """The most a channel gets that no app reads."""
    max_channels: int
    durable: bool = False
    """Whether there is a journal."""

    def limits(self) -> wire_pb2.Limits:
        """What the other side is told of them in HELLO."""
        return wire_pb2.Limits(
            max_message_bytes=self.max_message_bytes,
            link_bytes=self.link_bytes,
            link_messages=self.link_messages,
            channel_bytes=self.first_channel_bytes,
            channel_messages=self.channel_messages,
            max_channels=self.max_channels,
            kept=True,
            durable=self.durable,
        )


class Source(Protocol):
    """Who messages came from: a link, or what is remembered of one."""

    peer_id: str
    instance: int
    epoch: object

    def taken(self, arrival: Arrival, size: int, count: int) -> None:
        """See Arrival.take."""
        ...


class Row:
    """A run as the journal has it."""

    __slots__ = ("id", "left", "number", "size")

    def __init__(self, row_id: int, number: int, left: int, size: int) -> None:
        self.id = row_id
        self.number = number
        """Of its first message."""
        self.left = left
        """Messages that have no outcome here."""
        self.size = size


class Arrival:
    """A run of messages that came in: what the inbox holds. `take` it when an app has it."""

    __slots__ = (
        "batch", "bulk", "channel", "count", "epoch", "expires", "first_sequence", "inbound", "instance", "kept",
        "number", "priority", "reserved", "row", "size",
    )  # fmt: skip

    def __init__(
        self, inbound: Source, channel: str, number: int, priority: int, first: int, count: int, data: bytes,
        *, bulk: bool, reserved: bool,
    ) -> None:  # fmt: skip
        self.inbound = inbound
        self.channel = channel
        self.number = number
        self.priority = priority
        self.first_sequence = first
        self.count = count
        self.batch = data
        self.size = len(data)
        self.bulk = bulk
        self.reserved = reserved
        self.epoch = inbound.epoch
        self.instance = inbound.instance
        """Which run of the sender's sidecar numbered them."""
        self.kept: Kept | None = None
        self.row: Row | None = None
        """Where it is in the journal, once it is there."""
        self.expires = 0.0
        """When it is not worth handing out any more, by the journal's clock; 0 for never."""

    def take(self, size: int, count: int) -> None:
        """An app has `count` more of the messages, `size` bytes of them: their room is the sender's again."""
        self.inbound.taken(self, size, count)


class Inbox(Protocol):
    """Where arrivals go."""

    def put(self, arrival: Arrival) -> None:
        """Takes a run."""
        ...

    def keep(self, arrival: Arrival) -> None:
        """Takes a run of kept messages; `Inbound.stored` is called once they are where they belong."""
        ...

    def asked(self, inbound: Inbound, ranges: list[wire_pb2.OutcomeRange]) -> None:
        """The other side wants to know what became of durable messages."""
        ...

    def repeated(self, count: int) -> None:
        """So many messages came that were here already."""
        ...

    def subscribed(self, channel: str) -> bool:
        """Whether an app reads the channel."""
        ...

    def reserve(self, channel: str, size: int) -> bool:
        """Reserves memory for a large message; false when there is none now."""
        ...

    def unreserve(self, channel: str, size: int) -> None:
        """Gives it back."""
        ...

    def expect(self, size: int) -> None:
        """So many bytes more (or fewer, below 0) were granted beyond the first window and have not come."""
        ...

    def left(self, channel: str) -> int:
        """Bytes that may still be granted for a channel before the inbox as a whole is full."""
        ...

    @property
    def full(self) -> bool:
        """Whether nobody new can be let in: not even first windows have room."""
        ...


class ChannelIn(NamedTuple):
    """A channel as the other side numbered it."""

    name: str
    allowance: Allowance


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
        self.expected = 0
        """Bytes that were granted, beyond the first window and those that readers have in any case, and have not
        come."""
        self._begin()

    def _begin(self) -> None:
        windows = self.windows
        self._allowance = Allowance(windows.link_bytes, windows.link_messages)
        first = Allowance(windows.first_channel_bytes, windows.channel_messages)
        self._channels: dict[int, ChannelIn] = {0: ChannelIn("", first)}
        self._numbers = {"": 0}
        self._granted_bytes = windows.first_channel_bytes
        self._granted_messages = windows.channel_messages
        """Sums of what the channels were granted."""
        self._read: dict[int, None] = {}
        """Channels that an app has read: each has the first window at least, whatever others hold."""
        self._short: dict[int, None] = {}
        """Channels whose window is below what it should be, for lack of budget."""
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
        self._credit_due: dict[int, None] = {}
        self._grants_due: dict[int, None] = {}
        """Numbers whose reservation is to be granted, or to be told again; in the order they were asked for."""
        self.epoch = object()
        """Changes with every reset: room taken up before it is not the sender's any more."""

    def reset(self) -> None:
        """The other side begins a new epoch: numbers and windows begin anew. What the inbox holds stays there."""
        for bulk in self._bulk.values():
            if bulk.granted:
                self.inbox.unreserve(self._channels[bulk.header.channel].name, bulk.header.length)
        self._begin()
        self._expect()

    # what comes

    def on_channel_open_untrusted(self, opened: wire_pb2.ChannelOpen) -> None:
        """A channel gets its number."""
        number, name = opened.channel, opened.name
        if number in self._channels and self._channels[number].name == name:
            self._credit_due[number] = None  # it came again on another connection; so may the answer
            return
        if number != len(self._channels) or number > self.windows.max_channels or name in self._numbers:
            raise malformed(f"opens channel {number} as {name!r}, {len(self._channels) - 1} are open")
        if not 0 < len(name.encode()) <= CHANNEL_NAME_MAX:
            raise malformed(f"channel name of {len(name.encode())} bytes, at most {CHANNEL_NAME_MAX} are allowed")
        self._channels[number] = ChannelIn(name, Allowance())
        self._numbers[name] = number
        self._regrant(number)
        self._credit_due[number] = None

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
            channel = self._channels.get(number)
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
            self._accept(channel, len(data), count)
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
            channel = self._channels.get(number)
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
            self._accept(channel, len(data), count)
            self._next[lane] += count
            self._deliver(channel, number, lane, first + known, count, data, bulk=False, reserved=False)

    def _check_untrusted(self, data: bytes) -> list[int]:
        try:
            return batch.check_untrusted(data, self.windows.max_message_bytes)
        except BadBatch as error:
            raise malformed(str(error)) from error

    def _accept(self, channel: ChannelIn, size: int, count: int) -> None:
        fits_link = self._allowance.accept(size, count)
        if not channel.allowance.accept(size, count) or not fits_link:
            raise Untrusted(Close.CREDIT, f"more messages on channel {channel.name!r} than its credit allows")
        self._expect()

    def _expect(self) -> None:
        expected = self._granted_bytes - max(self._allowance.received_bytes, self.windows.first_channel_bytes)
        expected = max(0, expected - len(self._read) * self.windows.first_channel_bytes)
        if expected != self.expected:
            self.inbox.expect(expected - self.expected)
            self.expected = expected

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
        channel = self._channels.get(header.channel)
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
                self._accept(channel, header.length, 1)
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
        channel = self._channels[header.channel]
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
            self._release(channel, header.channel, pending.header.length, 1)
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
            self._release(self._channels[arrival.number], arrival.number, size, count)
        if self._credit_due:
            self.wake()

    def _release(self, channel: ChannelIn, number: int, size: int, count: int) -> None:
        channel.allowance.take(size, count)
        self._allowance.take(size, count)
        self._regrant(number)
        for short in list(islice(self._short, RELIEVED_AT_ONCE)):
            self._regrant(short)

    def relieved(self) -> None:
        """The budget has more again: channels that got less than they should are seen to."""
        for number in list(self._short):
            self._regrant(number)
        if self._credit_due:
            self.wake()

    def _regrant(self, number: int) -> None:
        """Raises a channel's window when that is worth a frame. A channel may have at most half of what the link,
        and the inbox as a whole, have left, so that however many are left unread there is always some for one more
        (dynamic thresholds, after Choudhury and Hahne 1998). One that an app reads has the first window at least,
        whatever others hold: what may be sent on it at all fits that, and is soon read. One that nobody reads has an
        even share of the link at least, as long as the inbox has it: what others were granted and do not use never
        comes back."""
        windows = self.windows
        channel = self._channels[number]
        allowance = channel.allowance
        left_bytes = windows.link_bytes - self._granted_bytes + self._allowance.taken_bytes + allowance.promised_bytes
        left_messages = (
            windows.link_messages
            - self._granted_messages
            + self._allowance.taken_messages
            + allowance.promised_messages
        )
        self._short.pop(number, None)  # to come back as the last
        least = windows.first_channel_bytes
        want = windows.unread_channel_bytes
        left = self.inbox.left(channel.name) // 2
        if self.inbox.subscribed(channel.name):
            want, size, messages = max(windows.channel_bytes, least), least, MESSAGES_LEAST
            if number:  # whose first window is counted already
                self._read[number] = None
        else:
            size = max(0, min(windows.link_bytes // windows.max_channels, left))
            messages = max(1, windows.link_messages // windows.max_channels)
        size = max(size, min(want, left_bytes // 2, left))
        messages = max(messages, min(windows.channel_messages, left_messages // 2))
        self._granted_bytes -= allowance.granted_bytes
        self._granted_messages -= allowance.granted_messages
        granted = allowance.grant(size, messages, least)
        self._granted_bytes += allowance.granted_bytes
        self._granted_messages += allowance.granted_messages
        if granted:
            self._credit_due[number] = None
            self._expect()
        if size < want or messages < windows.channel_messages:
            self._short[number] = None

    def subscription_changed(self, channel: str) -> None:
        """An app has begun or ceased to read a channel: the other side is told, and reservations may be due."""
        number = self._numbers.get(channel)
        if number is not None:
            self._regrant(number)
            self._credit_due[number] = None
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
        if not self._credit_due and not reserved:
            return None
        channels = []
        for number in sorted(self._credit_due):
            channel = self._channels[number]
            channels.append(
                wire_pb2.ChannelCredit(
                    channel=number,
                    bytes=channel.allowance.granted_bytes,
                    messages=channel.allowance.granted_messages,
                    subscribed=self.inbox.subscribed(channel.name),
                )
            )
        self._credit_due.clear()
        # The link's window follows its channels': told together, it is never the narrower.
        link = self._allowance
        link.granted_bytes = max(link.granted_bytes, link.taken_bytes + self.windows.link_bytes, self._granted_bytes)
        link.granted_messages = max(
            link.granted_messages, link.taken_messages + self.windows.link_messages, self._granted_messages
        )
        return wire_pb2.Credit(
            link_bytes=self._allowance.granted_bytes,
            link_messages=self._allowance.granted_messages,
            channels=channels,
            reserved=reserved,
        )

    def _grant_reservations(self) -> list[int]:
        granted: list[int] = []
        waiting: dict[int, None] = {}
        for sequence in self._grants_due:
            pending = self._bulk.get(sequence)
            if pending is None:
                continue
            name = self._channels[pending.header.channel].name
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
        self._credit_due |= dict.fromkeys(self._channels)
        self._grants_due |= dict.fromkeys(sequence for sequence, bulk in self._bulk.items() if bulk.granted)

    @property
    def owes(self) -> bool:
        """Whether there may be something to acknowledge or to grant."""
        return bool(self._ack_due or self._credit_due or self._grants_due or self.outcomes.due)

    @property
    def idle(self) -> bool:
        """Whether no large message is half received."""
        return not self._bulk

    def __repr__(self) -> str:
        return f"Inbound(lanes at {self._next}, bulk at {self._bulk_next}, {len(self._channels)} channels)"


def _nothing() -> None:
    """Nobody is told."""
