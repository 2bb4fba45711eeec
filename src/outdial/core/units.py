"""Time and identifiers: the vocabulary that every other module of the core uses.

Time enters the core as a pair and nothing in the core reads a clock:

* ``mono_ms`` never steps back and is used for durations and deadlines;
* ``utc_ms`` is the calendar (calling hours, retry dates) and may be stepped by an operator or NTP.

Mixing them is a bug: a deadline computed from UTC would fire early or late after a clock step.

Ours: integers in milliseconds throughout (decision 0003).
"""

from typing import NamedTuple, TypeAlias

Millis: TypeAlias = int
"""A duration or an instant. Unit: milliseconds."""

GroupId: TypeAlias = int
"""DBID of a campaign group. Range: ≥ 1."""

AgentId: TypeAlias = int
"""DBID of an agent. Range: ≥ 1."""

AgentGroupId: TypeAlias = int
"""DBID of an agent group. Range: ≥ 1."""

NodeId: TypeAlias = int
"""DBID of a node's *primary* application (SIP server or CPD server). Range: ≥ 1."""

ServerId: TypeAlias = int
"""DBID of one application, primary or backup. Range: ≥ 1."""

ListId: TypeAlias = int
"""DBID of a calling list. Range: ≥ 1."""

RecordId: TypeAlias = int
"""Number of a record, unique over all calling lists. Range: ≥ 1."""

CallId: TypeAlias = int
"""Number of one call leg, given by the core: attempts and engaging calls share one sequence. Range: ≥ 1."""

RequestId: TypeAlias = int
"""Number of an operator's request, given by the caller and repeated in the reply. Range: ≥ 0."""

SECOND_MS: Millis = 1_000
MINUTE_MS: Millis = 60_000
HOUR_MS: Millis = 3_600_000
DAY_MS: Millis = 86_400_000


class Now(NamedTuple):
    """One reading of both clocks.

    Shape: ``(mono_ms, utc_ms)``. Unit: milliseconds. ``mono_ms`` never decreases from one step to the next.
    """

    mono_ms: Millis
    utc_ms: Millis
