"""The shipped files: each is free of mistakes, shows what it says, and runs."""

import importlib.resources
from pathlib import Path
from statistics import mean

import pytest

from outdial.calling_list_files import read_records
from outdial.config import Loaded, load
from outdial.config.world import world_seed, world_settings
from outdial.core.modes import DialingMode
from outdial.core.units import MINUTE_MS
from outdial.sim.run import Simulation
from outdial.sim.settings import FaultKind

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
DATA = Path(str(importlib.resources.files("outdial") / "data"))
REAL = EXAMPLES / "asterisk.toml"
"""The one that is not simulated."""
FILES = sorted(path for path in EXAMPLES.glob("*.toml") if path != REAL) + [DATA / "demo.toml"]


def simulation(loaded: Loaded, seed: int | None = None) -> Simulation:
    return Simulation(loaded.configuration, world_settings(loaded), world_seed(loaded) if seed is None else seed)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_file_has_no_mistakes_and_a_world(path):
    loaded = load(path)
    assert loaded.notes == ()
    assert loaded.world and world_seed(loaded) is not None
    assert world_settings(loaded).duration_ms >= MINUTE_MS


def test_examples_are_there():
    assert [path.stem for path in FILES[:-1]] == [
        "four-groups-day",
        "guide-example-1",
        "guide-example-2",
        "guide-example-3",
        "prime-node-loss",
        "stop-and-promote",
    ]


# --- real servers -----------------------------------------------------------------------------------------------


def test_example_for_real_servers_has_what_it_says():
    loaded = load(REAL)
    settings = loaded.configuration
    assert loaded.notes == () and not loaded.world
    assert len(settings.nodes) == 3 and all(node.backup for node in settings.nodes)
    assert all(server.driver.is_asterisk for server in loaded.edge.values())
    assert {group.dialing_mode for group in settings.campaign_groups} >= {
        DialingMode.PROGRESSIVE,
        DialingMode.PREDICTIVE,
        DialingMode.PREDICTIVE_SEIZING,
    }
    ways = {(s.dial_string, s.phone_string, s.auto_answer_header) for s in loaded.edge.values()}
    assert len(ways) == 1  # backups have what their primaries have


def test_example_for_real_servers_reaches_nobody():
    loaded = load(REAL)
    [calling_list] = loaded.configuration.calling_lists
    records, counts = read_records(EXAMPLES / "asterisk.csv", calling_list, rejects=False)
    assert counts.rejected == 0 and any(record.chain_n for record in records)
    assert all(record.number[5:10] == "55501" and len(record.number) == 12 for record in records)
    assert {server.host.rpartition(".")[0] for server in loaded.edge.values()} == {"192.0.2"}


def test_unit_waits_longer_than_the_server_drains():
    unit = (EXAMPLES / "outdial.service").read_text(encoding="utf-8")
    options = dict(line.split("=", 1) for line in unit.splitlines() if line and line[0] not in "#[")
    assert int(options["TimeoutStopSec"]) * 1_000 > load(REAL).serve.drain_ms_max + 30_000
    assert options["ExecStart"].split()[1:3] == ["serve", "--json-logs"]


# --- the demonstration ------------------------------------------------------------------------------------------


def test_demo_has_every_family_of_modes_on_one_pool():
    settings = load(DATA / "demo.toml").configuration
    modes = {group.dialing_mode for group in settings.campaign_groups}
    assert modes >= {
        DialingMode.PROGRESSIVE,
        DialingMode.PREDICTIVE,
        DialingMode.PREDICTIVE_SEIZING,
        DialingMode.POWER_GVP,
        DialingMode.PREVIEW,
    }
    assert len({group.dialer for group in settings.campaign_groups}) == 1
    assert all(node.backup for node in settings.nodes) and len(settings.nodes) == 3


def test_demo_loses_a_node_and_a_primary_in_its_first_minute():
    loaded = load(DATA / "demo.toml")
    prime = loaded.configuration.ocs.sip_cluster_prime_node
    faults = world_settings(loaded).faults.scripted
    assert all(fault.at_ms + fault.duration_ms <= MINUTE_MS for fault in faults)
    assert {fault.kind for fault in faults if fault.node_id != prime} == {FaultKind.LOSE_BOTH}
    assert {fault.kind for fault in faults if fault.node_id == prime} == {FaultKind.LOSE_PRIMARY}


def test_demo_list_is_good_and_fictional():
    loaded = load(DATA / "demo.toml")
    [calling_list] = loaded.configuration.calling_lists
    records, counts = read_records(DATA / "demo.csv", calling_list, rejects=False)
    assert (len(records), counts.rejected) == (3_000, 0)
    assert any(record.chain_id for record in records)
    assert any(record.zone and record.daily_from_s is not None for record in records)
    for record in records:
        american = record.number.startswith("+1") and record.number[5:10] == "55501" and len(record.number) == 12
        assert american or record.number.startswith(("+447700900", "+442079460"))


@pytest.mark.slow
def test_demo_dials_in_every_group_and_comes_to_rest():
    loaded = load(DATA / "demo.toml")
    report = simulation(loaded).run()
    *dialed, previews = report.groups
    assert all(group.attempts > 20 and group.connected > 5 for group in dialed)
    assert (previews.name, previews.attempts) == ("previews", 0), "nobody is at the desk"


# --- the guide's examples ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "number, pool, needs, maxima",
    [(1, 100, (20, 30), (40, 60)), (2, 25, (20, 30), (10, 15)), (3, 50, (5, 100), (5, 45))],
)
def test_guide_example_as_a_running_system(number, pool, needs, maxima):
    """Within a fifth of what the guide prints, on average over the last forty minutes; the sum holds at every look."""
    running = simulation(load(EXAMPLES / f"guide-example-{number}.toml"))
    running.start()
    looks = []
    for minute in range(20, 60):
        running.advance(minute * MINUTE_MS)
        ports = [group.ports for group in running.dialer.snapshot().groups]
        looks.append(ports)
        assert sum(port.maximum_ports or 0 for port in ports) == pool
    for place in range(2):
        need = mean(ports[place].need_millis / 1_000 for ports in looks)
        maximum = mean(ports[place].maximum_ports or 0 for ports in looks)
        assert need == pytest.approx(needs[place], rel=0.2)
        assert maximum == pytest.approx(maxima[place], rel=0.2)


# --- nodes ------------------------------------------------------------------------------------------------------


def requests_between(running: Simulation, start_min: float, end_min: float) -> dict[str, int]:
    """Requests per node between two instants; calls in progress settle in the meantime."""
    running.advance(round(start_min * MINUTE_MS))
    before = {node.name: node.requests for node in running.dialer.snapshot().nodes}
    running.advance(round(end_min * MINUTE_MS))
    return {node.name: node.requests - before[node.name] for node in running.dialer.snapshot().nodes}


@pytest.mark.slow
def test_prime_node_loss_stops_all_dialing():
    running = simulation(load(EXAMPLES / "prime-node-loss.toml"))
    running.start()
    without_third = requests_between(running, 3.2, 4.9)
    assert without_third["sip-3"] == 0 and without_third["sip-1"] > 0 and without_third["sip-2"] > 0
    assert requests_between(running, 7.3, 7.9)["sip-1"] > 0  # on its backup
    assert set(requests_between(running, 10.1, 11.9).values()) == {0}
    assert min(requests_between(running, 12.3, 13.9).values()) > 0


@pytest.mark.slow
def test_promotion_dials_on():
    running = simulation(load(EXAMPLES / "stop-and-promote.toml"))
    running.start()
    without_prime = requests_between(running, 3.2, 5.9)
    assert without_prime["sip-1"] == 0 and without_prime["sip-2"] > 0 and without_prime["sip-3"] > 0
    drained = requests_between(running, 8.1, 9.9)
    assert drained["sip-2"] == 0 and drained["sip-1"] > 0
