"""What `outdial serve` carries over: who is told what at the start, what is saved when, and what the log says."""

import asyncio
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from config_samples import load_text, text_with
from dialing_story import NOON_MS, Story, configuration, group
from outdial.core.carry_over import learned
from outdial.core.commands import Dial, Reply
from outdial.core.dialer import Dialer
from outdial.core.events import StatisticsFound
from outdial.core.modes import DialingMode as Mode
from outdial.core.units import HOUR_MS, MINUTE_MS, SECOND_MS, GroupId, Millis, Now
from outdial.log_lines import LineWriter, make_log
from outdial.names import Names
from outdial.serve_statistics import SAVE_MS, ServeStatistics
from outdial.statistics_file import Saved, read_statistics

CONFIGURATION = configuration(group(1, Mode.PREDICTIVE, agents=2), group(2, Mode.PREDICTIVE, agents=2))
LOADED = load_text(text_with())
NOON = "2023-11-15T12:00:00.000Z"


class Start:
    """One start of the server, as far as statistics are concerned."""

    def __init__(self, folder: Path, *, utc_ms: int = NOON_MS) -> None:
        self.now = Now(0, utc_ms)
        self.story = Story(CONFIGURATION)
        self._stream = io.StringIO()
        self._writer = LineWriter(self._stream)
        log = make_log(self._writer, as_json=True)
        self.statistics = ServeStatistics(folder, self.story.dialer, Names(CONFIGURATION), self, log)

    def read(self) -> Now:
        """It is the clock, too."""
        return self.now

    def passes(self, ms: Millis) -> None:
        self.now = Now(self.now.mono_ms + ms, self.now.utc_ms + ms)

    def found(self, **ms_max: Millis) -> list[GroupId]:
        """Groups that are told what they knew; the dialer is told, too."""
        loaded = replace(LOADED, statistics_ms_max={int(name[1:]): each for name, each in ms_max.items()})
        told = []
        for group_id, known in self.statistics.found(loaded):
            event = StatisticsFound(1, group_id, known)
            self.statistics.observe(self.now, event, self.story.tell(event).commands)
            told.append(group_id)
        return told

    def dials(self, number: GroupId = 1) -> None:
        """A group calls two people, who are busy."""
        self.story.start(number).agent_ready(100 * number + 1, 100 * number + 2)
        self.story.advance(SECOND_MS)  # past the spacing of port calculations
        for dial in [dial for dial in self.story.ever(Dial) if dial.group_id == number]:
            self.story.ended(dial, sip=486)

    def ends(self) -> list[dict[str, Any]]:
        """It ends. Returns the lines of its log."""
        asyncio.run(self.statistics.finish())
        self._writer.close()
        lines = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        return [{key: value for key, value in line.items() if key != "time"} for line in lines]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "statistics.json"


def yesterday(folder: Path, *numbers: GroupId, utc_ms: int = NOON_MS - 20 * HOUR_MS) -> None:
    """The groups have dialed."""
    start = Start(folder, utc_ms=utc_ms)
    for number in numbers:
        start.dials(number)
    start.ends()


def info(event: str, **keys: object) -> dict[str, object]:
    """A line of the log."""
    return {"level": "info", "event": event, **keys}


# --- the next start -------------------------------------------------------------------------------------------------


def test_a_group_is_told_what_it_knew(tmp_path):
    yesterday(tmp_path, 1)
    start = Start(tmp_path)
    assert start.found(g1=24 * HOUR_MS) == [1]
    assert start.story.state.groups[1].odds.resolved >= 2
    [line] = start.ends()
    calls = start.story.state.groups[1].odds.resolved
    assert line == info("statistics taken over", group="group 1", saved_utc="2023-11-14T16:00:00.000Z", calls=calls)


def test_only_groups_that_want_it_are_told(tmp_path):
    yesterday(tmp_path, 1, 2)
    start = Start(tmp_path)
    assert start.found(g2=24 * HOUR_MS) == [2]
    assert [line["group"] for line in start.ends()] == ["group 2"]


def test_nothing_is_saved_yet(tmp_path, path):
    start = Start(tmp_path)
    assert start.found(g1=24 * HOUR_MS) == []
    assert start.ends() == [info("statistics not used", group="group 1", why="none are saved")]
    assert not path.exists(), "nobody has dialed"


@pytest.mark.parametrize("ago_ms", [24 * HOUR_MS + 1, -24 * HOUR_MS - 1], ids=["too old", "in the future"])
def test_statistics_of_another_time_are_not_used(tmp_path, ago_ms):
    yesterday(tmp_path, 1, utc_ms=NOON_MS)
    start = Start(tmp_path, utc_ms=NOON_MS + ago_ms)
    assert start.found(g1=24 * HOUR_MS) == []
    why = "not of the last 24 hours"
    assert start.ends() == [info("statistics not used", group="group 1", saved_utc=NOON, why=why)]


def test_a_group_is_told_once_whatever_is_reloaded(tmp_path):
    yesterday(tmp_path, 1, 2)
    start = Start(tmp_path)
    assert start.found(g1=24 * HOUR_MS) == [1]
    assert start.found(g1=24 * HOUR_MS, g2=24 * HOUR_MS) == [2], "which is new in the file"
    assert start.found(g1=24 * HOUR_MS, g2=24 * HOUR_MS) == []


def test_what_the_dialer_refuses_was_not_taken_over(tmp_path):
    """The reply is told with all refusals."""
    yesterday(tmp_path, 1)
    start = Start(tmp_path)
    start.dials()
    assert start.found(g1=24 * HOUR_MS) == [1]
    assert not start.story.the(Reply).ok and start.ends() == []


# --- saving ---------------------------------------------------------------------------------------------------------


def test_it_is_saved_every_five_minutes_and_at_the_end(tmp_path, path):
    start = Start(tmp_path)
    start.dials()

    async def looks(ms: Millis) -> None:
        start.passes(ms)
        start.statistics.look()
        if start.statistics._saving is not None:
            await start.statistics._saving

    asyncio.run(looks(SAVE_MS - 1))
    assert not path.exists()
    asyncio.run(looks(1))
    assert read_statistics(path)[1].utc_ms == NOON_MS + 5 * MINUTE_MS
    asyncio.run(looks(SAVE_MS - 1))
    assert read_statistics(path)[1].utc_ms == NOON_MS + 5 * MINUTE_MS
    assert start.ends() == []
    state = start.story.state
    saved = Saved(1, "group 1", NOON_MS + 2 * SAVE_MS - 1, learned(state, state.groups[1]))
    assert read_statistics(path) == {1: saved}


def test_the_end_waits_for_a_saving_that_is_under_way(tmp_path, path):
    start = Start(tmp_path)
    start.dials()

    async def course() -> None:
        start.passes(SAVE_MS)
        start.statistics.look()
        start.statistics.look()
        start.passes(1)
        await start.statistics.finish()

    asyncio.run(course())
    assert read_statistics(path)[1].utc_ms == NOON_MS + SAVE_MS + 1


def test_a_group_that_does_not_run_keeps_its_old_entry(tmp_path, path):
    yesterday(tmp_path, 1, 2)
    before = read_statistics(path)
    start = Start(tmp_path)
    assert start.found(g1=24 * HOUR_MS, g2=24 * HOUR_MS) == [1, 2]
    start.dials(2)
    start.ends()
    after = read_statistics(path)
    assert after[1] == before[1] and after[2].utc_ms == NOON_MS
    assert after[2].learned.calls.resolved > before[2].learned.calls.resolved


def test_a_start_that_dials_nothing_leaves_the_file_alone(tmp_path, path):
    yesterday(tmp_path, 1)
    before = path.stat().st_mtime_ns
    start = Start(tmp_path)
    start.found(g1=24 * HOUR_MS)
    start.story.start(1)
    start.ends()
    assert path.stat().st_mtime_ns == before


def test_entries_of_more_than_a_year_are_dropped(tmp_path, path):
    yesterday(tmp_path, 1, utc_ms=NOON_MS - 8_781 * HOUR_MS)
    yesterday(tmp_path, 2)
    assert list(read_statistics(path)) == [2]


# --- what goes wrong ------------------------------------------------------------------------------------------------


def test_a_wrong_file_is_told_and_moved_and_the_start_is_cold(tmp_path, path):
    yesterday(tmp_path, 1)
    path.write_text(path.read_text().replace('"ready":1.0', '"ready":7').replace('"group":1', '"group":0'))
    start = Start(tmp_path)
    assert start.found(g1=24 * HOUR_MS) == []
    rejected, not_used = start.ends()
    assert (rejected["level"], rejected["event"]) == ("warning", "statistics rejected")
    assert len(rejected["mistakes"]) == 3 and rejected["moved_to"] == f"{path}.rejected"
    assert rejected["mistakes"][0].startswith(f"{path}: groups[#1].group = 0: ")
    assert not_used["why"] == "none are saved" and not path.exists()


def test_a_wrong_file_that_cannot_be_moved_is_no_hindrance(tmp_path, path):
    path.write_text("what?")
    path.with_name("statistics.json.rejected").mkdir()
    start = Start(tmp_path)
    start.dials()
    [rejected] = start.ends()
    assert "moved_to" not in rejected
    assert "cannot be moved" in rejected["mistakes"][1]
    assert list(read_statistics(path)) == [1], "it is written over"


def test_a_file_that_cannot_be_written_is_told_once(tmp_path, path):
    start = Start(tmp_path / "gone")
    start.dials()
    for _ in range(3):
        asyncio.run(start.statistics.finish())
    (tmp_path / "gone").mkdir()
    asyncio.run(start.statistics.finish())
    (tmp_path / "gone" / "statistics.json").unlink()
    (tmp_path / "gone" / "statistics.json").mkdir()
    first, again = start.ends()
    assert (first["level"], first["event"]) == ("warning", "statistics not saved")
    assert "cannot be written: No such file or directory" in first["text"]
    assert "cannot be written: Is a directory" in again["text"], "after it had worked"


def test_it_needs_nothing_but_a_dialer(tmp_path):
    """Before any configuration is loaded there is nothing to save."""
    start = Start(tmp_path)
    start.statistics._core = Dialer()
    assert start.ends() == []
