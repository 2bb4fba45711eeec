"""Rates of the last minutes."""

from dataclasses import replace

from outdial.api.rates import WINDOW_MS, Rates
from outdial.core.snapshot import GroupView, Snapshot
from snapshots import group_view


def at(mono_ms: int, group: GroupView) -> Snapshot:
    return Snapshot(mono_ms, mono_ms, (group,), (), (), (), None, (), 0, 0, 0, ())


def group(attempts: int, answered: int, connected: int = 0, agents: int = 10, talking: int = 0) -> GroupView:
    view = group_view(1, "east", agents_logged_in=agents, connected=talking, waiting=0, answered=0)
    return replace(view, counts=replace(view.counts, attempts=attempts, answered=answered, connected=connected))


def test_nothing_is_known_at_first():
    rates = Rates().of(group(0, 0))
    assert (rates.attempts_per_hour, rates.hit_ratio, rates.calls_per_agent_hour) == (0, None, None)


def test_the_last_five_minutes_count():
    rates = Rates()
    for minute in range(21):  # 60 attempts a minute; from minute 10 on a third of them is answered
        answered = 20 * max(0, minute - 10)
        now = group(60 * minute, answered, connected=answered)
        for second in range(0, 60, 5):
            rates.look(at(60_000 * minute + 1_000 * second, now))
    view = rates.of(now)
    assert view.window_ms == WINDOW_MS
    assert abs(view.attempts_per_hour - 3_600) < 100
    assert view.hit_ratio is not None and abs(view.hit_ratio - 1 / 3) < 0.01
    assert view.calls_per_agent_hour is not None and abs(view.calls_per_agent_hour - 120) < 4


def test_a_person_who_has_answered_counts_as_an_attempt_before_it_is_settled():
    rates = Rates()
    rates.look(at(0, group(0, 0)))
    now = group(1, 4, talking=3)
    rates.look(at(5_000, now))
    assert rates.of(now).hit_ratio == 1.0
