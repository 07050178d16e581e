"""What Retry costs, and what it saves: links made each second by policy, alone and among spoofed first packets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.competitors import start_sidecar
from bench.places import LOOPBACK
from bench.processes import Failed
from bench.standing import Samples, start_swarm

KEYS = 500
DEPTH = 16
SPOOFED = 10
"""For each link that is meant."""
FORGED = 1500
WORK = "handshakes, Retry {policy}{among}"
CASES = (("never", 0), ("always", 0), ("never", SPOOFED), ("always", SPOOFED), ("under-load", SPOOFED))


def work_of(policy: str, spoofed: int) -> str:
    """The name of a case."""
    return WORK.format(policy=policy, among=f", {spoofed} spoofed for each" if spoofed else "")


def measure_retry(samples: Samples, folder: Path, engine: str, seconds: float) -> None:
    """One sidecar for each case, its core its own; the swarm, and who spoofs, share the other."""
    for policy, spoofed in CASES:
        name = f"{engine} sidecar, Retry {policy}"
        place = folder / f"{engine}retry{policy}{spoofed}"
        sidecar = start_sidecar(
            name, site=LOOPBACK.sender, folder=place, engine=engine, pin="0", flags=["--retry", policy]
        )
        with sidecar.process, start_swarm(engine, KEYS, folder, "1") as swarm:
            if spoofed:
                swarm.ask("forge", contact=sidecar.contact, count=FORGED)
            asked: dict[str, Any] = {"contact": sidecar.contact, "depth": DEPTH, "spoofed": spoofed}
            try:
                swarm.ask("shake", seconds=0.5, **asked)  # by now Retry is on where it is to be
                before = sidecar.process.cpu_seconds()
                made = swarm.ask("shake", seconds=2 * seconds, **asked)
            except Failed as failed:
                # Where every place for handshakes is taken by spoofed ones nobody gets in: that is the figure.
                if policy != "never" or not spoofed:
                    raise
                print(f"  {work_of(policy, spoofed)}: {failed}", flush=True)
                samples[work_of(policy, spoofed)][f"sidecar {engine}"].append({"handshakes_s": 0.0})
                continue
            spent = sidecar.process.cpu_seconds() - before
        samples[work_of(policy, spoofed)][f"sidecar {engine}"].append(
            {"handshakes_s": made["count"] / made["seconds"], "acceptor_ms": spent / max(made["count"], 1) * 1e3}
        )
