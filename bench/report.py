"""What is printed: medians with their spread, and ratios to the daemon beside the app against the targets."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.works import Sample

Samples = Mapping[str, Mapping[str, Sequence[Sample]]]
"""By work, then by competitor."""

REFERENCE = "p2pd"
OURS = "sidecar qh3"


@dataclass(frozen=True)
class Figure:
    """A line of the table."""

    work: str
    metric: str
    title: str
    scale: float = 1.0
    digits: int = 2


FIGURES = (
    Figure("64 KiB messages", "gbit_s", "64 KiB messages, Gbit/s"),
    Figure("1 MiB messages", "gbit_s", "1 MiB messages, Gbit/s"),
    Figure("64 KiB messages", "cpu", "CPU s per GiB at 64 KiB, everything"),
    Figure("64 KiB messages", "cpu apps", "  of it both apps"),
    Figure("64 KiB messages", "cpu sending sidecar", "  of it the sending sidecar or daemon"),
    Figure("64 KiB messages", "cpu receiving sidecar", "  of it the receiving sidecar or daemon"),
    Figure("1 MiB messages", "cpu", "CPU s per GiB at 1 MiB, everything"),
    Figure("1 MiB messages", "cpu apps", "  of it both apps"),
    Figure("1 MiB messages", "cpu sending sidecar", "  of it the sending sidecar or daemon"),
    Figure("1 MiB messages", "cpu receiving sidecar", "  of it the receiving sidecar or daemon"),
    Figure("256 B, one a gRPC message", "messages_s", "256 B, one a gRPC message or write, k messages/s", 1e-3, 1),
    Figure("256 B, 64 a gRPC message", "messages_s", "256 B, 64 a gRPC message or write, k messages/s", 1e-3, 1),
    Figure("Ping", "p50_us", "Ping, p50 us", 1, 0),
    Figure("Ping", "p99_us", "Ping, p99 us", 1, 0),
    Figure("Send to DELIVERED", "p50_us", "Send to DELIVERED, p50 us", 1, 0),
    Figure("Send to DELIVERED", "p99_us", "Send to DELIVERED, p99 us", 1, 0),
    Figure("Send to DELIVERED, 32 at once", "calls_s", "Send to DELIVERED, 32 at once, k calls/s", 1e-3, 2),
    Figure("request/reply", "p50_us", "request/reply app to app, p50 us", 1, 0),
    Figure("request/reply", "p99_us", "request/reply app to app, p99 us", 1, 0),
    Figure("request/reply, 32 at once", "calls_s", "request/reply, 32 at once, k requests/s", 1e-3, 2),
    Figure("relink", "calls_s", "relinks/s, one after the other", 1, 0),
    Figure("start", "ready_ms", "start to ready, ms", 1, 0),
    Figure("start", "rss_mib", "idle RSS, MiB", 1, 1),
    Figure("handshakes", "handshakes_s", "links/s, both ends on one core, both proofs checked", 1, 0),
    Figure("handshakes, a core each", "handshakes_s", "links/s, a core for each end", 1, 0),
    Figure("handshakes", "acceptor_ms", "  CPU ms a link, accepting sidecar", 1, 2),
    Figure("handshakes", "dialler_ms", "  CPU ms a link, dialling side", 1, 2),
    *(
        Figure(f"handshakes, trust {mode}", metric, f"{words}, trust {mode}", 1, digits)
        for mode in ("unverified", "private-ca", "public-ca")
        for metric, words, digits in (
            ("handshakes_s", "links/s", 0),
            ("acceptor_ms", "  CPU ms a link, accepting sidecar", 2),
            ("dialler_ms", "  CPU ms a link, dialling side", 2),
        )
    ),
    *(
        Figure(f"handshakes, Retry {policy}{among}", "handshakes_s", f"links/s, Retry {policy}{among}", 1, 0)
        for policy, among in (
            ("never", ""),
            ("always", ""),
            ("never", ", 10 spoofed for each"),
            ("always", ", 10 spoofed for each"),
            ("under-load", ", 10 spoofed for each"),
        )
    ),
    *(
        Figure(f"rejoin, {dead} dead", "linked_ms", f"start to linked by the cache, {dead} dead before it, ms", 1, 0)
        for dead in (0, 50, 199)
    ),
    *(
        Figure(f"node role, {others} there", "node_ms", f"start to node role, {others} there, ms", 1, 0)
        for others in (1, 2)
    ),
    Figure("idle links", "links", "idle links", 1, 0),
    Figure("idle links", "links_s", "  made, links/s", 1, 0),
    Figure("idle links", "kib", "  memory a link, KiB", 1, 1),
    Figure("idle links", "kib_first_half", "    of the first half of them", 1, 1),
    Figure("idle links", "kib_second_half", "    of the second half", 1, 1),
    Figure("idle links", "cpu_percent", "  CPU of the sidecar, % of a core", 1, 2),
    Figure("idle links", "p50_us", "  a message by one of them to DELIVERED, p50 us", 1, 0),
    Figure("idle links", "p99_us", "  the same, p99 us", 1, 0),
)


@dataclass(frozen=True)
class Target:
    """What is asked of the sidecar with the qh3 engine: a ratio to the daemon of the same run, or a figure."""

    work: str
    metric: str
    title: str
    at_least: bool
    bound: float
    ratio: bool


TARGETS = (
    Target("64 KiB messages", "gbit_s", "64 KiB messages", True, 0.8, True),
    Target("1 MiB messages", "gbit_s", "1 MiB messages", True, 0.8, True),
    Target("64 KiB messages", "cpu", "CPU s per GiB at 64 KiB", False, 1.2, True),
    Target("1 MiB messages", "cpu", "CPU s per GiB at 1 MiB", False, 1.2, True),
    Target("256 B, 64 a gRPC message", "messages_s", "256 B, batched", True, 0.4, True),
    Target("handshakes", "handshakes_s", "handshakes/s on one core", True, 400, False),
    Target("idle links", "kib", "KiB per idle connection", False, 50, False),
    Target("idle links", "cpu_percent_per_1000", "% of a core for 1,000 idle links", False, 2, False),
    Target("start", "ready_ms", "start to ready, ms", False, 400, False),
    Target("start", "rss_mib", "idle RSS, MiB", False, 45, False),
)


@dataclass(frozen=True)
class Spread:
    """Median, least and most of the samples of one figure."""

    median: float
    least: float
    most: float


def spread(samples: Sequence[Sample], metric: str) -> Spread | None:
    """None where no sample has the figure."""
    values = [sample[metric] for sample in samples if metric in sample]
    return Spread(statistics.median(values), min(values), max(values)) if values else None


def table(samples: Samples, competitors: Sequence[str]) -> list[str]:
    """Markdown, one line a figure, `median (least-most)`."""
    rows: list[list[str]] = []
    for figure in FIGURES:
        cells = []
        for competitor in competitors:
            found = spread(samples.get(figure.work, {}).get(competitor, ()), figure.metric)
            cells.append(_cell(found, figure) if found else "-")
        if any(cell != "-" for cell in cells):
            rows.append([figure.title, *cells])
    return _aligned([["work", *competitors], *rows]) if rows else []


def _cell(found: Spread, figure: Figure) -> str:
    median, least, most = (
        f"{value * figure.scale:,.{figure.digits}f}" for value in (found.median, found.least, found.most)
    )
    return f"{median} ({least}-{most})" if least != most else median


def verdicts(samples: Samples, ours: str = OURS) -> list[str]:
    """Markdown, one line a target that this run can judge."""
    rows: list[list[str]] = []
    for target in TARGETS:
        mine = spread(samples.get(target.work, {}).get(ours, ()), target.metric)
        if mine is None:
            continue
        value, shown = mine.median, f"{mine.median:,.1f}"
        if target.ratio:
            reference = spread(samples.get(target.work, {}).get(REFERENCE, ()), target.metric)
            if reference is None:
                continue
            value = mine.median / reference.median
            shown = f"{value:.2f} x {REFERENCE}"
        met = value >= target.bound if target.at_least else value <= target.bound
        bound = f"{'>=' if target.at_least else '<='} {target.bound:g}{' x' if target.ratio else ''}"
        rows.append([target.title, shown, bound, "met" if met else "NOT MET"])
    return _aligned([["target", ours, "asked", "verdict"], *rows]) if rows else []


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, _line(["-" * width for width in widths], widths))
    return lines


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
