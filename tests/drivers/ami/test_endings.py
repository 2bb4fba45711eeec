"""How calls end on Asterisk 16 and 22: every measured combination of signs, down to the call result."""

import pytest

from outdial.core.results import CallResult as R
from outdial.core.results import Ending, Fault, Outcome, classify, is_unknown_combination
from outdial.core.results import Signs as CallSigns
from outdial.drivers.ami.endings import Ended, Signs, cause_of, explain, tech_cause_of

# was_up, has_rung, dial_status, cause, tech_cause
CASES = {
    "22: answered, we hang up": ((True, True, "ANSWER", 16, None), Ended(None, 16)),
    "22: answered, callee hangs up": ((True, True, "ANSWER", 0, None), Ended(None, 16)),
    "16: answered, callee hangs up": ((True, True, "ANSWER", 16, None), Ended(None, 16)),
    "22: 486": ((False, False, "BUSY", 17, 486), Ended(486, 17)),
    "16: 486": ((False, False, "BUSY", 17, None), Ended(None, 17)),
    "22: 603": ((False, False, "NOANSWER", 21, 603), Ended(603, 21)),
    "16: 603": ((False, False, "NOANSWER", 21, None), Ended(None, 21)),
    "22: 404": ((False, False, "NOANSWER", 1, 404), Ended(404, 1)),
    "16: 404": ((False, False, "NOANSWER", 1, None), Ended(None, 1)),
    "22: 503": ((False, False, "CONGESTION", 34, 503), Ended(503, 34)),
    "16: 503": ((False, False, "CONGESTION", 34, None), Ended(None, 34)),
    "22: 480 after ringing": ((False, True, "NOANSWER", 19, 480), Ended(480, 19)),
    "22: rang out": ((False, True, "", 19, 480), Ended(480, 19)),
    "16: rang out": ((False, True, "", 0, None), Ended(480, 19)),
    "22: no SIP answer at all": ((False, False, "", 19, 480), Ended(408, 102)),
    "16: no SIP answer at all": ((False, False, "", 0, None), Ended(408, 102)),
    "busy without a cause": ((False, False, "BUSY", 0, None), Ended(486, 17)),
    "congestion without a cause": ((False, False, "CONGESTION", 0, None), Ended(503, 34)),
    "phone without a contact": ((False, False, "CHANUNAVAIL", 0, None), Ended(None, 20)),
    "nothing that anybody knows": ((False, True, "DONTCALL", 0, None), Ended(None, None)),
}

RESULTS = {
    "22: 486": (R.BUSY, Fault.CALLEE),
    "16: 486": (R.BUSY, Fault.CALLEE),
    "22: 603": (R.BUSY, Fault.CALLEE),
    "16: 603": (R.BUSY, Fault.CALLEE),
    "22: 404": (R.SIT_VACANT, Fault.CALLEE),
    "16: 404": (R.SIT_VACANT, Fault.CALLEE),
    "22: 503": (R.ALL_TRUNKS_BUSY, Fault.NODE),
    "16: 503": (R.ALL_TRUNKS_BUSY, Fault.NODE),
    "22: 480 after ringing": (R.NO_ANSWER, Fault.CALLEE),
    "22: rang out": (R.NO_ANSWER, Fault.CALLEE),
    "16: rang out": (R.NO_ANSWER, Fault.CALLEE),
    "22: no SIP answer at all": (R.NO_ANSWER, Fault.CALLEE),
    "16: no SIP answer at all": (R.NO_ANSWER, Fault.CALLEE),
    "nothing that anybody knows": (R.UNKNOWN, Fault.OURS),
}


@pytest.mark.parametrize("case", CASES)
def test_signs_become_codes(case):
    signs, expected = CASES[case]
    assert explain(Signs(*signs)) == expected


@pytest.mark.parametrize("case", RESULTS)
def test_codes_become_the_call_result(case):
    signs, _ = CASES[case]
    ended = explain(Signs(*signs))
    outcome = classify(CallSigns(Ending.RELEASED, False, False, None, ended.sip_status, ended.q850_cause))
    assert outcome == Outcome(*RESULTS[case])


def test_what_nobody_knows_is_counted_as_unknown_and_our_fault():
    assert is_unknown_combination(classify(CallSigns(Ending.RELEASED, False, False, None, None, None)))


@pytest.mark.parametrize(
    ("text", "cause"), [("16", 16), ("0", 0), ("127", 127), ("128", 0), ("", 0), ("-1", 0), ("x", 0), ("٣", 0)]
)
def test_cause_is_read_strictly(text, cause):
    assert cause_of(text) == cause


@pytest.mark.parametrize(("text", "status"), [("486", 486), ("200", None), ("", None), ("700", None), ("48x", None)])
def test_sip_status_is_read_strictly(text, status):
    assert tech_cause_of(text) == status
