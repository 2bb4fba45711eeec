"""What is remembered of a leg that outdial started on one server: the signs that were seen, and what is still owed."""

import enum
from dataclasses import dataclass

from outdial.core.events import CallPhase
from outdial.core.units import CallId
from outdial.drivers.ami.effects import Effects
from outdial.drivers.ami.endings import Signs, cause_of, tech_cause_of
from outdial.drivers.ami.requests import Action


class LegKind(enum.Enum):
    """Whose leg it is."""

    CUSTOMER = "customer"
    ENGAGING = "engaging"
    """An agent's, held for customers (seizing modes)."""
    PREVIEW = "preview"
    """An agent's, from which the customer is dialed."""


@dataclass(slots=True, eq=False)
class Leg:
    """One leg, from the request to its Hangup."""

    call_id: CallId
    channel: str
    kind: LegKind
    has_begun: bool = False
    """There is, or was, a channel."""
    has_rung: bool = False
    is_up: bool = False
    callee_answered: bool = False
    """Preview: the customer answered; other kinds: same as `is_up`."""
    dial_status: str = ""
    is_transferring: bool = False
    """An agent's phone is being called for it."""
    is_in_ivr: bool = False
    is_in_stasis: bool = False
    """A report of the server's channels found it in the ARI application."""
    is_in_dialplan: bool = False
    """The dialplan has spoken. A redirection before that would change the id of its channel (decision 0013)."""
    redirection: tuple[Action, ...] = ()
    """What waits for that."""
    reports_missed: int = 0
    """Reports of the server's channels, in a row, that lacked it."""
    must_end: bool = False
    """It was to be released before its channel could be found: the first sign of it is answered with a hangup."""

    def dialplan_runs(self) -> Effects:
        """It does, as far as anybody can know: what waited for that."""
        self.is_in_dialplan = True
        actions, self.redirection = self.redirection, ()
        return [*actions]

    def signs(self, fields: dict[str, str]) -> Signs:
        """All signs, once its Hangup has come. The callee of a preview call is the customer, not the agent."""
        return Signs(
            was_up=self.callee_answered if self.kind is LegKind.PREVIEW else self.is_up,
            has_rung=self.has_rung,
            dial_status=self.dial_status,
            cause=cause_of(fields.get("Cause", "")),
            tech_cause=tech_cause_of(fields.get("TechCause", "")),
        )

    def phase(self, state: str, context: str, bridge_id: str) -> CallPhase:
        """How far it is, from a line of CoreShowChannels."""
        if state != "Up":
            return CallPhase.ALERTING if state in ("Ringing", "Ring") else CallPhase.DIALING
        if self.kind is LegKind.PREVIEW:
            if not self.callee_answered and not bridge_id:
                return CallPhase.DIALING
            return CallPhase.CONNECTED
        if self.kind is LegKind.ENGAGING:
            return CallPhase.ANSWERED
        in_ivr = self.is_in_ivr and context != "outdial"
        return CallPhase.CONNECTED if bridge_id or in_ivr else CallPhase.ANSWERED
