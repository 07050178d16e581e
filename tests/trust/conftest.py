"""Sites and engines, as the tests of the overlay have them."""

from __future__ import annotations

from tests.overlay.conftest import engine_name, network

__all__ = ["engine_name", "network"]
