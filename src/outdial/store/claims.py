"""Which chains are claimed, and what a claim gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from outdial.core.records import PRIORITIES, Chain, Priority
from outdial.core.units import AgentId, GroupId, ListId
from outdial.selection.terms import Selection


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """Which chains to claim."""

    group_id: GroupId
    lists: tuple[tuple[ListId, int], ...]
    """Lists with their weights. Shape: ((list, weight ≥ 1), …)."""
    chains_max: int
    """Range: 1 … 10,000."""
    utc_ms: int
    """Now: what is due by then."""
    do_not_call_lists: tuple[str, ...] = ()
    """Do-not-call lists that count beside the internal one. Empty: all do."""
    priorities: tuple[Priority, ...] = PRIORITIES
    """What goes first, to last; each of `PRIORITIES` once."""
    selections: Mapping[ListId, Selection] = field(default_factory=dict)
    """Which records of a list, and in which order; a list that is missing gives all, the longest due first.

    A selection says nothing of campaign callbacks: those have been promised.
    """
    with_facts: bool = False
    """Records come with what earlier calls to their numbers have come to, as far as it has been written down."""


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """Which records to claim that wait for one agent."""

    group_id: GroupId
    lists: tuple[ListId, ...]
    agent_ids: tuple[AgentId, ...]
    """Agents who are there."""
    overdue_utc_ms: int
    """What has been due since before this is claimed whoever it waits for."""
    count_max: int
    """Range: 1 … 1,000."""
    utc_ms: int
    """Now: what is due by then."""
    left_utc_ms: int = 0
    """Callbacks of groups that are not among `running_ids`, due since before this. 0: none."""
    running_ids: tuple[GroupId, ...] = ()
    """Groups that look after their own."""
    do_not_call_lists: tuple[str, ...] = ()
    """Do-not-call lists that count beside the internal one. Empty: all do."""
    with_facts: bool = False
    """Records come with what earlier calls to their numbers have come to, as far as it has been written down."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What was claimed."""

    chains: tuple[Chain, ...]
    exhausted: bool
    """Nothing else is due in these lists. No chains, and not exhausted: to be asked again at once, as what comes first
    in an order of columns has not been found yet."""
    next_due_utc_ms: int | None
    """When the next chain becomes due, if nothing else is due; None: none waits."""
