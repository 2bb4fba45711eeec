"""Calls on an Asterisk server, told by the messages that real ones (16.28 and 22.10) sent."""

import pytest

from outdial.core.commands import Dial, Engage, PlayMessage, QueryCalls, Release, ReleaseEngaging, StartIvr, Transfer
from outdial.core.events import (
    CallConnected,
    CalleeAlerting,
    CalleeAnswered,
    CallPhase,
    CallReleased,
    CallsReported,
    ConnectFailed,
    DialAccepted,
    DialRejected,
    EngagingAccepted,
    EngagingReleased,
    IvrAgentRequested,
    IvrStarted,
    MessageEnded,
    MessageStarted,
    VerdictReached,
)
from outdial.core.modes import DialingMode
from outdial.core.results import Verdict
from outdial.core.settings import CampaignGroup, DialerId, DialerKind
from outdial.drivers.ami.calls import NOT_SENT, WANTED, Calls
from outdial.drivers.ami.effects import Grace
from outdial.drivers.ami.requests import Action, DialStrings
from outdial.drivers.ami.wire import Message

RUN = "abcd1234"


def channel(call_id):
    return f"od-{call_id}-{RUN}"


def group(number, mode, **changes):
    return CampaignGroup(number, f"group{number}", 1, 1, mode, DialerId(DialerKind.SWITCH, 1), **changes)


def some_calls(*, requests_max=50, **strings):
    calls = Calls(RUN, DialStrings(**strings), requests_max=requests_max)
    calls.groups = {
        1: group(1, DialingMode.PREDICTIVE, caller_id='"Shop" <5551000>'),
        2: group(2, DialingMode.PREDICTIVE_SEIZING),
    }
    return calls


def dial(call_id=7, *, group_id=1, cpd=True, agent_id=None, phone=""):
    return Dial(call_id, 101, 101, group_id, 1, 5, "+15550000005", 25_000, cpd, agent_id, phone)


def hear(calls, name, **fields):
    """One event of the server."""
    assert name in WANTED
    return calls.hear(Message(name, "", fields, {}))


def answer(calls, response, action_id, message=""):
    """The server's response to a request."""
    return calls.hear(Message("", response, {"ActionID": action_id, "Message": message}, {}))


def only_action(effects):
    (action,) = effects
    assert isinstance(action, Action)
    return action


def events_of(calls, *steps):
    """What the core hears of a course of events. Shape of a step: (event name, fields)."""
    return [effect for name, fields in steps for effect in hear(calls, name, **fields)]


def dialing(call_id=7):
    """The server has taken the request, and the far end rings."""
    return (
        ("DialBegin", {"DestUniqueid": channel(call_id)}),
        ("DialState", {"DestUniqueid": channel(call_id), "DialStatus": "RINGING"}),
        ("Newstate", {"Uniqueid": channel(call_id), "ChannelStateDesc": "Ringing"}),
    )


def waits(call_id=7):
    """The dialplan runs."""
    return ("UserEvent", {"UserEvent": "OutdialWaiting", "Uniqueid": channel(call_id)})


def up(call_id=7):
    """The far end answers, and the dialplan takes over."""
    return (
        ("Newstate", {"Uniqueid": channel(call_id), "ChannelStateDesc": "Up"}),
        ("DialEnd", {"DestUniqueid": channel(call_id), "DialStatus": "ANSWER"}),
        ("OriginateResponse", {"Uniqueid": channel(call_id), "Response": "Success", "Reason": "4"}),
        waits(call_id),
    )


def failed(calls, call_id):
    """The request fails, and nothing follows."""
    assert hear(calls, "OriginateResponse", Uniqueid=channel(call_id), Response="Failure", Reason="0") == [
        Grace(call_id)
    ]
    return calls.grace_over(call_id)


def hung_up(call_id=7, cause="16", **more):
    return ("Hangup", {"Uniqueid": channel(call_id), "Cause": cause, **more})


# --- requests ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group_id", "cpd", "place"),
    [(1, False, "wait"), (1, True, "detect"), (2, False, "join"), (2, True, "detect-join")],
)
def test_customer_is_dialed_with_our_channel_id_to_where_the_mode_wants_it(group_id, cpd, place):
    action = only_action(some_calls().dial(dial(group_id=group_id, cpd=cpd)))
    fields = dict(action.fields)
    assert action.name == "Originate"
    assert (fields["ChannelId"], fields["Channel"]) == (channel(7), "PJSIP/+15550000005@trunk")
    assert (fields["Context"], fields["Exten"], fields["Timeout"]) == ("outdial", place, "25000")
    assert fields["Async"] == "true"


def test_caller_id_is_that_of_the_group():
    fields = only_action(some_calls().dial(dial())).fields
    assert ("CallerID", '"Shop" <5551000>') in fields
    assert "CallerID" not in dict(only_action(some_calls().dial(dial(group_id=2))).fields)


def test_waiting_call_is_kept_longer_than_the_dialer_can_want_it():
    fields = only_action(some_calls().dial(dial())).fields
    assert ("Variable", "__OUTDIAL_HOLD_S=58") in fields  # 6 s + 2 s + 20 s + 30 s


def test_header_for_answering_by_itself_travels_with_the_call():
    calls = some_calls(auto_answer_header="Call-Info: <sip:x>;answer-after=0")
    fields = only_action(calls.dial(dial())).fields
    assert ("Variable", "__OUTDIAL_HEADER_NAME=Call-Info") in fields
    assert ("Variable", "__OUTDIAL_HEADER_VALUE=<sip:x>;answer-after=0") in fields


def test_agents_leg_that_we_originate_carries_the_header_itself():
    calls = some_calls(auto_answer_header="Call-Info: <sip:x>;answer-after=0")
    header = ("Variable", "PJSIP_HEADER(add,Call-Info)=<sip:x>;answer-after=0")
    assert header in only_action(calls.engage(Engage(9, 101, 101, 2, 101, "7101", 20_000))).fields
    assert header in only_action(calls.dial(dial(agent_id=101, phone="7101"))).fields


def test_requests_without_a_sign_are_limited_and_the_others_wait_their_turn():
    calls = some_calls(requests_max=2)
    assert [len(calls.dial(dial(n))) for n in (1, 2, 3, 4)] == [1, 1, 0, 0]
    effects = hear(calls, "DialBegin", DestUniqueid=channel(1))
    assert dict(effects[0].fields)["ChannelId"] == channel(3)
    assert effects[1:] == [DialAccepted(1)]
    effects = failed(calls, 2)
    assert dict(effects[0].fields)["ChannelId"] == channel(4)
    assert list(calls.unconfirmed) == [3, 4]


def test_request_that_waits_for_its_turn_is_released_without_ever_being_dialed():
    calls = some_calls(requests_max=1)
    calls.dial(dial(1))
    calls.dial(dial(2))
    assert calls.release(Release(2)) == [CallReleased(2)]
    assert hear(calls, "DialBegin", DestUniqueid=channel(1)) == [DialAccepted(1)]


def test_lost_connection_rejects_what_was_never_sent_and_keeps_the_rest():
    calls = some_calls(requests_max=1)
    calls.dial(dial(1))
    calls.dial(dial(2))
    assert calls.lose_connection() == [DialRejected(2, NOT_SENT)]
    assert list(calls.legs) == [1]
    assert len(calls.dial(dial(3))) == 1


# --- redirections -------------------------------------------------------------------------------------------------

REDIRECTIONS = {
    "transfer": lambda calls: calls.transfer(Transfer(7, 101, "7101", 20_000)),
    "ivr": lambda calls: calls.start_ivr(StartIvr(7, "menu")),
    "message": lambda calls: calls.play_message(PlayMessage(7, "sorry")),
}


@pytest.mark.parametrize("what", REDIRECTIONS)
def test_nobody_is_sent_elsewhere_before_the_dialplan_runs(what):
    calls = some_calls()
    calls.dial(dial(cpd=False))
    events_of(calls, *dialing(), *up()[:-1])
    assert REDIRECTIONS[what](calls) == [Grace(7)]
    sent = events_of(calls, waits())
    assert [action.name for action in sent][-1] == "Redirect"
    assert events_of(calls, waits()) == calls.grace_over(7) == []


def test_dialplan_without_a_word_is_not_waited_for_long():
    calls = some_calls()
    calls.dial(dial(cpd=False))
    events_of(calls, *dialing(), *up()[:-1])
    REDIRECTIONS["message"](calls)
    assert [action.name for action in calls.grace_over(7)] == ["Setvar", "Redirect"]


def test_grace_of_a_request_says_nothing_of_the_dialplan():
    calls = some_calls()
    calls.dial(dial(cpd=False))
    hear(calls, "OriginateResponse", Uniqueid=channel(7), Response="Failure", Reason="0")
    events_of(calls, *dialing(), *up()[:-1])
    assert calls.grace_over(7) == []
    assert REDIRECTIONS["transfer"](calls) == [Grace(7)]


def test_redirection_that_waits_does_not_outlive_the_connection():
    calls = some_calls()
    calls.dial(dial(cpd=False))
    events_of(calls, *dialing(), *up()[:-1])
    REDIRECTIONS["transfer"](calls)
    calls.lose_connection()
    assert calls.grace_over(7) == [] and events_of(calls, waits()) == []


def test_released_call_is_not_sent_anywhere_any_more():
    calls = some_calls()
    calls.dial(dial(cpd=False))
    events_of(calls, *dialing(), *up()[:-1])
    REDIRECTIONS["transfer"](calls)
    assert only_action(calls.release(Release(7))).name == "Hangup"
    assert events_of(calls, waits()) == []


# --- customers ---------------------------------------------------------------------------------------------------


def test_call_from_request_to_answer_verdict_and_end():
    calls = some_calls()
    calls.dial(dial())
    assert events_of(calls, *dialing(), *up()) == [DialAccepted(7), CalleeAlerting(7), CalleeAnswered(7)]
    verdict = {"UserEvent": "OutdialVerdict", "Uniqueid": channel(7), "Status": "HUMAN", "Cause": "HUMAN-800-800"}
    assert hear(calls, "UserEvent", **verdict) == [VerdictReached(7, Verdict.PERSON, None, 800)]
    assert events_of(calls, hung_up(cause="0")) == [CallReleased(7, None, 16)]
    assert calls.legs == {}


def test_answer_may_be_told_in_any_order():
    calls = some_calls()
    calls.dial(dial())
    assert events_of(calls, *dialing(), *reversed(up())) == [DialAccepted(7), CalleeAlerting(7), CalleeAnswered(7)]


@pytest.mark.parametrize(
    ("status", "cause", "more", "released"),
    [
        ("BUSY", "17", {"TechCause": "486"}, CallReleased(7, 486, 17)),
        ("BUSY", "17", {}, CallReleased(7, None, 17)),
        ("NOANSWER", "21", {"TechCause": "603"}, CallReleased(7, 603, 21)),
        ("CONGESTION", "34", {}, CallReleased(7, None, 34)),
    ],
)
def test_refused_call_ends_with_its_codes_whatever_the_response_says(status, cause, more, released):
    calls = some_calls()
    calls.dial(dial())
    heard = events_of(
        calls,
        ("DialBegin", {"DestUniqueid": channel(7)}),
        ("OriginateResponse", {"Uniqueid": channel(7), "Response": "Failure", "Reason": "0"}),
        ("DialEnd", {"DestUniqueid": channel(7), "DialStatus": status}),
        hung_up(cause=cause, **more),
    )
    assert heard == [DialAccepted(7), released]


@pytest.mark.parametrize(("cause", "more"), [("19", {"TechCause": "480"}), ("0", {})])
def test_ring_limit_of_the_request_is_no_answer_on_both_versions(cause, more):
    calls = some_calls()
    calls.dial(dial())
    events_of(calls, *dialing())
    assert events_of(calls, hung_up(cause=cause, **more)) == [CallReleased(7, 480, 19)]


def test_request_that_makes_no_channel_was_rejected():
    calls = some_calls()
    calls.dial(dial())
    assert failed(calls, 7) == [DialRejected(7, "the server could not create the call")]
    assert hear(calls, "OriginateResponse", Uniqueid=channel(7), Response="Failure", Reason="0") == []


def test_failed_response_that_overtakes_the_signs_of_its_call_is_no_rejection():
    calls = some_calls()
    calls.dial(dial())
    assert hear(calls, "OriginateResponse", Uniqueid=channel(7), Response="Failure", Reason="0") == [Grace(7)]
    heard = events_of(
        calls,
        ("DialBegin", {"DestUniqueid": channel(7)}),
        ("DialEnd", {"DestUniqueid": channel(7), "DialStatus": "BUSY"}),
        hung_up(cause="17", TechCause="486"),
    )
    assert heard == [DialAccepted(7), CallReleased(7, 486, 17)]
    assert calls.grace_over(7) == []


def test_request_that_the_server_does_not_understand_was_rejected():
    calls = some_calls()
    calls.dial(dial())
    assert answer(calls, "Error", f"originate-{channel(7)}", "Permission denied") == [
        DialRejected(7, "Permission denied")
    ]


@pytest.mark.parametrize(
    ("status", "cause", "verdict"),
    [
        ("HUMAN", "HUMAN-800-800", Verdict.PERSON),
        ("MACHINE", "LONGGREETING-1500-1500", Verdict.MACHINE),
        ("MACHINE", "INITIALSILENCE-2500-2500", Verdict.SILENCE),
        ("NOTSURE", "TOOLONG-4900", Verdict.UNKNOWN),
        ("FAX", "CNG", Verdict.FAX),
    ],
)
def test_words_of_call_progress_detection_become_verdicts(status, cause, verdict):
    calls = some_calls()
    calls.dial(dial())
    events_of(calls, *dialing(), *up())
    told = {"UserEvent": "OutdialVerdict", "Uniqueid": channel(7), "Status": status, "Cause": cause}
    ended_ms_ago = 800 if status == "HUMAN" else None
    assert hear(calls, "UserEvent", **told) == [VerdictReached(7, verdict, None, ended_ms_ago)]


def test_callee_who_hung_up_during_detection_leaves_no_verdict():
    calls = some_calls()
    calls.dial(dial())
    assert hear(calls, "UserEvent", UserEvent="OutdialVerdict", Uniqueid=channel(7), Status="HANGUP", Cause="") == []


# --- agents' phones ----------------------------------------------------------------------------------------------


def answered_call():
    calls = some_calls()
    calls.dial(dial())
    events_of(calls, *dialing(), *up())
    return calls


def test_customer_is_transferred_and_connected_when_the_phone_answers():
    calls = answered_call()
    actions = calls.transfer(Transfer(7, 101, "7101", 20_000))
    assert [action.name for action in actions] == ["Setvar", "Setvar", "Redirect"]
    assert dict(actions[0].fields)["Value"] == "PJSIP/7101"
    assert dict(actions[1].fields)["Value"] == "20"
    leg = {"Uniqueid": channel(7), "DestUniqueid": "n1-17.1"}
    assert hear(calls, "DialBegin", **leg) == []
    assert hear(calls, "DialEnd", **leg, DialStatus="ANSWER") == [CallConnected(7)]


@pytest.mark.parametrize("status", ["BUSY", "NOANSWER", "CHANUNAVAIL", "CONGESTION"])
def test_phone_that_does_not_answer_leaves_the_customer_waiting(status):
    calls = answered_call()
    calls.transfer(Transfer(7, 101, "7101", 20_000))
    assert hear(calls, "DialEnd", Uniqueid=channel(7), DestUniqueid="n1-17.1", DialStatus=status) == []
    told = {"UserEvent": "OutdialNotConnected", "Uniqueid": channel(7), "Status": status}
    assert hear(calls, "UserEvent", **told) == [ConnectFailed(7, status.lower())]
    assert hear(calls, "UserEvent", **told) == []


def test_transfer_of_a_call_that_has_just_ended_ends_it():
    assert some_calls().transfer(Transfer(7, 101, "7101", 20_000)) == [CallReleased(7)]


def test_transfer_that_the_server_refuses_fails():
    calls = answered_call()
    calls.transfer(Transfer(7, 101, "7101", 20_000))
    assert answer(calls, "Error", "transfer-7", "No such channel") == [ConnectFailed(7, "No such channel")]


def test_engaged_agent_is_told_by_the_bridge_and_not_by_the_answer():
    calls = some_calls()
    action = only_action(calls.engage(Engage(9, 101, 101, 2, 101, "7101", 20_000)))
    assert dict(action.fields)["Exten"] == "engaged"
    assert dict(action.fields)["Channel"] == "PJSIP/7101"
    assert events_of(calls, *dialing(9), *up(9)) == [EngagingAccepted(9)]
    assert events_of(calls, hung_up(9)) == [EngagingReleased(9)]


def test_phone_that_cannot_be_engaged_is_a_rejected_request():
    calls = some_calls()
    calls.engage(Engage(9, 101, 101, 2, 101, "7101", 20_000))
    assert failed(calls, 9) == [DialRejected(9, "the server could not create the call")]


# --- preview -----------------------------------------------------------------------------------------------------


def previewed():
    calls = some_calls()
    action = only_action(calls.dial(dial(agent_id=101, phone="7101")))
    fields = dict(action.fields)
    assert (fields["Channel"], fields["Exten"]) == ("PJSIP/7101", "preview")
    assert ("Variable", "OUTDIAL_DIAL=PJSIP/+15550000005@trunk") in action.fields
    assert events_of(calls, *dialing()) == [DialAccepted(7)]
    return calls


CUSTOMER = {"Uniqueid": channel(7), "DestUniqueid": "n1-17.2"}


def test_preview_call_rings_the_agent_then_the_customer():
    calls = previewed()
    assert events_of(calls, *up()) == []
    heard = events_of(
        calls,
        ("DialBegin", CUSTOMER),
        ("DialState", {**CUSTOMER, "DialStatus": "RINGING"}),
        ("DialEnd", {**CUSTOMER, "DialStatus": "ANSWER"}),
    )
    assert heard == [CalleeAlerting(7), CalleeAnswered(7)]
    assert events_of(calls, hung_up()) == [CallReleased(7, None, 16)]


def test_preview_call_ends_with_the_customers_cause():
    calls = previewed()
    events_of(calls, *up(), ("DialBegin", CUSTOMER), ("DialEnd", {**CUSTOMER, "DialStatus": "BUSY"}))
    assert events_of(calls, hung_up(cause="17", TechCause="486")) == [CallReleased(7, 486, 17)]


def test_preview_call_whose_agent_does_not_answer_never_reaches_the_customer():
    calls = previewed()
    assert events_of(calls, hung_up(cause="0")) == [CallReleased(7, 480, 19)]


# --- IVR ---------------------------------------------------------------------------------------------------------


def test_ivr_application_is_a_context_and_may_ask_for_an_agent():
    calls = answered_call()
    action = only_action(calls.start_ivr(StartIvr(7, "survey")))
    assert (dict(action.fields)["Context"], dict(action.fields)["Exten"]) == ("survey", "s")
    assert answer(calls, "Success", "ivr-7") == [IvrStarted(7)]
    told = {"UserEvent": "OutdialAgent", "Uniqueid": channel(7)}
    assert hear(calls, "UserEvent", **told) == [IvrAgentRequested(7)]
    assert hear(calls, "UserEvent", **told) == []


def test_ivr_application_that_the_server_does_not_have_ends_the_call():
    calls = answered_call()
    calls.start_ivr(StartIvr(7, "nowhere"))
    assert [action.name for action in answer(calls, "Error", "ivr-7", "Context does not exist")] == ["Hangup"]


# --- the drop message --------------------------------------------------------------------------------------------


def test_the_drop_message_is_an_extension_that_tells_its_beginning_and_its_end():
    calls = answered_call()
    variable, redirect = calls.play_message(PlayMessage(7, "custom/sorry"))
    assert dict(variable.fields) == {"Channel": channel(7), "Variable": "OUTDIAL_MESSAGE", "Value": "custom/sorry"}
    assert (dict(redirect.fields)["Context"], dict(redirect.fields)["Exten"]) == ("outdial", "message")
    assert answer(calls, "Success", "message-7") == []
    told = [
        hear(calls, "UserEvent", UserEvent="OutdialMessage", Uniqueid=channel(7), Status=status)
        for status in ("STARTED", "SUCCESS", "FAILED", "")
    ]
    assert told == [[MessageStarted(7)], [MessageEnded(7)], *[[MessageEnded(7, played=False)]] * 2]


def test_a_message_that_the_server_refuses_is_over():
    calls = answered_call()
    calls.play_message(PlayMessage(7, "sorry"))
    assert answer(calls, "Error", "message-7", "Channel does not exist") == [MessageEnded(7, played=False)]
    assert calls.play_message(PlayMessage(99, "sorry")) == [CallReleased(99)]


# --- the end -----------------------------------------------------------------------------------------------------


def test_release_of_a_call_that_nobody_knows_is_done():
    assert some_calls().release(Release(7)) == [CallReleased(7)]
    assert some_calls().release(ReleaseEngaging(7)) == [EngagingReleased(7)]


def test_release_hangs_up_and_the_hangup_is_the_answer():
    calls = answered_call()
    assert only_action(calls.release(Release(7))).name == "Hangup"
    assert answer(calls, "Success", "hangup-7") == []
    assert events_of(calls, hung_up()) == [CallReleased(7, None, 16)]


def test_release_of_a_call_whose_end_was_missed_is_answered_by_the_error():
    calls = answered_call()
    calls.release(Release(7))
    assert answer(calls, "Error", "hangup-7", "No such channel") == [CallReleased(7)]


def test_release_that_overtakes_its_request_is_repeated_at_the_first_sign():
    calls = some_calls()
    calls.dial(dial())
    calls.release(Release(7))
    assert answer(calls, "Error", "hangup-7", "No such channel") == []
    effects = hear(calls, "DialBegin", DestUniqueid=channel(7))
    assert effects[0] == DialAccepted(7)
    assert only_action(effects[1:]).name == "Hangup"


def test_release_that_overtakes_its_request_may_make_the_server_refuse_it():
    calls = some_calls()
    calls.dial(dial())
    calls.release(Release(7))
    assert failed(calls, 7) == [CallReleased(7)]


def test_messages_about_other_channels_say_nothing():
    calls = answered_call()
    for uniqueid in (
        "od-7-zzzz9999",
        "od-8-abcd1234",
        "od--abcd1234",
        "od-07-abcd1234",
        "od-7x-abcd1234",
        "n1-17.1",
        "",
    ):
        assert hear(calls, "Hangup", Uniqueid=uniqueid, Cause="16") == []
        assert hear(calls, "Newstate", Uniqueid=uniqueid, ChannelStateDesc="Up") == []


# --- which calls there are ---------------------------------------------------------------------------------------


def report(calls, *channels, query_id=3):
    calls.query(QueryCalls(101, 101, query_id))
    for fields in channels:
        assert hear(calls, "CoreShowChannel", ActionID=f"query-{query_id}", **fields) == []
    return hear(calls, "CoreShowChannelsComplete", ActionID=f"query-{query_id}")


def shown(call_id, state, **more):
    return {"Uniqueid": channel(call_id), "ChannelStateDesc": state, "Context": "outdial", **more}


def test_server_that_is_asked_says_how_far_each_of_our_calls_is():
    calls = some_calls()
    for n in (1, 2, 3, 4):
        calls.dial(dial(n))
        events_of(calls, *dialing(n))
    calls.start_ivr(StartIvr(4, "survey"))
    heard = report(
        calls,
        shown(1, "Down"),
        shown(2, "Ringing"),
        shown(3, "Up", BridgeId="b1"),
        shown(4, "Up", Context="survey"),
        {"Uniqueid": "n1-17.9", "ChannelStateDesc": "Up"},
    )
    phases = ((1, CallPhase.DIALING), (2, CallPhase.ALERTING), (3, CallPhase.CONNECTED), (4, CallPhase.CONNECTED))
    assert heard == [CallsReported(101, 101, 3, phases)]


def test_channel_of_ours_that_nobody_remembers_can_be_released():
    calls = some_calls()
    assert report(calls, shown(99, "Up")) == [CallsReported(101, 101, 3, ((99, CallPhase.ANSWERED),))]
    assert only_action(calls.release(Release(99))).name == "Hangup"


def test_only_the_latest_question_is_answered():
    calls = some_calls()
    calls.query(QueryCalls(101, 101, 1))
    calls.query(QueryCalls(101, 101, 2))
    assert hear(calls, "CoreShowChannelsComplete", ActionID="query-1") == []
    assert hear(calls, "CoreShowChannelsComplete", ActionID="query-2") == [CallsReported(101, 101, 2, ())]


def test_leg_that_the_server_lost_with_the_connection_is_forgotten():
    calls = answered_call()
    calls.dial(dial(8))
    calls.lose_connection()
    assert report(calls) == [CallsReported(101, 101, 3, ())]
    assert calls.legs == {}


def test_report_may_be_a_moment_behind_and_is_believed_the_second_time():
    calls = answered_call()
    calls.dial(dial(8))
    report(calls, query_id=1)
    assert list(calls.legs) == [7, 8]
    report(calls, shown(7, "Up"), query_id=2)
    report(calls, query_id=3)
    assert list(calls.legs) == [7, 8]
    report(calls, query_id=4)
    assert list(calls.legs) == [8]  # not begun: its request may still be on the way
