"""The telephone side of the fake server: legs, their far ends, and how calls begin and end.

The order of events and every cause are what Asterisk 22.10 and 16.28 were seen to send. Where the real
server's threads race (Newstate against DialState, OriginateResponse against its neighbours) the order is drawn here.
"""

import random
import time
from collections import Counter
from collections.abc import Callable

from outdial.drivers.fake_asterisk import causes
from outdial.drivers.fake_asterisk.bridges import Bridges
from outdial.drivers.fake_asterisk.channels import DOWN, RINGING, UP, Channel, EventText, OriginateRequest
from outdial.drivers.fake_asterisk.devices import Devices
from outdial.drivers.fake_asterisk.dialplan import Dialplan
from outdial.drivers.fake_asterisk.plan import CalleeBehaviour, Plan, Sound
from outdial.drivers.fake_asterisk.stasis import StasisApps
from outdial.drivers.fake_asterisk.timers import Timers

INVITES_KEPT_MAX = 1_000_000
"""Calls remembered in `invites`; the counters go on beyond it."""


class Exchange:
    """Channels of one server.

    Args:
        plan: what the far ends do.
        emit: takes the text of an AMI event.
        modern: behave as versions from 20 on do: TechCause, cause 19 on a timeout, no cause when the far end hangs up.
        channels_max: dialplans that may run at once (`maxcalls`); a call answered beyond it is dropped. 0: no limit.
        speed: how much faster than life far ends, detection and IVR are. What the client sets is never scaled.
    """

    def __init__(
        self,
        plan: Plan,
        emit: Callable[[str], None],
        text: EventText,
        draw: random.Random,
        *,
        systemname: str,
        modern: bool,
        channels_max: int,
        speed: float,
    ) -> None:
        self.plan = plan
        self.text = text
        self.timers = Timers()
        self.channels: dict[str, Channel] = {}
        self.invites: list[tuple[float, str, str]] = []
        self.invited: Counter[str] = Counter()
        self.globals: dict[str, str] = {}
        self.emit = emit
        self.modern = modern
        self.channels_max = channels_max
        self.calls_processed = 0
        self.devices = Devices(plan, emit, text)
        self.stasis = StasisApps(systemname)
        self.bridges = Bridges(emit, text, self.stasis)
        self.dialplan = Dialplan(self)
        self.systemname = systemname
        self._draw = draw
        self._speed = speed
        self._serial = 0
        self._by_name: dict[str, Channel] = {}

    def far_ms(self, ms: int) -> float:
        """A time of the far end, of detection or of an IVR application as it passes here."""
        return ms / self._speed

    def find(self, name: str) -> Channel | None:
        """A channel by its unique id or its name."""
        return self.channels.get(name) or self._by_name.get(name)

    def forget_all(self) -> None:
        """The process has died: no channel, no bridge, no timer, and nobody is told."""
        self.timers.forget_all()
        for channel in self.channels.values():
            channel.gone = True
            channel.stop_timers()
        self.channels.clear()
        self._by_name.clear()
        self.globals.clear()
        self.bridges.forget_all()
        self.stasis.forget_all()
        self.devices.forget_calls()

    # --- calls begin ------------------------------------------------------------------------------------------

    def originate(self, request: OriginateRequest) -> Channel | None:
        """Carry out an Originate. None: there never was a channel; OriginateResponse Failure with Reason 0 is all."""
        target = parse_dial_string(request.channel)
        behaviour = None if target is None else self._reach(*target)
        if target is None or behaviour is None or (request.channel_id and request.channel_id in self.channels):
            self.emit(self.text.originate_response(request, 0, request.channel, request.channel_id))
            return None
        channel = self._new_channel(target[0], behaviour, request.channel_id)
        self.emit(self.text.new_channel(channel))
        channel.caller_number = request.caller_number or "<unknown>"
        channel.caller_name = request.caller_name or "<unknown>"
        channel.account = request.account
        channel.variables.update(request.variables)
        channel.request = request
        if request.timeout_ms > 0:
            channel.limit_timer = self.timers.after(request.timeout_ms, self._originate_timed_out, channel)
        self._call(channel, *target)
        return channel

    def dial(self, parent: Channel, dial_string: str, ring_s: float | None) -> bool:
        """Dial() from the dialplan. False: the far end cannot be reached; else `Dialplan.dial_ended` or a bridge."""
        target = parse_dial_string(dial_string)
        behaviour = None if target is None else self._reach(*target)
        if target is None or behaviour is None:
            parent.cause, parent.tech_cause = causes.NO_ROUTE, 404
            return False
        child = self._new_channel(target[0], behaviour, "", parent.linked_id)
        self.emit(self.text.new_channel(child))
        child.caller_number, child.caller_name = parent.exten, parent.caller_name
        child.place(child.context, parent.exten, 1, "AppDial", "(Outgoing Line)")
        child.parent, parent.child = parent, child
        if ring_s is not None:
            child.limit_timer = self.timers.after(ring_s * 1_000, self._dial_timed_out, child)
        self._call(child, *target)
        return True

    def _reach(self, endpoint: str, number: str) -> CalleeBehaviour | None:
        if endpoint in self.plan.trunks:
            return self.plan.callee(number)
        return None if endpoint in self.devices.unreachable else self.plan.phones.get(endpoint)

    def _new_channel(self, endpoint: str, behaviour: CalleeBehaviour, wanted: str, linked_id: str = "") -> Channel:
        now = time.time()
        unique_id = wanted or f"{self.systemname}-{int(now)}.{self._serial}"
        context = "from-trunk" if endpoint in self.plan.trunks else "from-agent"
        name = f"PJSIP/{endpoint}-{self._serial:08x}"
        self._serial += 1
        channel = Channel(unique_id, name, endpoint, behaviour, context, linked_id or unique_id, now)
        self.channels[unique_id] = self._by_name[name] = channel
        return channel

    def _call(self, channel: Channel, endpoint: str, number: str) -> None:
        """The INVITE leaves."""
        dialed = f"{number}@{endpoint}" if number else endpoint
        self.emit(self.text.dial("DialBegin", channel, f"DialString: {dialed}"))
        called = number or endpoint
        self.invited[called] += 1
        if len(self.invites) < INVITES_KEPT_MAX:
            self.invites.append((time.time(), called, channel.id))
        far = channel.behaviour
        if far.refuse_status:
            channel.far_timer = self.timers.after(self.far_ms(far.refuse_ms), self._refused, channel)
        elif far.ring_ms is not None:
            channel.far_timer = self.timers.after(self.far_ms(far.ring_ms), self._rings, channel)
        elif far.answer_ms is not None:
            channel.far_timer = self.timers.after(self.far_ms(far.answer_ms), self._answers, channel)

    # --- the far end ------------------------------------------------------------------------------------------

    def _rings(self, channel: Channel) -> None:
        self.devices.count(channel.endpoint, DOWN, RINGING)
        early = self._draw.random() < 0.3  # DialState may be told before the state of its channel changes
        if early:
            self.emit(self.text.dial("DialState", channel, "DialStatus: RINGING"))
        channel.state = RINGING
        self.emit(self.text.new_state(channel))
        if not early:
            self.emit(self.text.dial("DialState", channel, "DialStatus: RINGING"))
        self.devices.tell(channel.endpoint)
        far = channel.behaviour
        if far.answer_ms is not None:
            left_ms = max(0, far.answer_ms - (far.ring_ms or 0))
            channel.far_timer = self.timers.after(self.far_ms(left_ms), self._answers, channel)

    def _answers(self, channel: Channel) -> None:
        if channel.limit_timer is not None:
            channel.limit_timer.cancel()
        self.devices.count(channel.endpoint, channel.state, UP)
        channel.state = UP
        told = [self.text.new_state(channel)]
        if channel.parent is not None:
            channel.exten = ""
        told.append(self.text.dial("DialEnd", channel, "DialStatus: ANSWER"))
        request, channel.request = channel.request, None
        if request is not None:
            response = self.text.originate_response(request, 4, channel.name, channel.id)
            told.insert(self._draw.randrange(3), response)
        for event in told:
            self.emit(event)
        self.devices.tell(channel.endpoint)
        if channel.behaviour.hang_up_ms is not None:
            hang_up_ms = self.far_ms(channel.behaviour.hang_up_ms)
            channel.far_timer = self.timers.after(hang_up_ms, self.far_end_hangs_up, channel)
        elif channel.behaviour.sound is Sound.FAX:
            after_ms = self.far_ms(self.plan.detections[Sound.FAX].after_ms)
            channel.far_timer = self.timers.after(after_ms, self.dialplan.fax_heard, channel)
        if channel.parent is not None:
            channel.parent.cause = channel.parent.tech_cause = 0
            self.bridges.join([channel, channel.parent])
        elif request is not None:
            self.calls_processed += 1
            if 0 < self.channels_max < self._dialplans():
                channel.place(request.context, request.exten, 1, "", "")
                self._end(channel, told=True)
                return
            self.dialplan.run(channel, request.context, request.exten)

    def _dialplans(self) -> int:
        return sum(1 for channel in self.channels.values() if channel.state == UP and channel.parent is None)

    def _refused(self, channel: Channel) -> None:
        status = channel.behaviour.refuse_status
        if status >= 400:
            channel.cause, channel.tech_cause = causes.of_status(status), status
            self.emit(self.text.hang_up_request(channel))
            self._end_unanswered(channel, causes.dial_status(channel.cause), 0, causes.dial_result(channel.cause))
            return
        if self.modern:  # a redirection is not followed
            channel.cause, channel.tech_cause = (23 if status == 302 else causes.NORMAL_CLEARING), status
        self._end_unanswered(channel, "CANCEL", 0, "CHANUNAVAIL")

    def _originate_timed_out(self, channel: Channel) -> None:
        if self.modern:
            channel.cause, channel.tech_cause = causes.NO_ANSWER, 480
        self._end_unanswered(channel, None, 3, "")

    def _dial_timed_out(self, channel: Channel) -> None:
        self._end_unanswered(channel, "NOANSWER", 0, "NOANSWER")

    def far_end_hangs_up(self, channel: Channel) -> None:
        """The far end sends BYE."""
        if channel.gone or channel.state != UP:
            return
        if not self.modern:
            channel.cause = causes.NORMAL_CLEARING
        self.emit(self.text.hang_up_request(channel))
        self.stasis.hang_up_requested(channel, {"cause": channel.cause} if channel.cause else {})
        self._end(channel, told=True)

    def bridge_two(self, first: Channel, second: Channel) -> None:
        """AMI Bridge: two answered channels into a bridge; when one ends, so does the other."""
        for channel in (first, second):
            if channel.app_timer is not None:
                channel.app_timer.cancel()
            partner = self._part(channel)
            if partner is not None:
                self._gone(partner)
            self.stasis.end(channel)
        if first.gone or second.gone:
            return
        first.child, second.parent = second, first
        self.bridges.join([first, second])

    # --- calls end --------------------------------------------------------------------------------------------

    def hang_up(self, channel: Channel, cause: int) -> None:
        """This server ends a channel, on somebody's order or by the dialplan."""
        if channel.gone:
            return
        channel.cause, channel.tech_cause = cause, causes.TO_STATUS.get(cause, 0)
        if channel.state != UP and (channel.request is not None or channel.parent is not None):
            self._end_unanswered(channel, "NOANSWER", 0, "CHANUNAVAIL")
        else:
            self._end(channel, told=False)

    def redirect(self, channel: Channel, context: str, exten: str, priority: int) -> None:
        """Take a channel out of whatever it does and run the dialplan elsewhere."""
        if channel.request is not None:  # not answered yet: the Originate fails, the channel goes on ringing
            self.emit(self.text.originate_response(channel.request, 0, channel.request.channel, channel.id))
            channel.request = None
        if channel.limit_timer is not None:
            channel.limit_timer.cancel()
        if channel.app_timer is not None:
            channel.app_timer.cancel()
        partner = self._part(channel)
        if partner is not None:
            self._gone(partner)
        self.stasis.end(channel)
        self.dialplan.run(channel, context, exten, priority)

    def _end_unanswered(self, channel: Channel, dial_status: str | None, reason: int, dial_result: str) -> None:
        """A leg ends without an answer.

        Args:
            dial_status: of DialEnd. None: there is no DialEnd, as when an Originate times out.
            reason: of OriginateResponse.
            dial_result: DIALSTATUS for the parent's dialplan.
        """
        if channel.gone:
            return
        channel.gone = True
        channel.stop_timers()
        told = [] if dial_status is None else [self.text.dial("DialEnd", channel, f"DialStatus: {dial_status}")]
        request, channel.request = channel.request, None
        if request is not None:
            response = self.text.originate_response(request, reason, request.channel, channel.id)
            told.insert(self._draw.randrange(len(told) + 1), response)
        for event in told:
            self.emit(event)
        parent = channel.parent
        if parent is None:
            self._gone(channel)
            return
        parent.child = None
        parent.cause, parent.tech_cause = channel.cause, channel.tech_cause
        goes_first = self._draw.random() < 0.5
        if goes_first:
            self._gone(channel)
        self.dialplan.dial_ended(parent, dial_result)
        if not goes_first:
            self._gone(channel)

    def _end(self, channel: Channel, *, told: bool) -> None:
        """An answered channel ends, and with it the leg that its Dial() called or that called it."""
        channel.gone = True
        channel.stop_timers()
        partner = self._part(channel)
        self.stasis.end(channel)
        if not told:
            self.emit(self.text.soft_hang_up_request(channel))
        legs = [channel] if partner is None else [channel, partner]
        if self._draw.random() < 0.5:
            legs.reverse()
        for leg in legs:
            self._gone(leg)

    def _part(self, channel: Channel) -> Channel | None:
        """End the channel's bridge or Dial(). Returns the other leg of a Dial(), which ends as well."""
        partner = channel.child or channel.parent
        if channel.bridge is not None:
            self.bridges.leave(channel)
            channel.cause = channel.cause or causes.NORMAL_CLEARING
        if partner is None:
            return None
        if partner.bridge is not None:
            self.bridges.leave(partner)
        elif partner is channel.child:
            self.emit(self.text.dial("DialEnd", partner, "DialStatus: CANCEL"))
        channel.child = channel.parent = partner.child = partner.parent = None
        partner.gone = True
        partner.stop_timers()
        partner.cause, partner.tech_cause = causes.NORMAL_CLEARING, 0
        return partner

    def _gone(self, channel: Channel) -> None:
        """The last word about a channel."""
        self.emit(self.text.hang_up(channel))
        self.devices.count(channel.endpoint, channel.state, DOWN)
        self.devices.tell(channel.endpoint)
        self.channels.pop(channel.id, None)
        self._by_name.pop(channel.name, None)


def parse_dial_string(text: str) -> tuple[str, str] | None:
    """`PJSIP/2001@trunk` → (trunk, 2001); `PJSIP/agent1001` → (agent1001, ""). None: another technology or nothing."""
    technology, _, rest = text.partition("/")
    if technology != "PJSIP" or not rest:
        return None
    number, at, endpoint = rest.rpartition("@")
    return (endpoint, number) if at else (rest, "")
