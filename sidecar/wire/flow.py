"""A flow: two sequences of bytes between two apps, one each way, that outlive the connection they are on.

Requests and byte streams are flows. Each side numbers its bytes from 0, keeps what it has sent until the other side
acknowledges it, and sends no further than the other side allows. A flow is carried by one bidirectional stream of one
connection at a time; when that is lost, its opener takes it up on another.

    way             ends when
    out             the app has finished, and the other side has acknowledged all bytes and FIN
    in              FIN has come, and all before it
    the flow        both ways have ended; or a RESET; or it could not be taken up again in time

A side that has nothing left to say ends its half of the QUIC stream. The acceptor then remembers how the flow ended
until the opener has ended its half too, so that an opener that lost the connection meanwhile learns it when it comes
back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import NamedTuple, Protocol

from sidecar.errors import Reason
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire import varint
from sidecar.wire.errors import Close, Untrusted, malformed
from sidecar.wire.flow_frames import FlowFrame, FlowKind, FlowReader, encode_data_header, encode_flow_frame
from sidecar.wire.frames import parse_untrusted

FIRST_WINDOW = 64 << 10
"""Bytes that may come before the app reads any; the window doubles up to WINDOW_MAX as the app reads."""
WINDOW_MAX = 1 << 20
BUFFER = 256 << 10
"""Bytes that an app may write ahead of what is acknowledged."""
BUFFER_LEAST = 16 << 10
"""The same while all flows together hold more than their share of memory."""
PIECE = 64 << 10
"""Bytes of one flow before it is another's turn."""
COPY_MAX = 16 << 10
"""Data up to this size is joined with its frame's header."""
DETAIL_MAX = 256


class Cause(IntEnum):
    """Why a flow ended, as RESET tells it."""

    DONE = 0
    """It did not break: both ways ended."""
    APP = 1
    """An app has reset it, with a code of its own."""
    CANCELLED = 2
    """The requester waits no longer."""
    NO_SUBSCRIBER = 3
    """No app accepted it in time."""
    NOT_ALLOWED = 4
    """The app that accepts does not take it from this peer."""
    LIMIT = 5
    """Too many, or too large."""
    GONE = 6
    """The app at the other end went away without ending it."""
    LOST = 7
    """Its connection was lost and it could not be taken up again in time, or a sidecar was started anew."""
    UNKNOWN = 8
    """It was to be taken up again, and is not known."""
    DEADLINE = 9
    """Its time was over."""
    UNSUPPORTED = 10
    """The other sidecar does not speak of flows."""


class FlowEnd(NamedTuple):
    """How a flow ended."""

    cause: Cause
    code: int = 0
    """The app's own, where `cause` is APP."""
    detail: str = ""
    remote: bool = False
    reason: Reason | None = None
    """Why there is no link, where that ended it."""


class FlowTurn(IntEnum):
    """What is told of flows beside the apps that have them."""

    ACCEPTED = 1
    """An app here has taken it, or one over there has."""
    SUSPENDED = 2
    """Its connection was lost."""
    RESUMED = 3
    """It goes on by another."""
    ENDED = 4
    """`Flow.ended` says how."""


class FlowCarrier(Protocol):
    """A connection that flows may go on."""

    def open_flow(self, kind: FlowKind, flow: Flow) -> int | None:
        """A new stream for a flow; None when the peer allows no more at the moment."""
        ...

    def write_flow(self, stream_id: int, data: bytes | memoryview, fin: bool) -> None:
        """Writes to a flow's stream."""
        ...

    def drop_flow(self, stream_id: int) -> None:
        """Gives up a flow's stream in both directions."""
        ...

    def send_room(self) -> int:
        """How many bytes may be written now."""
        ...

    def wake(self, *, busy: bool = False) -> None:
        """Lets the connection write soon."""
        ...


class FlowMemory:
    """What all flows of a sidecar hold together."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.buffered = 0
        """Bytes written by apps and not acknowledged."""
        self.granted = 0
        """Bytes that others may send, beyond the first window of each flow."""
        self.turned: Callable[[Flow, FlowTurn], None] = lambda flow, turn: None
        """Told of each turn of each flow."""

    @property
    def tight(self) -> bool:
        """Whether apps may write no more than a little ahead."""
        return self.buffered >= self.most


class Place(NamedTuple):
    """Where a flow is carried."""

    carrier: FlowCarrier
    stream_id: int


class Flow:
    """One side of a flow. The app's verbs first; what the other side says comes by `Flows`."""

    def __init__(
        self, peer_id: str, kind: FlowKind, number: int, *, opener: bool, name: str, headers: Mapping[str, str],
        timeout_ms: int, size: int, memory: FlowMemory, ready: Callable[[Flow], None],
    ) -> None:  # fmt: skip
        self.peer_id = peer_id
        self.kind = kind
        self.number = number
        self.opener = opener
        self.name = name
        self.headers = headers
        self.timeout_ms = timeout_ms
        self.size = size
        """Bytes that the opener will send, where it said so."""
        self.accepted = False
        """An app over there, or here, has taken it."""
        self.ended: FlowEnd | None = None
        self.changed: Callable[[], None] = lambda: None
        """Called when something can be read, written or is over, or `place` has come or gone."""
        self.news = False
        """`changed` is to be called once what came together has been looked at."""
        self.place: Place | None = None
        self.carried = 0
        """On how many streams it has been."""
        self.lost_at: float | None = None
        """Since when it has not been on one, once that was noticed."""
        self.begun_at: float | None = None
        """When it came in, once that was noticed."""
        self.silent = False
        """This side's half of the stream has been ended: it says no more."""
        self.other_silent = False
        """The other side's half has."""
        self.queued = False
        self.waits = False
        """What it has to say waits for company; see `patient`."""
        self.hurried = False
        """It has waited long enough."""
        self._memory = memory
        self._ready = ready
        self._out: deque[bytes] = deque()
        self._base = 0
        """Bytes acknowledged: `_out` begins there."""
        self._end = 0
        self._sent = 0
        self._furthest = 0
        """The most that was ever sent."""
        self._out_limit = FIRST_WINDOW
        self._finished = False
        """The app writes no more."""
        self._fin_sent = False
        self._fin_acknowledged = False
        self._in: deque[bytes] = deque()
        self._in_bytes = 0
        self.received = 0
        self._position = 0
        """Where the bytes on the present stream stand: below `received` what comes again."""
        self._window = FIRST_WINDOW
        self._in_limit = FIRST_WINDOW
        self.fin_received = False
        self._answer_due = False
        self._credit_due = False
        self._reset_due = False
        self._known = opener is False
        """The other side knows of it: it has said something."""
        self._spoken = False
        """This side has."""
        self._opening = b""
        self._held = False
        """Taken up again, and not answered: the answer says where to go on."""

    # the app's verbs

    @property
    def buffered(self) -> int:
        """Bytes written and not acknowledged."""
        return self._end - self._base

    @property
    def writable(self) -> bool:
        """Whether the app may write on; what it writes all the same is taken."""
        return self.buffered < (BUFFER_LEAST if self._memory.tight else BUFFER)

    @property
    def readable(self) -> int:
        """Bytes that wait to be read."""
        return self._in_bytes

    @property
    def at_end(self) -> bool:
        """Everything has come, and was read."""
        return self.fin_received and not self._in

    @property
    def delivered(self) -> bool:
        """Everything written has come to the other sidecar, its end included."""
        return self._fin_acknowledged

    def write(self, data: bytes) -> None:
        """Queues bytes."""
        if self.ended is None and data and not self._finished:
            self._out.append(data)
            self._end += len(data)
            self._memory.buffered += len(data)
            if not self.queued:
                self._ready(self)

    def finish(self) -> None:
        """The app writes no more."""
        if self.ended is None and not self._finished:
            self._finished = True
            if not self.queued:
                self._ready(self)

    def read(self, most: int) -> bytes:
        """Up to `most` of the bytes that wait, which makes room for more."""
        if len(self._in) == 1 and self._in_bytes <= most:
            self._in_bytes = 0
            whole = self._in.popleft()
            self._give_room()
            return whole
        taken: list[bytes] = []
        while self._in and most > 0:
            piece = self._in.popleft()
            if len(piece) > most:
                self._in.appendleft(piece[most:])
                piece = piece[:most]
            taken.append(piece)
            most -= len(piece)
            self._in_bytes -= len(piece)
        if taken:
            self._give_room()
        return taken[0] if len(taken) == 1 else b"".join(taken)

    def accept(self) -> None:
        """An app takes a flow that came in."""
        if not self.accepted:
            self.accepted = True
            self._memory.turned(self, FlowTurn.ACCEPTED)
            self._answer_due = True
            if not self.queued:
                self._ready(self)

    def reset(self, cause: Cause, code: int = 0, detail: str = "") -> None:
        """Ends it in both directions; nothing happens to one that has ended."""
        if self.ended is None:
            self._finish_with(FlowEnd(cause, code, detail))
            self._reset_due = True
            if not self.queued:
                self._ready(self)

    def _give_room(self) -> None:
        if self.fin_received or self.ended is not None:
            return
        consumed = self.received - self._in_bytes
        if self._in_limit - consumed > self._window // 2:
            return
        # The app keeps up: as long as there is memory for it, more may be on its way.
        if self._window < WINDOW_MAX and self._memory.granted + self._window <= self._memory.most:
            self._memory.granted += self._window
            self._window *= 2
        self._in_limit = consumed + self._window
        self._credit_due = True
        if not self.queued:
            self._ready(self)

    def _finish_with(self, end: FlowEnd) -> None:
        self.ended = end
        self._memory.buffered -= self.buffered
        self._memory.granted -= self._window - FIRST_WINDOW
        self._window = FIRST_WINDOW
        self._base = self._sent = self._end
        self._out.clear()
        if end.cause is not Cause.DONE:
            self._in.clear()
            self._in_bytes = 0
        self._memory.turned(self, FlowTurn.ENDED)

    # where it is carried

    def carry(self, place: Place) -> None:
        """It goes on there. The opener says so itself; an acceptor has just been told."""
        self.place = place
        self.queued = False
        self.carried += 1
        self.lost_at = None
        self._sent, self._fin_sent = self._base, self._fin_acknowledged
        self.silent = self.other_silent = False
        if self.opener:
            self._opening = self._opened()
            self._held = self._known
        self._credit_due = False
        self._reset_due = self.ended is not None and self.ended.cause is not Cause.DONE and not self.ended.remote
        if not self.opener:
            self._answer_due = self._answer_due or self.accepted or self.carried > 1
        if not self.queued:
            self._ready(self)
        if self.carried > 1:
            if self.ended is None:
                self._memory.turned(self, FlowTurn.RESUMED)
            self.changed()

    def lose(self) -> None:
        """The stream that carried it is gone."""
        self.place = None
        self.waits = False
        if self.ended is None:
            self._memory.turned(self, FlowTurn.SUSPENDED)
            self.changed()

    # writing

    def _opened(self) -> bytes:
        """The opener's first frame on a stream. What the other side has said nothing of may not have come."""
        if not self._known:
            frame = wire_pb2.FlowOpen(
                id=self.number, name=self.name, limit=self._in_limit, timeout_ms=self.timeout_ms, size=self.size
            )
            if self.headers:  # a map costs more than the rest
                frame.headers.update(self.headers)
            return varint.encode(self.kind) + encode_flow_frame(FlowFrame.OPEN, frame)
        resume = wire_pb2.FlowResume(
            id=self.number, offset=self._base, received=self.received, limit=self._in_limit, finished=self.fin_received
        )
        return varint.encode(self.kind) + encode_flow_frame(FlowFrame.RESUME, resume)

    @property
    def parting(self) -> bool:
        """Whether both ways have ended, and the other side is to be told."""
        return self.ended is None and self._fin_acknowledged and self.fin_received

    @property
    def patient(self) -> bool:
        """Whether what is due may wait a moment for what can go with it: the first word of who answers a request, when
        an app has it whole, as the reply says the same; and the last word of either side, which nobody waits for."""
        if self.kind is not FlowKind.REQUEST or self.hurried or self.ended is not None or not self.fin_received:
            return False
        if self.carried > 1:
            return False  # the other side waits for the answer to RESUME
        return self._fin_acknowledged or (self.accepted and not (self.opener or self._spoken or self._finished))

    def fill(self, most: int) -> int:
        """Writes what is due, up to `most` bytes of data; how many it wrote. The flow is to be asked again when it
        was a whole PIECE."""
        self.waits = self.hurried = False
        if self.place is None or self.silent:
            return 0
        self._spoken = True
        carrier, stream_id = self.place
        out = [self._opening] if self._opening else []
        self._opening = b""
        if self._answer_due:
            self._answer_due = self._credit_due = False
            answer = wire_pb2.FlowAnswer(
                offset=self._base, received=self.received, limit=self._in_limit, finished=self.fin_received,
                accepted=self.accepted,
            )  # fmt: skip
            out.append(encode_flow_frame(FlowFrame.ANSWER, answer))
        if self._credit_due:
            self._credit_due = False
            credit = wire_pb2.FlowCredit(received=self.received, limit=self._in_limit, finished=self.fin_received)
            out.append(encode_flow_frame(FlowFrame.CREDIT, credit))
        written = 0
        if self.ended is None:
            written = self._fill_data(carrier, stream_id, out, min(most, PIECE))
            if self._finished and not (self._fin_sent or self._held) and self._sent == self._end:
                self._fin_sent = True
                out.append(encode_flow_frame(FlowFrame.FIN, wire_pb2.FlowFin(size=self._end)))
        elif self._reset_due:
            self._reset_due = False
            end = self.ended
            reset = wire_pb2.FlowReset(cause=end.cause, code=end.code, detail=cut(end.detail))
            out.append(encode_flow_frame(FlowFrame.RESET, reset))
        self._settle()
        if out or self.silent:
            carrier.write_flow(stream_id, b"".join(out), self.silent)
        return written

    def _fill_data(self, carrier: FlowCarrier, stream_id: int, out: list[bytes], most: int) -> int:
        size = min(self._end, self._out_limit, self._sent + most) - self._sent
        if size <= 0 or self._held:
            return 0
        out.append(encode_data_header(size))
        if size <= COPY_MAX and size == self._end - self._base and len(self._out) == 1:  # as nearly every request
            out.append(self._out[0])
            self._sent = self._furthest = self._end
            return size
        left, skip = size, self._sent - self._base
        for piece in self._out:
            if skip >= len(piece):
                skip -= len(piece)
                continue
            part = memoryview(piece)[skip : skip + left]
            skip = 0
            left -= len(part)
            if len(part) <= COPY_MAX:
                out.append(bytes(part))
            else:
                carrier.write_flow(stream_id, b"".join(out), False)
                out.clear()
                carrier.write_flow(stream_id, part, False)
            if not left:
                break
        self._sent += size
        self._furthest = max(self._furthest, self._sent)
        return size

    @property
    def wants(self) -> bool:
        """Whether `fill` has data to write."""
        return self.ended is None and not self._held and min(self._end, self._out_limit) > self._sent

    def _settle(self) -> None:
        """Notices that both ways have ended, and that this side has nothing left to say."""
        if self.ended is None and self._fin_acknowledged and self.fin_received:
            self._finish_with(FlowEnd(Cause.DONE))
            self.changed()
        if self.ended is not None and not self._reset_due:
            self.silent = True

    # what the other side says

    def frame_untrusted(self, kind: int, body: bytes) -> None:
        """A frame behind the opening."""
        self._known = True
        if kind == FlowFrame.DATA:
            self._data_untrusted(body)
        elif kind == FlowFrame.CREDIT:
            credit = parse_untrusted(wire_pb2.FlowCredit, body)
            self._acknowledged_untrusted(credit.received, credit.limit, credit.finished)
        elif kind == FlowFrame.ANSWER:
            answer = parse_untrusted(wire_pb2.FlowAnswer, body)
            if not self.opener:
                raise malformed("the opener of a flow has answered it")
            self._begin_untrusted(answer.offset)
            if self._held:
                self._go_on_untrusted(answer.received)
            self._acknowledged_untrusted(answer.received, answer.limit, answer.finished)
            if answer.accepted and not self.accepted:
                self.accepted = True
                self._memory.turned(self, FlowTurn.ACCEPTED)
                self.news = True
        elif kind == FlowFrame.FIN:
            self._fin_untrusted(parse_untrusted(wire_pb2.FlowFin, body).size)
        elif kind == FlowFrame.RESET:
            self._reset_untrusted(parse_untrusted(wire_pb2.FlowReset, body))
        elif kind in (FlowFrame.OPEN, FlowFrame.RESUME):
            raise malformed("a flow is opened twice on one stream")

    def resume_untrusted(self, resume: wire_pb2.FlowResume, place: Place, *, anew: bool = False) -> None:
        """The opener takes the flow up on another stream: its bytes go on where this side's answer says, or begin
        `anew` where it has heard nothing of this side."""
        former = self.place
        if former is not None:
            former.carrier.drop_flow(former.stream_id)
        self._begin_untrusted(resume.offset)
        self._position = 0 if anew else self.received
        self._acknowledged_untrusted(resume.received, resume.limit, resume.finished)
        self.carry(place)

    def _go_on_untrusted(self, received: int) -> None:
        """The acceptor says what it has: the opener's bytes go on behind them."""
        if received < self._base:
            raise malformed(f"a flow goes on at byte {received}, and {self._base} are acknowledged")
        self._held = False
        self._sent = min(received, self._furthest)
        if not self.queued:
            self._ready(self)

    def allow(self, limit: int) -> None:
        """How many bytes the opener takes."""
        self._out_limit = limit

    @property
    def answered(self) -> bool:
        """Whether the other side has said anything of it."""
        return self._known

    def _begin_untrusted(self, offset: int) -> None:
        if offset > self.received:
            raise malformed(f"a flow goes on at byte {offset}, and {self.received} have come")
        self._position = offset

    def _data_untrusted(self, data: bytes) -> None:
        if self.ended is not None:
            return
        again = min(len(data), self.received - self._position) if self._position < self.received else 0
        self._position += len(data)
        self._credit_due = True
        if not self.queued:
            self._ready(self)
        data = data[again:] if again else data
        if not data:
            return
        if self.fin_received:
            raise malformed("bytes of a flow behind its end")
        if self.received + len(data) > self._in_limit:
            raise Untrusted(Close.CREDIT, f"a flow brought more than the {self._in_limit} bytes it may")
        self.received += len(data)
        self._in.append(data)
        self._in_bytes += len(data)
        self.news = True

    def _fin_untrusted(self, size: int) -> None:
        if self.ended is not None:
            return
        if size != self._position or size != self.received:
            raise malformed(f"a flow of {size} bytes ended after {self._position}")
        if not self.fin_received:
            self.fin_received = True
            self.news = True
        self._credit_due = True
        if not self.queued:
            self._ready(self)

    def _acknowledged_untrusted(self, received: int, limit: int, finished: bool) -> None:
        if self.ended is not None:
            return
        if received > self._furthest:
            raise malformed(f"{received} bytes of a flow are acknowledged, and {self._furthest} were sent")
        if finished and not (self._finished and received == self._end):
            raise malformed("the end of a flow is acknowledged, and has not come")
        # What this stream has not brought yet goes on it all the same: its bytes are numbered by their order alone.
        gone = (received if finished else min(received, self._sent)) - self._base
        was_writable = gone <= 0 or self.writable
        while gone > 0:
            piece = self._out.popleft()
            if len(piece) > gone:
                self._out.appendleft(piece[gone:])
                piece = piece[:gone]
            gone -= len(piece)
            self._base += len(piece)
            self._memory.buffered -= len(piece)
        self._sent = max(self._sent, self._base)
        if finished and not self._fin_acknowledged:
            self._fin_acknowledged = self._fin_sent = True
            if not self.queued:
                self._ready(self)
            self.news = True
        if limit > self._out_limit:
            self._out_limit = limit
            if self._end > self._sent and not self.queued:
                self._ready(self)
        if not was_writable and self.writable:
            self.news = True

    def _reset_untrusted(self, reset: wire_pb2.FlowReset) -> None:
        self._reset_due = False
        if self.ended is None:
            try:
                cause = Cause(reset.cause)
            except ValueError:
                cause = Cause.GONE
            if cause is Cause.DONE:
                raise malformed("a flow is reset for no reason")
            self.fail(FlowEnd(cause, reset.code, reset.detail[:DETAIL_MAX], remote=True))
        if not self.queued:
            self._ready(self)

    def fail(self, end: FlowEnd) -> None:
        """It has ended, and the other side need not be told."""
        if self.ended is None:
            self._finish_with(end)
            self.changed()

    def __repr__(self) -> str:
        way = "to" if self.opener else "from"
        state = self.ended.cause.name if self.ended is not None else "carried" if self.place else "not carried"
        return (
            f"Flow({self.kind.name} {self.name!r} {way} {self.peer_id[:8]}, {state}, "
            f"out {self._base}/{self._end}, in {self.received}/{self._in_limit})"
        )


class FlowStream:
    """One half of a bidirectional stream that comes in: its reader, and the flow it carries once that is known."""

    def __init__(self, flow: Flow | None = None) -> None:
        self.reader = FlowReader()
        self.flow = flow


def cut(text: str) -> str:
    """A reset's words, no longer than they may be."""
    return text.encode()[:DETAIL_MAX].decode(errors="ignore")
