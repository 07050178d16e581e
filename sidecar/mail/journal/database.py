"""The journal's file: its tables, its check at the start, and what is carried over from a damaged one."""

from __future__ import annotations

import contextlib
import errno
import logging
import sqlite3
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sidecar.errors import Reason, SettingsError, SidecarError
from sidecar.state import result_code

_log = logging.getLogger(__name__)

FILE = "journal.db"
VERSION = 1
"""`user_version` of the file."""
LOG_BYTES = 4 << 20
"""What the log beside the file keeps of its length once it has been merged."""
APART_KEPT = 4
"""Damaged files that are kept beside; the oldest go."""

DAMAGE = ("malformed", "disk I/O error")
"""Of SQLite's operational errors those that a file with bytes missing causes."""

TAKES_NOTHING = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""What writing says on a disk that is full or read-only."""
_PROBE_BYTES = 64 << 10
"""More than SQLite wants for its shared memory."""

WAITING, DONE, DEAD = 0, 1, 2
"""States of a row: it has its messages; it is remembered without them; it is a dead letter."""

TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value REAL NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outgoing (
    number INTEGER PRIMARY KEY, count INTEGER NOT NULL, peer TEXT NOT NULL, channel TEXT NOT NULL,
    priority INTEGER NOT NULL, flags INTEGER NOT NULL, taken REAL NOT NULL, expires REAL NOT NULL,
    state INTEGER NOT NULL, reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
    size INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB
) STRICT;
CREATE INDEX IF NOT EXISTS outgoing_queue ON outgoing (state, peer, channel, priority, number);
CREATE INDEX IF NOT EXISTS outgoing_expiry ON outgoing (state, expires);
CREATE TABLE IF NOT EXISTS requests (
    request_id TEXT PRIMARY KEY, digest BLOB NOT NULL, number INTEGER NOT NULL, message_id TEXT NOT NULL,
    sent REAL NOT NULL DEFAULT 0, delivered REAL NOT NULL DEFAULT 0, processed REAL NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '', until REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS requests_number ON requests (number);
CREATE TABLE IF NOT EXISTS incoming (
    id INTEGER PRIMARY KEY, peer TEXT NOT NULL, number INTEGER, count INTEGER NOT NULL, channel TEXT NOT NULL,
    priority INTEGER NOT NULL, flags INTEGER NOT NULL, bulk INTEGER NOT NULL, instance INTEGER NOT NULL,
    sequence INTEGER NOT NULL, taken REAL NOT NULL, expires REAL NOT NULL, deliveries INTEGER NOT NULL DEFAULT 0,
    state INTEGER NOT NULL, outcome INTEGER NOT NULL DEFAULT 0, reason TEXT NOT NULL DEFAULT '',
    until REAL NOT NULL DEFAULT 0, size INTEGER NOT NULL, checksum INTEGER NOT NULL, data BLOB
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS incoming_number ON incoming (peer, number);
CREATE INDEX IF NOT EXISTS incoming_queue ON incoming (state, channel, id);
CREATE INDEX IF NOT EXISTS incoming_until ON incoming (until) WHERE until > 0;
CREATE TABLE IF NOT EXISTS settled (
    row INTEGER NOT NULL, first INTEGER NOT NULL, count INTEGER NOT NULL, outcome INTEGER NOT NULL,
    PRIMARY KEY (row, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ids (
    peer TEXT NOT NULL, message_id TEXT NOT NULL, until REAL NOT NULL, PRIMARY KEY (peer, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ids_until ON ids (until);
"""

NAMES = ("facts", "outgoing", "requests", "incoming", "settled", "ids")
EARLIEST_FIRST = {"outgoing": "number", "incoming": "id"}


class Opened(NamedTuple):
    """A journal."""

    database: sqlite3.Connection
    damage: str | None = None
    """What was wrong with the file that was there; None for nothing."""
    refusal: SidecarError | None = None
    """Why nothing can be written as long as this sidecar runs: its disk takes nothing, and the file is left as it is.
    The database is an empty one in memory then."""


def checksum(data: bytes, *columns: str | int) -> int:
    """What a row's bytes, and where they go, are known by: SQLite has no checksum of its own for what it keeps."""
    return zlib.crc32(data, zlib.crc32(repr(columns).encode()))


def open_journal(directory: Path | None, survey: Callable[[sqlite3.Connection], object]) -> Opened:
    """Opens the journal, in memory without a directory. A damaged file is put aside, and what can be read of it is
    carried over. `survey` reads what the journal begins with; where it cannot, the file is damaged as well. A disk
    that takes nothing costs the journal and not the start. SettingsError when there can be none for another reason."""
    if directory is None:
        return Opened(_in_memory())
    path = directory / FILE
    try:
        try:
            return Opened(_open(path, survey))
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and not any(word in str(error) for word in DAMAGE):
                raise
            if _takes_nothing(error, directory) is not None:
                raise  # a sound file looks damaged where the disk has no room for what SQLite keeps beside it
            damage = str(error)
        apart = _put_aside(path)
        database = _open(path, survey)
        carried = _carry_over(apart, database)
    except (sqlite3.Error, OSError) as error:
        reason = _takes_nothing(error, directory)
        if reason is None:
            raise SettingsError(f"{path} cannot be used: {error}; move it away to begin with a new one") from error
        refusal = SidecarError(
            reason, f"the journal could not be opened ({error}): give its disk room and restart the sidecar",
            retry_after=60,
        )  # fmt: skip
        _log.error("%s: durable messages are refused until then, and those in %s wait", refusal.detail, path)
        return Opened(_in_memory(), refusal=refusal)
    damage = f"{path} was damaged ({damage}): {carried} rows were carried over, the file is kept as {apart.name}"
    _log.error("%s", damage)
    return Opened(database, damage)


def _open(path: Path, survey: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # Before all else: it holds for a file that is still empty.
        database.execute("PRAGMA auto_vacuum = INCREMENTAL")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
        database.execute("PRAGMA synchronous = FULL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise SettingsError(f"{path} was written by a newer version of the sidecar: run that one")
        (state,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        if state != "ok":
            raise sqlite3.DatabaseError(str(state))
        _begin(database)
        survey(database)
        return database
    except BaseException:
        database.close()
        raise


def _takes_nothing(error: sqlite3.Error | OSError, directory: Path) -> Reason | None:
    """The reason to name when the disk, full or read-only, is what is wrong."""
    full = isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
    if full or result_code(error) == sqlite3.SQLITE_FULL:
        return Reason.JOURNAL_FULL
    import tempfile  # loaded when the disk is full, not by every sidecar

    try:
        # SQLite says no more than "disk I/O error" where it cannot make the files it needs beside its own.
        with tempfile.TemporaryFile(dir=directory) as probe:
            probe.write(bytes(_PROBE_BYTES))
            probe.flush()
    except OSError as found:
        if found.errno in TAKES_NOTHING:
            return Reason.JOURNAL_FAILED if found.errno == errno.EROFS else Reason.JOURNAL_FULL
    return None


def _in_memory() -> sqlite3.Connection:
    return _begin(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False))


def _begin(database: sqlite3.Connection) -> sqlite3.Connection:
    database.executescript(TABLES)
    database.execute(f"PRAGMA user_version = {VERSION}")
    return database


def _put_aside(path: Path) -> Path:
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    apart = path.with_name(f"{FILE}.damaged-{stamp}-{time.monotonic_ns() % 10**6:06}")
    for suffix in ("", "-wal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(apart.with_name(apart.name + suffix))
    path.with_name(path.name + "-shm").unlink(missing_ok=True)
    former = sorted(
        (old for old in path.parent.glob(f"{FILE}.damaged-*") if not old.name.endswith(("-wal", "-shm"))),
        key=lambda old: old.stat().st_mtime,
    )
    for old in former[:-APART_KEPT]:
        for suffix in ("", "-wal", "-shm"):
            old.with_name(old.name + suffix).unlink(missing_ok=True)
    return apart


def _carry_over(apart: Path, database: sqlite3.Connection) -> int:
    """Copies the rows that can be read: from the front as far as it goes, and from the back as far as that goes."""
    carried = 0
    with contextlib.closing(sqlite3.connect(apart, isolation_level=None)) as damaged:
        database.execute("BEGIN")
        for name in NAMES:
            columns = [column for _, column, *_ in database.execute(f"PRAGMA table_info({name})")]
            listed = ", ".join(columns)
            insert = f"INSERT OR IGNORE INTO {name} ({listed}) VALUES ({', '.join('?' * len(columns))})"
            for order in ("ASC", "DESC") if name in EARLIEST_FIRST else ("",):
                key = f" NOT INDEXED ORDER BY {EARLIEST_FIRST[name]} {order}" if order else ""
                # What cannot be read, or is not what the table takes, ends this way through the table, and that is all.
                with contextlib.suppress(sqlite3.Error, UnicodeDecodeError):
                    for row in damaged.execute(f"SELECT {listed} FROM {name}{key}"):
                        carried += database.execute(insert, row).rowcount
        database.execute("COMMIT")
    return carried
