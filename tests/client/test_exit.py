"""A program that forgets to close its client ends all the same."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import Sidecars

BEGIN = "from sidecar_client import Sidecar; "


@pytest.mark.parametrize(
    "program",
    [
        "sidecar = Sidecar({0!r})",
        "sidecar = Sidecar({0!r}); sidecar.node()",
        "sidecar = Sidecar({0!r}); inbox = sidecar.receive('c')",
        "sidecar = Sidecar({0!r}); jobs = sidecar.consume('c')",
        "sidecar = Sidecar({0!r}); watch = sidecar.watch_peers(); next(watch)",
    ],
)
def test_the_interpreter_ends(sidecars: Sidecars, program: str) -> None:
    endpoint = sidecars.spawn(ephemeral=True).endpoint
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + program.format(endpoint)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr


def test_the_interpreter_ends_without_a_sidecar() -> None:
    program = BEGIN + "Sidecar('127.0.0.1:1').node(timeout=5)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 1
    assert "SidecarUnavailable" in done.stderr
