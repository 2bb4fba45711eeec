"""What a campaign group has learned goes from one run of the server into the next."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialing_story import Story, configuration, group
from outdial.core.agent_odds import BINS, AgentOdds
from outdial.core.call_odds import DELAY_BINS, DOUBT, RING_BINS, CallOdds
from outdial.core.carry_over import CALLS_MAX, MEAN_MAX, SPELLS_MAX, has_dialed, learned, take_over
from outdial.core.commands import Dial, Reply
from outdial.core.estimates import UTILISATION_PRIOR, Estimates
from outdial.core.events import StatisticsFound
from outdial.core.groups import IVR_DELAY_BIN_MS, Group
from outdial.core.learned import Learned, LearnedAgents, LearnedCalls, LearnedEstimates, LearnedMean, LearnedSpells
from outdial.core.modes import DialingMode as Mode
from outdial.core.units import MINUTE_MS, SECOND_MS, Millis

AGENTS = 5


def story(mode: Mode = Mode.PREDICTIVE, **settings: object) -> Story:
    """A start of the server: one campaign group of five agents, nothing has happened."""
    return Story(configuration(group(1, mode, agents=AGENTS, **settings)))


def group_of(one: Story, number: int = 1) -> Group:
    """A campaign group, from memory."""
    return one.state.groups[number]


def has_called(each: Group, calls: int) -> None:
    """The group has called so many: one in five was a person, one a machine, the others did not answer."""
    odds, estimates = each.odds, each.estimates
    for number in range(calls):
        at_ms = 200 * number
        answers, person = number % 5 < 2, number % 5 == 0
        ring_ms = 4_000 + 500 * (number % 13) if person else 16_000 if answers else 22_000
        odds.dialed(at_ms)
        if answers:
            odds.picked_up(at_ms, at_ms + ring_ms)
            odds.judged_after(at_ms, at_ms + ring_ms, at_ms + ring_ms + (900 if person else 3_000), person=person)
        else:
            odds.ended(at_ms, at_ms + ring_ms)
        estimates.attempt_dialed(at_ms)
        estimates.attempt_resolved(at_ms, at_ms + ring_ms + 900, person=person)
        estimates.dialing_ended(ring_ms + 900)
        if person:
            each.budget.person(lost=number % 400 == 0, mono_ms=at_ms)
    odds.update(200 * calls)


def has_talked(agents: AgentOdds, talks: int) -> None:
    """The agents have had so many conversations; who finishes is ready again, nine times in ten."""
    for number in range(talks):
        talk_ms, work_ms = 20_000 + 7_000 * (number % 17), 10_000 + 1_000 * (number % 7)
        agents.talk.begin(0)
        agents.talk.end(0, talk_ms)
        agents.work.begin(0)
        agents.work.end(0, work_ms)
        agents.finished(ready=number % 10 > 0)
    agents.update(0)


def yesterday(calls: int = 4_000, talks: int = 400, mode: Mode = Mode.PREDICTIVE, **settings: object) -> Learned:
    """What a group knew when the server ended."""
    one = story(mode, **settings)
    has_called(group_of(one), calls)
    agents = one.state.agent_groups[1].odds
    has_talked(group_of(one).held_odds if mode.is_seizing else agents, talks)
    return learned(one.state, group_of(one))


YESTERDAY = yesterday()


def found(one: Story, statistics: Learned = YESTERDAY, number: int = 1) -> Reply:
    """The edge has found statistics; what the dialer says to that."""
    return one.tell(StatisticsFound(1, number, statistics)).the(Reply)


def shares(counts: Iterable[float]) -> list[float]:
    """Each count by their sum."""
    counts = list(counts)
    return [count / sum(counts) for count in counts]


# --- the next morning ---------------------------------------------------------------------------------------------


def calls_at_once(one: Story) -> int:
    """Calls in the first seconds, of which none is answered."""
    one.start(1)
    one.agent_ready(*range(101, 101 + AGENTS))
    one.advance(2 * SECOND_MS)
    return len(one.ever(Dial))


def test_a_warm_group_dials_ahead_at_once_and_a_cold_one_is_progressive() -> None:
    cold, warm = story(), story()
    assert found(warm).ok
    assert AGENTS == calls_at_once(cold) and cold.group().pacing == "progressive: 0 of 50 attempts of history"
    assert 2 * AGENTS <= calls_at_once(warm) <= 5 * AGENTS and warm.group().pacing == "predictive"


def test_agents_who_are_held_on_the_line_are_known_too() -> None:
    warm = story(Mode.PREDICTIVE_SEIZING)
    assert found(warm, yesterday(mode=Mode.PREDICTIVE_SEIZING)).ok
    assert SPELLS_MAX == pytest.approx(sum(group_of(warm).held_odds.talk.left))
    assert 0.0 == sum(warm.state.agent_groups[1].odds.talk.left)


def test_a_group_without_agents_has_calls_to_carry_over() -> None:
    before = Story(configuration(group(1, Mode.POWER_GVP, agents=0)))
    has_called(group_of(before), 100)
    statistics = learned(before.state, group_of(before))
    assert statistics.agents is None
    assert found(Story(configuration(group(1, Mode.POWER_GVP, agents=0))), statistics).ok


def test_a_fresh_call_has_the_chances_that_it_had() -> None:
    """But for the doubt, which is larger now."""

    def without_doubt(odds: CallOdds) -> list[float]:
        return [chance / (1.0 + DOUBT / (odds.persons_seen + 1.0) ** 0.5) for chance in odds.fresh]

    before, after = story(), story()
    has_called(group_of(before), 4_000)
    found(after, learned(before.state, group_of(before)))
    old, new = group_of(before).odds, group_of(after).odds
    old._level.value = 1.0
    old.update(20 * MINUTE_MS)
    new.update(0)
    assert old.horizons == new.horizons
    assert without_doubt(old) == pytest.approx(without_doubt(new), rel=0.02)
    assert new.fresh[-1] > old.fresh[-1]


def test_what_says_how_it_goes_right_now_begins_anew() -> None:
    before, after = story(), story()
    has_called(group_of(before), 1_000)
    group_of(before).estimates.utilisation.add(0.2)
    group_of(before).odds._level.value = 1.7
    found(after, learned(before.state, group_of(before)))
    begun = group_of(after)
    assert (1.0, UTILISATION_PRIOR) == (begun.odds.level, begun.estimates.utilisation.value)
    assert (0, 0, None) == (begun.budget.persons, begun.budget.lost, begun.budget.began_at_ms)
    assert not begun.estimates.has_measured and not has_dialed(begun)
    assert (
        group_of(before).budget.threshold
        == begun.budget.threshold
        != Group(begun.settings, begun.mode).budget.threshold
    )


# --- how much it counts -------------------------------------------------------------------------------------------


def test_a_short_run_comes_back_as_it_was() -> None:
    short = yesterday(calls=60, talks=30)
    after = story()
    found(after, short)
    again = learned(after.state, group_of(after))
    assert (short.calls, short.agents, short.held) == (again.calls, again.agents, again.held)
    assert (short.log_factor, 60) == (again.log_factor, again.estimates.finished)
    assert MEAN_MAX == again.estimates.hold_ms.weight < short.estimates.hold_ms.weight
    assert replace(short.estimates, hold_ms=again.estimates.hold_ms) == again.estimates


def test_a_long_run_counts_for_some_hundred_calls() -> None:
    after = story()
    found(after)
    odds, agents, estimates = group_of(after).odds, after.state.agent_groups[1].odds, group_of(after).estimates
    assert CALLS_MAX == odds.resolved == estimates.finished == pytest.approx(sum(odds.left))
    assert CALLS_MAX / 5 == odds.persons_seen
    assert SPELLS_MAX == pytest.approx(sum(agents.talk.left)) == pytest.approx(sum(agents.work.left))
    assert (CALLS_MAX, MEAN_MAX) == (estimates.hit_ratio.weight, estimates.hold_ms.weight)


def test_a_list_that_is_twice_as_good_takes_over_within_five_hundred_calls() -> None:
    after = story()
    found(after)
    odds = group_of(after).odds
    before = sum(odds.persons) / sum(odds.left)
    for number in range(CALLS_MAX):
        at_ms, person = 200 * number, number % 5 < 2
        odds.dialed(at_ms)
        odds.picked_up(at_ms, at_ms + 8_000)
        odds.judged_after(at_ms, at_ms + 8_000, at_ms + 9_000, person=person)
    assert 1.45 * before < sum(odds.persons) / sum(odds.left)


@pytest.mark.parametrize(
    "history_length, calls, expected",
    [(50, 40, 40), (50, 60, 60), (50, 4_000, CALLS_MAX), (900, 800, 800), (900, 4_000, 900), (4_000, 4_000, 4_000)],
)
def test_history_that_was_long_enough_still_is(history_length: int, calls: int, expected: int) -> None:
    after = story(history_length=history_length)
    found(after, yesterday(calls, history_length=history_length))
    assert expected == group_of(after).estimates.finished
    calls_at_once(after)
    assert ("predictive" == after.group().pacing) == (calls >= history_length)


def test_first_calls_of_a_run_that_was_too_short_must_ring_out() -> None:
    """Twenty calls of before and five busy tones of now would pass for the list."""
    after = story(history_length=25)
    found(after, yesterday(20))
    assert group_of(after).odds.first_at_ms is None
    long = story(history_length=25)
    found(long, yesterday(25))
    assert group_of(long).odds.first_at_ms == long.mono_ms - group_of(long).settings.ring_ms_max - 2 * SECOND_MS


def test_a_person_who_was_seen_is_not_forgotten() -> None:
    """One in a thousand calls is less than one in five hundred, and more than none."""
    after = story()
    rare = replace(YESTERDAY, calls=replace(YESTERDAY.calls, resolved=100_000, persons_seen=3))
    found(after, rare)
    assert 1 == group_of(after).odds.persons_seen


def test_a_threshold_stays_within_its_limits() -> None:
    """Not above the target: the surplus of an old day is gone."""
    for log_factor, threshold in ((50.0, 0.03), (0.1, 0.03), (-0.1, 0.03 * math.exp(-0.1)), (-50.0, 1e-5)):
        after = story()
        found(after, replace(YESTERDAY, log_factor=log_factor))
        assert threshold == pytest.approx(group_of(after).budget.threshold)
    careful = story(overdial_ratio_max=0.0)
    assert found(careful).ok and 0.0 == group_of(careful).budget.threshold


# --- agents who work for several groups ---------------------------------------------------------------------------


def test_agents_of_two_groups_are_taken_over_once() -> None:
    after = Story(configuration(group(1, Mode.PREDICTIVE, agents=AGENTS), group(2, Mode.PREDICTIVE, agents_of=1)))
    first = yesterday(talks=40)
    assert first.agents is not None
    assert found(after, first, number=1).ok
    assert found(after, yesterday(talks=90), number=2).ok
    assert first.agents.talk.left == tuple(after.state.agent_groups[1].odds.talk.left)


def test_agents_who_have_talked_today_are_known_better() -> None:
    after = story()
    has_talked(after.state.agent_groups[1].odds, 7)
    assert found(after).ok
    assert 7 == pytest.approx(sum(after.state.agent_groups[1].odds.talk.left), rel=0.05)


# --- what is refused ----------------------------------------------------------------------------------------------

SHORT = YESTERDAY.calls.left[:-1]
NOTHING = (0.0,) * DELAY_BINS
MISFITS = {
    "ring ages": replace(YESTERDAY, calls=replace(YESTERDAY.calls, judged=SHORT)),
    "delays": replace(YESTERDAY, calls=replace(YESTERDAY.calls, other_delays=(1.0,))),
    "no delay": replace(YESTERDAY, calls=replace(YESTERDAY.calls, person_delays=NOTHING)),
    "wider steps": replace(YESTERDAY, calls=replace(YESTERDAY.calls, delay_bin_ms=IVR_DELAY_BIN_MS)),
    "agents": replace(YESTERDAY, agents=replace(YESTERDAY.held, work=LearnedSpells((), ()))),
    "held agents": replace(YESTERDAY, held=replace(YESTERDAY.held, talk=LearnedSpells((1.0,) * BINS, (1.0,)))),
}


@pytest.mark.parametrize("misfit", MISFITS.values(), ids=MISFITS)
def test_shapes_that_do_not_fit_are_refused(misfit: Learned) -> None:
    after = story()
    before = learned(after.state, group_of(after))
    refusal = found(after, misfit)
    assert (False, "conflict") == (refusal.ok, refusal.code)
    assert (
        "campaign group group 1 (dbid 1) cannot use these statistics: they were made in another kind of mode"
        == refusal.message
    )
    assert before == learned(after.state, group_of(after)), "and nothing has changed"


def test_another_kind_of_mode_is_refused() -> None:
    assert not found(story(Mode.PREDICTIVE_GVP)).ok
    assert found(story(Mode.PREDICTIVE_GVP), yesterday(mode=Mode.PREDICTIVE_GVP)).ok
    assert found(story(Mode.PROGRESSIVE)).ok, "which may become predictive"


def test_a_group_that_has_dialed_knows_better() -> None:
    after = story()
    after.start(1).agent_ready(101)
    assert has_dialed(group_of(after))
    assert "campaign group group 1 (dbid 1) has dialed already" == found(after).message
    after.ended(after.ever(Dial)[0], sip=486)
    assert "campaign group group 1 (dbid 1) has dialed already" == found(after).message


def test_statistics_are_taken_over_once() -> None:
    after = story()
    assert found(after).ok
    assert "campaign group group 1 (dbid 1) has statistics already" == found(after, yesterday(30)).message


def test_nobody_is_there_to_take_them_over() -> None:
    refusal = found(story(), number=9)
    assert ("not_found", "there is no campaign group 9") == (refusal.code, refusal.message)


# --- whatever was learned -----------------------------------------------------------------------------------------

COUNTS = st.one_of(st.just(0.0), st.floats(1e-6, 1e6))


def counts(length: int, least: float = 0.0) -> st.SearchStrategy[tuple[float, ...]]:
    """Counts in a few bins, and at least so much in the first one."""
    few = st.dictionaries(st.integers(0, length - 1), COUNTS, max_size=5)
    return few.map(
        lambda found: tuple(found.get(place, 0.0) + (least if not place else 0.0) for place in range(length))
    )


SPELLS = st.builds(LearnedSpells, counts(BINS, 1e-3), counts(BINS, 1e-3))
LEARNED_AGENTS = st.builds(LearnedAgents, SPELLS, SPELLS, st.floats(0.0, 1.0))
MEANS = st.builds(LearnedMean, st.floats(0.0, 1e6), st.floats(0.0, 5_000.0))
HITS = st.builds(LearnedMean, st.floats(0.0, 1.0), st.floats(0.0, 5_000.0))
LEARNED = st.builds(
    Learned,
    st.builds(
        LearnedCalls,
        st.just(CallOdds.__dataclass_fields__["delay_bin_ms"].default),
        *(st.integers(1, 10**7), st.integers(0, 10**6)),
        *([counts(RING_BINS, 1e-3)] * 3),
        *([counts(DELAY_BINS, 1e-3)] * 2),
    ),
    LEARNED_AGENTS,
    LEARNED_AGENTS,
    st.builds(LearnedEstimates, st.integers(0, 10**7), HITS, *([MEANS] * 5)),
    st.floats(-5.0, 2.0),
)


def ratios(one: Sequence[float], other: Sequence[float]) -> float:
    """Sum of the first by that of the second: what a hazard or a share comes to."""
    return sum(one) / sum(other)


@pytest.mark.slow
@given(LEARNED)
def test_shares_stay_what_they_were_and_counts_are_bounded(before: Learned) -> None:
    after = story()
    assert take_over(after.state, group_of(after), before) is None
    again = learned(after.state, group_of(after))
    calls, old = again.calls, before.calls
    for one, other in (
        (calls.left, old.left),
        (calls.persons, old.persons),
        (calls.judged, old.judged),
        (calls.person_delays, old.person_delays),
        (calls.other_delays, old.other_delays),
    ):
        assert shares(other) == pytest.approx(shares(one))
    assert ratios(old.persons, old.left) == pytest.approx(ratios(calls.persons, calls.left))
    assert sum(calls.left) <= CALLS_MAX * 1.001 and calls.resolved <= CALLS_MAX
    assert min(old.persons_seen, 1) <= calls.persons_seen <= old.persons_seen
    pairs = ((again.agents, before.agents), (again.held, before.held))
    for new, was in ((getattr(new, kind), getattr(was, kind)) for new, was in pairs for kind in ("talk", "work")):
        assert shares(was.left) == pytest.approx(shares(new.left)) and sum(new.left) <= SPELLS_MAX * 1.001
        assert ratios(was.partial_ms, was.left) == pytest.approx(ratios(new.partial_ms, new.left))
    for name in ("hit_ratio", "hold_ms", "person_ms", "talk_ms", "work_ms", "ivr_ms"):
        mean, old_mean = getattr(again.estimates, name), getattr(before.estimates, name)
        assert mean.value == old_mean.value and mean.weight == min(old_mean.weight, mean.weight)
    assert min(0.0, before.log_factor) == pytest.approx(again.log_factor)


@pytest.mark.slow
@given(LEARNED)
def test_whatever_was_learned_a_group_can_dial_by_it(before: Learned) -> None:
    after = story()
    take_over(after.state, group_of(after), before)
    assert AGENTS <= calls_at_once(after)


def test_every_mean_has_its_place() -> None:
    """The means of the estimates, but for the share of busy agents."""
    fields = set(LearnedEstimates.__dataclass_fields__) - {"finished"}
    means = {name for name, value in vars_of(Estimates()).items() if type(value).__name__ == "Mean"}
    assert means - {"utilisation"} == fields
    after = story()
    statistics = replace(
        YESTERDAY.estimates, **{name: LearnedMean(number / 10, number) for number, name in enumerate(sorted(fields), 1)}
    )
    found(after, replace(YESTERDAY, estimates=statistics))
    assert replace(statistics, finished=CALLS_MAX) == learned(after.state, group_of(after)).estimates


def vars_of(estimates: Estimates) -> dict[str, object]:
    """Fields of a class with slots."""
    return {name: getattr(estimates, name) for name in Estimates.__dataclass_fields__}


def test_time_before_the_server_began_is_no_trouble() -> None:
    """A group may take statistics over in the first millisecond, and after a long wait."""
    for wait_ms in (0, 10 * MINUTE_MS):
        after = story()
        after.advance(wait_ms)
        found(after)
        first: Millis | None = group_of(after).odds.first_at_ms
        assert first is not None and after.mono_ms - first == 27 * SECOND_MS
