"""What a run leaves for docs/performance.md: its figures in their place, and the plot."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.__main__ import PAGE
from bench.page import BEGIN, END, figures, replace
from bench.plot import BESIDE, INSIDE, OURS, colour, plot
from bench.report import Samples
from bench.targets import verdicts

SAMPLES: Samples = {
    "64 KiB messages": {
        "sidecar qh3": [
            {"gbit_s": 2.0, "cpu": 8.0, "others": 0.02},
            {"gbit_s": 3.0, "cpu": 9.0, "others": 0.3, "busy": 1},
        ],
        "p2pd": [{"gbit_s": 1.0, "cpu": 10.0, "others": 0.0}],
    },
    "request/reply": {"sidecar qh3": [{"p50_us": 500.0, "p99_us": 900.0, "others": 0.0}], "p2pd": []},
}
MACHINE = {"cores": 2, "processor": "a processor", "kernel": "6.1", "python": "3.11", "time": "2026-11-23T05:00:00"}


def test_the_plot_has_a_panel_for_what_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "out" / "bench.png"
    drawn = plot(SAMPLES, "a run", path)
    assert drawn == [
        "64 KiB messages, Gbit/s",
        "CPU seconds per GiB at 64 KiB, everything",
        "request/reply on an open stream, p50 us",
    ]
    assert path.read_bytes().startswith(b"\x89PNG\r\n")


def test_nothing_measured_is_no_plot(tmp_path: Path) -> None:
    assert plot({"64 KiB messages": {"p2pd": []}}, "a run", tmp_path / "bench.png") == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "where"), [("sidecar qh3, grpcio", OURS), ("p2pd", BESIDE), ("quinn", INSIDE), ("gRPC-go mTLS", INSIDE)]
)
def test_a_bar_has_the_colour_of_where_it_stands(name: str, where: str) -> None:
    assert colour(name) == where


def test_figures_tell_medians_quietness_and_verdicts() -> None:
    standing: Samples = {"start": {"sidecar qh3": [{"ready_ms": 300.0}]}}
    told = "\n".join(
        figures(
            {"veth": SAMPLES}, standing, verdicts({**SAMPLES, **standing}), MACHINE, "make bench", "performance.png"
        )
    )
    assert "4 samples. Others took over 10 % of the machine in 1 of them, 30% at most." in told
    assert "](performance.png)" in told
    assert "| sidecar qh3 | 2.50 " in told
    assert "2.50 x p2pd" in told
    assert "start to ready, ms" in told


def test_figures_take_the_place_of_earlier_ones(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    replace(page, ["new", "figures"])
    replace(page, ["newer"])
    assert page.read_text() == f"before\n\n{BEGIN}\nnewer\n{END}\n\nafter\n"


@pytest.mark.parametrize("text", ["nothing", BEGIN, f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_page_without_one_place_is_not_written(tmp_path: Path, text: str) -> None:
    page = tmp_path / "performance.md"
    page.write_text(text)
    with pytest.raises(ValueError, match="must have one line"):
        replace(page, ["new"])
    assert page.read_text() == text


def test_the_documentation_has_a_place_for_figures() -> None:
    text = PAGE.read_text()
    assert text.count(BEGIN) == text.count(END) == 1
