"""Callbacks: what a customer was promised is kept, by whom it was promised.

Checker `callback`:

* what an agent asked for and was granted is what the record is settled or changed with;
* a record that waits for one agent is never handed out with the others, and is offered and dialed to that agent alone;
* nothing promised is dialed before its time;
* until it is dialed or comes to a result, it is in the dialer's hands or waits in its list;
* its agent, free for a while, is offered it.

Source: decision 0019.
"""

from dataclasses import dataclass

from outdial.core.callback_events import CallbackRequested, CallbacksFetched, DispositionGiven
from outdial.core.commands import (
    CancelRecord,
    Dial,
    DisposeRecord,
    Disposition,
    OfferRecord,
    Reply,
    SettleAttempt,
    TreatRecord,
)
from outdial.core.events import RecordsFetched
from outdial.core.records import Record, RecordType
from outdial.core.settings import CallingList
from outdial.core.state import FETCH_POLL_MS
from outdial.core.units import SECOND_MS, AgentId, CallId, GroupId, ListId, Millis, RecordId
from outdial.sim.checks_calls import CallChecks
from outdial.sim.checks_dialing import is_open
from outdial.sim.checks_picture import Picture
from outdial.sim.checks_rules import RuleChecks

UNSERVED_MS: Millis = FETCH_POLL_MS + 30 * SECOND_MS
"""How long an agent may be free beside a due record that waits for them. Ours: the store is asked every half minute."""
RULES_SLACK_MS: Millis = 300 * SECOND_MS
"""A pause that a rule asks for is counted from the end of a call, and here from its beginning."""


@dataclass(slots=True)
class Promise:
    """A customer will be called back."""

    list_id: ListId
    at_utc_ms: int
    agent_id: AgentId | None
    """None: anybody of the group."""
    group_id: int | None
    barred_at_ms: Millis = -UNSERVED_MS
    """When something was last seen to forbid the call. Monotonic."""


class CallbackChecks:
    """Watches promises."""

    def __init__(self, picture: Picture, calls: CallChecks, rules: RuleChecks) -> None:
        self._picture = picture
        self._rules = rules
        self._calls = calls
        self._asked: dict[CallId, bool] = {}
        """Granted during a call that goes on, and whether personal."""
        self._request: CallbackRequested | DispositionGiven | None = None
        self._promises: dict[RecordId, Promise] = {}
        self._utc_ms_max = 0
        """The latest that the calendar has ever shown: it may be put back after a claim."""

    # --- events -------------------------------------------------------------------------------------

    def said(self, event: CallbackRequested | DispositionGiven) -> None:
        """An agent says something; the reply comes in the same step."""
        self._request = event

    def fetched(self, event: RecordsFetched) -> None:
        """What is handed out to a group is for anybody of it."""
        self._utc_ms_max = max(self._utc_ms_max, self._picture.utc_ms)
        for chain in event.chains:
            record = chain.records[0]
            if record.record_type.is_personal:
                self._picture.fail("callback", f"record {record.record_id} waits for one agent, and is handed out")

    def callbacks_fetched(self, event: CallbacksFetched) -> None:
        """What is handed out for agents waits for one, or has been left by its own group."""
        self._utc_ms_max = max(self._utc_ms_max, self._picture.utc_ms)
        for chain in event.chains:
            record = chain.records[0]
            is_left = record.record_type.is_callback and record.group_id not in (None, event.group_id)
            if not (record.record_type.is_personal or is_left):
                self._picture.fail("callback", f"record {record.record_id} waits for no agent")

    # --- commands -----------------------------------------------------------------------------------

    def replied(self, command: Reply) -> None:
        """An agent's request is granted or refused."""
        event = self._request
        if event is None or event.request_id != command.request_id or not command.ok:
            return
        agent = self._picture.state.agents.get(event.agent_id)
        if agent is None:
            return
        unsettled = (agent.call_id if agent.state == "talking" else None, agent.ending_id)
        call_id = next((one for one in unsettled if one is not None and event.call_id in (None, one)), None)
        if call_id is not None:
            self._asked.pop(call_id, None)
            if isinstance(event, CallbackRequested):
                self._asked[call_id] = event.personal

    def settled(self, command: SettleAttempt) -> None:
        """What was granted during the call is what the record is settled with."""
        self._promises.pop(command.record_id, None)
        personal = self._asked.pop(command.call_id, None)
        if personal is not None:
            wanted = RecordType.PERSONAL_CALLBACK if personal else RecordType.CAMPAIGN_CALLBACK
            if command.disposition.record_type is not wanted:
                self._picture.fail("callback", f"a {wanted.name} was granted in call {command.call_id}: {command}")
        self._promise(command.list_id, command.record_id, command.disposition)

    def disposed(self, command: DisposeRecord) -> None:
        """An agent's word changes a record that nobody has claimed since."""
        if self._calls.record(command.record_id) is None:
            is_latest = self._picture.world.lists.attempt_n(command.list_id, command.record_id) == command.attempt_n + 1
            if not is_latest:
                return
            self._promises.pop(command.record_id, None)
            if self._waits(command.list_id, command.record_id):
                self._promise(command.list_id, command.record_id, command.disposition)

    def _promise(self, list_id: ListId, record_id: RecordId, disposition: Disposition) -> None:
        if disposition.record_type is not None and disposition.record_type.is_callback:
            self._promises[record_id] = Promise(
                list_id, disposition.not_before_utc_ms, disposition.agent_id, disposition.group_id
            )

    def treated(self, command: TreatRecord | CancelRecord) -> None:
        """It has come to a result without a call."""
        self._promises.pop(command.record_id, None)

    def offered(self, command: OfferRecord) -> None:
        """A record is shown to an agent."""
        self._check_agent(command.record, command.agent_id, "offered to")

    def dialed(self, command: Dial) -> None:
        """A customer is being called."""
        record = self._calls.record(command.record_id)
        if record is not None:
            self._check_agent(record, command.agent_id, "dialed for")
        promise = self._promises.get(command.record_id)
        if promise is not None and promise.at_utc_ms > self._utc_ms_max:
            early_ms = promise.at_utc_ms - self._utc_ms_max
            self._picture.fail("callback", f"record {command.record_id} is dialed {early_ms} ms before it was promised")

    def _check_agent(self, record: Record, agent_id: AgentId | None, what: str) -> None:
        if record.record_type.is_personal and record.agent_id != agent_id:
            self._picture.fail(
                "callback", f"record {record.record_id} waits for agent {record.agent_id}, and is {what} {agent_id}"
            )

    # --- the truth ----------------------------------------------------------------------------------

    def sweep(self) -> None:
        """All promises."""
        for record_id, promise in self._promises.items():
            if self._calls.record(record_id) is None and not self._waits(promise.list_id, record_id):
                self._picture.fail("callback", f"the promise about record {record_id} is lost: {promise}")
            if promise.agent_id is not None:
                self._check_served(record_id, promise)

    def _waits(self, list_id: ListId, record_id: RecordId) -> bool:
        return self._picture.world.lists.by_id[list_id].due_utc_ms(record_id) is not None

    def _check_served(self, record_id: RecordId, promise: Promise) -> None:
        """Its agent has been free for a while since it was due, and nothing forbids the call."""
        picture = self._picture
        state, seen = picture.state, picture.agents.get(promise.agent_id or 0)
        agent, calling_list = state.agents.get(promise.agent_id or 0), picture.lists.get(promise.list_id)
        due_ms = picture.utc_ms - promise.at_utc_ms
        if due_ms < 0:  # the calendar may have been put back
            promise.barred_at_ms = picture.mono_ms
        if seen is None or agent is None or calling_list is None or not seen.is_free or due_ms < UNSERVED_MS:
            return
        group_id = promise.group_id or 0
        able_ms = max(picture.running.get(group_id, 0), picture.world.faults.store_down_until_ms)
        free_ms = picture.mono_ms - max(agent.since_ms, able_ms)
        is_able = group_id in picture.running and group_id not in picture.paused and picture.prime_id is not None
        if free_ms >= UNSERVED_MS and is_able and state.groups[group_id].settings.agent_group in agent.group_ids:
            record = self._calls.record(record_id) or picture.world.lists.by_id[promise.list_id].current(record_id)
            if self._is_barred(record, calling_list, group_id):
                promise.barred_at_ms = picture.mono_ms
            elif picture.mono_ms >= promise.barred_at_ms + UNSERVED_MS:
                picture.fail(
                    "callback",
                    f"record {record_id} has been due for {due_ms} ms, and agent {promise.agent_id} free for {free_ms}",
                )

    def _is_barred(self, record: Record, calling_list: CallingList, group_id: GroupId) -> bool:
        """Whether something forbids the call now, or may have until lately."""
        picture = self._picture
        is_taken = record.number in picture.state.numbers or record.number in picture.do_not_call
        if is_taken or not is_open(record, calling_list, picture.utc_ms):
            return True
        against = self._rules.against(
            record.number, record, calling_list, group_id, has_agent=False, slack_ms=RULES_SLACK_MS
        )
        return against is not None
