"""Configurations that take effect while calls are in progress: objects appear, change and go."""

from dataclasses import replace

import pytest

from dialing_story import (
    SWITCH,
    Story,
    chain,
    configuration,
    cpd_server,
    dialing_story,
    group,
    node,
    treatment,
    with_group,
    without_group,
)
from outdial.core.commands import (
    Connect,
    Dial,
    Disconnect,
    Engage,
    FetchRecords,
    Join,
    OfferRecord,
    Release,
    ReleaseEngaging,
    Reply,
    ReturnRecord,
    SettleAttempt,
    Transfer,
    WithdrawOffer,
)
from outdial.core.events import AgentBecameReady, AgentLoggedIn, PhoneState, PhoneStateChanged
from outdial.core.modes import DialingMode as Mode
from outdial.core.results import CallResult, Fault
from outdial.core.settings import (
    Agent,
    Configuration,
    DialerId,
    DialerKind,
    LoadBalancing,
    PrimeNodeLoss,
    Switch,
    TreatmentAction,
)
from outdial.core.units import MINUTE_MS, SECOND_MS


def talking(story: Story) -> Dial:
    """Bring the first call to its conversation."""
    dial = story.ever(Dial)[0]
    story.person_answers(dial)
    story.agent_takes(dial)
    return dial


def with_nodes(old: Configuration, *numbers: int, **settings: object) -> Configuration:
    """The same configuration with other nodes."""
    nodes = tuple(node(number, **settings) for number in numbers)
    return replace(old, nodes=nodes, ocs=replace(old.ocs, connections=tuple(numbers)))


def without_agent(old: Configuration, agent_id: int) -> Configuration:
    """The same configuration with one agent less."""
    agents = tuple(each for each in old.agents if each.dbid != agent_id)
    groups = tuple(
        replace(each, agents=tuple(number for number in each.agents if number != agent_id)) for each in old.agent_groups
    )
    return replace(old, agents=agents, agent_groups=groups)


def test_same_configuration_again_changes_nothing() -> None:
    story = dialing_story(group(1, agents=3), group(2, Mode.PROGRESSIVE_SEIZING, agents=2), group(3, Mode.PUSH_PREVIEW))
    before = story.dialer.snapshot()
    story.load(story.configuration)
    assert [] == story.commands
    after = story.dialer.snapshot()
    assert before.groups == after.groups
    assert (before.agents, before.nodes, before.prime_node_id) == (after.agents, after.nodes, after.prime_node_id)


# --- nodes --------------------------------------------------------------------------------------------------------


def test_first_configuration_connects_every_primary() -> None:
    story = Story(configuration(group(1)))
    assert [1, 2, 3] == [each.server_id for each in story.said(Connect)]


def test_new_node_is_connected_and_takes_its_turn() -> None:
    story = dialing_story(group(1, agents=6), nodes=2, ready=[101, 102])
    story.load(with_nodes(story.configuration, 1, 2, 3))
    assert [3] == [each.server_id for each in story.said(Connect)]
    assert {1, 2, 3} == set(story.agent_ready(103, 104, 105).nodes_dialed())


def test_node_that_leaves_is_disconnected_and_its_calls_are_lost() -> None:
    story = dialing_story(group(1, agents=2), nodes=2)
    dial = next(each for each in story.ever(Dial) if each.node_id == 2)
    story.server_down(2)
    story.load(with_nodes(story.configuration, 1))
    assert [2, 102] == sorted(each.server_id for each in story.said(Disconnect))
    assert "lost" == story.call_state(dial)
    settled = [each for each in story.advance(MINUTE_MS).said(SettleAttempt) if each.call_id == dial.call_id]
    assert [(CallResult.UNKNOWN, Fault.NODE)] == [(each.call_result, each.fault) for each in settled]
    assert [] == [each for each in story.ever(Connect) if each.server_id in (2, 102)][2:]


def test_node_that_leaves_is_told_to_release_whatever_nobody_could_go_on_with() -> None:
    story = dialing_story(
        group(1, agents=3), group(2, Mode.PROGRESSIVE_SEIZING, dial_node=2), nodes=2, has_records=False
    )
    leg = story.the(Engage)
    story.engaged(leg)
    story.fetched(chain(1), chain(2), chain(3), chain(4))
    on_2 = [dial for dial in story.ever(Dial) if dial.node_id == 2 and dial.group_id == 1]
    story.load(with_nodes(story.configuration, 1))
    words = [each for each in story.commands if isinstance(each, Release | ReleaseEngaging | Disconnect)]
    assert [leg.call_id, *[dial.call_id for dial in on_2]] == [
        each.call_id for each in words if not isinstance(each, Disconnect)
    ]
    assert isinstance(words[-1], Disconnect), "they are the last words on the connection"


def test_prime_node_that_leaves_makes_room_for_the_next() -> None:
    story = dialing_story(group(1, agents=2))
    smaller = with_nodes(story.configuration, 2, 3)
    story.load(replace(smaller, ocs=replace(smaller.ocs, sip_cluster_prime_node=3)))
    assert 3 == story.dialer.snapshot().prime_node_id
    assert "busy" == story.phone(101, PhoneState.BUSY, node_id=3).agent(101).phone_state


def test_prime_node_that_leaves_without_a_successor_stops_all_dialing() -> None:
    story = dialing_story(group(1, agents=2), ready=[101])
    story.load(with_nodes(story.configuration, 2, 3))
    assert [] == story.agent_ready(102).said(Dial)
    assert 1 == len(story.dialer.snapshot().stops)


def test_node_that_comes_back_is_a_new_one() -> None:
    story = dialing_story(group(1, agents=2), nodes=2)
    both = story.configuration
    story.load(with_nodes(both, 1)).load(both)
    assert ("on primary", 0) == (story.node(2).state, story.node(2).requests)


def test_node_may_leave_the_rotation_and_stay_connected() -> None:
    story = dialing_story(group(1, agents=6), ready=[])
    ocs = replace(story.configuration.ocs, connections=(1, 3))
    story.load(replace(story.configuration, ocs=ocs))
    assert [] == story.said(Disconnect)
    assert {1, 3} == set(story.agent_ready(101, 102, 103, 104).nodes_dialed())


def test_new_order_of_connections_is_the_new_order_of_turns() -> None:
    story = dialing_story(group(1, agents=3), ready=[])
    ocs = replace(story.configuration.ocs, connections=(3, 2, 1))
    story.load(replace(story.configuration, ocs=ocs))
    assert [3, 2, 1] == story.agent_ready(101, 102, 103).nodes_dialed()


def test_backup_in_use_that_leaves_hands_the_node_to_its_primary() -> None:
    story = dialing_story(group(1, agents=2), nodes=1)
    story.server_down(1)
    story.server_up(1)
    dial = story.ever(Dial)[0]
    assert "on backup, primary stands by" == story.node(1).state
    story.load(replace(story.configuration, nodes=(node(1, backup=None),)))
    assert ("on primary", 1) == (story.node(1).state, story.node(1).server_id)
    assert [101] == [each.server_id for each in story.said(Disconnect)]
    assert "lost" == story.call_state(dial)


def test_backup_in_use_that_leaves_alone_makes_the_node_inactive() -> None:
    story = dialing_story(group(1, agents=2), nodes=2, ready=[])
    story.server_down(2)
    story.load(replace(story.configuration, nodes=(node(1), node(2, backup=None))))
    assert "inactive" == story.node(2).state
    assert {1} == set(story.agent_ready(101, 102).nodes_dialed())


def test_backup_that_stood_by_leaves() -> None:
    story = dialing_story(group(1, agents=2), nodes=2, ready=[])
    story.server_up(101)
    assert "on primary, backup stands by" == story.node(1).state
    story.load(replace(story.configuration, nodes=(node(1, backup=None), node(2))))
    assert "on primary" == story.node(1).state
    story.server_down(1)
    assert ("inactive", None) == (story.node(1).state, story.node(1).server_id)
    assert [] == story.agent_ready(101).said(Dial), "it was the prime node"


def test_new_backup_is_used_when_the_primary_is_lost() -> None:
    story = dialing_story(group(1, agents=2), nodes=[node(1), node(2, backup=None)], ready=[])
    story.load(replace(story.configuration, nodes=(node(1), node(2, backup=222))))
    story.server_down(2)
    assert ("on backup", 222) == (story.node(2).state, story.node(2).server_id)


def test_call_rate_counts_from_the_reload_on() -> None:
    story = dialing_story(group(1, agents=6), nodes=1, ready=[])
    story.load(replace(story.configuration, nodes=(node(1, call_rate_max=1),)))
    assert 1 == len(story.agent_ready(101, 102, 103).said(Dial))


def test_load_balancing_may_be_switched_on_and_off() -> None:
    story = dialing_story(group(1, agents=9), ready=[], balancing=LoadBalancing.NONE)
    assert [1, 1, 1] == story.agent_ready(101, 102, 103).nodes_dialed()
    ocs = replace(story.configuration.ocs, sip_cluster_lb_mode=LoadBalancing.ROUND_ROBIN)
    story.load(replace(story.configuration, ocs=ocs))
    assert {1, 2, 3} == set(story.agent_ready(104, 105, 106).nodes_dialed())


def test_prime_node_may_be_moved() -> None:
    story = dialing_story(group(1))
    story.load(replace(story.configuration, ocs=replace(story.configuration.ocs, sip_cluster_prime_node=2)))
    assert 2 == story.dialer.snapshot().prime_node_id
    assert "idle" == story.agent(101).phone_state, "asked for anew"


def test_promotion_may_be_switched_off() -> None:
    story = dialing_story(group(1), prime_node_loss=PrimeNodeLoss.PROMOTE)
    story.node_down(1)
    assert 2 == story.dialer.snapshot().prime_node_id
    ocs = replace(story.configuration.ocs, prime_node_loss=PrimeNodeLoss.STOP)
    assert story.load(replace(story.configuration, ocs=ocs)).dialer.snapshot().prime_node_id is None


# --- dialer nodes of seizing groups -------------------------------------------------------------------------------


def with_dial_node(old: Configuration, number: int | None) -> Configuration:
    """The same configuration with another dialer node for the agents of group 1."""
    agents = tuple(
        replace(each, sip_cluster_asm_dial_node=number) if each.dbid == 1 else each for each in old.agent_groups
    )
    return replace(old, agent_groups=agents)


def test_idle_engaged_agents_move_to_the_new_dialer_node() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, dial_node=2), has_records=False)
    leg = story.the(Engage)
    story.engaged(leg)
    story.load(with_dial_node(story.configuration, 3))
    assert leg.call_id == story.the(ReleaseEngaging).call_id
    assert 3 == story.leg_ended(leg).the(Engage).node_id


def test_conversation_on_the_old_dialer_node_ends_there() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, dial_node=2))
    leg = story.the(Engage)
    story.engaged(leg)
    dial = talking(story)
    story.load(with_dial_node(story.configuration, 3))
    assert "connected" == story.call_state(dial)
    assert leg.call_id == story.ended(dial).the(ReleaseEngaging).call_id
    story.leg_ended(leg)
    assert 3 == story.agent_ready(101).the(Engage).node_id


def test_calls_in_flight_on_the_old_dialer_node_never_meet_agents_of_the_new_one() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, dial_node=2))
    leg = story.the(Engage)
    old = story.engaged(leg).the(Dial)
    story.accepted(old)
    story.load(with_dial_node(story.configuration, 3))
    story.leg_ended(leg)
    story.engaged(story.ever(Engage)[-1])
    story.person_answers(old)
    assert [] == story.ever(Join)
    story.advance(2_000).ended(old)
    assert CallResult.DROPPED in [each.call_result for each in story.ever(SettleAttempt)]


# --- pools --------------------------------------------------------------------------------------------------------


def test_new_cpd_server_brings_its_pool() -> None:
    story = dialing_story(group(1), nodes=(node(1),))
    bigger = replace(story.configuration, nodes=(node(1), cpd_server(9, 20)))
    story.load(bigger)
    assert (20, "cpd server", True) == (
        story.pool(DialerId(DialerKind.CPD_SERVER, 9)).ports,
        story.pool(DialerId(DialerKind.CPD_SERVER, 9)).source,
        story.pool(DialerId(DialerKind.CPD_SERVER, 9)).dynamic,
    )


def test_group_may_move_to_another_dialer_while_its_calls_go_on() -> None:
    story = dialing_story(group(1, agents=2), nodes=(node(1), cpd_server(9, 20)), ready=[101])
    dial = story.the(Dial)
    cpd = DialerId(DialerKind.CPD_SERVER, 9)
    story.load(with_group(story.configuration, 1, dialer=cpd))
    assert (1, 0) == (story.pool().used_ports, story.pool(cpd).used_ports)
    assert [9] == story.agent_ready(102).nodes_dialed()
    story.accepted(dial)
    story.ended(dial, sip=486)
    assert 0 == story.pool().used_ports


def test_cpd_server_may_leave_together_with_its_group() -> None:
    story = dialing_story(group(1, cpd_server=9), group(2), nodes=(node(1), cpd_server(9, 20)))
    [dial] = [each for each in story.ever(Dial) if each.group_id == 1]
    story.load(replace(without_group(story.configuration, 1), nodes=(node(1),)))
    story.dialer.snapshot()
    story.advance(2 * MINUTE_MS)
    assert "settled" == story.call_state(dial)
    assert [2] == [view.group_id for view in story.dialer.snapshot().groups]


def test_snapshot_shows_a_group_whose_cpd_server_has_left() -> None:
    story = dialing_story(group(1, cpd_server=9), nodes=(node(1), cpd_server(9, 20)))
    story.stop(1)
    story.load(replace(without_group(story.configuration, 1), nodes=(node(1),)))
    assert ("stopping", 1) == (
        story.group(1).state,
        story.group(1).dialing + story.group(1).connected + len(lost(story)),
    )
    story.advance(2 * MINUTE_MS)


def lost(story: Story) -> list[int]:
    """Calls of lost nodes."""
    return [call_id for call_id in story.state.attempts if story.call_state(call_id) == "lost"]


def test_switch_may_leave_together_with_its_nodes_and_groups() -> None:
    story = dialing_story(group(1), group(2, cpd_server=9), nodes=(node(1), cpd_server(9, 20)))
    only = replace(without_group(story.configuration, 1), nodes=(node(1), cpd_server(9, 20)), switches=())
    story.load(replace(only, ocs=replace(only.ocs, connections=())))
    story.dialer.snapshot()
    story.advance(2 * MINUTE_MS)
    assert [2] == [view.group_id for view in story.dialer.snapshot().groups]


def test_dynamic_allocation_may_be_switched_on() -> None:
    story = dialing_story(group(1), group(2), dynamic=False, has_records=False)
    assert {1: None, 2: None} == story.maxima()
    story.load(replace(story.configuration, switches=(Switch(1, "switch", 100, True),)))
    assert {1: 50, 2: 50} == story.maxima()


# --- agents -------------------------------------------------------------------------------------------------------


def test_new_agent_may_sign_in_and_work() -> None:
    story = dialing_story(group(1), ready=[])
    old = story.configuration
    agents = (*old.agents, Agent(150, "agent150", "7150"))
    story.load(replace(old, agents=agents, agent_groups=(replace(old.agent_groups[0], agents=(101, 150)),)))
    assert 1 == len(story.agent_ready(150).said(Dial))


def test_agent_who_leaves_is_signed_out_and_forgotten() -> None:
    story = dialing_story(group(1, agents=2))
    story.load(without_agent(story.configuration, 101))
    assert [102] == [view.agent_id for view in story.dialer.snapshot().agents]
    assert {"7102": 102} == story.state.phones


def test_agent_who_leaves_during_a_conversation_finishes_it() -> None:
    story = dialing_story(group(1, agents=2))
    dial = talking(story)
    story.load(without_agent(story.configuration, 101))
    assert "talking" == story.agent(101).state
    assert 101 == story.ended(dial).the(SettleAttempt).agent_id
    assert "logged out" == story.agent(101).state
    story.tell(AgentLoggedIn(101, ""))
    assert "logged out" == story.agent(101).state, "there is no way back"
    story.load(story.configuration)
    assert [102] == [view.agent_id for view in story.dialer.snapshot().agents]


def test_agent_removed_in_after_call_work_is_forgotten_with_their_timer() -> None:
    story = dialing_story(group(1, agents=2, after_call_work_ms_max=10_000))
    story.ended(talking(story))
    story.load(without_agent(story.configuration, 101)).advance(MINUTE_MS)
    assert [102] == [view.agent_id for view in story.dialer.snapshot().agents]


def test_sign_out_in_after_call_work_ends_its_time_limit() -> None:
    story = dialing_story(group(1, agents=1, after_call_work_ms_max=10_000), group(2, agents=0, agents_of=1))
    story.ended(talking(story))
    story.advance(4_000).log_out(101)
    story.agent_ready(101)
    dial = next(each for each in story.ever(Dial)[::-1] if story.call_state(each) == "requested")
    story.person_answers(dial)
    story.agent_takes(dial)
    story.ended(dial)
    ends_ms = {1: 10_000, 2: 30_000}[dial.group_id]
    assert "after-call work" == story.advance(min(ends_ms, 7_000)).agent(101).state


def test_agent_who_used_two_phones_can_be_forgotten() -> None:
    story = dialing_story(group(1, agents=2), ready=[])
    story.tell(AgentLoggedIn(101, "900"))
    story.log_out(101)
    story.tell(AgentLoggedIn(101, "901"))
    story.load(without_agent(story.configuration, 101))
    story.tell(PhoneStateChanged(1, "900", PhoneState.BUSY), PhoneStateChanged(1, "901", PhoneState.BUSY))
    story.node_down(1)
    story.server_up(1)


def test_forgetting_an_agent_leaves_the_phone_to_its_new_owner() -> None:
    story = dialing_story(group(1, agents=2), ready=[])
    story.tell(AgentLoggedIn(101, "900"))
    story.log_out(101)
    story.tell(AgentLoggedIn(102, "900"), AgentBecameReady(102))
    story.load(without_agent(story.configuration, 101))
    assert "busy" == story.tell(PhoneStateChanged(1, "900", PhoneState.BUSY)).agent(102).phone_state


def test_engaged_agent_who_changes_groups_is_let_go() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, agents=2), group(2, agents=1), ready=[101])
    leg = story.the(Engage)
    story.engaged(leg)
    old = story.configuration
    agents = (replace(old.agent_groups[0], agents=(102,)), replace(old.agent_groups[1], agents=(201, 101)))
    story.load(replace(old, agent_groups=agents))
    assert leg.call_id == story.the(ReleaseEngaging).call_id
    assert [2] == [each.group_id for each in story.leg_ended(leg).said(Dial)]


def test_agent_who_changes_groups_during_a_conversation_is_let_go_after_it() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, agents=2), group(2, agents=1), ready=[101])
    leg = story.the(Engage)
    story.engaged(leg)
    dial = talking(story)
    old = story.configuration
    agents = (replace(old.agent_groups[0], agents=(102,)), replace(old.agent_groups[1], agents=(201, 101)))
    story.load(replace(old, agent_groups=agents))
    assert leg.call_id == story.ended(dial).the(ReleaseEngaging).call_id


def test_waiting_person_may_get_an_agent_who_has_just_joined_the_group() -> None:
    story = dialing_story(group(1, call_wait_in_queue_ms_max=60_000), group(2), ready=[101, 201])
    dial = next(each for each in story.ever(Dial) if each.group_id == 1)
    story.agent_not_ready(101)
    story.person_answers(dial)
    old = story.configuration
    agents = (replace(old.agent_groups[0], agents=(101, 201)), replace(old.agent_groups[1], agents=()))
    story.load(replace(old, agent_groups=agents))
    assert 201 == story.the(Transfer).agent_id


# --- campaign groups ----------------------------------------------------------------------------------------------


def test_new_group_can_be_started() -> None:
    story = dialing_story(group(1), ready=[])
    larger = configuration(group(1), group(2))
    story.load(larger).agent_ready(201)
    assert "stopped" == story.group(2).state
    assert [2] == [each.group_id for each in story.start(2).said(Dial)]


def test_group_that_leaves_is_stopped_and_forgotten_when_its_calls_are_over() -> None:
    story = dialing_story(group(1), group(2))
    dial = talking(story)
    story.load(without_group(story.configuration, 1))
    assert ("stopping", "connected") == (story.group(1).state, story.call_state(dial))
    assert {"the group was stopped"} == {each.reason for each in story.said(ReturnRecord)}
    assert CallResult.ANSWER is story.ended(dial).the(SettleAttempt).call_result
    story.load(story.configuration)
    assert [2] == [view.group_id for view in story.dialer.snapshot().groups]


def test_group_without_calls_is_forgotten_at_once() -> None:
    story = dialing_story(group(1), group(2), ready=[])
    story.load(without_group(story.configuration, 1))
    assert [2] == [view.group_id for view in story.dialer.snapshot().groups]
    assert 0 == story.state.pools[SWITCH].used_by(1)


def test_group_that_left_cannot_be_started() -> None:
    story = dialing_story(group(1))
    talking(story)
    story.load(without_group(story.configuration, 1))
    assert Reply(2, ok=False, code="not_found", message="there is no campaign group 1") == story.start(1).the(Reply)
    assert [] == story.said(FetchRecords)


def test_group_that_returns_before_its_last_call_is_over_is_the_same_group() -> None:
    story = dialing_story(group(1))
    dial = talking(story)
    both = story.configuration
    story.load(without_group(both, 1)).load(both)
    assert story.start(1).the(Reply).ok
    story.ended(dial)
    assert ("running", 1) == (story.group(1).state, story.group(1).counts.attempts)


def test_number_of_ports_counts_from_the_reload_on() -> None:
    story = dialing_story(group(1, agents=9), ready=[101, 102, 103])
    story.load(with_group(story.configuration, 1, number_of_cpd_ports=2))
    assert 2 == story.group().ports.maximum_ports
    assert [] == story.agent_ready(104).said(Dial)
    assert 3 == story.group().ports.used_ports, "calls in progress keep theirs"


def test_group_may_get_other_agents() -> None:
    story = dialing_story(group(1), group(2), ready=[])
    story.stop(2).agent_ready(201)
    story.load(with_group(story.configuration, 1, agent_group=2))
    assert 1 == story.group(1).agents_logged_in
    assert 1 == sum(each.group_id == 1 for each in story.said(Dial))


def test_mode_of_another_family_waits_until_the_group_is_stopped() -> None:
    story = dialing_story(group(1, maximum_queue_size=2))
    story.load(with_group(story.configuration, 1, dialing_mode=Mode.POWER_GVP))
    assert Mode.PROGRESSIVE is story.group().mode
    story.stop(1)
    story.ended(*story.state.attempts)
    assert ("stopped", Mode.POWER_GVP) == (story.group().state, story.group().mode)


def test_mode_that_waited_is_given_up_when_the_configuration_takes_it_back() -> None:
    story = dialing_story(group(1, maximum_queue_size=2))
    before = story.configuration
    story.load(with_group(before, 1, dialing_mode=Mode.POWER_GVP)).load(before)
    story.stop(1)
    story.ended(*story.state.attempts)
    assert Mode.PROGRESSIVE is story.group().mode


def test_mode_that_an_operator_chose_survives_a_reload() -> None:
    story = dialing_story(group(1))
    story.change_mode(Mode.PREDICTIVE).load(with_group(story.configuration, 1, number_of_cpd_ports=5))
    assert Mode.PREDICTIVE is story.group().mode


def test_overdial_target_reaches_the_budget() -> None:
    story = dialing_story(group(1, Mode.PREDICTIVE))
    story.load(with_group(story.configuration, 1, overdial_ratio_max=0.1))
    assert 0.1 == story.state.groups[1].budget.target


def test_agents_of_a_removed_group_are_expected_by_nobody() -> None:
    story = dialing_story(group(1, Mode.PREDICTIVE, agents=1), group(2, agents=1))
    talking(story)
    odds = story.state.agent_groups[1].odds
    assert 1 == odds.count()
    story.load(without_agent(story.configuration, 101))
    assert 0 == odds.count(), "who leaves after the conversation is not counted on"


def test_what_was_learned_survives_a_reload() -> None:
    story = dialing_story(group(1, Mode.PREDICTIVE))
    odds, agents = story.state.groups[1].odds, story.state.agent_groups[1].odds
    story.load(with_group(story.configuration, 1, number_of_cpd_ports=5))
    assert odds is story.state.groups[1].odds
    assert agents is story.state.agent_groups[1].odds


@pytest.mark.parametrize("change", ["removed", "stopped"])
def test_record_on_offer_is_taken_back_when_its_group_goes(change: str) -> None:
    story = dialing_story(group(1, Mode.PUSH_PREVIEW))
    offer = story.the(OfferRecord)
    story.load(without_group(story.configuration, 1)) if change == "removed" else story.stop(1)
    assert 101 == story.the(WithdrawOffer).agent_id
    assert offer.record.record_id in [each.record_id for each in story.said(ReturnRecord)]


# --- lists and campaigns ------------------------------------------------------------------------------------------


def test_list_that_leaves_gives_its_records_back() -> None:
    story = dialing_story(group(1), ready=[], has_records=False)
    story.fetched(chain(1), chain(2))
    old = story.configuration
    lists = (replace(old.calling_lists[0], dbid=2, name="other"),)
    story.load(replace(old, calling_lists=lists, campaigns=(replace(old.campaigns[0], lists=((2, 10),)),)))
    story.agent_ready(101)
    assert [] == story.said(Dial)
    assert [1, 2] == [each.record_id for each in story.said(ReturnRecord)]
    assert ((2, 10),) == story.advance(10 * SECOND_MS).said(FetchRecords)[0].lists, "when the last question is over"


def test_treatments_count_from_the_reload_on() -> None:
    story = dialing_story(group(1), has_records=False)
    dial = story.fetched(chain(1)).the(Dial)
    rules = (treatment(CallResult.BUSY, TreatmentAction.RETRY_IN, MINUTE_MS),)
    old = story.configuration
    story.load(replace(old, calling_lists=(replace(old.calling_lists[0], treatments=rules),)))
    story.accepted(dial)
    assert TreatmentAction.RETRY_IN is story.ended(dial, sip=486).the(SettleAttempt).disposition.action


def test_call_of_a_list_that_left_is_settled_without_treatment() -> None:
    story = dialing_story(group(1), has_records=False)
    dial = story.fetched(chain(1)).the(Dial)
    old = story.configuration
    lists = (replace(old.calling_lists[0], dbid=2, name="other"),)
    story.load(replace(old, calling_lists=lists, campaigns=(replace(old.campaigns[0], lists=((2, 10),)),)))
    story.accepted(dial)
    assert TreatmentAction.DONE is story.ended(dial, sip=486).the(SettleAttempt).disposition.action


def test_calling_hours_count_from_the_reload_on() -> None:
    story = dialing_story(group(1), ready=[])
    old = story.configuration
    closed = replace(old.calling_lists[0], daily_from_s=20 * 3_600, daily_till_s=21 * 3_600)
    story.has_records = False
    story.load(replace(old, calling_lists=(closed,)))
    assert [] == story.agent_ready(101).said(Dial)
    assert {"calling hours 20:00:00 to 21:00:00, now 12:00:01 (UTC)"} == {
        each.reason for each in story.said(ReturnRecord)
    }


def test_do_not_call_numbers_of_a_reload_count_at_once() -> None:
    story = dialing_story(group(1), ready=[], has_records=False)
    story.fetched(chain(1), chain(2))
    story.load(replace(story.configuration, do_not_call=("+15550000001",)))
    assert [2] == [each.record_id for each in story.agent_ready(101).said(Dial)]
    story.advance(SECOND_MS)
