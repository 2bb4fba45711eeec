"""How an attempt is called outside of the database: in log lines, traces and messages to other systems."""

from outdial.core.units import CallId


def attempt_id(epoch: int, call_id: CallId) -> str:
    """The attempt's name: unique over all starts of all servers of a database.

    Args:
        epoch: number of the server's start. 0: there is no database, as in a demonstration without one.
        call_id: number of the call within the start.

    Returns:
        Such as `7-1042`, the columns `epoch` and `call_id` of the attempt.
    """
    return f"{epoch}-{call_id}"
