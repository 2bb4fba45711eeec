"""Calling lists in memory: what is due, what is claimed, and what has become of every record.

A list is handed out as *chains*: the records of one customer, from the one that is to be tried next. A chain that has
been claimed is never handed out again until it comes back: by a settled attempt whose disposition says so, or returned
undialed. Chains that come back wait in heaps until they are due, one heap for each level (priority, and the campaign
group that alone may have them); those never tried follow in list order. Several lists of one campaign take turns by
weight.

A million records are no burden: a synthetic list computes its records when they are claimed, and of each record only
some bytes are kept (status, attempts, last result, agent, last attempt).

Status names are the vendor's (record status 1 … 9). `cancelled` covers do-not-call and agents' cancellations.
"""

from collections import deque
from collections.abc import Mapping, Sequence

from outdial.core.commands import DisposeRecord, FetchCallbacks, SettleAttempt, TreatRecord
from outdial.core.records import PRIORITIES, Chain, Priority
from outdial.core.results import CallResult
from outdial.core.units import GroupId, ListId, RecordId
from outdial.sim.list_sources import NUMBERS_FROM, RECORDS_MAX, Source, StoredSource, SyntheticSource
from outdial.sim.list_state import Chooser, ListState
from outdial.sim.number_history import NumberHistory
from outdial.sim.record_fates import RecordFate, RecordStatus

__all__ = [
    "NUMBERS_FROM",
    "RECORDS_MAX",
    "ListState",
    "Lists",
    "RecordFate",
    "RecordStatus",
    "Source",
    "StoredSource",
    "SyntheticSource",
]

STRAYS_MAX = 100
"""Orders about records that nobody had claimed: how many are remembered. One is a bug already."""


class Lists:
    """All calling lists of a world.

    Attributes:
        strays: orders about records that nobody had claimed. Shape: one sentence each; bounded.
        choosers: which records of which lists campaign groups want, unless they want all. Shape: {group: {list: …}}.
    """

    def __init__(self, sources: Sequence[Source]) -> None:
        self.by_id = {source.list_id: ListState(source) for source in sources}
        self.strays: list[str] = []
        self.choosers: Mapping[GroupId, Mapping[ListId, Chooser]] = {}
        self._credit: dict[ListId, int] = {}
        self._history: NumberHistory | None = None

    def keep_history(self) -> None:
        """Remember every call by its number: some claim will ask for it."""
        self._history = self._history or NumberHistory()

    def claim(
        self,
        utc_ms: int,
        weights: Sequence[tuple[ListId, int]],
        chains_max: int,
        group_id: GroupId = 0,
        priorities: Sequence[Priority] = PRIORITIES,
        *,
        with_facts: bool = False,
    ) -> tuple[tuple[Chain, ...], bool, int | None]:
        """Hand out due chains of several lists by weight.

        Args:
            utc_ms: now.
            weights: lists with their weights. Shape: ((list, weight ≥ 1), …).
            chains_max: how many at most.
            group_id: the campaign group. 0: one that nothing is kept for.
            priorities: what goes first, to last.
            with_facts: with what earlier calls to their numbers have come to, since `keep_history` or the first claim
                that asked for it.

        Returns:
            The chains; whether nothing else is due now; when the next becomes due, if nothing else is.
        """
        chains: list[Chain] = []
        known = [(list_id, weight) for list_id, weight in weights if list_id in self.by_id]
        chosen = self._chosen(utc_ms, known, group_id, priorities)
        due = [
            (list_id, weight)
            for list_id, weight in known
            if (chosen[list_id] if list_id in chosen else self.by_id[list_id].has_due(utc_ms, group_id))
        ]
        while due and len(chains) < chains_max:
            turn = due[0][0] if len(due) == 1 else self._next_turn(due)
            state = self.by_id[turn]
            places = chosen.get(turn)
            if places is None:
                chains.append(state.claim(utc_ms, group_id, priorities))
            else:
                chains.append(state.hand_out(places.popleft()))
            if not (state.has_due(utc_ms, group_id) if places is None else places):
                due = [(list_id, weight) for list_id, weight in due if list_id != turn]
        if with_facts:
            chains = list(self._with_facts(chains, utc_ms))
        if due:
            return tuple(chains), False, None
        waits = [
            self.by_id[list_id].next_after(utc_ms, group_id)
            if list_id in chosen
            else self.by_id[list_id].next_due_utc_ms(group_id)
            for list_id, _ in known
        ]
        return tuple(chains), True, min((wait for wait in waits if wait is not None), default=None)

    def _chosen(
        self,
        utc_ms: int,
        lists: Sequence[tuple[ListId, int]],
        group_id: GroupId,
        priorities: Sequence[Priority],
    ) -> dict[ListId, deque[int]]:
        """Due chains of the lists of which the group does not want all, in order."""
        choosers = self.choosers.get(group_id, {})
        return {
            list_id: deque(self.by_id[list_id].choose(utc_ms, group_id, priorities, choosers[list_id]))
            for list_id, _ in lists
            if list_id in choosers
        }

    def claim_callbacks(self, utc_ms: int, command: FetchCallbacks) -> tuple[tuple[Chain, ...], int | None]:
        """Hand out due chains of a group that wait for one agent.

        Returns:
            The chains; when the next one becomes due after now. None: none waits.
        """
        found: list[Chain] = []
        waits = []
        for list_id in command.lists:
            if list_id in self.by_id:
                chains, due = self.by_id[list_id].claim_callbacks(utc_ms, command, command.chains_max - len(found))
                found += chains
                waits += [due] if due is not None else []
        return self._with_facts(found, utc_ms) if command.with_facts else tuple(found), min(waits, default=None)

    def _with_facts(self, chains: Sequence[Chain], utc_ms: int) -> tuple[Chain, ...]:
        self.keep_history()
        assert self._history is not None
        return tuple([self._history.with_facts(chain, utc_ms) for chain in chains])

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
        if self._history is not None:
            self._history.add(attempt)
        if self._is_claimed("settled", attempt.list_id, attempt.record_id):
            self.by_id[attempt.list_id].settle(attempt)

    def treat(self, change: TreatRecord) -> None:
        """Carry out `TreatRecord`."""
        if self._is_claimed("treated", change.list_id, change.record_id):
            self.by_id[change.list_id].treat(change)

    def dispose(self, given: DisposeRecord) -> None:
        """Carry out `DisposeRecord`."""
        self.by_id[given.list_id].dispose(given)

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
