"""The table of certificates: what a peer shows, and what each mode says to it, as dialler and as acceptor.

    OK            it is let in
    a Refusal     it is not, with that reason

Everybody trusts the CA `ROOT`; whoever dials dials the name `a.peers.example`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from sidecar.identity import Identity
from sidecar.trust import Refusal
from tests.trust.pki import CA, CLIENT, DAY, NOW, SERVER, Key, der, key, key_usage

OK = None
Verdict = Refusal | None

NAME = "a.peers.example"
"""What is dialled."""
ROOT = CA()
SITE = CA("Test site", number=101, above=ROOT)
OTHER = CA("Other root", number=102)
REVOKED = ROOT.issue(key(number=7), common="revoked")
REVOKED_SITE = CA("Revoked site", number=103, above=ROOT)
CRLS = ROOT.crl([REVOKED, REVOKED_SITE.certificate])


@dataclass(frozen=True)
class Row:
    """One kind of certificate. Verdicts: of private-ca and public-ca on it as (dialler, acceptor)."""

    title: str
    chain: tuple[bytes, ...]
    key: Key
    private: tuple[Verdict, Verdict]
    public: tuple[Verdict, Verdict]
    unverified: tuple[Verdict, Verdict] = (OK, OK)

    @property
    def identity(self) -> Identity:
        """A peer that shows it."""
        return Identity(self.key, self.chain)

    def verdict(self, mode: str, side: str) -> Verdict:
        """What a mode says to it on a side, `dialler` or `acceptor`."""
        of_mode: tuple[Verdict, Verdict] = {
            "private-ca": self.private, "public-ca": self.public, "unverified": self.unverified
        }[mode]  # fmt: skip
        return of_mode[0] if side == "dialler" else of_mode[1]


def row(
    title: str, certificate: x509.Certificate, *verdicts: Verdict, owner: Key | None = None,
    above: Sequence[bytes] = (), unverified: Verdict = OK,
) -> Row:  # fmt: skip
    """One verdict for all; two for dialler and acceptor; four for those of private-ca and then of public-ca."""
    every = {1: verdicts * 4, 2: verdicts * 2, 4: verdicts}[len(verdicts)]
    chain = (der(certificate), *above)
    return Row(title, chain, owner or key(), (every[0], every[1]), (every[2], every[3]), (unverified, unverified))


def _long_chain() -> list[bytes]:
    lower = ROOT
    for number in range(5):
        lower = CA(f"Level {number}", number=110 + number, above=lower)
    return [der(lower.issue()), *lower.chain]


def _short_path() -> list[bytes]:
    site = CA("Short site", number=120, above=ROOT, path_length=0)
    below = CA("Below the short site", number=121, above=site)
    return [der(below.issue()), *below.chain]


def _leaf_as_ca() -> list[bytes]:
    """A peer that signs for another with its own, honest certificate."""
    impostor = CA("a peer", number=5, is_ca=False, above=ROOT, usage=key_usage())
    return [der(impostor.issue()), *impostor.chain]


def _of(chain: Sequence[bytes]) -> tuple[x509.Certificate, Sequence[bytes]]:
    return x509.load_der_x509_certificate(chain[0]), chain[1:]


@cache
def rows() -> tuple[Row, ...]:
    """The table."""
    long_leaf, long_above = _of(_long_chain())
    short_leaf, short_above = _of(_short_path())
    forged_leaf, forged_above = _of(_leaf_as_ca())
    constrained = CA("Constrained site", number=130, above=ROOT, permitted="b.example")
    old = CA("Old site", number=131, above=ROOT, ends=NOW - DAY)
    mails = CA("Mail site", number=132, above=ROOT, usages=[ExtendedKeyUsageOID.EMAIL_PROTECTION])
    elsewhere = CA("Test root", number=133)
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
    own = Identity(key(number=8))
    return (
        row("good", ROOT.issue(), OK),
        row("good, below an intermediate CA", SITE.issue(), OK, above=SITE.chain),
        row("good, with its root sent along", ROOT.issue(), OK, above=[der(ROOT.certificate)]),
        row("good, by a wildcard", ROOT.issue(names=["*.peers.example"]), OK),
        row("a wildcard for another level", ROOT.issue(names=["*.example"]), OK, Refusal.NAME),
        row("good, with an Ed25519 key", ROOT.issue(key("ed25519")), OK, owner=key("ed25519")),
        row("good, with an RSA key", ROOT.issue(key("rsa")), OK, owner=key("rsa")),
        row("expired", ROOT.issue(ends=NOW - DAY / 2), Refusal.EXPIRED),
        row("not yet valid", ROOT.issue(begins=NOW + DAY), Refusal.NOT_YET_VALID),
        row("below an expired CA", old.issue(), Refusal.EXPIRED, above=old.chain),
        row("wrong CA", OTHER.issue(), Refusal.UNKNOWN_ISSUER),
        row("wrong CA, sent along", OTHER.issue(), Refusal.UNKNOWN_ISSUER, above=[der(OTHER.certificate)]),
        row("a CA of the same name and another key", elsewhere.issue(), Refusal.SIGNATURE),
        row("no chain: its intermediate CA is not sent", SITE.issue(), Refusal.UNKNOWN_ISSUER),
        row("chain too long", long_leaf, Refusal.TOO_LONG, above=long_above, unverified=Refusal.TOO_LONG),
        row("more CAs than the path length allows", short_leaf, Refusal.PATH_LENGTH, above=short_above),
        row("revoked", REVOKED, Refusal.REVOKED, owner=key(number=7)),
        row("below a revoked CA", REVOKED_SITE.issue(), Refusal.REVOKED, above=REVOKED_SITE.chain),
        row("another name", ROOT.issue(names=["b.example"]), OK, Refusal.NAME),
        row("no name", ROOT.issue(names=()), OK, Refusal.NAME, Refusal.CONSTRAINT, Refusal.CONSTRAINT),
        row("self-signed", _self_signed(own), Refusal.SELF_SIGNED, owner=key(number=8)),
        row("RSA of 1024 bits", ROOT.issue(key("rsa1024")), Refusal.KEY, owner=key("rsa1024"),
            unverified=Refusal.KEY),
        row("swapped key: the CA signed it for another", ROOT.issue(signer=key(number=9)), Refusal.SIGNATURE),
        row("a peer appears as CA in the middle", forged_leaf, Refusal.NOT_A_CA, above=forged_above),
        row("a CA's own certificate", SITE.certificate, Refusal.USAGE, owner=key(number=101)),
        row("for servers only", ROOT.issue(usages=[SERVER]), Refusal.USAGE, OK, OK, OK),
        row("for clients only", ROOT.issue(usages=[CLIENT]), OK, Refusal.USAGE),
        row("for no usage in particular", ROOT.issue(usages=()), OK),
        row("for code signing only", ROOT.issue(usages=[ExtendedKeyUsageOID.CODE_SIGNING]), Refusal.USAGE),
        row("not for signatures", ROOT.issue(usage=key_usage(sign=False)), Refusal.USAGE),
        row("below a CA for mails only", mails.issue(), Refusal.USAGE, above=mails.chain),
        row("a name its CA may not give", constrained.issue(), Refusal.CONSTRAINT, above=constrained.chain),
        row("a critical extension nobody knows", ROOT.issue(extra=unknown), Refusal.CONSTRAINT),
    )  # fmt: skip


def _self_signed(identity: Identity) -> x509.Certificate:
    return x509.load_der_x509_certificate(identity.certificate_der)
