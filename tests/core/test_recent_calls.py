"""Recent calls by number: nothing since the claim is missed, nothing counted twice, and memory is bounded."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dialing_story import UTC, Story, chain, dialing_story, group, number_of
from outdial.core import recent_calls
from outdial.core.callable_records import FETCH_MS_MAX
from outdial.core.callback_events import CallbacksFetched
from outdial.core.commands import (
    CancelRecord,
    Dial,
    Disposition,
    FetchRecords,
    OfferRecord,
    ReturnRecord,
    SettleAttempt,
)
from outdial.core.compliance import FACTS_WAIT_MS
from outdial.core.events import NumberCalled, PreviewAccepted, RecordsFetched
from outdial.core.modes import DialingMode
from outdial.core.recent_calls import FACTS_MS_MAX, RecentNumbers
from outdial.core.records import Chain, NumberFacts, Record, RecordType
from outdial.core.results import CallResult, Fault
from outdial.core.rules import RuleProfile
from outdial.core.settings import CallingList, TreatmentAction
from outdial.core.units import HOUR_MS, MINUTE_MS, SECOND_MS
from outdial.sim.number_history import NumberHistory

NUMBERS = ("5551", "5552", "5553")


def settled(number: str, dialed_utc_ms: int, result: CallResult) -> SettleAttempt:
    return SettleAttempt(
        call_id=1,
        group_id=1,
        node_id=1,
        list_id=1,
        record_id=1,
        number=number,
        mode=DialingMode.PROGRESSIVE,
        call_result=result,
        fault=Fault.NONE,
        verdict=None,
        sip_status=None,
        q850_cause=None,
        agent_id=None,
        attempt_n=1,
        dialed_utc_ms=dialed_utc_ms,
        ring_ms=3,
        wait_ms=2,
        talk_ms=1,
        disposition=Disposition(TreatmentAction.DONE),
    )


class Numbers(RuleBasedStateMachine):
    """A core with a small memory beside a store that knows everything; facts are asked for at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.recent = RecentNumbers()
        self.recent.keep(True, 0)
        self.store = NumberHistory()
        self.now = 0
        self.live: dict[str, int] = {}
        self.asked: list[tuple[str, NumberFacts]] = []

    @rule(number=st.sampled_from(NUMBERS), apart=st.integers(1, 5))
    def dial(self, number: str, apart: int) -> None:
        self.now += apart
        if number not in self.live:
            self.live[number] = self.now
            self.recent.dialed(number, self.now, self.now)

    @precondition(lambda self: self.live)
    @rule(data=st.data(), result=st.sampled_from(CallResult))
    def settle(self, data: st.DataObject, result: CallResult) -> None:
        number = data.draw(st.sampled_from(sorted(self.live)))
        self.now += 1
        change = settled(number, self.live.pop(number), result)
        self.recent.settled(change, self.now)
        self.store.add(change)

    @rule(number=st.sampled_from(NUMBERS), counts_live=st.booleans())
    def ask(self, number: str, counts_live: bool) -> None:
        """A database counts calls under way, lists in memory do not."""
        self.now += 1
        facts = self.store.facts(number, self.now)
        dialed, total = facts.dialed_utc_ms, facts.total
        if counts_live and number in self.live:
            dialed, total = (self.live[number], *dialed), total + 1
        asked = NumberFacts(
            self.now,
            total,
            dialed,
            facts.abandoned_utc_ms,
            facts.machine_utc_ms,
            facts.conversation_utc_ms,
            asked_ms=self.now,
        )
        self.asked.append((number, asked))

    @invariant()
    def what_is_not_too_old_is_what_the_store_would_say_now(self) -> None:
        for number, facts in self.asked:
            if number in self.live or self.recent.are_too_old(facts, self.now):
                continue  # the core does not look at a number that is in a call
            found, now = self.recent.with_recent(number, facts), self.store.facts(number, 0)
            assert (found.total, found.dialed_utc_ms) == (now.total, now.dialed_utc_ms)
            assert found.abandoned_utc_ms == now.abandoned_utc_ms
            assert found.machine_utc_ms == now.machine_utc_ms
            assert found.conversation_utc_ms == now.conversation_utc_ms
            assert self.recent.with_recent(number, found) == found

    @invariant()
    def memory_is_bounded(self) -> None:
        assert len(self.recent) <= recent_calls.NUMBERS_MAX


@pytest.mark.parametrize("numbers_max", [1, 2, 50_000])
def test_facts_with_recent_calls_are_what_the_store_would_say_now(monkeypatch, numbers_max):
    monkeypatch.setattr(recent_calls, "NUMBERS_MAX", numbers_max)
    Numbers.TestCase().runTest()


def test_nothing_is_kept_when_no_rule_asks():
    recent = RecentNumbers()
    recent.dialed("5551", 1, 1)
    recent.settled(settled("5551", 1, CallResult.ANSWER), 2)
    assert len(recent) == 0


def test_facts_from_before_the_memory_began_are_too_old():
    recent = RecentNumbers()
    recent.keep(True, 1_000)
    assert recent.are_too_old(NumberFacts(0, asked_ms=999), 1_001)
    assert not recent.are_too_old(NumberFacts(0, asked_ms=1_000), 1_001)


@given(st.integers(0, 2 * FACTS_MS_MAX))
def test_facts_age_because_of_other_servers(age):
    recent = RecentNumbers()
    recent.keep(True, 0)
    assert recent.are_too_old(NumberFacts(0, asked_ms=5), 5 + age) == (age > FACTS_MS_MAX)


# --- in the dialer -------------------------------------------------------------------------------------------------


def limited(profile: RuleProfile, **story: object) -> Story:
    """A group with a list that has a rule; its store does not answer by itself."""
    calling_list = CallingList(1, "list", UTC, rules=(profile,))
    return dialing_story(group(1, agents=3), has_records=False, calling_list=calling_list, **story)


def known(record_id: int, number: int = 1, **facts: object) -> Chain:
    return Chain((Record(record_id, 1, number_of(number), facts=NumberFacts(0, **facts)),))


CAP = RuleProfile("cap", "1", attempts_24h_max=1)


def test_facts_are_asked_for_only_where_a_rule_needs_them():
    assert [False] == [each.with_facts for each in limited(RuleProfile("hours", "1")).ever(FetchRecords)]
    assert [True] == [each.with_facts for each in limited(CAP).ever(FetchRecords)]


def test_record_that_had_its_attempts_goes_back_till_it_has_one_again():
    story = limited(CAP)
    dialed = story.utc_ms - HOUR_MS
    story.fetched(known(1, total=1, dialed_utc_ms=(dialed,)))
    [back] = story.said(ReturnRecord)
    assert (back.record_id, back.not_before_utc_ms) == (1, dialed + 24 * HOUR_MS)
    assert back.reason == "1 attempt in 24 hours to the number, cap allows 1"


def test_number_that_was_dialed_since_the_claim_is_not_dialed_again():
    story = limited(CAP)
    dial = story.fetched(known(1), known(2), known(3, number=2)).said(Dial)[0]
    assert "its number is in another call" in [each.reason for each in story.ever(ReturnRecord)]
    story.accepted(dial)
    story.ended(dial, sip=486)
    story.fetched(known(4))
    assert "1 attempt in 24 hours to the number, cap allows 1" in [each.reason for each in story.ever(ReturnRecord)]
    assert [1, 3] == [each.record_id for each in story.ever(Dial)]


def test_attempt_that_never_rang_does_not_count():
    story = limited(CAP)
    dial = story.fetched(known(1)).the(Dial)
    story.rejected(dial)
    story.fetched(known(2))
    assert [1, 2] == [each.record_id for each in story.ever(Dial)]


def test_cap_of_a_life_finishes_the_record_and_the_next_of_its_chain_has_its_turn():
    story = limited(RuleProfile("life", "1", attempts_life_max=3))
    first, second = known(1, total=3).records[0], known(2, number=2).records[0]
    story.fetched(Chain((first, second)))
    assert [CancelRecord(1, 1, CallResult.CANCEL_RECORD)] == story.said(CancelRecord)
    assert [2] == [each.record_id for each in story.said(Dial)]


def test_number_that_another_server_calls_is_asked_for_again_before_it_is_dialed():
    story = limited(CAP, ready=[])
    story.fetched(known(1), known(2, 2))
    story.tell(NumberCalled(number_of(1)), NumberCalled(number_of(9)))
    assert story.said(ReturnRecord) == []
    dials = story.agent_ready(101, 102, 103).said(Dial)
    assert [each.record_id for each in dials] == [2]
    [back] = story.said(ReturnRecord)
    assert (back.record_id, back.not_before_utc_ms - story.utc_ms) == (1, FACTS_WAIT_MS)
    story.advance(SECOND_MS)
    called = story.utc_ms - 5 * SECOND_MS
    story.fetched(known(1, total=1, dialed_utc_ms=(called,)))
    assert story.said(ReturnRecord)[-1].not_before_utc_ms == called + 24 * HOUR_MS
    assert [each.record_id for each in story.ever(Dial)] == [2]


def test_what_waits_for_an_agent_or_is_on_a_desk_is_asked_for_again_too():
    story = limited(CAP, ready=[101])
    [record] = known(3).records
    mine = replace(record, record_type=RecordType.PERSONAL_CALLBACK, group_id=1, scheduled_utc_ms=story.utc_ms)
    waiting = Chain((replace(mine, record_id=4, number=number_of(4), agent_id=102),))
    fetch_id = story.state.groups[1].callbacks_fetch_id
    story.tell(CallbacksFetched(1, fetch_id, (Chain((replace(mine, agent_id=101),)),)))
    assert [each.record.record_id for each in story.said(OfferRecord)] == [3]
    story.log_in(102).agent_not_ready(102)
    story.tell(CallbacksFetched(1, story.state.groups[1].callbacks_fetch_id, (waiting,)))
    story.tell(NumberCalled(number_of(1)), NumberCalled(number_of(4)))
    story.tell(PreviewAccepted(101))
    story.agent_ready(102)
    assert {3, 4} <= {each.record_id for each in story.ever(ReturnRecord)}
    assert story.ever(Dial) == []


def test_record_without_consent_is_cancelled():
    story = limited(RuleProfile("consent", "1", consent_required=True))
    story.fetched(chain(1))
    assert [CancelRecord(1, 1, CallResult.CANCEL_RECORD)] == story.said(CancelRecord)


def test_facts_that_are_too_old_are_fetched_again():
    story = limited(CAP, ready=[])
    story.fetched(known(1))
    story.advance(FACTS_MS_MAX + MINUTE_MS)
    story.agent_ready(101)
    assert [] == story.said(Dial)
    assert ["what earlier calls to the number have come to is not known yet"] == [
        each.reason for each in story.said(ReturnRecord)
    ]


def test_late_answer_has_facts_of_nobody_knows_when():
    story = limited(CAP)
    first = story.ever(FetchRecords)[0]
    story.advance(FETCH_MS_MAX)
    story.tell(RecordsFetched(1, first.fetch_id, (known(1),)))
    assert [] == story.said(Dial)
    assert [1] == [each.record_id for each in story.said(ReturnRecord)]


def test_a_reload_with_rules_asks_anew_for_what_is_in_memory():
    story = dialing_story(group(1, agents=3), ready=[], has_records=False)
    story.fetched(chain(1), chain(2))
    story.load(replace(story.configuration, calling_lists=(CallingList(1, "list", UTC, rules=(CAP,)),)))
    story.agent_ready(101)
    assert [] == story.ever(Dial)
    assert [1, 2] == [each.record_id for each in story.ever(ReturnRecord)]
    assert story.advance(MINUTE_MS).ever(FetchRecords)[-1].with_facts


def test_every_call_carries_what_allowed_it():
    story = limited(CAP)
    dial = story.fetched(known(1, total=4)).the(Dial)
    assert dial.evidence is not None
    assert (dial.evidence.rules, dial.evidence.clocks) == (("cap 1",), (("UTC", 0),))
    assert dial.evidence.facts is not None and dial.evidence.facts.total == 4


def test_without_rules_the_evidence_is_short():
    story = dialing_story(group(1))
    evidence = story.ever(Dial)[0].evidence
    assert evidence is not None
    assert (evidence.rules, evidence.facts, evidence.consent) == ((), None, "")
