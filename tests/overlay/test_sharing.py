"""What the peers of one sidecar share, they share: one that always has more, and one whose app reads nothing, beside
others that say little."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.transport.endpoint import READ_BUDGET, WRITE_BUDGET
from tests.overlay.network import Network, Sending, Site, turns

MIB = 1 << 20
SMALL_PEERS = 3
ROUNDS = 4
IN_FLIGHT = 4 * MIB
"""`EngineSettings.in_flight_limit`: what is on its way before a message is, passes before it."""


async def always_more(sending: Sending, payload: bytes) -> None:
    """An app that sends as fast as it may."""
    while True:
        await sending.room()
        sending.offer([payload])
        await turns(1)


@pytest.mark.timeout(180)
async def test_peers_that_say_little_beside_a_hog_and_a_stalled_one(network: Network, engine_name: str) -> None:
    """Both directions. What the hog gets while one small message is on its way is bounded, and so is what both sidecars
    hold for the app that reads nothing."""
    hub, hog, stalled, *small = [
        await network.site(engine_name=engine_name, outbox_bytes=2 * MIB, link_window_bytes=4 * MIB)
        for _ in range(3 + SMALL_PEERS)
    ]
    for site in (hog, stalled, *small):
        await site.join(hub)
    out, back = hog.read("x", keep=False), hub.read("x", keep=False)
    for site in (hub, *small):
        site.read("small")
    unread = stalled.node.subscribe("x", lambda: None, credit=1)  # an app that is there, and takes nothing
    stuck = hub.send(stalled, "x")
    busy = [
        asyncio.create_task(always_more(sending, bytes(32 << 10)))
        for sending in (hub.send(hog, "x"), hog.send(hub, "x"), stuck)
    ]
    await out.has(50)
    await back.has(50)
    while not stuck.sender.full:
        await turns(10)

    async def say(here: Site, there: Site) -> int:
        """Bytes that the hog got, both ways, until a small message was delivered."""
        before = out.bytes + back.bytes
        await here.send(there, "small", [b"small"]).all_delivered()
        return out.bytes + back.bytes - before

    passed = [await say(*pair) for _ in range(ROUNDS) for site in small for pair in ((hub, site), (site, hub))]
    assert max(passed) <= 4 * (READ_BUDGET + WRITE_BUDGET) + 2 * IN_FLIGHT
    assert sum(passed) > 0, "the hog was busy all the while"
    held = hub.node.links.peers[stalled.peer_id].link.outbound.outbox.peak_bytes
    assert held <= 2 * MIB + (64 << 10)
    assert 0 < stalled.node.inbox.bytes <= MIB + (64 << 10)
    for task in busy:
        task.cancel()
    await asyncio.gather(*busy, return_exceptions=True)
    unread.close(written=False)
