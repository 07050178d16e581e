"""Rejoining for real: 199 dead nodes that drop packets in silence, a partition and its end, disks that take nothing."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from sidecar.identity import Identity
from sidecar.overlay.cache import Cache
from sidecar.overlay.cache_file import CACHE_FILE, CacheFile
from tests.lab.link import ROOT, Link
from tests.processes import Sidecars, sidecar_environment

SHAPE = "delay=20ms"
DEAD = 199
LIMIT = 2.0
"""Seconds, from serving to the first link, on an idle machine."""


def until(condition: Callable[[], bool], seconds: float = 30.0) -> float:
    """Seconds until it holds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "it did not come to pass"
        time.sleep(0.02)
    return time.monotonic() - began


class Inside:
    """A sidecar in a namespace, asked over its Unix socket."""

    def __init__(self, link: Link, namespace: str, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.socket = folder / "api"
        folder.mkdir(parents=True, exist_ok=True)
        self.process = link.start(
            namespace, "sidecar", "run", "--ready-json", "--state-dir", str(folder / "state"), "--network-id", "lab",
            "--grpc-endpoint", f"unix:{self.socket}", "--admin-endpoint", "none", *flags,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.peer_id = json.loads(self.process.stdout.readline())["peer_id"]

    def ask(self, *words: str) -> list[dict[str, object]]:
        """See `ask`."""
        return ask(f"unix:{self.socket}", *words)

    def linked(self) -> set[object]:
        """Whom it is linked to."""
        return linked(f"unix:{self.socket}")

    def end(self, *, at_once: bool = False) -> None:
        """SIGTERM, or kill -9."""
        if at_once:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.communicate(timeout=20)


def remember(directory: Path, live: Identity, address: str, dead: int) -> None:
    """A cache whose oldest entry is the live one."""
    directory.mkdir(parents=True, mode=0o700, exist_ok=True)
    cache = Cache(CacheFile(directory))
    cache.connected(live.peer_id, (address, 7400), live.certificate_der)
    for number in range(dead):
        gone = Identity.ephemeral()
        # Far-off networks of the other side, which has no such address and no way on: nothing comes back.
        cache.connected(gone.peer_id, (f"198.18.{number // 8}.{number % 8 + 1}", 7400), gone.certificate_der)
    assert len(cache) == dead + 1
    cache.close()


@pytest.mark.lab
@pytest.mark.requires("netns", "gcc")
@pytest.mark.timeout(180)
@pytest.mark.parametrize("engine", ["aioquic", "qh3"])
def test_a_sidecar_with_199_dead_of_200_rejoins_in_two_seconds(tmp_path: Path, engine: str) -> None:
    took = []
    with Link(SHAPE) as link:
        other = Inside(link, link.right, tmp_path / "other", "--engine", engine)
        live = Identity.load(tmp_path / "other" / "state")
        assert live is not None
        subprocess.run(
            ["ip", "-n", link.left, "route", "add", "default", "via", link.right_address], check=True, timeout=10
        )
        for attempt in range(3):  # of which one must do: the machine may be busy with something else
            folder = tmp_path / str(attempt)
            remember(folder / "state", live, link.right_address, DEAD)
            came, _ = link.passed()
            began = time.monotonic()
            site = Inside(link, link.left, folder, "--engine", engine)
            ready = time.monotonic() - began
            assert site.process.stdin is not None
            # Commands take a second to start, so what is asked is when it was linked, not whether it is.
            until(lambda site=site: other.peer_id in site.linked())  # type: ignore[misc]
            [peer] = [peer for peer in site.ask("peers", "ls", "--linked") if peer["peer_id"] == other.peer_id]
            [node] = site.ask("status")
            took.append(_seconds(str(peer["linked_at"])) - _seconds(str(node["started_at"])))
            print(f"{engine}: linked {took[-1]:.2f} s after its start, which took {ready:.2f} s")
            now, _ = link.passed()
            assert now.came - came.came > DEAD, "each of the dead was sent a packet"
            site.end(at_once=True)
            if took[-1] < LIMIT:
                break
        other.end()
    assert min(took) < LIMIT
    assert min(took) > 0.9, "the live one was tried last"


def _seconds(when: str) -> float:
    return datetime.fromisoformat(when).timestamp()


@pytest.mark.lab
@pytest.mark.requires("netns", "gcc")
@pytest.mark.timeout(180)
def test_two_islands_that_share_a_contact_merge_after_a_partition(tmp_path: Path) -> None:
    """Two sidecars on each side of a link, the contact of all on the right. The link is cut until the left ones have
    given the right ones up, and mended."""
    fast = ("--idle-timeout", "1s", "--resume-timeout", "1s", "--min-links", "1")
    with Link(SHAPE) as link:
        contact = f"{link.right_address}:7400"
        right = [Inside(link, link.right, tmp_path / "contact", *fast)]
        right.append(Inside(link, link.right, tmp_path / "r", *fast, "--udp-port", "7401", "--bootstrap", contact))
        left = [
            Inside(link, link.left, tmp_path / f"l{port}", *fast, "--udp-port", port, "--bootstrap", contact)
            for port in ("7400", "7401")
        ]
        for site in left:
            until(lambda site=site: right[0].peer_id in site.linked())  # type: ignore[misc]
        left[0].ask("peers", "add", f"{left[1].peer_id}@{link.left_address}:7401")

        subprocess.run(["ip", "-n", link.left, "link", "set", "eth0", "down"], check=True, timeout=10)
        for site, fellow in ((left[0], left[1]), (left[1], left[0])):
            until(lambda site=site, fellow=fellow: site.linked() == {fellow.peer_id})  # type: ignore[misc]
        assert right[1].linked() == {right[0].peer_id}

        subprocess.run(["ip", "-n", link.left, "link", "set", "eth0", "up"], check=True, timeout=10)
        for site in left:
            until(lambda site=site: right[0].peer_id in site.linked(), 60)  # type: ignore[misc]
        # What was apart talks again, also with those that are no contact.
        [ping] = left[1].ask("ping", right[1].peer_id)
        assert ping["peer_id"] == right[1].peer_id
        for site in (*left, *right):
            site.end()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "none", place], check=True, timeout=10)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True, timeout=10)


@pytest.mark.lab
@pytest.mark.requires("root")
@pytest.mark.timeout(120)
@pytest.mark.parametrize("trouble", ["full", "read-only"])
def test_a_disk_that_takes_nothing_costs_the_cache_and_never_the_start(
    sidecars: Sidecars, disk: Path, trouble: str
) -> None:
    first = sidecars.spawn("first", ephemeral=True)
    other = sidecars.spawn("other", ephemeral=True)
    site = sidecars.spawn("site", state_dir=disk)
    ask(site.endpoint, "contacts", "add", "127.1.0.1:9")
    ask(site.endpoint, "peers", "add", first.contact)
    peer_id = site.peer_id
    site.stop()
    assert (disk / CACHE_FILE).exists()
    if trouble == "full":
        fill(disk / "filler")
    else:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True, timeout=10)
    site.start()
    assert site.peer_id == peer_id
    until(lambda: "peer_linked" in site.stderr or first.peer_id in linked(site.endpoint))
    ask(site.endpoint, "peers", "add", other.contact)  # it goes on, and remembers in memory
    contacts = ask(site.endpoint, "contacts", "ls")
    assert {contact["origin"] for contact in contacts} == {"added", "cached"}
    assert other.contact in {contact["address"] for contact in contacts}
    site.stop()
    if trouble == "full":
        (disk / "filler").unlink()
    else:
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True, timeout=10)
    site.start()
    until(lambda: first.peer_id in linked(site.endpoint))


def fill(file: Path) -> None:
    """Writes until the disk takes no more."""
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as filler:
        while True:
            filler.write(b"\0" * 4096)


def ask(endpoint: str, *words: str) -> list[dict[str, object]]:
    """What a command of the command line prints as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", *words, "--json"], cwd=ROOT, capture_output=True, text=True, timeout=30,
        check=True, env=sidecar_environment({"SIDECAR_ENDPOINT": endpoint}),
    )  # fmt: skip
    return [json.loads(line) for line in done.stdout.splitlines()]


def linked(endpoint: str) -> set[object]:
    """Whom a sidecar is linked to."""
    return {peer["peer_id"] for peer in ask(endpoint, "peers", "ls", "--linked")}
