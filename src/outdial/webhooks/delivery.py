"""One try to deliver one message over HTTP, and what follows from how it ended."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp

from outdial.core.units import HOUR_MS, SECOND_MS, Millis

TRIES_MAX = 14
"""Tries before a message is given up: they span about two days."""
PAUSE_MS: Millis = 5 * SECOND_MS
"""Longest pause after the first try that failed; each further one makes it three times as long. Unit: ms."""
PAUSE_MS_MAX: Millis = 12 * HOUR_MS
RETRY_AFTER_MS_MAX: Millis = 24 * HOUR_MS
"""Longest pause that a receiver may ask for. Unit: ms."""
GONE = 410
"""The receiver wants no more of it. Source: Standard Webhooks, "Deliverability"; RFC 9110, 15.5.11."""
ERROR_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a try has ended."""

    status: int | None
    """HTTP status. None: there was no answer."""
    error: str
    """Why it failed; empty: it did not."""
    retry_after_ms: Millis = 0
    """How long the receiver wants to be left alone."""

    @property
    def is_delivered(self) -> bool:
        """Whether the receiver has it."""
        return not self.error

    @property
    def word(self) -> str:
        """In one word, for metrics."""
        return "delivered" if self.is_delivered else "no answer" if self.status is None else "refused"


async def post(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], body: bytes, timeout_ms: Millis
) -> Outcome:
    """Try once. Redirects are not followed, and nothing of the answer's body is read."""
    timeout = aiohttp.ClientTimeout(total=timeout_ms / SECOND_MS)
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False, timeout=timeout) as answer:
            status = answer.status
            if 200 <= status < 300:
                return Outcome(status, "")
            moved = ", and redirects are not followed" if 300 <= status < 400 else ""
            return Outcome(status, f"answered {status}{moved}", _retry_after_ms(answer.headers.get("Retry-After", "")))
    except TimeoutError:
        return Outcome(None, f"no answer within {timeout_ms / SECOND_MS:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return Outcome(None, (str(error) or type(error).__name__)[:ERROR_CHARACTERS_MAX])


def pause_ms(tries: int, outcome: Outcome, random: Callable[[], float]) -> Millis | None:
    """How long to wait before the next try. None: there is none, the message is given up.

    Args:
        tries: so far, this one included. Range: ≥ 1.
        outcome: of this one.
        random: draws from 0 up to 1. The pause is between half and all of its longest, so that what failed together
            does not come back together.
    """
    if tries >= TRIES_MAX or outcome.status == GONE:
        return None
    longest: Millis = min(PAUSE_MS_MAX, PAUSE_MS * 3 ** min(tries - 1, 20))
    return max(round(longest * (1 + random()) / 2), outcome.retry_after_ms)


def _retry_after_ms(text: str) -> Millis:
    """The header `Retry-After` in seconds; a date counts as none. Source: RFC 9110, 10.2.3."""
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return 0
    return min(RETRY_AFTER_MS_MAX, int(text) * SECOND_MS)


def session() -> aiohttp.ClientSession:
    """Connections to receivers: no proxy of the environment, no cookies. To be made in the event loop."""
    return aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, headers={"user-agent": "outdial"}, auto_decompress=False
    )
