"""Instants as people write them on the command line."""

from datetime import UTC, datetime

INSTANT = "a date or an instant such as 2027-03-01, 2027-03-01T09:30Z or 2027-03-01T09:30+02:00; without a zone: UTC"


def parse_instant(text: str) -> int | None:
    """Read an instant. Unit: milliseconds UTC. None: it is none, or lies before 1970."""
    try:
        read = datetime.fromisoformat(text.strip())
        at = read if read.tzinfo is not None else read.replace(tzinfo=UTC)
        milliseconds = round(at.timestamp() * 1_000)
    except (ValueError, OverflowError):
        return None
    return milliseconds if milliseconds >= 0 else None
