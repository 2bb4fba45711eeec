"""The calling lists of a simulated world: records from files, or made up."""

from collections.abc import Mapping
from pathlib import Path

from outdial.calling_list_files import read_records
from outdial.calling_lists import Counts
from outdial.config import Loaded
from outdial.core.units import ListId
from outdial.sim.lists import Lists, Source, StoredSource, SyntheticSource
from outdial.sim.settings import ListShape, WorldSettings


def read_lists(
    loaded: Loaded, settings: WorldSettings, files: Mapping[ListId, Path] | None = None
) -> tuple[Lists, tuple[str, ...]]:
    """Read every calling list of a configuration into memory.

    Args:
        loaded: the configuration.
        settings: the world, which knows the shapes of lists that are made up.
        files: other files for some lists. Their rejected lines are written beside them; those of the configuration's
            own files are only counted.

    Returns:
        The lists, and notes about lines that were left out.

    Raises:
        ConfigError: a file is not usable.
    """
    files = files or {}
    shapes = {shape.list_id: shape for shape in settings.lists}
    sources: list[Source] = []
    notes: list[str] = []
    for calling_list in loaded.configuration.calling_lists:
        list_id = calling_list.dbid
        origin = files.get(list_id, loaded.list_files[list_id])
        if isinstance(origin, int):
            sources.append(SyntheticSource(shapes.get(list_id, ListShape(list_id, origin))))
            continue
        records, counts = read_records(origin, calling_list, rejects=list_id in files)
        sources.append(StoredSource(list_id, records))
        notes += rejection_notes(origin, counts)
    return Lists(sources), tuple(notes)


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
