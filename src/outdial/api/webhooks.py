"""Other systems that are told of what happens: how they are doing, and another try for what was given up."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from outdial.api.access import Caller, Scope, needs
from outdial.api.observed import Webhooks, WebhookStatus
from outdial.api.parts import ApiParts
from outdial.api.problems import not_found

Admin = Annotated[Caller, Depends(needs(Scope.ADMIN))]
Name = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class WebhookView(BaseModel):
    """One webhook, as of some seconds ago."""

    name: str = Field(examples=["crm"])
    address: str = Field(
        description="Without path and query, which may hold a secret.", examples=["https://crm.example"]
    )
    events: list[str] = Field(examples=[["attempt.settled"]])
    campaigns: list[str] = Field(description="Names of campaigns. Empty: all.")
    waiting: int = Field(description="Messages that have not been delivered yet.")
    parked: int = Field(description="Messages that were given up.")
    error: str | None = Field(description="Why the last try failed. null: it did not.")


class WebhooksView(BaseModel):
    """All webhooks."""

    webhooks: list[WebhookView]


class RetriedView(BaseModel):
    """What is tried again."""

    messages: int


def router(parts: ApiParts) -> APIRouter:
    """Routes under `/webhooks`."""
    routes = APIRouter(prefix="/webhooks", tags=["webhooks"])
    webhooks = None if parts.observability is None else parts.observability.webhooks

    @routes.get("", summary="All webhooks, and how they are doing")
    async def list_webhooks(caller: Admin) -> WebhooksView:
        return WebhooksView(webhooks=[_view(one) for one in _visible(webhooks, caller)])

    @routes.post("/{name}/retry", summary="Try again what was given up")
    async def retry_webhook(name: Name, caller: Admin) -> RetriedView:
        known = [one for one in _visible(webhooks, caller) if one.name == name]
        if webhooks is None or not known:
            raise not_found(f"webhook {name}")
        count = await webhooks.retry(name)
        await parts.audit.note(caller, "webhook.retry", f"webhook {name}", None, {"messages": count})
        return RetriedView(messages=count)

    return routes


def _visible(webhooks: Webhooks | None, caller: Caller) -> list[WebhookStatus]:
    """Those that tell of nothing but campaigns that exist for the caller."""
    states = () if webhooks is None else webhooks.states()
    if caller.campaigns is None:
        return list(states)
    return [one for one in states if one.campaigns and caller.campaigns.issuperset(one.campaigns)]


def _view(one: WebhookStatus) -> WebhookView:
    return WebhookView(
        name=one.name,
        address=one.address,
        events=list(one.events),
        campaigns=list(one.campaigns),
        waiting=one.waiting,
        parked=one.parked,
        error=one.error or None,
    )
