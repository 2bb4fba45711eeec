"""What becomes of claimed records, as pure functions over their rows: every store changes records by these rules.

A store reads the rows of all records that its changes name, and of their chains; `Fates` takes the changes in order and
says which rows are different afterwards. The rules are those of `outdial.sim.lists.ListState`.

A chain is claimed by an epoch when one of its records, the head, has that epoch in `claim_epoch`. The claim covers the
records of the chain that are RETRIEVED. A change to a record that no claim of this epoch covers is a *stray*: it
changes nothing.

Invariant: no record stays RETRIEVED after the claim on its chain has ended.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from outdial.core.commands import (
    CancelRecord,
    DisposeRecord,
    Disposition,
    ReturnRecord,
    SettleAttempt,
    TreatRecord,
)
from outdial.core.records import Priority, RecordType, priority_of
from outdial.core.results import CALLBACK_ERRORS, CallResult
from outdial.core.settings import TreatmentAction
from outdial.core.units import CallId, ListId, RecordId
from outdial.sim.lists import RecordStatus
from outdial.store.interface import AttemptBegun, Change
from outdial.store.rows import Row, history_text
from outdial.store.single_records import Cancelling, Consenting


@dataclass(slots=True, eq=False)
class HeldRecord:
    """A row of `records`, as far as changes look at it. The order of its fields is that of `HELD_COLUMNS`."""

    record_id: RecordId
    list_id: ListId
    chain_id: int
    chain_n: int
    cancel_utc_ms: int | None
    """Since when nobody wants it any more."""
    status: int
    call_result: int
    attempts: int
    priority: int
    due_utc_ms: int | None
    claim_epoch: int | None
    agent_id: int | None
    last_attempt_utc_ms: int | None
    treatments: str | None
    record_type: int
    group_id: int
    scheduled_utc_ms: int | None
    callback_agent_id: int | None
    callback_number: str | None


HELD_COLUMNS = tuple(HeldRecord.__dataclass_fields__)
"""What `Fates` reads, in its order."""
CHANGED_COLUMNS = HELD_COLUMNS[5:]
"""What a change may set."""
DISPOSABLE = (RecordStatus.READY, RecordStatus.UPDATED, RecordStatus.AGENT_ERROR)
"""Records that an agent's word can still change."""
RecordChange = SettleAttempt | ReturnRecord | CancelRecord | TreatRecord | DisposeRecord

_changed_values = attrgetter(*CHANGED_COLUMNS, "record_id")


def attempts_in(changes: Sequence[Change]) -> tuple[dict[CallId, SettleAttempt], list[AttemptBegun]]:
    """Attempts that changes settle, each once, and those that they begin."""
    settled: dict[CallId, SettleAttempt] = {}
    for change in changes:
        if isinstance(change, SettleAttempt):
            settled.setdefault(change.call_id, change)
    return settled, [change for change in changes if isinstance(change, AttemptBegun)]


def given_in(changes: Sequence[Change]) -> list[DisposeRecord]:
    """Words of agents that are to be written down, each once."""
    return list({change.disposition_n: change for change in changes if isinstance(change, DisposeRecord)}.values())


def record_changes(
    changes: Sequence[Change], new: Collection[CallId], new_given: Collection[int] = ()
) -> list[RecordChange]:
    """Changes to records, in order.

    A settlement counts once, and only if its call is `new`; an agent's word once, if its number is `new_given`.
    """
    left, found = set(new), list[RecordChange]()
    left_given = set(new_given)
    for change in changes:
        if isinstance(change, DisposeRecord):
            if change.disposition_n not in left_given:
                continue
            left_given.remove(change.disposition_n)
        if isinstance(change, SettleAttempt):
            if change.call_id not in left:
                continue
            left.remove(change.call_id)
        if isinstance(change, RecordChange):
            found.append(change)
    return found


def end_left_claims(fates: Mapping[int, "Fates"], open_attempts: Iterable[Row], not_before_utc_ms: int) -> int:
    """End what starts that are over have left open.

    Args:
        fates: the records that they have claimed, by epoch.
        open_attempts: calls whose end nobody has seen. Shape: rows in the order of `OPEN_ATTEMPT_COLUMNS`.
        not_before_utc_ms: when the records of those may be dialed again.

    Returns:
        Chains that are ready again at once.
    """
    for epoch, _, _, _, _, record_id, _, _, dialed_utc_ms in open_attempts:
        if epoch in fates:
            fates[epoch].stale(record_id, dialed_utc_ms, not_before_utc_ms)
    return sum(one.end_claims() for one in fates.values())


class Fates:
    """Records that changes are made to."""

    def __init__(self, epoch: int, rows: Iterable[Row]) -> None:
        """Take in rows (in the order of `HELD_COLUMNS`): the records named by changes, with their whole chains."""
        self._epoch = epoch
        self._records = {row[0]: HeldRecord(*row) for row in rows}
        self._chains: dict[tuple[ListId, int], list[HeldRecord]] = {}
        for record in self._records.values():
            if record.chain_id:
                self._chains.setdefault((record.list_id, record.chain_id), []).append(record)
        for chain in self._chains.values():
            chain.sort(key=lambda record: (record.chain_n, record.record_id))
        self._changed: dict[RecordId, HeldRecord] = {}

    def changed(self) -> list[tuple[Any, ...]]:
        """Rows that are different now. Shape: the values of `CHANGED_COLUMNS`, then the record's id."""
        return [_changed_values(record) for record in self._changed.values()]

    def make(self, change: RecordChange) -> None:
        """Make one change."""
        if isinstance(change, DisposeRecord):
            self._dispose(change)
            return
        covered = self._covered(change.record_id)
        if covered is None:
            return
        chain, head, record = covered
        match change:
            case SettleAttempt():
                self._settle(chain, head, record, change)
            case ReturnRecord():
                self._put_back(chain, head, record, change.not_before_utc_ms)
                if record.scheduled_utc_ms is not None:
                    record.scheduled_utc_ms = max(record.scheduled_utc_ms, change.not_before_utc_ms)
            case CancelRecord():
                self._cancel(chain, head, record, change.call_result)
            case TreatRecord():
                record.call_result = int(change.call_result)
                self._treat(chain, head, record, change.disposition)
                if record.status == RecordStatus.UPDATED and change.call_result in CALLBACK_ERRORS:
                    record.status = RecordStatus.MISSED_CALLBACK

    def stale(self, record_id: RecordId, dialed_utc_ms: int, not_before_utc_ms: int) -> None:
        """The record was dialed by an earlier start, and nobody saw how it ended: its chain waits, from it on."""
        covered = self._covered(record_id)
        if covered is None:
            return
        chain, head, record = covered
        record.attempts += 1
        record.call_result = int(CallResult.STALE)
        record.last_attempt_utc_ms = dialed_utc_ms
        self._wait_again(record, not_before_utc_ms)
        self._put_back(chain, head, record, not_before_utc_ms)

    def cancel(self, record_id: RecordId) -> Cancelling:
        """Nobody wants the record any more. If its chain waits for it, it waits for the next one from now on.

        The caller writes down since when (`cancel_utc_ms`), for the end of a claim.
        """
        record = self._records.get(record_id)
        if record is None or record.status not in (RecordStatus.READY, RecordStatus.RETRIEVED):
            return Cancelling.OVER
        if record.status == RecordStatus.RETRIEVED:
            return Cancelling.CLAIMED
        self._changed[record_id] = record
        record.status, record.call_result = RecordStatus.CANCELLED, CallResult.CANCEL_RECORD
        due_utc_ms, record.due_utc_ms = record.due_utc_ms, None
        chain = self._chain(record)
        if due_utc_ms is not None:
            self._wait(chain[chain.index(record) :], record.priority, due_utc_ms)
        return Cancelling.DONE

    def consent(self, record_id: RecordId, *, ready: bool) -> Consenting:
        """A consent has come. If `ready`, a cancelled record is ready again, in its place in its chain.

        A chain of which a record was finished otherwise stays as it is: its customer has been dealt with.
        """
        record = self._records.get(record_id)
        if record is None:
            return Consenting.MISSING
        chain = self._chain(record)
        if any(other.claim_epoch is not None for other in chain):
            return Consenting.CLAIMED
        if record.status == RecordStatus.READY:
            return Consenting.SET
        was_refused = record.status == RecordStatus.CANCELLED and record.call_result == CallResult.CANCEL_RECORD
        others_open = all(other.status in (RecordStatus.READY, RecordStatus.CANCELLED) for other in chain)
        if not (ready and was_refused and others_open and record.cancel_utc_ms is None):
            return Consenting.OVER
        self._changed[record_id] = record
        record.status = RecordStatus.READY
        waiting = next((other for other in chain if other.due_utc_ms is not None), None)
        if waiting is None:
            record.due_utc_ms = 0
        elif chain.index(record) < chain.index(waiting):
            self._changed[waiting.record_id] = waiting
            record.due_utc_ms, waiting.due_utc_ms = waiting.due_utc_ms, None
        return Consenting.READY

    def end_claims(self) -> int:
        """All chains that are still claimed are ready again at once. Returns how many they were."""
        heads = [record for record in self._records.values() if record.claim_epoch == self._epoch]
        for head in heads:
            self._changed[head.record_id] = head
            self._put_back(self._chain(head), head, head, 0)
        return len(heads)

    def _covered(self, record_id: RecordId) -> tuple[list[HeldRecord], HeldRecord, HeldRecord] | None:
        """A record with its chain and the head of the chain. None: no claim covers it."""
        record = self._records.get(record_id)
        if record is not None and record.status == RecordStatus.RETRIEVED:
            chain = self._chain(record)
            for head in chain:
                if head.claim_epoch == self._epoch:
                    self._changed[record_id] = record
                    self._changed[head.record_id] = head
                    return chain, head, record
        return None

    def _chain(self, record: HeldRecord) -> list[HeldRecord]:
        return self._chains[record.list_id, record.chain_id] if record.chain_id else [record]

    def _settle(self, chain: list[HeldRecord], head: HeldRecord, record: HeldRecord, attempt: SettleAttempt) -> None:
        record.attempts += 1
        record.call_result = int(attempt.call_result)
        record.agent_id = attempt.agent_id
        record.last_attempt_utc_ms = attempt.dialed_utc_ms
        self._treat(chain, head, record, attempt.disposition)

    def _treat(self, chain: list[HeldRecord], head: HeldRecord, record: HeldRecord, disposition: Disposition) -> None:
        """Do with a covered record what a disposition says."""
        action, not_before_utc_ms = disposition.action, disposition.not_before_utc_ms
        if not (action.is_final or action.goes_on):
            record.treatments = history_text(disposition.history)
            _follow(record, disposition)
            self._wait_again(record, not_before_utc_ms)
            self._put_back(chain, head, record, not_before_utc_ms)
            return
        is_error = action is TreatmentAction.MARK_AGENT_ERROR
        record.status = RecordStatus.AGENT_ERROR if is_error else RecordStatus.UPDATED
        record.treatments = None
        following = None
        if action.goes_on:
            following = next((other for other in chain if other.record_id == disposition.next_record_id), None)
        if following is not None and following.status == RecordStatus.RETRIEVED:
            following.group_id = record.group_id
            self._wait_again(following, not_before_utc_ms)
            self._put_back(chain, head, following, not_before_utc_ms)
            return
        head.claim_epoch = None
        if action is TreatmentAction.MARK_CHAIN:
            self._mark(chain, record.call_result)
        self._finish(chain)

    def _mark(self, chain: list[HeldRecord], call_result: int) -> None:
        """The whole chain is over, with one result."""
        for record in chain:
            if record.status == RecordStatus.RETRIEVED:
                record.status = RecordStatus.UPDATED
                record.call_result = call_result
                self._changed[record.record_id] = record

    def _wait_again(self, record: HeldRecord, not_before_utc_ms: int) -> None:
        record_type = RecordType(record.record_type)
        record.priority = priority_of(record_type)
        record.scheduled_utc_ms = not_before_utc_ms if record_type.is_owned else None

    def _dispose(self, given: DisposeRecord) -> None:
        """As if the attempt had ended with an agent's word, unless the record has gone on since."""
        record = self._records.get(given.record_id)
        if record is None or record.attempts != given.attempt_n or record.status not in DISPOSABLE:
            return
        chain = self._chain(record)
        if any(other.claim_epoch is not None for other in chain):
            return
        for other in chain[chain.index(record) :]:
            if other is record or other.status in (RecordStatus.READY, RecordStatus.CHAIN_UPDATED):
                other.status = RecordStatus.RETRIEVED
                self._changed[other.record_id] = other
            other.due_utc_ms = None
        record.call_result = int(given.call_result)
        self._treat(chain, record, record, given.disposition)

    def _put_back(self, chain: list[HeldRecord], head: HeldRecord, first: HeldRecord, not_before_utc_ms: int) -> None:
        """The chain waits again, from this record on."""
        head.claim_epoch = None
        place = chain.index(first)
        for record in chain[place:]:
            if record.status == RecordStatus.RETRIEVED:
                record.status = RecordStatus.READY
                if record.cancel_utc_ms is not None:
                    record.status, record.call_result = RecordStatus.CANCELLED, CallResult.CANCEL_RECORD
                self._changed[record.record_id] = record
        self._finish(chain[:place])
        self._wait(chain[place:], first.priority, max(0, not_before_utc_ms))

    def _wait(self, records: list[HeldRecord], priority: int, due_utc_ms: int) -> None:
        """The first of these records that is ready waits to be called; if none is, their chain is over."""
        for record in records:
            if record.status == RecordStatus.READY:
                record.due_utc_ms = due_utc_ms
                if record.priority == Priority.NEW != priority:
                    record.priority = priority_of(RecordType(record.record_type))
                self._changed[record.record_id] = record
                return

    def _finish(self, records: list[HeldRecord]) -> None:
        """Records that are not tried any more, because their chain is over or goes on behind them."""
        for record in records:
            if record.status == RecordStatus.RETRIEVED:
                record.status = RecordStatus.CHAIN_UPDATED
                self._changed[record.record_id] = record

    def _cancel(self, chain: list[HeldRecord], head: HeldRecord, record: HeldRecord, call_result: CallResult) -> None:
        record.status = RecordStatus.CANCELLED
        record.call_result = int(call_result)
        if record is not head:
            return
        head.claim_epoch = None
        following = next((other for other in chain if other.status == RecordStatus.RETRIEVED), None)
        if following is not None:
            following.claim_epoch = self._epoch
            self._changed[following.record_id] = following


def _follow(record: HeldRecord, disposition: Disposition) -> None:
    """Whom the record is for from now on, and as what."""
    if disposition.group_id is not None:
        record.group_id = disposition.group_id
    if disposition.record_type is not None:
        record.record_type = int(disposition.record_type)
        if disposition.record_type.is_callback:
            record.callback_agent_id = disposition.agent_id
            record.callback_number = disposition.number or None
    elif disposition.action is TreatmentAction.ASSIGN_TO_GROUP:
        record.record_type = int(RecordType(record.record_type).for_group)
        record.callback_agent_id = None
