"""A sidecar's own key and what follows from it: its peer id and a certificate.

The key is made at first start and kept in `identity.pem` (PKCS8, mode 0600) of the state directory. Without a CA the
certificate is self-signed and made anew at each start, since only its key counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from sidecar.errors import SettingsError
from sidecar.identity.key_file import create, read
from sidecar.identity.keys import MAX_RSA_BITS, MIN_RSA_BITS
from sidecar.identity.peer_id import parse_peer_id, peer_id_of

KEY_FILE = "identity.pem"
"""The key's file in the state directory."""

KeyType = Literal["ed25519", "p256"]
PrivateKey = Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

_NOT_BEFORE = datetime(2020, 1, 1, tzinfo=UTC)
"""Long past, so that a wrong clock on either side refuses nobody."""

_NOT_AFTER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""No end: the value RFC 5280 section 4.1.2.5 reserves for that."""


class Identity:
    """A private key, its peer id and the certificates that show it."""

    def __init__(self, key: PrivateKey, certificates: Sequence[bytes] = ()) -> None:
        """`certificates` are a CA's word for the key, as in `renew`; without them one is signed by the key itself."""
        self._key = key
        self.spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        """The public key as SubjectPublicKeyInfo in DER."""
        self.peer_id = peer_id_of(self.spki)
        """Who this sidecar is."""
        self.peer_id_bytes = parse_peer_id(self.peer_id)
        """The 32 bytes of `peer_id`."""
        self.private_key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        """The key in PKCS8, unencrypted: a secret."""
        self.certificates = tuple(certificates) or (_self_signed(key, self.peer_id),)
        """The chain that is shown to peers, in DER, leaf first."""

    @classmethod
    def ephemeral(cls, key_type: KeyType = "ed25519") -> Identity:
        """A new identity that is kept nowhere."""
        return cls(_new_key(key_type))

    @classmethod
    def load(cls, directory: Path) -> Identity | None:
        """The identity kept in a state directory; None when there is none yet.

        Raises SettingsError like `load_or_create`.
        """
        path = directory / KEY_FILE
        pem = read(path)
        return None if pem is None else cls(_parse_key(pem, path))

    @classmethod
    def load_or_create(cls, directory: Path, key_type: KeyType = "ed25519") -> Identity:
        """The identity kept in a state directory, made there on the first call; `key_type` is for that one alone.

        Raises SettingsError when the file may not be trusted (mode, owner, kind), holds no Ed25519 or P-256 key, or
        cannot be read or written.
        """
        identity = cls.load(directory)
        if identity is not None:
            return identity
        made = cls(_new_key(key_type))
        if create(directory / KEY_FILE, made.private_key_pem):
            return made
        # Another process made one between the two calls: that one counts.
        return cls.load_or_create(directory, key_type)

    @property
    def certificate_der(self) -> bytes:
        """The leaf of `certificates`; where no CA has signed it, its common name and DNS name are the peer id."""
        return self.certificates[0]

    def renew(self, certificates: Sequence[bytes]) -> None:
        """Shows another chain from now on; its leaf is for the same key, which is for the caller to see to."""
        self.certificates = tuple(certificates)

    def certificate_request(self, names: Sequence[str]) -> bytes:
        """A request for a certificate for this key (PKCS10), PEM, with the DNS names that are wanted."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.peer_id)])
        builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
        if names:
            wanted = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
            builder = builder.add_extension(wanted, critical=False)
        digest = None if isinstance(self._key, Ed25519PrivateKey) else SHA256()
        return builder.sign(self._key, digest).public_bytes(Encoding.PEM)

    def sign(self, data: bytes) -> bytes:
        """A signature that `PeerKey.verify` of this key accepts."""
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(data)
        if isinstance(self._key, rsa.RSAPrivateKey):
            pss = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=SHA256.digest_size)
            return self._key.sign(data, pss, SHA256())
        return self._key.sign(data, ec.ECDSA(SHA256()))

    def __repr__(self) -> str:
        return f"Identity({self.peer_id})"


def _new_key(key_type: KeyType) -> PrivateKey:
    return Ed25519PrivateKey.generate() if key_type == "ed25519" else ec.generate_private_key(ec.SECP256R1())


def _parse_key(pem: bytes, path: Path) -> PrivateKey:
    return parse_private_key(pem, str(path), "restore it from a backup, or remove it to become a new peer")


def parse_private_key(pem: bytes, path: str, advice: str) -> PrivateKey:
    """The private key in a PEM file. SettingsError, which ends with `advice`, for what is none a peer may have."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError(f"{path} does not hold a PKCS8 private key in PEM; {advice}") from None
    except TypeError:
        raise SettingsError(f"{path} holds an encrypted private key, which cannot be used; {advice}") from None
    if isinstance(key, Ed25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, rsa.RSAPrivateKey) and MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        return key
    raise SettingsError(
        f"{path} holds a key that is neither Ed25519 nor P-256, nor RSA of {MIN_RSA_BITS} to {MAX_RSA_BITS} bits; "
        f"{advice}"
    )


def _self_signed(key: PrivateKey, peer_id: str) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, peer_id)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOT_BEFORE)
        .not_valid_after(_NOT_AFTER)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(peer_id)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    certificate = builder.sign(key, None if isinstance(key, Ed25519PrivateKey) else SHA256())
    return certificate.public_bytes(Encoding.DER)
