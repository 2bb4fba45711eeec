"""Why records are not dialed, for the API: the database is asked, with the rules that are in effect."""

import time

from outdial.api.record_reasons import ReasonView, WhyView
from outdial.core.units import Millis
from outdial.names import Names
from outdial.operations.running_store import mistakes_of_request
from outdial.record_show import find_stored
from outdial.service_configuration import ServiceConfiguration
from outdial.store.interface import Store
from outdial.store.stored import StoredRecord
from outdial.why import Reason, reasons_of

NEVER = "does not end by itself"


class ServeReasons:
    """`outdial.api.record_reasons.RecordReasons` of a running server."""

    def __init__(self, configuration: ServiceConfiguration, store: Store) -> None:
        """Nothing is asked yet.

        Args:
            configuration: what is in effect.
            store: lets requests take their turns, so that the dialer waits for one of them at most.
        """
        self._configuration = configuration
        self._store = store

    async def why(self, which: str, campaigns: frozenset[str] | None) -> list[WhyView]:
        """See `RecordReasons.why`."""
        loaded, store = self._configuration.setup.loaded, self._store
        configuration = loaded.configuration
        visible = [each for each in configuration.campaigns if campaigns is None or each.name in campaigns]
        lists = dict.fromkeys(list_id for campaign in visible for list_id, _ in campaign.lists)
        numbers = {campaign.dbid for campaign in visible}
        groups = [group.name for group in configuration.campaign_groups if group.campaign in numbers]
        utc_ms: Millis = time.time_ns() // 1_000_000
        answers = []
        with mistakes_of_request():
            stored = await find_stored(store, which)
        for record in stored:
            if campaigns is None or record.fate.list_id in lists:
                found = await reasons_of(store, record, loaded, utc_ms)
                mine = [reason for reason in found if campaigns is None or not reason.group or reason.group in groups]
                answers.append(_view(record, mine, Names(configuration)))
        return answers


def _view(record: StoredRecord, reasons: list[Reason], names: Names) -> WhyView:
    fate = record.fate
    called_at = f", called at {record.callback_number}" if record.callback_number else ""
    return WhyView(
        kind="record",
        dbid=fate.record_id,
        name=fate.number,
        state=f"{fate.status.label} in {names.calling_list(fate.list_id)}{called_at}",
        reasons=[
            ReasonView(
                code=each.code.replace(" ", "_").replace("-", "_"),
                text=each.text,
                ends_when=NEVER if each.until_utc_ms is None else "that time has come",
                until_utc_ms=each.until_utc_ms,
                group=each.group or None,
            )
            for each in reasons
        ],
    )
