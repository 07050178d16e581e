"""An example as a process, beside a sidecar."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.processes import TRACEBACK, SidecarProcess, sidecar_environment

EXAMPLES = Path(__file__).parents[2] / "examples"


class App:
    """One run of an example. A context manager, which ends it."""

    def __init__(self, name: str, *words: str, beside: SidecarProcess) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / name), *words],
            env=sidecar_environment({"SIDECAR_ENDPOINT": beside.endpoint}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            os.kill(self.process.pid, 9)
        _, stderr = self.process.communicate(timeout=20)
        print(stderr)
        assert TRACEBACK not in stderr, stderr

    def line(self) -> str:
        """The next line it prints."""
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, "it has ended"
        return text.rstrip("\n")

    def type(self, text: str) -> None:
        """A line for it."""
        assert self.process.stdin is not None
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def ends(self) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(timeout=30)
