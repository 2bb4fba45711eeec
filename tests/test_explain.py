"""`outdial simulate --explain`: the decisions of a predictive group, or why there are none."""

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from outdial import cli
from outdial.core.dialer import Dialer
from outdial.core.modes import DialingMode
from outdial.core.pacing import DECISIONS_KEPT, Decision
from outdial.explain import decisions_json, print_decisions
from plan_samples import PROGRESSIVE, write_scenario
from snapshots import group_view

NINE_UTC_MS = 1_781_082_000_000
DECISION = Decision(
    at_mono_ms=61_250,
    started=3,
    why="risk of the next call",
    available=2,
    busy=17,
    pending=21,
    persons_millis=4_520,
    agents_millis=6_000,
    horizon_ms=13_424,
    level_millis=985,
    risk_ppm=24_013,
    threshold_ppm=23_747,
)


def run(*arguments: object) -> int:
    return cli.run_command_line([str(argument) for argument in arguments])


def printed(view) -> str:
    console = Console(file=StringIO(), width=40)
    print_decisions(console, view, NINE_UTC_MS)
    return console.file.getvalue()


def test_a_decision_is_one_line_whatever_the_width():
    text = printed(replace(group_view(1, "east"), decisions=(DECISION,)))
    assert text.splitlines()[1] == "predictive decisions of east, the last 1 (pacing at the end: predictive)"
    row = next(line for line in text.splitlines() if "09:01" in line)
    assert re.split(r"\s{2,}", row.strip()) == [
        *("09:01:01.2", "2", "17", "21", "4.5", "6.0", "13.4 s", "0.98", "2.40%", "2.37%", "3"),
        "risk of the next call",
    ]


def test_a_decision_as_plain_values():
    answer = decisions_json(replace(group_view(1, "east"), decisions=(DECISION,)), NINE_UTC_MS)
    assert answer == {
        "group": "east",
        "mode": "predictive",
        "pacing": "predictive",
        "note": "",
        "decisions": [{"time_utc": "2026-06-10T09:01:01.250Z", **DECISION._asdict()}],
    }


def test_a_group_that_is_not_predictive_says_so():
    view = replace(group_view(1, "east"), mode=DialingMode.PROGRESSIVE, pacing="progressive")
    assert printed(view).strip() == (
        "east dials progressive: only predictive modes weigh risks, so there is nothing to explain"
    )


def test_a_group_without_history_says_so():
    view = replace(group_view(1, "east"), pacing="progressive: 7 of 50 attempts of history")
    assert printed(view).strip() == (
        "east has made no predictive decision (pacing at the end: progressive: 7 of 50 attempts of history)"
    )


def test_a_snapshot_before_anything_happened_has_no_groups():
    assert Dialer().snapshot().groups == ()


# --- the command -------------------------------------------------------------------------------------------------


@pytest.fixture
def scenario(tmp_path) -> Path:
    return write_scenario(tmp_path, PROGRESSIVE)


@pytest.mark.slow
def test_simulate_tells_the_last_decisions(capsys, scenario):
    assert run("simulate", scenario, "--until", 120, "--no-check", "--json", "--explain", "east") == 0
    told = json.loads(capsys.readouterr().out)["explain"]
    assert (told["group"], told["mode"], told["note"]) == ("east", "predictive", "")
    assert 5 < len(told["decisions"]) <= DECISIONS_KEPT
    instants = [decision["at_mono_ms"] for decision in told["decisions"]]
    assert instants == sorted(instants) and 0 < instants[0] and instants[-1] <= 120_000
    assert sum(decision["started"] for decision in told["decisions"]) > 0
    assert run("simulate", scenario, "--until", 120, "--no-check", "--explain", "east") == 0
    text = capsys.readouterr().out
    assert f"predictive decisions of east, the last {len(instants)} (" in text
    assert len(re.findall(r"^ *09:\d\d:\d\d\.\d ", text, re.MULTILINE)) == len(instants)


def test_without_the_option_nothing_is_told(capsys, scenario):
    assert run("simulate", scenario, "--until", 5, "--json") == 0
    assert "explain" not in json.loads(capsys.readouterr().out)


def test_a_progressive_group_in_a_run(capsys, scenario):
    assert run("simulate", scenario, "--until", 5, "--explain", "welcome") == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("welcome dials progressive: only predictive modes")


def test_an_unknown_group_is_a_mistake_before_the_run(capsys, scenario):
    assert run("simulate", scenario, "--explain", "eats") == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        'outdial: --explain "eats": there is no such campaign group; did you mean "east"?; allowed: "east", "welcome"\n'
    )
