"""Certification paths: from a leaf to a trusted CA, and the rules that hold along one (RFC 5280 section 6.1).

A path is a list, the leaf first, the trusted CA last. Its rules are judged here, so that a refusal has a reason both
sides understand; then `cryptography.x509.verification` has to agree, wherever it knows the keys: it takes no CA with an
Ed25519 key, and has no word on which usages a peer of ours needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, Policy, PolicyBuilder, Store, VerificationError

from sidecar.trust.certificate import UNDERSTOOD, Certificate
from sidecar.trust.refusal import Refusal, Refused, shown

SIGNATURES_MAX = 16
"""Signatures checked in the search of a path: chains of five can be made to branch at every step."""


class Purpose(Enum):
    """What a leaf has to be for; the value is the set of usages of which one is enough (RFC 5280 section 4.2.1.12)."""

    ACCEPTOR = frozenset({ExtendedKeyUsageOID.SERVER_AUTH})
    DIALLER = frozenset({ExtendedKeyUsageOID.CLIENT_AUTH})
    EITHER = frozenset({ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH})


_USAGE_NAMES = {ExtendedKeyUsageOID.SERVER_AUTH: "serverAuth", ExtendedKeyUsageOID.CLIENT_AUTH: "clientAuth"}


class Anchors:
    """The CAs that are trusted, by name."""

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        self.certificates = tuple(certificates)
        self._by_subject: dict[bytes, list[Certificate]] = {}
        for certificate in self.certificates:
            self._by_subject.setdefault(certificate.subject, []).append(certificate)

    def named(self, subject: bytes) -> Sequence[Certificate]:
        """Those of a name: one, or several where a CA has changed its key."""
        return self._by_subject.get(subject, ())

    def __contains__(self, certificate: Certificate) -> bool:
        return any(each.x509 == certificate.x509 for each in self.named(certificate.subject))


def find(chain: Sequence[Certificate], anchors: Anchors) -> Iterator[list[Certificate]]:
    """Every path from the first of `chain` to one of `anchors`, over the others of `chain` in whatever order they
    came. Raises Refused, when there is none, for what is missing."""
    search = _Search(chain, anchors)
    yield from search.paths([chain[0]])
    if not search.found:
        raise search.refusal()


class _Search:
    """The search of paths, depth first."""

    def __init__(self, chain: Sequence[Certificate], anchors: Anchors) -> None:
        self.found = False
        self._leaf = chain[0]
        self._between = [each for each in chain[1:] if each not in anchors]
        self._anchors = anchors
        self._signatures = 0
        self._farthest = [chain[0]]
        self._forged: Certificate | None = None

    def paths(self, path: list[Certificate]) -> Iterator[list[Certificate]]:
        if len(path) > len(self._farthest):
            self._farthest = path
        last = path[-1]
        for anchor in self._anchors.named(last.issuer):
            if self._issued(last, anchor):
                self.found = True
                yield [*path, anchor]
        for issuer in self._between:
            if issuer.subject == last.issuer and issuer not in path and self._issued(last, issuer):
                yield from self.paths([*path, issuer])

    def _issued(self, certificate: Certificate, issuer: Certificate) -> bool:
        self._signatures += 1
        if self._signatures > SIGNATURES_MAX:
            return False
        issued = certificate.issued_by(issuer)
        if not issued:
            self._forged = certificate
        return issued

    def refusal(self) -> Refused:
        """Why there is no path."""
        leaf, last = self._leaf, self._farthest[-1]
        if self._forged is not None:
            return Refused(Refusal.SIGNATURE, f"the one on {self._forged.name} is not by {self._forged.issuer_name}")
        if leaf.self_issued:
            return Refused(Refusal.SELF_SIGNED, f"{leaf.name} is issued by itself, not by a CA")
        if last.self_issued:
            return Refused(Refusal.UNKNOWN_ISSUER, f"{last.name} is not trusted here")
        return Refused(Refusal.UNKNOWN_ISSUER, f"{last.issuer_name} is neither trusted here nor sent along")


def judge(path: Sequence[Certificate], purpose: Purpose, now: datetime, *, public: bool) -> None:
    """The rules along one path. `public`: those of public CAs, which `cryptography` knows by heart. Raises Refused."""
    for certificate in path[:-1]:  # a trusted CA's signature on itself says nothing
        certificate.judge_digest()
    for certificate in path:
        certificate.judge_time(now)
    _judge_issuers(path)
    _judge_usages(path, purpose)
    for certificate in path:
        unknown = certificate.critical - UNDERSTOOD
        if unknown:
            raise Refused(Refusal.CONSTRAINT, f"{certificate.name} has a critical extension {_dotted(unknown)}")
    if any(isinstance(issuer.key, Ed25519PublicKey) for issuer in path[1:]):
        if any(issuer.constrains_names for issuer in path[1:]):
            raise Refused(Refusal.CONSTRAINT, "name constraints are not taken from a path with an Ed25519 CA")
        return
    _agree(path, now, public=public)


def _judge_issuers(path: Sequence[Certificate]) -> None:
    """RFC 5280 section 6.1.4 (k) to (n), which is about CAs: basic constraints, path length, key usage."""
    between = 0  # CAs between the leaf and the one that is looked at; those that issued themselves do not count
    for issuer in path[1:]:
        constraints = issuer.basic_constraints
        if not issuer.is_ca or constraints is None:
            raise Refused(Refusal.NOT_A_CA, f"{issuer.name} may not sign certificates")
        if constraints.path_length is not None and between > constraints.path_length:
            raise Refused(
                Refusal.PATH_LENGTH, f"{issuer.name} allows {constraints.path_length} CAs below it, not {between}"
            )
        between += not issuer.self_issued


def _judge_usages(path: Sequence[Certificate], purpose: Purpose) -> None:
    """The leaf signs (RFC 8446 section 4.4.2.2), and all of the path is for one of the purpose's usages: a CA that is
    restricted restricts what it issued, as everybody has come to read RFC 5280 section 4.2.1.12."""
    leaf = path[0]
    if leaf.basic_constraints is not None and leaf.basic_constraints.ca:
        raise Refused(Refusal.USAGE, f"{leaf.name} is a CA's, not a peer's")
    if leaf.key_usage is not None and not leaf.key_usage.digital_signature:
        raise Refused(Refusal.USAGE, f"{leaf.name} is not for signatures")
    wanted = set(purpose.value)
    for certificate in path[:-1]:  # what a trusted CA is for, whoever trusts it has decided
        usages = certificate.extended_key_usage
        if usages is not None and ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE not in usages:
            wanted &= set(usages)
        if not wanted:
            words = " or ".join(sorted(_USAGE_NAMES[each] for each in purpose.value))
            raise Refused(Refusal.USAGE, f"{certificate.name} is not for {words}")


def _agree(path: Sequence[Certificate], now: datetime, *, public: bool) -> None:
    """`cryptography` judges the same path."""
    end_entity, authority = _EXTENSIONS[public]
    builder = PolicyBuilder().store(Store([path[-1].x509])).time(now)
    builder = builder.extension_policies(ca_policy=authority, ee_policy=end_entity)
    try:
        builder.build_client_verifier().verify(path[0].x509, [each.x509 for each in path[1:-1]])
    except VerificationError as error:
        raise Refused(Refusal.CONSTRAINT, shown(str(error).removeprefix("validation failed: "))) from None


def _pass(policy: Policy, certificate: x509.Certificate, extension: x509.ExtensionType | None) -> None:
    """For extensions that are judged above."""


def _extension_policies(*, public: bool) -> tuple[ExtensionPolicy, ExtensionPolicy]:
    """The leaf's policy and the CAs'. What the verifier demands of usages is not what a peer needs; and RFC 5280 asks
    less than the rules of public CAs do: a private one's certificates may do without names and key identifiers."""
    leaf, authority = ExtensionPolicy.webpki_defaults_ee(), ExtensionPolicy.webpki_defaults_ca()
    leaf = leaf.may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _pass)
    authority = authority.may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _pass)
    if not public:
        leaf = leaf.may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, _pass)
        leaf, authority = (
            each.may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _pass)
            .may_be_present(x509.AuthorityKeyIdentifier, Criticality.AGNOSTIC, _pass)
            .may_be_present(x509.SubjectKeyIdentifier, Criticality.AGNOSTIC, _pass)
            for each in (leaf, authority)
        )
    return leaf, authority


_EXTENSIONS = {public: _extension_policies(public=public) for public in (False, True)}


def _dotted(oids: set[x509.ObjectIdentifier]) -> str:
    return ", ".join(sorted(oid.dotted_string for oid in oids))
