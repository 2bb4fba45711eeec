"""Signs of a finished call → call result and fault: one row per case, then what holds for all combinations."""

import itertools
import re
from pathlib import Path

import pytest

from outdial.core.results import (
    Q850_CAUSES,
    RESULTS,
    SIP_STATUSES,
    UNKNOWN_COMBINATION,
    CallResult,
    Ending,
    Fault,
    Outcome,
    Signs,
    Verdict,
    classify,
    is_abandoned,
    is_person,
    is_unknown_combination,
    reached_person,
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "call-results.md"
R, F, E, V = CallResult, Fault, Ending, Verdict


def signs(
    ending: Ending,
    *,
    answered: bool = False,
    connected: bool = False,
    verdict: Verdict | None = None,
    sip: int | None = None,
    q850: int | None = None,
    congested: bool = False,
) -> Signs:
    return Signs(ending, answered, connected, verdict, sip, q850, congested)


def answered(ending: Ending, verdict: Verdict | None = None, **rest) -> Signs:
    return signs(ending, answered=True, verdict=verdict, **rest)


def connected(ending: Ending, verdict: Verdict | None = V.PERSON, **rest) -> Signs:
    return signs(ending, answered=True, connected=True, verdict=verdict, **rest)


# --- one row per case ------------------------------------------------------------------------

CASES = {
    # a conversation, whatever ended it
    "callee ends the conversation": (connected(E.RELEASED, q850=16), R.ANSWER, F.NONE),
    "same, the server names no cause": (connected(E.RELEASED, q850=0), R.ANSWER, F.NONE),
    "we end the conversation": (connected(E.STOPPED), R.ANSWER, F.NONE),
    "node lost during the conversation": (connected(E.LOST), R.ANSWER, F.NONE),
    "conversation without detection": (connected(E.RELEASED, None), R.ANSWER, F.NONE),
    "agent or IVR listens to a machine": (connected(E.RELEASED, V.MACHINE), R.ANSWERING_MACHINE, F.CALLEE),
    "no agent came for a machine": (answered(E.DROPPED, V.MACHINE), R.ANSWERING_MACHINE, F.CALLEE),
    # a person who got nobody
    "no agent came": (answered(E.DROPPED, V.PERSON), R.DROPPED, F.OURS),
    "no agent came, verdict timed out": (answered(E.DROPPED, V.UNKNOWN), R.DROPPED, F.OURS),
    "drop without a verdict": (answered(E.DROPPED), R.DROPPED, F.OURS),
    "person hangs up": (answered(E.RELEASED, V.PERSON, q850=16), R.ABANDONED, F.CALLEE),
    "person hangs up, cause unknown": (answered(E.RELEASED, V.PERSON, q850=0), R.ABANDONED, F.CALLEE),
    "hangs up, verdict timed out": (answered(E.RELEASED, V.UNKNOWN), R.ABANDONED, F.CALLEE),
    "codes after the answer say nothing": (answered(E.RELEASED, V.PERSON, sip=503, q850=41), R.ABANDONED, F.CALLEE),
    "person on a lost node": (answered(E.LOST, V.PERSON), R.DROPPED, F.NODE),
    "person, stopped": (answered(E.STOPPED, V.PERSON), R.DROPPED, F.OURS),
    "person answers as we give up ringing": (answered(E.RING_TIMEOUT, V.PERSON), R.DROPPED, F.OURS),
    "person on a request never accepted": (answered(E.NOT_ACCEPTED, V.PERSON), R.DROPPED, F.NODE),
    "person released for the verdict": (answered(E.VERDICT, V.PERSON), R.DROPPED, F.OURS),
    # something that is no person
    "machine, we release": (answered(E.VERDICT, V.MACHINE), R.ANSWERING_MACHINE, F.CALLEE),
    "machine, far end releases": (answered(E.RELEASED, V.MACHINE, q850=16), R.ANSWERING_MACHINE, F.CALLEE),
    "machine, node lost": (answered(E.LOST, V.MACHINE), R.ANSWERING_MACHINE, F.CALLEE),
    "machine, stopped": (answered(E.STOPPED, V.MACHINE), R.ANSWERING_MACHINE, F.CALLEE),
    "fax": (answered(E.VERDICT, V.FAX), R.FAX, F.CALLEE),
    "silence": (answered(E.VERDICT, V.SILENCE), R.SILENCE, F.CALLEE),
    "tones after the answer": (answered(E.VERDICT, V.SIT), R.SIT_DETECTED, F.CALLEE),
    "tones before the answer": (signs(E.RELEASED, verdict=V.SIT, sip=404), R.SIT_DETECTED, F.CALLEE),
    # answered, nothing heard
    "hangs up before a verdict": (answered(E.RELEASED, q850=16), R.REMOTE_RELEASE, F.CALLEE),
    "hangs up before a verdict, cause 0": (answered(E.RELEASED, q850=0), R.REMOTE_RELEASE, F.CALLEE),
    "stopped before a verdict": (answered(E.STOPPED), R.CLEARED, F.OURS),
    "node lost before a verdict": (answered(E.LOST), R.UNKNOWN, F.NODE),
    "answers as we give up ringing": (answered(E.RING_TIMEOUT), R.NO_ANSWER, F.CALLEE),
    # not answered, by the dialer's own knowledge
    "rang out": (signs(E.RING_TIMEOUT), R.NO_ANSWER, F.CALLEE),
    "rang out, cause 0": (signs(E.RING_TIMEOUT, q850=0), R.NO_ANSWER, F.CALLEE),
    "rang out, server says 480": (signs(E.RING_TIMEOUT, sip=480, q850=19), R.NO_ANSWER, F.CALLEE),
    "refused": (signs(E.REJECTED), R.DIAL_ERROR, F.NODE),
    "refused, no port": (signs(E.REJECTED, congested=True), R.NO_FREE_PORT, F.NODE),
    "request never accepted": (signs(E.NOT_ACCEPTED), R.SWITCH_ERROR, F.NODE),
    "accepted too late": (answered(E.NOT_ACCEPTED), R.SWITCH_ERROR, F.NODE),
    "node lost": (signs(E.LOST), R.UNKNOWN, F.NODE),
    "stopped": (signs(E.STOPPED), R.CLEARED, F.OURS),
    "stopped, server confirms": (signs(E.STOPPED, sip=487, q850=16), R.CLEARED, F.OURS),
    # contradictions
    "refused, yet answered": (answered(E.REJECTED), R.UNKNOWN, F.OURS),
    "refused, yet heard": (signs(E.REJECTED, verdict=V.PERSON), R.UNKNOWN, F.OURS),
    "released for a verdict that was none": (answered(E.VERDICT), R.UNKNOWN, F.OURS),
    # unanswered: status and cause as real servers pair them
    "486 busy": (signs(E.RELEASED, sip=486, q850=17), R.BUSY, F.CALLEE),
    "600 busy everywhere": (signs(E.RELEASED, sip=600, q850=17), R.BUSY, F.CALLEE),
    "603 decline": (signs(E.RELEASED, sip=603, q850=21), R.BUSY, F.CALLEE),
    "607 unwanted": (signs(E.RELEASED, sip=607), R.BUSY, F.CALLEE),
    "408 timeout": (signs(E.RELEASED, sip=408, q850=18), R.NO_ANSWER, F.CALLEE),
    "480 unavailable": (signs(E.RELEASED, sip=480, q850=19), R.NO_ANSWER, F.CALLEE),
    "487 terminated": (signs(E.RELEASED, sip=487, q850=16), R.NO_ANSWER, F.CALLEE),
    "404 not found": (signs(E.RELEASED, sip=404, q850=1), R.SIT_VACANT, F.CALLEE),
    "604 nowhere": (signs(E.RELEASED, sip=604), R.SIT_VACANT, F.CALLEE),
    "410 gone": (signs(E.RELEASED, sip=410, q850=22), R.SIT_INTERCEPT, F.CALLEE),
    "484 incomplete": (signs(E.RELEASED, sip=484, q850=28), R.SIT_INVALID_NUMBER, F.CALLEE),
    "485 ambiguous": (signs(E.RELEASED, sip=485, q850=1), R.SIT_INVALID_NUMBER, F.CALLEE),
    "302 moved": (signs(E.RELEASED, sip=302), R.REDIRECTED, F.CALLEE),
    "503 unavailable": (signs(E.RELEASED, sip=503, q850=34), R.ALL_TRUNKS_BUSY, F.NODE),
    "500 server error": (signs(E.RELEASED, sip=500, q850=38), R.GENERAL_ERROR, F.NODE),
    "501 not implemented": (signs(E.RELEASED, sip=501, q850=29), R.GENERAL_ERROR, F.NODE),
    "401 credentials": (signs(E.RELEASED, sip=401, q850=21), R.GENERAL_ERROR, F.NODE),
    "488 media": (signs(E.RELEASED, sip=488, q850=58), R.GENERAL_ERROR, F.NODE),
    "502 bad gateway": (signs(E.RELEASED, sip=502, q850=27), R.GENERAL_ERROR, F.CARRIER),
    "504 gateway timeout": (signs(E.RELEASED, sip=504, q850=102), R.GENERAL_ERROR, F.CARRIER),
    "403 forbidden": (signs(E.RELEASED, sip=403, q850=21), R.GENERAL_ERROR, F.CARRIER),
    "608 rejected by analytics": (signs(E.RELEASED, sip=608), R.GENERAL_ERROR, F.CARRIER),
    # unanswered: a vague status beside an exact cause
    "480 with busy": (signs(E.RELEASED, sip=480, q850=17), R.BUSY, F.CALLEE),
    "500 with unallocated": (signs(E.RELEASED, sip=500, q850=1), R.SIT_VACANT, F.CALLEE),
    "503 with number changed": (signs(E.RELEASED, sip=503, q850=22), R.SIT_INTERCEPT, F.CALLEE),
    "503 with a vague cause": (signs(E.RELEASED, sip=503, q850=31), R.ALL_TRUNKS_BUSY, F.NODE),
    "an exact status beats the cause": (signs(E.RELEASED, sip=486, q850=19), R.BUSY, F.CALLEE),
    # unanswered: the cause alone
    "cause 17": (signs(E.RELEASED, q850=17), R.BUSY, F.CALLEE),
    "cause 21": (signs(E.RELEASED, q850=21), R.BUSY, F.CALLEE),
    "cause 16": (signs(E.RELEASED, q850=16), R.NO_ANSWER, F.CALLEE),
    "cause 18": (signs(E.RELEASED, q850=18), R.NO_ANSWER, F.CALLEE),
    "cause 19": (signs(E.RELEASED, q850=19), R.NO_ANSWER, F.CALLEE),
    "cause 20": (signs(E.RELEASED, q850=20), R.NO_ANSWER, F.CALLEE),
    "cause 31": (signs(E.RELEASED, q850=31), R.NO_ANSWER, F.CALLEE),
    "cause 1": (signs(E.RELEASED, q850=1), R.SIT_VACANT, F.CALLEE),
    "cause 22": (signs(E.RELEASED, q850=22), R.SIT_INTERCEPT, F.CALLEE),
    "cause 28": (signs(E.RELEASED, q850=28), R.SIT_INVALID_NUMBER, F.CALLEE),
    "cause 4": (signs(E.RELEASED, q850=4), R.SIT_DETECTED, F.CALLEE),
    "cause 23": (signs(E.RELEASED, q850=23), R.REDIRECTED, F.CALLEE),
    "cause 34": (signs(E.RELEASED, q850=34), R.ALL_TRUNKS_BUSY, F.NODE),
    "cause 42": (signs(E.RELEASED, q850=42), R.ALL_TRUNKS_BUSY, F.NODE),
    "cause 44": (signs(E.RELEASED, q850=44), R.ALL_TRUNKS_BUSY, F.NODE),
    "cause 3": (signs(E.RELEASED, q850=3), R.GENERAL_ERROR, F.CARRIER),
    "cause 27": (signs(E.RELEASED, q850=27), R.GENERAL_ERROR, F.CARRIER),
    "cause 38": (signs(E.RELEASED, q850=38), R.GENERAL_ERROR, F.CARRIER),
    "cause 41": (signs(E.RELEASED, q850=41), R.GENERAL_ERROR, F.CARRIER),
    "cause 127": (signs(E.RELEASED, q850=127), R.GENERAL_ERROR, F.CARRIER),
    "cause 111": (signs(E.RELEASED, q850=111), R.GENERAL_ERROR, F.NODE),
    "status in no table, cause known": (signs(E.RELEASED, sip=699, q850=17), R.BUSY, F.CALLEE),
    # unanswered: nothing known
    "no code at all": (signs(E.RELEASED), R.UNKNOWN, F.OURS),
    "cause 0": (signs(E.RELEASED, q850=0), R.UNKNOWN, F.OURS),
    "codes in no table": (signs(E.RELEASED, sip=499, q850=126), R.UNKNOWN, F.OURS),
}


@pytest.mark.parametrize("case", CASES)
def test_signs_give_result_and_fault(case):
    given, call_result, fault = CASES[case]
    assert Outcome(call_result, fault) == classify(given)


# --- all combinations ------------------------------------------------------------------------


def all_signs() -> list[Signs]:
    codes = [(None, None), (None, 0), (486, 17), (503, 34), (480, 17), (499, 126)]
    flags = [False, True]
    product = itertools.product(Ending, flags, flags, [None, *Verdict], codes, flags)
    return [
        Signs(ending, a, c, verdict, sip, q850, congested) for ending, a, c, verdict, (sip, q850), congested in product
    ]


ALL_SIGNS = all_signs()


def test_every_combination_is_explained_by_a_row():
    assert [given for given in ALL_SIGNS if not any(row.explains(given) for row in RESULTS)] == []


def test_no_row_is_hidden_behind_the_rows_before_it():
    first = {next(row.case for row in RESULTS if row.explains(given)) for given in ALL_SIGNS}
    assert [row.case for row in RESULTS if row.case not in first] == []


def test_every_row_has_its_own_name():
    assert len({row.case for row in RESULTS}) == len(RESULTS)


def is_no_person(given: Signs) -> bool:
    """Something else was heard on a call that the server took: whoever was given it, nobody was reached."""
    return given.verdict not in (None, V.PERSON, V.UNKNOWN) and given.ending is not E.REJECTED


def test_a_person_is_counted_whichever_way_the_call_ended():
    for given in ALL_SIGNS:
        outcome = classify(given)
        somebody = is_person(given.verdict) and given.ending is not E.REJECTED
        expected = given.connected or somebody or given.ending is E.DROPPED
        assert reached_person(outcome.call_result) == (expected and not is_no_person(given)), given


def test_a_person_who_got_nobody_is_abandoned():
    for given in ALL_SIGNS:
        call_result = classify(given).call_result
        assert is_abandoned(call_result) == (reached_person(call_result) and not given.connected), given


def test_fault_is_none_for_conversations_only():
    for given in ALL_SIGNS:
        assert (classify(given).fault is F.NONE) == (given.connected and not is_no_person(given)), given


def test_unknown_combination_is_told_from_a_lost_node():
    assert is_unknown_combination(classify(signs(E.RELEASED)))
    assert not is_unknown_combination(classify(signs(E.LOST)))
    assert UNKNOWN_COMBINATION == Outcome(R.UNKNOWN, F.OURS)


def test_only_contradictions_and_unknown_codes_are_unknown_combinations():
    for given in ALL_SIGNS:
        if is_unknown_combination(classify(given)):
            silent = given.ending is E.RELEASED and not given.answered and given.sip_status in (None, 499)
            assert silent or given.ending in (E.REJECTED, E.VERDICT), given


@pytest.mark.parametrize(
    "verdict, expected",
    [(None, False), (V.PERSON, True), (V.UNKNOWN, True), *((v, False) for v in (V.MACHINE, V.FAX, V.SILENCE, V.SIT))],
)
def test_who_is_a_person(verdict, expected):
    assert expected == is_person(verdict)


def test_code_tables_stay_in_range():
    assert all(300 <= status <= 699 for status in SIP_STATUSES)
    assert all(1 <= cause <= 127 for cause in Q850_CAUSES)


def test_a_busy_callee_never_blames_a_node():
    for outcome in [*SIP_STATUSES.values(), *Q850_CAUSES.values()]:
        assert (outcome.fault is F.CALLEE) == (outcome.call_result not in (R.GENERAL_ERROR, R.ALL_TRUNKS_BUSY))


# --- the page --------------------------------------------------------------------------------


def table_rows(heading: str) -> list[list[str]]:
    """Cells of the first table below a heading of the page, without its head."""
    section = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    [text] = [part for part in section if part.startswith(heading + "\n")]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_page_lists_every_result_with_its_number():
    rows = table_rows("Results that outdial sets") + table_rows("Results that outdial does not set")
    assert sorted((int(row[0]), row[1]) for row in rows) == [(int(result), result.name) for result in CallResult]


def test_page_says_who_is_counted():
    for number, name, *_, person, abandoned in table_rows("Results that outdial sets"):
        expected = (reached_person(R(int(number))), is_abandoned(R(int(number))))
        assert expected == (person == "yes", abandoned == "yes"), name


def test_page_names_every_fault_a_result_can_have():
    possible: dict[CallResult, set[Fault]] = {}
    for outcome in [*map(classify, ALL_SIGNS), *SIP_STATUSES.values(), *Q850_CAUSES.values()]:
        possible.setdefault(outcome.call_result, set()).add(outcome.fault)
    listed = {R(int(row[0])): set(row[3].split(", ")) for row in table_rows("Results that outdial sets")}
    undialed = {R.DO_NOT_CALL: {"-"}, R.CANCEL_RECORD: {"-"}}
    assert {result: {str(fault) for fault in faults} for result, faults in possible.items()} | undialed == listed


@pytest.mark.parametrize("heading, table", [("SIP statuses", SIP_STATUSES), ("Q.850 causes", Q850_CAUSES)])
def test_page_lists_every_code(heading, table):
    listed = {
        int(code): Outcome(R[name], F(fault))
        for codes, name, fault, _ in table_rows(heading)
        for code in codes.split(", ")
    }
    assert dict(table) == listed
