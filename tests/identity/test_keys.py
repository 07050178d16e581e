"""Keys that came from the network: one is taken, or BadCertificate is raised, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from sidecar.identity import (
    MAX_CHAIN_BYTES,
    MAX_CHAIN_CERTIFICATES,
    BadCertificate,
    Identity,
    leaf_key_untrusted,
    public_key_untrusted,
)

ED25519 = Identity.ephemeral("ed25519")
P256 = Identity.ephemeral("p256")
RSA_2048 = rsa.generate_private_key(65537, 2048)

Issuer = Ed25519PrivateKey | rsa.RSAPrivateKey
Subject = Issuer | ec.EllipticCurvePrivateKey | ed448.Ed448PrivateKey | x25519.X25519PrivateKey | dsa.DSAPrivateKey


def certificate(subject: Subject) -> bytes:
    """A certificate for any key, signed by some other."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(subject.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2030, 1, 1, tzinfo=UTC))
    )
    return builder.sign(Ed25519PrivateKey.generate(), None).public_bytes(Encoding.DER)


def spki(subject: Subject) -> bytes:
    return subject.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize("identity", [ED25519, P256], ids=["ed25519", "p256"])
def test_leaf_and_public_key_name_the_same_peer(identity: Identity) -> None:
    leaf = leaf_key_untrusted([identity.certificate_der])
    assert leaf == public_key_untrusted(identity.spki)
    assert (leaf.spki, leaf.peer_id, leaf.peer_id_bytes) == (identity.spki, identity.peer_id, identity.peer_id_bytes)
    assert repr(leaf) == f"PeerKey({identity.peer_id})"


def test_rsa_signatures_are_pss_with_sha256() -> None:
    key = leaf_key_untrusted([certificate(RSA_2048)])
    pss = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
    assert key.verify(RSA_2048.sign(b"said", pss, SHA256()), b"said")
    assert not key.verify(RSA_2048.sign(b"said", padding.PKCS1v15(), SHA256()), b"said")
    sha512 = padding.PSS(mgf=padding.MGF1(SHA512()), salt_length=64)
    assert not key.verify(RSA_2048.sign(b"said", sha512, SHA512()), b"said")


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        (rsa.generate_private_key(65537, 1024), "RSA key of 1024 bits"),
        (ec.generate_private_key(ec.SECP384R1()), "curve secp384r1"),
        (ec.generate_private_key(ec.SECP256K1()), "curve secp256k1"),
        (ed448.Ed448PrivateKey.generate(), "Ed448"),
        (x25519.X25519PrivateKey.generate(), "X25519"),
        (dsa.generate_private_key(2048), "DSA"),
    ],
    ids=["RSA 1024", "P-384", "secp256k1", "Ed448", "X25519", "DSA"],
)
def test_other_kinds_of_key_are_refused(subject: Subject, why: str) -> None:
    with pytest.raises(BadCertificate, match=why):
        leaf_key_untrusted([certificate(subject)])
    with pytest.raises(BadCertificate, match=why):
        public_key_untrusted(spki(subject))


def test_chain_is_bounded_before_it_is_read() -> None:
    leaf = ED25519.certificate_der
    room = MAX_CHAIN_BYTES - len(leaf)

    with pytest.raises(BadCertificate, match="no certificate"):
        leaf_key_untrusted([])
    assert leaf_key_untrusted([leaf] + [b""] * (MAX_CHAIN_CERTIFICATES - 1)).peer_id == ED25519.peer_id
    with pytest.raises(BadCertificate, match="6 certificates; at most 5"):
        leaf_key_untrusted([leaf] + [b""] * MAX_CHAIN_CERTIFICATES)
    assert leaf_key_untrusted([leaf, bytes(room)]).peer_id == ED25519.peer_id
    with pytest.raises(BadCertificate, match="16385 bytes of certificates; at most 16384"):
        leaf_key_untrusted([leaf, bytes(room + 1)])


def test_a_key_has_one_encoding_and_one_peer_id() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    compressed = private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    # SubjectPublicKeyInfo of id-ecPublicKey, prime256v1 (RFC 5480) around a point of 33 bytes.
    head = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200")
    with pytest.raises(BadCertificate, match="canonical"):
        public_key_untrusted(head + compressed)
    with pytest.raises(BadCertificate):
        public_key_untrusted(spki(private) + b"\0")


def test_oversized_public_key_is_refused_unread() -> None:
    with pytest.raises(BadCertificate, match="1025 bytes of public key"):
        public_key_untrusted(bytes(1025))


@given(st.binary(max_size=600))
@example(b"")
@example(bytes(600))
def test_random_bytes_are_no_key(data: bytes) -> None:
    with pytest.raises(BadCertificate):
        leaf_key_untrusted([data])
    with pytest.raises(BadCertificate):
        public_key_untrusted(data)


@given(st.sampled_from([ED25519, P256]), st.data())
def test_damaged_certificates_raise_nothing_else(identity: Identity, data: st.DataObject) -> None:
    der = bytearray(identity.certificate_der)
    for _ in range(data.draw(st.integers(1, 3))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    try:
        key = leaf_key_untrusted([bytes(der)])
    except BadCertificate:
        return
    key.verify(bytes(64), b"said")


@given(st.sampled_from([ED25519, P256]), st.data())
def test_damaged_public_keys_raise_nothing_else(identity: Identity, data: st.DataObject) -> None:
    der = bytearray(identity.spki)
    der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(der)))
    try:
        key = public_key_untrusted(bytes(der[:cut]))
    except BadCertificate:
        return
    assert key.spki == bytes(der)


@given(st.sampled_from([ED25519, P256]), st.binary(max_size=200))
def test_random_signatures_are_not_the_keys(identity: Identity, signature: bytes) -> None:
    assert not public_key_untrusted(identity.spki).verify(signature, b"said")
