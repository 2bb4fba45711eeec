"""Nodes on their own: links, refusals, call rates, whose turn it is, and who is far off the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialing_story import node as settings_of
from outdial.core.nodes import (
    LINK_TABLE,
    OUTLIER_PAUSE_MS,
    OUTLIER_REQUESTS_MIN,
    OUTLIER_WINDOW,
    PROBE_MS,
    Admin,
    LinkSignal,
    Node,
    NodeState,
    NoNode,
    NoNodeReason,
    Rotation,
    Window,
    find_outlier,
    most_hopeful,
)

S = NodeState


def node(number: int, *, active: bool = True, at_ms: int = 0, **settings: int | None) -> Node:
    """A node on its primary, unless said otherwise."""
    made = Node(settings_of(number, **settings))
    if active:
        made.move(LinkSignal.PRIMARY_UP, at_ms)
    return made


# --- links --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signal, targets",
    [
        (LinkSignal.PRIMARY_UP, [S.PRIMARY, None, S.BACKUP_STANDBY, None, None]),
        (LinkSignal.PRIMARY_DOWN, [None, S.INACTIVE, None, S.BACKUP, S.BACKUP]),
        (LinkSignal.BACKUP_UP, [S.BACKUP, S.PRIMARY_STANDBY, None, None, None]),
        (LinkSignal.BACKUP_DOWN, [None, None, S.INACTIVE, S.PRIMARY, S.PRIMARY]),
    ],
)
def test_signals_in_every_state(signal: LinkSignal, targets: list[S | None]) -> None:
    """Columns: inactive, on primary, on backup, on primary with standby, on backup with standby."""
    assert targets == [LINK_TABLE.next_state(state, signal) for state in NodeState]


@pytest.mark.parametrize(
    "state, server_id",
    [(S.INACTIVE, None), (S.PRIMARY, 1), (S.BACKUP, 101), (S.PRIMARY_STANDBY, 1), (S.BACKUP_STANDBY, 101)],
)
def test_application_in_use(state: S, server_id: int | None) -> None:
    made = node(1)
    made.state = state
    assert (server_id, server_id is not None) == (made.server_id, made.is_active)


@given(st.lists(st.sampled_from(LinkSignal)))
def test_node_is_active_exactly_while_a_link_is_up(signals: list[LinkSignal]) -> None:
    made, up = node(1, active=False), dict.fromkeys(("PRIMARY", "BACKUP"), False)
    for signal in signals:
        made.move(signal, 0)
        which, what = signal.name.split("_")
        up[which] = what == "UP"
        assert any(up.values()) == made.is_active
        assert made.server_id in {number for number, name in ((1, "PRIMARY"), (101, "BACKUP")) if up[name]} | {None}


def test_return_starts_a_new_account() -> None:
    made = node(1, call_rate_max=1)
    made.window.add(fault=True, accept_ms=9)
    made.take_request(1, 0)
    made.move(LinkSignal.PRIMARY_DOWN, 10)
    made.move(LinkSignal.BACKUP_UP, 20)
    assert (20, 0, None) == (made.returned_at_ms, made.window.requests, made.refusal(20))


# --- refusals -----------------------------------------------------------------------------------------------------


def test_refusals_name_the_first_reason() -> None:
    made = node(1, active=False)
    made.admin = Admin.DRAINING
    made.left_out_until_ms = 500
    made.total_ports = 0
    assert NoNode(NoNodeReason.NONE_ACTIVE) == made.refusal(0)
    made.move(LinkSignal.PRIMARY_UP, 0)
    assert NoNode(NoNodeReason.DRAINING) == made.refusal(0)
    made.admin = Admin.ENABLED
    assert NoNode(NoNodeReason.LEFT_OUT, 500) == made.refusal(499)
    assert NoNode(NoNodeReason.NO_CAPACITY) == made.refusal(500)
    made.total_ports = 1
    assert made.refusal(500) is None


def test_node_is_full_at_the_ports_it_reports() -> None:
    made = node(1)
    made.total_ports = 2
    made.take_request(1, 0)
    assert made.refusal(0) is None
    made.take_request(2, 0)
    assert NoNode(NoNodeReason.NO_CAPACITY) == made.refusal(0)


@pytest.mark.parametrize("rate, retry_at_ms", [(1, 1_000), (2, 500), (3, 334), (7, 143)])
def test_call_rate_says_when_to_try_again(rate: int, retry_at_ms: int) -> None:
    made = node(1, call_rate_max=rate)
    made.take_request(1, 0)
    assert NoNode(NoNodeReason.CALL_RATE, retry_at_ms) == made.refusal(0)
    assert made.refusal(retry_at_ms - 1) is not None
    assert made.refusal(retry_at_ms) is None


@given(st.integers(1, 200), st.lists(st.integers(0, 400), min_size=1, max_size=60))
def test_call_rate_holds_over_any_time(rate: int, pauses: list[int]) -> None:
    made = node(1, call_rate_max=rate)
    now, taken = 0, 0
    for pause in pauses:
        now += pause
        while made.refusal(now) is None and taken < 10_000:
            taken += 1
            made.take_request(taken, now)
    assert 1_000 * taken <= rate * now + max(1_000, 100 * rate)


@pytest.mark.parametrize(
    "after_ms, rate", [(0, 2), (1_000, 2), (2_000, 4), (5_000, 10), (9_999, 19), (10_000, 20), (99_999, 20)]
)
def test_slow_start_grows_from_a_tenth_of_the_call_rate(after_ms: int, rate: int) -> None:
    made = node(1, at_ms=50_000, call_rate_max=20, slow_start_ms=10_000)
    assert rate == made.call_rate(50_000 + after_ms)


def test_slow_start_never_stops_a_node() -> None:
    assert 1 == node(1, call_rate_max=3, slow_start_ms=10_000).call_rate(0)


def test_node_without_a_rate_has_none() -> None:
    assert node(1, slow_start_ms=10_000).call_rate(0) is None


def test_node_that_refused_for_want_of_ports_is_tried_with_one_call_more_after_a_while() -> None:
    made = node(1)
    made.calls = dict.fromkeys(range(5))
    made.learn_capacity(5, 1_000)
    assert NoNode(NoNodeReason.NO_CAPACITY, 1_000 + PROBE_MS) == made.refusal(1_000)
    assert made.refusal(1_000 + PROBE_MS - 1) is not None
    assert made.refusal(1_000 + PROBE_MS) is None
    made.take_request(99, 1_000 + PROBE_MS)
    assert made.refusal(1_000 + 2 * PROBE_MS - 1) is not None
    assert made.refusal(1_000 + 2 * PROBE_MS) is None


def test_node_that_refused_everything_is_still_tried_with_one_call() -> None:
    made = node(1)
    made.learn_capacity(0, 1_000)
    assert made.refusal(1_000) is None


def test_return_forgets_what_was_learned() -> None:
    made = node(1)
    made.learn_capacity(1, 1_000)
    made.calls = dict.fromkeys(range(9))
    made.move(LinkSignal.PRIMARY_DOWN, 2_000)
    made.move(LinkSignal.BACKUP_UP, 3_000)
    assert made.refusal(3_000) is None


# --- whose turn it is ---------------------------------------------------------------------------------------------


def turns(nodes: list[Node], count: int, rotation: Rotation | None = None) -> list[int | NoNodeReason]:
    """The next choices."""
    rotation = rotation or Rotation()
    chosen = [rotation.choose(nodes, 0) for _ in range(count)]
    return [each.reason if isinstance(each, NoNode) else each.node_id for each in chosen]


def test_round_robin_is_strict() -> None:
    assert [1, 2, 3, 1, 2, 3, 1] == turns([node(1), node(2), node(3)], 7)


def test_cluster_without_an_active_node_takes_nothing() -> None:
    assert [NoNodeReason.NONE_ACTIVE] * 2 == turns([node(1, active=False), node(2, active=False)], 2)
    assert [NoNodeReason.NONE_ACTIVE] == turns([], 1)


def test_cursor_survives_a_cluster_that_shrank() -> None:
    rotation = Rotation()
    turns([node(number) for number in range(1, 6)], 4, rotation)
    assert [1, 2, 1] == turns([node(1), node(2)], 3, rotation)


def test_refused_choice_does_not_move_the_cursor() -> None:
    nodes, rotation = [node(1), node(2)], Rotation()
    turns(nodes, 1, rotation)
    for each in nodes:
        each.admin = Admin.DRAINING
    turns(nodes, 1, rotation)
    for each in nodes:
        each.admin = Admin.ENABLED
    assert [2] == turns(nodes, 1, rotation)


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.integers(0, 20), st.integers(0, 40))
def test_over_any_number_of_requests_active_nodes_differ_by_one_at_most(up: list[bool], start: int, count: int) -> None:
    nodes = [node(number, active=active) for number, active in enumerate(up, 1)]
    rotation = Rotation()
    rotation.cursor = start
    chosen = turns(nodes, count, rotation)
    active = [each.node_id for each in nodes if each.is_active]
    if not active:
        assert [NoNodeReason.NONE_ACTIVE] * count == chosen
        return
    shares = [chosen.count(number) for number in active]
    assert count == sum(shares)
    assert max(shares) - min(shares) <= 1


@pytest.mark.parametrize(
    "reasons, shown",
    [
        ([NoNodeReason.NONE_ACTIVE, NoNodeReason.DRAINING], NoNodeReason.DRAINING),
        ([NoNodeReason.DRAINING, NoNodeReason.LEFT_OUT], NoNodeReason.LEFT_OUT),
        ([NoNodeReason.LEFT_OUT, NoNodeReason.NO_CAPACITY], NoNodeReason.NO_CAPACITY),
        ([NoNodeReason.NO_CAPACITY, NoNodeReason.CALL_RATE], NoNodeReason.CALL_RATE),
    ],
)
def test_refusal_that_ends_first_is_shown(reasons: list[NoNodeReason], shown: NoNodeReason) -> None:
    assert shown is most_hopeful([NoNode(reason) for reason in reasons]).reason


def test_earliest_retry_is_shown() -> None:
    refusals = [NoNode(NoNodeReason.CALL_RATE, at_ms) for at_ms in (700, 300, 500)]
    assert 300 == most_hopeful(refusals).retry_at_ms


def loaded(number: int, calls: int, ports: int | None) -> Node:
    """A node with calls."""
    made = node(number)
    made.total_ports = ports
    made.calls = dict.fromkeys(range(calls))
    return made


@pytest.mark.parametrize(
    "nodes, chosen",
    [
        ([loaded(1, 5, 10), loaded(2, 4, 10)], 2),
        ([loaded(1, 5, 10), loaded(2, 14, 30)], 2),
        ([loaded(1, 1, 3), loaded(2, 10, 30)], 1),
        ([loaded(1, 10, 10), loaded(2, 29, 30)], 2),
        ([loaded(1, 3, None), loaded(2, 2, None)], 2),
    ],
)
def test_least_loaded_is_the_largest_share_of_free_ports(nodes: list[Node], chosen: int) -> None:
    found = Rotation().choose_least_loaded(nodes, 20, 0)
    assert isinstance(found, Node)
    assert chosen == found.node_id


def test_least_loaded_ties_go_in_turn() -> None:
    nodes, rotation = [node(1), node(2), node(3)], Rotation()
    chosen = [rotation.choose_least_loaded(nodes, 30, 0) for _ in range(4)]
    assert [1, 2, 3, 1] == [each.node_id for each in chosen if isinstance(each, Node)]


def test_least_loaded_of_nothing_is_a_refusal() -> None:
    assert NoNode(NoNodeReason.NONE_ACTIVE) == Rotation().choose_least_loaded([node(1, active=False)], 30, 0)


# --- outliers -----------------------------------------------------------------------------------------------------


def judged(number: int, requests: int, faults: int, accept_ms: int = 20) -> Node:
    """A node with recent requests."""
    made = node(number)
    made.window = Window(requests, faults, accept_ms * requests)
    return made


@pytest.mark.parametrize(
    "nodes, outlier",
    [
        ([judged(1, 40, 0), judged(2, 40, 20), judged(3, 40, 0)], 2),
        ([judged(1, 40, 20), judged(2, 40, 20), judged(3, 40, 20)], None),
        ([judged(1, 40, 0), judged(2, 40, 12), judged(3, 40, 0)], None),
        ([judged(1, 40, 0), judged(2, 40, 13), judged(3, 40, 0)], 2),
        ([judged(1, 40, 0), judged(2, OUTLIER_REQUESTS_MIN - 1, 19), judged(3, 40, 0)], None),
        ([judged(1, 40, 0), judged(2, 40, 0, 600), judged(3, 40, 0)], 2),
        ([judged(1, 40, 0), judged(2, 40, 0, 400), judged(3, 40, 0)], None),
        ([judged(1, 40, 0, 200), judged(2, 40, 0, 900), judged(3, 40, 0, 200)], None),
        ([judged(1, 40, 40)], None),
        ([], None),
    ],
    ids=[
        "half of its requests fail",
        "all fail alike",
        "just inside",
        "just outside",
        "too few requests",
        "far slower",
        "slower but quick enough",
        "slower but not by much",
        "nobody to compare with",
        "no nodes",
    ],
)
def test_node_far_off_the_others_is_found(nodes: list[Node], outlier: int | None) -> None:
    found = find_outlier(nodes, 0)
    assert outlier == (found.node_id if found is not None else None)


def test_half_of_the_nodes_always_stay() -> None:
    nodes = [judged(1, 40, 0), judged(2, 40, 40), judged(3, 40, 40), judged(4, 40, 0)]
    for expected in (2, 3, None):
        found = find_outlier(nodes, 0)
        assert expected == (found.node_id if found is not None else None)
        if found is not None:
            found.left_out_until_ms = OUTLIER_PAUSE_MS
            found.window = Window()


def test_old_failures_fade() -> None:
    window = Window()
    for _ in range(OUTLIER_WINDOW):
        window.add(fault=True, accept_ms=10)
    assert (1_000, 10) == (window.fault_millis, window.accept_ms_mean)
    for _ in range(3 * OUTLIER_WINDOW):
        window.add(fault=False, accept_ms=10)
    assert window.fault_millis < 100
    assert window.requests <= OUTLIER_WINDOW
