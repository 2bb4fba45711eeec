"""Do-not-call lists over the API, on every database."""

import pytest

from operations_story import NOON, SPRING_ONLY, telling
from outdial.core.units import DAY_MS
from store.contract.story import add_singles


async def test_a_number_comes_onto_a_list_and_off_it(database, tmp_path):
    async with telling(database, tmp_path) as story:
        new = {"numbers": ["+1 555 0100", "15550100", "customer:77"], "reason": "asked by letter"}
        assert await story.post("/dnc/internal/numbers", new) == {"list_name": "internal", "numbers": 2, "added": 2}
        checked = (await story.get("/dnc/check", number=["+15550100", "5550199"]))["numbers"]
        assert [(one["number"], one["on_a_list"]) for one in checked] == [("15550100", True), ("5550199", False)]
        [entry] = checked[0]["entries"]
        assert (entry["list_name"], entry["added_by"], entry["reason"]) == ("internal", "somebody", "asked by letter")
        removed = await story.client.delete("/dnc/internal/numbers", params={"number": ["+15550100"]})
        assert removed.json() == {"list_name": "internal", "numbers": 1, "removed": 1}
        assert not (await story.get("/dnc/check", number="15550100"))["numbers"][0]["on_a_list"]
        assert [note[1] for note in story.api.audit.notes] == ["do-not-call.add", "do-not-call.remove"]


async def test_lists_at_a_glance(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await story.post("/dnc/national/numbers", {"numbers": ["5550100", "5550101"]})
        story.clock[0] += 3 * DAY_MS
        view = await story.get("/dnc")
        [shown] = view["lists"]
        assert (shown["name"], shown["numbers"], shown["age_days"], shown["too_old"]) == ("national", 2, 3, False)
        assert shown["oldest_utc_ms"] == NOON and view["notes"] == []
        await story.post("/dnc/internal/numbers", {"numbers": ["5550102"]})
        assert len((await story.get("/dnc"))["lists"]) == 2


async def test_a_new_record_says_that_it_is_on_a_list(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await story.post("/dnc/internal/numbers", {"numbers": ["5550100"]})
        assert (await story.post("/lists/1/records", {"phone": "5550100"}, 201))["do_not_call"] == ["internal"]


@pytest.mark.parametrize(
    "name, body, place",
    [
        ("internal", {"numbers": []}, "body.numbers"),
        ("internal", {"numbers": ["x", "y"]}, '"y"'),
        ("internal", {"numbers": ["5550100"], "until_utc_ms": NOON}, "past"),
        ("internal", {"numbers": ["5550100"], "until_utc_ms": "soon"}, "body.until_utc_ms"),
        ("internal", {"numbers": ["5550100"], "reason": "x" * 201}, "body.reason"),
        ("internal", {"numbers": ["5550100"], "reason": "a\nb"}, "reason"),
        ("%20x", {"numbers": ["5550100"]}, "list"),
    ],
)
async def test_wrong_numbers_are_named(sqlite, tmp_path, name, body, place):
    async with telling(sqlite, tmp_path) as story:
        refused = await story.post(f"/dnc/{name}/numbers", body, 422)
        assert any(place in mistake for mistake in refused["mistakes"]), refused
        await story.get("/dnc/check", 422, number="x")
        await story.get("/dnc/check", 422)


async def test_who_sees_one_campaign_may_protect_people_and_not_expose_them(sqlite, tmp_path):
    async with telling(sqlite, tmp_path) as story:
        await story.post("/dnc/other/numbers", {"numbers": ["5550100"]})
        await story.post("/dnc/national/numbers", {"numbers": ["5550101"]})
        story.becomes(SPRING_ONLY)
        assert [one["name"] for one in (await story.get("/dnc"))["lists"]] == ["national"]
        checked = (await story.get("/dnc/check", number=["5550100", "5550101"]))["numbers"]
        assert [one["on_a_list"] for one in checked] == [False, True]
        assert (await story.post("/dnc/internal/numbers", {"numbers": ["5550102"]}))["added"] == 1
        await story.post("/dnc/other/numbers", {"numbers": ["5550102"]}, 404)
        refused = await story.client.delete("/dnc/national/numbers", params={"number": "5550101"})
        assert refused.status_code == 403


async def test_when_the_customers_of_a_group_may_be_called(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await add_singles(story.store, 3)
        [number] = [(await story.get("/lists/1/records"))["records"][0]["number"]]
        await story.post("/dnc/internal/numbers", {"numbers": [number]})
        later = {"phone": "5550999", "not_before_utc_ms": NOON + 3 * DAY_MS}
        await story.post("/lists/1/records", later, 201)
        found = await story.get("/groups/1/preflight")
        assert (found["group"], found["now"], found["lists"]) == ("east", 2, 2)
        assert (found["later"], sum(found["never"].values())) == ({"due later": 1}, 1)
        story.becomes(SPRING_ONLY)
        await story.get("/groups/1/preflight")
        await story.get("/groups/2/preflight", 404)
