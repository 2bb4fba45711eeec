"""Recent calls by number: what the core adds to what the store has said of a number.

A record comes with what earlier calls to its number have come to (`NumberFacts`), as the store knew it when the core
asked. Between then and the call other groups may dial the same number, and calls to it may end. All of that is noted
here, and `with_recent` adds it. What the store has counted already is not counted twice: an attempt is known by the
instant at which it was dialed, as a number is in one call at a time.

Only so many numbers are kept. When one is let go, whatever was asked before its last call is too old: such records go
back to the store and come with fresh facts. So the memory is bounded and nothing is missed.

Facts also age because of other servers on the same database, whose calls are not seen here: those asked for too long
ago are fetched again. What another server dials in the meantime is missed.

Ours: all of it (decision 0017).
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from outdial.core.commands import SettleAttempt
from outdial.core.records import NumberFacts
from outdial.core.results import NEVER_DIALED, CallResult, is_abandoned
from outdial.core.rules import ATTEMPTS_MAX
from outdial.core.units import MINUTE_MS, Millis

NUMBERS_MAX = 50_000
"""Numbers that are kept. Unit: numbers. Ours: some megabytes."""
FACTS_MS_MAX: Millis = 10 * MINUTE_MS
"""Age from which on facts are fetched again. Unit: ms. Ours."""


@dataclass(slots=True, eq=False)
class RecentCalls:
    """Calls to one number."""

    at_ms: Millis
    """When the last thing happened. Monotonic."""
    dialed_utc_ms: dict[int, None] = field(default_factory=dict)
    never_rang_utc_ms: dict[int, None] = field(default_factory=dict)
    """Attempts of these that never reached the callee."""
    abandoned_utc_ms: int | None = None
    machine_utc_ms: int | None = None
    conversation_utc_ms: int | None = None

    def add(self, attempt: SettleAttempt) -> bool:
        """A call is over. Returns whether it counts: the phone may have rung."""
        result = attempt.call_result
        if result in NEVER_DIALED:
            self.dialed_utc_ms.pop(attempt.dialed_utc_ms, None)
            self.never_rang_utc_ms[attempt.dialed_utc_ms] = None
            _trim(self.never_rang_utc_ms)
            return False
        self.dialed_utc_ms[attempt.dialed_utc_ms] = None
        _trim(self.dialed_utc_ms)
        if is_abandoned(result):
            self.abandoned_utc_ms = ended_utc_ms(attempt)
        elif result is CallResult.ANSWERING_MACHINE:
            self.machine_utc_ms = ended_utc_ms(attempt)
        elif result is CallResult.ANSWER:
            self.conversation_utc_ms = ended_utc_ms(attempt)
        return True


def ended_utc_ms(attempt: SettleAttempt) -> int:
    """When a call was over, as nearly as its durations tell."""
    return attempt.dialed_utc_ms + attempt.ring_ms + attempt.wait_ms + attempt.talk_ms


class RecentNumbers:
    """Recent calls of all numbers, the longest quiet number first.

    Attributes:
        is_kept: whether some rule asks for earlier calls; otherwise nothing is noted.
    """

    def __init__(self) -> None:
        self.is_kept = False
        self._since_ms: Millis = -1
        """Everything that happened after this is here. Monotonic."""
        self._by_number: OrderedDict[str, RecentCalls] = OrderedDict()

    def __len__(self) -> int:
        return len(self._by_number)

    def keep(self, is_needed: bool, mono_ms: Millis) -> None:
        """From now on note what happens, or no more."""
        if is_needed and not self.is_kept:
            self._since_ms = mono_ms - 1
        elif not is_needed:
            self._by_number.clear()
        self.is_kept = is_needed

    def dialed(self, number: str, utc_ms: int, mono_ms: Millis) -> None:
        """A call to a number is requested."""
        if self.is_kept:
            self._note(number, mono_ms).dialed_utc_ms[utc_ms] = None

    def settled(self, attempt: SettleAttempt, mono_ms: Millis) -> None:
        """A call is over. It is noted once more as dialed: the store may not have counted it while it was under way."""
        if self.is_kept:
            self._note(attempt.number, mono_ms).add(attempt)

    def are_too_old(self, facts: NumberFacts, mono_ms: Millis) -> bool:
        """Whether something may have happened since they were asked for that is not known here."""
        return facts.asked_ms <= self._since_ms or facts.asked_ms < mono_ms - FACTS_MS_MAX

    def with_recent(self, number: str, facts: NumberFacts) -> NumberFacts:
        """The facts with what has happened since; the same object when that is nothing. Twice is as good as once."""
        calls = self._by_number.get(number)
        if calls is None:
            return facts
        known = dict.fromkeys(facts.dialed_utc_ms)
        new = [utc_ms for utc_ms in calls.dialed_utc_ms if utc_ms not in known]
        gone = [utc_ms for utc_ms in calls.never_rang_utc_ms if utc_ms in known]
        dialed = sorted((utc_ms for utc_ms in (*known, *new) if utc_ms not in calls.never_rang_utc_ms), reverse=True)
        return replace(
            facts,
            total=facts.total + len(new) - len(gone),
            dialed_utc_ms=tuple(dialed[:ATTEMPTS_MAX]),
            abandoned_utc_ms=_latest((facts.abandoned_utc_ms, calls.abandoned_utc_ms)),
            machine_utc_ms=_latest((facts.machine_utc_ms, calls.machine_utc_ms)),
            conversation_utc_ms=_latest((facts.conversation_utc_ms, calls.conversation_utc_ms)),
        )

    def _note(self, number: str, mono_ms: Millis) -> RecentCalls:
        calls = self._by_number.get(number)
        if calls is None:
            calls = self._by_number[number] = RecentCalls(mono_ms)
            while len(self._by_number) > NUMBERS_MAX:
                self._since_ms = max(self._since_ms, self._by_number.popitem(last=False)[1].at_ms)
        calls.at_ms = mono_ms
        self._by_number.move_to_end(number)
        return calls


def _trim(instants: dict[int, None]) -> None:
    while len(instants) > ATTEMPTS_MAX:
        del instants[next(iter(instants))]


def _latest(instants: Iterable[int | None]) -> int | None:
    return max((utc_ms for utc_ms in instants if utc_ms is not None), default=None)
