"""What the journal does for messages that have come. Every function runs in the journal's thread, in a transaction.

A row is a run as it came from a peer, without what is known to be a repeat. It has its bytes until apps have settled
all of it; after that it stays as a tombstone for the dedupe window, so that what its sender repeats is known.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from sidecar.mail.journal.database import DEAD, DONE, WAITING, checksum
from sidecar.wire import batch

HAS_IDS = 1 << 8
"""Flag of a row beside those of the wire: there are message ids in it."""
REMEMBERED = 1_000_000
"""Runs, and ids, that are remembered at most; the oldest go first, whatever the window says."""
UNSETTLED = 1e18
"""Until when an id is remembered whose message is not settled."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A run as it came."""

    peer: str
    number: int
    count: int
    channel: str
    priority: int
    flags: int
    bulk: bool
    instance: int
    sequence: int
    taken: float
    expires: float
    """0 for never."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """A part of a run that is no repeat."""

    row: int
    offset: int
    """Messages of the run before it."""
    count: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Unsettled:
    """Messages of a row that no app has settled."""

    row: int
    peer: str
    number: int
    count: int
    channel: str
    priority: int
    flags: int
    bulk: bool
    instance: int
    sequence: int
    taken: float
    expires: float
    deliveries: int
    data: bytes
    left: int
    """Messages of the whole row that are unsettled."""
    row_number: int
    """The number of the row's first message."""
    row_size: int


_INSERT = (
    "INSERT INTO incoming (peer, number, count, channel, priority, flags, bulk, instance, sequence, taken, expires,"
    " state,"
    f" size, checksum, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, {WAITING}, ?, ?, ?)"
)


def store(database: sqlite3.Connection, run: Incoming) -> tuple[list[Stored], list[tuple[int, int, int]]]:
    """Writes what is no repeat: by number, and by message id where there is one. What was written, and the known
    outcomes of repeats: (number, count, outcome)."""
    parts, known = _unknown_numbers(database, run)
    ends: list[int] = []
    stored: list[Stored] = []
    for offset, count in parts:
        whole = count == run.count
        if not whole and not ends:
            ends = batch.ends(run.data)
        data = run.data if whole else run.data[ends[offset - 1] if offset else 0 : ends[offset + count - 1]]
        fresh, has_ids = _unknown_ids(database, run.peer, data)
        flags = run.flags | (HAS_IDS if has_ids else 0)
        for start, many, part in fresh:
            stored.append(_insert(database, run, flags, offset + start, many, part))
    return stored, known


def _insert(database: sqlite3.Connection, run: Incoming, flags: int, offset: int, count: int, data: bytes) -> Stored:
    number = run.number + offset
    row = database.execute(
        _INSERT,
        (
            run.peer, number, count, run.channel, run.priority, flags, run.bulk, _signed(run.instance),
            run.sequence + offset, run.taken, run.expires, len(data), checksum(data, run.peer, run.channel, number),
            data,
        ),
    ).lastrowid  # fmt: skip
    assert row is not None, "an insert has a row"
    return Stored(row, offset, count, data)


def _signed(number: int) -> int:
    """64 bits as SQLite has them."""
    return number - (1 << 64) if number >> 63 else number


def _unsigned(number: int) -> int:
    return number & (1 << 64) - 1


def _unknown_numbers(
    database: sqlite3.Connection, run: Incoming
) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]]]:
    """The parts (offset, count) of a run whose numbers have not come; outcomes of those that have."""
    end = run.number + run.count
    rows = database.execute(
        "SELECT number, count, state, outcome FROM (SELECT number, count, state, outcome FROM incoming"
        " WHERE peer = ?1 AND number <= ?2 ORDER BY number DESC LIMIT 1)"
        " UNION ALL SELECT number, count, state, outcome FROM incoming WHERE peer = ?1 AND number > ?2 AND number < ?3"
        " ORDER BY 1",
        (run.peer, run.number, end),
    ).fetchall()
    if not rows:
        return [(0, run.count)], []
    parts: list[tuple[int, int]] = []
    known: list[tuple[int, int, int]] = []
    at = run.number
    for number, count, state, outcome in rows:
        if number + count <= at:
            continue
        if number > at:
            parts.append((at - run.number, number - at))
        low, high = max(number, at), min(number + count, end)
        if state != WAITING and outcome:
            known.append((low, high - low, outcome))
        at = high
    if at < end:
        parts.append((at - run.number, end - at))
    return parts, known


def _unknown_ids(database: sqlite3.Connection, peer: str, data: bytes) -> tuple[list[tuple[int, int, bytes]], bool]:
    """The parts (offset, count, bytes) of a batch without the messages whose id this peer has used within the window;
    whether any has an id."""
    ids = batch.message_ids(data)
    count = len(ids)
    if not any(ids):
        return [(0, count, data)], False
    repeated: list[int] = []
    for index, message_id in enumerate(ids):
        if (
            message_id
            and not database.execute(
                "INSERT INTO ids VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (peer, message_id, UNSETTLED)
            ).rowcount
        ):
            repeated.append(index)
    if not repeated:
        return [(0, count, data)], True
    ends = batch.ends(data)
    parts: list[tuple[int, int, bytes]] = []
    begin = 0
    for index in (*repeated, count):
        if index > begin:
            parts.append((begin, index - begin, data[ends[begin - 1] if begin else 0 : ends[index - 1]]))
        begin = index + 1
    return parts, True


def settle(
    database: sqlite3.Connection, row: int, first: int, count: int, outcome: int, *, last: bool, until: float
) -> None:
    """Messages of a row are settled, `first` counting from the row's beginning; with `last`, all of it is: its bytes
    go, and that it was here is remembered until the window has passed."""
    database.execute("INSERT OR IGNORE INTO settled VALUES (?, ?, ?, ?)", (row, first, count, outcome))
    if not last:
        return
    (peer, flags) = database.execute("SELECT peer, flags FROM incoming WHERE id = ?", (row,)).fetchone()
    if flags & HAS_IDS:
        (data,) = database.execute("SELECT data FROM incoming WHERE id = ?", (row,)).fetchone()
        ids = [(until, peer, one) for one in batch.message_ids(data) if one]
        database.executemany("UPDATE ids SET until = ? WHERE peer = ? AND message_id = ?", ids)
    (same,) = database.execute("SELECT min(outcome) = max(outcome) FROM settled WHERE row = ?", (row,)).fetchone()
    database.execute(
        f"UPDATE incoming SET state = {DONE}, outcome = ?, until = ?, data = NULL WHERE id = ?",
        (outcome if same else 0, until, row),
    )
    if same:
        database.execute("DELETE FROM settled WHERE row = ?", (row,))


def count_deliveries(database: sqlite3.Connection, row: int, deliveries: int) -> None:
    """A row has been handed out, and has come back."""
    database.execute("UPDATE incoming SET deliveries = max(deliveries, ?) WHERE id = ?", (deliveries, row))


def bury(database: sqlite3.Connection, run: Incoming, deliveries: int, reason: str) -> int:
    """Messages become a dead letter, a row of its own; the row."""
    row = database.execute(
        "INSERT INTO incoming (peer, count, channel, priority, flags, bulk, instance, sequence, taken, expires,"
        " deliveries,"
        f" state, reason, size, checksum, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, {DEAD}, ?, ?, ?, ?)",
        (
            run.peer, run.count, run.channel, run.priority, run.flags, run.bulk, _signed(run.instance), run.sequence,
            run.taken, deliveries, reason, len(run.data), checksum(run.data, run.peer, run.channel, 0), run.data,
        ),
    ).lastrowid  # fmt: skip
    assert row is not None, "an insert has a row"
    return row


def channels(database: sqlite3.Connection) -> list[tuple[str, int, int, int]]:
    """(channel, messages, bytes, highest row) of what waits."""
    return database.execute(
        f"SELECT channel, sum(count), sum(size), max(id) FROM incoming WHERE state = {WAITING} GROUP BY channel"
    ).fetchall()


def page(
    database: sqlite3.Connection, channel: str, after: int, through: int, max_bytes: int
) -> tuple[list[Unsettled], int, bool]:
    """The next unsettled messages of a channel in rows up to `through`, some `max_bytes` of them; the last row looked
    at; whether that was all. What is damaged becomes a dead letter without its bytes."""
    found: list[Unsettled] = []
    damaged: list[int] = []
    rows = database.execute(
        "SELECT id, peer, coalesce(number, 0), count, channel, priority, flags, bulk, instance, sequence, taken,"
        " expires,"
        f" deliveries, data, checksum FROM incoming WHERE state = {WAITING} AND channel = ? AND id > ? AND id <= ?"
        " ORDER BY id",
        (channel, after, through),
    )
    complete = True
    for *columns, known in rows:
        if max_bytes <= 0:
            complete = False
            break
        after = columns[0]
        if columns[-1] is None:
            damaged.append(after)
            continue
        whole = Unsettled(*columns, left=columns[3], row_number=columns[2], row_size=len(columns[-1]))  # type: ignore[misc]
        if checksum(whole.data, whole.peer, channel, whole.number) != known:
            damaged.append(whole.row)
            continue
        max_bytes -= len(whole.data)
        found += _without_settled(database, replace(whole, instance=_unsigned(whole.instance), bulk=bool(whole.bulk)))
    rows.close()
    database.executemany(
        f"UPDATE incoming SET state = {DEAD}, reason = 'INTERNAL', data = NULL, size = 0 WHERE id = ?",
        [(row,) for row in damaged],
    )
    return found, after, complete


def _without_settled(database: sqlite3.Connection, whole: Unsettled) -> list[Unsettled]:
    gone = database.execute("SELECT first, count FROM settled WHERE row = ? ORDER BY first", (whole.row,)).fetchall()
    if not gone:
        return [whole]
    ends = batch.ends(whole.data)
    left = whole.count - sum(count for _, count in gone)
    parts: list[Unsettled] = []
    at = 0
    for first, count in (*gone, (whole.count, 0)):
        if first > at:
            data = whole.data[ends[at - 1] if at else 0 : ends[first - 1]]
            parts.append(
                replace(
                    whole,
                    number=whole.number + at,
                    sequence=whole.sequence + at,
                    count=first - at,
                    data=data,
                    left=left,
                )
            )
        at = first + count
    return parts


def outcomes(database: sqlite3.Connection, peer: str, first: int, last: int) -> list[tuple[int, int, int]]:
    """(first, count, outcome) of what is known of a peer's messages."""
    rows = database.execute(
        "SELECT number, count, outcome FROM incoming WHERE peer = ?1 AND outcome > 0 AND number <= ?3 AND number >="
        " coalesce("
        " (SELECT max(number) FROM incoming WHERE peer = ?1 AND number <= ?2), ?2) ORDER BY number LIMIT 2048",
        (peer, first, last),
    ).fetchall()
    rows += database.execute(
        "SELECT number + first, settled.count, settled.outcome FROM settled JOIN incoming ON settled.row = incoming.id"
        " WHERE peer = ?1 AND number <= ?3 AND number >= coalesce((SELECT max(number) FROM incoming WHERE peer = ?1 AND"
        " number <= ?2), ?2) LIMIT 2048",
        (peer, first, last),
    ).fetchall()
    cut = [(max(number, first), min(number + count - 1, last), outcome) for number, count, outcome in rows]
    return [(low, high - low + 1, outcome) for low, high, outcome in cut if low <= high]


def forget(database: sqlite3.Connection, now: float, most: int) -> int:
    """Removes tombstones and ids whose window has passed, at most so many of each; how many."""
    database.execute(
        "DELETE FROM settled WHERE row IN (SELECT id FROM incoming WHERE until > 0 AND until <= ? LIMIT ?)", (now, most)
    )
    gone = database.execute(
        "DELETE FROM incoming WHERE id IN (SELECT id FROM incoming WHERE until > 0 AND until <= ? LIMIT ?)", (now, most)
    ).rowcount
    # Whoever sends many small ones may shorten the window, and not fill the disk.
    gone += database.execute(
        f"DELETE FROM incoming WHERE id IN (SELECT id FROM incoming WHERE id < (SELECT max(id) FROM incoming) - ? AND"
        f" state = {DONE} LIMIT ?)", (REMEMBERED, most)
    ).rowcount  # fmt: skip
    (ids,) = database.execute("SELECT count(*) FROM ids").fetchone()
    gone += database.execute(
        "DELETE FROM ids WHERE (peer, message_id) IN (SELECT peer, message_id FROM ids WHERE until < ? ORDER BY"
        " until LIMIT ?)",
        (UNSETTLED, min(most, max(0, ids - REMEMBERED))),
    ).rowcount
    gone += database.execute(
        "DELETE FROM ids WHERE (peer, message_id) IN (SELECT peer, message_id FROM ids WHERE until <= ? LIMIT ?)",
        (now, most),
    ).rowcount
    return gone
