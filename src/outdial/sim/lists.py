"""Calling lists in memory: what is due, what is claimed, and what has become of every record.

A list is handed out as *chains*: the records of one customer, from the one that is to be tried next. A chain that has
been claimed is never handed out again until it comes back: by a settled attempt whose disposition says so, or returned
undialed. Chains that come back wait in a heap until they are due; those never tried follow in list order. Several lists
of one campaign take turns by weight.

A million records are no burden: a synthetic list computes its records when they are claimed, and of each record only
some bytes are kept (status, attempts, last result, agent, last attempt).

Status names are the vendor's (record status 1 … 9). `cancelled` covers do-not-call and agents' cancellations.
"""

import enum
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Protocol

from outdial.core.commands import SettleAttempt
from outdial.core.records import Chain, Record
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.core.units import AgentId, ListId, RecordId
from outdial.sim.draws import mix
from outdial.sim.settings import ListShape

RECORDS_MAX = 100_000_000
"""Record numbers of a synthetic list before those of the next one begin. Unit: records."""
NUMBERS_FROM = 15_550_000_000_000
"""Numbers of synthetic records are this plus the record's own. 555 is a fictitious exchange, 14 digits reach nobody."""
STRAYS_MAX = 100
"""Orders about records that nobody had claimed: how many are remembered. One is a bug already."""

_NO_RESULT = 255
_INDEX_BITS = 32
_INDEX_MASK = (1 << _INDEX_BITS) - 1


class RecordStatus(enum.IntEnum):
    """What has become of a record, with the vendor's number."""

    READY = 1
    RETRIEVED = 2
    UPDATED = 3
    STALE = 4
    CANCELLED = 5
    AGENT_ERROR = 6
    CHAIN_UPDATED = 7
    MISSED_CALLBACK = 8
    CHAIN_READY = 9

    @property
    def label(self) -> str:
        """Name for files and boards: `chain updated`."""
        return self.name.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class RecordFate:
    """One line of a results file."""

    record_id: RecordId
    list_id: ListId
    number: str
    chain_id: int
    chain_n: int
    status: RecordStatus
    attempts: int
    call_result: CallResult | None
    """Result of the last attempt."""
    agent_id: AgentId | None
    """Agent of the last attempt."""
    last_attempt_utc_ms: int | None


class Source(Protocol):
    """Where a list's records come from; they are numbered by place, from 0, with each chain in one piece."""

    list_id: ListId
    count: int

    def record(self, index: int) -> Record:
        """The record at a place, as it was before any attempt."""
        ...

    def index_of(self, record_id: RecordId) -> int:
        """Place of a record."""
        ...

    def chain_start(self, index: int) -> int:
        """Place of the first record of the chain that the record belongs to."""
        ...

    def chain_end(self, index: int) -> int:
        """Place after the last record of the chain."""
        ...


FORBIDDING_LIST = "registry"
"""Do-not-call list that has some records of synthetic lists."""


class SyntheticSource:
    """Records computed from their place."""

    def __init__(self, shape: ListShape) -> None:
        self.list_id = shape.list_id
        self.count = shape.records
        self._shape = shape
        self._first_id = (shape.list_id - 1) * RECORDS_MAX + 1
        self._repeated = round(shape.repeated_ratio * 1024)
        self._forbidden = round(shape.forbidden_ratio * 1024)

    def record(self, index: int) -> Record:
        """Compute one record."""
        record_id = self._first_id + index
        number = record_id
        if self._repeated and index and mix(record_id) & 1023 < self._repeated:
            number -= 1
        length = self._shape.chain_length
        do_not_call = FORBIDDING_LIST if self._forbidden and mix(~record_id) & 1023 < self._forbidden else ""
        chain = (0, 0) if length == 1 else (self._first_id + index - index % length, index % length)
        return Record(record_id, self.list_id, str(NUMBERS_FROM + number), *chain, do_not_call=do_not_call)

    def index_of(self, record_id: RecordId) -> int:
        """Place of a record."""
        return record_id - self._first_id

    def chain_start(self, index: int) -> int:
        """Chains are all of one length."""
        return index - index % self._shape.chain_length

    def chain_end(self, index: int) -> int:
        """The last chain may be shorter."""
        length = self._shape.chain_length
        return min(self.count, index - index % length + length)


class StoredSource:
    """Records that were read from somewhere."""

    def __init__(self, list_id: ListId, records: Sequence[Record]) -> None:
        """Bring each chain's records together, in chain order, where the first of them stands."""
        chains: dict[tuple[int, int], list[Record]] = {}
        for place, record in enumerate(records):
            key = (record.chain_id, 0) if record.chain_id else (0, place)
            chains.setdefault(key, []).append(record)
        self.list_id = list_id
        self.count = len(records)
        self._records: list[Record] = []
        self._starts: list[int] = []
        self._ends: list[int] = []
        for chain in chains.values():
            self._starts += [len(self._records)] * len(chain)
            self._records += sorted(chain, key=lambda record: record.chain_n)
            self._ends += [len(self._records)] * len(chain)
        self._places = {record.record_id: place for place, record in enumerate(self._records)}

    def record(self, index: int) -> Record:
        """The record at a place."""
        return self._records[index]

    def index_of(self, record_id: RecordId) -> int:
        """Place of a record."""
        return self._places[record_id]

    def chain_start(self, index: int) -> int:
        """Place of the chain's first record."""
        return self._starts[index]

    def chain_end(self, index: int) -> int:
        """Place after the chain's last record."""
        return self._ends[index]


class ListState:
    """One list: its source and what has become of its records."""

    def __init__(self, source: Source) -> None:
        count = source.count
        self.source = source
        self.claimed_count = 0
        """Chains handed out now."""
        self._status = bytearray([RecordStatus.READY]) * count
        self._attempts = array("H", bytes(2 * count))
        self._result = bytearray([_NO_RESULT]) * count
        self._agent = array("i", bytes(4 * count))
        self._last_utc_ms = array("q", bytes(8 * count))
        self._histories: dict[int, tuple[tuple[CallResult, int], ...]] = {}
        self._same: dict[tuple[tuple[CallResult, int], ...], tuple[tuple[CallResult, int], ...]] = {}
        self._fresh = 0
        """First place that was never handed out."""
        self._waiting: list[int] = []
        """Heap of chains that came back, by instant and place of the record to try, packed into one integer."""

    def has_due(self, utc_ms: int) -> bool:
        """Whether a chain could be claimed now."""
        return self._fresh < self.source.count or bool(self._waiting and self._waiting[0] >> _INDEX_BITS <= utc_ms)

    def next_due_utc_ms(self) -> int | None:
        """When the next chain that came back is due. None: none is waiting."""
        return self._waiting[0] >> _INDEX_BITS if self._waiting else None

    def claim(self, utc_ms: int) -> Chain:
        """Hand out the next due chain. `has_due` has said that there is one."""
        if self._waiting and self._waiting[0] >> _INDEX_BITS <= utc_ms:
            first = heappop(self._waiting) & _INDEX_MASK
            end = self.source.chain_end(first)
        else:
            first = self._fresh
            self._fresh = end = self.source.chain_end(first)
        self.claimed_count += 1
        status = self._status
        if end == first + 1:
            status[first] = RecordStatus.RETRIEVED
            return Chain((self._current(first),))
        places = [place for place in range(first, end) if status[place] == RecordStatus.READY]
        for place in places:
            status[place] = RecordStatus.RETRIEVED
        return Chain(tuple(self._current(place) for place in places))

    def _current(self, index: int) -> Record:
        record = self.source.record(index)
        attempts = self._attempts[index]
        if not attempts:
            return record
        return Record(
            record.record_id,
            record.list_id,
            record.number,
            record.chain_id,
            record.chain_n,
            record.daily_from_s,
            record.daily_till_s,
            record.zone,
            attempts,
            self._histories.get(index, ()),
            record.zones,
            record.do_not_call,
        )

    def attempt_n(self, record_id: RecordId) -> int:
        """Number of the attempt that is being made, from 1."""
        return self._attempts[self.source.index_of(record_id)] + 1

    def is_claimed(self, record_id: RecordId) -> bool:
        """Whether the record is handed out now."""
        return self._status[self.source.index_of(record_id)] == RecordStatus.RETRIEVED

    def settle(self, attempt: SettleAttempt) -> None:
        """Write one attempt down and do what its disposition says."""
        index = self.source.index_of(attempt.record_id)
        self._attempts[index] = min(self._attempts[index] + 1, 65_535)
        self._result[index] = attempt.call_result
        self._agent[index] = attempt.agent_id or 0
        self._last_utc_ms[index] = attempt.dialed_utc_ms
        disposition = attempt.disposition
        action = disposition.action
        if action is TreatmentAction.RETRY_IN or action is TreatmentAction.REDIAL:
            history = self._same.setdefault(disposition.history, disposition.history)
            self._histories[index] = history
            self._put_back(index, disposition.not_before_utc_ms)
            return
        self._status[index] = RecordStatus.UPDATED
        self._histories.pop(index, None)
        if action is TreatmentAction.NEXT_IN_CHAIN and disposition.next_record_id is not None:
            self._put_back(self.source.index_of(disposition.next_record_id), disposition.not_before_utc_ms)
        else:
            self._finish_chain(index)

    def put_back(self, record_id: RecordId, not_before_utc_ms: int) -> None:
        """A claimed chain comes back undialed, from this record on."""
        self._put_back(self.source.index_of(record_id), not_before_utc_ms)

    def cancel(self, record_id: RecordId, call_result: CallResult) -> None:
        """A claimed record is finished undialed; the rest of its chain stays claimed."""
        index = self.source.index_of(record_id)
        self._status[index] = RecordStatus.CANCELLED
        self._result[index] = call_result
        chain = self._status[self.source.chain_start(index) : self.source.chain_end(index)]
        if RecordStatus.RETRIEVED not in chain:
            self.claimed_count -= 1

    def _put_back(self, index: int, not_before_utc_ms: int) -> None:
        self.claimed_count -= 1
        for place in range(index, self.source.chain_end(index)):
            if self._status[place] == RecordStatus.RETRIEVED:
                self._status[place] = RecordStatus.READY
        heappush(self._waiting, max(0, not_before_utc_ms) << _INDEX_BITS | index)

    def _finish_chain(self, index: int) -> None:
        self.claimed_count -= 1
        for place in range(index + 1, self.source.chain_end(index)):
            if self._status[place] == RecordStatus.RETRIEVED:
                self._status[place] = RecordStatus.CHAIN_UPDATED

    def fates(self) -> Iterator[RecordFate]:
        """All records, in list order."""
        for index in range(self.source.count):
            record = self.source.record(index)
            result = self._result[index]
            yield RecordFate(
                record.record_id,
                record.list_id,
                record.number,
                record.chain_id,
                record.chain_n,
                RecordStatus(self._status[index]),
                self._attempts[index],
                None if result == _NO_RESULT else CallResult(result),
                self._agent[index] or None,
                self._last_utc_ms[index] or None,
            )


class Lists:
    """All calling lists of a world.

    Attributes:
        strays: orders about records that nobody had claimed. Shape: one sentence each; bounded.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.by_id = {source.list_id: ListState(source) for source in sources}
        self.strays: list[str] = []
        self._credit: dict[ListId, int] = {}

    def claim(
        self, utc_ms: int, weights: Sequence[tuple[ListId, int]], chains_max: int
    ) -> tuple[tuple[Chain, ...], bool, int | None]:
        """Hand out due chains of several lists by weight.

        Args:
            utc_ms: now.
            weights: lists with their weights. Shape: ((list, weight ≥ 1), …).
            chains_max: how many at most.

        Returns:
            The chains; whether nothing else is due now; when the next becomes due, if nothing else is.
        """
        chains: list[Chain] = []
        known = [(list_id, weight) for list_id, weight in weights if list_id in self.by_id]
        due = [(list_id, weight) for list_id, weight in known if self.by_id[list_id].has_due(utc_ms)]
        while due and len(chains) < chains_max:
            turn = due[0][0] if len(due) == 1 else self._next_turn(due)
            state = self.by_id[turn]
            chains.append(state.claim(utc_ms))
            if not state.has_due(utc_ms):
                due = [(list_id, weight) for list_id, weight in due if list_id != turn]
        if due:
            return tuple(chains), False, None
        waits = [self.by_id[list_id].next_due_utc_ms() for list_id, _ in known]
        return tuple(chains), True, min((wait for wait in waits if wait is not None), default=None)

    def _next_turn(self, due: Sequence[tuple[ListId, int]]) -> ListId:
        """Smooth weighted round robin: over time each list gets its share, without bursts."""
        credit = self._credit
        for list_id, weight in due:
            credit[list_id] = credit.get(list_id, 0) + weight
        turn = max(due, key=lambda entry: credit[entry[0]])[0]
        credit[turn] -= sum(weight for _, weight in due)
        return turn

    def attempt_n(self, list_id: ListId, record_id: RecordId) -> int:
        """Number of the attempt that is being made, from 1."""
        return self.by_id[list_id].attempt_n(record_id)

    def settle(self, attempt: SettleAttempt) -> None:
        """Carry out `SettleAttempt`."""
        if self._is_claimed("settled", attempt.list_id, attempt.record_id):
            self.by_id[attempt.list_id].settle(attempt)

    def put_back(self, list_id: ListId, record_id: RecordId, not_before_utc_ms: int) -> None:
        """Carry out `ReturnRecord`."""
        if self._is_claimed("returned", list_id, record_id):
            self.by_id[list_id].put_back(record_id, not_before_utc_ms)

    def cancel(self, list_id: ListId, record_id: RecordId, call_result: CallResult) -> None:
        """Carry out `CancelRecord`."""
        if self._is_claimed("cancelled", list_id, record_id):
            self.by_id[list_id].cancel(record_id, call_result)

    def _is_claimed(self, what: str, list_id: ListId, record_id: RecordId) -> bool:
        if self.by_id[list_id].is_claimed(record_id):
            return True
        if len(self.strays) < STRAYS_MAX:
            self.strays.append(f"record {record_id} of list {list_id} was {what}, and nobody had claimed it")
        return False

    def claimed_counts(self) -> Mapping[ListId, int]:
        """Chains handed out now, per list."""
        return {list_id: state.claimed_count for list_id, state in self.by_id.items()}
