"""What each client's wrapper costs beside the generated stub by hand: `python -m bench.clients`.

Every language's driver of tests/conformance measures itself (case `bench`), through two linked sidecars: messages a
second by a pipelined sender, each delivered, and the time of requests one after the other. Wrapper and stub take turns,
and a ratio is the median of those of two turns that follow each other: what else the machine does falls on both. The
app beside the other sidecar is the same for all.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.processes import machine_cpu_seconds, wait_for_idle
from tests.conformance.drivers import LANGUAGES, BuildError, Language, built
from tests.conformance.player import Player, PlayerError
from tests.processes import SidecarProcess, Sidecars

KINDS = ("wrapper", "raw")
RECEIVER = "go"
"""Whose driver receives and answers, where it can be built: it is quick enough not to be what is measured."""

Figures = dict[str, dict[str, list[float]]]
"""By kind, then by what: samples."""


def parser() -> argparse.ArgumentParser:
    """The options."""
    options = argparse.ArgumentParser(prog="python -m bench.clients", description=__doc__)
    options.add_argument(
        "--only", action="append", choices=list(LANGUAGES), help="only this language (may be repeated)"
    )
    options.add_argument("--messages", type=int, default=30_000, help="of a sample (default 30000)")
    options.add_argument("--size", type=int, default=256, help="bytes of each (default 256)")
    options.add_argument("--requests", type=int, default=500, help="of a sample (default 500)")
    options.add_argument("--repeats", type=int, default=15, help="samples of each figure (default 15)")
    options.add_argument("--front", choices=("grpcio", "lean"), default="lean", help="the sidecars' gRPC server")
    return options


class Measurement:
    """Two sidecars, and what one language does through them."""

    def __init__(self, options: argparse.Namespace, here: SidecarProcess, there: SidecarProcess, folder: Path) -> None:
        self.options = options
        self.here = here
        self.there = there
        self.folder = folder
        self.turn = 0

    def player(self, language: Language, beside: SidecarProcess) -> Player:
        """A driver beside a sidecar."""
        stderr = self.folder / f"{language.name}-{beside.name}.stderr"
        return Player(language, {"SIDECAR_ENDPOINT": beside.endpoint}, stderr)

    def of(self, language: Language, receiver: Language) -> Figures:
        """Everything of one language; the first sample of each is not counted. PlayerError when its driver fails."""
        figures: Figures = {kind: defaultdict(list) for kind in KINDS}
        app, other = self.player(language, self.here), self.player(receiver, self.there)
        try:
            for repeat in range(self.options.repeats + 1):
                for kind in KINDS if repeat % 2 else KINDS[::-1]:
                    sample = self.sample(app, other, kind)
                    if repeat:
                        for name, value in sample.items():
                            figures[kind][name].append(value)
        finally:
            app.kill()
            other.kill()
        return figures

    def sample(self, app: Player, other: Player, kind: str) -> dict[str, float]:
        """One of each."""
        messages, requests = self.options.messages, self.options.requests
        sent = self.work(app, other, kind, "messages", "sink", messages, self.options.size)
        asked = self.work(app, other, kind, "requests", "responder", requests, self.options.size)
        return {
            "messages_s": messages / sent["seconds"],
            "p50_us": asked["p50"] * 1e6,
            "p99_us": asked["p99"] * 1e6,
        }

    def work(self, app: Player, other: Player, kind: str, what: str, role: str, count: int, size: int) -> Any:
        """What the app says of so many."""
        self.turn += 1
        channel = f"bench {self.turn}"
        other.tell({"case": "bench", "role": role, "params": {"channel": channel, "count": count}})
        if other.hear() != {"event": "ready"}:
            raise PlayerError(f"{other} is not ready")
        params = {
            "peer_id": self.there.peer_id, "channel": channel, "count": count, "size": size, "kind": kind, "what": what,
        }  # fmt: skip
        app.tell({"case": "bench", "role": "app", "params": params})
        heard, received = app.hear(), other.hear()
        if "result" not in heard or "result" not in received:
            raise PlayerError(f"{app} said {heard}, {other} said {received}")
        return heard["result"]


def rows(language: str, figures: Figures) -> list[str]:
    """A row of the table: medians, and the median of what the wrapper's turns are of the stub's beside them."""
    cells = [language]
    for name in ("messages_s", "p50_us", "p99_us"):
        wrapper, raw = (figures[kind][name] for kind in KINDS)
        ratio = statistics.median(one / other for one, other in zip(wrapper, raw, strict=True))
        cells += [f"{statistics.median(wrapper):,.0f}", f"{statistics.median(raw):,.0f}", f"{ratio:.2f}"]
    return cells


def table(cells: Sequence[Sequence[str]]) -> str:
    """As docs/performance.md has it."""
    head = ["language"]
    for what in ("messages/s", "request p50, us", "request p99, us"):
        head += [what, "by stub", "ratio"]
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> int:
    """Measures and prints; 1 when a driver could not be built or failed."""
    options = parser().parse_args()
    names = options.only or list(LANGUAGES)
    languages, failures = [], []
    for name in dict.fromkeys([*names, RECEIVER]):
        try:
            languages.append(built(name))
        except BuildError as error:
            failures.append(str(error))
    folder = Path(tempfile.mkdtemp(prefix="qpc", dir="/tmp"))
    sidecars = Sidecars(folder)
    sidecars.common = {"front": options.front, "ephemeral": True}
    cells = []
    try:
        here = sidecars.spawn("here")
        there = sidecars.spawn("there", bootstrap=[here.contact])
        measurement = Measurement(options, here, there, folder)
        busy = wait_for_idle()
        before = machine_cpu_seconds()
        for language in languages:
            if language.name in names:
                receiver = next((each for each in languages if each.name == RECEIVER), language)
                try:
                    cells.append(rows(language.name, measurement.of(language, receiver)))
                except PlayerError as error:
                    failures.append(f"{language.name}: {error}")
        after = machine_cpu_seconds()
    finally:
        sidecars.end()
    during = (after[0] - before[0]) / (after[1] - before[1])
    print(f"{os.cpu_count()} cores, {busy:.0%} busy before, {during:.0%} while it ran\n")
    print(table(cells))
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
