"""`statistics.json`: what campaign groups have learned, from one start of the server to the next.

    {"format":"outdial-statistics","version":1,"groups":[
    {"group":1,"name":"east","saved_utc":"2026-11-21T21:50:00.123Z","learned":{…}}
    ]}

One entry for each campaign group, the newest first; a group that has not dialed since keeps its old one. The file is
replaced as a whole, so that a crash leaves the old one or the new one. It may have been changed by anybody, so nothing
in it is believed: numbers are finite and in their range, arrays have their exact length, and a wrong file is refused
with all its mistakes.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, FailFast, Field, ValidationError
from pydantic_core import ErrorDetails

from outdial.config.mistakes import Mistakes
from outdial.config.options import DBID_MAX, NAME_CHARACTERS_MAX
from outdial.core.agent_odds import BINS
from outdial.core.call_odds import DELAY_BINS, RING_BINS
from outdial.core.errors import OutdialError
from outdial.core.learned import Learned
from outdial.core.units import GroupId
from outdial.results_files import utc_text

FILE_NAME = "statistics.json"
FORMAT: Literal["outdial-statistics"] = "outdial-statistics"
VERSION: Literal[1] = 1
FILE_BYTES_MAX = 50_000_000
"""Size of the file; beyond it the oldest entries are left out. Unit: bytes. Origin: some 25,000 for each group."""
ENTRIES_MAX = 10_000
"""Entries of the file. Origin: campaign groups of a configuration."""
COUNT_MAX = 10**12
LOG_FACTOR_MAX = 20.0

_EPOCH, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)


class StatisticsError(OutdialError):
    """The file is wrong, or cannot be read or written.

    Attributes:
        mistakes: one line each.
    """

    code = "statistics"

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Saved:
    """What one campaign group had learned when it was saved."""

    group_id: GroupId
    name: str
    """Name that the group had."""
    utc_ms: int
    learned: Learned


# --- what the file may hold -------------------------------------------------------------------------------------------


def _exactly(length: int) -> Callable[[tuple[float, ...]], tuple[float, ...]]:
    def check(counts: tuple[float, ...]) -> tuple[float, ...]:
        if len(counts) != length:
            raise ValueError(f"{len(counts):,} numbers instead of {length}")
        return counts

    return check


_Count = Annotated[float, Field(ge=0, le=COUNT_MAX)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Whole = Annotated[int, Field(ge=0, le=COUNT_MAX)]
_Counts = Annotated[tuple[_Count, ...], FailFast()]
_ByRing = Annotated[_Counts, AfterValidator(_exactly(RING_BINS))]
_ByDelay = Annotated[_Counts, AfterValidator(_exactly(DELAY_BINS))]
_ByAge = Annotated[_Counts, AfterValidator(_exactly(BINS))]


class _Part(BaseModel):
    """A part of the file. Values are taken as they are, nothing is left out, nothing else is there."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class _Calls(_Part):
    delay_bin_ms: _Whole
    resolved: _Whole
    persons_seen: _Whole
    left: _ByRing
    persons: _ByRing
    judged: _ByRing
    person_delays: _ByDelay
    other_delays: _ByDelay


class _Spells(_Part):
    left: _ByAge
    partial_ms: _ByAge


class _Agents(_Part):
    talk: _Spells
    work: _Spells
    ready: _Share


class _Mean(_Part):
    value: _Count
    weight: _Count


class _Ratio(_Part):
    value: _Share
    weight: _Count


class _Estimates(_Part):
    finished: _Whole
    hit_ratio: _Ratio
    hold_ms: _Mean
    person_ms: _Mean
    talk_ms: _Mean
    work_ms: _Mean
    ivr_ms: _Mean


class _Learned(_Part):
    calls: _Calls
    agents: _Agents | None
    held: _Agents
    estimates: _Estimates
    log_factor: Annotated[float, Field(ge=-LOG_FACTOR_MAX, le=LOG_FACTOR_MAX)]


class _Entry(_Part):
    group: Annotated[int, Field(ge=1, le=DBID_MAX)]
    name: Annotated[str, Field(max_length=NAME_CHARACTERS_MAX)]
    saved_utc: Annotated[AwareDatetime, Field(ge=_EPOCH, lt=_END)]
    learned: _Learned


class _File(_Part):
    format: Literal["outdial-statistics"]
    version: Literal[1]
    groups: Annotated[list[_Entry], Field(max_length=ENTRIES_MAX)]


# --- reading ----------------------------------------------------------------------------------------------------------


def read_statistics(path: Path) -> dict[GroupId, Saved]:
    """The entries of a file by campaign group; none if there is no file.

    Raises:
        StatisticsError: it cannot be read, or is wrong: every mistake.
    """
    mistakes = Mistakes(str(path))
    found: dict[GroupId, Saved] = {}
    for place, entry in enumerate(_parsed(path, mistakes), start=1):
        if entry.group in found:
            mistakes.add(f"groups[#{place}].group", "given twice", value=entry.group)
        # the models above are the learned values, field by field; a test compares them
        learned = msgspec.convert(entry.learned.model_dump(), Learned)
        utc_ms = (entry.saved_utc - _EPOCH) // timedelta(milliseconds=1)
        found[entry.group] = Saved(entry.group, entry.name, utc_ms, learned)
    if mistakes:
        raise StatisticsError(mistakes.lines)
    return found


def _parsed(path: Path, mistakes: Mistakes) -> list[_Entry]:
    try:
        with path.open("rb") as stream:
            content = stream.read(FILE_BYTES_MAX + 1)
    except FileNotFoundError:
        return []
    except OSError as error:
        mistakes.add("", f"cannot be read: {error.strerror or error}")
        return []
    if len(content) > FILE_BYTES_MAX:
        mistakes.add("", "too large", f"at most {FILE_BYTES_MAX:,} bytes")
        return []
    try:
        return _File.model_validate_json(content).groups
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            _add(problem, mistakes)
        return []


def _add(problem: ErrorDetails, mistakes: Mistakes) -> None:
    where = "".join(f"[#{part + 1}]" if isinstance(part, int) else f".{part}" for part in problem["loc"])[1:]
    wrong = problem["msg"].removeprefix("Value error, ")
    wrong = wrong[:1].lower() + wrong[1:]
    if not where or problem["type"] == "missing":
        mistakes.add(where, wrong)
    else:
        mistakes.add(where, wrong, value=problem["input"])


def reject(path: Path) -> Path:
    """Move a wrong file out of the way, so that it can be looked at. Returns where it is now.

    Raises:
        StatisticsError: it cannot be moved.
    """
    aside = path.with_name(f"{path.name}.rejected")
    try:
        os.replace(path, aside)
    except OSError as error:
        raise StatisticsError([f"{path}: cannot be moved to {aside.name}: {error.strerror}"]) from error
    return aside


# --- writing ----------------------------------------------------------------------------------------------------------


def write_statistics(path: Path, entries: Iterable[Saved]) -> None:
    """Replace a file.

    Raises:
        StatisticsError: it cannot be written; the old one is as it was.
    """
    head = msgspec.json.encode({"format": FORMAT, "version": VERSION})[:-1] + b',"groups":['
    lines: list[bytes] = []
    left = FILE_BYTES_MAX - len(head) - 10
    for entry in sorted(entries, key=lambda each: -each.utc_ms)[:ENTRIES_MAX]:
        line = _line(entry)
        left -= len(line) + 2
        if left < 0:
            break
        lines.append(line)
    temporary = path.with_name(f"{path.name}.new")
    try:
        with temporary.open("wb") as stream:
            stream.write(head + b"\n" + b",\n".join(lines) + b"\n]}\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise StatisticsError([f"{path}: cannot be written: {error.strerror}"]) from error


def _line(entry: Saved) -> bytes:
    fields = {"group": entry.group_id, "name": entry.name, "saved_utc": utc_text(entry.utc_ms)}
    return msgspec.json.encode({**fields, "learned": entry.learned})
