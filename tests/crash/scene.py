"""Two sidecars and two apps as processes, killed at random moments and started again."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidecar_client import Sidecar, SidecarError
from tests.crash.checker import Verdict, judge
from tests.processes import TRACEBACK, SidecarProcess, Sidecars, sidecar_environment

QUIET_SECONDS = 120.0
"""What may pass until all that is durable has arrived, once nobody is killed any more: it takes a few seconds."""
AFTER_SECONDS = 1.0
"""How long traffic goes on behind the last kill, and how long plain messages, which no queue shows, have to arrive."""


@dataclass(frozen=True)
class Place:
    """Where a sidecar runs."""

    address: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()
    """What starts a command there."""


class App:
    """An app as a process, started again by `start`."""

    def __init__(self, module: str, *words: str) -> None:
        self._command = [sys.executable, "-m", f"tests.crash.{module}", *words]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it."""
        self._process = subprocess.Popen(self._command, env=sidecar_environment(), stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


class Scene:
    """See the module."""

    def __init__(self, folder: Path, sidecars: Sidecars, seed: int, places: tuple[Place, Place] | None = None) -> None:
        places = places or (Place(), Place())
        self.kills: Counter[str] = Counter()
        sidecars.tracebacks_expected = True  # grpcio writes one when a client is killed within a call: see `tracebacks`
        self._draw = random.Random(seed)
        self._notes = folder / "sender.notes", folder / "receiver.notes"
        # Unix sockets: a port that apps keep dialling while nobody listens there may be taken by one of them.
        # Their paths have room for some 100 bytes.
        self._sockets = tempfile.TemporaryDirectory(prefix="qpc", dir="/tmp")
        near, far = places
        self._near = self._spawn(sidecars, "near", near, ())
        contact = self._near.contact.replace("@127.0.0.1:", f"@{near.address}:")
        self._far = self._spawn(sidecars, "far", far, (contact,))
        self._sender = App("sender_app", self._near.endpoint, self._far.peer_id, str(self._notes[0]))
        self._receiver = App("receiver_app", self._far.endpoint, str(self._notes[1]))

    def _spawn(self, sidecars: Sidecars, name: str, place: Place, bootstrap: Sequence[str]) -> SidecarProcess:
        process = sidecars.prepare(
            name, grpc_endpoint=f"unix:{self._sockets.name}/{name}", admin_endpoint="none", bootstrap=bootstrap
        )
        process.within = place.prefix
        return process.start()

    def run(self, kills: int, pause: float = 0.6) -> list[Verdict]:
        """Kills so many times, some `pause` seconds apart, and judges what the apps have noted."""

        def kill() -> None:
            for _ in range(kills):
                time.sleep(self._draw.uniform(0, 2 * pause))  # the moments are what is drawn
                self._kill_one()
            time.sleep(AFTER_SECONDS)

        return self.during(kill)

    def during(self, happening: Callable[[], None]) -> list[Verdict]:
        """Lets traffic run while something happens, and judges what the apps have noted."""
        self._sender.start()
        self._receiver.start()
        try:
            happening()
            self._sender.kill()
            self._wait_until_quiet()
        finally:
            self._sender.kill()
            self._receiver.kill()
            self._sockets.cleanup()
        return judge(*self._notes)

    def tracebacks(self) -> list[str]:
        """Lines of the sidecars' logs with tracebacks of ours."""
        lines = (self._near.stderr + self._far.stderr).splitlines()
        return [line for line in lines if TRACEBACK in line and "ExecuteBatchError" not in line]

    def _kill_one(self) -> None:
        victim = self._draw.choice(("near sidecar", "far sidecar", "both sidecars", "sender app", "receiver app"))
        self.kills[victim] += 1
        if victim.endswith("app"):
            app = self._sender if victim == "sender app" else self._receiver
            app.kill()
            time.sleep(self._draw.uniform(0, 0.2))
            app.start()
            return
        chosen: list[SidecarProcess] = []
        if victim != "far sidecar":
            chosen.append(self._near)
        if victim != "near sidecar":
            chosen.append(self._far)
        for process in chosen:
            process.kill()
        time.sleep(self._draw.uniform(0, 0.2))
        self._draw.shuffle(chosen)
        for process in chosen:
            process.restart()

    def _wait_until_quiet(self) -> None:
        """Until neither journal holds a message that waits. AssertionError when one still does after QUIET_SECONDS: it
        is not lost, and it is stuck."""
        until = time.monotonic() + QUIET_SECONDS
        while waiting := self._waiting():
            assert time.monotonic() < until, f"after {QUIET_SECONDS:g} s there still wait {waiting}"
            time.sleep(0.2)  # nothing tells that a queue of another process is empty
        time.sleep(AFTER_SECONDS)

    def _waiting(self) -> list[str]:
        """What the journals hold, in words; and whom they could not be asked of."""
        found = []
        for process in (self._near, self._far):
            with Sidecar(process.endpoint) as client:
                try:
                    found += [
                        f"{queue.messages} on {queue.channel} beside {process.name}"
                        for queue in client.queues(timeout=5).queues
                    ]
                except SidecarError as error:
                    found.append(f"{process.name}: {error}")
        return found
