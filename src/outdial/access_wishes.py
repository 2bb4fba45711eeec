"""What `outdial token` and `outdial user` have in common: limits that name campaigns and agents, and their audit."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from outdial.api.credentials import CAMPAIGNS_MAX, AuditEntry
from outdial.config import Loaded
from outdial.config.mistakes import show_value, suggest
from outdial.core.units import AgentId
from outdial.dnc_change import who


@dataclass(frozen=True, slots=True)
class Limits:
    """What a token or a person is limited to."""

    campaigns: frozenset[str] | None
    agent_id: AgentId | None


def limits_in(loaded: Loaded, campaigns: Sequence[str], agent: str | None, mistakes: list[str]) -> Limits:
    """Look campaigns and an agent up; adds what is wrong to the mistakes.

    Args:
        loaded: where they have to be.
        campaigns: names. Empty: no limit.
        agent: a login.
        mistakes: where mistakes go.
    """
    known = [campaign.name for campaign in loaded.configuration.campaigns]
    for name in campaigns:
        if name not in known:
            mistakes.append(f"--campaign {show_value(name)}: there is no such campaign; {_hint(name, known)}")
    if len(campaigns) > CAMPAIGNS_MAX:
        mistakes.append(f"--campaign: allowed: at most {CAMPAIGNS_MAX:,} of them")
    logins = {one.login: one.dbid for one in loaded.configuration.agents}
    if agent is not None and agent not in logins:
        mistakes.append(f"--agent {show_value(agent)}: there is no agent with this login; {_hint(agent, logins)}")
    return Limits(frozenset(campaigns) if campaigns else None, None if agent is None else logins.get(agent))


def limits_text(loaded: Loaded, campaigns: Collection[str] | None, agent_id: AgentId | None) -> str:
    """The same for people to read."""
    words = "all campaigns" if campaigns is None else ", ".join(sorted(campaigns)) or "no campaign"
    if agent_id is None:
        return words
    login = next((one.login for one in loaded.configuration.agents if one.dbid == agent_id), f"number {agent_id}")
    return f"{words}, as agent {login}"


def by_command(utc_ms: int, action: str, subject: str, before: Any, after: Any) -> AuditEntry:
    """A change that a command has made."""
    return AuditEntry(utc_ms, who(), "cli", action, subject, _json(before), _json(after), "")


def _hint(name: str, known: Collection[str]) -> str:
    return suggest(name, known) or f"there are {', '.join(map(show_value, list(known)[:10])) or 'none'}"


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)
