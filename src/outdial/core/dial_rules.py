"""What is left of the rules for the records of one list that are dialed in one way: the strictest of each limit.

Worked out once per configuration, ready for `compliance.may_dial`, which is asked before every call.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

from outdial.core.rules import ALWAYS, RuleProfile, Week
from outdial.core.settings import CallingList
from outdial.core.units import DAY_MS, Millis


class Limit(NamedTuple):
    """The strictest of a kind of limit, and whose it is."""

    value: int
    profile: str


@dataclass(frozen=True, slots=True)
class DialRules:
    """What decides about records of one calling list that are dialed in one way."""

    calling_list: CallingList
    """For what a record leaves open: its window and its zone."""
    labels: tuple[str, ...] = ()
    """Every profile that counts, with its version: `us-fl 2026-11-22`."""
    week: Week = ()
    closed: frozenset[int] = frozenset()
    """Days since 1970-01-01."""
    life: Limit | None = None
    day: Limit | None = None
    rolling: tuple[tuple[Millis, Limit], ...] = ()
    """Attempts within a time that moves along. Shape: ((time, limit), …)."""
    after_abandoned: Limit | None = None
    machine_day: str = ""
    """Profile that ends the day of a number at an answering machine."""
    after_conversation: Limit | None = None
    consent: str = ""
    """Profile that asks for a consent."""
    hours_of: str = ""
    """Profiles that have calling hours or closed days, for people."""
    needs_facts: bool = False
    """Earlier calls to a number count."""
    is_plain: bool = True
    """There is nothing but the list's hours."""


def dial_rules(calling_list: CallingList, more: Iterable[RuleProfile] = (), *, agent_first: bool = False) -> DialRules:
    """Bring the profiles of a list and of whoever dials it down to the strictest of each limit.

    Args:
        calling_list: the list, with its own profiles.
        more: those of the campaign that dials it; one may come twice.
        agent_first: an agent is there before the call is made.
    """
    known = tuple({profile.name: profile for profile in (*calling_list.rules, *more)}.values())
    pauses = tuple(profile for profile in known if not (agent_first and profile.lifted_by_agent))
    weeks = [profile.week for profile in known if profile.week]
    closed = frozenset(day for profile in known for closed in profile.closed_days for day in closed.days)
    rolling = (
        (DAY_MS, _strictest(known, lambda profile: profile.attempts_24h_max, min)),
        (7 * DAY_MS, _strictest(known, lambda profile: profile.attempts_7d_max, min)),
    )
    found = DialRules(
        calling_list,
        labels=tuple(f"{profile.name} {profile.version}".rstrip() for profile in known),
        week=_narrowest(weeks) if weeks else ALWAYS if closed else (),
        closed=closed,
        life=_strictest(known, lambda profile: profile.attempts_life_max, min),
        day=_strictest(known, lambda profile: profile.attempts_day_max, min),
        rolling=tuple((window_ms, limit) for window_ms, limit in rolling if limit is not None),
        after_abandoned=_strictest(pauses, lambda profile: profile.after_abandoned_ms, max),
        machine_day=next((profile.name for profile in pauses if profile.machine_ends_day), ""),
        after_conversation=_strictest(known, lambda profile: profile.after_conversation_ms, max),
        consent=next((profile.name for profile in known if profile.consent_required), ""),
        hours_of=", ".join(profile.name for profile in known if profile.week or profile.closed_days),
    )
    needs_facts = any(profile.needs_facts for profile in known)
    return replace(found, needs_facts=needs_facts, is_plain=not (found.week or found.consent or needs_facts))


def _strictest(
    profiles: Iterable[RuleProfile], value_of: Callable[[RuleProfile], int], better: Callable[..., Limit]
) -> Limit | None:
    limits = [Limit(value_of(profile), profile.name) for profile in profiles if value_of(profile)]
    return better(limits, key=lambda limit: limit.value) if limits else None


def _narrowest(weeks: list[Week]) -> Week:
    """The hours that all weeks have in common."""
    days = []
    for hours in zip(*weeks, strict=True):
        from_s, till_s = max(first for first, _ in hours), min(last for _, last in hours)
        days.append((from_s, till_s) if from_s < till_s else (0, 0))
    return tuple(days)
