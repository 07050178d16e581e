"""100,000 durable messages to a peer that is never there, and 1,000 channels: memory, files and rows are back to where
they were."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from sidecar.identity import Identity
from sidecar_client import AsyncSidecar, Gap, Sidecar
from tests.processes import SidecarProcess, Sidecars

MESSAGES = 100_000
CHANNELS = 1_000
GROWTH_MIB = 24
"""What an allocator may keep of what is no longer used."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def held(sidecar: SidecarProcess) -> tuple[float, int, set[str]]:
    """Resident memory in MiB, open files, and the names in the state directory."""
    state = sidecar.flags["state_dir"]
    assert isinstance(state, Path)
    files = len(list(Path(f"/proc/{sidecar.pid}/fd").iterdir()))
    return sidecar.rss_mib(), files, {path.name for path in state.iterdir()}


def back(sidecar: SidecarProcess, before: tuple[float, int, set[str]]) -> None:
    memory, files, names = held(sidecar)
    print(f"{sidecar.name}: {before[0]:.1f} MiB and {before[1]} files before, {memory:.1f} MiB and {files} files after")
    assert memory < before[0] + GROWTH_MIB
    assert files <= before[1] + 2
    assert names == before[2]


def test_a_hundred_thousand_durable_messages_to_a_peer_that_is_never_there(sidecars: Sidecars) -> None:
    near = sidecars.spawn("near")
    nobody = Identity.ephemeral().peer_id
    with Sidecar(near.endpoint) as client:

        def send(count: int) -> None:
            with client.sender(nobody, wait="sent", durable=True) as out:
                for number in range(count):
                    out.send(b"%0100d" % number)

        send(1000)  # whatever is made once is made now
        assert client.purge("outgoing", timeout=60) == 1000
        before = held(near)
        send(MESSAGES)
        waiting = held(near)
        print(f"while they wait: {waiting[0]:.1f} MiB, {client.queues().journal_bytes >> 20} MiB in the journal")
        assert waiting[0] < before[0] + GROWTH_MIB, "they are on the disk"
        assert sum(queue.messages for queue in client.queues().queues) == MESSAGES
        assert client.purge("outgoing", timeout=60) == MESSAGES
        kept = client.queues()
        assert (list(kept.queues), kept.journal_bytes) == ([], 0)
        back(near, before)


async def test_a_thousand_channels(sidecars: Sidecars) -> None:
    near = await asyncio.to_thread(sidecars.spawn, "near")
    far = await asyncio.to_thread(sidecars.spawn, "far")
    async with AsyncSidecar(near.endpoint) as sender, AsyncSidecar(far.endpoint) as receiver:
        await sender.connect(far.contact)

        async def one(name: str, at_once: asyncio.Semaphore) -> None:
            async with at_once:
                for durable in (True, False):
                    await sender.send(far.peer_id, b"x", channel=name, durable=durable, timeout=60)
                async with receiver.consume(name, credits=2, timeout=60) as messages:
                    for _ in range(2):
                        message = await anext(messages)
                        assert not isinstance(message, Gap)
                        await messages.ack(message)

        async def round_of(count: int) -> None:
            at_once = asyncio.Semaphore(50)
            await asyncio.gather(*(one(f"channel {number}", at_once) for number in range(count)))
            for client in (sender, receiver):
                assert list((await client.queues()).queues) == []

        await round_of(100)
        before = [held(side) for side in (near, far)]
        await round_of(CHANNELS)
        for side, was in zip((near, far), before, strict=True):
            back(side, was)
