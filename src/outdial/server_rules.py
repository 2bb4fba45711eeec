"""`outdial --server URL dnc …`, `compliance …` and `report`: of a running server, as out of a database."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from outdial.abandonment_budget import budgets_text
from outdial.abandonment_report import ReportOptions as AbandonmentOptions
from outdial.abandonment_report import check_options, write_rows
from outdial.api.compliance import BudgetView, Form
from outdial.api.do_not_call import EntryView, NewNumbers
from outdial.client import Client
from outdial.config.zones import load_zone
from outdial.configured_store import utc_now_ms
from outdial.core.errors import ConfigError
from outdial.dnc_change import added_text, expiry_of, list_name_mistakes, reason_mistakes, removed_text
from outdial.dnc_import import numbers_text
from outdial.dnc_show import checked_text, known_lists_text
from outdial.reports.formats import Heading, writer_of
from outdial.reports.local_time import LocalTime
from outdial.reports.period import Period
from outdial.reports.report import KINDS, Wanted, format_of
from outdial.results_files import utc_text
from outdial.server_lists import Pause, fetch_rejects, follow, instant

ITS_CONFIGURATION = "the server's configuration"


# --- do-not-call lists --------------------------------------------------------------------------------------------


def add_numbers(
    client: Client, numbers: Sequence[str], list_name: str, reason: str, until: str | None, *, as_json: bool
) -> str:
    """See `run_add`."""
    mistakes = list_name_mistakes(list_name) + reason_mistakes(reason)
    until_utc_ms = expiry_of(until, utc_now_ms(), mistakes)
    _refuse(mistakes)
    told = client.add_numbers(list_name, NewNumbers(numbers=list(numbers), reason=reason, until_utc_ms=until_utc_ms))
    return added_text(list_name, told.numbers, told.added, as_json=as_json)


def remove_numbers(client: Client, numbers: Sequence[str], list_name: str | None, *, as_json: bool) -> str:
    """See `run_remove`."""
    if list_name is not None:
        _refuse(list_name_mistakes(list_name))
        told = client.remove_numbers(list_name, numbers)
        return removed_text(list_name, told.numbers, told.removed, as_json=as_json)
    count = len(client.check_numbers(numbers))  # what is no number is refused, whatever lists there are
    removed = sum(client.remove_numbers(each.name, numbers).removed for each in client.do_not_call().lists)
    return removed_text(None, count, removed, as_json=as_json)


def import_numbers(
    client: Client, file: Path, list_name: str, *, is_whole: bool, as_json: bool, pause: Pause = time.sleep
) -> str:
    """See `run_import` of `dnc_import`.

    Raises:
        ImportEnded: the server could not read it to its end.
    """
    _refuse(list_name_mistakes(list_name))
    job = follow(client, client.import_numbers(list_name, file, replace=is_whole), pause)
    outcome = {
        "list": list_name,
        "lines": job.rows_read,
        "numbers": job.accepted,
        "added": job.added,
        "removed": job.removed,
        "rejected": job.rejected,
        "reasons": job.reasons,
        "examples": job.examples,
        "rejects_file": fetch_rejects(client, job, file),
    }
    return numbers_text(file, outcome, as_json=as_json)


def check_numbers(client: Client, numbers: Sequence[str], *, as_json: bool) -> tuple[str, bool]:
    """See `run_check`."""
    found = client.check_numbers(numbers)
    shown = [
        {
            "number": each.number,
            "on_a_list": each.on_a_list,
            "in_configuration": each.in_configuration,
            "entries": [_entry_json(one) for one in each.entries],
        }
        for each in found
    ]
    return checked_text(shown, ITS_CONFIGURATION, as_json=as_json), any(each.on_a_list for each in found)


def _entry_json(one: EntryView) -> dict[str, Any]:
    return {
        "list": one.list_name,
        "on": one.on,
        "reason": one.reason,
        "added_by": one.added_by,
        "added_utc": utc_text(one.added_utc_ms),
        "seen_utc": utc_text(one.seen_utc_ms),
        "expires_utc": instant(one.expires_utc_ms),
        "removed_by": one.removed_by,
        "removed_utc": instant(one.removed_utc_ms),
    }


def show_do_not_call(client: Client, *, as_json: bool) -> str:
    """See `run_show` of `dnc_show`."""
    known = client.do_not_call()
    lists = [
        {
            "name": each.name,
            "numbers": each.numbers,
            "oldest_utc": utc_text(each.oldest_utc_ms),
            "latest_utc": utc_text(each.latest_utc_ms),
            "age_days": each.age_days,
            "days_max": each.days_max,
            "too_old": each.too_old,
        }
        for each in known.lists
    ]
    shown = {"lists": lists, "in_configuration": known.in_configuration, "notes": known.notes}
    return known_lists_text(shown, ITS_CONFIGURATION, as_json=as_json)


# --- rules and reports --------------------------------------------------------------------------------------------


def budget(client: Client, campaign: str | None, *, as_json: bool) -> str:
    """See `run_budget`."""
    return budgets_text([_budget_json(each) for each in client.budgets(campaign)], as_json=as_json)


def _budget_json(one: BudgetView) -> dict[str, Any]:
    windows = [each.model_dump() for each in one.windows]
    return {one.kind: one.name, "method": one.method, "time_zone": one.time_zone, "windows": windows}


def abandonment_report(client: Client, options: AbandonmentOptions) -> None:
    """See `run_report` of `abandonment_report`."""
    check_options(options)
    write_rows(options, client.abandonment_report(options.period, Form(options.form), options.campaign).rows)


def report(client: Client, wanted: Wanted, form: str | None, output: Path | None) -> None:
    """See `run_report` of `reports.report`. The server gives at most 20,000 rows.

    Raises:
        ConfigError: the arguments have mistakes.
        ResultsError: the file cannot be written.
    """
    mistakes: list[str] = []
    written = format_of(form, output, mistakes)
    _refuse(mistakes)
    found = client.report(wanted.kind, wanted.period, by=wanted.by, zone=wanted.zone, only=wanted.only)
    kind, zone = KINDS.get(found.report), load_zone(found.zone)
    if kind is None or zone is None:
        raise ConfigError([f"the server's report {found.report} in the zone {found.zone} is not known here"])
    period = Period(found.from_utc_ms, found.until_utc_ms)
    heading = Heading(kind.name, period, LocalTime(zone), tuple(found.by), kind.columns)
    names, by = heading.names(), len(found.by)
    with writer_of(written, output, heading) as out:
        for row in found.rows:
            values = [row.get(name) for name in names]
            out.row([str(value) for value in values[:by]], values[by:])
        if found.totals is not None:
            out.totals([found.totals.get(name) for name in names[by:]])


def _refuse(mistakes: list[str]) -> None:
    if mistakes:
        raise ConfigError(mistakes)
