"""A calling list of 100,000 lines with every kind of defect: each is named, every good line is claimed."""

import csv
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from outdial.calling_list_files import CallingListFile
from outdial.config.zones import load_zone
from outdial.core.settings import CallingList
from outdial.store.claims import ClaimRequest
from outdial.store.listing import digest_of, read_into
from outdial.store.sqlite import SqliteStore
from outdial.store.stored import Import
from store.contract.story import NOW

pytestmark = pytest.mark.slow

LINES = 100_000
CUSTOMERS = CallingList(1, "customers", load_zone("UTC"), default_region="US")
HEADER = "phone,record_id,chain_id,chain_n,daily_from,daily_till,tz,record_type,name\n"

# What is wrong with a line, and what is said of it. `{}` in the line: a number that is its own, `@`: its record_id.
DEFECTS: dict[str, tuple[bytes, str]] = {
    "not UTF-8": (b"{},@,,,,,,,caf\xe9", "byte 0xe9 is not UTF-8"),
    "control character": (b"{},@,,,,,,,bell\x07", "holds a control character"),
    "NUL": (b"{},@,,,,,,,a\x00b", "holds a control character"),
    "quotes": (b'{},@,,,,,,,"Ann', "quotes do not match"),
    "quotes within": (b'{},@,,,,,,,"Ann"x', "quotes do not match"),
    "columns": (b"{},@,,,,,,,Ann,more", "10 fields, but the header names 9"),
    "too few columns": (b"{},@", "2 fields, but the header names 9"),
    "line too long": (b"{},@,,,,,,," + b"x" * 70_000, "longer than 65,536 bytes"),
    "field too long": (b"{},@,,,,,,," + b"x" * 5_000, "a field is longer than 4,096 characters"),
    "not a number": (b"n/a,@,,,,,,,Ann", 'phone "n/a" is not a number'),
    "letters": (b"1800FLOWERS,@,,,,,,,Ann", 'phone "1800FLOWERS" is not a number'),
    "empty number": (b",@,,,,,,,Ann", 'phone "" is not a number'),
    "no number there": (b"5550123,@,,,,,,,Ann", 'phone "5550123" is no possible number in US'),
    "number twice": (b"2000000001,@,,,,,,,Ann", "+12000000001 is in the list already"),
    "the same number again": (b"+1 (200) 000-0001,@,,,,,,,Ann", "+12000000001 is in the list already"),
    "record_id twice": (b"{},1,,,,,,,Ann", "record_id 1 is in the list already"),
    "record_id missing": (b"{},,,,,,,,Ann", "record_id is empty"),
    "record_id": (b"{},-4,,,,,,,Ann", 'record_id "-4": allowed: a whole number 1'),
    "daily_from": (b"{},@,,,25:00,,,,Ann", 'daily_from "25:00": allowed: "HH:MM"'),
    "daily_till": (b"{},@,,,,noon,,,Ann", 'daily_till "noon": allowed: "HH:MM"'),
    "empty window": (b"{},@,,,09:00,09:00,,,Ann", "daily_from and daily_till are the same"),
    "time zone": (b"{},@,,,,,Mars/Base,,Ann", 'there is no time zone "Mars/Base"'),
    "chain_id": (b"{},@,x,,,,,,Ann", 'chain_id "x": allowed: a whole number'),
    "chain_n": (b"{},@,5,1.5,,,,,Ann", 'chain_n "1.5": allowed: a whole number'),
    "chain_n twice": (b"{},@,1,0,,,,,Ann", "chain 1 has a record with chain_n 0 already"),
    "no call": (b"{},@,,,,,,7,Ann", "record type 7 (No Call)"),
}


def make(path: Path) -> tuple[dict[int, str], dict[int, str]]:
    """Write the file.

    Returns:
        What must be said of bad lines, and the numbers of good ones. Shape: {line: text}.
    """
    dice = random.Random(4)
    kinds = list(DEFECTS)
    wrong: dict[int, str] = {}
    good: dict[int, str] = {}
    with path.open("wb") as stream:
        stream.write(HEADER.encode())
        stream.write(b"2000000001,1,1,0,,,,,first\n")
        good[2] = "+12000000001"
        for line in range(3, LINES + 2):
            number, record_id = 2_000_000_000 + line, str(line).encode()
            if dice.random() < 0.02:
                text, reason = DEFECTS[kinds[len(wrong) % len(kinds)]]
                wrong[line] = reason
            else:
                text = (
                    b'{},@,,,08:00,20:00,America/New_York,,"O\'Brien, ""Al"""'
                    if line % 3
                    else b"{},@,,,,,,,J\xc3\xb6rg"
                )
                good[line] = f"+1{number}"
            stream.write(text.replace(b"{}", str(number).encode()).replace(b"@", record_id) + b"\n")
    return wrong, good


@pytest.fixture(scope="module")
def bad_list(tmp_path_factory) -> tuple[Path, dict[int, str], dict[int, str]]:
    path = tmp_path_factory.mktemp("bad") / "bad.csv"
    return path, *make(path)


def test_every_bad_line_is_named_and_every_good_one_is_claimed(bad_list, tmp_path):
    import asyncio

    path, wrong, good = bad_list
    assert len(wrong) > 1_500 and len(wrong) + len(good) == LINES

    async def story():
        store = SqliteStore(tmp_path / "outdial.sqlite")
        await store.open("one", NOW, 1)
        counts = await read_into(store, CUSTOMERS, path, Import(1, str(path), digest_of(path)), NOW)
        claimed: list[str] = []
        while chains := (await store.claim(ClaimRequest(1, ((1, 10),), 5_000, NOW))).chains:
            claimed += [record.number for chain in chains for record in chain.records]
        await store.close()
        return counts, claimed

    counts, claimed = asyncio.run(story())
    assert (counts.rows, counts.loaded, counts.rejected) == (LINES, len(good), len(wrong))
    assert Counter(claimed) == Counter(good.values()), "each once, none else"
    with counts.rejects_file.open(encoding="utf-8", newline="") as stream:
        rejects = {int(row["line"]): row["reason"] for row in csv.DictReader(stream)}
    assert set(rejects) == set(wrong)
    for line, reason in rejects.items():
        assert reason.startswith(wrong[line]), (line, reason)
    assert len(counts.reasons) >= 18


def test_one_defect_changes_nothing_about_the_lines_around_it(tmp_path):
    for kind, (text, reason) in DEFECTS.items():
        path = tmp_path / "one.csv"
        bad = text.replace(b"{}", b"2000000077").replace(b"@", b"77")
        path.write_bytes(HEADER.encode() + b"2000000001,1,1,0,,,,,a\n" + bad + b"\n2000000003,3,,,,,,,c\n")
        file = CallingListFile(path, replace(CUSTOMERS))
        assert [one.record.number for one in file] == ["+12000000001", "+12000000003"], kind
        assert file.counts.examples[0].startswith(f"line 3: {reason}"), kind
