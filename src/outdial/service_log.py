"""What a running server says of itself: one line per thing that somebody may have to act on, never one per step.

Lines are bounded: attempts by a rate, connections that keep failing and holds of groups by saying only what is new. No
telephone number is logged (a record's number says which one it was, and `attempts.csv` has them), and no password.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from structlog.typing import FilteringBoundLogger

from outdial.alarms import Alarm
from outdial.attempt_ids import attempt_id
from outdial.core.agents import AgentState
from outdial.core.commands import AgentStateChanged, Command, DisposeRecord, Reply, SettleAttempt
from outdial.core.events import Event, ServerConnected, ServerLost
from outdial.core.groups import GroupState
from outdial.core.nodes import NodeState
from outdial.core.snapshot import GroupView, Snapshot
from outdial.core.units import SECOND_MS, GroupId, Millis, Now, ServerId
from outdial.log_lines import Rate
from outdial.names import Names

ATTEMPTS_PER_S = 50
"""Lines about attempts in the long run. Unit: lines per second."""
OTHERS_PER_S = 10
"""Lines about agents, holds and refusals in the long run. Unit: lines per second."""
BURST_S = 4
"""A burst is what this many seconds allow."""
FAILURES_PER_S = 1
"""Lines about failures that nobody awaits, in the long run. Unit: lines per second."""
FAILURES_BURST = 20
HOLD_MS_MIN: Millis = 10 * SECOND_MS
"""Shortest time between two lines about the hold of one group. Unit: ms."""


class ServiceLog:
    """Turns steps and snapshots into lines.

    Attributes:
        names: of the configuration in effect.
    """

    def __init__(self, log: FilteringBoundLogger, names: Names, epoch: int) -> None:
        """Nothing has happened yet.

        Args:
            log: takes the lines.
            names: of the configuration.
            epoch: number of this start, for the ids of attempts.
        """
        self.names = names
        self._epoch = epoch
        self._log = log
        self._attempts = Rate(ATTEMPTS_PER_S, BURST_S * ATTEMPTS_PER_S)
        self._others = Rate(OTHERS_PER_S, BURST_S * OTHERS_PER_S)
        self._failures_told = Rate(FAILURES_PER_S, FAILURES_BURST)
        self._lost: dict[ServerId, str] = {}
        """Servers that are down, and why."""
        self._failures: dict[ServerId, int] = {}
        """Attempts to connect that failed for the same reason, since the last line about it."""
        self._holds: dict[GroupId, tuple[str, Millis]] = {}
        """The hold last told of each group, and when."""
        self._stops: tuple[str, ...] = ()

    # --- steps: an observer of the runner ------------------------------------------------------------------------

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """Take note of one step."""
        if isinstance(event, ServerConnected):
            self._connected(event)
        elif isinstance(event, ServerLost):
            self._server_lost(event)
        for command in commands:
            if isinstance(command, SettleAttempt):
                self._settled(now, command)
            elif isinstance(command, DisposeRecord):
                self._disposed(now, command)
            elif isinstance(command, Reply):
                if not command.ok and self._others.allows(now.mono_ms):
                    left_out = self._others.take_left_out()
                    self._log.warning("refused", code=command.code, why=command.message, left_out=left_out)
            elif isinstance(command, AgentStateChanged) and command.reason:
                self._agent_changed(now, command)

    def loop_failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Something failed in a callback that nobody awaits: the exception handler of the event loop."""
        if self._failures_told.allows(int(loop.time() * SECOND_MS)):
            left_out = self._failures_told.take_left_out()
            self._log.error(
                "failure", text=context.get("message"), left_out=left_out, exc_info=context.get("exception")
            )

    # --- the API -------------------------------------------------------------------------------------------------

    def changed(self, change: dict[str, Any]) -> None:
        """Somebody has changed something."""
        self._log.info("changed", **change)

    def requested(self, line: dict[str, Any]) -> None:
        """A request has changed something, or was refused."""
        self._log.info("request", **line)

    def alarms(self, raised: tuple[Alarm, ...], cleared: tuple[Alarm, ...]) -> None:
        """Alarms have been raised and cleared."""
        for alarm in raised:
            self._log.warning("alarm", key=alarm.key, severity=alarm.severity.value, text=alarm.text)
        for alarm in cleared:
            self._log.info("alarm is over", key=alarm.key, text=alarm.text)

    def api_ended(self, error: Exception) -> None:
        """The API has come to an end by itself; dialing goes on."""
        self._log.error("failure", text=f"the API has ended: {error!r}", exc_info=error)

    def _connected(self, event: ServerConnected) -> None:
        self._lost.pop(event.server_id, None)
        self._failures.pop(event.server_id, None)
        self._log.info("server up", **self._server(event.server_id), total_ports=event.total_ports)

    def _server_lost(self, event: ServerLost) -> None:
        if self._lost.get(event.server_id) == event.reason:
            self._failures[event.server_id] = self._failures.get(event.server_id, 0) + 1
            return
        self._lost[event.server_id] = event.reason
        failures = self._failures.pop(event.server_id, None)
        self._log.warning("server lost", **self._server(event.server_id), reason=event.reason, failures_before=failures)

    def _server(self, server_id: ServerId) -> dict[str, Any]:
        node_id = self.names.node_of_server(server_id)
        node = None if node_id is None else self.names.node(node_id)
        return {"server": self.names.server(server_id), "node": node}

    def _settled(self, now: Now, attempt: SettleAttempt) -> None:
        if not self._attempts.allows(now.mono_ms):
            return
        self._log.info(
            "attempt settled",
            attempt_id=attempt_id(self._epoch, attempt.call_id),
            group=self.names.group(attempt.group_id),
            list=self.names.calling_list(attempt.list_id),
            record_id=attempt.record_id,
            node=self.names.node(attempt.node_id),
            result=attempt.call_result.name.lower(),
            fault=attempt.fault.value,
            sip_status=attempt.sip_status,
            q850_cause=attempt.q850_cause,
            agent=self.names.agent(attempt.agent_id),
            disposition=attempt.disposition.action.value,
            left_out=self._attempts.take_left_out(),
        )

    def _disposed(self, now: Now, given: DisposeRecord) -> None:
        """The note stays in the database: it is about a person."""
        if self._attempts.allows(now.mono_ms):
            self._log.info(
                "disposition given",
                attempt_id=attempt_id(self._epoch, given.call_id),
                list=self.names.calling_list(given.list_id),
                record_id=given.record_id,
                agent=self.names.agent(given.agent_id),
                result=given.call_result.name.lower(),
                disposition=given.disposition.action.value,
                left_out=self._attempts.take_left_out(),
            )

    def _agent_changed(self, now: Now, command: AgentStateChanged) -> None:
        if command.state == AgentState.NOT_READY.value and self._others.allows(now.mono_ms):
            agent, left_out = self.names.agent(command.agent_id), self._others.take_left_out()
            self._log.info("agent not ready", agent=agent, reason=command.reason, left_out=left_out)

    # --- snapshots -----------------------------------------------------------------------------------------------

    def compare(self, snapshot: Snapshot) -> None:
        """Tell what holds groups back and what stops everything, when it has changed."""
        if snapshot.stops != self._stops:
            if snapshot.stops:
                self._log.warning("all dialing stopped", reasons=list(snapshot.stops))
            else:
                self._log.info("dialing goes on")
            self._stops = snapshot.stops
        for group in snapshot.groups:
            self._compare_hold(snapshot.mono_ms, group)

    def _compare_hold(self, mono_ms: Millis, group: GroupView) -> None:
        """Details change all the time and are told along; only another reason is news."""
        if group.state not in (GroupState.RUNNING.value, GroupState.PAUSED.value):
            self._holds.pop(group.group_id, None)
            return
        hold = "; ".join(group.holds)
        reason = hold.partition(":")[0]
        before, at_ms = self._holds.get(group.group_id, ("", None))
        if reason == before or (at_ms is not None and mono_ms - at_ms < HOLD_MS_MIN):
            return
        if not self._others.allows(mono_ms):
            return
        self._holds[group.group_id] = (reason, mono_ms)
        self._log.info("hold", group=group.name, hold=hold or "none", left_out=self._others.take_left_out())

    def summary(self, snapshot: Snapshot, **more: Any) -> None:
        """Tell how things stand, in one line."""
        groups = {group.name: _group(group) for group in snapshot.groups if group.state != GroupState.STOPPED.value}
        self._log.info(
            "summary",
            nodes_active=_active(snapshot),
            nodes=len(snapshot.nodes),
            agents_logged_in=sum(agent.state != AgentState.LOGGED_OUT.value for agent in snapshot.agents),
            groups=groups,
            pools={pool.name: f"{pool.used_ports} of {pool.ports} ports" for pool in snapshot.pools},
            servers_down=sorted(self.names.server(server_id) for server_id in self._lost) or None,
            late_events=snapshot.late_events or None,
            unknown_results=snapshot.unknown_results or None,
            **more,
        )


def status_text(snapshot: Snapshot) -> str:
    """How things stand, in a few words: what `systemctl status` shows."""
    running = sum(group.state == GroupState.RUNNING.value for group in snapshot.groups)
    dialing = sum(group.dialing + group.answered for group in snapshot.groups)
    talking = sum(group.waiting + group.connected for group in snapshot.groups)
    stop = f"; stopped: {snapshot.stops[0]}" if snapshot.stops else ""
    return (
        f"{_active(snapshot)} of {len(snapshot.nodes)} nodes active, {running} groups running, {dialing} dialing, "
        f"{talking} talking{stop}"
    )


def _active(snapshot: Snapshot) -> int:
    return sum(node.state != NodeState.INACTIVE.value for node in snapshot.nodes)


def _group(group: GroupView) -> dict[str, Any]:
    return {
        "state": group.state,
        "attempts": group.counts.attempts,
        "connected": group.counts.connected,
        "abandoned": group.counts.abandoned + group.counts.dropped,
        "dialing": group.dialing,
        "talking": group.connected,
        "agents_ready": group.agents_ready,
        "hold": "; ".join(group.holds) or None,
    }
