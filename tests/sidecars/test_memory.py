"""What is offered to an app that reads nothing stays with the one who offers it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from sidecar_client import AsyncSidecar, Received, SidecarError
from tests.processes import Sidecars

GIB = 1 << 30
SMALL = {"small": 200, "of 60 KiB": 60 << 10, "of 1 MiB": 1 << 20}
LARGE = {"of 12 MiB": 12 << 20}
"""Each call that carries such messages has several of them on their way through gRPC into the queue."""


@pytest.mark.parametrize(
    ("name", "sizes", "limit_mib"),
    [("qh3", SMALL, 192), ("aioquic", SMALL, 192), ("auto", SMALL | LARGE, 320)],
    ids=["qh3", "aioquic", "with large ones"],
)
async def test_a_gibibyte_offered_to_an_app_that_reads_nothing(
    sidecars: Sidecars, name: str, sizes: dict[str, int], limit_mib: int
) -> None:
    """By two senders of each size, each on a channel of its own; a channel that is read goes on beside them. The limit
    is for the resident memory of either sidecar at its peak, which begins at some 60 MiB."""
    one = await asyncio.to_thread(sidecars.spawn, engine=name, udp_host="127.0.0.1")
    two = await asyncio.to_thread(sidecars.spawn, engine=name, udp_host="127.0.0.1")
    offered = 0

    async def offer(client: AsyncSidecar, channel: str, payload: bytes) -> None:
        nonlocal offered
        async with client.sender(two.peer_id, channel=channel) as out:
            for _ in range(GIB // 2 // len(sizes) // len(payload)):
                await out.send(payload)
                offered += len(payload)

    async with AsyncSidecar(one.endpoint) as client, AsyncSidecar(two.endpoint) as reader:
        await client.connect(two.contact)
        senders = [
            asyncio.create_task(offer(client, f"{what} {number}", bytes(size)))
            for what, size in sizes.items()
            for number in range(2)
        ]
        before, seen = (-1, -1), 0
        while seen < 5:
            peer = await client.peer(two.peer_id)
            now = (peer.queued_bytes, offered)
            seen = seen + 1 if now == before else 0
            before = now
            done, _ = await asyncio.wait(senders, timeout=0.1, return_when=asyncio.FIRST_COMPLETED)
            assert not done, "all of it was taken"
        async with reader.receive("live") as messages:
            sent = await client.send(two.peer_id, b"alive", channel="live", timeout=20)
            assert sent.level == "delivered"
            async for message in messages:
                assert isinstance(message, Received)
                assert message.payload == b"alive"
                break
        for sender in senders:
            sender.cancel()
        for sender in senders:
            with suppress(asyncio.CancelledError, SidecarError):
                await sender
    print(
        f"{name}: offered {offered >> 20} MiB of 1024, peaks {one.peak_rss_mib():.0f} and {two.peak_rss_mib():.0f} MiB"
    )
    assert one.peak_rss_mib() < limit_mib
    assert two.peak_rss_mib() < limit_mib
    one.kill()  # what it could not send would be waited for
    two.kill()
