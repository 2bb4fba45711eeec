"""What agents do, as rows of `agent_states`: both stores write it by these rules.

A change ends what the agent did before and begins something new; who logs out begins nothing. Writing changes a second
time, in other groups, makes the same rows: a row is known by its epoch and number, and gets its end once.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from outdial.core.agents import AgentState
from outdial.store.interface import AgentStateBegun, Change

AGENT_STATE_COLUMNS = (
    "epoch",
    "change_n",
    "agent_id",
    "state",
    "reason",
    "group_id",
    "from_utc_ms",
    "until_utc_ms",
)
"""The columns of a row, in its order."""
ENDING_COLUMNS = ("epoch", "agent_id", "change_n", "until_utc_ms")
"""What tells that an agent's earlier states, those before a change, have ended, and when."""

LAST_SIGN = """(SELECT max(sign.utc_ms) FROM (
    SELECT s.utc_ms FROM (SELECT own.from_utc_ms AS utc_ms FROM agent_states AS own
        WHERE own.epoch = {epoch} ORDER BY own.change_n DESC LIMIT 1) AS s
    UNION ALL SELECT a.utc_ms FROM (SELECT own.dialed_utc_ms AS utc_ms FROM attempts AS own
        WHERE own.epoch = {epoch} ORDER BY own.call_id DESC LIMIT 1) AS a
    UNION ALL SELECT p.utc_ms FROM (SELECT own.utc_ms + own.span_ms AS utc_ms FROM port_samples AS own
        WHERE own.epoch = {epoch} ORDER BY own.utc_ms DESC LIMIT 1) AS p
) AS sign)"""
"""The last sign of life of a start: its last agent's change, last call or last sample of ports, whichever was last.
While a server runs, that is at most some two minutes ago. For a state that is open there always is one: its own."""


def rows_of(epoch: int, changes: Sequence[Change]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """What changes of agents' states come to.

    Returns:
        Endings of states in the table (see `ENDING_COLUMNS`) and rows for it (see `AGENT_STATE_COLUMNS`).
    """
    by_agent: dict[int, list[AgentStateBegun]] = {}
    for change in changes:
        if isinstance(change, AgentStateBegun):
            by_agent.setdefault(change.agent_id, []).append(change)
    endings: list[tuple[Any, ...]] = []
    rows: list[tuple[Any, ...]] = []
    for agent_id, begun in by_agent.items():
        endings.append((epoch, agent_id, begun[0].change_n, begun[0].utc_ms))
        ends: list[int | None] = [*(max(one.utc_ms, next_.utc_ms) for one, next_ in pairwise(begun)), None]
        rows += [
            (epoch, one.change_n, agent_id, one.state, one.reason or None, one.group_id, one.utc_ms, until_utc_ms)
            for one, until_utc_ms in zip(begun, ends, strict=True)
            if one.state != AgentState.LOGGED_OUT.value
        ]
    return endings, rows
