"""How two configurations differ, object by object: what an operator wants to see before one takes the other's place."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any

from outdial.config import Loaded

VALUE_CHARACTERS_MAX = 200
KINDS = {
    "switch": "switches",
    "node": "nodes",
    "agent": "agents",
    "agent-group": "agent_groups",
    "calling-list": "calling_lists",
    "campaign": "campaigns",
    "campaign-group": "campaign_groups",
}
"""Kinds of objects that have a DBID. Shape: {kind: field of `Configuration`}."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One object that is not the same."""

    kind: str
    dbid: int
    """0: there is only one."""
    name: str
    change: str
    """`added`, `removed` or `changed`."""
    fields: Mapping[str, list[Any]] = field(default_factory=dict)
    """Of a changed object. Shape: {field: [what it was, what it is]}."""


def differences(before: Loaded, after: Loaded) -> list[Difference]:
    """What a configuration changes against another one; by kind, then DBID."""
    old, new = before.configuration, after.configuration
    found = []
    for kind, name in KINDS.items():
        found += _of_kind(kind, _by_dbid(getattr(old, name)), _by_dbid(getattr(new, name)))
    found += _of_kind("sip-server", dict(before.edge), dict(after.edge))
    for kind, was, now in (("ocs", old.ocs, new.ocs), ("serve", before.serve, after.serve)):
        if was != now:
            found.append(Difference(kind, 0, kind, "changed", _fields(was, now)))
    if old.do_not_call != new.do_not_call:
        counts = [len(old.do_not_call), len(new.do_not_call)]
        found.append(Difference("do-not-call", 0, "do-not-call", "changed", {"numbers": counts}))
    return found


def _by_dbid(objects: Iterable[Any]) -> dict[int, Any]:
    return {each.dbid: each for each in objects}


def _of_kind(kind: str, before: Mapping[int, Any], after: Mapping[int, Any]) -> list[Difference]:
    found = []
    for dbid in sorted({**before, **after}):
        was, now = before.get(dbid), after.get(dbid)
        if was == now:
            continue
        present = now if now is not None else was
        name = str(getattr(present, "name", None) or getattr(present, "login", ""))
        change = "added" if was is None else "removed" if now is None else "changed"
        found.append(Difference(kind, dbid, name, change, _fields(was, now) if change == "changed" else {}))
    return found


def _fields(was: Any, now: Any) -> dict[str, list[Any]]:
    """Fields that differ. Secrets are not among them: the configuration names where they are."""
    pairs = [(each.name, getattr(was, each.name), getattr(now, each.name)) for each in fields(now)]
    return {name: [_plain(one), _plain(other)] for name, one, other in pairs if one != other}


def _plain(value: Any) -> Any:
    """A value as JSON has it; what is large or has parts of its own is told in short."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float):
        return value
    if is_dataclass(value) and hasattr(value, "name"):
        return value.name
    if isinstance(value, tuple) and len(value) <= 20:
        return [_plain(each) for each in value]
    text = f"{len(value)} entries" if isinstance(value, tuple) else str(value)
    return text if len(text) <= VALUE_CHARACTERS_MAX else text[: VALUE_CHARACTERS_MAX - 1] + "…"
