"""Webhooks over the API."""

from dataclasses import replace

from api_samples import ApiStory
from outdial.api.access import Caller, Scope
from outdial.api.app import make_app
from outdial.api.observed import Observability, Webhooks, WebhookStatus
from outdial.api.parts import ApiParts

CRM = WebhookStatus("crm", "https://crm.example", ("attempt.settled",), (), 3, 2, "answered 500")
AUTUMN = replace(CRM, name="autumn", campaigns=("autumn",), parked=0, error="")


class Told(ApiStory):
    """A server with webhooks."""

    def __init__(self) -> None:
        super().__init__()
        self.retried: list[str] = []

        async def metrics() -> bytes:
            return b""

        async def retry(name: str) -> int:
            self.retried.append(name)
            return 2

        webhooks = Webhooks(lambda: [CRM, AUTUMN], retry)
        observability = Observability(metrics, "text/plain", False, lambda: True, lambda: True, webhooks)
        parts = ApiParts(self.dialer, self.board, self.access, self.audit, "0", observability=observability)
        self.client._transport.app = make_app(parts)


async def test_webhooks_are_shown_without_what_may_be_secret():
    story = Told()
    body = (await story.client.get("/webhooks")).json()
    assert [
        {
            "name": "crm",
            "address": "https://crm.example",
            "events": ["attempt.settled"],
            "campaigns": [],
            "waiting": 3,
            "parked": 2,
            "error": "answered 500",
        },
        "autumn",
        None,
    ] == [body["webhooks"][0], body["webhooks"][1]["name"], body["webhooks"][1]["error"]]


async def test_what_was_given_up_is_tried_again_and_that_is_audited():
    story = Told()
    assert {"messages": 2} == (await story.client.post("/webhooks/crm/retry")).json()
    assert ["crm"] == story.retried
    assert [("somebody", "webhook.retry", "webhook crm", None, {"messages": 2})] == story.audit.notes
    assert 404 == (await story.client.post("/webhooks/none/retry")).status_code
    assert 422 == (await story.client.post("/webhooks/%20/retry")).status_code


async def test_webhooks_are_the_administrators():
    story = Told()
    story.access.caller = Caller("operator", frozenset({Scope.READ, Scope.OPERATE}))
    assert 403 == (await story.client.get("/webhooks")).status_code
    assert 403 == (await story.client.post("/webhooks/crm/retry")).status_code
    assert [] == story.retried


async def test_webhooks_of_other_campaigns_do_not_exist():
    story = Told()
    story.access.caller = Caller("half", frozenset({Scope.ADMIN}), frozenset({"autumn", "winter"}))
    body = (await story.client.get("/webhooks")).json()
    assert ["autumn"] == [one["name"] for one in body["webhooks"]]
    assert 404 == (await story.client.post("/webhooks/crm/retry")).status_code


async def test_a_server_without_webhooks_has_none(story):
    assert {"webhooks": []} == (await story.client.get("/webhooks")).json()
    assert 404 == (await story.client.post("/webhooks/crm/retry")).status_code
