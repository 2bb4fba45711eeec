"""CSV calling lists: what is taken, what is rejected and why, and what stops the whole file."""

import contextlib
import csv
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial import calling_list_files, calling_lists, csv_lines
from outdial.calling_list_files import CallingListFile, read_records
from outdial.calling_lists import ListedRecord, chains_of
from outdial.config.zones import load_zone
from outdial.core.errors import ConfigError
from outdial.core.records import Chain, Record
from outdial.core.settings import CallingList
from outdial.present_records import Present

UTC = load_zone("UTC")
assert UTC is not None
CUSTOMERS = CallingList(1, "customers", UTC)


@pytest.fixture
def listed(tmp_path):
    """Write a file and read it: (records with their custom data, counts)."""

    def read(text: str | bytes, calling_list: CallingList = CUSTOMERS):
        path = tmp_path / "list.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        file = CallingListFile(path, calling_list)
        return list(file), file.counts

    return read


@pytest.fixture
def rejected(listed):
    """The reasons for which the lines of a file are rejected; a good line is added."""

    def read(header: str, *lines: str) -> list[str]:
        good = ",".join({"phone": "+19999999", "record_id": "99"}.get(name, "") for name in header.split(","))
        _, counts = listed("\n".join([header, *lines, good]) + "\n")
        return counts.examples

    return read


# --- what is taken ----------------------------------------------------------------------------------------------


def test_phone_alone_is_enough(listed):
    records, counts = listed("phone\n+1 555 0100\n5550101\n")
    assert records == [ListedRecord(Record(1, 1, "+15550100"), ()), ListedRecord(Record(2, 1, "5550101"), ())]
    assert (counts.rows, counts.loaded, counts.chains, counts.rejected, counts.rejects_file) == (2, 2, 2, 0, None)


@pytest.mark.parametrize(
    "text, number",
    [
        ("+1 (212) 555-0100", "+12125550100"),
        ("020 7946 0000", "02079460000"),
        ("0.30.23125.000", "03023125000"),
        ("112", "112"),
        ("+" + "9" * 20, "+" + "9" * 20),
        ("+44\u00a07700\u00a0900123", "+447700900123"),
    ],
)
def test_numbers_are_normalised(listed, text, number):
    records, _ = listed(f"phone\n{text}\n")
    assert records[0].record.number == number


def test_all_columns(listed):
    [entry], _ = listed(
        "Phone,Record_ID,chain_id,chain_n,daily_from,daily_till,tz,Name,name2\n"
        "5550100,17,4,2,09:00,61200,Europe/Berlin,Ada,\n",
        CallingList(3, "third", UTC),
    )
    berlin = load_zone("Europe/Berlin")
    assert entry.record == Record(200_000_017, 3, "5550100", 4, 2, 32_400, 61_200, berlin)
    assert entry.custom == (("Name", "Ada"),)


def test_vendors_column_names(listed):
    [entry], _ = listed("contact_info;time_zone;contact_info_type\n5550100;UTC;1\n")
    assert (entry.record.number, entry.record.zone, entry.custom) == ("5550100", UTC, (("contact_info_type", "1"),))


def test_byte_order_mark_semicolons_and_windows_line_ends(listed):
    records, _ = listed(b"\xef\xbb\xbfname;phone\r\nZo\xc3\xab;5550100\r\n")
    assert [(entry.record.number, entry.custom) for entry in records] == [("5550100", (("name", "Zoë"),))]


def test_quoted_fields(listed):
    [entry], _ = listed('phone,note\n"555,0100","says ""hi"", often"\n'.replace("555,0100", "5550100"))
    assert entry.custom == (("note", 'says "hi", often'),)


def test_blank_lines_are_nothing(listed):
    records, counts = listed("\n\nphone,name\n\n5550100,a\n , \n,\n")
    assert (len(records), counts.rows, counts.rejected) == (1, 1, 0)


def test_record_numbers_are_those_of_the_place_when_the_file_has_none(listed):
    records, _ = listed("phone\nnobody\n5550100\n5550101\n", CallingList(2, "second", UTC))
    assert [entry.record.record_id for entry in records] == [100_000_002, 100_000_003]


def test_chains_in_order_of_appearance_or_by_number(listed):
    records, counts = listed("phone,chain_id,chain_n\n5550100,7,\n5550101,,\n5550102,7,\n5550103,8,5\n5550104,8,1\n")
    assert [(e.record.chain_id, e.record.chain_n) for e in records] == [(7, 0), (0, 0), (7, 1), (8, 5), (8, 1)]
    assert counts.chains == 3
    numbers = [[record.number for record in chain.records] for chain in chains_of([e.record for e in records])]
    assert numbers == [["5550100", "5550102"], ["5550101"], ["5550104", "5550103"]]


def test_chain_of_one_record():
    record = Record(1, 1, "5550100")
    assert chains_of([record]) == (Chain((record,)),)


def test_reading_twice_gives_the_same_records(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("phone\n5550100\nbad\n")
    assert read_records(path, CUSTOMERS)[0] == read_records(path, CUSTOMERS)[0]


# --- what is rejected -------------------------------------------------------------------------------------------

NUMBER = "3 … 20 digits, optionally a leading +; blanks, dashes, parentheses and dots are dropped"


@pytest.mark.parametrize(
    "header, line, reason",
    [
        ("phone", "nobody", f'phone "nobody" is not a number; allowed: {NUMBER}'),
        ("phone", "12", f'phone "12" is not a number; allowed: {NUMBER}'),
        ("phone", "9" * 21, f'phone "{"9" * 21}" is not a number; allowed: {NUMBER}'),
        ("phone", "1+555", f'phone "1+555" is not a number; allowed: {NUMBER}'),
        ("phone", "٣٣٣٣", f'phone "٣٣٣٣" is not a number; allowed: {NUMBER}'),
        ("phone,name", ",Ada", f'phone "" is not a number; allowed: {NUMBER}'),
        ("phone,name", "5550100", "1 fields, but the header names 2"),
        ("phone,name", "5550100,a,b", "3 fields, but the header names 2"),
        ("phone,name", '5550100,"a', "quotes do not match: unexpected end of data"),
        ("phone,name", "5550100,\x01", "holds a control character"),
        ("phone,name", "5550100," + "x" * 5_000, "a field is longer than 4,096 characters"),
        ("phone,record_id", "5550100,0", 'record_id "0": allowed: a whole number 1 … 100,000,000'),
        ("phone,record_id", "5550100,x1", 'record_id "x1": allowed: a whole number 1 … 100,000,000'),
        ("phone,record_id", "5550100,", "record_id is empty, and the file has such a column"),
        ("phone,chain_id", "5550100,-1", 'chain_id "-1": allowed: a whole number 0 … 9,007,199,254,740,991'),
        ("phone,chain_n", "5550100,1.5", 'chain_n "1.5": allowed: a whole number 0 … 1,000,000'),
        (
            "phone,daily_from",
            "5550100,9",
            None,
        ),
        (
            "phone,daily_from",
            "5550100,9 am",
            'daily_from "9 am": allowed: "HH:MM" or seconds since midnight 0 … 86,400',
        ),
        (
            "phone,daily_till",
            "5550100,24:01",
            'daily_till "24:01": allowed: "HH:MM" or seconds since midnight 0 … 86,400',
        ),
        (
            "phone,daily_from,daily_till",
            "5550100,09:00,32400",
            "daily_from and daily_till are the same: it could never be dialed",
        ),
        (
            "phone,daily_till",
            "5550100,00:00",
            "daily_from and daily_till are the same: it could never be dialed",
        ),
        ("phone,tz", "5550100,Mars/Olympus", 'there is no time zone "Mars/Olympus"; allowed: an IANA name'),
        ("phone,record_type", "5550100,7", "record type 7 (No Call)"),
    ],
)
def test_line_that_is_rejected(rejected, header, line, reason):
    assert rejected(header, line) == ([] if reason is None else [f"line 2: {reason}"])


def test_line_that_is_not_utf8(listed):
    _, counts = listed(b"phone,name\n5550100,\xff\n5550101,a\n")
    assert counts.examples == ["line 2: byte 0xff is not UTF-8"]


def test_line_that_is_too_long(listed, monkeypatch):
    for module in (calling_list_files, csv_lines):
        monkeypatch.setattr(module, "LINE_BYTES_MAX", 50)
    records, counts = listed("phone,name\n5550100," + "x" * 200 + "\n5550101,a\n")
    assert (len(records), counts.examples) == (1, ["line 2: longer than 50 bytes"])


def test_duplicates_within_the_list(rejected):
    assert rejected("phone", "+1 555-0100", "+15550100", "15550100") == ["line 3: +15550100 is in the list already"]
    assert rejected("phone,record_id", "5550100,3", "5550101,3") == ["line 3: record_id 3 is in the list already"]
    assert rejected("phone,chain_id,chain_n", "5550100,1,1", "5550101,1,1") == [
        "line 3: chain 1 has a record with chain_n 1 already"
    ]


def test_rejected_line_takes_nothing_with_it(rejected):
    """A number in a rejected line is free for a good one."""
    assert len(rejected("phone,tz", "5550100,Mars", "5550100,UTC")) == 1


def test_rejects_file_has_line_reason_and_text(tmp_path, listed):
    _, counts = listed('phone,name\n5550100,ok\nnobody,"Ada, B"\n5550101\n')
    assert counts.rejects_file == tmp_path / "list.csv.rejects.csv"
    with (tmp_path / "list.csv.rejects.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert rows == [
        ["line", "reason", "raw"],
        ["3", f'phone "nobody" is not a number; allowed: {NUMBER}', 'nobody,"Ada, B"'],
        ["4", "1 fields, but the header names 2", "5550101"],
    ]
    assert dict(counts.reasons) == {"not a number": 1, "columns": 1}


def test_old_rejects_file_goes_when_nothing_is_rejected(tmp_path, listed):
    listed("phone\nnobody\n5550100\n")
    assert (tmp_path / "list.csv.rejects.csv").exists()
    listed("phone\n5550100\n")
    assert not (tmp_path / "list.csv.rejects.csv").exists()


def test_rejects_are_counted_when_their_file_cannot_be_written(tmp_path, listed):
    (tmp_path / "list.csv.rejects.csv").mkdir()
    records, counts = listed("phone\nnobody\n5550100\n")
    assert (len(records), counts.rejected, counts.rejects_file) == (1, 1, None)


def test_nothing_is_written_when_not_wanted(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("phone\nnobody\n5550100\n")
    _, counts = read_records(path, CUSTOMERS, rejects=False)
    assert (counts.rejected, sorted(tmp_path.iterdir())) == (1, [path])


# --- what stops the file ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content, mistake",
    [
        (b"", "the file is empty"),
        (b"\n \n", "the file is empty"),
        (b"phone\n", "no record to dial in 0 lines"),
        (b"phone\nx\n", f'no record to dial in 1 lines; line 2: phone "x" is not a number; allowed: {NUMBER}'),
        (b"name\nAda\n", "line 1: the header names no column phone (or contact_info)"),
        (b"phnoe\n5550100\n", 'line 1: the header names no column phone (or contact_info); did you mean "phone"?'),
        (b"phone,contact_info\n1,2\n", "line 1: two columns are called phone"),
        (
            b"phone,tz_dbid\n1,2\n",
            "line 1: column tz_dbid: numbers of time zones mean nothing here; name them in a column tz",
        ),
        (b"\xff\xfep\0h\0", "the file is UTF-16; save it as CSV UTF-8"),
        (b"ph\xffone\n1\n", "line 1: the header: byte 0xff is not UTF-8"),
        (b"phone" + b",x" * 200 + b"\n", "line 1: two columns are called x"),
    ],
)
def test_file_that_cannot_be_used(listed, tmp_path, content, mistake):
    with pytest.raises(ConfigError) as caught:
        listed(content)
    assert caught.value.mistakes == [f"{tmp_path / 'list.csv'}: {mistake}"]


def test_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        read_records(tmp_path / "no.csv", CUSTOMERS)


def test_file_with_too_many_records(listed, monkeypatch):
    monkeypatch.setattr(calling_list_files, "ROWS_MAX", 2)
    with pytest.raises(ConfigError, match="more than 2 records; split the list"):
        listed("phone\n5550100\n5550101\n5550102\n")


@given(st.binary(max_size=300) | st.text(alphabet='phone,;"\n\r 0123456789+tz', max_size=300).map(str.encode))
def test_any_bytes(content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list.csv")
        path.write_bytes(content)
        file = CallingListFile(path, CUSTOMERS)
        with contextlib.suppress(ConfigError):
            assert len(list(file)) == file.counts.loaded > 0
        assert file.counts.loaded + file.counts.rejected == file.counts.rows


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_lines_after_a_good_header(lines):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list.csv")
        path.write_bytes(
            b"phone,record_id,chain_id,chain_n,daily_from,daily_till,tz,x\n+15550100,1,,,,,,\n" + b"\n".join(lines)
        )
        file = CallingListFile(path, CUSTOMERS)
        records = [entry.record for entry in file]
        assert (
            len({record.record_id for record in records}) == len({record.number for record in records}) == len(records)
        )
        assert file.counts.loaded + file.counts.rejected == file.counts.rows


@pytest.mark.parametrize("by_number, expected", [(False, []), (True, ["America/Boise", "America/Los_Angeles"])])
def test_records_in_memory_get_the_zones_of_their_numbers_when_the_list_says_so(tmp_path, by_number, expected):
    path = tmp_path / "list.csv"
    path.write_text("phone,tz\n+12085551234,\n+12085551235,UTC\n12085551236,\n")
    records, _ = read_records(path, CallingList(1, "customers", UTC, zone_by_number=by_number))
    assert [[zone.name for zone in record.zones] for record in records] == [expected, [], []]
    assert [record.zone for record in records] == [None, UTC, None]


# --- other people's columns, and lists that have records already -------------------------------------------------


def test_lead_files_of_vicidial(listed):
    records, _ = listed(
        "vendor_lead_code,phone_code,phone_number,first_name,gmt_offset_now\n"
        "a1,1,555-0100,Ann,-5.00\na2,,5550101,Bob,\na3,44,+15550102,,\n"
    )
    assert [one.record.number for one in records] == ["+15550100", "5550101", "+15550102"]
    assert records[0].custom == (("vendor_lead_code", "a1"), ("first_name", "Ann"), ("gmt_offset_now", "-5.00"))


def test_a_calling_code_that_is_none(listed):
    _, counts = listed("phone_code,phone_number\n0,5550100\nUSA,5550101\n1,5550102\n")
    assert counts.examples == [
        'line 2: phone_code "0" is not the calling code of a country, such as 44',
        'line 3: phone_code "USA" is not the calling code of a country, such as 44',
    ]


def test_a_calling_code_means_nothing_beside_another_column(listed):
    [record], _ = listed("phone,phone_code\n5550100,1\n")
    assert (record.record.number, record.custom) == ("5550100", (("phone_code", "1"),))


def test_columns_have_the_names_that_they_are_given(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("Mobile,record_id,Code\n555 0100,x7,1\n")
    names = {"mobile": "phone_number", "record_id": "crm_id", "CODE": "phone_code"}
    [one] = CallingListFile(path, CUSTOMERS, columns=names)
    assert (one.record, one.custom) == (Record(1, 1, "+15550100"), (("crm_id", "x7"),))
    with pytest.raises(ConfigError, match="the header names no column telephone, which is mapped"):
        list(CallingListFile(path, CUSTOMERS, columns={"Telephone": "phone"}))


def test_names_that_are_nearly_ours_are_mistakes():
    assert calling_lists.check_columns({"a": "phone", "b": "first_name", "c": "Phone Number"}) == []
    [wrong] = calling_lists.check_columns({"a": "phnoe"})
    assert wrong == 'there is no column "phnoe" here; did you mean "phone"?'


def test_what_the_list_has_already_is_left_out(tmp_path):
    present = Present()
    present.add(7, "5550100", 0, 0)
    present.add(9, "5550101", 3, 0)
    path = tmp_path / "list.csv"
    path.write_text("phone,chain_id\n5550100,\n5550102,\n5550103,3\n")
    file = CallingListFile(path, CUSTOMERS)
    file.go_on(present, 0, 0)
    assert [one.record for one in file] == [Record(11, 1, "5550102"), Record(12, 1, "5550103", 3, 1)]
    assert file.counts.examples == ["line 2: 5550100 is in the list already"]


CHAINS = st.tuples(st.integers(0, 3), st.integers(0, 4))


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from(["5550100", "+15550100", "0"]), CHAINS), max_size=12))
def test_present_is_what_was_taken_in(records):
    present = Present()
    for record_id, number, (chain_id, chain_n) in records:
        present.add(record_id, number, chain_id, chain_n)
    ids, numbers = {one[0] for one in records}, {one[1] for one in records}
    places = {place for _, _, place in records if place[0]}
    assert [n for n in range(12) if present.has_id(n)] == sorted(ids)
    assert present.record_id_max == max(ids, default=0)
    assert {n for n in ("5550100", "+15550100", "0", "") if not present.add_number(n)} == numbers
    assert {(c, n) for c in range(5) for n in range(6) if present.has_place(c, n)} == places
    for chain_id in range(1, 5):
        assert present.next_place(chain_id) == max((n + 1 for c, n in places if c == chain_id), default=0)
    present.close()
    with pytest.raises(sqlite3.ProgrammingError):
        present.add_number("0")


def test_record_numbers_that_the_list_has_are_left_out(tmp_path):
    present = Present()
    present.add(7, "5550100", 0, 0)
    path = tmp_path / "list.csv"
    path.write_text("phone,record_id\n5550101,7\n5550102,8\n")
    file = CallingListFile(path, CUSTOMERS)
    file.go_on(present, 0, 0)
    assert [one.record for one in file] == [Record(8, 1, "5550102")]
    assert file.counts.examples == ["line 2: record_id 7 is in the list already"]


def test_record_numbers_run_out(tmp_path):
    present = Present()
    present.add(calling_lists.RECORD_IDS_PER_LIST - 1, "5550100", 0, 0)
    path = tmp_path / "list.csv"
    path.write_text("phone\n5550101\n5550102\n")
    file = CallingListFile(path, CUSTOMERS)
    file.go_on(present, 0, 0)
    assert [one.record.record_id for one in file] == [calling_lists.RECORD_IDS_PER_LIST]
    assert "record numbers of the list are used up" in file.counts.examples[0]


def test_reading_goes_on_behind_what_was_read_with_all_its_rejects(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("phone\nbad\n5550100\n\nworse\n5550101\n5550102\n")
    first = CallingListFile(path, CUSTOMERS)
    records = iter(first)
    done = [next(records), next(records)]
    first.flush_rejects()
    present = Present()
    for one in done:
        present.add(one.record.record_id, one.record.number, 0, 0)
    second = CallingListFile(path, CUSTOMERS)
    second.go_on(present, first.counts.rows, len(done))
    assert [one.record for one in second] == [Record(5, 1, "5550102")]
    assert (second.counts.rows, second.counts.loaded, second.counts.rejected) == (5, 3, 2)
    with (tmp_path / "list.csv.rejects.csv").open() as stream:
        assert [row[0] for row in csv.reader(stream)] == ["line", "2", "5"]


# --- numbers of a region ------------------------------------------------------------------------------------------


def test_numbers_without_a_plus_are_read_as_those_of_the_region(listed):
    german = replace(CUSTOMERS, default_region="DE")
    lines = ["phone", "030 123456", "+1 201 555 0123", "0044 7700 900123", "(0151) 123-45678", "12", "030123456"]
    records, counts = listed("\n".join(lines) + "\n", german)
    assert [one.record.number for one in records] == ["+4930123456", "+12015550123", "+447700900123", "+4915112345678"]
    assert counts.examples == [
        'line 6: phone "12" is not a number; allowed: ' + NUMBER,
        "line 7: +4930123456 is in the list already",
    ]


def test_a_number_that_is_impossible_in_the_region_is_left_out_by_name(listed):
    american = replace(CUSTOMERS, default_region="US")
    records, counts = listed("phone\n2015550123\n5550123\n20155501234\n", american)
    assert [one.record.number for one in records] == ["+12015550123"]
    assert counts.reasons == {"no number there": 2}
    assert counts.examples[0] == 'line 3: phone "5550123" is no possible number in US'


def test_without_a_region_nothing_is_read_into_a_number(listed):
    records, _ = listed("phone\n030 123456\n5550123\n")
    assert [one.record.number for one in records] == ["030123456", "5550123"]


def test_a_code_of_the_country_comes_before_the_region(listed):
    american = replace(CUSTOMERS, default_region="US")
    records, _ = listed("phone_code,phone_number\n49,30123456\n,2015550123\n", american)
    assert [one.record.number for one in records] == ["+4930123456", "+12015550123"]


# --- customers ----------------------------------------------------------------------------------------------------


def test_the_customers_id_is_taken_from_the_column_that_the_list_names(listed):
    named = replace(CUSTOMERS, customer_id="Customer No")
    records, _ = listed("phone,customer_no\n5550100, C-1 \n5550101,\n", named)
    assert [(one.customer_id, one.custom) for one in records] == [("C-1", (("customer_no", " C-1 "),)), (None, ())]


def test_a_file_without_the_customers_column_is_refused(listed):
    with pytest.raises(ConfigError, match="line 1: the header names no column client, which is the list's customer-id"):
        listed("phone,name\n5550100,Ann\n", replace(CUSTOMERS, customer_id="client"))


# --- consent -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written, expected",
    [
        ("form 7,2026-05-02", ("form 7", 1_777_680_000_000)),
        ("form 7,2026-05-02T10:00:00+02:00", ("form 7", 1_777_708_800_000)),
        ("form 7,", ("form 7", None)),
        (",", ("", None)),
    ],
)
def test_consent_and_since_when(listed, written, expected):
    [entry], _ = listed(f"phone,consent,consent_utc\n5550100,{written}\n")
    assert (entry.record.consent, entry.record.consent_utc_ms) == expected


@pytest.mark.parametrize(
    "written, reason",
    [
        (",2026-05-02", "consent_utc without a consent"),
        ("form,yesterday", 'consent_utc "yesterday" is no instant'),
        ("x" * 501 + ",", "consent has 501 characters"),
    ],
)
def test_consent_that_makes_no_sense(listed, written, reason):
    records, counts = listed(f"phone,consent,consent_utc\n5550100,{written}\n5550101,,\n")
    assert len(records) == 1
    assert reason in counts.examples[0]
