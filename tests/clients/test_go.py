"""clients/go: what is committed, its linters and unit tests, and its README and examples beside real sidecars."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.processes import sidecar_environment
from tools import proto_go

REPOSITORY = Path(__file__).resolve().parents[2]
CLIENT = REPOSITORY / "clients" / "go"

BUILD_SECONDS = 240
"""A first build compiles gRPC, on two busy cores."""

RUN_SECONDS = 60

pytestmark = [pytest.mark.clients, pytest.mark.requires("go"), pytest.mark.timeout(BUILD_SECONDS + 60)]


def go(*arguments: str | Path, environment: dict[str, str] | None = None) -> str:
    """What a go command prints, run in the client's folder; AssertionError with its words when it fails."""
    done = subprocess.run(
        ["go", *arguments],
        cwd=CLIENT,
        env=sidecar_environment({"GOFLAGS": "-buildvcs=false -mod=readonly -p=2"} | (environment or {})),
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"go {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}"
    return done.stdout


def test_committed_code_is_what_the_generators_print(tmp_path: Path) -> None:
    printed = proto_go.generate(tmp_path)
    committed = sorted(path.relative_to(REPOSITORY) for path in (REPOSITORY / proto_go.OUTPUT).iterdir())
    assert printed == committed, "run `make proto`"
    for path in printed:
        assert (REPOSITORY / path).read_bytes() == (tmp_path / path).read_bytes(), f"{path}: run `make proto`"


def test_the_retry_layer_is_the_one_of_all_clients() -> None:
    assert (CLIENT / "service_config.json").read_bytes() == (REPOSITORY / "clients/service_config.json").read_bytes()


def test_a_registry_would_take_it() -> None:
    assert go("list", "-m").strip() == proto_go.MODULE
    go("mod", "tidy", "-diff")
    go("mod", "verify")
    go("vet", "./...")
    assert (CLIENT / "LICENSE").read_bytes() == (REPOSITORY / "LICENSE").read_bytes()


def test_it_is_formatted() -> None:
    done = subprocess.run(["gofmt", "-l", "."], cwd=CLIENT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "", "run `gofmt -w` on these"


def test_its_unit_tests() -> None:
    go("test", "-count=1", "-timeout=60s", "./...")
