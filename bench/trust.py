"""What it costs to judge a peer in each trust mode: links made each second to one sidecar, and the processor's time of
both sides. The peers have P-256 keys and certificates of an intermediate CA, whose root is trusted."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.competitors import start_sidecar
from bench.places import LOOPBACK
from bench.standing import Samples, start_swarm
from sidecar.identity import Identity
from sidecar.trust import TrustMode
from sidecar.trust.authority import CERTIFICATE_FILE, Authority, utc_now

MODES: tuple[TrustMode, ...] = ("unverified", "private-ca", "public-ca")
KEYS = 100
DEPTH = 16
WORK = "handshakes, trust {mode}"


def authority(folder: Path) -> Authority:
    """A root, and the intermediate CA below it that issues."""
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    root = Authority.init(folder / "root", "bench root", key_type="p256", days=2, now=now, above=None)
    return Authority.init(folder / "site", "bench site", key_type="p256", days=2, now=now, above=root)


def certified(folder: Path, site: Authority) -> list[str]:
    """The flags of a sidecar with a key of its own and a certificate for it."""
    state = folder / "state"
    state.mkdir(parents=True, exist_ok=True)
    identity = Identity.load_or_create(state, "p256")
    _, chain = site.issue(identity.certificate_request(["localhost"]), names=None, days=1, now=utc_now())
    (folder / "cert.pem").write_bytes(chain)
    bundle = site.directory.parent / "root" / CERTIFICATE_FILE
    return ["--ca-bundle", str(bundle), "--cert", str(folder / "cert.pem"), "--key", str(state / "identity.pem")]


def measure_trust(samples: Samples, folder: Path, engine: str, seconds: float) -> None:
    """One sidecar for each mode, its core its own; the swarm, which judges it by the same mode, has the other."""
    place = folder / f"{engine}trust{os.getpid()}"
    site = authority(place)
    for mode in MODES:
        here = place / mode
        flags = [] if mode == "unverified" else ["--trust", mode, *certified(here, site)]
        sidecar = start_sidecar(f"{engine} sidecar, {mode}", LOOPBACK.sender, here, engine, pin="0", flags=flags)
        more = (mode, str(site.directory))
        with sidecar.process, start_swarm(engine, KEYS, folder, "1", more=more) as swarm:
            swarm.ask("shake", contact=sidecar.contact, seconds=0.3, depth=DEPTH)
            before = sidecar.process.cpu_seconds()
            made = swarm.ask("shake", contact=sidecar.contact, seconds=2 * seconds, depth=DEPTH)
            spent = sidecar.process.cpu_seconds() - before
        samples[WORK.format(mode=mode)][f"sidecar {engine}"].append(
            {
                "handshakes_s": made["count"] / made["seconds"],
                "acceptor_ms": spent / made["count"] * 1e3,
                "dialler_ms": made["cpu_seconds"] / made["count"] * 1e3,
            }
        )
