"""The pause before a server is tried again."""

from outdial.drivers.backoff import PAUSE_MAX_S, longest_pause_s


def test_pause_doubles_with_every_failure_up_to_a_limit():
    assert [longest_pause_s(failures) for failures in range(7)] == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 4.0]
    assert longest_pause_s(1_000_000) == PAUSE_MAX_S
