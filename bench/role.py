"""How long a sidecar takes from its start until it is a node: linked, and dialled back by its contact and a third."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path

from bench.competitors import start_sidecar
from bench.places import LOOPBACK
from bench.processes import Failed
from bench.standing import Samples
from sidecar_client import Sidecar
from sidecar_client.gen.overlay.v1.role_pb2 import ROLE_NODE

OTHERS = (1, 2)
"""Sidecars that are there: alone the contact's own probe counts, with another its word is asked for."""
PATIENCE = 30.0


def measure_role(samples: Samples, folder: Path, engine: str, repeats: int) -> None:
    """A new sidecar for each sample, linked to one of those that are there. Time runs from the making of the node, a
    moment before it serves, to when its API tells the role."""
    with ExitStack() as stack:
        contact = ""
        for others in OTHERS:
            flags = ("--bootstrap", contact) if contact else ()
            there = start_sidecar(f"{engine} {others}", LOOPBACK.receiver, folder / f"{engine}role{others}", engine,
                                  flags=flags)  # fmt: skip
            stack.enter_context(there.process)
            contact = contact or there.contact
            for repeat in range(repeats):
                place = folder / f"{engine}new{others}.{repeat}"
                samples[work_name(others)][f"sidecar {engine}"].append(_newcomer(place, engine, contact))


def work_name(others: int) -> str:
    """What the samples go under."""
    return f"node role, {others} there"


def _newcomer(folder: Path, engine: str, contact: str) -> dict[str, float]:
    sidecar = start_sidecar(f"{engine} new", LOOPBACK.sender, folder, engine,
                            flags=("--bootstrap", contact, "--role", "node"))  # fmt: skip
    with sidecar.process, Sidecar(sidecar.endpoint) as api:
        until = time.monotonic() + PATIENCE
        while (node := api.node()).role != ROLE_NODE:
            if time.monotonic() > until:
                raise Failed(f"not a node within {PATIENCE:.0f} s: {node.role_reason}; see {sidecar.process.log}")
            time.sleep(0.002)
        took = time.time() - node.started_at.ToNanoseconds() / 1e9
    return {"node_ms": took * 1e3}
