"""`outdial list reset`: the finished records of a calling list are dialed once more."""

import json
from collections.abc import Collection, Sequence
from pathlib import Path

from outdial.config import load
from outdial.configured_store import in_store, list_named
from outdial.core.errors import ConfigError
from outdial.core.settings import CallingList
from outdial.sim.lists import RecordStatus
from outdial.store.interface import Store
from outdial.store.stored import FINISHED


def run_reset(config: Path, list_name: str, statuses: tuple[str, ...], *, is_sure: bool, as_json: bool) -> str:
    """Make finished records of a list ready again. Returns what is printed.

    Raises:
        ConfigError: the configuration or the arguments have mistakes, nobody is sure, there is no database yet, or a
            file of the list was not read to its end.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)
    calling_list = list_named(loaded, list_name)
    wanted = statuses_of(statuses)
    check_sure(list_name, is_sure=is_sure)

    async def work(store: Store) -> int:
        return await reset_list(store, calling_list, wanted)

    return reset_text(list_name, in_store(loaded, work), as_json=as_json)


def check_sure(list_name: str, *, is_sure: bool) -> None:
    """Nobody is called again by mistake.

    Raises:
        ConfigError: nobody is sure.
    """
    if not is_sure:
        raise ConfigError([f"the people of {list_name} would be called again: say --yes if that is what you want"])


def reset_text(list_name: str, count: int, *, as_json: bool) -> str:
    """What is printed of a reset."""
    if as_json:
        return json.dumps({"list": list_name, "reset": count}, ensure_ascii=False)
    return f"{list_name}: {count:,} records are ready again"


async def reset_list(store: Store, calling_list: CallingList, statuses: Collection[RecordStatus]) -> int:
    """Make finished records of a list ready again. Returns how many.

    Raises:
        ConfigError: a file of the list was not read to its end.
        StoreUnavailable: the store does not answer.
    """
    for each in await store.imports():
        if each.list_id == calling_list.dbid and each.finished_utc_ms is None:
            raise ConfigError([f"{calling_list.name}: {each.file} was not read to its end; do that first"])
    return await store.reset(calling_list.dbid, statuses)


def statuses_of(texts: Sequence[str]) -> tuple[RecordStatus, ...]:
    """Statuses of finished records by their names. None named: all of them.

    Raises:
        ConfigError: there is none of this name.
    """
    known = {_spelled(status): status for status in FINISHED}
    wrong = [text for text in texts if text not in known]
    if wrong:
        raise ConfigError([f'--status "{text}": allowed: {", ".join(known)}' for text in wrong])
    return tuple(known[text] for text in dict.fromkeys(texts)) or FINISHED


def _spelled(status: RecordStatus) -> str:
    return status.label.replace(" ", "-")
