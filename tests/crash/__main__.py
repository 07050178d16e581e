"""`python -m tests.crash [--kills N] [--seed S]`: runs the crash test and prints its table; exits 1 when a promise
was broken."""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from pathlib import Path

from tests.crash.checker import HEAD
from tests.crash.scene import Scene
from tests.processes import Sidecars


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sidecars = Sidecars(Path(folder))
        began = time.monotonic()
        try:
            scene = Scene(Path(folder), sidecars, given.seed)
            verdicts = scene.run(given.kills)
        finally:
            with contextlib.redirect_stdout(None):  # their logs
                sidecars.end()
    killed = ", ".join(f"{who} {count}" for who, count in sorted(scene.kills.items()))
    print(f"{given.kills} kills in {time.monotonic() - began:.0f} s ({killed}), seed {given.seed}\n\n{HEAD}")
    for verdict in verdicts:
        print(verdict.row())
    bad = [verdict for verdict in verdicts if not verdict.good]
    for verdict in bad:
        print(
            f"{verdict.kind.name}: lost {verdict.lost[:20]}, unmarked {verdict.unmarked[:20]}, "
            f"out of order {verdict.disordered[:20]}",
            file=sys.stderr,
        )
    broken = scene.tracebacks()
    print(*broken, sep="\n", file=sys.stderr)
    sys.exit(bool(bad or broken))


if __name__ == "__main__":
    main()
