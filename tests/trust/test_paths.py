"""Certification paths: every kind of key, cross-signed CAs, chains that are made to cost, and bytes that are none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.errors import SettingsError
from sidecar.identity import BadCertificate, leaf_key_untrusted
from sidecar.trust import Access, Refusal, Refused, Trust, TrustMode
from sidecar.trust.authorities import Authorities
from sidecar.trust.certificate import Certificate
from sidecar.trust.files import TrustFiles
from sidecar.trust.path import SIGNATURES_MAX, Anchors, find
from tests.trust import table
from tests.trust.pki import CA, DAY, NOW, KeyKind, der, key, key_pem, pem, write
from tests.trust.trusts import authorities, trust_of

CA_KINDS: tuple[KeyKind, ...] = ("p256", "p384", "ed25519", "rsa")
LEAF_KINDS: tuple[KeyKind, ...] = ("p256", "ed25519", "rsa")


def refusal(chain: list[bytes], trusted: Authorities) -> Refusal | None:
    trust = Trust("private-ca", Access(), trusted, NOW.timestamp)
    try:
        trust.dialler_untrusted(leaf_key_untrusted(chain), chain)
    except Refused as refused:
        return refused.why
    return None


@pytest.mark.parametrize("leaf", LEAF_KINDS)
@pytest.mark.parametrize("lower", CA_KINDS)
@pytest.mark.parametrize("root", CA_KINDS)
def test_keys_of_every_kind(root: KeyKind, lower: KeyKind, leaf: KeyKind) -> None:
    top = CA("Top", kind=root, number=150)
    site = CA("Site", kind=lower, number=151, above=top)
    certificate = site.issue(key(leaf))
    chain = [der(certificate), *site.chain]
    assert refusal(chain, authorities(top)) is None
    assert refusal(chain, authorities(top, crls=[site.crl([certificate])])) is Refusal.REVOKED
    assert refusal(chain, authorities(top, crls=[site.crl([certificate], signer=key(number=152))])) is None
    forged = site.issue(key(leaf), signer=key(lower, 153))
    assert refusal([der(forged), *site.chain], authorities(top)) is Refusal.SIGNATURE


def test_an_intermediate_ca_that_is_trusted_itself_is_enough() -> None:
    top = CA("Top", number=150)
    site = CA("Site", number=151, above=top)
    assert refusal([der(site.issue())], authorities(site)) is None
    assert refusal([der(site.issue()), *site.chain], authorities(site)) is None


def test_of_several_paths_one_that_holds_is_enough() -> None:
    """A CA that two others have signed, one of which has expired; and one that has changed its key."""
    old, new = CA("Old", number=160, ends=NOW - DAY), CA("New", number=161)
    by_old, by_new = CA("Cross", number=162, above=old), CA("Cross", number=162, above=new)
    chain = [der(by_old.issue()), der(by_old.certificate), der(by_new.certificate)]
    assert refusal(chain, authorities(old, new)) is None
    assert refusal(chain[:2], authorities(old, new)) is Refusal.EXPIRED
    again = CA("New", number=163)
    assert refusal([der(again.issue())], authorities(new, again)) is None


def test_name_constraints_below_an_ed25519_ca_are_not_guessed() -> None:
    top = CA("Top", kind="ed25519", number=170)
    site = CA("Site", number=171, above=top, permitted="peers.example")
    assert refusal([der(site.issue()), *site.chain], authorities(top)) is Refusal.CONSTRAINT


def test_a_search_that_is_made_to_branch_is_cut() -> None:
    """CAs of one name and key, so that each may have issued each other."""
    twins = [CA("Twin", number=180, above=CA("Twin", number=180)) for _ in range(4)]
    chain = [Certificate(each) for each in (twins[0].issue(), *(twin.certificate for twin in twins))]
    calls = 0
    original = Certificate.issued_by

    def counted(self: Certificate, issuer: Certificate) -> bool:
        nonlocal calls
        calls += 1
        return original(self, issuer)

    Certificate.issued_by = counted  # type: ignore[method-assign]
    try:
        with pytest.raises(Refused):
            list(find(chain, Anchors([Certificate(table.ROOT.certificate)])))
    finally:
        Certificate.issued_by = original  # type: ignore[method-assign]
    assert calls <= SIGNATURES_MAX


GOOD = (der(table.SITE.issue()), *table.SITE.chain)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 1), st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(0, 255)), min_size=1, max_size=4))
def test_bytes_that_are_no_certificate_are_refused_and_nothing_else(which: int, changes: list[tuple[int, int]]) -> None:
    chain = [bytearray(each) for each in GOOD]
    for place, value in changes:
        chain[which][place % len(chain[which])] = value
    changed = [bytes(each) for each in chain]
    modes: tuple[TrustMode, ...] = ("private-ca", "public-ca")
    for mode in modes:
        try:
            verdict = trust_of(mode).dialler_untrusted(leaf_key_untrusted(changed), changed)
        except (Refused, BadCertificate):
            continue
        assert changed == list(GOOD), f"a changed chain was let in: {verdict}"


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Refused):
        Certificate.parse_untrusted(data)


@pytest.mark.parametrize("mode", ["private-ca", "public-ca"])
def test_subjects_of_strangers_do_not_fill_a_reason(mode: TrustMode) -> None:
    loud = CA("x" * 64, number=190)
    chain = [der(loud.issue(common="\n" + "y" * 60))]
    with pytest.raises(Refused) as raised:
        trust_of(mode).dialler_untrusted(leaf_key_untrusted(chain), chain)
    assert len(str(raised.value).encode()) <= 128
    assert "\n" not in str(raised.value)


def test_public_cas_are_those_of_certifi(tmp_path: Path) -> None:
    owner = key(number=195)
    files = TrustFiles(
        "public-ca", None, write(tmp_path / "cert.pem", pem(table.ROOT.issue(owner))),
        write(tmp_path / "key.pem", key_pem(owner)), (),
    )  # fmt: skip
    identity = files.identity()
    assert identity is not None
    with pytest.raises(SettingsError, match="would be refused by peers with the same CAs: unknown issuer"):
        files.load(identity, time.time())
    trusted = files._authorities()
    assert len(trusted.anchors.certificates) > 100
    assert trusted.public
