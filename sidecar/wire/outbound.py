"""The sending half of a link: numbers messages, keeps them until they are acknowledged, and repeats them on a new
connection.

It outlives connections. What it writes goes to one `Writer` at a time, the connection in use.
"""

from __future__ import annotations

from collections import deque

from sidecar.errors import Reason
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.bulk_out import BulkOut, BulkSend
from sidecar.wire.channel_out import ChannelOut
from sidecar.wire.credit import Window
from sidecar.wire.errors import malformed
from sidecar.wire.kept import DURABLE, FIRST_KEPT, LANES, Kept
from sidecar.wire.lanes import BULK
from sidecar.wire.outbox import Outbox
from sidecar.wire.run import Run, Sink
from sidecar.wire.writer import Writer

UNKNOWN_DETAIL = "the link ended after the message was sent and before the other sidecar acknowledged it"


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
        self._bulk = BulkOut()
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
        self._bulk.attach(writer, former)
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
        for bulk in reversed(self._bulk.unacked.values()):
            if bulk.run is not None and bulk.run.was_sent:
                runs.append(bulk.run)
            elif bulk.run is not None:  # a part of a message is none: it can be sent again without risk
                self.outbox.put_back(bulk.channel.name, bulk.kind // 2, bulk.run)
        self._begin()
        for run in runs:
            self.outbox.settle(run)
            run.sink.failed(run.first, run.count, Reason.OUTCOME_UNKNOWN, UNKNOWN_DETAIL)
        return sum(run.count for run in runs if not run.durable)

    @property
    def unacknowledged(self) -> bool:
        """Whether anything was sent that has no outcome yet."""
        if self._bulk.unacked:
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
        bulk = self._bulk
        if not (outbox.messages or bulk.unacked):
            return
        room = writer.send_room()
        classes = outbox.classes
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
                if (classes[kind].ready or (bulk.unacked and bulk.wants(kind))) and self._sendable(kind, writer)
            ]
            if not kinds:
                return
            kind = outbox.turn(kinds)
            written = bulk.write(kind, writer) if kind & 1 else self._write_run(kind, writer)
            outbox.spend(kind, written)
            room -= written

    def _sendable(self, kind: int, writer: Writer) -> bool:
        """Whether the class has something that the windows let through now; channels without credit step aside."""
        if kind & 1:
            self._start_bulk(kind, writer)
            return bool(self._bulk.active[kind])
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

    def _start_bulk(self, kind: int, writer: Writer) -> None:
        """Begins large messages that may begin: within the windows, or by asking for a reservation."""
        assert self._limits is not None, "nothing is written before a connection is attached"
        outbox, bulk = self.outbox, self._bulk
        queues = outbox.classes[kind]
        while bulk.may_begin(kind):
            if bulk.begin_again(kind, writer):
                continue
            if not queues.ready:
                return
            name, run = outbox.head(kind)
            channel = self._channel(name, writer)
            if channel is None or self._drop_too_large(kind, name, run):
                continue
            reserve = run.size > self._limits.channel_bytes
            fits = bulk.may_reserve(channel) if reserve else self._fit(run, channel.window) > 0
            if not (channel.known and fits):
                outbox.block(kind, name)
                continue
            if not reserve and not self._fit(run, self.window):
                return
            outbox.next(kind)
            self._count(run, None if reserve else channel)
            bulk.begin(run, channel, kind, writer, reserve=reserve)

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
            if self._bulk.reserved(sequence):
                self.outbox.unblock()

    def on_received_untrusted(self, received: wire_pb2.Received) -> None:
        """What the other side's inbox has."""
        for state in received.lanes:
            if state.lane == BULK:
                for bulk in self._bulk.received_untrusted(state):
                    self._set_aside(bulk)
                    if bulk.run is not None:
                        self.outbox.settle(bulk.run)
                        bulk.run.sink.delivered(bulk.run.first, 1)
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

    def _set_aside(self, bulk: BulkSend) -> None:
        if self._bulk.set_aside(bulk):
            self.outbox.unblock()  # others may ask for a reservation in its place

    # callers who give up

    def withdraw(self, sink: Sink, reason: Reason, detail: str, writer: Writer | None) -> None:
        """A caller wants no more of its messages sent: those that were not are reported with `reason`, a large one half
        sent among them. Those that were sent go on, and their outcome is told when it is known."""
        for bulk in self._bulk.unsent_of(sink):
            run = bulk.run
            assert run is not None
            self._set_aside(bulk)
            self._bulk.give_up(bulk, writer)
            self.outbox.settle(run)
            run.sink.failed(run.first, 1, reason, detail)
        self.outbox.withdraw_sink(sink, reason, detail)

    def starved(self, name: str) -> bool:
        """Whether messages of the channel wait because its window is full and no app reads it there."""
        channel = self._channels.get(name)
        return channel is not None and channel.subscribed is False

    def __repr__(self) -> str:
        lanes = [self._lanes[number].next if number in self._lanes else 0 for number in range(LANES)]
        return f"Outbound({self.outbox!r}, lanes at {lanes}, {self._bulk!r})"
