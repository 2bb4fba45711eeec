"""Calling lists as Parquet files: the same columns and the same checks as CSV."""

import csv
import datetime
import decimal
import io
import os
import re
import sys
from pathlib import Path

import pytest

from outdial.calling_list_files import CallingListFile
from outdial.config.zones import load_zone
from outdial.core.errors import ConfigError
from outdial.core.settings import CallingList
from outdial.present_records import Present

try:
    import pyarrow
    from pyarrow import parquet
except ModuleNotFoundError:
    if os.environ.get("CI"):
        raise
    pytest.skip("pyarrow is not installed", allow_module_level=True)

CUSTOMERS = CallingList(3, "customers", load_zone("UTC"))


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "list.parquet"


def write(path: Path, columns: dict) -> None:
    parquet.write_table(pyarrow.table(columns), path)


def read(path: Path, **options) -> CallingListFile:
    file = CallingListFile(path, CUSTOMERS, **options)
    file.records = list(file)
    return file


def test_values_are_what_a_csv_file_would_have(path):
    noon = datetime.time(12)
    write(
        path,
        {
            "Phone Number": ["+1 555 0100", "5550101"],
            "record_id": pyarrow.array([7, 8], pyarrow.int32()),
            "chain_id": [5.0, None],
            "daily_from": pyarrow.array([noon, None], pyarrow.time32("s")),
            "tz": pyarrow.array(["Europe/Berlin", None]).dictionary_encode(),
            "born": [datetime.date(1970, 2, 1), None],
            "balance": [decimal.Decimal("12.50"), decimal.Decimal("13.00")],
        },
    )
    one, other = read(path).records
    assert (one.record.number, one.record.record_id, one.record.chain_id) == ("+15550100", 200_000_007, 5)
    assert (one.record.daily_from_s, one.record.zone.name) == (43_200, "Europe/Berlin")
    assert one.custom == (("born", "1970-02-01"), ("balance", "12.50"))
    assert (other.record.number, other.record.chain_id, other.custom) == ("5550101", 0, (("balance", "13"),))


def test_numbers_that_were_written_as_numbers(path):
    write(path, {"phone": [15550100.0, None, float("nan"), 15550102.5, 15550103]})
    file = read(path)
    assert [one.record.number for one in file.records] == ["15550100", "15550103"]
    assert file.counts.examples[1] == "line 4: phone 15550102.5 is not a whole number"


def test_csv_and_parquet_say_the_same(path):
    rows = [
        {"phone": "5550100", "chain_n": "", "tz": "", "name": "Ann"},
        {"phone": "x", "chain_n": "", "tz": "", "name": "Bob"},
        {"phone": "5550100", "chain_n": "", "tz": "", "name": "Cy"},
        {"phone": "5550101", "chain_n": "-1", "tz": "", "name": "Di"},
        {"phone": "5550102", "chain_n": "", "tz": "Mars/Base", "name": "Ed"},
        {"phone": "5550103", "chain_n": "", "tz": "", "name": "F\x07"},
        {"phone": "5550104", "chain_n": "", "tz": "", "name": "G" * 5_000},
        {"phone": "5550105", "chain_n": "", "tz": "Europe/Riga", "name": "H, jr."},
    ]
    write(path, {name: [row[name] for row in rows] for name in rows[0]})
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    beside = path.with_suffix(".csv")
    beside.write_text(text.getvalue())
    one, other = read(path), read(beside)
    assert one.records == other.records
    assert one.counts.reasons == other.counts.reasons and one.counts.reasons.total() == 6
    assert [text.partition(": ")[2] for text in one.counts.examples] == [
        text.partition(": ")[2] for text in other.counts.examples
    ]
    rejects = Path(f"{path}.rejects.csv").read_text().splitlines()
    assert rejects[1] == '2,"phone ""x"" is not a number; allowed: ' + rejects[1].partition("allowed: ")[2]


def test_a_file_of_many_batches_goes_on_where_it_was_cut_off(path):
    write(path, {"phone": [str(5_000_000 + n) for n in range(5_000)]})
    whole = read(path)
    assert len(whole.records) == 5_000
    file = CallingListFile(path, CUSTOMERS)
    present = Present()
    for one in whole.records[:4_100]:
        present.add(one.record.record_id, one.record.number, 0, 0)
    file.go_on(present, 4_100, 4_100)
    rest = list(file)
    assert [one.record for one in rest] == [one.record for one in whole.records[4_100:]]


def test_how_far_it_has_been_read(path):
    write(path, {"phone": [str(5_000_000 + n) for n in range(5_000)]})
    file = CallingListFile(path, CUSTOMERS)
    records = iter(file)
    assert file.bytes_read == 0
    for _ in range(2_500):
        next(records)
    assert path.stat().st_size // 3 < file.bytes_read < path.stat().st_size


@pytest.mark.parametrize(
    "columns, wrong",
    [
        ({"telephone": ["1"]}, "the header names no column phone"),
        ({"phone": [["1", "2"]]}, "columns hold more than one value each: phone"),
        ({"phone": [True]}, "phone is bool; allowed: text, a number, a date or a time of day"),
        ({"phone": [b"\xff\xfe"]}, "phone: byte 0xff is not UTF-8"),
        ({"phone": [1e300]}, "is not a whole number"),
        ({"phone": pyarrow.array([], pyarrow.string())}, "no record to dial in 0 lines"),
    ],
)
def test_what_cannot_be_read(path, columns, wrong):
    write(path, columns)
    with pytest.raises(ConfigError, match=re.escape(wrong)):
        read(path)


@pytest.mark.parametrize("cut", [4, 100, -30])
def test_a_damaged_file_is_named(path, cut):
    write(path, {"phone": [str(5_000_000 + n) for n in range(50)]})
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(ConfigError, match=r"list\.parquet: is no Parquet file: "):
        read(path)


def test_a_damaged_page_is_named(path):
    write(path, {"phone": [str(5_000_000 + n) for n in range(50_000)]})
    content = bytearray(path.read_bytes())
    content[200:4_000] = bytes(3_800)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"list\.parquet: row 1 or later is damaged: "):
        read(path)


def test_without_pyarrow_it_is_said_what_is_missing(path, monkeypatch):
    write(path, {"phone": ["5550100"]})
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"Parquet files need pyarrow: pip install \"outdial\[parquet\]\""):
        read(path)
