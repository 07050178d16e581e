"""What the queues hold, for those who look, purge and replay. Every function runs in the journal's thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from sidecar.mail.journal.database import DEAD, WAITING

QUEUES_MAX = 10_000
CHOSEN_MAX = 5_000
"""Letters that one purge or replay deals with in one transaction."""


Chosen = tuple[int, int, int, str, str, int]
"""(id, count, size, peer, channel, priority) of a letter."""


class Queue(Enum):
    """A kind of what is kept: its table, and the state of its rows."""

    OUTGOING = ("outgoing", WAITING)
    INCOMING = ("incoming", WAITING)
    DEAD_INCOMING = ("incoming", DEAD)
    DEAD_OUTGOING = ("outgoing", DEAD)

    @property
    def key(self) -> str:
        """The column by which a letter is named."""
        return "number" if self.value[0] == "outgoing" else "id"


class Choice(NamedTuple):
    """Which letters."""

    queue: Queue
    peer: str | None = None
    channel: str | None = None
    ids: tuple[int, ...] = ()

    def where(self) -> tuple[str, list[str | int]]:
        """As SQL."""
        words = ["state = ?"]
        values: list[str | int] = [self.queue.value[1]]
        for column, value in (("peer", self.peer), ("channel", self.channel)):
            if value is not None:
                words.append(f"{column} = ?")
                values.append(value)
        if self.ids:
            words.append(f"{self.queue.key} IN ({', '.join('?' * len(self.ids))})")
            values += self.ids
        return " AND ".join(words), values


class Summary(NamedTuple):
    """What a queue holds of one peer and channel."""

    queue: Queue
    peer: str
    channel: str
    messages: int
    bytes: int
    oldest: float


@dataclass(frozen=True, slots=True)
class Letter:
    """A row of a queue, without its messages."""

    id: int
    peer: str
    channel: str
    priority: int
    count: int
    size: int
    taken: float
    expires: float
    deliveries: int
    reason: str
    detail: str


def summaries(database: sqlite3.Connection) -> list[Summary]:
    """Everything that is kept, by queue, peer and channel."""
    found: list[Summary] = []
    for queue in Queue:
        table, state = queue.value
        rows = database.execute(
            f"SELECT peer, channel, sum(count), sum(size), min(taken) FROM {table} WHERE state = ?"
            " GROUP BY peer, channel ORDER BY peer, channel LIMIT ?",
            (state, QUEUES_MAX - len(found)),
        )
        found += [Summary(queue, *row) for row in rows]
    return found


def listed(database: sqlite3.Connection, choice: Choice, after: int, most: int) -> list[Letter]:
    """The next letters, oldest first."""
    where, values = choice.where()
    key = choice.queue.key
    outgoing = choice.queue.value[0] == "outgoing"
    beside = "0, reason, detail" if outgoing else "deliveries, reason, ''"
    rows = database.execute(
        f"SELECT {key}, peer, channel, priority, count, size, taken, expires, {beside} FROM {choice.queue.value[0]}"
        f" WHERE {where} AND {key} > ? ORDER BY {key} LIMIT ?",
        (*values, after, most),
    )
    return [Letter(*row) for row in rows]


def messages_of(database: sqlite3.Connection, queue: Queue, letter_id: int) -> bytes | None:
    """The batch of a letter; None where there is no such."""
    found = database.execute(
        f"SELECT data FROM {queue.value[0]} WHERE {queue.key} = ? AND state = ?", (letter_id, queue.value[1])
    ).fetchone()
    return None if found is None else found[0] or b""


def chosen(database: sqlite3.Connection, choice: Choice) -> list[Chosen]:
    """The first letters of a choice."""
    where, values = choice.where()
    return database.execute(
        f"SELECT {choice.queue.key}, count, size, peer, channel, priority FROM {choice.queue.value[0]} WHERE {where}"
        f" ORDER BY {choice.queue.key} LIMIT {CHOSEN_MAX}",
        values,
    ).fetchall()


def purge(database: sqlite3.Connection, queue: Queue, ids: Sequence[int]) -> None:
    """Removes letters for good."""
    database.executemany(
        f"DELETE FROM {queue.value[0]} WHERE {queue.key} = ? AND state = ?", [(one, queue.value[1]) for one in ids]
    )


def replay_outgoing(database: sqlite3.Connection, ids: Sequence[int], expires: float) -> None:
    """Dead letters are to be sent again, with a new time to live."""
    database.executemany(
        f"UPDATE outgoing SET state = {WAITING}, reason = '', detail = '', expires = ? WHERE number = ? AND state ="
        f" {DEAD}",
        [(expires, number) for number in ids],
    )


def replay_incoming(database: sqlite3.Connection, ids: Sequence[int]) -> None:
    """Dead letters are to be handed out again."""
    database.executemany(
        f"UPDATE incoming SET state = {WAITING}, reason = '', deliveries = 0, expires = 0 WHERE id = ? AND state ="
        f" {DEAD}",
        [(one,) for one in ids],
    )
