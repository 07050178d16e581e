"""Datagrams and Broadcast over real sidecars, on both engines."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sidecar.mail.datagrams import KEPT
from sidecar.wire.datagrams import CONTENT_MAX
from sidecar_client import MessageTooLarge, PeerUnreachable
from sidecar_client.gen.overlay.v1 import datagram_pb2 as pb
from tests.api.conftest import Side, Sides, answered_after, until
from tests.api.raw import one_waits

Pair = tuple[Side, Side]


async def receiving(side: Side, channel: str) -> Any:
    call = side.client.stubs.messages.ReceiveDatagrams(pb.ReceiveDatagramsRequest(channel=channel))
    await until(lambda: channel in side.sidecar.node.datagrams._boxes)
    return call


@pytest.mark.parametrize("engine", ["aioquic", "qh3"])
async def test_sent_and_received(sides: Sides, engine: str) -> None:
    a, b = await sides.pair(engine=engine)
    call = await receiving(b, "d")
    limit = (await a.client.node()).limits.max_datagram_bytes
    assert limit == CONTENT_MAX
    payloads = [b"", b"one", bytes(limit - 1)]
    for payload in payloads:
        await a.client.send_datagram(b.peer_id, payload, channel="d", ttl=10)
    got: list[bytes] = []
    while len(got) < 3:
        for came in (await call.read()).datagrams:
            assert came.peer_id == a.peer_id
            got.append(came.payload)
    assert sorted(got) == sorted(payloads)
    call.cancel()
    assert a.sidecar.node.counters.datagrams["sent"] == 3
    assert b.sidecar.node.counters.datagrams["received"] == 3


async def test_too_large(pair: Pair) -> None:
    a, b = pair
    with pytest.raises(MessageTooLarge):
        await a.client.send_datagram(b.peer_id, bytes(CONTENT_MAX), channel="d")


async def test_a_peer_that_is_not_linked(pair: Pair) -> None:
    with pytest.raises(PeerUnreachable):
        await pair[0].client.send_datagram("a" * 52, b"x")


async def test_never_queued_past_their_time(pair: Pair) -> None:
    """What found no room in its time is dropped and counted, and what is fresh leaves."""
    a, b = pair
    call = await receiving(b, "d")
    link = a.sidecar.node.links.peers[b.peer_id].link
    loop = asyncio.get_running_loop()
    link.datagrams.send("d", b"late", loop.time() - 0.001)
    link.datagrams.send("d", b"fresh", loop.time() + 5)
    link.wake()
    assert [came.payload for came in (await call.read()).datagrams] == [b"fresh"]
    assert a.sidecar.node.counters.datagrams_dropped["late"] == 1
    call.cancel()


async def test_nobody_reads(pair: Pair) -> None:
    a, b = pair
    await a.client.send_datagram(b.peer_id, b"x", channel="nobody", ttl=10)
    await until(lambda: b.sidecar.node.counters.datagrams_dropped["no_app"] == 1)


async def test_a_slow_app_gets_the_newest(pair: Pair) -> None:
    _, b = pair
    woken: list[None] = []
    box = b.sidecar.node.receive_datagrams("slow", lambda: woken.append(None))
    for number in range(KEPT + 10):
        b.sidecar.node.links.on_datagram("peer", "slow", str(number).encode())
    held, dropped = box.take()
    assert (len(held), dropped) == (KEPT, 10)
    assert held[-1].payload == str(KEPT + 9).encode()
    assert b.sidecar.node.counters.datagrams_dropped["slow_app"] == 10
    box.close()


async def test_subscribers_take_turns(pair: Pair) -> None:
    _, b = pair
    boxes = [b.sidecar.node.receive_datagrams("turns", lambda: None) for _ in range(2)]
    for number in range(10):
        b.sidecar.node.links.on_datagram("peer", "turns", str(number).encode())
    assert [len(box.take()[0]) for box in boxes] == [5, 5]
    for box in boxes:
        box.close()


async def test_broadcast_to_all_and_by_label(sides: Sides) -> None:
    a = await sides.start()
    others = [
        await sides.start(labels=("role=worker", "zone=eu")),
        await sides.start(labels=("role=worker",)),
        await sides.start(),
    ]
    for other in others:
        await other.client.connect(a.contact)
    await until(lambda: len(a.sidecar.node.links.linked) == 3)
    everybody = {other.peer_id: "" for other in others}
    assert await a.client.broadcast(b"all", channel="x") == everybody
    assert set(await a.client.broadcast(b"w", channel="x", labels={"role": "worker"})) == {
        others[0].peer_id, others[1].peer_id,
    }  # fmt: skip
    assert list(await a.client.broadcast(b"eu", channel="x", labels={"zone": "eu", "role": "worker"})) == [
        others[0].peer_id
    ]
    assert await a.client.broadcast(b"none", channel="x", labels={"zone": "us"}) == {}
    assert dict((await a.client.peer(others[0].peer_id)).labels) == {"role": "worker", "zone": "eu"}
    async with others[0].client.receive("x") as messages:
        got = [(await anext(messages)) for _ in range(3)]
    assert [getattr(each, "payload", None) for each in got] == [b"all", b"w", b"eu"]


async def test_a_broadcast_tells_of_each_peer(sides: Sides) -> None:
    a = await sides.start()
    full, fine = await sides.start(channel_window_bytes=64 << 10), await sides.start()
    for other in (full, fine):
        await other.client.connect(a.contact)
    await until(lambda: len(a.sidecar.node.links.linked) == 2)
    (await one_waits(a, full.peer_id)).cancel()
    with answered_after(2.0):
        results = await a.client.broadcast(bytes(60 << 10), channel="unread", timeout=30)
    assert "no app reads it" in results[full.peer_id]
    assert results[fine.peer_id] == ""
