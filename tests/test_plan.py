"""`outdial plan`: table, files, mistakes, and the same figures whatever the number of processes."""

import csv
import json
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from outdial import cli
from outdial.core.errors import InvariantViolated
from outdial.plan_figures import Figures, Sums, figures_of, quantile
from plan_samples import GROUP, LIST, POWER, PROGRESSIVE, write_scenario

TWO_MINUTES = "0.034"


def run(*arguments: object) -> int:
    return cli.run_command_line([str(argument) for argument in arguments])


def plan(folder: Path, *arguments: object, **pieces: str) -> int:
    return run("plan", write_scenario(folder, **pieces), "--hours", TWO_MINUTES, *arguments)


def plan_json(capsys, folder: Path, *arguments: object, **pieces: str) -> dict:
    assert plan(folder, "--json", "-", *arguments, **pieces) == 0
    return json.loads(capsys.readouterr().out)


# --- figures -----------------------------------------------------------------------------------------------------


def test_figures_of_a_grid(capsys, tmp_path):
    answer = plan_json(capsys, tmp_path, "--vary", "agents=4,8", "--vary", "talk-s=6,24")
    assert {key: answer[key] for key in ("group", "mode", "hours", "seeds", "vary")} == {
        "group": "east",
        "mode": "predictive",
        "hours": 0.034,
        "seeds": [4],
        "vary": {"agents": [4, 8], "talk-s": [6, 24]},
    }
    points = answer["points"]
    assert [(point["agents"], point["talk-s"]) for point in points] == [(4, 6), (4, 24), (8, 6), (8, 24)]
    for point in points:
        assert 0.2 < point["utilisation"] < 1 and 0 <= point["lost_ratio"] < 1
        assert point["persons"] >= point["connected"] > 0 and point["attempts"] > point["persons"]
        assert 0 < point["ports_mean"] <= point["ports_p99"] <= 60
        assert 0 <= point["person_wait_s"] <= 2 and point["agent_wait_s"] > 0
    short, long = points[2:]
    assert short["calls_per_agent_hour"] > long["calls_per_agent_hour"]
    assert short["utilisation"] < long["utilisation"]


@pytest.mark.slow
def test_processes_change_nothing(capsys, tmp_path):
    arguments = ("--vary", "agents=3,6", "--seeds", 2)
    one = plan_json(capsys, tmp_path, *arguments, "--jobs", 1)
    assert one["seeds"] == [4, 5]
    assert plan_json(capsys, tmp_path, *arguments, "--jobs", 2) == one


def test_seeds_are_added_up(capsys, tmp_path):
    both = plan_json(capsys, tmp_path, "--seeds", 2)["points"][0]
    one = plan_json(capsys, tmp_path, "--seeds", 1)["points"][0]
    assert one["attempts"] < both["attempts"]
    assert both != one


def test_few_ports_hold_the_group_back(capsys, tmp_path):
    few, many = plan_json(capsys, tmp_path, "--vary", "ports=2,60")["points"]
    assert few["ports_p99"] <= 2 < many["ports_p99"]
    assert few["short_of_ports"] > 0.5 > many["short_of_ports"] == 0
    assert few["utilisation"] < many["utilisation"]


def test_a_group_without_agents(capsys, tmp_path):
    path = write_scenario(tmp_path, POWER)
    assert run("plan", path, "--group", "reminders", "--hours", TWO_MINUTES, "--vary", "ports=10") == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.strip().startswith("10 "))
    assert row.split()[:3] == ["10", "–", "–"]


def test_lists_that_run_out_are_noted(capsys, tmp_path):
    assert plan(tmp_path, "--vary", "agents=9", list=LIST.replace("20000", "20")) == 0
    assert "the lists had nothing to dial for part of the time: agents=9" in capsys.readouterr().err


def test_quantile_and_empty_sums():
    assert quantile({}, 0.99) == 0
    assert quantile({0: 98, 5: 1, 9: 1}, 0.99) == 5
    assert quantile({0: 98, 5: 1, 9: 1}, 0.995) == 9
    nothing = figures_of(Sums())
    assert (nothing.utilisation, nothing.agent_wait_s, nothing.calls_per_agent_hour) == (None, None, None)
    assert (nothing.lost_ratio, nothing.ports_mean, nothing.ports_p99) == (0.0, 0.0, 0)


def test_sums_add_up():
    sums = Sums(attempts=4, persons=2, connected=1, wait_ms=500.0, ports_ms={0: 1_000, 2: 500}, logged_in_ms=3_600_000)
    sums.add(Sums(attempts=6, persons=2, connected=2, conversations=3, ports_ms={2: 500}, logged_in_ms=3_600_000))
    figures = figures_of(sums)
    assert (figures.attempts, figures.persons, figures.lost_ratio) == (10, 4, 0.25)
    assert (figures.calls_per_agent_hour, figures.person_wait_s) == (1.5, 0.125)
    assert (figures.ports_mean, figures.ports_p99) == (1.0, 2)


# --- output ------------------------------------------------------------------------------------------------------


def test_the_table_says_what_it_is(capsys, tmp_path):
    assert plan(tmp_path, "--vary", "agents=3", "--vary", "abandonment=1,2.5") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "east, predictive: 0.034 h from a cold start, seed 4"
    assert [lines[2].split()[0], *lines[3].split()[:3]] == ["abandonment", "agents", "limit,", "%"]
    assert [line.split()[:2] for line in lines if line.strip().startswith("3 ")] == [["3", "1"], ["3", "2.5"]]
    assert "…" not in out and err == ""
    assert lines[-1].startswith("2 simulations in ")


def test_nothing_varied_is_the_scenario_as_it_is(capsys, tmp_path):
    assert plan(tmp_path, "--seeds", 2) == 0
    out = capsys.readouterr().out
    assert "seeds 4 to 5" in out and " as it is " in out


@pytest.mark.slow
def test_files(capsys, tmp_path):
    names = {"--json": tmp_path / "p.json", "--csv": tmp_path / "p.csv", "--plot": tmp_path / "p.svg"}
    arguments = [part for pair in names.items() for part in pair]
    sweep = ("--vary", "agents=3,6", "--vary", "abandonment=2,4")
    assert plan(tmp_path, *sweep, *arguments) == 0
    text = capsys.readouterr().out
    assert f"files: {tmp_path}/p.json, {tmp_path}/p.csv, {tmp_path}/p.svg" in text
    points = json.loads(names["--json"].read_text(encoding="utf-8"))["points"]
    with open(names["--csv"], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["agents", "abandonment", *(item.name for item in fields(Figures))]
    assert [{key: str(value) for key, value in point.items()} for point in points] == rows
    first = {name: path.read_bytes() for name, path in names.items()}
    svg = first["--plot"].decode()
    assert all(words in svg for words in ("utilisation of agents", "abandoned persons", "abandonment 2 %", "east"))
    assert plan(tmp_path, *sweep, *arguments, "--jobs", 1) == 0
    assert {name: path.read_bytes() for name, path in names.items()} == first


def test_a_png_of_one_curve_and_the_limit(capsys, tmp_path):
    assert plan(tmp_path, "--vary", "agents=3,6", "--plot", tmp_path / "p.PNG") == 0
    assert (tmp_path / "p.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("option", ["--json", "--csv"])
def test_a_file_that_cannot_be_written(capsys, tmp_path, option):
    assert plan(tmp_path, option, "/dev/full") == 2
    assert capsys.readouterr().err == "outdial: /dev/full: cannot be written: No space left on device\n"


# --- mistakes ----------------------------------------------------------------------------------------------------


def test_every_mistake_is_told_at_once(capsys, tmp_path):
    arguments = ("--vary", "agent=5", "--hours", "0", "--seeds", "101", "--jobs", "x", "--group", "nobody")
    files = ("--json", tmp_path / "no" / "x.json", "--csv", tmp_path, "--plot", tmp_path / "x.pdf")
    assert plan(tmp_path, *arguments, *files) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        'outdial: --vary "agent=5": unknown name; did you mean "agents"?; allowed: one of agents, ports, abandonment, '
        "hit-rate, talk-s, as agents=5,10",
        'outdial: --hours "0" is wrong; allowed: a number with at most 3 decimals 0.01 … 168',
        'outdial: --seeds "101" is wrong; allowed: a whole number 1 … 100',
        'outdial: --jobs "x" is wrong; allowed: a whole number 1 … 256',
        f'outdial: --json "{tmp_path}/no/x.json": there is no folder {tmp_path}/no',
        f'outdial: --csv "{tmp_path}": is a folder; allowed: a file, which is replaced',
        f'outdial: --plot "{tmp_path}/x.pdf": unknown kind of picture; allowed: .svg or .png',
        'outdial: --group "nobody": there is no such campaign group; allowed: "east"',
    ]


def test_mistakes_of_options_and_of_the_file_are_told_together(capsys, tmp_path):
    assert run("plan", tmp_path / "no.toml", "--seeds", "0") == 2
    assert capsys.readouterr().err.splitlines() == [
        'outdial: --seeds "0" is wrong; allowed: a whole number 1 … 100',
        f"outdial: {tmp_path / 'no.toml'}: cannot be read: No such file or directory",
    ]


def test_a_group_must_be_named_when_none_is_predictive(capsys, tmp_path):
    path = write_scenario(tmp_path, PROGRESSIVE, group=GROUP.replace('"predictive"', '"progressive"'))
    assert run("plan", path) == 2
    said = 'outdial: --group: missing, and no group is predictive; allowed: "east", "welcome"\n'
    assert capsys.readouterr().err == said


def test_without_matplotlib_a_plot_says_how_to_install_it(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert plan(tmp_path, "--vary", "agents=3", "--plot", tmp_path / "p.svg") == 2
    assert capsys.readouterr().err == (
        "outdial: --plot needs matplotlib, which is not installed; install it: pip install 'outdial[plots]'\n"
    )
    assert plan(tmp_path, "--vary", "agents=3") == 0


def test_a_plot_needs_something_that_is_varied(capsys, tmp_path):
    assert plan(tmp_path, "--plot", tmp_path / "p.svg") == 2
    assert "--plot draws curves over what is varied; allowed: with --vary only" in capsys.readouterr().err


def test_a_bug_says_which_point_it_was(capsys, monkeypatch, tmp_path):
    def broken(*_):
        raise InvariantViolated("ports leak")

    monkeypatch.setattr("outdial.plan.Simulation.run", broken)
    assert plan(tmp_path, "--vary", "agents=3", "--jobs", 1) == 70
    text = capsys.readouterr().err
    assert "ports leak" in text and "agents=3, seed 4" in text
    assert "To reproduce it: outdial plan " in text and "--journal" not in text
