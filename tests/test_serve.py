"""`outdial serve` in a process of its own, with a stand-in for the servers: starting, dialing, reloading, ending."""

import csv
import os
import signal
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config_samples import PIECES
from outdial.cli import run_command_line
from outdial.core.commands import Dial, SettleAttempt
from outdial.core.events import AgentLeaveAnnounced
from outdial.drivers.journal import JournalReader
from outdial.replay import replay
from serve_samples import PASSWORD, serving, write_configuration

pytestmark = pytest.mark.slow


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    [path] = folder.glob(f"results/*/{name}")
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --- a day in short ---------------------------------------------------------------------------------------------


def test_it_dials_until_it_is_told_to_end_and_writes_everything_down(tmp_path):
    path = write_configuration(tmp_path, 'journal = "run-{start}.journal"')
    with serving(path) as server:
        settled = server.until("attempt settled", 12)
        assert (settled["group"], settled["list"], settled["result"]) == ("east", "customers", "answer")
        assert settled["agent"] in ("ada", "agent101", "agent102", "agent103", "agent104")
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    assert [line["server"] for line in server.of("server up")] == ["north", "south"]
    attempts, records = rows(tmp_path, "attempts.csv"), rows(tmp_path, "records.csv")
    assert len(attempts) == server.of("ended")[0]["attempts"] >= 12
    assert len(records) == 200 and sum(int(record["attempts"]) for record in records) == len(attempts)
    assert {record["status"] for record in records} == {"ready", "updated"}
    assert PASSWORD not in str(server.lines) and "2001" not in str(server.of("attempt settled"))
    [journal] = tmp_path.glob("run-*.journal")
    assert replay(journal).identical


def test_an_attempt_is_in_the_file_the_moment_it_is_over(tmp_path):
    with serving(write_configuration(tmp_path)) as server:
        server.until("attempt settled", 5)
        server.process.kill()
        server.process.wait()
        assert len(rows(tmp_path, "attempts.csv")) >= 5


def test_every_start_has_a_folder_of_its_own(tmp_path):
    path = write_configuration(tmp_path)
    for _ in range(2):
        with serving(path) as server:
            server.until("server up")
            server.process.send_signal(signal.SIGINT)
            assert server.ended() == 0
    assert len(list(tmp_path.glob("results/*/attempts.csv"))) == 2


def test_agents_are_held_and_joined_in_a_mode_with_seizing(tmp_path):
    group = PIECES["group"].replace("predictive", "predictive-with-seizing") + "after-call-work-s = 0.1\n"
    with serving(write_configuration(tmp_path, group=group)) as server:
        server.until("attempt settled", 8)
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    assert {row["node"] for row in rows(tmp_path, "attempts.csv")} == {"south"}


def test_records_are_pushed_to_agents_who_have_nothing_to_look_at(tmp_path):
    group = PIECES["group"].replace("predictive", "push-preview") + "after-call-work-s = 0.1\n"
    with serving(write_configuration(tmp_path, group=group)) as server:
        server.until("attempt settled", 8)
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    assert {row["dialing_mode"] for row in rows(tmp_path, "attempts.csv")} == {"push-preview"}


def test_the_end_of_a_shift_is_announced_to_the_core(tmp_path):
    """In an hour or in two; nobody is signed out by it."""
    hour = (datetime.now(UTC).hour + 2) % 24
    agents = PIECES["agent-group"] + f'shift-end = "{hour:02}:00"\n'
    with serving(write_configuration(tmp_path, 'journal = "run.journal"', agent_group=agents)) as server:
        server.until("attempt settled", 5)
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    with JournalReader(tmp_path / "run.journal") as steps:
        told = [(step.now, step.event) for step in steps if isinstance(step.event, AgentLeaveAnnounced)]
    assert sorted(event.agent_id for _, event in told) == [7, 101, 102, 103, 104]
    for now, event in told:
        end = datetime.fromtimestamp((now.utc_ms + event.leaves_at_mono_ms - now.mono_ms) / 1_000, UTC)
        assert (end.hour, end.minute, end.second) in ((hour, 0, 0), ((hour - 1) % 24, 59, 59))
    assert replay(tmp_path / "run.journal").identical


# --- what was learned -------------------------------------------------------------------------------------------


def most_calls(journal: Path) -> int:
    """Most attempts at one time, of which agents have at most five."""
    live, most = set(), 0
    with JournalReader(journal) as steps:
        for step in steps:
            for command in step.commands:
                if isinstance(command, Dial):
                    live.add(command.call_id)
                elif isinstance(command, SettleAttempt):
                    live.remove(command.call_id)
            most = max(most, len(live))
    return most


def test_the_second_start_knows_what_the_first_has_learned(tmp_path):
    """The first calls nobody but for agents who are free; the second dials ahead from its first call on."""
    group = PIECES["group"] + "after-call-work-s = 0.1\nhistory_length = 30\nstatistics-carry-over-hours = 12\n"
    campaign = PIECES["campaign"].replace("[[campaign]]\n", "[[campaign]]\nabandonment-windows = []\n")
    path = write_configuration(tmp_path, 'journal = "{start}.journal"', records=2_000, group=group, campaign=campaign)
    told = []
    for name in ("first", "second"):
        with serving(path, env={"OUTDIAL_TEST_PERSON_IN": "6"}) as server:
            server.until("attempt settled", 60)
            server.process.send_signal(signal.SIGTERM)
            assert server.ended() == 0
        told.append([line for line in server.lines if line["event"].startswith("statistics")])
        [journal] = tmp_path.glob("2*.journal")
        journal.rename(tmp_path / name)
        assert replay(tmp_path / name).identical
    [not_used], [taken_over] = told
    assert (not_used["event"], not_used["group"], not_used["why"]) == ("statistics not used", "east", "none are saved")
    assert (taken_over["event"], taken_over["group"]) == ("statistics taken over", "east")
    assert 60 <= taken_over["calls"] and taken_over["saved_utc"].startswith("20")
    assert most_calls(tmp_path / "first") == 5 < 7 <= most_calls(tmp_path / "second")
    assert (tmp_path / "results" / "statistics.json").is_file()


def test_broken_statistics_are_moved_aside_and_a_folder_in_their_place_is_no_hindrance(tmp_path):
    path = write_configuration(tmp_path)
    (tmp_path / "results" / "statistics.json").mkdir(parents=True)
    with serving(path) as server:
        assert "Is a directory" in server.until("statistics rejected")["mistakes"][0]
        server.until("attempt settled", 5)
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    assert sorted(each.name for each in tmp_path.glob("results/statistics*")) == [
        "statistics.json",
        "statistics.json.rejected",
    ]


# --- the end ----------------------------------------------------------------------------------------------------


def test_running_calls_may_end_by_themselves(tmp_path):
    with serving(write_configuration(tmp_path), talk_s=1.5) as server:
        server.until("server up", 2)
        server.until("hold")
        server.process.send_signal(signal.SIGTERM)
        assert server.until("stopping")["running_calls"] == 5
        assert server.ended() == 0
    assert server.of("releasing") == []
    assert [row["call_result"] for row in rows(tmp_path, "attempts.csv")] == ["answer"] * 5


def test_calls_that_do_not_end_in_time_are_released(tmp_path):
    with serving(write_configuration(tmp_path, "drain-s-max = 0.3"), talk_s=60) as server:
        server.until("hold")
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    assert server.of("releasing")[0]["running_calls"] == 5
    assert len(rows(tmp_path, "attempts.csv")) == 5


def test_a_second_signal_releases_at_once(tmp_path):
    with serving(write_configuration(tmp_path), talk_s=60) as server:
        server.until("hold")
        server.process.send_signal(signal.SIGINT)
        server.until("stopping")
        server.process.send_signal(signal.SIGINT)
        assert server.ended() == 0
    assert server.of("releasing") and len(rows(tmp_path, "attempts.csv")) == 5


def test_a_third_signal_waits_for_nothing_and_every_attempt_is_written_down(tmp_path):
    with serving(write_configuration(tmp_path), talk_s=60, deaf=True) as server:
        server.until("hold")
        for line in ("stopping", "releasing", "end of calls not reported"):
            server.process.send_signal(signal.SIGTERM)
            server.until(line)
        assert server.ended() == 0
    assert len(rows(tmp_path, "attempts.csv")) == 5


# --- reloading --------------------------------------------------------------------------------------------------


def test_a_reload_brings_groups_agents_and_lists(tmp_path):
    path = write_configuration(tmp_path)
    with serving(path) as server:
        server.until("attempt settled")
        (tmp_path / "more.csv").write_text("phone\n" + "".join(f"3001{n:05}\n" for n in range(50)))
        path.write_text(
            path.read_text()
            + """
            [[agent]]
            dbid = 8
            login = "bea"
            phone = "1008"
            [[agent-group]]
            dbid = 2
            name = "care"
            agents = ["bea"]
            [[calling-list]]
            dbid = 2
            name = "newcomers"
            file = "more.csv"
            [[campaign]]
            dbid = 2
            name = "summer"
            lists = ["newcomers"]
            [[campaign-group]]
            dbid = 2
            name = "west"
            campaign = "summer"
            agent-group = "care"
            dialing-mode = "progressive"
            dialer = "main"
            """
        )
        server.process.send_signal(signal.SIGHUP)
        server.until("reloaded")
        while not any(line["group"] == "west" and line["agent"] == "bea" for line in server.of("attempt settled")):
            server.until("attempt settled", len(server.of("attempt settled")) + 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0
    assert {row["list"] for row in rows(tmp_path, "records.csv")} == {"customers", "newcomers"}


def test_mistakes_in_a_reload_leave_everything_as_it_is(tmp_path):
    path = write_configuration(tmp_path)
    with serving(path) as server:
        server.until("attempt settled")
        path.write_text(path.read_text().replace("channel_num = 60", "channel_num = 'x'"))
        server.process.send_signal(signal.SIGHUP)
        [mistake] = server.until("not reloaded")["mistakes"]
        assert "switch[main].channel_num" in mistake
        server.until("attempt settled", len(server.of("attempt settled")) + 5)
        server.process.send_signal(signal.SIGTERM)
        assert server.ended() == 0


# --- what goes wrong --------------------------------------------------------------------------------------------


def test_results_that_cannot_be_written_stop_the_dialing(tmp_path):
    path = write_configuration(tmp_path)
    with serving(path, env={"OUTDIAL_TEST_FULL": "1"}) as server:
        assert server.until("failure")["consequence"] == "dialing stops"
        assert server.ended() == 2


def test_a_bug_ends_with_70_and_the_position_in_the_journal(tmp_path):
    path = write_configuration(tmp_path, 'journal = "run.journal"')
    with serving(path, env={"OUTDIAL_TEST_BUG": "CalleeAnswered"}) as server:
        bug = server.until("bug")
        assert server.ended() == 70
    assert bug["text"] == "a bug, planted"
    lines = (tmp_path / "run.journal").read_text().splitlines()
    assert bug["notes"][-1] == f"journal: {tmp_path / 'run.journal'}, line {len(lines)}"
    assert '"failed"' in lines[-1]
    assert rows(tmp_path, "records.csv")


def test_a_bug_outside_of_the_core_ends_with_70(tmp_path):
    with serving(write_configuration(tmp_path), env={"OUTDIAL_TEST_BUG": "driver"}) as server:
        assert "planted" in server.until("bug")["text"]
        assert server.ended() == 70


# --- systemd ----------------------------------------------------------------------------------------------------


def test_systemd_hears_how_things_stand(tmp_path):
    address = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(address))
        heard.settimeout(20)
        path = write_configuration(tmp_path)
        env = {"NOTIFY_SOCKET": str(address), "WATCHDOG_USEC": "200000"}
        with serving(path, env=env) as server:
            said = []
            for until in ("READY=1", "STATUS=2 of 2 nodes active, 1 groups running", "WATCHDOG=1"):
                while not said or not said[-1].startswith(until):
                    said.append(heard.recv(4096).decode())
            server.process.send_signal(signal.SIGHUP)
            while not said[-1].startswith("RELOADING=1"):
                said.append(heard.recv(4096).decode())
            while said[-1] != "READY=1":
                said.append(heard.recv(4096).decode())
            server.process.send_signal(signal.SIGTERM)
            while said[-1] != "STOPPING=1":
                said.append(heard.recv(4096).decode())
            assert server.ended() == 0


# --- before anything starts -------------------------------------------------------------------------------------


def test_check_looks_and_starts_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OUTDIAL_TEST_PASSWORD", PASSWORD)
    path = write_configuration(tmp_path)
    assert run_command_line(["serve", str(path), "--check"]) == 0
    out, err = capsys.readouterr()
    assert (out, err) == ("ok: 3 servers, 5 agents, 1 calling lists, 200 records, 1 campaign groups to start\n", "")
    assert sorted(os.listdir(tmp_path)) == ["list.csv", "outdial.toml"]


def test_mistakes_end_with_2_before_anything_is_made(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("OUTDIAL_TEST_PASSWORD", raising=False)
    path = write_configuration(tmp_path)
    for arguments in (["serve", str(path)], ["serve", str(path), "--check"]):
        assert run_command_line(arguments) == 2
        assert capsys.readouterr().err == "outdial: environment variable OUTDIAL_TEST_PASSWORD: holds no password\n"
    assert sorted(os.listdir(tmp_path)) == ["list.csv", "outdial.toml"]
