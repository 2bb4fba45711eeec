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
from typing import Any

from outdial.core.commands import CancelRecord, ReturnRecord, SettleAttempt
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.core.units import CallId, ListId, RecordId
from outdial.sim.lists import RecordStatus
from outdial.store.interface import AttemptBegun, Change
from outdial.store.rows import Priority, Row, history_text
from outdial.store.single_records import Cancelling


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


HELD_COLUMNS = tuple(HeldRecord.__dataclass_fields__)
"""What `Fates` reads, in its order."""
CHANGED_COLUMNS = HELD_COLUMNS[5:]
"""What a change may set."""

RecordChange = SettleAttempt | ReturnRecord | CancelRecord


def attempts_in(changes: Sequence[Change]) -> tuple[dict[CallId, SettleAttempt], list[AttemptBegun]]:
    """Attempts that changes settle, each once, and those that they begin."""
    settled: dict[CallId, SettleAttempt] = {}
    for change in changes:
        if isinstance(change, SettleAttempt):
            settled.setdefault(change.call_id, change)
    return settled, [change for change in changes if isinstance(change, AttemptBegun)]


def record_changes(changes: Sequence[Change], new: Collection[CallId]) -> list[RecordChange]:
    """Changes to records, in order; a settlement counts once, and only if its call is `new`."""
    left, found = set(new), list[RecordChange]()
    for change in changes:
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
        return [
            (
                record.status,
                record.call_result,
                record.attempts,
                record.priority,
                record.due_utc_ms,
                record.claim_epoch,
                record.agent_id,
                record.last_attempt_utc_ms,
                record.treatments,
                record.record_id,
            )
            for record in self._changed.values()
        ]

    def make(self, change: RecordChange) -> None:
        """Make one change."""
        covered = self._covered(change.record_id)
        if covered is None:
            return
        chain, head, record = covered
        match change:
            case SettleAttempt():
                self._settle(chain, head, record, change)
            case ReturnRecord():
                self._put_back(chain, head, record, change.not_before_utc_ms)
            case CancelRecord():
                self._cancel(chain, head, record, change.call_result)

    def stale(self, record_id: RecordId, dialed_utc_ms: int, not_before_utc_ms: int) -> None:
        """The record was dialed by an earlier start, and nobody saw how it ended: its chain waits, from it on."""
        covered = self._covered(record_id)
        if covered is None:
            return
        chain, head, record = covered
        record.attempts += 1
        record.call_result = int(CallResult.STALE)
        record.last_attempt_utc_ms = dialed_utc_ms
        record.priority = Priority.CAME_BACK
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
        disposition = attempt.disposition
        action = disposition.action
        if action is TreatmentAction.RETRY_IN or action is TreatmentAction.REDIAL:
            record.treatments = history_text(disposition.history)
            record.priority = Priority.CAME_BACK
            self._put_back(chain, head, record, disposition.not_before_utc_ms)
            return
        record.status = RecordStatus.UPDATED
        record.treatments = None
        following = None
        if action is TreatmentAction.NEXT_IN_CHAIN:
            following = next((other for other in chain if other.record_id == disposition.next_record_id), None)
        if following is not None and following.status == RecordStatus.RETRIEVED:
            following.priority = Priority.CAME_BACK
            self._put_back(chain, head, following, disposition.not_before_utc_ms)
        else:
            head.claim_epoch = None
            self._finish(chain)

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
                record.due_utc_ms, record.priority = due_utc_ms, max(priority, record.priority)
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
