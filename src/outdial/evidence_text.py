"""What allowed a call, as the JSON that is written down with its attempt, and as lines for people.

    {"rules": ["us-fl 2026-11-22", "us-tsr-tcpa 2026-11-22"], "tzdata": "2026a", "window": [32400, 72000],
     "clocks": {"America/New_York": "2026-07-01T12:00:00-04:00"},
     "calls": {"as_of_utc": "2026-07-01T15:59:12Z", "total": 2, "last_24h": 1, "last_7d": 2, "conversation_utc": …},
     "consent": "form of 2026-05-02", "consent_utc": "2026-05-02T00:00:00Z"}

`window` is that of the record or its list, in seconds since local midnight; the hours of the rules are in the rules.
`calls` is there when a rule asks for earlier calls, `consent` when the record has one, `"callback": true` when the
customer has asked for the call.
"""

import datetime
import json
from collections.abc import Mapping
from typing import Any

from outdial.config.zones import TZDATA_VERSION
from outdial.core.evidence import Evidence
from outdial.core.records import NumberFacts
from outdial.core.units import DAY_MS

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def evidence_text(evidence: Evidence, utc_ms: int) -> str:
    """The JSON, on one line.

    Args:
        evidence: what the core has decided by.
        utc_ms: when it has decided, which is when the call was ordered.
    """
    moment = _EPOCH + datetime.timedelta(milliseconds=utc_ms)
    found: dict[str, Any] = {
        "rules": evidence.rules,
        "tzdata": TZDATA_VERSION,
        "window": (evidence.from_s, evidence.till_s),
        "clocks": {name: _local(moment, offset_s) for name, offset_s in evidence.clocks},
    }
    if evidence.facts is not None:
        found["calls"] = _calls(evidence.facts, utc_ms)
    if evidence.consent:
        found["consent"] = evidence.consent
    if evidence.consent_utc_ms is not None:
        found["consent_utc"] = _utc(evidence.consent_utc_ms)
    if evidence.is_callback:
        found["callback"] = True
    return json.dumps(found, ensure_ascii=False, separators=(",", ":"))


def _calls(facts: NumberFacts, utc_ms: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "as_of_utc": _utc(facts.as_of_utc_ms),
        "total": facts.total,
        "last_24h": sum(dialed_utc_ms > utc_ms - DAY_MS for dialed_utc_ms in facts.dialed_utc_ms),
        "last_7d": sum(dialed_utc_ms > utc_ms - 7 * DAY_MS for dialed_utc_ms in facts.dialed_utc_ms),
    }
    for name, last_utc_ms in (
        ("abandoned_utc", facts.abandoned_utc_ms),
        ("machine_utc", facts.machine_utc_ms),
        ("conversation_utc", facts.conversation_utc_ms),
    ):
        if last_utc_ms is not None:
            found[name] = _utc(last_utc_ms)
    return found


def evidence_line(found: Mapping[str, Any]) -> str:
    """A stored evidence for people: `allowed by us-fl 2026-11-22; America/New_York 12:00:00; 2 attempts before`."""
    clocks = [f"{zone} {local[11:19]}" for zone, local in found.get("clocks", {}).items()]
    shown = ", ".join(clocks[:3]) + (f" and {len(clocks) - 3} more zones" if len(clocks) > 3 else "")
    parts = [f"allowed by {', '.join(found.get('rules', ())) or 'no rules'}", shown]
    if calls := found.get("calls"):
        parts.append(f"{calls['total']} attempts before, {calls['last_24h']} in 24 hours, {calls['last_7d']} in 7 days")
    if consent := found.get("consent"):
        parts.append(f"consent: {consent}")
    if found.get("callback"):
        parts.append("the customer has asked for it")
    return "; ".join(part for part in parts if part)


def _local(moment: datetime.datetime, offset_s: int) -> str:
    return moment.astimezone(datetime.timezone(datetime.timedelta(seconds=offset_s))).isoformat(timespec="seconds")


def _utc(utc_ms: int) -> str:
    return (_EPOCH + datetime.timedelta(milliseconds=utc_ms)).strftime("%Y-%m-%dT%H:%M:%SZ")
