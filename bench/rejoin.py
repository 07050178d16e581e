"""How long a sidecar that restarts, told of nobody, takes to be linked again by its cache, the live node tried last."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from bench.competitors import start_sidecar
from bench.places import LOOPBACK
from bench.processes import Failed
from bench.standing import Samples
from sidecar.identity import Identity
from sidecar.overlay.cache import Cache
from sidecar.overlay.cache_file import CacheFile
from sidecar_client import Sidecar

DEAD = (0, 50, 199)
"""Dead nodes before the live one; the cache holds 200."""
PATIENCE = 30.0


def measure_rejoin(samples: Samples, folder: Path, engine: str, repeats: int) -> None:
    """One live sidecar for all; a new state directory for each sample. Time runs from the making of the node, a moment
    before it serves, to the link."""
    with ExitStack() as stack:
        live = start_sidecar(f"{engine} live", LOOPBACK.receiver, folder / f"{engine}live", engine)
        stack.enter_context(live.process)
        for repeat in range(repeats):
            for dead in DEAD:
                place = folder / f"{engine}{dead}.{repeat}"
                samples[work_name(dead)][f"sidecar {engine}"].append(_rejoin(place, engine, live.contact, dead))


def work_name(dead: int) -> str:
    """What the samples go under."""
    return f"rejoin, {dead} dead"


def _rejoin(folder: Path, engine: str, contact: str, dead: int) -> dict[str, float]:
    state = folder / "state"
    state.mkdir(parents=True, mode=0o700)
    who = _remember(folder, engine, contact)
    cache = Cache(CacheFile(state))
    for number in range(dead):
        gone = Identity.ephemeral()
        # Nothing listens there, and nothing is said of it: the kernel's word reaches no socket that is not connected.
        cache.connected(gone.peer_id, (f"127.1.{number >> 8}.{number & 255 | 1}", 9 + number), gone.certificate_der)
    cache.close()
    flags = ("--no-ephemeral", "--min-links", "1")
    sidecar = start_sidecar(f"{engine} rejoining", LOOPBACK.sender, folder, engine, flags=flags)
    with sidecar.process, Sidecar(sidecar.endpoint) as api:
        until = time.monotonic() + PATIENCE
        while True:
            linked = {peer.peer_id: peer for peer in api.peers(linked_only=True)}
            if who in linked:
                break
            if time.monotonic() > until:
                raise Failed(f"not rejoined within {PATIENCE:.0f} s with {dead} dead; see {sidecar.process.log}")
            time.sleep(0.005)
        started = api.node().started_at.ToNanoseconds() / 1e9
        took = linked[who].linked_at.ToNanoseconds() / 1e9 - started
    return {"linked_ms": took * 1e3}


def _remember(folder: Path, engine: str, contact: str) -> str:
    """A first run of the sidecar that links to the live one and remembers it; the live one's peer id."""
    flags = ("--no-ephemeral", "--min-links", "1")
    sidecar = start_sidecar(f"{engine} before", LOOPBACK.sender, folder, engine, flags=flags)
    with sidecar.process, Sidecar(sidecar.endpoint) as api:
        return api.connect(contact).peer_id
