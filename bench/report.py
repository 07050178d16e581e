"""What is printed: for each work a row a competitor, medians with their spread, and what standing costs."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.works import Sample

Samples = Mapping[str, Mapping[str, Sequence[Sample]]]
"""By work, then by competitor."""


@dataclass(frozen=True)
class Figure:
    """A line of what standing costs."""

    work: str
    metric: str
    title: str
    scale: float = 1.0
    digits: int = 2


@dataclass(frozen=True)
class Column:
    """A column of a work's table: one metric with its spread, or the medians of several joined by +."""

    title: str
    metrics: tuple[str, ...]
    scale: float = 1.0
    digits: int = 2


APPS = ("sending app", "receiving app")
BETWEEN = ("sending sidecar", "receiving sidecar")


def _each(metric: str, parts: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{metric} {part}" for part in parts)


COLUMNS = (
    Column("Gbit/s", ("gbit_s",)),
    Column("k messages/s", ("messages_s",), 1e-3),
    Column("k calls/s", ("calls_s",), 1e-3, 2),
    Column("p50 us", ("p50_us",), 1, 0),
    Column("p99 us", ("p99_us",), 1, 0),
    Column("CPU s per GiB", ("cpu",)),
    Column("of it apps", _each("cpu", APPS)),
    Column("between", _each("cpu", BETWEEN)),
    Column("CPU s per million", ("cpu_million",), 1, 1),
    Column("of it apps", _each("cpu_million", APPS), 1, 1),
    Column("between", _each("cpu_million", BETWEEN), 1, 1),
    Column("peak MiB: apps", _each("peak", APPS), 1, 0),
    Column("between", _each("peak", BETWEEN), 1, 0),
)
"""Sender first where there are two. A column that nobody fills is left out."""

STANDING = (
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
class Spread:
    """Median, least and most of the samples of one figure."""

    median: float
    least: float
    most: float


def spread(samples: Sequence[Sample], metric: str) -> Spread | None:
    """None where no sample has the figure."""
    values = [sample[metric] for sample in samples if metric in sample]
    return Spread(statistics.median(values), min(values), max(values)) if values else None


def work_tables(samples: Samples) -> list[str]:
    """Markdown: a table a work, a row a competitor."""
    lines: list[str] = []
    for work, taken in samples.items():
        if any(taken.values()):
            lines += ["", f"**{work}**", "", *_work_table(taken)]
    return lines


def _work_table(taken: Mapping[str, Sequence[Sample]]) -> list[str]:
    rows: list[list[str]] = [["", *(column.title for column in COLUMNS), "others took"]]
    for competitor, some in taken.items():
        if some:
            rows.append([competitor, *(_joined(some, column) for column in COLUMNS), quietness(some)])
    # Per GiB is for what moves bytes; of a small call it says what per million says, in numbers nobody reads.
    streams = any("gbit_s" in sample for some in taken.values() for sample in some)
    kept = [
        number
        for number in range(len(rows[0]))
        if number == 0 or (any(row[number] != "-" for row in rows[1:]) and (streams or not _per_gib(number - 1)))
    ]
    return aligned([[row[number] for number in kept] for row in rows])


def _per_gib(number: int) -> bool:
    return number < len(COLUMNS) and COLUMNS[number].metrics[0].partition(" ")[0] == "cpu"


def _joined(some: Sequence[Sample], column: Column) -> str:
    found = [spread(some, metric) for metric in column.metrics]
    if len(found) == 1:
        return _cell(found[0], column.scale, column.digits) if found[0] else "-"
    medians = [f"{each.median * column.scale:,.{column.digits}f}" for each in found if each is not None]
    return " + ".join(medians) or "-"


def quietness(some: Sequence[Sample]) -> str:
    """The most of the machine that others took in samples that count, and how many of them were not quiet."""
    most = max((sample["others"] for sample in some if "others" in sample), default=0.0)
    busy = sum(1 for sample in some if sample.get("busy"))
    return f"{most:.0%}" + (f", {busy} of {len(some)} busy" if busy else "")


def overview(samples: Samples, columns: Sequence[tuple[str, Column, str]]) -> list[str]:
    """Markdown: a row a competitor, a column for each work, column and heading asked for; medians alone."""
    names = dict.fromkeys(name for taken in samples.values() for name, some in taken.items() if some)
    rows = [["", *(heading for _, _, heading in columns)]]
    for name in names:
        cells = []
        for work, column, _ in columns:
            found = spread(samples.get(work, {}).get(name, ()), column.metrics[0])
            cells.append(f"{found.median * column.scale:,.{column.digits}f}" if found else "-")
        rows.append([name, *cells])
    return aligned(rows)


def standing_table(samples: Samples) -> list[str]:
    """Markdown, one line a figure, `median (least-most)`."""
    competitors = list(dict.fromkeys(name for taken in samples.values() for name in taken))
    rows: list[list[str]] = []
    for figure in STANDING:
        cells = []
        for competitor in competitors:
            found = spread(samples.get(figure.work, {}).get(competitor, ()), figure.metric)
            cells.append(_cell(found, figure.scale, figure.digits) if found else "-")
        if any(cell != "-" for cell in cells):
            rows.append([figure.title, *cells])
    if not rows:
        return []
    shares = [
        max((sample["others"] for taken in samples.values() for sample in taken.get(name, ()) if "others" in sample),
            default=None)
        for name in competitors
    ]  # fmt: skip
    others = [["others took of the machine, at most", *("-" if share is None else f"{share:.0%}" for share in shares)]]
    return aligned([["standing", *competitors], *rows, *(others if any(shares) else [])])


def _cell(found: Spread, scale: float, digits: int) -> str:
    median, least, most = (f"{value * scale:,.{digits}f}" for value in (found.median, found.least, found.most))
    return f"{median} ({least}-{most})" if least != most else median


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, its first row the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, _line(["-" * width for width in widths], widths))
    return lines


def _line(cells: Iterable[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
