"""Rows of changed settings, and what a store does with them; the same for every database."""

import json
from collections.abc import Sequence
from typing import Any

from outdial.setting_overrides import Override, Place
from outdial.store.rows import Row

OVERRIDE_COLUMNS = ("server", "kind", "dbid", "name", "value", "changed_by", "changed_utc_ms")
OVERRIDE_KEY = OVERRIDE_COLUMNS[:4]


def override_values(server: str, override: Override) -> tuple[Any, ...]:
    """One row, by `OVERRIDE_COLUMNS`."""
    place = override.place
    value = json.dumps(override.value, ensure_ascii=False)
    return (server, place.kind, place.dbid, place.name, value, override.changed_by, override.changed_utc_ms)


def override_key(server: str, place: Place) -> tuple[Any, ...]:
    """Key of a row, by `OVERRIDE_KEY`."""
    return server, place.kind, place.dbid, place.name


def overrides_of(rows: Sequence[Row]) -> tuple[Override, ...]:
    """Rows by `OVERRIDE_COLUMNS`, in an order that databases agree on."""
    found = [
        Override(Place(kind, dbid, name), json.loads(value), changed_by, changed_utc_ms)
        for _, kind, dbid, name, value, changed_by, changed_utc_ms in rows
    ]
    return tuple(sorted(found, key=lambda each: each.place))
