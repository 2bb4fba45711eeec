"""What desktops show of a record out of the database: its own columns, and what was said on earlier calls."""

from collections.abc import Callable

from outdial.api.desk_view import DeskWord
from outdial.core.records import RecordType
from outdial.core.units import RecordId
from outdial.desk_agents import LookUp
from outdial.desk_memory import RecordCard
from outdial.names import Names
from outdial.store.interface import Store, StoreError, StoreUnavailable
from outdial.store.stored import StoredWord

FIELDS_MAX = 60
"""Columns of a record that a desk shows. Ours: files may have any number."""
FIELD_CHARACTERS_MAX = 2_000
"""Longest value that a desk shows. Unit: characters. Ours."""
SAID_MAX = 5
"""Words on earlier calls that a desk shows. Ours."""


def cards_from(store: Store, names: Callable[[], Names]) -> LookUp:
    """Look records up in a database that is open.

    Args:
        store: the database.
        names: of agents, as they are now.
    """

    async def look_up(record_id: RecordId) -> RecordCard | None:
        try:
            found = await store.find_records(record_id, ())
            words = await store.words(record_id)
        except (StoreError, StoreUnavailable):
            return None
        if not found:
            return None
        columns = list(found[0].custom.items())[:FIELDS_MAX]
        fields = {name: value[:FIELD_CHARACTERS_MAX] for name, value in columns}
        return RecordCard(fields, tuple(_shown(word, names()) for word in words[-SAID_MAX:]))

    return look_up


def _shown(word: StoredWord, names: Names) -> DeskWord:
    is_callback = word.record_type is not None and word.record_type.is_callback
    return DeskWord(
        call_result=word.call_result.name,
        callback_at_utc_ms=word.not_before_utc_ms if is_callback else None,
        callback_personal=word.record_type is RecordType.PERSONAL_CALLBACK,
        callback_number=word.callback_number,
        note=word.note,
        agent=names.agent(word.agent_id),
        given_utc_ms=word.given_utc_ms,
    )
