"""What `.ci/run` runs: every test there is, whatever its marker, the checks, the demo and a short comparison."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS = [
    line.strip() for line in (REPOSITORY / ".ci/run").read_text().splitlines() if re.match(r"\s*(\w+=\w+ )?make ", line)
]


def targets() -> set[str]:
    return {words.split("make ")[1].split()[0] for words in COMMANDS}


def test_the_checks_the_demo_and_the_comparison_are_run() -> None:
    assert {"check", "demo", "bench", "test", "clients-test"} <= targets()
    (bench,) = (words for words in COMMANDS if "make bench" in words)
    assert "QUICK=1" in bench or "--quick" in bench


def test_no_marker_is_left_out() -> None:
    """`make test` leaves out what takes long or needs much; here it leaves out what `make clients-test` runs."""
    (everything,) = (words for words in COMMANDS if re.search(r"make test\b", words))
    assert re.findall(r'TESTS_LEFT_OUT="not (\w+)"', everything) == ["clients"]
    listed = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]["markers"]
    left_out = re.search(r"^TESTS_LEFT_OUT \?= (.*)$", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert left_out is not None
    assert set(re.findall(r"not (\w+)", left_out[1])) <= {marker.partition(":")[0] for marker in listed}


def test_nothing_is_skipped_for_what_the_machine_lacks() -> None:
    assert all("SIDECAR_TESTS_REQUIRE=all" in words for words in COMMANDS if re.search(r"(test|check)\b", words))
