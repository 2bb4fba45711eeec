"""The two seconds in which an answered person must find somebody: when they begin, and who has found nobody in time.

The clock starts as the group says, or at the earliest instant that is known instead:

| abandonment-clock | with a verdict that tells the greeting       | without                             |
|-------------------|----------------------------------------------|-------------------------------------|
| answer            | the answer                                   | the answer                          |
| greeting-start    | the beginning of the greeting                | the answer                          |
| greeting-end      | the end of the greeting                      | the verdict, which follows its end  |

Without call progress detection the answer is all that is known. Preview calls have no clock: the agent is there first.

In GVP modes the application is what must be there in time; a caller who then asks for an agent and leaves without one
is abandoned, too.

Source: 16 CFR 310.4(b)(1)(iv): within two seconds of the person's completed greeting; Ofcom, statements on persistent
misuse: within two seconds of the start of the greeting. Ours: what counts where the greeting is not known
(decision 0018).
"""

from typing import NamedTuple

from outdial.core.abandonment_settings import AbandonmentClock
from outdial.core.attempt import Attempt
from outdial.core.events import VerdictReached
from outdial.core.settings import CampaignGroup
from outdial.core.units import Millis


class Fate(NamedTuple):
    """What became of an answered person, in the sense of the rules. Fields as in `SettleAttempt`."""

    person: bool = False
    abandoned: bool = False
    clock: AbandonmentClock | None = None
    clock_ms: Millis = 0


def start_clock(attempt: Attempt, settings: CampaignGroup, verdict: VerdictReached | None, mono_ms: Millis) -> Millis:
    """A person has been recognised: from when on do they wait?

    Args:
        attempt: its answer has been noted.
        settings: of its group.
        verdict: what detection told; None: it told nothing.
        mono_ms: now.

    Returns:
        How long the clock has been running.
    """
    answered_ms = attempt.answered_at_ms if attempt.answered_at_ms is not None else mono_ms
    began_ms = verdict.greeting_began_ms_ago if verdict is not None else None
    ended_ms = verdict.greeting_ended_ms_ago if verdict is not None else None
    clock, at_ms = AbandonmentClock.ANSWER, answered_ms
    if settings.call_progress_detection and settings.abandonment_clock is AbandonmentClock.GREETING_END:
        clock, at_ms = AbandonmentClock.GREETING_END, mono_ms - (ended_ms or 0)
    elif settings.abandonment_clock is AbandonmentClock.GREETING_START and began_ms is not None:
        clock, at_ms = AbandonmentClock.GREETING_START, mono_ms - began_ms
    attempt.clock, attempt.clock_at_ms = clock, max(answered_ms, at_ms)
    return mono_ms - attempt.clock_at_ms


def fate_of(attempt: Attempt, settings: CampaignGroup) -> Fate:
    """What the ledger is told of an attempt that is over."""
    since_ms, ended_ms = attempt.clock_at_ms, attempt.ended_at_ms
    if since_ms is None or ended_ms is None:
        return Fate()
    connected_ms = attempt.connected_at_ms
    waited_ms = max(0, (ended_ms if connected_ms is None else connected_ms) - since_ms)
    abandoned = connected_ms is None or waited_ms > settings.abandonment_ms_max or attempt.wants_agent
    return Fate(True, abandoned, attempt.clock, waited_ms)
