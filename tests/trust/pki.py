"""CAs and certificates of every kind, made by the tests. Keys are made once a process: RSA's take time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sidecar.identity import Identity

KeyKind = Literal["ed25519", "p256", "p384", "rsa", "rsa1024"]
Key = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)
SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
BOTH = (SERVER, CLIENT)


def key(kind: KeyKind = "p256", number: int = 0) -> Key:
    """A key; another number is another key."""
    return _key(kind, number)


@cache
def _key(kind: KeyKind, number: int) -> Key:
    match kind:
        case "ed25519":
            return Ed25519PrivateKey.generate()
        case "p256":
            return ec.generate_private_key(ec.SECP256R1())
        case "p384":
            return ec.generate_private_key(ec.SECP384R1())
        case "rsa":
            return rsa.generate_private_key(65537, 2048)
        case "rsa1024":
            return rsa.generate_private_key(65537, 1024)


def name(common: str) -> x509.Name:
    """A name of one part."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def key_usage(*, sign: bool = True, ca: bool = False) -> x509.KeyUsage:
    """Digital signatures, or a CA's two usages."""
    return x509.KeyUsage(
        digital_signature=sign, content_commitment=False, key_encipherment=not sign and not ca,
        data_encipherment=False, key_agreement=False, key_cert_sign=ca, crl_sign=ca, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


class CA:
    """One CA: a root, or below another."""

    def __init__(
        self, common: str = "Test root", *, kind: KeyKind = "p256", number: int = 100, above: CA | None = None,
        path_length: int | None = None, begins: dt.datetime = NOW - 400 * DAY, ends: dt.datetime = NOW + 400 * DAY,
        usage: x509.KeyUsage | None = None, is_ca: bool = True, permitted: str | None = None,
        usages: Sequence[x509.ObjectIdentifier] = (),
    ) -> None:  # fmt: skip
        self.common = common
        self.key = key(kind, number)
        self.above = above
        builder = _builder(common, above.common if above else common, self.key, begins, ends)
        builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=path_length), critical=True)
        builder = builder.add_extension(usage or key_usage(sign=False, ca=True), critical=True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False
        )
        signer = above.key if above else self.key
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        if permitted is not None:
            subtree = x509.NameConstraints(permitted_subtrees=[x509.DNSName(permitted)], excluded_subtrees=None)
            builder = builder.add_extension(subtree, critical=True)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        self.certificate = builder.sign(signer, digest(signer))
        self.revoked: list[x509.Certificate] = []

    @property
    def chain(self) -> list[bytes]:
        """The certificates from this CA up to the one below the root."""
        return [] if self.above is None else [der(self.certificate), *self.above.chain]

    def issue(
        self, subject: Key | None = None, *, names: Sequence[str] = ("a.peers.example",),
        begins: dt.datetime = NOW - DAY, ends: dt.datetime = NOW + 30 * DAY,
        usages: Sequence[x509.ObjectIdentifier] = BOTH,
        usage: x509.KeyUsage | None = None, common: str = "a peer", signer: Key | None = None,
        extra: x509.ExtensionType | None = None, alternative: Sequence[x509.GeneralName] = (),
    ) -> x509.Certificate:  # fmt: skip
        """A leaf's certificate. `signer` signs in the CA's name."""
        subject = subject or key()
        builder = _builder(common, self.common, subject, begins, ends)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(usage or key_usage(), critical=True)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False
        )
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        every = [*map(x509.DNSName, names), *alternative]
        if every:
            builder = builder.add_extension(x509.SubjectAlternativeName(every), critical=False)
        if extra is not None:
            builder = builder.add_extension(extra, critical=True)
        signer = signer or self.key
        return builder.sign(signer, digest(signer))

    def crl(
        self, revoked: Sequence[x509.Certificate], *, next_update: dt.datetime = NOW + DAY,
        signer: Key | None = None, extra: x509.ExtensionType | None = None,
    ) -> bytes:  # fmt: skip
        """A revocation list in PEM."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(name(self.common))
            .last_update(NOW - 2 * DAY)
            .next_update(next_update)
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        if extra is not None:
            builder = builder.add_extension(extra, critical=True)
        for each in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(each.serial_number).revocation_date(NOW - DAY)
            builder = builder.add_revoked_certificate(entry.build())
        signer = signer or self.key
        return builder.sign(signer, digest(signer)).public_bytes(Encoding.PEM)

    def member(
        self, number: int = 0, *, kind: KeyKind = "p256", names: Sequence[str] = ("a.peers.example",)
    ) -> Identity:
        """A peer with a certificate of this CA and the chain that goes with it."""
        owner = key(kind, number)
        return Identity(owner, [der(self.issue(owner, names=names)), *self.chain])


def _builder(subject: str, issuer: str, owner: Key, begins: dt.datetime, ends: dt.datetime) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(owner.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def digest(signer: Key) -> SHA256 | None:
    """What a key signs with."""
    return None if isinstance(signer, Ed25519PrivateKey) else SHA256()


def der(certificate: x509.Certificate) -> bytes:
    """DER."""
    return certificate.public_bytes(Encoding.DER)


def pem(*certificates: x509.Certificate | bytes) -> bytes:
    """PEM, one after the other."""
    loaded = [x509.load_der_x509_certificate(each) if isinstance(each, bytes) else each for each in certificates]
    return b"".join(each.public_bytes(Encoding.PEM) for each in loaded)


def key_pem(owner: Key) -> bytes:
    """A key's file."""
    return owner.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def write(path: Path, content: bytes, mode: int = 0o600) -> Path:
    """A file, replaced whole as certificate tools do."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_bytes(content)
    fresh.chmod(mode)
    fresh.replace(path)
    return path
