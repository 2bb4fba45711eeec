"""Rows of the table `abandonment`: what settled attempts add to the ledger, the same for every store."""

from collections.abc import Iterable, Sequence
from typing import Any

from outdial.core.abandonment import NOTHING, Counts, bucket_of, counts_of
from outdial.core.commands import SettleAttempt
from outdial.store.stored import LedgerRow, StoredAttempt

LEDGER_KEY = ("campaign_id", "seller", "bucket_utc_ms")
LEDGER_COUNTS = ("persons", "live", "lost", "machines", "messages")
"""The fields of `Counts`, in its order."""
LEDGER_COLUMNS = (*LEDGER_KEY, *LEDGER_COUNTS)
"""What `ledger_values` gives, in its order."""


def ledger_values(settled: Iterable[SettleAttempt]) -> list[tuple[Any, ...]]:
    """What attempts add: a row for each campaign, seller and bucket.

    In one order, so that two servers that add at the same time wait for each other and not in a circle.
    """
    sums: dict[tuple[int, str, int], Counts] = {}
    for attempt in settled:
        counts = attempt_counts(attempt)
        if any(counts):
            key = (attempt.campaign_id, attempt.seller, bucket_of(attempt.dialed_utc_ms))
            sums[key] = sums.get(key, NOTHING).plus(counts)
    return [(*key, *counts) for key, counts in sorted(sums.items())]


def attempt_counts(attempt: SettleAttempt | StoredAttempt) -> Counts:
    """What one attempt adds."""
    return counts_of(
        person=attempt.person,
        abandoned=attempt.abandoned,
        with_agent=attempt.agent_id is not None,
        verdict=attempt.verdict,
        message_played=attempt.message_played,
    )


def ledger_row_of(row: Sequence[Any]) -> LedgerRow:
    """A row of the ledger, from the columns of `LEDGER_COLUMNS`."""
    campaign_id, seller, bucket_utc_ms, *counts = row
    return LedgerRow(campaign_id, seller, bucket_utc_ms, Counts(*map(int, counts)))
