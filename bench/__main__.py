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
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any

from bench import builds, page, report, targets
from bench.competitors import Binaries
from bench.embedded import EMBEDDED
from bench.places import LOOPBACK, NoNamespaces, namespaces
from bench.plot import plot
from bench.processes import Failed
from bench.run import COMPETITORS, ENGINES, FRONTS, Bench
from bench.standing import Samples

OUT = builds.ROOT / "bench" / "out"
PAGE = builds.ROOT / "docs" / "performance.md"
IDLE_LINKS = 1000


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument(
        "--quick",
        action="store_true",
        help="one short sample of each, namespaces alone where they can be had, the grpcio front and Python apps with "
        "one engine, nothing standing, of systems that take long to build those built before (under 2 minutes)",
    )
    options.add_argument("--seconds", type=float, help="of a sample (default 0.7; 0.3 with --quick)")
    options.add_argument(
        "--repeats",
        type=int,
        help="samples of each figure, taken in turns (default 3, and 1 on loopback after namespaces; 1 with --quick)",
    )
    options.add_argument("--engine", action="append", choices=ENGINES, help="only this engine (may be repeated)")
    options.add_argument("--front", action="append", choices=FRONTS,
                         help="only this gRPC server of the sidecars (may be repeated)")  # fmt: skip
    options.add_argument("--only", action="append", choices=COMPETITORS, help="only this competitor (may be repeated)")
    options.add_argument("--place", choices=("both", "namespaces", "loopback"),
                         help="default both; namespaces with --quick")  # fmt: skip
    options.add_argument("--work", help="only works whose name contains this (`none` for none)")
    options.add_argument("--api", choices=("unix", "tcp"), default="unix", help="between app and sidecar")
    options.add_argument("--standing", action=argparse.BooleanOptionalAction, default=None,
                         help="what a sidecar costs standing: start, links and memory by default, all there is when "
                              "asked for or with --work none; not with --quick")  # fmt: skip
    options.add_argument("--links", type=int, default=IDLE_LINKS, help="idle links held (default 1000)")
    options.add_argument("--python-apps", action=argparse.BooleanOptionalAction, default=None)
    options.add_argument("--out", type=Path, default=OUT / "bench.json",
                         help="where the JSON goes, and the tables and the plot beside it")  # fmt: skip
    options.add_argument("--docs", action="store_true", help="put figures and plot into docs/performance.md as well")
    return options


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
    """A competitor that cannot be built is told and left out: it is another project's, and needs a registry."""
    daemon = None
    if not options.only or "p2pd" in options.only:
        try:
            daemon = builds.daemon()
        except builds.NoBuild as missing:
            print(f"go-libp2p-daemon is left out: {missing}", file=sys.stderr)
    load = builds.load_program()
    embedded = {}
    for name in EMBEDDED:
        if not options.only or name in options.only:
            try:
                embedded[name] = builds.embedded(name, built_only=options.quick)
            except builds.NoBuild as missing:
                print(f"{name} is left out: {missing}", file=sys.stderr)
    return Binaries(load, daemon, embedded)


def run(options: argparse.Namespace, binaries: Binaries, folder: Path) -> int:
    """Measures, prints and writes; 1 when a sidecar lost something."""
    began = time.monotonic()
    bench = Bench(options, binaries, folder)
    about = machine()
    print(f"{about['cores']} cores of {about['processor']}, Linux {about['kernel']}, Python {about['python']}")
    results: dict[str, Samples] = {}
    asked = options.place or ("namespaces" if options.quick else "both")
    if asked != "loopback":
        try:
            with namespaces() as joined:
                results[joined.name] = bench.measure(joined, 0, bench.repeats)
        except NoNamespaces as missing:
            print(f"no namespaces, so loopback alone: {missing}", file=sys.stderr)
    if asked != "namespaces" or not results:
        # Beside namespaces it is for comparison, and a run shall end.
        results[LOOPBACK.name] = bench.measure(LOOPBACK, 1, 1 if results and not options.repeats else bench.repeats)
    wanted = options.standing if options.standing is not None else not options.quick
    every = options.standing or options.work == "none"
    standing = bench.standing(every=every) if wanted else {}
    # Targets are for the first place: namespaces where they can be had.
    judged = targets.verdicts({**next(iter(results.values())), **standing})
    show(results, standing, judged)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    samples = {**results, "standing": standing} if standing else results
    document = {
        "machine": about, "command": sys.argv[1:], "samples": samples,
        "targets": [verdict.json() for verdict in judged], "failures": bench.failures, "troubles": bench.troubles,
        "seconds": time.monotonic() - began,
    }  # fmt: skip
    options.out.write_text(json.dumps(document, indent=1) + "\n")
    write(options, results, standing, judged, about)
    print(f"\n{document['seconds']:.0f} s; every sample is in {options.out}, tables and plot are beside it")
    for trouble in bench.troubles:
        print(f"told, and no failure of this run: {trouble}", file=sys.stderr)
    for failure in bench.failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if bench.failures else 0


def write(
    options: argparse.Namespace,
    results: dict[str, Samples],
    standing: report.Samples,
    judged: list[targets.Verdict],
    about: dict[str, Any],
) -> None:
    """The tables and the plot, and with --docs those of the documentation."""
    name, samples = next(iter(results.items()))
    title = f"{name}, {about['cores']} cores, {about['time'][:10]}"
    drawn = plot(samples, title, options.out.with_suffix(".png"))
    tables = [line for place, taken in results.items() for line in ("", f"## {place}", *report.work_tables(taken))] + [
        "",
        "## standing",
        "",
        *report.standing_table(standing),
        "",
        "## targets",
        "",
        *targets.table(judged),
    ]
    options.out.with_suffix(".md").write_text("\n".join(tables).strip() + "\n")
    if options.docs:
        if drawn:
            shutil.copyfile(options.out.with_suffix(".png"), PAGE.with_suffix(".png"))
        command = "python -m bench " + " ".join(sys.argv[1:])
        page.replace(PAGE, page.figures(results, standing, judged, about, command, PAGE.with_suffix(".png").name))


def show(results: dict[str, Samples], standing: report.Samples, judged: list[targets.Verdict]) -> None:
    """The tables, then the targets."""
    for name, samples in results.items():
        print(f"\n## {name}")
        print("\n".join(report.work_tables(samples)))
    if standing:
        print("\n## standing\n")
        print("\n".join(report.standing_table(standing)))
    lines = targets.table(judged)
    if lines:
        print("\n## targets\n")
        print("\n".join(lines))


def _terminated(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """Ends everything it started whatever ends it."""
    signal.signal(signal.SIGTERM, _terminated)
    options = parser().parse_args()
    if options.front is not None and len(options.front) == 1:
        os.environ["SIDECAR_FRONT"] = options.front[0]  # for what stands as well
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
