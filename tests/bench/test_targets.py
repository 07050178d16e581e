"""Verdicts: ratios of medians within one run."""

from __future__ import annotations

import json

import pytest

from bench.report import Samples
from bench.targets import DAEMON, OURS, TARGETS, Reference, Target, Verdict, table, verdicts
from bench.works import WORKS, Sample

WORK = "64 KiB messages"
RATE = Target("first", "rate", WORK, "gbit_s", True, 0.8, Reference(DAEMON))
COST = Target("second", "cost", WORK, "cpu", False, 1.2, Reference(DAEMON))


def judged(target: Target, ours: list[Sample], theirs: list[Sample]) -> Verdict:
    (verdict,) = verdicts({WORK: {OURS: ours, DAEMON: theirs}}, [target])
    return verdict


@pytest.mark.parametrize(("ours", "theirs", "met"), [(0.79, 1.0, False), (0.8, 1.0, True), (1.6, 2.0, True)])
def test_a_rate_is_judged_by_its_ratio(ours: float, theirs: float, met: bool) -> None:
    assert judged(RATE, [{"gbit_s": ours}], [{"gbit_s": theirs}]).met is met


@pytest.mark.parametrize(("ours", "met"), [(13.0, False), (12.0, True)])
def test_a_cost_must_not_be_higher(ours: float, met: bool) -> None:
    verdict = judged(COST, [{"cpu": ours}], [{"cpu": 10.0}])
    assert verdict.value == pytest.approx(ours / 10)
    assert verdict.met is met


def test_medians_are_compared() -> None:
    ours: list[Sample] = [{"gbit_s": 1.0}, {"gbit_s": 9.0}, {"gbit_s": 2.0}]
    theirs: list[Sample] = [{"gbit_s": 4.0}, {"gbit_s": 4.0}, {"gbit_s": 100.0}]
    assert judged(RATE, ours, theirs).value == 0.5


@pytest.mark.parametrize(("ours", "theirs"), [([], [{"gbit_s": 1.0}]), ([{"gbit_s": 1.0}], []), ([{}], [{}])])
def test_what_was_not_measured_is_not_judged(ours: list[Sample], theirs: list[Sample]) -> None:
    verdict = judged(RATE, ours, theirs)
    assert verdict.met is None
    assert table([verdict]) == []


def test_what_was_not_measured_is_counted() -> None:
    taken: Samples = {WORK: {OURS: [{"gbit_s": 1.0}], DAEMON: [{"gbit_s": 1.0}]}}
    lines = table(verdicts(taken, [RATE, COST, COST]))
    assert [line for line in lines if "cost" in line] == []
    assert lines[-1] == "Targets that this run had no figures for: 2."


def test_a_figure_needs_no_reference() -> None:
    target = Target("second", "ready", "start", "ready_ms", False, 400)
    samples: Samples = {"start": {OURS: [{"ready_ms": 250.0}]}}
    (verdict,) = verdicts(samples, [target])
    assert (verdict.value, verdict.met) == (250.0, True)


def test_another_work_can_be_the_reference() -> None:
    target = Target("second", "delivered", "Send", "p50_us", False, 1.3, Reference(OURS, "request/reply"))
    samples: Samples = {"Send": {OURS: [{"p50_us": 130.0}]}, "request/reply": {OURS: [{"p50_us": 100.0}]}}
    (verdict,) = verdicts(samples, [target])
    assert (verdict.value, verdict.of, verdict.met) == (1.3, "request/reply", True)


@pytest.mark.parametrize("busy", ["ours", "theirs"])
def test_a_verdict_that_rests_on_a_busy_machine_says_so(busy: str) -> None:
    verdict = judged(
        RATE, [{"gbit_s": 1.0, "busy": float(busy == "ours")}], [{"gbit_s": 1.0, "busy": float(busy == "theirs")}]
    )
    assert verdict.busy
    assert "met, on a busy machine" in table([verdict])[-1]


def test_json_has_what_is_printed() -> None:
    verdict = judged(RATE, [{"gbit_s": 0.5}], [{"gbit_s": 1.0}])
    assert json.loads(json.dumps(verdict.json())) == {
        "stage": "first", "title": "rate", "value": 0.5, "of": DAEMON, "at_least": True, "bound": 0.8,
        "busy": False, "met": False,
    }  # fmt: skip
    assert "0.50 x p2pd" in table([verdict])[-1]
    assert "NOT MET" in table([verdict])[-1]


def test_targets_name_works_that_exist() -> None:
    known = {work.name for work in WORKS} | {"handshakes", "idle links", "start"}
    assert {target.work for target in TARGETS} <= known
    assert {target.reference.work for target in TARGETS if target.reference} - {""} <= known
