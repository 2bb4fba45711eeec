"""Exact percentiles out of a database: of each row's values the smallest that enough of them do not exceed.

Values are first counted (`GROUP BY` key and value), then the counts are added up in order of the values. So what has to
be sorted are the different values, not all rows, and nothing of it leaves the database.
"""

from collections.abc import Mapping, Sequence


def percentiles(
    source: str, value: str, keys: Sequence[str], shares: Mapping[str, int], further: Mapping[str, tuple[str, str]]
) -> str:
    """A statement for the percentiles of each combination of keys. By nearest rank: each is a value that was there.

    Args:
        source: `FROM … WHERE …`.
        value: whole number to be ranked.
        keys: named expressions, `… AS k0`; may be none.
        shares: name → percentile, 1 … 100.
        further: name → (aggregate over the rows, aggregate over those of all values), such as `("count(*)", "sum")`.

    Returns:
        SELECT keys, further …, percentiles … GROUP BY keys, without an order. Percentiles of nothing are NULL.
    """
    names = [key.rpartition(" AS ")[2] for key in keys]
    one_value = ", ".join(
        [*keys, f"{value} AS v", "count(*) AS c", *(f"{sql} AS {name}" for name, (sql, _) in further.items())]
    )
    by_value = f"SELECT {one_value} {source} GROUP BY {', '.join([*names, 'v'])}"
    partition = f"PARTITION BY {', '.join(names)} " if names else ""
    ranked = (
        f"SELECT *, sum(c) OVER ({partition}ORDER BY v) AS upto, sum(c) OVER ({partition.strip()}) AS n "
        f"FROM ({by_value}) AS by_value"
    )
    figures = [
        *names,
        *(f"CAST(coalesce({overall}({name}), 0) AS bigint) AS {name}" for name, (_, overall) in further.items()),
        *(
            f"CAST(min(CASE WHEN upto * 100 >= n * {share} THEN v END) AS bigint) AS {name}"
            for name, share in shares.items()
        ),
    ]
    group = f" GROUP BY {', '.join(names)}" if names else ""
    return f"SELECT {', '.join(figures)} FROM ({ranked}) AS ranked{group}"
