"""How a call on an Asterisk server ended: many unreliable signs become one SIP status and one Q.850 cause.

No sign can be trusted alone. The response to the request gives the reason 0 for *every* refusal. `DialStatus` calls a
declined or unknown number NOANSWER. The cause of a call whose ring limit passed is 19 on Asterisk 22 and 0 on 16, with
no DialEnd on either. Asterisk 22 adds the SIP status as `TechCause`, but invents 480 when nobody answered in time.

The table below is read from the top; the first row whose conditions hold is it. What it yields goes to the core, whose
own table (`outdial.core.results`) makes the call result of it.

Source: ours, measured on Asterisk 16.28 and 22.10; the causes are Q.850's, the statuses RFC 3261's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

CAUSE_MAX = 127
NO_ANSWER_CAUSE = 19
NORMAL_CLEARING = 16


@dataclass(frozen=True, slots=True)
class Signs:
    """What a server told about one call until its end."""

    was_up: bool
    """The far end answered."""
    has_rung: bool
    dial_status: str
    """`DialStatus` of the DialEnd event; empty: there was none."""
    cause: int
    """`Cause` of the Hangup event. 0: none, or "unknown"."""
    tech_cause: int | None
    """SIP status (`TechCause`, Asterisk 20 and later). None: not told."""


class Ended(NamedTuple):
    """What the core is told."""

    sip_status: int | None
    q850_cause: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One case: when it applies, and what it means."""

    case: str
    applies: Callable[[Signs], bool]
    outcome: Callable[[Signs], Ended]


def _by_cause(signs: Signs) -> Ended:
    return Ended(signs.tech_cause, signs.cause)


ROWS: tuple[Row, ...] = (
    # Asterisk 22 reports cause 0 when the callee hangs up
    Row("was answered", lambda s: s.was_up, lambda s: Ended(None, s.cause or NORMAL_CLEARING)),
    # no DialEnd: the request's own time limit ended it (cause 19 with an invented 480, or 0)
    Row(
        "rang out",
        lambda s: not s.dial_status and s.cause in (0, NO_ANSWER_CAUSE) and s.has_rung,
        lambda _: Ended(480, NO_ANSWER_CAUSE),
    ),
    Row(
        "no SIP answer at all",
        lambda s: not s.dial_status and s.cause in (0, NO_ANSWER_CAUSE),
        lambda _: Ended(408, 102),
    ),
    Row("refused with a SIP status", lambda s: s.tech_cause is not None and s.cause > 0, _by_cause),
    Row("refused with a cause", lambda s: s.cause > 0, _by_cause),
    # a driver that gives no cause: the dial status is all there is
    Row("busy without a cause", lambda s: s.dial_status == "BUSY", lambda _: Ended(486, 17)),
    Row("congestion without a cause", lambda s: s.dial_status == "CONGESTION", lambda _: Ended(503, 34)),
    Row("unavailable without a cause", lambda s: s.dial_status == "CHANUNAVAIL", lambda _: Ended(None, 20)),
)
"""Every case, in order. What no row explains reaches the core without codes, and is counted there as unknown."""


def explain(signs: Signs) -> Ended:
    """Find the row for the signs of a finished call: one that had a channel."""
    for row in ROWS:
        if row.applies(signs):
            return row.outcome(signs)
    return Ended(None, None)


def cause_of(text: str) -> int:
    """Read a `Cause`. Anything that is no Q.850 cause is 0, which says nothing."""
    value = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
    return value if value <= CAUSE_MAX else 0


def tech_cause_of(text: str) -> int | None:
    """Read a `TechCause`: a final SIP status that is a refusal, else None."""
    value = int(text) if text.isascii() and text.isdigit() and len(text) == 3 else 0
    return value if 300 <= value <= 699 else None
