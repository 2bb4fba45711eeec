"""Dimensions that several kinds of reports have: objects of the configuration, hours and days."""

from collections.abc import Callable, Mapping

from outdial.reports.query import Dimension, Query


def of_column(name: str, meaning: str, column: str, label: Callable[[Query, int], str]) -> Dimension:
    """A number that is in the table; NULL becomes 0."""
    return Dimension(name, meaning, lambda query: f"coalesce({column}, 0)", label)


def of_time(instant: str) -> tuple[Dimension, ...]:
    """The dimensions of an instant.

    Args:
        instant: a column of UTC milliseconds.
    """

    def sql(part: str) -> Callable[[Query], str]:
        def expression(query: Query) -> str:
            make: Callable[[str, int, int], str] = getattr(query.clock, f"{part}_sql")
            return make(instant, query.period.from_utc_ms, query.period.until_utc_ms)

        return expression

    return (
        Dimension(
            "hour",
            "The hour in the time zone of the report, such as `2026-11-20T09:00+01:00`; the hour that autumn brings "
            "twice is two rows.",
            sql("hour"),
            lambda query, key: query.clock.hour_text(key),
        ),
        Dimension(
            "day", "The day there, such as `2026-11-20`.", sql("day"), lambda query, key: query.clock.day_text(key)
        ),
        Dimension(
            "hour-of-day",
            "The hour on the clock there, of all days together: `00` … `23`.",
            sql("hour_of_day"),
            lambda query, key: f"{key:02}",
        ),
        Dimension(
            "weekday",
            "The day of the week there: `1-monday` … `7-sunday`.",
            sql("weekday"),
            lambda query, key: f"{key + 1}-{_WEEKDAYS[key]}",
        ),
    )


_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def group(meaning: str, column: str = "group_id") -> Dimension:
    """Campaign groups."""
    return of_column("group", meaning, column, lambda query, key: query.names.group(key) if key else "")


def campaign(column: str = "group_id") -> Dimension:
    """Campaigns, by what the configuration says now of the groups."""

    def sql(query: Query) -> str:
        cases = [f"WHEN {one.dbid} THEN {one.campaign}" for one in query.configuration.campaign_groups]
        return f"CASE {column} {' '.join(cases)} ELSE 0 END" if cases else "0"

    return Dimension(
        "campaign",
        "Name of the campaign that the group belongs to now; empty for groups that the configuration no longer has.",
        sql,
        lambda query, key: query.names.campaign(key) if key else "",
    )


def calling_list(column: str = "list_id") -> Dimension:
    """Calling lists."""
    meaning = "Name of the calling list."
    return of_column("list", meaning, column, lambda query, key: query.names.calling_list(key))


def of_words(name: str, meaning: str, column: str, words: Mapping[str, int]) -> Dimension:
    """A text of which there are few: each has a number, so that all databases sort alike.

    Args:
        name: in `--by`.
        meaning: for the reference.
        column: of the table.
        words: every text with its number from 1; whatever else there may be comes last.
    """
    cases = " ".join(f"WHEN '{word}' THEN {number}" for word, number in words.items())
    by_number = {number: word for word, number in words.items()}
    return Dimension(
        name,
        meaning,
        lambda query: f"CASE {column} {cases} ELSE {len(words) + 1} END",
        lambda query, key: by_number.get(key, "unknown"),
    )
