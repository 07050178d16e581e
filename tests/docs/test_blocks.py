"""Runs what README and docs/ show."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecar_client import Sidecar
from tests.conftest import require
from tests.docs.blocks import REPOSITORY, RUNNABLE, Block, block, blocks
from tests.ports import free_port
from tests.processes import TRACEBACK, sidecar_environment

PORTS = (7400, 7401, 7402, 7500, 7501, 7502)
"""What the pages write. Free ones stand in for them: the machine's own sidecar may be on these."""

ONCE = {"commands", "two sidecars", "receive in Python", "send in Python", "Go", "shell", "trust", "stranger"}
"""Names of blocks that a test below runs, each used once. `run` is for any number of them, and
test_grpcurl.py has its own."""


def test_every_block_is_named_and_run() -> None:
    found = list(blocks())
    nameless = [str(each) for each in found if each.language in RUNNABLE and each.name is None]
    assert not nameless, f"put `<!-- test: NAME -->` above the blocks at {', '.join(nameless)}"
    assert sorted(each.name for each in found if each.name not in {None, "run", "make", "grpcurl"}) == sorted(ONCE)


@dataclass
class Place:
    """A folder in which README's two sidecars run."""

    folder: Path
    ports: Mapping[int, int]
    peer_id: str = ""
    """Bob's."""

    def code(self, shown: Block) -> str:
        """A block's code with the ports of this place."""
        return re.sub(r"\b7[45]0[012]\b", lambda match: str(self.ports[int(match[0])]), shown.code)

    def environment(self, sidecar: str = "alice") -> dict[str, str]:
        """What an app beside a sidecar finds."""
        port = self.ports[7401 if sidecar == "alice" else 7501]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return sidecar_environment({"SIDECAR_ENDPOINT": f"127.0.0.1:{port}", "PEER": self.peer_id, "PATH": path})

    def shell(self, script: str, **more: str) -> str:
        """What a script prints; AssertionError when it fails."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment() | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=150,
        )
        assert done.returncode == 0, f"{script}\nended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        assert TRACEBACK not in done.stderr, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """README's two sidecars, started as it says."""
    place = Place(tmp_path_factory.mktemp("readme"), {port: free_port() for port in PORTS})
    script = place.code(block("two sidecars")).replace(". .venv/bin/activate\n", "")
    # Alice's ports are the defaults, which stand nowhere in the page; Bob's flags go over the environment.
    udp, grpc, admin = (place.ports[port] for port in (7400, 7401, 7402))
    environment = place.environment() | {
        "SIDECAR_UDP_PORT": str(udp),
        "SIDECAR_GRPC_ENDPOINT": f"127.0.0.1:{grpc}",
        "SIDECAR_ADMIN_ENDPOINT": f"127.0.0.1:{admin}",
        "SIDECAR_NETWORK_ID": place.folder.name,
    }
    log = place.folder / "log"
    with log.open("w") as output:
        started = subprocess.Popen(
            ["bash", "-c", f"{script}\njobs -p >pids\nwait"],
            cwd=place.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        for port in (7401, 7501):
            with Sidecar(f"127.0.0.1:{place.ports[port]}") as sidecar:
                sidecar.wait_ready(60, level="overlay")
                place.peer_id = sidecar.node().peer_id
        yield place
    finally:
        for pid in (place.folder / "pids").read_text().split():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM)
        started.wait(60)
        print(log.read_text())
    assert TRACEBACK not in log.read_text()


def test_commands() -> None:
    listed = [line.split()[1] for line in block("commands").code.splitlines()]
    assert listed == ["demo", "test"]
    complete = (REPOSITORY / ".ci/run").read_text()
    for target in listed:
        assert re.search(rf"make {target}\b", complete), f".ci/run does not run `make {target}`"


def test_make_targets() -> None:
    require("make")
    for shown in blocks():
        if shown.name == "make":
            for line in shown.code.splitlines():
                command = line.partition("#")[0].split()
                assert command[0] == "make"
                subprocess.run([*command, "--dry-run"], cwd=REPOSITORY, check=True, capture_output=True, timeout=30)


def test_python(place: Place) -> None:
    receiver = subprocess.Popen(
        [sys.executable, "-u", "-c", place.code(block("receive in Python"))],
        env=place.environment("bob"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert receiver.stdout is not None
        peer_id = receiver.stdout.readline().removeprefix("send to ").strip()
        assert peer_id == place.peer_id
        (place.folder / "send.py").write_text(place.code(block("send in Python")))
        assert place.shell(f'python send.py "{peer_id}"') == "delivered\n"
        printed, errors = receiver.communicate(timeout=60)
    finally:
        receiver.kill()
        receiver.wait()
    with Sidecar(place.environment()["SIDECAR_ENDPOINT"]) as alice:
        assert printed == f"{alice.node().peer_id} says b'hello'\n", errors


def test_shell(place: Place) -> None:
    assert "hello" in place.shell(place.code(block("shell")))


@pytest.mark.clients
@pytest.mark.timeout(1000)
def test_go(place: Place) -> None:
    require("go")
    app, client = place.folder / "app", REPOSITORY / "clients" / "go"
    app.mkdir()
    shutil.copy(client / "go.sum", app)
    module = (client / "go.mod").read_text().split("\n")[0].split()[1]
    (app / "go.mod").write_text(f"module app\n\ngo 1.26.0\n\nrequire {module} v0.0.0\n\nreplace {module} => {client}\n")
    (app / "main.go").write_text(block("Go").code)
    build = ["go", "build", "-mod=mod", "-o", "app", "."]
    built = subprocess.run(build, cwd=app, capture_output=True, text=True, check=False, timeout=900)
    assert built.returncode == 0, built.stderr
    receiver = subprocess.Popen([app / "app"], env=place.environment("bob"), stdout=subprocess.PIPE, text=True)
    try:
        assert place.shell(f'app/app "{place.peer_id}"') == "delivered\n"
        printed, _ = receiver.communicate(timeout=60)
    finally:
        receiver.kill()
        receiver.wait()
    assert printed.endswith(" says hello\n")


@pytest.mark.parametrize("shown", [each for each in blocks() if each.name == "run"], ids=str)
def test_run(place: Place, shown: Block) -> None:
    if shown.language == "python":
        (place.folder / "shown.py").write_text(place.code(shown))
        place.shell("python shown.py")
    else:
        place.shell(place.code(shown))
