"""However many links a sidecar has: idle ones have no task and no timer of their own."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.overlay.network import Network

PEERS = 4


def timers(of: str) -> int:
    """Timers of the loop that are yet to ring, by what they call."""
    loop: Any = asyncio.get_running_loop()
    waiting = [each for each in loop._scheduled if not each.cancelled()]
    return sum(getattr(each._callback, "__qualname__", "") == of for each in waiting)


def every_timer() -> int:
    loop: Any = asyncio.get_running_loop()
    return sum(not each.cancelled() for each in loop._scheduled)


async def test_idle_links_have_no_tasks_and_share_a_timer() -> None:
    network = Network()
    try:
        hub = await network.site()
        peers = [await network.site() for _ in range(PEERS)]
        tasks, alone = len(asyncio.all_tasks()), every_timer()
        for peer in peers:
            await peer.join(hub)
        assert len(hub.node.links.linked) == PEERS
        # One alarm for each endpoint, the hub's among them, whatever it has linked; what dialled and greeted has gone.
        while (  # noqa: ASYNC110 - nothing tells that a timer is gone
            len(asyncio.all_tasks()) > tasks
            or every_timer() - alone > PEERS + 1
            or timers("Endpoint._ring") != PEERS + 1
        ):
            await asyncio.sleep(0.01)
    finally:
        await network.close()
