"""Changed settings over a parsed file: what may be changed at run time, and how a change becomes part of the tables.

A change is put into the table as if it stood in the file, and the very same checks follow; so whatever the file may not
say, nobody can say at run time. What names, membership and lines to other objects are is for the file alone.
"""

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic.fields import FieldInfo

from outdial.config.document import CALLING_LIST, CAMPAIGN, CAMPAIGN_GROUP
from outdial.config.groups import CampaignGroupTable
from outdial.config.lists import CampaignListTable, CampaignTable
from outdial.config.mistakes import Mistakes, show_names, suggest
from outdial.config.options import Table, allowed_text, choices_of, option_of, spellings
from outdial.config.rows import read_row
from outdial.core.errors import ConfigError
from outdial.setting_overrides import Override, Place, Value

_OF_THE_FILE = ("dbid", "name", "campaign", "agent_group", "dialer", "statistics_carry_over_hours", "start")
"""Options of campaign groups that take effect with the file only, or at a start."""
GROUP_SETTINGS: Mapping[str, FieldInfo] = {
    name: info for name, info in CampaignGroupTable.model_fields.items() if name not in _OF_THE_FILE
}
CAMPAIGN_SETTINGS: Mapping[str, FieldInfo] = {
    "abandonment_limit": CampaignTable.model_fields["abandonment_limit"],
}
WEIGHT = "weights."
"""Begins the name of a calling list's weight in a campaign; its DBID follows."""
WEIGHT_INFO: FieldInfo = CampaignListTable.model_fields["weight"]

MODELS: Mapping[str, tuple[type[Table], Mapping[str, FieldInfo]]] = {
    CAMPAIGN_GROUP.name: (CampaignGroupTable, GROUP_SETTINGS),
    CAMPAIGN.name: (CampaignTable, CAMPAIGN_SETTINGS),
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of one object as a file has it."""

    name: str
    value: Value | None
    """None: left out, and there is no default."""
    text: str
    unit: str
    allowed: str
    choices: tuple[str, ...]
    """All values there are, as the file spells them. Empty: too many."""


def lay_over(raw: Mapping[str, Any], overrides: Iterable[Override]) -> tuple[dict[str, Any], list[Override]]:
    """Put changes into a parsed file.

    Args:
        raw: the file as parsed; stays as it is.
        overrides: the changes.

    Returns:
        The tables with the changes, and the changes of objects that the file does not have.
    """
    changed, homeless = dict(raw), []
    copied: dict[tuple[str, int], dict[str, Any]] = {}
    for override in overrides:
        place = override.place
        table = copied.get((place.kind, place.dbid)) or _copy_of_table(changed, place)
        if table is None or not _put(changed, table, override):
            homeless.append(override)
        else:
            copied[place.kind, place.dbid] = table
    return changed, homeless


def _copy_of_table(raw: dict[str, Any], place: Place) -> dict[str, Any] | None:
    """The object's table, copied together with the array around it. None: there is none."""
    key = _key_of(raw, place.kind)
    tables = raw.get(key)
    if not isinstance(tables, list):
        return None
    for n, table in enumerate(tables):
        if isinstance(table, dict) and table.get("dbid") == place.dbid:
            raw[key] = [*tables[:n], table := dict(table), *tables[n + 1 :]]
            return table
    return None


def _key_of(raw: Mapping[str, Any], kind: str) -> str:
    return next((key for key in raw if key.replace("_", "-") == kind), kind)


def _put(raw: Mapping[str, Any], table: dict[str, Any], override: Override) -> bool:
    place = override.place
    if place.name.startswith(WEIGHT):
        return _put_weight(raw, table, place.name.removeprefix(WEIGHT), override.value)
    model, settings = MODELS[place.kind]
    if place.name not in settings:
        return False
    for written in [key for key in table if spellings(model).get(key) == place.name]:
        del table[written]
    table[option_of(settings[place.name]).spelling] = override.value
    return True


def _put_weight(raw: Mapping[str, Any], table: dict[str, Any], dbid: str, value: Value) -> bool:
    lists = table.get("lists")
    if not isinstance(lists, list):
        return False
    for n, entry in enumerate(lists):
        if dbid == str(_list_dbid(raw, entry)):
            entry = dict(entry) if isinstance(entry, dict) else {"calling-list": entry}
            table["lists"] = [*lists[:n], {**entry, "weight": value}, *lists[n + 1 :]]
            return True
    return False


def _list_dbid(raw: Mapping[str, Any], entry: object) -> object:
    """DBID of the calling list that an entry of a campaign names."""
    reference = entry
    if isinstance(entry, dict):
        reference = next((entry[key] for key in ("calling-list", "calling_list") if key in entry), None)
    if isinstance(reference, int):
        return reference
    tables = raw.get(_key_of(raw, CALLING_LIST.name), [])
    found = (table for table in tables if isinstance(table, dict) and table.get("name") == reference)
    return next((table.get("dbid") for table in found), None)


# --- what there is to change ------------------------------------------------------------------------------------------


def settings_of(raw: Mapping[str, Any], kind: str, dbid: int) -> list[Setting] | None:
    """Every setting of an object that may be changed at run time, with its value in a parsed file without mistakes.

    Returns:
        In the order of the reference page. None: the file has no such object.
    """
    table = _copy_of_table(dict(raw), Place(kind, dbid, ""))
    if table is None:
        return None
    model, settings = MODELS[kind]
    checked = read_row(model, table, kind, Mistakes("")).table
    found = [_setting(name, info, getattr(checked, name)) for name, info in settings.items()]
    for entry in table.get("lists", []) if kind == CAMPAIGN.name else []:
        weight = entry.get("weight", WEIGHT_INFO.default) if isinstance(entry, dict) else WEIGHT_INFO.default
        found.append(_setting(f"{WEIGHT}{_list_dbid(raw, entry)}", WEIGHT_INFO, weight))
    return found


def _setting(name: str, info: FieldInfo, value: Any) -> Setting:
    value = value.value if isinstance(value, enum.Enum) else value
    return Setting(name, value, info.description or "", option_of(info).unit, allowed_text(info), choices_of(info))


def check_names(known: Sequence[Setting], names: Iterable[str], file: str) -> None:
    """Whether there are settings of these names.

    Raises:
        ConfigError: there are not: all mistakes.
    """
    official = [setting.name for setting in known]
    mistakes = Mistakes(file)
    for name in names:
        if name not in official:
            near = suggest(name, official)
            wrong = "cannot be changed at run time" if name in _OF_THE_FILE else "there is no such setting"
            mistakes.add(name, wrong + (f"; {near}" if near else ""), show_names(official))
    mistakes.raise_any()


# --- changes that do not fit any more ---------------------------------------------------------------------------------


def fitting(
    read: Callable[[Sequence[Override]], T], overrides: Sequence[Override]
) -> tuple[T, list[tuple[Override, str]]]:
    """Read a file with those changes that do not make it wrong.

    A file may be changed under a change: the mode in which it meant something is another one, a limit that it kept is
    stricter now. Such changes are left out, object by object, because the server has to start all the same.

    Args:
        read: reads the file with some changes; raises `ConfigError`.
        overrides: all changes.

    Returns:
        What was read, and the changes that were left out, each with the first mistake of its object.

    Raises:
        ConfigError: the file has mistakes of its own.
    """
    try:
        return read(overrides), []
    except ConfigError:
        read(())  # whose mistakes are they?
    by_object: dict[tuple[str, int], list[Override]] = {}
    for override in overrides:
        by_object.setdefault((override.place.kind, override.place.dbid), []).append(override)
    kept: list[Override] = []
    left_out: list[tuple[Override, str]] = []

    def add(objects: Sequence[list[Override]]) -> None:
        more = [override for each in objects for override in each]
        try:
            read([*kept, *more])
        except ConfigError as error:
            if len(objects) == 1:
                left_out.extend((override, error.mistakes[0]) for override in more)
                return
            half = len(objects) // 2
            add(objects[:half])
            add(objects[half:])
        else:
            kept.extend(more)

    add(list(by_object.values()))
    return read(kept), left_out
