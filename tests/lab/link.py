"""A link with a rate, a delay and a queue: two network namespaces joined by `linkemu`, which needs root and a C
compiler."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_numbers = itertools.count(1)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=30)


@dataclass
class Passed:
    """What one direction of the link has carried, in frames."""

    came: int
    went: int
    lost: int
    overflowed: int
    """Dropped because the queue was full."""


class Link:
    """Two namespaces, `left` 10.98.0.1 and `right` 10.98.0.2, and the link between them. A context manager.

    `shape` is in linkemu's words, for both directions: "delay=20ms,rate=100mbit,queue=100ms".
    """

    left_address, right_address = "10.98.0.1", "10.98.0.2"

    def __init__(self, shape: str) -> None:
        name = f"sidecar-{os.getpid()}-{next(_numbers)}"
        self.left, self.right = f"{name}-l", f"{name}-r"
        self._shape = shape
        self._directory = tempfile.TemporaryDirectory(prefix="sidecar-link-")
        self._emulator: subprocess.Popen[bytes] | None = None
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        directory = Path(self._directory.name)
        program = directory / "linkemu"
        _run("gcc", "-O2", "-o", str(program), str(HERE / "linkemu.c"))
        self._shape_file = directory / "shape"
        self._shape_file.write_text(f"up {self._shape}\ndown {self._shape}\n")
        try:
            for namespace in (self.left, self.right):
                _run("ip", "netns", "add", namespace)
                _run("ip", "-n", namespace, "link", "set", "lo", "up")
            self._emulator = subprocess.Popen([program, self._shape_file, self.left, "eth0", self.right, "eth0"])
            for namespace, address in ((self.left, self.left_address), (self.right, self.right_address)):
                self._wait_for_device(namespace)
                _run("ip", "-n", namespace, "addr", "add", f"{address}/24", "dev", "eth0")
                _run("ip", "-n", namespace, "link", "set", "eth0", "txqueuelen", "10000", "up")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends what runs in the namespaces, and takes them down."""
        for process in self._processes:
            process.kill()
            process.communicate(timeout=10)
        if self._emulator is not None:
            self._emulator.kill()
            self._emulator.wait(timeout=10)
        for namespace in (self.left, self.right):
            subprocess.run(["ip", "netns", "del", namespace], check=False, capture_output=True, timeout=30)
        self._directory.cleanup()

    def start(self, namespace: str, module: str, *arguments: str) -> subprocess.Popen[str]:
        """Runs a Python module in a namespace, its output piped."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._processes.append(process)
        return process

    def reshape(self, shape: str) -> None:
        """Changes both directions; what is on its way goes on. It is so when this returns."""
        assert self._emulator is not None
        self._shape_file.write_text(f"up {shape}\ndown {shape}\n")
        self._emulator.send_signal(signal.SIGHUP)
        self.passed()  # a report is made after the change, however busy the machine is

    def passed(self) -> tuple[Passed, Passed]:
        """What has gone from left to right, and from right to left."""
        assert self._emulator is not None
        report = Path(f"{self._shape_file}.stats")
        report.unlink(missing_ok=True)
        self._emulator.send_signal(signal.SIGUSR1)
        deadline = time.monotonic() + 10
        while not report.exists() or "queued=" not in report.read_text():
            assert time.monotonic() < deadline, "linkemu gives no report"
            time.sleep(0.01)
        directions = []
        for line in report.read_text().splitlines()[:2]:
            counts = dict(word.split("=") for word in line.split()[1:])
            directions.append(
                Passed(int(counts["in"]), int(counts["out"]), int(counts["lost"]), int(counts["taildrop"]))
            )
        return directions[0], directions[1]

    def _wait_for_device(self, namespace: str) -> None:
        deadline = time.monotonic() + 10
        while True:
            found = subprocess.run(
                ["ip", "-n", namespace, "link", "show", "eth0"], check=False, capture_output=True, timeout=10
            )
            if found.returncode == 0:
                return
            assert time.monotonic() < deadline, "linkemu made no device"
            time.sleep(0.02)
