"""Files of consents, for records that a calling list has already: jobs like those of `outdial.api.imports`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from outdial.api.access import Operator
from outdial.api.audit import Audit
from outdial.api.imports import REFUSALS, Columns, FileName, Imports, ImportView, format_of, queued, receive
from outdial.api.lists import ListDbid
from outdial.api.problems import not_found

BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {}, "example": "phone,consent,consent_utc\n+15550100,web form,2026-05-02\n"},
            "application/vnd.apache.parquet": {"schema": {}},
        },
    }
}


def router(imports: Imports, audit: Audit) -> APIRouter:
    """The route that takes them."""
    routes = APIRouter(tags=["imports"])

    @routes.post(
        "/lists/{dbid}/consents",
        status_code=202,
        summary="Add the consents of a CSV or Parquet file to the records of a list that have its numbers",
        openapi_extra=BODY,
        responses=dict(REFUSALS),  # type: ignore[arg-type]
    )
    async def add_consents(
        request: Request,
        response: Response,
        dbid: ListDbid,
        caller: Operator,
        file: FileName = "consents.csv",
        columns: Columns = None,
        ready: Annotated[
            bool, Query(description="Records that were cancelled for want of a consent are ready again.")
        ] = False,
    ) -> ImportView:
        upload = await imports.consents(
            dbid, caller, file=file, form=format_of(request), columns=tuple(columns or ()), ready=ready
        )
        if upload is None:
            raise not_found(f"calling list {dbid}")
        return await queued(audit, caller, response, await receive(request, upload))

    return routes
