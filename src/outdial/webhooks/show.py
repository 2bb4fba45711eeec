"""`outdial webhook`: what waits in the outbox, and another try for what was given up."""

import json
from pathlib import Path
from typing import Any

from outdial.config import Loaded, load
from outdial.config.mistakes import show_value, suggest
from outdial.configured_store import in_store, utc_now_ms
from outdial.core.errors import ConfigError
from outdial.results_files import utc_text
from outdial.store.interface import Store
from outdial.store.outbox import Message, OutboxCounts

SHOWN_MAX = 20
"""Messages of each webhook that are shown of those that were given up: the newest."""
PAGE = 1_000


def run_list(config: Path, name: str | None, *, as_json: bool) -> str:
    """Tell what waits. Returns what is printed.

    Raises:
        ConfigError: the configuration or the arguments have mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)
    only = _only(loaded, name)

    async def work(store: Store) -> tuple[dict[str, OutboxCounts], dict[str, list[Message]]]:
        counts = await store.outbox.counts()
        parked: dict[str, list[Message]] = {}
        after = 0
        while page := await store.outbox.messages(only, after, PAGE):
            after = page[-1].seq
            for message in page:
                if message.due_utc_ms is None:
                    kept = parked.setdefault(message.webhook, [])
                    kept.append(message)
                    del kept[:-SHOWN_MAX]
        return counts, parked

    counts, parked = in_store(loaded, work)
    names = [only] if only is not None else sorted({webhook.name for webhook in loaded.webhooks} | counts.keys())
    if as_json:
        return json.dumps({"webhooks": [_to_json(one, counts, parked) for one in names]}, ensure_ascii=False)
    return "\n".join(line for one in names for line in _to_text(one, counts, parked)) or "there are no webhooks"


def run_retry(config: Path, name: str | None, *, as_json: bool) -> str:
    """Have messages tried again. Returns what is printed. Errors: as of `run_list`."""
    loaded = load(config)
    only = _only(loaded, name)

    async def work(store: Store) -> int:
        return await store.outbox.retry(only, utc_now_ms())

    count = in_store(loaded, work)
    return json.dumps({"messages": count}) if as_json else f"{count:,} messages are tried again"


def _only(loaded: Loaded, name: str | None) -> str | None:
    names = [webhook.name for webhook in loaded.webhooks]
    if name is None or name in names:
        return name
    hint = suggest(name, names) or f"there are {', '.join(map(show_value, names)) or 'none'}"
    raise ConfigError([f"{loaded.file}: there is no webhook {show_value(name)}; {hint}"])


def _to_text(name: str, counts: dict[str, OutboxCounts], parked: dict[str, list[Message]]) -> list[str]:
    found = counts.get(name, OutboxCounts(0, 0))
    lines = [f"{name}: {found.waiting:,} waiting, {found.parked:,} given up"]
    for one in parked.get(name, []):
        when = utc_text(one.created_utc_ms)
        lines.append(f"  {when}  {one.kind}  {one.message_id}  {one.tries} tries: {one.error}")
    return lines


def _to_json(name: str, counts: dict[str, OutboxCounts], parked: dict[str, list[Message]]) -> dict[str, Any]:
    """Shape: docs/reference/command-line.md."""
    found = counts.get(name, OutboxCounts(0, 0))
    return {
        "webhook": name,
        "waiting": found.waiting,
        "parked": found.parked,
        "last_parked": [
            {
                "id": one.message_id,
                "type": one.kind,
                "created_utc_ms": one.created_utc_ms,
                "tries": one.tries,
                "error": one.error,
            }
            for one in parked.get(name, [])
        ],
    }
