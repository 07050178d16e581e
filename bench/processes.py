"""Processes of a measurement: started, watched through /proc, and ended by their own id."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from bench.places import Site

TICK = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 10.0


class Failed(Exception):
    """A process of the measurement failed or was silent for too long."""


def cpu_seconds(pid: int) -> float:
    """User and system time that all threads of a process have taken, from /proc/PID/stat."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _status_bytes(pid: int, name: str) -> int:
    """A figure of /proc/PID/status that is in kB there."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise Failed(f"process {pid} has no {name}: it has ended")


def peak_bytes(pid: int) -> int:
    """The most resident memory that a process had since its start, or since `forget_peak`."""
    return _status_bytes(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Peak memory counts from here on (proc(5), clear_refs)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def machine_cpu_seconds() -> tuple[float, float]:
    """What all cores were busy and what they had in all, in seconds since boot; stolen time counts as busy."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / TICK, sum(fields) / TICK


def wait_for_idle(share: float = 0.1, seconds: float = 30.0) -> float:
    """Waits until less than `share` of the machine is busy, for `seconds` at most; gives the last share seen."""
    end = time.monotonic() + seconds
    while True:
        busy, whole = machine_cpu_seconds()
        time.sleep(0.5)
        busy_after, whole_after = machine_cpu_seconds()
        seen = (busy_after - busy) / max(whole_after - whole, 1 / TICK)
        if seen < share or time.monotonic() > end:
            return seen


class Process:
    """A child with its standard output read line by line and its standard error kept in a file."""

    def __init__(self, name: str, command: Sequence[str], site: Site, log: Path) -> None:
        self.name = name
        self.log = log
        self.started = time.monotonic()
        self._lines: list[str] = []
        self._ended = False
        self._changed = threading.Condition()
        with log.open("ab") as errors:
            self._child = subprocess.Popen(
                [*site.prefix, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """`ip netns exec` becomes the command, so this is the command's own id."""
        return self._child.pid

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.pid)

    def rss_bytes(self) -> int:
        """Resident memory."""
        return _status_bytes(self.pid, "VmRSS")

    def peak_bytes(self) -> int:
        """The most resident memory since `forget_peak`."""
        return peak_bytes(self.pid)

    def forget_peak(self) -> None:
        """Begins a measurement of memory."""
        forget_peak(self.pid)

    def write(self, line: str) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(line + "\n")
            self._child.stdin.flush()
        except BrokenPipeError as broken:
            raise Failed(f"{self.name} has ended; see {self.log}") from broken

    def line(self, seconds: float) -> str:
        """The next line of standard output."""
        end = time.monotonic() + seconds
        with self._changed:
            while not self._lines:
                if self._ended or not self._changed.wait(max(0.0, end - time.monotonic())):
                    state = "ended" if self._ended else f"was silent for {seconds:.0f} s"
                    raise Failed(f"{self.name} {state}; see {self.log}:\n{self._last_words()}")
            return self._lines.pop(0)

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not help."""
        self._child.terminate()
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        assert self._child.stdout is not None
        try:
            for line in self._child.stdout:
                self._arrived(line)
        except ValueError:
            pass  # closed by stop
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _arrived(self, line: str) -> None:
        with self._changed:
            self._lines.append(line)
            self._changed.notify_all()

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-8:])


class App(Process):
    """A load program: commands and answers are lines of JSON (see load/go/main.go)."""

    def __init__(self, name: str, command: Sequence[str], site: Site, log: Path) -> None:
        super().__init__(name, command, site, log)
        self._number = 0
        self._answers: dict[int, Any] = {}
        self.line(30.0)

    def post(self, do: str, **fields: Any) -> int:
        """Gives a command; `answer` takes its result."""
        self._number += 1
        self.write(json.dumps({"id": self._number, "do": do, **fields}))
        return self._number

    def answer(self, number: int, patience: float) -> Any:
        while number not in self._answers:
            reply = json.loads(self.line(patience))
            self._answers[reply["id"]] = reply
        reply = self._answers.pop(number)
        if error := reply.get("error"):
            raise Failed(f"{self.name}: {error}")
        return reply["result"]

    def ask(self, do: str, *, patience: float = 40.0, **fields: Any) -> Any:
        return self.answer(self.post(do, **fields), patience)
