"""`statistics.json`: what is written comes back, and what somebody has broken is refused with all its mistakes."""

import dataclasses
import json
import os
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from outdial import statistics_file
from outdial.core.agent_odds import BINS
from outdial.core.call_odds import DELAY_BINS, RING_BINS
from outdial.core.learned import Learned, LearnedAgents, LearnedCalls, LearnedEstimates, LearnedMean, LearnedSpells
from outdial.statistics_file import Saved, StatisticsError, read_statistics, reject, write_statistics

SAVED_MS = 1_795_297_800_123
SAVED = "2026-11-21T21:50:00.123Z"
RING, DELAY, AGES = [0.1] * RING_BINS, [2 / 3] * DELAY_BINS, [7.0] * BINS
SPELLS = LearnedSpells(tuple(AGES), tuple(AGES))
AGENTS = LearnedAgents(SPELLS, SPELLS, 0.9)
MEANS = (LearnedMean(0.25, 50.0), *[LearnedMean(1_000.0 * number, 50.0) for number in range(1, 6)])
LEARNED = Learned(
    LearnedCalls(100, 480, 96, tuple(RING), tuple(RING), tuple(RING), tuple(DELAY), tuple(DELAY)),
    AGENTS,
    AGENTS,
    LearnedEstimates(500, *MEANS),
    -0.4,
)
EAST, WEST = Saved(1, "east", SAVED_MS, LEARNED), Saved(2, "west", SAVED_MS - 5_000, dataclasses.replace(LEARNED))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "statistics.json"


def mistakes_in(path: Path) -> list[str]:
    """The mistakes of a file, without its name that begins each line."""
    with pytest.raises(StatisticsError) as caught:
        read_statistics(path)
    return [line.removeprefix(f"{path}: ") for line in caught.value.mistakes]


def changed(path: Path, *changes: Callable[[dict[str, Any]], None]) -> list[str]:
    """The mistakes of a good file with one entry, changed in places."""
    write_statistics(path, [EAST])
    raw = json.loads(path.read_text())
    for change in changes:
        change(raw)
    path.write_text(json.dumps(raw))
    return mistakes_in(path)


def at(*place: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    """Puts a value somewhere into the first entry."""

    def change(raw: dict[str, Any]) -> None:
        inside: Any = raw["groups"][0]
        for part in place[:-1]:
            inside = inside[part]
        inside[place[-1]] = value

    return change


# --- what is written comes back -----------------------------------------------------------------------------------


def test_what_is_written_comes_back(path):
    write_statistics(path, [WEST, EAST])
    assert read_statistics(path) == {1: EAST, 2: WEST}
    assert os.listdir(path.parent) == ["statistics.json"]


def test_people_can_read_whose_and_when(path):
    write_statistics(path, [WEST, EAST])
    first, east, west, last = path.read_text().splitlines()
    assert first == '{"format":"outdial-statistics","version":1,"groups":['
    assert east.startswith(f'{{"group":1,"name":"east","saved_utc":"{SAVED}","learned":{{"calls":{{"delay_bin_ms":100,')
    assert west.startswith('{"group":2,"name":"west","saved_utc":"2026-11-21T21:49:55.123Z"') and last == "]}"


def test_no_file_is_nothing_learned(path):
    assert read_statistics(path) == {}


def test_a_group_without_agents(path):
    alone = dataclasses.replace(EAST, learned=dataclasses.replace(LEARNED, agents=None))
    write_statistics(path, [alone])
    assert read_statistics(path) == {1: alone}


def finite(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False)


MEAN = st.builds(LearnedMean, finite(0, 1e12), finite(0, 1e12))


@pytest.mark.slow
@given(counts=st.lists(finite(0, 1e12), min_size=BINS, max_size=BINS), mean=MEAN, log_factor=finite(-20, 20))
def test_every_number_comes_back_exactly(tmp_path_factory, counts, mean, log_factor):
    path = tmp_path_factory.getbasetemp() / "exactly.json"
    agents = dataclasses.replace(AGENTS, talk=LearnedSpells(tuple(counts), tuple(counts)))
    estimates = dataclasses.replace(LEARNED.estimates, hold_ms=mean)
    learned = dataclasses.replace(LEARNED, held=agents, estimates=estimates, log_factor=log_factor)
    write_statistics(path, [Saved(1, "east", SAVED_MS, learned)])
    assert read_statistics(path)[1].learned == learned


def test_the_models_of_the_file_are_the_learned_values_field_by_field():
    def shape(kind: Any) -> Any:
        if isinstance(kind, type) and (issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind)):
            return {name: shape(hint) for name, hint in typing.get_type_hints(kind).items() if name != "model_config"}
        if isinstance(kind, types.UnionType):
            return [shape(each) for each in typing.get_args(kind)]
        return kind

    assert shape(statistics_file._Learned) == shape(Learned)
    assert shape(Learned)["calls"]["left"] == tuple[float, ...]


# --- what is broken is named ----------------------------------------------------------------------------------------

CALLS = "groups[#1].learned.calls"


@pytest.mark.parametrize(
    "change, mistake",
    [
        (at("group", value=0), "groups[#1].group = 0: input should be greater than or equal to 1"),
        (at("group", value="1"), 'groups[#1].group = "1": input should be a valid integer'),
        (at("group", value=True), "groups[#1].group = true: input should be a valid integer"),
        (at("name", value="x" * 256), f'groups[#1].name = "{"x" * 59}…": string should have at most 255 characters'),
        (
            at("saved_utc", value="yesterday"),
            'groups[#1].saved_utc = "yesterday": input should be a valid datetime, input is too short',
        ),
        (
            at("saved_utc", value="2026-11-21T21:50:00"),
            'groups[#1].saved_utc = "2026-11-21T21:50:00": input should have timezone info',
        ),
        (at("saved_utc", value=5), "groups[#1].saved_utc = 5: input should be a valid datetime"),
        (
            at("saved_utc", value="9999-12-31T23:59:59-12:00"),
            'groups[#1].saved_utc = "9999-12-31T23:59:59-12:00": input should be less than 9999-01-01T00:00:00Z',
        ),
        (at("more", value=1), "groups[#1].more = 1: extra inputs are not permitted"),
        (at("learned", value=None), "groups[#1].learned = None: input should be an object"),
        (
            at("learned", "calls", "left", value=RING[1:]),
            f"{CALLS}.left = […]: {RING_BINS - 1} numbers instead of {RING_BINS}",
        ),
        (at("learned", "calls", "left", value=[]), f"{CALLS}.left = []: 0 numbers instead of {RING_BINS}"),
        (
            at("learned", "calls", "other_delays", value=[*DELAY, 1.0]),
            f"{CALLS}.other_delays = […]: {DELAY_BINS + 1} numbers instead of {DELAY_BINS}",
        ),
        (
            at("learned", "held", "work", "partial_ms", value=[]),
            f"groups[#1].learned.held.work.partial_ms = []: 0 numbers instead of {BINS}",
        ),
        (
            at("learned", "calls", "persons", 4, value=-1.0),
            f"{CALLS}.persons[#5] = -1.0: input should be greater than or equal to 0",
        ),
        (
            at("learned", "calls", "persons", 4, value=float("nan")),
            f"{CALLS}.persons[#5] = nan: input should be a finite number",
        ),
        (
            at("learned", "calls", "persons", 4, value=float("inf")),
            f"{CALLS}.persons[#5] = inf: input should be a finite number",
        ),
        (
            at("learned", "calls", "persons", 4, value=1e300),
            f"{CALLS}.persons[#5] = 1e+300: input should be less than or equal to 1000000000000",
        ),
        (
            at("learned", "calls", "persons", 4, value="7"),
            f'{CALLS}.persons[#5] = "7": input should be a valid number',
        ),
        (at("learned", "calls", "resolved", value=7.5), f"{CALLS}.resolved = 7.5: input should be a valid integer"),
        (
            at("learned", "agents", "ready", value=1.01),
            "groups[#1].learned.agents.ready = 1.01: input should be less than or equal to 1",
        ),
        (
            at("learned", "estimates", "hit_ratio", "value", value=2),
            "groups[#1].learned.estimates.hit_ratio.value = 2: input should be less than or equal to 1",
        ),
        (
            at("learned", "log_factor", value=-21),
            "groups[#1].learned.log_factor = -21: input should be greater than or equal to -20",
        ),
        (lambda raw: raw["groups"][0].pop("saved_utc"), "groups[#1].saved_utc: field required"),
        (
            lambda raw: raw["groups"][0]["learned"]["estimates"].pop("ivr_ms"),
            "groups[#1].learned.estimates.ivr_ms: field required",
        ),
        (lambda raw: raw["groups"].append(raw["groups"][0]), "groups[#2].group = 1: given twice"),
        (lambda raw: raw.update(version=2), "version = 2: input should be 1"),
        (lambda raw: raw.update(format="journal"), "format = \"journal\": input should be 'outdial-statistics'"),
        (lambda raw: raw.update(groups={}), "groups = {…}: input should be a valid array"),
    ],
)
def test_each_mistake_is_named(path, change, mistake):
    assert changed(path, change) == [mistake]


def test_all_mistakes_are_named_at_once_and_one_for_each_array(path):
    assert changed(
        path,
        at("group", value=0),
        at("learned", "calls", "left", value=[-1.0] * RING_BINS),
        at("learned", "calls", "judged", value=[]),
        at("learned", "agents", "ready", value=7),
    ) == [
        "groups[#1].group = 0: input should be greater than or equal to 1",
        f"{CALLS}.left[#1] = -1.0: input should be greater than or equal to 0",
        f"{CALLS}.judged = []: 0 numbers instead of {RING_BINS}",
        "groups[#1].learned.agents.ready = 7: input should be less than or equal to 1",
    ]


@pytest.mark.parametrize(
    "content, mistake",
    [
        (b"", "invalid JSON: EOF while parsing a value at line 1 column 0"),
        (b"{", "invalid JSON: EOF while parsing an object at line 1 column 1"),
        (b"[]", "input should be an object"),
        (b"\xff\xfe", "invalid JSON: expected value at line 1 column 1"),
        (b"[" * 100_000, "invalid JSON: recursion limit exceeded at line 1 column 202"),
    ],
)
def test_what_is_no_such_file_at_all(path, content, mistake):
    path.write_bytes(content)
    assert mistakes_in(path) == [mistake]


def test_a_file_without_an_end_is_not_read_to_its_end(path, monkeypatch):
    monkeypatch.setattr(statistics_file, "FILE_BYTES_MAX", 1_000)
    path.write_bytes(b" " * 1_001)
    assert mistakes_in(path) == ["too large; allowed: at most 1,000 bytes"]


def test_a_file_that_cannot_be_read(path):
    path.mkdir()
    assert mistakes_in(path) == ["cannot be read: Is a directory"]


def test_a_cut_off_file_is_refused_wherever_it_is_cut(path):
    write_statistics(path, [EAST])
    content = path.read_bytes()
    for length in range(0, len(content) - 3, 997):
        path.write_bytes(content[:length])
        assert len(mistakes_in(path)) == 1


# --- writing ----------------------------------------------------------------------------------------------------------


def test_a_writing_that_fails_leaves_the_old_file(path, monkeypatch):
    write_statistics(path, [EAST])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StatisticsError, match="cannot be written: No space left on device"):
        write_statistics(path, [WEST])
    assert path.read_bytes() == before


def test_what_a_crash_has_left_is_in_nobodys_way(path):
    path.with_name("statistics.json.new").write_text("half of someth")
    write_statistics(path, [EAST])
    assert read_statistics(path) == {1: EAST}


def test_a_folder_that_has_gone(tmp_path):
    with pytest.raises(StatisticsError, match="cannot be written: No such file or directory"):
        write_statistics(tmp_path / "gone" / "statistics.json", [EAST])


def test_beyond_the_largest_size_the_oldest_entries_are_left_out(path, monkeypatch):
    entries = [Saved(number, "", SAVED_MS - number, LEARNED) for number in range(1, 6)]
    write_statistics(path, entries)
    size = path.stat().st_size
    monkeypatch.setattr(statistics_file, "FILE_BYTES_MAX", size * 3 // 5 + 200)
    write_statistics(path, reversed(entries))
    assert list(read_statistics(path)) == [1, 2, 3]


# --- out of the way -------------------------------------------------------------------------------------------------


def test_a_wrong_file_is_moved_aside(path):
    path.write_text("what?")
    path.with_name("statistics.json.rejected").write_text("an older one")
    moved_to = reject(path)
    assert (moved_to.name, moved_to.read_text(), path.exists()) == ("statistics.json.rejected", "what?", False)


def test_a_wrong_file_that_cannot_be_moved(path):
    with pytest.raises(StatisticsError, match=r"cannot be moved to statistics\.json\.rejected: No such"):
        reject(path)
