"""The measurement as a command; `python -m bench --help`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from bench import builds, report
from bench.competitors import Binaries, Pair, libp2p_daemons, plain_grpc, sidecars
from bench.places import LOOPBACK, NoNamespaces, Place, namespaces
from bench.processes import Failed, cpu_seconds, machine_cpu_seconds, wait_for_idle
from bench.rejoin import measure_rejoin
from bench.retry import measure_retry
from bench.role import measure_role
from bench.standing import Samples, measure_handshakes, measure_idle_links, measure_start
from bench.trust import measure_trust
from bench.works import WORKS, Sample, Work

OUT = builds.ROOT / "bench" / "out"
ENGINES = ("qh3", "aioquic")
WARM_SECONDS = 0.3
WORK_WAIT_SECONDS = 5.0
"""How long each work waits for a machine that others use; the table says what they took of it all the same."""
IDLE_LINKS = 1000
ALL = ("sidecar", "grpc", "p2pd")


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument(
        "--quick",
        action="store_true",
        help="short samples, namespaces alone where they can be had, no Python apps (under 3 minutes)",
    )
    options.add_argument("--seconds", type=float, help="of a sample (default 1.2; 0.6 with --quick)")
    options.add_argument("--repeats", type=int, default=3, help="samples of each figure, taken in turns (default 3)")
    options.add_argument("--engine", action="append", choices=ENGINES, help="only this engine (may be repeated)")
    options.add_argument("--front", choices=("grpcio", "lean"), help="the gRPC server of the sidecars (default theirs)")
    options.add_argument("--only", action="append", choices=ALL, help="only this competitor (may be repeated)")
    options.add_argument("--place", choices=("both", "namespaces", "loopback"),
                         help="default both; namespaces with --quick")  # fmt: skip
    options.add_argument("--work", help="only works whose name contains this (`none` for none)")
    options.add_argument("--api", choices=("unix", "tcp"), default="unix", help="between app and sidecar")
    options.add_argument("--standing", action=argparse.BooleanOptionalAction, default=True,
                         help="start, memory and handshakes too")  # fmt: skip
    options.add_argument("--links", type=int, default=IDLE_LINKS, help="idle links held (default 1000)")
    options.add_argument("--python-apps", action=argparse.BooleanOptionalAction, default=None)
    options.add_argument("--out", type=Path, default=OUT / "bench.json", help="where the JSON goes")
    return options


class Bench:
    """One run."""

    def __init__(self, options: argparse.Namespace, binaries: Binaries, folder: Path) -> None:
        self.options = options
        self.binaries = binaries
        self.folder = folder
        self.engines: tuple[str, ...] = tuple(options.engine or ENGINES)
        self.only: tuple[str, ...] = tuple(options.only or ALL)
        self.seconds: float = options.seconds or (0.6 if options.quick else 1.2)
        self.python: bool = not options.quick if options.python_apps is None else options.python_apps
        self.failures: list[str] = []

    def measure(self, place: Place, number: int) -> Samples:
        """Every work of every pair at one place; the pairs take turns."""
        samples: Samples = defaultdict(lambda: defaultdict(list))
        with ExitStack() as stack:
            pairs = self._pairs(stack, place, self.folder / str(number))
            busy = wait_for_idle()
            print(f"{place.name}: {len(pairs)} pairs stand; {busy:.0%} of the machine is busy", flush=True)
            for work in WORKS:
                if self.options.work and self.options.work not in work.name:
                    continue
                doing = [pair for pair in pairs if work.kind in pair.can and (work.python or "Python" not in pair.name)]
                wait_for_idle(seconds=WORK_WAIT_SECONDS)
                for repeat in range(self.options.repeats):
                    for pair in doing:
                        if repeat == 0 and work.kind == "stream":
                            # Windows and processors are warm in every sample that counts.
                            self._sample(pair, work, WARM_SECONDS)
                        sample = self._sample(pair, work, self.seconds * work.share)
                        if sample is not None:
                            samples[work.name][pair.name].append(sample)
                print(f"  {work.name}", flush=True)
        return samples

    def _pairs(self, stack: ExitStack, place: Place, folder: Path) -> list[Pair]:
        pairs: list[Pair] = []
        if "sidecar" in self.only:
            for engine in self.engines:
                pairs += stack.enter_context(
                    sidecars(
                        place,
                        self.binaries,
                        folder / engine,
                        engine,
                        api=self.options.api,
                        python=self.python and engine == self.engines[0],
                    )
                )
        if "p2pd" in self.only and self.binaries.daemon is not None:
            pairs.append(stack.enter_context(libp2p_daemons(place, self.binaries, folder / "p2pd")))
        if "grpc" in self.only:
            pairs.append(stack.enter_context(plain_grpc(place, self.binaries, folder / "grpc")))
        return pairs

    def _sample(self, pair: Pair, work: Work, seconds: float) -> Sample | None:
        """One sample with what others took of the machine meanwhile; a failure is told and is the run's failure."""
        mine = [os.getpid(), *(process.pid for process in pair.processes().values())]
        try:
            own = sum(cpu_seconds(pid) for pid in mine)
            busy, whole = machine_cpu_seconds()
            sample = work.measure(pair, seconds)
            busy_after, whole_after = machine_cpu_seconds()
            own = sum(cpu_seconds(pid) for pid in mine) - own
        except (Failed, OSError) as failed:
            self.failures.append(f"{pair.name}, {work.name}: {failed}")
            print(f"  FAILED: {self.failures[-1]}", flush=True)
            return None
        sample["others"] = max(0.0, busy_after - busy - own) / max(whole_after - whole, 0.01)
        return sample

    def standing(self) -> Samples:
        """What does not depend on the place."""
        samples: Samples = defaultdict(lambda: defaultdict(list))
        folder = self.folder / "standing"
        wait_for_idle()
        steps: list[Callable[[], None]] = [
            partial(measure_start, samples, folder, self.engines, self.binaries.daemon, self.options.repeats)
        ]
        if "sidecar" in self.only:
            for engine in self.engines:
                steps += [
                    partial(measure_handshakes, samples, folder, engine, self.seconds),
                    partial(measure_trust, samples, folder, engine, self.seconds),
                    partial(measure_retry, samples, folder, engine, self.seconds),
                    partial(measure_rejoin, samples, folder, engine, self.options.repeats),
                    partial(measure_role, samples, folder, engine, self.options.repeats),
                    partial(measure_idle_links, samples, folder, engine, self.options.links),
                ]
        for step in steps:
            try:
                step()
            except (Failed, OSError) as failed:
                self.failures.append(str(failed))
                print(f"  FAILED: {failed}", flush=True)
        return samples


def machine() -> dict[str, Any]:
    """What the figures were taken on."""
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    return {
        "processor": model, "cores": os.cpu_count(), "kernel": platform.release(),
        "python": platform.python_version(), "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }  # fmt: skip


def build(options: argparse.Namespace) -> Binaries:
    """A daemon that cannot be built is told and left out: it is another project's, and needs a module proxy."""
    daemon = None
    if not options.only or "p2pd" in options.only:
        try:
            daemon = builds.daemon()
        except builds.NoBuild as missing:
            print(f"go-libp2p-daemon is left out: {missing}", file=sys.stderr)
    return Binaries(builds.load_program(), daemon)


def run(options: argparse.Namespace, binaries: Binaries, folder: Path) -> int:
    """Measures, prints and writes; 1 when a measurement failed."""
    began = time.monotonic()
    bench = Bench(options, binaries, folder)
    about = machine()
    print(f"{about['cores']} cores of {about['processor']}, Linux {about['kernel']}, Python {about['python']}")
    results: dict[str, Samples] = {}
    asked = options.place or ("namespaces" if options.quick else "both")
    if asked != "loopback":
        try:
            with namespaces() as place:
                results[place.name] = bench.measure(place, 0)
        except NoNamespaces as missing:
            print(f"no namespaces, so loopback alone: {missing}", file=sys.stderr)
    if asked != "namespaces" or not results:
        results[LOOPBACK.name] = bench.measure(LOOPBACK, 1)
    standing = bench.standing() if options.standing else None
    show(results, standing)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    every = {**results, "standing": standing} if standing else results
    document = {
        "machine": about, "command": sys.argv[1:], "samples": every, "failures": bench.failures,
        "seconds": time.monotonic() - began,
    }  # fmt: skip
    options.out.write_text(json.dumps(document, indent=1) + "\n")
    print(f"\n{document['seconds']:.0f} s; every sample is in {options.out}")
    for failure in bench.failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if bench.failures else 0


def show(results: dict[str, Samples], standing: Samples | None) -> None:
    """The tables, then the targets judged at each place."""
    for name, samples in [*results.items(), *([("standing", standing)] if standing else [])]:
        competitors = list(dict.fromkeys(name for by_pair in samples.values() for name in by_pair))
        others = [
            sample["others"]
            for by in samples.values()
            for taken in by.values()
            for sample in taken
            if "others" in sample
        ]
        print(f"\n## {name}" + (f" (others took {max(others):.0%} of the machine at most)" if others else ""))
        print("\n".join(report.table(samples, competitors)))
    for name, samples in [*results.items(), *([("standing", standing)] if standing else [])]:
        lines = report.verdicts(samples)
        if lines:
            print(f"\n### first targets, {name}")
            print("\n".join(lines))


def _terminated(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """Ends everything it started whatever ends it."""
    signal.signal(signal.SIGTERM, _terminated)
    options = parser().parse_args()
    if options.front is not None:
        os.environ["SIDECAR_FRONT"] = options.front  # every sidecar takes its settings from there too
    try:
        binaries = build(options)
    except builds.NoBuild as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 2
    # Sockets live here, and their paths have room for some 100 bytes.
    folder = Path(tempfile.mkdtemp(prefix="qpb", dir="/tmp"))
    try:
        code = run(options, binaries, folder)
    except Failed as failed:
        print(f"error: {failed}", file=sys.stderr)
        print(f"logs are in {folder}", file=sys.stderr)
        return 1
    if code == 0:
        shutil.rmtree(folder)
    else:
        print(f"logs are in {folder}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
