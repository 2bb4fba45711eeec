"""Callees: who answers an attempt, when, and as what.

Everything about an attempt is drawn at once, from the seed, the record and the number of the attempt, and from nothing
else. So a record is answered alike whichever pacer dials it, from whichever node, in whatever order. Two things are
true of a line rather than of an attempt, and stay the same from attempt to attempt: that it is a fax, and that the
number does not exist.

A plan says what the callee would do if nobody interfered. The call itself (`outdial.sim.calls`) follows it as far as
the ring limit, the dialer and the faults let it.
"""

from bisect import bisect_right

from outdial.core.results import Verdict
from outdial.core.units import GroupId, Millis, RecordId
from outdial.sim.draws import (
    CHOICE_BITS,
    MASK,
    QUANTILE_BITS,
    QUANTILES,
    Choice,
    clipped,
    exponential,
    gamma,
    lognormal,
    mix,
    mixture,
    normal,
    seed_of,
    uniform,
    word,
)
from outdial.sim.settings import CalleeKind, CalleeSettings, IvrSettings

BUSY_MS: Millis = 500
"""From the post-dial delay to a busy tone. Unit: ms. Source: pacing study, section 3."""
SIT_MS: Millis = 2_000
"""The same to special information tones."""
RINGS_FOREVER: Millis = 1 << 40
"""Ring time of a phone that nobody answers. Unit: ms."""

REFUSALS = {
    CalleeKind.BUSY: (486, 17),
    CalleeKind.INVALID: (404, 1),
    CalleeKind.CONGESTION: (503, 34),
}
"""How the network refuses a call. Shape: {kind: (SIP status, Q.850 cause)}. Source: RFC 3398, section 7.2.4.1."""

_PERMANENT = (CalleeKind.INVALID, CalleeKind.FAX)
_QUANTILE_MASK = QUANTILES - 1
_CHOICE_MASK = (1 << CHOICE_BITS) - 1
_SECOND_WORD = 0xA0761D6478BD642F


class Plan:
    """What one attempt meets. Durations are milliseconds.

    Attributes:
        kind: what is at the far end.
        first_ms: from the request to the first ringing, or to the refusal.
        ring_ms: from the first ringing to the answer; RINGS_FOREVER without one.
        verdict: what call progress detection will say; None: it never decides.
        verdict_ms: from the answer to the verdict.
        talk_ms: length of a conversation with an agent.
        patience_ms: from the answer until the callee hangs up without having been connected.
        session_ms: length of an IVR session.
        wants_agent: asks for an agent half way through the session.
        end_cause: Q.850 cause when the callee hangs up: 16, or the 0 that some servers report for it.
    """

    __slots__ = (
        "end_cause",
        "first_ms",
        "kind",
        "patience_ms",
        "ring_ms",
        "session_ms",
        "talk_ms",
        "verdict",
        "verdict_ms",
        "wants_agent",
    )

    def __init__(self, kind: CalleeKind, first_ms: Millis) -> None:
        self.kind = kind
        self.first_ms = first_ms
        self.ring_ms: Millis = RINGS_FOREVER
        self.verdict: Verdict | None = None
        self.verdict_ms: Millis = 0
        self.talk_ms: Millis = 0
        self.patience_ms: Millis = 0
        self.session_ms: Millis = 0
        self.wants_agent = False
        self.end_cause = 16

    def __repr__(self) -> str:
        return f"Plan({self.kind.value}, first {self.first_ms} ms, rings {self.ring_ms} ms, {self.verdict})"


class Callees:
    """The population behind the numbers."""

    def __init__(self, settings: CalleeSettings, ivr: IvrSettings, seed: int) -> None:
        self._key = seed_of(seed, "callees")
        self._settings = settings
        self._drift_at = tuple(at_ms for at_ms, _ in settings.person_factors)
        factors = (1.0, *(factor for _, factor in settings.person_factors))
        self._choices = tuple(_kinds(settings, factor) for factor in factors)
        self._post_dial = uniform(*settings.post_dial_ms)
        self._person_ring = clipped(
            gamma(settings.person_ring_ms_mean, settings.person_ring_ms_cv), 0, settings.person_ring_ms_max
        )
        self._machine_ring = mixture(
            uniform(0, settings.machine_early_ms_max),
            normal(settings.machine_ring_ms_mean, settings.machine_ring_ms_deviation),
            settings.machine_early_ratio,
        )
        self._person_verdict = uniform(*settings.verdict_person_ms)
        self._machine_verdict = uniform(*settings.verdict_machine_ms)
        self._talk = lognormal(settings.talk_ms_mean, settings.talk_ms_cv)
        self._talk_by_group = {
            group_id: lognormal(mean, settings.talk_ms_cv) for group_id, mean in settings.talk_ms_mean_by_group
        }
        self._machine_talk = exponential(settings.machine_talk_ms_mean)
        self._patience = exponential(settings.patience_ms_mean)
        self._session = lognormal(ivr.session_ms_mean, ivr.session_ms_cv)
        self._agent_millis = round(ivr.agent_ratio * QUANTILES)
        self._missing = round(settings.verdict_missing_ratio * QUANTILES)
        self._person_wrong = self._missing + round(settings.person_as_machine_ratio * QUANTILES)
        self._machine_wrong = self._missing + round(settings.machine_as_person_ratio * QUANTILES)

    def plan(self, at_ms: Millis, record_id: RecordId, attempt_n: int, group_id: GroupId) -> Plan:
        """What the attempt meets when it is dialed at `at_ms` for a campaign group.

        Args:
            at_ms: selects the share of persons while it drifts.
            record_id: the record. Range: ≥ 1.
            attempt_n: which attempt of the record, from 1.
            group_id: selects the length of conversations.
        """
        bits = word(self._key, record_id, attempt_n)
        choice = self._choices[bisect_right(self._drift_at, at_ms)]
        kind = choice.of(bits & _CHOICE_MASK)
        if attempt_n > 1:
            line = self._choices[0].of(word(self._key, record_id, 1) & _CHOICE_MASK)
            kind = line if line in _PERMANENT else kind
        bits >>= CHOICE_BITS
        plan = Plan(kind, self._post_dial[bits & _QUANTILE_MASK])
        if kind in REFUSALS:
            plan.first_ms += BUSY_MS
        elif kind is not CalleeKind.NO_ANSWER:
            self._answer(plan, bits >> QUANTILE_BITS, mix((bits + _SECOND_WORD) & MASK), group_id)
        return plan

    def _answer(self, plan: Plan, bits: int, more: int, group_id: GroupId) -> None:
        """Draw what follows an answer, from 30 and from 64 bits."""
        ring, verdict_ms = bits & _QUANTILE_MASK, (bits >> QUANTILE_BITS) & _QUANTILE_MASK
        luck = (bits >> 2 * QUANTILE_BITS) & _QUANTILE_MASK
        kind = plan.kind
        if kind is CalleeKind.PERSON:
            plan.ring_ms = self._person_ring[ring]
            plan.verdict_ms = self._person_verdict[verdict_ms]
            plan.verdict = Verdict.PERSON if luck >= self._person_wrong else Verdict.MACHINE
            talk = self._talk_by_group.get(group_id, self._talk)
            plan.talk_ms = talk[more & _QUANTILE_MASK]
            plan.patience_ms = self._patience[(more >> QUANTILE_BITS) & _QUANTILE_MASK]
            plan.session_ms = self._session[(more >> 2 * QUANTILE_BITS) & _QUANTILE_MASK]
            plan.wants_agent = (more >> 3 * QUANTILE_BITS) & _QUANTILE_MASK < self._agent_millis
        else:
            plan.ring_ms = self._machine_ring[ring] if kind is not CalleeKind.SIT else SIT_MS
            plan.verdict_ms = self._machine_verdict[verdict_ms]
            plan.verdict = _HEARD[kind]
            if kind is CalleeKind.MACHINE and luck < self._machine_wrong:
                plan.verdict = Verdict.PERSON
            plan.talk_ms = plan.session_ms = self._machine_talk[more & _QUANTILE_MASK]
            plan.patience_ms = self._settings.machine_stays_ms
        if luck < self._missing:
            plan.verdict = None
        if more >> 63:
            plan.end_cause = 0


_HEARD = {
    CalleeKind.MACHINE: Verdict.MACHINE,
    CalleeKind.FAX: Verdict.FAX,
    CalleeKind.SIT: Verdict.SIT,
    CalleeKind.SILENCE: Verdict.SILENCE,
}


def _kinds(settings: CalleeSettings, person_factor: float) -> Choice[CalleeKind]:
    """Kinds by weight: the share of persons multiplied, the others keep their proportions."""
    total = sum(weight for _, weight in settings.shares)
    person = sum(weight for kind, weight in settings.shares if kind is CalleeKind.PERSON) / total
    grown = min(1.0, person * person_factor)
    rest = (1.0 - grown) / (1.0 - person) if person < 1 else 0.0
    factors = {kind: grown / person if kind is CalleeKind.PERSON and person else rest for kind, _ in settings.shares}
    return Choice([(kind, weight * factors[kind]) for kind, weight in settings.shares])
