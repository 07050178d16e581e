"""What a sidecar costs before it moves a message: start, memory, handshakes, idle links."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path

from bench.competitors import daemon_command, start_sidecar
from bench.places import LOOPBACK
from bench.processes import Failed, Process
from bench.works import Sample

MIB = 1 << 20
SETTLE_SECONDS = 1.0

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


def measure_handshakes(samples: Samples, folder: Path, engine: str, seconds: float) -> None:
    pass


def measure_idle_links(samples: Samples, folder: Path, engine: str, links: int) -> None:
    pass
