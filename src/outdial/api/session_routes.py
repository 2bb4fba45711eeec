"""A browser's session: signing in, who is signed in, signing out."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import HTTPConnection

from outdial.api.access import Caller
from outdial.api.credentials import SECRET_CHARACTERS_MAX
from outdial.api.gate import Gate, forged
from outdial.api.origins import address_of, csrf_token_of
from outdial.api.roles import Scope, in_order
from outdial.api.sign_in import SignedIn, SignIns

_STRICT = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class PasswordSignIn(BaseModel):
    """A person signs in."""

    model_config = _STRICT

    login: str = Field(min_length=1, max_length=64, examples=["anna"])
    password: str = Field(min_length=1, max_length=256, examples=["correct horse battery staple"])


class TokenSignIn(BaseModel):
    """Somebody signs in with a program's token."""

    model_config = _STRICT

    token: str = Field(min_length=1, max_length=SECRET_CHARACTERS_MAX)


class KeySignIn(BaseModel):
    """Somebody signs in with the one-time key of an address."""

    model_config = _STRICT

    key: str = Field(min_length=1, max_length=SECRET_CHARACTERS_MAX)


class SessionView(BaseModel):
    """Who asks."""

    name: str = Field(examples=["user anna"])
    scopes: list[Scope] = Field(examples=[["read", "operate"]])
    campaigns: list[str] | None = Field(description="Campaigns that exist for the caller. null: all.")
    agent_id: int | None = Field(description="The agent as whom the caller works. null: none.")
    csrf_token: str | None = Field(
        description="For the header `X-CSRF-Token` of each change. null: the caller is no browser that has signed in."
    )
    expires_utc_ms: int | None = Field(description="When the session ends, whatever is asked. null: no session.")


def session_router(gate: Gate, sign_ins: SignIns) -> APIRouter:
    """Routes under `/session`."""
    routes = APIRouter(prefix="/session", tags=["session"])

    async def identified(connection: HTTPConnection) -> Caller:
        return await gate.identify(connection)

    @routes.post("", summary="Sign in")
    async def sign_in(
        credentials: PasswordSignIn | TokenSignIn | KeySignIn, request: Request, response: Response
    ) -> SessionView:
        if gate.settings.origins.is_foreign(request.headers):
            raise forged("a page of another origin asks")
        address = address_of(request)
        match credentials:
            case PasswordSignIn():
                signed_in = await sign_ins.with_password(credentials.login, credentials.password, address)
            case TokenSignIn():
                signed_in = await sign_ins.with_token(credentials.token, address)
            case KeySignIn():
                signed_in = await sign_ins.with_key(credentials.key, address)
        earlier = gate.cookie_of(request)
        if earlier:
            await sign_ins.end(earlier)
        response.headers["set-cookie"] = gate.settings.origins.cookie(request.headers, signed_in.secret)
        return view_of(signed_in)

    @routes.get("", summary="Who asks")
    async def get_session(request: Request, caller: Annotated[Caller, Depends(identified)]) -> SessionView:
        if caller.how != "session":
            return _view(caller, None, None)
        secret = gate.cookie_of(request)
        return _view(caller, csrf_token_of(secret), (await gate.session_of(secret)).expires_utc_ms)

    @routes.delete("", status_code=204, summary="Sign out")
    async def sign_out(request: Request, caller: Annotated[Caller, Depends(identified)]) -> Response:
        if caller.how != "session":
            return Response(status_code=204)
        await sign_ins.end(gate.cookie_of(request))
        return Response(status_code=204, headers={"set-cookie": gate.settings.origins.cookie(request.headers, "")})

    return routes


def view_of(signed_in: SignedIn) -> SessionView:
    """A session that has begun."""
    return _view(signed_in.caller, csrf_token_of(signed_in.secret), signed_in.session.expires_utc_ms)


def _view(caller: Caller, csrf_token: str | None, expires_utc_ms: int | None) -> SessionView:
    return SessionView(
        name=caller.name,
        scopes=[Scope(name) for name in in_order(caller.scopes)],
        campaigns=None if caller.campaigns is None else sorted(caller.campaigns),
        agent_id=caller.agent_id,
        csrf_token=csrf_token,
        expires_utc_ms=expires_utc_ms,
    )
