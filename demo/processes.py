"""The demo's processes: three sidecars and the app beside each, started and ended by their pids."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent

READY_SECONDS = 20.0
STOP_SECONDS = 15.0
FINISH_SECONDS = 30.0


class DemoFailed(Exception):
    """The demo did not show what it should; says what."""


def environment(**more: str) -> dict[str, str]:
    """This process's environment without a user's own sidecar settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIDECAR_")}
    return kept | {"PYTHONUNBUFFERED": "1"} | more


def end(process: subprocess.Popen[str] | None, first: signal.Signals = signal.SIGTERM) -> None:
    """Ends a process in an orderly way, or not so orderly after STOP_SECONDS."""
    if process is None or process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(first)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class DemoSidecar:
    """A sidecar with its own state directory and a Unix socket for its app."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.state = folder / f"{name}-state"
        self.endpoint = f"unix:{folder / name}.sock"
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[str] | None = None
        self.peer_id = ""
        self.udp = "127.0.0.1:0"

    def start(self, bootstrap: str | None) -> None:
        """Starts it, again with the same key and port if it ran before, and waits until it serves."""
        host, port = self.udp.rsplit(":", 1)
        command = [
            *(sys.executable, "-m", "sidecar", "run", "--ready-json", "--network-id", "demo"),
            *("--state-dir", str(self.state), "--udp-host", host, "--udp-port", port),
            *("--grpc-endpoint", self.endpoint, "--admin-endpoint", "127.0.0.1:0"),
            *(("--bootstrap", bootstrap) if bootstrap else ()),
        ]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=REPOSITORY,
                env=environment(),
            )
        assert self.process.stdout is not None
        too_late = threading.Timer(READY_SECONDS, self.process.kill)
        too_late.start()
        line = self.process.stdout.readline()
        too_late.cancel()
        if not line:
            raise DemoFailed(f"{self.name}'s sidecar did not start; it wrote:\n{self.log.read_text()}")
        ready = json.loads(line)
        self.peer_id, self.udp = ready["peer_id"], ready["udp"][0]

    @property
    def contact(self) -> str:
        """Where the others may dial it."""
        return f"{self.peer_id}@{self.udp}"

    def kill(self) -> int:
        """kill -9; gives the pid that was."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        return self.process.pid

    def stop(self) -> None:
        """SIGTERM."""
        end(self.process)


class DemoApp:
    """The app beside a sidecar, and the last thing it told of itself."""

    def __init__(self, sidecar: DemoSidecar, folder: Path, file: Path, messages: int) -> None:
        self.sidecar = sidecar
        self.name = sidecar.name
        self.told: dict[str, Any] = {"sent": {}, "received": []}
        self.log = folder / f"{self.name}-app.log"
        inbox = folder / f"{self.name}-inbox"
        inbox.mkdir()
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "demo.app", "--folder", str(inbox), "--file", str(file)),
                    *("--messages", str(messages)),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=REPOSITORY,
                env=environment(SIDECAR_ENDPOINT=sidecar.endpoint),
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told = json.loads(line)

    def check(self) -> None:
        """DemoFailed when it has ended or one of its threads has."""
        log = self.log.read_text()
        if self.process.poll() is not None or "Traceback" in log:
            raise DemoFailed(f"{self.name}'s app failed; it wrote:\n{log}")

    def finish(self) -> None:
        """Asks it to tell the digests of what it received, and to end."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def wait(self) -> None:
        """Waits until it has done so."""
        try:
            self.process.wait(FINISH_SECONDS)
        except subprocess.TimeoutExpired:
            raise DemoFailed(f"{self.name}'s app did not end") from None
        self._reader.join()

    def stop(self) -> None:
        """Ends it, whatever it does."""
        end(self.process)
