"""The machine's clocks as one reading."""

from outdial.core.units import Now
from outdial.drivers.clock import SystemClock


def test_both_clocks_are_rounded_down_and_the_monotonic_one_starts_at_zero():
    monotonic = iter([5_000_000_123, 5_000_000_124, 5_001_000_122, 5_001_000_123])
    clock = SystemClock(monotonic_ns=lambda: next(monotonic), utc_ns=lambda: 1_700_000_000_000_999_999)
    assert clock.read() == Now(0, 1_700_000_000_000)
    assert clock.read() == Now(0, 1_700_000_000_000)
    assert clock.read() == Now(1, 1_700_000_000_000)


def test_the_real_clock_does_not_step_back():
    clock = SystemClock()
    first, second = clock.read(), clock.read()
    assert 0 <= first.mono_ms <= second.mono_ms
