"""Lists in memory: filters and orders mean there what they mean in a database."""

import pytest

from config_samples import PIECES, load_text, text_with
from outdial.core.errors import ConfigError
from outdial.core.records import PRIORITIES
from outdial.sim.settings import WorldSettings
from outdial.world_lists import read_lists

FILE = '[[calling-list]]\ndbid = 1\nname = "customers"\nfile = "list.csv"\n'
ROWS = "phone,state,balance\n" + "".join(
    f"+1555010{n},{state},{balance}\n"
    for n, (state, balance) in enumerate([("TX", 9), ("FL", 100), ("TX", 100), ("TX", "x"), ("FL", 5)])
)


def lists_of(tmp_path, options: str, calling_list: str = FILE):
    (tmp_path / "list.csv").write_text(ROWS)
    campaign = PIECES["campaign"].replace('["customers"]', f'[{{ calling-list = "customers", {options} }}]')
    loaded = load_text(text_with(list=calling_list, campaign=campaign), tmp_path)
    return read_lists(loaded, WorldSettings())[0]


def claim(lists, count=10, utc_ms=0):
    chains, exhausted, _ = lists.claim(utc_ms, ((1, 10),), count, 1, PRIORITIES)
    return [chain.records[0].record_id for chain in chains], exhausted


def test_a_filter_lets_some_records_through(tmp_path):
    lists = lists_of(tmp_path, "filter = 'state = \"TX\"'")
    assert claim(lists, 2) == ([1, 3], False)
    assert claim(lists, 2) == ([4], True)
    assert claim(lists) == ([], True)
    lists.put_back(1, 3, 5_000)
    assert lists.claim(0, ((1, 10),), 9, 1, PRIORITIES)[1:] == (True, 5_000)
    assert claim(lists, utc_ms=5_000) == ([3], True)


def test_an_order_says_what_goes_first(tmp_path):
    lists = lists_of(tmp_path, 'order-by = ["balance desc", "state"]')
    assert claim(lists, 3) == ([2, 3, 1], False)
    assert claim(lists) == ([5, 4], True)


def test_a_group_that_wants_all_gets_what_others_have_left(tmp_path):
    lists = lists_of(tmp_path, "filter = 'state = \"FL\"'")
    assert claim(lists, 1) == ([2], False)
    chains, _, _ = lists.claim(0, ((1, 10),), 10, 2, PRIORITIES)
    assert [chain.records[0].record_id for chain in chains] == [1, 3, 4, 5]
    assert lists.strays == []


@pytest.mark.parametrize("calling_list", [FILE, PIECES["list"]])
def test_a_column_that_there_is_not_is_an_error(tmp_path, calling_list):
    with pytest.raises(ConfigError, match='there is no column "stat"'):
        lists_of(tmp_path, "filter = 'stat = \"TX\"'", calling_list)
