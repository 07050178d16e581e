"""What the journal does for messages that wait for peers. Every function runs in the journal's thread, in a
transaction.

A row is a run as it came from an app: messages of one caller, peer, channel and priority, numbered on from `number`. It
is there until all of them are in the other sidecar's journal.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sidecar.mail.journal.database import DEAD, WAITING, checksum

DAMAGED = "the row's bytes are not those that were written"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A row as it is written."""

    number: int
    count: int
    peer: str
    channel: str
    priority: int
    flags: int
    taken: float
    expires: float
    """0 for never."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Loaded:
    """A row as it is read to be sent."""

    number: int
    count: int
    flags: int
    expires: float
    data: bytes


class Standing(NamedTuple):
    """What one queue holds."""

    peer: str
    channel: str
    priority: int
    rows: int
    bytes: int
    last: int
    """The highest number."""


class Request(NamedTuple):
    """A remembered request."""

    request_id: str
    digest: bytes
    number: int
    message_id: str
    sent: float
    delivered: float
    processed: float
    reason: str
    detail: str
    until: float


def add(database: sqlite3.Connection, rows: Sequence[Outgoing]) -> None:
    """Writes rows."""
    database.executemany(
        "INSERT INTO outgoing (number, count, peer, channel, priority, flags, taken, expires, state, size,"
        " checksum, data)"
        f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, {WAITING}, ?, ?, ?)",
        [
            (
                row.number, row.count, row.peer, row.channel, row.priority, row.flags, row.taken, row.expires,
                len(row.data), checksum(row.data, row.peer, row.channel, row.number), row.data,
            )
            for row in rows
        ],
    )  # fmt: skip


def remove(database: sqlite3.Connection, numbers: Sequence[int]) -> None:
    """They are in the other side's journal, or nobody wants them."""
    database.executemany("DELETE FROM outgoing WHERE number = ?", [(number,) for number in numbers])


def bury(database: sqlite3.Connection, number: int, reason: str, detail: str) -> None:
    """The peer will not take it: it is a dead letter."""
    database.execute(
        f"UPDATE outgoing SET state = {DEAD}, reason = ?, detail = ? WHERE number = ?", (reason, detail[:1000], number)
    )


def page(
    database: sqlite3.Connection, peer: str, channel: str, priority: int, after: int, max_bytes: int
) -> tuple[list[Loaded], list[int], bool]:
    """The next rows of a queue, some `max_bytes` of them; the numbers of damaged ones, which are dead letters now;
    whether that was all."""
    found: list[Loaded] = []
    damaged: list[int] = []
    complete = True
    rows = database.execute(
        "SELECT number, count, flags, expires, checksum, data FROM outgoing"
        f" WHERE state = {WAITING} AND peer = ? AND channel = ? AND priority = ? AND number > ? ORDER BY number",
        (peer, channel, priority, after),
    )
    for number, count, flags, expires, known, data in rows:
        if max_bytes <= 0:
            complete = False
            break
        if checksum(data, peer, channel, number) != known:
            damaged.append(number)
            continue
        found.append(Loaded(number, count, flags, expires, data))
        max_bytes -= len(data)
    rows.close()
    for number in damaged:
        bury(database, number, "INTERNAL", DAMAGED)
    return found, damaged, complete


def expired(database: sqlite3.Connection, now: float, most: int) -> list[tuple[int, int, str, str, int, int]]:
    """(number, count, peer, channel, priority, size) of rows whose time has passed."""
    return database.execute(
        "SELECT number, count, peer, channel, priority, size FROM outgoing"
        f" WHERE state = {WAITING} AND expires > 0 AND expires <= ? ORDER BY expires LIMIT ?",
        (now, most),
    ).fetchall()


def standings(database: sqlite3.Connection) -> list[Standing]:
    """Every queue that holds something."""
    rows = database.execute(
        "SELECT peer, channel, priority, count(*), sum(size), max(number) FROM outgoing"
        f" WHERE state = {WAITING} GROUP BY peer, channel, priority"
    )
    return [Standing(*row) for row in rows]


def last_number(database: sqlite3.Connection) -> int:
    """The highest number that is remembered."""
    (of_rows,) = database.execute("SELECT coalesce(max(number + count - 1), 0) FROM outgoing").fetchone()
    (of_requests,) = database.execute("SELECT coalesce(max(number), 0) FROM requests").fetchone()
    return int(max(of_rows, of_requests))


# requests


def remember(database: sqlite3.Connection, request: Request) -> None:
    """A request is made, and its message journalled with it."""
    database.execute(f"INSERT OR REPLACE INTO requests VALUES ({', '.join('?' * len(request))})", request)


def note_delivered(database: sqlite3.Connection, numbers: Sequence[int], now: float, until: float) -> None:
    """Messages of requests are in the other side's journal."""
    database.executemany(
        "UPDATE requests SET delivered = ?, until = ? WHERE number = ? AND reason = ''",
        [(now, until, number) for number in numbers],
    )


def note_failed(database: sqlite3.Connection, number: int, reason: str, detail: str, until: float) -> None:
    """A request's message has failed."""
    database.execute(
        "UPDATE requests SET reason = ?, detail = ?, until = ? WHERE number = ?", (reason, detail[:1000], until, number)
    )


def requests(database: sqlite3.Connection, most: int) -> list[Request]:
    """The latest, the last first."""
    rows = database.execute("SELECT * FROM requests ORDER BY number DESC LIMIT ?", (most,))
    return [Request(*row) for row in rows]
