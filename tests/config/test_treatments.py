"""Treatments in the file: what each action needs, and what it does not look at."""

import pytest

from config_samples import added, load_text, mistakes_in, text_with
from outdial.core.results import CallResult
from outdial.core.settings import CallAction, Treatment, TreatmentAction

A = TreatmentAction


def loaded(text: str, more: str = "") -> Treatment:
    configuration = load_text(added("list", f"{more}\ntreatment = [{{ call-result = {text} }}]")).configuration
    [calling_list] = configuration.calling_lists
    return calling_list.treatments[0]


def wrong(text: str) -> str:
    [mistake] = mistakes_in(added("list", f"treatment = [{{ call-result = {text} }}]"))
    return mistake.removeprefix("calling-list[customers].treatment[#1].")


def test_a_date_is_one_of_the_lists_time_zone():
    found = loaded('6, action = "retry-at-date", date = "2026-12-01T09:00"', 'time-zone = "Europe/Berlin"')
    assert found.date_utc_ms == 1_796_112_000_000  # 08:00 UTC
    assert found.daily_at_s is None


def test_a_time_of_day_is_the_next_one():
    found = loaded('6, action = "next-in-chain-at-date", date = "09:00"', 'time-zone = "Europe/Berlin"')
    assert (found.date_utc_ms, found.daily_at_s, found.zone.name) == (None, 32_400, "Europe/Berlin")
    assert loaded('6, action = "retry-at-date", date = "00:00"').daily_at_s == 0


def test_a_group_is_named():
    found = loaded('6, action = "assign-to-group", group = "east"')
    assert (found.action, found.group_id) == (A.ASSIGN_TO_GROUP, 1)


def test_a_machine_is_sent_to_an_application():
    found = loaded('"Answering Machine", action = "done", apply-to-call = "route", destination = "message"')
    assert (found.call_action, found.destination) == (CallAction.ROUTE, "message")
    assert loaded('9, action = "done"').call_action is CallAction.DROP


@pytest.mark.parametrize(
    "text, expected",
    [
        ('6, action = "retry-at-date"', "date: missing; retry-at-date needs it; allowed: "),
        ('6, action = "next-in-chain-after"', "interval-min: missing; next-in-chain-after needs it; allowed: minutes"),
        ('6, action = "reschedule", interval-min = 0', "interval-min: reschedule needs more; allowed: minutes above 0"),
        ('6, action = "assign-to-group"', "group: missing; assign-to-group needs it; allowed: a campaign group"),
        ('6, action = "redial", cycle-attempt = 0', "cycle-attempt = 0: out of range; allowed: a whole number 1"),
        ('6, action = "redial", date = "09:00"', 'date = "09:00": has no effect with action redial'),
        ('6, action = "mark-chain", cycle-attempt = 2', "cycle-attempt = 2: has no effect with action mark-chain"),
        (
            '6, action = "retry-at-date", date = "tomorrow"',
            'date = "tomorrow": neither a date nor a time of day; allowed',
        ),
        ('6, action = "retry-at-date", date = "2026-13-01T09:00"', 'date = "2026-13-01T09:00": month must be'),
        ('6, action = "retry-at-date", date = "24:00"', 'date = "24:00": neither a date nor a time of day'),
        (
            '47, action = "done"',
            'action = "done": not for Agent CallBack Error; allowed: assign-to-group, mark-agent-e',
        ),
        (
            '6, action = "redial", apply-to-call = "connect"',
            'apply-to-call = "connect": has no effect with this call result: the call is over when it is known',
        ),
        ('9, action = "redial", apply-to-call = "route"', "destination: missing; route needs it"),
        (
            '9, action = "redial", destination = "message"',
            'destination = "message": has no effect with apply-to-call dr',
        ),
    ],
)
def test_mistakes(text, expected):
    assert wrong(text).startswith(expected)


@pytest.mark.parametrize("action", ["assign-to-group", "mark-agent-error", "redial", "retry-at-date", "retry-in"])
def test_what_agent_callback_error_accepts(action):
    needs = {"assign-to-group": 'group = "east"', "retry-at-date": 'date = "09:00"', "retry-in": "interval-min = 1"}
    more = needs.get(action)
    assert loaded(f'47, action = "{action}"' + (f", {more}" if more else "")).call_result is CallResult(47)


def test_a_group_that_there_is_not():
    assert "there is no such campaign-group" in wrong('6, action = "assign-to-group", group = "nobody"')


def test_a_group_whose_campaign_does_not_have_the_list():
    other = """
[[calling-list]]
dbid = 2
name = "others"
synthetic = 5
treatment = [{ call-result = 6, action = "assign-to-group", group = "east" }]
"""
    assert mistakes_in(text_with(other)) == [
        'calling-list[others].treatment[#1].group = "east": its campaign does not have calling-list[others], so nobody '
        "would dial the record; allowed: a campaign group that dials this list"
    ]
