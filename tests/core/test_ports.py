"""The ledger of ports: two limits for every lease, one owner for every port."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from outdial.core.errors import InvariantViolated
from outdial.core.ports import Lease, Limits, NoPort, Pool, PortKind
from outdial.core.settings import DialerId, DialerKind

REGULAR, ENGAGING = PortKind.REGULAR, PortKind.ENGAGING
DIALER = DialerId(DialerKind.SWITCH, 1)


def pool(ports: int, *, reserved_ports: int = 0, **limits: Limits) -> Pool:
    """A pool with limits for groups `g1`, `g2`, …"""
    made = Pool(DIALER, "switch", ports=ports)
    made.set_limits({int(name[1:]): each for name, each in limits.items()}, reserved_ports)
    return made


def take(of: Pool, group_id: int, call_id: int, kind: PortKind = REGULAR) -> NoPort | None:
    """Lease one port."""
    return of.lease(Lease(call_id, group_id, kind, 1, 0))


def fill(of: Pool, group_id: int, kind: PortKind = REGULAR) -> int:
    """Lease until there is no more. Returns how many."""
    first = 1_000 * group_id + (500 if kind is ENGAGING else 0)
    for count in range(500):
        if take(of, group_id, first + count, kind) is not None:
            return count
    raise AssertionError("endless pool")


def test_group_takes_ports_up_to_its_maximum() -> None:
    ports = pool(10, g1=Limits(3))
    assert 3 == ports.room(1, REGULAR)
    assert 3 == fill(ports, 1)
    assert NoPort.GROUP_MAXIMUM is ports.room(1, REGULAR)
    assert (3, 3) == (ports.used_ports, ports.used_by(1))


def test_group_without_a_maximum_takes_what_the_pool_has() -> None:
    ports = pool(10, g1=Limits(None))
    assert 10 == fill(ports, 1)
    assert NoPort.POOL_FULL is ports.room(1, REGULAR)


def test_group_that_does_not_run_takes_nothing() -> None:
    assert NoPort.GROUP_MAXIMUM is pool(10).room(1, REGULAR)


def test_maxima_together_never_over_commit_the_pool() -> None:
    ports = pool(10, g1=Limits(10), g2=Limits(0))
    assert 10 == fill(ports, 1)
    ports.set_limits({1: Limits(4), 2: Limits(6)}, 0)
    assert NoPort.POOL_FULL is take(ports, 2, 1)
    for call_id in range(1_000, 1_004):
        ports.release(call_id)
        assert NoPort.GROUP_MAXIMUM is ports.room(1, REGULAR)
    assert 4 == fill(ports, 2)
    assert 10 == ports.used_ports


@pytest.mark.parametrize(
    "limits, regular, engaging, why",
    [
        (Limits(5, None, 2), 3, 2, NoPort.ENGAGING_LIMIT),
        (Limits(5, 3, 2), 3, 2, NoPort.ENGAGING_LIMIT),
        (Limits(5, 5, 5), 0, 5, NoPort.GROUP_MAXIMUM),
        (Limits(None, 1, 4), 1, 4, NoPort.ENGAGING_LIMIT),
        (Limits(None, None, None), 0, 10, NoPort.POOL_FULL),
    ],
)
def test_kinds_have_limits_of_their_own(limits: Limits, regular: int, engaging: int, why: NoPort) -> None:
    ports = pool(10, g1=limits)
    assert engaging == fill(ports, 1, ENGAGING)
    assert why is ports.room(1, ENGAGING)
    assert regular == fill(ports, 1)
    assert (regular, engaging) == (ports.count(1, REGULAR), ports.count(1, ENGAGING))


def test_regular_limit_is_named() -> None:
    ports = pool(10, g1=Limits(5, 1, 4))
    assert 1 == fill(ports, 1)
    assert NoPort.REGULAR_LIMIT is ports.room(1, REGULAR)


def test_reserved_ports_are_kept_from_others() -> None:
    ports = pool(10, reserved_ports=4, g1=Limits(4, reserved=4), g2=Limits(10))
    assert 6 == fill(ports, 2)
    assert NoPort.POOL_FULL is ports.room(2, REGULAR)
    assert 4 == fill(ports, 1)
    assert (6, 4) == (len(ports.common), len(ports.charged))


def test_leases_are_filed_anew_when_a_reservation_changes() -> None:
    ports = pool(10, g1=Limits(4), g2=Limits(10))
    fill(ports, 1)
    ports.set_limits({1: Limits(4, reserved=4), 2: Limits(10)}, 4)
    assert (0, 4) == (len(ports.common), len(ports.charged))
    assert 6 == fill(ports, 2)
    ports.set_limits({1: Limits(4), 2: Limits(10)}, 0)
    assert (10, 0) == (len(ports.common), len(ports.charged))


def test_ports_come_home_once() -> None:
    ports = pool(10, g1=Limits(3))
    take(ports, 1, 7)
    assert ports.has_lease(7)
    assert ports.release(7)
    assert not ports.release(7)
    assert (False, 0, 3) == (ports.has_lease(7), ports.used_ports, ports.room(1, REGULAR))


def test_no_call_leases_two_ports() -> None:
    ports = pool(10, g1=Limits(3))
    take(ports, 1, 7)
    with pytest.raises(InvariantViolated, match="call 7 leases a second port"):
        take(ports, 1, 7)


def test_stranded_lease_occupies_no_port_and_still_comes_home() -> None:
    ports = pool(2, g1=Limits(2))
    fill(ports, 1)
    ports.strand(1_000)
    ports.strand(55)
    assert (1, True, 1) == (ports.used_ports, ports.has_lease(1_000), ports.used_by(1))
    ports.unstrand(2)
    assert 1 == ports.used_ports, "another node's ports are back"
    ports.unstrand(1)
    ports.unstrand(1)
    assert (2, NoPort.GROUP_MAXIMUM) == (ports.used_ports, ports.room(1, REGULAR))
    ports.strand(1_001)
    assert ports.release(1_001)
    assert (1, {}) == (ports.used_ports, ports.stranded)


def test_stranded_lease_returns_to_the_reservation_that_its_group_has_now() -> None:
    ports = pool(4, g1=Limits(2))
    take(ports, 1, 7)
    ports.strand(7)
    ports.set_limits({1: Limits(2, reserved=2)}, 2)
    ports.unstrand(1)
    assert [7] == list(ports.charged)


def test_pool_that_shrank_below_its_use_gives_nothing() -> None:
    ports = pool(5, g1=Limits(5))
    fill(ports, 1)
    ports.ports = 3
    ports.release(1_000)
    assert (4, NoPort.POOL_FULL) == (ports.used_ports, take(pool_with_room(ports), 1, 9))


def pool_with_room(ports: Pool) -> Pool:
    """The same pool; its group has room under its maximum."""
    ports.set_limits({1: Limits(99)}, 0)
    return ports


def test_forgotten_group_leaves_nothing() -> None:
    ports = pool(5, g1=Limits(5))
    take(ports, 1, 7)
    ports.release(7)
    ports.waiting[1] = None
    ports.forget(1)
    assert ({}, {}) == (ports.held, ports.waiting)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_reservation_and_others_fit_in_any_order(ports: int, reserved: int, first: int, second: int) -> None:
    reserved = min(reserved, ports)
    limits = {"g1": Limits(reserved, reserved=reserved), "g2": Limits(first), "g3": Limits(second)}
    ledger = pool(ports, reserved_ports=reserved, **limits)
    taken = [fill(ledger, group_id) for group_id in (2, 3, 1)]
    assert reserved == taken[2], "whatever the others took first"
    assert sum(taken) <= ports


class Ledger(RuleBasedStateMachine):
    """Groups take, release, strand and take back ports while their limits move."""

    def __init__(self) -> None:
        super().__init__()
        self.ports = pool(8, g1=Limits(8), g2=Limits(8), g3=Limits(8))
        self.last = 0
        self.live: dict[int, int] = {}

    @rule(group_id=st.integers(1, 3), kind=st.sampled_from(PortKind))
    def take(self, group_id: int, kind: PortKind) -> None:
        """A lease is given exactly when there was room."""
        room = self.ports.room(group_id, kind)
        self.last += 1
        refusal = take(self.ports, group_id, self.last, kind)
        assert (room if isinstance(room, NoPort) else None) is refusal
        if refusal is None:
            self.live[self.last] = group_id

    @rule(place=st.integers(0, 30))
    def release(self, place: int) -> None:
        """A call ends."""
        if place < len(self.live):
            call_id = list(self.live)[place]
            assert self.ports.release(call_id)
            del self.live[call_id]

    @rule(place=st.integers(0, 30), out=st.booleans())
    def strand(self, place: int, out: bool) -> None:
        """A call's node is lost or back."""
        if place < len(self.live):
            call_id = list(self.live)[place]
            if out:
                self.ports.strand(call_id)
            elif self.ports.used_ports + len(self.ports.stranded) <= self.ports.ports:
                self.ports.unstrand(1)

    @rule(maxima=st.tuples(*[st.integers(0, 8)] * 3), reserved=st.integers(0, 8))
    def move(self, maxima: tuple[int, int, int], reserved: int) -> None:
        """New limits; group 1 has a reservation unless it is 0."""
        first = Limits(reserved, reserved=reserved) if reserved else Limits(maxima[0])
        self.ports.set_limits({1: first, 2: Limits(maxima[1]), 3: Limits(maxima[2])}, reserved)

    @invariant()
    def counts_are_lengths(self) -> None:
        """Every live call has one lease; the pool is never over-committed."""
        leases = [*self.ports.common, *self.ports.charged, *self.ports.stranded]
        assert sorted(self.live) == sorted(leases)
        assert self.ports.used_ports <= self.ports.ports
        for group_id in (1, 2, 3):
            own = [c for c, owner in self.live.items() if owner == group_id and c not in self.ports.stranded]
            assert len(own) == self.ports.used_by(group_id)


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=25, stateful_step_count=15)
