"""The table [world] becomes the simulator's settings, with the manners of the rest of the file."""

import dataclasses
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config_samples import PIECES, load_text, mistakes_in, text_with
from outdial.config.converter import Converter, Limits
from outdial.config.mistakes import Mistakes
from outdial.config.world import ACTS, RULES, world_seed, world_settings
from outdial.core import events
from outdial.core.callback_events import CallbackRequested
from outdial.core.modes import DialingMode
from outdial.sim.settings import CalleeKind, FaultKind, ListShape, ScriptedFault, WorldSettings


def world_of(text: str) -> WorldSettings:
    return world_settings(load_text(text_with(text)))


def only(text: str) -> str:
    [mistake] = mistakes_in(text_with("[world]\n" + text))
    return mistake


def test_without_a_world_the_simulator_has_its_defaults():
    shape = ListShape(1, 100)
    assert world_of("") == dataclasses.replace(WorldSettings(), groups_to_start=(1,), lists=(shape,))


def test_times_in_other_units():
    world = world_of(
        """
        [world]
        duration-min = 1.5
        cool_down_s = 10
        [world.callees]
        talk-s-mean = 8.25
        post-dial-s = [0.4, 1]
        patience-ms-mean = 9000
        """
    )
    assert (world.duration_ms, world.cool_down_ms) == (90_000, 10_000)
    assert (world.callees.talk_ms_mean, world.callees.post_dial_ms) == (8_250, (400, 1_000))
    assert world.callees.patience_ms_mean == 9_000


def test_lists_of_pairs_are_tables():
    callees = world_of(
        '[world.callees]\nshares = { person = 0.5, "no-answer" = 1 }\ntalk-s-mean-by-group = { east = 7, 1 = 8 }'
    )
    assert callees.callees.shares == ((CalleeKind.PERSON, 0.5), (CalleeKind.NO_ANSWER, 1.0))
    assert callees.callees.talk_ms_mean_by_group == ((1, 7_000), (1, 8_000))


def test_nodes_and_faults_by_name():
    world = world_of(
        """
        [world.nodes.south]
        capacity-ports = 20
        [[world.faults.scripted]]
        at-s = 30
        kind = "lose both"
        node = "south"
        """
    )
    assert [(node, settings.capacity_ports) for node, settings in world.nodes] == [(2, 20)]
    assert world.faults.scripted == (ScriptedFault(30_000, FaultKind.LOSE_BOTH, node_id=2),)


def test_start_and_seed():
    loaded = load_text(text_with("[world]\nseed = 7\nstart-utc = 2026-06-10T09:00:00Z\n"))
    assert (world_seed(loaded), world_settings(loaded).start_utc_ms) == (7, 1_781_082_000_000)


def test_operator_acts():
    world = world_of(
        """
        [[world.operator-acts]]
        at-s = 5
        act = "change-mode"
        group = "east"
        mode = "progressive"
        [[world.operator-acts]]
        at-min = 1
        act = "drain-node"
        node = 2
        """
    )
    assert [(act.at_ms, act.event) for act in world.operator_acts] == [
        (5_000, events.GroupModeChangeRequested(1, 1, DialingMode.PROGRESSIVE)),
        (60_000, events.NodeDrainRequested(2, 2)),
    ]


def test_every_operator_request_has_an_act():
    requests = {event for event in typing.get_args(events.Event) if event.__name__.endswith("Requested")}
    agents = {events.PreviewRequested, events.IvrAgentRequested, events.HangUpRequested, CallbackRequested}
    assert {event for _, event in ACTS.values()} == requests - agents


def test_synthetic_lists_keep_their_size():
    assert world_of("[[world.lists]]\nlist = 'customers'\nchain-length = 3").lists == (ListShape(1, 100, 3),)
    assert world_of("[[world.lists]]\nlist = 1\nrecords = 5").lists == (ListShape(1, 5),)


def test_reported_ports_of_a_server_are_the_nodes_capacity():
    text = text_with(south=PIECES["south"] + "total-ports = 30\n")
    [(node, settings)] = world_settings(load_text(text)).nodes
    assert (node, settings.capacity_ports, settings.reports_total_ports) == (2, 30, True)


@pytest.mark.parametrize(
    "text, mistake",
    [
        (
            "duratoin-s = 5",
            'world.duratoin-s = 5: unknown key; did you mean "duration-s"?; allowed: start-utc-ms, duration-ms, '
            "cool-down-ms, settle-ms-max, groups-to-start, operator-acts, callees, ivr, workforce, node, nodes, lists, "
            "store-ms, faults, dn-events-from-all-nodes",
        ),
        ("duration-s = '5'", 'world.duration-s = "5": wrong type (text); allowed: a number 0.001 … 3.16224e+07'),
        (
            "duration-ms = 5.5",
            "world.duration-ms = 5.5: wrong type (a decimal number); allowed: a whole number 1 … 3.16224e+10",
        ),
        ("duration-s = 0", "world.duration-s = 0: out of range; allowed: a number 0.001 … 3.16224e+07"),
        ("duration-s = nan", "world.duration-s = nan: out of range; allowed: a number 0.001 … 3.16224e+07"),
        ("duration-s = 5\nduration-ms = 5", "world.duration-ms = 5: given twice: duration-ms; allowed: one of them"),
        (
            "dn-events-from-all-nodes = 1",
            "world.dn-events-from-all-nodes = 1: wrong type (a whole number); allowed: true or false",
        ),
        (
            "groups-to-start = ['west']",
            'world.groups-to-start[#1] = "west": there is no such campaign-group; did you mean '
            '"east"?; allowed: "east" (1)',
        ),
        ("store-s = [2, 1]", "world.store-s = […]: the first value is greater than the second; allowed: [least, most]"),
        ("store-s = [2]", "world.store-s = […]: wrong shape; allowed: an array of 2 values"),
        ("store-s = 2", "world.store-s = 2: wrong shape; allowed: an array of 2 values"),
        (
            "nodes = { west = {} }",
            'world.nodes.west = "west": there is no such node; allowed: "north" (1), "south" (2)',
        ),
        ("callees = 3", "world.callees = 3: wrong type (a whole number); allowed: a table"),
        (
            "callees.person-ring-ms-cv = 11",
            "world.callees.person-ring-ms-cv = 11: out of range; allowed: a number 0 … 10",
        ),
        ("ivr.agent-ratio = 2", "world.ivr.agent-ratio = 2: out of range; allowed: a number 0 … 1"),
        ("faults.scripted = [{ kind = 'hang' }]", "world.faults.scripted[#1].at-ms: missing"),
        (
            "faults.scripted = [{ at-s = 1, kind = 'hangs' }]",
            'world.faults.scripted[#1].kind = "hangs": unknown value; did you mean "hang"?; allowed: one of "lose '
            'primary", "lose backup", "lose both", "hang", "partition", "late replies", "duplicate replies", "lost '
            'replies", "clock step", "store down", "mass break"',
        ),
        ("seed = -1", "world.seed = -1: wrong value; allowed: a whole number 0 … 9223372036854775807"),
        (
            "start-utc = 5",
            "world.start-utc = 5: wrong type (a whole number); allowed: a date and time: 2026-06-10T09:00:00Z",
        ),
        (
            "operator-acts = [{ at-s = 1, act = 'start' }]",
            'world.operator-acts[#1].act = "start": unknown value; did you mean "start-group"?; allowed: one of '
            '"start-group", "stop-group", "pause-group", "resume-group", "change-mode", "drain-node", "enable-node", '
            '"promote-node"',
        ),
        (
            "operator-acts = [{ at-s = 1, act = 'stop-group' }]",
            "world.operator-acts[#1].group: missing; stop-group needs it; allowed: the group",
        ),
        (
            "operator-acts = [{ at-s = 1, act = 'stop-group', group = 1, node = 1 }]",
            "world.operator-acts[#1].node = 1: unknown key; allowed: at-s, act, group",
        ),
    ],
)
def test_mistakes_in_the_world(text, mistake):
    assert only(text) == mistake


def test_ranges_and_kinds_are_about_fields_that_exist():
    owners = {item.__name__: item for item in classes(WorldSettings)}
    for owner, field in RULES.ranges:
        assert field in {item.name for item in dataclasses.fields(owners[owner])}
    fields = {item.name for owner in owners.values() for item in dataclasses.fields(owner)}
    assert set(RULES.kinds) <= fields


def test_defaults_of_the_simulator_are_in_range():
    """Writing a default into the file must not be a mistake."""
    for owner in classes(WorldSettings):
        for item in dataclasses.fields(owner):
            limits = RULES.limits(owner, item.name, 0)
            if isinstance(item.default, int | float) and not isinstance(item.default, bool):
                assert limits.low <= item.default <= limits.high, (owner, item.name)


def classes(owner: type) -> list[type]:
    """A dataclass and the dataclasses in its fields."""
    found = [owner]
    for hint in typing.get_type_hints(owner).values():
        for part in parts(hint):
            if dataclasses.is_dataclass(part) and part.__module__ == owner.__module__:
                found += classes(part)
    return found


def parts(hint: object) -> list[object]:
    return [hint] + [part for inner in typing.get_args(hint) for part in parts(inner)]


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda i: st.lists(i, max_size=3) | st.dictionaries(st.text(max_size=5), i, max_size=3),
    )
)
def test_any_value_for_any_field(value):
    for owner in classes(WorldSettings):
        for name, hint in typing.get_type_hints(owner).items():
            if name not in ("event", "operator_acts"):
                Converter(RULES, {}, Mistakes("w")).value(hint, value, "w", Limits(0, 5))
