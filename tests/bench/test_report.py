"""What the measurement prints: medians with their spread, and verdicts by ratio."""

from __future__ import annotations

import os
import time

import pytest

from bench import report
from bench.load.python.app import Ledger, LoadFailed, mark
from bench.processes import cpu_seconds
from bench.works import Sample


def samples(
    ours: list[Sample], theirs: list[Sample], work: str = "64 KiB messages"
) -> dict[str, dict[str, list[Sample]]]:
    return {work: {report.OURS: ours, report.REFERENCE: theirs}}


def test_a_cell_is_the_median_and_the_spread() -> None:
    taken = samples([{"gbit_s": 1.0}, {"gbit_s": 3.0}, {"gbit_s": 2.0}], [{"gbit_s": 4.0}])
    lines = report.table(taken, [report.OURS, report.REFERENCE])
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == ["work", report.OURS, report.REFERENCE]
    assert ["64 KiB messages, Gbit/s", "2.00 (1.00-3.00)", "4.00"] in cells


def test_figures_that_nobody_has_are_left_out() -> None:
    assert report.table({}, [report.OURS]) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "verdict"),
    [(0.79, 1.0, "NOT MET"), (0.8, 1.0, "met"), (1.6, 2.0, "met")],
)
def test_a_rate_is_judged_by_its_ratio(ours: float, theirs: float, verdict: str) -> None:
    (line,) = report.verdicts(samples([{"gbit_s": ours}], [{"gbit_s": theirs}]))[2:]
    assert line.rstrip(" |").endswith(f"| {verdict}")


def test_a_cost_must_not_be_higher() -> None:
    (line,) = report.verdicts(samples([{"cpu": 13.0}], [{"cpu": 10.0}]))[2:]
    assert "1.30 x p2pd" in line
    assert "NOT MET" in line


def test_what_was_not_measured_is_not_judged() -> None:
    assert report.verdicts({"64 KiB messages": {report.OURS: [{"gbit_s": 1.0}]}}) == []


def test_processor_time_is_that_of_the_process() -> None:
    before = cpu_seconds(os.getpid())
    spent = time.process_time()
    while time.process_time() - spent < 0.05:
        pass
    assert 0.03 <= cpu_seconds(os.getpid()) - before < 5


def payload(run: str, counter: int, size: int = 256) -> bytes:
    return counter.to_bytes(8, "little") + mark(run).to_bytes(8, "little") + bytes(size - 16)


def test_a_run_is_complete_when_its_closing_message_agrees() -> None:
    ledger = Ledger("run", 256)
    assert not ledger.take(payload("run", 0))
    assert not ledger.take(payload("run", 1))
    assert ledger.take(payload("run", 2 | 1 << 63, 16))


@pytest.mark.parametrize(
    "wrong",
    [
        payload("run", 2),  # one was lost
        payload("run", 0),  # one came twice
        payload("run", 1, 255),  # one was cut
        payload("another", 1),
        payload("run", 3 | 1 << 63, 16),  # the end tells of more
    ],
)
def test_a_loss_is_an_error(wrong: bytes) -> None:
    ledger = Ledger("run", 256)
    ledger.take(payload("run", 0))
    with pytest.raises(LoadFailed):
        ledger.take(wrong)


def test_the_mark_is_fnv_1a() -> None:
    assert mark("a") == 0xAF63DC4C8601EC8C
