"""Evidence: what allowed a call, taken down at the moment of its decision.

Only values that are at hand: the text is made outside, where the attempt is written down.

Source: records that prove compliance: US 16 CFR 310.5. Ours: what they hold (decision 0017).
"""

from dataclasses import dataclass

from outdial.core.compliance import hours_of, zones_of
from outdial.core.dial_rules import DialRules
from outdial.core.openings import offset_at
from outdial.core.records import NumberFacts, Record


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a call was allowed by."""

    rules: tuple[str, ...]
    """Profiles that were kept, each with its version."""
    from_s: int
    """Window of the record or its list. Unit: seconds since local midnight."""
    till_s: int
    clocks: tuple[tuple[str, int], ...]
    """Where the number may be, and the offset there. Shape: ((zone, seconds east), …)."""
    facts: NumberFacts | None
    """Earlier calls to the number; None: no rule asks for them."""
    consent: str
    consent_utc_ms: int | None
    is_callback: bool = False
    """The customer has asked for the call."""


def evidence_of(record: Record, rules: DialRules, utc_ms: int) -> Evidence:
    """What allows a record to be dialed at an instant at which it is."""
    hours = hours_of(record, rules)
    return Evidence(
        rules.labels,
        hours.from_s,
        hours.till_s,
        tuple((zone.name, offset_at(zone, utc_ms)) for zone in zones_of(record, rules)),
        record.facts if rules.needs_facts else None,
        record.consent,
        record.consent_utc_ms,
        record.record_type.is_callback,
    )
