"""Total transition tables, written as text and checked when the module is imported.

A state machine of the core is one table: a row per state, a column per signal, and every cell says one of

* a state's name: *go there* (the same state: something is noted, the state stays);
* ``.``: *late*. Networks delay, repeat and reorder; count it, change nothing;
* ``!``: *never*. Only for signals that the core gives itself: reaching such a cell is a bug and stops the process.

Facts from outside are never *never*: a misbehaving server must not stop the dialer.
"""

import enum
from collections.abc import Mapping
from typing import Final, Generic, TypeVar

from outdial.core.errors import InvariantViolated

S = TypeVar("S", bound=enum.Enum)
G = TypeVar("G", bound=enum.Enum)


class Cell(enum.Enum):
    """What a cell says besides naming a state."""

    LATE = "."
    NEVER = "!"


LATE: Final = Cell.LATE
NEVER: Final = Cell.NEVER
"""Looked up once: a member of an enumeration costs as much as a call, and these are asked for in every step."""


class Table(Generic[S, G]):
    """A total table: `cells[state][signal]` is a state or a `Cell`."""

    def __init__(self, name: str, states: type[S], signals: type[G], text: str) -> None:
        self.name = name
        self.cells: Mapping[S, Mapping[G, S | Cell]] = _parse(name, states, signals, text)

    def next_state(self, state: S, signal: G) -> S | None:
        """Look up one cell. None: late.

        Raises:
            InvariantViolated: the cell is *never*: a bug in the caller.
        """
        target = self.cells[state][signal]
        if target is LATE:
            return None
        if target is NEVER:
            raise InvariantViolated(f"{self.name}: {signal.name} in state {state.name}")
        return target


def _parse(name: str, states: type[S], signals: type[G], text: str) -> dict[S, dict[G, S | Cell]]:
    lines = [line.split() for line in text.strip().splitlines()]
    columns = [signals[word.upper()] for word in lines[0][1:]]
    cells: dict[S, dict[G, S | Cell]] = {}
    for words in lines[1:]:
        targets = [Cell(word) if word in ".!" else states[word.upper()] for word in words[1:]]
        cells[states[words[0].upper()]] = dict(zip(columns, targets, strict=True))
    if set(cells) != set(states) or set(columns) != set(signals):
        raise InvariantViolated(f"table {name} is not total")
    return cells
