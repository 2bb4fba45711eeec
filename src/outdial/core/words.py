"""What agents say of their calls: a disposition in place of the call's own result, or that the customer is called back.

An agent's word is about the call that the agent is on, or about the last one that has ended: in after-call work, or
until the next one ends. During the call it waits for the settlement, which then follows it. Afterwards the record has
been settled: it is changed if nobody has claimed it since, and the word is written down in any case.

Source: OCS desktop protocol (RecordProcessed, UpdateCallCompletionStats, RecordReschedule, do not call).
Ours: the attempt keeps what was heard, so that the abandon figure does not move; a callback begins its treatments anew
    (0019).
"""

from outdial.core.agents import Agent, AgentState
from outdial.core.attempt import Attempt, Word
from outdial.core.callback_events import CallbackRequested, DispositionGiven
from outdial.core.commands import Disposition, ForbidNumber, Reply
from outdial.core.dispositions import follow_word, wake, write_word
from outdial.core.records import Record, RecordType
from outdial.core.results import CallResult
from outdial.core.settings import TreatmentAction
from outdial.core.state import State
from outdial.core.units import DAY_MS, Millis

AGENT_RESULTS = (
    CallResult.ANSWER,
    CallResult.ANSWERING_MACHINE,
    CallResult.BUSY,
    CallResult.NO_ANSWER,
    CallResult.FAX,
    CallResult.SILENCE,
    CallResult.PAGER,
    CallResult.WRONG_PARTY,
    CallResult.WRONG_NUMBER,
    CallResult.DO_NOT_CALL,
    CallResult.CANCEL_RECORD,
)
"""What an agent may say that a call came to."""
CALLBACK_AHEAD_MS_MAX: Millis = 366 * DAY_MS
"""How far ahead a callback may be. Unit: ms. Ours."""
NOTE_MAX = 1_000
"""Longest note. Unit: characters. Ours."""
DIGITS_MIN, DIGITS_MAX = 3, 20


def disposition_given(state: State, event: DispositionGiven) -> None:
    """An agent says what a call came to."""
    wrong = ""
    if event.call_result not in AGENT_RESULTS:
        allowed = ", ".join(result.name for result in AGENT_RESULTS)
        wrong = f"{event.call_result.name} is not for agents to say; allowed: {allowed}"
    _take(state, event, Word(event.agent_id, event.call_result, None, event.note), wrong)


def callback_requested(state: State, event: CallbackRequested) -> None:
    """The customer wants to be called back."""
    digits = event.number.removeprefix("+")
    wrong = ""
    if event.at_utc_ms < state.utc_ms:
        wrong = "the instant of a callback has passed"
    elif event.at_utc_ms > state.utc_ms + CALLBACK_AHEAD_MS_MAX:
        wrong = "the instant of a callback is more than a year ahead"
    elif event.number and not (digits.isascii() and digits.isdigit() and DIGITS_MIN <= len(digits) <= DIGITS_MAX):
        wrong = f"no telephone number: {event.number[:50]!r}; allowed: 3 to 20 digits, optionally a leading +"
    callback = Disposition(
        TreatmentAction.RESCHEDULE,
        event.at_utc_ms,
        record_type=RecordType.PERSONAL_CALLBACK if event.personal else RecordType.CAMPAIGN_CALLBACK,
        agent_id=event.agent_id if event.personal else None,
        number=event.number,
    )
    _take(state, event, Word(event.agent_id, None, callback, event.note), wrong)


def _take(state: State, event: DispositionGiven | CallbackRequested, word: Word, wrong: str) -> None:
    agent = state.agents.get(event.agent_id)
    code = "invalid_request"
    if agent is None:
        code, wrong = "not_found", f"there is no agent {event.agent_id}"
    elif len(event.note) > NOTE_MAX:
        wrong = f"a note of {len(event.note)} characters; allowed: at most {NOTE_MAX:,}"
    elif "\0" in event.note:  # PostgreSQL has no room for it: what is refused there stops all dialing
        wrong = "a note with the character U+0000; allowed: every other"
    elif not wrong and not _follow(state, agent, event, word):
        code, wrong = "conflict", "the agent has no such call: it is not theirs, or another one has ended since"
    if wrong:
        state.emit(Reply(event.request_id, ok=False, code=code, message=wrong))
    else:
        state.emit(Reply(event.request_id, ok=True))


def _follow(state: State, agent: Agent, event: DispositionGiven | CallbackRequested, word: Word) -> bool:
    """Do what an agent says. False: there is no call that it could be about."""
    attempts = (attempt for attempt in _unsettled(state, agent) if event.call_id in (None, attempt.call_id))
    attempt = next(attempts, None)
    if attempt is not None:
        group_id, record = attempt.group_id, attempt.record
        attempt.word = _for_group(word, group_id)
    elif agent.ended is not None and event.call_id in (None, agent.ended.call_id):
        ended = agent.ended
        group_id, record = ended.group_id, ended.chain.records[0]
        word = _for_group(word, group_id)
        disposition = follow_word(state, ended.chain, word, ended.call_result)
        write_word(state, ended.call_id, ended.chain, word, ended.call_result, disposition)
        group = state.groups.get(group_id)
        if group is not None:
            wake(state, record, group, disposition)
    else:
        return False
    if word.call_result is CallResult.DO_NOT_CALL:
        _forbid(state, record)
    return True


def _unsettled(state: State, agent: Agent) -> list[Attempt]:
    """Calls of an agent that something may be said of, the present one first."""
    present = agent.call_id if agent.state is AgentState.TALKING else None
    ids = [call_id for call_id in (present, agent.ending_id) if call_id is not None]
    return [state.attempts[call_id] for call_id in ids if call_id in state.attempts]


def _for_group(word: Word, group_id: int) -> Word:
    """A callback is the campaign group's whose call it was."""
    callback = word.callback
    if callback is None:
        return word
    own = Disposition(
        callback.action,
        callback.not_before_utc_ms,
        group_id=group_id,
        record_type=callback.record_type,
        agent_id=callback.agent_id,
        number=callback.number,
    )
    return Word(word.agent_id, word.call_result, own, word.note)


def _forbid(state: State, record: Record) -> None:
    """The number is dialed no more, whichever record has it; what the agent says next does not take that back."""
    state.do_not_call[record.number] = None
    state.emit(ForbidNumber(record.number, f"record {record.record_id}: do not call, an agent says"))
