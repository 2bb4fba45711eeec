"""Agents are held in bridges, and customers come and go."""

import pytest

from outdial.core.commands import Join
from outdial.core.events import AgentEngaged, CallConnected, ConnectFailed
from outdial.drivers.ami.requests import Action
from outdial.drivers.ari.bridges import Ask, Bridges
from outdial.drivers.ari.wire import AriReply, Bridge, Channel, ChannelEnteredBridge, StasisEnd, StasisStart

RUN = "abcd1234"
AGENT, CUSTOMER = 9, 7
BRIDGE = f"od-{AGENT}-{RUN}-b"
DONE, GONE = AriReply(204), AriReply(404)


def channel(call_id):
    return Channel(f"od-{call_id}-{RUN}")


def some_bridges(*, live=(AGENT, CUSTOMER)):
    return Bridges(RUN, lambda call_id: call_id in live)


def came(call_id, who):
    return StasisStart(channel(call_id), (who,))


def entered(call_id, bridge=BRIDGE):
    return ChannelEnteredBridge(Bridge(bridge), channel(call_id))


def asked(effects):
    """Shape: (method, path, query) of each request."""
    assert all(isinstance(effect, Ask) for effect in effects)
    return [(ask.request.method, ask.request.path, ask.request.query) for ask in effects]


def holding_an_agent():
    bridges = some_bridges()
    bridges.hear(came(AGENT, "agent"))
    bridges.hear(entered(AGENT))
    return bridges


def test_agent_gets_a_bridge_and_is_engaged_once_in_it():
    bridges = some_bridges()
    effects = bridges.hear(came(AGENT, "agent"))
    assert asked(effects) == [
        ("POST", f"/bridges/{BRIDGE}", (("type", "mixing"),)),
        ("POST", f"/bridges/{BRIDGE}/addChannel", (("channel", f"od-{AGENT}-{RUN}"),)),
    ]
    assert {ask.request.lane for ask in effects} == {BRIDGE}
    assert bridges.hear(entered(AGENT)) == [AgentEngaged(AGENT)]


def test_customers_are_joined_one_after_the_other_and_the_agent_stays():
    bridges = some_bridges(live=(AGENT, 7, 8))
    bridges.hear(came(AGENT, "agent"))
    bridges.hear(entered(AGENT))
    for customer in (7, 8):
        assert bridges.hear(came(customer, "customer")) == []
        (ask,) = bridges.join(Join(customer, AGENT, 101))
        assert asked([ask]) == [("POST", f"/bridges/{BRIDGE}/addChannel", (("channel", f"od-{customer}-{RUN}"),))]
        assert ask.on_reply(DONE) == []
        assert bridges.hear(entered(customer)) == [CallConnected(customer)]
        assert bridges.ended(customer) == []
    assert asked(bridges.ended(AGENT)) == [("DELETE", f"/bridges/{BRIDGE}", ())]
    assert bridges.held == {}


def test_join_that_is_faster_than_the_customer_waits():
    bridges = holding_an_agent()
    assert bridges.join(Join(CUSTOMER, AGENT, 101)) == []
    assert len(asked(bridges.hear(came(CUSTOMER, "customer")))) == 1
    assert bridges.hear(came(CUSTOMER, "customer")) == []


def test_refused_join_fails_and_the_customer_is_still_there():
    bridges = holding_an_agent()
    bridges.hear(came(CUSTOMER, "customer"))
    (ask,) = bridges.join(Join(CUSTOMER, AGENT, 101))
    assert ask.on_reply(GONE) == [ConnectFailed(CUSTOMER, "the server refused the join (404)")]


def test_refusal_after_the_customer_left_says_nothing():
    bridges = holding_an_agent()
    bridges.hear(came(CUSTOMER, "customer"))
    (ask,) = bridges.join(Join(CUSTOMER, AGENT, 101))
    bridges.ended(CUSTOMER)
    assert ask.on_reply(GONE) == []


@pytest.mark.parametrize("step", [0, 1])
def test_agent_without_a_bridge_is_hung_up(step):
    bridges = some_bridges()
    asks = bridges.hear(came(AGENT, "agent"))
    (action,) = asks[step].on_reply(GONE)
    assert isinstance(action, Action) and action.name == "Hangup"


def test_leg_that_has_ended_already_is_not_held():
    bridges = some_bridges(live=())
    assert bridges.hear(came(AGENT, "agent")) == []
    assert bridges.held == {}


def test_legs_of_other_processes_are_left_alone():
    bridges = holding_an_agent()
    assert bridges.hear(StasisStart(Channel("od-3-zzzz9999"), ("agent",))) == []
    assert bridges.hear(ChannelEnteredBridge(Bridge("other"), channel(AGENT))) == []


def test_customer_who_left_the_application_waits_again_for_a_join():
    bridges = holding_an_agent()
    bridges.hear(came(CUSTOMER, "customer"))
    bridges.hear(StasisEnd(channel(CUSTOMER)))
    assert bridges.join(Join(CUSTOMER, AGENT, 101)) == []


def test_after_a_lost_connection_nobody_is_waited_for():
    bridges = holding_an_agent()
    bridges.join(Join(CUSTOMER, AGENT, 101))
    assert bridges.reconnected((Bridge(BRIDGE, (f"od-{AGENT}-{RUN}",)),), [AGENT]) == []
    assert len(asked(bridges.join(Join(CUSTOMER, AGENT, 101)))) == 1


def test_agent_who_was_held_while_nobody_listened_gets_a_bridge_afterwards():
    bridges = some_bridges()
    effects = bridges.reconnected((), [AGENT])
    assert [path for _, path, _ in asked(effects)] == [f"/bridges/{BRIDGE}", f"/bridges/{BRIDGE}/addChannel"]
    assert bridges.hear(entered(AGENT)) == [AgentEngaged(AGENT)]


def test_bridge_whose_agent_has_gone_is_taken_away_and_others_are_left_alone():
    bridges = some_bridges(live=())
    effects = bridges.reconnected((Bridge(BRIDGE), Bridge("od-9-zzzz9999-b"), Bridge("conference")), [])
    assert asked(effects) == [("DELETE", f"/bridges/{BRIDGE}", ())]


def test_bridge_that_lost_its_agent_gets_the_agent_back():
    bridges = some_bridges()
    (ask,) = bridges.reconnected((Bridge(BRIDGE),), [AGENT])
    assert asked([ask])[0][1] == f"/bridges/{BRIDGE}/addChannel"


def test_join_that_the_core_gave_up_with_the_connection_is_not_carried_out_later():
    bridges = holding_an_agent()
    bridges.join(Join(CUSTOMER, AGENT, 101))
    bridges.reconnected((Bridge(BRIDGE, (f"od-{AGENT}-{RUN}",)),), [AGENT])
    assert bridges.hear(came(CUSTOMER, "customer")) == []


def test_legs_whose_coming_was_missed_are_held_once_the_server_lists_them():
    bridges = some_bridges()
    effects = bridges.reported({AGENT: True, CUSTOMER: False})
    assert [path for _, path, _ in asked(effects)] == [f"/bridges/{BRIDGE}", f"/bridges/{BRIDGE}/addChannel"]
    assert len(asked(bridges.join(Join(CUSTOMER, AGENT, 101)))) == 1
    assert bridges.reported({AGENT: True, CUSTOMER: False}) == []


def test_agent_who_hung_up_unheard_leaves_no_bridge_behind():
    live = [AGENT]
    bridges = Bridges(RUN, lambda call_id: call_id in live)
    bridges.hear(came(AGENT, "agent"))
    live.clear()
    assert asked(bridges.reported({})) == [("DELETE", f"/bridges/{BRIDGE}", ())]
    assert bridges.held == {}
