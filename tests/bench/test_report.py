"""What the measurement prints: medians with their spread, and verdicts by ratio."""

from __future__ import annotations

import os
import time

import pytest

from bench import report
from bench.load.python.app import Ledger, LoadFailed, mark
from bench.processes import cpu_seconds
from bench.works import Sample

WORK = "64 KiB messages"


def rows(lines: list[str]) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


def test_a_cell_is_the_median_and_the_spread() -> None:
    taken: dict[str, dict[str, list[Sample]]] = {
        WORK: {"ours": [{"gbit_s": 1.0}, {"gbit_s": 3.0}, {"gbit_s": 2.0}], "theirs": [{"gbit_s": 4.0}]}
    }
    heading, _, *found = rows(report.work_tables(taken))
    assert heading == ["", "Gbit/s", "others took"]
    assert found == [["ours", "2.00 (1.00-3.00)", "0%"], ["theirs", "4.00", "0%"]]


def test_what_each_process_took_is_shown_sender_first() -> None:
    sample = {"peak sending app": 10.0, "peak receiving app": 20.0, "peak sending sidecar": 30.0}
    heading, _, row = rows(report.work_tables({WORK: {"ours": [sample]}}))
    assert heading == ["", "peak MiB: apps", "between", "others took"]
    assert row == ["ours", "10 + 20", "30", "0%"]


def test_samples_of_a_busy_machine_are_marked() -> None:
    some: list[Sample] = [{"gbit_s": 1.0, "others": 0.5, "busy": 1.0}, {"gbit_s": 1.0, "others": 0.02, "busy": 0.0}]
    assert rows(report.work_tables({WORK: {"ours": some}}))[-1][-1] == "50%, 1 of 2 busy"


def test_what_standing_costs_tells_how_quiet_it_was() -> None:
    start: list[Sample] = [{"ready_ms": 300.0, "others": 0.25}, {"ready_ms": 500.0, "others": 0.04}]
    found = rows(report.standing_table({"start": {"ours": start, "theirs": [{"ready_ms": 30.0}]}}))
    assert found[2:] == [
        ["start to ready, ms", "400 (300-500)", "30"],
        ["others took of the machine, at most", "25%", "-"],
    ]


def test_works_that_nobody_did_are_left_out() -> None:
    assert report.work_tables({WORK: {"ours": []}}) == []
    assert report.standing_table({}) == []


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


def test_a_ledger_tells_how_long_messages_took() -> None:
    ledger = Ledger("run", 64 << 10)
    for counter, ago in enumerate((5_000_000_000, 1_000_000_000, 3_000_000_000)):
        written = time.monotonic_ns() - ago
        ledger.take(payload("run", counter, 24)[:16] + written.to_bytes(8, "little") + bytes((64 << 10) - 24))
    received = ledger.received()
    assert 3e6 <= received["p50_us"] <= received["p99_us"]
    assert received["p99_us"] >= 5e6
    assert "p50_us" not in Ledger("run", 256).received()
