"""The demonstration in real time, a few seconds of it."""

import csv
import io
import json
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest
from rich.console import Console

from outdial.core.abandonment_events import AbandonmentFound
from outdial.core.dialer import Dialer
from outdial.core.errors import ConfigError, InvariantViolated
from outdial.core.events import GroupStartRequested
from outdial.demo import HANG_UP_S, SETTLE_S, run_demo
from outdial.demo_scene import DemoOptions, load_scene
from outdial.drivers.clock import SystemClock
from outdial.drivers.journal import JournalReader
from outdial.replay import replay


def console(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, height=40, _environ={})


def read(path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_a_short_demo_is_consistent_and_can_be_replayed(tmp_path):
    options = DemoOptions(seconds=4, seed=3, out=tmp_path / "out", journal=tmp_path / "x.journal")
    stdout, stderr = console(), console()
    report = run_demo(options, as_json=True, stdout=stdout, stderr=stderr)
    assert (stdout.file.getvalue(), stderr.file.getvalue()) == ("", "")
    assert json.loads(json.dumps(report)) == report
    assert (report["seed"], report["seconds"]) == (3, pytest.approx(4, abs=0.5))
    attempts, records = read(report["results_file"]), read(report["records_file"])
    assert len(attempts) == report["attempts"] == sum(group["attempts"] for group in report["groups"]) > 0
    for group in report["groups"]:
        results = Counter(row["call_result"] for row in attempts if row["group"] == group["name"])
        assert results == group["results"]
        assert group["state"] == "stopped"
    assert sum(int(record["attempts"]) for record in records) == report["attempts"]
    assert len(records) == 3_000
    result = replay(tmp_path / "x.journal")
    assert result.identical and result.steps > 100
    assert result.header.seed == 3


@pytest.mark.slow
def test_a_demo_dials_the_users_list_and_names_what_it_leaves_out(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("phone\n" + "".join(f"+49301234{number:04}\n" for number in range(50)) + "nonsense\n")
    stdout, stderr = console(), console()
    options = DemoOptions(seconds=4, calling_list=path, out=tmp_path / "out")
    report = run_demo(options, as_json=False, stdout=stdout, stderr=stderr)
    records = read(report["records_file"])
    assert {record["number"] for record in records} == {f"+49301234{number:04}" for number in range(50)}
    assert {row["number"] for row in read(report["results_file"])} <= {record["number"] for record in records}
    assert len({row["group"] for row in read(report["results_file"])}) >= 3
    said = stderr.file.getvalue()
    assert "1 of 51 lines are left out" in said and "nonsense" in said and "mine.csv.rejects.csv" in said
    shown = stdout.file.getvalue()
    assert "renewals started" in shown
    assert f"every record:  {tmp_path / 'out' / 'records.csv'}" in shown


@pytest.mark.slow
def test_a_second_demo_in_the_same_folder_goes_on(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("phone\n" + "".join(f"+49301234{number:04}\n" for number in range(2_000)))
    options = DemoOptions(seconds=2, calling_list=path, out=tmp_path / "out")
    first = run_demo(replace(options, seconds=5), as_json=True, stdout=console(), stderr=console())
    dialed = {row["number"] for row in read(first["results_file"])}
    second = run_demo(
        replace(options, journal=tmp_path / "x.journal"), as_json=True, stdout=console(), stderr=console()
    )
    assert first["database"] == second["database"] == str(tmp_path / "out" / "outdial.sqlite3")
    assert not dialed & {row["number"] for row in read(second["results_file"]) if row["attempt_n"] == "1"}
    attempts = [int(record["attempts"]) for record in read(second["records_file"])]
    assert sum(attempts) == first["attempts"] + second["attempts"] > first["attempts"] > 0
    with JournalReader(tmp_path / "x.journal") as journal:
        told = [step.event for step in journal if isinstance(step.event, AbandonmentFound)]
    persons = sum(group["answered"] for group in first["groups"])
    assert [sum(counts.persons for _, counts in ledger.buckets) for ledger in told] == [persons]
    assert persons > 0
    path.write_text("phone\n+4930123499999\n+4930123499998\n")
    with pytest.raises(ConfigError, match=r"outdial\.sqlite3: has the records of another list; choose another folder"):
        run_demo(options, as_json=True, stdout=console(), stderr=console())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_cleanly_with_a_summary(tmp_path, number):
    command = [sys.executable, "-u", "-m", "outdial", "demo", "--seconds", "60", "--out", "out", "--journal", "x"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if "started" in line:
            break
    process.send_signal(number)
    out, err = process.communicate(timeout=SETTLE_S + HANG_UP_S + 10)
    assert (process.returncode, err) == (0, "")
    assert "stopped" in out and "every attempt: out/attempts.csv" in out
    assert (tmp_path / "out" / "records.csv").is_file()
    assert replay(tmp_path / "x").identical


def test_a_bug_stops_the_demo_at_a_journal_position(tmp_path, monkeypatch):
    class Broken(Dialer):
        def step(self, now, event):
            if isinstance(event, GroupStartRequested):
                raise InvariantViolated("a bug, planted")
            return super().step(now, event)

    monkeypatch.setattr("outdial.demo.Dialer", Broken)
    options = DemoOptions(seconds=60, out=tmp_path / "out", journal=tmp_path / "x.journal")
    with pytest.raises(InvariantViolated, match="planted") as caught:
        run_demo(options, as_json=True, stdout=console(), stderr=console())
    assert f"journal: {tmp_path / 'x.journal'}, line 4" in caught.value.__notes__
    result = replay(tmp_path / "x.journal", Broken)
    assert result.identical and result.failure == "a bug, planted"


def test_a_list_without_a_good_line_is_refused_before_anything_is_made(tmp_path, capsys):
    from outdial.cli import run_command_line

    (tmp_path / "mine.csv").write_text("name\nAnn\n")
    arguments = ["demo", "--list", str(tmp_path / "mine.csv"), "--out", str(tmp_path / "out")]
    assert run_command_line(arguments) == 2
    assert "phone" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_shipped_scenario_is_what_the_demo_promises():
    """Several modes share one pool, and a node fails and returns while it runs."""
    scene = load_scene(DemoOptions(), SystemClock())
    configuration = scene.configuration
    modes = {group.dialing_mode for group in configuration.campaign_groups}
    assert len(configuration.nodes) >= 3 and len(modes) >= 3
    assert any(mode.is_seizing for mode in modes) and any(mode.is_gvp for mode in modes)
    faults = scene.world.settings.faults.scripted
    assert faults and all(0 < fault.at_ms + fault.duration_ms < DemoOptions().seconds * 1_000 for fault in faults)
    assert scene.notes == ()
