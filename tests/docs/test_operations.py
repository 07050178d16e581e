"""docs/operations.md tells of every setting and every metric, and of no other."""

from __future__ import annotations

import re

from sidecar.admin import Exposition
from sidecar.metrics import Counters, Gauges
from sidecar.settings import Settings
from tests.docs.blocks import REPOSITORY


def test_every_setting_is_in_the_table() -> None:
    page = (REPOSITORY / "docs/operations.md").read_text()
    table = page.split("| setting | default | meaning |")[1].split("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", " ".join(first_cells))) == sorted(Settings.model_fields)


def metrics_table() -> dict[str, set[str]]:
    """The metrics of the page, each with its labels."""
    page = (REPOSITORY / "docs/operations.md").read_text()
    table = page.split("| metric | labels | what it says |")[1].split("\n\n")[0]
    rows = [line.split("|") for line in table.splitlines() if line.startswith("| `")]
    return {
        name: set(re.findall(r"`(\w+)`", labels))
        for _, names, labels, *_ in rows
        for name in re.findall(r"`(\w+)`", names)
    }


def test_every_metric_is_in_the_table() -> None:
    """By name; `tests/sidecars/test_metrics.py` compares labels too, with the page of a sidecar that has done all."""
    counters = Counters(bootstrap_last_success=1.0)
    gauges = Gauges(certificate_ends=1.0, revocations_due=1.0)
    exposition = Exposition(counters, lambda: gauges, engine="qh3", front="lean")
    names = {f"{family.name}_total" if family.type == "counter" else family.name for family in exposition.collect()}
    assert names == set(metrics_table())
