"""Plots of the benchmark: utilisation over the size of the group, all pacers as pairs, pools shared in three ways."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Rows = Sequence[Mapping[str, Any]]


def draw(results: Mapping[str, Rows], folder: Path) -> list[str]:
    """Draw what the results allow. Returns lines to print: the files, or why there are none."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError:
        return ["no plots: matplotlib is not installed"]
    figures = {}
    if results.get("grid"):
        figure = figures["utilisation.svg"] = Figure(figsize=(8, 5))
        _by_size(figure.add_subplot(), [row for row in results["grid"] if row["target"] == 0.03])
    if results.get("peers"):
        figure = figures["peers.svg"] = Figure(figsize=(9, 6))
        _pairs(figure.add_subplot(), [row for row in results["peers"] if row["hit"] == 0.20])
    if results.get("pools"):
        figure = figures["pools.svg"] = Figure(figsize=(8, 5), layout="constrained")
        _pools(figure.subplots(2, 2, sharex=True, sharey="row"), results["pools"])
    with matplotlib.rc_context({"svg.hashsalt": "outdial", "svg.fonttype": "none"}):
        for name, figure in figures.items():
            figure.savefig(folder / name, metadata={"Date": None})
    return [str(folder / name) for name in figures]


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


def _pools(plots: Any, rows: Rows) -> None:
    """Talk at equal abandonment above abandonment, left all groups dialing, right one half of them at a time."""
    rows = [row for row in rows if row["limit"] == 0.03]
    ways = list(dict.fromkeys(row["shares"] for row in rows))
    sizes = sorted({row["groups"] for row in rows})
    width = 0.8 / len(ways)
    for column, moves in enumerate((False, True)):
        by = {(row["shares"], row["groups"]): row for row in rows if row["moves"] is moves}
        for place, way in enumerate(ways):
            x = [number + (place - (len(ways) - 1) / 2) * width for number in range(len(sizes))]
            talk = [100 / (1 + by[way, size]["ahead"]) for size in sizes]
            plots[0][column].bar(x, talk, width, label=way, color=f"C{place}")
            lost = [100 * by[way, size]["lost"] for size in sizes]
            plots[1][column].bar(x, lost, width, label=way, color=f"C{place}")
        plots[0][column].set_title("groups dial by turns" if moves else "all groups dial")
        plots[1][column].set(xlabel="groups", xticks=range(len(sizes)), xticklabels=sizes)
    plots[0][0].set(ylabel="talk at equal abandonment,\n% of sharing by need", ylim=(0, 130))
    plots[1][0].set(ylabel="abandoned at a limit of 3 %, %", ylim=(0, 3.2))
    for plot in plots[0]:
        plot.axhline(100.0, color="0.4", linewidth=1, linestyle="--")
    for plot in plots[1]:
        plot.axhline(3.0, color="0.4", linewidth=1, linestyle="--")
    for plot in plots.flat:
        plot.grid(True, axis="y", alpha=0.3)
        plot.set_axisbelow(True)
        plot.spines[["top", "right"]].set_visible(False)
    plots[0][0].legend(fontsize=8, ncols=len(ways), loc="upper left", frameon=False)
