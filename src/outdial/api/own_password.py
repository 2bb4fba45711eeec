"""A person who has signed in chooses another password. Ours: decision 0027."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection

from outdial.api.access import Caller
from outdial.api.audit import Audit
from outdial.api.gate import Gate
from outdial.api.origins import address_of
from outdial.api.passwords import PASSWORD_CHARACTERS_MAX, PasswordCheck
from outdial.api.problems import Problem
from outdial.api.session_routes import SessionView, view_of
from outdial.api.sign_in import SignIns
from outdial.api.user_routes import NewSecret


class PasswordChange(BaseModel):
    """One's own password, and another one in its place."""

    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)

    password: str = Field(
        min_length=1, max_length=PASSWORD_CHARACTERS_MAX, description="The present one.", examples=["as it was before"]
    )
    new_password: NewSecret


def own_password_router(gate: Gate, sign_ins: SignIns, passwords: PasswordCheck, audit: Audit) -> APIRouter:
    """The route `/session/password`."""
    routes = APIRouter(prefix="/session", tags=["session"])

    async def identified(connection: HTTPConnection) -> Caller:
        return await gate.identify(connection)

    async def person_of(request: Request, caller: Caller) -> str:
        """Login of the person whose session it is."""
        subject = (await gate.session_of(gate.cookie_of(request))).subject if caller.how == "session" else ""
        kind, _, login = subject.partition(":")
        if kind != "user":
            raise Problem(403, "forbidden", f"{caller.name} is no person who has signed in with a password")
        return login

    @routes.post("/password", summary="Change one's own password: this session goes on as a new one, one's others end")
    async def change_password(
        wanted: PasswordChange, request: Request, response: Response, caller: Annotated[Caller, Depends(identified)]
    ) -> SessionView:
        login, address = await person_of(request, caller), address_of(request)
        user = await sign_ins.prove(login, wanted.password, address)
        if user is None:
            raise Problem(403, "wrong_password", "the present password is wrong")
        changed = replace(user, password=await passwords.hash(wanted.new_password))
        if not await gate.records.save_user(changed, user, end_sessions=True):
            raise Problem(409, "conflict", "somebody has changed your account at the same moment; try again")
        gate.forget()
        await audit.note(caller, "user.password", f"user:{login}", None, None)
        signed_in = await sign_ins.begin(f"user:{login}", address)
        response.headers["set-cookie"] = gate.settings.origins.cookie(request.headers, signed_in.secret)
        return view_of(signed_in)

    return routes
