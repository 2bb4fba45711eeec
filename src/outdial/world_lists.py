"""The calling lists of a simulated world: records from files, or made up."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from outdial.calling_list_files import CallingListFile
from outdial.calling_lists import Counts
from outdial.config import Loaded
from outdial.config.number_zones import with_zones
from outdial.config.selections import unknown_columns
from outdial.core.errors import ConfigError
from outdial.core.records import Record
from outdial.core.results import CallResult
from outdial.core.units import ListId, RecordId
from outdial.selection.judging import Values, is_meant, ordered
from outdial.selection.terms import Selection
from outdial.sim.list_state import Due
from outdial.sim.lists import Lists, Source, StoredSource, SyntheticSource
from outdial.sim.settings import ListShape, WorldSettings

Columns = tuple[tuple[str, str], ...]
"""Shape: ((column, text), …)."""


def read_lists(
    loaded: Loaded,
    settings: WorldSettings,
    files: Mapping[ListId, Path] | None = None,
    columns: dict[RecordId, Columns] | None = None,
) -> tuple[Lists, tuple[str, ...]]:
    """Read every calling list of a configuration into memory.

    Args:
        loaded: the configuration.
        settings: the world, which knows the shapes of lists that are made up.
        files: other files for some lists. Their rejected lines are written beside them; those of the configuration's
            own files are only counted.
        columns: is given the columns of each record that mean nothing to the dialer. None: nobody wants them.

    Returns:
        The lists, and notes about lines that were left out.

    Raises:
        ConfigError: a file is not usable.
    """
    files = files or {}
    shapes = {shape.list_id: shape for shape in settings.lists}
    sources: list[Source] = []
    notes: list[str] = []
    mistakes: list[str] = []
    fields: dict[RecordId, tuple[Record, Mapping[str, str]]] = {}
    names = {campaign.dbid: campaign.name for campaign in loaded.configuration.campaigns}
    for calling_list in loaded.configuration.calling_lists:
        list_id = calling_list.dbid
        origin = files.get(list_id, loaded.list_files[list_id])
        if isinstance(origin, int):
            sources.append(SyntheticSource(shapes.get(list_id, ListShape(list_id, origin))))
            mistakes += unknown_columns(loaded.selections, names, list_id, ())
            continue
        file = CallingListFile(origin, calling_list, rejects=list_id in files)
        is_selected = any(list_id in by_list for by_list in loaded.selections.values())
        records: list[Record] = []
        for listed in file:
            records.append(with_zones(listed.record) if calling_list.zone_by_number else listed.record)
            if columns is not None:
                columns[listed.record.record_id] = listed.custom
            if is_selected:
                fields[listed.record.record_id] = (listed.record, dict(listed.custom))
        sources.append(StoredSource(list_id, records))
        notes += rejection_notes(origin, file.counts)
        mistakes += unknown_columns(loaded.selections, names, list_id, file.custom_columns)
    if mistakes:
        raise ConfigError([f"{loaded.file}: {each}" for each in mistakes])
    lists = Lists(sources)
    lists.choosers = {
        group.dbid: {
            list_id: ListChooser(selection, fields)
            for list_id, selection in loaded.selections.get(group.campaign, {}).items()
        }
        for group in loaded.configuration.campaign_groups
    }
    return lists, tuple(notes)


class ListChooser:
    """Which records of a list in memory a campaign dials, and in which order."""

    def __init__(self, selection: Selection, fields: Mapping[RecordId, tuple[Record, Mapping[str, str]]]) -> None:
        """Take in what is selected, and what the file says of its records; of made-up ones it says nothing."""
        self._selection = selection
        self._fields = fields

    def wanted(self, records: Sequence[Due]) -> list[Due]:
        """Those that are wanted, in order."""
        term = self._selection.filter
        meant = [due for due in records if term is None or is_meant(term, self._values(due))]
        return ordered(meant, self._selection.order, self._values)

    def _values(self, due: Due) -> Values:
        fate, record_type = due
        record, custom = self._fields.get(fate.record_id, (None, {}))
        known: dict[str, str | int | None] = {
            "record_id": fate.record_id,
            "number": fate.number,
            "chain_id": fate.chain_id,
            "chain_n": fate.chain_n,
            "record_type": int(record_type),
            "attempts": fate.attempts,
            "last_result": int(CallResult.UNKNOWN if fate.call_result is None else fate.call_result),
            "agent_id": fate.agent_id,
            "daily_from": None if record is None else record.daily_from_s,
            "daily_till": None if record is None else record.daily_till_s,
            "zone": None if record is None or record.zone is None else record.zone.name,
        }
        return {**custom, **known}


def rejection_notes(path: Path, counts: Counts) -> list[str]:
    """What was left out of a file, in a few lines; none when nothing was."""
    if not counts.rejected:
        return []
    reasons = ", ".join(f"{reason}: {count:,}" for reason, count in counts.reasons.most_common())
    notes = [f"{path}: {counts.rejected:,} of {counts.rows:,} lines are left out ({reasons})"]
    notes += [f"  {example}" for example in counts.examples]
    if counts.rejected > len(counts.examples):
        notes.append(f"  … and {counts.rejected - len(counts.examples):,} more")
    if counts.rejects_file is not None:
        notes.append(f"  all of them are in {counts.rejects_file}")
    return notes
