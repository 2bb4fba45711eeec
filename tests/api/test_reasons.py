"""Every reason why a group does not dial, an agent gets no calls, a node gets no requests."""

import pytest

from dialing_history import all_talk, with_history
from dialing_story import Story, configuration, dialing_story, group, node, phone_of
from outdial.api.reasons import Reason, Reasons
from outdial.core.budget import WINDOW_MS
from outdial.core.commands import Dial, FetchRecords
from outdial.core.events import PhoneState, PhoneStateChanged, RecordsFetched
from outdial.core.modes import DialingMode as Mode
from outdial.core.settings import LoadBalancing
from outdial.core.units import MINUTE_MS, SECOND_MS


def look(story: Story) -> Reasons:
    return Reasons(story.dialer.snapshot(), story.configuration)


def of_group(story: Story, number: int = 1) -> list[Reason]:
    settings = next(each for each in story.configuration.campaign_groups if each.dbid == number)
    return look(story).of_group(settings)


def of_agent(story: Story, number: int = 101) -> list[Reason]:
    reasons = look(story)
    agent = story.agent(number)
    return reasons.of_agent(agent, reasons.groups_of(agent))


def of_node(story: Story, number: int) -> list[Reason]:
    return look(story).of_node(story.node(number))


def codes(reasons: list[Reason]) -> list[str]:
    assert all(reason.text and reason.ends_when for reason in reasons)
    return [reason.code for reason in reasons]


# --- groups -------------------------------------------------------------------------------------------------------


def test_a_group_that_does_not_run() -> None:
    story = Story(configuration(group(1)))
    assert ["stopped"] == codes(of_group(story))
    story = dialing_story(group(1)).stop()
    [reason] = of_group(story)
    assert ("stopping", True) == (reason.code, "1 calls go on" in reason.text)


def test_a_paused_group_also_tells_what_else_keeps_it() -> None:
    story = dialing_story(group(1)).pause()
    assert ["paused"] == codes(of_group(story))
    assert ["paused", "prime_lost"] == codes(of_group(story.node_down(1)))


def test_the_prime_node_is_lost_since_when() -> None:
    story = dialing_story(group(1)).advance(MINUTE_MS).node_down(1)
    lost_utc_ms = story.now.utc_ms
    [reason] = of_group(story.advance(MINUTE_MS))
    assert ("prime_lost", lost_utc_ms) == (reason.code, reason.since_utc_ms)
    assert "node 1" in reason.text
    assert "promoted" in reason.ends_when


def test_the_dialer_node_is_lost() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, dial_node=2)).node_down(2)
    [reason] = of_group(story)
    assert ("dialer_lost", True) == (reason.code, "node 2" in reason.text)


def test_no_node_takes_requests_and_each_says_why() -> None:
    nodes = (node(1), node(2), node(3, call_rate_max=1))
    story = dialing_story(group(1, Mode.POWER_GVP, agents=0, maximum_queue_size=30), nodes=nodes)
    story.drain(1).drain(2).ended(*story.ever(Dial))
    assert ["draining", "draining", "call_rate"] == codes(of_group(story))


def test_all_agents_are_gone() -> None:
    [reason] = of_group(dialing_story(group(1), ready=[]))
    assert ("no_agents", True) == (reason.code, "agents 1" in reason.text)


def test_what_agents_do_who_are_not_free() -> None:
    story = dialing_story(group(1, agents=3), ready=[])
    story.agent_ready(101).log_in(102, 103).agent_ready(103)
    story.phone(103, PhoneState.UNREACHABLE)
    story.person_answers(story.ever(Dial)[0]).agent_takes(story.ever(Dial)[0])
    [reason] = of_group(story)
    assert "no_free_agent" == reason.code
    assert all(part in reason.text for part in ("1 talking", "1 not ready", "1 ready with the phone unreachable"))


def test_ports_are_short() -> None:
    story = dialing_story(group(1, agents=5, number_of_cpd_ports=2), ports=10)
    [reason] = of_group(story)
    assert "no_port" == reason.code
    assert all(part in reason.text for part in ("it uses 2, 2 at most", "pool switch uses 2 of 10"))


def test_there_are_no_records() -> None:
    story = dialing_story(group(1), has_records=False)
    assert [("no_records", "fetching")] == [(each.code, each.text) for each in of_group(story)]
    story.tell(RecordsFetched(1, story.ever(FetchRecords)[-1].fetch_id, (), exhausted=True))
    [reason] = of_group(story)
    assert ("the lists have nothing due", True) == (reason.text, "imported" in reason.ends_when)


def test_agents_decide() -> None:
    assert ["agents_decide"] == codes(of_group(dialing_story(group(1, Mode.PREVIEW))))


def test_enough_calls_are_in_flight() -> None:
    story = dialing_story(group(1, agents=2))
    assert ["pacing"] == codes(of_group(story))
    young = dialing_story(group(1, Mode.PREDICTIVE, agents=2))
    [reason] = of_group(young)
    assert ("not_ahead", True) == (reason.code, "attempts of history" in reason.text)


def test_a_predictive_decision_in_words() -> None:
    story = all_talk(with_history(dialing_story(group(1, Mode.PREDICTIVE, agents=40), ports=200)), 40, Mode.PREDICTIVE)
    busy, reason = of_group(story.advance(SECOND_MS))
    assert ("no_free_agent", "pacing") == (busy.code, reason.code)
    assert "calls in flight are expected to bring" in reason.text
    assert reason.since_utc_ms is not None
    assert reason.since_utc_ms <= story.now.utc_ms
    assert reason.text.endswith("(risk of the next call)")
    budget = story.state.groups[1].budget
    budget.persons, budget.lost, budget.began_at_ms = 400, 12, story.mono_ms - WINDOW_MS
    spent = of_group(story.advance(SECOND_MS))[-1]
    assert ("pacing", True) == (spent.code, spent.text.endswith("is spent, nearly nothing is risked"))


# --- agents -------------------------------------------------------------------------------------------------------


def test_what_an_agent_does() -> None:
    story = dialing_story(group(1), ready=[])
    assert "logged_out" == codes(of_agent(story))[0]
    assert "not_ready" == codes(of_agent(story.log_in(101)))[0]
    story.agent_ready(101)
    dial = story.ever(Dial)[0]
    assert "reserved" == codes(of_agent(story.person_answers(dial)))[0]
    assert "talking" == codes(of_agent(story.agent_takes(dial)))[0]
    assert "after_call_work" == codes(of_agent(story.ended(dial)))[0]


def test_what_the_agents_phone_says() -> None:
    story = dialing_story(group(1))
    assert "phone_busy" in codes(of_agent(story.phone(101, PhoneState.BUSY)))
    story.phones_answer = False
    [reason] = [each for each in of_agent(story.promote(2)) if each.code == "phone_unknown"]
    assert f"phone {phone_of(101)} is unknown: prime node node 2 has said nothing of it" == reason.text
    story.node_down(2)
    assert "no prime node" in next(each.text for each in of_agent(story) if each.code == "phone_unknown")
    assert PhoneStateChanged(2, phone_of(101), PhoneState.IDLE).state is PhoneState.IDLE


def test_what_the_agents_groups_do() -> None:
    story = dialing_story(group(1)).stop()
    assert "not_running" in codes(of_agent(story))
    story = dialing_story(group(1)).pause()
    [reason] = [each for each in of_agent(story) if each.code == "paused"]
    assert "group 1: an operator has paused it" == reason.text
    reasons = look(story)
    assert ["no_group"] == codes(reasons.of_agent(story.agent(101), []))


def test_a_free_agent_waits_for_a_call_in_flight() -> None:
    assert ["pacing"] == codes(of_agent(dialing_story(group(1))))


# --- nodes --------------------------------------------------------------------------------------------------------


def test_what_a_node_says() -> None:
    story = dialing_story(group(1))
    assert [] == of_node(story, 2)
    assert ["draining"] == codes(of_node(story.drain(2), 2))
    [reason] = of_node(story.node_down(2), 2)
    assert ("inactive", True) == (reason.code, "enables" in reason.ends_when)


@pytest.mark.parametrize("number, found", [(1, []), (2, ["not_balanced"])])
def test_without_balancing_only_the_prime_node_gets_requests(number: int, found: list[str]) -> None:
    story = dialing_story(group(1), balancing=LoadBalancing.NONE)
    assert found == codes(of_node(story, number))


def test_nothing_is_to_be_dialed() -> None:
    assert ["not_running"] == codes(of_node(Story(configuration(group(1))), 1))
    story = dialing_story(group(1)).node_down(1)
    assert ["all_stopped"] == codes(of_node(story, 2))
    story = dialing_story(group(1), nodes=3, connections=(1, 2))
    assert ["not_connected"] == [code for code in codes(of_node(story, 3)) if code != "inactive"]
