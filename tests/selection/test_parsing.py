"""From text to terms: what can be said, and where a mistake is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outdial.core.results import CallResult
from outdial.selection.judging import is_meant
from outdial.selection.parsing import COMPARISONS_MAX, DEPTH_MAX, FilterError, parse_filter, parse_order
from outdial.selection.terms import KNOWN, AllOf, AnyOf, Column, Compare, Empty, Kind, Like, Not, Operator, OrderKey

STATE, BALANCE, NAME = (Column(name, Kind.CUSTOM) for name in ("state", "balance", "name"))
RECORD = {
    "record_id": 7,
    "number": "+15550100",
    "attempts": 2,
    "last_result": int(CallResult.BUSY),
    "record_type": 2,
    "zone": None,
    "state": "TX",
    "balance": "100.50",
    "name": "Ada",
    "first name": "Ada",
    "email": "",
    "segment": "gold",
}


def equal(column, value):
    return Compare(column, Operator.EQUAL, value)


def test_a_filter_becomes_terms():
    text = 'state in ("TX", "FL") and attempts < 3 and not (segment = "gold" or last_result = "Busy")'
    assert parse_filter(text + ' and name like "A%"') == AllOf(
        (
            AnyOf((equal(STATE, "TX"), equal(STATE, "FL"))),
            Compare(KNOWN["attempts"], Operator.LESS, 3.0),
            Not(AnyOf((equal(Column("segment", Kind.CUSTOM), "gold"), equal(KNOWN["last_result"], 6.0)))),
            Like(NAME, "A%"),
        )
    )


@pytest.mark.parametrize(
    "text, expected",
    [
        ("balance > 100", True),
        ("balance > 100.5", False),
        ("balance = 100.5", True),
        ('balance = "100.5"', False),
        ("name > 5", False),
        ("not name > 5", True),
        ("name <> 5", False),
        ('name <> "Bob"', True),
        ('name like "A_a" and name not like "a%"', True),
        ("email is empty and zone is empty and name is not empty", True),
        ("missing is empty", True),
        ('missing = "" or missing < 3', True),
        ('[first name] = "Ada"', True),
        ('last_result in ("Busy", "No Answer")', True),
        ('record_type = "General"', True),
        ("attempts in (1, 2)", True),
        ("agent_id = 5 or not agent_id = 5", True),
        ("attempts = 1 or attempts = 2 and record_id = 7", True),
        ("(attempts = 1 or attempts = 2) and record_id = 8", False),
        ("NOT attempts = 1 AND number LIKE '+1555%'", True),
        ("state = 'T\\'X' or state = \"TX\"", True),
        ("balance = +100.5 and balance > -1", True),
    ],
)
def test_what_a_filter_means(text, expected):
    assert is_meant(parse_filter(text), RECORD) is expected


@pytest.mark.parametrize(
    "text, column, wrong",
    [
        ("", 1, "a column expected, not the end"),
        ("state", 6, "=, <>, <, <=, >, >=, in, like or is expected after a column, not the end"),
        ("state = TX", 9, "a number or a text in quotes expected, not 'TX'"),
        ('state = "TX', 9, "a text without its closing quote"),
        ("[state = 5", 1, "a column in brackets without its closing bracket"),
        ('state in ("TX" "FL")', 16, "')' expected or a comma after a value, not '\"FL\"'"),
        ("state in ()", 11, "a number or a text in quotes expected, not ')'"),
        ("attempts < 3 attempts > 1", 14, "and, or, or the end expected, not 'attempts'"),
        ("(attempts < 3", 14, "')' expected after what is in parentheses, not the end"),
        ('attempts < "3"', 12, "attempts is a number: write one without quotes"),
        ("number = 5", 10, "number is a text: write 5 in quotes"),
        ('last_result = "Busyy"', 15, "there is no call result 'Busyy'"),
        ("last_result < 5", 13, "last_result has no order: =, <> or in expected"),
        ('attempts like "3"', 15, "attempts is no text: a comparison expected, not '\"3\"'"),
        ("name like 5", 11, "a pattern in quotes expected after like, not '5'"),
        ("name not = 5", 10, "in or like expected after not, not '='"),
        ("name is 5", 9, "empty expected after is, not '5'"),
        ("attempts < 3;", 13, "';' has no meaning here"),
        ("attempts < 3x", 12, "no number: '3x'"),
        ("attempts < 1.2.3", 12, "no number: '1.2.3'"),
        ("balance < 1234567890123456", 11, "a number of more than 15 digits"),
        ("name like '%a%b%c%d%e%f'", 11, "more than 5 % in one pattern"),
        ("and = 5", 1, "a column expected, not 'and'"),
        ("(" * 40 + "attempts < 3" + ")" * 40, DEPTH_MAX + 2, f"at most {DEPTH_MAX} parentheses and nots inside each"),
        ("x = 1 or " * COMPARISONS_MAX + "x = 1", 4_001, "longer than 4,000 characters"),
        ("x in (" + "1," * 600 + "1)", 1_007, f"at most {COMPARISONS_MAX} comparisons expected"),
    ],
)
def test_mistakes_have_a_place(text, column, wrong):
    with pytest.raises(FilterError) as caught:
        parse_filter(text)
    assert (caught.value.column, caught.value.wrong[: len(wrong)]) == (column, wrong)
    assert str(caught.value).startswith(f"column {column}: ")


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_a_mistake(text):
    place = 1
    try:
        parse_filter(text)
    except FilterError as error:
        place = error.column
    assert 1 <= place <= len(text) + 1


def test_an_order_is_a_column_with_a_direction():
    assert parse_order("balance desc") == OrderKey(BALANCE, True)
    assert parse_order("attempts") == parse_order("attempts ASC") == OrderKey(KNOWN["attempts"])
    assert parse_order("[first name] desc").column.name == "first name"
    with pytest.raises(FilterError, match="column 9: 'down' where asc or desc may stand"):
        parse_order("balance down")
    with pytest.raises(FilterError, match="column 14: and, or, or the end expected, not 'now'"):
        parse_order("balance desc now")


def test_empty_is_a_term_of_its_own():
    assert parse_filter("zone is not empty") == Not(Empty(KNOWN["zone"]))
