"""The journal: what is written is there, what is damaged is found, and what does not fit is said."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from sidecar.errors import Reason, SidecarError
from sidecar.gen.overlay.wire.v1.wire_pb2 import OUTCOME_PROCESSED
from sidecar.mail.journal import Journal, SteadyClock, incoming, outgoing
from sidecar.mail.journal.database import FILE
from sidecar.mail.journal.journal import SLACK_PAGES
from tests.wire.side import entry

MIB = 1 << 20
Result = TypeVar("Result")


async def do(journal: Journal, run: Callable[[sqlite3.Connection], Result]) -> Result:
    """Has it done, and gives what it gave."""
    answered: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
    journal.submit(run, answered.set_result, answered.set_exception)
    return await answered


def row(number: int, payload: bytes = b"x", peer: str = "peer", expires: float = 0.0) -> outgoing.Outgoing:
    return outgoing.Outgoing(number, 1, peer, "c", 1, 1, 100.0, expires, entry(payload))


def arrival(number: int, *payloads: bytes, ids: tuple[str, ...] = ()) -> incoming.Incoming:
    from tests.overlay.network import entry as named

    names = ids or ("",) * len(payloads)
    data = b"".join(named(payload, name) for payload, name in zip(payloads, names, strict=True))
    return incoming.Incoming("peer", number, len(payloads), "c", 1, 1, False, 7, 0, 100.0, 0.0, data)


async def page(journal: Journal) -> list[int]:
    found, _, complete = await do(journal, lambda database: outgoing.page(database, "peer", "c", 1, 0, MIB))
    assert complete
    return [one.number for one in found]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path, 64 * MIB)
    yield opened
    opened.close()


async def test_rows_come_back_in_order_by_pages(journal: Journal) -> None:
    await do(journal, lambda database: outgoing.add(database, [row(n, bytes(1000)) for n in range(1, 11)]))
    found, _, complete = await do(journal, lambda database: outgoing.page(database, "peer", "c", 1, 0, 2500))
    assert ([one.number for one in found], complete) == ([1, 2, 3], False)
    found, _, complete = await do(journal, lambda database: outgoing.page(database, "peer", "c", 1, 3, MIB))
    assert ([one.number for one in found], complete) == (list(range(4, 11)), True)


async def test_each_commit_is_on_the_disk(journal: Journal) -> None:
    """As far as SQLite can say: the log is written ahead, and synchronised with each commit."""

    def told(database: sqlite3.Connection) -> tuple[str, int]:
        (mode,) = database.execute("PRAGMA journal_mode").fetchone()
        (synchronous,) = database.execute("PRAGMA synchronous").fetchone()
        return mode, synchronous

    assert await do(journal, told) == ("wal", 2)


async def test_works_of_one_moment_are_one_commit(journal: Journal) -> None:
    await asyncio.gather(*(do(journal, lambda database, n=n: outgoing.add(database, [row(n)])) for n in range(1, 501)))  # type: ignore[misc]
    assert journal.works == 500
    assert journal.commits < 50
    assert await page(journal) == list(range(1, 501))


async def test_a_work_that_fails_fails_alone(journal: Journal) -> None:
    results = await asyncio.gather(
        do(journal, lambda database: outgoing.add(database, [row(1)])),
        do(journal, lambda database: outgoing.add(database, [row(1)])),
        do(journal, lambda database: outgoing.add(database, [row(2)])),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), SidecarError, type(None)]
    assert await page(journal) == [1, 2]


async def test_a_bug_costs_its_own_work(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    """What SQLite's module says of a number that no column can have is no error of SQLite's."""
    results = await asyncio.gather(
        do(journal, lambda database: outgoing.add(database, [row(1)])),
        do(journal, lambda database: outgoing.page(database, "peer", "c", 1, 1 << 63, MIB)),
        do(journal, lambda database: outgoing.add(database, [row(2)])),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [type(None), SidecarError, type(None)]
    assert [record.getMessage() for record in caplog.records] == ["a work of the journal failed by a bug"]
    assert await page(journal) == [1, 2]


async def test_a_bug_in_what_follows_costs_no_other(journal: Journal, caplog: pytest.LogCaptureFixture) -> None:
    def stumble(_: None) -> None:
        raise RuntimeError("over a stone")

    journal.submit(lambda database: outgoing.add(database, [row(1)]), stumble)
    await do(journal, lambda database: outgoing.add(database, [row(2)]))
    assert [record.getMessage() for record in caplog.records] == [
        "what followed from a work of the journal failed by a bug"
    ]
    assert await page(journal) == [1, 2]


async def test_repeats_are_known_by_number_whatever_way_they_are_cut(journal: Journal) -> None:
    await do(journal, lambda database: incoming.store(database, arrival(10, b"a", b"b")))
    await do(journal, lambda database: incoming.store(database, arrival(14, b"e")))
    longer = arrival(10, *(bytes([letter]) for letter in b"abcdef"))
    parts, _ = await do(journal, lambda database: incoming.store(database, longer))
    assert [(part.offset, part.count) for part in parts] == [(2, 2), (5, 1)]
    parts, _ = await do(journal, lambda database: incoming.store(database, arrival(11, b"b", b"c")))
    assert parts == []


async def test_repeats_are_known_by_id_until_the_window_has_passed(journal: Journal) -> None:
    def settle(database: sqlite3.Connection) -> None:
        incoming.settle(database, 1, 0, 2, OUTCOME_PROCESSED, last=True, until=1000.0)

    await do(journal, lambda database: incoming.store(database, arrival(10, b"a", b"b", ids=("one", "two"))))
    again = arrival(20, b"b", b"c", b"a", ids=("two", "three", "one"))
    parts, _ = await do(journal, lambda database: incoming.store(database, again))
    assert [(part.offset, part.count) for part in parts] == [(1, 1)]
    await do(journal, settle)
    await do(journal, lambda database: incoming.forget(database, 999.0, 100))
    parts, known = await do(journal, lambda database: incoming.store(database, arrival(10, b"a", b"b")))
    assert (parts, known) == ([], [(10, 2, OUTCOME_PROCESSED)]), "the tombstone outlives the row"
    await do(journal, lambda database: incoming.forget(database, 1000.0, 100))
    parts, _ = await do(journal, lambda database: incoming.store(database, arrival(30, b"a", ids=("one",))))
    assert len(parts) == 1


async def test_a_row_that_is_settled_in_part_comes_back_without_it(journal: Journal) -> None:
    def settle(database: sqlite3.Connection) -> None:
        incoming.settle(database, 1, 1, 2, OUTCOME_PROCESSED, last=False, until=0.0)

    await do(journal, lambda database: incoming.store(database, arrival(10, b"a", b"b", b"c", b"d")))
    await do(journal, settle)
    found, _, _ = await do(journal, lambda database: incoming.page(database, "c", 0, 100, MIB))
    assert [(one.number, one.count, one.left) for one in found] == [(10, 1, 2), (13, 1, 2)]
    told = await do(journal, lambda database: incoming.outcomes(database, "peer", 0, 100))
    assert told == [(11, 2, OUTCOME_PROCESSED)]


async def test_a_disk_that_is_full_is_said_and_recovers(journal: Journal) -> None:
    """SQLite's own limit of pages gives the error that a full disk gives."""
    troubles: list[SidecarError | None] = []
    journal.on_trouble = troubles.append
    journal._database.execute("PRAGMA max_page_count = 1")
    with pytest.raises(SidecarError) as raised:
        await do(journal, lambda database: outgoing.add(database, [row(1, bytes(MIB))]))
    assert raised.value.reason is Reason.JOURNAL_FULL
    assert [trouble and trouble.reason for trouble in troubles] == [Reason.JOURNAL_FULL]
    journal._database.execute("PRAGMA max_page_count = 1000000")
    await do(journal, lambda database: outgoing.add(database, [row(1, bytes(MIB))]))
    journal.recovered()
    assert troubles[-1] is None


async def test_a_file_that_cannot_be_written_is_said(journal: Journal) -> None:
    journal._database.execute("PRAGMA query_only = 1")
    with pytest.raises(SidecarError) as raised:
        await do(journal, lambda database: outgoing.add(database, [row(1)]))
    assert raised.value.reason is Reason.JOURNAL_FAILED


async def test_a_disk_gets_back_what_a_queue_took(tmp_path: Path) -> None:
    """The file and its log shrink a while after rows have gone, but for what is soon used again."""

    def pages(database: sqlite3.Connection) -> int:
        return int(database.execute("PRAGMA page_count").fetchone()[0])

    opened = Journal(tmp_path, 64 * MIB)
    for start in range(1, 401, 100):
        rows = [row(number, bytes(100_000)) for number in range(start, start + 100)]
        await do(opened, lambda database, rows=rows: outgoing.add(database, rows))  # type: ignore[misc]
    most = await do(opened, pages)
    assert most * 4096 > 40_000_000
    await do(opened, lambda database: outgoing.remove(database, list(range(1, 401))))
    left = most
    while left > SLACK_PAGES + 100:
        opened.sweep()
        now = await do(opened, pages)
        assert now < left, "each sweep gives something back"
        left = now
    opened.close()
    held = sum(path.stat().st_size for path in tmp_path.iterdir())
    assert held < 12 * MIB
    again = Journal(tmp_path, 64 * MIB)
    assert again.damage is None
    again.close()


# damage


async def written(folder: Path, count: int, page_size: int = 4096) -> Path:
    """A folder with the files of a journal as a killed sidecar leaves them, its log not yet merged."""
    folder.mkdir()
    made = sqlite3.connect(folder / FILE)
    made.execute(f"PRAGMA page_size = {page_size}")
    made.execute("VACUUM")
    made.close()
    living = Journal(folder, 64 * MIB)
    for number in range(1, count + 1):
        await do(living, lambda database, number=number: outgoing.add(database, [row(number, b"%d" % number * 100)]))  # type: ignore[misc]
    copy = folder.with_name(f"{folder.name}-copy")
    copy.mkdir()
    for name in (FILE, f"{FILE}-wal"):
        shutil.copy(folder / name, copy / name)
    living.close()
    return copy


async def readable(folder: Path) -> tuple[list[int], bool]:
    """The numbers that a journal opened on a folder gives, and whether it found damage."""
    opened = Journal(folder, 64 * MIB)
    try:
        found, _, _ = await do(opened, lambda database: outgoing.page(database, "peer", "c", 1, 0, MIB))
        for one in found:
            assert one.data == entry(b"%d" % one.number * 100), "what is read is what was written"
        return [one.number for one in found], opened.damage is not None
    finally:
        opened.close()


async def truncated(tmp_path: Path, name: str, page_bytes: int, step: int, page_size: int = 4096) -> list[int]:
    """How many rows are left for each length that the file is cut to, within its last page."""
    source = await written(tmp_path / "source", 12, page_size)
    if name == FILE:
        merged = sqlite3.connect(source / FILE)
        merged.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        merged.close()
    whole = (source / name).read_bytes()
    left = []
    for cut in range(1, page_bytes + 1, step):
        folder = tmp_path / f"cut-{cut}"
        shutil.copytree(source, folder)
        (folder / name).write_bytes(whole[:-cut])
        numbers, _ = await readable(folder)
        assert numbers == sorted(set(numbers))
        left.append(len(numbers))
        shutil.rmtree(folder)
    return left


async def test_a_log_cut_anywhere_in_its_last_page_loses_the_last_commit_only(tmp_path: Path) -> None:
    left = await truncated(tmp_path, f"{FILE}-wal", 4096 + 24, 131)
    assert set(left) == {11}


async def test_a_file_cut_anywhere_in_its_last_page_still_opens(tmp_path: Path) -> None:
    assert min(await truncated(tmp_path, FILE, 4096, 131)) >= 0


@pytest.mark.slow
@pytest.mark.timeout(170)
@pytest.mark.parametrize("name", [FILE, f"{FILE}-wal"])
async def test_truncated_at_every_byte_of_the_last_page(tmp_path: Path, name: str) -> None:
    """Pages of 512 bytes, so that they are all tried in time."""
    await truncated(tmp_path, name, 512 + 24 if name.endswith("wal") else 512, 1, 512)


async def test_flipped_bits_are_found_and_never_handed_on(tmp_path: Path) -> None:
    """Wherever a byte of the file is changed, what is read is what was written, or is not read."""
    source = await written(tmp_path / "source", 40)
    merged = sqlite3.connect(source / FILE)
    merged.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    merged.close()
    whole = (source / FILE).read_bytes()
    found: list[int] = []
    for at in range(0, len(whole), len(whole) // 60):
        folder = tmp_path / f"flip-{at}"
        folder.mkdir()
        (folder / FILE).write_bytes(whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1 :])
        numbers, _ = await readable(folder)
        found.append(len(numbers))
        shutil.rmtree(folder)
    assert max(found) == 40
    assert sorted(found)[len(found) // 2] >= 30, "most damage costs little"


async def test_a_file_that_is_no_database_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database, and was never one" * 100)
    opened = Journal(tmp_path, MIB)
    assert "was damaged" in (opened.damage or "")
    await do(opened, lambda database: outgoing.add(database, [row(1)]))
    opened.close()
    assert len(list(tmp_path.glob(f"{FILE}.damaged-*"))) == 1
    again = Journal(tmp_path, MIB)
    assert again.damage is None
    assert await page(again) == [1]
    again.close()


# time


def test_the_clock_never_goes_back_and_never_jumps() -> None:
    wall, monotonic = [1_000_000.0], [5.0]
    clock = SteadyClock(0.0, lambda: wall[0], lambda: monotonic[0])
    assert clock.now() == 1_000_000.0
    wall[0] += 86_400  # somebody sets it on a day
    monotonic[0] += 1
    assert clock.now() == 1_000_001.0
    wall[0] -= 90_000  # and back by more
    monotonic[0] += 1
    assert clock.now() == 1_000_002.0
    restarted = SteadyClock(clock.now(), lambda: wall[0], lambda: monotonic[0])
    assert restarted.now() == 1_000_002.0


async def test_numbers_are_not_used_again_by_a_journal_put_back_from_a_backup(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    first = Journal(tmp_path / "none", MIB)
    used = [first.numbers(1000) for _ in range(3)]
    await do(first, lambda database: outgoing.add(database, [row(used[-1])]))
    first.close()
    assert used == [used[0], used[0] + 1000, used[0] + 2000]
    (tmp_path / "new").mkdir()
    lost = Journal(tmp_path / "new", MIB)
    assert lost.numbers(1) > used[0]
    lost.close()
    same = Journal(tmp_path / "none", MIB)
    assert same.numbers(1) > used[-1]
    same.close()


async def test_what_is_remembered_is_bounded(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever sends many small ones shortens the window, and does not fill the disk."""
    monkeypatch.setattr(incoming, "REMEMBERED", 10)

    def fill(database: sqlite3.Connection) -> None:
        for number in range(1, 51):
            (part,), _ = incoming.store(database, arrival(number * 10, b"x", ids=(f"id {number}",)))
            incoming.settle(database, part.row, 0, 1, OUTCOME_PROCESSED, last=True, until=1e9 + number)

    await do(journal, fill)
    await do(journal, lambda database: incoming.forget(database, 1.0, 1000))
    rows = await do(journal, lambda database: database.execute("SELECT count(*) FROM incoming").fetchone()[0])
    ids = await do(journal, lambda database: database.execute("SELECT count(*) FROM ids").fetchone()[0])
    assert rows <= 11
    assert ids == 10


async def test_a_locked_file_fails_what_is_written_together_at_once(journal: Journal, tmp_path: Path) -> None:
    await do(journal, lambda database: outgoing.add(database, [row(1)]))
    tries = 0

    def refused(database: sqlite3.Connection) -> None:
        nonlocal tries
        tries += 1
        outgoing.add(database, [row(tries + 1)])

    await do(journal, lambda database: database.execute("PRAGMA busy_timeout = 50"))
    with contextlib.closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        results = await asyncio.gather(*(do(journal, refused) for _ in range(8)), return_exceptions=True)
        other.execute("ROLLBACK")
    assert [each.reason for each in results if isinstance(each, SidecarError)] == [Reason.JOURNAL_FAILED] * 8
    assert tries <= 2, "the first may go alone; the others wait for the lock once, not each"
    assert await page(journal) == [1]
