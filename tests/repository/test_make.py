"""The commands that README names exist, and make environments only when they must."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import require

REPOSITORY = Path(__file__).resolve().parents[2]
TARGETS = (
    "demo",
    "test",
    "check",
    "proto",
    "bench",
    "image",
    "sbom",
    "docker-test",
    "lab-test",
    "slow-test",
    "format",
    "clean",
    "help",
)


def make(*words: str) -> str:
    """What `make` prints."""
    return subprocess.run(
        ["make", "--no-print-directory", *words], cwd=REPOSITORY, capture_output=True, text=True, check=True, timeout=30
    ).stdout


@pytest.mark.parametrize("target", TARGETS)
def test_target_is_listed_and_can_be_planned(target: str) -> None:
    require("make")
    assert re.search(rf"^  make {target} ", make("help"), flags=re.MULTILINE)
    assert make("--dry-run", target)


def test_environment_is_remade_when_the_lock_changes() -> None:
    require("make")
    assert "install --quiet --disable-pip-version-check -r requirements-dev.lock" in make(
        "--dry-run", "--assume-new=requirements-dev.lock", "demo"
    )
