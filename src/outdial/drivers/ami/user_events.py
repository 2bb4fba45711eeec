"""What the shipped dialplan says of a call, as events of the core. Pure.

| user event          | event                                                     |
|---------------------|-----------------------------------------------------------|
| OutdialVerdict      | VerdictReached, with the end of the greeting where known  |
| OutdialNotConnected | ConnectFailed                                             |
| OutdialAgent        | IvrAgentRequested                                         |
| OutdialMessage      | MessageStarted, MessageEnded                              |
| OutdialWaiting      | none: the leg runs in the dialplan (as after any of them) |

Source: `extensions-outdial.conf`; measured on 16.28 and 22.10.
"""

from outdial.core.events import (
    ConnectFailed,
    Event,
    IvrAgentRequested,
    MessageEnded,
    MessageStarted,
    VerdictReached,
)
from outdial.core.units import CallId
from outdial.drivers.ami.effects import Effects
from outdial.drivers.ami.legs import Leg
from outdial.drivers.ami.verdicts import greeting_ended_ms_ago, verdict_of


def said(leg: Leg, fields: dict[str, str]) -> Effects:
    """Take in a user event of a leg."""
    name, status = fields.get("UserEvent", ""), fields.get("Status", "")
    if name == "OutdialVerdict":
        cause = fields.get("Cause", "")
        verdict = verdict_of(status, cause)
        if verdict is None:
            return []
        return [VerdictReached(leg.call_id, verdict, None, greeting_ended_ms_ago(status, cause))]
    if name == "OutdialNotConnected" and leg.is_transferring:
        leg.is_transferring = False
        return [ConnectFailed(leg.call_id, status.lower() or "not connected")]
    if name == "OutdialAgent" and leg.is_in_ivr:
        leg.is_in_ivr = False
        return [IvrAgentRequested(leg.call_id)]
    return [message_event(leg.call_id, status)] if name == "OutdialMessage" else []


def message_event(call_id: CallId, status: str) -> Event:
    """How it stands with the drop message: `STARTED`, or PLAYBACKSTATUS once `Playback()` is over."""
    return MessageStarted(call_id) if status == "STARTED" else MessageEnded(call_id, played=status == "SUCCESS")
