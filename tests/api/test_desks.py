"""Agents at their desktops over the API: a day of one of them, every refusal, and whose desk is whose."""

import asyncio
import json

import pytest

from api_samples import SOMEBODY
from desk_api_story import ADA, DeskApiStory
from outdial.api.access import Caller, Scope
from outdial.api.desk import DeskDoor, desk_messages
from outdial.api.desk_acts import AgentResult
from outdial.api.desk_view import WATCHERS_MAX
from outdial.core.commands import Dial, ForbidNumber, Release
from outdial.core.events import AgentLoggedIn, PhoneState, PhoneStateChanged
from outdial.core.modes import DialingMode as Mode
from outdial.core.units import DAY_MS, HOUR_MS
from outdial.core.words import AGENT_RESULTS

ACTS = (
    ("login", None),
    ("logout", None),
    ("ready", None),
    ("not-ready", {"reason": "break"}),
    ("leave", {"at_utc_ms": None}),
    ("disposition", {"result": "ANSWER"}),
    ("callback", {"at_utc_ms": 1_700_100_000_000}),
    ("dnc", None),
    ("hang-up", None),
    ("preview", {"group": 1}),
    ("preview/accept", None),
    ("preview/reject", None),
)


@pytest.fixture
def story():
    return DeskApiStory()


def as_agent(agent_id: int, *campaigns: str) -> Caller:
    return Caller("user ada", frozenset({Scope.AGENT}), frozenset(campaigns) or None, agent_id)


# --- a day ----------------------------------------------------------------------------------------------------------


async def test_agent_takes_a_call_end_to_end(story):
    story.access.caller = as_agent(ADA)
    page = (await story.client.get("/agents/7/desk")).json()
    assert (page["desk"]["state"], page["desk"]["may"], page["desk"]["phone"]) == ("logged out", ["login"], "1007")
    assert page["choices"]["not_ready_reasons"] == ["break", "lunch"]

    assert (await story.post("login")).json()["state"] == "not ready"
    assert (await story.post("ready")).json()["state"] == "ready"
    call_id = story.person()
    desk = await story.desk()
    assert (desk["state"], desk["call"]["call_id"], desk["call"]["phase"]) == ("talking", call_id, "connected")
    await asyncio.sleep(0)
    assert (await story.desk())["call"]["record"]["fields"] == {"first_name": "Ann"}

    said = await story.post("disposition", {"result": "WRONG_PARTY", "note": "her brother", "call_id": call_id})
    assert said.json()["call"]["said"]["call_result"] == "WRONG_PARTY"
    story.hangs_up(call_id)
    desk = await story.desk()
    assert (desk["state"], desk["call"], desk["last_call"]["said"]["note"]) == ("after-call work", None, "her brother")

    at_utc_ms = desk["now_utc_ms"] + HOUR_MS
    body = {"at_utc_ms": at_utc_ms, "personal": False, "number": "+15550199", "note": "at work"}
    said = (await story.post("callback", body)).json()["last_call"]["said"]
    assert (said["callback_at_utc_ms"], said["callback_personal"], said["callback_number"]) == (
        at_utc_ms,
        False,
        "+15550199",
    )
    assert (await story.post("not-ready", {"reason": "lunch"})).json()["reason"] == "lunch"
    assert (await story.post("logout")).json()["state"] == "logged out"
    assert [note[1] for note in story.audit.notes] == ["agent.login", "agent.logout"]


async def test_do_not_call_forbids_the_number_and_is_put_on_record(story):
    await story.ready()
    call_id = story.person()
    assert (await story.post("dnc", {"note": "never again"})).json()["call"]["said"]["call_result"] == "DO_NOT_CALL"
    assert story.dialer.the(ForbidNumber).number == story.dialer.the(Dial).number
    story.hangs_up(call_id)
    assert (await story.desk())["last_call"]["said"]["note"] == "never again"
    assert story.audit.notes[-1][1:3] == ("agent.dnc", "agent 7")


async def test_agent_hangs_up(story):
    await story.ready()
    refused = await story.post("hang-up")
    assert (refused.status_code, "agent 7 is in no call" in refused.json()["detail"]) == (409, True)
    call_id = story.person()
    assert "hang-up" in (await story.desk())["may"]
    refused = await story.post("hang-up", {"call_id": call_id + 1})
    assert (refused.status_code, "is over" in refused.json()["detail"]) == (409, True)

    desk = (await story.post("hang-up", {"call_id": call_id})).json()
    assert (desk["state"], desk["call"], "hang-up" in desk["may"]) == ("after-call work", None, False)
    assert story.dialer.the(Release).call_id == call_id
    story.hangs_up(call_id)
    assert (await story.desk())["last_call"]["call_result"] == "ANSWER"


async def test_preview_of_a_record():
    story = await DeskApiStory(Mode.PREVIEW).ready()
    offer = (await story.post("preview", {"group": 1})).json()["offer"]
    assert (offer["group"]["name"], offer["record"]["record_id"]) == ("east", 1)
    declined = (await story.post("preview/reject", {"cancel_record": True})).json()
    assert (declined["offer"], declined["state"]) == (None, "ready")
    await story.post("preview", {"group": 1})
    accepted = (await story.post("preview/accept")).json()
    assert (accepted["state"], accepted["call"]["phase"], accepted["offer"]) == ("talking", "dialing", None)
    assert story.dialer.the(Dial).agent_id == ADA


async def test_leave_is_announced_and_taken_back(story):
    await story.ready()
    at_utc_ms = (await story.desk())["now_utc_ms"] + HOUR_MS
    assert (await story.post("leave", {"at_utc_ms": at_utc_ms})).json()["leaves_at_utc_ms"] == at_utc_ms
    assert (await story.post("leave", {"at_utc_ms": None})).json()["leaves_at_utc_ms"] is None


# --- phones -------------------------------------------------------------------------------------------------------


async def test_agent_names_a_phone(story):
    assert (await story.post("login", {"phone": "2222"})).json()["phone"] == "2222"
    story.dialer.tell(PhoneStateChanged(1, "2222", PhoneState.UNREACHABLE))
    assert (await story.desk())["phone_state"] == "unreachable"


async def test_phone_of_somebody_else_is_refused(story):
    story.dialer.tell(AgentLoggedIn(101, "10101"))
    refused = await story.post("login", {"phone": "10101"})
    assert (refused.status_code, refused.json()["code"]) == (409, "phone_in_use")
    assert (await story.desk())["state"] == "logged out"


@pytest.mark.parametrize("phone", ["", "12@evil", "PJSIP/1", "sip:1", "1" * 65, "1 2", 7])
async def test_phone_that_could_lead_elsewhere_is_refused(story, phone):
    refused = await story.post("login", {"phone": phone})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")


# --- refusals -----------------------------------------------------------------------------------------------------


async def test_what_the_core_refuses_is_a_problem_with_its_reason(story):
    refused = (await story.post("ready")).json()
    assert (refused["status"], refused["code"], refused["detail"]) == (409, "conflict", "agent 7 is not logged in")
    await story.post("login")
    assert (await story.post("login")).json()["detail"] == "agent 7 is logged in already, with phone 1007"
    assert "no such call" in (await story.post("disposition", {"result": "BUSY"})).json()["detail"]
    assert (await story.post("preview", {"group": 1})).json()["detail"] == "group east dials in progressive mode"
    assert (await story.post("preview/accept")).json()["detail"] == "no record is on offer"
    past = await story.post("callback", {"at_utc_ms": 1})
    assert (past.status_code, past.json()["detail"]) == (422, "the instant of a callback has passed")


@pytest.mark.parametrize(
    "act, body, told",
    [
        ("not-ready", {"reason": "coffee"}, "no such reason, not 'coffee'; allowed: break, lunch"),
        ("not-ready", {}, "reason: Field required"),
        ("leave", {"at_utc_ms": 1_700_000_000_000 + 8 * DAY_MS}, "more than a week ahead"),
        ("leave", {"at_utc_ms": True}, "at_utc_ms"),
        ("disposition", {"result": "DROPPED"}, "result"),
        ("disposition", {"result": "ANSWER", "note": "x" * 1_001}, "note"),
        ("disposition", {"result": "ANSWER", "note": "which no database takes:\0"}, "note"),
        ("dnc", {"note": "\0"}, "note"),
        ("callback", {"at_utc_ms": 1_700_100_000_000, "number": "12"}, "number"),
        ("callback", {"at_utc_ms": 1_700_100_000_000, "personal": 1}, "personal"),
        ("preview", {"group": "1"}, "group"),
        ("preview/reject", {"cancel": True}, "cancel"),
    ],
)
async def test_wrong_values_are_named(story, act, body, told):
    refused = await story.post(act, body)
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert any(told in mistake for mistake in refused.json()["mistakes"])


def test_results_are_those_of_the_core():
    assert AgentResult.__args__ == tuple(result.name for result in AGENT_RESULTS)  # type: ignore[attr-defined]


# --- whose desk is whose ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("act, body", ACTS)
@pytest.mark.parametrize(
    "caller, status",
    [
        (Caller("reader", frozenset({Scope.READ, Scope.ADMIN})), 403),
        (as_agent(101), 404),  # somebody else's desk does not exist
        (Caller("unbound", frozenset({Scope.AGENT})), 404),
        (Caller("autumn", frozenset({Scope.OPERATE}), frozenset({"autumn"})), 404),
    ],
    ids=["wrong scope", "other agent", "no agent", "other campaign"],
)
async def test_nobody_else_acts_at_a_desk(story, act, body, caller, status):
    story.access.caller = caller
    assert (await story.post(act, body)).status_code == status
    assert (await story.client.get("/agents/7/desk")).status_code == status
    assert (await story.client.get("/agents/7/stream")).status_code == status
    assert story.audit.notes == []


@pytest.mark.parametrize(
    "caller", [SOMEBODY, Caller("spring", frozenset({Scope.OPERATE}), frozenset({"spring"})), as_agent(ADA, "autumn")]
)
async def test_own_desk_and_those_of_campaigns_that_one_operates(story, caller):
    story.access.caller = caller
    assert (await story.client.get("/agents/7/desk")).status_code == 200
    assert (await story.post("login")).status_code == 200


@pytest.mark.parametrize(
    "caller, seen",
    [
        (SOMEBODY, [ADA]),
        (as_agent(ADA), [ADA]),
        (as_agent(101), []),
        (Caller("spring", frozenset({Scope.OPERATE}), frozenset({"spring"})), [ADA]),
        (Caller("autumn", frozenset({Scope.OPERATE}), frozenset({"autumn"})), []),
    ],
)
async def test_desks_that_one_may_use(story, caller, seen):
    story.access.caller = caller
    desks = (await story.client.get("/desks")).json()["desks"]
    assert [desk["dbid"] for desk in desks] == seen
    assert all((desk["login"], desk["state"]) == ("ada", "logged out") for desk in desks)


AUTUMN = """
[[campaign]]
dbid = 2
name = "autumn"
lists = ["customers"]
[[campaign-group]]
dbid = 2
name = "west"
campaign = "autumn"
agent-group = "sales"
dialing-mode = "preview"
dialer = "main"
"""


async def test_operator_of_one_campaign_sees_and_does_nothing_about_calls_of_another():
    """The agent works for both."""
    story = DeskApiStory(more=AUTUMN)
    await story.ready()
    call_id = story.person()  # of campaign spring
    story.access.caller = Caller("autumn", frozenset({Scope.OPERATE}), frozenset({"autumn"}))

    async def sees_nothing(desk: dict, state: str) -> None:
        assert (desk["state"], [group["name"] for group in desk["groups"]]) == (state, ["west"])
        assert (desk["call"], desk["last_call"], desk["offer"]) == (None, None, None)
        assert not {"disposition", "callback", "dnc", "hang-up"}.intersection(desk["may"])
        messages = [text async for text in first_of(story)]
        assert desk_in(messages[1])["call"] is None and "+1555" not in messages[1]
        for body in ({}, {"call_id": call_id}):
            assert (await story.post("disposition", {"result": "ANSWER", **body})).status_code == 404
            assert (await story.post("callback", {"at_utc_ms": 1_700_100_000_000, **body})).status_code == 404
            assert (await story.post("dnc", body)).status_code == 404

    await sees_nothing(await story.desk(), "talking")
    for body in ({}, {"call_id": call_id}):
        assert (await story.post("hang-up", body)).status_code == 404
    story.hangs_up(call_id)
    await sees_nothing(await story.desk(), "after-call work")
    assert (await story.post("preview", {"group": 1})).json()["detail"] == "there is no campaign group 1"
    assert (await story.post("preview", {"group": 2})).status_code == 409  # it does not run
    assert (await story.post("not-ready", {"reason": "lunch"})).json()["last_call"] is None
    assert not any(isinstance(command, ForbidNumber) for command in story.dialer.ever)
    for caller in (as_agent(ADA, "autumn"), SOMEBODY, Caller("x", frozenset({Scope.OPERATE}), frozenset({"spring"}))):
        story.access.caller = caller
        assert (await story.desk())["last_call"]["call_id"] == call_id


async def first_of(story):
    """The beginning of a stream."""
    door = DeskDoor(story.parts)
    messages = desk_messages(story.desks, ADA, None, lambda desk: door.shown(story.access.caller, desk))
    yield await anext(messages)
    yield await anext(messages)
    await messages.aclose()


async def test_operator_who_acts_for_an_agent_is_put_on_record(story):
    await story.ready()
    await story.post("not-ready", {"reason": "lunch"})
    assert [note[1] for note in story.audit.notes] == ["agent.login", "agent.ready", "agent.not-ready"]
    assert (story.audit.notes[-1][3]["state"], story.audit.notes[-1][4]["reason"]) == ("ready", "lunch")
    assert (await story.client.get("/agents/7")).json()["reason"] == "lunch"
    await story.post("ready")
    assert (await story.client.get("/agents/7")).json()["reason"] == ""


async def test_agent_without_a_desktop_and_agent_who_is_not_there(story):
    refused = await story.post("ready", agent_id=101)
    assert (refused.status_code, refused.json()["code"]) == (409, "no_desktop")
    assert (await story.post("ready", agent_id=99)).status_code == 404
    assert (await story.client.get("/agents/0/desk")).status_code == 422


# --- the stream ---------------------------------------------------------------------------------------------------


def desk_in(text: str) -> dict:
    kind, number, data = text.strip().split("\n")
    assert kind == "event: desk"
    desk = json.loads(data.removeprefix("data: "))
    assert number == f"id: {desk['version']}"
    return desk


async def test_desk_is_streamed_as_it_changes_and_resumed(story):
    messages = desk_messages(story.desks, ADA, None)
    assert (await anext(messages)).startswith("retry: ")
    first = desk_in(await anext(messages))
    assert first["state"] == "logged out"
    await story.ready()
    assert desk_in(await anext(messages))["state"] == "ready"
    seen = (await story.desk())["version"]
    await messages.aclose()

    again = desk_messages(story.desks, ADA, seen)
    await anext(again)
    waiting = asyncio.ensure_future(anext(again))
    await asyncio.sleep(0)
    assert not waiting.done()  # nothing has changed since
    await story.post("not-ready", {"reason": "break"})
    assert desk_in(await waiting)["reason"] == "break"
    await again.aclose()

    late = desk_messages(story.desks, ADA, first["version"])
    await anext(late)
    assert desk_in(await anext(late))["state"] == "not ready"
    await late.aclose()


async def test_stream_that_is_closed_is_no_presence_any_more(story):
    messages = desk_messages(story.desks, ADA, None)
    await anext(messages)
    assert not story.desks.is_crowded(ADA)
    open_ones = [desk_messages(story.desks, ADA, None) for _ in range(WATCHERS_MAX - 1)]
    for each in open_ones:
        await anext(each)
    assert (await story.client.get("/agents/7/stream")).status_code == 429
    assert [text async for text in desk_messages(story.desks, ADA, None)] == []
    await messages.aclose()
    assert not story.desks.is_crowded(ADA)


async def test_stream_ends_with_the_desk(story):
    messages = desk_messages(story.desks, ADA, None)
    await anext(messages)
    await anext(messages)
    story.desks.close()
    assert [text async for text in messages] == []
    streamed = await story.client.get("/agents/7/stream")
    assert (streamed.status_code, streamed.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
