"""`outdial audit`: who has changed what."""

import json
from pathlib import Path
from typing import Any

from outdial.api.credentials import AuditEntry
from outdial.config import load
from outdial.config.mistakes import show_value
from outdial.configured_store import in_store, utc_now_ms
from outdial.core.errors import ConfigError
from outdial.core.settings import Zone
from outdial.reports.local_time import LocalTime
from outdial.reports.period import ALLOWED, Period, PeriodMistake, read_period
from outdial.results_files import utc_text
from outdial.store.access_rows import StoredAccess
from outdial.store.interface import Store

UTC = Zone("UTC", ((0, 0),))


def run_audit(config: Path, period: str | None, count_max: int, *, as_json: bool) -> str:
    """Tell who has changed what, the latest first. Returns what is printed.

    Args:
        config: the configuration file.
        period: when, as of reports, in UTC. None: at any time.
        count_max: how many changes at most.
        as_json: whether to print JSON.

    Raises:
        ConfigError: the configuration or the period has mistakes, or there is no database yet.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded, now = load(config), utc_now_ms()
    asked = Period(0, now + 1)
    if period is not None:
        try:
            asked = read_period(period, LocalTime(UTC), now)
        except PeriodMistake as error:
            raise ConfigError([f"--period {show_value(period)}: {error}; allowed: {ALLOWED}"]) from error

    async def work(store: Store) -> tuple[AuditEntry, ...]:
        return await StoredAccess(store).audit(None, count_max, asked.from_utc_ms, asked.until_utc_ms)

    found = in_store(loaded, work)
    if as_json:
        return json.dumps({"audit": [shown(entry) for entry in found]}, ensure_ascii=False)
    return "\n".join(map(_line, found)) or "no changes"


def shown(entry: AuditEntry) -> dict[str, Any]:
    """A change as JSON."""
    return {
        "id": entry.audit_id,
        "utc": utc_text(entry.utc_ms),
        "who": entry.who,
        "how": entry.how,
        "action": entry.action,
        "subject": entry.subject,
        "before": None if entry.before is None else json.loads(entry.before),
        "after": None if entry.after is None else json.loads(entry.after),
        "address": entry.address,
    }


def _line(entry: AuditEntry) -> str:
    origin = f" from {entry.address}" if entry.address else ""
    change = f": {entry.before or 'nothing'} → {entry.after or 'nothing'}" if entry.before or entry.after else ""
    return f"{utc_text(entry.utc_ms)}  {entry.who} ({entry.how}{origin})  {entry.action} {entry.subject}{change}"
