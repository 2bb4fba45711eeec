"""`outdial report lists`: how far calling lists have been worked through.

Records are told as they stand now; attempts and persons are those of the period.
"""

from outdial.core.results import CallResult
from outdial.reports.columns import Column, counted, mean, percent
from outdial.reports.dimensions import calling_list, of_column
from outdial.reports.persons import PERSON
from outdial.reports.query import Kind, Query
from outdial.sim.lists import RecordStatus
from outdial.store.stored import FINISHED

ATTEMPTS_MAX = 20
"""Records with more attempts stand together. Ours."""

_MEASURES = {
    "records": "sum(records)",
    "customers": "sum(CASE WHEN chain_id = 0 THEN records ELSE 1 END)",
    "chains": "sum(CASE WHEN chain_id = 0 THEN 0 ELSE 1 END)",
    "tried": "sum(tried)",
    "finished": "sum(finished)",
    "all_attempts": "sum(all_attempts)",
    "made": "sum(made)",
    "dialed": "sum(dialed)",
    "persons": "sum(CASE WHEN chain_id = 0 THEN reached WHEN reached > 0 THEN 1 ELSE 0 END)",
}

_COLUMNS = (
    Column("records", "Records.", counted("records"), heading="records"),
    Column(
        "customers",
        "Customers: chains, and records that are in none.",
        counted("customers"),
        heading="customers",
        is_extra=True,
    ),
    Column("chains", "Chains of several records.", counted("chains")),
    Column("tried", "Records that have been tried at least once, ever.", counted("tried"), heading="tried"),
    Column("tried_pct", "Their share: the penetration of the list.", percent("tried", "records"), 2, "tried|(%)"),
    Column("finished", "Records that are not tried any more.", counted("finished"), heading="finished"),
    Column("finished_pct", "Their share.", percent("finished", "records"), 2, "finished|(%)"),
    Column(
        "attempts_per_record",
        "Attempts per record that was tried, ever.",
        mean("all_attempts", "tried"),
        2,
        "attempts|per tried",
    ),
    Column("attempts", "Attempts of the period.", counted("made"), heading="attempts"),
    Column("dialed", "Records that were dialed in the period.", counted("dialed"), heading="dialed", is_extra=True),
    Column("persons", "Customers of whom a person answered in the period.", counted("persons"), heading="persons"),
    Column("persons_pct", "Their share of all customers.", percent("persons", "customers"), 2, "persons|(%)"),
)


def _rows(query: Query, keys: list[str]) -> str:
    """Inside, one row for each chain; of a chain that a row has in part, that part."""
    finished = ", ".join(str(int(status)) for status in FINISHED)
    limits = query.limited_to(list="r.list_id")
    names = [key.rpartition(" AS ")[2] for key in keys]
    chains = f"""SELECT {"".join(f"{key}, " for key in keys)}r.list_id, r.chain_id, count(*) AS records,
count(*) FILTER (WHERE r.attempts > 0) AS tried, count(*) FILTER (WHERE r.status IN ({finished})) AS finished,
sum(r.attempts) AS all_attempts, coalesce(sum(a.made), 0) AS made, count(a.record_id) AS dialed,
coalesce(sum(a.reached), 0) AS reached
FROM records r LEFT JOIN (
    SELECT record_id, count(*) AS made, max(CASE WHEN {PERSON} THEN 1 ELSE 0 END) AS reached
    FROM attempts WHERE {query.within("dialed_utc_ms")} GROUP BY record_id
) AS a ON a.record_id = r.record_id
WHERE r.record_id > 0{limits} GROUP BY {"".join(f"{name}, " for name in names)}r.list_id, r.chain_id"""
    measures = [f"CAST(coalesce({sql}, 0) AS bigint) AS {name}" for name, sql in _MEASURES.items()]
    return f"SELECT {', '.join([*names, *measures])} FROM ({chains}) AS chains"


def _attempts_text(query: Query, key: int) -> str:
    return f"{key} or more" if key == ATTEMPTS_MAX else str(key)


LISTS = Kind(
    name="lists",
    about="How far calling lists have been worked through. Records are told as they stand now, attempts and persons "
    "are those of the period. A chain whose records are in several rows is counted in each of them, and once in the "
    "totals.",
    dimensions=(
        calling_list("r.list_id"),
        of_column(
            "status",
            "What has become of the record: `ready`, `retrieved`, `updated`, `cancelled`, `chain updated`.",
            "r.status",
            lambda query, key: RecordStatus(key).label,
        ),
        of_column(
            "result",
            "Its last [call result](call-results.md) in lower case; `unknown` for one that was never dialed.",
            "r.call_result",
            lambda query, key: CallResult(key).name.lower(),
        ),
        of_column(
            "attempts-made",
            f"How often it was tried, ever: `0` … `{ATTEMPTS_MAX - 1}`, `{ATTEMPTS_MAX} or more`.",
            f"CASE WHEN r.attempts < {ATTEMPTS_MAX} THEN r.attempts ELSE {ATTEMPTS_MAX} END",
            _attempts_text,
        ),
    ),
    default_by=("list",),
    filters=("list",),
    measures=tuple(_MEASURES),
    columns=_COLUMNS,
    statement=lambda query: _rows(query, query.keys()) + query.grouped(),
    totals=lambda query: _rows(query, []),
)
