"""Congestion control, initial windows and pacing, by path: `python -m bench.paths [--path NAME] [--only WORD]`.

Two real endpoints in virtual time (`bench.virtual`), with the datagrams a sidecar has on Ethernet. What is varied are
settings of the engines, which no setting of a sidecar's changes. Of each variant and path it tells

    64 KiB, 1 MiB    ms from the first write on a connection that has carried nothing yet to the other side's word that
                     the message is whole, a round trip included
    bulk             Mbit/s of one large message
    dropped          of its datagrams, by the path's queue and by chance
    sent again       packets that the sender took for lost
    beside it p50, p99
                     ms from a message of 256 bytes, one every 50 ms, to the word that it is there, while the bulk is
                     under way; the path alone takes a round trip
    after quiet      ms for 1 MiB three seconds later, and datagrams that were dropped of it
    after a trickle  the same after two seconds of messages of 4 KiB, 10 ms apart

and of two flows that share a path the share of the second, which begins two seconds after the first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path as File
from typing import Any

from bench.courier import Courier, accepting
from bench.virtual import Network, Path
from sidecar.identity import Identity
from sidecar.transport.engine import load
from sidecar.transport.engine.base import EngineSettings

MIB = 1 << 20
ETHERNET = 1452
SMALL, SMALL_EVERY = 256, 0.05
QUIET = 3.0
TRICKLE, TRICKLED, TRICKLE_EVERY = 4096, 200, 0.01
TRICKLE_AT_ONCE = 40
"""Peers allow a hundred streams."""
BULK_MIB = 32

PATHS = (
    Path("lan", delay=0.0001, rate=125e6, queue=0.005),
    Path("city", delay=0.01, rate=12.5e6, queue=0.05),
    Path("far", delay=0.05, rate=2.5e6, queue=0.1, loss=0.01),
    Path("shallow", delay=0.1, rate=6.25e6, queue=0.01),
)
"""1 Gbit/s and 0.2 ms; 100 Mbit/s and 20 ms; 20 Mbit/s, 100 ms and 1 % lost; 50 Mbit/s and 200 ms with a queue of 10
ms, a twentieth of what is on its way. Round trips, as `ping` would show them."""
SHARED = Path("shared", delay=0.01, rate=1.25e6, queue=0.1)
"""10 Mbit/s and 20 ms, for two."""
SHARED_FROM, SHARED_TO = 10.0, 30.0
"""Seconds of the first flow between which shares are taken."""
LOSSY_SEEDS = 3
SETTLED = 1.0
"""Seconds that a new connection is left alone."""

Dial = Callable[[], Awaitable[Courier]]
"""Makes a new connection that has carried nothing."""


@lru_cache(maxsize=1)
def _identity() -> Identity:
    """One for all: certificates differ by a byte now and then, and runs shall not."""
    return Identity.ephemeral()


@dataclass(frozen=True)
class Variant:
    """An engine and what is changed of its settings."""

    engine: str
    changes: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        words = [self.engine]
        for name, value in self.changes:
            if name == "initial_datagrams":
                words.append(f"initial {value}")
            elif name == "pacing":
                words.append("paced" if value else "unpaced")
            else:
                words.append(str(value))
        return ", ".join(words)

    def settings(self) -> EngineSettings:
        """Everything else as a sidecar has it."""
        own = _identity()
        made = EngineSettings(
            alpn="bench/1", certificate_chain=(own.certificate_der,), private_key_pem=own.private_key_pem,
            max_datagram=ETHERNET,
        )  # fmt: skip
        return replace(made, **dict(self.changes))


def of(engine: str, **changes: Any) -> Variant:
    """A variant."""
    return Variant(engine, tuple(changes.items()))


INITIAL = (10, 32, 64, 128)
VARIANTS = (
    *(of("qh3", initial_datagrams=count) for count in INITIAL),
    of("qh3", pacing=False),
    *(of("aioquic", congestion_control="reno", initial_datagrams=count) for count in INITIAL),
    of("aioquic", congestion_control="cubic"),
    of("aioquic", congestion_control="reno", pacing=False),
)
_RENO, _CUBIC, _QH3 = of("aioquic", congestion_control="reno"), of("aioquic", congestion_control="cubic"), of("qh3")
PAIRS = (
    (_QH3, _QH3), (_RENO, _RENO), (_CUBIC, _CUBIC), (_QH3, _RENO), (_RENO, _QH3), (_QH3, _CUBIC), (_CUBIC, _QH3),
)  # fmt: skip
"""The first flow's variant, and that of the one which comes later."""


@dataclass
class Figures:
    """What one variant did on one path; times in ms."""

    variant: str
    path: str
    first_64_kib: float
    first_1_mib: float
    bulk_mbit_s: float
    dropped: float
    sent_again: float
    beside_p50: float
    beside_p99: float
    quiet_1_mib: float
    quiet_dropped: float
    trickle_1_mib: float
    trickle_dropped: float


@dataclass
class Shares:
    """What two flows made of a path they share."""

    first: str
    second: str
    share: float
    """Of the second, of the bytes that arrived."""
    used: float
    """Of the rate by both."""
    dropped: int


async def first(dial: Dial, size: int) -> float:
    """Seconds that the first message of a connection takes."""
    courier = await dial()
    took = await courier.deliver(size)
    courier.pump.close(0, "")
    return took


async def beside(courier: Courier, bulk: asyncio.Task[float]) -> list[float]:
    """Seconds that small messages take until the bulk is there."""
    took = []
    while not bulk.done():
        took.append(await courier.deliver(SMALL, urgent=True))
        await asyncio.sleep(SMALL_EVERY)
    return took


async def deliveries(dial: Dial, size: int, dropped: Callable[[], int]) -> dict[str, float]:
    """First messages, a large one with small ones beside it, and one after a quiet stretch; `dropped` tells how many
    datagrams the path has dropped so far."""
    taken = {"first_64_kib": await first(dial, 64 << 10) * 1e3, "first_1_mib": await first(dial, MIB) * 1e3}
    courier = await dial()
    path, sender = dropped(), courier.pump.statistics().packets_lost
    bulk = asyncio.create_task(courier.deliver(size))
    small = await beside(courier, bulk)
    taken |= {
        "bulk_mbit_s": size * 8 / bulk.result() / 1e6,
        "dropped": dropped() - path,
        "sent_again": courier.pump.statistics().packets_lost - sender,
        "beside_p50": statistics.median(small) * 1e3,
        "beside_p99": sorted(small)[int(0.99 * len(small))] * 1e3,
    }
    await asyncio.sleep(QUIET)
    path = dropped()
    taken |= {"quiet_1_mib": await courier.deliver(MIB) * 1e3, "quiet_dropped": dropped() - path}
    await trickle(courier)
    path = dropped()
    taken |= {"trickle_1_mib": await courier.deliver(MIB) * 1e3, "trickle_dropped": dropped() - path}
    courier.pump.close(0, "")
    return taken


async def trickle(courier: Courier) -> None:
    """Two seconds of messages, so that acknowledgements come while the app is the limit; longer where the path does not
    carry so much."""
    room = asyncio.Semaphore(TRICKLE_AT_ONCE)

    async def one() -> None:
        await courier.deliver(TRICKLE)
        room.release()

    async with asyncio.TaskGroup() as group:
        for _ in range(TRICKLED):
            await room.acquire()
            group.create_task(one())
            await asyncio.sleep(TRICKLE_EVERY)


async def virtually(network: Network, variant: Variant, size: int) -> dict[str, float]:
    """All of it between two endpoints on a network in virtual time."""
    engine, settings = load(variant.engine), variant.settings()
    far = network.host(engine, settings, accepting([]), dials=False)
    near = network.host(engine, settings, accepting([]), dials=True)

    async def dial() -> Courier:
        network.calm = True
        courier = await Courier.dial(near, far.addresses[0])
        await asyncio.sleep(SETTLED)
        network.calm = False
        return courier

    passed = network.there.passed
    taken = await deliveries(dial, size, lambda: passed.lost + passed.overflowed)
    near.close()
    far.close()
    return taken


def sample(path: Path, variant: Variant, size: int, seed: int) -> dict[str, float]:
    """One of everything."""
    network = Network(path, seed)
    with network.loop() as loop:
        return loop.run_until_complete(virtually(network, variant, size))


def measure(path: Path, variant: Variant, size: int, seeds: int) -> Figures:
    """Medians over so many seeds, which share the bulk, where the path loses by chance; else every run is the same."""
    count = seeds if path.loss else 1
    samples = [sample(path, variant, size // count, seed) for seed in range(count)]
    medians = {name: statistics.median(one[name] for one in samples) for name in samples[0]}
    return Figures(str(variant), path.name, **medians)


async def _keep_full(courier: Courier, after: float) -> None:
    """Sends without an end from then on."""
    await asyncio.sleep(after)

    async def one() -> None:
        while True:
            await courier.deliver(MIB)

    async with asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(one())


async def share(network: Network, pair: tuple[Variant, Variant], start: float, end: float) -> Shares:
    """Two flows from hosts of their own to two others, through the same queue."""
    accepted: list[list[Courier]] = [[], []]
    endpoints, flows = [], []
    for number, variant in enumerate(pair):
        engine, settings = load(variant.engine), variant.settings()
        far = network.host(engine, settings, accepting(accepted[number]), dials=False)
        near = network.host(engine, settings, accepting([]), dials=True)
        endpoints += [far, near]
        courier = await Courier.dial(near, far.addresses[0])
        flows.append(asyncio.create_task(_keep_full(courier, 2.0 * number)))
    await asyncio.sleep(start)
    before = [couriers[0].arrived for couriers in accepted]
    await asyncio.sleep(end - start)
    came = [couriers[0].arrived - earlier for couriers, earlier in zip(accepted, before, strict=True)]
    for flow in flows:
        flow.cancel()
    await asyncio.gather(*flows, return_exceptions=True)
    for endpoint in endpoints:
        endpoint.close()
    used = sum(came) / (end - start) / network.path.rate
    return Shares(str(pair[0]), str(pair[1]), came[1] / sum(came), used, network.there.passed.overflowed)


def shares(pair: tuple[Variant, Variant], start: float = SHARED_FROM, end: float = SHARED_TO) -> Shares:
    """How a pair shares."""
    network = Network(SHARED)
    with network.loop() as loop:
        return loop.run_until_complete(share(network, pair, start, end))


# -- what is printed

TITLES = (
    "variant", "64 KiB, ms", "1 MiB, ms", "bulk, Mbit/s", "dropped", "sent again", "beside it p50, ms", "p99",
    "1 MiB after quiet, ms", "dropped", "after a trickle, ms", "dropped",
)  # fmt: skip


def table(figures: Sequence[Figures]) -> list[str]:
    """Markdown, of one path."""
    rows = [
        (
            row.variant, f"{row.first_64_kib:.1f}", f"{row.first_1_mib:.1f}", f"{row.bulk_mbit_s:.1f}",
            f"{row.dropped:.0f}", f"{row.sent_again:.0f}", f"{row.beside_p50:.1f}", f"{row.beside_p99:.1f}",
            f"{row.quiet_1_mib:.1f}", f"{row.quiet_dropped:.0f}", f"{row.trickle_1_mib:.1f}",
            f"{row.trickle_dropped:.0f}",
        )
        for row in figures
    ]  # fmt: skip
    return _markdown(TITLES, rows)


def shares_table(taken: Sequence[Shares]) -> list[str]:
    """Markdown."""
    titles = ("first flow", "second flow", "share of the second", "of the rate used", "dropped")
    return _markdown(
        titles, [(row.first, row.second, f"{row.share:.0%}", f"{row.used:.0%}", str(row.dropped)) for row in taken]
    )


def _markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (titles, ["---"] * len(titles), *rows)]


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(
        prog="python -m bench.paths", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [path.name for path in PATHS] + [SHARED.name]
    options.add_argument("--path", action="append", choices=names, help="only this one (may be repeated)")
    options.add_argument("--only", default="", help="only variants with this in their name")
    options.add_argument("--bulk", type=int, default=BULK_MIB, help=f"MiB (default {BULK_MIB})")
    options.add_argument("--seeds", type=int, default=LOSSY_SEEDS,
                         help=f"samples where the path loses by chance (default {LOSSY_SEEDS})")  # fmt: skip
    options.add_argument("--json", type=File, help="where to put the figures as well")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    options = parser().parse_args(arguments)
    wanted = options.path or [*(path.name for path in PATHS), SHARED.name]
    told: dict[str, list[dict[str, Any]]] = {"paths": [], "shares": []}
    for path in PATHS:
        if path.name in wanted:
            figures = [
                measure(path, variant, options.bulk * MIB, options.seeds)
                for variant in VARIANTS
                if options.only in str(variant)
            ]
            told["paths"] += map(asdict, figures)
            print("\n".join(["", f"**{path.name}**", "", *table(figures)]), flush=True)
    if SHARED.name in wanted:
        taken = [shares(pair) for pair in PAIRS if any(options.only in str(variant) for variant in pair)]
        told["shares"] += map(asdict, taken)
        print("\n".join(["", f"**{SHARED.name}**", "", *shares_table(taken)]))
    if options.json:
        options.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main(sys.argv[1:])
