"""The three trust modes: in each, two sidecars link and a stranger tries to.

    python examples/trust.py

Alice and Bob have certificates of a CA made here; in public-ca it stands for one that everybody trusts, and Bob knows
Alice by her name, `localhost`. Mallory has a key and nothing else. Everything is in a folder
that is removed at the end.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from sidecar_client import Sidecar, SidecarError

COMMAND = (sys.executable, "-m", "sidecar")
CA_FLAGS = ("--ca-bundle", "ca/ca.crt", "--crl", "ca/ca.crl")


def made(folder: Path, *words: str, given: bytes = b"") -> bytes:
    """What a `sidecar` command prints."""
    done = subprocess.run([*COMMAND, *words], cwd=folder, input=given, capture_output=True, check=True, timeout=60)
    return done.stdout


def credentials(folder: Path) -> None:
    """A CA, and certificates for two keys that are made where they are used."""
    made(folder, "ca", "init", "ca")
    for who in ("alice", "bob"):
        asked = made(folder, "ca", "request", "--state-dir", who, "--name", "localhost")
        made(folder, "ca", "issue", "-", "--ca", "ca", "--out", f"{who}.crt", given=asked)


class Running:
    """A sidecar on free ports of loopback. A context manager, which ends it."""

    def __init__(self, folder: Path, who: str, *flags: str) -> None:
        words = ["run", "--ready-json", "--state-dir", who, "--udp-port", "0", "--grpc-endpoint", "127.0.0.1:0",
                 "--admin-endpoint", "none", "--network-id", "trust-example", *flags]  # fmt: skip
        with (folder / f"{who}.log").open("ab") as log:
            self.process = subprocess.Popen([*COMMAND, *words], cwd=folder, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.peer_id: str = ready["peer_id"]
        self.port = ready["udp"][0].rpartition(":")[2]
        self.api: str = ready["grpc"][0]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


def link(sidecar: Running, contact: str) -> str:
    """How linking to a contact goes, in words."""
    with Sidecar(sidecar.api) as app:
        try:
            app.connect(contact, timeout=20)
        except SidecarError as error:
            return f"refused: {error.detail}"
    return "linked"


def show(folder: Path, mode: str) -> None:
    """One mode: Bob and Mallory dial Alice, and Alice dials Mallory."""

    def flags(who: str) -> tuple[str, ...]:
        return () if mode == "unverified" else ("--trust", mode, *CA_FLAGS, "--cert", f"{who}.crt")

    with ExitStack() as running:
        alice = running.enter_context(Running(folder, "alice", *flags("alice")))
        bob = running.enter_context(Running(folder, "bob", *flags("bob")))
        mallory = running.enter_context(Running(folder, "mallory"))
        print(f"{mode}:")
        print(f"  Bob dials Alice: {link(bob, f'localhost:{alice.port}')}")
        print(f"  Mallory dials Alice: {link(mallory, f'localhost:{alice.port}')}")
        print(f"  Alice dials Mallory: {link(alice, f'localhost:{mallory.port}')}", flush=True)


def main() -> None:
    """Shows all three."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        credentials(folder)
        for mode in ("unverified", "private-ca", "public-ca"):
            show(folder, mode)


if __name__ == "__main__":
    main()
