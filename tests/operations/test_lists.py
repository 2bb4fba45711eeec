"""Calling lists and their records over the API, on every database."""

import csv
import io
from dataclasses import replace

import pytest

from operations_story import READER, SPRING_ONLY, configuration, telling
from outdial.core.commands import DisposeRecord, Disposition
from outdial.core.records import Record
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.store.interface import StoreUnavailable
from store.contract.story import DONE, NOW, add_chain, add_singles, begun, cancelled, claim, claim_one, settled, write


def word(record: Record, call_id: int) -> DisposeRecord:
    """Ada says something of a call."""
    done = Disposition(TreatmentAction.DONE, 0, None, ())
    list_id, record_id, attempt_n = record.list_id, record.record_id, record.attempts + 1
    return DisposeRecord(1, call_id, list_id, record_id, attempt_n, 7, CallResult.ANSWER, done, "a note", NOW)


async def test_a_list_at_a_glance(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await add_singles(story.store, 3)
        await write(story.store, settled(1, (await claim_one(story.store))[0], DONE))
        lists = (await story.get("/lists"))["lists"]
        assert [one["name"] for one in lists] == ["customers", "others", "germans"]
        shown = await story.get("/lists/1")
        assert (shown["records"], shown["by_status"], shown["due"]) == (3, {"ready": 2, "updated": 1}, 2)
        assert (shown["campaigns"], shown["files"][0]["records"]) == (["spring"], 3)
        assert (await story.get("/lists/9", 404))["detail"] == "there is no calling list 9"


async def test_counting_is_not_repeated_within_seconds_unless_something_was_changed(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await add_singles(story.store, 2)
        assert (await story.get("/lists/1"))["records"] == 2
        await add_singles(story.store, 2, first=10)
        assert (await story.get("/lists/1"))["records"] == 2
        await story.post("/lists/1/records", {"phone": "5550999"}, 201)
        assert (await story.get("/lists/1"))["records"] == 5
        await add_singles(story.store, 1, first=20)
        story.clock[0] += 60_000
        assert (await story.get("/lists/1"))["records"] == 6


async def test_finished_records_are_ready_again(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await add_singles(story.store, 2)
        await write(story.store, settled(1, (await claim_one(story.store))[0], DONE))
        wrong = await story.post("/lists/1/reset", {"statuses": ["ready"]}, 422)
        assert len(wrong["mistakes"]) == 2, wrong  # neither is anybody sure, nor is there such a status
        assert await story.post("/lists/1/reset", {"sure": True, "statuses": ["cancelled"]}) == {
            "list_dbid": 1,
            "records": 0,
        }
        assert (await story.post("/lists/1/reset", {"sure": True}))["records"] == 1
        assert (await story.get("/lists/1"))["by_status"] == {"ready": 2}
        assert [note[1] for note in story.api.audit.notes] == ["list.reset", "list.reset"]


async def test_a_list_is_exported_as_csv(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await story.reads("phone,name\n+15550100,=Ann\n5550101,Bob\n")
        rows = list(csv.DictReader(io.StringIO(await story.get("/lists/1/export"))))
        assert [(row["number"], row["status"], row["name"]) for row in rows] == [
            ("+15550100", "ready", "'=Ann"),  # no spreadsheet takes it for a formula
            ("5550101", "ready", "Bob"),
        ]


async def test_records_come_in_pages(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await add_singles(story.store, 5)
        seen, cursor, pages = [], None, 0
        while pages == 0 or cursor is not None:
            page = await story.get("/lists/1/records", limit=2, **({} if cursor is None else {"cursor": cursor}))
            seen += [record["record_id"] for record in page["records"]]
            cursor, pages = page["next_cursor"], pages + 1
        assert (seen, pages) == ([1, 2, 3, 4, 5], 3)
        for query in ({"limit": 0}, {"limit": 1_001}, {"cursor": "x"}, {"cursor": "-1"}, {"cursor": "9" * 30}):
            await story.get("/lists/1/records", 422, **query)


async def test_a_record_is_added_and_told_of(database, tmp_path):
    async with telling(database, tmp_path) as story:
        new = {"phone": "(555) 0100", "time_zone": "America/New_York", "fields": {"name": "Ann"}, "chain_id": 7}
        added = await story.post("/lists/1/records", new, 201)
        assert (added["number"], added["do_not_call"]) == ("5550100", [])
        history = await story.get(f"/lists/1/records/{added['record_id']}")
        record = history["record"]
        assert (record["time_zone"], record["fields"], record["chain_id"]) == ("America/New_York", {"name": "Ann"}, 7)
        assert story.grown == [1]
        assert history["made"] == [] and [one["number"] for one in history["chain"]] == ["5550100"]
        assert (await story.get("/records", number="555-0100"))["records"] == [record]
        assert story.api.audit.notes[0][1:3] == ("record.add", f"record {added['record_id']}")
        refused = await story.post("/lists/1/records", new, 409)
        assert (refused["code"], "in the list already" in refused["detail"]) == ("record_refused", True)


@pytest.mark.parametrize(
    "new, place",
    [
        ({}, "body.phone"),
        ({"phone": "x"}, "not a number"),
        ({"phone": 5550100}, "body.phone"),
        ({"phone": "5550100", "chain_id": True}, "body.chain_id"),
        ({"phone": "5550100", "more": 1}, "body.more"),
        ({"phone": "5550100", "time_zone": "Mars"}, "no time zone"),
        ({"phone": "5550100", "fields": {"phone": "1"}}, "say it as phone"),
        ({"phone": "5550100", "fields": {"daily_from": "late"}}, "daily_from"),
        ({"phone": "5550100", "fields": {"name": "a\nb"}}, "control character"),
        ({"phone": "5550100", "fields": {"a\0b": "Ann"}}, "control character"),
        ({"phone": "5550100", "not_before_utc_ms": -1}, "body.not_before_utc_ms"),
    ],
)
async def test_a_wrong_record_is_refused_with_its_mistakes(sqlite, tmp_path, new, place):
    async with telling(sqlite, tmp_path) as story:
        refused = await story.post("/lists/1/records", new, 422)
        assert any(place in mistake for mistake in refused["mistakes"]), refused
        assert (await story.get("/lists/1"))["records"] == 0


async def test_a_record_tells_its_chain_and_its_attempts_with_evidence(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await add_chain(story.store, 3)
        [chain] = (await claim(story.store)).chains
        record = chain.records[0]
        first = replace(begun(1, record), evidence='{"rules": ["us-fl"]}')
        await write(story.store, first, settled(1, record, DONE, result=CallResult.ANSWER))
        history = await story.get(f"/lists/1/records/{record.record_id}")
        assert [one["chain_n"] for one in history["chain"]] == [0, 1, 2]
        [made] = history["made"]
        assert (made["call_result"], made["group"], made["evidence"]) == ("answer", "east", {"rules": ["us-fl"]})
        assert history["said"] == []
        await write(story.store, word(record, 1))
        [said] = (await story.get(f"/lists/1/records/{record.record_id}"))["said"]
        assert (said["agent"], said["call_result"], said["note"], said["call_id"]) == ("ada", "answer", "a note", 1)
        await story.get(f"/lists/2/records/{record.record_id}", 404)
        await story.get("/lists/1/records/99", 404)


async def test_a_record_is_cancelled_wherever_it_is(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await add_singles(story.store, 2)
        [chain] = (await claim(story.store, 1)).chains
        claimed = chain.records[0]
        await write(story.store, begun(1, claimed))
        other = 1 if claimed.record_id == 2 else 2
        assert await story.post(f"/lists/1/records/{other}/cancel") == {
            "record_id": other,
            "outcome": "cancelled",
            "in_a_call": False,
        }
        assert (await story.post(f"/lists/1/records/{other}/cancel"))["outcome"] == "over"
        told = await story.post(f"/lists/1/records/{claimed.record_id}/cancel")
        assert (told["outcome"], told["in_a_call"]) == ("claimed", True)


async def test_a_consent_that_comes_later_is_added_and_told_of(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await add_singles(story.store, 2)
        records = [chain.records[0] for chain in (await claim(story.store)).chains]
        await write(story.store, *(cancelled(record, CallResult.CANCEL_RECORD) for record in records))
        path = "/lists/1/records/1/consent"
        assert await story.post(path, {"consent": " form "}) == {"record_id": 1, "outcome": "over"}
        assert story.grown == []
        again = {"consent": "letter", "consent_utc_ms": 5, "ready": True}
        assert (await story.post(path, again))["outcome"] == "ready"
        assert story.grown == [1]
        record = (await story.get("/lists/1/records/1"))["record"]
        assert (record["consent"], record["consent_utc_ms"], record["status"]) == ("letter", 5, "ready")
        first, second = ({"consent": text, "consent_utc_ms": at} for text, at in (("form", None), ("letter", 5)))
        assert [note[1:] for note in story.api.audit.notes] == [
            ("record.consent", "record 1", None, first),
            ("record.consent", "record 1", first, second),
        ]
        await story.post("/lists/2/records/1/consent", again, 404)
        for wrong in ({}, {"consent": "  "}, {"consent": "a\nb"}, {"consent": "x" * 501}, again | {"ready": "yes"}):
            await story.post(path, wrong, 422)


async def test_who_may_see_one_campaign_sees_its_lists_records_and_attempts_only(database, tmp_path):
    async with telling(database, tmp_path) as story:
        added = await story.post("/lists/2/records", {"phone": "5550100"}, 201)
        await story.post("/lists/1/records", {"phone": "5550100"}, 201)
        story.becomes(SPRING_ONLY)
        assert [one["name"] for one in (await story.get("/lists"))["lists"]] == ["customers", "germans"]
        assert [one["list_name"] for one in (await story.get("/records", number="5550100"))["records"]] == ["customers"]
        for path in ("/lists/2", "/lists/2/records", f"/lists/2/records/{added['record_id']}", "/lists/2/export"):
            await story.get(path, 404)
        await story.post("/lists/2/records", {"phone": "5550101"}, 404)
        await story.post("/lists/2/reset", {"sure": True}, 404)
        await story.post(f"/lists/2/records/{added['record_id']}/cancel", None, 404)
        await story.send("/lists/2/imports", "phone\n5550102\n", 404)


async def test_a_shared_list_does_not_tell_one_campaign_of_the_calls_of_another(sqlite, tmp_path):
    campaigns = (
        '[[campaign]]\ndbid = 1\nname = "spring"\nlists = ["customers"]\n'
        '[[campaign]]\ndbid = 2\nname = "autumn"\nlists = ["customers"]\n'
    )
    async with telling(sqlite, tmp_path, configuration(campaign=campaigns)) as story:
        await add_singles(story.store, 1)
        record = (await claim_one(story.store))[0]
        await write(story.store, replace(begun(1, record), group_id=2), begun(2, record))
        await write(story.store, replace(settled(1, record, DONE), group_id=2))
        await write(story.store, word(record, 1))
        path = f"/lists/1/records/{record.record_id}"
        history = await story.get(path)
        assert [made["group"] for made in history["made"]] == ["west", "east"] and len(history["said"]) == 1
        story.becomes(SPRING_ONLY)
        history = await story.get(path)
        assert [made["group"] for made in history["made"]] == ["east"] and history["said"] == []


async def test_reading_needs_another_scope_than_changing(sqlite, tmp_path):
    async with telling(sqlite, tmp_path) as story:
        story.becomes(READER)
        await story.get("/lists")
        for path, body in (
            ("/lists/1/reset", {"sure": True}),
            ("/lists/1/records", {"phone": "5550100"}),
            ("/lists/1/records/1/cancel", None),
            ("/dnc/internal/numbers", {"numbers": ["5550100"]}),
        ):
            assert (await story.post(path, body, 403))["code"] == "forbidden"
        await story.send("/lists/1/imports", "phone\n5550100\n", 403)


async def test_nothing_is_added_while_the_dialer_is_behind(sqlite, tmp_path):
    async with telling(sqlite, tmp_path) as story:
        for why_away, waiting, status, code in (
            ("no route to host", 0, 503, "store_unavailable"),
            ("", 10_000, 429, "writer_behind"),
        ):
            story.dialer.why_away, story.dialer.waiting = why_away, waiting
            response = await story.client.post("/lists/1/records", json={"phone": "5550100"})
            assert (response.status_code, response.json()["code"]) == (status, code)
            assert int(response.headers["retry-after"]) > 0
            await story.send("/lists/1/imports", "phone\n5550100\n", status)
        story.dialer.waiting = 0
        await story.post("/lists/1/records", {"phone": "5550100"}, 201)


async def test_a_database_that_does_not_answer_is_told_as_such(sqlite, tmp_path, monkeypatch):
    async def away(*arguments: object) -> None:
        raise StoreUnavailable("disk full")

    async with telling(sqlite, tmp_path) as story:
        monkeypatch.setattr(story.store, "records", away)
        told = await story.get("/lists/1/records", 503)
        assert (told["code"], told["detail"]) == ("store_unavailable", "disk full")
