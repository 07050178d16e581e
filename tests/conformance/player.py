"""A driver as a process: one language, beside one sidecar, for as long as the matrix is played."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.conformance.drivers import Language
from tests.processes import sidecar_environment

PATIENCE = 300.0
"""Seconds until a line of a driver is missed. Nothing waits for them to pass: they are for what never comes."""

END_SECONDS = 60.0
"""How long a driver may take to end once its input has."""

TAIL = 3000
"""Characters of a driver's stderr that a message shows."""


class PlayerError(Exception):
    """A driver did not do what the runner needs to go on; says what came instead."""


class Player:
    """See the module. `tell` and `hear` never wait for each other, so that many players play at once."""

    def __init__(self, language: Language, environment: Mapping[str, str], stderr: Path) -> None:
        self.language = language
        self.environment = dict(environment)
        self._stderr = stderr
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    def __repr__(self) -> str:
        return f"<driver {self.language.name} pid={self._process.pid if self._process else None}>"

    @property
    def tail(self) -> str:
        """The end of what it wrote to stderr."""
        return self._stderr.read_text(errors="replace")[-TAIL:] if self._stderr.exists() else ""

    def tell(self, line: Mapping[str, Any]) -> None:
        """Writes a line to it; starts it where it does not run."""
        if self._process is None:
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise PlayerError(f"the driver takes nothing any more ({error}): it {self._ended()}") from error

    def has_said(self, patience: float) -> bool:
        """Whether there is a line to hear, at the end of so many seconds at the latest. It is left to be heard."""
        assert self._process is not None, "it was told nothing"
        assert self._process.stdout is not None
        until = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = until - time.monotonic()
                if left <= 0 or not selector.select(left):
                    return False
                part = os.read(self._process.stdout.fileno(), 1 << 16)
                if not part:
                    raise PlayerError(f"the driver wrote no more: it {self._ended()}")
                self._buffer += part
        return True

    def hear(self, patience: float = PATIENCE) -> dict[str, Any]:
        """The next line that it writes."""
        if not self.has_said(patience):
            raise PlayerError(f"the driver wrote no line within {patience:g} s")
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            heard = json.loads(line)
        except ValueError as error:
            raise PlayerError(f"the driver wrote {line[:500]!r}, which is not JSON: {error}") from error
        if not isinstance(heard, dict):
            raise PlayerError(f"the driver wrote {line[:500]!r}, which is no object")
        return heard

    def end(self) -> None:
        """Ends its input and waits; PlayerError unless it ends with exit code 0."""
        if self._process is None:
            return
        process, self._process, self._buffer = self._process, None, b""
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):  # it has ended, and the code says how
            process.stdin.close()
        try:
            code = process.wait(END_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise PlayerError(f"the driver still runs {END_SECONDS:g} s after the end of its input") from error
        finally:
            process.stdout.close()
        if code:
            raise PlayerError(f"the driver ended with {code} at the end of its input")

    def kill(self) -> None:
        """Ends it at once; the next `tell` starts another."""
        if self._process is not None:
            process, self._process, self._buffer = self._process, None, b""
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):  # what it was told last
                        pipe.close()

    def _start(self) -> None:
        with self._stderr.open("ab") as stderr:
            self._process = subprocess.Popen(
                self.language.run,
                cwd=self.language.path,
                env=sidecar_environment(self.environment) | dict(self.language.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )

    def _ended(self) -> str:
        assert self._process is not None
        try:
            return f"ended with {self._process.wait(END_SECONDS)}"
        except subprocess.TimeoutExpired:
            return "runs, and has closed its output"
