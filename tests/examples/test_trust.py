"""The example of the three trust modes, run as README of examples/ says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.examples.app import EXAMPLES
from tests.processes import sidecar_environment

pytestmark = pytest.mark.slow


@pytest.mark.timeout(120)
def test_three_modes() -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "trust.py"],
        env=sidecar_environment(), capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = [line.strip().partition(": ") for line in done.stdout.splitlines()]
    words = [(who, what.partition(": CN=")[0]) for who, _, what in said if what]
    linked = [("Bob dials Alice", "linked"), ("Mallory dials Alice", "linked"), ("Alice dials Mallory", "linked")]
    assert words[:3] == linked, done.stdout
    for mode in (words[3:6], words[6:9]):
        (bob, mallory, alice) = mode
        assert bob == ("Bob dials Alice", "linked"), done.stdout
        assert mallory[0] == "Mallory dials Alice"
        assert mallory[1].endswith("refused: self-signed certificate"), done.stdout
        assert alice[0] == "Alice dials Mallory"
        assert alice[1].endswith("self-signed certificate"), done.stdout
