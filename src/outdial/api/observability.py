"""For programs that watch over the server: metrics, and whether it lives and is ready."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection

from outdial.api.access import Caller, Needs, Scope
from outdial.api.parts import ApiParts
from outdial.api.problems import MEDIA_TYPE, Problem
from outdial.core.nodes import NodeState


class CheckView(BaseModel):
    """One thing that a ready server has."""

    name: str = Field(examples=["nodes"])
    is_fine: bool
    text: str = Field(description="How it stands.", examples=["2 of 3 nodes are active"])


class ReadyView(BaseModel):
    """Whether the server does its work."""

    is_ready: bool
    checks: list[CheckView]


class LiveView(BaseModel):
    """The server answers."""

    is_live: bool = True


@dataclass(frozen=True)
class ReadsAll(Needs):
    """What metrics demand: they are about all campaigns, and who may see some only may not see any."""

    is_open: bool
    """Anybody may."""

    async def __call__(self, connection: HTTPConnection) -> Caller:
        """See `Needs`."""
        if self.is_open:
            return ANYBODY
        caller = await super().__call__(connection)
        if caller.campaigns is not None:
            raise Problem(403, "forbidden", f"{caller.name} may not see all campaigns, and metrics are about all")
        return caller


ANYBODY = Caller("anybody", frozenset())
_NOT_READY: dict[str, Any] = {
    "model": ReadyView,
    "content": {MEDIA_TYPE: {}},
    "description": "It does not, yet or any more: the checks say why.",
}


def router(parts: ApiParts) -> APIRouter:
    """Routes `/metrics` and `/health`."""
    routes = APIRouter(tags=["observability"])
    observability = parts.observability
    may_read = ReadsAll((Scope.READ,), observability is not None and observability.is_open)

    @routes.get(
        "/metrics",
        summary="Metrics for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}, "description": "docs/reference/metrics.md has every metric."}},
    )
    async def get_metrics(caller: Annotated[Caller, Depends(may_read)]) -> Response:
        if observability is None:
            raise Problem(404, "not_found", "this server keeps no metrics")
        return Response(await observability.metrics(), media_type=observability.content_type)

    @routes.get("/health/live", summary="Whether the server answers; for everybody")
    async def get_live() -> LiveView:
        return LiveView()

    @routes.get(
        "/health/ready",
        summary="Whether the server does its work; for everybody",
        responses={200: {"model": ReadyView}, 503: _NOT_READY},
        response_model=ReadyView,
    )
    async def get_ready() -> JSONResponse:
        checks = _checks(parts)
        view = ReadyView(is_ready=all(check.is_fine for check in checks), checks=checks)
        return JSONResponse(view.model_dump(), 200 if view.is_ready else 503)

    return routes


def _checks(parts: ApiParts) -> list[CheckView]:
    """Everything that a ready server has. Texts are for strangers: names and addresses are not in them."""
    board, observability = parts.board.told(), parts.observability
    is_there = observability is None or observability.database_is_there()
    active = sum(node.state != NodeState.INACTIVE.value for node in board.nodes)
    tried = observability is None or observability.have_nodes_been_tried()
    return [
        CheckView(name="configuration", is_fine=True, text="loaded"),  # or there would be no API yet
        CheckView(name="database", is_fine=is_there, text="answers" if is_there else "does not answer"),
        CheckView(
            name="nodes",
            is_fine=active > 0 or tried,
            text=f"{active} of {len(board.nodes)} nodes are active" + ("" if tried else ", not all have been tried"),
        ),
    ]
