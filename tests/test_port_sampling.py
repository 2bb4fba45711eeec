"""Looks at the dialer, added up to samples of a minute."""

from dataclasses import replace

from outdial.core.snapshot import GroupView, PoolView, Snapshot
from outdial.port_sampling import PortSampler
from snapshots import SWITCH, group_view, snapshot

MINUTE = 1_795_262_400_000


def look(sampler: PortSampler, at_s: float, *groups: GroupView, used: int = 30):
    taken: Snapshot = replace(snapshot(), utc_ms=MINUTE + round(at_s * 1_000), groups=groups, pools=(pool(used),))
    return sampler.look(taken)


def pool(used: int) -> PoolView:
    return PoolView(SWITCH, "main", 60, "channel_num", used, 0, True, False, 0, "")


def test_a_minute_is_given_when_the_next_one_begins():
    sampler = PortSampler()
    assert look(sampler, 1, group_view(1, "a", used=10, maximum=20, holds=("waiting for ports: 10 of 20",))) == ()
    assert look(sampler, 2, group_view(1, "a", used=20, maximum=20, need_millis=12_500, agents_ready=3), used=40) == ()
    whole, one = look(sampler, 61, group_view(1, "a"))
    assert (one.utc_ms, one.pool, one.group_id, one.span_ms) == (MINUTE + 1_000, SWITCH, 1, 1_000)
    assert (one.looks, one.used_sum, one.used_peak, one.maximum_ports, one.at_maximum_looks) == (2, 30, 20, 20, 1)
    assert (one.waiting_looks, one.need_millis, one.ready_agents, one.hold) == (1, 12_500, 3, "")
    assert (whole.group_id, whole.looks, whole.used_sum, whole.used_peak, whole.maximum_ports) == (0, 2, 70, 40, 60)
    assert (whole.waiting_looks, whole.need_millis) == (1, 12_500)
    assert [sample.looks for sample in sampler.rest()] == [1, 1] and sampler.rest() == ()


def test_groups_that_neither_run_nor_hold_ports_are_left_out():
    sampler = PortSampler()
    groups = (
        group_view(1, "a", state="stopped", used=0),
        group_view(2, "b", state="stopped", used=1),
        group_view(3, "c", used=0, maximum=None),
    )
    look(sampler, 0, *groups)
    assert [(one.group_id, one.maximum_ports, one.at_maximum_looks) for one in sampler.rest()] == [
        (0, 60, 0),
        (2, 20, 0),
        (3, None, 0),
    ]


def test_a_clock_that_steps_back_makes_no_negative_span():
    sampler = PortSampler()
    look(sampler, 30)
    look(sampler, 20)
    [sample] = look(sampler, -10)
    assert (sample.utc_ms, sample.span_ms, sample.looks) == (MINUTE + 30_000, 0, 2)
