"""The demonstration on real servers."""

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from outdial import cli
from outdial.core.modes import DialingMode
from outdial.demo import DemoOptions
from outdial.demo_asterisk import FAILURES, MIXES, load_scenario, made_up_lists, run_asterisk_demo
from outdial.drivers.fake_asterisk.plan import callee
from outdial.lab import LabUnavailable, cluster
from outdial.lab.cluster import NETWORKS, PRIMARIES, claim_network
from outdial.lab.node import AMI_PORT, PHONES
from outdial.replay import replay
from outdial.sim.lists import StoredSource

SECONDS = 12
END_S_MAX = 60
"""Longest wait for the end of a run that is over or was told to end, on a busy machine."""


@pytest.fixture(scope="module")
def programs() -> None:
    """Real servers can be had on this machine."""
    try:
        cluster.fetch_programs(print)
    except LabUnavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no real servers on this machine: {error}")


def read(path: str | Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A folder for temporary files, with a short path: Unix sockets are put there."""
    with tempfile.TemporaryDirectory(prefix="od-") as folder:
        yield Path(folder)


def start(folder: Path, temporary: Path, *arguments: str) -> "subprocess.Popen[str]":
    """Start the demo."""
    command = [sys.executable, "-u", "-m", "outdial", "demo", "--asterisk", "--out", "out", *arguments]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def servers_of(process: "subprocess.Popen[str]") -> list[int]:
    """Process ids of what a demo has started."""
    children = Path(f"/proc/{process.pid}/task").glob("*/children")
    return [int(pid) for tasks in children for pid in tasks.read_text().split()]


def wait_for_servers(process: "subprocess.Popen[str]", count: int) -> list[int]:
    """Wait until a demo has started so many: callees, phones, six Asterisks."""
    until_s = time.monotonic() + END_S_MAX
    while len(servers := servers_of(process)) < count:
        assert process.poll() is None and time.monotonic() < until_s
        time.sleep(0.01)
    return servers


def check_nothing_is_left(temporary: Path, servers: list[int]) -> None:
    assert [path.name for path in temporary.iterdir()] == []
    until_s = time.monotonic() + 5  # the last ones may still have to be forgotten by the system
    while left := [pid for pid in servers if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < until_s, left
        time.sleep(0.01)


# --- on real servers ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_short_demo_is_consistent_survives_a_lost_node_and_leaves_nothing(programs, tmp_path, temporary):
    process = start(tmp_path, temporary, "--seconds", str(SECONDS), "--json", "--journal", "x.journal")
    try:
        servers = wait_for_servers(process, 8)
        out, err = process.communicate(timeout=SECONDS + END_S_MAX)
    finally:
        process.kill()
    assert process.returncode == 0, err
    report = json.loads(out)
    attempts, records = read(tmp_path / report["results_file"]), read(tmp_path / report["records_file"])
    assert len(attempts) == report["attempts"] == sum(group["attempts"] for group in report["groups"]) > 20
    for group in report["groups"]:
        results = Counter(row["call_result"] for row in attempts if row["group"] == group["name"])
        assert results == group["results"]
        assert (group["state"], group["attempts"] > 0) == ("stopped", True)
    assert sum(int(record["attempts"]) for record in records) == report["attempts"]
    # requests that were on their way to the killed node may not have become calls
    assert 0.8 * report["attempts"] <= report["calls_seen"] <= report["attempts"]
    assert report["servers"].startswith("Asterisk ")
    assert {row["verdict"] for row in attempts} >= {"person", "machine"}
    assert report["node_failures"] >= 2  # sip-3, then the primary server of sip-1
    assert {row["node"] for row in attempts} == {"sip-1", "sip-2", "sip-3"}
    assert replay(tmp_path / "x.journal").identical
    check_nothing_is_left(temporary, servers)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_it_within_seconds_with_a_summary(programs, tmp_path, temporary, number):
    process = start(tmp_path, temporary, "--seconds", "60")
    try:
        assert process.stdout is not None
        seen = ""
        while "sip-3 connected" not in seen:
            line = process.stdout.readline()
            assert line, seen
            seen += line
        servers = servers_of(process)
        process.send_signal(number)
        out, err = process.communicate(timeout=END_S_MAX)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert len(servers) == 8
    assert "kill -9" not in out
    assert "calls to customers, as their side counted" in out and "every attempt: out/attempts.csv" in out
    check_nothing_is_left(temporary, servers)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_while_servers_boot_leaves_nothing(programs, tmp_path, temporary, number):
    process = start(tmp_path, temporary)
    try:
        servers = wait_for_servers(process, 4)
        process.send_signal(number)
        out, err = process.communicate(timeout=END_S_MAX)
    finally:
        process.kill()
    assert (process.returncode, out, err) == (cli.EXIT_INTERRUPTED, "", "")
    assert not (tmp_path / "out").exists()
    check_nothing_is_left(temporary, servers)


# --- without servers ---------------------------------------------------------------------------------------------


def test_a_machine_without_real_servers_is_told_why(monkeypatch, capsys, tmp_path):
    def fetch(what):
        raise LabUnavailable(f"{what} cannot be fetched: the program apt-get is missing")

    monkeypatch.setattr(cluster, "fetch", fetch)
    monkeypatch.setenv("OUTDIAL_LAB_CACHE", str(tmp_path / "cache"))
    assert cli.run_command_line(["demo", "--asterisk", "--out", str(tmp_path / "out")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "outdial: asterisk16 cannot be fetched: the program apt-get is missing" in err
    assert "fetching Asterisk 22 and sipp into" in err.replace("\n", " ")
    assert not (tmp_path / "out").exists()


def test_asterisk_16_serves_where_there_is_no_22(monkeypatch, tmp_path):
    def fetch(what):
        if what == "asterisk22":
            raise LabUnavailable("asterisk22 cannot be fetched: not in the archive")
        return tmp_path / what

    monkeypatch.setattr(cluster, "fetch", fetch)
    said: list[str] = []
    assert cluster.fetch_programs(said.append) == (tmp_path / "asterisk16", tmp_path / "sipp")
    assert said[-1] == "asterisk22 cannot be fetched: not in the archive; trying Asterisk 16 …"


def test_what_fails_before_dialing_is_cleared_away(monkeypatch, tmp_path):
    closed = []

    class Broken:
        network, version = NETWORKS[0], "Asterisk 22"

        def __init__(self, say):
            pass

        def start(self):
            raise LabUnavailable("Asterisk server11 does not start")

        def close(self):
            closed.append(self)

    monkeypatch.setattr("outdial.demo_asterisk.Cluster", Broken)
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with pytest.raises(LabUnavailable, match="server11"):
        run_asterisk_demo(DemoOptions(out=tmp_path / "out"), as_json=True, stdout=console(), stderr=console())
    assert len(closed) == 1
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_calling_list_is_refused(capsys, tmp_path):
    assert cli.run_command_line(["demo", "--asterisk", "--list", str(tmp_path / "mine.csv")]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_taken_addresses_are_left_to_whoever_has_them():
    network, claim = claim_network()
    with claim:
        other, other_claim = claim_network()
        other_claim.close()
        assert other != network
        with socket.create_server((f"{other}.{PRIMARIES[2]}", AMI_PORT)):
            third, third_claim = claim_network()
            third_claim.close()
            assert third not in (network, other)


# --- the scenario ------------------------------------------------------------------------------------------------


def test_the_shipped_scenario_is_what_the_demo_promises():
    """Several modes share one pool, servers are where the cluster has them, phones are there, failures fit in."""
    loaded = load_scenario("127.86.9")
    configuration = loaded.configuration
    modes = {group.dialing_mode for group in configuration.campaign_groups}
    assert modes == {
        DialingMode.PROGRESSIVE,
        DialingMode.PREDICTIVE,
        DialingMode.PREDICTIVE_SEIZING,
        DialingMode.POWER_GVP,
    }
    assert any(group.call_progress_detection for group in configuration.campaign_groups)
    hosts = [server.host for server in loaded.edge.values()]
    assert sorted(hosts) == [f"127.86.9.{host}" for host in (*cluster.PRIMARIES, *cluster.BACKUPS)]
    assert len(configuration.nodes) == 3 and all(node.backup for node in configuration.nodes)
    assert {agent.phone for agent in configuration.agents} <= set(PHONES)
    lost = [set(failure.servers) for failure in FAILURES]
    other_node = next(node for node in configuration.nodes if {node.dbid, node.backup} in lost)
    assert other_node.dbid != configuration.ocs.sip_cluster_prime_node
    assert all(0 < failure.at < failure.back_at < 1 for failure in FAILURES)


def test_callees_are_a_mix_as_of_an_ordinary_day():
    loaded = load_scenario(NETWORKS[0])
    for source in made_up_lists(loaded, 1):
        numbers = numbers_of(source)
        assert len(set(numbers)) == len(numbers) == loaded.list_files[source.list_id]
        callees = [callee(number) for number in numbers]
        refusals = sum(each.refuse_status > 0 for each in callees) / len(callees)
        nobody = sum(not each.refuse_status and each.answer_ms is None for each in callees) / len(callees)
        assert 0.2 < refusals < 0.3 and 0.1 < nobody < 0.25
        ring_ms_max = min(group.ring_ms_max for group in loaded.configuration.campaign_groups)
        assert max(each.answer_ms or 0 for each in callees) < ring_ms_max
    assert MIXES.keys() == loaded.list_files.keys()


def test_one_seed_gives_the_same_numbers_again():
    loaded = load_scenario(NETWORKS[0])
    first, again, other = (numbers_of(made_up_lists(loaded, seed)[0]) for seed in (1, 1, 2))
    assert first == again != other


def numbers_of(source: StoredSource) -> list[str]:
    return [source.record(index).number for index in range(source.count)]


def console() -> Console:
    return Console(file=io.StringIO(), width=120, _environ={})
