"""`outdial report attempts`: calls and what came of them. A call belongs to the instant when it was dialed."""

from outdial.core.modes import DialingMode
from outdial.core.results import CallResult, Fault
from outdial.core.units import SECOND_MS
from outdial.reports.columns import Column, counted, hours, mean, percent
from outdial.reports.dimensions import calling_list, campaign, group, of_column, of_time, of_words
from outdial.reports.persons import ABANDONED, CONNECTED, DROPPED, PERSON
from outdial.reports.query import Dimension, Kind, Query

_NOT_IN_SERVICE = (
    CallResult.SIT_DETECTED,
    CallResult.SIT_INVALID_NUMBER,
    CallResult.SIT_VACANT,
    CallResult.SIT_INTERCEPT,
    CallResult.SIT_UNKNOWN,
    CallResult.SIT_NO_CIRCUIT,
    CallResult.SIT_REORDER,
    CallResult.NU_TONE,
)
_NO_CODE = -1


def _is(*results: CallResult) -> str:
    return f"call_result IN ({', '.join(str(int(result)) for result in results)})"


_MEASURES = {
    "attempts": "count(*)",
    "persons": f"count(*) FILTER (WHERE {PERSON})",
    "connected": f"count(*) FILTER (WHERE {CONNECTED})",
    "abandoned": f"count(*) FILTER (WHERE {ABANDONED})",
    "dropped": f"count(*) FILTER (WHERE {DROPPED})",
    "lost": f"count(*) FILTER (WHERE {ABANDONED} OR {DROPPED})",
    "machines": f"count(*) FILTER (WHERE {_is(CallResult.ANSWERING_MACHINE, CallResult.FAX)})",
    "busy": f"count(*) FILTER (WHERE {_is(CallResult.BUSY)})",
    "no_answer": f"count(*) FILTER (WHERE {_is(CallResult.NO_ANSWER)})",
    "not_in_service": f"count(*) FILTER (WHERE {_is(*_NOT_IN_SERVICE)})",
    "our_faults": f"count(*) FILTER (WHERE fault = '{Fault.NODE.value}' OR fault = '{Fault.OURS.value}')",
    "ring_ms": "CAST(coalesce(sum(ring_ms), 0) AS bigint)",
    "talk_ms": "CAST(coalesce(sum(talk_ms), 0) AS bigint)",
    "with_talk": "count(*) FILTER (WHERE talk_ms > 0)",
}

_COLUMNS = (
    Column("attempts", "Calls that were dialed and are over.", counted("attempts"), heading="attempts"),
    Column("persons", "Calls that a person answered.", counted("persons"), heading="persons"),
    Column("persons_pct", "Persons per attempt.", percent("persons", "attempts"), 2, "persons|(%)", 1),
    Column("connected", "Persons who got an agent or an IVR application.", counted("connected"), heading="connected"),
    Column("abandoned", "Persons who hung up while they waited.", counted("abandoned"), heading="abandoned"),
    Column(
        "dropped",
        "Persons who were released, or lost with their node, while they waited.",
        counted("dropped"),
        heading="dropped",
    ),
    Column("lost_pct", "Abandoned and dropped per person.", percent("lost", "persons"), 2, "lost|(%)"),
    Column("machines", "Answering machines and fax machines.", counted("machines")),
    Column("busy", "Busy, or declined.", counted("busy"), heading="busy", is_extra=True),
    Column("no_answer", "Rang and nobody answered.", counted("no_answer"), heading="no|answer", is_extra=True),
    Column("not_in_service", "Numbers that the network says are none.", counted("not_in_service")),
    Column(
        "our_faults", "Calls that ended through the fault of a node or of ours, drops included.", counted("our_faults")
    ),
    Column(
        "ring_s",
        "Mean time from the request to the answer or the end.",
        mean("ring_ms", "attempts", SECOND_MS),
        2,
        "ring|(s)",
        1,
        is_extra=True,
    ),
    Column(
        "talk_s", "Mean conversation, of calls that had one.", mean("talk_ms", "with_talk", SECOND_MS), 2, "talk|(s)", 1
    ),
    Column("talk_h", "All conversations together.", hours("talk_ms"), 3, "talk|(h)", 1, is_extra=True),
)


def _statement(query: Query) -> str:
    measures = [f"{sql} AS {name}" for name, sql in _MEASURES.items()]
    return (
        f"SELECT {', '.join([*query.keys(), *measures])} FROM attempts "
        f"WHERE {query.within('dialed_utc_ms')}{limits(query)}{query.grouped()}"
    )


def limits(query: Query) -> str:
    """The filters, for the table of attempts."""
    return query.limited_to(group="group_id", list="list_id", node="node_id", agent="agent_id")


def _code(name: str, meaning: str, column: str) -> Dimension:
    return Dimension(
        name,
        meaning,
        lambda query: f"coalesce({column}, {_NO_CODE})",
        lambda query, key: "" if key == _NO_CODE else str(key),
    )


DIMENSIONS = (
    campaign(),
    group("Name of the campaign group."),
    calling_list(),
    of_column("node", "Name of the node that dialed.", "node_id", lambda query, key: query.names.node(key)),
    of_column(
        "agent", "Login of the agent; empty for nobody.", "agent_id", lambda query, key: query.names.agent(key or None)
    ),
    *of_time("dialed_utc_ms"),
    of_words(
        "mode",
        "[Dialing mode](configuration.md) of the group at that time; `unknown` where nobody has seen the end.",
        "mode",
        {mode.value: number for number, mode in enumerate(DialingMode, 1)},
    ),
    of_column(
        "result",
        "[Call result](call-results.md) in lower case.",
        "call_result",
        lambda query, key: CallResult(key).name.lower(),
    ),
    of_words(
        "fault",
        "Who ended the call short of a conversation: `none`, `callee`, `carrier`, `node`, `ours`.",
        "fault",
        {fault.value: number for number, fault in enumerate(Fault, 1)},
    ),
    _code("sip-status", "Final SIP status; empty where it is not known.", "sip_status"),
    _code("q850-cause", "Q.850 cause; empty where it is not known.", "q850_cause"),
)

ATTEMPTS = Kind(
    name="attempts",
    about="Calls and what came of them. A call belongs to the instant when it was dialed; calls in progress are not in "
    "it.",
    dimensions=DIMENSIONS,
    default_by=("campaign", "group"),
    filters=("group", "campaign", "list", "node", "agent"),
    measures=tuple(_MEASURES),
    columns=_COLUMNS,
    statement=_statement,
    totals=lambda query: None,
)
