"""`outdial compliance report`: what the rules on abandoned calls ask for, from the stored attempts.

The attempts are read a page at a time; what is kept is a row for each campaign, seller and day. The ledger is not
asked: a test compares the two.
"""

import asyncio
import datetime
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from outdial.campaign_rules import CampaignRules, campaign_named
from outdial.config import load
from outdial.configured_store import in_store
from outdial.core.abandonment import MILLION, NOTHING, Counts, Share, false_positives
from outdial.core.errors import ConfigError
from outdial.core.openings import offset_at
from outdial.core.results import CallResult
from outdial.core.settings import Campaign
from outdial.core.units import DAY_MS, HOUR_MS, SECOND_MS
from outdial.results_files import CsvFile, ResultsError
from outdial.store.interface import Store
from outdial.store.ledger_rows import attempt_counts
from outdial.store.stored import FIRST, StoredAttempt

PAGE = 5_000
"""Attempts that are in memory at once. Unit: attempts."""
DAYS_MAX = 3_660
RING_MS_MIN = 15 * SECOND_MS
"""Source: 16 CFR 310.4(b)(4)(ii); Ofcom asks for the same."""
UNANSWERED = (CallResult.NO_ANSWER, CallResult.CLEARED)
"""Calls that rang until somebody gave them up."""
TOTAL = "total"

SAFE_HARBOUR = {
    "campaign": "",
    "seller": "",
    "date": "",
    "calls_dialed": "",
    "answered_by_persons": "16 CFR 310.4(b)(4)(i)",
    "connected_in_time": "16 CFR 310.4(b)(1)(iv)",
    "abandoned": "16 CFR 310.4(b)(1)(iv)",
    "messages_played": "16 CFR 310.4(b)(4)(iii)",
    "unanswered": "16 CFR 310.4(b)(4)(ii)",
    "unanswered_below_15_s": "16 CFR 310.4(b)(4)(ii)",
    "rate_percent": "16 CFR 310.4(b)(4)(i)",
    "limit_percent": "",
    "method": "",
}
"""Columns of the form, and the rule that asks for each."""
UK = {
    "campaign": "",
    "seller": "",
    "date": "",
    "calls_dialed": "",
    "live_calls": "Ofcom, abandoned call rate",
    "abandoned_known": "Ofcom, abandoned call rate",
    "taken_for_machines": "Ofcom, false positives",
    "false_positive_ratio": "Ofcom, reasoned estimate",
    "abandoned_estimated": "Ofcom, false positives",
    "abandoned": "Ofcom, abandoned call rate",
    "messages_played": "Ofcom, information message",
    "unanswered": "Ofcom, ring time",
    "unanswered_below_15_s": "Ofcom, ring time",
    "rate_percent": "Ofcom, abandoned call rate",
    "limit_percent": "",
    "method": "",
}
FORMS = {"safe-harbour": SAFE_HARBOUR, "uk": UK}
METHODS = {
    "safe-harbour": "abandoned / answered by persons",
    "uk": "(known + estimated) / (known + estimated + live)",
}
FORMATS = ("csv", "json")


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What is wanted."""

    config: Path
    period: str
    form: str
    campaign: str | None = None
    file_format: str = "csv"
    output: Path | None = None


@dataclass(slots=True)
class Sums:
    """Attempts of one campaign, seller and day."""

    dialed: int = 0
    unanswered: int = 0
    below_15_s: int = 0
    counts: Counts = NOTHING

    def add(self, attempt: StoredAttempt) -> None:
        """Count an attempt."""
        self.dialed += 1
        if attempt.call_result in UNANSWERED:
            self.unanswered += 1
            self.below_15_s += attempt.ring_ms < RING_MS_MIN
        self.counts = self.counts.plus(attempt_counts(attempt))

    def plus(self, other: "Sums") -> "Sums":
        """Both together."""
        return Sums(
            self.dialed + other.dialed,
            self.unanswered + other.unanswered,
            self.below_15_s + other.below_15_s,
            self.counts.plus(other.counts),
        )


@dataclass(slots=True)
class Period:
    """Attempts by campaign, seller and day."""

    first: datetime.date
    last: datetime.date
    rules: CampaignRules
    only: Collection[int] | None = None
    """These campaigns. None: all."""
    sums: dict[tuple[int, str, datetime.date], Sums] = field(default_factory=dict)

    @property
    def from_utc_ms(self) -> int:
        """No zone's first day begins before this."""
        return _utc_ms(self.first) - 15 * HOUR_MS

    @property
    def till_utc_ms(self) -> int:
        """No zone's last day ends after this."""
        return _utc_ms(self.last) + DAY_MS + 15 * HOUR_MS

    def add(self, attempt: StoredAttempt) -> None:
        """Count an attempt, if it is of the period and campaign that are wanted."""
        campaign = self.rules.campaign_of(attempt.campaign_id, attempt.group_id)
        if self.only is not None and campaign.dbid not in self.only:
            return
        day = local_day(campaign, attempt.dialed_utc_ms)
        if self.first <= day <= self.last:
            key = (campaign.dbid, campaign.seller if attempt.seller is None else attempt.seller, day)
            self.sums.setdefault(key, Sums()).add(attempt)

    async def read(self, store: Store, page_size: int = PAGE) -> None:
        """Count all attempts of the database, so many at a time, beside the loop."""
        after = FIRST
        while page := await store.settled(self.from_utc_ms, self.till_utc_ms, after, page_size):
            await asyncio.to_thread(self._add_page, page)
            after = (page[-1].dialed_utc_ms, page[-1].epoch, page[-1].call_id)

    def _add_page(self, page: Sequence[StoredAttempt]) -> None:
        for attempt in page:
            self.add(attempt)

    def rows(self, form: str) -> list[dict[str, object]]:
        """The rows of a form: each campaign's days in order, then its total."""
        found: list[dict[str, object]] = []
        for campaign_id, seller in dict.fromkeys(sorted((key[0], key[1]) for key in self.sums)):
            campaign, total = self.rules.campaign(campaign_id), Sums()
            days = sorted((key[2], sums) for key, sums in self.sums.items() if key[:2] == (campaign_id, seller))
            for day, sums in days:
                found.append(self._row(form, campaign, seller, day.isoformat(), sums))
                total = total.plus(sums)
            found.append(self._row(form, campaign, seller, TOTAL, total))
        return found

    def _row(self, form: str, campaign: Campaign, seller: str, date: str, sums: Sums) -> dict[str, object]:
        counts, ppm = sums.counts, campaign.false_positives_ppm
        estimated = false_positives(counts.machines, ppm)
        share = Share(counts.abandoned, counts.persons)
        if form == "uk":
            share = Share(counts.abandoned + estimated, counts.abandoned + estimated + counts.live)
        values: dict[str, object] = {
            "campaign": campaign.name,
            "seller": seller,
            "date": date,
            "calls_dialed": sums.dialed,
            "answered_by_persons": counts.persons,
            "connected_in_time": counts.persons - counts.abandoned,
            "live_calls": counts.live,
            "abandoned_known": counts.abandoned,
            "taken_for_machines": counts.machines,
            "false_positive_ratio": ppm / MILLION,
            "abandoned_estimated": estimated,
            "abandoned": share.abandoned,
            "messages_played": counts.messages,
            "unanswered": sums.unanswered,
            "unanswered_below_15_s": sums.below_15_s,
            "rate_percent": share.ppm / 10_000,
            "limit_percent": self.rules.limit_ppm(campaign.dbid) / 10_000,
            "method": METHODS[form],
        }
        return {name: values[name] for name in FORMS[form]}


def run_report(options: ReportOptions) -> None:
    """Write the report.

    Raises:
        ConfigError: the configuration or the arguments have mistakes, or there is no database yet.
        ResultsError: the file cannot be written.
        StoreError: the database cannot be used, or a server uses its file.
        StoreUnavailable: it does not answer.
    """
    first, last = check_options(options)
    loaded = load(options.config)
    only = None if options.campaign is None else (campaign_named(loaded, options.campaign).dbid,)
    period = Period(first, last, CampaignRules(loaded.configuration), only)
    in_store(loaded, period.read)
    write_rows(options, period.rows(options.form))


def write_rows(options: ReportOptions, rows: Sequence[Mapping[str, object]]) -> None:
    """Write the rows of a form.

    Raises:
        ResultsError: the file cannot be written.
    """
    if options.file_format == "json":
        rules = rules_of(options.form)
        _write_text(options, json.dumps({"form": options.form, "rules": rules, "rows": rows}, ensure_ascii=False))
        return
    with CsvFile(
        options.output, header_of(options.form), stream=sys.stdout if options.output is None else None
    ) as file:
        for row in rows:
            file.add(row.values())


def rules_of(form: str) -> dict[str, str]:
    """The rules that ask for columns of a form, by column."""
    return {name: rule for name, rule in FORMS[form].items() if rule}


def header_of(form: str) -> list[str]:
    """The columns of a form with their rules, as its CSV names them."""
    return [f"{name} [{rule}]" if rule else name for name, rule in FORMS[form].items()]


def local_day(campaign: Campaign, utc_ms: int) -> datetime.date:
    """The calendar day, in the campaign's zone, that an instant is in."""
    second = utc_ms // SECOND_MS + (0 if campaign.zone is None else offset_at(campaign.zone, utc_ms))
    return datetime.datetime.fromtimestamp(second, datetime.UTC).date()


def check_options(options: ReportOptions) -> tuple[datetime.date, datetime.date]:
    """The first and the last day of the period.

    Raises:
        ConfigError: arguments that mean nothing: all of them.
    """
    mistakes = []
    if options.form not in FORMS:
        mistakes.append(f'--form: there is no form "{options.form}"; allowed: {", ".join(FORMS)}')
    if options.file_format not in FORMATS:
        mistakes.append(f'--format: there is no format "{options.file_format}"; allowed: {", ".join(FORMATS)}')
    days = days_in(options.period, mistakes)
    if mistakes:
        raise ConfigError(mistakes)
    return days


def days_in(period: str, mistakes: list[str]) -> tuple[datetime.date, datetime.date]:
    """The first and the last day of a period; what is wrong with it is added to the mistakes."""
    allowed = "allowed: the first and the last day, as in 2026-11-01..2026-11-30"
    try:
        first, last = [datetime.date.fromisoformat(day) for day in period.split("..")]
    except ValueError:
        mistakes.append(f'--period: "{period[:100]}" is no period; {allowed}')
        return datetime.date.min, datetime.date.min
    if not 1970 < first.year <= last.year < 2100 or first > last or (last - first).days >= DAYS_MAX:
        mistakes.append(f'--period: "{period}" ends before it begins or is too long; {allowed}')
    return first, last


def _utc_ms(day: datetime.date) -> int:
    midnight = datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC)
    return round(midnight.timestamp()) * SECOND_MS


def _write_text(options: ReportOptions, text: str) -> None:
    if options.output is None:
        print(text)
        return
    try:
        options.output.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"{options.output}: cannot be written: {error.strerror}") from error
