"""Where each microsecond of processor goes, from app to app: `python -m bench.profile`, with perf and as root.

Two sidecars with apps in Go, between two network namespaces. Each of the four processes is sampled while messages flow;
its samples are sorted by the library they fall in, and its processor time a message is shared out so.
"""

from __future__ import annotations

import argparse
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from bench import builds
from bench.competitors import Binaries, Pair, sidecars
from bench.places import namespaces
from bench.processes import wait_for_idle
from bench.works import KIB, MIB, Sample, request, stream

HERTZ = "997"
WORKS = {
    "64 KiB messages": lambda pair, seconds: stream(pair, seconds, 64 * KIB, 1),
    "1 MiB messages": lambda pair, seconds: stream(pair, seconds, MIB, 1),
    "256 B, 64 a gRPC message": lambda pair, seconds: stream(pair, seconds, 256, 64),
    "256 B, one a gRPC message": lambda pair, seconds: stream(pair, seconds, 256, 1),
    "request/reply, one after the other": lambda pair, seconds: request(pair, seconds, 1),
    "request/reply, 32 at once": lambda pair, seconds: request(pair, seconds, 32),
}
KINDS = (
    ("system calls and wake-ups", re.compile(r"kernel|vdso")),
    ("QUIC: packets and their encryption (qh3)", re.compile(r"_hazmat")),
    ("copies", re.compile(r"mem(move|cpy|set)")),
    ("allocation", re.compile(r"libc\b|libc\.so")),
    ("protobuf", re.compile(r"_message\.")),
    ("Python", re.compile(r"python")),
    ("the Go app", re.compile(r"\bload\b")),
)
"""By the library, and the symbol where that says more; the first that fits."""
OTHER = "other"
WAY = ("sending app", "sending sidecar", "receiving sidecar", "receiving app")


def kind_of(library: str, symbol: str) -> str:
    """What a sample counts as."""
    where = f"{library} {symbol}" if library.startswith("libc") else library
    return next((name for name, pattern in KINDS if pattern.search(where)), OTHER)


def shares(data: Path, pids: dict[str, int]) -> dict[str, Counter[str]]:
    """By part: how much of its samples is of which kind; 1 in all."""
    report = subprocess.run(
        ["perf", "script", "-i", str(data), "-F", "pid,ip,sym,dso"], capture_output=True, text=True, check=True
    ).stdout
    part_of = {pid: part for part, pid in pids.items()}
    found: dict[str, Counter[str]] = {part: Counter() for part in pids}
    for line in report.splitlines():
        sample = re.match(r"\s*(\d+)\s+[0-9a-f]+ (.*) \((.*)\)$", line)
        if sample is not None and int(sample[1]) in part_of:
            found[part_of[int(sample[1])]][kind_of(Path(sample[3]).name, sample[2])] += 1
    return {
        part: Counter({kind: count / kinds.total() for kind, count in kinds.items()}) for part, kinds in found.items()
    }


def profiled(pair: Pair, work: str, seconds: float, folder: Path) -> tuple[Sample, dict[str, Counter[str]]]:
    """One sample of a work, and what its processes did meanwhile."""
    WORKS[work](pair, seconds / 4)
    pids = {part: process.pid for part, process in pair.processes().items()}
    data = folder / "perf.data"
    command = ["perf", "record", "-q", "-F", HERTZ, "-o", str(data), "-p", ",".join(map(str, pids.values()))]
    recording = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.3)  # it does not say when it has begun; what it misses is a part of one sample
    try:
        sample = WORKS[work](pair, seconds)
    finally:
        recording.send_signal(signal.SIGINT)
        recording.wait(30)
    return sample, shares(data, pids)


def figure(microseconds: float) -> str:
    """Three digits of it, at least."""
    return f"{microseconds:.3g}" if microseconds < 100 else f"{microseconds:,.0f}"


def table(work: str, sample: Sample, found: dict[str, Counter[str]]) -> list[str]:
    """Microseconds of processor a message, by kind and process."""
    spent = {part: {kind: share * sample[f"cpu_million {part}"] for kind, share in found[part].items()} for part in WAY}
    kinds = [kind for kind, _ in KINDS] + [OTHER]
    least = 0.005 * sample["cpu_million"] / len(spent)
    lines = [f"| {work}, us each | {' | '.join(spent)} |", "| --- |" + " --- |" * len(spent)]
    lines += [
        f"| {kind} | {' | '.join(f'{figure(part.get(kind, 0))}' for part in spent.values())} |"
        for kind in kinds
        if any(part.get(kind, 0) >= least for part in spent.values())
    ]
    lines.append(f"| all | {' | '.join(f'{figure(sum(part.values()))}' for part in spent.values())} |")
    return lines


def main() -> None:
    """Prints a table for each work."""
    options = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    options.add_argument("--work", help="only works whose name contains this")
    options.add_argument("--seconds", type=float, default=4.0, help="of each work (default 4)")
    options.add_argument("--engine", choices=("qh3", "aioquic"), default="qh3")
    options.add_argument("--front", choices=("lean", "grpcio"), default="lean")
    chosen = options.parse_args()
    try:
        binaries = Binaries(builds.load_program(), None, {})
    except builds.NoBuild as missing:
        sys.exit(f"error: {missing}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="qpp", dir="/tmp")))
        place = stack.enter_context(namespaces())
        both = sidecars(place, binaries, folder / "s", chosen.engine, chosen.front, api="unix", python=False)
        pair = stack.enter_context(both)[0]
        for work in WORKS:
            if chosen.work is None or chosen.work in work:
                busy = wait_for_idle()
                print("\n".join(table(work, *profiled(pair, work, chosen.seconds, folder))))
                print(f"\n{busy:.0%} of the machine was busy before.\n", flush=True)


if __name__ == "__main__":
    main()
