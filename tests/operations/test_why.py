"""Why records are not dialed, out of a database that a dialer uses: in turn with everybody else."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from operations_story import NOON, Story, telling
from outdial.api.problems import Problem
from outdial.core.commands import Disposition
from outdial.core.records import RecordType
from outdial.core.settings import TreatmentAction
from outdial.operations.running_store import WAITING_MAX
from outdial.serve_reasons import ServeReasons
from store.contract.story import claim, settled, write


def reasons_in(story: Story) -> ServeReasons:
    configuration: Any = SimpleNamespace(setup=SimpleNamespace(loaded=story.operations.running.loaded))
    return ServeReasons(configuration, story.operations.running.looks)


async def test_records_say_why_and_what_is_no_number_is_the_requests_mistake(database, tmp_path):
    async with telling(database, tmp_path) as story:
        added = await story.post("/lists/1/records", {"phone": "5550100"}, 201)
        reasons = reasons_in(story)
        for which in ("5550100", "+5550100", str(added["record_id"])):
            [view] = await reasons.why(which, None)
            assert (view.kind, view.dbid, view.name) == ("record", added["record_id"], "5550100")
            assert await reasons.why(which, frozenset({"autumn"})) == []
        with pytest.raises(Problem) as refused:
            await reasons.why("no number", None)
        assert (refused.value.status, refused.value.code) == (422, "invalid_request")


async def test_a_callback_is_found_by_the_number_at_which_it_was_asked_for(database, tmp_path):
    async with telling(database, tmp_path) as story:
        added = await story.post("/lists/1/records", {"phone": "5550100"}, 201)
        [record] = (await claim(story.store, utc_ms=NOON)).chains[0].records
        wish = Disposition(
            TreatmentAction.RESCHEDULE, NOON, None, (), 1, RecordType.CAMPAIGN_CALLBACK, number="5550199"
        )
        await write(story.store, replace(settled(1, record), disposition=wish))
        [view] = await reasons_in(story).why("+5550199", None)
        assert (view.dbid, view.name) == (added["record_id"], "5550100")
        assert view.state == "ready in customers, called at 5550199"
        [found] = (await story.get("/records", number="5550199"))["records"]
        assert (found["record_id"], found["callback_number"]) == (added["record_id"], "5550199")


async def test_the_dialer_waits_for_one_of_them_at_most(sqlite, tmp_path):
    async with telling(sqlite, tmp_path) as story:
        story.operations.running._waiting = WAITING_MAX
        with pytest.raises(Problem) as refused:
            await reasons_in(story).why("5550100", None)
        assert (refused.value.status, refused.value.headers["Retry-After"]) == (429, "2")
