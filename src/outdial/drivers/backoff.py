"""When a link to a server is tried again, and when a silence is really the server's.

Reconnection is exponential with *full jitter*: the pause is drawn from 0 up to a bound that doubles with every failure
in a row. Many links that a power cut took down at once do not come back at once.

Source: Brooker, "Exponential Backoff and Jitter" (2015).
"""

# The pause before an attempt is drawn from 0 to PAUSE_S, doubled with every failure, up to PAUSE_MAX_S. Unit: s.
PAUSE_S = 0.25
PAUSE_MAX_S = 4.0

# A link that was up for so long did not fail at once: the next attempt follows without a pause. Unit: s.
STEADY_S = 5.0

# When a timer fires this late, we have been asleep ourselves, and what the server sent is still unread. Unit: s.
LATE_S = 0.1


def longest_pause_s(failures: int) -> float:
    """The pause before an attempt is drawn from 0 to this. Unit: s.

    Args:
        failures: attempts in a row that failed. Range: ≥ 0.
    """
    return min(PAUSE_MAX_S, PAUSE_S * 2.0 ** min(failures - 1, 16)) if failures else 0.0
