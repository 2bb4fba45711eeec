"""The live board of a terminal: groups, ports, nodes, reasons, and what happened. Pure: values in, a picture out.

Every section has a known number of lines and no line wraps, so the picture never grows past the terminal: the log
takes what the others leave, and the reasons give way before the numbers do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from outdial.core.groups import GroupState
from outdial.core.modes import DialingMode
from outdial.core.nodes import Admin, NodeState
from outdial.core.snapshot import GroupView, PoolView, Snapshot
from outdial.happenings import Line

GROUP_STYLES = ("cyan", "magenta", "yellow", "green", "blue", "bright_red")
LINE_STYLES = {"bad": "bold red", "good": "green", "ports": "cyan", "plain": ""}
STATE_STYLES = {
    GroupState.RUNNING.value: "green",
    GroupState.PAUSED.value: "yellow",
    GroupState.STOPPING.value: "yellow",
    GroupState.STOPPED.value: "dim",
}
NODE_STYLES = {
    NodeState.INACTIVE.value: "bold red",
    NodeState.BACKUP.value: "yellow",
    NodeState.BACKUP_STANDBY.value: "yellow",
}
_STARTED = (GroupState.RUNNING.value, GroupState.PAUSED.value)
_FINE = (NodeState.PRIMARY.value, NodeState.PRIMARY_STANDBY.value)
# Below this, columns are left out. Unit: characters. Origin: the widest sensible content of all columns.
NARROW = 100
NARROW_DROPS = ("need", "wait", "abandon")
# The numbers of a group with their widths. Unit: characters.
NUMBERS = {
    "ready": 5,
    "busy": 4,
    "need": 6,
    "max": 4,
    "used": 4,
    "dial": 4,
    "wait": 4,
    "talk": 4,
    "attempts": 8,
    "abandon": 7,
}
# Fewest log lines for which holds are left out. Unit: lines. Origin: the last failure and what followed from it.
LOG_LINES_MIN = 4


@dataclass(frozen=True, slots=True)
class Frame:
    """What a picture shows besides the dialer itself."""

    title: str
    elapsed_s: float
    total_s: float
    note: str
    """Last words of the first line, for example how to end."""
    lines: Sequence[Line]
    """Log lines, oldest first."""


def clock_text(seconds: float) -> str:
    """Seconds as `m:ss` or `h:mm:ss`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def draw(snapshot: Snapshot, frame: Frame, *, width: int, height: int) -> RenderableType:
    """One picture of at most `height` lines."""
    sections: list[RenderableType] = [*_header(snapshot, frame)]
    sections += [_rule("campaign groups"), _groups(snapshot, width)]
    sections += [_rule("ports"), *(_pool(pool, snapshot, width) for pool in snapshot.pools)]
    sections += [_rule("nodes"), _nodes(snapshot, width)]
    used = len(snapshot.stops) + 1 + (2 + len(snapshot.groups)) + (1 + len(snapshot.pools)) + (2 + len(snapshot.nodes))
    reasons, holds = _reasons(snapshot), _holds(snapshot)
    if holds and used + 2 + len(reasons) + len(holds) + LOG_LINES_MIN <= height:
        reasons += holds
    reasons = reasons[: max(0, height - used - 1)]
    if reasons:
        sections += [_rule("why"), *reasons]
        used += 1 + len(reasons)
    log_lines = height - used - 1
    if log_lines > 0:
        sections += [_rule("log"), *(_log_line(line) for line in list(frame.lines)[-log_lines:])]
    return Group(*sections)


def _rule(title: str) -> Rule:
    return Rule(Text(title, style="dim"), style="dim", align="left")


def _one_line(text: Text) -> Text:
    text.no_wrap = True
    text.overflow = "ellipsis"
    return text


def _header(snapshot: Snapshot, frame: Frame) -> list[Text]:
    text = Text.assemble(
        (f" {frame.title} ", "bold reverse"),
        f"  {clock_text(frame.elapsed_s)} of {clock_text(frame.total_s)}",
        f"   attempts {sum(group.counts.attempts for group in snapshot.groups):,}",
        f"   conversations {sum(group.counts.connected for group in snapshot.groups):,}",
        (f"   {frame.note}", "dim"),
    )
    stops = [Text(f" ALL DIALING STOPPED: {stop} ", style="bold white on red") for stop in snapshot.stops]
    return [_one_line(line) for line in (text, *stops)]


def _table(*columns: tuple[str, str, int | None]) -> Table:
    """A table without lines. Columns: (heading, side, width); words (`<`) may be cut, numbers (`>`) never."""
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for heading, side, width in columns:
        if side == "<":
            table.add_column(heading, no_wrap=True, overflow="ellipsis", width=width)
        else:
            table.add_column(heading, no_wrap=True, justify="right", min_width=max(len(heading), width or 0))
    return table


def _groups(snapshot: Snapshot, width: int) -> Table:
    is_narrow = width < NARROW
    kept = {heading: size for heading, size in NUMBERS.items() if not (is_narrow and heading in NARROW_DROPS)}
    words = width - sum(size + 1 for size in kept.values()) - 3
    state_width = 0 if is_narrow else 8
    name_width = max(8, min(24, (words - state_width) * 2 // 5))
    table = _table(
        ("group", "<", name_width),
        *([] if is_narrow else [("state", "<", state_width)]),
        ("mode", "<", max(8, min(56, words - state_width - name_width))),
        *[(heading, ">", size) for heading, size in kept.items()],
    )
    for index, group in enumerate(snapshot.groups):
        values = (
            str(group.agents_ready),
            str(group.agents_busy),
            f"{group.ports.need_millis / 1_000:.1f}",
            _maximum_text(group),
            str(group.ports.used_ports),
            str(group.dialing + group.answered),
            str(group.waiting),
            str(group.connected),
            f"{group.counts.attempts:,}",
            abandoned_text(group),
        )
        table.add_row(
            Text(group.name, style=f"bold {_group_style(index)}"),
            *([] if is_narrow else [Text(group.state, style=STATE_STYLES.get(group.state, ""))]),
            mode_text(group),
            *[value for heading, value in zip(NUMBERS, values, strict=True) if heading in kept],
        )
    return table


def mode_text(group: GroupView) -> str:
    """The dialing mode, short, and why a predictive group dials ahead little or not at all for now."""
    _, _, reason = group.pacing.partition(": ")
    return f"{mode_name(group.mode)} ({reason})" if reason else mode_name(group.mode)


def mode_name(mode: DialingMode) -> str:
    """A dialing mode in few letters."""
    return mode.value.replace("-with-seizing", ", seizing")


def abandoned_text(group: GroupView) -> str:
    """Share of answered persons who found no agent, over the whole run."""
    lost = group.counts.abandoned + group.counts.dropped
    return f"{100 * lost / group.counts.answered:.1f} %" if group.counts.answered else "–"


def _group_style(index: int) -> str:
    return GROUP_STYLES[index % len(GROUP_STYLES)]


def _pool(pool: PoolView, snapshot: Snapshot, width: int) -> Text:
    """One pool: each group's maximum as a stretch of the bar, what it holds of it filled, in the group's colour."""
    tail = f" {pool.used_ports} of {pool.ports} used"
    tail += ", shortage" if pool.shortage else ""
    tail += f", {pool.note}" if pool.note else ""
    text = Text(f"{pool.name} ", style="bold")
    bar_width = max(10, width - len(text) - min(len(tail), 40) - 1)
    drawn = 0
    for index, group in enumerate(snapshot.groups):
        if group.dialer != pool.dialer or not pool.ports:
            continue
        maximum = group.ports.maximum_ports
        stretch = group.ports.used_ports if maximum is None else max(maximum, group.ports.used_ports)
        cells = min(round(bar_width * stretch / pool.ports), bar_width - drawn)
        filled = min(round(bar_width * group.ports.used_ports / pool.ports), cells)
        text.append("█" * filled + "░" * (cells - filled), style=_group_style(index))
        drawn += cells
    text.append("·" * (bar_width - drawn), style="dim")
    text.append(tail, style="yellow" if pool.shortage or pool.note else "")
    return _one_line(text)


def _nodes(snapshot: Snapshot, width: int) -> Table:
    name_width = max([12, *(len(node.name) + 8 for node in snapshot.nodes)])
    state_width = 28 if width >= NARROW else 14
    table = _table(
        ("node", "<", min(name_width, width // 4)),
        ("in use", "<", state_width),
        ("calls", ">", None),
        ("requests", ">", None),
        ("faults", ">", None),
        ("note", "<", None),
    )
    for node in snapshot.nodes:
        state = node.state if node.admin == Admin.ENABLED.value else f"{node.state}, {node.admin}"
        table.add_row(
            Text(node.name, style="bold") + Text(" ★ prime" if node.is_prime else "", style="yellow"),
            Text(state, style=NODE_STYLES.get(node.state, "green")),
            str(node.calls),
            f"{node.requests:,}",
            f"{node.faults:,}",
            Text(node.note, style="yellow"),
        )
    return table


def _reasons(snapshot: Snapshot) -> list[Text]:
    """Why each running group has the maximum that it has."""
    return [
        _one_line(Text.assemble((group.name, _group_style(index)), f": {group.ports.reason}"))
        for index, group in enumerate(snapshot.groups)
        if group.state in _STARTED and group.ports.reason
    ]


def _holds(snapshot: Snapshot) -> list[Text]:
    """Why each running group does not dial more."""
    return [
        _one_line(Text.assemble((group.name, _group_style(index)), (f" holds: {'; '.join(group.holds)}", "dim")))
        for index, group in enumerate(snapshot.groups)
        if group.state in _STARTED and group.holds
    ]


def _log_line(line: Line) -> Text:
    return _one_line(
        Text.assemble((f"{clock_text(line.mono_ms / 1_000):>5}  ", "dim"), (line.text, LINE_STYLES.get(line.kind, "")))
    )


def plain_line(snapshot: Snapshot, elapsed_s: float) -> str:
    """The board as one line of text, for output that is no terminal."""
    groups = [
        f"{group.name} {group.ports.used_ports}/{_maximum_text(group)} ports {group.connected} talking"
        for group in snapshot.groups
    ]
    nodes = [f"{node.name} {node.state}" for node in snapshot.nodes if node.state not in _FINE]
    attempts = sum(group.counts.attempts for group in snapshot.groups)
    return " | ".join([f"{clock_text(elapsed_s)} {attempts} attempts", *groups, *nodes, *snapshot.stops])


def _maximum_text(group: GroupView) -> str:
    return "–" if group.ports.maximum_ports is None else str(group.ports.maximum_ports)
