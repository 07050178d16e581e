"""The languages, the sidecars and the matrix of one run."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.conformance.drivers import LANGUAGES, BuildError, Language, built
from tests.conformance.matrix import Matrix
from tests.conformance.world import World
from tests.conftest import NEEDS, REQUIRED

MATRIX = Matrix()

CHOSEN = [name for name in os.environ.get("LANGS", "").split(",") if name]
"""`LANGS=go,python` plays these only."""


@pytest.fixture(scope="session")
def languages() -> list[Language]:
    """Those that are played, built. One whose toolchain is missing is left out, unless it is asked for."""
    unknown = set(CHOSEN) - set(LANGUAGES)
    assert not unknown, f"LANGS names {', '.join(unknown)}: there are {', '.join(LANGUAGES)}"
    found = []
    for name in CHOSEN or LANGUAGES:
        missing = [NEEDS[need][1] for need in LANGUAGES[name].needs if not NEEDS[need][0]()]
        if missing:
            MATRIX.absent[name] = "; ".join(missing)
            if CHOSEN or "all" in REQUIRED:
                pytest.fail(f"{name} is to be played: {MATRIX.absent[name]}", pytrace=False)
            continue
        try:
            found.append(built(name))
        except BuildError as error:
            MATRIX.absent[name] = f"it cannot be built: {error}"
    return found


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The sidecars behind one front, for all cases."""
    with World(request.param, tmp_path_factory.mktemp(request.param)) as world:
        yield world


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the matrix."""
    if MATRIX.cells:
        terminalreporter.section("conformance")
        for line in MATRIX.lines():
            terminalreporter.write_line(line)
