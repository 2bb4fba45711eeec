"""One point of a plan: what it changes in a scenario, and that it changes nothing else."""

from dataclasses import replace
from decimal import Decimal

import pytest

from config_samples import CPD_SERVER, PIECES, load_text
from outdial.config import Loaded
from outdial.config.world import world_settings
from outdial.core.settings import Configuration
from outdial.plan_world import group_to_plan, port_limit_note, refusals, world_of
from outdial.sim.settings import CalleeKind, CalleeSettings, WorldSettings
from plan_samples import GROUP, POWER, PROGRESSIVE, TEAM, scenario_text

SECOND_TEAM = '[[agent-group]]\ndbid = 2\nname = "others"\nagents = [109]\n'
MINUTE_MS = 60_000


def varied(loaded: Loaded, name: str, value: str, group: str | None = None) -> tuple[Configuration, WorldSettings]:
    planned = group_to_plan(loaded.configuration, group)
    assert planned is not None
    point = ((name, Decimal(value)),)
    return world_of(loaded.configuration, world_settings(loaded), planned, point, MINUTE_MS)


def team(configuration: Configuration) -> tuple[int, ...]:
    return configuration.agent_groups[0].agents


def test_the_point_that_changes_nothing():
    loaded = load_text(scenario_text())
    [group] = loaded.configuration.campaign_groups
    settings = world_settings(loaded)
    configuration, world = world_of(loaded.configuration, settings, group, (), MINUTE_MS)
    assert configuration == loaded.configuration
    assert world == replace(settings, duration_ms=MINUTE_MS, cool_down_ms=0)


def test_fewer_agents_are_the_first_ones():
    loaded = load_text(scenario_text())
    configuration, _ = varied(loaded, "agents", "3")
    assert team(configuration) == team(loaded.configuration)[:3]
    assert [agent.dbid for agent in configuration.agents] == sorted(team(configuration))


def test_agents_of_another_group_stay_at_work():
    loaded = load_text(scenario_text(agent_group=TEAM + SECOND_TEAM))
    configuration, _ = varied(loaded, "agents", "2")
    assert 109 in [agent.dbid for agent in configuration.agents] and len(configuration.agents) == 3
    assert configuration.agent_groups[1].agents == (109,)


def test_more_agents_are_new_people():
    loaded = load_text(scenario_text())
    configuration, _ = varied(loaded, "agents", "12")
    assert team(configuration) == (*team(loaded.configuration), 110, 111)
    assert len({agent.phone for agent in configuration.agents}) == len(configuration.agents) == 12
    assert configuration.agents[:10] == loaded.configuration.agents


def test_ports_of_a_switch_and_of_a_cpd_server():
    configuration, _ = varied(load_text(scenario_text()), "ports", "7")
    assert [switch.channel_num for switch in configuration.switches] == [7]
    loaded = load_text(scenario_text(CPD_SERVER, group=GROUP.replace('"main"', '"board"')))
    configuration, _ = varied(loaded, "ports", "7")
    assert [node.ports for node in configuration.nodes] == [None, None, 7]
    assert configuration.switches == loaded.configuration.switches


def test_abandonment_of_this_group_only():
    loaded = load_text(scenario_text(PROGRESSIVE))
    configuration, _ = varied(loaded, "abandonment", "1.5")
    assert [group.overdial_ratio_max for group in configuration.campaign_groups] == [0.015, 0.03]


@pytest.mark.parametrize("percent", ["0.1", "25", "100"])
def test_hit_rate_keeps_the_proportions_of_the_rest(percent):
    loaded = load_text(scenario_text())
    shares = dict(varied(loaded, "hit-rate", percent)[1].callees.shares)
    assert shares[CalleeKind.PERSON] == pytest.approx(float(percent) / 100 * sum(shares.values()))
    if percent == "100":
        assert list(shares) == [CalleeKind.PERSON]
    else:
        assert shares[CalleeKind.BUSY] == pytest.approx(2 * shares[CalleeKind.NO_ANSWER])


def test_hit_rate_where_there_are_only_persons():
    loaded = load_text(scenario_text())
    [group] = loaded.configuration.campaign_groups
    settings = replace(world_settings(loaded), callees=CalleeSettings(shares=((CalleeKind.PERSON, 2.0),)))
    _, world = world_of(loaded.configuration, settings, group, (("hit-rate", Decimal(30)),), MINUTE_MS)
    assert world.callees.shares == ((CalleeKind.PERSON, 0.3), (CalleeKind.NO_ANSWER, 0.7))


def test_talk_of_this_group_only():
    _, world = varied(load_text(scenario_text(PROGRESSIVE)), "talk-s", "90.5")
    assert world.callees.talk_ms_mean_by_group == ((1, 90_500),)
    assert world.callees.talk_ms_mean == 12_000


def test_a_group_that_the_scenario_does_not_start_is_started():
    _, world = varied(load_text(scenario_text(PROGRESSIVE)), "agents", "5", "welcome")
    assert world.groups_to_start == (1, 3)


def test_which_group_is_planned():
    configuration = load_text(scenario_text(POWER + PROGRESSIVE)).configuration
    names = {name: group_to_plan(configuration, name) for name in (None, "east", "welcome", "nobody")}
    assert {name: group and group.name for name, group in names.items()} == {
        None: "east",
        "east": "east",
        "welcome": "welcome",
        "nobody": None,
    }
    progressive = load_text(scenario_text(group=GROUP.replace('"predictive"', '"progressive"'))).configuration
    assert group_to_plan(progressive, None) == progressive.campaign_groups[0]


@pytest.mark.parametrize(
    "group, names, said",
    [
        ("east", ["agents", "ports", "abandonment", "hit-rate", "talk-s"], []),
        (
            "reminders",
            ["agents", "talk-s"],
            ["--vary agents: reminders has no agent group", "--vary talk-s: reminders has no agents to talk with"],
        ),
        (
            "welcome",
            ["agents", "abandonment"],
            ["--vary abandonment: welcome dials progressive, and only predictive modes steer by abandonment"],
        ),
    ],
)
def test_what_cannot_be_varied(group, names, said):
    loaded = load_text(scenario_text(POWER + PROGRESSIVE))
    planned = group_to_plan(loaded.configuration, group)
    assert planned is not None
    assert refusals(loaded, world_settings(loaded), planned, names) == said


def test_ports_that_servers_report_cannot_be_varied():
    loaded = load_text(scenario_text(north=PIECES["north"] + "total-ports = 30\n"))
    [group] = loaded.configuration.campaign_groups
    [said] = refusals(loaded, world_settings(loaded), group, ["ports"])
    assert said == "--vary ports: servers report their own `total-ports`, so `channel_num` has no effect"


def test_a_limit_of_the_group_below_the_pool_is_noted():
    limited = load_text(scenario_text(group=GROUP + "number-of-cpd-ports = 20\n"))
    [group] = limited.configuration.campaign_groups
    assert port_limit_note(group, (("ports", Decimal(20)),)) == ""
    assert "number-of-cpd-ports = 20, below 30 ports" in port_limit_note(group, (("ports", Decimal(30)),))
    assert port_limit_note(replace(group, number_of_cpd_ports=0), (("ports", Decimal(30)),)) == ""
