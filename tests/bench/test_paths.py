"""Congestion control by path: virtual time gives the same figures each time, and the figures are what they say. What
was chosen by them is held here too."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path as File

import pytest

from bench.courier import Courier, accepting
from bench.paths import MIB, PATHS, SETTLED, SHARED, Variant, main, measure, of, shares, trickle
from bench.virtual import Network, Path, Stuck
from sidecar.transport.engine import load

LAN, CITY, FAR, SHALLOW = PATHS
KIB = 1 << 10


def test_the_same_seed_gives_the_same_figures() -> None:
    path = Path("lossy", delay=0.02, rate=2.5e6, queue=0.05, loss=0.02)
    first, second = (measure(path, of("qh3"), 256 * KIB, seeds=1) for _ in range(2))
    assert first == second
    assert first.dropped > 0
    assert first.sent_again >= first.dropped


@pytest.mark.parametrize("engine", ["aioquic", "qh3"])
def test_figures_are_bounded_by_the_path(engine: str) -> None:
    figures = measure(CITY, of(engine), 512 * KIB, seeds=1)
    assert (figures.variant, figures.path) == (engine, "city")
    round_trip = 2 * CITY.delay * 1e3
    assert round_trip + 64 * KIB / CITY.rate * 1e3 < figures.first_64_kib < figures.first_1_mib
    assert 0 < figures.bulk_mbit_s < CITY.rate * 8 / 1e6
    assert round_trip < figures.beside_p50 <= figures.beside_p99 < round_trip + CITY.queue * 1e3 + 20


def test_two_flows_share() -> None:
    taken = shares((of("qh3"), of("qh3")), start=3.0, end=5.0)
    assert 0.05 < taken.share < 0.95
    assert 0.5 < taken.used <= 1


def test_the_command_prints_a_table_and_writes_json(tmp_path: File, capsys: pytest.CaptureFixture[str]) -> None:
    where = tmp_path / "paths.json"
    main(["--path", "lan", "--only", "qh3, initial 10", "--bulk", "1", "--json", str(where)])
    printed = capsys.readouterr().out
    assert "**lan**" in printed
    assert "| qh3, initial 10 |" in printed
    (row,) = json.loads(where.read_text())["paths"]
    assert row["variant"] == "qh3, initial 10"
    assert f"{row['bulk_mbit_s']:.1f}" in printed
    assert SHARED.name not in printed


def after_a_trickle(variant: Variant) -> int:
    """Datagrams dropped of a large message that follows small ones."""
    network = Network(SHALLOW)

    async def dropped() -> int:
        engine, settings = load(variant.engine), variant.settings()
        far = network.host(engine, settings, accepting([]), dials=False)
        near = network.host(engine, settings, accepting([]), dials=True)
        courier = await Courier.dial(near, far.addresses[0])
        await trickle(courier)
        await courier.deliver(MIB)
        near.close()
        far.close()
        return network.there.passed.overflowed

    with network.loop() as loop:
        return loop.run_until_complete(dropped())


def test_pacing_spares_a_short_queue() -> None:
    """While the app is the limit qh3's window grows and says nothing; what it lets out at once has no room there."""
    assert after_a_trickle(of("qh3", pacing=False)) > 100
    assert after_a_trickle(of("qh3")) < 10


def test_the_first_message_on_a_short_path_does_not_wait_for_acknowledgements() -> None:
    network = Network(LAN)

    async def took() -> float:
        engine, settings = load("qh3"), of("qh3").settings()
        far = network.host(engine, settings, accepting([]), dials=False)
        near = network.host(engine, settings, accepting([]), dials=True)
        courier = await Courier.dial(near, far.addresses[0])
        await asyncio.sleep(SETTLED)
        seconds = await courier.deliver(64 * KIB)
        near.close()
        far.close()
        return seconds

    with network.loop() as loop:
        assert loop.run_until_complete(took()) < 0.002


def test_what_never_comes_is_told() -> None:
    with Network(LAN).loop() as loop, pytest.raises(Stuck):
        loop.run_until_complete(asyncio.Event().wait())
