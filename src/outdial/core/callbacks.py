"""Records that wait for one agent: personal callbacks, and those that a treatment has put off.

They are claimed apart from all others: when they are due, for agents who are logged in here, and whatever has been due
for longer than the group's `callback-agent-wait`. So they never fill a buffer, and two servers leave each other's
agents alone. In memory they wait until their agent is free; then they are offered, as in Push Preview, whatever the
group's mode is: the agent is reserved from the first moment, sees who wants to be called, and is on the call from its
start, so that nobody who asked for this agent waits for one. An agent who is held on the line is let go first.

An agent at work is waited for. One who is away, not ready, or declines it: after the wait the record comes to
AGENT_CALLBACK_ERROR, and to the treatments of that; without any it becomes a callback of its campaign group.

A callback, personal or not, whose group does not run here and has not claimed it for `callback-group-wait` comes to
GROUP_CALLBACK_ERROR: a running group that dials its list finds it, and without a treatment of that result has it.

Source: Agent CallBack Error, what it accepts: OCS treatments; Group CallBack Error, a campaign callback that cannot be
placed with its group: OCS call results. Ours: the offer in all modes, both waits, both defaults (0019).
"""

from outdial.core.agents import BUSY_STATES, Agent, AgentState
from outdial.core.callable_records import (
    NUMBER_BUSY_MS,
    as_asked,
    does_concern,
    finish_first,
    give_back,
    needs_facts,
    result_of,
    result_of_refusal,
    rules_of,
    up_to_date,
)
from outdial.core.callback_events import CallbacksFetched
from outdial.core.commands import Disposition, FetchCallbacks, TreatRecord
from outdial.core.compliance import may_dial
from outdial.core.deadlines import Timer
from outdial.core.dispositions import LOOK_PAUSE_MS, by_treatments, look_for_callbacks_at, wake
from outdial.core.events import RecordCancelled
from outdial.core.groups import Group
from outdial.core.records import Chain
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.core.state import FETCH_POLL_MS, State
from outdial.core.units import MINUTE_MS, AgentId, GroupId, Millis, RecordId

CALLBACKS_MAX = 1_000
"""Due records in memory, per group. Ours."""
GROUP_GRACE_MS: Millis = 5 * MINUTE_MS
"""A group that has begun leaves other groups' callbacks alone for so long: they may begin, too. Ours."""


# --- asking the store ---------------------------------------------------------------------------------------------


def begin(state: State, group: Group) -> None:
    """The group dials from now on."""
    group.started_at_ms = state.mono_ms
    if group.settings.agent_group is not None:
        state.deadlines.arm((Timer.CALLBACKS, group.group_id), state.mono_ms)


def end(state: State, group: Group, reason: str) -> None:
    """The group dials no more: everything goes back, so that no agent is kept for it."""
    state.deadlines.disarm((Timer.CALLBACKS, group.group_id))
    group.callbacks_fetch_id = 0
    for record_id in list(group.callbacks):
        give_back(state, _take_out(state, group, record_id).records[0], 0, reason)


def came(state: State, agent_id: AgentId) -> None:
    """An agent has logged in: something may have waited."""
    for agent_group_id in state.agents[agent_id].group_ids:
        for group_id in state.agent_groups[agent_group_id].running:
            look_for_callbacks_at(state, state.groups[group_id], state.mono_ms + LOOK_PAUSE_MS)


def deadline(state: State, group_id: GroupId) -> None:
    """Ask what is due; and look again at what waits in memory."""
    group = state.groups.get(group_id)
    agents = state.agent_group_of(group) if group is not None else None
    if group is None or not group.is_running or group.is_paused:
        return
    state.deadlines.arm((Timer.CALLBACKS, group_id), state.mono_ms + FETCH_POLL_MS)
    state.touch(group_id)
    room = CALLBACKS_MAX - len(group.callbacks)
    if room < 1:
        return
    state.last_fetch_id += 1
    group.callbacks_fetch_id = state.last_fetch_id
    campaign = state.campaigns[group.settings.campaign]
    lists = tuple(list_id for list_id, _ in campaign.lists)
    overdue_utc_ms = state.utc_ms - group.settings.callback_agent_wait_ms
    logged_in = tuple(agents.logged_in) if agents is not None else ()
    state.emit(
        FetchCallbacks(
            group_id,
            group.callbacks_fetch_id,
            room,
            lists,
            logged_in,
            overdue_utc_ms,
            *_left_by_others(state, group),
            do_not_call_lists=campaign.do_not_call_lists,
            with_facts=needs_facts(state, group),
        )
    )
    group.callbacks_asked_ms = state.mono_ms


def _left_by_others(state: State, group: Group) -> tuple[int, tuple[GroupId, ...]]:
    """Since when callbacks of groups are left that do not run here, and which groups do."""
    if state.mono_ms - group.started_at_ms < GROUP_GRACE_MS:
        return 0, ()
    running = tuple(each.group_id for each in state.groups.values() if each.is_running)
    return max(0, state.utc_ms - group.settings.callback_group_wait_ms), running


def fetched(state: State, event: CallbacksFetched) -> None:
    """Chains arrive; those of a late answer are ours all the same."""
    group = state.groups.get(event.group_id)
    if group is None or not group.is_running or group.is_paused:
        for chain in event.chains:
            give_back(state, chain.records[0], 0, "the group does not run, or is paused")
        return
    asked_ms = group.callbacks_asked_ms if event.fetch_id == group.callbacks_fetch_id else -1
    for chain in event.chains:
        if chain.records[0].group_id in (None, group.group_id):
            keep(state, group, as_asked(chain, asked_ms))
        else:
            _callback_error(state, group, chain, CallResult.GROUP_CALLBACK_ERROR, group.group_id)
    if event.fetch_id != group.callbacks_fetch_id:
        state.late_events += 1
        return
    group.callbacks_fetch_id = 0
    if event.next_due_utc_ms is not None:
        wait_ms = max(LOOK_PAUSE_MS, event.next_due_utc_ms - state.utc_ms)
        look_for_callbacks_at(state, group, state.mono_ms + wait_ms)


def keep(state: State, group: Group, chain: Chain) -> None:
    """A claimed record waits in memory for its agent."""
    record = chain.records[0]
    group.callbacks[record.record_id] = chain
    agent = state.agents.get(record.agent_id) if record.agent_id is not None else None
    if agent is not None:
        agent.callbacks[record.record_id] = group.group_id
    state.touch(group.group_id)


def cancelled(state: State, event: RecordCancelled) -> bool:
    """A record that waits for its agent is cancelled: finish it, return the rest of its chain. False: none waits."""
    for group in state.groups.values():
        if event.record_id in group.callbacks:
            if does_concern(state, group, event):
                finish_first(state, _take_out(state, group, event.record_id), result_of(event))
            return True
    return False


def _take_out(state: State, group: Group, record_id: RecordId) -> Chain:
    chain = group.callbacks.pop(record_id)
    agent_id = chain.records[0].agent_id
    if agent_id is not None and agent_id in state.agents:
        state.agents[agent_id].callbacks.pop(record_id, None)
    return chain


# --- offering -----------------------------------------------------------------------------------------------------


def ready_callbacks(state: State, group: Group) -> list[tuple[Agent, Chain]]:
    """Take out what can be offered now, each agent once; what cannot wait any longer goes where it belongs.

    Returns:
        Free agents, and what each is to be offered.
    """
    found: dict[AgentId, tuple[Agent, Chain]] = {}
    for record_id, chain in list(group.callbacks.items()):
        record = chain.records[0]
        agent = state.agents.get(record.agent_id) if record.agent_id is not None else None
        if _is_barred(state, group, chain):
            continue
        if agent is None or not _is_there(group, agent):
            overdue_utc_ms = record.scheduled_utc_ms + group.settings.callback_agent_wait_ms
            if overdue_utc_ms <= state.utc_ms:
                agent_error(state, group, _take_out(state, group, record_id))
            elif agent is None or not agent.is_logged_in:
                give_back(state, _take_out(state, group, record_id).records[0], 0, "the agent is not there")
            else:
                at_ms = state.mono_ms + overdue_utc_ms - state.utc_ms
                look_for_callbacks_at(state, group, max(at_ms, state.mono_ms + LOOK_PAUSE_MS))
        elif agent.is_free and agent.agent_id not in found and state.prime_id is not None:
            if all(record.number != other.records[0].number for _, other in found.values()):
                found[agent.agent_id] = (agent, _take_out(state, group, record_id))
    return list(found.values())


def _is_there(group: Group, agent: Agent) -> bool:
    """Whether the agent works for the group now: is free, held on the line, or will be free after a call."""
    is_held = agent.state is AgentState.READY and agent.engaging_id is not None
    is_at_work = agent.state in BUSY_STATES or agent.is_free or is_held
    return is_at_work and group.settings.agent_group in agent.group_ids


def _is_barred(state: State, group: Group, chain: Chain) -> bool:
    """Send a record away that must not be dialed now."""
    record = chain.records[0]
    rules = rules_of(state, group, record.list_id)
    if rules is None:
        give_back(state, _take_out(state, group, record.record_id).records[0], 0, "its list left the configuration")
        return True
    refusal = may_dial(up_to_date(state, record, rules), rules, state.utc_ms, state.do_not_call)
    if refusal is not None and refusal.not_before_utc_ms is None:
        finish_first(state, _take_out(state, group, record.record_id), result_of_refusal(refusal))
        return True
    if refusal is not None or record.number in state.numbers:
        again_utc_ms, text = state.utc_ms + NUMBER_BUSY_MS, "its number is in another call"
        if refusal is not None and refusal.not_before_utc_ms is not None:
            again_utc_ms, text = refusal.not_before_utc_ms, refusal.text
        give_back(state, _take_out(state, group, record.record_id).records[0], again_utc_ms, text)
        look_for_callbacks_at(state, group, state.mono_ms + max(LOOK_PAUSE_MS, again_utc_ms - state.utc_ms))
        return True
    return False


def agent_error(state: State, group: Group, chain: Chain) -> None:
    """The agent could not be given the record: what the list's treatments say, else it is the campaign group's."""
    group_id = chain.records[0].group_id or group.group_id
    _callback_error(state, group, chain, CallResult.AGENT_CALLBACK_ERROR, group_id)


def _callback_error(state: State, group: Group, chain: Chain, result: CallResult, group_id: GroupId) -> None:
    """A callback that nobody takes: what the list's treatments say, else it is a group's from now on."""
    record = chain.records[0]
    rules = state.lists.get(record.list_id)
    if rules is not None and result in rules.treatments:
        disposition = by_treatments(state, chain, result)
    else:
        action = TreatmentAction.ASSIGN_TO_GROUP
        disposition = Disposition(action, state.utc_ms, None, record.history, group_id)
    state.emit(TreatRecord(record.list_id, record.record_id, result, disposition))
    wake(state, record, group, disposition)
