"""The audit: who has changed what."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from outdial.api.access import Caller
from outdial.api.credentials import AccessRecords, AuditEntry
from outdial.api.limited_to import needs_all_campaigns

LIMIT_MAX = 1_000
UTC_MS_MAX = 253_402_300_799_999
"""The last millisecond of the year 9999."""

Admin = Annotated[Caller, Depends(needs_all_campaigns)]
Instant = Annotated[int | None, Query(ge=0, le=UTC_MS_MAX)]


class AuditEntryView(BaseModel):
    """One change."""

    id: int
    utc_ms: int
    who: str = Field(examples=["user anna"])
    how: str = Field(description="`token`, `session`, `loopback`, `cli` or `signal`.", examples=["session"])
    action: str = Field(examples=["group.start"])
    subject: str = Field(examples=["campaign-group 1"])
    before: Any = Field(description="How it was, in the shape of the API. null: it was not there, or is not told.")
    after: Any = Field(description="How it is. null: it is gone, or is not told.")
    address: str = Field(description="Where the request came from.", examples=["192.0.2.7"])


class AuditView(BaseModel):
    """Changes, the latest first."""

    entries: list[AuditEntryView]
    next_cursor: str | None = Field(description="For the next page. null: this is the last one.")


def audit_router(records: AccessRecords) -> APIRouter:
    """Route `/audit`."""
    routes = APIRouter(prefix="/audit", tags=["access"])

    @routes.get("", summary="Who has changed what, the latest first")
    async def list_audit(
        caller: Admin,
        cursor: Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="`next_cursor` of a page.")] = None,
        limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 100,
        from_utc_ms: Instant = None,
        till_utc_ms: Instant = None,
    ) -> AuditView:
        before_id = None if cursor is None else int(cursor)
        found = await records.audit(before_id, limit + 1, from_utc_ms or 0, till_utc_ms)
        page = found[:limit]
        next_cursor = str(page[-1].audit_id) if len(found) > limit else None
        return AuditView(entries=list(map(_view, page)), next_cursor=next_cursor)

    return routes


def _view(entry: AuditEntry) -> AuditEntryView:
    return AuditEntryView(
        id=entry.audit_id,
        utc_ms=entry.utc_ms,
        who=entry.who,
        how=entry.how,
        action=entry.action,
        subject=entry.subject,
        before=None if entry.before is None else json.loads(entry.before),
        after=None if entry.after is None else json.loads(entry.after),
        address=entry.address,
    )
