"""What the tests of every client use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.apps import Pair, linked
from tests.processes import Sidecars


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two linked sidecars that no test ends."""
    started = Sidecars(tmp_path_factory.mktemp("sidecars"))
    try:
        yield linked(started)
    finally:
        started.end()
