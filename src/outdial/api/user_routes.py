"""People who sign in."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.access import Caller
from outdial.api.audit import Audit
from outdial.api.credentials import CAMPAIGNS_MAX, LOGIN_PATTERN, User
from outdial.api.gate import Gate
from outdial.api.limited_to import demand_known, needs_all_campaigns
from outdial.api.passwords import PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN, PasswordCheck
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

    async def there(login: str) -> User:
        user = await gate.records.user(login)
        if user is None:
            raise not_found(f"user {login}")
        return user

    @routes.get("", summary="All people")
    async def list_users(caller: Admin) -> UsersView:
        return UsersView(users=[UserView(**_shown(user)) for user in await gate.records.users()])

    @routes.post("", status_code=201, summary="Let a person sign in")
    async def create_user(wanted: NewUser, caller: Admin) -> UserView:
        campaigns = None if wanted.campaigns is None else frozenset(wanted.campaigns)
        user = User(wanted.login, wanted.role, campaigns, wanted.agent_id, "", gate.utc_ms())
        _check(configuration(), user)
        if not await gate.records.add_user(replace(user, password=await passwords.hash(wanted.password))):
            raise Problem(409, "conflict", f"there is a person with the login {wanted.login}")
        gate.forget()
        await audit.note(caller, "user.create", f"user:{user.login}", None, _shown(user))
        return UserView(**_shown(user))

    @routes.patch("/{login}", summary="Change what a person may do")
    async def change_user(login: Login, change: UserChange, caller: Admin) -> UserView:
        before = await there(login)
        after = _changed(before, change)
        _check(configuration(), after)
        if caller.name == f"user {login}" and (after.role is not Role.ADMIN or after.campaigns or after.is_disabled):
            raise Problem(409, "conflict", "nobody takes the last rights from oneself; another admin can")
        if not await gate.records.save_user(after, end_sessions=after.is_disabled):
            raise not_found(f"user {login}")
        gate.forget()
        await audit.note(caller, "user.change", f"user:{login}", _shown(before), _shown(after))
        return UserView(**_shown(after))

    @routes.post("/{login}/password", status_code=204, summary="Give a person a new password, and end their sessions")
    async def set_password(login: Login, wanted: NewPassword, caller: Admin) -> Response:
        user = await there(login)
        changed = replace(user, password=await passwords.hash(wanted.password))
        if not await gate.records.save_user(changed, end_sessions=True):
            raise not_found(f"user {login}")
        gate.forget()
        await audit.note(caller, "user.password", f"user:{login}", None, None)
        return Response(status_code=204)

    @routes.delete("/{login}", status_code=204, summary="Let a person not sign in any more")
    async def remove_user(login: Login, caller: Admin) -> Response:
        user = await there(login)
        if caller.name == f"user {login}":
            raise Problem(409, "conflict", "nobody removes oneself; another admin can")
        if not await gate.records.remove_user(login):
            raise not_found(f"user {login}")
        gate.forget()
        await audit.note(caller, "user.remove", f"user:{login}", _shown(user), None)
        return Response(status_code=204)

    return routes


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


def _shown(user: User) -> dict[str, Any]:
    return {
        "login": user.login,
        "role": user.role.value,
        "campaigns": None if user.campaigns is None else sorted(user.campaigns),
        "agent_id": user.agent_id,
        "disabled": user.is_disabled,
        "created_utc_ms": user.created_utc_ms,
    }
