"""Who is measured: two sidecars, two go-libp2p-daemons, and two apps with nothing between them. Each is a pair of apps
that take the same commands."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.places import Place, Site
from bench.processes import App, Process

READY_SECONDS = 30.0
PYTHON_APP = Path(__file__).resolve().parent / "load" / "python" / "app.py"


@dataclass(frozen=True)
class Pair:
    """Two apps and what stands between them."""

    name: str
    kind: str
    """Whose it is, by the name that `--only` has for it."""
    sender: App
    receiver: App
    peer: str
    """What the sender calls the receiver's side."""
    back: str
    """What the receiver calls the sender's side."""
    address: str
    """Where the sender's side dials the receiver's."""
    between: tuple[Process, ...] = ()
    can: frozenset[str] = frozenset()
    """The works of `bench.works` that this pair does."""
    channel: str = ""
    """What its messages go by; empty where each run has a stream of its own."""
    verbs: dict[str, str] = field(default_factory=dict)
    """Commands that have another name in this pair's apps."""

    def processes(self) -> dict[str, Process]:
        """Every process of the pair, by its part."""
        between = zip(("sending sidecar", "receiving sidecar"), self.between, strict=False)
        return {"sending app": self.sender, "receiving app": self.receiver, **dict(between)}


@dataclass(frozen=True)
class Binaries:
    """What was built."""

    load: Path
    daemon: Path | None
    embedded: Mapping[str, Path]
    """Load programs with another system inside, by its name."""


@contextmanager
def plain_grpc(place: Place, binaries: Binaries, folder: Path) -> Iterator[Pair]:
    """gRPC-go with mutual TLS 1.3 straight from app to app."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([str(binaries.load), "certificates", str(folder)], check=True, timeout=30)
    with ExitStack() as stack:
        log = folder / "apps.log"
        serve = [str(binaries.load), "server", "-listen", f"{place.receiver.address}:0", "-tls", str(folder)]
        receiver = stack.enter_context(App("gRPC receiver", serve, place.receiver, log))
        address = str(receiver.ask("address"))
        dial = [str(binaries.load), "api", "-target", address, "-tls", str(folder)]
        sender = stack.enter_context(App("gRPC sender", dial, place.sender, log))
        yield Pair(
            "gRPC-go mTLS", "grpc", sender, receiver, peer="", back="", address=address,
            can=frozenset({"stream", "batch", "ping", "deliver", "request", "call", "relink"}),
            verbs={"request": "send_delivered", "call": "send_delivered", "relink": "redial"},
        )  # fmt: skip


@contextmanager
def libp2p_daemons(place: Place, binaries: Binaries, folder: Path) -> Iterator[Pair]:
    """go-libp2p-daemon with QUIC alone, driven through its control socket."""
    folder.mkdir(parents=True, exist_ok=True)
    assert binaries.daemon is not None
    with ExitStack() as stack:
        apps: list[App] = []
        daemons: list[Process] = []
        for side, site in (("sender", place.sender), ("receiver", place.receiver)):
            control, handlers = folder / f"{side}.sock", folder / f"{side}-streams.sock"
            command = daemon_command(binaries.daemon, control, site)
            daemons.append(stack.enter_context(Process(f"p2pd {side}", command, site, folder / "p2pd.log")))
            app = [str(binaries.load), "libp2p", "-control", str(control), "-handlers", str(handlers)]
            apps.append(stack.enter_context(App(f"p2pd {side} app", app, site, folder / "apps.log")))
        sender, receiver = apps
        peer, back = str(receiver.ask("identity")), str(sender.ask("identity"))
        sender.ask("connect", peer=peer)
        yield Pair(
            "p2pd", "p2pd", sender, receiver, peer=peer, back=back, address="", between=tuple(daemons),
            can=frozenset({"stream", "batch", "request", "call", "relink"}),
        )  # fmt: skip


def daemon_command(binary: Path, control: Path, site: Site) -> list[str]:
    return [str(binary), "-q", "-listen", f"/unix{control}", "-hostAddrs", f"/ip4/{site.address}/udp/0/quic-v1"]


def sidecar_command(folder: Path, engine: str, *more: str, keeps: bool = False) -> list[str]:
    """A sidecar on free ports with a Unix socket beside TCP; folders are short, as a socket's path must be."""
    state = ["--state-dir", str(folder / "state")] if keeps else ["--ephemeral"]
    return [
        sys.executable, "-m", "sidecar", "run", "--ready-json", *state, "--engine", engine,
        "--udp-port", "0", "--network-id", "bench", "--grpc-endpoint", "127.0.0.1:0",
        "--grpc-endpoint", f"unix:{folder}/api.sock", "--admin-endpoint", "127.0.0.1:0", *more,
    ]  # fmt: skip


@dataclass(frozen=True)
class Sidecar:
    """A sidecar that serves."""

    process: Process
    peer_id: str
    contact: str
    endpoint: str
    ready_seconds: float
    """From its start to the line that says it serves."""


def start_sidecar(
    name: str,
    site: Site,
    folder: Path,
    engine: str,
    *,
    api: str = "unix",
    pin: str = "",
    flags: Sequence[str] = (),
    keeps: bool = False,
) -> Sidecar:
    """Starts one and waits until it serves. The caller stops `process`. `pin` names the cores it may use, `flags` are
    for `sidecar run`, `keeps` gives it a state directory."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [*sidecar_command(folder, engine, keeps=keeps), *flags]
    process = Process(name, ["taskset", "-c", pin, *command] if pin else command, site, folder / "sidecar.log")
    try:
        ready: dict[str, Any] = json.loads(process.line(READY_SECONDS))
    except BaseException:
        process.stop()
        raise
    took = time.monotonic() - process.started
    port = str(ready["udp"][0]).rsplit(":", 1)[1]
    endpoints = [str(endpoint) for endpoint in ready["grpc"]]
    endpoint = next(endpoint for endpoint in endpoints if endpoint.startswith("unix:") == (api == "unix"))
    return Sidecar(process, str(ready["peer_id"]), f"{ready['peer_id']}@{site.address}:{port}", endpoint, took)


@contextmanager
def sidecars(
    place: Place, binaries: Binaries, folder: Path, engine: str, front: str, *, api: str, python: bool
) -> Iterator[list[Pair]]:
    """Two sidecars with an app in Go beside each and, where asked, one in Python too, for the same sidecars."""
    with ExitStack() as stack:
        ends: list[Sidecar] = []
        for side, site in (("s", place.sender), ("r", place.receiver)):
            name = f"{engine} {front} sidecar {side}"
            ends.append(start_sidecar(name, site, folder / side, engine, api=api, flags=("--front", front)))
            stack.enter_context(ends[-1].process)
        kinds = {"Go": [str(binaries.load), "api", "-target"]}
        if python:
            kinds["Python"] = [sys.executable, str(PYTHON_APP)]
        pairs: list[Pair] = []
        for kind, command in kinds.items():
            sender, receiver = (
                stack.enter_context(App(f"{engine} {kind} app", [*command, end.endpoint], site, folder / f"{kind}.log"))
                for end, site in zip(ends, (place.sender, place.receiver), strict=True)
            )
            if not pairs:
                sender.ask("connect", address=ends[1].contact)
            can = {"stream", "batch", "ping", "deliver"} | ({"request", "call", "relink"} if kind == "Go" else set())
            pairs.append(
                Pair(
                    sidecar_name(engine, front, kind),
                    "sidecar",
                    sender,
                    receiver,
                    peer=ends[1].peer_id,
                    back=ends[0].peer_id,
                    address=ends[1].contact,
                    between=tuple(end.process for end in ends),
                    can=frozenset(can),
                    channel=f"bench-{kind}",
                )
            )
        yield pairs


def sidecar_name(engine: str, front: str = "lean", apps: str = "Go") -> str:
    """What a row says: the engine, and what is not as it is by default."""
    return f"sidecar {engine}" + (f", {front}" if front != "lean" else "") + (f", {apps} apps" if apps != "Go" else "")
