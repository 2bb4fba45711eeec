"""What a running server says of itself."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest

from config_samples import load_text, text_with
from outdial.core.commands import AgentStateChanged, DisposeRecord, Disposition, Reply, SettleAttempt
from outdial.core.dialer import Dialer
from outdial.core.events import ConfigurationLoaded, DialAccepted, GroupStartRequested, ServerConnected, ServerLost
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import TreatmentAction
from outdial.core.snapshot import Snapshot
from outdial.core.units import Now
from outdial.log_lines import LineWriter, make_log
from outdial.names import Names
from outdial.service_log import ServiceLog, status_text

CONFIGURATION = load_text(text_with()).configuration
NOTHING = DialAccepted(1)
ATTEMPT = SettleAttempt(
    *(4, 1, 2, 1, 55, "+4930123456", DialingMode.PROGRESSIVE, CallResult.BUSY, Fault.CALLEE, None, 486, 17, 7, 1),
    *(0, 400, 0, 0, Disposition(TreatmentAction.DONE)),
)


class Story:
    """A log whose lines can be looked at."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        self._writer = LineWriter(self._stream)
        self.log = ServiceLog(make_log(self._writer, as_json=True), Names(CONFIGURATION), 7)

    def step(self, *commands, event=NOTHING, at_ms: int = 0) -> None:
        self.log.observe(Now(at_ms, at_ms), event, commands)

    def lines(self) -> list[dict[str, Any]]:
        """All lines; nothing can be logged afterwards."""
        self._writer.close()
        lines = [json.loads(line) for line in self._stream.getvalue().splitlines()]
        return [{key: value for key, value in line.items() if key != "time"} for line in lines]


@pytest.fixture
def story() -> Story:
    return Story()


def snapshot(*events) -> Snapshot:
    dialer = Dialer()
    for event in (ConfigurationLoaded(CONFIGURATION), *events):
        dialer.step(Now(0, 0), event)
    return dialer.snapshot()


def test_an_attempt_is_told_with_names_and_without_its_number(story):
    story.step(ATTEMPT)
    [line] = story.lines()
    assert line == {
        "level": "info",
        "event": "attempt settled",
        "attempt_id": "7-4",
        "group": "east",
        "list": "customers",
        "record_id": 55,
        "node": "south",
        "result": "busy",
        "fault": "callee",
        "sip_status": 486,
        "q850_cause": 17,
        "agent": "ada",
        "disposition": "done",
    }


def test_what_an_agent_says_of_a_call_is_told_without_the_note(story):
    fate = Disposition(TreatmentAction.DONE)
    story.step(DisposeRecord(1, 4, 1, 55, 1, 7, CallResult.WRONG_PARTY, fate, "her brother was on the line", 0))
    assert story.lines() == [
        {
            "level": "info",
            "event": "disposition given",
            "attempt_id": "7-4",
            "list": "customers",
            "record_id": 55,
            "agent": "ada",
            "result": "wrong_party",
            "disposition": "done",
        }
    ]


def test_many_attempts_at_once_are_counted_instead_of_told(story):
    for _ in range(1_000):
        story.step(replace(ATTEMPT, verdict=Verdict.PERSON))
    story.step(ATTEMPT, at_ms=10_000)
    lines = story.lines()
    assert len(lines) == 201 and lines[-1]["left_out"] == 800


def test_a_step_without_anything_to_act_on_is_not_told(story):
    story.step()
    story.step(Reply(1, ok=True), AgentStateChanged(7, "ready"))
    assert story.lines() == []


def test_a_connection_that_keeps_failing_is_told_once_and_when_the_reason_changes(story):
    for reason in ["refused"] * 5 + ["wrong password"] * 3:
        story.step(event=ServerLost(11, reason))
    story.step(event=ServerConnected(11, 30))
    story.step(event=ServerLost(11, "no answer to ping"))
    assert story.lines() == [
        {"level": "warning", "event": "server lost", "server": "north-b", "node": "north", "reason": "refused"},
        {
            **{"level": "warning", "event": "server lost", "server": "north-b", "node": "north"},
            **{"reason": "wrong password", "failures_before": 4},
        },
        {"level": "info", "event": "server up", "server": "north-b", "node": "north", "total_ports": 30},
        {
            "level": "warning",
            "event": "server lost",
            "server": "north-b",
            "node": "north",
            "reason": "no answer to ping",
        },
    ]


def test_refusals_and_missed_calls_are_told(story):
    story.step(Reply(1, ok=False, code="conflict", message="it is already running"))
    story.step(AgentStateChanged(7, "not ready", "no answer from the phone"))
    assert story.lines() == [
        {"level": "warning", "event": "refused", "code": "conflict", "why": "it is already running"},
        {"level": "info", "event": "agent not ready", "agent": "ada", "reason": "no answer from the phone"},
    ]


def with_hold(view: Snapshot, hold: str, at_ms: int) -> Snapshot:
    return replace(view, mono_ms=at_ms, groups=tuple(replace(g, holds=(hold,) if hold else ()) for g in view.groups))


def test_a_hold_is_told_when_its_reason_changes_and_not_too_often(story):
    view = snapshot(GroupStartRequested(1, 1))
    for at_ms, hold in [
        (0, "no port: 60 of 60"),
        (1_000, "no port: 59 of 60"),
        (2_000, ""),
        (11_000, ""),
        (30_000, ""),
    ]:
        story.log.compare(with_hold(view, hold, at_ms))
    holds = [(line["group"], line["hold"]) for line in story.lines() if line["event"] == "hold"]
    assert holds == [("east", "no port: 60 of 60"), ("east", "none")]


def test_the_stop_of_all_dialing_and_its_end_are_told(story):
    view = snapshot()
    for stops in (view.stops, view.stops, ()):
        story.log.compare(replace(view, stops=stops))
    assert [line["event"] for line in story.lines()] == ["all dialing stopped", "dialing goes on"]


def test_the_summary_is_one_line(story):
    story.step(event=ServerLost(1, "refused"))
    story.log.summary(snapshot(GroupStartRequested(1, 1)), attempts=5)
    line = story.lines()[-1]
    assert (line["event"], line["nodes"], line["nodes_active"], line["attempts"]) == ("summary", 2, 0, 5)
    assert line["groups"]["east"]["state"] == "running" and line["servers_down"] == ["north"]
    assert line["pools"] == {"main": "0 of 60 ports"}


def test_the_status_is_a_sentence():
    assert status_text(snapshot(GroupStartRequested(1, 1))) == (
        "0 of 2 nodes active, 1 groups running, 0 dialing, 0 talking; stopped: prime node north is lost: all dialing "
        "is stopped"
    )
