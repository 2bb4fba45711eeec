"""People who sign in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.access import Caller
from outdial.api.audit import Audit
from outdial.api.credentials import CAMPAIGNS_MAX, LOGIN_PATTERN, User
from outdial.api.entity_tags import tag_of
from outdial.api.gate import Gate
from outdial.api.limited_to import demand_known, needs_all_campaigns
from outdial.api.passwords import PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN, PasswordCheck
from outdial.api.preconditions import PRECONDITIONS, IfMatch, checking
from outdial.api.problems import Problem, impossible, not_found
from outdial.api.roles import Role
from outdial.core.settings import Configuration
from outdial.core.units import AgentId

Admin = Annotated[Caller, Depends(needs_all_campaigns)]
Login = Annotated[str, Path(pattern=LOGIN_PATTERN, max_length=64, description="The person's login.", examples=["anna"])]
Campaigns = list[Annotated[str, Field(min_length=1, max_length=255)]]
NewSecret = Annotated[
    str,
    Field(
        min_length=PASSWORD_CHARACTERS_MIN,
        max_length=PASSWORD_CHARACTERS_MAX,
        examples=["correct horse battery staple"],
    ),
]
_STRICT = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class NewUser(BaseModel):
    """A person who is to sign in from now on."""

    model_config = _STRICT

    login: str = Field(pattern=LOGIN_PATTERN, max_length=64, examples=["anna"])
    password: NewSecret
    role: Role = Field(strict=False, examples=["operator"])
    campaigns: Campaigns | None = Field(
        default=None,
        max_length=CAMPAIGNS_MAX,
        description="Campaigns that exist for the person. null: all.",
    )
    agent_id: int | None = Field(default=None, ge=1, le=2**31 - 1, description="The agent as whom the person works.")


class UserChange(BaseModel):
    """What is to change of a person; what is left out stays."""

    model_config = _STRICT

    role: Role = Field(default=Role.VIEWER, strict=False, examples=["operator"])
    campaigns: Campaigns | None = Field(default=None, max_length=CAMPAIGNS_MAX, description="null: all.")
    agent_id: int | None = Field(default=None, ge=1, le=2**31 - 1, description="null: works as no agent.")
    disabled: bool = Field(default=False, description="Whether the person may not sign in.")


class NewPassword(BaseModel):
    """A person's new password."""

    model_config = _STRICT

    password: NewSecret


class UserView(BaseModel):
    """A person."""

    login: str = Field(examples=["anna"])
    role: Role
    campaigns: list[str] | None
    agent_id: AgentId | None
    disabled: bool
    created_utc_ms: int


class UsersView(BaseModel):
    """People, by login."""

    users: list[UserView]


def user_router(
    gate: Gate, audit: Audit, passwords: PasswordCheck, configuration: Callable[[], Configuration]
) -> APIRouter:
    """Routes under `/users`."""
    routes = APIRouter(prefix="/users", tags=["access"])

    @routes.get("", summary="All people")
    async def list_users(caller: Admin) -> UsersView:
        return UsersView(users=[UserView(**user.shown()) for user in await gate.records.users()])

    @routes.post("", status_code=201, summary="Let a person sign in")
    async def create_user(wanted: NewUser, caller: Admin, response: Response) -> UserView:
        campaigns = None if wanted.campaigns is None else frozenset(wanted.campaigns)
        user = User(wanted.login, wanted.role, campaigns, wanted.agent_id, "", gate.utc_ms())
        _check(configuration(), user)
        if not await gate.records.add_user(replace(user, password=await passwords.hash(wanted.password))):
            raise Problem(409, "conflict", f"there is a person with the login {wanted.login}")
        gate.forget()
        await audit.note(caller, "user.create", f"user:{user.login}", None, user.shown())
        response.headers["Location"] = f"/v1/users/{user.login}"
        return _view(user, response)

    @routes.get("/{login}", summary="One person")
    async def get_user(login: Login, caller: Admin, response: Response) -> UserView:
        return _view(await _there(gate, login), response)

    @routes.patch("/{login}", summary="Change what a person may do", responses=PRECONDITIONS)
    async def change_user(
        login: Login, change: UserChange, caller: Admin, response: Response, if_match: IfMatch = ""
    ) -> UserView:
        before = await _there(gate, login)
        checking(if_match)(tag_of(before.shown()))
        after = _changed(before, change)
        _check(configuration(), after)
        if caller.name == f"user {login}" and (
            after.role is not Role.ADMIN or after.campaigns is not None or after.is_disabled
        ):
            raise Problem(409, "conflict", "nobody takes the last rights from oneself; another admin can")
        await _save(gate, after, before, end_sessions=after.is_disabled)
        await audit.note(caller, "user.change", f"user:{login}", before.shown(), after.shown())
        return _view(after, response)

    @routes.post("/{login}/password", status_code=204, summary="Give a person a new password, and end their sessions")
    async def set_password(login: Login, wanted: NewPassword, caller: Admin) -> Response:
        user = await _there(gate, login)
        changed = replace(user, password=await passwords.hash(wanted.password))
        await _save(gate, changed, user, end_sessions=True)
        await audit.note(caller, "user.password", f"user:{login}", None, None)
        return Response(status_code=204)

    @routes.delete("/{login}", status_code=204, summary="Let a person not sign in any more", responses=PRECONDITIONS)
    async def remove_user(login: Login, caller: Admin, if_match: IfMatch = "") -> Response:
        user = await _there(gate, login)
        checking(if_match)(tag_of(user.shown()))
        if caller.name == f"user {login}":
            raise Problem(409, "conflict", "nobody removes oneself; another admin can")
        if not await gate.records.remove_user(login):
            raise not_found(f"user {login}")
        gate.forget()
        await audit.note(caller, "user.remove", f"user:{login}", user.shown(), None)
        return Response(status_code=204)

    return routes


async def _there(gate: Gate, login: str) -> User:
    user = await gate.records.user(login)
    if user is None:
        raise not_found(f"user {login}")
    return user


async def _save(gate: Gate, after: User, seen: User, *, end_sessions: bool) -> None:
    if not await gate.records.save_user(after, seen, end_sessions=end_sessions):
        await _there(gate, after.login)
        raise Problem(409, "conflict", "somebody has changed it at the same moment; read it again")
    gate.forget()


def _view(user: User, response: Response) -> UserView:
    response.headers["ETag"] = tag_of(user.shown())
    return UserView(**user.shown())


def _changed(user: User, change: UserChange) -> User:
    """A person with what is given of a change."""
    given = change.model_fields_set
    campaigns = None if change.campaigns is None else frozenset(change.campaigns)
    return replace(
        user,
        role=change.role if "role" in given else user.role,
        campaigns=campaigns if "campaigns" in given else user.campaigns,
        agent_id=change.agent_id if "agent_id" in given else user.agent_id,
        is_disabled=change.disabled if "disabled" in given else user.is_disabled,
    )


def _check(configuration: Configuration, user: User) -> None:
    """Whether a person can be so.

    Raises:
        Problem: no; says everything that is wrong.
    """
    mistakes = demand_known(configuration, sorted(user.campaigns or ()), user.agent_id)
    if user.role is Role.AGENT and user.agent_id is None:
        mistakes.append("body.agent_id: missing: a person with the role agent works as an agent of the configuration")
    if mistakes:
        raise impossible(mistakes)
