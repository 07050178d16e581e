"""Systems that live inside the app: go-libp2p, quinn, iroh and qp2p. Two apps, nothing between them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.competitors import Binaries, Pair
from bench.places import Place, Site
from bench.processes import App

EMBEDDED = ("go-libp2p", "quinn", "iroh", "qp2p")

STREAMS = frozenset({"stream", "batch", "request", "call"})
CAN = {
    # Its own limits refuse more than a few connections a second from one address.
    "go-libp2p": STREAMS,
    "quinn": STREAMS | {"relink"},
    "iroh": STREAMS | {"relink"},
    # It takes one message a stream: there are neither batches nor a second request on a stream.
    "qp2p": frozenset({"stream", "call", "relink"}),
}


@contextmanager
def embedded(place: Place, name: str, binaries: Binaries, folder: Path) -> Iterator[Pair]:
    """One of EMBEDDED in two apps, one of which knows the other's address (and key)."""
    folder.mkdir(parents=True, exist_ok=True)
    if name == "quinn":
        subprocess.run([str(binaries.load), "certificates", str(folder)], check=True, timeout=30)
    with ExitStack() as stack:
        sender, receiver = (
            stack.enter_context(App(f"{name} {side}", command, site, folder / "apps.log"))
            for side, site, command in (
                ("sender", place.sender, _command(name, binaries, place.sender, folder, "client")),
                ("receiver", place.receiver, _command(name, binaries, place.receiver, folder, "server")),
            )
        )
        peer = str(receiver.ask("identity"))
        sender.ask("connect", peer=peer)
        yield Pair(name, name, sender, receiver, peer=peer, back="", address="", can=CAN[name])


def _command(name: str, binaries: Binaries, site: Site, folder: Path, certificate: str) -> list[str]:
    binary = str(binaries.embedded[name])
    if name == "go-libp2p":
        return [binary, "libp2p-host", "-listen", site.address]
    return [binary, site.address, *([str(folder), certificate] if name == "quinn" else [])]
