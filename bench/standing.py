"""What a sidecar costs before it moves a message: start, memory, handshakes, idle links."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path

from bench.competitors import daemon_command, start_sidecar
from bench.places import LOOPBACK
from bench.processes import App, Failed, Process
from bench.works import Sample

MIB = 1 << 20
KIB = 1 << 10
SETTLE_SECONDS = 1.0
IDLE_SECONDS = 5.0
HANDSHAKE_KEYS = 1000
SWARM = Path(__file__).resolve().parent / "load" / "swarm.py"

Samples = defaultdict[str, defaultdict[str, list[Sample]]]
"""By work, then by competitor."""


def measure_start(samples: Samples, folder: Path, engines: tuple[str, ...], daemon: Path | None, repeats: int) -> None:
    """From starting the process to serving, and the memory a second later; the competitors take turns."""
    for repeat in range(repeats):
        for engine in engines:
            sidecar = start_sidecar(f"{engine} sidecar", LOOPBACK.sender, folder / f"{engine}{repeat}", engine)
            with sidecar.process:
                time.sleep(SETTLE_SECONDS)
                samples["start"][f"sidecar {engine}"].append(
                    {"ready_ms": sidecar.ready_seconds * 1e3, "rss_mib": sidecar.process.rss_bytes() / MIB}
                )
        if daemon is not None:
            samples["start"]["p2pd"].append(_daemon_start(daemon, folder, repeat))


def _daemon_start(daemon: Path, folder: Path, repeat: int) -> Sample:
    """It is ready when its control socket is there."""
    control = folder / f"p2pd{repeat}.sock"
    command = daemon_command(daemon, control, LOOPBACK.sender)
    with Process("p2pd", command, LOOPBACK.sender, folder / "p2pd.log") as process:
        while not control.exists():
            if time.monotonic() - process.started > 10:
                raise Failed(f"p2pd made no control socket within 10 s; see {process.log}")
            time.sleep(0.001)
        ready = time.monotonic() - process.started
        time.sleep(SETTLE_SECONDS)
        return {"ready_ms": ready * 1e3, "rss_mib": process.rss_bytes() / MIB}


def start_swarm(engine: str, keys: int, folder: Path, pin: str) -> App:
    """Many peers in one process, on some cores."""
    command = [sys.executable, str(SWARM), engine, str(keys)]
    return App(f"{engine} swarm", ["taskset", "-c", pin, *command], LOOPBACK.sender, folder / "swarm.log")


def measure_handshakes(samples: Samples, folder: Path, engine: str, seconds: float) -> None:
    """Links to one sidecar by ever other keys, closed at once: both ends on one core, then each on its own."""
    with ExitStack() as stack:
        sidecar = start_sidecar(f"{engine} sidecar", LOOPBACK.sender, folder / f"{engine}shake", engine, pin="0")
        stack.enter_context(sidecar.process)
        for pin, sample in (("0", "handshakes"), ("1", "handshakes, a core each")):
            with start_swarm(engine, HANDSHAKE_KEYS, folder, pin) as swarm:
                swarm.ask("shake", contact=sidecar.contact, seconds=0.3, depth=16)
                before = sidecar.process.cpu_seconds()
                made = swarm.ask("shake", contact=sidecar.contact, seconds=2 * seconds, depth=16)
                accepted = sidecar.process.cpu_seconds() - before
            samples[sample][f"sidecar {engine}"].append(
                {
                    "handshakes_s": made["count"] / made["seconds"],
                    "acceptor_ms": accepted / made["count"] * 1e3,
                    "dialler_ms": made["cpu_seconds"] / made["count"] * 1e3,
                }
            )


def measure_idle_links(samples: Samples, folder: Path, engine: str, links: int) -> None:
    """What a sidecar's memory grows by for each link that nobody uses, and what such links cost in processor time."""
    with ExitStack() as stack:
        sidecar = start_sidecar(f"{engine} sidecar", LOOPBACK.sender, folder / f"{engine}idle", engine)
        stack.enter_context(sidecar.process)
        swarm = stack.enter_context(start_swarm(engine, links, folder, "0,1"))
        memory = [sidecar.process.rss_bytes()]
        for count in (links // 2, links - links // 2):
            swarm.ask("hold", contact=sidecar.contact, count=count, patience=120.0)
            time.sleep(SETTLE_SECONDS)
            memory.append(sidecar.process.rss_bytes())
        before = sidecar.process.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        spent = sidecar.process.cpu_seconds() - before
        samples["idle links"][f"sidecar {engine}"].append(
            {
                "links": links,
                "kib": (memory[2] - memory[0]) / links / KIB,
                "kib_first_half": (memory[1] - memory[0]) / (links // 2) / KIB,
                "kib_second_half": (memory[2] - memory[1]) / (links - links // 2) / KIB,
                "cpu_percent": spent / IDLE_SECONDS * 100,
            }
        )
