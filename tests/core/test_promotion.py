"""Making another node the prime node by an operator's word."""

from dataclasses import replace

import pytest

from dialing_story import Story, configuration, cpd_server, dialing_story, group, phone_of
from outdial.core.commands import Dial, Reply, SubscribePhones
from outdial.core.events import PhoneState
from outdial.core.modes import DialingMode as Mode
from outdial.core.settings import LoadBalancing, PrimeNodeLoss
from outdial.core.units import MINUTE_MS


def prime(story: Story) -> int | None:
    """Whose agent events count."""
    return story.dialer.snapshot().prime_node_id


@pytest.mark.parametrize("loss", PrimeNodeLoss)
def test_the_word_on_phones_moves_at_once(loss: PrimeNodeLoss) -> None:
    story = dialing_story(group(1, agents=2), prime_node_loss=loss).promote(2)
    assert (True, 2) == (story.said(Reply)[-1].ok, prime(story))
    asked = story.the(SubscribePhones)
    assert (2, (phone_of(101), phone_of(102))) == (asked.node_id, asked.phones)
    story.phone(101, PhoneState.BUSY, node_id=1)
    assert "idle" == story.agent(101).phone_state, "what the node says that was prime does not count"
    story.phone(101, PhoneState.BUSY, node_id=2)
    assert "busy" == story.agent(101).phone_state


def test_dialing_that_was_stopped_by_the_loss_goes_on() -> None:
    story = dialing_story(group(1, agents=1)).node_down(1)
    story.ended(*story.ever(Dial)).advance(MINUTE_MS)
    assert ("prime node lost: node 1",) == story.group().holds
    assert [2] == [each.node_id for each in story.promote(2).said(Dial)]
    assert () == story.dialer.snapshot().stops


def test_the_return_of_the_old_prime_node_changes_nothing() -> None:
    story = dialing_story(group(1)).node_down(1).promote(2).server_up(1)
    assert 2 == prime(story)


def test_the_loss_of_the_promoted_node_stops_dialing_as_any_prime_node() -> None:
    story = dialing_story(group(1)).promote(2).node_down(2)
    assert prime(story) is None
    assert ("prime node node 2 is lost: all dialing is stopped",) == story.dialer.snapshot().stops
    assert 1 == prime(story.promote(1))


def test_a_reload_keeps_it_unless_it_names_another_one() -> None:
    story = dialing_story(group(1), nodes=3).promote(2)
    assert 2 == prime(story.load(story.configuration))
    ocs = replace(story.configuration.ocs, sip_cluster_prime_node=3)
    assert 3 == prime(story.load(replace(story.configuration, ocs=ocs)))


def test_a_promoted_node_that_leaves_is_prime_no_more() -> None:
    story = dialing_story(group(1), nodes=3).promote(2)
    old = story.configuration
    ocs = replace(old.ocs, connections=tuple(each for each in old.ocs.connections if each != 2))
    story.load(replace(old, ocs=ocs, nodes=tuple(each for each in old.nodes if each.dbid != 2)))
    assert 1 == prime(story)


def test_unbalanced_groups_dial_on_the_new_prime_node() -> None:
    story = dialing_story(group(1, Mode.POWER_GVP, agents=0), balancing=LoadBalancing.NONE)
    assert {1} == {each.node_id for each in story.ever(Dial)}
    story.promote(2).ended(*story.ever(Dial))
    assert {2} == {each.node_id for each in story.said(Dial)}


def test_requests_that_make_no_sense_are_refused_with_the_reason() -> None:
    old = configuration(group(1))
    nodes = (*old.nodes, cpd_server(7, 4))
    story = Story(replace(old, nodes=nodes)).node_down(2)
    for number, part in (
        (9, "there is no node 9"),
        (1, "prime node already"),
        (2, "not connected"),
        (7, "connections"),
    ):
        refused = story.promote(number).said(Reply)[-1]
        assert not refused.ok
        assert part in refused.message
    assert 1 == prime(story)
