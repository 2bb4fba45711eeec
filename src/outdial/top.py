"""`outdial top`: a live board of a running server in the terminal, out of the API's stream."""

import time
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from outdial.api.board import Board, GroupBoard
from outdial.board import GROUP_STYLES, NODE_STYLES, STATE_STYLES
from outdial.client import Client, NotReached

AGAIN_S = 1.0
"""Pause before a stream that has ended is asked for again. Unit: seconds."""
ALARM_STYLES = {"critical": "bold red", "warning": "yellow"}
GROUP_COLUMNS = ("ready", "busy", "need", "max", "used", "dial", "ring", "wait", "talk", "/h", "hit", "abandoned")


def run_top(client: Client, console: Console, pause: Callable[[float], None] = time.sleep) -> None:
    """Show the board until Ctrl-C. A server that does not answer is asked again. Where nobody looks on: one picture.

    Raises:
        NotReached: it has never answered.
        Refused: it does not let us look.
    """
    if not console.is_terminal:
        console.print(draw(client.board(), ""))
        return
    board: Board | None = None
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            try:
                for board in client.boards():
                    live.update(draw(board, ""), refresh=True)
            except NotReached as error:
                if board is None:
                    raise
                live.update(draw(board, str(error)), refresh=True)
            pause(AGAIN_S)


def draw(board: Board, trouble: str) -> RenderableType:
    """One picture. `trouble`: why it is old; empty: it is not."""
    sections: list[RenderableType] = [*_header(board, trouble), _groups(board)]
    holds = [_hold(index, group) for index, group in enumerate(board.groups) if group.holds]
    if holds:
        sections += [_rule("why not"), *holds]
    sections += [_rule("ports"), _pools(board), _rule("nodes"), _nodes(board)]
    if board.alarms:
        sections += [_rule("alarms"), *_alarms(board)]
    return Group(*sections)


def _rule(title: str) -> Rule:
    return Rule(Text(title, style="dim"), style="dim", align="left")


def _header(board: Board, trouble: str) -> Iterator[Text]:
    counts = [group.totals for group in board.groups]
    yield Text.assemble(
        (" outdial top ", "bold reverse"),
        f"  {time.strftime('%H:%M:%S', time.gmtime(board.utc_ms / 1_000))} UTC",
        f"   attempts {sum(each.attempts for each in counts):,}",
        f"   conversations {sum(each.connected for each in counts):,}",
        ("   Ctrl-C ends", "dim"),
    )
    if trouble:
        yield Text(f" {trouble}; this is how it was ", style="bold white on red")
    for stop in board.stops:
        yield Text(f" ALL DIALING STOPPED: {stop} ", style="bold white on red")


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", expand=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in _NUMBERS else "left", no_wrap=True)
    return table


_NUMBERS = (*GROUP_COLUMNS, "calls", "requests", "faults", "ports")


def _groups(board: Board) -> Table:
    table = _table("group", "state", "mode", *GROUP_COLUMNS)
    for index, group in enumerate(board.groups):
        ports, calls, rates = group.ports, group.calls, group.rates
        table.add_row(
            Text(group.name, style=f"bold {_style(index)}"),
            Text(group.state, style=STATE_STYLES.get(group.state, "")),
            group.mode,
            str(group.agents.ready),
            str(group.agents.busy),
            f"{ports.need:.1f}",
            "–" if ports.maximum is None else str(ports.maximum),
            str(ports.used),
            str(calls.dialing),
            str(calls.ringing),
            str(calls.answered + calls.waiting),
            str(calls.connected),
            f"{rates.attempts_per_hour:,}",
            "–" if rates.hit_ratio is None else f"{rates.hit_ratio:.0%}",
            f"{group.abandonment.recent:.1%} of {group.abandonment.limit:.1%}",
        )
    return table


def _style(index: int) -> str:
    return GROUP_STYLES[index % len(GROUP_STYLES)]


def _hold(index: int, group: GroupBoard) -> Text:
    return Text.assemble((group.name, _style(index)), f": {'; '.join(group.holds)}")


def _pools(board: Board) -> Table:
    table = _table("pool", "used", "ports", "note")
    for pool in board.pools:
        note = ", ".join(part for part in ("shortage" if pool.shortage else "", pool.note) if part)
        table.add_row(Text(pool.name, style="bold"), str(pool.used), str(pool.ports), Text(note, style="yellow"))
    return table


def _nodes(board: Board) -> Table:
    table = _table("node", "state", "calls", "requests", "faults", "note")
    for node in board.nodes:
        table.add_row(
            Text(node.name, style="bold") + Text(" ★ prime" if node.is_prime else "", style="yellow"),
            Text(node.state, style=NODE_STYLES.get(node.state, "green")),
            str(node.calls),
            f"{node.requests:,}",
            f"{node.faults:,}",
            Text(node.note, style="yellow"),
        )
    return table


def _alarms(board: Board) -> Iterator[Text]:
    for alarm in board.alarms:
        yield Text(alarm.text, style=ALARM_STYLES.get(alarm.severity, ""))
