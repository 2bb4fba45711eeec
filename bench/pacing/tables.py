"""The benchmark's results as Markdown. Utilisation never stands without its abandonment."""

from collections.abc import Sequence

from bench.pacing.bounds.markov_optimum import stored
from bench.pacing.cells import Cell, goal
from bench.pacing.measure import Row


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*rows, *("| " + " | ".join(line) + " |" for line in lines)]) + "\n"


def _where(row: Row) -> tuple[str, str, str]:
    return f"{100 * row.hit:.0f} %", f"{row.talk_ms_mean // 1_000}", f"{row.agents:,}"


def _pair(row: Row) -> str:
    return f"{100 * row.utilisation:.1f} @ {100 * row.abandonment:.2f}"


def grid(rows: Sequence[Row]) -> str:
    """Every cell of one target."""
    with_goal = rows[0].target == 0.03
    head = ["hit", "talk s", "agents", "days", "U % @ abandoned %", "worst day %", "days kept %", "worst 30 min %"]
    head += [
        "idle s",
        "attempts/agent-h",
        "ports mean / p99",
        "s per day",
        *(["goal U %", "diff"] if with_goal else []),
    ]
    lines = []
    for row in rows:
        line = [
            *_where(row),
            f"{row.days}",
            _pair(row),
            f"{100 * row.abandonment_max:.2f}",
            f"{100 * row.compliant:.0f}",
        ]
        line += [f"{100 * row.worst_window:.1f}", f"{row.idle_s:.1f}", f"{row.attempts_per_agent_hour:.0f}"]
        line += [f"{row.ports_mean:.1f} / {row.ports_p99:.0f}", f"{row.seconds:.1f}"]
        if with_goal:
            wanted = goal(Cell(row.agents, row.hit).with_talk(row.talk_ms_mean))
            line += [f"{wanted:.1f}", f"{100 * row.utilisation - wanted:+.1f}"]
        lines.append(line)
    return table(head, lines)


def side_by_side(rows: Sequence[Row]) -> str:
    """All pacers on the same records: one line for each cell."""
    pacers = list(dict.fromkeys(row.pacer for row in rows))
    cells: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        cells.setdefault(_where(row), {})[row.pacer] = _pair(row)
    return table(
        ["hit", "talk s", "agents", *pacers],
        [[*where, *(found.get(pacer, "") for pacer in pacers)] for where, found in cells.items()],
    )


def behind(rows: Sequence[Row]) -> list[str]:
    """Cells in which somebody is ahead of us at no more abandonment than ours or the target."""
    ours = {_where(row): row for row in rows if row.pacer == "outdial"}
    found = []
    for row in rows:
        own = ours[_where(row)]
        fair = row.abandonment <= max(own.abandonment, 1e-9)
        if row.pacer != "outdial" and fair and row.utilisation > own.utilisation:
            found.append(f"{row.pacer} at {_where(row)}: {_pair(row)}, ours {_pair(own)}")
    return found


def markov(rows: Sequence[Row]) -> str:
    """Against the exact optimum of the memoryless version, at the target and at what was abandoned."""
    best = {(each.agents, each.hit, each.target): each for each in stored()}
    lines = []
    for row in rows:
        optimum = best[row.agents, row.hit, row.target]
        optima = optimum.utilisation, optimum.at(row.abandonment)
        bounds = [text for each in optima for text in (f"{100 * each:.2f}", f"{100 * (row.utilisation - each):+.2f}")]
        line = [f"{row.agents}", f"{100 * row.hit:.0f} %", f"{100 * row.target:.0f} %", f"{row.days}", _pair(row)]
        lines.append([*line, *bounds])
    head = ["agents", "hit", "target", "days", "U % @ abandoned %", "optimum U %", "diff"]
    return table([*head, "at as many abandoned", "diff"], lines)


def drift(named: Sequence[tuple[str, Row]]) -> str:
    """What happens when something changes in the middle of the day."""
    head = [
        "event",
        "agents",
        "U before",
        "abandoned 10 min",
        "30 min",
        "U 30 min",
        "U 30–60 min",
        "worst 30 min",
        "day",
    ]
    lines = []
    for name, row in named:
        before, half, later, first, lost = (100 * value for value in row.drift)
        line = [name, f"{row.agents}", f"{before:.1f}", f"{first:.1f}", f"{lost:.1f}", f"{half:.1f}", f"{later:.1f}"]
        lines.append([*line, f"{100 * row.worst_window:.1f}", f"{100 * row.abandonment:.2f}"])
    return table(head, lines)
