"""What programs watch the server by: metrics, and whether it lives and is ready."""

import pytest

from api_samples import ApiStory
from outdial.api.access import Caller, Scope
from outdial.api.app import make_app
from outdial.api.live_board import LiveBoard
from outdial.api.observed import Observability
from outdial.api.parts import ApiParts
from outdial.api.problems import Problem

READER = Caller("reader", frozenset({Scope.READ}))


class Watched(ApiStory):
    """A server that is watched; the test says how it stands."""

    def __init__(self, *, is_open: bool = False) -> None:
        super().__init__()
        self.is_there = True
        self.tried = False

        async def metrics() -> bytes:
            return b"outdial_info 1\n"

        observability = Observability(metrics, "text/plain", is_open, lambda: self.is_there, lambda: self.tried)
        self.board = LiveBoard(self.dialer, lambda snapshot: (), "start")
        parts = ApiParts(
            dialer=self.dialer,
            board=self.board,
            access=self.access,
            audit=self.audit,
            version="0",
            observability=observability,
        )
        self.client._transport.app = make_app(parts)

    async def ready(self) -> tuple[int, dict[str, tuple[bool, str]]]:
        self.board.look()
        answer = await self.client.get("/health/ready")
        body = answer.json()
        assert body["is_ready"] == (answer.status_code == 200)
        return answer.status_code, {check["name"]: (check["is_fine"], check["text"]) for check in body["checks"]}


class Nobody:
    async def identify(self, connection):
        raise Problem(401, "unauthenticated", "who is it?")


async def test_metrics_are_for_whoever_may_read_everything():
    story = Watched()
    answer = await story.client.get("/metrics")
    assert (200, b"outdial_info 1\n") == (answer.status_code, answer.content)
    assert answer.headers["content-type"].startswith("text/plain")
    story.access.caller = READER
    assert 200 == (await story.client.get("/metrics")).status_code


@pytest.mark.parametrize(
    "caller", [Caller("agent", frozenset({Scope.AGENT})), Caller("half", READER.scopes, frozenset({"spring"}))]
)
async def test_metrics_are_refused_to_others(caller):
    story = Watched()
    story.access.caller = caller
    refused = await story.client.get("/metrics")
    assert (403, "forbidden") == (refused.status_code, refused.json()["code"])


async def test_open_metrics_ask_nobody():
    story = Watched(is_open=True)
    story.client._transport.app.state.access = Nobody()
    assert 200 == (await story.client.get("/metrics")).status_code
    assert 401 == (await story.client.get("/groups")).status_code


async def test_health_is_for_everybody():
    story = Watched()
    story.client._transport.app.state.access = Nobody()
    assert {"is_live": True} == (await story.client.get("/health/live")).json()
    assert 503 == (await story.client.get("/health/ready")).status_code
    assert 401 == (await story.client.get("/metrics")).status_code


async def test_server_is_ready_when_a_node_is_active_or_all_have_been_tried():
    story = Watched()
    status, checks = await story.ready()
    assert (503, (False, "0 of 2 nodes are active, not all have been tried")) == (status, checks["nodes"])
    story.tried = True
    status, checks = await story.ready()
    assert (200, (True, "0 of 2 nodes are active")) == (status, checks["nodes"])
    story.tried = False
    story.all_is_well()
    status, checks = await story.ready()
    assert (200, (True, "2 of 2 nodes are active, not all have been tried")) == (status, checks["nodes"])


async def test_server_without_its_database_is_not_ready_and_tells_strangers_nothing_more():
    story = Watched().all_is_well()
    story.is_there = False
    status, checks = await story.ready()
    assert (503, (False, "does not answer")) == (status, checks["database"])
    assert (True, "loaded") == checks["configuration"]


async def test_server_that_nobody_watches_has_no_metrics(story):
    assert 404 == (await story.client.get("/metrics")).status_code
    assert 200 == (await story.client.get("/health/ready")).status_code
