"""The run's own count catches what it is there to catch."""

from dataclasses import replace

import pytest

from outdial.core.commands import Dial, Disposition, Engage, SettleAttempt
from outdial.core.errors import InvariantViolated
from outdial.core.events import DeadlineReached, DialRejected, EngagingReleased
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult, Fault
from outdial.core.settings import Configuration, Ocs, TreatmentAction
from outdial.core.units import Now
from outdial.names import Names
from outdial.results_files import ATTEMPT_COLUMNS, CsvFile
from outdial.tally import Tally, group_totals, node_totals
from snapshots import group_view, node_view, snapshot

NAMES = Names(Configuration(ocs=Ocs(connections=())))
DIAL = Dial(4, 1, 1, 7, 2, 9, "+1", 25_000, True)
ENGAGE = Engage(5, 1, 1, 7, 3, "100", 20_000)
SETTLE = SettleAttempt(
    call_id=4,
    group_id=7,
    node_id=1,
    list_id=2,
    record_id=9,
    number="+1",
    mode=DialingMode.PREDICTIVE,
    call_result=CallResult.BUSY,
    fault=Fault.CALLEE,
    verdict=None,
    sip_status=486,
    q850_cause=17,
    agent_id=None,
    attempt_n=1,
    dialed_utc_ms=1,
    ring_ms=0,
    wait_ms=0,
    talk_ms=0,
    disposition=Disposition(TreatmentAction.DONE),
)


def view(attempts: int, **results: int):
    group = group_view(7, "Sales")
    return snapshot([replace(group, counts=replace(group.counts, attempts=attempts, results=tuple(results.items())))])


@pytest.fixture
def tally(tmp_path):
    with CsvFile(tmp_path / "attempts.csv", ATTEMPT_COLUMNS) as file:
        yield Tally(NAMES, file)


def observe(tally: Tally, event=None, *commands) -> None:
    tally.observe(Now(0, 0), event or DeadlineReached(), commands)


def test_attempts_are_counted_and_written(tally):
    observe(tally, None, DIAL)
    assert (list(tally.dialing), tally.attempts) == ([4], 0)
    observe(tally, None, SETTLE)
    assert (list(tally.dialing), tally.attempts) == ([], 1)
    tally.check(view(1, busy=1))


def test_engaging_calls_are_followed(tally):
    observe(tally, None, ENGAGE, replace(ENGAGE, call_id=6))
    assert list(tally.engaging) == [5, 6]
    observe(tally, EngagingReleased(5))
    observe(tally, DialRejected(6, "no"))
    observe(tally, EngagingReleased(6))
    assert list(tally.engaging) == []


def test_an_attempt_that_is_settled_twice_is_caught(tally):
    observe(tally, None, DIAL, SETTLE)
    with pytest.raises(InvariantViolated, match="not in progress"):
        observe(tally, None, SETTLE)


@pytest.mark.parametrize("planted", [view(2, busy=1), view(1, busy=2), view(1, no_answer=1), view(0), view(1)])
def test_a_board_that_says_something_else_is_caught(tally, planted):
    observe(tally, None, DIAL, SETTLE)
    with pytest.raises(InvariantViolated, match="the board says"):
        tally.check(planted)


def test_a_file_with_another_number_of_rows_is_caught(tally):
    observe(tally, None, DIAL, SETTLE)
    tally._file.add(["one too many"])
    with pytest.raises(InvariantViolated, match="2 rows for 1 attempts"):
        tally.check(view(1, busy=1))


def test_totals_are_plain_values():
    group = group_view(7, "Sales", attempts=100, answered=40, abandoned=1)
    assert group_totals(group)["abandon_ratio"] == 0.05
    assert group_totals(group)["results"] == {"busy": 60, "answer": 40}
    assert group_totals(replace(group, counts=replace(group.counts, answered=0)))["abandon_ratio"] == 0.0
    assert node_totals(node_view(1, "north", is_prime=True)) == {
        "node_id": 1,
        "name": "north",
        "state": "on primary",
        "is_prime": True,
        "requests": 120,
        "faults": 0,
    }
