"""README's section on who may be a peer, run as it stands."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar_client import PeersSnapshot, Sidecar
from sidecar_client.gen.overlay.v1 import peer_pb2
from tests.docs.blocks import block
from tests.ports import free_port
from tests.processes import TRACEBACK, sidecar_environment

PORTS = (7400, 7401, 7500, 7501, 7502, 7600, 7601)
READY = 60


class Shell:
    """A folder, the page's ports as free ones, and what was started in the background."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {port: free_port() for port in PORTS}
        # Alice's ports are the defaults, which stand nowhere in the page; the flags of the others go over these.
        self.environment = sidecar_environment(
            {
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "SIDECAR_UDP_PORT": str(self.ports[7400]),
                "SIDECAR_GRPC_ENDPOINT": f"127.0.0.1:{self.ports[7401]}",
                "SIDECAR_ADMIN_ENDPOINT": "none",
                "SIDECAR_NETWORK_ID": folder.name,
            }
        )
        self.started: list[subprocess.Popen[bytes]] = []
        self.log = folder / "log"

    def run(self, name: str, foreground: str = "") -> None:
        """A block in the background, with its own background processes listed in a file."""
        code = re.sub(r"\b7[456]0[012]\b", lambda match: str(self.ports[int(match[0])]), block(name).code)
        code = code if not foreground else code.partition(foreground)[0]
        with self.log.open("ab") as log:
            words = ["bash", "-c", f"set -eu\n{code}\njobs -p >{name}.pids\nwait"]
            self.started.append(
                subprocess.Popen(words, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log)
            )  # fmt: skip

    def end(self) -> None:
        for pids in self.folder.glob("*.pids"):
            for pid in pids.read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGTERM)
        for process in self.started:
            process.wait(60)
        text = self.log.read_text()
        print(text)
        assert TRACEBACK not in text

    def client(self, port: int) -> Sidecar:
        return Sidecar(f"127.0.0.1:{self.ports[port]}")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    try:
        yield made
    finally:
        made.end()


@pytest.mark.timeout(300)
def test_two_sidecars_refuse_a_stranger_and_say_why(shell: Shell) -> None:
    shell.run("trust")
    with shell.client(7401) as alice, shell.client(7501) as bob:
        for each in (alice, bob):
            each.wait_ready(READY, level="overlay")
        linked = [peer.peer_id for peer in alice.peers(linked_only=True)]
        assert linked == [bob.node().peer_id]
        shell.run("stranger", foreground="SIDECAR_ENDPOINT")
        with shell.client(7601) as mallory:
            mallory.wait_ready(READY, level="api")
            said = subprocess.run(
                ["sidecar", "bootstrap", f"127.0.0.1:{shell.ports[7400]}"],
                env=shell.environment | {"SIDECAR_ENDPOINT": f"127.0.0.1:{shell.ports[7601]}"},
                capture_output=True, text=True, check=False, timeout=90,
            )  # fmt: skip
            assert said.returncode == 6
            assert "refused: self-signed certificate: CN=" in said.stderr
            assert "is issued by itself, not by a CA" in said.stderr
            assert not mallory.peers(linked_only=True)
            mallory_id = mallory.node().peer_id
        assert mallory_id not in {peer.peer_id for peer in alice.peers()}
        assert "self-signed certificate" in shell.log.read_text()
        # And revoking ends a link.
        (bob_id,) = linked
        subprocess.run(
            ["sidecar", "ca", "revoke", "bob.crt", "--ca", "./ca"],
            cwd=shell.folder, env=shell.environment, check=True, capture_output=True, timeout=90,
        )  # fmt: skip
        for pid in (shell.folder / "trust.pids").read_text().split():
            os.kill(int(pid), signal.SIGHUP)
        for step in alice.watch_peers():
            peers = step.peers if isinstance(step, PeersSnapshot) else [step.peer]
            if any(peer.peer_id == bob_id and peer.state == peer_pb2.PEER_STATE_KNOWN for peer in peers):
                break
    assert f"cut {bob_id}: certificate revoked: " in shell.log.read_text()
