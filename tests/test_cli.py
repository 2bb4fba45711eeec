"""The command line: what is printed, and with which exit code it ends."""

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

import outdial
from outdial import cli
from outdial.command_order import ORDER
from outdial.core.errors import InvariantViolated
from outdial.core.events import DoNotCallAdded
from outdial.core.units import Now
from outdial.drivers.journal import JournalWriter

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "src" / "outdial" / "data" / "demo.toml"
REFERENCE = ROOT / "docs" / "reference" / "command-line.md"


def run(*arguments: object) -> int:
    return cli.run_command_line([str(argument) for argument in arguments])


@pytest.fixture
def journal(tmp_path) -> Path:
    """A journal whose only step made nobody do anything."""
    path = tmp_path / "x.journal"
    with JournalWriter(path) as writer:
        writer.append(Now(0, 0), DoNotCallAdded("1"), [])
    return path


def test_the_version_is_printed(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out == f"outdial {outdial.__version__}\n"


def test_help_names_every_command(capsys):
    assert run("--help") == 0
    text = capsys.readouterr().out
    for command in ("demo", "simulate", "check", "serve", "replay", "ports"):
        assert command in text


def test_help_begins_with_what_a_newcomer_needs():
    named = typer.main.get_command(cli.app).list_commands(None)
    assert named[:3] == ["demo", "serve", "check"]
    assert named == list(ORDER), "a new command needs its place there"


def test_without_a_command_there_is_help(capsys):
    assert run() == 2
    assert "Usage" in "".join(capsys.readouterr())


def test_wrong_arguments_end_with_2(capsys):
    assert run("fly") == 2
    assert run("demo", "--seconds", "0") == 2
    assert capsys.readouterr().out == ""


def test_help_does_not_load_what_it_does_not_need():
    """Importing the simulator, the configuration or rich would make every `--help` wait."""
    code = "import sys, outdial.cli; print([m for m in sys.modules if m.split('.')[0] in %r or m in %r])"
    names = (
        ("pydantic", "msgspec", "rich", "asyncio", "aiohttp", "structlog"),
        ("outdial.sim", "outdial.config", "outdial.core.dialer"),
    )
    done = subprocess.run([sys.executable, "-c", code % names], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- how things end ----------------------------------------------------------------------------------------------


def test_an_operating_error_is_a_message_and_2(capsys, tmp_path):
    assert run("replay", tmp_path / "missing") == 2
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"outdial: {tmp_path / 'missing'}: cannot be read: No such file or directory\n")


def test_all_mistakes_of_a_configuration_are_told(capsys, tmp_path):
    path = tmp_path / "wrong.toml"
    path.write_text("[ocs]\nconnections = 5\nsip-cluster-lb-mode = 'round'\n")
    assert run("simulate", path) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2 and all(line.startswith(f"outdial: {path}") for line in lines)


def test_a_bug_ends_with_70_and_says_how_to_reproduce_it(capsys, monkeypatch):
    def broken(path):
        error = InvariantViolated("ports leak")
        error.add_note("journal: x.journal, line 7")
        raise error

    monkeypatch.setattr("outdial.replay.replay", broken)
    assert run("replay", "x.journal") == 70
    text = capsys.readouterr().err
    assert "ports leak" in text and "x.journal, line 7" in text and "outdial replay" in text
    assert outdial.__version__ in text


def test_a_bug_without_a_journal_says_how_to_get_one():
    text = cli.bug_text(InvariantViolated("ports leak"), ["simulate", "x.toml", "--seed", "7"])
    assert "outdial simulate x.toml --seed 7 --journal FILE" in text


def test_ctrl_c_ends_with_130(monkeypatch):
    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr("outdial.replay.replay", interrupted)
    assert run("replay", "x.journal") == 130


# --- replay ------------------------------------------------------------------------------------------------------


def test_replay_of_the_same_ends_with_0(capsys, journal):
    assert run("replay", journal) == 0
    assert capsys.readouterr().out == "identical: 1 step, 0 commands\n"


def test_replay_of_something_else_ends_with_1(capsys, journal):
    journal.write_text(journal.read_text().replace('"commands":[]', '"commands":[{"Connect":{"server_id":1}}]'))
    assert run("replay", journal, "--json") == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["identical"] is False
    assert answer["difference"]["line"] == 2
    assert answer["difference"]["expected"] == [{"Connect": {"server_id": 1}}]


# --- check and ports: more in their own tests --------------------------------------------------------------------


def test_the_shipped_configuration_has_no_mistakes(capsys):
    assert run("check", DEMO, "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


def test_mistakes_found_by_check_end_with_2(capsys, tmp_path):
    (tmp_path / "wrong.toml").write_text("[ocs]\n")
    assert run("check", tmp_path / "wrong.toml") == 2
    assert "mistake" in capsys.readouterr().err


def test_ports_are_shared(capsys):
    assert run("ports", "share", "--pool", 50, "--need", 5, "--need", 100, "--json") == 0
    assert json.loads(capsys.readouterr().out)["maxima"] == [5, 45]


# --- simulate ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_simulation_reports_writes_its_files_and_can_be_had_again(capsys, tmp_path):
    arguments = ("simulate", DEMO, "--json", "--out", tmp_path / "out", "--seed", 11)
    assert run(*arguments, "--journal", tmp_path / "x.journal") == 0
    out, err = capsys.readouterr()
    report = json.loads(out)
    assert err == ""
    assert (report["seed"], report["checked"]) == (11, True)
    assert report["attempts"] == sum(group["attempts"] for group in report["groups"]) > 50
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == report
    with open(tmp_path / "out" / "attempts.csv", newline="", encoding="utf-8") as file:
        assert sum(1 for _ in csv.DictReader(file)) == report["attempts"]
    with open(tmp_path / "out" / "ports.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["kind"] for row in rows} == {"pool", "group"}
    used = [int(row["used_ports"]) for row in rows if row["name"] == report["groups"][0]["name"]]
    assert max(used) == report["groups"][0]["ports_max"]
    assert run("replay", tmp_path / "x.journal") == 0
    assert f"{report['steps']:,} steps" in capsys.readouterr().out
    assert run("simulate", DEMO, "--json", "--seed", 11, "--no-check") == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["digest"], again["checked"]) == (report["digest"], False)


@pytest.mark.slow
def test_a_simulation_in_words(capsys, tmp_path):
    assert run("simulate", DEMO, "--until", 20) == 0
    text = capsys.readouterr().out
    assert re.search("attempts in 0:(19|20) of virtual time, seed 7", text)
    assert "pool sip-cluster" in text and "digest" in text
    assert max(len(line) for line in text.splitlines() if "%" in line) <= 80


@pytest.mark.parametrize("culprit", ["checker", "core"])
def test_a_bug_in_a_simulation_is_in_the_journal(capsys, monkeypatch, tmp_path, culprit):
    def broken_step(dialer, now, event):
        raise InvariantViolated("a bug, planted")

    class Checker:
        def __init__(self, dialer, world, configuration):
            self.steps = 0
            if culprit == "core":
                monkeypatch.setattr(type(dialer), "step", broken_step)

        def after_step(self, now, event, commands):
            self.steps += 1
            if self.steps == 50:
                raise InvariantViolated("a bug, planted")

        def at_end(self, now):
            pass

    monkeypatch.setattr("outdial.simulate.Checkers", Checker)
    assert run("simulate", DEMO, "--journal", tmp_path / "x.journal") == 70
    text = capsys.readouterr().err
    assert "a bug, planted" in text and "seed 7" in text and "fatal event" in text
    lines = 2 if culprit == "core" else 51
    assert f"x.journal, line {lines}" in text
    monkeypatch.undo()
    assert run("replay", tmp_path / "x.journal") == (1 if culprit == "core" else 0)


# --- documentation -----------------------------------------------------------------------------------------------


def options_of(command: object, name: str = "outdial") -> list[tuple[str, str]]:
    """(command, option) of the whole command tree."""
    found = [(name, opt) for param in command.params for opt in param.opts if opt.startswith("--")]
    for sub in getattr(command, "commands", {}).values():
        found += options_of(sub, f"{name} {sub.name}")
    return found


@pytest.mark.parametrize("command, option", options_of(typer.main.get_command(cli.app)))
def test_every_option_is_documented_below_its_command(command, option):
    sections = dict(
        section.split("\n", 1) for section in re.split(r"^#+ ", REFERENCE.read_text("utf-8"), flags=re.M) if section
    )
    section = sections[f"`{command}`"]
    assert f"`{option}" in section, f"{option} of {command} is not in {REFERENCE.name}"


@pytest.mark.parametrize("code", [0, 1, 2, 70, 130])
def test_every_exit_code_is_documented(code):
    assert re.search(rf"^\| {code} \|", REFERENCE.read_text(encoding="utf-8"), flags=re.MULTILINE)
