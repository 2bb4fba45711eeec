"""The dialplan of the fake server: the context `outdial` as it is shipped, and IVR contexts as scripts.

A small interpreter: applications that take time return False and go on later with `_go_on`.
"""

import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from outdial.drivers.fake_asterisk.channels import UP, Channel
from outdial.drivers.fake_asterisk.plan import AskForAgent, IvrStep, Play, Sound

if TYPE_CHECKING:
    from outdial.drivers.fake_asterisk.exchange import Exchange

CONTEXT = "outdial"
_VERDICT = "OutdialVerdict,Status: ${AMDSTATUS},Cause: ${AMDCAUSE}"
EXTENSIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "agent": (
        ("Dial", "${OUTDIAL_PHONE},$[CEIL(${OUTDIAL_RING_S})],b(outdial^auto-answer^1)"),
        ("UserEvent", "OutdialNotConnected,Status: ${DIALSTATUS}"),
        ("Goto", "wait,1"),
    ),
    "auto-answer": (
        ("GotoIf", '$["${OUTDIAL_HEADER_NAME}" = ""]?done'),
        ("Set", "PJSIP_HEADER(add,${OUTDIAL_HEADER_NAME})=${OUTDIAL_HEADER_VALUE}"),
        ("Return", ""),
    ),
    "detect": (("AMD", ""), ("UserEvent", _VERDICT), ("Goto", "wait,1")),
    "detect-join": (("AMD", ""), ("UserEvent", _VERDICT), ("Goto", "join,1")),
    "engaged": (("Stasis", "${OUTDIAL_APP},agent"), ("Hangup", "16")),
    "fax": (("UserEvent", "OutdialVerdict,Status: FAX,Cause: CNG"), ("Goto", "wait,1")),
    "join": (("UserEvent", "OutdialWaiting"), ("Stasis", "${OUTDIAL_APP},customer"), ("Hangup", "16")),
    "message": (
        ("UserEvent", "OutdialMessage,Status: STARTED"),
        ("Playback", "${OUTDIAL_MESSAGE}"),
        ("UserEvent", "OutdialMessage,Status: ${PLAYBACKSTATUS}"),
        ("Goto", "wait,1"),
    ),
    "preview": (
        ("Dial", "${OUTDIAL_DIAL},$[CEIL(${OUTDIAL_RING_S})]"),
        ("Hangup", "${IF($[0${HANGUPCAUSE} = 0]?19:${HANGUPCAUSE})}"),
    ),
    "wait": (("UserEvent", "OutdialWaiting"), ("Wait", "${OUTDIAL_HOLD_S}"), ("Hangup", "16")),
}
"""The shipped dialplan, `extensions-outdial.conf`: extension → (application, its data) by priority."""

_VARIABLE = re.compile(r"\$\{(\w+)\}")
_CEIL = re.compile(r"\$\[CEIL\(([^()]*)\)\]")
_IF_ZERO = re.compile(r"\$\{IF\(\$\[(\d+) = 0\]\?(\d*):(\d*)\)\}")


class Dialplan:
    """Runs channels through their extensions."""

    def __init__(self, exchange: "Exchange") -> None:
        self._exchange = exchange
        self._applications: dict[str, Callable[[Channel, str], bool]] = {
            "AMD": self._amd,
            "Dial": self._dial,
            "Goto": self._goto,
            "GotoIf": lambda channel, data: True,
            "Hangup": self._hang_up,
            "Playback": self._playback,
            "Return": lambda channel, data: True,
            "Set": lambda channel, data: True,
            "Stasis": self._stasis,
            "UserEvent": self._user_event,
            "Wait": self._wait,
        }

    def has(self, context: str, exten: str) -> bool:
        """Whether a channel can be sent there."""
        return exten in EXTENSIONS if context == CONTEXT else context in self._exchange.plan.ivr and exten == "s"

    def run(self, channel: Channel, context: str, exten: str, priority: int = 1) -> None:
        """Go on with this extension. A place that does not exist, or the end of one, drops the channel."""
        if context == CONTEXT and exten in EXTENSIONS:
            steps = EXTENSIONS[exten]
            while priority <= len(steps):
                app, data = steps[priority - 1]
                channel.place(context, exten, priority, app, self._substituted(channel, data))
                if not self._applications[app](channel, channel.app_data):
                    return
                priority += 1
        elif self.has(context, exten):
            channel.place(context, exten, priority, "NoOp", "")
            script = self._exchange.plan.ivr[context]
            steps_given = script(channel.id, dict(channel.variables)) if callable(script) else script
            self._ivr(channel, iter(steps_given))
            return
        else:
            channel.place(context, exten, priority, "", "")
        self._exchange.hang_up(channel, channel.cause)

    def dial_ended(self, channel: Channel, status: str) -> None:
        """Dial() of this channel ended without an answer."""
        channel.variables["DIALSTATUS"] = status
        channel.variables["HANGUPCAUSE"] = str(channel.cause)
        self._go_on(channel)

    def fax_heard(self, channel: Channel) -> None:
        """A fax tone, `fax_detect=yes`: the channel goes to the extension `fax` of its context."""
        if not channel.gone and channel.bridge is None and channel.context == CONTEXT and channel.exten != "fax":
            self._exchange.redirect(channel, CONTEXT, "fax", 1)

    def _go_on(self, channel: Channel) -> None:
        if not channel.gone:
            self.run(channel, channel.context, channel.exten, channel.priority + 1)

    def _substituted(self, channel: Channel, data: str) -> str:
        """Data with its variables, and the two expressions that the shipped dialplan has."""
        if "$" not in data:
            return data
        data = _VARIABLE.sub(lambda found: value_of(channel, found[1], self._exchange.globals), data)
        data = _CEIL.sub(lambda found: str(math.ceil(seconds_of(found[1]) or 0)), data)
        return _IF_ZERO.sub(lambda found: found[2] if int(found[1]) == 0 else found[3], data)

    # --- applications: True when the next priority follows at once ---------------------------------------------

    def _wait(self, channel: Channel, data: str) -> bool:
        seconds = seconds_of(data)
        if not seconds:
            return True
        channel.app_timer = self._exchange.timers.after(seconds * 1_000, self._go_on, channel)
        return False

    def _hang_up(self, channel: Channel, data: str) -> bool:
        cause = int(data) if data.isdecimal() else 0
        self._exchange.hang_up(channel, cause or 16)
        return False

    def _goto(self, channel: Channel, data: str) -> bool:
        exten, _, priority = data.partition(",")
        self.run(channel, channel.context, exten, int(priority))
        return False

    def _user_event(self, channel: Channel, data: str) -> bool:
        name, *fields = data.split(",")
        pairs = [(key, value.strip()) for key, _, value in (field.partition(":") for field in fields)]
        self._exchange.emit(self._exchange.text.user_event(name, pairs, channel))
        return True

    def _amd(self, channel: Channel, data: str) -> bool:
        if channel.state != UP:
            return True
        if channel.behaviour.sound is Sound.FAX:
            return False  # the tone ends it
        after_ms = self._exchange.far_ms(self._exchange.plan.detections[channel.behaviour.sound].after_ms)
        channel.app_timer = self._exchange.timers.after(after_ms, self._detected, channel)
        return False

    def _detected(self, channel: Channel) -> None:
        verdict = self._exchange.plan.detections[channel.behaviour.sound]
        channel.variables["AMDSTATUS"], channel.variables["AMDCAUSE"] = verdict.status, verdict.cause
        self._go_on(channel)

    def _playback(self, channel: Channel, data: str) -> bool:
        lengths = [self._exchange.plan.sounds.get(name) for name in data.split("&")]
        channel.variables["PLAYBACKSTATUS"] = "FAILED" if None in lengths else "SUCCESS"
        total_ms = sum(length or 0 for length in lengths)
        if not total_ms:
            return True
        channel.app_timer = self._exchange.timers.after(self._exchange.far_ms(total_ms), self._go_on, channel)
        return False

    def _stasis(self, channel: Channel, data: str) -> bool:
        app, *args = data.split(",")
        return not self._exchange.stasis.start(channel, app, args)

    def _dial(self, channel: Channel, data: str) -> bool:
        dial_string, ring, *_ = [*data.split(","), ""]
        if self._exchange.dial(channel, dial_string, seconds_of(ring)):
            return False
        channel.variables["DIALSTATUS"], channel.variables["HANGUPCAUSE"] = "CHANUNAVAIL", str(channel.cause)
        return True

    def _ivr(self, channel: Channel, steps: Iterator[IvrStep]) -> None:
        if channel.gone:
            return
        step = next(steps, None)
        if channel.app == "Playback":
            channel.priority += 1
        if isinstance(step, Play):
            channel.place(channel.context, "s", channel.priority, "Playback", "prompt")
            channel.app_timer = self._exchange.timers.after(self._exchange.far_ms(step.ms), self._ivr, channel, steps)
        elif isinstance(step, AskForAgent):
            self._exchange.emit(self._exchange.text.user_event("OutdialAgent", [], channel))
            self.run(channel, CONTEXT, "wait")
        else:
            self._exchange.hang_up(channel, channel.cause if step is None else step.cause)


def value_of(channel: Channel | None, name: str, global_values: Mapping[str, str]) -> str:
    """A variable: the channel's own, then the global one. Marks of inheritance (`__NAME`) are not part of a name."""
    value = None if channel is None else channel.variables.get(name)
    return global_values.get(name, "") if value is None else value


def seconds_of(text: str) -> float | None:
    """Seconds as Wait() and Dial() read them. None: no number, or nothing to wait for."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds if seconds > 0 else None
