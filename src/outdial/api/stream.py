"""The whole board, once or as it changes."""

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from outdial.api.access import Reader
from outdial.api.board import AlarmView, Board
from outdial.api.event_stream import event_stream
from outdial.api.parts import ApiParts


class AlarmsView(BaseModel):
    """What an operator must know now."""

    alarms: list[AlarmView]


def router(parts: ApiParts) -> APIRouter:
    """Routes `/snapshot`, `/stream` and `/alarms`."""
    routes = APIRouter(tags=["board"])

    @routes.get("/snapshot", summary="The whole board now")
    async def get_snapshot(caller: Reader) -> Board:
        return parts.board.current().seen_by(caller.campaigns)

    @routes.get("/alarms", summary="What an operator must know now")
    async def list_alarms(caller: Reader) -> AlarmsView:
        return AlarmsView(alarms=list(parts.board.current().seen_by(caller.campaigns).alarms))

    @routes.get(
        "/stream",
        summary="The board as it changes, as server-sent events",
        response_class=StreamingResponse,
        responses={200: {"content": {"text/event-stream": {}}, "description": _STREAM}},
    )
    async def get_stream(request: Request, caller: Reader) -> StreamingResponse:
        def snapshot() -> str:
            return parts.board.told().seen_by(caller.campaigns).model_dump_json()

        return event_stream(request, parts.board.feed, caller.campaigns, snapshot)

    return routes


_STREAM = (
    "Event `snapshot` is the whole board. Each event `change` after it has the objects that are new or different, as "
    "whole objects in `groups`, `pools`, `nodes`, `agents`; `alarms` and `stops` as a whole when they change; and in "
    "`removed` the names of objects that have gone. With `Last-Event-ID` what was missed is told, or a new snapshot "
    "when that is too long ago. Who reads too slowly is disconnected."
)
