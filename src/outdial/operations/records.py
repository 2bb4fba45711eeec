"""Records of a running server, one by one."""

import json
from collections.abc import Iterable

from outdial.api.problems import Problem
from outdial.api.records import (
    AddedView,
    AttemptView,
    CancelledView,
    ConsentGiven,
    ConsentView,
    HistoryView,
    NewRecord,
    RecordView,
    WordView,
)
from outdial.core.settings import CallingList
from outdial.names import Names
from outdial.operations.lists import RunningLists
from outdial.operations.running_store import RunningStore, mistakes_of_request
from outdial.operations.visible import groups_for, list_for, lists_for, seen_configuration
from outdial.record_change import add_to_list, cancel_stored, new_record
from outdial.record_show import find_stored
from outdial.store.single_records import Consent, Consenting, RecordRefused
from outdial.store.stored import StoredAttempt, StoredRecord, StoredWord

CHAIN_MAX = 100
"""Records of one customer that are shown. Unit: records."""
_OWN_FIELDS = {"phone": "phone", "phone_number": "phone", "contact_info": "phone", "chain_id": "chain_id"}
_OWN_FIELDS |= {"tz": "time_zone", "time_zone": "time_zone"}
"""Columns that are no `fields`, with what says them."""


class RunningRecords:
    """See `outdial.api.records.Records`."""

    def __init__(self, running: RunningStore, lists: RunningLists) -> None:
        """`lists` are told of what changes them."""
        self._running = running
        self._lists = lists

    async def page(
        self, dbid: int, campaigns: frozenset[str] | None, after: int, count_max: int
    ) -> list[RecordView] | None:
        """See `Records.page`."""
        calling_list = self._list(dbid, campaigns)
        if calling_list is None:
            return None
        return self._views(await self._running.looks.records(dbid, after, count_max), campaigns)

    async def with_number(self, number: str, campaigns: frozenset[str] | None) -> list[RecordView]:
        """See `Records.with_number`."""
        visible = {one.dbid for one in lists_for(self._running.loaded.configuration, campaigns)}
        with mistakes_of_request():
            found = await find_stored(self._running.looks, number)
        return self._views((record for record in found if record.fate.list_id in visible), campaigns)

    async def history(self, dbid: int, record_id: int, campaigns: frozenset[str] | None) -> HistoryView | None:
        """See `Records.history`."""
        record = await self._record(dbid, record_id, campaigns)
        if record is None:
            return None
        configuration, store = self._running.loaded.configuration, self._running.looks
        names = Names(seen_configuration(configuration, campaigns))
        chain_id = record.fate.chain_id
        chain = await store.chain(dbid, chain_id, CHAIN_MAX) if chain_id else ()
        visible = {one.dbid for one in groups_for(configuration, campaigns)}
        made = [one for one in await store.attempts(record_id) if campaigns is None or one.group_id in visible]
        calls = {(one.epoch, one.call_id) for one in made}
        return HistoryView(
            record=record_view(record, names),
            chain=[record_view(one, names) for one in chain],
            made=[attempt_view(one, names) for one in made],
            said=[
                word_view(word, names)
                for word in await store.words(record_id)
                if campaigns is None or (word.epoch, word.call_id) in calls
            ],
        )

    async def add(self, dbid: int, campaigns: frozenset[str] | None, new: NewRecord) -> AddedView | None:
        """See `Records.add`."""
        calling_list = self._list(dbid, campaigns)
        if calling_list is None:
            return None
        self._running.check_room()
        mistakes = [
            f"body.fields.{column}: say it as {_OWN_FIELDS[column]}" for column in new.fields if column in _OWN_FIELDS
        ]
        values = {"phone": new.phone, **new.fields}
        if new.chain_id is not None:
            values["chain_id"] = str(new.chain_id)
        if new.time_zone is not None:
            values["tz"] = new.time_zone
        prepared = None if mistakes else new_record(calling_list, values, new.not_before_utc_ms or 0, mistakes)
        if prepared is None:
            raise Problem(422, "invalid_request", "the request has mistakes", mistakes=mistakes)
        try:
            added = await add_to_list(self._running.looks, prepared, self._running.utc_now_ms())
        except RecordRefused as error:
            raise Problem(409, error.code, f"{calling_list.name}: {error}") from error
        self._lists.changed(dbid, has_more=True)
        return AddedView(
            list_dbid=dbid, record_id=added.record_id, number=added.number, do_not_call=list(added.do_not_call)
        )

    async def cancel(self, dbid: int, record_id: int, campaigns: frozenset[str] | None) -> CancelledView | None:
        """See `Records.cancel`."""
        record = await self._record(dbid, record_id, campaigns)
        if record is None:
            return None
        done = await cancel_stored(self._running.looks, record, self._running.utc_now_ms())
        self._lists.changed(dbid)
        return CancelledView(record_id=record_id, outcome=done.outcome.value, in_a_call=done.is_in_call)

    async def consent(
        self, dbid: int, record_id: int, campaigns: frozenset[str] | None, given: ConsentGiven
    ) -> tuple[ConsentGiven | None, ConsentView] | None:
        """See `Records.consent`."""
        record = await self._record(dbid, record_id, campaigns)
        if record is None:
            return None
        self._running.check_room()
        consent = Consent(record_id, given.consent, given.consent_utc_ms, given.ready)
        [outcome] = await self._running.looks.consent([consent])
        self._lists.changed(dbid, has_more=outcome is Consenting.READY)
        before = None
        if record.consent:
            before = ConsentGiven.model_construct(consent=record.consent, consent_utc_ms=record.consent_utc_ms)
        return before, ConsentView(record_id=record_id, outcome=outcome.value)

    def _list(self, dbid: int, campaigns: frozenset[str] | None) -> CallingList | None:
        return list_for(self._running.loaded.configuration, dbid, campaigns)

    async def _record(self, dbid: int, record_id: int, campaigns: frozenset[str] | None) -> StoredRecord | None:
        if self._list(dbid, campaigns) is None:
            return None
        found = await self._running.looks.find_records(record_id, ())
        return next((one for one in found if one.fate.list_id == dbid), None)

    def _views(self, records: Iterable[StoredRecord], campaigns: frozenset[str] | None) -> list[RecordView]:
        names = Names(seen_configuration(self._running.loaded.configuration, campaigns))
        return [record_view(record, names) for record in records]


def record_view(record: StoredRecord, names: Names) -> RecordView:
    """A stored record, as the API shows it."""
    fate = record.fate
    return RecordView(
        record_id=fate.record_id,
        list_dbid=fate.list_id,
        list_name=names.calling_list(fate.list_id),
        number=fate.number,
        status=fate.status.label,
        attempts=fate.attempts,
        call_result=None if fate.call_result is None else fate.call_result.name.lower(),
        agent=names.agent(fate.agent_id) or None,
        last_attempt_utc_ms=fate.last_attempt_utc_ms,
        chain_id=fate.chain_id or None,
        chain_n=fate.chain_n if fate.chain_id else None,
        due_utc_ms=record.due_utc_ms,
        claimed=record.claim_epoch is not None,
        claim_epoch=record.claim_epoch,
        daily_from_s=record.daily_from_s,
        daily_till_s=record.daily_till_s,
        time_zone=record.zone,
        record_type=record.record_type.name.lower().replace("_", " "),
        group=None if record.group_id is None else names.group(record.group_id),
        callback_agent=names.agent(record.callback_agent_id) or None,
        callback_number=record.callback_number,
        consent=record.consent or None,
        consent_utc_ms=record.consent_utc_ms,
        customer_id=record.customer_id,
        fields=dict(record.custom),
    )


def word_view(word: StoredWord, names: Names) -> WordView:
    """What an agent has said, as the API shows it."""
    return WordView(
        epoch=word.epoch,
        call_id=word.call_id,
        attempt_n=word.attempt_n,
        agent=names.agent(word.agent_id),
        given_utc_ms=word.given_utc_ms,
        call_result=word.call_result.name.lower(),
        disposition=word.disposition,
        not_before_utc_ms=word.not_before_utc_ms or None,
        record_type=None if word.record_type is None else word.record_type.name.lower().replace("_", " "),
        callback_number=word.callback_number or None,
        note=word.note,
    )


def attempt_view(attempt: StoredAttempt, names: Names) -> AttemptView:
    """A stored attempt, as the API shows it."""
    return AttemptView(
        call_id=attempt.call_id,
        epoch=attempt.epoch,
        dialed_utc_ms=attempt.dialed_utc_ms,
        group=names.group(attempt.group_id),
        campaign=None if attempt.campaign_id is None else names.campaign(attempt.campaign_id),
        node=names.node(attempt.node_id),
        number=attempt.number,
        attempt_n=attempt.attempt_n,
        dialing_mode=attempt.mode or None,
        call_result=None if attempt.call_result is None else attempt.call_result.name.lower(),
        fault=attempt.fault or None,
        verdict=attempt.verdict,
        sip_status=attempt.sip_status,
        q850_cause=attempt.q850_cause,
        agent=names.agent(attempt.agent_id) or None,
        ring_ms=attempt.ring_ms,
        wait_ms=attempt.wait_ms,
        talk_ms=attempt.talk_ms,
        disposition=attempt.disposition or None,
        not_before_utc_ms=attempt.not_before_utc_ms or None,
        evidence=json.loads(attempt.evidence) if attempt.evidence else None,
    )
