"""The bootstrap cache: what goes in, in which order, what gives way, and what is left of it after any misfortune."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sidecar.addresses import HostPort, subnet_of
from sidecar.identity import Identity
from sidecar.overlay import cache_file
from sidecar.overlay.cache import CERTIFICATE_MAX, ENDPOINTS_MAX, NODES_MAX, SUBNET_MAX, Cache
from sidecar.overlay.cache_file import CACHE_FILE, DAMAGED, CachedNode, CacheFile
from tests.overlay.nodes import endpoint, identity, meet, order
from tests.processes import sidecar_environment


def cache_in(directory: Path) -> Cache:
    return Cache(CacheFile(directory))


# order and eviction


def test_cache_the_201st_evicts_the_oldest(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    removed = []
    cache.removed = lambda peer_id, address: removed.append((peer_id, address))
    for number in range(NODES_MAX):
        meet(cache, number)
    assert not removed
    meet(cache, NODES_MAX)
    assert removed == [(identity(0).peer_id, endpoint(0))]
    assert order(cache, range(NODES_MAX + 1)) == list(range(NODES_MAX, 0, -1))
    cache.close()
    cache = cache_in(tmp_path)
    assert order(cache, range(NODES_MAX + 1)) == list(range(NODES_MAX, 0, -1))
    cache.close()


def test_cache_a_refreshed_entry_moves_to_newest(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    added = []
    cache.added = lambda peer_id, address: added.append(peer_id)
    for number in range(5):
        meet(cache, number)
    meet(cache, 1)
    cache.refresh([identity(3).peer_id, identity(0).peer_id, identity(9).peer_id])
    assert order(cache, range(5)) == [0, 3, 1, 4, 2]
    assert added == [identity(number).peer_id for number in range(5)]
    cache.close()
    cache = cache_in(tmp_path)
    assert order(cache, range(5)) == [0, 3, 1, 4, 2]
    cache.refresh([identity(number).peer_id for number in range(5)])
    assert order(cache, range(5)) == [4, 3, 2, 1, 0]
    cache.close()


def test_the_order_does_not_hang_on_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = cache_in(tmp_path)
    meet(cache, 0)
    monkeypatch.setattr(time, "time", lambda: 1.0)
    meet(cache, 1)
    cache.close()
    cache = cache_in(tmp_path)
    assert order(cache, range(2)) == [1, 0]
    assert cache.newest_first()[0].connected_at == 1.0
    cache.close()


def test_endpoints_the_newest_first_and_bounded(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    addresses: list[HostPort] = [("10.0.0.1", 7400 + number) for number in range(ENDPOINTS_MAX + 1)]
    for address in addresses:
        peer_id = meet(cache, 0, address)
    meet(cache, 0, addresses[2])
    meet(cache, 0, ("fd00::1", 7400))
    cache.close()
    cache = cache_in(tmp_path)
    node = cache.get(peer_id)
    assert node is not None
    assert node.endpoints == (("fd00::1", 7400), addresses[2], addresses[4], addresses[3])
    assert node.certificate == identity(0).certificate_der
    assert cache.at(addresses[4]) == [peer_id]
    cache.close()


def test_what_could_not_be_used_after_a_restart_is_not_kept() -> None:
    cache = Cache(None)
    meet(cache, 0, ("fe80::1%eth0", 7400))
    cache.connected(identity(1).peer_id, endpoint(1), b"\0" * (CERTIFICATE_MAX + 1))
    assert len(cache) == 0
    meet(cache, 2, ("::ffff:10.0.0.2", 7400))
    assert cache.newest_first()[0].endpoints == (("10.0.0.2", 7400),)


@pytest.mark.parametrize(
    ("crowded", "elsewhere"),
    [
        ("203.0.113.{0}", "203.0.114.1"),
        ("2001:db8:7:{0:x}::1", "2001:db8:8::1"),
        ("64:ff9b::203.0.113.{0}", "64:ff9b::203.0.114.1"),
    ],
)
def test_a_subnet_has_a_bounded_share(tmp_path: Path, crowded: str, elsewhere: str) -> None:
    """The 17th of one /24 or /48 takes the place of the oldest of that subnet, whoever else is older."""
    cache = cache_in(tmp_path)
    meet(cache, 100, (elsewhere, 7400))
    for number in range(SUBNET_MAX + 2):
        meet(cache, number, (crowded.format(number + 1), 7400))
    assert order(cache, range(101)) == [*range(SUBNET_MAX + 1, 1, -1), 100]
    meet(cache, 3, (elsewhere, 1))  # one node with endpoints in both counts in both
    meet(cache, 101, (crowded.format(200), 7400))
    assert order(cache, range(102)) == [101, 3, *range(SUBNET_MAX + 1, 3, -1), 100]
    cache.close()


def test_which_addresses_share_a_subnet() -> None:
    assert subnet_of("203.0.113.9") == "203.0.113.0/24"
    assert subnet_of("::ffff:203.0.113.9") == "203.0.113.0/24"
    assert subnet_of("2002:cb00:7109::1") == "203.0.113.0/24"
    assert subnet_of("2001:db8:1:2::3") == "2001:db8:1::/48"
    for private in ("10.0.0.1", "127.0.0.1", "192.168.1.1", "fd00::1", "fe80::1", "::1"):
        assert subnet_of(private) is None


def test_a_private_network_has_no_share() -> None:
    cache = Cache(None)
    for number in range(2 * SUBNET_MAX):
        meet(cache, number, ("192.168.0.1", 7400 + number))
    assert len(cache) == 2 * SUBNET_MAX


def test_forgetting(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    meet(cache, 0, ("10.0.0.1", 1))
    peer_id = meet(cache, 0, ("10.0.0.1", 2))
    assert not cache.forget(peer_id, ("10.0.0.1", 3))
    assert cache.forget(peer_id, ("10.0.0.1", 2))
    assert cache.newest_first()[0].endpoints == (("10.0.0.1", 1),)
    assert cache.forget(peer_id, ("10.0.0.1", 1))
    assert not cache.forget(peer_id)
    cache.close()
    cache = cache_in(tmp_path)
    assert len(cache) == 0
    cache.close()


# misfortunes


def filled(directory: Path, count: int = 40) -> dict[str, CachedNode]:
    cache = cache_in(directory)
    for number in range(count):
        meet(cache, number)
    nodes = {node.peer_id: node for node in cache.newest_first()}
    cache.close()
    return nodes


def reopened(directory: Path, truth: dict[str, CachedNode]) -> Cache:
    """The cache as a restart finds it: it opens, holds nothing that was not written, and takes something new."""
    cache = cache_in(directory)
    for node in cache.newest_first():
        assert truth[node.peer_id] == node
    found = len(cache)
    meet(cache, 1000)
    cache.close()
    again = cache_in(directory)
    assert again.get(identity(1000).peer_id) is not None
    assert len(again) == found + 1
    again.close()
    return cache


def test_a_truncated_file_costs_the_cache_and_never_the_start(tmp_path: Path) -> None:
    truth = filled(tmp_path)
    whole = (tmp_path / CACHE_FILE).read_bytes()
    lost = 0
    for length in (0, 1, 15, 16, 99, 100, 512, 4095, 4096, 4097, 8192, 10_000, len(whole) // 2, len(whole) - 1):
        for name in os.listdir(tmp_path):  # noqa: PTH208
            (tmp_path / name).unlink()
        (tmp_path / CACHE_FILE).write_bytes(whole[:length])
        cache = reopened(tmp_path, truth)
        lost += cache.faults
        aside = tmp_path / f"{CACHE_FILE}{DAMAGED}"
        # A file of a few bytes is an empty one to SQLite; cut near its end it may be sound but for an entry.
        assert aside.exists() or not 16 <= length < len(whole) - 4096
        assert not aside.exists() or aside.read_bytes() == whole[:length]
    assert lost >= 10


def test_flipped_bits_cost_what_they_hit(tmp_path: Path) -> None:
    """One bit in each stretch of the file: what is read afterwards is what was written, or nothing."""
    truth = filled(tmp_path)
    whole = (tmp_path / CACHE_FILE).read_bytes()
    chance = random.Random(4)
    noticed = 0
    for start in [*range(0, 100, 4), *range(100, len(whole), 400)]:
        for name in os.listdir(tmp_path):  # noqa: PTH208
            (tmp_path / name).unlink()
        damaged = bytearray(whole)
        damaged[min(start + chance.randrange(4), len(whole) - 1)] ^= 1 << chance.randrange(8)
        (tmp_path / CACHE_FILE).write_bytes(damaged)
        noticed += reopened(tmp_path, truth).faults
    assert noticed > 20


@pytest.mark.parametrize("content", [b"", b"this is no database" * 999, os.urandom(70_000), b"SQLite format 3\0"])
def test_a_file_that_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CACHE_FILE).write_bytes(content)
    cache = reopened(tmp_path, {})
    assert bool(cache.faults) == bool(content)


def test_a_file_too_large_to_be_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_file, "FILE_MAX", 1 << 20)
    with (tmp_path / CACHE_FILE).open("wb") as file:
        file.truncate(2 << 20)
    assert reopened(tmp_path, {}).faults == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE nodes SET endpoints = '10.9.9.9:1' WHERE rowid = 7",
        "UPDATE nodes SET certificate = (SELECT certificate FROM nodes WHERE rowid = 8) WHERE rowid = 7",
        "UPDATE nodes SET position = 1000 WHERE rowid = 7",
        "UPDATE nodes SET peer_id = 'nobody' WHERE rowid = 7",
    ],
)
def test_an_entry_that_was_altered_is_left_out(tmp_path: Path, change: str) -> None:
    truth = filled(tmp_path)
    with sqlite3.connect(tmp_path / CACHE_FILE) as database:
        database.execute(change)
    database.close()
    cache = cache_in(tmp_path)
    assert len(cache) == len(truth) - 1
    assert cache.faults == 1
    assert not (tmp_path / f"{CACHE_FILE}{DAMAGED}").exists()
    cache.close()


def test_an_entry_whose_certificate_is_anothers_is_left_out(tmp_path: Path) -> None:
    """Also with the right digest: the certificate is what the peer id follows from."""
    file = CacheFile(tmp_path)
    file.read()
    node = CachedNode(identity(0).peer_id, 1, 1.0, (endpoint(0),), Identity.ephemeral().certificate_der)
    file.write([node], [], [node])
    file.close()
    assert CacheFile(tmp_path).read() == []


def test_damage_while_it_runs_costs_nothing(tmp_path: Path) -> None:
    """What is in memory is written into a new file."""
    cache = cache_in(tmp_path)
    for number in range(50):
        meet(cache, number)
    assert cache._file is not None
    database = cache._file._database
    assert database is not None
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with (tmp_path / CACHE_FILE).open("r+b") as file:
        for page in range(12):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    database.execute("PRAGMA shrink_memory")
    meet(cache, 50)
    cache.close()
    assert cache.faults
    cache = cache_in(tmp_path)
    assert order(cache, range(51)) == list(range(50, -1, -1))
    cache.close()


def test_a_file_that_another_program_holds_is_written_later(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    meet(cache, 0)
    holder = sqlite3.connect(tmp_path / CACHE_FILE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    meet(cache, 1)
    meet(cache, 2)
    assert cache.faults == 2
    holder.execute("ROLLBACK")
    holder.close()
    meet(cache, 3)
    cache.close()
    cache = cache_in(tmp_path)
    assert order(cache, range(4)) == [3, 2, 1, 0]
    cache.close()


def test_a_directory_where_the_file_should_be(tmp_path: Path) -> None:
    (tmp_path / CACHE_FILE).mkdir()
    cache = cache_in(tmp_path)
    meet(cache, 0)
    assert order(cache, range(1)) == [0]
    assert cache.faults == 2
    cache.close()


# kill -9


class Writer:
    """A process that writes a cache all the while: `begin` makes it fork a child that does, `kill` ends the child."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.overlay.cache_writer", str(directory)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=sidecar_environment(),
        )  # fmt: skip
        self.committed = -1

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def round(self, seconds: float) -> None:
        """A child writes for so long after its first commit, and is killed."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{self.committed + 1}\n")
        self.process.stdin.flush()
        word, pid = self.line().split()
        assert word == "child"
        self.committed = int(self.line())
        time.sleep(seconds)  # the length of what is interrupted, not a wait for anything
        os.kill(int(pid), signal.SIGKILL)
        while (line := self.line()) != "gone\n":
            self.committed = int(line)

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()


def killed(directory: Path, times: int, longest: float) -> int:
    """Kills the writer so often; after each time everything it had committed is there, in order. What was written."""
    chance = random.Random(9)
    writer = Writer(directory)
    try:
        for _ in range(times):
            writer.round(chance.uniform(0, longest))
            cache = cache_in(directory)
            assert cache.faults == 0
            ports = [node.endpoints[0][1] for node in cache.newest_first()]
            newest = ports[0] - 1
            # The one beyond was being written: it is there whole, or not at all.
            assert newest in (writer.committed, writer.committed + 1)
            assert ports == list(range(newest + 1, max(0, newest + 1 - NODES_MAX), -1))
            cache.close()
            writer.committed = newest
    finally:
        writer.close()
    return writer.committed


def test_cache_entries_survive_a_crash(tmp_path: Path) -> None:
    assert killed(tmp_path, 5, 0.05) >= 5


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_cache_entries_survive_two_hundred_kills(tmp_path: Path) -> None:
    assert killed(tmp_path, 200, 0.1) > 2 * NODES_MAX
