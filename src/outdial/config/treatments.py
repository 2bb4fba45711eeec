"""The table `[[calling-list.treatment]]`, and what must be right in one."""

import datetime
import re
from typing import Annotated

from pydantic import Field, PlainValidator

from outdial.config.mistakes import Mistakes
from outdial.config.options import (
    CALL_RESULT,
    REFERENCE,
    CallResultName,
    Reference,
    Table,
    core_default,
    option,
    parse_time_of_day,
)
from outdial.config.rows import Row
from outdial.core.results import CallResult
from outdial.core.settings import CallAction, Treatment, TreatmentAction
from outdial.core.units import SECOND_MS

DATE = '"YYYY-MM-DDTHH:MM", or "HH:MM" for the next such time of day'
HEARD = (CallResult.ANSWERING_MACHINE, CallResult.FAX, CallResult.SILENCE)
"""Results of calls that are still up when they are known: something can be done with the call."""
FOR_CALLBACK_ERRORS = (
    TreatmentAction.ASSIGN_TO_GROUP,
    TreatmentAction.MARK_AGENT_ERROR,
    TreatmentAction.REDIAL,
    TreatmentAction.RETRY_AT_DATE,
    TreatmentAction.RETRY_IN,
)
"""What Agent CallBack Error accepts. Source: OCS treatments."""


def _date(value: object) -> datetime.datetime | int:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d", value, re.ASCII):
        return datetime.datetime.fromisoformat(value)
    if isinstance(value, str) and ":" in value:
        second = parse_time_of_day(value)
        if second is not None and second < 86_400:
            return second
    raise ValueError("neither a date nor a time of day")


class TreatmentTable(Table):
    """`[[calling-list.treatment]]`: on this call result, do that with the record."""

    call_result: CallResultName = option(
        "call-result", "Call result that it is for.", source="vendor", allowed=CALL_RESULT, core="Treatment.call_result"
    )
    number_in_sequence: int = option(
        "number-in-sequence",
        "Order among the treatments of the same call result.",
        default=1,
        source="vendor",
        core="Treatment.number_in_sequence",
        ge=1,
        le=1_000,
    )
    action: Annotated[TreatmentAction, Field(strict=False)] = option(
        "action",
        "`done`: finish the record. `mark-chain`: finish all records of the customer, with this result. `redial`: dial "
        "it again at once. `retry-in`, `retry-at-date`: dial it again after the interval, or at the date. "
        "`next-in-chain`, `next-in-chain-after`, `next-in-chain-at-date`: go on with the customer's next number, at "
        "once, after the interval, or at the date. `assign-to-group`: another campaign group alone dials it from now "
        "on. `reschedule`: as `retry-in`, as a Campaign Rescheduled record, which has a priority of its own. "
        "`mark-agent-error`: finish it with status Agent Error.",
        source="vendor",
        core="Treatment.action",
    )
    cycle_attempt: int = option(
        "cycle-attempt",
        "How often the treatment is applied before the next in sequence.",
        default=core_default(Treatment, "cycle_attempts"),
        source="vendor",
        core="Treatment.cycle_attempts",
        ge=1,
        le=1_000,
    )
    interval_min: float = option(
        "interval-min",
        "Wait before the next attempt. Needed with `retry-in`, `next-in-chain-after` and `reschedule`, and only there.",
        default=0,
        source="vendor",
        unit="minutes",
        core="Treatment.interval_ms",
        ge=0,
        le=525_600,
    )
    increment_min: float = option(
        "increment-min",
        "Added to the interval at every repetition. Only where there is an interval.",
        default=0,
        source="vendor",
        unit="minutes",
        core="Treatment.increment_ms",
        ge=0,
        le=525_600,
    )
    date: Annotated[datetime.datetime | int, PlainValidator(_date)] | None = option(
        "date",
        "When the record is dialed, in the time zone of the list. A date that has passed is passed over: the next "
        "treatment in sequence takes its place. Needed with the two at-date actions, and only there.",
        default=None,
        source="vendor",
        allowed=DATE,
        core="Treatment.date_utc_ms",
    )
    group: Reference | None = option(
        "group",
        "The campaign group; its campaign has the list. Needed with `assign-to-group`, and only there.",
        default=None,
        source="vendor",
        allowed=f"{REFERENCE} of a campaign group",
        core="Treatment.group_id",
    )
    apply_to_call: Annotated[CallAction, Field(strict=False)] = option(
        "apply-to-call",
        "What is done with the call on which an answering machine, a fax or silence was heard. `drop`: end it. "
        "`connect`: as for a person, to an agent or the group's IVR application. `route`: to the application in "
        "`destination`, say to leave a message. Whatever is done, nobody counts as reached.",
        default=core_default(Treatment, "call_action"),
        source="vendor",
        core="Treatment.call_action",
    )
    destination: str = option(
        "destination",
        "With `route`: the IVR application. With Asterisk a dialplan context, entered at `s`, priority 1.",
        default=core_default(Treatment, "destination"),
        source="vendor",
        allowed="text of 1 … 200 letters, digits and _ . / @ : , -",
        core="Treatment.destination",
        pattern=r"^[A-Za-z0-9_./@:,-]{1,200}$",
    )


def check_treatment(row: Row[TreatmentTable], mistakes: Mistakes) -> None:
    """What an action needs is there, and nothing that it does not look at."""
    if not row.has("call_result", "action"):
        return
    table, action = row.table, row.table.action
    needs = {"interval_min": action.waits, "date": action.has_date, "group": action is TreatmentAction.ASSIGN_TO_GROUP}
    words = {"interval_min": "minutes above 0", "date": DATE, "group": "a campaign group"}
    for name, is_needed in needs.items():
        if row.has(name) and is_needed and not getattr(table, name):
            if name == "date" and table.date == 0:
                continue  # midnight
            wrong = f"missing; {action} needs it" if not row.given(name) else f"{action} needs more"
            mistakes.add(row.key(name), wrong, words[name])
    meaningless = [name for name, is_needed in needs.items() if not is_needed]
    if not action.waits:
        meaningless.append("increment_min")
    if action.is_final:
        meaningless.append("cycle_attempt")
    for name in meaningless:
        if row.given(name) and row.has(name):
            mistakes.add(row.key(name), f"has no effect with action {action}", "left out", value=row.shown(name))
    if table.call_result is CallResult.AGENT_CALLBACK_ERROR and action not in FOR_CALLBACK_ERRORS:
        allowed = ", ".join(FOR_CALLBACK_ERRORS)
        mistakes.add(row.key("action"), "not for Agent CallBack Error", allowed, value=row.shown("action"))
    _check_call(row, mistakes)


def _check_call(row: Row[TreatmentTable], mistakes: Mistakes) -> None:
    if not row.has("apply_to_call", "destination"):
        return
    table = row.table
    if row.given("apply_to_call") and table.call_result not in HEARD:
        wrong = "has no effect with this call result: the call is over when it is known"
        allowed = "only with Answering Machine, Fax and Silence"
        mistakes.add(row.key("apply_to_call"), wrong, allowed, value=row.shown("apply_to_call"))
    if table.apply_to_call is CallAction.ROUTE and not table.destination:
        mistakes.add(row.key("destination"), "missing; route needs it", "the name of an IVR application")
    elif table.apply_to_call is not CallAction.ROUTE and row.given("destination"):
        wrong = f"has no effect with apply-to-call {table.apply_to_call}"
        mistakes.add(row.key("destination"), wrong, "only with route", value=row.shown("destination"))


def date_utc_ms(date: datetime.datetime, zone_name: str) -> int:
    """When it is that date in a zone. A time that the clock jumps over is read as if it had not; of two, the first."""
    import zoneinfo

    return round(date.replace(tzinfo=zoneinfo.ZoneInfo(zone_name)).timestamp()) * SECOND_MS
