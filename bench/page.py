"""The figures of a run as docs/performance.md shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import report, targets
from bench.report import Column, Samples
from bench.works import Sample

BEGIN = "<!-- figures, written by `make bench DOCS=1` -->"
END = "<!-- end of figures -->"

_RATE, _CALLS = Column("", ("messages_s",), 1e-3, 1), Column("", ("calls_s",), 1e-3, 1)
_BYTES, _P50, _P99 = Column("", ("gbit_s",)), Column("", ("p50_us",), 1, 0), Column("", ("p99_us",), 1, 0)
_GIB, _MILLION, _PEAK = Column("", ("cpu",)), Column("", ("cpu_million",), 1, 1), Column("", ("peak",), 1, 0)
_LINKS = Column("", ("calls_s",), 1, 0)

RATES = (
    ("64 KiB messages", _BYTES, "64 KiB, Gbit/s"),
    ("64 KiB messages", _P99, "write to app meanwhile, p99 us"),
    ("1 MiB messages", _BYTES, "1 MiB, Gbit/s"),
    ("256 B, one a gRPC message", _RATE, "256 B, one a call or write, k/s"),
    ("256 B, 64 a gRPC message", _RATE, "64 of them, k/s"),
    ("request/reply", _P50, "request on an open stream, p50 us"),
    ("request/reply", _P99, "p99"),
    ("request/reply, 32 at once", _CALLS, "32 at once, k/s"),
    ("request/reply, a call or stream each", _P50, "a call or stream each, p50 us"),
    ("request/reply, a call or stream each", _P99, "p99"),
    ("request/reply, 32 calls or streams", _CALLS, "32 at once, k/s"),
    ("Send to DELIVERED", _P50, "Send to DELIVERED, p50 us"),
    ("relink", _LINKS, "relinks/s"),
)
COSTS = (
    ("64 KiB messages", _GIB, "CPU s per GiB: 64 KiB"),
    ("1 MiB messages", _GIB, "1 MiB"),
    ("64 KiB messages", _MILLION, "CPU s per million: 64 KiB"),
    ("256 B, one a gRPC message", _MILLION, "256 B"),
    ("256 B, 64 a gRPC message", _MILLION, "64 of them"),
    ("request/reply", _MILLION, "requests"),
    ("request/reply, a call or stream each", _MILLION, "calls or streams"),
    ("64 KiB messages", _PEAK, "peak MiB: 64 KiB"),
    ("1 MiB messages", _PEAK, "1 MiB"),
    ("256 B, one a gRPC message", _PEAK, "256 B"),
)


def figures(
    results: Mapping[str, Samples],
    standing: Samples,
    judged: Sequence[targets.Verdict],
    machine: Mapping[str, Any],
    command: str,
    picture: str,
) -> list[str]:
    """Markdown: the picture, rates and costs at each place, what standing costs, and the verdicts."""
    counted = _counted(results)
    lines = [
        f"{machine['cores']} cores ({machine['processor']}), Linux {machine['kernel']}, Python {machine['python']}.",
        f"`{command}`, {machine['time']}: {len(counted)} samples. {_quiet_words(counted)}",
        "",
        f"![Bars of every system's rates and costs]({picture})",
    ]
    for name, samples in results.items():
        for heading, columns in (("rates", RATES), ("costs of all processes together", COSTS)):
            lines += ["", f"**{name[:1].upper()}{name[1:]}, {heading}**", "", *report.overview(samples, columns)]
    if standing:
        lines += ["", "**What a sidecar costs standing**", "", *report.standing_table(standing)]
    verdicts = targets.table(judged)
    if verdicts:
        lines += ["", f"**What was asked**, at {next(iter(results))}", "", *verdicts]
    return lines


def _counted(results: Mapping[str, Samples]) -> list[Sample]:
    return [
        sample
        for samples in results.values()
        for taken in samples.values()
        for some in taken.values()
        for sample in some
        if "others" in sample
    ]


def _quiet_words(counted: Sequence[Sample]) -> str:
    busy = sum(1 for sample in counted if sample.get("busy"))
    most = max((sample["others"] for sample in counted), default=0.0)
    if not busy:
        return f"Others took {most:.0%} of the machine at most."
    return f"Others took over 10 % of the machine in {busy} of them, {most:.0%} at most."


def replace(page: Path, lines: Sequence[str]) -> None:
    """Puts the figures where the page has those of an earlier run; ValueError where it has no place for them."""
    text = page.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{page} must have one line `{BEGIN}` and one `{END}`")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text("\n".join([before + BEGIN, *lines, END]) + after)
