"""The flows of one link, whichever connections carry them.

Those that this side opens go on the connection that carries the link, as streams of its own; those that come in are
answered where they came. When a connection is lost its flows wait, and their opener takes them up on the next one.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from sidecar.errors import Reason
from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.errors import Close, Untrusted, malformed
from sidecar.wire.flow import Cause, Flow, FlowCarrier, FlowEnd, FlowMemory, FlowStream, Place
from sidecar.wire.flow_frames import HEADERS_MAX, NAME_MAX, FlowFrame, FlowKind
from sidecar.wire.frames import parse_untrusted

FLOWS_MAX = 1024
"""Flows that each side of a link may have open at once."""
REMEMBERED_MAX = 4 * FLOWS_MAX
"""Flows of the other side, those that have ended and are not forgotten yet included, above which its connection is
closed."""
ACCEPT_SECONDS = 10.0
"""How long a flow that names no time waits for an app that accepts it."""
TIMEOUT_MOST_MS = 86_400_000
"""However long an opener says that it waits, for more than a day it is not believed: apps are told how much is left,
and a number of a stranger's may be more than any type for that holds."""
COMPANY_SECONDS = 0.005
"""So long the first and the last words of a request wait for what can go with them: the reply, or another request's
words. As long as a lone acknowledgement of QUIC's does."""
GOODBYES_MAX = 50
"""So many last words are a packet of their own, and their streams are worth having back: the other side lets us have
100."""
REMEMBERED = 4
"""How an accepted flow ended is remembered for that many times as long as an opener may try to take it up."""


class Flows:
    """See the module. `incoming` is told of every new flow of the other side's."""

    def __init__(self, peer_id: str, memory: FlowMemory, incoming: Callable[[Flow], None]) -> None:
        self.peer_id = peer_id
        self.opened: dict[int, Flow] = {}
        self.came: dict[int, Flow] = {}
        self.carrier: FlowCarrier | None = None
        self._memory = memory
        self._incoming = incoming
        self._next = 1
        self._answered: Callable[[], None] | None = None
        self._waiting: list[Flow] = []
        """Opened here, and on no stream. A deque's block for what hardly ever waits would be 600 bytes of each link."""
        self._ready: dict[FlowCarrier, deque[Flow]] = {}
        self._answers: list[tuple[float, Flow]] = []
        """Those that wait with their first word, and until when."""
        self._goodbyes: list[tuple[float, Flow]] = []
        """The same with their last."""
        self._filling: FlowCarrier | None = None
        """The connection that is being written on: what comes meanwhile goes with it."""
        self.due = False
        """Whether `fill` may have something to write, on one connection or another."""

    # opening

    def open(
        self, kind: FlowKind, name: str, headers: Mapping[str, str], *, timeout: float = 0.0, size: int = 0
    ) -> Flow | None:
        """A new flow; None when there are too many. It goes out when the link has a connection. `timeout` in
        seconds."""
        if len(self.opened) >= FLOWS_MAX:
            return None
        flow = Flow(
            self.peer_id, kind, self._next, opener=True, name=name, headers=headers, timeout_ms=round(timeout * 1000),
            size=size, memory=self._memory, ready=self._is_ready,
        )  # fmt: skip
        self._next += 1
        self.opened[flow.number] = flow
        self._is_ready(flow)
        return flow

    # connections

    def use(self, carrier: FlowCarrier) -> None:
        """What is opened here goes out on this connection from now on."""
        self.carrier = carrier
        if self._waiting:
            carrier.wake()

    def lost(self, carrier: FlowCarrier) -> None:
        """A connection is gone."""
        if self.carrier is carrier:
            self.carrier = None
        self._ready.pop(carrier, None)
        for flow in [flow for flow in self if flow.place is not None and flow.place.carrier is carrier]:
            self._lose(flow)

    def _lose(self, flow: Flow) -> None:
        flow.queued = False
        flow.lose()
        if flow.opener:
            self._is_ready(flow)

    def _is_ready(self, flow: Flow) -> None:
        if flow.queued:
            return
        if flow.place is not None:
            carrier: FlowCarrier | None = flow.place.carrier
            assert carrier is not None
            self._ready.setdefault(carrier, deque()).append(flow)
        elif flow.opener and self.opened.get(flow.number) is flow:
            carrier = self.carrier
            self._waiting.append(flow)
        else:
            return
        flow.queued = self.due = True
        if carrier is not None and carrier is not self._filling:
            carrier.wake()

    @property
    def unacknowledged(self) -> bool:
        """Whether bytes wait for the other side."""
        return any(flow.ended is None and flow.buffered for flow in self)

    def __bool__(self) -> bool:
        """Whether there are any, or somebody waits until there are none."""
        return bool(self.opened or self.came or self._answered)

    def __iter__(self) -> Iterator[Flow]:
        yield from self.opened.values()
        yield from self.came.values()

    # writing

    def fill(self, carrier: FlowCarrier, now: float, share: float = 1.0) -> None:
        """Writes on a connection what its flows have, a piece of each in turn, in up to `share` of its room."""
        self._filling = carrier
        try:
            self._fill(carrier, now, share)
        finally:
            self._filling = None

    def _fill(self, carrier: FlowCarrier, now: float, share: float) -> None:
        if self._answers:
            self._hasten(self._answers, now)
        if self._goodbyes:
            self._hasten(self._goodbyes, now)
        if carrier is self.carrier and self._waiting:
            self._start(carrier)
        queue = self._ready.get(carrier)
        if not queue:
            self.due = bool(self._waiting or self._answers or self._goodbyes) or any(self._ready.values())
            return
        room = int(carrier.send_room() * share)
        more: deque[Flow] = deque()
        wrote = False
        while queue:
            flow = queue.popleft()
            if flow.place is None or flow.place.carrier is not carrier:
                continue  # it waits elsewhere
            flow.queued = False
            if flow.patient:
                if not flow.waits:
                    flow.waits = True
                    (self._goodbyes if flow.parting else self._answers).append((now + COMPANY_SECONDS, flow))
            else:
                wrote = True
                room -= flow.fill(room)
                if flow.silent:
                    self._over(flow)
                if flow.wants and not flow.queued:
                    flow.queued = True
                    (queue if room > 0 else more).append(flow)
            if not queue and self._goodbyes and (wrote or len(self._goodbyes) >= GOODBYES_MAX):
                self._hasten(self._goodbyes)
        queue.extend(more)

    def _hasten(self, waiting: list[tuple[float, Flow]], now: float = math.inf) -> None:
        """Those whose time has come wait no longer."""
        count = 0
        for due, flow in waiting:
            if due > now:
                break
            count += 1
            if flow.waits:
                flow.waits = False
                flow.hurried = True
                self._is_ready(flow)
        del waiting[:count]

    @property
    def deadline(self) -> float | None:
        """When `fill` is to be called at the latest."""
        first = [waiting[0][0] for waiting in (self._answers, self._goodbyes) if waiting]
        return min(first) if first else None

    def _start(self, carrier: FlowCarrier) -> None:
        while self._waiting:
            flow = self._waiting[0]
            if flow.place is None and (flow.ended is None or flow.carried):
                stream_id = carrier.open_flow(flow.kind, flow)
                if stream_id is None:
                    self._hasten(self._goodbyes)  # which gives streams back
                    return
                self._waiting.pop(0)
                flow.carry(Place(carrier, stream_id))
                continue
            flow.queued = False
            self._waiting.pop(0)
            if flow.place is not None:
                self._is_ready(flow)
            else:  # ended before the other side knew of it
                del self.opened[flow.number]

    def when_answered(self, call: Callable[[], None]) -> None:
        """Calls once no request waits for its reply, either way; at once when none does."""
        self._answered = call
        self._look()

    def _look(self) -> None:
        call = self._answered
        if call is not None and not any(flow.kind is FlowKind.REQUEST and flow.ended is None for flow in self):
            self._answered = None
            call()

    def _over(self, flow: Flow) -> None:
        """Forgets a flow of which both sides know how it ended."""
        self._look()
        if flow.silent and flow.other_silent:
            table = self.opened if flow.opener else self.came
            if table.get(flow.number) is flow:
                del table[flow.number]

    # what comes in

    def stream_untrusted(
        self, carrier: FlowCarrier, stream_id: int, kind: FlowKind, stream: FlowStream, data: bytes, fin: bool
    ) -> None:
        """The next bytes of a flow's stream. Raises Untrusted."""
        for frame, body in stream.reader.feed_untrusted(data):
            if stream.flow is None:
                stream.flow = self._open_untrusted(Place(carrier, stream_id), kind, frame, body)
            elif stream.flow.place == (carrier, stream_id):
                stream.flow.frame_untrusted(frame, body)
        flow = stream.flow
        if flow is not None and flow.news:
            flow.news = False
            flow.changed()
        if not fin:
            return
        if stream.reader.unfinished or flow is None:
            raise malformed("a flow's stream ended within a frame")
        if flow.place == (carrier, stream_id):
            flow.other_silent = True
            if flow.silent:
                self._over(flow)
                return
            self._is_ready(flow)
            if flow.ended is None and not (flow.fin_received and flow.delivered):
                flow.reset(Cause.GONE, detail="the other sidecar ended the stream")

    def stream_reset(self, carrier: FlowCarrier, stream_id: int, stream: FlowStream) -> None:
        """The other side has given a flow's stream up without a word: it does not know what a flow is, or has taken
        it up elsewhere."""
        flow = stream.flow
        if flow is None or flow.place != (carrier, stream_id):
            return
        cause = Cause.LOST if flow.answered else Cause.UNSUPPORTED
        flow.fail(FlowEnd(cause, detail="the other sidecar has given the stream up", remote=True))
        flow.silent = flow.other_silent = True
        carrier.drop_flow(stream_id)
        self._over(flow)

    def _open_untrusted(self, place: Place, kind: FlowKind, frame: int, body: bytes) -> Flow:
        if frame == FlowFrame.RESUME:
            resume = parse_untrusted(wire_pb2.FlowResume, body)
            flow = self.came.get(resume.id)
            if flow is not None and flow.kind is kind:
                flow.resume_untrusted(resume, place)
                return flow
            return self._refuse(place, kind, resume.id, Cause.UNKNOWN, "no such flow of this peer is known here")
        if frame != FlowFrame.OPEN:
            raise malformed(f"a flow begins with frame {frame:#x}")
        opened = parse_untrusted(wire_pb2.FlowOpen, body)
        flow = self.came.get(opened.id)
        if flow is not None:
            if flow.kind is not kind:
                raise malformed(f"flow {opened.id} is opened twice, as two kinds")
            flow.resume_untrusted(wire_pb2.FlowResume(id=opened.id, limit=opened.limit), place, anew=True)
            return flow
        if not opened.id:
            raise malformed("a flow without a number")
        if len(opened.name.encode()) > NAME_MAX:
            raise malformed(f"a flow's name of {len(opened.name.encode())} bytes, at most {NAME_MAX} are allowed")
        headers = dict(opened.headers)
        if headers and sum(len(key.encode()) + len(value.encode()) for key, value in headers.items()) > HEADERS_MAX:
            raise malformed(f"a flow's headers have more than {HEADERS_MAX} bytes")
        living = sum(flow.ended is None for flow in self.came.values()) if len(self.came) >= FLOWS_MAX else 0
        if living >= FLOWS_MAX:
            return self._refuse(place, kind, opened.id, Cause.LIMIT, f"{FLOWS_MAX} flows of this peer are open here")
        flow = self._admit(place, kind, opened.id, opened)
        self._incoming(flow)
        return flow

    def _admit(self, place: Place, kind: FlowKind, number: int, opened: wire_pb2.FlowOpen) -> Flow:
        if len(self.came) >= REMEMBERED_MAX:
            raise Untrusted(Close.BUSY, f"more than {REMEMBERED_MAX} flows that are not let go of")
        flow = Flow(
            self.peer_id, kind, number, opener=False, name=opened.name, headers=dict(opened.headers),
            timeout_ms=min(opened.timeout_ms, TIMEOUT_MOST_MS), size=opened.size, memory=self._memory,
            ready=self._is_ready,
        )  # fmt: skip
        flow.allow(opened.limit)
        self.came[number] = flow
        flow.carry(place)
        return flow

    def _refuse(self, place: Place, kind: FlowKind, number: int, cause: Cause, detail: str) -> Flow:
        flow = self._admit(place, kind, number, wire_pb2.FlowOpen())
        flow.reset(cause, detail=detail)
        return flow

    # time and ends

    def tick(self, now: float, grace: float) -> None:
        """Ends what has waited too long: for an app that accepts it, or for `grace` seconds for a connection."""
        self._look()
        for flow in list(self):
            if flow.place is None:
                if flow.lost_at is None:
                    flow.lost_at = now
                elif flow.carried and flow.ended is None and now - flow.lost_at > grace:
                    flow.fail(FlowEnd(Cause.LOST, detail=f"it was not taken up again within {grace:g} s"))
                elif flow.ended is not None and now - flow.lost_at > REMEMBERED * max(grace, 1.0):
                    (self.opened if flow.opener else self.came).pop(flow.number, None)
            if not flow.opener and not flow.accepted and flow.ended is None:
                if flow.begun_at is None:
                    flow.begun_at = now
                elif now - flow.begun_at > (flow.timeout_ms / 1000 or ACCEPT_SECONDS):
                    flow.reset(Cause.NO_SUBSCRIBER, detail=f"no app took {flow.name!r} in time")

    def fail(self, detail: str, reason: Reason | None = None) -> None:
        """The other side has forgotten the link's state, or this side does for a `reason`: nothing of it can be taken
        up again. What has not gone out yet waits on in the first case."""
        for flow in [flow for flow in self if flow.carried or reason is not None]:
            (self.opened if flow.opener else self.came).pop(flow.number, None)
            flow.fail(FlowEnd(Cause.LOST, detail=detail, reason=reason))
            flow.place = None
        self.carrier = None
        self._waiting = [flow for flow in self._waiting if flow.number in self.opened]
        self._ready.clear()
        self._answers.clear()
        self._goodbyes.clear()

    def __repr__(self) -> str:
        return f"Flows({len(self.opened)} opened, {len(self.came)} came)"
