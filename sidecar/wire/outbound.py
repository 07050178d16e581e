"""The sending half of a link: numbers messages, keeps them until they are acknowledged, and repeats them on a new
connection.

It outlives connections. What it writes goes to one `Writer` at a time, the connection in use.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from typing import Protocol

from sidecar.errors import Reason
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.credit import Window
from sidecar.wire.errors import malformed
from sidecar.wire.kept import DURABLE, FIRST_KEPT, LANES, Kept
from sidecar.wire.lanes import BULK, BULK_MISSING_MAX, BulkHeader
from sidecar.wire.outbox import Outbox
from sidecar.wire.run import Run, Sink

BULK_AT_ONCE = 4
"""Large messages of one class that share the link at a time."""
RESERVING_MAX = 32
"""Large messages that have asked for a reservation and wait for it; half of them on channels that nobody reads."""
RESERVING_PER_CHANNEL = 4
"""The same on one channel; a channel that nobody reads has one."""
STREAMS_MAX = 80
"""Streams of large messages that the other side has not acknowledged: fewer than the 100 it lets be open."""
SLICE = 64 << 10
"""Bytes of a large message handed on before another class may have its turn."""
OLDEST_SHARE = 8
"""Of large messages in one class the one with the least left goes first, so that streams are not interleaved packet
by packet; every so many slices the oldest has a turn, so that it is never starved."""

UNKNOWN_DETAIL = "the link ended after the message was sent and before the other sidecar acknowledged it"


class Writer(Protocol):
    """The connection in use, as the sending half sees it."""

    def send_room(self) -> int:
        """Bytes that may be written now."""
        ...

    def write_lane(self, lane: int, first: int, channel: int, count: int, data: bytes) -> None:
        """Writes a frame on a lane's stream; opens the stream at sequence `first` when it is not."""
        ...

    def write_kept(self, lane: int, first: int, channel: int, count: int, data: bytes, kept: Kept) -> None:
        """The same on a lane of kept messages."""
        ...

    def open_bulk(self, header: BulkHeader, kept: Kept | None) -> int:
        """Opens a bulk stream."""
        ...

    def write_bulk(self, stream_id: int, data: bytes | memoryview, fin: bool) -> None:
        """Writes a part of a bulk message."""
        ...

    def abandon_bulk(self, stream_id: int) -> None:
        """Resets a bulk stream."""
        ...

    def open_channel(self, number: int, name: str) -> None:
        """Writes CHANNEL_OPEN."""
        ...


class ChannelOut:
    """A channel as this side numbered it."""

    __slots__ = ("known", "name", "number", "subscribed", "window")

    def __init__(self, number: int, name: str, window: Window) -> None:
        self.number = number
        self.name = name
        self.window = window
        self.known = number == 0
        """The other side has answered CHANNEL_OPEN: streams are not ordered, so nothing may name the channel
        earlier."""
        self.subscribed: bool | None = None
        """Whether an app reads it there; None until the other side has said."""


class BulkSend:
    """A large message on its way."""

    __slots__ = (
        "channel", "kept", "kind", "left", "part", "position", "reserve", "run", "sequence", "size", "stream_id",
        "streams",
    )  # fmt: skip

    def __init__(self, run: Run, sequence: int, channel: int, kind: int, reserve: bool) -> None:
        self.run: Run | None = run
        """None once the message was given up: its header alone is sent then, so that its number is used."""
        self.kept = run.kept
        self.sequence = sequence
        self.channel = channel
        self.kind = kind
        self.reserve = reserve
        self.size = run.size
        self.streams = 0
        """Streams it has had on the connection in use."""
        self.stream_id: int | None = None
        self.part = 0
        self.position = 0
        self.left = run.size

    def restart(self) -> None:
        """Begins again."""
        self.stream_id = None
        self.part = self.position = 0
        self.left = self.size

    def header(self) -> BulkHeader:
        """What its stream begins with."""
        return BulkHeader(self.sequence, self.channel, self.kind // 2, self.size)


def _left(bulk: BulkSend) -> int:
    return bulk.left


_NONE_YET: deque[tuple[int, int, Run]] = deque(maxlen=0)
"""Stands for every queue that holds nothing: an empty one takes 760 bytes, six of them a tenth of an idle link."""


class LaneOut:
    """A lane: what it has sent and not had acknowledged."""

    __slots__ = ("again", "base", "next", "unacked")

    def __init__(self) -> None:
        self.next = 0
        """The number of the next message."""
        self.unacked = _NONE_YET
        """(first sequence, channel number, run), in order."""
        self.again = _NONE_YET
        """The end of `unacked` that the connection in use has not been given yet."""


class Outbound:
    """See the module."""

    def __init__(self, outbox: Outbox) -> None:
        self.outbox = outbox
        self.messages_sent = 0
        self.bytes_sent = 0
        self._begin()

    def _begin(self) -> None:
        self.window = Window()
        self._limits: wire_pb2.Limits | None = None
        self._lanes: dict[int, LaneOut] = {}
        """Those that have carried anything, by lane; that of large messages is kept elsewhere."""
        self._next_bulk = 0
        self._bulk: dict[int, BulkSend] = {}
        self._active: defaultdict[int, list[BulkSend]] = defaultdict(list)
        self._again: defaultdict[int, list[BulkSend]] = defaultdict(list)
        """Begun, and to be begun again before any other."""
        self._streams = 0
        self._slices = 0
        self._reserving: dict[int, BulkSend] = {}
        self._channels: dict[str, ChannelOut] = {}
        self._by_number: dict[int, ChannelOut] = {}

    # connections

    def attach(self, writer: Writer, limits: wire_pb2.Limits, former: Writer | None = None) -> None:
        """A connection to write to: everything unacknowledged is written to it again, before anything new. `limits` are
        the other side's; `former` is the connection it takes the place of, if that one lives."""
        if self._limits is None:
            self.window.extend(limits.link_bytes, limits.link_messages)
            first = ChannelOut(0, "", Window(limits.channel_bytes, limits.channel_messages))
            self._channels[""] = self._by_number[0] = first
        self._limits = limits
        for channel in self._channels.values():
            if channel.number:
                writer.open_channel(channel.number, channel.name)
        for lane in self._lanes.values():
            lane.again = lane.unacked.copy() if lane.unacked else _NONE_YET
        self._reserving.clear()
        self._streams = 0
        self._active.clear()
        self._again.clear()
        for bulk in self._bulk.values():
            if former is not None and bulk.stream_id is not None:
                former.abandon_bulk(bulk.stream_id)
            bulk.streams = 0
            bulk.restart()
            self._again[bulk.kind].append(bulk)
        self.outbox.unblock()

    def reset(self) -> None:
        """The other side knows nothing of this half any more: what was sent has no known outcome, what was not stays
        queued, and numbers and windows begin anew."""
        self._fail_sent()
        self.outbox.unblock()

    def fail(self, reason: Reason, detail: str) -> int:
        """The link is over: everything is reported, the sent as OUTCOME_UNKNOWN and the rest with `reason`. The
        number of messages, those that a journal has left out."""
        sent = self._fail_sent()
        return sent + self.outbox.withdraw(lambda run: True, reason, detail)

    def _fail_sent(self) -> int:
        runs = [run for _, lane in sorted(self._lanes.items()) for _, _, run in lane.unacked]
        for bulk in reversed(self._bulk.values()):
            if bulk.run is not None and bulk.run.was_sent:
                runs.append(bulk.run)
            elif bulk.run is not None:  # a part of a message is none: it can be sent again without risk
                self.outbox.put_back(self._by_number[bulk.channel].name, bulk.kind // 2, bulk.run)
        self._begin()
        for run in runs:
            self.outbox.settle(run)
            run.sink.failed(run.first, run.count, Reason.OUTCOME_UNKNOWN, UNKNOWN_DETAIL)
        return sum(run.count for run in runs if not run.durable)

    @property
    def unacknowledged(self) -> bool:
        """Whether anything was sent that has no outcome yet."""
        if self._bulk:
            return True
        for lane in self._lanes.values():  # noqa: SIM110  asked for every answer, and a generator costs more than all lanes do
            if lane.unacked:
                return True
        return False

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is unacknowledged."""
        return not self.outbox.messages and not self.unacknowledged

    # writing

    def fill(self, writer: Writer) -> None:
        """Writes what may be written now: repeats first, then what the outbox holds, class by class."""
        outbox = self.outbox
        outbox.fresh_bytes = 0
        if not (outbox.messages or self._bulk):
            return
        room = writer.send_room()
        classes, active, again = outbox.classes, self._active, self._again
        for number, lane in self._lanes.items():
            while lane.again and room > 0:
                sequence, channel, run = lane.again.popleft()
                if run.kept is None:
                    writer.write_lane(number, sequence, channel, run.count, run.parts[0])
                else:
                    writer.write_kept(number, sequence, channel, run.count, run.parts[0], run.kept)
                room -= run.size
        while room > 0:
            kinds = [
                kind
                for kind in outbox.kinds
                if (classes[kind].ready or active.get(kind) or again.get(kind)) and self._sendable(kind, writer)
            ]
            if not kinds:
                return
            kind = outbox.turn(kinds)
            written = self._write_bulk(kind, writer) if kind & 1 else self._write_run(kind, writer)
            outbox.spend(kind, written)
            room -= written

    def _sendable(self, kind: int, writer: Writer) -> bool:
        """Whether the class has something that the windows let through now; channels without credit step aside."""
        if kind & 1:
            self._start_bulk(kind, writer)
            return bool(self._active[kind])
        outbox = self.outbox
        queues = outbox.classes[kind]
        while queues.ready:
            name, run = outbox.head(kind)
            channel = self._channel(name, writer)
            if channel is None or self._drop_too_large(kind, name, run):
                continue
            if self._fit(run, channel.window):
                # The link's window is a sum of the channels': when it is short, no other channel may go either.
                return self._fit(run, self.window) > 0
            outbox.block(kind, name)
        return False

    @staticmethod
    def _fit(run: Run, window: Window) -> int:
        if window.fits(run.size, run.count):
            return run.count
        return run.fit(window.room_bytes, window.room_messages)

    def _channel(self, name: str, writer: Writer) -> ChannelOut | None:
        """The channel, opened if it is not; None when the other side takes no more, and its messages are reported."""
        channel = self._channels.get(name)
        if channel is None:
            assert self._limits is not None, "nothing is written before a connection is attached"
            most = self._limits.max_channels
            if len(self._channels) > most:
                detail = f"the peer takes {most} channels on a link, and {name!r} is one more: use fewer names"
                self.outbox.withdraw_channel(name, Reason.LIMIT_REACHED, detail)
                return None
            channel = ChannelOut(len(self._channels), name, Window())
            self._channels[name] = self._by_number[channel.number] = channel
            writer.open_channel(channel.number, name)
        return channel

    def _drop_too_large(self, kind: int, name: str, run: Run) -> bool:
        """Reports the first message of the head run that the other side would not take; whether there was one."""
        assert self._limits is not None, "nothing is written before a connection is attached"
        most = self._limits.max_message_bytes
        if run.kept is not None and not self._takes(run.kept, self._limits):
            self.outbox.next(kind)
            self.outbox.settle(run)
            what = "keeps no journal" if self._limits.kept else "is of a version that does not know such messages"
            run.sink.failed(run.first, run.count, Reason.UNSUPPORTED_BY_PEER, f"the peer's sidecar {what}")
            return True
        if run.size <= most:
            return False
        found = run.too_large(most)
        if found is None:
            return False
        index, payload = found
        self.outbox.next(kind)
        if index + 1 < run.count:
            run, rest = run.split(index + 1)
            self.outbox.put_back(name, kind // 2, rest)
        if index:
            head, run = run.split(index)
            self.outbox.put_back(name, kind // 2, head)
        self.outbox.settle(run)
        detail = f"a payload of {payload} bytes, the peer takes at most {most}"
        run.sink.failed(run.first, 1, Reason.MESSAGE_TOO_LARGE, detail)
        return True

    @staticmethod
    def _takes(kept: Kept, limits: wire_pb2.Limits) -> bool:
        return limits.kept and (limits.durable or not kept.flags & DURABLE)

    def _write_run(self, kind: int, writer: Writer) -> int:
        name, run = self.outbox.head(kind)
        channel = self._channels[name]
        fitting = min(self._fit(run, channel.window), self._fit(run, self.window))
        if not fitting:
            return 0  # a large message of another class has begun since it was found sendable, and used the window
        self.outbox.next(kind)
        if fitting < run.count:
            run, rest = run.split(fitting)
            self.outbox.put_back(name, kind // 2, rest)
        self._count(run, channel)
        if run.kept is None:
            lane = self._lane(kind // 2)
            writer.write_lane(kind // 2, lane.next, channel.number, run.count, run.parts[0])
        else:
            number = FIRST_KEPT + kind // 2
            lane = self._lane(number)
            writer.write_kept(number, lane.next, channel.number, run.count, run.parts[0], run.kept)
        if lane.unacked is _NONE_YET:
            lane.unacked = deque()
        lane.unacked.append((lane.next, channel.number, run))
        lane.next += run.count
        run.sink.sent(run.first, run.count)
        return run.size

    def _lane(self, number: int) -> LaneOut:
        lane = self._lanes.get(number)
        if lane is None:
            lane = self._lanes[number] = LaneOut()
        return lane

    def _count(self, run: Run, channel: ChannelOut | None) -> None:
        if channel is not None:
            channel.window.use(run.size, run.count)
            self.window.use(run.size, run.count)
        self.messages_sent += run.count
        self.bytes_sent += run.size

    # large messages

    def _start_bulk(self, kind: int, writer: Writer) -> None:
        """Begins large messages that may begin: within the windows, or by asking for a reservation."""
        assert self._limits is not None, "nothing is written before a connection is attached"
        outbox, active, again = self.outbox, self._active[kind], self._again[kind]
        queues = outbox.classes[kind]
        while (again or queues.ready) and len(active) < BULK_AT_ONCE and self._streams < STREAMS_MAX:
            if again:
                self._open_bulk(again.pop(0), writer)
                continue
            name, run = outbox.head(kind)
            channel = self._channel(name, writer)
            if channel is None or self._drop_too_large(kind, name, run):
                continue
            reserve = run.size > self._limits.channel_bytes
            if not channel.known or not self._may_begin(run, channel, reserve=reserve):
                outbox.block(kind, name)
                continue
            if not reserve and not self._fit(run, self.window):
                return
            outbox.next(kind)
            self._count(run, None if reserve else channel)
            bulk = BulkSend(run, self._next_bulk, channel.number, kind, reserve)
            self._next_bulk += 1
            self._bulk[bulk.sequence] = bulk
            self._open_bulk(bulk, writer)

    def _may_begin(self, run: Run, channel: ChannelOut, *, reserve: bool) -> bool:
        if not reserve:
            return self._fit(run, channel.window) > 0
        waiting = [self._by_number[bulk.channel] for bulk in self._reserving.values()]
        if len(waiting) >= RESERVING_MAX:
            return False
        if channel.subscribed:
            return waiting.count(channel) < RESERVING_PER_CHANNEL
        return channel not in waiting and sum(not one.subscribed for one in waiting) < RESERVING_MAX // 2

    def _open_bulk(self, bulk: BulkSend, writer: Writer) -> None:
        bulk.stream_id = writer.open_bulk(bulk.header(), bulk.kept)
        bulk.streams += 1
        self._streams += 1
        if bulk.run is None:
            writer.write_bulk(bulk.stream_id, b"", True)
        elif bulk.reserve:
            self._reserving[bulk.sequence] = bulk
        else:
            self._active[bulk.kind].append(bulk)

    def _write_bulk(self, kind: int, writer: Writer) -> int:
        active = self._active[kind]
        self._slices += 1
        bulk = active[0] if self._slices % OLDEST_SHARE == 0 else min(active, key=_left)
        run, stream_id = bulk.run, bulk.stream_id
        assert run is not None
        assert stream_id is not None
        part = run.parts[bulk.part]
        data = memoryview(part)[bulk.position : bulk.position + SLICE]
        bulk.position += len(data)
        bulk.left -= len(data)
        if bulk.position == len(part):
            bulk.part, bulk.position = bulk.part + 1, 0
        fin = bulk.part == len(run.parts)
        writer.write_bulk(stream_id, data, fin)
        if fin:
            active.remove(bulk)
            if not run.was_sent:
                run.was_sent = True
                run.sink.sent(run.first, 1)
        return len(data)

    # what the other side says

    def on_credit_untrusted(self, credit: wire_pb2.Credit) -> None:
        """More room."""
        self.window.extend(credit.link_bytes, credit.link_messages)
        for update in credit.channels:
            channel = self._by_number.get(update.channel)
            if channel is None:
                raise malformed(f"credit for channel {update.channel}, which was not opened")
            channel.window.extend(update.bytes, update.messages)
            channel.subscribed, channel.known = update.subscribed, True
            self.outbox.unblock(channel.name)
        for sequence in credit.reserved:
            bulk = self._reserving.pop(sequence, None)
            if bulk is not None:
                self._active[bulk.kind].append(bulk)
                self.outbox.unblock()

    def on_received_untrusted(self, received: wire_pb2.Received) -> None:
        """What the other side's inbox has."""
        for state in received.lanes:
            if state.lane == BULK:
                self._bulk_received_untrusted(state)
            elif state.lane < LANES:
                self._lane_received_untrusted(self._lanes.get(state.lane), state.next)

    def _lane_received_untrusted(self, lane: LaneOut | None, through: int) -> None:
        sent = 0 if lane is None else lane.next
        if through > sent:
            raise malformed(f"acknowledges message {through - 1} of a lane that has sent {sent}")
        if lane is None:
            return
        unacked = lane.unacked
        while unacked and unacked[0][0] < through:
            first, channel, run = unacked.popleft()
            pending = bool(lane.again) and lane.again[0][0] == first
            if pending:
                lane.again.popleft()
            if first + run.count > through:
                # The other side may have cut the run in another place; the rest stays, for it alone is to be repeated.
                run, rest = run.split(through - first)
                unacked.appendleft((through, channel, rest))
                if pending:
                    lane.again.appendleft((through, channel, rest))
            self.outbox.settle(run)
            run.sink.delivered(run.first, run.count)

    def _bulk_received_untrusted(self, state: wire_pb2.LaneReceived) -> None:
        if state.next > self._next_bulk:
            raise malformed(f"acknowledges bulk message {state.next - 1}, {self._next_bulk} were sent")
        if len(state.ranges) > BULK_MISSING_MAX:
            raise malformed(f"{len(state.ranges)} ranges of bulk messages, at most {BULK_MISSING_MAX} are allowed")
        # What is unacknowledged here is bounded by the outbox; what the ranges span is whatever the other side says.
        pending = list(self._bulk)  # ascending, as they were numbered
        done = pending[: bisect_left(pending, state.next)]
        least = state.next
        for part in state.ranges:
            if not least <= part.first <= part.last < self._next_bulk:
                raise malformed(f"acknowledges bulk messages {part.first} to {part.last}, {self._next_bulk} were sent")
            least = part.last + 1
            done += pending[bisect_left(pending, part.first) : bisect_right(pending, part.last)]
        for sequence in done:
            self._bulk_done(self._bulk.pop(sequence))

    def _bulk_done(self, bulk: BulkSend) -> None:
        self._set_aside(bulk)
        self._streams -= bulk.streams
        if bulk.run is not None:
            self.outbox.settle(bulk.run)
            bulk.run.sink.delivered(bulk.run.first, 1)

    def _set_aside(self, bulk: BulkSend) -> None:
        """Nothing more of the message is to be written."""
        for waiting in (self._active[bulk.kind], self._again[bulk.kind]):
            if bulk in waiting:
                waiting.remove(bulk)
        if self._reserving.pop(bulk.sequence, None) is not None:
            self.outbox.unblock()  # others may ask in its place

    # callers who give up

    def withdraw(self, sink: Sink, reason: Reason, detail: str, writer: Writer | None) -> None:
        """A caller wants no more of its messages sent: those that were not are reported with `reason`, a large one half
        sent among them. Those that were sent go on, and their outcome is told when it is known."""
        for bulk in list(self._bulk.values()):
            run = bulk.run
            if run is None or run.sink is not sink or run.was_sent:
                continue
            if bulk.stream_id is not None and writer is not None:
                writer.abandon_bulk(bulk.stream_id)
            self._set_aside(bulk)
            bulk.run = None
            bulk.restart()
            self._again[bulk.kind].append(bulk)
            self.outbox.settle(run)
            run.sink.failed(run.first, 1, reason, detail)
        self.outbox.withdraw_sink(sink, reason, detail)

    def starved(self, name: str) -> bool:
        """Whether messages of the channel wait because its window is full and no app reads it there."""
        channel = self._channels.get(name)
        return channel is not None and channel.subscribed is False

    def __repr__(self) -> str:
        lanes = [self._lanes[number].next if number in self._lanes else 0 for number in range(LANES)]
        return f"Outbound({self.outbox!r}, lanes at {lanes}, bulk at {self._next_bulk})"
