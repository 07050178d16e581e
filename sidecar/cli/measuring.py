"""`bench`: what two live sidecars reach between each other, as iperf would tell it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecar.cli.connection import Allow, JsonFlag, allowed_peers, find_peer, run_async, sidecar
from sidecar.cli.output import complain, show_json
from sidecar.errors import SettingsError

if TYPE_CHECKING:
    from sidecar_client import AsyncSidecar, IncomingRequest

NAME = "bench"
PIECE = 256 << 10
AT_ONCE = 32
"""Requests under way when their rate is measured."""
BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
BAR = 40


def bench(
    peer: Annotated[
        str | None, typer.Argument(metavar="PEER", help="Where `bench --serve` runs.", show_default=False)
    ] = None,
    *,
    serve: Annotated[bool, typer.Option("--serve", help="Be the other end.")] = False,
    seconds: Annotated[float, typer.Option("--seconds", metavar="S", min=0.1, help="For each measurement.")] = 5.0,
    allow: Allow = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure throughput, rate and latency to a peer."""
    if serve == (peer is not None):
        raise SettingsError("give either PEER or --serve")
    if serve:
        with sidecar(as_json=as_json) as client:
            peers = allowed_peers(client, allow)
        run_async(lambda client: _serve(client, peers), as_json=as_json)
        return
    with sidecar(as_json=as_json) as client:
        peer_id = find_peer(client, str(peer))
    figures = run_async(lambda client: _measure(client, peer_id, seconds), as_json=as_json)
    if as_json:
        show_json(figures)
    else:
        _show(figures)


async def _serve(client: AsyncSidecar, peers: list[str]) -> None:
    from sidecar_client import SidecarError

    async def answer(asked: IncomingRequest) -> bytes:
        return asked.payload

    async def swallow() -> None:
        while True:
            stream = await client.accept_stream(NAME, peer_ids=peers)
            try:
                count = 0
                while data := await stream.read():
                    count += len(data)
                await stream.write(count.to_bytes(8, "big"))
                await stream.close()
            except SidecarError as error:
                complain(str(error))

    await client.node()
    complain(f"serving measurements to {', '.join(peers) or 'any peer'}")
    await asyncio.gather(client.reply(answer, NAME, credits=4 * AT_ONCE, peer_ids=peers), swallow())


async def _measure(client: AsyncSidecar, peer_id: str, seconds: float) -> dict[str, Any]:
    times = await _asking(client, peer_id, seconds, 1)
    busy = await _asking(client, peer_id, seconds, AT_ONCE)
    stream = await (await client.open_stream(peer_id, NAME)).opened()
    began = time.perf_counter()
    data = bytes(PIECE)
    while time.perf_counter() - began < seconds:
        await stream.write(data)
    await stream.finish()
    count = int.from_bytes(await stream.read_all(), "big")
    took = time.perf_counter() - began
    await stream.close()
    times.sort()

    def at(share: float) -> float:
        return times[min(len(times) - 1, int(len(times) * share))]

    return {
        "peer_id": peer_id,
        "throughput_bytes_per_second": count / took,
        "requests_per_second": len(busy) / seconds,
        "latency_seconds": {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": times[-1], "count": len(times)},
        "histogram": [
            {"below": bound, "count": sum(low <= each < bound for each in times)}
            for low, bound in zip((0.0, *BUCKETS), (*BUCKETS, float("inf")), strict=False)
        ],
    }


async def _asking(client: AsyncSidecar, peer_id: str, seconds: float, at_once: int) -> list[float]:
    """How long each request took, of so many at a time."""
    times: list[float] = []
    until = time.perf_counter() + seconds

    async def one() -> None:
        while (began := time.perf_counter()) < until:
            await client.request(peer_id, b"x" * 64, channel=NAME)
            times.append(time.perf_counter() - began)

    await asyncio.gather(*(one() for _ in range(at_once)))
    return times


def _show(figures: dict[str, Any]) -> None:
    latency = figures["latency_seconds"]
    print(f"throughput  {figures['throughput_bytes_per_second'] / 1e6:.1f} MB/s on one byte stream")
    print(f"rate        {figures['requests_per_second']:.0f} requests/s, {AT_ONCE} at a time")
    words = "  ".join(f"{name} {latency[name] * 1000:.2f} ms" for name in ("p50", "p90", "p99", "max"))
    print(f"latency     {words}  ({latency['count']} requests, one at a time)")
    most = max(bucket["count"] for bucket in figures["histogram"]) or 1
    for bucket in figures["histogram"]:
        if bucket["count"]:
            bound = f"< {bucket['below'] * 1000:g} ms" if bucket["below"] < 60 else "more"
            print(f"{bound:>12}  {bucket['count']:>8}  {'#' * max(1, round(BAR * bucket['count'] / most))}")
