"""The abandonment ledger: how many persons answered, and how many of them found nobody in time.

What counts is decided once, for each attempt, when it is settled (`counts_of`). The ledger adds the counts up in
buckets of a quarter of an hour, by the instant of the dial request: every time zone's midnight is the edge of a bucket.
Four windows are kept at once: the calendar day in a named zone, rolling 24 hours, rolling 30 days, and the campaign's
life.

    us    abandoned / persons                        16 CFR 310.4(b)(4)(i): of the calls answered by a person
    uk    abandoned / (abandoned + live)             Ofcom: live calls are those connected to an agent; abandoned ones
                                                     include an estimate of persons who were taken for machines

The beginning of a rolling window lies inside a bucket. Its abandoned calls are counted and its other calls are not: the
rate is the highest that any order of the calls in it could mean.

Ours: the buckets, the edge, a person who was connected too late counts as abandoned (decision 0018).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from outdial.core.abandonment_settings import AbandonmentMethod, AbandonmentWindow
from outdial.core.openings import local_midnight
from outdial.core.results import Verdict
from outdial.core.settings import Campaign, Zone
from outdial.core.units import DAY_MS, MINUTE_MS, Millis

BUCKET_MS: Millis = 15 * MINUTE_MS
"""All offsets of time zones in use are multiples of it. Unit: ms."""
KEPT_MS: Millis = 31 * DAY_MS
"""Buckets older than this are only part of the campaign's life. Ours: the longest window, and a day."""
MILLION = 1_000_000
MACHINES = (Verdict.MACHINE, Verdict.SILENCE)
"""Verdicts behind which a person may be hidden."""


class Counts(NamedTuple):
    """Calls of one bucket, window or period."""

    persons: int = 0
    """Answered by a person, previews aside."""
    live: int = 0
    """Persons who were connected to an agent in time."""
    abandoned: int = 0
    """Persons who found nobody in time, connected later or not."""
    machines: int = 0
    """Released because detection took them for a machine, or heard nothing."""
    messages: int = 0
    """Abandoned persons who heard the drop message."""

    def plus(self, other: "Counts", sign: int = 1) -> "Counts":
        """The sum, or with `sign` −1 the difference."""
        return Counts(*[mine + sign * theirs for mine, theirs in zip(self, other, strict=True)])

    def beyond(self, other: "Counts") -> "Counts":
        """What each count has more than the other's."""
        return Counts(*[max(0, mine - theirs) for mine, theirs in zip(self, other, strict=True)])


NOTHING = Counts()


class Share(NamedTuple):
    """A rate as it was counted."""

    abandoned: int
    """Numerator."""
    calls: int
    """Denominator."""

    @property
    def ppm(self) -> int:
        """The rate, rounded up. Unit: millionths. Range: 0 … 1,000,000; 0 without calls."""
        return -(-MILLION * self.abandoned // self.calls) if self.calls else 0

    def may_abandon(self, limit_ppm: int) -> int:
        """Calls that may still be abandoned before the rate is above the limit. Negative: so many are too many."""
        left = limit_ppm * self.calls - MILLION * self.abandoned
        return left // MILLION if left < 0 else left // max(1, MILLION - limit_ppm)

    def needed(self, limit_ppm: int) -> int | None:
        """Persons who must be served before the rate is at the limit again. 0: it is not above; None: never."""
        if MILLION * self.abandoned <= limit_ppm * self.calls:
            return 0
        return -(-MILLION * self.abandoned // limit_ppm) - self.calls if limit_ppm else None


def counts_of(*, person: bool, abandoned: bool, with_agent: bool, verdict: str | None, message_played: bool) -> Counts:
    """What one settled attempt adds to the ledger.

    Args:
        person: a person answered.
        abandoned: and found nobody in time.
        with_agent: an agent had the call.
        verdict: what detection heard; a value of `Verdict`.
        message_played: the drop message began to play.
    """
    if not person:
        return Counts(machines=int(verdict in MACHINES))
    return Counts(1, int(with_agent and not abandoned), int(abandoned), 0, int(abandoned and message_played))


def share_of(counts: Counts, campaign: Campaign) -> Share:
    """Numerator and denominator by the campaign's method."""
    if campaign.abandonment_method is AbandonmentMethod.US:
        return Share(counts.abandoned, counts.persons)
    abandoned = counts.abandoned + false_positives(counts.machines, campaign.false_positives_ppm)
    return Share(abandoned, abandoned + counts.live)


def false_positives(machines: int, ppm: int) -> int:
    """Persons who are estimated to be among the machines, rounded up."""
    return -(-machines * ppm // MILLION)


def bucket_of(utc_ms: int) -> int:
    """Start of the bucket that an instant is in. Unit: ms UTC."""
    return utc_ms - utc_ms % BUCKET_MS


@dataclass(slots=True)
class Ledger:
    """The buckets of one campaign, or of one seller.

    Attributes:
        life: all calls ever.
        earlier: those of them that were never in a bucket here.
        buckets: counts by the start of their bucket; those of the last `KEPT_MS` at least, and a day more at most.
    """

    life: Counts = NOTHING
    earlier: Counts = NOTHING
    buckets: dict[int, Counts] = field(default_factory=dict)
    _oldest: int | None = None
    """No bucket is older."""
    _sums: dict[AbandonmentWindow, tuple[int, Counts]] = field(default_factory=dict)
    """Calls from a bucket on, by window: what was counted last goes on. Shape: {window: (first bucket, sum)}."""

    def add(self, bucket_utc_ms: int, counts: Counts) -> None:
        """Count calls of a bucket."""
        self.life = self.life.plus(counts)
        self.buckets[bucket_utc_ms] = self.buckets.get(bucket_utc_ms, NOTHING).plus(counts)
        for window, (first, total) in self._sums.items():
            if bucket_utc_ms >= first:
                self._sums[window] = (first, total.plus(counts))
        self._oldest = bucket_utc_ms if self._oldest is None else min(self._oldest, bucket_utc_ms)
        if self._oldest < bucket_utc_ms - KEPT_MS - DAY_MS:  # once a day
            self._forget_before(bucket_utc_ms - KEPT_MS)

    def add_earlier(self, counts: Counts) -> None:
        """Count calls that are older than any window but life."""
        self.earlier = self.earlier.plus(counts)
        self.life = self.life.plus(counts)

    def raise_to(self, earlier: Counts, buckets: Iterable[tuple[int, Counts]]) -> None:
        """Somebody has counted too, partly the same calls: each count is at least theirs from now on.

        Both have counted no call that was not, so neither has more than the truth.
        """
        self.add_earlier(earlier.beyond(self.earlier))
        for bucket_utc_ms, counts in buckets:
            more = counts.beyond(self.buckets.get(bucket_utc_ms, NOTHING))
            if any(more):
                self.add(bucket_utc_ms, more)

    def counts(self, window: AbandonmentWindow, utc_ms: int, zone: Zone | None) -> Counts:
        """Calls of a window that ends now.

        Args:
            window: which one.
            utc_ms: now.
            zone: whose calendar day it is. None: UTC.
        """
        if window is AbandonmentWindow.LIFE:
            return self.life
        if window is AbandonmentWindow.DAY:
            return self._since(window, local_midnight(zone, utc_ms))
        since_ms = utc_ms - (DAY_MS if window is AbandonmentWindow.HOURS_24 else 30 * DAY_MS)
        edge = bucket_of(since_ms)
        there = self.buckets.get(edge, NOTHING)
        at_edge = Counts(there.abandoned, 0, there.abandoned, there.machines, there.messages)
        return self._since(window, edge + BUCKET_MS).plus(at_edge)

    def first_of_day(self, utc_ms: int, zone: Zone | None) -> int | None:
        """Start of the first bucket of today in which a person answered. None: nobody has."""
        return next(
            (
                bucket
                for bucket in range(bucket_of(local_midnight(zone, utc_ms)), utc_ms + 1, BUCKET_MS)
                if self.buckets.get(bucket, NOTHING).persons
            ),
            None,
        )

    def _since(self, window: AbandonmentWindow, first: int) -> Counts:
        known, total = self._sums.get(window, (None, NOTHING))
        if known is None or first < known or first - known > KEPT_MS:
            total = NOTHING
            for bucket, counts in self.buckets.items():
                if bucket >= first:
                    total = total.plus(counts)
        else:
            for bucket in range(known, first, BUCKET_MS):
                total = total.plus(self.buckets.get(bucket, NOTHING), -1)
        self._sums[window] = (first, total)
        return total

    def _forget_before(self, utc_ms: int) -> None:
        for bucket in [bucket for bucket in self.buckets if bucket < utc_ms]:
            del self.buckets[bucket]
        self._oldest = min(self.buckets, default=None)
        self._sums = {window: known for window, known in self._sums.items() if known[0] >= utc_ms}


def breaking_window(
    ledger: Ledger, campaign: Campaign, limit_ppm: int, utc_ms: int, expected: int = 0
) -> AbandonmentWindow | None:
    """A window of the campaign that one more abandoned call would put above the limit. None: there is none.

    Args:
        ledger: the account.
        campaign: whose windows count.
        limit_ppm: the limit. Unit: millionths.
        utc_ms: now.
        expected: persons who will still answer today. They count in windows of a month and more: what the rate was on
            the way there is nobody's question, and a campaign would have to begin with a hundred persons for three.
    """
    for window in campaign.abandonment_windows:
        share = share_of(ledger.counts(window, utc_ms, campaign.zone), campaign)
        if window in (AbandonmentWindow.DAYS_30, AbandonmentWindow.LIFE):
            share = share._replace(calls=share.calls + expected)
        if share.may_abandon(limit_ppm) < 1:
            return window
    return None
