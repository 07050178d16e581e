"""The example of rejoining, run as README of examples/ says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.examples.app import EXAMPLES
from tests.processes import TRACEBACK, sidecar_environment

pytestmark = pytest.mark.slow


def test_a_node_that_vanishes_rejoins_by_its_cache() -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "rejoin.py")],
        env=sidecar_environment(), capture_output=True, text=True, timeout=55, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert TRACEBACK not in done.stderr
    lines = done.stdout.splitlines()
    assert lines[-2] == "third: linked to second"
    assert lines[-1].startswith("third: back ")
    assert any(line.startswith("third: remembers ") for line in lines)
