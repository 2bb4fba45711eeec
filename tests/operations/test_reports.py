"""Reports and budgets over the API, on every database."""

import asyncio
from dataclasses import replace

import pytest

from operations_story import SPRING_ONLY, Story, telling
from outdial.core.results import CallResult
from outdial.operations import running_store
from store.contract.story import DONE, NOW, add_singles, begun, claim, settled, write


async def called(story: Story) -> None:
    """Group 1 reached one person and lost another; group 2 reached nobody."""
    await add_singles(story.store, 4)
    records = [chain.records[0] for chain in (await claim(story.store)).chains]
    story.clock[0] = NOW + 60_000
    results = (CallResult.ANSWER, CallResult.ABANDONED, CallResult.BUSY)
    for call_id, (record, result) in enumerate(zip(records, results, strict=False), 1):
        change = settled(call_id, record, DONE, result=result)
        person = result is not CallResult.BUSY
        group_id = 1 if person else 2
        change = replace(
            change,
            group_id=group_id,
            campaign_id=group_id,
            person=person,
            abandoned=result is CallResult.ABANDONED,
        )
        await write(story.store, replace(begun(call_id, record), group_id=group_id), change)


async def test_a_report_has_rows_and_totals(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await called(story)
        report = await story.get("/reports/attempts", period="today", by="group")
        assert [row["group"] for row in report["rows"]] == ["east", "west"]
        assert [row["attempts"] for row in report["rows"]] == [2, 1] and report["totals"]["attempts"] == 3
        assert (report["report"], report["by"], report["zone"]) == ("attempts", ["group"], "UTC")
        text = await story.get("/reports/attempts", period="today", by="group", format="csv")
        assert text.splitlines()[0].startswith("group,attempts") and len(text.splitlines()) == 3


async def test_who_sees_one_campaign_sees_reports_on_it_alone(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await called(story)
        story.becomes(SPRING_ONLY)
        for query in ({}, {"campaign": "spring"}, {"group": ["east"]}):
            report = await story.get("/reports/attempts", period="today", by="group", **query)
            assert [row["group"] for row in report["rows"]] == ["east"], query
            assert report["totals"]["attempts"] == 2
        assert (await story.get("/reports/attempts", period="today", by="total", group="2"))["totals"]["attempts"] == 0
        for query in ({"group": "west"}, {"campaign": "autumn"}, {"list": "others"}):
            await story.get("/reports/attempts", 422, period="today", **query)
        lists = await story.get("/reports/lists", period="today", by="list")
        assert {row["list"] for row in lists["rows"]} <= {"customers", "germans"}


async def test_every_kind_of_report_can_be_asked_for(sqlite, tmp_path):
    async with telling(sqlite, tmp_path) as story:
        await called(story)
        kinds = (await story.get("/reports"))["reports"]
        assert {kind["name"] for kind in kinds} == {"attempts", "agents", "waits", "lists", "ports"}
        for kind in kinds:
            await story.get(f"/reports/{kind['name']}", period="yesterday")
            story.becomes(SPRING_ONLY)
            await story.get(f"/reports/{kind['name']}", period="yesterday")


@pytest.mark.parametrize(
    "query, place",
    [
        ({"period": "sometime"}, "period"),
        ({}, "query.period"),
        ({"period": "today", "by": "moon"}, "by"),
        ({"period": "today", "zone": "Mars"}, "zone"),
        ({"period": "today", "format": "parquet"}, "query.format"),
        ({"period": "today", "group": "nobody"}, "group"),
    ],
)
async def test_wrong_arguments_are_named_without_dashes(sqlite, tmp_path, query, place):
    async with telling(sqlite, tmp_path) as story:
        refused = await story.get("/reports/attempts", 422, **query)
        assert any(mistake.startswith(place) for mistake in refused["mistakes"]), refused
        assert "--" not in "".join(refused["mistakes"])
        await story.get("/reports/nothing", 404, period="today")


async def test_a_query_that_would_keep_the_dialer_waiting_is_ended(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr("outdial.store.sqlite_reports.STEPS", 1)
    async with telling(sqlite, tmp_path) as story:
        await called(story)
        story.operations.running.read_s_max = 0.0
        refused = await story.get("/reports/attempts", 422, period="today")
        assert refused["code"] == "read_too_long" and "PostgreSQL" in refused["detail"]


async def test_one_long_look_at_a_time(sqlite, tmp_path):
    async with telling(sqlite, tmp_path) as story:
        async with story.operations.running.long_work():
            for path in ("/reports/attempts?period=today", "/groups/1/preflight"):
                response = await story.client.get(path)
                assert (response.status_code, response.json()["code"]) == (429, "busy")
                assert "retry-after" in response.headers
        await story.get("/reports/attempts", period="today")


async def test_requests_take_turns_and_too_many_are_turned_away(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr(running_store, "WAITING_MAX", 3)
    async with telling(sqlite, tmp_path) as story:
        gate, find_records = asyncio.Event(), story.store.find_records
        under_way: list[int] = []

        async def slowly(*arguments):
            under_way.append(len(under_way) + 1)
            await gate.wait()
            return await find_records(*arguments)

        monkeypatch.setattr(story.store, "find_records", slowly)
        asked = [asyncio.create_task(story.client.get("/records?number=5550100")) for _ in range(6)]
        done, _ = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert under_way == [1]  # one has its turn, the others wait for it
        assert {task.result().status_code for task in done} == {429}
        gate.set()
        codes = sorted([(await task).status_code for task in asked])
        assert codes == [200, 200, 200, 200, 429, 429]


async def test_the_budget_of_abandoned_calls(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await called(story)
        budgets = (await story.get("/compliance/budget"))["budgets"]
        assert ("campaign", "spring") in [(one["kind"], one["name"]) for one in budgets]
        [spring] = (await story.get("/compliance/budget", campaign="spring"))["budgets"]
        month = next(one for one in spring["windows"] if one["window"] == "30-days")
        assert month["is_limited"]
        story.becomes(SPRING_ONLY)
        seen = (await story.get("/compliance/budget"))["budgets"]
        assert [(one["kind"], one["name"]) for one in seen] == [("campaign", "spring")]
        await story.get("/compliance/budget", 404, campaign="autumn")


async def test_the_report_that_the_rules_want(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await called(story)
        days = "2027-01-01..2027-01-31"
        report = await story.get("/compliance/report", period=days, form="safe-harbour")
        total = next(row for row in report["rows"] if (row["campaign"], row["date"]) == ("spring", "total"))
        assert (total["calls_dialed"], total["answered_by_persons"], total["abandoned"]) == (2, 2, 1)
        assert report["rules"]["abandoned"].startswith("16 CFR")
        text = await story.get("/compliance/report", period=days, form="uk", format="csv")
        assert "Ofcom" in text.splitlines()[0] and len(text.splitlines()) > 2
        story.becomes(SPRING_ONLY)
        report = await story.get("/compliance/report", period=days, form="safe-harbour")
        assert {row["campaign"] for row in report["rows"]} == {"spring"}
        for query in ({"period": "2023"}, {"period": days, "form": "mars"}, {"period": "2023-11-02..2023-11-01"}):
            await story.get("/compliance/report", 422, **{"form": "uk", **query})
