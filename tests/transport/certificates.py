"""Self-signed certificates, as a sidecar makes them."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

KeyKind = Literal["ed25519", "p256"]


def key_pair(kind: KeyKind = "ed25519", padding: int = 0) -> tuple[bytes, bytes]:
    """A certificate in DER and its key in PKCS8 PEM; `padding` bytes make it longer."""
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey
    if kind == "ed25519":
        key, digest = ed25519.Ed25519PrivateKey.generate(), None
    else:
        key, digest = ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36500))
    )
    if padding:
        filler = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), bytes(padding))
        builder = builder.add_extension(filler, critical=False)
    certificate = builder.sign(key, digest).public_bytes(Encoding.DER)
    return certificate, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
