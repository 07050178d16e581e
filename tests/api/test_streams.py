"""Byte streams over real sidecars and the public client."""

from __future__ import annotations

import asyncio
import hashlib
import random
import threading

import pytest

from sidecar.mail import doors
from sidecar.overlay.events import FlowChange, FlowsChanged
from sidecar.transport.engine.base import Closed
from sidecar_client import AsyncStream, LimitReached, NoSubscriber, PeerNotAllowed, PeerUnknown, Sidecar, StreamReset
from sidecar_client.gen.overlay.v1 import stream_pb2 as pb
from tests.api.conftest import Side, Sides, until
from tests.api.raw import failure

Pair = tuple[Side, Side]
MIB = 1 << 20
_LOST = Closed(0, "lost", application=False, remote=False)


async def meet(a: Side, b: Side, name: str = "x") -> tuple[AsyncStream, AsyncStream]:
    accepting = asyncio.create_task(b.client.accept_stream(name))
    opened = await a.client.open_stream(b.peer_id, name, headers={"k": "v"})
    return await opened.opened(), await accepting


async def quiet(*sides: Side) -> None:
    """Nothing is left of any stream."""
    while True:
        held = [flow for side in sides for peer in side.sidecar.node.links.peers.values() for flow in peer.link.flows]
        memory = [side.sidecar.node.links.flow_memory for side in sides]
        if not held and not any(each.buffered or each.granted for each in memory):
            return
        await asyncio.sleep(0.01)


async def test_bytes_both_ways(pair: Pair) -> None:
    a, b = pair
    here, there = await meet(a, b)
    assert (there.peer_id, there.name, there.headers) == (a.peer_id, "x", {"k": "v"})
    assert here.peer_id == b.peer_id
    await here.write(b"one")
    assert await there.read() == b"one"
    await there.write(b"two")
    assert await here.read() == b"two"
    await here.finish()
    assert await there.read() == b""
    await there.write(b"after your end")
    await there.finish()
    assert await here.read_all() == b"after your end"
    await asyncio.gather(here.close(), there.close())
    await quiet(a, b)


async def test_megabytes_in_constant_memory(pair: Pair) -> None:
    a, b = pair
    here, there = await meet(a, b)
    data = random.Random(1).randbytes(MIB)
    sent, received = hashlib.sha256(), hashlib.sha256()
    most = 0

    async def write() -> None:
        nonlocal most
        for _ in range(32):
            await here.write(data)
            sent.update(data)
            most = max(most, a.sidecar.node.links.flow_memory.buffered)
        await here.finish()

    async def read() -> None:
        while part := await there.read():
            received.update(part)

    await asyncio.gather(write(), read())
    await asyncio.gather(here.close(), there.close())
    assert sent.digest() == received.digest()
    assert most <= 2 * MIB
    await quiet(a, b)


async def test_an_app_that_does_not_read_stops_the_other(pair: Pair) -> None:
    a, b = pair
    here, there = await meet(a, b)
    written = 0

    async def write() -> None:
        nonlocal written
        for _ in range(256):
            await here.write(bytes(256 << 10))
            written += 256 << 10

    writing = asyncio.create_task(write())
    last, still = -1, 0
    while not written or still < 10:
        # Nothing tells that a writer is held back but its silence; on a machine that is busy elsewhere this looks too
        # early, and finds less.
        await asyncio.sleep(0.05)
        last, still = written, still + 1 if written == last else 0
    assert written < 24 * MIB  # what two gRPC connections and two sidecars hold
    assert a.sidecar.node.links.flow_memory.buffered < 3 * MIB
    got = 0
    while got < 64 * MIB:
        got += len(await there.read())
    await writing
    here.cancel()
    await quiet(a, b)


async def test_reset_with_a_code(pair: Pair) -> None:
    a, b = pair
    here, there = await meet(a, b)
    await there.reset(42, "enough")
    with pytest.raises(StreamReset, match="enough") as error:
        await here.read()
    assert error.value.metadata["code"] == "42"
    await quiet(a, b)


async def test_an_app_that_goes_away(pair: Pair) -> None:
    a, b = pair
    here, there = await meet(a, b)
    here.cancel()
    with pytest.raises(StreamReset, match="went away"):
        await there.read()
    await quiet(a, b)


async def test_everything_written_before_close_arrives(pair: Pair) -> None:
    """Also where the reader comes to it after the writer has gone."""
    a, b = pair
    for size in (0, 1, 100, 60_000):
        here, there = await meet(a, b)
        await there.finish()
        await here.write(bytes(size))
        await here.close()
        assert len(await there.read_all()) == size
        await there.close()
    await quiet(a, b)


async def test_nobody_accepts(pair: Pair) -> None:
    a, b = pair
    stream = await a.client.open_stream(b.peer_id, "nobody", accept_timeout=0.5)
    with pytest.raises(NoSubscriber):
        await stream.opened()
    await quiet(a, b)


async def test_a_peer_nobody_knows(pair: Pair) -> None:
    a, _ = pair
    stream = await a.client.open_stream("a" * 52, "x")
    with pytest.raises(PeerUnknown):
        await stream.opened()


async def test_only_peers_that_are_allowed(sides: Sides) -> None:
    a, b = await sides.pair()
    c = await sides.start()
    await c.client.connect(b.contact)
    accepting = asyncio.create_task(b.client.accept_stream("x", peer_ids=[a.peer_id]))
    await asyncio.sleep(0)
    await until(lambda: bool(b.sidecar.node.doors._visits))
    refused = await c.client.open_stream(b.peer_id, "x")
    with pytest.raises(PeerNotAllowed):
        await refused.opened()
    stream = await a.client.open_stream(b.peer_id, "x")
    assert (await accepting).peer_id == a.peer_id
    stream.cancel()


async def test_it_outlives_its_connection(sides: Sides) -> None:
    """Both apps are told that it waits and goes on, and no byte is missing or twice."""
    a, b = await sides.pair()
    here, there = await meet(a, b)
    data = random.Random(2).randbytes(8 * MIB)
    read = bytearray()

    async def write() -> None:
        for start in range(0, len(data), 64 << 10):
            await here.write(data[start : start + (64 << 10)])
            if start % MIB == 0:
                for side in (a, b):
                    for pump in list(side.sidecar.node.links.pumps):
                        pump.abandon(_LOST)
        await here.finish()

    async def take() -> None:
        while part := await there.read():
            read.extend(part)

    await asyncio.gather(write(), take())
    await there.finish()
    assert await here.read_all() == b""
    assert bytes(read) == data
    assert here.suspensions
    assert there.suspensions
    await asyncio.gather(here.close(), there.close())
    assert a.sidecar.node.counters.flow_steps["stream", "resumed"]
    await quiet(a, b)


async def test_threads(pair: Pair) -> None:
    a, b = pair

    def serve() -> bytes:
        with Sidecar(b.sidecar.address) as client, client.accept_stream("t") as stream:
            data = stream.read_all()
            stream.write(data[::-1])
            return data

    def ask() -> bytes:
        with Sidecar(a.sidecar.address) as client, client.open_stream(b.peer_id, "t") as stream:
            stream.write(b"abc" * 100_000)
            stream.finish()
            return stream.read_all()

    served, answered = await asyncio.gather(asyncio.to_thread(serve), asyncio.to_thread(ask))
    assert served == b"abc" * 100_000
    assert answered == served[::-1]


async def test_threads_are_told_of_a_lost_connection(pair: Pair) -> None:
    a, b = pair
    begun, go = threading.Event(), threading.Event()

    def serve() -> tuple[bytes, int]:
        with Sidecar(b.sidecar.address) as client, client.accept_stream("t") as stream:
            first = stream.read()
            begun.set()
            return first + stream.read_all(), stream.suspensions

    def ask() -> int:
        with Sidecar(a.sidecar.address) as client, client.open_stream(b.peer_id, "t") as stream:
            stream.write(b"one ")
            go.wait()
            stream.write(b"two")
            stream.finish()
            assert stream.read_all() == b""
            assert not stream.suspended
            return stream.suspensions

    async def cut() -> None:
        await asyncio.to_thread(begun.wait)
        for side in (a, b):
            for pump in list(side.sidecar.node.links.pumps):
                pump.abandon(_LOST)
        await until(lambda: bool(a.sidecar.node.counters.flow_steps["stream", "resumed"]))
        go.set()

    served, asked, _ = await asyncio.gather(asyncio.to_thread(serve), asyncio.to_thread(ask), cut())
    assert served[0] == b"one two"
    assert served[1] >= 1
    assert asked >= 1
    told = a.sidecar.node.events
    changes = [each.event for each in told.after(told.instance, 0) if isinstance(each.event, FlowsChanged)]
    assert [(each.peer_id, each.change, each.streams, each.requests) for each in changes][:2] == [
        (b.peer_id, FlowChange.SUSPENDED, 1, 0),
        (b.peer_id, FlowChange.RESUMED, 1, 0),
    ]


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([pb.OpenRequest(data=b"x")], "the first frame"),
        ([pb.OpenRequest()], "the first frame"),
        ([pb.OpenRequest(open=pb.StreamOpen(peer_id="nobody"))], "peer_id"),
        ([pb.OpenRequest(open=pb.StreamOpen(name="n" * 129))], "at most 128"),
        ([pb.OpenRequest(open=pb.StreamOpen(headers={"k": "v" * 9000}))], "headers"),
    ],
)
async def test_frames_that_are_wrong(pair: Pair, frames: list[pb.OpenRequest], words: str) -> None:
    a, _ = pair
    call = a.client.stubs.streams.Open()
    for frame in frames:
        await call.write(frame)
    error = await failure(call.read())
    assert words in error.detail


async def test_one_peer_s_streams_leave_room_for_another_s(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = await sides.pair()
    c = await sides.start()
    await c.client.connect(b.contact)
    monkeypatch.setattr(doors, "WAITING_MAX", 4)
    greedy = [await a.client.open_stream(b.peer_id, "x", accept_timeout=30) for _ in range(4)]
    opening = [asyncio.create_task(stream.opened()) for stream in greedy]
    await until(lambda: sum(task.done() for task in opening) == 2)
    other = await c.client.open_stream(b.peer_id, "x", accept_timeout=30)
    await until(lambda: b.sidecar.node.doors.waiting == 3)
    taken = [await b.client.accept_stream("x") for _ in range(3)]
    assert {stream.peer_id for stream in taken} == {a.peer_id, c.peer_id}
    await other.opened()
    ends = await asyncio.gather(*opening, return_exceptions=True)
    assert sum(isinstance(end, StreamReset | LimitReached) for end in ends) == 2
    await asyncio.gather(*(stream.close() for stream in (*taken, *greedy, other)), return_exceptions=True)
