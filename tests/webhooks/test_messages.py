"""What other systems are told, and who is told what."""

import json
from dataclasses import replace
from pathlib import Path

from config_samples import load_text, text_with
from outdial.alarms import Alarm, AlarmKind, Severity
from outdial.config.webhooks import WebhookEvent
from outdial.core.commands import DisposeRecord, Disposition, ReturnRecord, SettleAttempt
from outdial.core.modes import DialingMode
from outdial.core.records import RecordType
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import TreatmentAction
from outdial.core.units import Now
from outdial.webhooks.messages import Announcer
from webhooks.receiving import NOW, Receiving

CONFIGURATION = load_text(text_with()).configuration
[GROUP] = CONFIGURATION.campaign_groups
[AGENT, *_] = CONFIGURATION.agents
HOOK = Receiving().webhook()
AT = Now(5_000, NOW)
TALK = SettleAttempt(
    *(4, GROUP.dbid, 1, 1, 55, "+4930123456", DialingMode.PREDICTIVE, CallResult.ANSWER, Fault.NONE, Verdict.PERSON),
    *(None, 16, AGENT.dbid, 2, NOW - 90_000, 6_000, 250, 80_000, Disposition(TreatmentAction.DONE)),
)
WORD = DisposeRecord(
    *(3, 4, 1, 55, 2, AGENT.dbid, CallResult.WRONG_PARTY, Disposition(TreatmentAction.DONE), "asked for his sister"),
    NOW,
)
CALLBACK = replace(
    WORD,
    disposition=Disposition(
        TreatmentAction.RESCHEDULE,
        NOW + 3_600_000,
        group_id=GROUP.dbid,
        record_type=RecordType.PERSONAL_CALLBACK,
        agent_id=AGENT.dbid,
        number="+4940555",
    ),
)
ALARM = Alarm("no-agents:1", AlarmKind.NO_AGENTS, Severity.WARNING, "nobody is there", NOW, group_id=GROUP.dbid)

LOST = Alarm("node-lost:1", AlarmKind.NODE_LOST, Severity.WARNING, "node north is lost", NOW, node_id=1)
SPENT = Alarm("limit-near:1", AlarmKind.LIMIT_NEAR, Severity.WARNING, "near", NOW, campaign_id=1)


def announcer(*webhooks, **options) -> Announcer:
    return Announcer(webhooks or (HOOK,), CONFIGURATION, 7, **options)


def body_of(messages) -> dict:
    [one] = messages
    return json.loads(one.body)


def test_an_attempt_is_told_with_everything_that_names_it():
    [message] = announcer().messages(AT, TALK)
    assert ("att_7-4", "crm", "attempt.settled", "record:55", NOW) == (
        *(message.message_id, message.webhook, message.kind, message.lane),
        message.utc_ms,
    )
    body = json.loads(message.body)
    assert ("attempt.settled", "2027-01-15T08:00:00.000Z") == (body["type"], body["timestamp"])
    assert {
        "attempt_id": "7-4",
        "campaign": {"dbid": 1, "name": "spring"},
        "group": {"dbid": 1, "name": "east"},
        "list": {"dbid": 1, "name": "customers"},
        "record_id": 55,
        "number": "+4930123456",
        "attempt_n": 2,
        "node": {"dbid": 1, "name": CONFIGURATION.nodes[0].name},
        "mode": "predictive",
        "result": "answer",
        "fault": "none",
        "verdict": "person",
        "sip_status": None,
        "q850_cause": 16,
        "agent": {"dbid": AGENT.dbid, "login": AGENT.login},
        "dialed_utc_ms": NOW - 90_000,
        "ring_ms": 6_000,
        "wait_ms": 250,
        "talk_ms": 80_000,
        "is_abandoned": False,
        "disposition": {"action": "done", "not_before_utc_ms": None},
    } == body["data"]


def test_what_an_agent_says_follows_the_attempt_in_the_same_lane():
    one = announcer()
    [settled] = one.messages(AT, TALK)
    [given] = one.messages(AT, WORD)
    assert settled.lane == given.lane and ("dsp_7-3", "disposition.given") == (given.message_id, given.kind)
    data = json.loads(given.body)["data"]
    assert ("7-4", "wrong_party", "asked for his sister") == (data["attempt_id"], data["result"], data["note"])
    assert {"dbid": 1, "name": "spring"} == data["campaign"] and "callback" not in data


def test_a_callback_says_when_by_whom_and_where():
    one = announcer()
    one.messages(AT, TALK)
    body = body_of(one.messages(AT, CALLBACK))
    assert "callback.requested" == body["type"]
    assert {
        "at_utc_ms": NOW + 3_600_000,
        "is_personal": True,
        "agent": {"dbid": AGENT.dbid, "login": AGENT.login},
        "number": "+4940555",
    } == body["data"]["callback"]


def test_words_about_a_call_of_long_ago_are_told_without_a_campaign_they_cannot_name():
    one = announcer(replace(HOOK, campaigns=("autumn",)))
    data = body_of(one.messages(AT, replace(WORD, call_id=1)))["data"]
    assert (None, None) == (data["campaign"], data["group"])
    assert [] == one.messages(AT, replace(CALLBACK, call_id=1)), "a callback names its group"


def test_alarms_are_told_when_they_come_and_go():
    one = announcer()
    raised = one.alarm(ALARM, is_up=True, utc_ms=NOW)
    cleared = one.alarm(ALARM, is_up=False, utc_ms=NOW + 1)
    assert ["alarm:no-agents:1"] * 2 == [message.lane for message in raised + cleared]
    assert ["alm_7-1", "alm_7-2"] == [message.message_id for message in raised + cleared]
    assert ["alarm.raised", "alarm.cleared"] == [body_of([message])["type"] for message in raised + cleared]
    assert ("warning", "spring") == tuple(body_of(raised)["data"][key] for key in ("severity", "campaign"))


def test_each_webhook_is_told_what_it_wants():
    attempts = replace(HOOK, name="attempts", events=(WebhookEvent.ATTEMPT_SETTLED,))
    autumn = replace(HOOK, name="autumn", campaigns=("autumn",))
    spring = replace(HOOK, name="spring", campaigns=("spring",))
    one = announcer(attempts, autumn, spring)
    assert ["attempts", "spring"] == [message.webhook for message in one.messages(AT, TALK)]
    assert ["spring"] == [message.webhook for message in one.messages(AT, WORD)]
    assert ["spring"] == [message.webhook for message in one.alarm(ALARM, is_up=True, utc_ms=NOW)]
    assert ["spring"] == [message.webhook for message in one.alarm(SPENT, is_up=True, utc_ms=NOW)]
    everybody = [message.webhook for message in one.alarm(LOST, is_up=True, utc_ms=NOW)]
    assert ["autumn", "spring"] == everybody
    assert [] == one.messages(AT, ReturnRecord(1, 55, 0, "stopped"))
    one.follow([attempts], CONFIGURATION)
    assert ["attempts"] == [message.webhook for message in one.messages(AT, TALK)]


def test_what_is_too_much_is_left_out_and_counted():
    one = announcer(is_full=lambda webhook: webhook == "crm")
    assert [] == one.messages(AT, TALK)
    assert {"crm": 1} == one.left_out


def test_every_event_and_everything_in_it_is_documented():
    page = (Path(__file__).parents[2] / "docs" / "reference" / "webhooks.md").read_text(encoding="utf-8")
    one = announcer()
    made = [*one.messages(AT, TALK), *one.messages(AT, WORD), *one.messages(AT, CALLBACK)]
    made += one.alarm(ALARM, is_up=True, utc_ms=NOW) + one.alarm(ALARM, is_up=False, utc_ms=NOW)
    assert set(WebhookEvent) == {message.kind for message in made}
    for message in made:
        [row] = [
            line for line in page.splitlines() if line.startswith("|") and f"`{message.kind}`" in line.split("|")[1]
        ]
        for key in json.loads(message.body)["data"]:
            assert f"`{key}`" in row or "as `disposition.given`" in row, f"{message.kind}: {key}"
