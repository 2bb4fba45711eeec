"""Agents are held in bridges, and customers come and go."""

import pytest

from outdial.core.commands import Join
from outdial.core.events import AgentEngaged, CallConnected, ConnectFailed
from outdial.drivers.ami.requests import Action
from outdial.drivers.ari.bridges import Ask, Bridges
from outdial.drivers.ari.wire import (
    Application,
    AriReply,
    Bridge,
    Channel,
    ChannelEnteredBridge,
    ChannelLeftBridge,
    StasisEnd,
    StasisStart,
)

RUN, APP = "abcd1234", "outdial"
AGENT, CUSTOMER = 9, 7
BRIDGE = f"od-{AGENT}-{RUN}-b"
DONE, GONE = AriReply(204), AriReply(404)


def channel(call_id):
    return Channel(f"od-{call_id}-{RUN}")


def some_bridges(*, live=(AGENT, CUSTOMER)):
    return Bridges(RUN, APP, lambda call_id: call_id in live)


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
        ("POST", f"/bridges/{BRIDGE}", (("type", "mixing"), ("name", APP))),
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


def test_bridges_of_others_say_nothing_about_our_legs():
    bridges = holding_an_agent()
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
    bridges = Bridges(RUN, APP, lambda call_id: call_id in live)
    bridges.hear(came(AGENT, "agent"))
    live.clear()
    assert asked(bridges.reported({})) == [("DELETE", f"/bridges/{BRIDGE}", ())]
    assert bridges.held == {}


# --- what an earlier process left behind ---------------------------------------------------------------------------


def theirs(call_id):
    return f"od-{call_id}-zzzz9999"


def hung_up(effects):
    """Channels that are hung up; nothing else is done."""
    assert all(isinstance(effect, Action) and effect.name == "Hangup" for effect in effects)
    return [dict(action.fields)["Channel"] for action in effects]


def left(bridge, *others):
    return ChannelLeftBridge(Bridge(bridge, others), Channel(theirs(1)))


def test_whoever_an_earlier_process_left_alone_is_hung_up():
    alone = Bridge(theirs(2) + "-b", (theirs(2),))
    application = Application((theirs(2), theirs(5)))
    assert hung_up(some_bridges().left_behind((alone,), application)) == [theirs(2), theirs(5)]


def test_answer_to_that_is_about_no_call_of_ours():
    (action,) = some_bridges().left_behind((), Application((theirs(AGENT),)))
    assert dict(action.fields)["ActionID"] == f"stray-{theirs(AGENT)}"


def test_conversation_of_an_earlier_process_goes_on():
    talk = Bridge(theirs(2) + "-b", (theirs(2), theirs(3)))
    elsewhere = Bridge("conference", (theirs(4), "somebody"))
    application = Application((theirs(2), theirs(3), theirs(4)))
    assert some_bridges().left_behind((talk, elsewhere), application) == []


def test_empty_bridge_of_an_earlier_process_goes():
    empty = Bridge(theirs(2) + "-b", name=APP)
    assert asked(some_bridges().left_behind((empty,), Application(()))) == [("DELETE", f"/bridges/{theirs(2)}-b", ())]


def test_legs_and_bridges_of_ours_of_strangers_and_of_other_applications_are_left_alone():
    ours = [Bridge(each, name=APP) for each in (BRIDGE, "conference", theirs(2) + "-c")]
    elsewhere = Bridge(theirs(7) + "-b"), Bridge(theirs(8) + "-b", name="another")
    application = Application((f"od-{AGENT}-{RUN}", "1700000000.5", "od-x-zzzz9999"))
    assert some_bridges().left_behind((*ours, *elsewhere), application) == []


def test_leg_that_was_ringing_when_its_process_ended_is_hung_up_when_it_is_answered():
    assert hung_up(some_bridges().hear(StasisStart(Channel(theirs(3)), ("agent",)))) == [theirs(3)]


def test_nothing_is_left_of_a_conversation_of_an_earlier_process_once_it_has_ended():
    bridges, bridge = some_bridges(), theirs(2) + "-b"
    assert bridges.hear(left(bridge, theirs(2), theirs(3))) == []
    assert hung_up(bridges.hear(left(bridge, theirs(2)))) == [theirs(2)]
    assert bridges.hear(left(bridge)) == []
    assert asked(bridges.hear(StasisEnd(Channel(theirs(2))))) == [("DELETE", f"/bridges/{bridge}", ())]


@pytest.mark.parametrize(
    "event", [left(theirs(2) + "-b", "somebody"), left("conference", theirs(2)), left("conference"), left(BRIDGE)]
)
def test_other_bridges_and_people_are_left_alone_when_somebody_leaves(event):
    assert some_bridges().hear(event) == []
