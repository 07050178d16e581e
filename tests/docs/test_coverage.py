"""The pages that say what is promised and where it is shown have every part, and for each promise a test that is
there, a case of the conformance suite, or a command that is."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.docs.blocks import REPOSITORY
from tests.docs.test_named_tests import NAMED, names_in

PAGES = {
    "message-plane-coverage": {
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
    },
    "speed-coverage": {
        "The lean front": 20,
        "Conformance": 10,
        "Attacks": 21,
        "The default": 3,
        "The data path": 12,
        "Path MTU": 4,
        "Many peers": 3,
        "Start and size": 5,
        "The comparison": 8,
    },
    "clients-coverage": {
        "Generated code and packages": 10,
        "The language's own idiom": 12,
        "The same wrapper everywhere": 14,
        "Conformance": 17,
        "Examples": 5,
        "Running it beside an app": 8,
        "The API by hand": 2,
        "Measured": 1,
    },
}
"""The parts of each page, and how many promises each has at least."""

MODULE = re.compile(r"`python -m ([\w.]+)")
TARGET = re.compile(r"`make ([\w-]+)(?: [^`]*)?`")
CASE = re.compile(r"case `([^`]+)`")
ELSEWHERE = re.compile(r"`(clients/[\w/.]+)::([^`]+)`")
"""A test in another language, by its file and its name there."""


def text(page: str) -> str:
    return (REPOSITORY / f"docs/{page}.md").read_text()


def rows(page: str, part: str) -> list[tuple[str, str]]:
    """Promise and proof of each row of a part."""
    written = text(page).split(f"\n## {part}\n", 1)[1].split("\n## ", 1)[0]
    cells = [line.strip("|").split(" | ") for line in written.splitlines() if line.startswith("| ")]
    return [(cell[0].strip(), cell[-1].strip("| ")) for cell in cells[2:]]


def cases() -> set[str]:
    """The names in cases.yaml, whose tags are of no interest here."""
    loader: Any = type("Loader", (yaml.SafeLoader,), {})
    loader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)
    listed = yaml.load((REPOSITORY / "tests/conformance/cases.yaml").read_text(), loader)
    return {case["name"] for case in listed}


@pytest.mark.parametrize("page", PAGES)
def test_every_part_is_there_and_no_promise_is_lost(page: str) -> None:
    parts = PAGES[page]
    assert re.findall(r"^## (.+)$", text(page), re.MULTILINE) == list(parts)
    assert {part: len(rows(page, part)) for part in parts if len(rows(page, part)) < parts[part]} == {}


@pytest.mark.parametrize(
    ("promise", "proof"),
    [row for page, parts in PAGES.items() for part in parts for row in rows(page, part)],
    ids=lambda cell: cell[:40],
)
def test_a_promise_has_a_proof_that_is_there(promise: str, proof: str) -> None:
    tests, modules, targets = NAMED.findall(proof), MODULE.findall(proof), TARGET.findall(proof)
    played, elsewhere = CASE.findall(proof), ELSEWHERE.findall(proof)
    assert tests or modules or targets or played or elsewhere, f"{promise}: {proof}"
    for file, test in tests:
        assert test in names_in(REPOSITORY / file), f"{promise}: {file} has no {test}"
    for file, test in elsewhere:
        assert test in (REPOSITORY / file).read_text(), f"{promise}: {file} has no {test}"
    for case in played:
        assert case in cases(), f"{promise}: cases.yaml has no {case}"
    for module in modules:
        place = REPOSITORY / module.replace(".", "/")
        assert place.with_suffix(".py").is_file() or (place / "__main__.py").is_file(), f"{promise}: no {module}"
    makefile = (REPOSITORY / "Makefile").read_text()
    for target in targets:
        assert f"\n{target}: " in makefile, f"{promise}: make {target} is not there"
