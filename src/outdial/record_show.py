"""`outdial record show`: everything about a record, every attempt on it, and what agents have said of these."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from outdial.config import load
from outdial.configured_store import in_store
from outdial.core.errors import ConfigError
from outdial.evidence_text import evidence_line
from outdial.names import Names
from outdial.record_change import number_or_id
from outdial.results_files import RECORD_COLUMNS, record_row, utc_text
from outdial.store.interface import Store
from outdial.store.stored import StoredAttempt, StoredRecord, StoredWord


@dataclass(frozen=True, slots=True)
class Known:
    """A record with everything that has been done about it."""

    record: StoredRecord
    attempts: Sequence[StoredAttempt]
    words: Sequence[StoredWord]


def run_show_record(config: Path, which: str, *, as_json: bool) -> str:
    """Tell everything about the records with an id or a number. Returns what is printed.

    Raises:
        ConfigError: the configuration has mistakes, there is no database yet, or no such record.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded = load(config)

    async def work(store: Store) -> list[Known]:
        found = []
        for record in await find_stored(store, which):
            record_id = record.fate.record_id
            found.append(Known(record, await store.attempts(record_id), await store.words(record_id)))
        return found

    found = in_store(loaded, work)
    if not found:
        raise ConfigError([f"no record has the number {which}"])
    names = Names(loaded.configuration)
    if as_json:
        return json.dumps({"records": [_to_json(each, names) for each in found]}, ensure_ascii=False)
    return "\n\n".join("\n".join(_to_text(each, names)) for each in found)


async def find_stored(store: Store, which: str) -> tuple[StoredRecord, ...]:
    """The records with an id or a telephone number, with or without a +.

    Raises:
        ConfigError: it is neither.
    """
    number, record_id = number_or_id(which)
    bare = (number or "").removeprefix("+")
    return await store.find_records(record_id, (bare, f"+{bare}") if bare else ())


def _facts(record: StoredRecord, names: Names) -> dict[str, object]:
    """What is known of a record, by name."""
    facts: dict[str, object] = dict(zip(RECORD_COLUMNS, record_row(record.fate, names), strict=True))
    facts["due_utc"] = None if record.due_utc_ms is None else utc_text(record.due_utc_ms) or "now"
    facts["claim_epoch"] = record.claim_epoch
    facts["daily_from"] = _time_of_day(record.daily_from_s)
    facts["daily_till"] = _time_of_day(record.daily_till_s)
    facts["time_zone"] = record.zone
    facts["record_type"] = record.record_type.name.lower().replace("_", " ")
    facts["group"] = None if record.group_id is None else names.group(record.group_id)
    facts["callback_agent"] = names.agent(record.callback_agent_id) or None
    facts["callback_number"] = record.callback_number
    facts["consent"] = record.consent
    facts["consent_utc"] = None if record.consent_utc_ms is None else utc_text(record.consent_utc_ms)
    return {name: value if value != "" else None for name, value in facts.items()}


def _time_of_day(seconds: int | None) -> str | None:
    return None if seconds is None else f"{seconds // 3_600:02}:{seconds // 60 % 60:02}"


def _to_text(known: Known, names: Names) -> list[str]:
    record, attempts = known.record, known.attempts
    facts = {name: value for name, value in _facts(record, names).items() if value is not None}
    lines = [f"{name + ':':<17} {value}" for name, value in (*facts.items(), *record.custom.items())]
    lines.append(f"{len(attempts):,} attempt{'' if len(attempts) == 1 else 's'}")
    for attempt in attempts:
        lines.append(f"  {_attempt_text(attempt, names)}")
        if attempt.evidence:
            lines.append(f"    {evidence_line(attempt.evidence)}")
        about = [word for word in known.words if (word.epoch, word.call_id) == (attempt.epoch, attempt.call_id)]
        lines += [f"    {_word_text(word, names)}" for word in about]
    known_calls = {(attempt.epoch, attempt.call_id) for attempt in attempts}
    lines += [f"  {_word_text(word, names)}" for word in known.words if (word.epoch, word.call_id) not in known_calls]
    return lines


def _word_text(word: StoredWord, names: Names) -> str:
    result = word.call_result.name.lower().replace("_", " ")
    when = f" at {utc_text(word.not_before_utc_ms)}" if word.not_before_utc_ms else ""
    number = f" to {word.callback_number}" if word.callback_number else ""
    note = f"; note: {json.dumps(word.note, ensure_ascii=False)}" if word.note else ""
    said = f"{utc_text(word.given_utc_ms)}  agent {names.agent(word.agent_id)} says: {result}"
    return f"{said}; then {_fate_text(word)}{when}{number}{note}"


def _fate_text(word: StoredWord) -> str:
    """What became of the record by an agent's word."""
    if word.record_type is None or not word.record_type.is_callback:
        return word.disposition
    return word.record_type.name.lower().replace("_", " ")


def _attempt_text(attempt: StoredAttempt, names: Names) -> str:
    where = f"{utc_text(attempt.dialed_utc_ms)}  {names.group(attempt.group_id)} on {names.node(attempt.node_id)}"
    if attempt.call_result is None:
        return f"{where}: its end is not known yet"
    result = attempt.call_result.name.lower().replace("_", " ")
    agent = "" if attempt.agent_id is None else f", agent {names.agent(attempt.agent_id)}"
    talk = f", talked {attempt.talk_ms / 1_000:.1f} s" if attempt.talk_ms else ""
    again = f" at {utc_text(attempt.not_before_utc_ms)}" if attempt.not_before_utc_ms else ""
    return f"{where}: {result}{agent}{talk}; then {attempt.disposition}{again}"


def _to_json(known: Known, names: Names) -> dict[str, object]:
    """Shape: docs/reference/command-line.md."""
    return {
        **_facts(known.record, names),
        "custom": dict(known.record.custom),
        "made": [
            {
                "call_id": attempt.call_id,
                "epoch": attempt.epoch,
                "dialed_utc": utc_text(attempt.dialed_utc_ms),
                "group": names.group(attempt.group_id),
                "node": names.node(attempt.node_id),
                "number": attempt.number,
                "attempt_n": attempt.attempt_n,
                "call_result": None if attempt.call_result is None else attempt.call_result.name.lower(),
                "dialing_mode": attempt.mode or None,
                "fault": attempt.fault or None,
                "verdict": attempt.verdict,
                "sip_status": attempt.sip_status,
                "q850_cause": attempt.q850_cause,
                "agent": names.agent(attempt.agent_id) or None,
                "ring_ms": attempt.ring_ms,
                "wait_ms": attempt.wait_ms,
                "talk_ms": attempt.talk_ms,
                "disposition": attempt.disposition or None,
                "not_before_utc": utc_text(attempt.not_before_utc_ms) or None,
                "evidence": json.loads(attempt.evidence) if attempt.evidence else None,
            }
            for attempt in known.attempts
        ],
        "said": [_word_json(word, names) for word in known.words],
    }


def _word_json(word: StoredWord, names: Names) -> dict[str, object]:
    return {
        "call_id": word.call_id,
        "epoch": word.epoch,
        "attempt_n": word.attempt_n,
        "given_utc": utc_text(word.given_utc_ms),
        "agent": names.agent(word.agent_id),
        "call_result": word.call_result.name.lower(),
        "disposition": word.disposition,
        "not_before_utc": utc_text(word.not_before_utc_ms) or None,
        "record_type": None if word.record_type is None else word.record_type.name.lower().replace("_", " "),
        "callback_number": word.callback_number or None,
        "note": word.note or None,
    }
