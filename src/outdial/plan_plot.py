"""Curves of a plan as a picture. The only module that needs matplotlib, which comes with `outdial[plots]`.

Figures are made without pyplot: no display, no state between two pictures. The same plan gives the same SVG.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from outdial.plan_figures import Figures
from outdial.plan_sweep import Axis, value_text

if TYPE_CHECKING:
    from outdial.plan_report import Plan

SIZE_INCHES = (8.0, 6.5)
DOTS_PER_INCH = 120
# Colours that people with any colour vision tell apart (Okabe and Ito), without the yellow that paper swallows.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LEGEND_COLUMNS = 6

PICTURES: tuple[tuple[str, Callable[[Figures], float | None]], ...] = (
    ("utilisation of agents", lambda figures: figures.utilisation),
    ("abandoned persons", lambda figures: figures.lost_ratio),
)


def draw(path: Path, plan: "Plan") -> None:
    """Write the picture; the kind follows from the end of the file's name."""
    across, lines = plan.axes[0], plan.axes[1] if len(plan.axes) > 1 else None
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    plots = figure.subplots(len(PICTURES), 1, sharex=True)
    for plot, (title, value_of) in zip(plots, PICTURES, strict=True):
        for number, second in enumerate(lines.values if lines else (None,)):
            values = _line(plan, across, second, value_of)
            plot.plot(
                [float(value) for value, _ in values],
                [share for _, share in values],
                color=COLOURS[number % len(COLOURS)],
                marker=MARKERS[number // len(COLOURS) % len(MARKERS)],
                markersize=4,
                linewidth=1.6,
                label="" if lines is None or second is None else _label(lines, second),
            )
        plot.set_ylabel(title)
        plot.yaxis.set_major_formatter(PercentFormatter(xmax=1.0))
        plot.set_ylim(bottom=0)
        plot.grid(alpha=0.3)
        plot.spines[["top", "right"]].set_visible(False)
    if plan.group.dialing_mode.is_predictive and not any(axis.knob.name == "abandonment" for axis in plan.axes):
        plots[1].axhline(plan.group.overdial_ratio_max, color="0.4", linewidth=1, linestyle="--", label="limit")
    plots[-1].set_xlabel(across.knob.heading.replace("\n", ", "))
    figure.suptitle(f"{plan.group.name}, {plan.group.dialing_mode}: {plan.hours:g} h from a cold start")
    handles, labels = plots[1].get_legend_handles_labels()
    if handles:
        figure.legend(
            handles, labels, loc="outside lower center", ncols=min(LEGEND_COLUMNS, len(labels)), frameon=False
        )
    with matplotlib.rc_context({"svg.hashsalt": "outdial", "svg.fonttype": "none"}):
        metadata = {"Date": None} if path.suffix.lower() == ".svg" else {"Software": None}
        figure.savefig(path, dpi=DOTS_PER_INCH, metadata=metadata)


def _label(axis: Axis, value: Decimal) -> str:
    percent = " %" if axis.knob.unit.endswith("%") else ""
    return f"{axis.knob.name} {value_text(value)}{percent}"


def _line(
    plan: "Plan", across: Axis, second: Decimal | None, value_of: Callable[[Figures], float | None]
) -> list[tuple[Decimal, float]]:
    """One curve, from left to right; points without a figure are left out."""
    found = []
    for point, figures in plan.rows:
        values = dict(point)
        share = value_of(figures)
        if share is not None and (second is None or point[1][1] == second):
            found.append((values[across.knob.name], share))
    return sorted(found)
