"""Files into lists over the API: jobs, their progress, what is left out, and what a restart goes on with."""

import asyncio
import json

import pytest

from operations_story import READER, SPRING_ONLY, WITHIN_S, configuration, telling
from outdial.api import imports as api_imports
from outdial.api.request_limits import RequestLimits
from outdial.operations import import_work
from outdial.operations import imports as jobs
from outdial.store.interface import StoreUnavailable

LEADS = "phone,name\n5550100,Ann\nbad,Bob\n5550101,Cy\n"


async def test_a_file_is_read_into_a_list_as_a_job(database, tmp_path):
    async with telling(database, tmp_path) as story:
        job = await story.send("/lists/1/imports", LEADS, name="leads.csv")
        assert (job["state"], job["list_name"], job["file"], job["by"], job["bytes"]) == (
            "queued",
            "customers",
            "leads.csv",
            "somebody",
            len(LEADS),
        )
        done = await story.ended(job)
        assert (done["state"], done["rows_read"], done["accepted"], done["rejected"]) == ("finished", 3, 2, 1)
        assert (done["bytes_read"], done["reasons"]) == (len(LEADS), {"not a number": 1})
        rejects = await story.get(f"/imports/{job['id']}/rejects")
        assert rejects.splitlines()[0] == "line,reason,raw" and "bad" in rejects.splitlines()[1]
        shown = await story.get("/lists/1")
        assert (shown["records"], shown["files"][0]["file"]) == (2, "leads.csv")
        assert story.api.audit.notes[0][1:3] == ("import.begin", "calling-list 1")
        assert sorted(path.suffix for path in story.folder.iterdir()) == [".csv", ".json"]  # what was sent is gone
        assert (await story.get("/imports"))["imports"] == [done]
        assert set(story.grown) == {1}


async def test_the_same_file_again_adds_nothing_and_another_one_adds_the_rest(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await story.reads(LEADS)
        again = await story.reads(LEADS)
        assert (again["state"], again["accepted"]) == ("finished", 2) and "nothing to do" in again["notes"][0]
        more = await story.reads("phone\n5550101\n5550102\n")
        assert (more["accepted"], more["reasons"]) == (1, {"number twice": 1})
        assert (await story.get("/lists/1"))["records"] == 3


async def test_a_dry_run_says_what_would_be_read(database, tmp_path):
    async with telling(database, tmp_path) as story:
        tried = await story.reads(LEADS, dry_run="true")
        assert (tried["state"], tried["accepted"], tried["rejected"], tried["dry_run"]) == ("finished", 2, 1, True)
        assert (await story.get("/lists/1"))["records"] == 0 and story.grown == []
        assert (await story.reads(LEADS))["accepted"] == 2


async def test_columns_are_mapped_and_numbers_read_in_a_region(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await story.reads("Mobile;Name\n030 123456;Ann\n", map=["Mobile=phone"], default_region="DE")
        odd = await story.reads("phone,Name\n030 123457,Ann\n", map=["Name=a\0b"], default_region="DE")
        assert (odd["state"], "column 2 holds a control character" in odd["error"]) == ("failed", True)
        [record] = (await story.get("/lists/1/records"))["records"]
        assert (record["number"], record["fields"]) == ("+4930123456", {"Name": "Ann"})
        await story.reads("phone\n030 123457\n", "/lists/3/imports")  # what the list itself says
        assert (await story.get("/lists/3/records"))["records"][0]["number"] == "+4930123457"


async def test_a_file_that_is_no_list_fails_and_says_why(database, tmp_path):
    async with telling(database, tmp_path) as story:
        for content, why in (
            ("name\nAnn\n", "no column phone"),
            ("phone\nbad\n", "no record to dial"),
            ("\xff\xfe", "names no column phone"),
        ):
            failed = await story.reads(content, name="leads.csv")
            assert failed["state"] == "failed" and why in failed["error"], failed
            assert failed["error"].startswith("leads.csv: ") and str(tmp_path) not in failed["error"]
        assert (await story.reads(LEADS))["accepted"] == 2


@pytest.mark.parametrize(
    "query, place",
    [
        ({"map": "Mobile"}, "query.map"),
        ({"map": ["Mobile=phone", "Mobile=name"]}, "mapped twice"),
        ({"map": "Mobile=phnoe"}, "query.map"),
        ({"default_region": "germany"}, "query.default_region"),
        ({"default_region": "XX"}, "query.default_region"),
        ({"dry_run": "perhaps"}, "query.dry_run"),
        ({"name": ""}, "query.name"),
        ({"name": "a\nb"}, "query.name"),
    ],
)
async def test_wrong_parameters_are_named_before_anything_is_written(sqlite, tmp_path, query, place):
    async with telling(sqlite, tmp_path) as story:
        refused = await story.send("/lists/1/imports", LEADS, 422, **query)
        assert any(place in mistake for mistake in refused["mistakes"]), refused
        assert not story.folder.exists() and (await story.get("/imports"))["imports"] == []


async def test_a_body_has_to_be_a_file_and_not_too_large(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr(api_imports, "FILE_BYTES_MAX", 100)

    async def pieces():
        for _ in range(3):
            yield b"x" * 50

    async with telling(sqlite, tmp_path) as story:
        client, path = story.client, "/lists/1/imports"
        for headers, content, status in (
            ({"content-type": "application/json"}, "{}", 415),
            ({"content-type": "text/csv", "content-encoding": "gzip"}, "x", 415),
            ({"content-type": "text/csv"}, "x" * 101, 413),
            ({"content-type": "text/csv"}, pieces(), 413),
            ({"content-type": "text/csv"}, "", 422),
        ):
            response = await client.post(path, content=content, headers=headers)
            assert response.status_code == status, response.text
        assert (await story.get("/imports"))["imports"] == []
        assert not story.folder.exists() or not list(story.folder.iterdir())
        assert (await story.reads(LEADS))["state"] == "finished"  # and nobody's place in the queue was lost


async def test_a_full_queue_says_when_to_come_again(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "QUEUE_MAX", 2)
    async with telling(sqlite, tmp_path) as story:
        gate = asyncio.Event()
        add_records = story.store.add_records

        async def slowly(*arguments):
            await gate.wait()
            await add_records(*arguments)

        monkeypatch.setattr(story.store, "add_records", slowly)
        sent = [await story.send("/lists/1/imports", "phone\n5550100\n")]
        while (await story.get(f"/imports/{sent[0]['id']}"))["state"] != "reading":
            await asyncio.sleep(0)
        sent += [await story.send("/lists/1/imports", f"phone\n555020{n}\n") for n in range(2)]
        refused = await story.client.post(
            "/lists/1/imports", content="phone\n1\n", headers={"content-type": "text/csv"}
        )
        assert (refused.status_code, refused.json()["code"]) == (429, "queue_full")
        assert int(refused.headers["retry-after"]) > 0
        assert (await story.post(f"/imports/{sent[2]['id']}/cancel"))["state"] == "cancelled"
        gate.set()
        assert [(await story.ended(job))["state"] for job in sent] == ["finished", "finished", "cancelled"]


async def test_a_cancelled_import_keeps_what_was_read_and_goes_on_when_sent_again(database, tmp_path, monkeypatch):
    monkeypatch.setattr(import_work, "BATCH", 10)
    content = "phone,chain_id\n" + "".join(f"555{n:05},{n // 2 + 1}\n" for n in range(100))
    async with telling(database, tmp_path) as story:
        add_records, seen = story.store.add_records, asyncio.Event()

        async def then_cancel(progress, records):
            await add_records(progress, records)
            if progress.records == 30:
                seen.set()
                await story.post(f"/imports/{job['id']}/cancel")

        monkeypatch.setattr(story.store, "add_records", then_cancel)
        job = await story.send("/lists/1/imports", content)
        cancelled = await story.ended(job)
        assert seen.is_set() and (cancelled["state"], cancelled["accepted"]) == ("cancelled", 30)
        listed = await story.get("/lists/1")
        assert (listed["records"], listed["due"]) == (30, 15)  # chains are dialed, although their file did not end
        assert listed["files"][0]["finished_utc_ms"] is not None
        monkeypatch.setattr(story.store, "add_records", add_records)
        again = await story.reads(content)
        assert (again["state"], again["rows_read"], again["accepted"]) == ("finished", 100, 100)
        assert (await story.get("/lists/1"))["due"] == 50


async def test_what_the_end_of_the_server_cut_off_is_read_by_the_next_start(database, tmp_path, monkeypatch):
    monkeypatch.setattr(import_work, "BATCH", 10)
    content = "phone\n" + "".join(f"555{n:05}\n" for n in range(100)) + "bad\n"
    async with telling(database, tmp_path) as story:
        add_records, hold = story.store.add_records, asyncio.Event()

        async def hang(progress, records):
            if progress.records == 30:
                hold.set()
                await asyncio.Event().wait()
            await add_records(progress, records)

        monkeypatch.setattr(story.store, "add_records", hang)
        job = await story.send("/lists/1/imports", content)
        waiting = await story.send("/lists/2/imports", LEADS)
        await hold.wait()
    async with telling(database, tmp_path) as story:
        done, other = await story.ended(job), await story.ended(waiting)
        assert (done["state"], done["accepted"], done["rejected"]) == ("finished", 100, 1)
        assert (await story.get("/lists/1"))["records"] == 100
        assert (other["state"], other["accepted"]) == ("finished", 2)


async def test_a_database_that_is_away_delays_a_job(database, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "AGAIN_S", 0.01)
    async with telling(database, tmp_path) as story:
        add_records, failures = story.store.add_records, iter((True, True, False))

        async def away(*arguments):
            if next(failures, False):
                raise StoreUnavailable("no route to host")
            await add_records(*arguments)

        monkeypatch.setattr(story.store, "add_records", away)
        done = await story.reads(LEADS)
        assert (done["state"], done["accepted"], done["notes"]) == ("finished", 2, [])


async def test_a_job_file_that_is_none_is_passed_over(sqlite, tmp_path):
    folder = tmp_path / "imports"
    folder.mkdir()
    (folder / "1-1.json").write_text("{")
    (folder / "1-2.json").write_text(json.dumps({"id": "../1", "list_dbid": 1}))
    (folder / "1-3.csv").write_text("phone\n")  # a crash came before its end
    (folder / "mine.csv").write_text("")
    async with telling(sqlite, tmp_path) as story:
        assert (await story.reads(LEADS))["state"] == "finished"
        assert len((await story.get("/imports"))["imports"]) == 1
    assert not (folder / "1-3.csv").exists() and (folder / "mine.csv").exists()


async def test_numbers_are_read_into_a_do_not_call_list(database, tmp_path):
    async with telling(database, tmp_path) as story:
        done = await story.reads("+15550100\n5550101\nx\n", "/dnc/national/imports", name="registry.txt")
        assert (done["state"], done["accepted"], done["rejected"], done["list_dbid"]) == ("finished", 2, 1, None)
        assert done["reasons"] == {"not a number": 1} and done["has_rejects"]
        story.clock[0] += 1_000
        replaced = await story.reads("5550101\n", "/dnc/national/imports", replace="true")
        assert (replaced["accepted"], replaced["removed"]) == (1, 1)
        [entry] = (await story.get("/dnc/check", number="15550100"))["numbers"][0]["entries"]
        assert (entry["on"], entry["removed_by"], entry["reason"]) == (False, "somebody", "import of registry.txt")


async def test_jobs_of_other_campaigns_do_not_exist(sqlite, tmp_path):
    async with telling(sqlite, tmp_path) as story:
        theirs = await story.reads("phone\nx\n5550100\n", "/lists/2/imports")
        registry = await story.reads("5550101\n", "/dnc/other/imports")
        ours = await story.reads("phone\n5550102\n")
        story.becomes(SPRING_ONLY)
        assert [job["id"] for job in (await story.get("/imports"))["imports"]] == [ours["id"]]
        for job in (theirs, registry):
            await story.get(f"/imports/{job['id']}", 404)
            await story.get(f"/imports/{job['id']}/rejects", 404)
            await story.post(f"/imports/{job['id']}/cancel", None, 404)
        await story.send("/dnc/other/imports", "5550101\n", 404)
        await story.send("/dnc/internal/imports", "5550101\n", 403, replace="true")
        assert (await story.reads("5550101\n", "/dnc/internal/imports"))["accepted"] == 1
        story.becomes(READER)
        await story.post(f"/imports/{ours['id']}/cancel", None, 403)


async def test_a_filter_that_names_a_column_which_the_list_has_not_is_noted(sqlite, tmp_path):
    campaign = (
        '[[campaign]]\ndbid = 1\nname = "spring"\n'
        'lists = [{calling-list = "customers", filter = \'state = "TX"\'}]\n'
        '[[campaign]]\ndbid = 2\nname = "autumn"\nlists = ["others"]\n'
    )
    async with telling(sqlite, tmp_path, configuration(campaign=campaign)) as story:
        done = await story.reads("phone,stat\n5550100,TX\n")
        assert done["state"] == "finished" and "state" in done["notes"][0] and "stat" in done["notes"][0]


async def test_other_campaigns_of_a_shared_list_do_not_exist(sqlite, tmp_path):
    campaign = (
        '[[campaign]]\ndbid = 1\nname = "spring"\nlists = ["customers"]\n'
        '[[campaign]]\ndbid = 2\nname = "autumn"\n'
        'lists = ["others", {calling-list = "customers", filter = \'state = "TX"\'}]\n'
    )
    async with telling(sqlite, tmp_path, configuration(campaign=campaign)) as story:
        done = await story.reads("phone,stat\n5550100,TX\n")
        assert "autumn" in done["notes"][0]
        assert (await story.get("/lists/1"))["campaigns"] == ["spring", "autumn"]
        story.becomes(SPRING_ONLY)
        for path in ("/lists", "/lists/1", "/imports", f"/imports/{done['id']}"):
            assert "autumn" not in str(await story.get(path)), path
        assert "autumn" not in str(await story.post(f"/imports/{done['id']}/cancel"))


@pytest.mark.parametrize("path", ["/v1/lists/7/imports", "/v1/lists/7/consents", "/v1/dnc/national list/imports"])
def test_files_may_be_larger_than_other_bodies(path):
    assert (RequestLimits().upload_bytes_max(path) or 0) >= api_imports.FILE_BYTES_MAX


async def test_old_jobs_are_forgotten_with_their_files(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr(jobs, "REMEMBERED_MAX", 2)
    async with telling(sqlite, tmp_path) as story:
        for n in range(4):
            story.clock[0] += 1_000
            await story.reads(f"phone\nx\n555010{n}\n")
        assert len((await story.get("/imports"))["imports"]) == 2
        async with asyncio.timeout(WITHIN_S):  # a job has ended a moment before the files of an old one go
            while [len(list(story.folder.glob(kind))) for kind in ("*.json", "*.rejects.csv")] != [2, 2]:
                await asyncio.sleep(0.005)
