"""The network of a test of the overlay."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.overlay.network import Network


@pytest.fixture
async def network() -> AsyncIterator[Network]:
    """Sites over loopback, ended after the test."""
    made = Network()
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture(params=["aioquic", "qh3"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """Each of the engines."""
    return str(request.param)
