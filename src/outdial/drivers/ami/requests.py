"""AMI actions that start, move and end calls, as values.

Every leg that outdial starts carries our own channel id, `od-<call>-<run>`, which Asterisk uses as `Uniqueid` in every
event and accepts wherever it wants a channel's name. So no event has to be matched to a request by its order, and a
request that is repeated on the same server is refused instead of dialed twice. The run tells our channels from those of
an earlier process.

Where a call lands on answer is an extension of the shipped context `outdial` (see `outdial asterisk-config`).
"""

import re
from dataclasses import dataclass

from outdial.core.commands import Dial, Engage, PlayMessage, Transfer
from outdial.core.settings import CampaignGroup
from outdial.core.units import SECOND_MS, CallId, Millis

CONTEXT = "outdial"
"""The shipped dialplan context."""
HOLD_SPARE_MS: Millis = 30 * SECOND_MS
"""How much longer than the dialer wants it the server keeps a waiting call before it ends it by itself. Ours."""
NORMAL_CLEARING = "16"
_CHANNEL = re.compile(r"od-[0-9]{1,18}-([a-z0-9]+)")


@dataclass(frozen=True, slots=True)
class Action:
    """One request to the manager interface."""

    name: str
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DialStrings:
    """How this server is told to reach people. Origin: options of the same names."""

    dial_string: str = "PJSIP/{number}@trunk"
    phone_string: str = "PJSIP/{phone}"
    auto_answer_header: str = ""
    """`Name: value` of the SIP header that makes agents' phones answer by themselves. Empty: none."""
    stasis_app: str = "outdial"

    def customer(self, number: str) -> str:
        """Channel that dials a number."""
        return self.dial_string.replace("{number}", number)

    def phone(self, phone: str) -> str:
        """Channel that calls an agent's phone."""
        return self.phone_string.replace("{phone}", phone)


def channel_id(run: str, call_id: CallId) -> str:
    """Our id of a call's leg. None is the beginning of another: Asterisk 22 takes that for the same channel."""
    return f"od-{call_id}-{run}"


def call_of(run: str, uniqueid: str) -> CallId | None:
    """The call whose leg this is; None: not one of this run."""
    number = uniqueid.removeprefix("od-").removesuffix(f"-{run}")
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return int(number) if uniqueid == channel_id(run, int(number)) else None


def is_of_other_run(run: str, uniqueid: str) -> bool:
    """Whether this is a leg that another process of outdial started."""
    ours = _CHANNEL.fullmatch(uniqueid)
    return ours is not None and ours[1] != run


def dial(command: Dial, group: CampaignGroup | None, strings: DialStrings, channel: str) -> Action:
    """Call a customer; in preview modes the agent's phone first, and the customer from there."""
    variables = [f"__OUTDIAL_HOLD_S={_seconds(_hold_ms(group))}", f"__OUTDIAL_APP={strings.stasis_app}"]
    target = strings.customer(command.number)
    caller_id = group.caller_id if group is not None else ""
    if command.agent_id is not None:
        variables += [f"OUTDIAL_DIAL={target}", f"OUTDIAL_RING_S={_seconds(command.ring_ms_max)}"]
        variables += _header_of_this_leg(strings)
        return _originate(channel, strings.phone(command.phone), "preview", command.ring_ms_max, caller_id, variables)
    place = "join" if group is not None and group.dialing_mode.is_seizing else "wait"
    if command.call_progress_detection:
        place = "detect-join" if place == "join" else "detect"
    variables += _header_for_the_agent(strings)
    return _originate(channel, target, place, command.ring_ms_max, caller_id, variables)


def engage(command: Engage, group: CampaignGroup | None, strings: DialStrings, channel: str) -> Action:
    """Call an agent's phone and hold the agent where customers can be joined."""
    variables = [f"__OUTDIAL_APP={strings.stasis_app}", *_header_of_this_leg(strings)]
    caller_id = group.caller_id if group is not None else ""
    phone = strings.phone(command.phone)
    return _originate(channel, phone, "engaged", command.ring_ms_max, caller_id, variables)


def transfer(command: Transfer, strings: DialStrings, channel: str) -> tuple[Action, ...]:
    """Ring an agent's phone for a customer who waits."""
    return (
        _set_variable(channel, "OUTDIAL_PHONE", strings.phone(command.phone)),
        _set_variable(channel, "OUTDIAL_RING_S", _seconds(command.ring_ms_max)),
        redirect(channel, CONTEXT, "agent", f"transfer-{command.call_id}"),
    )


def play_message(command: PlayMessage, channel: str) -> tuple[Action, ...]:
    """Let a customer for whom nobody came hear the drop message."""
    return (
        _set_variable(channel, "OUTDIAL_MESSAGE", command.message),
        redirect(channel, CONTEXT, "message", f"message-{command.call_id}"),
    )


def redirect(channel: str, context: str, exten: str, action_id: str) -> Action:
    """Send a channel elsewhere in the dialplan."""
    fields = (("ActionID", action_id), ("Channel", channel), ("Context", context), ("Exten", exten), ("Priority", "1"))
    return Action("Redirect", fields)


def hang_up(channel: str, action_id: str) -> Action:
    """End a leg."""
    return Action("Hangup", (("ActionID", action_id), ("Channel", channel), ("Cause", NORMAL_CLEARING)))


def _originate(
    channel: str, target: str, exten: str, ring_ms_max: Millis, caller_id: str, variables: list[str]
) -> Action:
    fields = [
        ("ActionID", f"originate-{channel}"),
        ("ChannelId", channel),
        ("Channel", target),
        ("Context", CONTEXT),
        ("Exten", exten),
        ("Priority", "1"),
        ("Timeout", str(ring_ms_max)),
        ("Async", "true"),
    ]
    if caller_id:
        fields.append(("CallerID", caller_id))
    return Action("Originate", (*fields, *(("Variable", text) for text in variables)))


def _set_variable(channel: str, name: str, value: str) -> Action:
    return Action("Setvar", (("Channel", channel), ("Variable", name), ("Value", value)))


def _header_for_the_agent(strings: DialStrings) -> list[str]:
    """For a customer's leg: the dialplan puts the header into the call to the agent's phone."""
    name, _, value = strings.auto_answer_header.partition(":")
    if not value:
        return []
    return [f"__OUTDIAL_HEADER_NAME={name.strip()}", f"__OUTDIAL_HEADER_VALUE={value.strip()}"]


def _header_of_this_leg(strings: DialStrings) -> list[str]:
    """For an agent's leg that we originate: no dialplan runs before the phone is called."""
    name, _, value = strings.auto_answer_header.partition(":")
    return [f"PJSIP_HEADER(add,{name.strip()})={value.strip()}"] if value else []


def _hold_ms(group: CampaignGroup | None) -> Millis:
    """Long enough for everything that may happen before the call is somebody's: then the server ends it."""
    if group is None:
        return 2 * HOLD_SPARE_MS
    waits = (group.cpd_ms_max, group.call_wait_in_queue_ms_max, group.call_wait_agent_connected_ms_max)
    return sum(waits) + HOLD_SPARE_MS


def _seconds(ms: Millis) -> str:
    """Whole seconds, rounded up: `Dial` of Asterisk 16 takes a limit below one second for no limit."""
    return str(-(-ms // SECOND_MS))
