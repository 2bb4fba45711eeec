"""Little plots and tables at the end of a run."""

import io

import pytest
from rich.console import Console

from outdial.summary import print_demo_summary, sparkline
from snapshots import group_view, node_view, snapshot


@pytest.mark.parametrize(
    "values, width, plot",
    [
        ([], 10, ""),
        ([0, 0, 0], 10, "▁▁▁"),
        ([0, 7, 14], 10, "▁▅█"),
        ([5], 10, "█"),
        ([0, 0, 4, 4, 8, 8], 3, "▁▅█"),
        (list(range(100)), 8, "▁▂▃▄▅▆▇█"),
    ],
)
def test_sparkline(values, width, plot):
    assert sparkline(values, width) == plot


def test_the_summary_of_a_demo_fits_80_columns_and_names_the_files():
    console = Console(file=io.StringIO(), width=80, _environ={})
    view = snapshot([group_view(1, "renewals"), group_view(2, "ivr", answered=0)], [node_view(1, "sip-1")])
    report = {
        "attempts": 200,
        "seconds": 75.0,
        "seed": 7,
        "node_failures": 2,
        "port_moves": 9,
        "results_file": "out/attempts.csv",
        "records_file": "out/records.csv",
        "journal": "x.journal",
    }
    print_demo_summary(console, view, report)
    text = console.file.getvalue()
    assert "200 attempts in 75 seconds" in text
    assert "…" not in text
    assert "renewals: busy 60, answer 40" in text
    assert "5.0 %" in text and "–" in text
    for line in ("every attempt: out/attempts.csv", "every record:  out/records.csv", "outdial replay x.journal"):
        assert line in text
