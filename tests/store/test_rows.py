"""Rows of the tables and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.config.zones import load_zone
from outdial.core.records import Record
from outdial.core.results import CallResult
from outdial.sim.lists import RecordStatus
from outdial.store import attempt_rows, disposition_rows, do_not_call, fates, ledger_rows, rows, schema
from outdial.store.interface import StoreError


@given(st.lists(st.tuples(st.sampled_from(CallResult), st.integers(1, 99))).map(tuple))
def test_a_history_survives(history):
    assert rows.history_of(rows.history_text(history)) == history


def test_a_history_is_short_text():
    assert rows.history_text(((CallResult.NO_ANSWER, 2), (CallResult.BUSY, 1))) == "[[7,2],[6,1]]"
    assert rows.history_text(()) is None
    assert rows.history_of(None) == ()


def test_a_record_in_a_zone_that_does_not_exist_is_not_dialed_at_random():
    row = (3, 1, "5550100", 0, 0, None, None, "Europe/Atlantis", 0, None, None, 2, 0, None, None, None, None, None)
    with pytest.raises(StoreError, match='record 3: there is no time zone "Europe/Atlantis"'):
        rows.record_of(row, {})


def test_chains_come_together_in_the_order_of_their_heads():
    head_b, head_a = _row(5, chain=(2, 0)), _row(1, chain=(1, 0))
    rest = [_row(7, chain=(2, 9)), _row(3, chain=(1, 2)), _row(6, chain=(2, 4)), _row(2, chain=(1, 1))]
    single = _row(9)
    found = rows.chains_of(rows.with_rest([head_b, single, head_a], rest), {})
    assert [[record.record_id for record in chain.records] for chain in found] == [[5, 6, 7], [9], [1, 2, 3]]
    assert found[1].records == (Record(9, 1, "5550009", zone=load_zone("Europe/Riga")),)


def test_a_record_never_dialed_has_no_result():
    row = (1, 1, "5550100", 0, 0, 1, 0, 28, None, None)
    assert rows.fate_of(row).call_result is None
    assert rows.fate_of((*row[:6], 1, *row[7:])).call_result is CallResult.UNKNOWN
    assert rows.fate_of(row).status is RecordStatus.READY


@pytest.mark.parametrize(
    "names, table",
    [
        (rows.RECORD_COLUMNS, schema.RECORDS),
        (rows.NEW_RECORD_COLUMNS, schema.RECORDS),
        (rows.FATE_COLUMNS, schema.RECORDS),
        (fates.HELD_COLUMNS, schema.RECORDS),
        (attempt_rows.OPEN_ATTEMPT_COLUMNS, schema.OPEN_ATTEMPTS),
        (attempt_rows.ATTEMPT_COLUMNS, schema.ATTEMPTS),
        (disposition_rows.DISPOSITION_COLUMNS, schema.DISPOSITIONS),
        (rows.IMPORT_COLUMNS, schema.IMPORTS),
        (do_not_call.FORBIDDEN_COLUMNS, schema.DO_NOT_CALL),
        (do_not_call.ADDED_COLUMNS, schema.DO_NOT_CALL),
        (ledger_rows.LEDGER_COLUMNS, schema.ABANDONMENT),
    ],
)
def test_names_are_those_of_the_tables(names, table):
    columns = table.columns.keys()
    assert set(names) <= set(columns)
    assert table in (schema.RECORDS, schema.DO_NOT_CALL) or list(names) == columns


def _row(record_id, chain=(0, 0)):
    return (
        record_id,
        1,
        f"555{record_id:04}",
        *chain,
        None,
        None,
        "Europe/Riga",
        0,
        None,
        None,
        2,
        0,
        None,
        None,
        None,
        None,
        None,
    )
