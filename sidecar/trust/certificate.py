"""One certificate, read once: what the rules of a certification path (RFC 5280 section 6.1) look at.

key of a CA     P-256, P-384, P-521, Ed25519, RSA of 2048 to 4096 bits
key of a leaf   as `sidecar.identity.keys` says
signature by    SHA-256, SHA-384, SHA-512, or Ed25519's own
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtensionOID

from sidecar.identity import MAX_CHAIN_BYTES, MAX_CHAIN_CERTIFICATES
from sidecar.identity.keys import MAX_RSA_BITS, MIN_RSA_BITS
from sidecar.trust.refusal import Refusal, Refused, shown

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_HASHES = (SHA256, SHA384, SHA512)

UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion, x509.DuplicateExtension,
              x509.UnsupportedGeneralNameType)  # fmt: skip
"""What the library raises for certificates that are none."""

UNDERSTOOD = frozenset({
    ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE, ExtensionOID.EXTENDED_KEY_USAGE,
    ExtensionOID.SUBJECT_ALTERNATIVE_NAME, ExtensionOID.NAME_CONSTRAINTS,
})  # fmt: skip
"""Extensions whose rules are applied; any other one that is critical refuses its certificate (RFC 5280 section 4.2)."""

SigningKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | Ed25519PublicKey

Extension = TypeVar("Extension", bound=x509.ExtensionType)


class Certificate:
    """One certificate and its parts. Refused when it cannot be read or has a key of a kind that is not taken."""

    def __init__(self, certificate: x509.Certificate) -> None:
        self.x509 = certificate
        try:
            self.subject = certificate.subject.public_bytes()
            self.issuer = certificate.issuer.public_bytes()
            self.not_before = certificate.not_valid_before_utc
            self.not_after = certificate.not_valid_after_utc
            self.key = _signing(certificate.public_key())
            extensions = certificate.extensions
            self.basic_constraints = _of(extensions, x509.BasicConstraints)
            self.key_usage = _of(extensions, x509.KeyUsage)
            self.extended_key_usage = _of(extensions, x509.ExtendedKeyUsage)
            self.alternative_names = _of(extensions, x509.SubjectAlternativeName)
            self.critical = {each.oid for each in extensions if each.critical}
            self.constrains_names = any(each.oid == ExtensionOID.NAME_CONSTRAINTS for each in extensions)
            self.digest = certificate.signature_hash_algorithm
        except UNREADABLE as error:
            raise Refused(Refusal.MALFORMED, shown(str(error))) from None

    @classmethod
    def parse_untrusted(cls, der: bytes) -> Certificate:
        """The certificate in some DER. Raises Refused."""
        try:
            # What it only warns of, such as serial numbers below 1, RFC 5280 forbids.
            with warnings.catch_warnings():
                warnings.simplefilter("error", CryptographyDeprecationWarning)
                certificate = x509.load_der_x509_certificate(der)
        except (CryptographyDeprecationWarning, *UNREADABLE) as error:
            raise Refused(Refusal.MALFORMED, shown(str(error))) from None
        return cls(certificate)

    @property
    def name(self) -> str:
        """The subject, short enough for a sentence."""
        return shown(self.x509.subject.rfc4514_string() or "a certificate without a subject")

    @property
    def issuer_name(self) -> str:
        """The issuer, likewise."""
        return shown(self.x509.issuer.rfc4514_string() or "an issuer without a name")

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.x509.public_bytes(Encoding.DER)

    @cached_property
    def spki(self) -> bytes:
        """Its key as SubjectPublicKeyInfo in DER."""
        return self.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are one name (RFC 5280 section 3.2)."""
        return self.subject == self.issuer

    @property
    def is_ca(self) -> bool:
        """Whether it may sign certificates (RFC 5280 section 6.1.4 (k) and (n))."""
        if self.basic_constraints is None or not self.basic_constraints.ca:
            return False
        return self.key_usage is None or self.key_usage.key_cert_sign

    @property
    def dns_names(self) -> tuple[str, ...]:
        """The DNS names it is for, in lower case; a common name is none (RFC 9525 section 2)."""
        if self.alternative_names is None:
            return ()
        return tuple(name.lower() for name in self.alternative_names.get_values_for_type(x509.DNSName))

    def issued_by(self, issuer: Certificate) -> bool:
        """Whether the issuer's key has signed it, and the names say the same (RFC 5280 section 6.1.3 (a) (1), (4))."""
        try:
            self.x509.verify_directly_issued_by(issuer.x509)
        except (InvalidSignature, *UNREADABLE):
            return False
        return True

    def judge_digest(self) -> None:
        """Whether its signature still means anything. Raises Refused."""
        if self.digest is not None and not isinstance(self.digest, _HASHES):
            raise Refused(Refusal.SIGNATURE, f"{self.name} is signed over {self.digest.name}, which is broken")

    def judge_time(self, now: datetime) -> None:
        """RFC 5280 section 6.1.3 (a) (2). Raises Refused."""
        if now < self.not_before:
            raise Refused(Refusal.NOT_YET_VALID, f"{self.name} begins {self.not_before:%Y-%m-%dT%H:%M:%SZ}")
        if now > self.not_after:
            raise Refused(Refusal.EXPIRED, f"{self.name} ended {self.not_after:%Y-%m-%dT%H:%M:%SZ}")

    def __repr__(self) -> str:
        return f"Certificate({self.name} by {self.issuer_name})"


def chain_untrusted(chain: Sequence[bytes]) -> list[Certificate]:
    """A chain as it came, leaf first, bounded before anything of it is read. Raises Refused."""
    if not chain:
        raise Refused(Refusal.NO_CERTIFICATE, "the chain is empty")
    if len(chain) > MAX_CHAIN_CERTIFICATES:
        raise Refused(Refusal.TOO_LONG, f"{len(chain)} certificates; at most {MAX_CHAIN_CERTIFICATES} are taken")
    size = sum(map(len, chain))
    if size > MAX_CHAIN_BYTES:
        raise Refused(Refusal.TOO_LONG, f"{size} bytes; at most {MAX_CHAIN_BYTES} are taken")
    return [Certificate.parse_untrusted(der) for der in chain]


def _signing(key: object) -> SigningKey:
    """A key of a kind that is taken. Raises Refused."""
    if isinstance(key, rsa.RSAPublicKey):
        if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise Refused(Refusal.KEY, f"an RSA key of {key.key_size} bits; {MIN_RSA_BITS} to {MAX_RSA_BITS} are taken")
        return key
    if isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, _CURVES):
            raise Refused(Refusal.KEY, f"a key on the curve {key.curve.name}")
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise Refused(Refusal.KEY, f"a key of type {type(key).__name__}")


def _of(extensions: x509.Extensions, kind: type[Extension]) -> Extension | None:
    try:
        return extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
