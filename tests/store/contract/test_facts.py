"""What earlier calls to a number have come to, consent, and the evidence of attempts."""

from dataclasses import replace

import pytest

from outdial.core.records import NumberFacts
from outdial.core.results import NEVER_DIALED, CallResult
from outdial.core.units import DAY_MS
from outdial.sim.lists import Lists, StoredSource
from outdial.store.claims import ClaimRequest
from store.contract.story import DONE, NOW, REDIAL, add, add_chain, begun, claim_one, listed, opened, settled, write


async def claim_with_facts(store, utc_ms=NOW):
    claimed = await store.claim(ClaimRequest(1, ((1, 10),), 100, utc_ms, with_facts=True))
    return {record.record_id: record for chain in claimed.chains for record in chain.records}


def same_number(record_id: int):
    """Records of one number, in the same list: their numbers differ in the file, not here."""
    entry = listed(record_id)
    return replace(entry, record=replace(entry.record, number="+15550100"))


async def test_facts_are_there_when_they_are_asked_for(database):
    async with opened(database) as store:
        await add(store, listed(1), listed(2))
        [record] = await claim_one(store)
        assert record.facts is None
        assert (await claim_with_facts(store))[2].facts == NumberFacts(NOW)


@pytest.mark.parametrize(
    "result, last",
    [
        (CallResult.NO_ANSWER, ""),
        (CallResult.STALE, ""),
        (CallResult.ABANDONED, "abandoned_utc_ms"),
        (CallResult.DROPPED, "abandoned_utc_ms"),
        (CallResult.ANSWERING_MACHINE, "machine_utc_ms"),
        (CallResult.ANSWER, "conversation_utc_ms"),
        *((result, "never rang") for result in NEVER_DIALED),
    ],
)
async def test_facts_are_those_of_the_number_and_agree_with_lists_in_memory(database, result, last):
    records = [same_number(record_id) for record_id in (1, 2)]
    memory = Lists([StoredSource(1, [each.record for each in records])])
    memory.keep_history()
    async with opened(database) as store:
        await add(store, *records)
        [first] = await claim_one(store)
        memory.claim(NOW, ((1, 10),), 1)
        change = settled(1, first, DONE, result=result)
        await write(store, begun(1, first), change)
        memory.settle(change)
        facts = (await claim_with_facts(store, NOW + 60_000))[2].facts
        [chain], _, _ = memory.claim(NOW + 60_000, ((1, 10),), 1, with_facts=True)
    counts = last != "never rang"
    expected = NumberFacts(NOW + 60_000, int(counts), (NOW,) if counts else ())
    if counts and last:
        expected = replace(expected, **{last: NOW + change.ring_ms + change.wait_ms + change.talk_ms})
    assert facts == expected == chain.records[0].facts


async def test_an_attempt_under_way_counts(database):
    async with opened(database) as store:
        await add(store, *(same_number(record_id) for record_id in (1, 2)))
        [first] = await claim_one(store)
        await write(store, begun(1, first, NOW - 5))
        assert (await claim_with_facts(store))[2].facts == NumberFacts(NOW, 1, (NOW - 5,))


async def test_attempts_of_the_last_week_come_one_by_one_newest_first(database):
    async with opened(database) as store:
        await add(store, *(same_number(record_id) for record_id in (1, 2)))
        [first] = await claim_one(store)
        ages = (9 * DAY_MS, 6 * DAY_MS, 5_000, DAY_MS)
        await write(
            store,
            *(replace(settled(call, first, REDIAL), dialed_utc_ms=NOW - age) for call, age in enumerate(ages, 1)),
        )
        facts = (await claim_with_facts(store))[2].facts
        assert facts == NumberFacts(NOW, 4, (NOW - 5_000, NOW - DAY_MS, NOW - 6 * DAY_MS))


async def test_every_record_of_a_chain_has_the_facts_of_its_own_number(database):
    async with opened(database) as store:
        await add_chain(store, 3)
        records = await claim_one(store)
        await write(store, settled(1, records[0], REDIAL))
        found = await claim_with_facts(store)
        assert [found[record_id].facts.total for record_id in (1, 2, 3)] == [1, 0, 0]


async def test_consent_is_kept_with_the_record(database):
    entry = listed(1)
    record = replace(entry.record, consent="form 7 – ä", consent_utc_ms=NOW)
    async with opened(database) as store:
        await add(store, replace(entry, record=record), listed(2))
        assert [each.consent for each in await store.records(1, 0, 10)] == ["form 7 – ä", ""]
        [found] = await claim_one(store)
        assert (found.consent, found.consent_utc_ms) == ("form 7 – ä", NOW)


async def test_evidence_is_kept_with_the_attempt_from_its_beginning(database):
    text = '{"rules":["neutral 1"]}'
    async with opened(database) as store:
        await add(store, listed(1))
        [record] = await claim_one(store)
        await write(store, replace(begun(1, record), evidence=text))
        assert [each.evidence for each in await store.attempts(1)] == [text]
        await write(store, replace(begun(1, record), evidence="another"), settled(1, record, REDIAL))
        assert [each.evidence for each in await store.attempts(1)] == [text]
        [record] = await claim_one(store)
        await write(store, replace(begun(2, record), evidence="in one go"), settled(2, record, REDIAL))
        [record] = await claim_one(store)
        await write(store, begun(3, record), settled(3, record))
        assert [each.evidence for each in await store.attempts(1)] == [text, "in one go", ""]


async def test_evidence_outlives_a_crash(database):
    async with opened(database) as store:
        await add(store, listed(1))
        [record] = await claim_one(store)
        await write(store, replace(begun(1, record), evidence="kept"))
    async with opened(database) as store:
        [attempt] = await store.attempts(1)
        assert (attempt.call_result, attempt.evidence) == (CallResult.STALE, "kept")


async def test_facts_of_numbers_for_operators(database):
    async with opened(database) as store:
        await add(store, listed(1))
        [record] = await claim_one(store)
        await write(store, settled(1, record, REDIAL))
        assert await store.facts([record.number, "+1999"], NOW) == {record.number: NumberFacts(NOW, 1, (NOW,))}
