"""What agents do at their desktop, over HTTP: signing in, being ready, records on offer, what they say of calls."""

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Body
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.access import Caller
from outdial.api.desk import AgentDbid, AtDesk, DeskDoor
from outdial.api.desk_view import Desk, DeskCall, DeskLastCall, Desks
from outdial.api.dialer import demand
from outdial.api.parts import ApiParts
from outdial.api.problems import Problem, not_found
from outdial.core.callback_events import CallbackRequested, DispositionGiven
from outdial.core.events import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentLeaveAnnounced,
    AgentLoggedIn,
    AgentLoggedOut,
    Event,
    HangUpRequested,
    PreviewAccepted,
    PreviewRejected,
    PreviewRequested,
)
from outdial.core.results import CallResult
from outdial.core.units import DAY_MS, AgentId, GroupId, RequestId
from outdial.core.words import NOTE_MAX

UTC_MS_MAX = 2**53 - 1
"""Largest instant: what a browser counts exactly."""
LEAVE_AHEAD_MS_MAX = 7 * DAY_MS
"""How far ahead an agent may say that they leave. Ours."""
PHONE = r"^[A-Za-z0-9+*#_.-]{1,64}$"
"""A phone that somebody may name when signing in. Stricter than in the configuration: no `@`, `/` and `:`, with which
it could lead the server's calls to another place than a phone of ours."""
NOTE = r"^[^\x00]*$"
"""PostgreSQL has no room for U+0000."""
PERSONAL_ACTS = ("login", "logout", "dnc")
"""Acts of agents themselves that are put on record. The others are in the tables `agent_states` and `dispositions`."""


class Asked(BaseModel):
    """The body of a request."""

    model_config = ConfigDict(strict=True, extra="forbid")


class LoginAsked(Asked):
    """Signing in."""

    phone: str | None = Field(
        default=None,
        pattern=PHONE,
        description="Where calls are brought to; null: the configured phone.",
        examples=["1007"],
    )


class NotReadyAsked(Asked):
    """No calls for a while."""

    reason: str = Field(
        min_length=1, max_length=64, description="One of `not_ready_reasons` of the desk.", examples=["break"]
    )


class LeaveAsked(Asked):
    """When the agent leaves."""

    at_utc_ms: int | None = Field(
        ge=0, le=UTC_MS_MAX, description="Null: stays after all.", examples=[1_795_363_200_000]
    )


class AboutCall(Asked):
    """Something about a call."""

    call_id: int | None = Field(
        default=None,
        ge=1,
        le=UTC_MS_MAX,
        description="Null: the one on the desk, else the one that ended last.",
        examples=[1_234],
    )
    note: str = Field(
        default="",
        max_length=NOTE_MAX,
        pattern=NOTE,
        description="For people; without the character U+0000.",
        examples=["ask for Ms Doe"],
    )


AgentResult = Literal[
    "ANSWER",
    "ANSWERING_MACHINE",
    "BUSY",
    "NO_ANSWER",
    "FAX",
    "SILENCE",
    "PAGER",
    "WRONG_PARTY",
    "WRONG_NUMBER",
    "DO_NOT_CALL",
    "CANCEL_RECORD",
]
"""`outdial.core.words.AGENT_RESULTS`, by name."""


class HangUpAsked(Asked):
    """That is all for this call."""

    call_id: int | None = Field(
        default=None,
        ge=1,
        le=UTC_MS_MAX,
        description="Another call than this one is left alone. Null: the one that the agent is on.",
        examples=[1_234],
    )


class DispositionAsked(AboutCall):
    """What a call came to."""

    result: AgentResult = Field(examples=["WRONG_PARTY"])


class CallbackAsked(AboutCall):
    """The customer wants to be called back."""

    at_utc_ms: int = Field(ge=0, le=UTC_MS_MAX, description="When: up to a year ahead.", examples=[1_795_363_200_000])
    personal: bool = Field(default=True, description="By this agent.")
    number: str = Field(
        default="",
        pattern=r"^(\+?[0-9]{3,20})?$",
        description="At another number; empty: at the one that was called.",
        examples=["+15550100"],
    )


class PreviewAsked(Asked):
    """A record, please."""

    group: int = Field(ge=1, le=2**31 - 1, description="DBID of a campaign group in Preview mode.", examples=[1])


class RejectAsked(Asked):
    """Not this one."""

    cancel_record: bool = Field(default=False, description="Nobody is to call it; else it goes back to its list.")


def router(parts: ApiParts) -> APIRouter:
    """Routes under `/agents/{dbid}` that do something."""
    acts = Acts(parts)
    routes = APIRouter(prefix="/agents", tags=["desktops"])
    _signing(routes, acts)
    _calls(routes, acts)
    _previews(routes, acts)
    return routes


class Acts:
    """Has the core do what agents ask for."""

    def __init__(self, parts: ApiParts) -> None:
        """Nobody has asked for anything."""
        self._parts = parts
        self._door = DeskDoor(parts)

    def desks(self, caller: Caller, dbid: AgentId) -> Desks:
        """The desks, one of which the caller may use. Raises: see `DeskDoor`."""
        desks = self._door.desks(caller, dbid)
        desks.touch(dbid)
        return desks

    async def do(self, caller: Caller, dbid: AgentId, what: str, make_event: Callable[[RequestId], Event]) -> Desk:
        """Do something, and show what has become of it.

        Raises:
            Problem: the core refuses.
        """
        desks = self.desks(caller, dbid)
        before = desks.desk(dbid)
        await demand(self._parts.dialer, make_event)
        after = desks.desk(dbid)
        if caller.agent_id != dbid or what in PERSONAL_ACTS:
            shown = {"state", "reason", "next_state", "phone"}
            await self._parts.audit.note(
                caller,
                f"agent.{what}",
                f"agent {dbid}",
                before.model_dump(include=shown),
                after.model_dump(include=shown),
            )
        return self._door.shown(caller, after)

    def demand_group(self, caller: Caller, dbid: AgentId, group: GroupId | None, what: str) -> None:
        """Refuse what is about a record of other campaigns. `group`: whose record it is; None: nobody's.

        Raises:
            Problem: it does not exist for the caller.
        """
        self._door.desks(caller, dbid)
        visible = self._door.visible_groups(caller, dbid)
        if visible is not None and group is not None and group not in visible:
            raise not_found(what)

    def call(self, caller: Caller, dbid: AgentId, asked: AboutCall) -> int | None:
        """Which call is meant: what the agent sees, also when another one ends at this moment.

        Raises:
            Problem: it does not exist for the caller.
        """
        desk = self.desks(caller, dbid).desk(dbid)
        is_talking = desk.call is not None and desk.state == "talking"
        meant: DeskCall | DeskLastCall | None = desk.call if is_talking else desk.last_call
        if asked.call_id is not None:
            there = (each for each in (desk.call, desk.last_call) if each is not None)
            meant = next((each for each in there if each.call_id == asked.call_id), None)
        self.demand_group(caller, dbid, None if meant is None else meant.group.dbid, "such call")
        return asked.call_id if meant is None else meant.call_id

    def present_call(self, caller: Caller, dbid: AgentId) -> None:
        """Refuse what is about a call under way that does not exist for the caller. Raises: see `demand_group`."""
        call = self.desks(caller, dbid).desk(dbid).call
        self.demand_group(caller, dbid, None if call is None else call.group.dbid, "such call")

    def offer(self, caller: Caller, dbid: AgentId) -> None:
        """Refuse what is about a record on offer that does not exist for the caller. Raises: see `demand_group`."""
        offer = self.desks(caller, dbid).desk(dbid).offer
        self.demand_group(caller, dbid, None if offer is None else offer.group.dbid, "record on offer")


def _signing(routes: APIRouter, acts: Acts) -> None:
    @routes.post("/{dbid}/login", summary="Sign in with a phone, not ready")
    async def log_in(dbid: AgentDbid, caller: AtDesk, asked: Annotated[LoginAsked | None, Body()] = None) -> Desk:
        desks = acts.desks(caller, dbid)
        phone = _phone(desks, dbid, asked.phone if asked is not None else None)
        return await acts.do(caller, dbid, "login", lambda number: AgentLoggedIn(dbid, phone, number))

    @routes.post("/{dbid}/logout", summary="Sign out; during a call, at its end")
    async def log_out(dbid: AgentDbid, caller: AtDesk) -> Desk:
        return await acts.do(caller, dbid, "logout", lambda number: AgentLoggedOut(dbid, number))

    @routes.post("/{dbid}/ready", summary="Take calls; ends after-call work")
    async def become_ready(dbid: AgentDbid, caller: AtDesk) -> Desk:
        return await acts.do(caller, dbid, "ready", lambda number: AgentBecameReady(dbid, number))

    @routes.post("/{dbid}/not-ready", summary="Take no calls; during a call, from its end on")
    async def become_not_ready(dbid: AgentDbid, caller: AtDesk, asked: NotReadyAsked) -> Desk:
        allowed = acts.desks(caller, dbid).choices().not_ready_reasons
        if asked.reason not in allowed:
            wrong = f"body.reason: no such reason, not {asked.reason!r}; allowed: {', '.join(allowed)}"
            raise _invalid(wrong)
        return await acts.do(caller, dbid, "not-ready", lambda number: AgentBecameNotReady(dbid, asked.reason, number))

    @routes.post("/{dbid}/leave", summary="Say when the agent leaves: no call is started for who will be gone")
    async def announce_leave(dbid: AgentDbid, caller: AtDesk, asked: LeaveAsked) -> Desk:
        desks = acts.desks(caller, dbid)
        at_ms = None
        if asked.at_utc_ms is not None:
            if asked.at_utc_ms > desks.desk(dbid).now_utc_ms + LEAVE_AHEAD_MS_MAX:
                raise _invalid("body.at_utc_ms: is more than a week ahead")
            at_ms = desks.mono_ms_at(asked.at_utc_ms)
        return await acts.do(caller, dbid, "leave", lambda number: AgentLeaveAnnounced(dbid, at_ms, number))


def _calls(routes: APIRouter, acts: Acts) -> None:
    @routes.post("/{dbid}/disposition", summary="Say what a call came to; the last word counts")
    async def give_disposition(dbid: AgentDbid, caller: AtDesk, asked: DispositionAsked) -> Desk:
        call_id, result = acts.call(caller, dbid, asked), CallResult[asked.result]
        return await acts.do(
            caller, dbid, "disposition", lambda number: DispositionGiven(number, dbid, result, call_id, asked.note)
        )

    @routes.post("/{dbid}/callback", summary="Have the customer called back")
    async def request_callback(dbid: AgentDbid, caller: AtDesk, asked: CallbackAsked) -> Desk:
        call_id = acts.call(caller, dbid, asked)
        return await acts.do(
            caller,
            dbid,
            "callback",
            lambda number: CallbackRequested(
                number, dbid, asked.at_utc_ms, asked.personal, call_id, asked.number, asked.note
            ),
        )

    @routes.post("/{dbid}/dnc", summary="The customer wants no more calls: finishes the record, forbids its number")
    async def forbid(dbid: AgentDbid, caller: AtDesk, asked: Annotated[AboutCall | None, Body()] = None) -> Desk:
        about = asked or AboutCall()
        call_id = acts.call(caller, dbid, about)
        return await acts.do(
            caller,
            dbid,
            "dnc",
            lambda number: DispositionGiven(number, dbid, CallResult.DO_NOT_CALL, call_id, about.note),
        )

    @routes.post("/{dbid}/hang-up", summary="End the call; who is held on the line is kept for the next customer")
    async def hang_up(dbid: AgentDbid, caller: AtDesk, asked: Annotated[HangUpAsked | None, Body()] = None) -> Desk:
        call_id = None if asked is None else asked.call_id
        acts.present_call(caller, dbid)
        return await acts.do(caller, dbid, "hang-up", lambda number: HangUpRequested(dbid, call_id, number))


def _previews(routes: APIRouter, acts: Acts) -> None:
    @routes.post("/{dbid}/preview", summary="Ask for a record of a group in Preview mode")
    async def ask_for_record(dbid: AgentDbid, caller: AtDesk, asked: PreviewAsked) -> Desk:
        acts.demand_group(caller, dbid, asked.group, f"campaign group {asked.group}")
        return await acts.do(caller, dbid, "preview", lambda number: PreviewRequested(dbid, asked.group, number))

    @routes.post("/{dbid}/preview/accept", summary="Have the record on offer called")
    async def accept(dbid: AgentDbid, caller: AtDesk) -> Desk:
        acts.offer(caller, dbid)
        return await acts.do(caller, dbid, "preview.accept", lambda number: PreviewAccepted(dbid, number))

    @routes.post("/{dbid}/preview/reject", summary="Decline the record on offer")
    async def reject(dbid: AgentDbid, caller: AtDesk, asked: Annotated[RejectAsked | None, Body()] = None) -> Desk:
        acts.offer(caller, dbid)
        cancel = asked is not None and asked.cancel_record
        return await acts.do(caller, dbid, "preview.reject", lambda number: PreviewRejected(dbid, cancel, number))


def _phone(desks: Desks, dbid: AgentId, asked: str | None) -> str:
    """Which phone an agent signs in with.

    Raises:
        Problem: somebody else has it.
    """
    phone = asked or desks.phone_of(dbid)
    others = [agent_id for agent_id in desks.holders(phone) if agent_id != dbid]
    if others:
        raise Problem(409, "phone_in_use", f"phone {phone} is in use: agent {others[0]} is logged in with it")
    if not phone:
        raise _invalid("body.phone: the agent has no configured phone; allowed: a phone")
    return phone


def _invalid(mistake: str) -> Problem:
    return Problem(422, "invalid_request", "the request has mistakes", mistakes=(mistake,))
