"""What `outdial plan` varies: values, ranges, grids, and every mistake in them."""

from decimal import Decimal

import pytest

from outdial.plan_sweep import point_text, points_of, read_axes, value_text


def values(*texts: str) -> list[list[str]]:
    mistakes: list[str] = []
    axes = read_axes(texts, mistakes)
    assert mistakes == []
    return [[value_text(value) for value in axis.values] for axis in axes]


def mistakes(*texts: str) -> list[str]:
    found: list[str] = []
    read_axes(texts, found)
    return found


@pytest.mark.parametrize(
    "text, expected",
    [
        ("agents=5", "5"),
        ("agents=5,10, 20", "5 10 20"),
        ("agents=5:20:5", "5 10 15 20"),
        ("agents=5:19:5", "5 10 15"),
        ("agents=7:7:1", "7"),
        ("agents=50,5:10:5", "50 5 10"),
        ("abandonment=0.5:1.1:0.1", "0.5 0.6 0.7 0.8 0.9 1 1.1"),
        ("hit-rate=0.1,100", "0.1 100"),
        ("talk-s=60.500", "60.5"),
        ("ports=1000000", "1000000"),
    ],
)
def test_values(text, expected):
    assert values(text) == [expected.split()]


def test_the_last_name_changes_fastest():
    axes = read_axes(["agents=1,2", "ports=9,8"], [])
    assert [point_text(point) for point in points_of(axes)] == [
        "agents=1, ports=9",
        "agents=1, ports=8",
        "agents=2, ports=9",
        "agents=2, ports=8",
    ]


def test_nothing_varied_is_one_point():
    assert [point_text(point) for point in points_of(())] == ["the scenario as it is"]


def test_value_text_keeps_zeros_that_count():
    assert [value_text(Decimal(text)) for text in ("100", "2.50", "0", "1.000")] == ["100", "2.5", "0", "1"]


@pytest.mark.parametrize(
    "text, said",
    [
        ("agents", "not NAME=VALUES; allowed: one of agents, ports, abandonment, hit-rate, talk-s"),
        ("agent=5", 'unknown name; did you mean "agents"?'),
        ("agents=", '"" is wrong; allowed: whole numbers 1 … 10,000, or a range 5:50:5'),
        ("agents=5:10", '"5:10" is wrong'),
        ("agents=5:10:1:1", '"5:10:1:1" is wrong'),
        ("agents=1.5", '"1.5" is wrong'),
        ("agents=-1", '"-1" is wrong'),
        ("agents=١", '"١" is wrong'),
        ("agents=10:5:1", '"10:5:1" is an empty range'),
        ("agents=5:10:0", '"5:10:0" is an empty range'),
        ("agents=0", "0 is out of range"),
        ("agents=10001", "10001 is out of range"),
        ("agents=1:9999999:1", '"1:9999999:1" has 9,999,999 values; allowed: at most 200 points'),
        ("agents=5,5", "5 is given twice"),
        ("agents=5:15:5,10", "10 is given twice"),
        ("hit-rate=0", "0 is out of range; allowed: numbers with at most 3 decimals 0.1 … 100"),
        ("abandonment=100.001", "100.001 is out of range"),
        ("talk-s=1.2345", '"1.2345" is wrong'),
    ],
)
def test_mistakes_in_one(text, said):
    [mistake] = mistakes(text)
    assert mistake.startswith(f'--vary "{text}": ') and said in mistake


def test_mistakes_of_several_are_told_together():
    assert mistakes("agents=0", "agents=5", "ports=x", "talk-s=5") == [
        '--vary "agents=0": 0 is out of range; allowed: whole numbers 1 … 10,000',
        '--vary "agents=5": agents is varied twice; allowed: once, with all values',
        '--vary "ports=x": "x" is wrong; allowed: whole numbers 1 … 1,000,000, or a range 5:50:5',
        "--vary is given 4 times; allowed: at most 2 names",
    ]


def test_a_grid_that_is_too_large():
    assert mistakes("agents=1:20:1", "ports=1:10:1") == []
    assert mistakes("agents=1:21:1", "ports=1:10:1") == [
        "--vary: 21 × 10 values are too many points; allowed: at most 200 points"
    ]
