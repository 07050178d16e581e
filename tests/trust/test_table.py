"""Every certificate of the table, judged by every mode as the dialler's and as the acceptor's."""

from __future__ import annotations

import pytest

from sidecar.identity import BadCertificate, leaf_key_untrusted
from sidecar.trust import Refusal, Refused, TrustMode
from tests.docs.blocks import REPOSITORY
from tests.trust import table
from tests.trust.trusts import trust_of

BEFORE = {Refusal.TOO_LONG, Refusal.KEY}
"""What is refused before the mode is asked, since nobody can prove a key so."""


def refusal(row: table.Row, mode: TrustMode, side: str) -> Refused | BadCertificate | None:
    """What the judge says."""
    trust = trust_of(mode)
    try:
        key = leaf_key_untrusted(row.chain)
        if side == "dialler":
            trust.dialler_untrusted(key, row.chain)
        else:
            trust.acceptor_untrusted(key, row.chain, name=table.NAME, expected=False)
    except (Refused, BadCertificate) as refused:
        return refused
    return None


@pytest.mark.parametrize("side", ["dialler", "acceptor"])
@pytest.mark.parametrize("mode", ["private-ca", "public-ca", "unverified"])
@pytest.mark.parametrize("row", table.rows(), ids=lambda row: row.title)
def test_verdict(row: table.Row, mode: TrustMode, side: str) -> None:
    wanted = row.verdict(mode, side)
    found = refusal(row, mode, side)
    if isinstance(found, BadCertificate):
        assert wanted in BEFORE
    elif found is None:
        assert wanted is table.OK
    else:
        assert found.why is wanted, str(found)
        assert len(str(found).encode()) <= 128, "a close phrase has 128 bytes"


def markdown() -> list[str]:
    """The table as docs/security.md has it."""
    lines = [
        "| certificate | private-ca, dials | private-ca, answers | public-ca, dials | public-ca, answers |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in table.rows():
        words = ["let in" if verdict is table.OK else str(verdict) for verdict in (*row.private, *row.public)]
        lines.append(f"| {row.title}{' *' if row.unverified[0] else ''} | {' | '.join(words)} |")
    return lines


def test_the_page_has_the_table() -> None:
    page = (REPOSITORY / "docs/security.md").read_text()
    assert (
        page.partition("<!-- certificates -->\n")[2].partition("\n<!-- /certificates -->")[0].splitlines() == markdown()
    )
