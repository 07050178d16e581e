"""The fixture that starts sidecars: what it promises to every other test."""

from __future__ import annotations

import urllib.request

import pytest

from tests.processes import TRACEBACK, Sidecars, command_line


def test_flags_are_spelled_as_on_the_command_line() -> None:
    spelled = command_line({"udp_port": 0, "bootstrap": ["a", "b"], "ephemeral": True, "api_insecure": False})
    assert spelled == ["--udp-port", "0", "--bootstrap", "a", "--bootstrap", "b", "--ephemeral"]


def test_restart_keeps_key_and_ports(sidecars: Sidecars) -> None:
    first = sidecars.spawn("first")
    before = first.ready
    first.kill()
    assert not first.alive
    assert first.restart().ready == before
    with urllib.request.urlopen(f"http://{first.admin}/livez", timeout=10) as answer:
        assert answer.status == 200
    assert first.stop() == 0


def test_a_sidecar_that_cannot_start_says_why(sidecars: Sidecars) -> None:
    taken = sidecars.spawn("first", ephemeral=True)
    with pytest.raises(AssertionError, match=str(taken.udp_port)):
        sidecars.spawn("second", ephemeral=True, udp_port=taken.udp_port)


def test_a_traceback_fails_the_test(sidecars: Sidecars) -> None:
    process = sidecars.spawn("first", ephemeral=True)
    with (process.folder / "stderr.log").open("a") as log:
        log.write(f"{TRACEBACK}:\n")
    with pytest.raises(AssertionError, match="a traceback on stderr of first"):
        sidecars.end()
    assert not process.alive
    sidecars.tracebacks_expected = True
