"""`filter` and `order-by` of a campaign's lists: read once, with the place of every mistake."""

import pytest

from config_samples import PIECES, load_text, mistakes_in, text_with
from outdial.config.selections import unknown_columns
from outdial.selection.parsing import parse_filter, parse_order
from outdial.selection.terms import Selection


def with_list(options: str) -> str:
    """The good configuration whose campaign says something of its list."""
    campaign = PIECES["campaign"].replace(
        'lists = ["customers"]', f'lists = [{{ calling-list = "customers", {options} }}]'
    )
    return text_with(campaign=campaign)


def test_a_filter_and_an_order_are_read():
    loaded = load_text(with_list('filter = \'state = "TX" and attempts < 3\', order-by = ["balance desc", "attempts"]'))
    expected = Selection(
        parse_filter('state = "TX" and attempts < 3'), (parse_order("balance desc"), parse_order("attempts"))
    )
    assert loaded.selections == {1: {1: expected}}


def test_without_them_nothing_is_selected():
    assert load_text(text_with()).selections == {}
    assert load_text(with_list("weight = 5")).selections == {}


def test_every_mistake_has_its_place():
    assert mistakes_in(with_list('filter = \'state = TX\', order-by = ["attempts", "balance down"]')) == [
        "campaign[spring].lists[#1].filter: column 9: a number or a text in quotes expected, not 'TX'; allowed: "
        'comparisons of columns, such as state in ("TX", "FL") and attempts < 3; see docs/concepts/records.md',
        "campaign[spring].lists[#1].order-by[#2]: column 9: 'down' where asc or desc may stand; allowed: columns, each "
        'optionally with asc or desc, such as "balance desc"',
    ]


@pytest.mark.parametrize(
    "options, wrong",
    [
        (f"filter = '{'x' * 4_001}'", "lists[#1].filter"),
        ("order-by = [" + '"a", ' * 9 + "]", "lists[#1].order-by"),
        ("filter = 5", "wrong type (a whole number)"),
    ],
)
def test_they_are_bounded(options, wrong):
    [mistake] = mistakes_in(with_list(options))
    assert wrong in mistake


def test_a_column_that_there_is_not_is_named_with_those_there_are():
    selections = load_text(with_list("filter = 'blance > 5 and attempts < 3', order-by = [\"state\"]")).selections
    [wrong] = unknown_columns(selections, {1: "spring"}, 1, ["balance", "state"])
    assert wrong.startswith('campaign[spring].lists: there is no column "blance"; did you mean "balance"?; there are: ')
    assert "attempts" in wrong and "state" in wrong
    assert unknown_columns(selections, {1: "spring"}, 2, []) == []
