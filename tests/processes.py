"""Real sidecars as processes, for tests.

A sidecar is started as users start it (`sidecar run --ready-json`), on free ports, with a state directory of its own,
and is ended by its pid. What it wrote to stderr is shown when the test fails, and is searched for tracebacks when it
does not.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free_port

READY_TIMEOUT = 60.0
"""Seconds a sidecar may take to serve: it takes one, and a loaded machine takes longer."""

STOP_TIMEOUT = 45.0
"""Seconds a sidecar may take to leave after SIGTERM."""

TRACEBACK = "Traceback (most recent call last)"

Flag = str | int | float | bool | Path | Sequence[str]


def command_line(flags: Mapping[str, Flag]) -> list[str]:
    """`udp_port=0, bootstrap=["a", "b"], ephemeral=True` as `--udp-port 0 --bootstrap a --bootstrap b --ephemeral`; a
    False is left out."""
    words: list[str] = []
    for name, value in flags.items():
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            words += [flag] if value else []
        elif isinstance(value, str | int | float | Path):
            words += [flag, str(value)]
        else:
            for each in value:
                words += [flag, each]
    return words


def sidecar_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without settings of a sidecar, and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIDECAR_")}
    return kept | {"NO_COLOR": "1"} | dict(extra or {})


@dataclass(frozen=True)
class Ready:
    """What a sidecar says of itself when it serves, in one line of JSON."""

    peer_id: str
    udp: list[str]
    """Where it listens for QUIC, as host:port."""
    grpc: list[str]
    """Where it listens for apps: host:port or unix:/path."""
    admin: str | None
    """Where its health and metrics are, as host:port; None when it was told not to."""


class SidecarProcess:
    """One `sidecar run`. After its end `start` runs it again with the same key, `restart` on the same ports too."""

    def __init__(self, name: str, folder: Path, flags: Mapping[str, Flag], environment: Mapping[str, str]) -> None:
        self.name = name
        self.folder = folder
        self.flags = dict(flags)
        self.environment = dict(environment)
        self.process: subprocess.Popen[bytes] | None = None
        self.within: Sequence[str] = ()
        """The command it is run by: `ip netns exec NAME`."""
        self._ready: Ready | None = None
        self._stderr_path = folder / "stderr.log"

    def __repr__(self) -> str:
        return f"<sidecar {self.name} pid={self.process.pid if self.process else None}>"

    # what it is

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None, f"{self.name} was not started"
        return self.process.pid

    @property
    def ready(self) -> Ready:
        """What it said when it served."""
        assert self._ready is not None, f"{self.name} never served"
        return self._ready

    @property
    def peer_id(self) -> str:
        """Its peer id."""
        return self.ready.peer_id

    @property
    def endpoint(self) -> str:
        """Its first gRPC address, as SIDECAR_ENDPOINT takes it."""
        return self.ready.grpc[0]

    @property
    def admin(self) -> str:
        """Its admin address, as host:port."""
        assert self.ready.admin is not None, f"{self.name} has no admin endpoint"
        return self.ready.admin

    @property
    def udp_port(self) -> int:
        """The port of its QUIC socket."""
        return int(self.ready.udp[0].rsplit(":", 1)[1])

    @property
    def contact(self) -> str:
        """Where another sidecar on this machine may dial it: `peer-id@127.0.0.1:port`."""
        return f"{self.peer_id}@127.0.0.1:{self.udp_port}"

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def stderr(self) -> str:
        """All it has written to stderr in all its runs."""
        return self._stderr_path.read_text(errors="replace") if self._stderr_path.exists() else ""

    # what it does

    def start(self, **changes: Flag) -> SidecarProcess:
        """Starts the process, with flags changed by name, and waits until it serves."""
        assert not self.alive, f"{self.name} runs already"
        self.flags |= changes
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._stderr_path.open("ab") as stderr:
            self.process = subprocess.Popen(
                [*self.within, sys.executable, "-m", "sidecar", "run", "--ready-json", *command_line(self.flags)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=self.environment,
            )
        self._ready = Ready(**json.loads(self._first_line()))
        return self

    def restart(self, **changes: Flag) -> SidecarProcess:
        """Starts it again on the ports it had, so that peers and apps find it where it was."""
        ports: dict[str, Flag] = {"udp_port": self.udp_port, "grpc_endpoint": self.ready.grpc}
        if self.ready.admin is not None:
            ports["admin_endpoint"] = self.ready.admin
        return self.start(**(ports | changes))

    def kill(self) -> None:
        """kill -9, and waits for the end."""
        self._signal(signal.SIGKILL)
        self.wait()

    def stop(self, timeout: float = STOP_TIMEOUT) -> int:
        """SIGTERM, waits at most `timeout` seconds for the orderly end, gives the exit code."""
        self._signal(signal.SIGTERM)
        return self.wait(timeout)

    def wait(self, timeout: float = STOP_TIMEOUT) -> int:
        """Waits for the end; gives the exit code (negative: the signal)."""
        assert self.process is not None, f"{self.name} was not started"
        code = self.process.wait(timeout)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return code

    def rss_mib(self) -> float:
        """Resident memory now, in MiB (Linux)."""
        return self._status_kib("VmRSS") / 1024

    def peak_rss_mib(self) -> float:
        """The most resident memory it ever had, in MiB (Linux)."""
        return self._status_kib("VmHWM") / 1024

    def _status_kib(self, key: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1])
        raise AssertionError(f"/proc/{self.pid}/status has no {key}")

    def _signal(self, number: signal.Signals) -> None:
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _first_line(self) -> bytes:
        """The line of JSON on stdout; AssertionError with what it wrote to stderr when it ends or stays silent."""
        assert self.process is not None
        assert self.process.stdout is not None
        line = bytearray()
        until = time.monotonic() + READY_TIMEOUT
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                left = until - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise AssertionError(
                        f"{self.name} did not serve within {READY_TIMEOUT} s; it wrote:\n{self.stderr}"
                    )
                chunk = os.read(self.process.stdout.fileno(), 65536)
                if not chunk:
                    code = self.wait()
                    raise AssertionError(f"{self.name} ended with {code} before it served; it wrote:\n{self.stderr}")
                line += chunk
        return bytes(line)


class Sidecars:
    """The sidecars of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[SidecarProcess] = []
        self.common: dict[str, Flag] = {}
        """Flags of every sidecar, where the test gives no others."""
        self.tracebacks_expected = False
        """Set by a test that provokes a bug on purpose."""

    def spawn(
        self, name: str | None = None, *, environment: Mapping[str, str] | None = None, **flags: Flag
    ) -> SidecarProcess:
        """Starts a sidecar on free ports of loopback and waits until it serves. Flags are given by name
        (`bootstrap=[...]`, `engine="aioquic"`, `ephemeral=True`) and replace what is set here.

        It blocks for about a second: under asyncio call it by `asyncio.to_thread`.
        """
        process = self.prepare(name, environment=environment, **flags)
        return process.start()

    def prepare(
        self, name: str | None = None, *, environment: Mapping[str, str] | None = None, **flags: Flag
    ) -> SidecarProcess:
        """The same without starting it."""
        name = name or f"sidecar{len(self.started) + 1}"
        folder = self.folder / name
        settings: dict[str, Flag] = {
            "udp_port": free_port(),
            "grpc_endpoint": f"127.0.0.1:{free_port()}",
            "admin_endpoint": f"127.0.0.1:{free_port()}",
            "network_id": "test",
            "log_format": "json",
        }
        if not flags.get("ephemeral"):
            settings["state_dir"] = folder / "state"
        process = SidecarProcess(name, folder, settings | self.common | flags, sidecar_environment(environment))
        self.started.append(process)
        return process

    def end(self) -> None:
        """Ends what still runs, orderly where it can; shows stderr, and fails on a traceback in it."""
        running = [process for process in self.started if process.alive]
        for process in running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
        late: list[str] = []
        for process in running:
            try:
                process.wait()
            except subprocess.TimeoutExpired:
                late.append(process.name)
                process.kill()
        for process in self.started:
            if process.process is not None and process.process.stdout is not None:
                process.process.stdout.close()
            if process.stderr:
                print(f"--- stderr of {process.name} ---\n{process.stderr}")
        assert not late, f"still running {STOP_TIMEOUT} s after SIGTERM: {', '.join(late)}"
        if not self.tracebacks_expected:
            guilty = [process.name for process in self.started if TRACEBACK in process.stderr]
            assert not guilty, f"a traceback on stderr of {', '.join(guilty)}"
