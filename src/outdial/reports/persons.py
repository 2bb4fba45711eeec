"""What counts as a person who answered: the one place that reports ask.

Until attempts say so themselves it follows from their call results, by the rules of `core/results.py`.
"""

from collections.abc import Callable

from outdial.core.results import CallResult, is_abandoned, reached_person


def _results(is_meant: Callable[[CallResult], bool]) -> str:
    return f"call_result IN ({', '.join(str(int(result)) for result in CallResult if is_meant(result))})"


PERSON = _results(reached_person)
"""A person answered. A condition on a row of `attempts`."""
CONNECTED = _results(lambda result: reached_person(result) and not is_abandoned(result))
"""A person answered and got an agent or an IVR application."""
ABANDONED = _results(lambda result: result is CallResult.ABANDONED)
"""A person answered and hung up while waiting."""
DROPPED = _results(lambda result: is_abandoned(result) and result is not CallResult.ABANDONED)
"""A person answered and we hung up, because nobody came."""
