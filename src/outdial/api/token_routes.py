"""Tokens of programs."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.access import Caller, Scope
from outdial.api.audit import Audit
from outdial.api.credentials import (
    CAMPAIGNS_MAX,
    SECRET_START,
    TOKEN_NAME_PATTERN,
    Token,
    digest_of,
    new_secret,
    new_token_id,
)
from outdial.api.gate import Gate
from outdial.api.limited_to import demand_known, needs_all_campaigns
from outdial.api.problems import Problem, impossible, not_found
from outdial.api.roles import in_order
from outdial.core.settings import Configuration
from outdial.core.units import AgentId

UTC_MS_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""

Admin = Annotated[Caller, Depends(needs_all_campaigns)]


class NewToken(BaseModel):
    """A token that is to be made."""

    model_config = ConfigDict(strict=True, extra="forbid")

    name: str = Field(pattern=TOKEN_NAME_PATTERN, max_length=64, description="For whom or what.", examples=["crm"])
    scopes: list[Annotated[Scope, Field(strict=False)]] = Field(
        min_length=1, max_length=4, examples=[["read", "operate"]]
    )
    campaigns: list[Annotated[str, Field(min_length=1, max_length=255)]] | None = Field(
        default=None, max_length=CAMPAIGNS_MAX, description="Names of the campaigns that it may see. null: all."
    )
    agent_id: int | None = Field(default=None, ge=1, le=2**31 - 1, description="The agent as whom it works.")
    expires_utc_ms: int | None = Field(default=None, ge=0, le=UTC_MS_MAX, description="null: never.")


class TokenView(BaseModel):
    """A token, without its secret."""

    id: str = Field(examples=["5f0c9be1a2d3"])
    name: str = Field(examples=["crm"])
    scopes: list[Scope]
    campaigns: list[str] | None
    agent_id: AgentId | None
    created_utc_ms: int
    expires_utc_ms: int | None
    used_utc_ms: int | None = Field(description="When it was last used, to the minute. null: never.")
    revoked_utc_ms: int | None


class NewTokenView(TokenView):
    """A token that has just been made."""

    token: str = Field(description="The secret: shown this once, as only a digest of it is kept.")


class TokensView(BaseModel):
    """Tokens, the oldest first, with those that do not count any more."""

    tokens: list[TokenView]


TokenId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,32}$", description="The token's `id`.", examples=["5f0c9be1a2d3"])]


def token_router(gate: Gate, audit: Audit, configuration: Callable[[], Configuration]) -> APIRouter:
    """Routes under `/tokens`."""
    routes = APIRouter(prefix="/tokens", tags=["access"])

    @routes.get("", summary="All tokens")
    async def list_tokens(caller: Admin) -> TokensView:
        return TokensView(tokens=[TokenView(**_shown(token)) for token in await gate.records.tokens()])

    @routes.post("", status_code=201, summary="Make a token")
    async def create_token(wanted: NewToken, caller: Admin) -> NewTokenView:
        now = gate.utc_ms()
        mistakes = demand_known(configuration(), wanted.campaigns, wanted.agent_id)
        if wanted.expires_utc_ms is not None and wanted.expires_utc_ms <= now:
            mistakes.append("body.expires_utc_ms: is past")
        if mistakes:
            raise impossible(mistakes)
        token = Token(
            token_id=new_token_id(),
            name=wanted.name,
            scopes=frozenset(wanted.scopes),
            campaigns=None if wanted.campaigns is None else frozenset(wanted.campaigns),
            agent_id=wanted.agent_id,
            created_utc_ms=now,
            expires_utc_ms=wanted.expires_utc_ms,
        )
        secret = new_secret(SECRET_START)
        if not await gate.records.add_token(token, digest_of(secret)):
            raise Problem(409, "conflict", f"there is a token named {wanted.name!r}; revoke it first")
        gate.forget()
        await audit.note(caller, "token.create", f"token:{token.token_id}", None, _shown(token))
        return NewTokenView(**_shown(token), token=secret)

    @routes.delete("/{token_id}", status_code=204, summary="Revoke a token")
    async def revoke_token(token_id: TokenId, caller: Admin) -> Response:
        token = await gate.records.token(token_id)
        if token is None or not await gate.records.revoke_token(token_id, gate.utc_ms()):
            raise not_found(f"token {token_id} that counts")
        gate.forget()
        await audit.note(caller, "token.revoke", f"token:{token_id}", _shown(token), None)
        return Response(status_code=204)

    return routes


def _shown(token: Token) -> dict[str, Any]:
    return {
        "id": token.token_id,
        "name": token.name,
        "scopes": in_order(token.scopes),
        "campaigns": None if token.campaigns is None else sorted(token.campaigns),
        "agent_id": token.agent_id,
        "created_utc_ms": token.created_utc_ms,
        "expires_utc_ms": token.expires_utc_ms,
        "used_utc_ms": token.used_utc_ms,
        "revoked_utc_ms": token.revoked_utc_ms,
    }
