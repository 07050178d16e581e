"""The picture of a run: a panel a work, a bar a competitor, its median with the least and the most as a whisker."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bench.report import Samples, spread


@dataclass(frozen=True)
class Panel:
    """One metric of one work."""

    title: str
    work: str
    metric: str
    scale: float = 1.0
    less_is_better: bool = False
    wide: bool = False
    """Whether the figures lie so far apart that only a logarithm shows them."""


PANELS = (
    Panel("64 KiB messages, Gbit/s", "64 KiB messages", "gbit_s"),
    Panel("1 MiB messages, Gbit/s", "1 MiB messages", "gbit_s"),
    Panel("CPU seconds per GiB at 64 KiB, everything", "64 KiB messages", "cpu", 1, True, True),
    Panel("peak memory at 64 KiB, MiB, everything", "64 KiB messages", "peak", 1, True),
    Panel("256 B, one a call or write, k messages/s", "256 B, one a gRPC message", "messages_s", 1e-3, False, True),
    Panel("256 B, 64 a call or write, k messages/s", "256 B, 64 a gRPC message", "messages_s", 1e-3, False, True),
    Panel("request/reply on an open stream, p50 us", "request/reply", "p50_us", 1, True, True),
    Panel("the same, 32 at once, k requests/s", "request/reply, 32 at once", "calls_s", 1e-3, False, True),
    Panel("request/reply by a call or stream each, p50 us", "request/reply, a call or stream each", "p50_us", 1, True,
          True),
    Panel("the same, 32 at once, k requests/s", "request/reply, 32 calls or streams", "calls_s", 1e-3, False, True),
)  # fmt: skip
OURS, BESIDE, INSIDE = "#1f6fb4", "#d9822b", "#9a9a9a"
LEGEND = {OURS: "sidecar (beside the app)", BESIDE: "another daemon beside the app", INSIDE: "inside the app"}


def colour(name: str) -> str:
    """By where it stands: it must not be compared with what saves two hops as if it were alike."""
    if name.startswith("sidecar"):
        return OURS
    return BESIDE if name == "p2pd" else INSIDE


def plot(samples: Samples, title: str, path: Path) -> list[str]:
    """Writes a PNG and gives the titles of its panels; works that nobody did have none, and without any there is no
    file."""
    panels = [panel for panel in PANELS if _bars(samples, panel)]
    if not panels:
        return []
    rows = -(-len(panels) // 2)
    most = max(len(_bars(samples, panel)) for panel in panels)
    figure = Figure(figsize=(13, rows * (0.9 + 0.24 * most) + 0.9), layout="constrained")
    grid = figure.subplots(rows, 2, squeeze=False)
    for place, panel in zip(grid.flat, panels, strict=False):
        _draw(place, samples, panel)
    for unused in list(grid.flat)[len(panels) :]:
        unused.set_axis_off()
    figure.suptitle(title)
    figure.legend(handles=[Patch(color=each, label=word) for each, word in LEGEND.items()], ncols=3,
                  loc="outside lower center", frameon=False)  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    # The same figures give the same file.
    figure.savefig(path, dpi=80, metadata={"Software": None})
    return [panel.title for panel in panels]


def _bars(samples: Samples, panel: Panel) -> dict[str, tuple[float, float, float]]:
    found = {name: spread(some, panel.metric) for name, some in samples.get(panel.work, {}).items()}
    return {
        name: (each.median * panel.scale, each.least * panel.scale, each.most * panel.scale)
        for name, each in found.items()
        if each is not None
    }


def _draw(place: Axes, samples: Samples, panel: Panel) -> None:
    bars = _bars(samples, panel)
    medians = [median for median, _, _ in bars.values()]
    below = [median - least for median, least, _ in bars.values()]
    above = [most - median for median, _, most in bars.values()]
    place.barh(list(bars), medians, color=[colour(name) for name in bars])
    place.errorbar(medians, list(bars), xerr=[below, above], fmt="none", ecolor="black", elinewidth=0.8, capsize=2)
    if panel.wide:
        place.set_xscale("log")
    # As high as the highest whisker, and room for the figure behind it.
    _, right = place.get_xlim()
    place.set_xlim(right=right * (2.5 if panel.wide else 1.12))
    for name, (median, _, most) in bars.items():
        place.annotate(f"{median:,.2f}" if median < 100 else f"{median:,.0f}", (most, name), xytext=(4, 0),
                       textcoords="offset points", va="center", fontsize=8)  # fmt: skip
    place.invert_yaxis()
    better = "less is better" if panel.less_is_better else "more is better"
    place.set_title(f"{panel.title} ({better}{', log scale' if panel.wide else ''})", fontsize=10)
    place.tick_params(labelsize=8)
    place.spines[["top", "right"]].set_visible(False)
