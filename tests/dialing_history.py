"""Stories whose groups have dialed for long before they begin, so that they can dial ahead."""

import math
from collections.abc import Callable

from dialing_story import Story
from outdial.core.commands import Dial
from outdial.core.modes import DialingMode as Mode
from outdial.core.results import Verdict
from outdial.core.units import MINUTE_MS, SECOND_MS


def minutes(n: int) -> int:
    """Conversations of about a minute, without memory."""
    return round(-MINUTE_MS * math.log((n + 0.5) / 200))


def with_history(story: Story, number: int = 1, *, talk_ms: Callable[[int], int] = minutes) -> Story:
    """The group has dialed for long, before the story began: three of ten calls reach a person after 5 … 13 s.

    Args:
        story: the story; its agents' conversations are known, too.
        number: the group.
        talk_ms: length of the n-th of 200 conversations.
    """
    group = story.state.groups[number]
    agents = story.state.agent_group_of(group)
    group.estimates.finished = 1_000
    group.odds.first_at_ms = -20 * MINUTE_MS
    delay_ms = 20_000 if group.mode.is_gvp else 1_000
    for n in range(1_000):
        at_ms = -(20 * MINUTE_MS) + n * SECOND_MS
        group.odds.dialed(at_ms)
        if n % 10 < 3:
            ring_ms = 4_000 + 100 * (n % 80)
            group.odds.picked_up(at_ms, at_ms + ring_ms)
            group.odds.judged_after(at_ms, at_ms + ring_ms, at_ms + ring_ms + delay_ms, person=True)
        else:
            group.odds.ended(at_ms, at_ms + (2_000 if n % 10 < 4 else 20_000))
    forecasts = group.held_odds if group.mode.is_seizing else agents.odds
    for n in range(200):
        forecasts.talk.begin(0)
        forecasts.talk.end(0, talk_ms(n))
        forecasts.work.begin(0)
        forecasts.work.end(0, 50 * n)
    for _ in range(20):
        group.budget.person(lost=False, mono_ms=0)
    group.pace.updated_at_ms = None  # so that it counts at the next look
    return story


def all_talk(story: Story, agents: int, mode: Mode = Mode.PREDICTIVE) -> Story:
    """Each of the first calls finds a person and an agent; the others have ended."""
    dials = story.ever(Dial)[:agents]
    story.ended(*(call_id for call_id in story.state.attempts if call_id not in [dial.call_id for dial in dials]))
    for dial in dials:
        story.accepted(dial)
        story.verdict(Verdict.PERSON, dial)
        if mode.is_gvp:
            story.ivr_takes(dial)
            story.ivr_wants_agent(dial)
        story.agent_takes(dial)
    return story
