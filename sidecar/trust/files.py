"""The files that trust by CA is made of: CAs, own certificates and key, revocation lists. Loaded at the start, and
again when one has changed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from sidecar.errors import SettingsError
from sidecar.identity import Identity, parse_private_key
from sidecar.trust import pem
from sidecar.trust.authorities import Authorities
from sidecar.trust.certificate import Certificate, chain_untrusted
from sidecar.trust.path import Anchors, Purpose
from sidecar.trust.refusal import Refused
from sidecar.trust.revocation import Revocations
from sidecar.trust.trust import TrustMode

_KEY_ADVICE = "give one that is"

Stamp = tuple[tuple[int, int, int] | None, ...]
"""What tells whether files have changed: of each its inode, size and time of change; None where it cannot be seen."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the files say now."""

    authorities: Authorities
    certificates: tuple[bytes, ...]
    """The own chain, in DER, leaf first."""
    path: tuple[Certificate, ...]
    """The own leaf's path to a trusted CA."""

    @property
    def weakest(self) -> Certificate:
        """The certificate of the own path that expires first."""
        return min(self.path, key=lambda each: each.not_after)


@dataclass(frozen=True, slots=True)
class TrustFiles:
    """Where they are."""

    mode: TrustMode
    bundle: Path | None
    """The CAs; None, in public-ca, for those of certifi."""
    cert: Path
    key: Path | None
    """None for the key in the state directory."""
    crl: tuple[Path, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        return tuple(path for path in (self.bundle, self.cert, self.key, *self.crl) if path is not None)

    def stamp(self) -> Stamp:
        """See Stamp."""
        return tuple(map(_stamp, self.paths))

    def identity(self) -> Identity | None:
        """Whose key `--key` holds; None when the one in the state directory is meant. SettingsError."""
        if self.key is None:
            return None
        return private_key(self.key)

    def load(self, identity: Identity, now: float) -> Loaded:
        """Reads everything, as of `now`, in seconds since 1970. SettingsError, one line, when something is missing or
        wrong, and when the key is another than the identity's, or the certificate another's, or no peer with these
        files would let this one in."""
        own = self.identity()
        if own is not None and own.spki != identity.spki:
            raise SettingsError(
                f"--key {self.key} holds another key than the one in use: a key is who a sidecar is, so stop it and "
                "start it anew to be that peer"
            )
        authorities = self._authorities()
        flag = f"--cert {self.cert}"
        certificates = [
            each.public_bytes(Encoding.DER) for each in pem.loaded(pem.read(self.cert, "--cert"), self.cert, "--cert")
        ]
        try:
            chain = chain_untrusted(certificates)
            if chain[0].spki != identity.spki:
                raise SettingsError(
                    f"{flag}: the first certificate is for another key than {self.key or 'the one in use'}: renew it "
                    "with the same key, and put the sidecar's own certificate first"
                )
            path = authorities.judge(chain, Purpose.EITHER, datetime.fromtimestamp(now, UTC))
        except Refused as refused:
            raise SettingsError(f"{flag} would be refused by peers with the same CAs: {refused}") from None
        return Loaded(authorities, tuple(certificates), tuple(path))

    def _authorities(self) -> Authorities:
        public = self.mode == "public-ca"
        if self.bundle is None:
            anchors = Anchors(_public_cas())
        else:
            content = pem.read(self.bundle, "--ca-bundle")
            anchors = Anchors(_taken(content, self.bundle) if public else _cas(content, self.bundle))
        return Authorities(anchors, Revocations.load(self.crl, anchors), public)


def private_key(path: Path) -> Identity:
    """Whose key a file holds. SettingsError."""
    content = pem.read(path, "--key", secret=True)
    return Identity(parse_private_key(content, f"--key {path}", _KEY_ADVICE))


def _cas(content: bytes, bundle: Path) -> Sequence[Certificate]:
    found = pem.certificates(content, bundle, "--ca-bundle")
    for each in found:
        if not each.is_ca:
            raise SettingsError(f"--ca-bundle {bundle}: {each.name} is no CA: give the CA's certificate, not a peer's")
    return found


def _taken(content: bytes, bundle: Path) -> Sequence[Certificate]:
    """Those of a bundle of public CAs whose keys are taken here: some of its CAs may be older than that."""
    found = []
    for block in pem.blocks(content):
        try:
            found.append(Certificate.parse_untrusted(block))
        except Refused:
            continue
    if not found:
        raise SettingsError(f"--ca-bundle {bundle} holds no CA whose key is taken here")
    return found


@cache
def _public_cas() -> Sequence[Certificate]:
    # Here and not above: a sidecar of another mode does without.
    import certifi

    bundle = Path(certifi.where())
    return _taken(pem.read(bundle, "--ca-bundle"), bundle)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - follows links, as mounted secrets are
    except OSError:
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
