"""What the dialer asks of a database: claim chains, write down what happened. SQLite and PostgreSQL both do it.

A *claim* takes the records of one customer (a chain) out of its list, for one start of one server, until they come
back: settled, returned or cancelled. Each start has an *epoch*, a number that only grows. Claims carry it, and a change
to a record is made only while its claim is of the epoch that makes it: a server that was taken for dead writes its
attempts down and changes no record that another one has meanwhile.

`write` takes changes in the order in which they happened and makes all of them or none, in one transaction. Making
them a second time changes nothing: attempts are known by epoch and call, and a record comes back once per claim. So
what has an uncertain fate (the connection broke during the commit) is simply written again.

Source: fencing by epoch after the lease tokens of Gray and Cheriton (1989). Ours: the rest (decision 0016).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from outdial.calling_lists import ListedRecord
from outdial.core.commands import CancelRecord, DisposeRecord, ReturnRecord, SettleAttempt, TreatRecord
from outdial.core.errors import OutdialError
from outdial.core.records import Chain, NumberFacts
from outdial.core.units import AgentId, CallId, GroupId, ListId, Millis, NodeId, RecordId
from outdial.setting_overrides import OverrideStore
from outdial.sim.lists import RecordFate, RecordStatus
from outdial.store.claims import CallbackRequest, Claimed, ClaimRequest
from outdial.store.do_not_call import Addition, Forbidden, ForbiddenList, Found, NumberForbidden, Objections
from outdial.store.outbox import MessageDue, Outbox
from outdial.store.single_records import Cancelling, Consent, Consenting, NewRecord
from outdial.store.steps import Steps
from outdial.store.stored import (
    AttemptPlace,
    Import,
    LedgerRow,
    ListCounts,
    Opened,
    PortSample,
    StoredAttempt,
    StoredRecord,
    StoredWord,
)


class StoreError(OutdialError):
    """The database cannot be used as it is: wrong address, wrong version, wrong rights. Trying again does not help."""

    code = "store"


class StoreUnavailable(OutdialError):
    """The database does not answer now. Nothing is known to have been written; to be tried again.

    Attributes:
        chains: what a claim may have taken all the same, because the connection broke while it was made final. They
            are returned as soon as the store is back; returning what was never claimed changes nothing.
    """

    code = "store_unavailable"
    retriable = True

    def __init__(self, message: str, chains: tuple[Chain, ...] = ()) -> None:
        super().__init__(message)
        self.chains = chains


class EpochLost(OutdialError):
    """Another start has taken this server's place. It must not dial any more."""

    code = "epoch_lost"


@dataclass(frozen=True, slots=True)
class AttemptBegun:
    """A call is about to be requested. Written before the request leaves, so that no call is unknown after a crash."""

    call_id: CallId
    group_id: GroupId
    node_id: NodeId
    list_id: ListId
    record_id: RecordId
    number: str
    attempt_n: int
    """Which attempt of the record this is, from 1."""
    dialed_utc_ms: int
    evidence: str = ""
    """What allowed it, as JSON; empty: nothing is written down."""


@dataclass(frozen=True, slots=True)
class AgentStateBegun:
    """An agent does something else from now on."""

    change_n: int
    """Number of the change, ascending within a start. Range: ≥ 1."""
    agent_id: AgentId
    state: str
    """A value of `outdial.core.agents.AgentState`."""
    reason: str
    group_id: GroupId | None
    """Campaign group of the call; None: there is no call."""
    utc_ms: int


Change = (
    AttemptBegun
    | SettleAttempt
    | ReturnRecord
    | CancelRecord
    | TreatRecord
    | DisposeRecord
    | NumberForbidden
    | AgentStateBegun
    | MessageDue
)
"""What `write` takes."""

LeftBehind: TypeAlias = Iterable[tuple[int, Sequence[Change]]]
"""What earlier starts of this server could not write, in order. Shape: (epoch, changes) for each transaction."""


class Store(Steps, OverrideStore, Protocol):
    """A database. All methods but `open` raise `StoreUnavailable` when it cannot be reached."""

    @property
    def outbox(self) -> Outbox:
        """Messages to other systems."""
        ...

    async def open(self, server: str, utc_ms: int, stale_ms: Millis, left: LeftBehind = ()) -> Opened:
        """Connect, check or make the tables, take the server's next epoch, clear up after its earlier starts.

        Where the end of a call was not seen, its record waits for `stale_ms`, and so do others with its number. What
        agents did when an earlier start crashed ended with that start's last sign of life.

        Args:
            server: name of this server; two servers on one database need two names.
            utc_ms: now.
            stale_ms: how long a record waits whose call may still be up.
            left: written first, each under its own epoch as `write` does it, but without an `EpochLost`: of an epoch
                that another start has followed, attempts are written down and records stay as they are.

        Raises:
            StoreError: it cannot be used.
            StoreUnavailable: it does not answer.
        """
        ...

    async def claim(self, request: ClaimRequest | CallbackRequest) -> Claimed:
        """Claim due chains, no chain twice whoever else claims at the same time.

        Order within a list: priority (as the request says), then what only this group may have, then the instant from
        which it is due, then list order. Lists take turns by weight. Records of a chain come in ascending chain order
        from the one that is due. What waits for one agent, or for another group, is not claimed; nor is a No Call. A
        record that is on a do-not-call list says so.

        With a `CallbackRequest`: due records of the group that wait for one agent, the longest due first, then
        callbacks that other groups have left; `next_due_utc_ms` is then when the next one of the group becomes due
        after now, whoever it waits for.

        Raises:
            EpochLost: another start has taken over.
        """
        ...

    async def write(self, changes: Sequence[Change]) -> None:
        """Make changes, all or none, durably.

        An attempt that has been settled does not begin again. A settlement that comes late takes the place of the
        Stale one that another start has put there for it; the record stays as that start left it. What agents do is
        written down like attempts, whoever writes it; numbers come onto their do-not-call lists; calls are added to the
        ledger of abandoned ones, once.

        Raises:
            EpochLost: another start has taken over; attempts are written down all the same.
        """
        ...

    async def objections(self, seq: int, utc_ms: int) -> Objections:
        """Records that this start has claimed and that must not be dialed any more, whoever said so; and their numbers
        that other servers call.

        Args:
            seq: up to which entry of do-not-call lists this is known. 0: none.
            utc_ms: now.
        """
        ...

    async def add_port_samples(self, samples: Sequence[PortSample], before_utc_ms: int) -> None:
        """Write samples down, and delete some of those that are older than an instant. They may be lost."""
        ...

    async def imports(self) -> tuple[Import, ...]:
        """Every file that has been read into a list, and how far."""
        ...

    async def add_records(self, progress: Import, records: Sequence[ListedRecord]) -> None:
        """Add records to a list and write down how far its file has been read, in one transaction.

        A record that is there already, by its `record_id`, stays as it is, so a batch may be added twice. Single
        records may be claimed at once, chains once their import is finished: their records may be anywhere in the file.

        Args:
            progress: the import with these records; `finished_utc_ms` with the last ones.
            records: all of one list. Range: some thousands.
        """
        ...

    async def fates(self, list_id: ListId, after: RecordId, count_max: int) -> tuple[RecordFate, ...]:
        """What has become of the records of a list, by record number: those after one, a page at a time."""
        ...

    # --- for operators -------------------------------------------------------------------------------------------

    async def look(self) -> None:
        """Connect, check or make the tables, and no more: no start is counted, nothing is cleared up.

        So it disturbs no server that uses the same database. `claim` and `write` raise `EpochLost` then.

        Raises:
            StoreError: it cannot be used, or a server uses a SQLite file.
            StoreUnavailable: it does not answer.
        """
        ...

    async def list_counts(self, list_id: ListId, utc_ms: int) -> ListCounts:
        """Count the records of a list. Reads all of them."""
        ...

    async def records(self, list_id: ListId, after: RecordId, count_max: int) -> tuple[StoredRecord, ...]:
        """As `fates`, with everything that is known."""
        ...

    async def find_records(self, record_id: RecordId, numbers: Sequence[str]) -> tuple[StoredRecord, ...]:
        """By record id: the one with this id, and those with one of these numbers, their own or that of a callback."""
        ...

    async def chain(self, list_id: ListId, chain_id: int, count_max: int) -> tuple[StoredRecord, ...]:
        """The first records of a chain, in its order."""
        ...

    async def attempts(self, record_id: RecordId) -> tuple[StoredAttempt, ...]:
        """Every attempt on a record, in the order in which they were dialed, those under way included."""
        ...

    async def words(self, record_id: RecordId) -> tuple[StoredWord, ...]:
        """What agents have said of calls to a record, in that order."""
        ...

    async def read(
        self, statement: str, take: Callable[[Sequence[Sequence[Any]]], None], limit_s: float | None = None
    ) -> None:
        """Run the query of a report and hand its rows over, some thousands at a time.

        Args:
            statement: a SELECT that every database understands; see `outdial.reports`.
            take: called for each part, in order; what it raises ends the query.
            limit_s: longest time, then `read_limit.ReadTooLong` is raised. None: as long as it takes.
        """
        ...

    async def settled(
        self, from_utc_ms: int, till_utc_ms: int, after: AttemptPlace, count_max: int
    ) -> tuple[StoredAttempt, ...]:
        """Attempts that are over, by the instant at which they were dialed, a page at a time, without their evidence.

        Args:
            from_utc_ms: dialed then or later.
            till_utc_ms: and before this.
            after: the last of the page before. `FIRST`: there was none.
            count_max: how many at most.
        """
        ...

    async def abandonment(self, since_utc_ms: int) -> tuple[LedgerRow, ...]:
        """The ledger of abandoned calls: each bucket from one on, and one row for everything before.

        Args:
            since_utc_ms: start of the first bucket.

        Returns:
            By campaign, seller and bucket.
        """
        ...

    async def facts(self, numbers: Sequence[str], utc_ms: int) -> Mapping[str, NumberFacts]:
        """What earlier calls to numbers have come to; a number that was never called is missing.

        Args:
            numbers: some thousands at most.
            utc_ms: now; the attempts of the last days come one by one.
        """
        ...

    async def reset(self, list_id: ListId, statuses: Collection[RecordStatus]) -> int:
        """Finished records are ready again, as new ones that remember how often they were tried. Some at a time.

        A chain that waits or is claimed stays as it is. So does a record whose number must not be called.

        Args:
            list_id: the list; every import into it is finished.
            statuses: which records. Range: of `FINISHED`.

        Returns:
            Records that are ready again.
        """
        ...

    async def add_record(self, new: NewRecord) -> RecordId:
        """Add one record to a list. Returns its number.

        Raises:
            RecordRefused: the list has its number, or has no place for it.
        """
        ...

    async def cancel_record(self, record_id: RecordId, utc_ms: int) -> Cancelling:
        """See to it that a record is not called any more. If a server has it, that is told of it as of objections; a
        call that is in progress goes on, and the record is cancelled when it comes back."""
        ...

    async def consent(self, given: Sequence[Consent]) -> tuple[Consenting, ...]:
        """Add consents to records, in one transaction, in the place of those that they have. What was dialed before
        keeps the evidence that it has.

        Args:
            given: some thousands at most.

        Returns:
            What has become of each record, in order.
        """
        ...

    # --- do-not-call lists: an entry is what `do_not_call.entry_of` gives ----------------------------------------

    async def forbid(self, addition: Addition, entries: Sequence[str]) -> int:
        """Put entries on a list, in one transaction. Those that are on it stay, at least as long as said now.

        Returns:
            How many were not on it.
        """
        ...

    async def allow(self, list_name: str | None, entries: Sequence[str], removed_by: str, utc_ms: int) -> int:
        """Take entries off a list, or off all of them. Returns how many there were."""
        ...

    async def allow_unseen(self, list_name: str, before_utc_ms: int, removed_by: str, utc_ms: int) -> int:
        """Take every entry off a list that no file and no command had since an instant. Returns how many. Some at a
        time: what was cut off is done by the next."""
        ...

    async def forbidden(self, entries: Sequence[str]) -> tuple[Forbidden, ...]:
        """All that is known of entries: on which lists they are, and were. In their order, then by list and time."""
        ...

    async def forbidding(self, entries: Sequence[str], list_names: Collection[str], utc_ms: int) -> Found:
        """Entries that are on a list now, as a claim looks them up.

        Args:
            entries: some thousands at most.
            list_names: lists that count beside the internal one. Empty: all do.
            utc_ms: now.
        """
        ...

    async def forbidden_lists(self, utc_ms: int) -> tuple[ForbiddenList, ...]:
        """Every do-not-call list that has something on it. Reads all of them."""
        ...

    async def close(self) -> None:
        """Let go of the database. Closing twice does no harm."""
        ...
