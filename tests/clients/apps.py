"""The clients' toolchains, and apps that they have built beside real sidecars."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from sidecar_client import Sidecar
from tests.processes import SidecarProcess, Sidecars, sidecar_environment

RUN_SECONDS = 180
"""How long an app may take to end."""

Pair = tuple[SidecarProcess, SidecarProcess]


def run(*command: str | Path, folder: Path, seconds: float, environment: Mapping[str, str] | None = None) -> str:
    """What a command of a toolchain prints; AssertionError with its words when it fails."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=sidecar_environment(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout[-8000:]}{done.stderr[-8000:]}"
    return done.stdout


def linked(sidecars: Sidecars) -> Pair:
    """Two sidecars that are linked."""
    first = sidecars.spawn("first")
    second = sidecars.spawn("second", bootstrap=[first.contact])
    for each in (first, second):
        with Sidecar(each.endpoint) as client:
            client.wait_ready(RUN_SECONDS, level="overlay")
    return first, second


@contextmanager
def running(
    *command: str | Path, beside: SidecarProcess, folder: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    """An app beside a sidecar, with pipes; what still runs at the end is killed."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=sidecar_environment({"SIDECAR_ENDPOINT": beside.endpoint}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def told(*command: str | Path, beside: SidecarProcess, code: int = 0) -> list[str]:
    """The lines of an app that ends by itself, its complaints among them."""
    done = subprocess.run(
        command,
        env=sidecar_environment({"SIDECAR_ENDPOINT": beside.endpoint}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout.splitlines()


def line(process: subprocess.Popen[str]) -> str:
    """The next line that an app prints; pytest's timeout bounds the wait."""
    assert process.stdout is not None
    printed = process.stdout.readline()
    assert printed.endswith("\n"), f"{printed!r}, and it ended with {process.wait(RUN_SECONDS)}"
    return printed[:-1]


def say(process: subprocess.Popen[str], words: str) -> None:
    """A line to an app."""
    assert process.stdin is not None
    process.stdin.write(words + "\n")
    process.stdin.flush()


def finish(process: subprocess.Popen[str]) -> None:
    """Ends an app's input, and waits for its orderly end."""
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait(RUN_SECONDS) == 0
