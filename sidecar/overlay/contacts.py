"""Bootstrap contacts: those of the settings, and those that were added and outlast a restart."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path

from sidecar.addresses import Contact
from sidecar.errors import Reason, SettingsError, SidecarError

DATABASE = "state.db"
ADDED_MAX = 1000
SCHEMA = 1
"""`user_version` of the database."""


class Contacts:
    """Every contact. Without a directory the added ones are kept in memory."""

    def __init__(self, configured: Iterable[Contact], directory: Path | None) -> None:
        """Opens or makes the database. SettingsError when it cannot be used."""
        self.configured = tuple(dict.fromkeys(configured))
        path = ":memory:" if directory is None else str(directory / DATABASE)
        try:
            self._database = sqlite3.connect(path, isolation_level=None)
            try:
                self._added = self._read(path)
            except BaseException:
                self._database.close()
                raise
        except (sqlite3.Error, ValueError) as error:
            raise SettingsError(f"{path} cannot be used: {error}; move it away to begin with a new one") from error

    def _read(self, path: str) -> dict[str, Contact]:
        self._database.execute("PRAGMA journal_mode = WAL")
        (version,) = self._database.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA:
            raise SettingsError(f"{path} was written by a newer version of the sidecar: run that one")
        self._database.execute("CREATE TABLE IF NOT EXISTS contacts (address TEXT PRIMARY KEY) STRICT")
        self._database.execute(f"PRAGMA user_version = {SCHEMA}")
        rows = self._database.execute("SELECT address FROM contacts ORDER BY address").fetchall()
        return {address: Contact.parse(address) for (address,) in rows}

    def all(self) -> list[tuple[Contact, bool]]:
        """(contact, whether it is configured), by address."""
        found = {str(contact): (contact, False) for contact in self._added.values()}
        found.update({str(contact): (contact, True) for contact in self.configured})
        return [found[address] for address in sorted(found)]

    def add(self, contacts: Iterable[Contact]) -> None:
        """Adds contacts; those that are known change nothing."""
        known = {str(contact) for contact in self.configured} | self._added.keys()
        fresh = {str(contact): contact for contact in contacts if str(contact) not in known}
        if len(self._added) + len(fresh) > ADDED_MAX:
            raise SidecarError(
                Reason.LIMIT_REACHED,
                f"at most {ADDED_MAX} contacts can be added: remove some",
                metadata={"limit": str(ADDED_MAX)},
            )
        try:
            self._database.execute("BEGIN")
            try:
                self._database.executemany("INSERT INTO contacts VALUES (?)", [(address,) for address in fresh])
            finally:
                self._database.execute("COMMIT")
        except sqlite3.Error as error:
            raise SidecarError(Reason.INTERNAL, f"the contacts could not be written: {error}") from error
        self._added.update(fresh)

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

    def close(self) -> None:
        """Closes the database."""
        self._database.close()
