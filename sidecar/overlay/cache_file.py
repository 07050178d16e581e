"""The bootstrap cache on disk: `cache.db`, SQLite, a row for each peer.

The file is a help and nothing more, so that nothing that happens to it stops the sidecar: one that is damaged is kept
aside and begun anew, a row whose digest is wrong is left out, and where the disk is full or cannot be written the cache
lives in memory until it can.

    peer_id       TEXT     as printed
    position      INTEGER  rises with each connection to any of the peers: the order, whatever the clock does
    connected_at  REAL     seconds since 1970, for people
    endpoints     TEXT     numeric host:port, separated by spaces, the newest first
    certificate   BLOB     the leaf it proved its key with, DER
    digest        BLOB     SHA-256 of the above (SQLite has no checksums of its own in the database file)
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidecar.addresses import HostPort, format_address, parse_address
from sidecar.identity import leaf_key_untrusted
from sidecar.state import result_code

_log = logging.getLogger(__name__)

CACHE_FILE = "cache.db"
DAMAGED = ".damaged"
"""What is appended to the name of a file that is kept aside; a former one gives way."""
FILE_MAX = 32 << 20
"""Bytes of a file that is looked at; 200 entries have less than a tenth of it."""

_COLUMNS = "peer_id, position, connected_at, endpoints, certificate, digest"
_TABLE = """
CREATE TABLE IF NOT EXISTS nodes (
    peer_id TEXT PRIMARY KEY, position INTEGER NOT NULL, connected_at REAL NOT NULL, endpoints TEXT NOT NULL,
    certificate BLOB NOT NULL, digest BLOB NOT NULL
) STRICT
"""
_OUTSIDE = {
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
}  # fmt: skip
"""Errors that say that the file cannot be had now, and nothing against what is in it."""


@dataclass(frozen=True, slots=True)
class CachedNode:
    """A node this sidecar has dialled and verified."""

    peer_id: str
    position: int
    """Greater than that of every node connected to before."""
    connected_at: float
    """When it was last connected to, in seconds since 1970."""
    endpoints: tuple[HostPort, ...]
    """Where it was dialled, the newest first."""
    certificate: bytes
    """The leaf it showed, DER: its key is pinned by the peer id."""


class CacheFile:
    """The file, open as far as it can be."""

    def __init__(self, directory: Path) -> None:
        """Nothing is opened before `read`."""
        self.path = directory / CACHE_FILE
        self.faults = 0
        """How often the file was damaged, a row was, or something could not be written."""
        self._database: sqlite3.Connection | None = None
        self._behind = False
        """Something has not been written that is in memory."""

    # reading

    def read(self) -> list[CachedNode]:
        """Opens the file; its entries, oldest first."""
        try:
            return self._open()
        except sqlite3.Error as error:
            if result_code(error) in _OUTSIDE:
                self._fault("cannot be written (%s): what it is told lives in memory", error)
                return self._read_only()
            self._set_aside(error)
        try:
            return self._open()
        except sqlite3.Error as error:
            self._behind = True
            self._fault("cannot be made anew (%s): the cache lives in memory", error)
            return []

    def _open(self) -> list[CachedNode]:
        with contextlib.suppress(OSError):  # what is wrong, SQLite says better
            if self.path.stat().st_size > FILE_MAX:
                raise sqlite3.DatabaseError(f"more than {FILE_MAX} bytes")
        database = _connect(str(self.path))
        try:
            # Killed at any instant, it holds every transaction that was committed; a power cut may cost the last few.
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            _check(database)
            database.execute(_TABLE)
            nodes = self._rows(database)
        except BaseException:
            database.close()
            raise
        self._database = database
        return nodes

    def _read_only(self) -> list[CachedNode]:
        """What can be read of a file that cannot be written: the WAL beside it, if any, is passed over."""
        self._behind = True
        try:
            with contextlib.closing(_connect(f"{self.path.absolute().as_uri()}?mode=ro&immutable=1")) as database:
                _check(database)
                return self._rows(database)
        except sqlite3.Error as error:
            _log.warning("%s cannot be read: %s", self.path, error)
            return []

    def _rows(self, database: sqlite3.Connection) -> list[CachedNode]:
        read = [_node(row) for row in database.execute(f"SELECT {_COLUMNS} FROM nodes ORDER BY position")]  # noqa: S608
        nodes = [node for node in read if node is not None]
        if len(nodes) < len(read):
            self._fault("has %d damaged entries, which are left out", len(read) - len(nodes))
        return nodes

    def _set_aside(self, error: sqlite3.Error) -> None:
        aside = f"{self.path}{DAMAGED}"
        self._fault("is damaged (%s): kept as %s, and begun anew", error, aside)
        for suffix in ("", "-wal", "-shm"):
            try:
                os.replace(f"{self.path}{suffix}", f"{aside}{suffix}")  # noqa: PTH105  names, not paths
            except FileNotFoundError:
                continue
            except OSError as failure:
                _log.warning("%s%s cannot be moved away: %s", self.path, suffix, failure.strerror)

    # writing

    def write(self, changed: Iterable[CachedNode], gone: Iterable[str], everything: Sequence[CachedNode]) -> None:
        """Writes entries that have changed and removes those that are gone, in one transaction. `everything` is what
        the cache holds now: all of it is written when a former write has failed or the file is found to be damaged."""
        try:
            if self._database is None:
                self._open()
            self._store(changed, gone, everything)
        except sqlite3.Error as error:
            if result_code(error) in _OUTSIDE:
                self._fall_behind(error)
                return
            self._close()
            self._set_aside(error)
            self._behind = True
            try:
                self._open()
                self._store((), (), everything)
            except sqlite3.Error as failure:
                self._close()  # tried anew with the next change
                self._fall_behind(failure)

    def _store(self, changed: Iterable[CachedNode], gone: Iterable[str], everything: Sequence[CachedNode]) -> None:
        database = self._database
        assert database is not None
        database.execute("BEGIN IMMEDIATE")
        try:
            if self._behind:
                database.execute("DELETE FROM nodes")
                changed = everything
            else:
                database.executemany("DELETE FROM nodes WHERE peer_id = ?", [(peer_id,) for peer_id in gone])
            statement = f"INSERT OR REPLACE INTO nodes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608  a constant
            database.executemany(statement, map(_row, changed))
            database.execute("COMMIT")
        except sqlite3.Error:
            if database.in_transaction:  # SQLite ends it by itself after some errors
                with contextlib.suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
            raise
        if self._behind:
            self._behind = False
            _log.info("%s is written again", self.path)

    def _fall_behind(self, error: sqlite3.Error) -> None:
        self.faults += 1
        if not self._behind:
            _log.warning("%s cannot be written (%s): the cache lives in memory until it can", self.path, error)
        self._behind = True

    def _fault(self, words: str, *values: object) -> None:
        self.faults += 1
        _log.warning("%s " + words, self.path, *values)

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None

    def close(self) -> None:
        """Closes the file."""
        with contextlib.suppress(sqlite3.Error):  # the last checkpoint may find the disk full
            self._close()


def _connect(name: str) -> sqlite3.Connection:
    database = sqlite3.connect(name, isolation_level=None, timeout=0, uri=name.startswith("file:"))
    # What a damaged schema asks for is not done (sqlite.org/pragma.html#pragma_trusted_schema).
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute("PRAGMA cell_size_check = ON")
    return database


def _check(database: sqlite3.Connection) -> None:
    (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(str(found))


def _digest(peer_id: str, position: int, connected_at: float, endpoints: str, certificate: bytes) -> bytes:
    head = f"{peer_id}\n{position}\n{connected_at!r}\n{endpoints}\n".encode()
    return hashlib.sha256(head + certificate).digest()


def _row(node: CachedNode) -> tuple[str, int, float, str, bytes, bytes]:
    endpoints = " ".join(map(format_address, node.endpoints))
    known = (node.peer_id, node.position, node.connected_at, endpoints, node.certificate)
    return (*known, _digest(*known))


def _node(row: tuple[object, ...]) -> CachedNode | None:
    """The entry of a row; None when it is not what was written."""
    match row:
        case (str(peer_id), int(position), float(connected_at), str(endpoints), bytes(certificate), bytes(digest)):
            pass
        case _:
            return None
    if digest != _digest(peer_id, position, connected_at, endpoints, certificate):
        return None
    try:
        addresses = tuple(map(parse_address, endpoints.split()))
        pinned = leaf_key_untrusted((certificate,)).peer_id
    except ValueError:  # BadCertificate is one
        return None
    if not addresses or pinned != peer_id:
        return None
    return CachedNode(peer_id, position, connected_at, addresses, certificate)
