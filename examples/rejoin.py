"""A node that vanishes and rejoins by its cache: sidecars of its own, no app.

    python examples/rejoin.py

Three sidecars find each other; the third was told of the first. The third is killed (kill -9), the first, its only
contact, is stopped for good, and the third comes back on another port, told of nobody: it remembers the second.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sidecar_client import Sidecar

PATIENCE = 30.0


class Node:
    """A sidecar of this example, with a state directory that outlives it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.state = folder / name
        self.socket = folder / f"{name}.sock"
        self.process: subprocess.Popen[str] | None = None
        self.peer_id = ""
        self.contact = ""

    def start(self, *contacts: str, min_links: int = 3) -> None:
        """Runs it, told of these contacts and no others; it looks for more links as long as it has fewer than that."""
        words = [word for contact in contacts for word in ("--bootstrap", contact)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sidecar", "run", "--ready-json", "--state-dir", str(self.state), "--udp-port", "0",
             "--udp-host", "127.0.0.1", "--grpc-endpoint", f"unix:{self.socket}", "--admin-endpoint", "none",
             "--log-level", "error", "--min-links", str(min_links), *words],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.peer_id, self.contact = ready["peer_id"], f"{ready['peer_id']}@{ready['udp'][0]}"
        told = f"told of {len(contacts)} contacts" if contacts else "told of nobody"
        print(f"{self.name}: {self.peer_id[:8]} runs, {told}", flush=True)

    def end(self, number: int) -> None:
        """A signal, and the end."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self.process.pid, number)
        if self.process is not None and self.process.stdout is not None:
            self.process.wait(timeout=30)
            self.process.stdout.close()

    def api(self) -> Sidecar:
        """The way in for an app."""
        return Sidecar(f"unix:{self.socket}")

    def wait_for(self, *others: Node) -> None:
        """Returns once it is linked to all of these."""
        wanted = {other.peer_id for other in others}
        until = time.monotonic() + PATIENCE
        with self.api() as api:
            while not wanted <= {peer.peer_id for peer in api.peers(linked_only=True)}:
                if time.monotonic() > until:
                    sys.exit(f"{self.name} found no way back")
                time.sleep(0.05)
        print(f"{self.name}: linked to {', '.join(other.name for other in others)}", flush=True)


def run(folder: Path) -> None:
    """See the module."""
    first, second, third = nodes = [Node(name, folder) for name in ("first", "second", "third")]
    try:
        first.start(min_links=1)
        second.start(first.contact, min_links=1)
        second.wait_for(first)
        third.start(first.contact)
        third.wait_for(first, second)  # the first has told of the second, and one link is few
        with third.api() as api:
            remembered = [contact.address for contact in api.contacts(cached=True) if not contact.configured]
            # Who has been dialled is remembered, and contacts are not: they are known anyway.
        print(f"third: remembers {', '.join(address[:8] for address in remembered)}", flush=True)
        third.end(signal.SIGKILL)
        first.end(signal.SIGTERM)
        print("third: killed; first: stopped", flush=True)
        began = time.monotonic()
        third.start()
        third.wait_for(second)
        print(f"third: back {time.monotonic() - began:.1f} s after its start", flush=True)
    finally:
        for node in nodes:
            node.end(signal.SIGTERM)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="rejoin", dir="/tmp") as name:  # short: sockets live in it
        run(Path(name))
