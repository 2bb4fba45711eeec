"""Load balancing in a SIP cluster, through a running dialer: whose turn it is, who stops when a node is lost, and what
becomes of calls on lost nodes.

The outer contract of the guide's chapter (every row of its failure matrix, for regular, GVP and seizing groups), and
our own options beyond it: promotion, least loaded, drain, call rate, slow start, outlier ejection.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from dialing_story import (
    BACKUP,
    SWITCH,
    Story,
    chain,
    configuration,
    cpd_server,
    dialing_story,
    group,
    node,
    number_of,
)
from outdial.core.commands import (
    Connect,
    Dial,
    Disconnect,
    Engage,
    Join,
    OfferRecord,
    QueryCalls,
    Release,
    ReleaseEngaging,
    Reply,
    ReturnRecord,
    SettleAttempt,
    SubscribePhones,
    Transfer,
    WithdrawOffer,
)
from outdial.core.events import (
    CallPhase,
    CallsReported,
    ConfigurationLoaded,
    PhoneState,
    PreviewAccepted,
    ServerConnected,
    ServerLost,
)
from outdial.core.modes import DialingMode as Mode
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import LoadBalancing, PrimeNodeLoss
from outdial.core.units import MINUTE_MS, SECOND_MS

REGULAR = [Mode.PROGRESSIVE, Mode.PREDICTIVE]
GVP = [Mode.PROGRESSIVE_GVP, Mode.PREDICTIVE_GVP, Mode.POWER_GVP]
SEIZING = [Mode.PROGRESSIVE_SEIZING, Mode.PREDICTIVE_SEIZING]
BALANCED = pytest.mark.parametrize("mode", [*REGULAR, *GVP])
PINNED = pytest.mark.parametrize("mode", SEIZING)
EVERY = pytest.mark.parametrize("mode", [*REGULAR, *GVP, *SEIZING])


def balanced(mode: Mode, calls: int, *, call_progress_detection: bool = True, **rest: object) -> Story:
    """A group that has just dialed `calls` times."""
    agents = 0 if mode is Mode.POWER_GVP else calls
    settings = {"maximum_queue_size": calls, "call_progress_detection": call_progress_detection}
    return dialing_story(group(1, mode, agents=agents, **settings), **rest)


def one_after_the_other(story: Story, count: int) -> list[int]:
    """End the oldest call `count` times, which makes the group dial again each time. Returns the nodes."""
    nodes = []
    for _ in range(count):
        oldest = next(story.dials[call_id] for call_id in sorted(story.dials) if call_id in story.state.attempts)
        story.accepted(oldest)
        story.ended(oldest, sip=486)
        nodes += story.nodes_dialed()
    return nodes


# --- whose turn it is ---------------------------------------------------------------------------------------------


@BALANCED
def test_requests_go_to_all_nodes_in_turn(mode: Mode) -> None:
    story = balanced(mode, 7)
    assert [1, 2, 3, 1, 2, 3, 1] == story.nodes_dialed()
    assert [3, 2, 2] == [story.node(number).requests for number in (1, 2, 3)]


def test_turn_follows_the_order_of_the_connections() -> None:
    story = balanced(Mode.PROGRESSIVE, 4, connections=(3, 1, 2))
    assert [3, 1, 2, 3] == story.nodes_dialed()


def test_all_groups_share_one_turn() -> None:
    story = dialing_story(group(1, agents=2), group(2, agents=1), group(3, Mode.POWER_GVP, agents=0), ready=[])
    assert [1, 2] == [dial.node_id for dial in story.ever(Dial)]
    assert [3] == story.agent_ready(101).nodes_dialed()
    assert [1] == story.agent_ready(201).nodes_dialed()
    assert [2] == story.agent_ready(102).nodes_dialed()


def test_turn_waits_while_there_is_nothing_to_dial() -> None:
    story = balanced(Mode.PROGRESSIVE, 2, has_records=False)
    assert [] == story.advance(10 * SECOND_MS).nodes_dialed()
    assert [1] == story.fetched(chain(1)).nodes_dialed()
    story.advance(10 * SECOND_MS)
    assert [2] == story.fetched(chain(2)).nodes_dialed()


@BALANCED
def test_inactive_node_is_passed_over_and_used_on_the_round_after_its_return(mode: Mode) -> None:
    story = balanced(mode, 3)
    story.node_down(2)
    assert "inactive" == story.node(2).state
    for dial in (call for call in story.ever(Dial) if call.node_id == 2):
        story.ended(dial)
    nodes = one_after_the_other(story, 5)
    assert 2 not in nodes
    assert all(before != after for before, after in pairwise(nodes)), "1 and 3 in turn"
    if 3 == nodes[-1]:
        nodes += one_after_the_other(story, 1)
    story.server_up(2)
    assert [2, 3, 1, 2, 3, 1] == one_after_the_other(story, 6)


def test_node_that_returns_after_its_turn_waits_for_the_next_round() -> None:
    story = balanced(Mode.PROGRESSIVE, 3)
    story.node_down(2)
    [dial] = [call for call in story.ever(Dial) if call.node_id == 2]
    story.ended(dial)
    assert 1 == story.state.rotation.cursor, "node 1 took the call instead"
    assert [3] == one_after_the_other(story, 1), "node 2 was passed over"
    story.server_up(2)
    assert [1, 2, 3] == one_after_the_other(story, 3)


def test_no_node_in_turn_is_the_prime_nodes_privilege() -> None:
    """Without load balancing everything goes to the prime node, whatever the agent group says."""
    story = dialing_story(
        group(1, agents=3), group(2, Mode.PROGRESSIVE_SEIZING, dial_node=3), balancing=LoadBalancing.NONE, prime=2
    )
    assert [2, 2, 2] == story.nodes_dialed()
    assert 2 == story.the(Engage).node_id


# --- primary and backup -------------------------------------------------------------------------------------------


@EVERY
def test_backup_takes_over_and_the_node_stays_active(mode: Mode) -> None:
    story = Story(configuration(group(1, mode, agents=2, dial_node=2), nodes=[node(2)], prime=2))
    assert [102] == [each.server_id for each in story.server_down(2).said(Connect)]
    assert ("on backup", 102, True) == (story.node(2).state, story.node(2).server_id, story.node(2).is_prime)
    assert () == story.dialer.snapshot().stops
    story.start(1).agent_ready(101, 102)
    requests = [*story.ever(Dial), *story.ever(Engage)]
    assert {(2, 102)} == {(each.node_id, each.server_id) for each in requests}


def test_nothing_is_dialed_between_the_loss_of_the_primary_and_the_answer_of_the_backup() -> None:
    story = Story(configuration(group(1), nodes=1), unreachable=[101])
    story.start(1).tell(ServerLost(1, "ping missed"))
    assert ("inactive", ("prime node node 1 is lost: all dialing is stopped",)) == (
        story.node(1).state,
        story.dialer.snapshot().stops,
    )
    assert [] == story.agent_ready(101).said(Dial)
    assert [(1, 101)] == [(each.node_id, each.server_id) for each in story.server_up(101).said(Dial)]


def test_primary_that_returns_stands_by() -> None:
    """Going back at once would drop calls for nothing."""
    story = balanced(Mode.PROGRESSIVE, 3)
    story.server_down(2)
    story.server_up(2)
    assert ("on backup, primary stands by", 102) == (story.node(2).state, story.node(2).server_id)
    assert [2] == [each.server_id for each in story.said(QueryCalls)], "it may still have calls from before"


def test_primary_that_stands_by_takes_over_at_once() -> None:
    story = balanced(Mode.PROGRESSIVE, 3)
    story.server_down(2)
    story.server_up(2)
    story.server_down(102)
    assert ("on primary", 2) == (story.node(2).state, story.node(2).server_id)
    assert [2] == [each.server_id for each in story.said(QueryCalls)], "and is asked for our calls"


def test_lost_servers_are_tried_again_and_again() -> None:
    story = balanced(Mode.PROGRESSIVE, 1)
    story.node_down(2)
    tries = [each.server_id for each in story.advance(10 * SECOND_MS).said(Connect)]
    assert {2, 102} == set(tries)
    assert 5 <= tries.count(2) and 4 <= tries.count(102)


def test_connection_that_never_answers_is_given_up_and_tried_again() -> None:
    story = Story(configuration(group(1), nodes=1), load=False)
    commands = story.dialer.step(story.now, ConfigurationLoaded(story.configuration))
    assert Connect(1) in commands
    assert [] == story.advance(9_999).commands
    assert [Disconnect(1), Connect(1)] == story.advance(1).commands[:2]
    assert "on primary" == story.node(1).state


# --- a node is lost: regular and GVP groups -------------------------------------------------------------------------


@BALANCED
def test_loss_of_another_node_leaves_regular_groups_dialing(mode: Mode) -> None:
    story = balanced(mode, 3)
    story.node_down(3)
    assert () == story.dialer.snapshot().stops
    assert {1, 2} == set(one_after_the_other(story, 4))


@EVERY
def test_loss_of_the_prime_node_stops_all_dialing_with_its_reason(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=3, maximum_queue_size=3, dial_node=2))
    story.node_down(1)
    assert ("prime node node 1 is lost: all dialing is stopped",) == story.dialer.snapshot().stops
    assert ("prime node lost: node 1",) == story.group().holds
    assert story.dialer.snapshot().prime_node_id is None
    story.said(Dial)
    for call in [each for each in story.ever(Dial) if each.node_id != 1]:
        story.accepted(call)
        story.ended(call, sip=486)
        assert [] == story.said(Dial)
    assert [] == [each for each in story.advance(MINUTE_MS).commands if isinstance(each, Dial | Engage)]


def test_loss_of_the_prime_node_leaves_calls_on_other_nodes_alone() -> None:
    story = balanced(Mode.PROGRESSIVE, 3)
    ringing, talking = (each for each in story.ever(Dial) if each.node_id != 1)
    story.person_answers(talking)
    story.agent_takes(talking)
    story.node_down(1)
    assert ("requested", "connected") == (story.call_state(ringing), story.call_state(talking))
    assert CallResult.ANSWER is story.ended(talking).the(SettleAttempt).call_result
    story.accepted(ringing)
    assert CallResult.BUSY is story.ended(ringing, sip=486).the(SettleAttempt).call_result


@BALANCED
def test_return_of_the_prime_node_resumes_dialing(mode: Mode) -> None:
    story = balanced(mode, 2)
    story.node_down(1)
    for dial in story.ever(Dial):
        story.ended(dial)
    story.server_up(1)
    assert () == story.dialer.snapshot().stops
    assert 2 == len(story.said(Dial))


def test_nothing_is_dialed_while_there_is_no_prime_node_at_all() -> None:
    story = dialing_story(group(1), prime=77)
    assert [] == story.ever(Dial)
    assert ("prime node none configured is lost: all dialing is stopped",) == story.dialer.snapshot().stops


def test_first_connection_is_the_prime_node_when_none_is_named() -> None:
    assert 2 == dialing_story(group(1), prime=None, connections=(2, 1, 3)).dialer.snapshot().prime_node_id


# --- a node is lost: seizing groups ---------------------------------------------------------------------------------


@PINNED
def test_seizing_group_uses_its_dialer_node_for_both_kinds_of_calls(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=3, dial_node=2))
    assert [2, 2, 2] == [each.node_id for each in story.said(Engage)]
    assert [2, 2, 2] == story.engaged(*story.said(Engage)).nodes_dialed()
    assert 2 == story.group().node_id


@PINNED
@pytest.mark.parametrize("dial_node", [None, 77, 4], ids=["not set", "unknown", "not among the connections"])
def test_seizing_group_without_a_usable_dialer_node_dials_on_the_prime_node(mode: Mode, dial_node: int | None) -> None:
    story = dialing_story(group(1, mode, dial_node=dial_node), nodes=4, connections=(1, 2, 3), prime=3)
    assert 3 == story.the(Engage).node_id
    assert [3] == story.engaged(story.the(Engage)).nodes_dialed()


@PINNED
def test_loss_of_the_dialer_node_stops_its_groups_only(mode: Mode) -> None:
    story = dialing_story(
        group(1, mode, dial_node=2), group(2, mode, dial_node=3), group(3, mode), group(4, agents=2), ready=[]
    )
    story.node_down(2)
    assert ("dialer node lost: node 2",) == story.group(1).holds
    story.agent_ready(101, 201, 301, 401)
    assert {2: 3, 3: 1} == {each.group_id: each.node_id for each in story.said(Engage)}, "no failover to the prime node"
    assert [4] == [each.group_id for each in story.said(Dial)]
    assert 2 == story.group(1).node_id


@PINNED
def test_return_of_the_dialer_node_resumes_its_groups(mode: Mode) -> None:
    story = dialing_story(group(1, mode, dial_node=2), ready=[])
    story.node_down(2)
    assert [] == story.agent_ready(101).said(Engage)
    story.server_up(102)
    assert (2, 102) == (story.the(Engage).node_id, story.the(Engage).server_id)
    assert () == tuple(hold for hold in story.group().holds if "lost" in hold)


@PINNED
def test_loss_of_the_prime_node_stops_a_seizing_group_whose_own_node_lives(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=2, dial_node=2), ready=[101])
    leg = story.the(Engage)
    [dial] = story.engaged(leg).said(Dial)
    story.node_down(1)
    assert [] == story.agent_ready(102).said(Engage)
    story.person_answers(dial)
    assert leg.call_id == story.the(Join).engaging_call_id, "calls on the other nodes live on"
    story.agent_takes(dial)
    story.ended(dial)
    assert [] == story.agent_ready(101).said(Dial)
    story.server_up(1)
    assert [2] == story.nodes_dialed()
    assert [2] == [each.node_id for each in story.said(Engage)], "and the second agent is engaged"


def test_loss_of_a_cpd_server_stops_its_groups_only() -> None:
    story = dialing_story(
        group(1, cpd_server=9, agents=2), group(2, agents=2), nodes=(node(1), node(2), cpd_server(9, 50)), ready=[]
    )
    assert [9] == story.agent_ready(101).nodes_dialed()
    story.node_down(9)
    assert ("dialer node lost: cpd 9",) == story.group(1).holds
    assert [1, 2] == story.agent_ready(201, 202).nodes_dialed()
    assert [] == story.agent_ready(102).nodes_dialed()
    assert [9, 9] == story.server_up(9).nodes_dialed()


# --- agent events -------------------------------------------------------------------------------------------------


def test_phones_are_followed_on_the_prime_node_only() -> None:
    story = dialing_story(group(1, agents=2), prime=2, ready=[])
    story.agent_ready(101)
    assert [(2, 2, ("7101",))] == [(each.node_id, each.server_id, each.phones) for each in story.said(SubscribePhones)]


def test_agent_events_of_other_nodes_are_ignored_and_counted() -> None:
    story = dialing_story(group(1), prime=2, ready=[])
    story.agent_ready(101)
    assert "busy" == story.phone(101, PhoneState.BUSY, node_id=2).agent(101).phone_state
    assert "busy" == story.phone(101, PhoneState.IDLE, node_id=1).agent(101).phone_state
    assert 1 == story.dialer.snapshot().ignored_dn_events


def test_phones_are_unknown_while_the_prime_node_is_lost_and_asked_for_when_it_is_back() -> None:
    story = dialing_story(group(1, agents=2), has_records=False)
    story.node_down(1)
    assert ["unknown", "unknown"] == [story.agent(number).phone_state for number in (101, 102)]
    story.server_up(101)
    assert (1, 101, ("7101", "7102")) == (
        story.said(SubscribePhones)[0].node_id,
        story.said(SubscribePhones)[0].server_id,
        story.said(SubscribePhones)[0].phones,
    )
    assert ["idle", "idle"] == [story.agent(number).phone_state for number in (101, 102)]


def test_person_on_another_node_does_not_get_an_agent_of_whose_phone_nobody_knows() -> None:
    """The prime node is lost with the call that an agent was on the way to; a person on node 2 waits."""
    story = dialing_story(group(1, agents=2, call_wait_in_queue_ms_max=60_000), nodes=2)
    on_prime, other = story.ever(Dial)
    story.person_answers(on_prime)
    story.agent_not_ready(102)
    story.person_answers(other)
    assert ("connecting", "waiting") == (story.call_state(on_prime), story.call_state(other))
    assert [] == story.node_down(1).said(Transfer)
    assert other.call_id == story.server_up(101).the(Transfer).call_id, "when the phones are known again"


# --- past the guide: promotion ------------------------------------------------------------------------------------


def promoting(*groups: tuple, **rest: object) -> Story:
    """A story with `prime-node-loss = promote`."""
    return dialing_story(*groups, prime_node_loss=PrimeNodeLoss.PROMOTE, **rest)


def test_promotion_makes_the_first_active_node_the_prime_node() -> None:
    story = promoting(group(1, agents=3), ready=[101])
    story.node_down(2)
    story.node_down(1)
    assert 3 == story.dialer.snapshot().prime_node_id
    assert () == story.dialer.snapshot().stops
    assert [(3, ("7101",))] == [(each.node_id, each.phones) for each in story.said(SubscribePhones)]
    assert [3] == story.agent_ready(102).nodes_dialed()
    assert "busy" == story.phone(101, PhoneState.BUSY, node_id=3).agent(101).phone_state


def test_promoted_node_keeps_the_role() -> None:
    story = promoting(group(1, agents=3), ready=[])
    story.node_down(1)
    story.server_up(1)
    assert 2 == story.dialer.snapshot().prime_node_id
    assert [2] == [each.node_id for each in story.log_in(101).said(SubscribePhones)]
    story.node_down(2)
    assert 1 == story.dialer.snapshot().prime_node_id


def test_promotion_needs_an_active_node() -> None:
    story = promoting(group(1), nodes=2)
    story.node_down(2)
    story.node_down(1)
    assert ("no active node can take the place of prime node node 1: all dialing is stopped",) == (
        story.dialer.snapshot().stops
    )
    story.server_up(102)
    assert 2 == story.dialer.snapshot().prime_node_id


def test_promotion_moves_seizing_groups_without_a_dialer_node() -> None:
    story = promoting(group(1, Mode.PROGRESSIVE_SEIZING, agents=2), ready=[])
    story.node_down(1)
    assert 2 == story.agent_ready(101).the(Engage).node_id


def test_promotion_never_joins_legs_of_two_nodes() -> None:
    """The old prime node returns with an engaged agent while customers are dialed on the new one."""
    story = promoting(group(1, Mode.PROGRESSIVE_SEIZING))
    leg = story.the(Engage)
    [old] = story.engaged(leg).said(Dial)
    story.node_down(1)
    story.server_up(1)
    story.report(1, (leg, CallPhase.CONNECTED), (old, CallPhase.ALERTING))
    story.leg_ended(leg)
    story.advance(SECOND_MS)
    for engage in story.ever(Engage)[1:]:
        story.engaged(engage)
    for dial in story.ever(Dial):
        if story.call_state(dial) != "settled":
            story.verdict(Verdict.PERSON, dial)
    assert all(
        story.dials[join.call_id].node_id == story.engages[join.engaging_call_id].node_id for join in story.ever(Join)
    )


# --- past the guide: least loaded ---------------------------------------------------------------------------------


def least_loaded(calls: int, **rest: object) -> Story:
    """A group of regular mode on two nodes that has dialed `calls` times."""
    return balanced(Mode.PROGRESSIVE, calls, balancing=LoadBalancing.LEAST_LOADED, nodes=2, **rest)


def test_least_loaded_takes_the_largest_free_share() -> None:
    story = least_loaded(8, total_ports={1: 10, 2: 30})
    assert [1, 2, 2, 2, 1, 2, 2, 2] == story.nodes_dialed()


def test_least_loaded_goes_in_turn_when_all_are_alike() -> None:
    assert [1, 2, 1, 2] == least_loaded(4).nodes_dialed()


def test_least_loaded_prefers_the_node_whose_calls_ended() -> None:
    story = least_loaded(4)
    for dial in story.ever(Dial):
        if dial.node_id == 2:
            story.accepted(dial)
            assert [2] == story.ended(dial, sip=486).nodes_dialed()


def test_least_loaded_passes_over_nodes_that_take_no_requests() -> None:
    story = least_loaded(2)
    story.drain(1)
    assert [2, 2] == one_after_the_other(story, 2)


# --- past the guide: drain ----------------------------------------------------------------------------------------


def test_draining_node_gets_no_new_requests_and_keeps_its_calls() -> None:
    story = balanced(Mode.PROGRESSIVE, 3)
    assert Reply(2, ok=True) == story.drain(2).the(Reply)
    assert ("draining", "node is draining", 1) == (story.node(2).admin, story.node(2).note, story.node(2).calls)
    assert {1, 3} == set(one_after_the_other(story, 6))
    story.enable(2)
    assert 2 in one_after_the_other(story, 3)


@PINNED
def test_draining_dialer_node_stops_its_groups(mode: Mode) -> None:
    story = dialing_story(group(1, mode, agents=2, dial_node=2), ready=[101])
    [dial] = story.engaged(story.the(Engage)).said(Dial)
    story.drain(2)
    assert [] == story.agent_ready(102).said(Engage)
    story.accepted(dial)
    assert [] == story.ended(dial, sip=486).said(Dial)
    assert ("no node takes requests: node is draining",) == story.group().holds
    story.enable(2)
    assert [2] == story.nodes_dialed()


def test_draining_prime_node_still_says_what_phones_do() -> None:
    story = balanced(Mode.PROGRESSIVE, 1)
    story.drain(1)
    assert "busy" == story.phone(101, PhoneState.BUSY).agent(101).phone_state
    assert 1 == story.dialer.snapshot().prime_node_id


def test_draining_prime_node_gets_no_preview_calls() -> None:
    story = dialing_story(group(1, Mode.PUSH_PREVIEW))
    assert 1 == len(story.said(OfferRecord))
    story.drain(1)
    story.tell(PreviewAccepted(101))
    assert [] == story.said(Dial)
    assert "node is draining" == story.the(WithdrawOffer).reason


def test_all_nodes_draining_is_a_reason() -> None:
    story = balanced(Mode.PROGRESSIVE, 1, nodes=2)
    story.drain(1)
    story.drain(2)
    assert [] == one_after_the_other(story, 1)
    assert ("no node takes requests: node is draining",) == story.group().holds


def test_drain_requests_are_answered() -> None:
    story = Story(configuration(group(1)))
    assert Reply(1, ok=False, code="not_found", message="there is no node 9") == story.drain(9).the(Reply)
    assert story.drain(2).the(Reply).ok
    assert Reply(3, ok=False, code="conflict", message="node node 2 is already draining") == story.drain(2).the(Reply)
    assert story.enable(2).the(Reply).ok
    assert Reply(5, ok=False, code="conflict", message="node node 2 is already enabled") == story.enable(2).the(Reply)


# --- past the guide: call rate, slow start, room --------------------------------------------------------------------


@pytest.mark.parametrize("rate, at_once, in_a_second", [(1, 1, 1), (2, 1, 2), (10, 1, 10), (50, 5, 50)])
def test_node_gets_no_more_requests_than_its_call_rate(rate: int, at_once: int, in_a_second: int) -> None:
    story = Story(configuration(group(1, agents=99, maximum_queue_size=90), nodes=[node(1, call_rate_max=rate)]))
    story.change_mode(Mode.POWER_GVP).advance(SECOND_MS).start(1)
    assert at_once == len(story.said(Dial))
    if at_once < 90:
        assert ("no node takes requests: call rate limit of the nodes",) == story.group().holds
    assert in_a_second == len(story.advance(SECOND_MS).said(Dial))


def test_call_rate_of_one_node_lets_the_others_take_the_requests() -> None:
    story = balanced(Mode.PROGRESSIVE, 5, nodes=[node(1, call_rate_max=1), node(2)])
    assert [1, 2, 2, 2, 2] == [dial.node_id for dial in story.ever(Dial)][:5]


def test_node_that_returns_starts_slowly() -> None:
    nodes = [node(1), node(2, call_rate_max=20, slow_start_ms=10_000)]
    story = Story(configuration(group(1, Mode.POWER_GVP, agents=0, maximum_queue_size=500), nodes=nodes, ports=1_000))
    story.drain(1).node_down(2).start(1)
    assert [] == story.said(Dial)
    story.server_up(102)
    counts = [len(story.said(Dial)) + len(story.advance(SECOND_MS).said(Dial))]
    counts += [len(story.advance(SECOND_MS).said(Dial)) for _ in range(11)]
    assert counts[0] <= 4, "a tenth of its rate"
    assert sorted(counts[1:]) == counts[1:]
    assert [20, 20] == counts[-2:]


def test_node_takes_no_more_calls_than_the_ports_it_reports() -> None:
    story = balanced(Mode.PROGRESSIVE, 8, nodes=2, total_ports={1: 2, 2: 9})
    assert [1, 2, 1, 2, 2, 2, 2, 2] == story.nodes_dialed()


def test_group_that_waits_for_room_on_a_node_dials_when_a_call_of_another_group_ends() -> None:
    story = dialing_story(
        group(1, agents=1), group(2, agents=3), nodes=2, dynamic=False, total_ports={1: 3, 2: 3}, ready=[]
    )
    story.drain(2).agent_ready(201, 202, 203)
    calls = story.said(Dial)
    assert [] == story.agent_ready(101).said(Dial)
    assert ("no node takes requests: nodes are full",) == story.group(1).holds
    story.agent_not_ready(201, 202, 203)
    story.accepted(calls[0])
    assert [1] == [dial.group_id for dial in story.ended(calls[0], sip=486).said(Dial)]


def test_node_that_refuses_for_want_of_ports_gets_no_more_than_it_carries_and_then_one_more() -> None:
    story = balanced(Mode.POWER_GVP, 6, nodes=1)
    first, second, *others = story.said(Dial)
    story.accepted(first, second)
    for dial in others:
        story.rejected(dial, congested=True)
    assert [] == story.said(Dial)
    assert ("no node takes requests: nodes are full",) == story.group().holds
    assert 1 == len(story.advance(2 * SECOND_MS).said(Dial))


def test_record_that_a_full_node_refused_is_not_used_up() -> None:
    story = balanced(Mode.PROGRESSIVE, 1, nodes=1, has_records=False)
    [dial] = story.fetched(chain(1)).said(Dial)
    settled = story.rejected(dial, congested=True).the(SettleAttempt)
    assert (CallResult.NO_FREE_PORT, Fault.NODE) == (settled.call_result, settled.fault)
    assert story.utc_ms + MINUTE_MS == settled.disposition.not_before_utc_ms


# --- past the guide: outliers -------------------------------------------------------------------------------------


def failing_node(rounds: int, **options: object) -> Story:
    """A group whose requests to node 2 are all refused."""
    story = balanced(Mode.PROGRESSIVE, 30, **options)
    story.check = False  # thousands of steps; what they do is checked elsewhere
    for _ in range(rounds):
        for dial in [story.dials[call_id] for call_id in list(story.state.attempts)]:
            if dial.node_id == 2:
                story.rejected(dial)
            else:
                story.accepted(dial)
                story.ended(dial, sip=486)
    return story


def test_node_that_fails_far_more_than_the_others_is_left_out() -> None:
    story = failing_node(3, node_outlier_ejection=True)
    assert ["", "nodes are left out for failures", ""] == [story.node(number).note for number in (1, 2, 3)]
    assert {1, 3} == set(one_after_the_other(story, 8))
    story.ended(*story.state.attempts)
    story.agent_not_ready(*story.state.agents)
    story.ended(*story.state.attempts)
    story.advance(35 * SECOND_MS)
    assert "" == story.node(2).note
    assert [1, 2, 3] == sorted(story.agent_ready(101, 102, 103).nodes_dialed()), "after a while it is tried again"


def test_failing_node_is_used_like_any_other_by_default() -> None:
    story = failing_node(3)
    assert ["", "", ""] == [story.node(number).note for number in (1, 2, 3)]
    assert 20 <= story.node(2).faults


# --- calls of a lost node -----------------------------------------------------------------------------------------

Bring = Callable[[Story, Dial], object]


def _waits(story: Story, dial: Dial) -> None:
    story.agent_not_ready(101, 102, 103)
    story.person_answers(dial)


def _answers(story: Story, dial: Dial) -> None:
    story.accepted(dial)
    story.answered(dial)


def _talks(story: Story, dial: Dial) -> None:
    story.person_answers(dial)
    story.agent_takes(dial)


def _in_ivr(story: Story, dial: Dial) -> None:
    story.person_answers(dial)
    story.ivr_takes(dial)


def _rings(story: Story, dial: Dial) -> None:
    story.accepted(dial)
    story.rings(dial)


def _being_released(story: Story, dial: Dial) -> None:
    story.picked_up(Verdict.MACHINE, dial)


PHASES: dict[str, Bring] = {
    "requested": lambda story, dial: None,
    "proceeding": lambda story, dial: story.accepted(dial),
    "alerting": _rings,
    "answered": _answers,
    "waiting": _waits,
    "connecting": lambda story, dial: story.person_answers(dial),
    "connected": _talks,
    "in ivr": _in_ivr,
    "releasing": _being_released,
}


def in_phase(phase: str) -> tuple[Story, Dial]:
    """A call on node 2, which is not the prime node, in a phase; the lists have nothing more."""
    mode = Mode.PROGRESSIVE_GVP if phase == "in ivr" else Mode.PROGRESSIVE
    story = dialing_story(group(1, mode, agents=3), nodes=2, has_records=False)
    story.fetched(chain(1), chain(2), exhausted=True)
    dial = next(each for each in story.said(Dial) if each.node_id == 2)
    PHASES[phase](story, dial)
    assert phase == story.call_state(dial)
    return story, dial


@pytest.mark.parametrize("phase", PHASES)
def test_call_on_a_lost_node_keeps_its_record_until_its_fate_is_known(phase: str) -> None:
    story, dial = in_phase(phase)
    story.node_down(2)
    assert "lost" == story.call_state(dial)
    assert [] == story.said(SettleAttempt)
    story.agent_ready(101, 102, 103)
    story.fetched(chain(50, number=dial.number))
    assert [] == story.said(Dial)
    assert ["its number is in another call"] == [each.reason for each in story.said(ReturnRecord)]


@pytest.mark.parametrize(
    "phase, result",
    [
        ("requested", CallResult.UNKNOWN),
        ("proceeding", CallResult.UNKNOWN),
        ("alerting", CallResult.UNKNOWN),
        ("answered", CallResult.UNKNOWN),
        ("waiting", CallResult.DROPPED),
        ("connecting", CallResult.DROPPED),
        ("connected", CallResult.ANSWER),
        ("in ivr", CallResult.ANSWER),
        ("releasing", CallResult.ANSWERING_MACHINE),
    ],
)
def test_call_that_its_own_server_does_not_know_is_settled_at_once(phase: str, result: CallResult) -> None:
    story, dial = in_phase(phase)
    story.node_down(2)
    settled = story.server_up(2).report(2).the(SettleAttempt)
    assert (dial.call_id, result) == (settled.call_id, settled.call_result)
    if result in (CallResult.UNKNOWN, CallResult.DROPPED):
        assert settled.fault is Fault.NODE
    assert story.pool().used_ports == sum(each.node_id == 1 for each in story.ever(Dial))


@pytest.mark.parametrize("phase", ["requested", "proceeding", "alerting"])
def test_call_that_the_other_application_does_not_know_is_kept_while_it_may_ring(phase: str) -> None:
    story, dial = in_phase(phase)
    dialed_ms = story.state.attempts[dial.call_id].dialed_at_ms
    story.server_down(2).report(102)
    assert ("on backup", "lost") == (story.node(2).state, story.call_state(dial))
    may_ring_until_ms = dialed_ms + dial.ring_ms_max + 5_000
    assert [] == story.advance(may_ring_until_ms - story.mono_ms - 1).said(SettleAttempt)
    assert 1 == story.group().ports.regular_ports - (story.call_state(story.ever(Dial)[0]) != "settled")
    settled = [each for each in story.advance(1).said(SettleAttempt) if each.call_id == dial.call_id]
    assert [(CallResult.UNKNOWN, Fault.NODE)] == [(each.call_result, each.fault) for each in settled]


@pytest.mark.parametrize(
    "phase, result",
    [("answered", CallResult.UNKNOWN), ("connecting", CallResult.DROPPED), ("connected", CallResult.ANSWER)],
)
def test_answered_call_of_a_lost_node_is_kept_for_a_while(phase: str, result: CallResult) -> None:
    story, dial = in_phase(phase)
    story.node_down(2)
    assert "lost" == story.advance(59_999).call_state(dial)
    [settled] = [each for each in story.advance(1).said(SettleAttempt) if each.call_id == dial.call_id]
    assert result is settled.call_result


@pytest.mark.parametrize("server", [2, 102], ids=["by the primary that returned", "by the backup"])
@pytest.mark.parametrize(
    "phase, reported, then",
    [
        ("requested", CallPhase.DIALING, "proceeding"),
        ("requested", CallPhase.ALERTING, "alerting"),
        ("requested", CallPhase.ANSWERED, "answered"),
        ("proceeding", CallPhase.DIALING, "proceeding"),
        ("proceeding", CallPhase.ALERTING, "alerting"),
        ("alerting", CallPhase.ALERTING, "alerting"),
        ("alerting", CallPhase.ANSWERED, "answered"),
        ("answered", CallPhase.ANSWERED, "answered"),
        ("connected", CallPhase.CONNECTED, "connected"),
        # a person who heard nothing in the meantime is not kept waiting any longer
        ("waiting", CallPhase.ANSWERED, "releasing"),
        ("connecting", CallPhase.ANSWERED, "releasing"),
        ("connected", CallPhase.ANSWERED, "releasing"),
        ("releasing", CallPhase.ANSWERED, "releasing"),
        # a server that has forgotten how far it was
        ("waiting", CallPhase.ALERTING, "releasing"),
        ("connected", CallPhase.DIALING, "releasing"),
        ("connected", CallPhase.ALERTING, "releasing"),
        # joined on the server, but nobody told us to whom
        ("connecting", CallPhase.CONNECTED, "releasing"),
    ],
)
def test_call_that_is_reported_is_taken_back(phase: str, reported: CallPhase, then: str, server: int) -> None:
    story, dial = in_phase(phase)
    if server == 2:
        story.node_down(2).server_up(2)
    else:
        story.server_down(2)
    story.report(server, (dial, reported))
    assert then == story.call_state(dial)
    assert ([dial.call_id] if then == "releasing" else []) == [each.call_id for each in story.said(Release)]
    [settled] = story.ended(dial).said(SettleAttempt)
    assert dial.call_id == settled.call_id


def test_call_that_was_taken_back_goes_on_as_if_nothing_had_happened() -> None:
    story, dial = in_phase("alerting")
    story.node_down(2).server_up(102)
    story.report(102, (dial, CallPhase.ALERTING))
    story.answered(dial)
    transfer = story.verdict(Verdict.PERSON, dial).the(Transfer)
    assert dial.call_id == transfer.call_id
    story.agent_takes(dial)
    assert CallResult.ANSWER is story.ended(dial).the(SettleAttempt).call_result


def test_conversation_that_was_taken_back_still_has_its_agent() -> None:
    story, dial = in_phase("connected")
    story.node_down(2).server_up(2)
    assert "talking" == story.agent(101).state
    story.report(2, (dial, CallPhase.CONNECTED))
    assert "talking" == story.agent(101).state
    assert 101 == story.ended(dial).the(SettleAttempt).agent_id
    assert "after-call work" == story.agent(101).state


def test_ivr_session_that_was_taken_back_may_still_ask_for_an_agent() -> None:
    story, dial = in_phase("in ivr")
    story.node_down(2).server_up(2).report(2, (dial, CallPhase.CONNECTED))
    assert "in ivr" == story.call_state(dial)
    assert dial.call_id == story.ivr_wants_agent(dial).the(Transfer).call_id


def test_agent_who_was_reserved_for_a_lost_call_is_free_for_the_next() -> None:
    story, _ = in_phase("connecting")
    assert "reserved" == story.agent(101).state
    assert "ready" == story.node_down(2).agent(101).state


def test_call_that_shows_life_before_the_report_counts_its_port_again() -> None:
    story = balanced(Mode.PROGRESSIVE, 4, nodes=2, total_ports={1: 4, 2: 4, 101: 4, 102: 4})
    first, second = (each for each in story.ever(Dial) if each.node_id == 2)
    story.agent_not_ready(101, 102, 103, 104)
    story.node_down(2)
    assert (4, 2) == (story.pool().ports, story.pool().used_ports)
    story.server_up(102)
    story.rings(first)
    assert "alerting" == story.call_state(first)
    story.report(102, (first, CallPhase.ALERTING), (second, CallPhase.DIALING))
    leases = story.state.pools[SWITCH]
    assert [] == list(leases.stranded)
    assert [102, 102] == [story.state.attempts[each.call_id].server_id for each in (first, second)]


@pytest.mark.parametrize("sign", ["accepted", "rings", "answered"])
@pytest.mark.parametrize("phase", ["waiting", "connecting", "connected", "in ivr"])
def test_repeated_sign_of_a_lost_call_that_was_past_it_does_not_take_it_back(phase: str, sign: str) -> None:
    """Or a conversation would be taken for a new person, and given to a second agent."""
    story, dial = in_phase(phase)
    story.node_down(2)
    getattr(story, sign)(dial)
    assert "lost" == story.call_state(dial)
    story.agent_ready(102, 103).advance(10 * SECOND_MS)
    assert dial.call_id not in [each.call_id for each in story.said(Transfer)]


@pytest.mark.parametrize("phase", ["requested", "alerting", "answered"])
def test_lost_call_that_turns_out_to_be_a_machine_is_hung_up(phase: str) -> None:
    story, dial = in_phase(phase)
    story.node_down(2).server_up(2)
    assert dial.call_id == story.verdict(Verdict.MACHINE, dial).the(Release).call_id
    assert CallResult.ANSWERING_MACHINE is story.ended(dial).said(SettleAttempt)[0].call_result


@pytest.mark.parametrize("sign", ["accepted", "rings"])
def test_lost_call_that_was_answered_does_not_ring_again(sign: str) -> None:
    story, dial = in_phase("answered")
    story.node_down(2)
    getattr(story, sign)(dial)
    assert "lost" == story.call_state(dial)


def test_takeover_by_a_server_that_stands_by_keeps_the_ports_in_use() -> None:
    story = balanced(Mode.PROGRESSIVE, 4, nodes=1, total_ports={1: 4, 101: 4})
    story.server_down(1).report(101, *((dial, CallPhase.DIALING) for dial in story.ever(Dial)))
    story.server_up(1)
    assert ("on backup, primary stands by", 4) == (story.node(1).state, story.pool().used_ports)
    story.server_down(101)
    assert ("on primary", 4, 4) == (story.node(1).state, story.pool().ports, story.pool().used_ports)
    story.report(1, *((dial, CallPhase.ALERTING) for dial in story.ever(Dial)))
    assert 4 == story.pool().used_ports
    assert {"alerting"} == {story.call_state(dial) for dial in story.ever(Dial)}


def test_stray_calls_are_released() -> None:
    story = balanced(Mode.PROGRESSIVE, 1)
    story.server_down(2)
    assert [777] == [each.call_id for each in story.report(102, (777, CallPhase.CONNECTED)).said(Release)]


def test_answers_to_old_questions_are_late() -> None:
    story, dial = in_phase("alerting")
    old = story.queries[2]
    story.node_down(2).server_up(2)
    late = story.dialer.snapshot().late_events
    story.tell(CallsReported(2, 2, old.query_id, ()))
    assert (late + 1, "lost") == (story.dialer.snapshot().late_events, story.call_state(dial))


def test_servers_that_nobody_knows_are_late() -> None:
    story = balanced(Mode.PROGRESSIVE, 1)
    story.tell(ServerConnected(888), ServerLost(888, "gone"), CallsReported(888, 888, 1, ()))
    assert 3 == story.dialer.snapshot().late_events


# --- agents' legs on a lost node ----------------------------------------------------------------------------------


def engaged_on_node_2() -> tuple[Story, Engage, Dial]:
    """A seizing group on node 2 with an engaged agent and a customer being dialed."""
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, dial_node=2), nodes=2)
    leg = story.the(Engage)
    return story, leg, story.engaged(leg).the(Dial)


def test_engaged_agent_who_is_reported_is_used_again() -> None:
    story, leg, dial = engaged_on_node_2()
    story.node_down(2).server_up(102).report(102, (leg, CallPhase.CONNECTED), (dial, CallPhase.ALERTING))
    story.answered(dial)
    assert leg.call_id == story.verdict(Verdict.PERSON, dial).the(Join).engaging_call_id


def test_engaged_agent_whose_leg_is_gone_is_engaged_anew() -> None:
    story, leg, dial = engaged_on_node_2()
    story.node_down(2).server_up(2).report(2, (dial, CallPhase.ALERTING))
    assert leg.call_id not in story.state.engagings
    assert 101 == story.the(Engage).agent_id


def test_engaging_call_that_was_ringing_is_followed_again() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, dial_node=2), nodes=2)
    leg = story.the(Engage)
    story.node_down(2).server_up(102).report(102, (leg, CallPhase.ALERTING))
    assert 1 == len(story.engaged(leg).said(Dial))


def test_joined_conversation_that_is_reported_goes_on() -> None:
    story, leg, dial = engaged_on_node_2()
    story.person_answers(dial)
    story.agent_takes(dial)
    story.node_down(2).server_up(102).report(102, (leg, CallPhase.CONNECTED), (dial, CallPhase.CONNECTED))
    assert ("connected", "talking") == (story.call_state(dial), story.agent(101).state)
    assert CallResult.ANSWER is story.ended(dial).the(SettleAttempt).call_result
    assert 1 == len(story.agent_ready(101).said(Dial)), "the agent's leg has lived through it all"
    assert 1 == len(story.ever(Engage))


def after_a_failover(agents: int = 2) -> tuple[Story, list[Engage], list[Dial]]:
    """The backup of node 2 is in use; the primary has come back with its legs and with calls that ring."""
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, agents=agents, dial_node=2), nodes=2)
    legs = story.said(Engage)
    dials = story.engaged(*legs).said(Dial)
    story.accepted(*dials)
    story.rings(*dials)
    story.server_down(2).server_up(2)
    story.report(2, *((leg, CallPhase.CONNECTED) for leg in legs), *((dial, CallPhase.ALERTING) for dial in dials))
    return story, legs, dials


def test_agents_held_on_the_returned_primary_serve_the_calls_there() -> None:
    story, legs, dials = after_a_failover()
    assert [] == [*story.said(ReleaseEngaging), *story.said(Dial)], "kept, and not dialed for on the backup"
    story.answered(dials[0])
    assert legs[0].call_id == story.verdict(Verdict.PERSON, dials[0]).the(Join).engaging_call_id


def test_agents_are_called_anew_on_the_backup_when_the_calls_on_the_primary_are_over() -> None:
    story, legs, dials = after_a_failover()
    assert [] == story.ended(dials[0], sip=486).said(ReleaseEngaging), "one of the two may still be needed"
    released = story.ended(dials[1], sip=486).said(ReleaseEngaging)
    assert [leg.call_id for leg in legs] == [each.call_id for each in released]
    anew = story.leg_ended(*legs).said(Engage)
    assert [102, 102] == [each.server_id for each in anew]
    assert [102, 102] == [each.server_id for each in story.engaged(*anew).said(Dial)]


def test_person_on_the_primary_is_not_joined_to_an_agent_on_the_backup() -> None:
    """A server refuses to join what it does not have; each refusal used to cost an agent."""
    story = dialing_story(
        group(1, Mode.PROGRESSIVE_SEIZING, agents=2, dial_node=2, call_wait_in_queue_ms_max=2_000), nodes=2, ready=[101]
    )
    dial = story.engaged(story.the(Engage)).the(Dial)
    story.accepted(dial)
    story.server_down(2).agent_ready(102)
    on_backup = story.the(Engage)
    story.engaged(on_backup).server_up(2).report(2, (dial, CallPhase.ALERTING))
    story.answered(dial)
    assert [] == story.verdict(Verdict.PERSON, dial).said(Join)
    assert ("waiting", "ready") == (story.call_state(dial), story.agent(102).state)
    assert dial.call_id == story.advance(2_000).the(Release).call_id


def test_call_that_both_servers_of_a_pair_report_stays_where_its_agent_is() -> None:
    story, leg, dial = engaged_on_node_2()
    story.server_up(102).report(102, (leg, CallPhase.CONNECTED), (dial, CallPhase.ALERTING))
    assert [2, 2] == [story.state.attempts[dial.call_id].server_id, story.state.engagings[leg.call_id].server_id]


def test_legs_of_a_node_that_does_not_return_are_given_up() -> None:
    story, leg, _ = engaged_on_node_2()
    story.node_down(2)
    assert leg.call_id in story.advance(59_999).state.engagings
    assert {} == story.advance(1).state.engagings
    assert 0 == story.pool().used_ports


def test_leg_that_returns_for_a_stopped_group_is_released() -> None:
    story, leg, _ = engaged_on_node_2()
    story.node_down(2)
    story.stop(1)
    story.server_up(2).report(2, (leg, CallPhase.CONNECTED))
    story.leg_ended(leg)
    assert "stopped" == story.group().state


# --- audits -------------------------------------------------------------------------------------------------------


def test_every_active_node_is_asked_for_its_calls_once_a_period() -> None:
    story = balanced(Mode.PROGRESSIVE, 1)
    story.node_down(3)
    asked = [each.node_id for each in story.advance(60 * SECOND_MS).said(QueryCalls)]
    assert [2, 2] == sorted([asked.count(1), asked.count(2)])
    assert 0 == asked.count(3)


def test_audits_can_be_switched_off() -> None:
    story = balanced(Mode.PROGRESSIVE, 1, audit_ms=0)
    assert [] == story.advance(10 * MINUTE_MS).said(QueryCalls)


def test_call_that_two_audits_miss_is_over() -> None:
    story = balanced(Mode.PROGRESSIVE, 1, nodes=1, has_records=False)
    [dial] = story.fetched(chain(1)).said(Dial)
    story.person_answers(dial)
    story.agent_takes(dial)
    story.advance(30 * SECOND_MS)
    assert [] == story.report(1).said(SettleAttempt)
    story.advance(30 * SECOND_MS)
    assert CallResult.ANSWER is story.report(1).the(SettleAttempt).call_result
    assert "after-call work" == story.agent(101).state


def test_call_that_one_audit_misses_and_the_next_finds_goes_on() -> None:
    story = balanced(Mode.PROGRESSIVE, 1, nodes=1, has_records=False)
    [dial] = story.fetched(chain(1)).said(Dial)
    story.person_answers(dial)
    story.agent_takes(dial)
    for reports in ([], [(dial, CallPhase.CONNECTED)], [], [(dial, CallPhase.CONNECTED)]):
        story.advance(30 * SECOND_MS).report(1, *reports)
    assert "connected" == story.call_state(dial)


def test_report_tells_of_an_answer_that_was_missed() -> None:
    story = balanced(Mode.PROGRESSIVE, 1, nodes=1, has_records=False, call_progress_detection=False)
    [dial] = story.fetched(chain(1)).said(Dial)
    story.accepted(dial)
    story.advance(20 * SECOND_MS)
    assert dial.call_id == story.report(1, (dial, CallPhase.ANSWERED)).the(Transfer).call_id


def test_report_tells_of_an_agent_whose_answer_was_missed() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING), nodes=1)
    assert 1 == len(story.report(1, (story.the(Engage), CallPhase.ANSWERED)).said(Dial))


def test_call_that_was_dialed_after_the_question_is_not_missed() -> None:
    story = balanced(Mode.PROGRESSIVE, 1, nodes=1, has_records=False)
    story.advance(30 * SECOND_MS)
    [dial] = story.fetched(chain(1)).said(Dial)
    story.accepted(dial)
    story.report(1)
    story.report(1)
    assert "proceeding" == story.call_state(dial)


def test_engaging_call_that_two_audits_miss_is_over() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING), nodes=1, has_records=False)
    leg = story.the(Engage)
    story.engaged(leg)
    story.advance(30 * SECOND_MS).report(1)
    assert leg.call_id in story.state.engagings
    story.advance(30 * SECOND_MS).report(1)
    assert leg.call_id not in story.state.engagings


def test_audit_asks_the_prime_node_for_phones_too() -> None:
    story = balanced(Mode.PROGRESSIVE, 2, prime=2)
    asked = story.advance(30 * SECOND_MS).said(SubscribePhones)
    assert [(2, ("7101", "7102"))] == [(each.node_id, each.phones) for each in asked]


# --- dialing goes on, whatever the order of events ------------------------------------------------------------------


def test_records_are_not_lost_when_no_node_takes_the_request() -> None:
    story = balanced(Mode.PROGRESSIVE, 1, nodes=1, has_records=False)
    story.drain(1)
    assert [] == story.fetched(chain(1), chain(2)).said(Dial)
    assert [number_of(1)] == [dial.number for dial in story.enable(1).said(Dial)]


def test_nothing_is_dialed_to_a_node_that_was_never_connected() -> None:
    story = dialing_story(group(1, agents=2), unreachable=[2, 2 + BACKUP], nodes=2)
    assert [1, 1] == story.nodes_dialed()


def test_least_loaded_and_round_robin_may_be_changed_while_running() -> None:
    story = balanced(Mode.PROGRESSIVE, 2, total_ports={1: 10, 2: 30, 3: 30})
    ocs = replace(story.configuration.ocs, sip_cluster_lb_mode=LoadBalancing.LEAST_LOADED)
    story.load(replace(story.configuration, ocs=ocs))
    assert [3] == one_after_the_other(story, 1)
