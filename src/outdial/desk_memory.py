"""What a desk remembers of its agent besides what the dialer does: reasons, notices, how the last call ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from outdial.api.desk_view import DeskNotice, DeskWord
from outdial.core.agents import AgentState
from outdial.core.commands import AgentStateChanged, Command, DisposeRecord, OfferRecord, SettleAttempt, WithdrawOffer
from outdial.core.records import RecordType
from outdial.core.units import CallId, Millis, Now, RecordId


@dataclass(frozen=True, slots=True)
class RecordCard:
    """What the database knows of a record and the dialer does not."""

    fields: Mapping[str, str]
    """Columns of its file."""
    said: tuple[DeskWord, ...]
    """The last words of agents on its calls."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the last call of an agent came to its end."""

    call_id: CallId
    ended_utc_ms: int
    talk_ms: Millis


@dataclass(slots=True)
class Memory:
    """What a desk remembers besides what the dialer does."""

    cards: dict[RecordId, RecordCard | None]
    """What was found in the database. None: it did not answer."""
    reason: str = ""
    """Of the agent's state."""
    notice: DeskNotice | None = None
    ended: Ended | None = None
    said: tuple[CallId, DeskWord] | None = None
    """The last word that was written down, and of which call."""


def remember(memory: Memory, now: Now, command: Command) -> None:
    """Take note of a command about the agent: one of `REMEMBERED`."""
    REMEMBERED[type(command)](memory, now, command)


def _state_changed(memory: Memory, now: Now, command: AgentStateChanged) -> None:
    memory.reason = command.reason
    if command.state in (AgentState.TALKING.value, AgentState.LOGGED_OUT.value):
        memory.notice = None


def _offered(memory: Memory, now: Now, command: OfferRecord) -> None:
    memory.notice = None


def _withdrawn(memory: Memory, now: Now, command: WithdrawOffer) -> None:
    memory.notice = DeskNotice(text=command.reason, at_utc_ms=now.utc_ms)


def _settled(memory: Memory, now: Now, command: SettleAttempt) -> None:
    memory.ended = Ended(command.call_id, now.utc_ms, command.talk_ms)


def _disposed(memory: Memory, now: Now, command: DisposeRecord) -> None:
    callback = command.disposition.record_type
    is_callback = callback is not None and callback.is_callback
    word = DeskWord(
        call_result=command.call_result.name,
        callback_at_utc_ms=command.disposition.not_before_utc_ms if is_callback else None,
        callback_personal=callback is RecordType.PERSONAL_CALLBACK,
        callback_number=command.disposition.number,
        note=command.note,
        given_utc_ms=command.given_utc_ms,
    )
    memory.said = (command.call_id, word)


REMEMBERED: Mapping[type, Callable[[Memory, Now, Any], None]] = {
    AgentStateChanged: _state_changed,
    OfferRecord: _offered,
    WithdrawOffer: _withdrawn,
    SettleAttempt: _settled,
    DisposeRecord: _disposed,
}
"""Commands that a desk takes note of; all of them name their agent, if there is one."""
