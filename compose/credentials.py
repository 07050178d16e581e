"""Writes what docker-compose.tls.yml needs into the folder given: a CA, a certificate for the sidecars, the token.

For trying it out. In earnest certificates come from where yours come from, and the token from your secrets.
"""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

OWNER = 65532
DAYS = 30


def name(common: str) -> x509.Name:
    """A distinguished name of one part."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def builder(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    """What both certificates have in common."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=DAYS))
    )


def write(path: Path, content: bytes) -> None:
    """A file that only the sidecar's user may read."""
    path.write_bytes(content)
    path.chmod(0o400)
    os.chown(path, OWNER, OWNER)


def main(folder: Path, hosts: list[str]) -> None:
    """Writes ca.pem, api.pem, api.key and token."""
    if (folder / "token").exists():
        return
    token = os.environ["API_TOKEN"]
    ca_key, api_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = (
        builder("compose CA", "compose CA", ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    api = (
        builder("sidecar API", "compose CA", api_key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    write(folder / "ca.pem", ca.public_bytes(serialization.Encoding.PEM))
    write(folder / "api.pem", api.public_bytes(serialization.Encoding.PEM))
    pkcs8, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    write(folder / "api.key", api_key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    write(folder / "token", token.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
