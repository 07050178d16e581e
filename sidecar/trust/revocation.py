"""Certificate revocation lists (RFC 5280 section 5): loaded whole from files, looked up by issuer and serial number.

A list that is past its next update goes on being obeyed: what it revokes stays revoked, and its age is told. It comes
from the operator's own disk, where nobody on the network can hold a newer one back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import ExtensionOID

from sidecar.errors import SettingsError
from sidecar.trust import pem
from sidecar.trust.certificate import UNREADABLE, Certificate
from sidecar.trust.path import Anchors
from sidecar.trust.refusal import Refusal, Refused

_UNDERSTOOD = frozenset({ExtensionOID.CRL_NUMBER, ExtensionOID.AUTHORITY_KEY_IDENTIFIER})
_BEGIN, _END = b"-----BEGIN X509 CRL-----", b"-----END X509 CRL-----"


class RevocationList:
    """One list. SettingsError when it holds only a part of what is revoked: a delta, or one of some scope."""

    def __init__(self, crl: x509.CertificateRevocationList, path: Path) -> None:
        self.issuer = crl.issuer.public_bytes()
        self.issuer_name = crl.issuer.rfc4514_string()
        self.next_update = crl.next_update_utc
        self.path = path
        self._crl = crl
        self._serials = {revoked.serial_number: revoked.revocation_date_utc for revoked in crl}
        self._signed_by: dict[bytes, bool] = {}
        for extension in crl.extensions:
            if extension.critical and extension.oid not in _UNDERSTOOD:
                raise SettingsError(
                    f"--crl {path}: the list of {self.issuer_name} has the critical extension "
                    f"{extension.oid.dotted_string}: give one that is complete"
                )

    def __len__(self) -> int:
        return len(self._serials)

    def is_by(self, issuer: Certificate) -> bool:
        """Whether a CA has signed this list, and may (RFC 5280 section 6.3.3 (f), (g))."""
        if issuer.subject != self.issuer or (issuer.key_usage is not None and not issuer.key_usage.crl_sign):
            return False
        found = self._signed_by.get(issuer.spki)
        if found is None:
            found = self._signed_by[issuer.spki] = self._crl.is_signature_valid(issuer.key)
        return found

    def revoked_at(self, certificate: Certificate) -> datetime | None:
        """Since when a certificate of the list's issuer is revoked; None when it is not."""
        return self._serials.get(certificate.x509.serial_number)


class Revocations:
    """All lists."""

    def __init__(self, lists: Iterable[RevocationList] = ()) -> None:
        self.lists = tuple(lists)

    @classmethod
    def load(cls, paths: Sequence[Path], anchors: Anchors) -> Revocations:
        """The lists of some files, PEM (any number in a file) or DER. SettingsError when one cannot be read, or names a
        trusted CA as its issuer that has not signed it."""
        lists = [each for path in paths for each in _parse(pem.read(path, "--crl"), path)]
        for each in lists:
            issuers = anchors.named(each.issuer)
            if issuers and not any(each.is_by(issuer) for issuer in issuers):
                raise SettingsError(
                    f"--crl {each.path}: the list is not signed by {each.issuer_name}, whose it says it is"
                )
        return cls(lists)

    def judge(self, path: Sequence[Certificate]) -> None:
        """Whether nothing of a path is revoked, each by its issuer's list (RFC 5280 section 6.3.3). Raises Refused."""
        if not self.lists:
            return
        for certificate, issuer in pairwise(path):
            for each in self.lists:
                if each.is_by(issuer) and (when := each.revoked_at(certificate)) is not None:
                    raise Refused(Refusal.REVOKED, f"{certificate.name} on {when:%Y-%m-%d}")

    @property
    def next_update(self) -> datetime | None:
        """When the first of the lists is due to be replaced; None when none says."""
        return min((each.next_update for each in self.lists if each.next_update is not None), default=None)


def _parse(content: bytes, path: Path) -> list[RevocationList]:
    try:
        if _BEGIN not in content:
            return [RevocationList(x509.load_der_x509_crl(content), path)]
        parts = content.split(_BEGIN)[1:]
        return [RevocationList(x509.load_pem_x509_crl(_BEGIN + part.split(_END)[0] + _END), path) for part in parts]
    except UNREADABLE:
        raise SettingsError(f"--crl {path} holds no revocation list in PEM or DER") from None
