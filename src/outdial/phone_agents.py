"""Agents without a desktop: they have a phone, and the server does the rest for them.

Everybody who belongs to an agent group and does not sign in at a desktop (`desk_agents`) is signed in with the
configured phone and made ready. Who misses a call is not ready, and ready again after a pause. After-call work ends by
itself. A record on offer (Push Preview) is accepted at once: the agent sees nothing of it, so there is nothing to
decide. Records are never asked for: in Preview mode nothing is dialed.
"""

import asyncio
from collections.abc import Callable, Container, Iterator
from dataclasses import replace

from outdial.core.agents import AgentState
from outdial.core.commands import AgentStateChanged, Command, OfferRecord, WithdrawOffer
from outdial.core.events import AgentBecameReady, AgentLoggedIn, AgentLoggedOut, Event, PreviewAccepted
from outdial.core.settings import Configuration
from outdial.core.units import SECOND_MS, AgentGroupId, AgentId, Millis


class PhoneAgents:
    """Stands in for the desktops of agents who have none."""

    def __init__(self, emit: Callable[[Event], None], ready_again_ms: Millis) -> None:
        """Nobody is known yet.

        Args:
            emit: takes every event, from the event loop's own thread.
            ready_again_ms: pause after a missed call.
        """
        self.ready_again_ms = ready_again_ms
        self._emit = emit
        self._phones: dict[AgentId, str] = {}
        """Who is to be signed in, and with which phone."""
        self._with_desktop: Container[AgentId] = ()
        self._timers: dict[AgentId, asyncio.TimerHandle] = {}

    def follow(self, configuration: Configuration, with_desktop: Container[AgentId] = ()) -> Iterator[Event]:
        """What a configuration, which the core has already been given, means for agents. May be many events.

        Args:
            configuration: who works in which agent group.
            with_desktop: agents who are none of ours.
        """
        self._with_desktop = with_desktop
        members = dict.fromkeys(agent for group in configuration.agent_groups for agent in group.agents)
        phones = {
            agent.dbid: agent.phone
            for agent in configuration.agents
            if agent.dbid in members and agent.dbid not in with_desktop
        }
        before, self._phones = self._phones, phones
        for agent_id, phone in before.items():
            # who is signed out is signed in again with the new phone, when the call that is going on is over
            if phones.get(agent_id) != phone:
                yield AgentLoggedOut(agent_id)
        for agent_id in phones:
            if agent_id not in before:
                yield from self._sign_in(agent_id)

    def carry_out(self, command: Command) -> bool:
        """Carry out a command if it is one to a desktop. Returns whether it was."""
        if isinstance(command, OfferRecord):
            if command.agent_id not in self._with_desktop:
                self._emit(PreviewAccepted(command.agent_id))
        elif isinstance(command, AgentStateChanged):
            self._state_changed(command.agent_id, command.state)
        else:
            return isinstance(command, WithdrawOffer)
        return True

    def close(self) -> None:
        """Leave everybody as they are."""
        self._phones = {}
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _sign_in(self, agent_id: AgentId) -> tuple[Event, Event]:
        return AgentLoggedIn(agent_id, self._phones[agent_id]), AgentBecameReady(agent_id)

    def _state_changed(self, agent_id: AgentId, state: str) -> None:
        timer = self._timers.pop(agent_id, None)
        if timer is not None:
            timer.cancel()
        if agent_id not in self._phones:
            return
        if state == AgentState.LOGGED_OUT.value:
            for event in self._sign_in(agent_id):
                self._emit(event)
        elif state == AgentState.NOT_READY.value:
            loop = asyncio.get_running_loop()
            self._timers[agent_id] = loop.call_later(self.ready_again_ms / SECOND_MS, self._make_ready, agent_id)

    def _make_ready(self, agent_id: AgentId) -> None:
        del self._timers[agent_id]
        self._emit(AgentBecameReady(agent_id))


def with_after_call_work(
    configuration: Configuration, after_call_work_ms: Millis, with_desktop: Container[AgentGroupId] = ()
) -> Configuration:
    """The same configuration, in which after-call work ends by itself where nobody else could end it.

    Args:
        configuration: the configuration.
        after_call_work_ms: when it ends in groups that do not say it themselves.
        with_desktop: agent groups whose agents end it.
    """
    return replace(
        configuration,
        campaign_groups=tuple(
            group
            if group.after_call_work_ms_max or group.agent_group in with_desktop
            else replace(group, after_call_work_ms_max=after_call_work_ms)
            for group in configuration.campaign_groups
        ),
    )
