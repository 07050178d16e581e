"""Bootstrap contacts: those of the settings, and those that were added and outlast a restart."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterable
from pathlib import Path

from sidecar.addresses import Contact, HostPort
from sidecar.errors import Reason, SettingsError, SidecarError
from sidecar.state import result_code

DATABASE = "state.db"
ADDED_MAX = 1000
SCHEMA = 1
"""`user_version` of the database."""


NOT_WRITABLE = {
    sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN,
}  # fmt: skip
"""Errors that say that nothing can be written, and nothing against what is there."""

_log = logging.getLogger(__name__)


class Contacts:
    """Every contact. Without a directory the added ones are kept in memory."""

    def __init__(self, configured: Iterable[Contact], directory: Path | None) -> None:
        """Opens or makes the database. SettingsError when it cannot be used."""
        self.configured = tuple(dict.fromkeys(configured))
        self._resolved: dict[Contact, tuple[HostPort, ...]] = {}
        self._found: dict[Contact, str] = {}
        path = ":memory:" if directory is None else str(directory / DATABASE)
        try:
            self._added = self._open(path, path)
        except sqlite3.OperationalError as error:
            if result_code(error) not in NOT_WRITABLE or directory is None:
                raise _unusable(path, error) from error
            # A disk that is full or cannot be written costs what it would be told, not the start.
            try:
                self._added = self._open(f"{(directory / DATABASE).absolute().as_uri()}?mode=ro&immutable=1", path)
            except (sqlite3.Error, ValueError):
                raise _unusable(path, error) from error
            _log.warning("%s cannot be written (%s): contacts cannot be added or removed", path, error)
        except (sqlite3.Error, ValueError) as error:
            raise _unusable(path, error) from error

    def _open(self, name: str, path: str) -> dict[str, Contact]:
        self._database = sqlite3.connect(name, isolation_level=None, uri=name.startswith("file:"))
        try:
            return self._read(path)
        except BaseException:
            self._database.close()
            raise

    def _read(self, path: str) -> dict[str, Contact]:
        self._database.execute("PRAGMA journal_mode = WAL")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA:
            raise SettingsError(f"{path} was written by a newer version of the sidecar: run that one")
        if version < SCHEMA:
            self._database.execute("CREATE TABLE IF NOT EXISTS contacts (address TEXT PRIMARY KEY) STRICT")
            self._database.execute(f"PRAGMA user_version = {SCHEMA}")
        rows = self._database.execute("SELECT address FROM contacts ORDER BY address").fetchall()
        return {address: Contact.parse(address) for (address,) in rows}

    def all(self) -> list[tuple[Contact, bool]]:
        """(contact, whether it is configured), by address."""
        found = {str(contact): (contact, False) for contact in self._added.values()}
        found.update({str(contact): (contact, True) for contact in self.configured})
        return [found[address] for address in sorted(found)]

    # what is found where

    def addresses(self, contact: Contact) -> tuple[HostPort, ...]:
        """Where a contact leads; for a name as it was last looked up."""
        return ((contact.host, contact.port),) if contact.is_numeric else self._resolved.get(contact, ())

    def resolved(self, contact: Contact, addresses: list[HostPort]) -> None:
        """A contact's name was looked up."""
        if not contact.is_numeric and (contact in self.configured or str(contact) in self._added):
            self._resolved[contact] = tuple(addresses)

    def found(self, contact: Contact) -> str | None:
        """Who was last found at a contact that names no peer."""
        return self._found.get(contact)

    def found_at(self, contact: Contact, peer_id: str) -> None:
        """A peer was found at a contact."""
        if contact.peer_id is None:
            self._found[contact] = peer_id

    def covering(self, peer_id: str, address: HostPort) -> list[Contact]:
        """The contacts by which a peer at an address is found: they are remembered as such."""
        return [
            contact
            for contact, _ in self.all()
            if contact.peer_id == peer_id or (contact.peer_id is None and address in self.addresses(contact))
        ]

    # adding and removing

    def add(self, contacts: Iterable[Contact]) -> list[Contact]:
        """Adds contacts; those that are known change nothing. Those that are new."""
        known = {str(contact) for contact in self.configured} | self._added.keys()
        fresh = {str(contact): contact for contact in contacts if str(contact) not in known}
        if len(self._added) + len(fresh) > ADDED_MAX:
            raise SidecarError(
                Reason.LIMIT_REACHED,
                f"at most {ADDED_MAX} contacts can be added: remove some",
                metadata={"limit": str(ADDED_MAX)},
            )
        try:
            with self._database:  # all or none
                self._database.execute("BEGIN")
                self._database.executemany("INSERT INTO contacts VALUES (?)", [(address,) for address in fresh])
        except sqlite3.Error as error:
            raise SidecarError(Reason.INTERNAL, f"the contacts could not be written: {error}") from error
        self._added.update(fresh)
        return list(fresh.values())

    def remove(self, contact: Contact) -> None:
        """Removes an added contact."""
        address = str(contact)
        if contact in self.configured:
            raise SidecarError(
                Reason.INVALID_FIELD,
                f"{address} comes from the settings: remove it there",
                fields=(("contact", "comes from the settings"),),
            )
        if address not in self._added:
            raise SidecarError(Reason.CONTACT_UNKNOWN, f"{address} is not among the contacts")
        try:
            self._database.execute("DELETE FROM contacts WHERE address = ?", (address,))
        except sqlite3.Error as error:
            raise SidecarError(Reason.INTERNAL, f"the contact could not be removed: {error}") from error
        del self._added[address]
        self._resolved.pop(contact, None)
        self._found.pop(contact, None)

    def close(self) -> None:
        """Closes the database."""
        self._database.close()


def _unusable(path: str, error: Exception) -> SettingsError:
    return SettingsError(f"{path} cannot be used: {error}; move it away to begin with a new one")
