"""What one group is on its dialer, and the plan for one pool; the running dialer is in `tests/guide`."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from outdial.core.allocation import Basis, PortUser, basis, plan, split
from outdial.core.modes import DialingMode as Mode
from outdial.core.ports import Limits

REGULAR = [Mode.PROGRESSIVE, Mode.PREDICTIVE]
SEIZING = [Mode.PROGRESSIVE_SEIZING, Mode.PREDICTIVE_SEIZING]
GVP = [Mode.PROGRESSIVE_GVP, Mode.PREDICTIVE_GVP]


def user(group_id: int = 1, mode: Mode = Mode.PROGRESSIVE, n: int = 0, e: int | None = None, **rest: int) -> PortUser:
    """A running group; `need` and `engaging_need` in ports, `held`, `order`, `agents` (0: nobody is logged in)."""
    return PortUser(
        group_id=group_id,
        mode=mode,
        number_of_cpd_ports=n,
        asm_channel_num=e,
        maximum_queue_size=rest.get("queue", 0),
        started_order=rest.get("order", group_id),
        has_agents=bool(rest.get("agents", 1)),
        need_regular_millis=1_000 * rest.get("need", 0),
        need_engaging_millis=1_000 * rest.get("engaging_need", 0),
        held_ports=rest.get("held", 0),
    )


def limits(*users: PortUser, ports: int = 100, dynamic: bool = True) -> dict[int, Limits]:
    """The limits of a pool's groups."""
    return plan(ports=ports, dynamic_allocation=dynamic, users=users, before={}, mono_ms=0).limits


def maxima(*users: PortUser, ports: int = 100, dynamic: bool = True) -> dict[int, int | None]:
    """The maxima of a pool's groups."""
    return {group_id: each.maximum for group_id, each in limits(*users, ports=ports, dynamic=dynamic).items()}


# --- one group ----------------------------------------------------------------------------------------------------

DYNAMIC = Basis(is_dynamic=True, rule="dynamic")


@pytest.mark.parametrize(
    "modes, n, e, queue, on, off",
    [
        (REGULAR, 0, None, 0, DYNAMIC, Basis(False, "what is free")),
        (REGULAR, 0, 5, 0, DYNAMIC, Basis(False, "what is free")),
        (REGULAR, 7, None, 0, Basis(False, "fixed", 7, 7), Basis(False, "fixed", 0, 7)),
        (SEIZING, 0, 0, 0, DYNAMIC, Basis(False, "limits")),
        (
            SEIZING,
            0,
            5,
            0,
            Basis(True, "dynamic", engaging_cap=5),
            Basis(False, "limits", engaging_cap=5),
        ),
        (
            SEIZING,
            7,
            0,
            0,
            Basis(True, "dynamic", maximum=7, total_cap=7),
            Basis(False, "limits", maximum=7, total_cap=7),
        ),
        (
            SEIZING,
            7,
            5,
            0,
            Basis(False, "fixed", 12, 12, engaging_cap=5, regular_cap=7),
            Basis(False, "fixed", 12, 12, engaging_cap=5, regular_cap=7),
        ),
        (SEIZING, 0, None, 0, DYNAMIC, Basis(False, "what is free")),
        (SEIZING, 7, None, 0, Basis(False, "fixed", 7, 7), Basis(False, "fixed", 0, 7)),
        (GVP, 0, None, 0, Basis(False, "what is free"), Basis(False, "what is free")),
        (GVP, 7, None, 3, Basis(False, "fixed", 7, 7), Basis(False, "fixed", 0, 7)),
        ([Mode.POWER_GVP], 7, None, 3, Basis(False, "fixed", 3, 3), Basis(False, "fixed", 0, 3)),
        ([Mode.PREVIEW, Mode.PUSH_PREVIEW], 7, 5, 3, Basis(False, "preview", 0, 0), Basis(False, "preview", 0, 0)),
    ],
)
def test_row_of_the_table(modes: list[Mode], n: int, e: int | None, queue: int, on: Basis, off: Basis) -> None:
    for mode in modes:
        assert on == basis(user(mode=mode, n=n, e=e, queue=queue), True)
        assert off == basis(user(mode=mode, n=n, e=e, queue=queue), False)


# --- one pool -----------------------------------------------------------------------------------------------------


def test_reservations_come_off_the_pool_first() -> None:
    assert {1: 30, 2: 25, 3: 18, 4: 27} == maxima(
        user(1, n=30), user(2, Mode.PREDICTIVE_SEIZING, 20, 5), user(3, need=20), user(4, need=30)
    )


def test_reservations_are_served_in_start_order() -> None:
    first, second, third = user(1, n=6, order=3), user(2, n=6, order=1), user(3, n=6, order=2)
    assert {1: 0, 2: 6, 3: 4} == maxima(first, second, third, ports=10)
    result = plan(ports=10, dynamic_allocation=True, users=[first, second, third], before={}, mono_ms=0)
    assert 10 == result.reserved_ports
    assert (
        "reservations exceed the pool: group 3 reserves 6 ports and gets 4; group 1 reserves 6 ports and gets 0"
        == result.note
    )


def test_what_unreserved_gvp_groups_hold_is_not_shared() -> None:
    gvp = user(1, Mode.PROGRESSIVE_GVP, held=15)
    assert {1: None, 2: 34, 3: 51} == maxima(gvp, user(2, need=20), user(3, need=30))


def test_gvp_groups_may_hold_more_than_there_is_left() -> None:
    assert {1: None, 2: 0} == maxima(user(1, Mode.PROGRESSIVE_GVP, held=15), user(2, need=20), ports=10)


def test_caps_of_seizing_groups_free_ports_for_others() -> None:
    assert {1: 10, 2: 90} == maxima(user(1, Mode.PROGRESSIVE_SEIZING, 10, 0, need=30), user(2, need=30))


def test_plan_does_not_depend_on_the_order_of_the_groups() -> None:
    users = [user(1, n=60), user(2, n=60), user(3, need=5), user(4, Mode.PREDICTIVE_SEIZING, 0, 3, need=9)]
    plans = [
        plan(ports=100, dynamic_allocation=True, users=each, before={}, mono_ms=0)
        for each in itertools.permutations(users)
    ]
    assert all(plans[0] == each for each in plans)


def test_shortage_is_a_need_of_dynamic_groups_that_does_not_fit() -> None:
    def shortage(*users: PortUser) -> bool:
        return plan(ports=50, dynamic_allocation=True, users=users, before={}, mono_ms=0).shortage

    assert not shortage(user(1, need=20), user(2, need=30))
    assert shortage(user(1, need=21), user(2, need=30))
    assert not shortage(user(1, n=40, need=500))
    assert shortage(user(1, n=40), user(2, need=11))


def test_unchanged_maximum_keeps_the_instant_of_its_last_change() -> None:
    users = [user(1, need=20), user(2, need=30)]
    first = plan(ports=100, dynamic_allocation=True, users=users, before={}, mono_ms=1_000)
    second = plan(ports=100, dynamic_allocation=True, users=users, before=first.limits, mono_ms=2_000)
    third = plan(ports=50, dynamic_allocation=True, users=users, before=second.limits, mono_ms=3_000)
    assert [1_000, 1_000, 3_000] == [each.limits[1].since_ms for each in (first, second, third)]


def test_group_without_agents_has_no_minimum() -> None:
    assert {1: 0, 2: 100} == maxima(user(1, agents=0), user(2, need=30))
    assert {1: 1, 2: 99} == maxima(user(1), user(2, need=30))


# --- regular and engaging -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "regular, engaging, maximum, cap, expected",
    [
        (30, 10, 20, None, (15, 5)),
        (30, 10, 20, 3, (17, 3)),
        (30, 10, 20, 0, (20, 0)),
        (0, 0, 20, None, (10, 10)),
        (100, 1, 2, None, (1, 1)),
        (1, 100, 2, None, (1, 1)),
        (100, 1, 10, None, (9, 1)),
        (10, 10, 1, None, (1, 0)),
        (10, 10, 0, None, (0, 0)),
    ],
)
def test_maximum_of_a_seizing_group_is_split_by_its_needs(
    regular: int, engaging: int, maximum: int, cap: int | None, expected: tuple[int, int]
) -> None:
    group = user(mode=Mode.PROGRESSIVE_SEIZING, need=regular, engaging_need=engaging)
    assert expected == split(group, maximum, cap)


@given(
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(0, 200),
    st.none() | st.integers(0, 50),
)
def test_split_uses_every_port_and_leaves_no_kind_without_one(
    regular: int, engaging: int, maximum: int, cap: int | None
) -> None:
    group = user(mode=Mode.PREDICTIVE_SEIZING, need=regular, engaging_need=engaging)
    dialing, legs = split(group, maximum, cap)
    assert maximum == dialing + legs
    assert cap is None or legs <= cap
    if maximum >= 2 and cap != 0:
        assert dialing >= 1 and legs >= 1


USERS = st.builds(
    user,
    mode=st.sampled_from(Mode),
    n=st.sampled_from([0, 0, 3, 40]),
    e=st.sampled_from([None, 0, 2, 30]),
    queue=st.integers(1, 30),
    need=st.integers(0, 80),
    engaging_need=st.integers(0, 20),
    held=st.integers(0, 5),
    agents=st.integers(0, 1),
)


@settings(max_examples=50)
@given(st.lists(USERS, max_size=6), st.integers(0, 120), st.booleans())
def test_plan_never_promises_more_than_there_is(users: list[PortUser], ports: int, dynamic: bool) -> None:
    users = [
        user(
            number,
            each.mode,
            each.number_of_cpd_ports,
            each.asm_channel_num,
            queue=each.maximum_queue_size,
            need=each.need_regular_millis // 1_000,
            engaging_need=each.need_engaging_millis // 1_000 if each.mode.is_seizing else 0,
            held=each.held_ports,
            agents=each.has_agents,
        )
        for number, each in enumerate(users, 1)
    ]
    result = plan(ports=ports, dynamic_allocation=dynamic, users=users, before={}, mono_ms=0)
    assert [each.group_id for each in users] == sorted(result.limits)
    shares = [each for each in result.limits.values() if each.is_dynamic]
    assert sum(each.reserved for each in result.limits.values()) == result.reserved_ports <= ports
    assert sum(each.maximum or 0 for each in shares) <= ports - result.reserved_ports
    for each in result.limits.values():
        assert each.reason
        assert each.maximum is None or 0 <= each.maximum
        assert not each.reserved or each.maximum == each.reserved
