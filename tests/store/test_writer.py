"""What stands between the dialer and a store: order, groups, the gate in front of the servers, and bad days."""

import asyncio
import errno
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from fake_store import NOW, Desk, FakeStore, chain, dial, fetch, returned, settled
from outdial.core.callback_events import CallbacksFetched
from outdial.core.commands import (
    AgentStateChanged,
    CancelRecord,
    Connect,
    DisposeRecord,
    Disposition,
    FetchCallbacks,
    ForbidNumber,
    Release,
    ReturnRecord,
    Transfer,
    TreatRecord,
)
from outdial.core.events import DialRejected, FetchFailed, NumberCalled, RecordCancelled, RecordsFetched
from outdial.core.evidence import Evidence
from outdial.core.results import CallResult
from outdial.core.settings import DialerId, DialerKind, TreatmentAction
from outdial.store import writer
from outdial.store.claims import CallbackRequest, ClaimRequest
from outdial.store.do_not_call import NumberForbidden, Objections
from outdial.store.interface import AgentStateBegun, AttemptBegun, EpochLost, StoreError, StoreUnavailable
from outdial.store.spool import Spool
from outdial.store.stored import PortSample
from outdial.store.writer import CALLED_KEPT_MS

Story = Callable[[], Awaitable[None]]


def tell(story: Story) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))


# --- order and groups -------------------------------------------------------------------------------------------


def test_changes_of_one_moment_are_one_write(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        changes = [returned(1), CancelRecord(1, 2, CallResult.DO_NOT_CALL), settled(3)]
        desk.do(*changes)
        assert await desk.end()
        assert store.asked == [changes]

    tell(story)


def test_what_piles_up_during_a_write_goes_into_the_next_one(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.is_free.clear()
        desk.do(dial(1))
        await desk.until(lambda: store.asked)
        desk.do(*(returned(n) for n in range(2, 253)))
        store.is_free.set()
        assert await desk.end()
        assert [len(changes) for changes in store.asked] == [1, 100, 100, 51]
        assert [change.record_id for change in store.made] == list(range(1, 253))

    tell(story)


def test_a_claim_follows_the_changes_before_it(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore(chain(8, 9)))
        desk.do(returned(1), fetch(3), returned(2))
        assert await desk.end()
        assert store.asked == [[returned(1)], ClaimRequest(1, ((1, 10),), 10, 1_700_000_000_000), [returned(2)]]
        assert desk.told == [RecordsFetched(1, 3, (chain(8, 9),), True, None)]

    tell(story)


def test_a_claim_asks_for_earlier_calls_when_the_core_does(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        desk.do(replace(fetch(3), with_facts=True))
        assert await desk.end()
        assert [request.with_facts for request in store.asked] == [True]

    tell(story)


def test_what_allowed_a_call_is_written_down_with_its_beginning(tmp_path):
    evidence = Evidence(("us-fl 1",), 0, 86_400, (("America/New_York", -14_400),), None, "", None)

    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        desk.do(replace(dial(1), evidence=evidence))
        assert await desk.end()
        [begun] = store.made
        assert json.loads(begun.evidence)["rules"] == ["us-fl 1"]


def test_a_claim_for_agents_is_one_like_any_other(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore(chain(8)))
        treated = TreatRecord(1, 3, CallResult.AGENT_CALLBACK_ERROR, Disposition(TreatmentAction.DONE))
        desk.do(treated, FetchCallbacks(1, 5, 10, (1, 2), (101, 102), 7_000))
        assert await desk.end()
        utc_ms = 1_700_000_000_000
        assert store.asked == [[treated], CallbackRequest(1, (1, 2), (101, 102), 7_000, 10, utc_ms)]
        assert desk.told == [CallbacksFetched(1, 5, (chain(8),), None)]

    tell(story)


def test_what_the_core_has_no_room_for_goes_back(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore(chain(8, 9), chain(10)))
        desk.is_inbox_full = True
        desk.do(fetch())
        assert await desk.end()
        assert [change.record_id for change in store.made] == [8, 10]
        assert all(isinstance(change, ReturnRecord) and change.not_before_utc_ms == 0 for change in store.made)

    tell(story)


# --- agents -----------------------------------------------------------------------------------------------------


def test_what_agents_do_is_written_down_and_the_desktop_hears_of_it_too(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        for command in (
            AgentStateChanged(7, "not ready", "lunch"),
            AgentStateChanged(8, "ready"),
            AgentStateChanged(8, "talking", "", 3),
            AgentStateChanged(7, "logged out"),
        ):
            assert not desk.writer.carry_out(NOW, command), "nobody else would hear of it"
        desk.writer.log_agents_out(NOW.utc_ms + 5)
        assert await desk.end()
        assert store.made == [
            AgentStateBegun(1, 7, "not ready", "lunch", None, NOW.utc_ms),
            AgentStateBegun(2, 8, "ready", "", None, NOW.utc_ms),
            AgentStateBegun(3, 8, "talking", "", 3, NOW.utc_ms),
            AgentStateBegun(4, 7, "logged out", "", None, NOW.utc_ms),
            AgentStateBegun(5, 8, "logged out", "", None, NOW.utc_ms + 5),
        ]

    tell(story)


# --- samples ----------------------------------------------------------------------------------------------------

SAMPLE = PortSample(NOW.utc_ms, DialerId(DialerKind.SWITCH, 1), 1, 59_000, 60, 600, 14, 0, 20, 6, 3, 10_500, 2, "")


def test_samples_are_written_in_their_turn(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore(chain(8)))
        desk.do(returned(1))
        desk.writer.sample([SAMPLE], 5)
        desk.do(returned(2), fetch())
        assert await desk.end()
        assert store.sampled == [((SAMPLE,), 5)]
        assert store.asked[:2] == [[returned(1)], [returned(2)]]
        assert desk.writer.samples_left_out == 0 and desk.failures == []

    tell(story)


def test_while_the_database_is_away_samples_are_left_out_and_counted(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore(chain(8)))
        store.is_down = True
        desk.writer.sample([SAMPLE], 5)
        await desk.until(lambda: desk.writer.samples_left_out == 1)
        assert desk.spool.is_empty and desk.writer.why_away
        desk.writer.sample([SAMPLE], 5)
        desk.do(dial(1))
        await desk.until(lambda: desk.passed)
        store.is_down = False
        await desk.until(lambda: desk.spool.is_empty and not desk.writer.why_away)
        desk.writer.sample([SAMPLE], 6)
        assert await desk.end()
        assert desk.writer.samples_left_out == 2
        assert store.sampled == [((SAMPLE,), 6)] and desk.failures == []

    tell(story)


def test_samples_that_cannot_be_written_stop_nothing(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.error = StoreError("no rights on port_samples")
        desk.writer.sample([SAMPLE], 5)
        await desk.until(lambda: desk.writer.samples_left_out)
        store.error = None
        desk.do(dial(1))
        await desk.until(lambda: desk.passed)
        assert await desk.end()
        assert desk.failures == [] and desk.log.events == ["left out"]

    tell(story)


# --- the gate ---------------------------------------------------------------------------------------------------


def test_no_call_leaves_before_its_beginning_is_written_down(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.is_free.clear()
        desk.do(dial(1), Release(1))
        await desk.until(lambda: store.asked)
        assert desk.passed == []
        assert not desk.writer.carry_out(NOW, Release(2)) and not desk.writer.carry_out(NOW, Connect(1))
        store.is_free.set()
        await desk.until(lambda: desk.passed)
        assert desk.passed == [dial(1), Release(1)]
        assert store.made == [AttemptBegun(1, 1, 1, 1, 1, "5550001", 1, 1_700_000_000_000)]
        assert not desk.writer.carry_out(NOW, Transfer(1, 1, "100", 5_000))
        assert await desk.end()

    tell(story)


def test_a_call_that_the_core_has_given_up_never_leaves(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.is_free.clear()
        desk.do(dial(1), dial(2), Release(1), settled(1))
        store.is_free.set()
        assert await desk.end()
        assert desk.passed == [dial(2)]
        assert [type(change).__name__ for change in store.made] == ["AttemptBegun", "AttemptBegun", "SettleAttempt"]

    tell(story)


def test_when_the_core_has_gone_no_call_leaves(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.is_free.clear()
        desk.do(dial(1))
        desk.writer.stop_dialing()
        store.is_free.set()
        assert await desk.end()
        assert desk.passed == [] and desk.told == [] and desk.failures == []

    tell(story)


# --- the database is away ---------------------------------------------------------------------------------------


def test_an_outage_is_bridged(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore(chain(8)))
        store.is_down = True
        desk.do(dial(1), fetch())
        await desk.until(lambda: desk.passed)
        assert isinstance(desk.told[0], FetchFailed) and "connection refused" in desk.told[0].reason
        assert desk.writer.why_away == "connection refused" and desk.log.events == ["database away"]
        desk.do(settled(1))
        await desk.until(lambda: settled(1) in desk.kept())
        assert store.made == []
        store.is_down = False
        await desk.until(lambda: desk.spool.is_empty)
        assert desk.log.events == ["database away", "database back", "spool written"]
        desk.do(fetch(2), returned(8))
        assert await desk.end()
        assert [change.record_id for change in store.made] == [1, 1, 8]
        assert isinstance(desk.told[-1], RecordsFetched)

    tell(story)


def test_a_database_that_is_silent_is_not_waited_for(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore(), patience_s=0.01)
        store.is_free.clear()
        desk.do(dial(1))
        await desk.until(lambda: desk.passed)
        desk.do(settled(1), fetch())
        await desk.until(lambda: len(desk.kept()) == 2)
        await desk.until(lambda: desk.told)
        assert len(store.asked) == 1, "one thing at a time"
        store.is_free.set()
        await desk.until(lambda: desk.spool.is_empty)
        assert await desk.end()
        assert [type(change).__name__ for change in store.made] == ["AttemptBegun", "AttemptBegun", "SettleAttempt"]

    tell(story)


def test_a_claim_whose_answer_is_lost_is_given_back(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.error = StoreUnavailable("the connection broke", (chain(8, 9),))
        desk.do(fetch())
        await desk.until(lambda: desk.told)
        store.error = None
        assert await desk.end()
        assert isinstance(desk.told[0], FetchFailed)
        assert [change.record_id for change in store.made] == [8]

    tell(story)


def test_a_claim_that_is_answered_too_late_is_given_back(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore(chain(8)), patience_s=0.01)
        store.is_free.clear()
        desk.do(fetch(1), fetch(2))
        await desk.until(lambda: len(desk.told) == 2)
        assert len(store.asked) == 1 and all(isinstance(event, FetchFailed) for event in desk.told)
        store.is_free.set()
        await desk.until(lambda: store.made)
        assert store.made[0].record_id == 8
        assert await desk.end()

    tell(story)


def test_what_the_store_lacks_at_the_end_stays_in_the_spool(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.is_down = True
        desk.do(dial(1), settled(1))
        desk.writer.close()
        assert not await desk.end(0.01)

    tell(story)
    [(epoch, changes)] = Spool(tmp_path / "spool" / "outdial.jsonl", "outdial", "fake").batches()
    assert epoch == 7 and [type(change).__name__ for change in changes] == ["AttemptBegun", "SettleAttempt"]


# --- calls that nobody writes down are not made -----------------------------------------------------------------


def test_who_has_lost_the_epoch_dials_no_more(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.error = EpochLost("another start of outdial has taken over")
        desk.do(dial(1))
        await desk.until(lambda: desk.failures)
        desk.do(dial(2), settled(1))
        assert await desk.end()
        assert desk.passed == [] and desk.failures == [store.error]
        assert [(type(event), event.call_id) for event in desk.told] == [(DialRejected, 1), (DialRejected, 2)]
        assert settled(1) in store.made

    tell(story)


def test_a_full_spool_stops_the_dialing_and_still_takes_what_running_calls_bring(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore(), bytes_max=400)
        store.is_down = True
        desk.do(dial(1))
        await desk.until(lambda: desk.passed)
        desk.do(returned(2), returned(3))
        await desk.until(lambda: desk.failures)
        desk.do(dial(4), settled(1))
        await desk.until(lambda: settled(1) in desk.kept())
        assert desk.passed == [dial(1)] and "connection refused" in str(desk.failures[0])
        assert "400 bytes are reached" in str(desk.failures[0])
        store.is_down = False
        assert await desk.end()
        assert settled(1) in store.made

    tell(story)


def test_a_disk_that_is_full_stops_the_dialing_and_nothing_is_forgotten(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.is_down = True
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full)
            patched.setattr("outdial.store.writer.AGAIN_S", 0.01)
            desk.do(dial(1))
            await desk.until(lambda: desk.failures)
        assert "No space left on device" in str(desk.failures[0]) and isinstance(desk.told[0], DialRejected)
        desk.do(settled(1))
        store.is_down = False
        assert await desk.end()
        assert desk.passed == [] and [change.call_id for change in store.made] == [1, 1]

    tell(story)


def test_a_database_that_refuses_stops_the_dialing_and_everything_is_kept(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.error = StoreError("permission denied for table attempts")
        desk.do(dial(1))
        await desk.until(lambda: desk.failures)
        desk.do(settled(1))
        await desk.until(lambda: len(desk.kept()) == 2)
        assert not await desk.end()
        assert desk.passed == [] and len(store.asked) == 1

    tell(story)


@pytest.mark.parametrize("error", [StoreError("there is no time zone"), EpochLost("another start")])
def test_a_claim_that_is_refused_stops_the_dialing(tmp_path, error):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.error = error
        desk.do(fetch())
        await desk.until(lambda: desk.failures)
        assert isinstance(desk.told[0], FetchFailed)
        assert await desk.end()

    tell(story)


# --- records that must not be dialed any more -------------------------------------------------------------------


def test_a_number_that_is_forbidden_is_written_down(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        desk.do(ForbidNumber("+15550100", "said so"))
        assert await desk.end()
        assert store.made == [NumberForbidden("+15550100", "internal", "said so", 1_700_000_000_000)]

    tell(story)


def test_the_core_hears_of_records_first_and_of_objections_afterwards(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore(chain(8, 9)))
        store.objections_found = Objections(5, ((1, 9, "national"),), ((1, 8),))
        desk.do(fetch(3))
        desk.writer.look(7)
        desk.writer.look(7)
        assert await desk.end()
        assert desk.told == [
            RecordsFetched(1, 3, (chain(8, 9),), True, None),
            RecordCancelled(1, 9, "national"),
            RecordCancelled(1, 8),
        ]
        assert store.asked[1:] == [("objections", 0, 7)]

    tell(story)


def test_each_look_goes_on_where_the_last_one_ended(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        for objections in (
            Objections(5, ((1, 9, "a"),), ((1, 8),)),
            Objections(6, (), ((1, 8), (1, 7))),
            Objections(6, (), ((1, 8),)),
        ):
            store.objections_found, told = objections, len(store.asked)
            desk.writer.look(7)
            await desk.until(lambda told=told: len(store.asked) > told)
        assert await desk.end()
        assert store.asked == [("objections", seq, 7) for seq in (0, 5, 6)]
        assert desk.told == [RecordCancelled(1, 9, "a"), RecordCancelled(1, 8), RecordCancelled(1, 7)]

    tell(story)


def test_what_a_crash_must_not_forget_waits_for_no_company(tmp_path, monkeypatch):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        monkeypatch.setattr(writer, "GROUP_S", 60.0)
        word = DisposeRecord(
            1, 1, 1, 3, 1, 7, CallResult.ANSWER, Disposition(TreatmentAction.DONE), "", given_utc_ms=NOW.utc_ms
        )
        for command in (settled(1), word, ForbidNumber("+15550100", "said so")):
            written = len(store.asked)
            desk.do(command)
            await desk.until(lambda written=written: len(store.asked) > written)
        desk.do(returned(4))
        assert await desk.end()

    tell(story)


def test_calls_of_other_servers_are_told_once(tmp_path):
    """The record goes back, is claimed anew, and the call is still up: it is known by then."""

    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        first, second = (7, 1, "+15550100"), (7, 2, "+15550101")
        looks = [(first,), (), (first, second), (first,)]
        for n, called in enumerate(looks):
            store.objections_found, told = Objections(0, called=called), len(store.asked)
            desk.writer.look(7 + n)
            await desk.until(lambda told=told: len(store.asked) > told)
        store.objections_found, told = Objections(0, called=(second,)), len(store.asked)
        desk.writer.look(7 + 2 * CALLED_KEPT_MS)
        await desk.until(lambda: len(store.asked) > told)
        desk.writer.look(8 + 2 * CALLED_KEPT_MS)
        assert await desk.end()
        assert desk.told == [NumberCalled(first[2]), NumberCalled(second[2]), NumberCalled(second[2])], "later, again"

    tell(story)


def test_what_the_core_has_no_room_for_is_told_by_the_next_look(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.objections_found = Objections(5, ((1, 9, "a"),), ((1, 8),))
        desk.is_inbox_full = True
        desk.writer.look(7)
        await desk.until(lambda: store.asked)
        desk.is_inbox_full = False
        desk.writer.look(8)
        assert await desk.end()
        assert store.asked == [("objections", 0, 7), ("objections", 0, 8)]
        assert desk.told == [RecordCancelled(1, 9, "a"), RecordCancelled(1, 8)]

    tell(story)


def test_a_look_while_the_database_is_away_finds_nothing_and_harms_nothing(tmp_path):
    async def story():
        desk = Desk(tmp_path, store := FakeStore())
        store.is_down = True
        desk.writer.look(7)
        await desk.until(lambda: desk.writer.why_away)
        store.is_down = False
        store.objections_found = Objections(5, ((1, 9, "a"),))
        desk.writer.look(8)
        assert await desk.end()
        assert desk.told == [RecordCancelled(1, 9, "a")]
        assert not desk.failures

    tell(story)
