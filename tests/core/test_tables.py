"""The state machines' tables: total, safe against whatever the outside says, and read as they are written."""

import enum
import random
from typing import Any

import pytest

from outdial.core.agents import AGENT_TABLE, AgentSignal, AgentState
from outdial.core.attempt import ATTEMPT_TABLE, AttemptSignal, AttemptState
from outdial.core.engaging import ENGAGING_TABLE, EngagingSignal, EngagingState
from outdial.core.errors import InvariantViolated
from outdial.core.groups import GROUP_TABLE, GroupSignal, GroupState
from outdial.core.nodes import LINK_TABLE, LinkSignal, NodeState
from outdial.core.tables import Cell, Table

TABLES: dict[str, tuple[Table[Any, Any], type[enum.Enum], type[enum.Enum], enum.Enum, set[enum.Enum]]] = {
    "attempt": (
        ATTEMPT_TABLE,
        AttemptState,
        AttemptSignal,
        AttemptState.REQUESTED,
        {
            *(AttemptSignal.AGENT_FOUND, AttemptSignal.IVR_FOUND, AttemptSignal.ROUTED, AttemptSignal.PLAY),
            *(AttemptSignal.RELEASE, AttemptSignal.NODE_LOST),
        },
    ),
    "engaging call": (
        ENGAGING_TABLE,
        EngagingState,
        EngagingSignal,
        EngagingState.REQUESTED,
        {EngagingSignal.JOIN, EngagingSignal.PARTED, EngagingSignal.RELEASE, EngagingSignal.NODE_LOST},
    ),
    "agent": (
        AGENT_TABLE,
        AgentState,
        AgentSignal,
        AgentState.LOGGED_OUT,
        {AgentSignal.RESERVE, AgentSignal.CONNECT},
    ),
    "node": (LINK_TABLE, NodeState, LinkSignal, NodeState.INACTIVE, set()),
    "campaign group": (GROUP_TABLE, GroupState, GroupSignal, GroupState.STOPPED, set()),
}
"""Shape: {name: (table, states, signals, first state, signals that the core gives itself)}."""

CELLS = [
    pytest.param(table, state, signal, id=f"{name}: {signal.name.lower()} when {state.name.lower()}")
    for name, (table, states, signals, _, _) in TABLES.items()
    for state in states
    for signal in signals
]
FROM_OUTSIDE = [
    pytest.param(table, state, signal, id=f"{name}: {signal.name.lower()} when {state.name.lower()}")
    for name, (table, states, signals, _, own) in TABLES.items()
    for state in states
    for signal in signals
    if signal not in own
]


@pytest.mark.parametrize("table, state, signal", CELLS)
def test_every_cell_exists(table: Table[Any, Any], state: enum.Enum, signal: enum.Enum) -> None:
    cell = table.cells[state][signal]
    assert isinstance(cell, Cell | type(state))


@pytest.mark.parametrize("table, state, signal", FROM_OUTSIDE)
def test_no_signal_from_outside_is_impossible(table: Table[Any, Any], state: enum.Enum, signal: enum.Enum) -> None:
    assert table.cells[state][signal] is not Cell.NEVER


@pytest.mark.parametrize("name", TABLES)
def test_every_state_can_be_reached(name: str) -> None:
    table, states, _, first, _ = TABLES[name]
    reached, open_states = {first}, [first]
    while open_states:
        for target in table.cells[open_states.pop()].values():
            if not isinstance(target, Cell) and target not in reached:
                reached.add(target)
                open_states.append(target)
    assert set(states) == reached


@pytest.mark.parametrize("name", TABLES)
def test_any_order_of_signals_from_outside_is_survived(name: str) -> None:
    table, states, signals, _, own = TABLES[name]
    luck = random.Random(1)
    outside = [signal for signal in signals if signal not in own]
    for state in states:
        for _ in range(200):
            state = table.next_state(state, luck.choice(outside)) or state


# --- calls --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [state for state in AttemptState if state is not AttemptState.SETTLED])
def test_every_attempt_can_end_and_can_lose_its_node(state: AttemptState) -> None:
    row = ATTEMPT_TABLE.cells[state]
    assert AttemptState.SETTLED is row[AttemptSignal.RELEASED]
    assert AttemptState.SETTLED is row[AttemptSignal.GONE]
    assert AttemptState.LOST is row[AttemptSignal.NODE_LOST]


@pytest.mark.parametrize("state", [state for state in EngagingState if state is not EngagingState.RELEASED])
def test_every_engaging_call_can_end_and_can_lose_its_node(state: EngagingState) -> None:
    row = ENGAGING_TABLE.cells[state]
    assert EngagingState.RELEASED is row[EngagingSignal.RELEASED]
    assert EngagingState.RELEASED is row[EngagingSignal.GONE]
    assert EngagingState.LOST is row[EngagingSignal.NODE_LOST]


@pytest.mark.parametrize(
    "table, end", [(ATTEMPT_TABLE, AttemptState.SETTLED), (ENGAGING_TABLE, EngagingState.RELEASED)]
)
def test_nothing_leads_away_from_the_end(table: Table[Any, Any], end: enum.Enum) -> None:
    assert {Cell.LATE, Cell.NEVER} >= set(table.cells[end].values())


def test_signs_of_a_call_may_skip_states_forward_but_never_go_back() -> None:
    order = [AttemptState.REQUESTED, AttemptState.PROCEEDING, AttemptState.ALERTING, AttemptState.ANSWERED]
    signs = [AttemptSignal.ACCEPTED, AttemptSignal.ALERTING, AttemptSignal.ANSWERED]
    for place, state in enumerate(order):
        for ahead, sign in enumerate(signs, 1):
            expected = order[ahead] if ahead > place else Cell.LATE
            assert expected is ATTEMPT_TABLE.cells[state][sign]


@pytest.mark.parametrize(
    "sign, state",
    [
        (AttemptSignal.ACCEPTED, AttemptState.PROCEEDING),
        (AttemptSignal.ALERTING, AttemptState.ALERTING),
        (AttemptSignal.ANSWERED, AttemptState.ANSWERED),
        (AttemptSignal.PERSON, AttemptState.WAITING),
        (AttemptSignal.CONNECTED, AttemptState.CONNECTED),
        (AttemptSignal.IVR_STARTED, AttemptState.IN_IVR),
        (AttemptSignal.FOUND_DIALING, AttemptState.PROCEEDING),
        (AttemptSignal.FOUND_ALERTING, AttemptState.ALERTING),
        (AttemptSignal.FOUND_ANSWERED, AttemptState.ANSWERED),
        (AttemptSignal.FOUND_CONNECTED, AttemptState.CONNECTED),
    ],
)
def test_every_sign_of_life_takes_a_lost_call_back(sign: AttemptSignal, state: AttemptState) -> None:
    assert state is ATTEMPT_TABLE.next_state(AttemptState.LOST, sign)


# --- reading and using --------------------------------------------------------------------------------------------


class Light(enum.Enum):
    """States of a traffic light."""

    RED = "red"
    GREEN = "green"


class Press(enum.Enum):
    """What can happen to it."""

    BUTTON = enum.auto()
    POWER_CUT = enum.auto()


def light(text: str) -> Table[Light, Press]:
    """A table of two states and two signals."""
    return Table("light", Light, Press, text)


def test_cell_says_where_to_go_late_or_never() -> None:
    table = light(
        """
        state  button power_cut
        red    green  !
        green  .      red
        """
    )
    assert Light.GREEN is table.next_state(Light.RED, Press.BUTTON)
    assert table.next_state(Light.GREEN, Press.BUTTON) is None
    with pytest.raises(InvariantViolated, match="light: POWER_CUT in state RED"):
        table.next_state(Light.RED, Press.POWER_CUT)


@pytest.mark.parametrize(
    "text, error",
    [
        ("state button power_cut\nred green .", InvariantViolated),
        ("state button\nred green\ngreen .", InvariantViolated),
        ("state button power_cut\nred green\ngreen . .", ValueError),
        ("state button power_cut\nred blue .\ngreen . .", KeyError),
        ("state button smash\nred green .\ngreen . .", KeyError),
    ],
    ids=["a state is missing", "a signal is missing", "a cell is missing", "unknown state", "unknown signal"],
)
def test_table_that_is_not_total_cannot_be_made(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        light(text)
