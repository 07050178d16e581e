"""Large messages on their way out: a stream for each, a few at a time, until the other side has them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.channel_out import ChannelOut
from sidecar.wire.errors import malformed
from sidecar.wire.lanes import BULK_MISSING_MAX, BulkHeader
from sidecar.wire.run import Run, Sink
from sidecar.wire.writer import Writer

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


class BulkSend:
    """A large message on its way."""

    __slots__ = (
        "channel", "kept", "kind", "left", "part", "position", "reserve", "run", "sequence", "size", "stream_id",
        "streams",
    )  # fmt: skip

    def __init__(self, run: Run, sequence: int, channel: ChannelOut, kind: int, reserve: bool) -> None:
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
        return BulkHeader(self.sequence, self.channel.number, self.kind // 2, self.size)


def _left(bulk: BulkSend) -> int:
    return bulk.left


class BulkOut:
    """See the module. Of one epoch: numbers begin at 0."""

    __slots__ = ("_again", "_next", "_reserving", "_slices", "_streams", "active", "unacked")

    def __init__(self) -> None:
        self._next = 0
        self.unacked: dict[int, BulkSend] = {}
        """Begun and not acknowledged, by number."""
        self.active: defaultdict[int, list[BulkSend]] = defaultdict(list)
        """What has bytes to write that may be written, by class."""
        self._again: defaultdict[int, list[BulkSend]] = defaultdict(list)
        """Begun, and to be begun again before any other."""
        self._streams = 0
        self._slices = 0
        self._reserving: dict[int, BulkSend] = {}

    def __repr__(self) -> str:
        return f"bulk at {self._next}"

    def attach(self, writer: Writer, former: Writer | None) -> None:
        """Another connection: everything begins again on it."""
        self._reserving.clear()
        self._streams = 0
        self.active.clear()
        self._again.clear()
        for bulk in self.unacked.values():
            if former is not None and bulk.stream_id is not None:
                former.abandon_bulk(bulk.stream_id)
            bulk.streams = 0
            bulk.restart()
            self._again[bulk.kind].append(bulk)

    def wants(self, kind: int) -> bool:
        """Whether any of a class has something to write, or is to begin again."""
        return bool(self.active.get(kind) or self._again.get(kind))

    # beginning

    def may_begin(self, kind: int) -> bool:
        """Whether one more of the class may have a stream now."""
        return len(self.active[kind]) < BULK_AT_ONCE and self._streams < STREAMS_MAX

    def begin_again(self, kind: int, writer: Writer) -> bool:
        """Begins the first of those that are to begin again; false when there is none."""
        again = self._again[kind]
        if not again:
            return False
        self._open(again.pop(0), writer)
        return True

    def begin(self, run: Run, channel: ChannelOut, kind: int, writer: Writer, *, reserve: bool) -> None:
        """Begins a message; one that must `reserve` goes on when the other side has memory for it."""
        bulk = BulkSend(run, self._next, channel, kind, reserve)
        self._next += 1
        self.unacked[bulk.sequence] = bulk
        self._open(bulk, writer)

    def may_reserve(self, channel: ChannelOut) -> bool:
        """Whether one more may ask for a reservation on the channel."""
        waiting = [bulk.channel for bulk in self._reserving.values()]
        if len(waiting) >= RESERVING_MAX:
            return False
        if channel.subscribed:
            return waiting.count(channel) < RESERVING_PER_CHANNEL
        return channel not in waiting and sum(not one.subscribed for one in waiting) < RESERVING_MAX // 2

    def _open(self, bulk: BulkSend, writer: Writer) -> None:
        bulk.stream_id = writer.open_bulk(bulk.header(), bulk.kept)
        bulk.streams += 1
        self._streams += 1
        if bulk.run is None:
            writer.write_bulk(bulk.stream_id, b"", True)
        elif bulk.reserve:
            self._reserving[bulk.sequence] = bulk
        else:
            self.active[bulk.kind].append(bulk)

    # writing

    def write(self, kind: int, writer: Writer) -> int:
        """Writes a slice of one of the class; its bytes."""
        active = self.active[kind]
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

    def reserved(self, sequence: int) -> bool:
        """A reservation is granted; whether one had been asked for."""
        bulk = self._reserving.pop(sequence, None)
        if bulk is None:
            return False
        self.active[bulk.kind].append(bulk)
        return True

    def received_untrusted(self, state: wire_pb2.LaneReceived) -> list[BulkSend]:
        """What the other side has: those that are acknowledged by it."""
        if state.next > self._next:
            raise malformed(f"acknowledges bulk message {state.next - 1}, {self._next} were sent")
        if len(state.ranges) > BULK_MISSING_MAX:
            raise malformed(f"{len(state.ranges)} ranges of bulk messages, at most {BULK_MISSING_MAX} are allowed")
        # What is unacknowledged here is bounded by the outbox; what the ranges span is whatever the other side says.
        pending = list(self.unacked)  # ascending, as they were numbered
        done = pending[: bisect_left(pending, state.next)]
        least = state.next
        for part in state.ranges:
            if not least <= part.first <= part.last < self._next:
                raise malformed(f"acknowledges bulk messages {part.first} to {part.last}, {self._next} were sent")
            least = part.last + 1
            done += pending[bisect_left(pending, part.first) : bisect_right(pending, part.last)]
        acknowledged = [self.unacked.pop(sequence) for sequence in done]
        for bulk in acknowledged:
            self._streams -= bulk.streams
        return acknowledged

    # ends

    def set_aside(self, bulk: BulkSend) -> bool:
        """Nothing more of the message is to be written; whether others may ask for a reservation in its place."""
        for waiting in (self.active[bulk.kind], self._again[bulk.kind]):
            if bulk in waiting:
                waiting.remove(bulk)
        return self._reserving.pop(bulk.sequence, None) is not None

    def unsent_of(self, sink: Sink) -> list[BulkSend]:
        """Those of a sink that are not written to their end."""
        return [bulk for bulk in self.unacked.values() if bulk.run and bulk.run.sink is sink and not bulk.run.was_sent]

    def give_up(self, bulk: BulkSend, writer: Writer | None) -> None:
        """Its number alone is sent, in place of the rest."""
        if bulk.stream_id is not None and writer is not None:
            writer.abandon_bulk(bulk.stream_id)
        bulk.run = None
        bulk.restart()
        self._again[bulk.kind].append(bulk)
