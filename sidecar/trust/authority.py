"""A CA of the operator's own, in a directory: its key, its certificate, its revocation list, and what it has issued.

    ca.key       the private key, PKCS8 PEM, mode 0600: whoever has it decides who is a peer
    ca.crt       its certificate, for `--ca-bundle`; those above it follow where it is an intermediate CA's
    ca.crl       its revocation list, for `--crl`; it is the record of what is revoked
    issued/      every certificate it has issued, by serial number

It signs for keys that are made where they are used: a request comes in, a certificate goes out.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.types import (
    CertificateIssuerPublicKeyTypes,
    CertificatePublicKeyTypes,
)
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sidecar.errors import SettingsError
from sidecar.identity import BadCertificate, PrivateKey, public_key_untrusted
from sidecar.identity.peer_id import peer_id_of
from sidecar.trust import pem
from sidecar.trust.certificate import UNREADABLE

KEY_FILE, CERTIFICATE_FILE, REVOCATION_FILE, ISSUED = "ca.key", "ca.crt", "ca.crl", "issued"

CaKeyType = Literal["p256", "p384", "ed25519", "rsa"]

SKEW = timedelta(minutes=5)
"""A certificate begins that long ago, for clocks that disagree."""

MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class Issued:
    """One certificate that the CA has issued."""

    certificate: x509.Certificate
    peer_id: str
    revoked: datetime | None

    @property
    def serial(self) -> str:
        """The serial number as it is printed."""
        return serial_text(self.certificate)


class Authority:
    """A CA that is there. SettingsError, one line, for everything that is wrong with its files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        content = pem.read(directory / KEY_FILE, "--ca", secret=True)
        try:
            key = load_pem_private_key(content, password=None)
        except (ValueError, TypeError):
            raise SettingsError(f"--ca {directory / KEY_FILE} holds no unencrypted private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise SettingsError(f"--ca {directory / KEY_FILE} holds a key that signs no certificates here")
        self.key: PrivateKey = key
        """Whoever has it decides who is a peer."""
        path = directory / CERTIFICATE_FILE
        self.chain = pem.certificates(pem.read(path, "--ca"), path, "--ca")
        """Its own certificate, then those above it up to the root."""
        self.certificate = self.chain[0]
        spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        if self.certificate.spki != spki:
            raise SettingsError(f"--ca {directory}: {CERTIFICATE_FILE} is not for the key in {KEY_FILE}")

    @classmethod
    def init(
        cls, directory: Path, name: str, *, key_type: CaKeyType, days: int, now: datetime, above: Authority | None,
    ) -> Authority:  # fmt: skip
        """Makes one: a root, or an intermediate CA below another. An intermediate one has none below it."""
        if not name or len(name) > 64:  # ub-common-name of RFC 5280, appendix A.1
            raise SettingsError(f"a CA's name has 1 to 64 characters, not {len(name)}")
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(f"cannot make {directory}: {error.strerror}") from None
        if (directory / KEY_FILE).exists():
            raise SettingsError(f"{directory} has a CA already: name another directory")
        key = _new_key(key_type)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        ends = now + timedelta(days=days)
        if above is None:
            issuer, signer, path_length = subject, key, 1
        else:
            constraints = above.certificate.basic_constraints
            if constraints is not None and constraints.path_length == 0:
                raise SettingsError(f"--issuer {above.directory} is an intermediate CA, which has none below it")
            issuer, signer, path_length = above.certificate.x509.subject, above.key, 0
            ends = min(ends, above.certificate.not_after)
        builder = _builder(subject, issuer, key.public_key(), now - SKEW, ends)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        builder = builder.add_extension(_usage(ca=True), critical=True)
        certificate = _signed(_identified(builder, key.public_key(), signer.public_key()), signer)
        _write(directory / KEY_FILE, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
        higher = () if above is None else [each.x509 for each in above.chain]
        _write(directory / CERTIFICATE_FILE, _pem(certificate, *higher), 0o644)
        (directory / ISSUED).mkdir(mode=0o700, exist_ok=True)
        made = cls(directory)
        made.revoke((), now=now, days=min(days, 365))
        return made

    def issue(self, request: bytes, *, names: Sequence[str] | None, days: int, now: datetime) -> tuple[Issued, bytes]:
        """A certificate for a request (PKCS10, PEM), and the chain to give to its peer: that certificate and every
        intermediate CA's, PEM. `names` take the place of the DNS names that the request asks for. It is for both sides
        of a connection, and for the peer id as a name."""
        try:
            csr = x509.load_pem_x509_csr(request)
            key = csr.public_key()
            asked = _asked_names(csr)
            valid = csr.is_signature_valid
        except UNREADABLE:
            raise SettingsError("this is no certificate request in PEM: make one with `sidecar ca request`") from None
        if not valid:
            raise SettingsError("the request is not signed with the key that it is for")
        spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        try:
            public_key_untrusted(spki)
        except BadCertificate as error:
            raise SettingsError(f"the request is for {error}") from None
        ends = now + timedelta(days=days)
        if ends > self.certificate.not_after:
            raise SettingsError(
                f"the CA itself ends {self.certificate.not_after:%Y-%m-%d}: give fewer --days, or make a new CA"
            )
        peer_id = peer_id_of(spki)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, peer_id)])
        wanted = dict.fromkeys([*(asked if names is None else names), peer_id])
        builder = _builder(subject, self.certificate.x509.subject, key, now - SKEW, ends)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(ca=False), critical=True)
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in wanted]), False)
        certificate = _signed(_identified(builder, key, self.key.public_key()), self.key)
        issued = Issued(certificate, peer_id, None)
        _write(self.directory / ISSUED / f"{issued.serial}.crt", _pem(certificate), 0o644)
        between = [each.x509 for each in self.chain if not each.self_issued]
        return issued, _pem(certificate, *between)

    def issued(self) -> Iterator[Issued]:
        """Everything it has issued, by file name."""
        revoked = self._revoked()
        for path in sorted((self.directory / ISSUED).glob("*.crt")):
            (certificate,) = pem.loaded(pem.read(path, "--ca"), path, "--ca")[:1]
            key = certificate.public_key()
            peer_id = peer_id_of(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
            yield Issued(certificate, peer_id, revoked.get(certificate.serial_number))

    def find(self, text: str) -> list[Issued]:
        """Those that a serial number, a peer id, a file or a certificate's file names. SettingsError for none."""
        if Path(text).is_file():
            path = Path(text)
            wanted = {each.serial_number for each in pem.loaded(pem.read(path, "CERTIFICATE"), path, "CERTIFICATE")[:1]}
            found = [each for each in self.issued() if each.certificate.serial_number in wanted]
        else:
            found = [each for each in self.issued() if text.lower() in (each.serial, each.peer_id)]
        if not found:
            raise SettingsError(f"{self.directory} has issued no certificate {text!r}: see `sidecar ca show`")
        return found

    def revoke(self, certificates: Sequence[x509.Certificate], *, now: datetime, days: int) -> int:
        """Writes a new list, with these certificates added: how many it has. Without any it is the former one, good
        for `days` more."""
        revoked = self._revoked()
        for certificate in certificates:
            revoked.setdefault(certificate.serial_number, now)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.x509.subject)
            .last_update(now)
            .next_update(now + timedelta(days=days))
            .add_extension(x509.CRLNumber(self._list_number() + 1), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        for serial, when in revoked.items():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
            builder = builder.add_revoked_certificate(entry.build())
        signed = builder.sign(self.key, _digest(self.key))
        _write(self.directory / REVOCATION_FILE, signed.public_bytes(Encoding.PEM), 0o644)
        return len(revoked)

    def revocations(self) -> x509.CertificateRevocationList | None:
        """The list as it is; None before the first."""
        path = self.directory / REVOCATION_FILE
        if not path.exists():
            return None
        try:
            found = x509.load_pem_x509_crl(pem.read(path, "--ca"))
        except UNREADABLE:
            raise SettingsError(f"--ca {path} holds no revocation list in PEM") from None
        if not found.is_signature_valid(self.certificate.key):
            raise SettingsError(f"--ca {path} is not signed by this CA: restore it, lest what it revoked be forgotten")
        return found

    def _revoked(self) -> dict[int, datetime]:
        found = self.revocations()
        return {} if found is None else {each.serial_number: each.revocation_date_utc for each in found}

    def _list_number(self) -> int:
        found = self.revocations()
        return 0 if found is None else found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def serial_text(certificate: x509.Certificate) -> str:
    """A serial number as it is printed."""
    return f"{certificate.serial_number:040x}"


def utc_now() -> datetime:
    """The wall clock to the second, as certificates count."""
    return datetime.now(UTC).replace(microsecond=0)


def _asked_names(csr: x509.CertificateSigningRequest) -> list[str]:
    try:
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    asked = names.get_values_for_type(x509.DNSName)
    if len(asked) > MOST_NAMES:
        raise SettingsError(f"the request asks for {len(asked)} names; at most {MOST_NAMES} are given")
    return asked


def _new_key(key_type: CaKeyType) -> PrivateKey:
    match key_type:
        case "p256":
            return ec.generate_private_key(ec.SECP256R1())
        case "p384":
            return ec.generate_private_key(ec.SECP384R1())
        case "rsa":
            return rsa.generate_private_key(65537, 3072)
        case "ed25519":
            return Ed25519PrivateKey.generate()


def _builder(
    subject: x509.Name, issuer: x509.Name, key: CertificatePublicKeyTypes, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _identified(
    builder: x509.CertificateBuilder, key: CertificatePublicKeyTypes, issuer: CertificateIssuerPublicKeyTypes
) -> x509.CertificateBuilder:
    """Key identifiers (RFC 5280 sections 4.2.1.1 and 4.2.1.2)."""
    return builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    """A CA signs certificates and lists, a peer its handshakes, and neither anything else."""
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _signed(builder: x509.CertificateBuilder, key: PrivateKey) -> x509.Certificate:
    return builder.sign(key, _digest(key))


def _digest(key: PrivateKey) -> SHA256 | SHA384 | None:
    if isinstance(key, Ed25519PrivateKey):
        return None
    return SHA384() if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.key_size > 256 else SHA256()


def _pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in certificates)


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replaces a file whole."""
    try:
        with tempfile.NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent, delete=False) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).chmod(mode)
        Path(file.name).replace(path)
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}") from None
