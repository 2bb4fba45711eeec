"""What the API asks of the database of a running server: lists, records, imports, do-not-call lists, rules, reports."""

from dataclasses import dataclass

from fastapi import APIRouter

from outdial.api import compliance, consent_files, do_not_call, imports, lists, records, reports
from outdial.api.audit import Audit


@dataclass(frozen=True, slots=True)
class StoreSide:
    """One of each; all on the same database."""

    lists: lists.Lists
    imports: imports.Imports
    records: records.Records
    do_not_call: do_not_call.DoNotCall
    compliance: compliance.Compliance
    reports: reports.Reports


def routers(side: StoreSide, audit: Audit) -> tuple[APIRouter, ...]:
    """The routes of everything that is in the database."""
    return (
        lists.router(side.lists, audit),
        imports.router(side.imports, audit),
        consent_files.router(side.imports, audit),
        records.router(side.records, audit),
        do_not_call.router(side.do_not_call, audit),
        compliance.router(side.compliance),
        reports.router(side.reports),
    )
