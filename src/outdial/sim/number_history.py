"""What calls to every number have come to, for lists in memory: what a database tells from its attempts."""

from dataclasses import replace

from outdial.core.commands import SettleAttempt
from outdial.core.recent_calls import RecentCalls
from outdial.core.records import Chain, NumberFacts


class NumberHistory:
    """Attempts by number, over all lists."""

    def __init__(self) -> None:
        self._by_number: dict[str, RecentCalls] = {}
        self._totals: dict[str, int] = {}

    def add(self, attempt: SettleAttempt) -> None:
        """A call is over."""
        number = attempt.number
        calls = self._by_number.setdefault(number, RecentCalls(0))
        if calls.add(attempt):
            self._totals[number] = self._totals.get(number, 0) + 1

    def facts(self, number: str, utc_ms: int) -> NumberFacts:
        """What is known of a number."""
        calls = self._by_number.get(number)
        if calls is None:
            return NumberFacts(utc_ms)
        return NumberFacts(
            utc_ms,
            self._totals.get(number, 0),
            tuple(sorted(calls.dialed_utc_ms, reverse=True)),
            calls.abandoned_utc_ms,
            calls.machine_utc_ms,
            calls.conversation_utc_ms,
        )

    def with_facts(self, chain: Chain, utc_ms: int) -> Chain:
        """A chain with what is known of its numbers."""
        return Chain(tuple(replace(record, facts=self.facts(record.number, utc_ms)) for record in chain.records))
