"""A Docker engine for the tests: the one that runs, or one of our own, and a base image made by debootstrap."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest

from tests.conftest import require

REPOSITORY = Path(__file__).resolve().parents[2]
LAB = REPOSITORY / "tests/lab/docker-lab.sh"
BASE = "local/python:3.11-slim"
POLL = 0.5


def run(
    *words: str, check: bool = True, timeout: float = 300, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs a command; AssertionError with what it printed when it fails."""
    done = subprocess.run(
        words,
        cwd=REPOSITORY,
        env=os.environ | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    if check:
        assert done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def docker(*words: str, check: bool = True, timeout: float = 200) -> str:
    """What a docker command prints."""
    return run("/usr/bin/docker", *words, check=check, timeout=timeout).stdout


@dataclass
class Project:
    """One compose project: up on entering, gone, volumes included, on leaving."""

    name: str
    file: str
    environment: Mapping[str, str] = field(default_factory=dict)
    over: Sequence[str] = ()
    """Files that go over `file`, in this order."""
    quic: str = ""
    """The QUIC engine its sidecars should run."""

    def compose(self, *words: str, timeout: float = 300) -> str:
        """What docker-compose prints."""
        files = [word for file in (self.file, *self.over) for word in ("--file", file)]
        command = (str(LAB), "compose", "--project-name", self.name, *files, *words)
        return run(*command, timeout=timeout, environment=self.environment).stdout

    def __enter__(self) -> Self:
        try:
            self.compose("up", "--detach", timeout=300)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        print(self.compose("logs", "--no-color"))
        self.compose("down", "--volumes", "--remove-orphans", "--timeout", "10")

    def container(self, service: str) -> str:
        """The container's id."""
        return self.compose("ps", "--quiet", service).strip()

    def inspect(self, service: str) -> Any:
        """What the engine knows of the container."""
        return json.loads(docker("inspect", self.container(service)))[0]

    def logs(self, service: str) -> str:
        """What the service has written to stdout and stderr."""
        done = run("/usr/bin/docker", "logs", self.container(service))
        return done.stdout + done.stderr

    def execute(self, service: str, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command in the container."""
        return run("/usr/bin/docker", "exec", self.container(service), *words, check=check, timeout=200)

    def wait_for_log(self, service: str, text: str, timeout: float = 200) -> None:
        """Waits until the service has written a text."""
        until = time.monotonic() + timeout
        while text not in (logs := self.logs(service)):
            assert time.monotonic() < until, f"{service} did not write {text!r} within {timeout} s:\n{logs}"
            time.sleep(POLL)


@pytest.fixture(scope="session")
def engine() -> Iterator[None]:
    """A running engine with the base image; one that was started here is stopped again."""
    require("docker")
    run(str(LAB), "base", timeout=600)
    yield
    run(str(LAB), "stop", timeout=60)


@pytest.fixture(scope="session")
def images(engine: None) -> None:
    """Both images, built from this tree."""
    arguments = ("--build-arg", f"BASE_IMAGE={BASE}")
    build = ("/usr/bin/docker", "build", "--progress=plain", *arguments)
    kit = {"DOCKER_BUILDKIT": "1"}
    run(*build, "-t", "quic-p2p-sidecar:dev", ".", timeout=600, environment=kit)
    run(*build, "-t", "quic-p2p-sidecar-app:dev", "-f", "compose/Dockerfile", ".", timeout=600, environment=kit)
