"""What stands between the dialer and a store: commands in order, changes in groups, no call before its beginning.

Changes are written in groups: whatever has piled up while the last write ran goes into the next one. A claim follows
the changes before it. A call leaves through a gate, once its beginning has been written down. A look for records that
must not be dialed any more has its turn like everything else, so the core hears of records first and of objections to
them afterwards. What happens while the database is away is told in `steady`.
"""

import asyncio
import contextlib
import random as dice
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from outdial.core.agents import AgentState
from outdial.core.commands import (
    AgentStateChanged,
    CancelRecord,
    Command,
    Dial,
    DisposeRecord,
    FetchCallbacks,
    FetchRecords,
    ForbidNumber,
    ReturnRecord,
    SettleAttempt,
    TreatRecord,
)
from outdial.core.events import DialRejected, Event, FetchFailed, NumberCalled, RecordCancelled
from outdial.core.records import Chain
from outdial.core.settings import INTERNAL_LIST
from outdial.core.units import AgentId, CallId, GroupId, ListId, Now, RecordId
from outdial.drivers.runner import InboxFull
from outdial.evidence_text import evidence_text
from outdial.selection.terms import Selection
from outdial.store.do_not_call import NumberForbidden
from outdial.store.fetching import answer_to, request_of
from outdial.store.gate import DialGate
from outdial.store.interface import AgentStateBegun, AttemptBegun, Change, Store
from outdial.store.outbox import MessageDue
from outdial.store.spool import Spool
from outdial.store.steady import PATIENCE_S, SteadyStore, pause
from outdial.store.stored import PortSample

GROUP = 100
"""Most changes of one write. Unit: changes."""
GROUP_S = 0.02
"""Longest wait for company of a change that nobody waits for. Unit: seconds."""
CALLED_KEPT_MS = 600_000
"""How long a call of another server is remembered. Ours: as long as what is known of a number counts."""
AGAIN_S = 0.5
"""Pause before changes are given again that could be kept nowhere. Unit: seconds."""


@dataclass(frozen=True, slots=True)
class _Fetch:
    """A claim that waits for the changes before it."""

    utc_ms: int
    command: FetchRecords | FetchCallbacks


@dataclass(frozen=True, slots=True)
class _Look:
    """A look for claimed records that must not be dialed any more."""

    utc_ms: int


@dataclass(frozen=True, slots=True)
class _Samples:
    """Samples of ports, and from when on older ones are kept."""

    samples: Sequence[PortSample]
    before_utc_ms: int


class StoreWriter:
    """Carries out the core's commands to the store.

    Attributes:
        samples_left_out: minutes whose samples the database did not take, because it was away.
    """

    def __init__(
        self,
        store: Store,
        spool: Spool,
        epoch: int,
        log: FilteringBoundLogger,
        *,
        submit: Callable[[Event], None],
        pass_on: Callable[[Command], object],
        attempt_n: Callable[[CallId], int],
        on_failure: Callable[[Exception], None],
        selections: Callable[[GroupId], Mapping[ListId, Selection]] = lambda _: {},
        random: Callable[[], float] = dice.random,
        patience_s: float = PATIENCE_S,
        on_answer: Callable[[str, float], None] | None = None,
        announce: Callable[[Now, Command], Sequence[MessageDue]] = lambda now, command: (),
    ) -> None:
        """Nothing is written yet; `run` does that.

        Args:
            store: an open store; its owner closes it.
            spool: an open, empty spool; its owner closes it.
            epoch: number of this start.
            log: told when the database goes and when it is back.
            submit: gives the core a fact; raises `InboxFull`.
            pass_on: gives a command to the servers.
            attempt_n: which attempt of its record a call is, from 1.
            selections: which records of which lists a campaign group wants, and in which order.
            on_failure: told once, when no further call may be made.
            random: draws from 0 up to 1, for the pauses between tries.
            patience_s: silence that makes the database count as away. Unit: seconds.
            on_answer: see `SteadyStore`.
            announce: whom else a command concerns; messages are written down together with it.
        """
        self._steady = SteadyStore(
            store,
            spool,
            epoch,
            log,
            on_failure=self._failed,
            on_unclaimed=self._return,
            random=random,
            patience_s=patience_s,
            on_answer=on_answer,
        )
        self._submit = submit
        self._attempt_n = attempt_n
        self._selections = selections
        self._on_failure = on_failure
        self._announce = announce
        self._gate = DialGate(pass_on)
        self._refusal = ""
        """Why no further call may be made; empty: calls may."""
        self._queue: deque[Change | _Fetch | _Look | _Samples] = deque()
        self._filled = asyncio.Event()
        """Something is in the queue, or nothing will come any more."""
        self._hurry = asyncio.Event()
        """Somebody waits for what is in the queue."""
        self._closing = False
        self._is_looking = False
        """A look is in the queue."""
        self._seen_seq = 0
        """Entry of do-not-call lists up to which the core has been told."""
        self._told: frozenset[RecordId] = frozenset()
        """Cancelled records that the core has been told of and still has."""
        self._called: dict[tuple[int, CallId], int] = {}  # calls of other servers that were told, and when
        self._agents: dict[AgentId, None] = {}
        """Who is logged in."""
        self._agent_changes = 0
        self.samples_left_out = 0

    @property
    def why_away(self) -> str:
        """Why the database counts as away; empty: it does not."""
        return self._steady.why_away

    @property
    def waiting(self) -> int:
        """Changes and claims in the queue."""
        return len(self._queue)

    # --- commands ------------------------------------------------------------------------------------------------

    def carry_out(self, now: Now, command: Command) -> bool:
        """Take a command if it is one to the store, or about a call that waits at the gate. Returns whether it is."""
        match command:
            case Dial():
                self._dial(now, command)
            case SettleAttempt() | DisposeRecord():
                self._gate.drop(command.call_id)  # the core has given it up before it could leave
                self._add(command, is_urgent=True)  # a crash forgets what waits here
                self.tell(self._announce(now, command))
            case ReturnRecord() | CancelRecord() | TreatRecord():
                self._add(command)
            case ForbidNumber():
                forbidden = NumberForbidden(command.number, INTERNAL_LIST, command.reason, now.utc_ms)
                self._add(forbidden, is_urgent=True)
            case FetchRecords() | FetchCallbacks():
                self._add(_Fetch(now.utc_ms, command), is_urgent=True)
            case AgentStateChanged():
                self._agent_changed(now.utc_ms, command)
                return False  # the desktop is told as well
            case _:
                return self._gate.keeps(command)
        return True

    def tell(self, messages: Sequence[MessageDue]) -> None:
        """Have messages to other systems written down, together with what came before them."""
        for message in messages:
            self._add(message)

    def look(self, utc_ms: int) -> None:
        """Tell the core of claimed records that must not be dialed any more, after what is in the queue already."""
        if not self._is_looking:
            self._is_looking = True
            self._add(_Look(utc_ms), is_urgent=True)

    def stop_dialing(self) -> None:
        """No call leaves any more, and nobody is told: the core has gone."""
        self._refusal = self._refusal or "the dialer has stopped"
        self._gate.drop_all()

    def _dial(self, now: Now, dial: Dial) -> None:
        if self._refusal:
            self._reject(dial.call_id)
            return
        self._gate.hold(dial)
        begun = AttemptBegun(
            call_id=dial.call_id,
            group_id=dial.group_id,
            node_id=dial.node_id,
            list_id=dial.list_id,
            record_id=dial.record_id,
            number=dial.number,
            attempt_n=self._attempt_n(dial.call_id),
            dialed_utc_ms=now.utc_ms,
            evidence="" if dial.evidence is None else evidence_text(dial.evidence, now.utc_ms),
        )
        self._add(begun, is_urgent=True)

    def _agent_changed(self, utc_ms: int, command: AgentStateChanged) -> None:
        self._agent_changes += 1
        if command.state == AgentState.LOGGED_OUT.value:
            self._agents.pop(command.agent_id, None)
        else:
            self._agents[command.agent_id] = None
        self._add(
            AgentStateBegun(
                self._agent_changes, command.agent_id, command.state, command.reason, command.group_id, utc_ms
            )
        )

    def log_agents_out(self, utc_ms: int) -> None:
        """The server comes to its end, and with it what it knows of agents."""
        for agent_id in list(self._agents):
            self._agent_changed(utc_ms, AgentStateChanged(agent_id, AgentState.LOGGED_OUT.value))

    def sample(self, samples: Sequence[PortSample], before_utc_ms: int) -> None:
        """Write samples down if the database has the time; while it is away they are left out.

        Args:
            samples: of one minute.
            before_utc_ms: older ones are deleted, some at a time.
        """
        if self._steady.why_away:
            self.samples_left_out += 1
        else:
            self._add(_Samples(samples, before_utc_ms))

    def _reject(self, call_id: CallId) -> None:
        with contextlib.suppress(InboxFull):  # then the core gives the call up by itself
            self._submit(DialRejected(call_id, self._refusal))

    def _failed(self, error: Exception) -> None:
        self._refusal = f"no further call may be made: {error}"
        for call_id in self._gate.drop_all():
            self._reject(call_id)
        self._on_failure(error)

    def _add(self, item: Change | _Fetch | _Look | _Samples, *, is_urgent: bool = False) -> None:
        self._queue.append(item)
        self._filled.set()
        if is_urgent or len(self._queue) >= GROUP:
            self._hurry.set()

    # --- the queue -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until `close` is called and everything is written down, in the database or in the spool."""
        while self._queue or not self._closing:
            if not self._queue:
                self._filled.clear()
                self._hurry.clear()
                await self._filled.wait()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), GROUP_S)
            elif isinstance(first := self._queue[0], _Fetch):
                self._queue.popleft()
                await self._fetch(first)
            elif isinstance(first, _Look):
                self._queue.popleft()
                self._is_looking = False
                await self._look(first)
            elif isinstance(first, _Samples):
                self._queue.popleft()
                await self._offer(first)
            else:
                await self._write()

    def close(self) -> None:
        """Let `run` come to its end."""
        self._closing = True
        self._filled.set()
        self._hurry.set()

    async def caught_up(self, seconds: float) -> bool:
        """Wait until the database has everything, at most so long, then leave it alone. Returns whether it has."""
        return await self._steady.caught_up(seconds)

    async def _write(self) -> None:
        """Make the next group of changes durable, then let the calls go that begin with it."""
        changes: list[Change] = []
        while self._queue and not isinstance(item := self._queue[0], _Fetch | _Look | _Samples):
            if len(changes) >= GROUP and not isinstance(item, MessageDue):  # which goes with what it tells of
                break
            changes.append(item)
            self._queue.popleft()
        try:
            is_durable = await self._steady.write(changes)
        except BaseException:
            self._queue.extendleft(reversed(changes))
            raise
        if not is_durable:
            self._queue.extendleft(reversed(changes))
            await pause(AGAIN_S)
            return
        for change in changes:
            if isinstance(change, AttemptBegun):
                self._gate.open(change.call_id)

    async def _offer(self, offered: _Samples) -> None:
        if not await self._steady.offer(lambda store: store.add_port_samples(offered.samples, offered.before_utc_ms)):
            self.samples_left_out += 1

    async def _fetch(self, fetch: _Fetch) -> None:
        """Claim chains for a group, and tell the core."""
        command = fetch.command
        try:
            claimed = await self._steady.claim(request_of(command, fetch.utc_ms, self._selections(command.group_id)))
        except Exception as error:  # an outage, or a failure that `_failed` has been told of
            with contextlib.suppress(InboxFull):  # the core asks again when no answer comes
                self._submit(FetchFailed(command.group_id, command.fetch_id, str(error)))
            return
        try:
            self._submit(answer_to(command, claimed))
        except InboxFull:
            self._return(claimed.chains)

    async def _look(self, look: _Look) -> None:
        """Tell the core what others have said about records that it has."""
        try:
            found = await self._steady.objections(self._seen_seq, look.utc_ms)
        except Exception:  # an outage, or a failure that `_failed` has been told of: the next look sees the same
            return
        new = [entry for entry in found.cancelled if entry[1] not in self._told]
        events: list[Event] = [RecordCancelled(*entry) for entry in found.forbidden]
        events += [RecordCancelled(*entry) for entry in new]
        called = {call[:2]: look.utc_ms for call in found.called if call[:2] not in self._called}
        events += [NumberCalled(number) for *call, number in found.called if tuple(call) in called]
        try:
            for event in events:
                self._submit(event)
        except InboxFull:
            return
        # told once: the record may go back and be claimed anew while the call is still up
        recent = {call: utc_ms for call, utc_ms in self._called.items() if utc_ms > look.utc_ms - CALLED_KEPT_MS}
        self._called = recent | called
        self._seen_seq = found.seq
        self._told = frozenset(record_id for _, record_id in found.cancelled)

    def _return(self, chains: tuple[Chain, ...]) -> None:
        """Give back what was claimed for nobody."""
        for chain in chains:
            record = chain.records[0]
            self._add(ReturnRecord(record.list_id, record.record_id, 0, "its claim reached nobody"))
