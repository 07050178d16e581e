"""Surroundings: what a machine's network and its sleep look like from here."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sidecar.transport import surroundings
from sidecar.transport.surroundings import Sleep, Surroundings
from tests.processes import Sidecars


def test_sleep_is_told_from_two_clocks() -> None:
    """One that stops while the machine sleeps, and one that does not."""
    sleep = Sleep(100.0, 5000.0)
    assert sleep.seconds(101.0, 5001.0) == 0.0
    assert sleep.seconds(102.3, 5002.3) == 0.0
    assert sleep.seconds(103.3, 5603.3) == pytest.approx(600.0)
    assert sleep.seconds(104.3, 5604.3) == 0.0


def test_a_process_that_was_stopped_is_told_by_its_timer() -> None:
    sleep = Sleep(0.0, 0.0)
    assert sleep.seconds(4.0, 4.0) == 0.0, "a busy loop is no sleep"
    assert sleep.seconds(64.0, 64.0) == pytest.approx(59.0)


async def test_a_loop_that_stood_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "TICK", 0.02)
    monkeypatch.setattr(surroundings, "STOPPED", 0.2)
    told: asyncio.Queue[str] = asyncio.Queue()
    watching = Surroundings(told.put_nowait)
    try:
        await asyncio.sleep(0.05)
        time.sleep(0.5)  # noqa: ASYNC251  the loop stands still: that is what is tested
        assert re.search(r"nothing ran here for \d", await told.get())
    finally:
        watching.close()


async def test_other_addresses_where_there_is_no_netlink(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surroundings, "TICK", 0.02)
    monkeypatch.setattr(surroundings, "_netlink", lambda: None)
    looked = asyncio.Event()
    looks = 0

    def as_before() -> list[str]:
        nonlocal looks
        looks += 1
        if looks == 4:
            looked.set()
        return ["192.0.2.1", ""]

    monkeypatch.setattr(surroundings, "sources", as_before)
    told: asyncio.Queue[str] = asyncio.Queue()
    watching = Surroundings(told.put_nowait)
    try:
        await looked.wait()
        assert told.empty()
        monkeypatch.setattr(surroundings, "sources", lambda: ["198.51.100.1", ""])
        assert "addresses" in await told.get()
    finally:
        watching.close()


SCRIPT = """
import asyncio, subprocess
from sidecar.transport.surroundings import Surroundings

async def main():
    told = asyncio.Queue()
    Surroundings(told.put_nowait)
    for command in (
        "link set lo up",
        "addr add 198.51.100.7/24 dev lo",
        "route add 203.0.113.0/24 via 198.51.100.1 dev lo",
    ):
        subprocess.run(["ip", *command.split()], check=True)
        print(await told.get(), flush=True)

asyncio.run(main())
"""


@pytest.mark.requires("netns")
def test_addresses_and_routes_are_told_at_once(tmp_path: Path) -> None:
    script = tmp_path / "watch.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        ["unshare", "--net", sys.executable, str(script)], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.splitlines() == ["this machine's addresses or routes have changed"] * 3


@pytest.mark.slow
def test_a_sidecar_that_is_resumed_tries_again_at_once(sidecars: Sidecars) -> None:
    sidecar = sidecars.spawn(bootstrap=["127.1.0.1:9"])
    os.kill(sidecar.pid, signal.SIGSTOP)
    time.sleep(surroundings.STOPPED + 2.5)  # how long it is stopped, not a wait for anything
    os.kill(sidecar.pid, signal.SIGCONT)
    until = time.monotonic() + 10
    while "trying again at once" not in sidecar.stderr:
        assert time.monotonic() < until, "it did not notice"
        time.sleep(0.05)
