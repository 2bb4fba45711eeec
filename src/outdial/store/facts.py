"""What earlier calls to numbers have come to, out of the tables of attempts: for every store.

A claim that asks for it reads, in one query, a row for each number of its chains that was ever called, with the values
of `FACT_COLUMNS`. Attempts under way count as dialed; those that never rang do not count. Same rule:
`outdial.core.recent_calls`, which adds what happens after the claim.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from outdial.core.records import Chain, NumberFacts
from outdial.core.results import NEVER_DIALED, CallResult
from outdial.core.rules import ATTEMPTS_MAX
from outdial.core.units import DAY_MS, Millis
from outdial.store.rows import Row

FACT_COLUMNS: Final = ("number", "total", "dialed", "abandoned_utc_ms", "machine_utc_ms", "conversation_utc_ms")
"""What `facts_by_number` reads, in its order. `dialed`: attempts of the last days, in any order."""
RECENT_MS: Millis = 8 * DAY_MS
"""Attempts that are read one by one: those of the longest time that a limit may have, and a day. Unit: ms."""
NEVER_RANG: Final = ", ".join(f"{result:d}" for result in NEVER_DIALED)
ABANDONED: Final = f"{CallResult.ABANDONED:d}, {CallResult.DROPPED:d}"
MACHINE: Final = f"{CallResult.ANSWERING_MACHINE:d}"
CONVERSATION: Final = f"{CallResult.ANSWER:d}"
ENDED: Final = "dialed_utc_ms + ring_ms + wait_ms + talk_ms"


def numbers_of(chains: Iterable[Chain]) -> list[str]:
    """Every number of some chains, once."""
    return list(dict.fromkeys(record.number for chain in chains for record in chain.records))


def facts_by_number(rows: Iterable[Row], utc_ms: int) -> dict[str, NumberFacts]:
    """What is known of numbers. Shape of `rows`: values of `FACT_COLUMNS`."""
    return {row[0]: _facts(row, utc_ms) for row in rows}


def with_facts(chains: tuple[Chain, ...], rows: Iterable[Row], utc_ms: int) -> tuple[Chain, ...]:
    """The chains with what is known of their numbers."""
    known = facts_by_number(rows, utc_ms)
    nothing = NumberFacts(utc_ms)
    return tuple(
        Chain(tuple(replace(record, facts=known.get(record.number, nothing)) for record in chain.records))
        for chain in chains
    )


def _facts(row: Row, utc_ms: int) -> NumberFacts:
    _, total, dialed, abandoned_utc_ms, machine_utc_ms, conversation_utc_ms = row
    instants = map(int, dialed.split(",")) if isinstance(dialed, str) else dialed or ()
    newest = tuple(sorted(instants, reverse=True)[:ATTEMPTS_MAX])
    return NumberFacts(utc_ms, total, newest, abandoned_utc_ms, machine_utc_ms, conversation_utc_ms)
