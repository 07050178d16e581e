"""Every test that a page in docs/ names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.blocks import REPOSITORY

NAMED = re.compile(r"(tests/[\w/]+\.py)::(\w+)")


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of a file's tests."""
    tree = ast.parse(path.read_text())
    return frozenset(
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    )


def named() -> list[tuple[Path, str, str]]:
    """(page, file, test) of every mention."""
    return [
        (page, file, test)
        for page in sorted((REPOSITORY / "docs").rglob("*.md"))
        for file, test in NAMED.findall(page.read_text())
    ]


@pytest.mark.parametrize(
    ("page", "file", "test"), named(), ids=lambda value: value.name if isinstance(value, Path) else value
)
def test_it_is_there(page: Path, file: str, test: str) -> None:
    path = REPOSITORY / file
    assert path.is_file(), f"{page.name} names {file}, which is not there"
    assert test in names_in(path), f"{page.name} names {test}, which is not in {file}"
