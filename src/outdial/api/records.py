"""Records of calling lists: one by one, with their chain and every attempt on them."""

from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from outdial.api.access import Operator, Reader
from outdial.api.audit import Audit
from outdial.api.lists import ListDbid
from outdial.api.paging import PAGE, Cursor, Limit, place_of
from outdial.api.problems import not_found

RecordNumber = Annotated[int, Path(ge=1, le=2**53 - 1, description="Number of the record.", examples=[42])]
PhoneNumber = Annotated[
    str,
    Query(min_length=1, max_length=40, description="A telephone number, with or without a +.", examples=["+15550100"]),
]

FIELDS_MAX = 200
TextField = Annotated[str, Field(max_length=4_096)]
FieldName = Annotated[str, Field(min_length=1, max_length=200)]
UtcMs = Annotated[int, Field(ge=0, le=2**53 - 1)]


class NewRecord(BaseModel):
    """A record that is to be added. What it lacks, its list says."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"phone": "+15550100", "fields": {"name": "Ann"}}]},
    )

    phone: str = Field(min_length=1, max_length=40, description="The telephone number.", examples=["+15550100"])
    fields: dict[FieldName, TextField] = Field(
        default_factory=dict,
        max_length=FIELDS_MAX,
        description="Columns of a file, such as `record_id`, `chain_n`, `daily_from`, `consent` or any of your own.",
        examples=[{"name": "Ann"}],
    )
    chain_id: int | None = Field(
        default=None, ge=1, le=2**53 - 1, description="The customer whose next number this is. Null: it is alone."
    )
    time_zone: str | None = Field(
        default=None, min_length=1, max_length=100, description="IANA time zone.", examples=["America/New_York"]
    )
    not_before_utc_ms: UtcMs | None = Field(default=None, description="Not to be called before. Null: at once.")


class AddedView(BaseModel):
    """A record that was added."""

    list_dbid: int
    record_id: int = Field(examples=[42])
    number: str = Field(examples=["+15550100"])
    do_not_call: list[str] = Field(description="Do-not-call lists that have it, so that it will not be called.")


class RecordView(BaseModel):
    """A record, as it is now."""

    record_id: int = Field(examples=[42])
    list_dbid: int = Field(examples=[1])
    list_name: str = Field(examples=["customers"])
    number: str = Field(examples=["+15550100"])
    status: str = Field(description="What has become of it.", examples=["ready"])
    attempts: int = Field(examples=[2])
    call_result: str | None = Field(description="Result of the last attempt.", examples=["busy"])
    agent: str | None = Field(description="Login of the last attempt's agent.")
    last_attempt_utc_ms: int | None
    chain_id: int | None = Field(description="Its customer. Null: it is alone.")
    chain_n: int | None = Field(description="Its place among the customer's records.")
    due_utc_ms: int | None = Field(description="From when on it may be called; 0: at once. Null: it does not wait.")
    claimed: bool = Field(description="A server has it, in memory or in a call.")
    claim_epoch: int | None = Field(description="Which start of a server has it. Null: none.", examples=[3])
    daily_from_s: int | None = Field(description="Its own calling hours. Unit: seconds since local midnight.")
    daily_till_s: int | None
    time_zone: str | None
    record_type: str = Field(examples=["general"])
    group: str | None = Field(description="Campaign group that alone may dial it.")
    callback_agent: str | None = Field(description="Agent whom it waits for.")
    callback_number: str | None = Field(description="Number that is dialed instead of its own.")
    consent: str | None
    consent_utc_ms: int | None
    customer_id: str | None
    fields: dict[str, str] = Field(description="Columns of its file that mean nothing to the dialer.")


class AttemptView(BaseModel):
    """An attempt on a record."""

    call_id: int = Field(description="Number of the call, within the start `epoch` of a server.", examples=[17])
    epoch: int = Field(examples=[3])
    dialed_utc_ms: int
    group: str = Field(examples=["east"])
    campaign: str | None = Field(examples=["spring"])
    node: str = Field(examples=["north"])
    number: str = Field(description="What was dialed.", examples=["+15550100"])
    attempt_n: int = Field(examples=[1])
    dialing_mode: str | None = Field(examples=["predictive"])
    call_result: str | None = Field(description="Null: its end is not known yet.", examples=["answer"])
    fault: str | None
    verdict: str | None = Field(description="Of call progress detection.")
    sip_status: int | None
    q850_cause: int | None
    agent: str | None
    ring_ms: int
    wait_ms: int = Field(description="From the answer to an agent, or to the end.")
    talk_ms: int
    disposition: str | None = Field(description="What became of the record.", examples=["retry-in"])
    not_before_utc_ms: int | None = Field(description="When it may be dialed again.")
    evidence: dict[str, Any] | None = Field(description="What allowed the call: rules, clocks, earlier calls, consent.")


class WordView(BaseModel):
    """What an agent has said of a call. The last one on a call counts."""

    epoch: int
    call_id: int = Field(description="Of the attempt that it was about.")
    attempt_n: int
    agent: str = Field(examples=["ada"])
    given_utc_ms: int
    call_result: str = Field(examples=["answer"])
    disposition: str = Field(description="What became of the record.", examples=["done"])
    not_before_utc_ms: int | None = Field(description="When it may be dialed again: a callback.")
    record_type: str | None = Field(description="Whom a callback waits for. Null: it is none.")
    callback_number: str | None
    note: str


class HistoryView(BaseModel):
    """A record with all that has happened to it."""

    record: RecordView
    chain: list[RecordView] = Field(description="All records of its customer, in order. Empty: it is alone.")
    made: list[AttemptView] = Field(description="Every attempt on it, the first one first.")
    said: list[WordView] = Field(description="What agents have said of these, in that order.")


class RecordsView(BaseModel):
    """A page of records, by number."""

    records: list[RecordView]
    next_cursor: str | None = Field(description="For the next page. Null: there is none.")


class CancelledView(BaseModel):
    """What has become of the wish to cancel a record."""

    record_id: int
    outcome: str = Field(
        description="`cancelled`; `claimed`: a server has it, and cancels it soon; `over`: it was finished before.",
        examples=["cancelled"],
    )
    in_a_call: bool = Field(description="It is in a call, which goes on.")


class ConsentGiven(BaseModel):
    """A consent that came later than its record."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={"examples": [{"consent": "web form of 2 May"}]},
    )

    consent: str = Field(
        min_length=1,
        max_length=500,
        pattern=r"^[^\p{Cc}]+$",
        description="On what ground the person may be called.",
    )
    consent_utc_ms: UtcMs | None = Field(default=None, description="Since when it counts. Null: not said.")
    ready: bool = Field(
        default=False,
        description="A record that was cancelled is ready again, unless an operator has cancelled it or its customer "
        "was reached at another number.",
    )


class ConsentView(BaseModel):
    """What has become of the record."""

    record_id: int
    outcome: str = Field(
        description="`set`: it counts from now on; `ready`: and the record is ready again; `claimed`: a server has the "
        "record as it was, and it counts when that has come back; `over`: the record is finished.",
        examples=["ready"],
    )


class Records(Protocol):
    """The records of a running server. `campaigns`: what the caller may see; None: everything."""

    async def page(
        self, dbid: int, campaigns: frozenset[str] | None, after: int, count_max: int
    ) -> list[RecordView] | None:
        """Records of a list behind one, by number. None: there is no such list."""
        ...

    async def with_number(self, number: str, campaigns: frozenset[str] | None) -> list[RecordView]:
        """Records of any list with a telephone number, their own or that of a callback.

        Raises:
            Problem: it is none.
        """
        ...

    async def history(self, dbid: int, record_id: int, campaigns: frozenset[str] | None) -> HistoryView | None:
        """One record. None: there is none in this list."""
        ...

    async def add(self, dbid: int, campaigns: frozenset[str] | None, new: NewRecord) -> AddedView | None:
        """Add a record. None: there is no such list.

        Raises:
            Problem: 422, mistakes, all of them; 409, the list does not take it; 429, 503: not now.
        """
        ...

    async def cancel(self, dbid: int, record_id: int, campaigns: frozenset[str] | None) -> CancelledView | None:
        """See to it that a record is not called any more. None: there is none in this list."""
        ...

    async def consent(
        self, dbid: int, record_id: int, campaigns: frozenset[str] | None, given: ConsentGiven
    ) -> tuple[ConsentGiven | None, ConsentView] | None:
        """Add a consent to a record. Returns the one that it had, and what has become of it. None: there is no such
        record in this list.

        Raises:
            Problem: 429, 503: not now.
        """
        ...


def router(records: Records, audit: Audit) -> APIRouter:
    """Routes of records."""
    routes = APIRouter(tags=["records"])

    @routes.get("/records", summary="Records of any list with a telephone number, their own or that of a callback")
    async def find_records(number: PhoneNumber, caller: Reader) -> RecordsView:
        return RecordsView(records=await records.with_number(number, caller.campaigns), next_cursor=None)

    @routes.get("/lists/{dbid}/records", summary="Records of a list, by number")
    async def list_records(dbid: ListDbid, caller: Reader, cursor: Cursor = None, limit: Limit = PAGE) -> RecordsView:
        found = await records.page(dbid, caller.campaigns, place_of(cursor), limit)
        if found is None:
            raise not_found(f"calling list {dbid}")
        return RecordsView(records=found, next_cursor=str(found[-1].record_id) if len(found) == limit else None)

    @routes.post("/lists/{dbid}/records", status_code=201, summary="Add a record")
    async def add_record(dbid: ListDbid, new: NewRecord, response: Response, caller: Operator) -> AddedView:
        added = await records.add(dbid, caller.campaigns, new)
        if added is None:
            raise not_found(f"calling list {dbid}")
        response.headers["Location"] = f"/v1/lists/{dbid}/records/{added.record_id}"
        said = added.model_dump(exclude={"number"})  # who was called is in the database, not in logs
        await audit.note(caller, "record.add", f"record {added.record_id}", None, said)
        return added

    @routes.get("/lists/{dbid}/records/{record_id}", summary="A record, its chain, and every attempt on it")
    async def get_record(dbid: ListDbid, record_id: RecordNumber, caller: Reader) -> HistoryView:
        found = await records.history(dbid, record_id, caller.campaigns)
        if found is None:
            raise not_found(f"record {record_id} in calling list {dbid}")
        return found

    @routes.post("/lists/{dbid}/records/{record_id}/cancel", summary="Do not call a record any more")
    async def cancel_record(dbid: ListDbid, record_id: RecordNumber, caller: Operator) -> CancelledView:
        cancelled = await records.cancel(dbid, record_id, caller.campaigns)
        if cancelled is None:
            raise not_found(f"record {record_id} in calling list {dbid}")
        await audit.note(caller, "record.cancel", f"record {record_id}", None, cancelled.model_dump())
        return cancelled

    @routes.post("/lists/{dbid}/records/{record_id}/consent", summary="Add a consent that came later")
    async def add_consent(
        dbid: ListDbid, record_id: RecordNumber, given: ConsentGiven, caller: Operator
    ) -> ConsentView:
        found = await records.consent(dbid, record_id, caller.campaigns, given)
        if found is None:
            raise not_found(f"record {record_id} in calling list {dbid}")
        before, said = found
        was = None if before is None else before.model_dump(exclude={"ready"})
        await audit.note(caller, "record.consent", f"record {record_id}", was, given.model_dump(exclude={"ready"}))
        return said

    return routes
