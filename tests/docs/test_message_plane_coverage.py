"""docs/message-plane-coverage.md has every part of what the message plane promises, and for each promise a test that is
there, or a command that is."""

from __future__ import annotations

import re

import pytest

from tests.docs.blocks import REPOSITORY
from tests.docs.test_named_tests import NAMED, names_in

PAGE = (REPOSITORY / "docs/message-plane-coverage.md").read_text()

PROMISES = {
    "Levels and receipts": 12,
    "Durable messages": 15,
    "Back-pressure": 8,
    "Request and reply": 6,
    "Byte streams and forwarded ports": 12,
    "Datagrams and broadcast": 4,
    "Commands": 6,
    "Apps apart, metrics and events": 7,
    "Bad input and faults": 15,
    "Measured": 6,
}
"""The parts of the page, and how many promises each has at least."""

MODULE = re.compile(r"`python -m ([\w.]+)")
TARGET = re.compile(r"`make ([\w-]+)`")


def rows(part: str) -> list[tuple[str, str]]:
    """Promise and proof of each row of a part."""
    text = PAGE.split(f"\n## {part}\n", 1)[1].split("\n## ", 1)[0]
    cells = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [(cell[0].strip(), cell[-1].strip("| ")) for cell in cells[2:]]


def test_every_part_is_there_and_no_promise_is_lost() -> None:
    parts = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert parts == list(PROMISES)
    assert [part for part in parts if len(rows(part)) < PROMISES[part]] == []


@pytest.mark.parametrize(
    ("promise", "proof"), [row for part in PROMISES for row in rows(part)], ids=lambda cell: cell[:40]
)
def test_a_promise_has_a_proof_that_is_there(promise: str, proof: str) -> None:
    tests, modules, targets = NAMED.findall(proof), MODULE.findall(proof), TARGET.findall(proof)
    assert tests or modules or targets, f"{promise}: {proof}"
    for file, test in tests:
        assert test in names_in(REPOSITORY / file), f"{promise}: {file} has no {test}"
    for module in modules:
        place = REPOSITORY / module.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), f"{promise}: no {module}"
    makefile = (REPOSITORY / "Makefile").read_text()
    for target in targets:
        assert f"\n{target}: " in makefile, f"{promise}: make {target} is not there"
