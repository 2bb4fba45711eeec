"""`outdial why`: every reason why a record is not dialed now, and when each ends."""

import json
from dataclasses import dataclass
from pathlib import Path

from outdial.config import Loaded, load
from outdial.configured_store import in_store, utc_now_ms
from outdial.core.compliance import refusals
from outdial.core.errors import ConfigError
from outdial.core.results import CallResult
from outdial.core.settings import CampaignGroup
from outdial.core.units import Millis
from outdial.names import Names
from outdial.outlook import campaign_of, records_of, rules_for
from outdial.record_show import find_stored
from outdial.results_files import utc_text
from outdial.sim.lists import RecordStatus
from outdial.store.interface import Store
from outdial.store.stored import FINISHED, StoredRecord


@dataclass(frozen=True, slots=True)
class Reason:
    """What keeps a record from being dialed."""

    code: str
    """Stable, for programs."""
    text: str
    until_utc_ms: Millis | None
    """When it is over. None: not by itself."""
    group: str = ""
    """Campaign group whose rules say so; empty: whoever dials."""


def run_why(config: Path, which: str, *, as_json: bool) -> str:
    """Tell why records with an id or a number are not dialed now. Returns what is printed.

    Raises:
        ConfigError: the configuration has mistakes, there is no database yet, or no such record.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    loaded, utc_ms = load(config), utc_now_ms()

    async def work(store: Store) -> list[tuple[StoredRecord, list[Reason]]]:
        return [(record, await reasons_of(store, record, loaded, utc_ms)) for record in await find_stored(store, which)]

    found = in_store(loaded, work)
    if not found:
        raise ConfigError([f"no record has the number {which}"])
    names = Names(loaded.configuration)
    if as_json:
        return json.dumps({"records": [_to_json(*each, names) for each in found]}, ensure_ascii=False)
    return "\n".join(line for each in found for line in _to_text(*each, names))


async def reasons_of(store: Store, stored: StoredRecord, loaded: Loaded, utc_ms: Millis) -> list[Reason]:
    """Why a record is not dialed now; nothing: a group that runs would dial it."""
    fate, found = stored.fate, []
    if fate.status in FINISHED:
        result = "" if fate.call_result is None else f", {fate.call_result.name.lower().replace('_', ' ')}"
        found.append(Reason("finished", f"it is finished ({fate.status.label}{result})", None))
    elif stored.claim_epoch is not None:
        found.append(Reason("claimed", f"a server has it (start {stored.claim_epoch}), in memory or in a call", None))
    elif stored.due_utc_ms is None:
        claimed = fate.status is RecordStatus.RETRIEVED
        found.append(
            Reason("chain", f"another record of its customer is {'with a server' if claimed else 'tried first'}", None)
        )
    elif stored.due_utc_ms > utc_ms and fate.call_result is CallResult.STALE:
        text = "nobody saw the end of its last call, which may still be up"
        found.append(Reason("stale", text, stored.due_utc_ms))
    elif stored.due_utc_ms > utc_ms:
        found.append(Reason("due_later", "it waits for a retry, or was given back till then", stored.due_utc_ms))
    groups = [group for group in loaded.configuration.campaign_groups if fate.list_id in rules_for(loaded, group)]
    if not groups:
        found.append(Reason("no_group", "no campaign group dials its list", None))
    for group in groups:
        found += await _of_group(store, stored, loaded, group, utc_ms)
    return found


async def _of_group(
    store: Store, stored: StoredRecord, loaded: Loaded, group: CampaignGroup, utc_ms: Millis
) -> list[Reason]:
    rules = rules_for(loaded, group)[stored.fate.list_id]
    [record] = await records_of(store, [stored], rules, campaign_of(loaded, group), utc_ms)
    do_not_call = frozenset(loaded.configuration.do_not_call)
    return [
        Reason(refusal.reason, f"{refusal.reason}: {refusal.text}", refusal.not_before_utc_ms, group.name)
        for refusal in refusals(record, rules, utc_ms, do_not_call)
    ]


def _to_text(stored: StoredRecord, reasons: list[Reason], names: Names) -> list[str]:
    fate = stored.fate
    called_at = f", called at {stored.callback_number}" if stored.callback_number else ""
    head = f"record {fate.record_id}, {fate.number}{called_at} in {names.calling_list(fate.list_id)}: "
    if not reasons:
        return [f"{head}nothing keeps it; it is dialed when a group that runs has an agent and a port for it"]
    lines = [f"{head}{len(reasons)} reason{'' if len(reasons) == 1 else 's'}"]
    for reason in reasons:
        group = f"{reason.group}: " if reason.group else ""
        until = "does not end by itself" if reason.until_utc_ms is None else f"ends {utc_text(reason.until_utc_ms)}"
        lines.append(f"  {group}{reason.text}; {until}")
    return lines


def _to_json(stored: StoredRecord, reasons: list[Reason], names: Names) -> dict[str, object]:
    """Shape: docs/reference/command-line.md."""
    fate = stored.fate
    return {
        "record_id": fate.record_id,
        "number": fate.number,
        "callback_number": stored.callback_number,
        "list": names.calling_list(fate.list_id),
        "status": fate.status.label,
        "reasons": [
            {
                "group": reason.group or None,
                "text": reason.text,
                "until_utc": None if reason.until_utc_ms is None else utc_text(reason.until_utc_ms),
            }
            for reason in reasons
        ],
    }
