"""How abandoned calls are counted: options of campaigns and campaign groups."""

import enum


class AbandonmentClock(enum.StrEnum):
    """Option `abandonment-clock`: what the time is counted from in which a person must find somebody. Ours (0018)."""

    ANSWER = "answer"
    GREETING_START = "greeting-start"
    GREETING_END = "greeting-end"


class AbandonmentMethod(enum.StrEnum):
    """Option `abandonment-method`: how the rate is counted; see `abandonment`."""

    US = "us"
    UK = "uk"


class AbandonmentWindow(enum.StrEnum):
    """Time over which the rate of abandoned calls is counted."""

    DAY = "day"
    HOURS_24 = "24-hours"
    DAYS_30 = "30-days"
    LIFE = "life"
