"""What an agent's desktop shows, drawn from what the dialer knows of this one agent."""

from collections.abc import Mapping

from outdial.api.desk_view import (
    Desk,
    DeskCall,
    DeskGroup,
    DeskLastCall,
    DeskOffer,
    DeskRecord,
    DeskWord,
)
from outdial.core.agents import Agent, AgentState
from outdial.core.attempt import Attempt, AttemptState, Word
from outdial.core.deadlines import Timer
from outdial.core.groups import Group, GroupState
from outdial.core.modes import DialingMode
from outdial.core.records import Record, RecordType
from outdial.core.results import classify
from outdial.core.state import State
from outdial.core.units import GroupId, Millis, Now, RecordId
from outdial.desk_memory import Memory

PHASES: Mapping[AttemptState, str] = {
    AttemptState.REQUESTED: "dialing",
    AttemptState.PROCEEDING: "dialing",
    AttemptState.ALERTING: "ringing",
    AttemptState.ANSWERED: "answered",
    AttemptState.WAITING: "answered",
    AttemptState.CONNECTING: "connecting",
    AttemptState.CONNECTED: "connected",
    AttemptState.IN_IVR: "answered",
    AttemptState.PLAYING: "answered",
    AttemptState.RELEASING: "ending",
    AttemptState.LOST: "lost",
    AttemptState.SETTLED: "ending",
}
"""What an agent is told of a call's state."""


def records_on(state: State, agent: Agent) -> tuple[RecordId, ...]:
    """Records that the desk shows."""
    attempt = _attempt(state, agent)
    shown = [attempt.record] if attempt is not None else []
    ending = _ending(state, agent)
    if ending is not None:
        shown.append(ending.record)
    elif agent.ended is not None:
        shown.append(agent.ended.chain.records[0])
    if agent.offer is not None:
        shown.append(agent.offer[1].records[0])
    return tuple(record.record_id for record in shown)


def draw(state: State, agent: Agent, memory: Memory, version: str, now: Now) -> Desk:
    """The desk of one agent.

    Args:
        state: the dialer's memory.
        agent: whose desk it is.
        memory: what the desk remembers.
        version: what it is called.
        now: both clocks, for instants that the dialer has by its own.
    """

    def utc(mono_ms: Millis | None) -> int | None:
        return None if mono_ms is None else now.utc_ms + mono_ms - now.mono_ms

    attempt = _attempt(state, agent)
    limit_utc_ms = utc(state.deadlines.at((Timer.AGENT, agent.agent_id)))
    call = None
    if attempt is not None:
        call = DeskCall(
            call_id=attempt.call_id,
            group=_group(state, attempt.group_id),
            phase=PHASES[attempt.state],
            dialed_utc_ms=attempt.dialed_utc_ms,
            connected_utc_ms=utc(attempt.connected_at_ms),
            record=_record(state, attempt.record, memory),
            said=None if attempt.word is None else _said(attempt.word),
        )
    offer = None
    if agent.offer is not None:
        group_id, chain = agent.offer
        record = _record(state, chain.records[0], memory)
        offer = DeskOffer(group=_group(state, group_id), until_utc_ms=limit_utc_ms, record=record)
    is_working_after = agent.state is AgentState.AFTER_CALL_WORK
    return Desk(
        dbid=agent.agent_id,
        login=agent.settings.login,
        version=version,
        now_utc_ms=now.utc_ms,
        state=agent.state.value,
        reason=memory.reason,
        since_utc_ms=utc(agent.since_ms) or 0,
        next_state=agent.intent.value,
        next_reason=agent.intent_reason if agent.intent is AgentState.NOT_READY else "",
        ends_utc_ms=limit_utc_ms if is_working_after else None,
        phone=agent.phone,
        phone_state=agent.phone_state.value,
        leaves_at_utc_ms=utc(agent.leaves_at_ms),
        groups=_groups(state, agent),
        call=call,
        last_call=_last_call(state, agent, memory, now),
        offer=offer,
        notice=memory.notice,
        may=may(state, agent),
    )


def may(state: State, agent: Agent) -> tuple[str, ...]:
    """What the agent can ask for now. The dialer has the last word."""
    if not agent.is_logged_in:
        return ("login",)
    found = ["logout", "not-ready", "leave"]
    is_unready = agent.state in (AgentState.NOT_READY, AgentState.AFTER_CALL_WORK)
    if is_unready or agent.intent is not AgentState.READY:
        found.append("ready")
    if agent.state is AgentState.TALKING and _attempt(state, agent) is not None:
        found.append("hang-up")
    found += _about_calls(agent)
    if agent.is_free and any(_may_ask(state, group_id) for group_id in _group_ids(state, agent)):
        found.append("preview")
    if agent.offer is not None:
        found += ("accept", "reject")
    return tuple(found)


def _about_calls(agent: Agent) -> tuple[str, ...]:
    has_call = agent.state is AgentState.TALKING and agent.call_id is not None
    is_over = agent.ending_id is not None or agent.ended is not None
    return ("disposition", "callback", "dnc") if has_call or is_over else ()


def _may_ask(state: State, group_id: GroupId) -> bool:
    group = state.groups[group_id]
    return group.is_running and not group.is_paused and group.mode is DialingMode.PREVIEW


def _attempt(state: State, agent: Agent) -> Attempt | None:
    return state.attempts.get(agent.call_id) if agent.call_id is not None else None


def _group_ids(state: State, agent: Agent) -> tuple[GroupId, ...]:
    return tuple(group_id for group_id, group in state.groups.items() if group.settings.agent_group in agent.group_ids)


def _groups(state: State, agent: Agent) -> tuple[DeskGroup, ...]:
    return tuple(_shown(state.groups[group_id]) for group_id in _group_ids(state, agent))


def _group(state: State, group_id: GroupId) -> DeskGroup:
    group = state.groups.get(group_id)
    if group is None:  # it has left the configuration since
        return DeskGroup(dbid=group_id, name=f"group {group_id}", mode="", state=GroupState.STOPPED.value)
    return _shown(group)


def _shown(group: Group) -> DeskGroup:
    settings = group.settings
    return DeskGroup(dbid=settings.dbid, name=settings.name, mode=group.mode.value, state=group.state.value)


def _record(state: State, record: Record, memory: Memory) -> DeskRecord:
    rules = state.lists.get(record.list_id)
    card = memory.cards.get(record.record_id)
    return DeskRecord(
        record_id=record.record_id,
        list=rules.settings.name if rules is not None else f"list {record.list_id}",
        number=record.number,
        attempts=record.attempts,
        type=record.record_type.name.lower().replace("_", " "),
        due_utc_ms=record.scheduled_utc_ms or None,
        fields=None if card is None else dict(card.fields),
        said=() if card is None else card.said,
    )


def _ending(state: State, agent: Agent) -> Attempt | None:
    """The conversation that the agent was in last, while it is not settled."""
    return None if agent.ending_id is None else state.attempts.get(agent.ending_id)


def _last_call(state: State, agent: Agent, memory: Memory, now: Now) -> DeskLastCall | None:
    if not agent.is_logged_in:  # nobody is at the desk, and anybody may look at the screen
        return None
    ending = _ending(state, agent)
    if ending is not None:
        ended_at_ms = now.mono_ms if ending.ended_at_ms is None else ending.ended_at_ms
        return DeskLastCall(
            call_id=ending.call_id,
            group=_group(state, ending.group_id),
            call_result=classify(ending.signs()).call_result.name,
            ended_utc_ms=now.utc_ms + ended_at_ms - now.mono_ms,
            talk_ms=None if ending.connected_at_ms is None else ended_at_ms - ending.connected_at_ms,
            record=_record(state, ending.record, memory),
            said=None if ending.word is None else _said(ending.word),
        )
    ended = agent.ended
    if ended is None:
        return None
    known = memory.ended if memory.ended is not None and memory.ended.call_id == ended.call_id else None
    said = memory.said[1] if memory.said is not None and memory.said[0] == ended.call_id else None
    return DeskLastCall(
        call_id=ended.call_id,
        group=_group(state, ended.group_id),
        call_result=ended.call_result.name,
        ended_utc_ms=None if known is None else known.ended_utc_ms,
        talk_ms=None if known is None else known.talk_ms,
        record=_record(state, ended.chain.records[0], memory),
        said=said,
    )


def _said(word: Word) -> DeskWord:
    callback = word.callback
    return DeskWord(
        call_result=None if word.call_result is None else word.call_result.name,
        callback_at_utc_ms=None if callback is None else callback.not_before_utc_ms,
        callback_personal=callback is not None and callback.record_type is RecordType.PERSONAL_CALLBACK,
        callback_number="" if callback is None else callback.number,
        note=word.note,
    )
