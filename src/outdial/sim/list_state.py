"""One calling list in memory: what has become of its records, and which are due.

The rules are those of `outdial.store.fates`. Of each record only some bytes are kept; what only few records have (a
type, a group, an agent of their own) is in a dictionary.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from typing import Protocol

from outdial.core.commands import DisposeRecord, Disposition, FetchCallbacks, SettleAttempt, TreatRecord
from outdial.core.records import PRIORITIES, Chain, Priority, Record, RecordType, priority_of
from outdial.core.results import CALLBACK_ERRORS, CallResult
from outdial.core.settings import TreatmentAction
from outdial.core.units import AgentId, GroupId, RecordId
from outdial.sim.list_sources import Source
from outdial.sim.record_fates import DISPOSABLE, RecordFate, RecordStatus

_NO_RESULT = 255
_INDEX_BITS = 32
_INDEX_MASK = (1 << _INDEX_BITS) - 1


def _is_open(level: "Level", group_id: GroupId) -> bool:
    return level[0] is not Priority.PERSONAL and level[1] in (0, group_id)


@dataclass(slots=True)
class Bound:
    """A record that is not like the others of its list: of another type, or for one group or agent."""

    record_type: RecordType = RecordType.GENERAL
    group_id: GroupId | None = None
    agent_id: AgentId | None = None
    number: str = ""
    scheduled_utc_ms: int = 0


Level = tuple[Priority, GroupId]
"""Where a chain waits; group 0: it is anybody's."""


Due = tuple[RecordFate, RecordType]
"""A record that is due, as far as anybody may choose by it."""


class Chooser(Protocol):
    """Which records of a list a campaign group wants, and in which order."""

    def wanted(self, records: Sequence[Due]) -> list[Due]:
        """Those that are wanted, in order; what compares equal stays as it is."""
        ...


class ListState:
    """One list: its source and what has become of its records. The rules are those of `outdial.store.fates`."""

    def __init__(self, source: Source) -> None:
        count = source.count
        self.source = source
        self.claimed_count = 0
        """Chains handed out now."""
        self._status = bytearray([RecordStatus.READY]) * count
        self._came_back = bytearray(count)
        self._attempts = array("H", bytes(2 * count))
        self._result = bytearray([_NO_RESULT]) * count
        self._agent = array("i", bytes(4 * count))
        self._last_utc_ms = array("q", bytes(8 * count))
        self._histories: dict[int, tuple[tuple[CallResult, int], ...]] = {}
        self._same: dict[tuple[tuple[CallResult, int], ...], tuple[tuple[CallResult, int], ...]] = {}
        self._bound: dict[int, Bound] = {}
        self._fresh = 0
        """First place that was never handed out."""
        self._is_picked_over = False
        """Chains behind the first fresh one were handed out."""
        self._heaps: dict[Level, list[int]] = {}
        """Chains that came back, by instant and place of the record to try, packed into one integer."""
        self._waits: dict[int, int] = {}
        """When the chain from a place on is due. What a heap says and this does not is over."""

    def has_due(self, utc_ms: int, group_id: GroupId = 0) -> bool:
        """Whether a chain could be claimed now, for a campaign group."""
        if self._is_picked_over:
            self._pass_over()
        return self._fresh < self.source.count or any(
            self._head(level, utc_ms) is not None for level in self._heaps if _is_open(level, group_id)
        )

    def next_due_utc_ms(self, group_id: GroupId = 0) -> int | None:
        """When the next chain that came back is due. None: none is waiting."""
        levels = [level for level in self._heaps if _is_open(level, group_id)]
        heads = [head for level in levels if (head := self._head(level)) is not None]
        return min(heads) >> _INDEX_BITS if heads else None

    def _head(self, level: Level, utc_ms: int | None = None) -> int | None:
        """The first entry of a level. None: there is none, or it is not due yet."""
        heap = self._heaps.get(level)
        while heap:
            entry, place = heap[0], heap[0] & _INDEX_MASK
            # who is bound to another group meanwhile may be due at the same instant as before
            if self._waits.get(place) == entry >> _INDEX_BITS and self._level(place) == level:
                return entry if utc_ms is None or entry >> _INDEX_BITS <= utc_ms else None
            heappop(heap)
        return None

    def claim(self, utc_ms: int, group_id: GroupId = 0, priorities: Sequence[Priority] = PRIORITIES) -> Chain:
        """Hand out the next due chain. `has_due` has said that there is one."""
        for priority in priorities:
            for owner in (group_id, 0) if group_id else (0,):
                head = self._head((priority, owner), utc_ms)
                if head is not None:
                    heappop(self._heaps[priority, owner])
                    return self._hand_out(head & _INDEX_MASK)
            if priority is Priority.NEW and self._fresh < self.source.count:
                first = self._fresh
                self._fresh = self.source.chain_end(first)
                return self._hand_out(first)
        raise LookupError(f"nothing is due in list {self.source.list_id}")

    def claim_callbacks(self, utc_ms: int, command: FetchCallbacks, count_max: int) -> tuple[list[Chain], int | None]:
        """Hand out due chains that wait for one agent, then callbacks that other groups have left; and when the next
        one of the group becomes due after now."""
        due, left, waits = [], [], []
        for place, bound in self._bound.items():
            due_utc_ms = self._waits.get(place)
            if due_utc_ms is None or not bound.record_type.is_owned:
                continue
            if bound.group_id != command.group_id:
                is_left = bound.group_id is not None and bound.group_id not in command.running_ids
                if is_left and due_utc_ms <= utc_ms and bound.scheduled_utc_ms <= command.left_utc_ms:
                    left.append((due_utc_ms, self.source.record(place).record_id, place))
            elif not bound.record_type.is_personal:
                continue
            elif due_utc_ms > utc_ms:
                waits.append(due_utc_ms)
            elif bound.agent_id in command.agent_ids or bound.scheduled_utc_ms <= command.overdue_utc_ms:
                due.append((due_utc_ms, self.source.record(place).record_id, place))
        found = [*sorted(due), *(sorted(left) if command.left_utc_ms else ())]
        chains = [self._hand_out(place) for _, _, place in found[:count_max]]
        return chains, min(waits, default=None)

    def choose(self, utc_ms: int, group_id: GroupId, priorities: Sequence[Priority], chooser: Chooser) -> Iterator[int]:
        """Places of due chains that a group wants, in order. Looks at every record of the list."""
        due: dict[Level, list[tuple[int, int]]] = {}
        for place, due_utc_ms in self._waits.items():
            if due_utc_ms <= utc_ms:
                due.setdefault(self._level(place), []).append((due_utc_ms, place))
        fresh = [place for place in range(self._fresh, self.source.count) if self._is_fresh(place)]
        due.setdefault((Priority.NEW, 0), []).extend((0, place) for place in fresh)
        for priority in priorities:
            for owner in (group_id, 0):
                places = [place for _, place in sorted(due.pop((priority, owner), ()))]
                if priority is Priority.CALLBACK:  # promised: neither filtered nor put last
                    yield from places
                else:
                    wanted = chooser.wanted([(self._fate(place), self._type(place)) for place in places])
                    yield from (self.source.index_of(fate.record_id) for fate, _ in wanted)

    def _type(self, place: int) -> RecordType:
        bound = self._bound.get(place)
        return RecordType.GENERAL if bound is None else bound.record_type

    def hand_out(self, place: int) -> Chain:
        """Hand out a chain that `choose` has named."""
        if self._is_fresh(place):
            self._is_picked_over = True
        return self._hand_out(place)

    def _is_fresh(self, place: int) -> bool:
        """Whether a chain that was never handed out begins here."""
        return (
            self._status[place] == RecordStatus.READY
            and place not in self._waits
            and self.source.chain_start(place) == place
        )

    def _pass_over(self) -> None:
        """Go past chains that were picked out from behind the first fresh one."""
        while self._fresh < self.source.count and not self._is_fresh(self._fresh):
            self._fresh = self.source.chain_end(self._fresh)

    def _hand_out(self, first: int) -> Chain:
        end = self.source.chain_end(first)
        self._waits.pop(first, None)
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
        bound = self._bound.get(index)
        if not attempts and bound is None and index not in self._histories:
            return record
        record = replace(record, attempts=attempts, history=self._histories.get(index, ()))
        if bound is None:
            return record
        return replace(
            record.called_at(bound.number),
            record_type=bound.record_type,
            group_id=bound.group_id,
            agent_id=bound.agent_id,
            scheduled_utc_ms=bound.scheduled_utc_ms,
        )

    def current(self, record_id: RecordId) -> Record:
        """The record as it would be handed out now."""
        return self._current(self.source.index_of(record_id))

    def attempt_n(self, record_id: RecordId) -> int:
        """Number of the attempt that is being made, from 1."""
        return self._attempts[self.source.index_of(record_id)] + 1

    def due_utc_ms(self, record_id: RecordId) -> int | None:
        """From when on the record, the first to be tried of its chain, may be handed out. None: it does not wait."""
        return self._waits.get(self.source.index_of(record_id))

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
        self._treat(index, attempt.disposition)

    def treat(self, change: TreatRecord) -> None:
        """A claimed record has come to a result without a call."""
        index = self.source.index_of(change.record_id)
        self._result[index] = change.call_result
        self._treat(index, change.disposition)
        if self._status[index] == RecordStatus.UPDATED and change.call_result in CALLBACK_ERRORS:
            self._status[index] = RecordStatus.MISSED_CALLBACK

    def dispose(self, given: DisposeRecord) -> None:
        """As if the attempt had ended with an agent's word, unless the record has gone on since."""
        index = self.source.index_of(given.record_id)
        if self._attempts[index] != given.attempt_n or self._status[index] not in DISPOSABLE:
            return
        end = self.source.chain_end(index)
        chain = range(self.source.chain_start(index), end)
        if any(self._status[place] == RecordStatus.RETRIEVED for place in chain):
            return
        for place in range(index, end):
            if place == index or self._status[place] in (RecordStatus.READY, RecordStatus.CHAIN_UPDATED):
                self._status[place] = RecordStatus.RETRIEVED
            self._waits.pop(place, None)
        self._result[index] = given.call_result
        self.claimed_count += 1
        self._treat(index, given.disposition)

    def _treat(self, index: int, disposition: Disposition) -> None:
        """Do with a claimed record what a disposition says."""
        action, not_before_utc_ms = disposition.action, disposition.not_before_utc_ms
        if not (action.is_final or action.goes_on):
            self._histories[index] = self._same.setdefault(disposition.history, disposition.history)
            self._follow(index, disposition)
            self._wait_again(index, not_before_utc_ms)
            return
        is_error = action is TreatmentAction.MARK_AGENT_ERROR
        self._status[index] = RecordStatus.AGENT_ERROR if is_error else RecordStatus.UPDATED
        self._histories.pop(index, None)
        if action.goes_on and disposition.next_record_id is not None:
            following = self.source.index_of(disposition.next_record_id)
            owner = self._bound[index].group_id if index in self._bound else None
            if owner is not None or following in self._bound:
                self._bound.setdefault(following, Bound()).group_id = owner
            self._wait_again(following, not_before_utc_ms)
            return
        self.claimed_count -= 1
        for place in range(index + 1, self.source.chain_end(index)):
            if self._status[place] == RecordStatus.RETRIEVED:
                is_marked = action is TreatmentAction.MARK_CHAIN
                self._status[place] = RecordStatus.UPDATED if is_marked else RecordStatus.CHAIN_UPDATED
                if is_marked:
                    self._result[place] = self._result[index]

    def _follow(self, index: int, disposition: Disposition) -> None:
        """Whom the record is for from now on, and as what."""
        is_assigned = disposition.action is TreatmentAction.ASSIGN_TO_GROUP
        if disposition.group_id is None and disposition.record_type is None and not is_assigned:
            return
        bound = self._bound.setdefault(index, Bound())
        if disposition.group_id is not None:
            bound.group_id = disposition.group_id
        if disposition.record_type is not None:
            bound.record_type = disposition.record_type
            if disposition.record_type.is_callback:
                bound.agent_id, bound.number = disposition.agent_id, disposition.number
        elif is_assigned:
            bound.record_type, bound.agent_id = bound.record_type.for_group, None

    def _wait_again(self, index: int, not_before_utc_ms: int) -> None:
        self._came_back[index] = True
        bound = self._bound.get(index)
        if bound is not None:
            bound.scheduled_utc_ms = not_before_utc_ms if bound.record_type.is_owned else 0
        self._put_back(index, not_before_utc_ms)

    def put_back(self, record_id: RecordId, not_before_utc_ms: int) -> None:
        """A claimed chain comes back undialed, from this record on."""
        index = self.source.index_of(record_id)
        self._put_back(index, not_before_utc_ms)
        bound = self._bound.get(index)
        if bound is not None and bound.record_type.is_owned:
            bound.scheduled_utc_ms = max(bound.scheduled_utc_ms, not_before_utc_ms)

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
        due_utc_ms = max(0, not_before_utc_ms)
        self._waits[index] = due_utc_ms
        heappush(self._heaps.setdefault(self._level(index), []), due_utc_ms << _INDEX_BITS | index)

    def _level(self, index: int) -> Level:
        bound = self._bound.get(index)
        record_type, group_id = (bound.record_type, bound.group_id) if bound else (RecordType.GENERAL, None)
        return priority_of(record_type, is_new=not self._came_back[index]), group_id or 0

    def fates(self) -> Iterator[RecordFate]:
        """All records, in list order."""
        return map(self._fate, range(self.source.count))

    def _fate(self, index: int) -> RecordFate:
        record = self.source.record(index)
        result = self._result[index]
        return RecordFate(
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

    def next_after(self, utc_ms: int, group_id: GroupId) -> int | None:
        """When the next chain that came back is due after now, for a group. None: none is waiting."""
        later = [due for place, due in self._waits.items() if due > utc_ms and _is_open(self._level(place), group_id)]
        return min(later, default=None)
