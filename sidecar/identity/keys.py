"""Others' keys: taken from a certificate chain or a SubjectPublicKeyInfo that came from the network.

Who holds a key is all that is judged here; names, dates and issuers are not.

    key             signature
    Ed25519         RFC 8032
    ECDSA P-256     with SHA-256, DER-encoded (RFC 3279 section 2.2.3)
    RSA 2048-4096   RSASSA-PSS with SHA-256, MGF1 with SHA-256 and a salt of 32 bytes (RFC 8446 section 4.2.3)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from sidecar.identity.peer_id import parse_peer_id, peer_id_of

MAX_CHAIN_CERTIFICATES = 5
"""More certificates than this are refused unread."""

MAX_CHAIN_BYTES = 16 << 10
"""More bytes than this, over all certificates of a chain, are refused unread."""

MAX_SPKI_BYTES = 1024
"""A SubjectPublicKeyInfo of RSA 4096 has 550 bytes."""

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 4096

SupportedKey = Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class BadCertificate(ValueError):
    """What came from the network holds no key this sidecar accepts; the text says why."""


class PeerKey:
    """A public key of another peer."""

    def __init__(self, key: SupportedKey) -> None:
        self._key = key
        self.spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        """The key as SubjectPublicKeyInfo in DER, in the one encoding that DER and RFC 5480 section 2.2 (uncompressed
        point) give it, so that no key has two peer ids."""

    @cached_property
    def peer_id(self) -> str:
        """The peer id this key proves."""
        return peer_id_of(self.spki)

    @cached_property
    def peer_id_bytes(self) -> bytes:
        """The 32 bytes of `peer_id`."""
        return parse_peer_id(self.peer_id)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Whether `signature` over `data` is this key's."""
        try:
            if isinstance(self._key, Ed25519PublicKey):
                self._key.verify(signature, data)
            elif isinstance(self._key, ec.EllipticCurvePublicKey):
                self._key.verify(signature, data, ec.ECDSA(SHA256()))
            else:
                pss = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=SHA256.digest_size)
                self._key.verify(signature, data, pss, SHA256())
        except InvalidSignature:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PeerKey) and self.spki == other.spki

    def __hash__(self) -> int:
        return hash(self.spki)

    def __repr__(self) -> str:
        return f"PeerKey({self.peer_id})"


def leaf_key_untrusted(chain: Sequence[bytes]) -> PeerKey:
    """The key of the first of some DER certificates. The others are bounded, and not read.

    Raises BadCertificate for no certificate, more than `MAX_CHAIN_CERTIFICATES`, more than `MAX_CHAIN_BYTES` in all, a
    leaf that is no certificate, and a key of another kind.
    """
    if not chain:
        raise BadCertificate("no certificate")
    if len(chain) > MAX_CHAIN_CERTIFICATES:
        raise BadCertificate(f"{len(chain)} certificates; at most {MAX_CHAIN_CERTIFICATES} are taken")
    size = sum(map(len, chain))
    if size > MAX_CHAIN_BYTES:
        raise BadCertificate(f"{size} bytes of certificates; at most {MAX_CHAIN_BYTES} are taken")
    try:
        key = x509.load_der_x509_certificate(chain[0]).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise BadCertificate(f"the leaf is no certificate with a usable key: {error}") from None
    return PeerKey(_supported(key))


def public_key_untrusted(spki: bytes) -> PeerKey:
    """The key in a SubjectPublicKeyInfo. Raises BadCertificate when it is none, of another kind, or not encoded as
    `PeerKey.spki` would be."""
    if len(spki) > MAX_SPKI_BYTES:
        raise BadCertificate(f"{len(spki)} bytes of public key; at most {MAX_SPKI_BYTES} are taken")
    try:
        key = load_der_public_key(spki)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadCertificate(f"no public key: {error}") from None
    peer = PeerKey(_supported(key))
    if peer.spki != spki:
        raise BadCertificate("the public key is not in its canonical encoding")
    return peer


def _supported(key: object) -> SupportedKey:
    if isinstance(key, Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, ec.SECP256R1):
            raise BadCertificate(f"a key on the curve {key.curve.name}; Ed25519, P-256 and RSA are taken")
        return key
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise BadCertificate(f"an RSA key of {key.key_size} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are taken")
        return key
    raise BadCertificate(f"a key of type {type(key).__name__}; Ed25519, P-256 and RSA are taken")
