"""Changed settings in PostgreSQL, inside transactions of the caller's."""

from collections.abc import Sequence
from typing import Final

from outdial.setting_overrides import Override, Place
from outdial.store.override_rows import OVERRIDE_COLUMNS, OVERRIDE_KEY, override_key, override_values, overrides_of
from outdial.store.postgres_link import Connection

_ALL: Final = f"SELECT {', '.join(OVERRIDE_COLUMNS)} FROM setting_overrides WHERE server = $1"
_FORGET: Final = "DELETE FROM setting_overrides WHERE " + " AND ".join(
    f"{column} = ${place}" for place, column in enumerate(OVERRIDE_KEY, 1)
)
_KEEP: Final = (
    f"INSERT INTO setting_overrides ({', '.join(OVERRIDE_COLUMNS)}) "
    f"VALUES ({', '.join(f'${place}' for place, _ in enumerate(OVERRIDE_COLUMNS, 1))}) "
    f"ON CONFLICT ({', '.join(OVERRIDE_KEY)}) DO UPDATE SET value = excluded.value, "
    "changed_by = excluded.changed_by, changed_utc_ms = excluded.changed_utc_ms"
)


async def setting_overrides(connection: Connection, server: str) -> tuple[Override, ...]:
    """Changed settings of one server."""
    return overrides_of(await connection.fetch(_ALL, server))


async def change_settings(
    connection: Connection, server: str, kept: Sequence[Override], taken_back: Sequence[Place]
) -> None:
    """Keep some, forget others."""
    await connection.executemany(_FORGET, [override_key(server, place) for place in taken_back])
    await connection.executemany(_KEEP, [override_values(server, override) for override in kept])
