"""`outdial --server URL list …`, `record …` and `preflight`: of a running server, as out of a database."""

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from outdial.api.imports import ImportState, ImportView
from outdial.api.lists import ListView
from outdial.api.records import AttemptView, HistoryView, NewRecord, RecordView, WordView
from outdial.client import Client
from outdial.consent_change import consent_text, consents_text, is_meant, read_consent
from outdial.core.errors import ConfigError, OutdialError
from outdial.list_import import columns_of, import_text, progress_bar
from outdial.list_reset import check_sure, reset_text, statuses_of
from outdial.list_show import lists_text
from outdial.preflight import Forecast, forecast_text
from outdial.record_change import Added, added_text, cancelled_text, values_of
from outdial.record_show import records_text, time_of_day
from outdial.results_files import ResultsError, utc_text
from outdial.store.single_records import Consenting

LOOK_S = 0.5
"""Pause between two looks at an import. Unit: seconds."""
Pause = Callable[[float], None]


class ImportEnded(OutdialError):
    """The server has given an import up, or somebody has cancelled it."""

    code = "import_ended"


# --- lists --------------------------------------------------------------------------------------------------------


def show_lists(client: Client, list_name: str | None, *, as_json: bool) -> str:
    """See `run_show` of `list_show`."""
    found = client.lists() if list_name is None else [client.calling_list(list_name)]
    return lists_text([_list_json(each) for each in found], as_json=as_json)


def _list_json(one: ListView) -> dict[str, Any]:
    files = [
        {
            "file": each.file,
            "lines": each.lines,
            "records": each.records,
            "finished_utc": instant(each.finished_utc_ms),
        }
        for each in one.files
    ]
    return {
        "name": one.name,
        "records": one.records,
        "by_status": one.by_status,
        "due": one.due,
        "waiting": one.waiting,
        "next_due_utc": instant(one.next_due_utc_ms),
        "claimed": one.claimed,
        "imports": files,
    }


def export_list(client: Client, list_name: str, out: Path | None) -> None:
    """See `run_export`. What is cut off is no export: then the file is removed.

    Raises:
        ResultsError: the file cannot be written.
    """
    pieces = client.export_list(list_name)
    if out is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.flush()
        return
    _write(out, pieces)


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    first = next(pieces, b"")  # what the server refuses does not cost what is in the file
    try:
        with path.open("wb") as file:
            file.write(first)
            for piece in pieces:
                file.write(piece)
    except OSError as error:
        raise ResultsError(f"{path}: cannot be written: {error.strerror}") from error
    except OutdialError:
        path.unlink(missing_ok=True)
        raise


def reset_list(client: Client, list_name: str, statuses: Sequence[str], *, is_sure: bool, as_json: bool) -> str:
    """See `run_reset`."""
    statuses_of(statuses)
    check_sure(list_name, is_sure=is_sure)
    wanted: Any = list(dict.fromkeys(statuses)) or None
    return reset_text(list_name, client.reset_list(list_name, wanted).records, as_json=as_json)


def preflight(client: Client, group: str, *, as_json: bool) -> str:
    """See `run_preflight`."""
    view = client.preflight(group)
    later = {"later today": view.later_today, "tomorrow": view.tomorrow, "later": view.later, "never": view.never}
    by_time = {"now": Counter({"nothing keeps them": view.now}), **{when: Counter(n) for when, n in later.items()}}
    forecast = Forecast(by_time, view.lists, view.claimed, view.behind, view.finished)
    return forecast_text(view.group, view.at_utc_ms, forecast, as_json=as_json)


# --- imports ------------------------------------------------------------------------------------------------------


def import_list(
    client: Client,
    file: Path,
    list_name: str,
    columns: Sequence[str],
    *,
    dry_run: bool,
    as_json: bool,
    pause: Pause = time.sleep,
) -> str:
    """See `run_import` of `list_import`. Ctrl-C cancels the import; given again, it goes on.

    Raises:
        ImportEnded: the server could not read it to its end.
    """
    columns_of(columns)
    job = follow(client, client.import_list(list_name, file, columns=columns, dry_run=dry_run), pause)
    finished = job.finished_before_utc_ms
    outcome = {
        "file": str(file),
        "list": list_name,
        "dry_run": dry_run,
        "lines": job.rows_read,
        "added": 0 if finished else job.added,
        "read_before": job.accepted - (0 if finished else job.added),
        "rejected": job.rows_read - job.accepted,
        "reasons": job.reasons,
        "examples": job.examples,
        "rejects_file": fetch_rejects(client, job, file),
        "finished_before_utc": instant(finished),
    }
    return import_text(outcome, as_json=as_json)


def consent_list(
    client: Client,
    file: Path,
    list_name: str,
    columns: Sequence[str],
    *,
    ready: bool,
    as_json: bool,
    pause: Pause = time.sleep,
) -> str:
    """See `run_list_consent` of `consent_change`. Ctrl-C cancels the job; what it has added stays.

    Raises:
        ImportEnded: the server could not read it to its end.
    """
    columns_of(columns)
    job = follow(client, client.add_consents(list_name, file, columns=columns, ready=ready), pause)
    fetch_rejects(client, job, file)
    outcome = {
        "file": str(file),
        "list": list_name,
        "lines": job.rows_read,
        "consents": job.consents or {},
        "rejected": job.rows_read - job.accepted,
        "examples": job.examples,
    }
    return consents_text(outcome, as_json=as_json)


def follow(client: Client, job: ImportView, pause: Pause) -> ImportView:
    """Watch an import to its end.

    Raises:
        ImportEnded: it has failed, or was cancelled.
    """
    try:
        with progress_bar(job.bytes) as told:
            while job.ended_utc_ms is None:
                pause(LOOK_S)
                job = client.import_job(job.id)
                told(job.bytes_read, job.accepted)
    except KeyboardInterrupt:
        client.cancel_import(job.id)
        raise
    if job.state is not ImportState.FINISHED:
        raise ImportEnded(f"{job.file}: the import {job.id} is {job.state}" + (f": {job.error}" if job.error else ""))
    return job


def fetch_rejects(client: Client, job: ImportView, file: Path) -> str | None:
    """Write the rejected lines of an import where it would have left them here. None: there are none."""
    if not job.has_rejects:
        return None
    path = file.with_name(file.name + ".rejects.csv")
    _write(path, client.rejects(job.id))
    return str(path)


# --- records ------------------------------------------------------------------------------------------------------


def show_record(client: Client, which: str, *, as_json: bool) -> str:
    """See `run_show_record`."""
    found = [client.record(each.list_dbid, each.record_id) for each in client.records_with(which)]
    return records_text(which, [_history_json(each) for each in found], as_json=as_json)


def _history_json(history: HistoryView) -> dict[str, Any]:
    return {
        **_facts(history.record),
        "custom": history.record.fields,
        "made": [_attempt_json(each) for each in history.made],
        "said": [_word_json(each) for each in history.said],
    }


def _facts(record: RecordView) -> dict[str, Any]:
    same = record.model_dump()
    due = record.due_utc_ms
    return {
        "record_id": record.record_id,
        "list": record.list_name,
        **{
            name: same[name] for name in ("number", "chain_id", "chain_n", "status", "attempts", "call_result", "agent")
        },
        "last_attempt_utc": instant(record.last_attempt_utc_ms),
        "due_utc": "now" if due == 0 else instant(due),
        "claim_epoch": record.claim_epoch,
        "daily_from": time_of_day(record.daily_from_s),
        "daily_till": time_of_day(record.daily_till_s),
        **{name: same[name] for name in ("time_zone", "record_type", "group", "callback_agent", "callback_number")},
        "consent": record.consent,
        "consent_utc": instant(record.consent_utc_ms),
    }


def _attempt_json(attempt: AttemptView) -> dict[str, Any]:
    shown = attempt.model_dump(exclude={"campaign", "dialed_utc_ms", "not_before_utc_ms"})
    return {
        **shown,
        "dialed_utc": utc_text(attempt.dialed_utc_ms),
        "not_before_utc": instant(attempt.not_before_utc_ms),
    }


def _word_json(word: WordView) -> dict[str, Any]:
    shown = word.model_dump(exclude={"given_utc_ms", "not_before_utc_ms"})
    return {
        **shown,
        "given_utc": utc_text(word.given_utc_ms),
        "not_before_utc": instant(word.not_before_utc_ms),
        "note": word.note or None,
    }


def add_record(
    client: Client,
    list_name: str,
    phone: str,
    fields: Sequence[str],
    *,
    chain: str | None,
    zone: str | None,
    at: str | None,
    as_json: bool,
) -> str:
    """See `run_add_record`."""
    mistakes: list[str] = []
    values, due_utc_ms = values_of(phone, fields, chain, zone, at, mistakes)
    chain_text = values.pop("chain_id", None)
    if chain_text is not None and not (chain_text.isascii() and chain_text.isdigit() and len(chain_text) <= 15):
        mistakes.append(f'--chain "{chain_text[:40]}": allowed: a whole number')
    if mistakes:
        raise ConfigError(mistakes)
    new = NewRecord(
        phone=values.pop("phone"),
        chain_id=None if chain_text is None else int(chain_text),
        time_zone=values.pop("tz", None) or values.pop("time_zone", None),
        not_before_utc_ms=due_utc_ms or None,
        fields=values,
    )
    added = client.add_record(list_name, new)
    return added_text(list_name, Added(added.record_id, added.number, tuple(added.do_not_call)), as_json=as_json)


def cancel_record(client: Client, which: str, list_name: str | None, *, as_json: bool) -> str:
    """See `run_cancel_record`."""
    list_dbid = None if list_name is None else client.calling_list(list_name).dbid
    outcomes = []
    for record in client.records_with(which):
        if list_dbid in (None, record.list_dbid):
            cancelled = client.cancel_record(record.list_dbid, record.record_id)
            outcomes.append(
                {
                    "record_id": record.record_id,
                    "number": record.number,
                    "outcome": cancelled.outcome,
                    "in_a_call": cancelled.in_a_call,
                }
            )
    return cancelled_text(which, outcomes, as_json=as_json)


def add_consent(
    client: Client, which: str, ground: str, since: str | None, list_name: str | None, *, ready: bool, as_json: bool
) -> str:
    """See `run_record_consent`."""
    text, utc_ms = read_consent(ground, since)
    list_dbid = None if list_name is None else client.calling_list(list_name).dbid
    changed = []
    for record in client.records_with(which):
        if list_dbid in (None, record.list_dbid) and is_meant(which, record.record_id, record.number):
            given = client.add_consent(record.list_dbid, record.record_id, text, utc_ms, ready=ready)
            changed.append((record.record_id, record.number, Consenting(given.outcome)))
    return consent_text(which, changed, as_json=as_json)


def instant(utc_ms: int | None) -> str | None:
    """As everywhere in what commands print. None: there is none."""
    return None if utc_ms is None else utc_text(utc_ms)
