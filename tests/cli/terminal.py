"""Runs commands as users do: `python -m sidecar ...` as a process."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.processes import SidecarProcess, sidecar_environment

COMMAND_TIMEOUT = 90.0
"""Seconds any command may take."""


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its stdout, one JSON value."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Its stdout, NDJSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    def done(self) -> Finished:
        """Itself, when it ended with 0 and complained of nothing."""
        assert (self.code, self.err) == (0, "")
        return self

    def refused(self, code: int = 2) -> str:
        """The one line on stderr with which it ended, nothing being on stdout."""
        assert (self.code, self.out) == (code, ""), self
        [line] = self.err.splitlines()
        assert line.startswith("sidecar: ")
        return line.removeprefix("sidecar: ")


def command_environment(beside: SidecarProcess | None, environment: Mapping[str, str] | None) -> dict[str, str]:
    """The environment of a command that talks to the sidecar `beside` it. Commands are short and many: they may keep
    their bytecode, without which each spends more on compiling than on its work."""
    endpoint = {} if beside is None else {"SIDECAR_ENDPOINT": beside.endpoint}
    words = sidecar_environment(endpoint | dict(environment or {}))
    words.pop("PYTHONDONTWRITEBYTECODE", None)
    return words


def sidecar(
    *words: str,
    beside: SidecarProcess | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> Finished:
    """Runs a command to its end."""
    process = subprocess.run(
        [sys.executable, "-m", "sidecar", *words],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=COMMAND_TIMEOUT,
        env=command_environment(beside, environment),
    )
    return Finished(process.returncode, process.stdout.decode(), process.stderr.decode())


def start(*words: str, beside: SidecarProcess) -> subprocess.Popen[bytes]:
    """Starts a command that goes on until it is told to end."""
    return subprocess.Popen(
        [sys.executable, "-m", "sidecar", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=command_environment(beside, None),
    )
