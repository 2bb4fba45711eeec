"""Calling lists for a demonstration or a measurement: records in memory, claims answered at once.

What has become of records is lost with the process. `outdial serve` has a database instead (`serve_records`).
"""

from collections.abc import Callable, Sequence

from outdial.core.callback_events import CallbacksFetched
from outdial.core.commands import (
    CancelRecord,
    Command,
    DisposeRecord,
    FetchCallbacks,
    FetchRecords,
    ReturnRecord,
    SettleAttempt,
    TreatRecord,
)
from outdial.core.events import Event, RecordsFetched
from outdial.core.units import Now
from outdial.drivers.runner import InboxFull
from outdial.sim.lists import Lists, Source


class RecordStore:
    """All calling lists that this process has read.

    Attributes:
        lists: the records.
    """

    def __init__(self, sources: Sequence[Source], submit: Callable[[Event], None]) -> None:
        """Take in lists.

        Args:
            sources: the records.
            submit: gives the core a fact; raises `InboxFull`.
        """
        self.lists = Lists(sources)
        self._submit = submit

    @property
    def records(self) -> int:
        """Records of all lists together."""
        return sum(state.source.count for state in self.lists.by_id.values())

    def carry_out(self, now: Now, command: Command) -> bool:
        """Carry out a command if it is one to the store. Returns whether it was."""
        match command:
            case FetchRecords():
                self._fetch(now, command)
            case FetchCallbacks():
                self._fetch_callbacks(now, command)
            case ReturnRecord():
                self.lists.put_back(command.list_id, command.record_id, command.not_before_utc_ms)
            case CancelRecord():
                self.lists.cancel(command.list_id, command.record_id, command.call_result)
            case TreatRecord():
                self.lists.treat(command)
            case DisposeRecord():
                self.lists.dispose(command)
            case SettleAttempt():
                self.lists.settle(command)
            case _:
                return False
        return True

    def _fetch(self, now: Now, command: FetchRecords) -> None:
        chains, exhausted, due = self.lists.claim(
            now.utc_ms,
            command.lists,
            command.chains_max,
            command.group_id,
            command.priorities,
            with_facts=command.with_facts,
        )
        self._tell(RecordsFetched(command.group_id, command.fetch_id, chains, exhausted, due))

    def _fetch_callbacks(self, now: Now, command: FetchCallbacks) -> None:
        chains, due = self.lists.claim_callbacks(now.utc_ms, command)
        self._tell(CallbacksFetched(command.group_id, command.fetch_id, chains, due))

    def _tell(self, event: RecordsFetched | CallbacksFetched) -> None:
        try:
            self._submit(event)
        except InboxFull:  # the core asks again when no answer comes
            for chain in event.chains:
                self.lists.put_back(chain.records[0].list_id, chain.records[0].record_id, 0)
