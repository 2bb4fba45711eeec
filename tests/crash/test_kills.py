"""A dialer that is killed in the middle of everything loses nothing; `make crash` does it many times."""

import pytest

from crash.kills import Kills, read_log
from outdial.core.results import CallResult
from outdial.sim.lists import RecordStatus

BUSY, STALE, DIAL_ERROR = int(CallResult.BUSY), int(CallResult.STALE), int(CallResult.DIAL_ERROR)
READY, UPDATED = int(RecordStatus.READY), int(RecordStatus.UPDATED)

HEARD = """open 2 990 1000
call 2 1 5 5550005 1010
end 2 1 6 1020
call 2 2 5 5550005 1100
open 3 1980 2000
call 3 1 5 5550005 2280
end 3 1 6 2320
"""
ATTEMPTS = [
    (2, 1, 5, "5550005", 1, BUSY, "retry-in"),
    (2, 2, 5, "5550005", 2, STALE, "retry-in"),
    (2, 3, 6, "5550006", 1, STALE, "retry-in"),
    (2, 4, 6, "5550006", 2, DIAL_ERROR, "done"),
    (3, 1, 5, "5550005", 3, BUSY, "done"),
]
STATES = [(2, 1, 7, 1_000, 1_100), (2, 2, 8, 1_000, 1_200), (2, 3, 7, 1_100, 1_200), (3, 1, 7, 2_000, 2_100)]
RECORDS = [(5, UPDATED, 3, None, None), (6, UPDATED, 2, None, None)]


def wrong_with(folder, heard=HEARD, attempts=ATTEMPTS, records=RECORDS, states=STATES) -> list[str]:
    (folder / "callees.log").write_text(heard)
    kills, log = Kills(folder, 1, 1), read_log(folder)
    kills._check_attempts(log, attempts)
    kills._check_numbers(log)
    kills._check_records(attempts, records)
    kills._check_agents(log, states)
    return kills.wrong


def without(rows, place, **changes):
    """The rows with one of them changed at some places, or left out."""
    changed = [*rows[place]]
    for column, value in changes.items():
        changed[int(column.removeprefix("at"))] = value
    return [*rows[:place], *([tuple(changed)] if changes else []), *rows[place + 1 :]]


@pytest.mark.slow
def test_a_dialer_that_is_killed_loses_nothing_and_doubles_nothing(tmp_path, seed):
    kills = Kills(tmp_path, 3, seed)
    kills.run()
    assert kills.wrong == [] and kills.figures["calls"] > 100


def test_a_course_in_which_everything_holds(tmp_path):
    assert wrong_with(tmp_path) == []


@pytest.mark.parametrize(
    "planted, said",
    [
        ({"attempts": without(ATTEMPTS, 0)}, "call (2, 1) left and is not written down"),
        ({"attempts": without(ATTEMPTS, 0, at2=6)}, "is written down for another record"),
        ({"attempts": without(ATTEMPTS, 0, at5=7)}, "call (2, 1) ended with 6 and is written down with 7"),
        ({"attempts": without(ATTEMPTS, 4, at5=STALE)}, "call (3, 1) is stale, and nobody was killed"),
        ({"attempts": without(ATTEMPTS, 0, at5=DIAL_ERROR)}, "call (2, 1) was given up and left all the same"),
        ({"attempts": without(ATTEMPTS, 2, at5=BUSY)}, "has a result and no callee"),
        ({"heard": HEARD.replace("2280", "2279")}, "number 5550005 was called while its call may have been up"),
        ({"heard": HEARD.replace("end 2 1 6 1020", "end 2 1 6 1101")}, "was called while its call may have been up"),
        ({"records": without(RECORDS, 0, at1=READY, at3=2_000)}, "record 5 is ready, due 2000"),
        ({"records": without(RECORDS, 0, at4=3)}, "record 5 is updated, due None, 3"),
        ({"records": without(RECORDS, 0, at2=2)}, "record 5 counts 2 attempts"),
        ({"attempts": without(ATTEMPTS, 0, at6="done")}, "record 5 was dialed after its end"),
        ({"states": without(STATES, 1)}, "start 2 lacks changes of agents"),
        ({"states": without(STATES, 2, at4=None)}, "agent 7 of start 2 has no end"),
        ({"states": without(STATES, 2, at4=2_100)}, "agent 7 of start 2 goes on after it"),
        ({"states": without(STATES, 0, at4=1_050)}, "agent 7 of start 2 has a gap"),
    ],
)
def test_what_does_not_hold_is_found(tmp_path, planted, said):
    assert any(said in sentence for sentence in wrong_with(tmp_path, **planted))
