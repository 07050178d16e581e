"""Requests and byte streams on the wire: bytes in order and once, whatever becomes of the connections."""

from __future__ import annotations

import random

import pytest

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire import flow as flow_module
from sidecar.wire import flows as flows_module
from sidecar.wire import varint
from sidecar.wire.flow import BUFFER, FIRST_WINDOW, WINDOW_MAX, Cause, Flow, FlowEnd, FlowStream
from sidecar.wire.flow_frames import BODY_MAX, FlowFrame, FlowKind, FlowReader, encode_data_header, encode_flow_frame
from sidecar.wire.flows import COMPANY_SECONDS, GOODBYES_MAX
from sidecar.wire.incoming import _Ignored
from tests.wire.pair import Driven, QuicSide, World

KIB, MIB = 1 << 10, 1 << 20
ENGINES = ["aioquic", "qh3"]


class App:
    """An app at one end of a flow: writes what it has as there is room, reads what comes."""

    def __init__(self, flow: Flow, data: bytes = b"", *, finish: bool = True, reads: bool = True) -> None:
        self.flow = flow
        self.data = data
        self.finish = finish
        self.reads = reads
        self.read = bytearray()
        self.most_unread = 0
        self.most_buffered = 0
        flow.changed = self.act
        self.act()

    def act(self) -> None:
        flow = self.flow
        while self.data and flow.writable and flow.ended is None:
            flow.write(self.data[: 20 * KIB])
            self.data = self.data[20 * KIB :]
        self.most_unread = max(self.most_unread, flow.readable)
        self.most_buffered = max(self.most_buffered, flow.buffered)
        if not self.data and self.finish:
            flow.finish()
        while self.reads and flow.readable:
            self.read += flow.read(64 * KIB)

    @property
    def done(self) -> bool:
        return self.flow.ended is not None and not self.flow.readable


def begin(a: QuicSide, b: QuicSide, kind: FlowKind = FlowKind.STREAM, *, name: str = "pg") -> Flow:
    flow = a.link(b).flows.open(kind, name, {"k": "v"}, timeout=3.0)
    assert flow is not None
    return flow


def meet(world: World, a: QuicSide, b: QuicSide) -> tuple[Flow, Flow]:
    """A flow that an app of b has accepted."""
    came = len(b.flows)
    flow = begin(a, b)
    world.run_until(lambda: len(b.flows) > came)
    b.flows[-1].accept()
    world.run_until(lambda: flow.accepted)
    return flow, b.flows[-1]


def forgotten(a: QuicSide, b: QuicSide) -> bool:
    """Both sides hold nothing of any flow."""
    held = [*a.link(b).flows, *b.link(a).flows]
    readers = [
        reader
        for side, other in ((a, b), (b, a))
        for session in side.peer(other.peer_id).sessions
        for reader in session._incoming._readers.values()
        if isinstance(reader, FlowStream)
    ]
    memory = [side.flow_memory.buffered or side.flow_memory.granted for side in (a, b)]
    return not (held or readers or any(memory))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("loss", [0.0, 0.05])
def test_both_ways(engine: str, loss: float) -> None:
    world = World(delay=0.01, loss=loss)
    a, b = world.pair(engine)
    there, back = random.Random(1).randbytes(MIB), random.Random(2).randbytes(300 * KIB)
    flow = begin(a, b)
    left = App(flow, there)
    world.run_until(lambda: bool(b.flows))
    assert (b.flows[0].name, b.flows[0].headers, b.flows[0].timeout_ms) == ("pg", {"k": "v"}, 3000)
    assert b.flows[0].peer_id == a.peer_id
    b.flows[0].accept()
    right = App(b.flows[0], back)
    world.run_until(lambda: left.done and right.done)
    assert (bytes(left.read), bytes(right.read)) == (back, there)
    assert flow.ended is not None
    assert flow.ended.cause is Cause.DONE
    assert max(left.most_buffered, right.most_buffered) <= BUFFER + 20 * KIB
    world.run_until(lambda: forgotten(a, b))


@pytest.mark.parametrize("engine", ENGINES)
def test_half_closed_each_way(engine: str) -> None:
    world = World(delay=0.01)
    a, b = world.pair(engine)
    flow, other = meet(world, a, b)
    left, right = App(flow, b"question"), App(other, finish=False)
    world.run_until(lambda: other.at_end)
    assert bytes(right.read) == b"question"
    assert flow.ended is None
    right.data, right.finish = b"answer", True
    right.act()
    world.run_until(lambda: left.done)
    assert bytes(left.read) == b"answer"
    world.run_until(lambda: forgotten(a, b))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("opener_resets", [True, False])
def test_reset_with_a_code(engine: str, opener_resets: bool) -> None:
    world = World(delay=0.01)
    a, b = world.pair(engine)
    flow, other = meet(world, a, b)
    here, there = (flow, other) if opener_resets else (other, flow)
    here.write(b"x" * 10)
    here.reset(Cause.APP, 77, "no more")
    world.run_until(lambda: there.ended is not None)
    assert there.ended == FlowEnd(Cause.APP, 77, "no more", remote=True)
    world.run_until(lambda: forgotten(a, b))


@pytest.mark.parametrize("engine", ENGINES)
def test_an_app_that_reads_nothing_holds_the_other_back(engine: str) -> None:
    world = World(delay=0.01)
    a, b = world.pair(engine)
    flow, other = meet(world, a, b)
    writer, reader = App(flow, bytes(4 * MIB)), App(other, reads=False)
    world.run_for(5)
    assert other.readable == FIRST_WINDOW
    assert len(writer.data) >= 4 * MIB - FIRST_WINDOW - BUFFER - 20 * KIB
    # Another flow of the same link is not concerned.
    second, third = meet(world, a, b)
    fast, end = App(second, b"y" * MIB), App(third)
    world.run_until(lambda: fast.done and end.done)
    reader.reads = True
    reader.act()
    world.run_until(lambda: writer.done and reader.done)
    assert len(reader.read) == 4 * MIB
    assert reader.most_unread <= WINDOW_MAX
    world.run_until(lambda: forgotten(a, b))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("seed", range(2))
def test_connections_lost_again_and_again(engine: str, seed: int) -> None:
    """Every byte arrives once and in order, and both ends are told."""
    world = World(delay=0.02, seed=seed)
    dice = random.Random(seed)
    a, b = world.pair(engine)
    there, back = dice.randbytes(2 * MIB), dice.randbytes(2 * MIB)
    flow, other = meet(world, a, b)
    left, right = App(flow, there), App(other, back)
    told: list[bool] = []
    act = left.act

    def note() -> None:
        told.append(left.flow.place is not None)
        act()

    left.flow.changed = note
    for _ in range(8):
        world.run_for(dice.uniform(0.001, 0.15))
        for side, peer in ((a, b), (b, a)):
            for session in list(side.peer(peer.peer_id).sessions):
                side.kill(session)
        a.dial(b)
        world.run_until(lambda: a.linked(b) and b.linked(a))
    world.run_until(lambda: left.done and right.done)
    assert (bytes(left.read), bytes(right.read)) == (back, there)
    assert False in told
    assert flow.carried > 1
    world.run_until(lambda: forgotten(a, b))


def answers(side: QuicSide, peer: QuicSide, *, reply: bool = True) -> None:
    """An app of a side takes each request as soon as it has come whole, and answers it at once or never."""

    def came(flow: Flow) -> None:
        def changed() -> None:
            if flow.fin_received and not flow.accepted:
                flow.accept()
                if reply:
                    flow.write(flow.read(100))
                    flow.finish()

        side.flows.append(flow)
        flow.changed = changed

    side.link(peer).flows._incoming = came


def writes(side: QuicSide, peer: QuicSide) -> list[tuple[float, int]]:
    (session,) = side.peer(peer.peer_id).sessions
    driven = session._connection
    assert isinstance(driven, Driven)
    return [(now, stream_id) for now, stream_id in driven.writes if not stream_id & 2]


@pytest.mark.parametrize("engine", ENGINES)
def test_one_request_after_the_other_is_a_write_each_way(engine: str) -> None:
    """What says that the last one is over goes with the next one."""
    world = World(delay=0.01)
    a, b = world.pair(engine)
    answers(b, a)
    for _ in range(4):
        asking = App(begin(a, b, FlowKind.REQUEST), b"what?")
        world.run_until(lambda: bytes(asking.read) == b"what?")  # noqa: B023
    for side, peer in ((a, b), (b, a)):
        written = writes(side, peer)
        assert len({now for now, _ in written}) == 4
        assert len(written) == 4 + 3
    world.run_until(lambda: forgotten(a, b))


@pytest.mark.parametrize("engine", ENGINES)
def test_words_of_requests_do_not_wait_for_long(engine: str) -> None:
    delay = 0.01
    world = World(delay=delay)
    a, b = world.pair(engine)
    answers(b, a, reply=False)
    began = world.network.now
    flow = begin(a, b, FlowKind.REQUEST)
    asking = App(flow, b"what?")
    world.run_until(lambda: flow.accepted)
    assert world.network.now - began == pytest.approx(2 * delay + COMPANY_SECONDS, abs=1e-3)
    b.flows[0].finish()
    world.run_until(lambda: flow.at_end)
    ended = world.network.now
    world.run_until(lambda: forgotten(a, b))
    assert asking.done
    assert world.network.now - ended == pytest.approx(2 * (delay + COMPANY_SECONDS), abs=1e-3)


@pytest.mark.parametrize("engine", ENGINES)
def test_many_that_are_over_wait_for_nothing(engine: str) -> None:
    world = World(delay=0.01)
    a, b = world.pair(engine)
    answers(b, a)
    flows = [begin(a, b, FlowKind.REQUEST) for _ in range(GOODBYES_MAX)]
    asking = [App(flow, b"what?") for flow in flows]
    world.run_until(lambda: all(flow.at_end for flow in flows))
    assert all(app.done for app in asking)


def test_who_has_said_that_a_request_waits_says_at_once_that_an_app_has_it() -> None:
    """Or a requester whose time is over by then would take it for not taken."""
    delay = 0.01
    world = World(delay=delay)
    a, b = world.pair()
    flow = begin(a, b, FlowKind.REQUEST)
    App(flow, b"what?")
    world.run_until(lambda: flow.delivered)
    began = world.network.now
    b.flows[0].accept()
    world.run_until(lambda: flow.accepted)
    assert world.network.now - began == pytest.approx(delay, abs=1e-3)


@pytest.mark.parametrize("moment", [0.0, 0.005, 0.015, 0.025, 0.035, 0.045, 0.06])
def test_a_request_is_answered_once_whenever_the_connection_is_lost(moment: float) -> None:
    world = World(delay=0.01)
    a, b = world.pair()
    flow = begin(a, b, FlowKind.REQUEST)
    left = App(flow, b"what?")

    def answer() -> bool:
        for came in b.flows:
            if came.at_end is False and came.fin_received:
                assert came.read(100) == b"what?"
                came.write(b"that")
                came.finish()
        return left.done

    end = world.network.now + moment
    world.run_until(lambda: answer() or world.network.now >= end)
    for side, peer in ((a, b), (b, a)):
        for session in list(side.peer(peer.peer_id).sessions):
            side.kill(session)
    a.dial(b)
    world.run_until(answer)
    assert bytes(left.read) == b"that"
    assert len(b.flows) == 1
    world.run_until(lambda: forgotten(a, b))


def test_grace_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(delay=0.01)
    a, b = world.pair()
    flow, other = meet(world, a, b)
    for side, peer in ((a, b), (b, a)):
        for session in list(side.peer(peer.peer_id).sessions):
            side.kill(session)
    for table in (a.link(b).flows, b.link(a).flows):
        table.tick(100.0, 30.0)
        table.tick(129.0, 30.0)
        assert flow.ended is None or other.ended is None
        table.tick(131.0, 30.0)
    assert flow.ended is not None
    assert other.ended is not None
    assert flow.ended.cause is other.ended.cause is Cause.LOST
    for table in (a.link(b).flows, b.link(a).flows):
        table.tick(300.0, 30.0)
        assert not list(table)


def test_nobody_accepts() -> None:
    world = World(delay=0.01)
    a, b = world.pair()
    flow = begin(a, b)
    world.run_until(lambda: bool(b.flows))
    b.link(a).flows.tick(10.0, 30.0)
    b.link(a).flows.tick(13.5, 30.0)
    world.run_until(lambda: flow.ended is not None)
    assert flow.ended is not None
    assert flow.ended.cause is Cause.NO_SUBSCRIBER
    world.run_until(lambda: forgotten(a, b))


def drop_all(world: World, flows: list[Flow], at: QuicSide) -> None:
    while not all(flow.ended for flow in flows):
        world.run_until(lambda: bool(at.flows) or all(flow.ended for flow in flows))
        for came in at.flows:
            came.reset(Cause.APP, 1)
        at.flows.clear()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_ten_thousand_opened_and_dropped(engine: str) -> None:
    """Memory and tables are back to where they were."""
    world = World(delay=0.001)
    a, b = world.pair(engine)
    opened = 0
    while opened < 10_000:
        flows = [begin(a, b) for _ in range(500)]
        opened += len(flows)
        for number, flow in enumerate(flows):
            flow.write(b"x" * 100)
            if number % 3 == 0:
                flow.reset(Cause.GONE)  # before it has gone out
        drop_all(world, flows, b)
    world.run_until(lambda: forgotten(a, b))
    assert a.link(b).flows._waiting == b.link(a).flows._waiting == type(a.link(b).flows._waiting)()
    assert not any(a.link(b).flows._ready.values())
    session = a.peer(b.peer_id).sessions[0]
    assert len(session._incoming._readers) < 10


def test_more_at_once_than_the_peer_allows_wait_their_turn() -> None:
    world = World(delay=0.001)
    a, b = world.pair("qh3")
    flows = [begin(a, b) for _ in range(300)]
    apps = [App(flow, b"x") for flow in flows]
    world.run_until(lambda: len(b.flows) >= 90)

    def serve() -> bool:
        for came in b.flows:
            if came.ended is None and came.fin_received:
                came.accept()
                came.read(10)
                came.finish()
        return all(app.done for app in apps)

    world.run_until(serve)
    assert {flow.ended.cause for flow in flows if flow.ended} == {Cause.DONE}


def test_too_many() -> None:
    world = World(delay=0.001)
    a, b = world.pair()
    for _ in range(flows_module.FLOWS_MAX):
        begin(a, b)
    assert a.link(b).flows.open(FlowKind.STREAM, "pg", {}) is None


def test_a_sidecar_that_began_anew() -> None:
    world = World(delay=0.01)
    a, b = world.pair()
    flow, other = meet(world, a, b)
    b.forget(a)
    assert other.ended is not None
    a.dial(b)
    world.run_until(lambda: flow.ended is not None)
    assert flow.ended is not None
    assert flow.ended.cause is Cause.LOST


# bad input


class Stranger:
    """A peer that says what it likes on a flow's stream."""

    def __init__(self, engine: str = "aioquic") -> None:
        self.world = World(delay=0.001)
        self.a, self.b = self.world.pair(engine)
        self.session = self.a.peer(self.b.peer_id).sessions[0]

    def stream(self, *frames: bytes, kind: int = FlowKind.STREAM, fin: bool = False) -> int:
        connection = self.session._connection
        stream_id = connection.open_stream(bidirectional=True)
        self.session._incoming._readers[stream_id] = _Ignored()  # whatever is answered
        connection.send(stream_id, varint.encode(kind) + b"".join(frames), fin)
        return stream_id

    def told(self) -> str:
        """Why the other side closed."""
        self.world.run_until(lambda: bool(self.b.ends))
        return self.b.ends[0].reason


OPEN = encode_flow_frame(FlowFrame.OPEN, wire_pb2.FlowOpen(id=1, name="pg", limit=1000))


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([encode_data_header(1) + b"x"], "begins with frame"),
        ([encode_flow_frame(FlowFrame.OPEN, wire_pb2.FlowOpen(name="pg"))], "without a number"),
        ([encode_flow_frame(FlowFrame.OPEN, wire_pb2.FlowOpen(id=1, name="n" * 129))], "name of 129 bytes"),
        ([encode_flow_frame(FlowFrame.OPEN, wire_pb2.FlowOpen(id=1, headers={"k": "v" * 8192}))], "headers"),
        ([OPEN, OPEN], "opened twice"),
        ([varint.encode(FlowFrame.OPEN) + varint.encode(BODY_MAX + 1)], "at most"),
        ([OPEN, encode_data_header(2 * FIRST_WINDOW) + bytes(2 * FIRST_WINDOW)], "more than"),
        ([OPEN, encode_flow_frame(FlowFrame.CREDIT, wire_pb2.FlowCredit(received=1))], "were sent"),
        ([OPEN, encode_flow_frame(FlowFrame.CREDIT, wire_pb2.FlowCredit(finished=True))], "has not come"),
        ([OPEN, encode_flow_frame(FlowFrame.FIN, wire_pb2.FlowFin(size=5))], "ended after 0"),
        ([OPEN, encode_flow_frame(FlowFrame.ANSWER, wire_pb2.FlowAnswer())], "answered it"),
        ([OPEN, encode_flow_frame(FlowFrame.RESET, wire_pb2.FlowReset())], "no reason"),
        ([OPEN, b"\x06\x02\xff\xff"], "cannot be decoded"),
    ],
)
def test_frames_that_break_a_rule(frames: list[bytes], words: str) -> None:
    stranger = Stranger()
    stranger.stream(*frames)
    assert words in stranger.told()


def test_an_unfinished_frame() -> None:
    stranger = Stranger()
    stranger.stream(OPEN, encode_data_header(5) + b"xx", fin=True)
    assert "within a frame" in stranger.told()


def test_unknown_frames_are_skipped() -> None:
    stranger = Stranger()
    stranger.stream(OPEN, varint.encode(0x33) + varint.encode(70_000) + bytes(70_000), encode_data_header(2) + b"hi")
    stranger.world.run_until(lambda: bool(stranger.b.flows) and stranger.b.flows[0].readable == 2)


def test_resumed_at_an_offset_never_sent() -> None:
    stranger = Stranger()
    stranger.stream(OPEN, encode_data_header(2) + b"hi")
    stranger.world.run_until(lambda: bool(stranger.b.flows) and stranger.b.flows[0].readable == 2)
    resume = wire_pb2.FlowResume(id=1, offset=3, limit=1000)
    stranger.stream(encode_flow_frame(FlowFrame.RESUME, resume))
    assert "goes on at byte 3, and 2 have come" in stranger.told()


def test_resumed_having_what_was_never_sent() -> None:
    stranger = Stranger()
    stranger.stream(OPEN)
    stranger.world.run_until(lambda: bool(stranger.b.flows))
    resume = wire_pb2.FlowResume(id=1, received=1, limit=1000)
    stranger.stream(encode_flow_frame(FlowFrame.RESUME, resume))
    assert "1 bytes of a flow are acknowledged, and 0 were sent" in stranger.told()


def test_resumed_by_a_peer_that_does_not_own_it() -> None:
    """Numbers are each peer's own: another's is not known, and its owner notices nothing."""
    world = World(delay=0.001)
    a, b = world.pair()
    flow, other = meet(world, a, b)
    thief = world.side()
    thief.dial(b)
    world.run_until(lambda: thief.linked(b) and b.linked(thief))
    stolen = thief.link(b).flows.open(FlowKind.STREAM, "pg", {})
    assert stolen is not None
    stolen._known, stolen.number = True, flow.number  # so that it says RESUME
    world.run_until(lambda: stolen.ended is not None)
    assert stolen.ended is not None
    assert stolen.ended.cause is Cause.UNKNOWN
    flow.write(b"still mine")
    world.run_until(lambda: other.readable == 10)


def test_a_peer_that_keeps_flows_open() -> None:
    """As many as are allowed, and a refusal of its own for each beyond."""
    stranger = Stranger()
    number = 0

    def more(count: int) -> None:
        nonlocal number
        for _ in range(count):
            number += 1
            frame = encode_flow_frame(FlowFrame.OPEN, wire_pb2.FlowOpen(id=number, name="pg"))
            stranger.stream(frame)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flows_module, "FLOWS_MAX", 20)
        more(30)
        stranger.world.run_until(lambda: len(stranger.b.link(stranger.a).flows.came) == 30)
        ended = [flow.ended for flow in stranger.b.link(stranger.a).flows.came.values() if flow.ended]
    assert len(stranger.b.flows) == 20
    assert [end.cause for end in ended] == [Cause.LIMIT] * 10


def test_an_opener_that_says_it_waits_for_ages() -> None:
    stranger = Stranger()
    stranger.stream(encode_flow_frame(FlowFrame.OPEN, wire_pb2.FlowOpen(id=1, name="pg", timeout_ms=2**64 - 1)))
    stranger.world.run_until(lambda: bool(stranger.b.flows))
    assert stranger.b.flows[0].timeout_ms == flows_module.TIMEOUT_MOST_MS


def test_a_sidecar_that_does_not_know_flows() -> None:
    """Such as one of an earlier version: it gives the stream up."""
    world = World(delay=0.001)
    a, b = world.pair()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sidecar.wire.incoming.FLOW_KINDS", frozenset())
        flow = begin(a, b)
        world.run_until(lambda: flow.ended is not None)
    assert flow.ended is not None
    assert flow.ended.cause is Cause.UNSUPPORTED
    assert a.linked(b)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000])
def test_frames_in_pieces_of_any_size(size: int) -> None:
    data = b"".join(
        [OPEN, encode_data_header(300) + bytes(300), encode_flow_frame(FlowFrame.FIN, wire_pb2.FlowFin(size=300))]
    )
    reader = FlowReader()
    read: list[tuple[int, bytes]] = []
    for start in range(0, len(data), size):
        read += reader.feed_untrusted(data[start : start + size])
    assert [kind for kind, _ in read if kind != FlowFrame.DATA] == [FlowFrame.OPEN, FlowFrame.FIN]
    assert b"".join(body for kind, body in read if kind == FlowFrame.DATA) == bytes(300)
    assert not reader.unfinished


def test_memory_is_shared() -> None:
    """Past the sidecar's share each app may write only a little ahead."""
    world = World(delay=0.001)
    a, b = world.pair()
    flow, _other = meet(world, a, b)
    a.flow_memory.most = 64 * KIB
    writer = App(flow, bytes(MIB))
    assert flow.buffered <= 64 * KIB + 20 * KIB
    assert flow.buffered >= flow_module.BUFFER_LEAST
    assert writer.data
