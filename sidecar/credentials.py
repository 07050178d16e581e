"""What a sidecar has to show, and what it asks of others, as its settings say: its key, its certificates, its judge."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.errors import SettingsError
from sidecar.identity import Identity
from sidecar.settings import Settings
from sidecar.trust import Access, Trust

if TYPE_CHECKING:  # a sidecar that asks no CA does without
    from sidecar.trust.files import Loaded, TrustFiles


@dataclass(frozen=True, slots=True)
class Credentials:
    """See the module. `files` and `loaded` are None where no CA is asked."""

    identity: Identity
    trust: Trust
    files: TrustFiles | None = None
    loaded: Loaded | None = None


def load(settings: Settings, directory: Path | None) -> Credentials:
    """Reads the key, or makes it, and the files of trust. `directory` is the state directory, None without one.

    Raises SettingsError, one line.
    """
    access = Access(settings.allow, directory)
    files = trust_files(settings)
    identity = None if files is None else files.identity()
    if identity is None and directory is not None:
        identity = Identity.load_or_create(directory, settings.key_type)
    identity = identity or Identity.ephemeral(settings.key_type)
    if files is None:
        return Credentials(identity, Trust.unverified(access))
    loaded = files.load(identity, time.time())
    identity.renew(loaded.certificates)
    return Credentials(identity, Trust(files.mode, access, loaded.authorities, time.time), files, loaded)


def check(settings: Settings) -> None:
    """Reads the files of trust, and makes nothing. Raises SettingsError, one line, for what `load` would refuse."""
    files = trust_files(settings)
    if files is None:
        return
    identity = files.identity() or Identity.load(settings.state_dir)
    if identity is None:
        raise SettingsError(
            f"{settings.state_dir} holds no key yet: `sidecar ca request` makes one and asks for --cert"
        )
    files.load(identity, time.time())


def trust_files(settings: Settings) -> TrustFiles | None:
    """Where the files of trust are; None in the mode that has none."""
    if settings.trust == "unverified":
        return None
    from sidecar.trust.files import TrustFiles

    assert settings.cert is not None, "the settings agree"
    return TrustFiles(settings.trust, settings.ca_bundle, settings.cert, settings.key, settings.crl)
