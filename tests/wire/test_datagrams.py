"""Datagrams on the wire, of both engines: in time or not at all."""

from __future__ import annotations

import pytest

from sidecar.gen.overlay.wire.v1 import wire_pb2
from sidecar.wire.datagrams import CONTENT_MAX, WAITING_MAX, Datagrams
from tests.wire.pair import World

ENGINES = ["aioquic", "qh3"]


@pytest.mark.parametrize("engine", ENGINES)
def test_the_largest_arrives(engine: str) -> None:
    world = World(delay=0.01)
    a, b = world.pair(engine)
    came: list[tuple[str, bytes]] = []
    b.link(a).datagrams.came = lambda channel, payload: came.append((channel, payload))
    payloads = [bytes([number]) * (CONTENT_MAX - 1) for number in range(20)]
    for payload in payloads:
        a.link(b).datagrams.send("c", payload, world.network.now + 1)
    a.link(b).wake()
    world.run_until(lambda: len(came) == 20)
    assert came == [("c", payload) for payload in payloads]


@pytest.mark.parametrize("engine", ENGINES)
def test_what_is_late_is_dropped_and_counted(engine: str) -> None:
    world = World(delay=0.01)
    a, b = world.pair(engine)
    dropped: list[int] = []
    came: list[bytes] = []
    b.link(a).datagrams.came = lambda channel, payload: came.append(payload)
    queue = a.link(b).datagrams
    queue.dropped = lambda why, count: dropped.append(count)
    queue.send("c", b"late", world.network.now - 0.001)
    queue.send("c", b"fresh", world.network.now + 1)
    a.link(b).wake()
    world.run_until(lambda: bool(came))
    assert (came, dropped, len(queue.waiting)) == ([b"fresh"], [1], 0)


def test_the_oldest_gives_way() -> None:
    queue = Datagrams()
    dropped: list[int] = []
    queue.dropped = lambda why, count: dropped.append(count)
    for number in range(WAITING_MAX + 3):
        queue.send("c", str(number).encode(), 10.0)
    assert (len(queue.waiting), sum(dropped)) == (WAITING_MAX, 3)
    queue.expire(11.0)
    assert (len(queue.waiting), sum(dropped)) == (0, WAITING_MAX + 3)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\xff\xff", "cannot be decoded"),
        (wire_pb2.Datagram(channel="c" * 129).SerializeToString(), "channel of 129 bytes"),
    ],
)
def test_what_is_no_datagram_costs_the_connection(engine: str, data: bytes, words: str) -> None:
    world = World(delay=0.01)
    a, b = world.pair(engine)
    a.peer(b.peer_id).sessions[0]._connection.send_datagram(data)
    world.run_until(lambda: bool(b.ends))
    assert words in b.ends[0].reason
