"""Ends of shifts: from the times of day in the configuration to announcements for the core.

The core is told when an agent signs in, and again after a reload: the next end from then on. It is a promise for pacing
and nothing else: when it has come the agent stays signed in, but nothing is dialed for them any more. The next day's
end is announced when they sign in again, or when their phone comes back: a phone that is taken off is how an agent
without a desktop goes home. Who says *not ready* has their announcement renewed, as the core has forgotten it.

Ends are local times, every day. A time that the clock skips in spring is taken as if it did not; of one that comes
twice in autumn the first counts.
"""

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from outdial.config.loaded import ShiftEnd
from outdial.config.zones import zone_rules
from outdial.core.commands import Command
from outdial.core.events import (
    AgentBecameNotReady,
    AgentLeaveAnnounced,
    AgentLoggedIn,
    AgentLoggedOut,
    ConfigurationLoaded,
    Event,
    PhoneState,
    PhoneStateChanged,
)
from outdial.core.units import SECOND_MS, AgentId, Millis, Now

DAYS = range(-1, 4)
"""Days around today on which the next end may fall: yesterday's may be at 24:00, and a zone may skip a whole day."""


def next_end_utc_ms(ends: Iterable[ShiftEnd], utc_ms: Millis) -> Millis:
    """The first end after an instant.

    Args:
        ends: times of day; at least one.
        utc_ms: the instant. The end that falls on it has passed.
    """
    return min(_next_end(end, utc_ms) for end in ends)


def _next_end(end: ShiftEnd, utc_ms: Millis) -> Millis:
    zone = zone_rules(end.zone)
    assert zone is not None, end
    today = datetime.datetime.fromtimestamp(utc_ms // SECOND_MS, zone).date()
    for days in DAYS:
        midnight = datetime.datetime.combine(today + datetime.timedelta(days=days), datetime.time())
        local = midnight + datetime.timedelta(seconds=end.second_of_day)  # what the clock on the wall shows
        found = round(local.replace(tzinfo=zone).timestamp()) * SECOND_MS
        if found > utc_ms:
            return found
    raise AssertionError(f"no day around {today} has an end of shift: {end}")


class ShiftEnds:
    """Watches who comes and goes, and announces when they will leave.

    Attributes:
        ends: agents whose shift ends. Whoever changes it also gives the core a configuration: that is when it counts.
    """

    def __init__(self, ends: Mapping[AgentId, tuple[ShiftEnd, ...]], emit: Callable[[Event], None]) -> None:
        """Nobody is signed in yet.

        Args:
            ends: see the attribute.
            emit: takes every event.
        """
        self.ends = ends
        self._emit = emit
        self._phones: dict[AgentId, str] = {}
        """Who is signed in, and with which phone."""
        self._agents: dict[str, AgentId] = {}
        """The same by phone."""
        self._announced: dict[AgentId, Millis] = {}
        """Ends that the core was told. Unit: UTC ms."""
        self._unreachable: set[AgentId] = set()
        self._handlers: dict[type, Callable[[Now, Any], None]] = {
            ConfigurationLoaded: self._configuration_loaded,
            AgentLoggedIn: self._logged_in,
            AgentLoggedOut: self._logged_out,
            AgentBecameNotReady: self._became_not_ready,
            PhoneStateChanged: self._phone_changed,
        }

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """One step of the core is done."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(now, event)

    def _configuration_loaded(self, now: Now, event: ConfigurationLoaded) -> None:
        members = {agent.dbid for agent in event.configuration.agents}
        for agent_id in self._phones:
            if agent_id in members:
                self._announce_next(now, agent_id)

    def _logged_in(self, now: Now, event: AgentLoggedIn) -> None:
        self._phones[event.agent_id] = event.phone
        self._agents[event.phone] = event.agent_id
        self._announce_next(now, event.agent_id)

    def _logged_out(self, now: Now, event: AgentLoggedOut) -> None:
        phone = self._phones.pop(event.agent_id, "")
        if self._agents.get(phone) == event.agent_id:
            del self._agents[phone]
        self._announced.pop(event.agent_id, None)
        self._unreachable.discard(event.agent_id)

    def _became_not_ready(self, now: Now, event: AgentBecameNotReady) -> None:
        if event.agent_id in self._announced:
            self._announce(now, event.agent_id, self._announced[event.agent_id])

    def _phone_changed(self, now: Now, event: PhoneStateChanged) -> None:
        agent_id = self._agents.get(event.phone)
        if agent_id is None:
            return
        if event.state is PhoneState.UNREACHABLE:
            self._unreachable.add(agent_id)
        elif event.state is PhoneState.IDLE and agent_id in self._unreachable:
            self._unreachable.discard(agent_id)
            self._announce_next(now, agent_id)

    def _announce_next(self, now: Now, agent_id: AgentId) -> None:
        ends = self.ends.get(agent_id)
        if ends:
            self._announce(now, agent_id, next_end_utc_ms(ends, now.utc_ms))
        elif self._announced.pop(agent_id, None) is not None:
            self._emit(AgentLeaveAnnounced(agent_id, None))

    def _announce(self, now: Now, agent_id: AgentId, end_utc_ms: Millis) -> None:
        self._announced[agent_id] = end_utc_ms
        self._emit(AgentLeaveAnnounced(agent_id, now.mono_ms + end_utc_ms - now.utc_ms))
