"""What is asked of the sidecar, as ratios within one run, and whether the run shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.report import Samples, aligned, spread

OURS = "sidecar qh3"
DAEMON = "p2pd"
QP2P = "qp2p"


@dataclass(frozen=True)
class Reference:
    """What a ratio is to: the same metric of another competitor, or of another work."""

    name: str
    work: str = ""
    """Empty for the target's own."""


@dataclass(frozen=True)
class Target:
    """A bound on a figure, or on its ratio to a reference."""

    stage: str
    """`first` or `second`: what was asked first, and what later."""
    title: str
    work: str
    metric: str
    at_least: bool
    bound: float
    reference: Reference | None = None


@dataclass(frozen=True)
class Verdict:
    """A target as this run shows it."""

    stage: str
    title: str
    value: float | None
    """None where the run has not measured what it takes."""
    of: str
    """What the value is a ratio to; empty for a figure."""
    at_least: bool
    bound: float
    busy: bool
    """Whether a sample it rests on was taken while others used the machine."""

    @property
    def met(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def json(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}


_LARGE, _LARGER = "64 KiB messages", "1 MiB messages"
_LONE, _BATCHED = "256 B, one a gRPC message", "256 B, 64 a gRPC message"
_SERIAL, _ASKED = "request/reply", "request/reply, a call or stream each"
_P2PD = Reference(DAEMON)

TARGETS = (
    Target("first", "64 KiB messages", _LARGE, "gbit_s", True, 0.8, _P2PD),
    Target("first", "1 MiB messages", _LARGER, "gbit_s", True, 0.8, _P2PD),
    Target("first", "CPU s per GiB at 64 KiB", _LARGE, "cpu", False, 1.2, _P2PD),
    Target("first", "CPU s per GiB at 1 MiB", _LARGER, "cpu", False, 1.2, _P2PD),
    Target("first", "256 B, batched", _BATCHED, "messages_s", True, 0.4, _P2PD),
    Target("first", "handshakes/s on one core", "handshakes", "handshakes_s", True, 200),
    Target("first", "KiB per idle connection", "idle links", "kib", False, 80),
    Target("first", "start to ready, ms", "start", "ready_ms", False, 900),
    Target("first", "idle RSS, MiB", "start", "rss_mib", False, 90),
    Target("second", "64 KiB messages", _LARGE, "gbit_s", True, 1.5, _P2PD),
    Target("second", "64 KiB messages", _LARGE, "gbit_s", True, 0.7, Reference(QP2P)),
    Target("second", "1 MiB messages", _LARGER, "gbit_s", True, 1.2, _P2PD),
    Target("second", "1 MiB messages", _LARGER, "gbit_s", True, 0.7, Reference(QP2P)),
    Target("second", "CPU s per GiB at 64 KiB", _LARGE, "cpu", False, 0.7, _P2PD),
    Target("second", "CPU s per GiB at 1 MiB", _LARGER, "cpu", False, 0.7, _P2PD),
    Target("second", "256 B, one a gRPC message", _LONE, "messages_s", True, 1.3, _P2PD),
    Target("second", "256 B, batched", _BATCHED, "messages_s", True, 1.2, _P2PD),
    Target("second", "request/reply p50, on one stream", _SERIAL, "p50_us", False, 1.5, _P2PD),
    Target("second", "request/reply p50, by calls", _ASKED, "p50_us", False, 0.15, Reference(DAEMON, _ASKED)),
    Target("second", "request/reply, 32 at once", "request/reply, 32 at once", "calls_s", True, 1.0, _P2PD),
    Target("second", "Send to DELIVERED, p50", "Send to DELIVERED", "p50_us", False, 1.3, Reference(OURS, _SERIAL)),
    Target("second", "handshakes/s on one core", "handshakes", "handshakes_s", True, 400),
    Target("second", "KiB per idle connection", "idle links", "kib", False, 50),
    Target("second", "% of a core for 1,000 idle links", "idle links", "cpu_percent_per_1000", False, 2),
    Target("second", "start to ready, ms", "start", "ready_ms", False, 400),
    Target("second", "idle RSS, MiB", "start", "rss_mib", False, 45),
)


def verdicts(samples: Samples, targets: Sequence[Target] = TARGETS, ours: str = OURS) -> list[Verdict]:
    """Every target as the medians of these samples have it."""
    judged = []
    for target in targets:
        used = list(samples.get(target.work, {}).get(ours, ()))
        mine = spread(used, target.metric)
        value, of = (mine.median if mine else None), ""
        if target.reference is not None:
            work = target.reference.work or target.work
            others = samples.get(work, {}).get(target.reference.name, ())
            theirs = spread(others, target.metric)
            used += others
            value = value / theirs.median if value is not None and theirs else None
            of = target.reference.name if target.reference.name != ours else work
        busy = any(sample.get("busy") for sample in used)
        judged.append(Verdict(target.stage, target.title, value, of, target.at_least, target.bound, busy))
    return judged


def table(judged: Sequence[Verdict], ours: str = OURS) -> list[str]:
    """Markdown, one line a target that could be judged; nothing when none could."""
    if all(verdict.met is None for verdict in judged):
        return []
    rows = [["target", "stage", ours, "asked", "verdict"]]
    for verdict in judged:
        if verdict.met is None:
            continue
        bound = f"{'>=' if verdict.at_least else '<='} {verdict.bound:g}{' x' if verdict.of else ''}"
        rows.append([verdict.title, verdict.stage, _shown(verdict), bound, _word(verdict)])
    missing = sum(1 for verdict in judged if verdict.met is None)
    return aligned(rows) + (["", f"Targets that this run had no figures for: {missing}."] if missing else [])


def _shown(verdict: Verdict) -> str:
    return f"{verdict.value:.2f} x {verdict.of}" if verdict.of else f"{verdict.value:,.1f}"


def _word(verdict: Verdict) -> str:
    word = "met" if verdict.met else "NOT MET"
    return f"{word}, on a busy machine" if verdict.busy else word
