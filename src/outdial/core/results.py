"""Call results: what the signs of one call add up to, and whose fault it was.

A call leaves several signs: whether it was answered, what call progress detection said, the SIP status, the Q.850
cause, who released it, whether one of our own time limits ended it. No single sign can be trusted (servers map several
endings to one cause), so `classify` looks at all of them and finds one row of `RESULTS`. Only a call that was released
unanswered and unheard is left to its codes: `SIP_STATUSES` first, then `Q850_CAUSES`, except that a status which says
little gives way to a cause which says more.

`fault` says who ended the call short of a conversation. It steers what the dialer blames: a busy callee says nothing
about a node, a 503 does.

Invariant: a call that the server took and on which a person was heard (verdict PERSON or UNKNOWN), or a conversation
    was held without any verdict, has result ANSWER, ABANDONED or DROPPED, whichever way it ended; and no other call
    has, except that a drop is DROPPED even without a verdict beside it. A machine that a treatment has an agent or an
    IVR application listen to stays a machine. So the abandon figure can be taken from results alone.

Source: numbers are the vendor's GctiCallState values. SIP status to Q.850 cause: RFC 3398, section 8.2.6.1; the way
    back: section 7.2.4.1. Decline: RFC 3261, section 21.6.2. Unwanted, rejected: RFC 8197, RFC 8688.
Ours: which of the vendor's results stands for which signs, and all faults (decision 0011). An unknown combination
    becomes UNKNOWN with fault `ours`, so that it is noticed.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple


class CallResult(enum.IntEnum):
    """Result of one attempt, with the vendor's number."""

    OK = 0
    TRANSFERRED = 1
    CONFERENCED = 2
    GENERAL_ERROR = 3
    SYSTEM_ERROR = 4
    REMOTE_RELEASE = 5
    BUSY = 6
    NO_ANSWER = 7
    SIT_DETECTED = 8
    ANSWERING_MACHINE = 9
    ALL_TRUNKS_BUSY = 10
    SIT_INVALID_NUMBER = 11
    SIT_VACANT = 12
    SIT_INTERCEPT = 13
    SIT_UNKNOWN = 14
    SIT_NO_CIRCUIT = 15
    SIT_REORDER = 16
    FAX = 17
    QUEUE_FULL = 18
    CLEARED = 19
    OVERFLOWED = 20
    ABANDONED = 21
    REDIRECTED = 22
    FORWARDED = 23
    CONSULT = 24
    PICKED_UP = 25
    DROPPED = 26
    DROPPED_NO_ANSWER = 27
    UNKNOWN = 28
    COVERED = 29
    CONVERSE_ON = 30
    BRIDGED = 31
    SILENCE = 32
    ANSWER = 33
    NU_TONE = 34
    NO_DIAL_TONE = 35
    NO_PROGRESS = 36
    NO_RING_BACK = 37
    NO_ESTABLISHED = 38
    PAGER = 39
    WRONG_PARTY = 40
    DIAL_ERROR = 41
    CALL_DROP_ERROR = 42
    SWITCH_ERROR = 43
    NO_FREE_PORT = 44
    TRANSFER_ERROR = 45
    STALE = 46
    AGENT_CALLBACK_ERROR = 47
    GROUP_CALLBACK_ERROR = 48
    DEAFENED = 49
    HELD = 50
    DO_NOT_CALL = 51
    CANCEL_RECORD = 52
    WRONG_NUMBER = 53


CALLBACK_ERRORS = (CallResult.AGENT_CALLBACK_ERROR, CallResult.GROUP_CALLBACK_ERROR)
"""Results of callbacks that nobody was there for. Without a call; a record that ends so is Missed CallBack."""
NEVER_DIALED = (CallResult.NO_FREE_PORT, CallResult.ALL_TRUNKS_BUSY, CallResult.DIAL_ERROR)
"""Results of attempts that never reached the callee."""


class Fault(enum.StrEnum):
    """Who ended the call short of a conversation."""

    NONE = "none"
    CALLEE = "callee"
    CARRIER = "carrier"
    NODE = "node"
    OURS = "ours"


class Verdict(enum.StrEnum):
    """What call progress detection heard after the answer."""

    PERSON = "person"
    MACHINE = "machine"
    FAX = "fax"
    SILENCE = "silence"
    SIT = "sit"
    UNKNOWN = "unknown"
    """Detection ran out of time; the call counts as a person."""


class Ending(enum.StrEnum):
    """How a call ended, as far as the dialer itself knows."""

    RELEASED = "released"
    """The server reported the release: cause and status say why."""
    REJECTED = "rejected"
    """The server refused the request; there never was a call."""
    RING_TIMEOUT = "ring timeout"
    """We released it: it rang for as long as the group allows."""
    VERDICT = "verdict"
    """We released it because of what call progress detection heard."""
    DROPPED = "dropped"
    """We released an answered person because no agent came."""
    STOPPED = "stopped"
    """We released it on request or because a limit of ours was reached after it was connected."""
    NOT_ACCEPTED = "not accepted"
    """The server never answered the request."""
    LOST = "lost"
    """The node was lost and did not return with the call."""


class Signs(NamedTuple):
    """Everything that is known about a finished call."""

    ending: Ending
    answered: bool
    connected: bool
    """An agent or an IVR application had the call."""
    verdict: Verdict | None
    """What detection heard; None: the call ended before it decided. Without detection every answer is a PERSON."""
    sip_status: int | None
    """Final SIP status of the call. Range: 300 … 699, None when unknown."""
    q850_cause: int | None
    """Q.850 cause. Range: 0 … 127, None when unknown. 0 says nothing either."""
    congested: bool = False
    """With REJECTED: the server had no free port or trunk."""


class Outcome(NamedTuple):
    """What the signs add up to."""

    call_result: CallResult
    fault: Fault


UNKNOWN_COMBINATION = Outcome(CallResult.UNKNOWN, Fault.OURS)
"""Signs that no row explains: a gap in the tables or a contradiction. Worth a look each time."""

_BUSY = Outcome(CallResult.BUSY, Fault.CALLEE)
_NO_ANSWER = Outcome(CallResult.NO_ANSWER, Fault.CALLEE)
_VACANT = Outcome(CallResult.SIT_VACANT, Fault.CALLEE)
_INTERCEPT = Outcome(CallResult.SIT_INTERCEPT, Fault.CALLEE)
_INVALID = Outcome(CallResult.SIT_INVALID_NUMBER, Fault.CALLEE)
_REDIRECTED = Outcome(CallResult.REDIRECTED, Fault.CALLEE)
_CONGESTED = Outcome(CallResult.ALL_TRUNKS_BUSY, Fault.NODE)
_NODE = Outcome(CallResult.GENERAL_ERROR, Fault.NODE)
_CARRIER = Outcome(CallResult.GENERAL_ERROR, Fault.CARRIER)


def _table(*rows: tuple[tuple[int, ...], Outcome]) -> dict[int, Outcome]:
    """One entry per code."""
    return {code: outcome for codes, outcome in rows for code in codes}


SIP_STATUSES: Mapping[int, Outcome] = _table(
    # The callee is busy, or does not want the call: 603 decline and 607 unwanted end it as surely as 486 does.
    ((486, 600, 603, 607), _BUSY),
    # 487: something beyond the node gave up the ringing; our own ring limit is RING_TIMEOUT.
    ((408, 480, 487), _NO_ANSWER),
    # About the number: not assigned; gone or changed; incomplete or ambiguous.
    ((404, 604), _VACANT),
    ((410,), _INTERCEPT),
    ((484, 485), _INVALID),
    # The call is wanted elsewhere and the node did not follow.
    ((300, 301, 302, 305, 380), _REDIRECTED),
    # The node, or the trunk right behind it, has no room.
    ((503,), _CONGESTED),
    # The node failed (500), or put the call in a way nobody takes: identity, credentials, media, form.
    ((400, 401, 405, 406, 407, 413, 414, 415, 416, 420, 421, 422, 423, 428, 433, 436, 437, 438), _NODE),
    ((481, 482, 483, 488, 491, 493, 494, 500, 501, 505, 513, 606), _NODE),
    # The network beyond does not carry it: policy, money, analytics (608), a server that fails or is silent.
    ((402, 403, 502, 504, 580, 608), _CARRIER),
)
"""What a final SIP status says about an unanswered call. Shape: {status: outcome}."""

Q850_CAUSES: Mapping[int, Outcome] = _table(
    # 17 user busy, 21 call rejected.
    ((17, 21), _BUSY),
    # 18 no user responding, 19 no answer, 20 subscriber absent; 16 and 31 are normal ends, here of a call that rang.
    ((16, 18, 19, 20, 31), _NO_ANSWER),
    # 1 unallocated number.
    ((1,), _VACANT),
    # 22 number changed.
    ((22,), _INTERCEPT),
    # 5 misdialed trunk prefix, 28 invalid number format.
    ((5, 28), _INVALID),
    # 4 send special information tone: the callee cannot be reached for long.
    ((4,), Outcome(CallResult.SIT_DETECTED, Fault.CALLEE)),
    # 23 redirection to a new destination.
    ((23,), _REDIRECTED),
    # 34 no circuit, 42 switch congestion, 44 requested circuit not available, 47 resource unavailable: SIP 503.
    ((34, 42, 44, 47), _CONGESTED),
    # Bearer, service or protocol that the node asked for and nobody offers (65, 79, 88: SIP 488 or 501).
    ((57, 58, 63, 65, 66, 69, 70, 79, 81, 88, 95, 96, 97, 98, 99, 100, 101, 111), _NODE),
    # 2, 3 no route, 25 routing error, 27 destination out of order, 29 facility rejected, 38 network out of order,
    # 41 temporary failure, 50 … 55 not subscribed or barred, 87 closed user group, 102 timer expiry, 127 interworking.
    ((2, 3, 25, 27, 29, 38, 41, 50, 52, 53, 54, 55, 87, 102, 127), _CARRIER),
)
"""What a Q.850 cause says about an unanswered call. Shape: {cause: outcome}. 3 is not taken for a dead number: it is
often a fault in routing, and would finish good records."""

_VAGUE_STATUSES = frozenset({480, 500, 503})
"""Statuses that gateways use for whatever they have no word for."""
_EXACT_CAUSES = frozenset({1, 17, 18, 19, 20, 21, 22, 28})
"""Causes about the callee or the number, which the network states in a Reason header beside a vague status."""


@dataclass(frozen=True, slots=True)
class Row:
    """One case of `RESULTS`. A condition that is None holds for every call."""

    case: str
    outcome: Outcome | None
    """None: the codes say."""
    endings: frozenset[Ending] | None = None
    verdicts: frozenset[Verdict | None] | None = None
    answered: bool | None = None
    connected: bool | None = None
    congested: bool | None = None

    def explains(self, signs: Signs) -> bool:
        """Whether every condition holds for the signs."""
        return (
            (self.endings is None or signs.ending in self.endings)
            and (self.verdicts is None or signs.verdict in self.verdicts)
            and (self.answered is None or signs.answered is self.answered)
            and (self.connected is None or signs.connected is self.connected)
            and (self.congested is None or signs.congested is self.congested)
        )


def _endings(*endings: Ending) -> frozenset[Ending]:
    return frozenset(endings)


def _heard(*verdicts: Verdict | None) -> frozenset[Verdict | None]:
    return frozenset(verdicts)


_PERSON = _heard(Verdict.PERSON, Verdict.UNKNOWN)
_NOTHING = _heard(None)
_TAKEN = frozenset(Ending) - {Ending.REJECTED}

RESULTS: tuple[Row, ...] = (
    # Something was heard that is no person, whoever was given the call all the same: nobody is counted as reached. A
    # verdict needs no answer beside it: tones come before one.
    Row("machine", Outcome(CallResult.ANSWERING_MACHINE, Fault.CALLEE), _TAKEN, _heard(Verdict.MACHINE)),
    Row("fax", Outcome(CallResult.FAX, Fault.CALLEE), _TAKEN, _heard(Verdict.FAX)),
    Row("silence", Outcome(CallResult.SILENCE, Fault.CALLEE), _TAKEN, _heard(Verdict.SILENCE)),
    Row("special tone", Outcome(CallResult.SIT_DETECTED, Fault.CALLEE), _TAKEN, _heard(Verdict.SIT)),
    # A conversation, whatever ended it afterwards.
    Row("connected", Outcome(CallResult.ANSWER, Fault.NONE), connected=True),
    # The dialer's own word that it took the callee for a person.
    Row("dropped", Outcome(CallResult.DROPPED, Fault.OURS), _endings(Ending.DROPPED)),
    # There never was a call.
    Row(
        "refused, no port",
        Outcome(CallResult.NO_FREE_PORT, Fault.NODE),
        _endings(Ending.REJECTED),
        _NOTHING,
        answered=False,
        congested=True,
    ),
    Row(
        "refused",
        Outcome(CallResult.DIAL_ERROR, Fault.NODE),
        _endings(Ending.REJECTED),
        _NOTHING,
        answered=False,
    ),
    Row("refused, yet answered", UNKNOWN_COMBINATION, _endings(Ending.REJECTED)),
    # A person was there and got nobody.
    Row("person hung up", Outcome(CallResult.ABANDONED, Fault.CALLEE), _endings(Ending.RELEASED), _PERSON),
    Row(
        "person on a node that failed",
        Outcome(CallResult.DROPPED, Fault.NODE),
        _endings(Ending.LOST, Ending.NOT_ACCEPTED),
        _PERSON,
    ),
    Row("person, we hung up", Outcome(CallResult.DROPPED, Fault.OURS), None, _PERSON),
    # Nothing was heard.
    Row("rang out", _NO_ANSWER, _endings(Ending.RING_TIMEOUT)),
    Row("not accepted", Outcome(CallResult.SWITCH_ERROR, Fault.NODE), _endings(Ending.NOT_ACCEPTED)),
    Row("node lost", Outcome(CallResult.UNKNOWN, Fault.NODE), _endings(Ending.LOST)),
    Row("stopped", Outcome(CallResult.CLEARED, Fault.OURS), _endings(Ending.STOPPED)),
    Row("verdict that was none", UNKNOWN_COMBINATION, _endings(Ending.VERDICT)),
    Row(
        "left before a verdict",
        Outcome(CallResult.REMOTE_RELEASE, Fault.CALLEE),
        _endings(Ending.RELEASED),
        answered=True,
    ),
    Row("unanswered", None, _endings(Ending.RELEASED)),
)
"""Every case, in order: the first row that explains the signs is it. The last one leaves it to the codes."""


def classify(signs: Signs) -> Outcome:
    """Find the call result and the fault for the signs of a finished call.

    Args:
        signs: everything that is known about the call.

    Returns:
        The outcome of the first row of `RESULTS` that explains the signs. Every combination of signs has one;
        `UNKNOWN_COMBINATION` where the signs contradict each other or are codes in no table.
    """
    ending, answered, connected, verdict, sip_status, q850_cause, congested = signs
    row = _ROWS[ending, verdict, answered, connected, congested]
    if row is None:
        return UNKNOWN_COMBINATION
    return _by_codes(sip_status, q850_cause) if row.outcome is None else row.outcome


_FLAGS = (False, True)
_ROWS: Mapping[tuple[Ending, Verdict | None, bool, bool, bool], Row | None] = {
    (ending, verdict, answered, connected, congested): next(
        (row for row in RESULTS if row.explains(Signs(ending, answered, connected, verdict, None, None, congested))),
        None,
    )
    for ending, verdict, answered, connected, congested in product(Ending, (None, *Verdict), _FLAGS, _FLAGS, _FLAGS)
}
"""The first row of `RESULTS` that explains each combination of signs; None: none does."""


def _by_codes(sip_status: int | None, q850_cause: int | None) -> Outcome:
    """Status first, then cause; a vague status gives way to an exact cause. Source: RFC 3326 (Reason header)."""
    by_cause = None if q850_cause is None else Q850_CAUSES.get(q850_cause)
    if by_cause is not None and sip_status in _VAGUE_STATUSES and q850_cause in _EXACT_CAUSES:
        return by_cause
    by_status = None if sip_status is None else SIP_STATUSES.get(sip_status)
    return by_status or by_cause or UNKNOWN_COMBINATION


def is_unknown_combination(outcome: Outcome) -> bool:
    """Whether no row explained the signs. A call lost with its node is UNKNOWN too, but explained."""
    return outcome == UNKNOWN_COMBINATION


def is_person(verdict: Verdict | None) -> bool:
    """Whether the verdict makes the callee a person: PERSON, and UNKNOWN to be on the safe side."""
    return verdict in _PERSON


def reached_person(call_result: CallResult) -> bool:
    """Whether a person answered: the denominator of overdial and abandon ratios."""
    return call_result in _REACHED


def is_abandoned(call_result: CallResult) -> bool:
    """Whether a person answered and got nobody: the numerator of the overdial ratio."""
    return call_result in _ABANDONED


_REACHED = frozenset({CallResult.ANSWER, CallResult.ABANDONED, CallResult.DROPPED})
_ABANDONED = frozenset({CallResult.ABANDONED, CallResult.DROPPED})
