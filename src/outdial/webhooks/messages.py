"""What other systems are told: commands and alarms as messages, one for each webhook that wants them.

A message is `{"type": …, "timestamp": …, "data": {…}}`, as Standard Webhooks has it. Its id says what it tells of: the
start of the server, and the number of the call, the word or the alarm in it. What is written down twice is one message.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from outdial.alarms import Alarm
from outdial.attempt_ids import attempt_id
from outdial.config.webhooks import Webhook, WebhookEvent
from outdial.core.commands import Command, DisposeRecord, Disposition, SettleAttempt
from outdial.core.records import RecordType
from outdial.core.settings import Configuration
from outdial.core.units import AgentId, CallId, GroupId, Now
from outdial.names import Names
from outdial.results_files import utc_text
from outdial.store.outbox import MessageDue

CALLBACKS = (RecordType.PERSONAL_CALLBACK, RecordType.CAMPAIGN_CALLBACK)
"""What a record becomes whose customer wants to be called back."""


class Announcer:
    """Turns what happens into messages."""

    def __init__(
        self,
        webhooks: Sequence[Webhook],
        configuration: Configuration,
        epoch: int,
        is_full: Callable[[str], bool] = lambda webhook: False,
    ) -> None:
        """Nothing has happened yet.

        Args:
            webhooks: who is told.
            configuration: names.
            epoch: number of this start.
            is_full: whether so much waits for a webhook that nothing is added.
        """
        self.left_out: dict[str, int] = {}
        """Messages that were not written down because too many wait, by webhook."""
        self._epoch = epoch
        self._is_full = is_full
        self._alarms = 0
        self._last: dict[AgentId, tuple[CallId, GroupId]] = {}
        """Each agent's last call. What an agent says of one is written down with its settlement or after it."""
        self.follow(webhooks, configuration)

    def follow(self, webhooks: Sequence[Webhook], configuration: Configuration) -> None:
        """Another configuration is in effect."""
        self._webhooks = tuple(webhooks)
        self._wanted = {event for webhook in webhooks for event in webhook.events}
        self._names = Names(configuration)
        self._campaign_of = {group.dbid: group.campaign for group in configuration.campaign_groups}

    # --- calls ---------------------------------------------------------------------------------------------------

    def messages(self, now: Now, command: Command) -> list[MessageDue]:
        """Whom a command concerns."""
        match command:
            case SettleAttempt():
                if command.agent_id is not None:
                    self._last[command.agent_id] = (command.call_id, command.group_id)
                return self._settled(now, command) if WebhookEvent.ATTEMPT_SETTLED in self._wanted else []
            case DisposeRecord() if self._wanted:
                return self._disposed(now, command)
            case _:
                return []

    def _settled(self, now: Now, settled: SettleAttempt) -> list[MessageDue]:
        names, attempt = self._names, attempt_id(self._epoch, settled.call_id)
        data = {
            "attempt_id": attempt,
            **self._place(settled.group_id),
            "list": {"dbid": settled.list_id, "name": names.calling_list(settled.list_id)},
            "record_id": settled.record_id,
            "number": settled.number,
            "attempt_n": settled.attempt_n,
            "node": {"dbid": settled.node_id, "name": names.node(settled.node_id)},
            "mode": settled.mode.value,
            "result": settled.call_result.name.lower(),
            "fault": settled.fault.value,
            "verdict": settled.verdict,
            "sip_status": settled.sip_status,
            "q850_cause": settled.q850_cause,
            "agent": self._agent(settled.agent_id),
            "dialed_utc_ms": settled.dialed_utc_ms,
            "ring_ms": settled.ring_ms,
            "wait_ms": settled.wait_ms,
            "talk_ms": settled.talk_ms,
            "is_abandoned": settled.abandoned,
            "disposition": _disposition(settled.disposition),
        }
        lane = f"record:{settled.record_id}"
        campaign = self._campaign(settled.group_id)
        return self._due(now.utc_ms, WebhookEvent.ATTEMPT_SETTLED, f"att_{attempt}", lane, campaign, data)

    def _disposed(self, now: Now, given: DisposeRecord) -> list[MessageDue]:
        call_id, disposition = given.call_id, given.disposition
        last_call_id, group_id = self._last.get(given.agent_id, (0, 0))
        if last_call_id != call_id:
            group_id = disposition.group_id or 0
        is_callback = disposition.record_type in CALLBACKS
        data = {
            "attempt_id": attempt_id(self._epoch, call_id),
            **self._place(group_id),
            "list": {"dbid": given.list_id, "name": self._names.calling_list(given.list_id)},
            "record_id": given.record_id,
            "attempt_n": given.attempt_n,
            "agent": self._agent(given.agent_id),
            "result": given.call_result.name.lower(),
            "note": given.note,
            "disposition": _disposition(disposition),
            "given_utc_ms": given.given_utc_ms,
        }
        if is_callback:
            data["callback"] = {
                "at_utc_ms": disposition.not_before_utc_ms,
                "is_personal": disposition.record_type is RecordType.PERSONAL_CALLBACK,
                "agent": self._agent(disposition.agent_id),
                "number": disposition.number or None,
            }
        event = WebhookEvent.CALLBACK_REQUESTED if is_callback else WebhookEvent.DISPOSITION_GIVEN
        name = f"dsp_{self._epoch}-{given.disposition_n}"
        return self._due(now.utc_ms, event, name, f"record:{given.record_id}", self._campaign(group_id), data)

    # --- alarms --------------------------------------------------------------------------------------------------

    def alarm(self, alarm: Alarm, *, is_up: bool, utc_ms: int) -> list[MessageDue]:
        """An alarm has come or gone. One that is about no campaign concerns everybody."""
        self._alarms += 1
        campaign = None if alarm.campaign_id is None else self._names.campaign(alarm.campaign_id)
        if alarm.group_id is not None:
            campaign = self._campaign(alarm.group_id)
        data = {
            "key": alarm.key,
            "kind": alarm.kind.value,
            "severity": alarm.severity.value,
            "text": alarm.text,
            "since_utc_ms": alarm.since_utc_ms,
            "campaign": campaign,
        }
        event = WebhookEvent.ALARM_RAISED if is_up else WebhookEvent.ALARM_CLEARED
        return self._due(utc_ms, event, f"alm_{self._epoch}-{self._alarms}", f"alarm:{alarm.key}", campaign, data)

    # --- what is in a message ------------------------------------------------------------------------------------

    def _due(
        self, utc_ms: int, event: WebhookEvent, name: str, lane: str, campaign: str | None, data: Mapping[str, Any]
    ) -> list[MessageDue]:
        """One message for each webhook that wants it."""
        body = ""
        found = []
        for webhook in self._webhooks:
            if event not in webhook.events:
                continue
            if webhook.campaigns and campaign is not None and campaign not in webhook.campaigns:
                continue
            if self._is_full(webhook.name):
                self.left_out[webhook.name] = self.left_out.get(webhook.name, 0) + 1
                continue
            if not body:
                whole = {"type": event.value, "timestamp": utc_text(utc_ms), "data": data}
                body = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
            found.append(MessageDue(name, webhook.name, event.value, lane, body, utc_ms))
        return found

    def _campaign(self, group_id: GroupId) -> str | None:
        campaign_id = self._campaign_of.get(group_id)
        return None if campaign_id is None else self._names.campaign(campaign_id)

    def _place(self, group_id: GroupId) -> dict[str, Any]:
        """Campaign and group; nothing where they are not known (any more)."""
        campaign_id = self._campaign_of.get(group_id)
        if campaign_id is None:
            return {"campaign": None, "group": {"dbid": group_id, "name": None} if group_id else None}
        return {
            "campaign": {"dbid": campaign_id, "name": self._names.campaign(campaign_id)},
            "group": {"dbid": group_id, "name": self._names.group(group_id)},
        }

    def _agent(self, agent_id: AgentId | None) -> dict[str, Any] | None:
        return None if agent_id is None else {"dbid": agent_id, "login": self._names.agent(agent_id)}


def _disposition(disposition: Disposition) -> dict[str, Any]:
    return {"action": disposition.action.value, "not_before_utc_ms": disposition.not_before_utc_ms or None}
