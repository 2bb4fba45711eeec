"""The columns `consent` and `consent_utc` of a calling list: on what ground a person may be called, and since when."""

import datetime
from collections.abc import Mapping

from outdial.csv_lines import Rejected

CONSENT = ("consent", "consent_utc")
"""Names of the columns."""
CHARACTERS_MAX = 500
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def consent_in(fields: Mapping[str, str]) -> tuple[str, int | None]:
    """Read what a line says about consent.

    Args:
        fields: the line. Shape: {column: text}.

    Returns:
        The ground, empty when there is none; the instant, or None.

    Raises:
        Rejected: the ground is too long, the instant is none, or stands alone.
    """
    ground, written = fields.get("consent", "").strip(), fields.get("consent_utc", "").strip()
    if len(ground) > CHARACTERS_MAX:
        raise Rejected("consent", f"consent has {len(ground):,} characters; allowed: at most {CHARACTERS_MAX}")
    if not written:
        return ground, None
    if not ground:
        raise Rejected("consent", "consent_utc without a consent")
    try:
        moment = datetime.datetime.fromisoformat(written)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        return ground, (moment - _EPOCH) // datetime.timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        wrong = f'consent_utc "{written[:40]}" is no instant; allowed: 2026-05-02, or 2026-05-02T10:30:00Z'
        raise Rejected("consent", wrong) from None
