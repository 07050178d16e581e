"""What a sidecar costs before it moves a message: start, memory, handshakes, idle links."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.competitors import daemon_command, start_sidecar
from bench.places import LOOPBACK
from bench.processes import App, Failed, Process
from bench.works import Sample

MIB = 1 << 20
KIB = 1 << 10
SETTLE_SECONDS = 1.0
IDLE_SECONDS = 10.0
HANDSHAKE_KEYS = 1000
SWARM_LINKS = 1000
"""A process of peers holds so many links."""
SAID = 200
"""Messages by idle links."""
PATIENCE_SECONDS = 300.0
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


def start_swarm(engine: str, keys: int, folder: Path, pin: str, number: int = 0, *, more: Sequence[str] = ()) -> App:
    """Many peers in one process, on some cores; `more` are further arguments of it."""
    command = [sys.executable, str(SWARM), engine, str(keys), *more]
    return App(f"{engine} swarm", ["taskset", "-c", pin, *command], LOOPBACK.sender, folder / f"swarm{number}.log")


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
    """What a sidecar's memory grows by for each link that nobody uses, what such links cost in processor time, and how
    soon a message is there by one of them. The peers share a process for each `SWARM_LINKS`."""
    swarms = -(-links // SWARM_LINKS)
    each = links // swarms
    with ExitStack() as stack:
        sidecar = start_sidecar(f"{engine} sidecar", LOOPBACK.sender, folder / f"{engine}idle", engine)
        stack.enter_context(sidecar.process)
        peers = [stack.enter_context(start_swarm(engine, each, folder, "0,1", number)) for number in range(swarms)]
        memory = [sidecar.process.rss_bytes()]
        seconds = 0.0
        for count in (each // 2, each - each // 2):
            for swarm in peers:
                made = swarm.ask("hold", contact=sidecar.contact, count=count, patience=PATIENCE_SECONDS)
                seconds += made["seconds"]
            time.sleep(SETTLE_SECONDS)
            memory.append(sidecar.process.rss_bytes())
        before = sidecar.process.cpu_seconds()
        time.sleep(IDLE_SECONDS)
        spent = sidecar.process.cpu_seconds() - before
        said = peers[-1].ask("say", contact=sidecar.contact, count=min(SAID, each), patience=PATIENCE_SECONDS)
        first = each // 2 * swarms
        held = each * swarms
        samples["idle links"][f"sidecar {engine}"].append(
            {
                "links": held,
                "kib": (memory[2] - memory[0]) / held / KIB,
                "kib_first_half": (memory[1] - memory[0]) / first / KIB,
                "kib_second_half": (memory[2] - memory[1]) / (held - first) / KIB,
                "cpu_percent": spent / IDLE_SECONDS * 100,
                "cpu_percent_per_1000": spent / IDLE_SECONDS * 100 / held * 1000,
                "links_s": held / seconds,
                "p50_us": said["p50_us"],
                "p99_us": said["p99_us"],
            }
        )
