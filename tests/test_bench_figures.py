"""The arithmetic of benchmarks: what they print must be right before anybody believes it."""

import importlib
import math
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from outdial.core.results import CallResult
from outdial.core.units import MINUTE_MS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def figures(monkeypatch):
    """The module; the folder bench is not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("bench.asterisk_figures")


def tried(figures, number, *results, dialed_ns=1, **times):
    return figures.Tried(number, 1, dialed_ns, results=tuple(results), **times)


@pytest.mark.parametrize(
    "percent, expected",
    [(1, 1), (50, 50), (50.5, 51), (95, 95), (99, 99), (99.1, 100), (100, 100)],
)
def test_percentile_is_the_smallest_value_that_so_many_do_not_exceed(figures, percent, expected):
    assert figures.percentile(range(100, 0, -1), percent) == expected


def test_percentile_of_little_or_nothing(figures):
    assert figures.percentile([7.0], 99) == 7.0
    assert figures.percentile([1.0, 2.0], 50) == 1.0
    assert math.isnan(figures.percentile([], 50))


def test_spread_is_the_median_with_its_range(figures):
    assert figures.spread([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0}
    assert figures.shown(figures.spread([0.4, 0.5])) == "0.45 (0.40-0.50)"


def test_mix_is_three_busy_three_answered_four_unanswered_in_ten(figures):
    called = figures.numbers(1_000, run=3)
    assert len(set(called)) == 1_000
    assert Counter(number[:4] for number in called) == {"2486": 300, "2001": 300, "2180": 400}
    assert set(called).isdisjoint(figures.numbers(1_000, run=4))


def test_everybody_who_became_what_the_callee_did_agrees(figures):
    attempts = [
        tried(figures, "2486001000000", CallResult.BUSY),
        tried(figures, "2001001000001", CallResult.ANSWER),
        tried(figures, "2180001000002", CallResult.NO_ANSWER),
    ]
    assert figures.disagreements(attempts, Counter(each.number for each in attempts)) == {}


def test_every_way_to_disagree_is_counted(figures):
    attempts = [
        tried(figures, "2486001000000", CallResult.NO_ANSWER),
        tried(figures, "2001001000001"),
        tried(figures, "2001001000002", CallResult.ANSWER, CallResult.ANSWER),
        tried(figures, "2180001000003", CallResult.NO_ANSWER),
        tried(figures, "2180001000004", CallResult.NO_ANSWER),
    ]
    invited = {"2486001000000": 1, "2001001000001": 1, "2001001000002": 1, "2180001000004": 2, "2486001000009": 1}
    assert figures.disagreements(attempts, invited) == {
        "2486 became no_answer": 1,
        "settled 0 times": 1,
        "settled 2 times": 1,
        "called 0 times": 1,
        "called 2 times": 1,
        "called, never dialed": 1,
    }


def test_waits_are_those_of_attempts_that_came_so_far(figures):
    attempts = [
        tried(figures, "2000", answered_ns=5_000_000, connected_ns=7_500_000),
        tried(figures, "2000", answered_ns=5_000_000),
    ]
    assert figures.waits_ms(attempts, "answered_ns", "connected_ns") == [2.5]


def test_rate_is_that_between_the_first_and_the_last(figures):
    attempts = [tried(figures, "2486", dialed_ns=at_ms * 1_000_000) for at_ms in (1_000, 1_010, 1_020)]
    assert figures.per_second(attempts) == pytest.approx(100)
    assert figures.per_second(attempts[:1]) == 0


@pytest.mark.skipif(not Path("/proc/stat").exists(), reason="needs /proc")
def test_cpu_time_of_processes_is_what_the_system_says(figures):
    used = figures.cpu_s([os.getpid(), os.getpid()])
    assert used == pytest.approx(2 * time.process_time(), abs=0.1)
    assert figures.busy_s() >= used / 2


@pytest.mark.slow
def test_cost_of_both_ways_to_pace_is_compared(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(ROOT))
    cost = importlib.import_module("bench.cost")
    monkeypatch.setattr(cost, "CELL", cost.Cell(10, 0.20))
    monkeypatch.setattr(cost, "WARM_UP_MS", 4 * MINUTE_MS)
    monkeypatch.setattr(cost, "MEASURED_MS", 4 * MINUTE_MS)
    monkeypatch.setattr(cost, "TURNS", 1)
    figures = cost.run()
    assert ["plain", "predictive"] == [row["pacing"] for row in figures["rows"]]
    assert min(figures["ratio"], figures["ratio_engine"]) > 0.0
    assert 2 == capsys.readouterr().out.count("attempts,"), "both have dialed"
