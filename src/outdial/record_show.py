"""`outdial record show`: everything about a record, every attempt on it, and what agents have said of these."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outdial.config import load
from outdial.configured_store import in_store
from outdial.core.errors import ConfigError
from outdial.core.records import RecordType
from outdial.evidence_text import evidence_line
from outdial.names import Names
from outdial.record_change import number_or_id
from outdial.results_files import RECORD_COLUMNS, record_row, utc_text
from outdial.store.interface import Store
from outdial.store.stored import StoredAttempt, StoredRecord, StoredWord

_PARTS = ("custom", "made", "said")
_CALLBACKS = tuple(each.name.lower().replace("_", " ") for each in RecordType if each.is_callback)


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

    names = Names(loaded.configuration)
    return records_text(which, [_to_json(each, names) for each in in_store(loaded, work)], as_json=as_json)


async def find_stored(store: Store, which: str) -> tuple[StoredRecord, ...]:
    """The records with an id or a telephone number, with or without a +, their own or that of a callback.

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
    facts["daily_from"] = time_of_day(record.daily_from_s)
    facts["daily_till"] = time_of_day(record.daily_till_s)
    facts["time_zone"] = record.zone
    facts["record_type"] = record.record_type.name.lower().replace("_", " ")
    facts["group"] = None if record.group_id is None else names.group(record.group_id)
    facts["callback_agent"] = names.agent(record.callback_agent_id) or None
    facts["callback_number"] = record.callback_number
    facts["consent"] = record.consent
    facts["consent_utc"] = None if record.consent_utc_ms is None else utc_text(record.consent_utc_ms)
    return {name: value if value != "" else None for name, value in facts.items()}


def time_of_day(seconds: int | None) -> str | None:
    """`09:30`, of seconds since midnight."""
    return None if seconds is None else f"{seconds // 3_600:02}:{seconds // 60 % 60:02}"


def records_text(which: str, found: Sequence[Mapping[str, Any]], *, as_json: bool) -> str:
    """Records, as they are printed. Shape of one: docs/reference/command-line.md.

    Raises:
        ConfigError: there are none.
    """
    if not found:
        raise ConfigError([f"no record has the number {which}"])
    if as_json:
        return json.dumps({"records": found}, ensure_ascii=False)
    return "\n\n".join("\n".join(_to_text(each)) for each in found)


def _to_text(record: Mapping[str, Any]) -> list[str]:
    made, said = record["made"], record["said"]
    facts = {name: value for name, value in record.items() if name not in _PARTS and value is not None}
    lines = [f"{name + ':':<17} {value}" for name, value in (*facts.items(), *record["custom"].items())]
    lines.append(f"{len(made):,} attempt{'' if len(made) == 1 else 's'}")
    for attempt in made:
        lines.append(f"  {_attempt_text(attempt)}")
        if attempt["evidence"]:
            lines.append(f"    {evidence_line(attempt['evidence'])}")
        lines += [f"    {_word_text(word)}" for word in said if _call(word) == _call(attempt)]
    known_calls = {_call(attempt) for attempt in made}
    lines += [f"  {_word_text(word)}" for word in said if _call(word) not in known_calls]
    return lines


def _call(of: Mapping[str, Any]) -> tuple[int, int]:
    return of["epoch"], of["call_id"]


def _word_text(word: Mapping[str, Any]) -> str:
    when = f" at {word['not_before_utc']}" if word["not_before_utc"] else ""
    number = f" to {word['callback_number']}" if word["callback_number"] else ""
    note = f"; note: {json.dumps(word['note'], ensure_ascii=False)}" if word["note"] else ""
    said = f"{word['given_utc']}  agent {word['agent']} says: {word['call_result'].replace('_', ' ')}"
    return f"{said}; then {_fate_text(word)}{when}{number}{note}"


def _fate_text(word: Mapping[str, Any]) -> str:
    """What became of the record by an agent's word."""
    return str(word["record_type"] if word["record_type"] in _CALLBACKS else word["disposition"])


def _attempt_text(attempt: Mapping[str, Any]) -> str:
    where = f"{attempt['dialed_utc']}  {attempt['group']} on {attempt['node']}"
    if attempt["call_result"] is None:
        return f"{where}: its end is not known yet"
    result = attempt["call_result"].replace("_", " ")
    agent = "" if attempt["agent"] is None else f", agent {attempt['agent']}"
    talk = f", talked {attempt['talk_ms'] / 1_000:.1f} s" if attempt["talk_ms"] else ""
    again = f" at {attempt['not_before_utc']}" if attempt["not_before_utc"] else ""
    return f"{where}: {result}{agent}{talk}; then {attempt['disposition']}{again}"


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
