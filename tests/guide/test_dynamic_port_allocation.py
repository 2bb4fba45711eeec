"""Dynamic port allocation between campaign groups, through a running dialer.

The outer contract of the guide's chapter: who takes part (every row of the table in `allocation.py`), what is reserved,
what the three printed examples give, when the numbers are worked out anew, and that a maximum is not what is held.

Where a test speaks of needs, it says them itself (`needs`); the examples at the end estimate them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from dialing_story import SWITCH, Story, configuration, cpd_server, dialing_story, group, node, with_group
from outdial.core import port_shares, views
from outdial.core.commands import Dial, Engage
from outdial.core.estimates import Demand, Mean
from outdial.core.modes import DialingMode as Mode
from outdial.core.settings import DialerId, DialerKind, Switch
from outdial.core.units import SECOND_MS

REGULAR = [Mode.PROGRESSIVE, Mode.PREDICTIVE]
SEIZING = [Mode.PROGRESSIVE_SEIZING, Mode.PREDICTIVE_SEIZING]
GVP = [Mode.PROGRESSIVE_GVP, Mode.PREDICTIVE_GVP]
PREVIEW = [Mode.PREVIEW, Mode.PUSH_PREVIEW]
CPD = DialerId(DialerKind.CPD_SERVER, 9)
PERIOD_MS = 5 * SECOND_MS

Needs = dict[int, tuple[int, int]]
"""Ports that each group needs. Shape: {group: (regular, engaging)}. Missing: none."""


@pytest.fixture
def needs(monkeypatch: pytest.MonkeyPatch) -> Needs:
    """What groups need, instead of what they estimate."""
    said: Needs = {}

    def group_demand(state: object, each: port_shares.Group) -> Demand:
        regular, engaging = said.get(each.group_id, (0, 0))
        return Demand(1_000 * regular, 1_000 * engaging)

    monkeypatch.setattr(port_shares, "group_demand", group_demand)
    monkeypatch.setattr(views, "group_demand", group_demand)
    return said


# --- who is dynamic -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One row of the table, with 100 ports and a regular dynamic neighbour that needs as much as the group."""

    name: str
    modes: list[Mode]
    n: int
    e: int | None
    maximum: int | None
    engaging_maximum: int | None = None
    reserved: int = 0
    neighbour: int | None = None
    rule: str = "proportion"

    def __str__(self) -> str:
        return self.name


DYNAMIC_ROWS = [
    Row("regular, no number of ports: dynamic", REGULAR, 0, None, 50, neighbour=50),
    Row("regular, a number of ports: reserved", REGULAR, 30, None, 30, reserved=30, neighbour=70, rule="fixed"),
    Row("seizing, neither limit: dynamic", SEIZING, 0, 0, 50, 25, neighbour=50),
    Row("seizing, engaging limit only: dynamic, engaging capped", SEIZING, 0, 8, 50, 8, neighbour=50),
    Row("seizing, total only: dynamic, capped", SEIZING, 20, 0, 20, 10, neighbour=80, rule="capped"),
    Row("seizing, both limits: reserved", SEIZING, 20, 5, 25, 5, reserved=25, neighbour=75, rule="fixed"),
    Row("seizing, one counter, no number: dynamic", SEIZING, 0, None, 50, 25, neighbour=50),
    Row("seizing, one counter, a number: reserved", SEIZING, 20, None, 20, reserved=20, neighbour=80, rule="fixed"),
    Row("GVP, a number of ports: reserved", GVP, 30, None, 30, reserved=30, neighbour=70, rule="fixed"),
    Row("GVP, no number: what is free", GVP, 0, None, None, neighbour=100, rule="what is free"),
    Row("Power GVP: its queue reserved", [Mode.POWER_GVP], 0, None, 6, reserved=6, neighbour=94, rule="fixed"),
    Row("preview: none", PREVIEW, 0, None, 0, neighbour=100, rule="none"),
    Row("preview, a number of ports: none", PREVIEW, 30, None, 0, neighbour=100, rule="none"),
]
FIXED_ROWS = [
    Row("regular, no number of ports: the pool alone", REGULAR, 0, None, None, rule="what is free"),
    Row("regular, a number of ports: a limit", REGULAR, 30, None, 30, rule="fixed"),
    Row("seizing, neither limit: the pool alone", SEIZING, 0, 0, None, rule="limits"),
    Row("seizing, engaging limit only: engaging limited", SEIZING, 0, 8, None, 8, rule="limits"),
    Row("seizing, total only: a limit", SEIZING, 20, 0, 20, rule="limits"),
    Row("seizing, both limits: reserved all the same", SEIZING, 20, 5, 25, 5, reserved=25, rule="fixed"),
    Row("seizing, one counter, no number: the pool alone", SEIZING, 0, None, None, rule="what is free"),
    Row("seizing, one counter, a number: a limit", SEIZING, 20, None, 20, rule="fixed"),
    Row("GVP, a number of ports: a limit", GVP, 30, None, 30, rule="fixed"),
    Row("GVP, no number: the pool alone", GVP, 0, None, None, rule="what is free"),
    Row("Power GVP: its queue is a limit", [Mode.POWER_GVP], 0, None, 6, rule="fixed"),
    Row("preview: none", PREVIEW, 0, None, 0, rule="none"),
]
CASES_ON = [pytest.param(row, mode, id=f"{row}, {mode}") for row in DYNAMIC_ROWS for mode in row.modes]
CASES_OFF = [pytest.param(row, mode, id=f"{row}, {mode}") for row in FIXED_ROWS for mode in row.modes]
DIALERS = pytest.mark.parametrize("server", [None, 9], ids=["switch", "CPD server"])


def two_groups(row: Row, mode: Mode, server: int | None, *, dynamic: bool) -> Story:
    """The row's group 1 and a regular group 2 without limits, both running on one dialer of 100 ports."""
    first = group(
        1, mode, cpd_server=server, number_of_cpd_ports=row.n, asm_channel_num=row.e, maximum_queue_size=6, agents=2
    )
    second = group(2, Mode.PROGRESSIVE, cpd_server=server, agents=2)
    nodes = (node(1), node(2), cpd_server(9, 100, dynamic=dynamic))
    # the other kind of dialer is off, so that nobody mistakes one for the other
    ports = 100 if server is None else 1
    switch_dynamic = dynamic if server is None else not dynamic
    return dialing_story(
        first, second, nodes=nodes, ports=ports, dynamic=switch_dynamic, ready=[], has_records=False
    ).log_in(101, 102, 201, 202)


@DIALERS
@pytest.mark.parametrize("row, mode", CASES_ON)
def test_with_dynamic_allocation(row: Row, mode: Mode, server: int | None, needs: Needs) -> None:
    needs.update({1: (5, 5) if mode.is_seizing else (10, 0), 2: (10, 0)})
    story = two_groups(row, mode, server, dynamic=True).advance(PERIOD_MS)
    first, second = story.group(1).ports, story.group(2).ports
    assert (row.maximum, row.engaging_maximum) == (first.maximum_ports, first.engaging_maximum_ports)
    assert (row.reserved, row.rule) == (first.reserved_ports, first.rule)
    assert row.neighbour == second.maximum_ports
    assert row.reserved == story.pool(SWITCH if server is None else CPD).reserved_ports


@DIALERS
@pytest.mark.parametrize("row, mode", CASES_OFF)
def test_without_dynamic_allocation(row: Row, mode: Mode, server: int | None, needs: Needs) -> None:
    needs.update({1: (5, 5) if mode.is_seizing else (10, 0), 2: (10, 0)})
    story = two_groups(row, mode, server, dynamic=False).advance(PERIOD_MS)
    first, second = story.group(1).ports, story.group(2).ports
    assert (row.maximum, row.engaging_maximum) == (first.maximum_ports, first.engaging_maximum_ports)
    assert (row.reserved, row.rule) == (first.reserved_ports, first.rule)
    assert second.maximum_ports is None, "the pool alone limits the neighbour"
    assert row.reserved == story.pool(SWITCH if server is None else CPD).reserved_ports


# --- the limits when it comes to dialing ----------------------------------------------------------------------------


def test_regular_group_with_a_number_of_ports_dials_up_to_it() -> None:
    story = dialing_story(group(1, agents=5, number_of_cpd_ports=3))
    assert 3 == len(story.said(Dial))
    assert ("waiting for ports: group is at its maximum of ports",) == story.group().holds


def test_regular_group_without_limit_dials_for_every_agent() -> None:
    story = dialing_story(group(1, agents=5))
    assert 5 == len(story.said(Dial))
    assert () == story.group().holds


def test_seizing_group_with_an_engaging_limit_engages_up_to_it() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, agents=5, asm_channel_num=2))
    assert 2 == len(story.said(Engage))
    assert ("waiting for ports: group is at its limit of engaging ports",) == story.group().holds
    assert 2 == len(story.engaged(*story.ever(Engage)).said(Dial)), "one customer for each engaged agent"


def test_seizing_group_with_a_total_keeps_both_kinds_within_it() -> None:
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, agents=9, asm_channel_num=0, number_of_cpd_ports=6))
    story.engaged(*story.ever(Engage))
    ports = story.group().ports
    assert 6 == ports.maximum_ports
    assert ports.engaging_ports == ports.engaging_maximum_ports
    assert 6 >= ports.regular_ports + ports.engaging_ports
    assert 1 <= ports.regular_ports


def test_seizing_group_with_both_limits_keeps_each_kind_within_its_own() -> None:
    story = dialing_story(group(1, Mode.PREDICTIVE_SEIZING, agents=9, asm_channel_num=4, number_of_cpd_ports=3))
    assert 4 == len(story.said(Engage))
    story.engaged(*story.ever(Engage))
    ports = story.group().ports
    assert (3, 4) == (ports.regular_ports, ports.engaging_ports)
    assert ("waiting for ports: group is at its maximum of ports",) == story.group().holds


def test_pool_alone_limits_a_group_when_ports_are_not_dynamic() -> None:
    story = dialing_story(group(1, agents=6), ports=4, dynamic=False)
    assert 4 == len(story.said(Dial))
    assert ("waiting for ports: all ports of the pool are in use",) == story.group().holds


def test_fixed_number_is_not_reserved_when_ports_are_not_dynamic() -> None:
    story = dialing_story(
        group(1, number_of_cpd_ports=4), group(2, agents=6), ports=6, dynamic=False, ready=range(201, 207)
    )
    assert 6 == len(story.said(Dial)), "the idle group's four ports are free for all"


def test_reserved_ports_stay_free_for_their_group() -> None:
    story = dialing_story(group(1, agents=4, number_of_cpd_ports=4), group(2, agents=6), ports=6, ready=range(201, 207))
    assert [2, 2] == [dial.group_id for dial in story.said(Dial)]
    story.agent_ready(101, 102, 103, 104)
    assert [1, 1, 1, 1] == [dial.group_id for dial in story.said(Dial)]


def test_gvp_group_without_a_number_uses_what_is_free_and_others_share_the_rest(needs: Needs) -> None:
    needs.update({2: (10, 0)})
    gvp = group(1, Mode.PROGRESSIVE_GVP, agents=3)
    story = dialing_story(gvp, group(2, agents=9), ports=10, ready=[101, 102, 103])
    assert 3 == len(story.said(Dial))
    story.agent_ready(*range(201, 210)).advance(PERIOD_MS)
    assert {1: None, 2: 7} == story.maxima()
    assert 7 == story.group(2).ports.used_ports
    assert ("waiting for ports: group is at its maximum of ports",) == story.group(2).holds


def test_power_gvp_group_reserves_its_queue_and_fills_it() -> None:
    story = dialing_story(group(1, Mode.POWER_GVP, agents=0, maximum_queue_size=4), group(2, agents=9), ports=10)
    assert {1: 4, 2: 6} == story.maxima()
    assert {1: 4, 2: 6} == {each: story.group(each).ports.used_ports for each in (1, 2)}


def test_seizing_and_regular_groups_may_share_a_pool(needs: Needs) -> None:
    needs.update({1: (10, 10), 2: (30, 0)})
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, asm_channel_num=0), group(2), has_records=False)
    assert {1: 40, 2: 60} == story.maxima()


# --- reservations -------------------------------------------------------------------------------------------------


def test_reservations_of_stopped_groups_are_not_kept(needs: Needs) -> None:
    needs.update({2: (10, 0)})
    story = Story(configuration(group(1, number_of_cpd_ports=30), group(2)))
    assert {1: 0, 2: 100} == story.start(2).maxima()
    assert {1: 30, 2: 70} == story.start(1).maxima()
    assert {1: 0, 2: 100} == story.stop(1).maxima()


def test_reservations_that_exceed_the_pool_are_served_in_start_order() -> None:
    story = Story(configuration(group(1, number_of_cpd_ports=8), group(2, number_of_cpd_ports=8), ports=10))
    story.start(2, 1)
    assert {1: 2, 2: 8} == story.maxima()
    assert "reservations exceed the pool: group 1 reserves 8 ports and gets 2" == story.pool().note
    assert "fixed by configuration: 8 ports, 2 of them reserved" == story.group(1).ports.reason
    story.stop(2)
    assert {1: 8, 2: 0} == story.maxima()
    assert "" == story.pool().note
    story.start(2)
    assert {1: 8, 2: 2} == story.maxima()


def test_reservation_that_got_nothing_dials_nothing() -> None:
    story = Story(configuration(group(1, agents=2, number_of_cpd_ports=8), group(2, number_of_cpd_ports=8), ports=8))
    story.start(2, 1).agent_ready(101, 102)
    assert story.said(Dial) == []
    assert {1: 0, 2: 8} == story.maxima()
    assert ("waiting for ports: group is at its maximum of ports",) == story.group(1).holds


def test_dynamic_groups_share_what_reservations_leave(needs: Needs) -> None:
    needs.update({2: (20, 0), 3: (30, 0)})
    story = dialing_story(group(1, number_of_cpd_ports=50), group(2), group(3), has_records=False)
    assert {1: 50, 2: 20, 3: 30} == story.maxima()


# --- a maximum is not what is held --------------------------------------------------------------------------------


def test_shrinking_maximum_ends_no_call_and_never_over_commits_the_pool(needs: Needs) -> None:
    needs.update({1: (10, 0), 2: (10, 0)})
    story = Story(configuration(group(1, agents=10), group(2, agents=10), ports=10))
    story.start(1).agent_ready(*range(101, 111)).advance(SECOND_MS)
    calls = story.ever(Dial)
    assert (10, 10) == (len(calls), story.group(1).ports.maximum_ports)

    story.start(2).agent_ready(*range(201, 211))
    assert {1: 5, 2: 5} == story.maxima()
    assert (10, 0) == (story.group(1).ports.used_ports, story.group(2).ports.used_ports)
    assert ("waiting for ports: all ports of the pool are in use",) == story.group(2).holds

    for used, dial in zip([9, 8, 7, 6, 5], calls, strict=False):
        story.accepted(dial)
        story.ended(dial, sip=486)
        assert [2] == [each.group_id for each in story.said(Dial)], "the port goes to the group below its maximum"
        assert (used, 10 - used) == (story.group(1).ports.used_ports, story.group(2).ports.used_ports)

    story.accepted(calls[5])
    story.ended(calls[5], sip=486)
    assert [1] == [each.group_id for each in story.said(Dial)], "both are at their maximum: the group dials again"


def test_pool_that_shrinks_below_what_is_held_gives_no_port_until_calls_end() -> None:
    story = dialing_story(group(1, agents=6), ports=6)
    smaller = replace(story.configuration, switches=(Switch(1, "switch", 3, True),))
    story.load(smaller).agent_ready(101)
    assert (6, 3) == (story.pool().used_ports, story.pool().ports)
    for dial in story.ever(Dial)[:3]:
        story.accepted(dial)
        story.ended(dial, sip=486)
        assert story.said(Dial) == []
    last = story.ever(Dial)[3]
    story.accepted(last)
    assert 1 == len(story.ended(last, sip=486).said(Dial))
    assert (3, 3) == (story.pool().used_ports, story.pool().ports)


# --- when it is worked out ----------------------------------------------------------------------------------------


@pytest.fixture
def shared(needs: Needs) -> Story:
    """Two dynamic groups with needs of 20 and 30 on 100 ports; the next calculation is a whole period away."""
    needs.update({1: (20, 0), 2: (30, 0)})
    story = dialing_story(group(1, agents=2), group(2, agents=2), ready=[101, 201], has_records=False)
    story.stop(2).start(2)
    assert {1: 40, 2: 60} == story.maxima()
    assert story.mono_ms == story.pool().recalculated_at_mono_ms
    return story


def test_shares_follow_the_needs_once_a_period(shared: Story, needs: Needs) -> None:
    needs.update({1: (30, 0)})
    assert {1: 40, 2: 60} == shared.advance(PERIOD_MS - 1).maxima()
    assert {1: 50, 2: 50} == shared.advance(1).maxima()


def test_period_is_an_option(needs: Needs) -> None:
    needs.update({1: (20, 0), 2: (30, 0)})
    story = dialing_story(group(1), group(2), has_records=False, port_recalculation_ms=60_000)
    story.stop(2).start(2)
    needs.update({1: (30, 0)})
    assert {1: 40, 2: 60} == story.advance(59_999).maxima()
    assert {1: 50, 2: 50} == story.advance(1).maxima()


def test_stop_and_start_of_a_group_count_at_once(shared: Story) -> None:
    assert {1: 100, 2: 0} == shared.stop(2).maxima()
    assert {1: 40, 2: 60} == shared.start(2).maxima()


def test_change_of_the_pool_counts_at_once(shared: Story) -> None:
    larger = replace(shared.configuration, switches=(Switch(1, "switch", 150, True),))
    assert {1: 60, 2: 90} == shared.load(larger).maxima()


def test_change_of_a_groups_ports_counts_at_once(shared: Story) -> None:
    assert {1: 25, 2: 75} == shared.load(with_group(shared.configuration, 1, number_of_cpd_ports=25)).maxima()


def test_agents_who_come_and_go_count_at_once(shared: Story, needs: Needs) -> None:
    needs.update({1: (30, 0)})
    shared.advance(SECOND_MS)
    assert {1: 50, 2: 50} == shared.log_in(102).maxima()
    needs.update({1: (20, 0)})
    shared.advance(SECOND_MS)
    assert {1: 40, 2: 60} == shared.log_out(102).maxima()


def test_many_agents_who_sign_in_together_cause_one_calculation(shared: Story, needs: Needs) -> None:
    shared.advance(SECOND_MS)
    at_ms = shared.mono_ms
    shared.log_in(102)
    assert at_ms == shared.pool().recalculated_at_mono_ms
    needs.update({1: (30, 0)})
    shared.advance(50)
    assert {1: 40, 2: 60} == shared.log_in(202).maxima(), "too soon after the last one"
    assert {1: 50, 2: 50} == shared.advance(150).maxima()
    assert at_ms + 200 == shared.pool().recalculated_at_mono_ms


@pytest.mark.parametrize(
    "happens, ports",
    [
        (lambda story: story.node_down(3), 60),
        (lambda story: story.node_down(3).server_up(103), 100),
        (lambda story: story.server_down(3), 100),
    ],
    ids=["a node is lost", "it is back on its backup", "its primary is lost and the backup used"],
)
def test_pool_is_what_active_nodes_report(happens: Callable[[Story], Story], ports: int, needs: Needs) -> None:
    needs.update({1: (20, 0), 2: (30, 0)})
    reported = {1: 30, 101: 30, 2: 30, 102: 30, 3: 40, 103: 40}
    story = dialing_story(group(1), group(2), ports=7, total_ports=reported, has_records=False)
    assert (100, "total-ports of active nodes") == (story.pool().ports, story.pool().source)
    assert {1: 40, 2: 60} == story.maxima()
    assert ports == happens(story).pool().ports
    assert {1: 2 * ports // 5, 2: 3 * ports // 5} == story.maxima()


def test_node_that_reports_no_ports_any_more_leaves_the_pool_to_channel_num() -> None:
    story = dialing_story(group(1, agents=2), nodes=1, ports=7, total_ports={1: 5}, ready=[])
    assert 5 == story.pool().ports
    story.node_down(1)
    assert 0 == story.pool().ports
    story.total_ports.clear()
    assert (7, "channel_num") == (story.server_up(1).pool().ports, story.pool().source)


def test_channel_num_counts_while_no_node_reports_its_ports() -> None:
    story = dialing_story(group(1), ports=7)
    assert (7, "channel_num") == (story.pool().ports, story.pool().source)


# --- the minimum of one, and reasons ------------------------------------------------------------------------------


def test_group_with_an_agent_never_gets_less_than_one_port(needs: Needs) -> None:
    needs.update({2: (50, 0)})
    story = dialing_story(group(1, agents=1), group(2), has_records=False, ready=[])
    assert {1: 0, 2: 100} == story.maxima()
    assert {1: 1, 2: 99} == story.log_in(101).maxima()
    assert "minimum of one" == story.group(1).ports.rule


def test_pool_with_fewer_ports_than_groups_promises_nobody_one(needs: Needs) -> None:
    needs.update({1: (1, 0), 2: (50, 0)})
    story = dialing_story(group(1), group(2), ports=1, has_records=False)
    assert {1: 0, 2: 1} == story.maxima()


def test_groups_without_any_need_share_equally(needs: Needs) -> None:
    story = dialing_story(group(1), group(2), has_records=False)
    assert {1: 50, 2: 50} == story.maxima()
    assert "equal parts" == story.group(1).ports.rule


def test_every_number_comes_with_its_reason(needs: Needs) -> None:
    needs.update({1: (5, 0), 2: (100, 0)})
    story = dialing_story(group(1), group(2), ports=50, has_records=False)
    first, second = story.group(1).ports, story.group(2).ports
    assert (5, "small group") == (first.maximum_ports, first.rule)
    assert "needs 5, less than 0.3 × 50 / 2 = 7.5: gets its need" == first.reason
    assert (45, "proportion") == (second.maximum_ports, second.rule)
    assert (
        "needs 100 of the 100 ports that all groups above the small limit need: 45 of 45 ports in proportion"
        == second.reason
    )
    assert (100_000, 0, 0) == (second.need_millis, second.need_engaging_millis, second.reserved_ports)
    assert story.pool().shortage


def test_reason_says_since_when_a_maximum_holds(shared: Story, needs: Needs) -> None:
    began_ms = shared.group(1).ports.since_mono_ms
    shared.advance(3 * PERIOD_MS)
    assert began_ms == shared.group(1).ports.since_mono_ms
    needs.update({1: (30, 0)})
    shared.advance(PERIOD_MS)
    assert shared.pool().recalculated_at_mono_ms == shared.group(1).ports.since_mono_ms > began_ms


@pytest.mark.parametrize(
    "settings, dynamic, reason",
    [
        ({}, False, "no limit of its own: the group may use what is free in the pool"),
        ({"number_of_cpd_ports": 7}, False, "fixed by configuration: at most 7 ports, none reserved"),
        ({"number_of_cpd_ports": 7}, True, "fixed by configuration: 7 ports, 7 of them reserved"),
    ],
)
def test_reason_of_a_group_that_is_not_dynamic(settings: dict[str, int], dynamic: bool, reason: str) -> None:
    story = dialing_story(group(1, **settings), dynamic=dynamic, has_records=False)
    assert reason == story.group(1).ports.reason


def test_seizing_maximum_is_split_by_the_two_needs(needs: Needs) -> None:
    needs.update({1: (30, 10)})
    story = dialing_story(group(1, Mode.PROGRESSIVE_SEIZING, asm_channel_num=0), ports=20, has_records=False)
    limits = story.state.pools[SWITCH].limits[1]
    assert (20, 15, 5) == (limits.maximum, limits.regular_maximum, limits.engaging_maximum)


# --- the guide's examples -----------------------------------------------------------------------------------------


def needing_five_each(story: Story, *numbers: int) -> Story:
    """Give groups such a history that every agent at work needs exactly five ports on average.

    Progressive, 10 calls per agent, every call a person, 10 s of dialing and 1 s of talk:
    λ = N / (1 s + 10 s / 10), ports = λ × 10 s = 5 N. Predictive, agents busy half of the time: λ = N × 0.5 / 1 s.
    """
    for number in numbers:
        estimates = story.state.groups[number].estimates
        estimates.finished = estimates.persons = 1_000
        for name, value in {
            "hold_ms": 10_000.0,
            "hit_ratio": 1.0,
            "talk_ms": 1_000.0,
            "work_ms": 0.0,
            "utilisation": 0.5,
        }.items():
            setattr(estimates, name, Mean(value, weight=1e18))
    return story.advance(PERIOD_MS)


def example(mode: Mode, server: int | None, ports: int, agents: tuple[int, int]) -> Story:
    """Two running groups with as many ready agents; each agent needs five ports."""
    settings = {"progressive_multiplier_millis": 10_000}
    groups = [group(i, mode, cpd_server=server, agents=count, **settings) for i, count in enumerate(agents, 1)]
    nodes = (node(1), cpd_server(9, ports)) if server else (node(1), node(2))
    story = dialing_story(*groups, nodes=nodes, ports=ports, has_records=False)
    return needing_five_each(story, 1, 2)


def estimated(story: Story) -> dict[int, int]:
    """Estimated ports of both groups. Unit: thousandths."""
    return {number: story.group(number).ports.need_millis for number in (1, 2)}


def test_example_1() -> None:
    """Predictive, one switch of 100 ports, 20 and 30 needed: 40 and 60."""
    story = example(Mode.PREDICTIVE, None, 100, (4, 6))
    assert {1: 20_000, 2: 30_000} == estimated(story)
    assert {1: 40, 2: 60} == story.maxima()
    assert not story.pool().shortage


def test_example_2() -> None:
    """Progressive, one CPD server of 25 ports, 20 and 30 needed: 10 and 15."""
    story = example(Mode.PROGRESSIVE, 9, 25, (4, 6))
    assert {1: 20_000, 2: 30_000} == estimated(story)
    assert {1: 10, 2: 15} == story.maxima()
    assert story.pool(CPD).shortage

    story.has_records = True
    for number in (1, 2):
        story.fetched(*story.fresh_chains(50), number=number)
    assert [10, 15] == [story.group(number).ports.used_ports for number in (1, 2)], "and not one port more"


def test_example_3() -> None:
    """Progressive, one CPD server of 50 ports, 5 and 100 needed: the first is small, 5 and 45."""
    story = example(Mode.PROGRESSIVE, 9, 50, (1, 20))
    assert {1: 5_000, 2: 100_000} == estimated(story)
    assert {1: 5, 2: 45} == story.maxima()
    assert ["small group", "proportion"] == [story.group(number).ports.rule for number in (1, 2)]
