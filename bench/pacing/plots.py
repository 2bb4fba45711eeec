"""Plots of the benchmark: utilisation at equal abandonment over the size of the group, and all pacers as pairs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def draw(results: Mapping[str, Rows], folder: Path) -> list[str]:
    """Draw what the results allow. Returns lines to print: the files, or why there are none."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return ["no plots: matplotlib is not installed"]
    lines = []
    if results.get("grid"):
        figure = Figure(figsize=(8, 5))
        _by_size(figure.add_subplot(), [row for row in results["grid"] if row["target"] == 0.03])
        figure.savefig(folder / "utilisation.svg")
        lines.append(str(folder / "utilisation.svg"))
    if results.get("peers"):
        figure = Figure(figsize=(9, 6))
        _pairs(figure.add_subplot(), [row for row in results["peers"] if row["hit"] == 0.20])
        figure.savefig(folder / "peers.svg")
        lines.append(str(folder / "peers.svg"))
    return lines


def _by_size(axes: Any, rows: Rows) -> None:
    for hit in sorted({row["hit"] for row in rows}):
        for talk_ms in sorted({row["talk_ms_mean"] for row in rows}):
            line = [row for row in rows if row["hit"] == hit and row["talk_ms_mean"] == talk_ms]
            line.sort(key=lambda row: row["agents"])
            label = f"hit {100 * hit:.0f} %, talk {talk_ms // 1000} s"
            axes.plot([row["agents"] for row in line], [100 * row["utilisation"] for row in line], "o-", label=label)
    axes.set(xscale="log", xlabel="agents", ylabel="utilisation, %", title="Utilisation at 3 % abandoned")
    axes.legend()
    axes.grid(True, alpha=0.3)


def _pairs(axes: Any, rows: Rows) -> None:
    for pacer in dict.fromkeys(row["pacer"] for row in rows):
        points = [row for row in rows if row["pacer"] == pacer]
        x = [100 * row["abandonment"] for row in points]
        axes.plot(x, [100 * row["utilisation"] for row in points], "o", label=pacer)
    axes.set(
        xlabel="abandoned, %", ylabel="utilisation, %", title="All pacers on the same records, hit 20 %", xlim=(0, 12)
    )
    axes.axvline(3.0, color="grey", linewidth=0.8)
    axes.legend(fontsize=7)
    axes.grid(True, alpha=0.3)
