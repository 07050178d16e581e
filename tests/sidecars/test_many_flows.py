"""10,000 byte streams opened and dropped between two sidecars: memory and files are back to where they were."""

from __future__ import annotations

import asyncio
import contextlib
import urllib.request
from pathlib import Path

import pytest

from sidecar_client import AsyncSidecar, SidecarError
from tests.processes import SidecarProcess, Sidecars

STREAMS = 10_000
AT_ONCE = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def files(sidecar: SidecarProcess) -> int:
    return len(list(Path(f"/proc/{sidecar.pid}/fd").iterdir()))


def open_flows(sidecar: SidecarProcess) -> list[float]:
    """What the metrics say is open or held."""
    with urllib.request.urlopen(f"http://{sidecar.admin}/metrics", timeout=10) as page:
        lines = page.read().decode().splitlines()
    return [float(line.split()[-1]) for line in lines if line.startswith(("sidecar_flows{", "sidecar_flow_bytes "))]


async def drop(client: AsyncSidecar, peer_id: str, count: int) -> int:
    """Opens streams, writes a little, and goes away, in each way an app may. How many were refused."""
    refused = 0
    for number in range(count):
        try:
            stream = await client.open_stream(peer_id, "drop")
        except SidecarError:
            refused += 1
            continue
        with contextlib.suppress(SidecarError):
            await stream.write(b"x" * 100)
            if number % 3 == 0:
                await stream.reset(7)
            elif number % 3 == 1:
                await stream.opened()
        stream.cancel()
    return refused


async def accept(client: AsyncSidecar) -> None:
    while True:
        with contextlib.suppress(SidecarError):
            (await client.accept_stream("drop")).cancel()


async def storm(near: SidecarProcess, far: SidecarProcess, streams: int) -> None:
    async with AsyncSidecar(near.endpoint) as opener, AsyncSidecar(far.endpoint) as acceptor:
        await opener.connect(far.contact)
        accepting = [asyncio.create_task(accept(acceptor)) for _ in range(8)]
        refused = await asyncio.gather(*(drop(opener, far.peer_id, streams // AT_ONCE) for _ in range(AT_ONCE)))
        assert sum(refused) * 100 <= streams, "a few may be, for all that are on their way out"
        for task in accepting:
            task.cancel()
        await asyncio.gather(*accepting, return_exceptions=True)


async def test_ten_thousand_streams_opened_and_dropped(sidecars: Sidecars) -> None:
    near, far = sidecars.spawn("near"), sidecars.spawn("far")
    await storm(near, far, 1000)  # whatever is made once is made now
    before = [(side.rss_mib(), files(side)) for side in (near, far)]
    await storm(near, far, STREAMS)
    while any(any(open_flows(side)) for side in (near, far)):  # noqa: ASYNC110  metrics tell nobody of a change
        await asyncio.sleep(0.2)
    for side, (memory, held) in zip((near, far), before, strict=True):
        after = side.rss_mib()
        print(f"{side.name}: {memory:.1f} MiB and {held} files before, {after:.1f} MiB and {files(side)} files after")
        assert after < memory + 16
        assert files(side) <= held + 2
