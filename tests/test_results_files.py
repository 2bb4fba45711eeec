"""CSV files that a spreadsheet reads as data and nothing else."""

import csv

import pytest

from outdial.core.commands import Disposition, SettleAttempt
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import Agent, Configuration, Ocs, TreatmentAction
from outdial.names import Names
from outdial.results_files import ATTEMPT_COLUMNS, CsvFile, ResultsError, attempt_row, make_folder, safe_cell, utc_text

NAMES = Names(Configuration(ocs=Ocs(connections=()), agents=(Agent(5, "=ann", "100"),)))
ATTEMPT = SettleAttempt(
    call_id=4,
    group_id=7,
    node_id=1,
    list_id=2,
    record_id=9,
    number="+4930123",
    mode=DialingMode.PREDICTIVE,
    call_result=CallResult.ANSWERING_MACHINE,
    fault=Fault.CALLEE,
    verdict=Verdict.MACHINE,
    sip_status=None,
    q850_cause=16,
    agent_id=5,
    attempt_n=1,
    dialed_utc_ms=1_700_000_000_045,
    ring_ms=5_000,
    wait_ms=0,
    talk_ms=0,
    disposition=Disposition(TreatmentAction.RETRY_IN, 1_700_000_600_000),
)


@pytest.mark.parametrize(
    "value, cell",
    [
        ("=1+1", "'=1+1"),
        ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"),
        ("\r=1", "'\r=1"),
        ("+4930123", "+4930123"),
        ("+", "'+"),
        ("+49 30", "'+49 30"),
        ("O'Hara, Ann", "O'Hara, Ann"),
        (-5, "-5"),
        (None, ""),
    ],
)
def test_no_cell_is_a_formula(value, cell):
    assert safe_cell(value) == cell


def test_an_attempt_is_one_row_with_names(tmp_path):
    with CsvFile(tmp_path / "attempts.csv", ATTEMPT_COLUMNS) as file:
        file.add(attempt_row(ATTEMPT, NAMES))
        assert file.rows == 1
    with open(tmp_path / "attempts.csv", newline="", encoding="utf-8") as read:
        [row] = csv.DictReader(read)
    assert row == {
        "call_id": "4",
        "dialed_utc": "2023-11-14T22:13:20.045Z",
        "group": "group 7",
        "list": "list 2",
        "record_id": "9",
        "number": "+4930123",
        "attempt_n": "1",
        "dialing_mode": "predictive",
        "node": "node 1",
        "call_result": "answering_machine",
        "fault": "callee",
        "verdict": "machine",
        "sip_status": "",
        "q850_cause": "16",
        "agent": "'=ann",
        "ring_ms": "5000",
        "wait_ms": "0",
        "talk_ms": "0",
        "disposition": "retry-in",
        "not_before_utc": "2023-11-14T22:23:20.000Z",
    }


def test_no_instant_is_an_empty_cell():
    assert utc_text(0) == ""


def test_places_that_cannot_be_written_are_operating_errors(tmp_path):
    with pytest.raises(ResultsError, match="cannot be created: No such file"):
        CsvFile(tmp_path / "missing" / "x.csv", ["a"])
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match="cannot be made"):
        make_folder(tmp_path / "file")
    assert make_folder(tmp_path / "a" / "b").is_dir()
