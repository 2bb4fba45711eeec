"""Rule profiles: what a law, a regulator or an operator allows, as values with a version.

A profile holds limits and nothing else; a limit that it leaves open is none. Several hold at once (those of a record's
calling list and of the campaign that dials it, and what each of them builds on): every call must keep within all of
them, so of each limit the strictest counts (`dial_rules.py`).

Source: the laws that the profiles in `outdial/rules` name. Ours: the form (decision 0017).
"""

from dataclasses import dataclass
from typing import TypeAlias

from outdial.core.units import DAY_MS, SECOND_MS, Millis

DAY_S = DAY_MS // SECOND_MS
Week: TypeAlias = tuple[tuple[int, int], ...]
"""Calling hours by weekday, Monday first: seconds since local midnight, half open. From = till: closed. Shape: 7 pairs,
or none at all: open all the time."""
ALWAYS: Week = ((0, DAY_S),) * 7
ATTEMPTS_MAX = 100
"""Highest limit of attempts to a number: so many of its calls are remembered at most."""


@dataclass(frozen=True, slots=True)
class ClosedDays:
    """Days on which nobody is called, by the calendar of wherever the number may be."""

    name: str
    days: tuple[int, ...] = ()
    """Unit: days since 1970-01-01. Days that come every year are there for every year that time zones are known for."""


@dataclass(frozen=True, slots=True)
class RuleProfile:
    """Limits under one name. 0, empty or None: no such limit."""

    name: str
    version: str = ""
    """When it was written or last changed: a date."""
    week: Week = ()
    """Calling hours by weekday."""
    closed_days: tuple[ClosedDays, ...] = ()
    attempts_life_max: int = 0
    """Attempts to a number, ever."""
    attempts_day_max: int = 0
    """Attempts to a number on one calendar day where it may be."""
    attempts_24h_max: int = 0
    """Attempts to a number within any 24 hours."""
    attempts_7d_max: int = 0
    """Attempts to a number within any 7 days of 24 hours."""
    after_abandoned_ms: Millis = 0
    """How long a number is left alone after a person there found no agent."""
    machine_ends_day: bool = False
    """After an answering machine a number is left alone for the rest of the day."""
    after_conversation_ms: Millis = 0
    """How long a number is left alone after a conversation."""
    lifted_by_agent: bool = False
    """The pauses after an abandoned call and after a machine do not hold where an agent is there before the call is
    made: in the preview modes."""
    consent_required: bool = False
    """Only records with a consent are dialed."""
    ring_ms_min: Millis = 0
    """Shortest ringing before an attempt may be given up. Kept by the configuration."""
    connect_ms_max: Millis = 0
    """Longest wait of an answered person for an agent. Kept by the configuration."""
    abandonment_ratio_max: float | None = None
    """Largest share of persons who find no agent. Range: 0 … 1. Kept by the configuration."""
    abandonment_days: int = 0
    """Over how many days that share is taken. Unit: days."""

    @property
    def needs_facts(self) -> bool:
        """Whether earlier calls to a number count."""
        attempts = self.attempts_life_max or self.attempts_day_max or self.attempts_24h_max or self.attempts_7d_max
        return bool(attempts or self.after_abandoned_ms or self.machine_ends_day or self.after_conversation_ms)
