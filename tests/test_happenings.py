"""What happened, in sentences and counts."""

import pytest

from outdial.core.commands import Reply
from outdial.core.events import (
    ConfigurationLoaded,
    GroupModeChangeRequested,
    GroupStartRequested,
    GroupStopRequested,
    NodeDrainRequested,
    NodeEnableRequested,
    ServerConnected,
    ServerLost,
)
from outdial.core.modes import DialingMode
from outdial.core.settings import CampaignGroup, Configuration, DialerId, DialerKind, Node, Ocs
from outdial.core.units import Now
from outdial.happenings import Happenings
from outdial.names import Names
from snapshots import group_view, node_view, snapshot

CONFIGURATION = Configuration(
    ocs=Ocs(connections=(1,)),
    nodes=(Node(1, "north", 1, backup=2, backup_name="north-b"), Node(3, "south", 1, backup=4)),
    campaign_groups=(
        CampaignGroup(7, "Sales", 1, 1, DialingMode.PROGRESSIVE, DialerId(DialerKind.SWITCH, 1)),
        CampaignGroup(8, "Care", 1, 1, DialingMode.PROGRESSIVE, DialerId(DialerKind.SWITCH, 1)),
    ),
)


@pytest.fixture
def happenings() -> Happenings:
    return Happenings(Names(CONFIGURATION))


def texts(happenings: Happenings) -> list[tuple[str, str]]:
    return [(line.kind, line.text) for line in happenings.lines]


def test_only_a_connection_that_was_up_can_fail(happenings):
    for event in (
        ServerLost(2, "connection refused"),
        ServerConnected(1),
        ServerConnected(1),
        ServerLost(1, "missed its ping"),
        ServerLost(1, "connection refused"),
        ServerConnected(2),
        ServerConnected(4),
    ):
        happenings.observe(Now(1_500, 0), event, [])
    assert texts(happenings) == [
        ("good", "north connected"),
        ("bad", "north lost: missed its ping"),
        ("good", "north-b connected"),
        ("good", "backup of south connected"),
    ]
    assert happenings.node_failures == 1
    assert happenings.lines[0].mono_ms == 1_500


@pytest.mark.parametrize(
    "event, text",
    [
        (GroupStartRequested(1, 7), "Sales started"),
        (GroupStopRequested(1, 8), "Care stopped"),
        (GroupModeChangeRequested(1, 7, DialingMode.PREDICTIVE), "Sales changed to predictive"),
        (NodeDrainRequested(1, 3), "south is drained"),
        (NodeEnableRequested(1, 3), "south is enabled again"),
        (GroupStartRequested(1, 99), "group 99 started"),
    ],
)
def test_requests_are_told_and_refusals_too(happenings, event, text):
    happenings.observe(Now(0, 0), event, [Reply(1, True)])
    happenings.observe(Now(0, 0), event, [Reply(1, False, "conflict", "not now")])
    assert texts(happenings) == [("plain", text), ("bad", f"refused: {text}: not now")]


def test_port_moves_are_told_together_and_counted_one_by_one(happenings):
    happenings.compare(snapshot([group_view(7, "Sales", maximum=20), group_view(8, "Care", maximum=40)]))
    happenings.compare(snapshot([group_view(7, "Sales", maximum=20), group_view(8, "Care", maximum=40)]))
    happenings.compare(snapshot([group_view(7, "Sales", maximum=31), group_view(8, "Care", maximum=29)]))
    assert texts(happenings) == [("ports", "ports: Sales 20 → 31, Care 40 → 29")]
    assert happenings.port_moves == 2


def test_a_group_that_starts_makes_no_port_move(happenings):
    for state, maximum in (("stopped", 0), ("running", 20), ("stopping", 0), ("running", 9)):
        happenings.compare(snapshot([group_view(7, "Sales", state=state, maximum=maximum)]))
    assert happenings.port_moves == 0


def test_a_limit_that_comes_is_a_move(happenings):
    happenings.compare(snapshot([group_view(7, "Sales", maximum=None)]))
    happenings.compare(snapshot([group_view(7, "Sales", maximum=5)]))
    assert texts(happenings) == [("ports", "ports: Sales no limit → 5")]


def test_changes_of_a_nodes_state_are_told(happenings):
    for state in ("inactive", "on primary", "on primary", "inactive", "on backup"):
        happenings.compare(snapshot(nodes=[node_view(1, "north", state=state, is_prime=True)]))
    assert texts(happenings) == [
        ("bad", "node north (prime node): on primary → inactive"),
        ("plain", "node north (prime node): inactive → on backup"),
    ]


def test_a_stop_of_all_dialing_and_its_end_are_told(happenings):
    for stops in ((), ("prime node lost",), ("prime node lost",), ()):
        happenings.compare(snapshot(nodes=[node_view(1, "north")], stops=stops))
    assert texts(happenings) == [("bad", "all dialing stopped: prime node lost"), ("good", "dialing goes on")]


def test_before_the_first_connection_nothing_has_stopped(happenings):
    happenings.compare(snapshot())
    happenings.compare(snapshot(nodes=[node_view(1, "north", state="inactive")], stops=("prime node lost",)))
    happenings.compare(snapshot(nodes=[node_view(1, "north")]))
    assert texts(happenings) == []


def test_a_reload_brings_new_names(happenings):
    happenings.observe(Now(0, 0), ConfigurationLoaded(Configuration(ocs=Ocs(connections=()))), [])
    happenings.observe(Now(0, 0), ServerConnected(1), [])
    assert texts(happenings) == [("good", "server 1 connected")]


def test_the_log_is_bounded():
    happenings = Happenings(Names(CONFIGURATION), lines_max=3)
    for _ in range(10):
        happenings.observe(Now(0, 0), GroupStartRequested(1, 7), [])
    assert len(happenings.lines) == 3
