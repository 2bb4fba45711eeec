"""Files of consents over the API: jobs, what they come to, and what a restart or a cancelling leaves."""

import asyncio

from operations_story import READER, SPRING_ONLY, telling
from outdial.operations import consent_work
from outdial.operations import imports as jobs
from outdial.store.interface import StoreUnavailable

LEADS = "phone,name\n5550100,Ann\n5550101,Bob\n5550102,Cy\n"
FORMS = "phone,consent,consent_utc\n5550100,form A,2026-05-02\n5550101,,\n5550109,form Z,\nbad,form,\n"
CONSENTS = "/lists/1/consents"


async def consents(story):
    found = (await story.get("/lists/1/records"))["records"]
    return {record["number"]: (record["status"], record["consent"]) for record in found}


async def test_consents_of_a_file_are_added_as_a_job(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await story.reads(LEADS)
        story.grown.clear()
        job = await story.send(CONSENTS, FORMS, name="forms.csv")
        assert (job["state"], job["list_name"], job["file"], job["consents"]) == (
            "queued",
            "customers",
            "forms.csv",
            {},
        )
        done = await story.ended(job)
        assert (done["state"], done["rows_read"], done["accepted"], done["rejected"]) == ("finished", 4, 3, 1)
        assert (done["consents"], done["added"]) == ({"set": 1, "none": 1, "missing": 1}, 1)
        assert "bad" in await story.get(f"/imports/{job['id']}/rejects")
        assert await consents(story) == {
            "5550100": ("ready", "form A"),
            "5550101": ("ready", None),
            "5550102": ("ready", None),
        }
        what, where, _, after = story.api.audit.notes[-1][1:5]
        assert (what, where, after["digest"], after["ready"]) == (
            "list.consent",
            "calling-list 1",
            done["digest"],
            False,
        )
        assert len(done["digest"]) == 64
        assert sorted(path.suffix for path in story.folder.glob(f"{job['id']}*")) == [".csv", ".json"]
        again = await story.reads(FORMS, CONSENTS)
        assert again["consents"] == done["consents"]
        files = (await story.get("/lists/1"))["files"]
        assert [each["file"] for each in files] == ["import.csv"], "it is no file of records"


async def test_records_that_were_refused_for_want_of_a_consent_are_dialed_again(database, tmp_path):
    async with telling(database, tmp_path) as story:
        await story.reads(LEADS)
        await database.ask("UPDATE records SET status = 5, call_result = 52, due_utc_ms = NULL")
        kept = await story.reads(FORMS, CONSENTS)
        assert kept["consents"]["over"] == 1
        story.grown.clear()
        done = await story.reads(FORMS, CONSENTS, ready="true")
        assert (done["consents"], done["ready"]) == ({"ready": 1, "none": 1, "missing": 1}, True)
        assert (await consents(story))["5550100"] == ("ready", "form A") and set(story.grown) == {1}


async def test_a_start_reads_the_file_again_that_the_last_one_has_left(database, tmp_path, monkeypatch):
    monkeypatch.setattr(consent_work, "BATCH", 1)
    monkeypatch.setattr(jobs, "AGAIN_S", 0.01)
    async with telling(database, tmp_path) as story:
        await story.reads(LEADS)
        consent, tries = type(story.store).consent, []

        async def away_once(store, given):
            tries.append(given)
            if len(tries) == 1:
                raise StoreUnavailable("a moment")
            return await consent(store, given)

        monkeypatch.setattr(type(story.store), "consent", away_once)
        done = await story.reads(FORMS, CONSENTS)
        assert (done["state"], done["consents"]["set"], len(tries)) == ("finished", 1, 2)
        held = asyncio.Event()

        async def hanging(store, given):
            held.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(type(story.store), "consent", hanging)
        left = await story.send(CONSENTS, FORMS.replace("form A", "form B"))
        await asyncio.wait_for(held.wait(), 10)
        monkeypatch.setattr(type(story.store), "consent", consent)
    async with telling(database, tmp_path) as story:
        assert (await story.ended(left))["consents"] == {"set": 1, "none": 1, "missing": 1}
        assert (await consents(story))["5550100"] == ("ready", "form B")


async def test_what_was_added_before_it_was_cancelled_stays(sqlite, tmp_path, monkeypatch):
    monkeypatch.setattr(consent_work, "BATCH", 1)
    async with telling(sqlite, tmp_path) as story:
        await story.reads(LEADS)
        consent = type(story.store).consent

        async def and_somebody_cancels(store, given):
            outcome = await consent(store, given)
            [job] = (await story.get("/imports"))["imports"][:1]
            await story.post(f"/imports/{job['id']}/cancel")
            return outcome

        monkeypatch.setattr(type(story.store), "consent", and_somebody_cancels)
        ended = await story.reads("phone,consent\n5550100,a\n5550101,b\n", CONSENTS)
        assert (ended["state"], ended["consents"]) == ("cancelled", {"set": 1})
        assert [said for _, said in (await consents(story)).values()] == ["a", None, None]
        monkeypatch.undo()
        more = await story.reads("phone,consent\n5550100,a\n5550101,b\n5550200,c\n", "/lists/1/imports")
        assert (more["state"], more["added"]) == ("finished", 1), "a file of records, from its first line on"


async def test_what_is_wrong_is_told_at_once_or_by_the_job(sqlite, tmp_path):
    async with telling(sqlite, tmp_path) as story:
        for query, place in (
            ({"map": "x"}, "query.map"),
            ({"ready": "perhaps"}, "query.ready"),
            ({"name": ""}, "query.name"),
        ):
            refused = await story.send(CONSENTS, FORMS, 422, **query)
            assert any(place in mistake for mistake in refused["mistakes"]), refused
        await story.send("/lists/9/consents", FORMS, 404)
        failed = await story.reads("name\nAnn\n", CONSENTS, name="f.csv")
        assert (failed["state"], failed["error"].startswith("f.csv: ")) == ("failed", True)
        story.becomes(SPRING_ONLY)
        await story.send("/lists/2/consents", FORMS, 404)
        story.becomes(READER)
        await story.send(CONSENTS, FORMS, 403)
