"""Judges for tests: every mode with the CAs of `tests.trust.table`."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from cryptography import x509

from sidecar.trust import Access, Trust, TrustMode
from sidecar.trust.authorities import Authorities
from sidecar.trust.certificate import Certificate
from sidecar.trust.path import Anchors
from sidecar.trust.revocation import RevocationList, Revocations
from tests.trust import table
from tests.trust.pki import CA, NOW


def authorities(*cas: CA, public: bool = False, crls: Iterable[bytes] = ()) -> Authorities:
    """Some CAs and revocation lists."""
    lists = [RevocationList(x509.load_pem_x509_crl(crl), Path("test.crl")) for crl in crls]
    return Authorities(Anchors(Certificate(ca.certificate) for ca in cas), Revocations(lists), public)


def trust_of(mode: TrustMode, *, access: Access | None = None, now: float = NOW.timestamp()) -> Trust:
    """A judge that trusts the table's root."""
    if mode == "unverified":
        return Trust.unverified(access)
    trusted = authorities(table.ROOT, public=mode == "public-ca", crls=[table.CRLS])
    return Trust(mode, access or Access(), trusted, lambda: now)
