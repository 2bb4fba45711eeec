"""Changed settings in SQLite, inside transactions that the caller has begun."""

import sqlite3
from collections.abc import Sequence

from outdial.setting_overrides import Override, Place
from outdial.store.override_rows import OVERRIDE_COLUMNS, OVERRIDE_KEY, override_key, override_values, overrides_of

_ALL = f"SELECT {', '.join(OVERRIDE_COLUMNS)} FROM setting_overrides WHERE server = ?"
_FORGET = f"DELETE FROM setting_overrides WHERE {' AND '.join(f'{column} = ?' for column in OVERRIDE_KEY)}"
_KEEP = (
    f"INSERT OR REPLACE INTO setting_overrides ({', '.join(OVERRIDE_COLUMNS)}) "
    f"VALUES ({', '.join('?' for _ in OVERRIDE_COLUMNS)})"
)


def setting_overrides(connection: sqlite3.Connection, server: str) -> tuple[Override, ...]:
    """Changed settings of one server."""
    return overrides_of(connection.execute(_ALL, (server,)).fetchall())


def change_settings(
    connection: sqlite3.Connection, server: str, kept: Sequence[Override], taken_back: Sequence[Place]
) -> None:
    """Keep some, forget others."""
    connection.executemany(_FORGET, [override_key(server, place) for place in taken_back])
    connection.executemany(_KEEP, [override_values(server, override) for override in kept])
