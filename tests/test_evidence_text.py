"""What allowed a call, as JSON and for people."""

import json

from outdial.config.zones import TZDATA_VERSION, load_zone
from outdial.core.dial_rules import dial_rules
from outdial.core.evidence import evidence_of
from outdial.core.records import NumberFacts, Record
from outdial.core.rules import RuleProfile
from outdial.core.settings import CallingList
from outdial.core.units import HOUR_MS
from outdial.evidence_text import evidence_line, evidence_text

NOON_UTC = 1_782_907_200_000
"""2026-07-01T12:00:00Z."""
NEW_YORK, KATHMANDU = load_zone("America/New_York"), load_zone("Asia/Kathmandu")
assert NEW_YORK is not None and KATHMANDU is not None


def text_of(record: Record, *profiles: RuleProfile) -> str:
    rules = dial_rules(CallingList(1, "list", NEW_YORK, 28_800, 72_000, rules=profiles))
    return evidence_text(evidence_of(record, rules, NOON_UTC), NOON_UTC)


def test_plain_record():
    text = text_of(Record(1, 1, "+12125550100"), RuleProfile("neutral", "2026-11-22"))
    assert json.loads(text) == {
        "rules": ["neutral 2026-11-22"],
        "tzdata": TZDATA_VERSION,
        "window": [28_800, 72_000],
        "clocks": {"America/New_York": "2026-07-01T08:00:00-04:00"},
    }
    assert evidence_line(json.loads(text)) == "allowed by neutral 2026-11-22; America/New_York 08:00:00"


def test_earlier_calls_and_consent():
    facts = NumberFacts(
        NOON_UTC - 9_000, 5, (NOON_UTC - HOUR_MS, NOON_UTC - 30 * HOUR_MS), conversation_utc_ms=NOON_UTC - 900 * HOUR_MS
    )
    record = Record(1, 1, "+1", zones=(KATHMANDU, NEW_YORK), facts=facts, consent="form ä", consent_utc_ms=NOON_UTC)
    text = text_of(record, RuleProfile("cap", "1", attempts_24h_max=3))
    found = json.loads(text)
    assert list(found["clocks"].values()) == ["2026-07-01T17:45:00+05:45", "2026-07-01T08:00:00-04:00"]
    assert found["calls"] == {
        "as_of_utc": "2026-07-01T11:59:51Z",
        "total": 5,
        "last_24h": 1,
        "last_7d": 2,
        "conversation_utc": "2026-05-25T00:00:00Z",
    }
    assert (found["consent"], found["consent_utc"]) == ("form ä", "2026-07-01T12:00:00Z")
    assert evidence_line(json.loads(text)) == (
        "allowed by cap 1; Asia/Kathmandu 17:45:00, America/New_York 08:00:00; 5 attempts before, 1 in 24 hours, "
        "2 in 7 days; consent: form ä"
    )


def test_earlier_calls_are_left_out_where_no_rule_asks_for_them():
    assert "calls" not in json.loads(text_of(Record(1, 1, "+1", facts=NumberFacts(0, 9))))


def test_many_zones_are_shortened_for_people():
    zones = tuple(load_zone(name) for name in ("America/Chicago", "America/Denver", "America/Boise", "Pacific/Guam"))
    line = evidence_line(json.loads(text_of(Record(1, 1, "+1", zones=zones), RuleProfile("a", "1"))))
    assert line.endswith(" and 1 more zones")
