"""Calls on one Asterisk server: commands become AMI actions, AMI messages become events of the core. Pure.

Every method returns what is to be done, in order: an `Action` goes to the server, an event to the core. Nothing here
waits, and no clock is read; time limits are the core's.

| what the server says                                         | event                          |
|--------------------------------------------------------------|--------------------------------|
| DialBegin, or any other first sign                           | DialAccepted, EngagingAccepted |
| Newstate Ringing (preview: DialState RINGING of the customer) | CalleeAlerting                 |
| Newstate Up (preview: DialEnd ANSWER of the customer)        | CalleeAnswered                 |
| UserEvent OutdialVerdict                                     | VerdictReached                 |
| DialEnd ANSWER of an agent's phone that was called for it    | CallConnected                  |
| UserEvent OutdialNotConnected                                | ConnectFailed                  |
| UserEvent OutdialAgent                                       | IvrAgentRequested              |
| UserEvent OutdialMessage                                     | MessageStarted, MessageEnded   |
| Hangup                                                       | CallReleased, EngagingReleased |
| failed OriginateResponse, and no sign of a channel follows   | DialRejected                   |

Requests without a first sign are *unconfirmed*, and only so many are sent at once: the server acknowledges a request in
a millisecond however late the INVITE leaves, so the first sign is the only back-pressure there is. The rest wait here;
a connection that ends before they are sent never dialed them.

A release may overtake its request inside the server. "No such channel" therefore ends a call only when a sign of it was
seen; else it is hung up as soon as it shows itself.

Source: ours, measured on Asterisk 16.28 and 22.10 (decision 0013).
"""

from collections import deque

from outdial.core.commands import Dial, Engage, PlayMessage, QueryCalls, Release, ReleaseEngaging, StartIvr, Transfer
from outdial.core.events import (
    CallConnected,
    CalleeAlerting,
    CalleeAnswered,
    CallPhase,
    CallReleased,
    CallsReported,
    ConnectFailed,
    DialAccepted,
    DialRejected,
    EngagingAccepted,
    EngagingReleased,
    Event,
    IvrStarted,
)
from outdial.core.settings import CampaignGroup
from outdial.core.units import CallId, GroupId
from outdial.drivers.ami import requests
from outdial.drivers.ami.effects import Effects, Grace
from outdial.drivers.ami.endings import explain
from outdial.drivers.ami.legs import Leg, LegKind
from outdial.drivers.ami.requests import Action, DialStrings, call_of, channel_id
from outdial.drivers.ami.user_events import message_event, said
from outdial.drivers.ami.wire import Message

WANTED = frozenset(
    {
        *("DialBegin", "DialState", "DialEnd", "Newstate", "Hangup", "OriginateResponse", "UserEvent"),
        *("CoreShowChannel", "CoreShowChannelsComplete"),
    }
)
"""Events that are listened to."""
QUERY = "query-"
REPORTS_MISSED_MAX = 2
"""Reports in a row that may lack a leg before it is forgotten. Ours; as the core's audits (decision 0005)."""
NOT_SENT = "the connection was lost before the request was sent"


class Calls:
    """The legs of one run on one server.

    Attributes:
        legs: legs that have not ended. They outlive a lost connection: the core asks about them afterwards.
        unconfirmed: calls whose request was sent and of which there is no sign yet.
    """

    def __init__(self, run: str, strings: DialStrings, *, requests_max: int) -> None:
        self.legs: dict[CallId, Leg] = {}
        self.unconfirmed: dict[CallId, None] = {}
        self.strings = strings
        self.groups: dict[GroupId, CampaignGroup] = {}
        self._run = run
        self._requests_max = requests_max
        self._queue: deque[tuple[CallId, Action]] = deque()
        self._query: QueryCalls | None = None
        self._report: dict[CallId, CallPhase] = {}
        self._doubtful: set[CallId] = set()
        self._hear = {
            "DialBegin": self._dial_begun,
            "DialState": self._dial_state,
            "DialEnd": self._dial_ended,
            "Newstate": self._new_state,
            "Hangup": self._hung_up,
            "OriginateResponse": self._originate_response,
            "UserEvent": self._user_event,
            "CoreShowChannel": self._channel_shown,
            "CoreShowChannelsComplete": self._channels_shown,
        }

    # --- commands ------------------------------------------------------------------------------------------------

    def dial(self, command: Dial) -> Effects:
        """Carry out `Dial`."""
        kind = LegKind.CUSTOMER if command.agent_id is None else LegKind.PREVIEW
        leg = self._new_leg(command.call_id, kind)
        return self._request(leg, requests.dial(command, self.groups.get(command.group_id), self.strings, leg.channel))

    def engage(self, command: Engage) -> Effects:
        """Carry out `Engage`."""
        leg = self._new_leg(command.call_id, LegKind.ENGAGING)
        group = self.groups.get(command.group_id)
        return self._request(leg, requests.engage(command, group, self.strings, leg.channel))

    def transfer(self, command: Transfer) -> Effects:
        """Carry out `Transfer`."""
        leg = self.legs.get(command.call_id)
        if leg is None:
            return [CallReleased(command.call_id)]
        leg.is_transferring = True
        leg.is_in_ivr = False
        return self._redirect(leg, requests.transfer(command, self.strings, leg.channel))

    def start_ivr(self, command: StartIvr) -> Effects:
        """Carry out `StartIvr`: the application is a dialplan context of the user's."""
        leg = self.legs.get(command.call_id)
        if leg is None:
            return [CallReleased(command.call_id)]
        leg.is_in_ivr = True
        redirect = requests.redirect(leg.channel, command.application, "s", f"ivr-{command.call_id}")
        return self._redirect(leg, (redirect,))

    def play_message(self, command: PlayMessage) -> Effects:
        """Carry out `PlayMessage`."""
        leg = self.legs.get(command.call_id)
        if leg is None:
            return [CallReleased(command.call_id)]
        return self._redirect(leg, requests.play_message(command, leg.channel))

    def release(self, command: Release | ReleaseEngaging) -> Effects:
        """Carry out `Release` or `ReleaseEngaging`."""
        leg = self.legs.get(command.call_id)
        if leg is None:
            engaging = isinstance(command, ReleaseEngaging)
            return [EngagingReleased(command.call_id) if engaging else CallReleased(command.call_id)]
        queued = next((entry for entry in self._queue if entry[0] == leg.call_id), None)
        if queued is not None:
            self._queue.remove(queued)
            return self._end(leg, _released(leg))
        leg.redirection = ()
        if not leg.has_begun:
            leg.must_end = True
        return [requests.hang_up(leg.channel, f"hangup-{leg.call_id}")]

    def query(self, command: QueryCalls) -> Effects:
        """Carry out `QueryCalls`."""
        self._query, self._report = command, {}  # an older question is not answered any more
        return [Action("CoreShowChannels", (("ActionID", f"{QUERY}{command.query_id}"),))]

    def engaged(self) -> list[CallId]:
        """Engaging calls that were answered."""
        return [leg.call_id for leg in self.legs.values() if leg.kind is LegKind.ENGAGING and leg.is_up]

    def in_stasis(self) -> dict[CallId, bool]:
        """Legs that a report found in the ARI application, and whether each is an agent's."""
        return {leg.call_id: leg.kind is LegKind.ENGAGING for leg in self.legs.values() if leg.is_in_stasis}

    def take_over(self, old: "Calls") -> None:
        """Go on with the legs of an earlier connection to the same server."""
        self.legs |= old.legs
        self._doubtful |= set(old.legs)

    def lose_connection(self) -> Effects:
        """The connection is gone: what was not sent never was, of the rest nobody knows."""
        effects: Effects = [DialRejected(call_id, NOT_SENT) for call_id, _ in self._queue]
        for call_id, _ in self._queue:
            del self.legs[call_id]
        for leg in self.legs.values():
            leg.redirection = ()  # the core has given it up by the time that the server is back
        self._queue.clear()
        self.unconfirmed.clear()
        self._query = None
        self._doubtful |= set(self.legs)
        return effects

    def _redirect(self, leg: Leg, actions: tuple[Action, ...]) -> Effects:
        """At once, or when the leg runs in the dialplan: one without user events (an older file) gets a moment."""
        leg.redirection = actions
        return leg.dialplan_runs() if leg.is_in_dialplan else [Grace(leg.call_id)]

    # --- messages ------------------------------------------------------------------------------------------------

    def hear(self, message: Message) -> Effects:
        """Take in one message of the server; those that are not about our calls say nothing."""
        if not message.event:
            return self._response(message.response, message.fields)
        handler = self._hear.get(message.event)
        return handler(message.fields) if handler is not None else []

    def _response(self, response: str, fields: dict[str, str]) -> Effects:
        what, _, rest = fields.get("ActionID", "").partition("-")
        if what == "ivr" and response == "Success":
            leg = self._by_number(rest)
            return [IvrStarted(leg.call_id)] if leg is not None and leg.is_in_ivr else []
        if response != "Error":
            return []
        reason = fields.get("Message", "refused")
        if what == "originate":
            leg = self._leg(rest)
            return self._refused(leg, reason) if leg is not None else []
        leg = self._by_number(rest)
        if leg is None:
            return []
        if what == "hangup":  # no such channel: it has ended, unless it has not even begun
            return self._end(leg, _released(leg)) if leg.has_begun else []
        if what == "transfer" and leg.is_transferring:
            leg.is_transferring = False
            return [ConnectFailed(leg.call_id, reason)]
        if what == "message":
            return [message_event(leg.call_id, "FAILED")]
        if what == "ivr":
            return [requests.hang_up(leg.channel, f"hangup-{leg.call_id}")]
        return []

    def _dial_begun(self, fields: dict[str, str]) -> Effects:
        leg = self._leg(fields.get("DestUniqueid", ""))
        return self._begun(leg) if leg is not None else []

    def _dial_state(self, fields: dict[str, str]) -> Effects:
        """Ringing of the customer of a preview call; all other legs tell their state themselves."""
        leg = self._leg(fields.get("Uniqueid", ""))
        if leg is None or leg.kind is not LegKind.PREVIEW or fields.get("DialStatus") != "RINGING" or leg.has_rung:
            return []
        leg.has_rung = True
        return [CalleeAlerting(leg.call_id)]

    def _dial_ended(self, fields: dict[str, str]) -> Effects:
        status = fields.get("DialStatus", "")
        leg = self._leg(fields.get("Uniqueid", ""))
        if leg is None:
            leg = self._leg(fields.get("DestUniqueid", ""))
            if leg is not None and leg.kind is not LegKind.PREVIEW:
                leg.dial_status = status
            return []
        if leg.kind is LegKind.PREVIEW:
            leg.dial_status = status
            if status != "ANSWER":
                return []
            leg.callee_answered = True
            return [CalleeAnswered(leg.call_id)]
        if not leg.is_transferring or status != "ANSWER":
            return []  # without an answer the dialplan goes on, and says so itself
        leg.is_transferring = False
        return [CallConnected(leg.call_id)]

    def _new_state(self, fields: dict[str, str]) -> Effects:
        leg = self._leg(fields.get("Uniqueid", ""))
        if leg is None:
            return []
        state = fields.get("ChannelStateDesc", "")
        effects = self._begun(leg)
        if state == "Up" and not leg.is_up:
            leg.is_up = True
            if leg.kind is LegKind.CUSTOMER:
                effects.append(CalleeAnswered(leg.call_id))
        elif state == "Ringing" and not leg.has_rung and leg.kind is LegKind.CUSTOMER:
            leg.has_rung = True
            effects.append(CalleeAlerting(leg.call_id))
        return effects

    def _hung_up(self, fields: dict[str, str]) -> Effects:
        leg = self._leg(fields.get("Uniqueid", ""))
        if leg is None:
            return []
        effects = self._begun(leg, hang_up=False)
        if leg.kind is LegKind.ENGAGING:
            return [*effects, *self._end(leg, EngagingReleased(leg.call_id))]
        if leg.kind is LegKind.PREVIEW and not leg.is_up:  # the agent's phone did not answer
            return [*effects, *self._end(leg, CallReleased(leg.call_id, 480, 19))]
        return [*effects, *self._end(leg, CallReleased(leg.call_id, *explain(leg.signs(fields))))]

    def _originate_response(self, fields: dict[str, str]) -> Effects:
        leg = self._leg(fields.get("Uniqueid", ""))
        if leg is None or fields.get("Response") == "Success" or leg.has_begun:
            return []  # with a channel, its Hangup says how it ended
        return [Grace(leg.call_id)]

    def grace_over(self, call_id: CallId) -> Effects:
        """A request failed a moment ago: without a sign until now there never was a call. Or: a redirection waited."""
        leg = self.legs.get(call_id)
        if leg is None:
            return []
        if leg.has_begun:
            return leg.dialplan_runs() if leg.redirection else []
        return self._refused(leg, "the server could not create the call")

    def _user_event(self, fields: dict[str, str]) -> Effects:
        leg = self._leg(fields.get("Uniqueid", ""))
        if leg is None:
            return []
        return [*leg.dialplan_runs(), *said(leg, fields)]

    # --- which calls there are -----------------------------------------------------------------------------------

    def _channel_shown(self, fields: dict[str, str]) -> Effects:
        call_id = call_of(self._run, fields.get("Uniqueid", ""))
        if self._asked_by(fields) is not None and call_id is not None:
            leg = self.legs.get(call_id)
            if leg is None:  # the core decides what becomes of it, and may want it released
                leg = self._new_leg(call_id, LegKind.CUSTOMER)
                leg.has_begun = True
            state, context = fields.get("ChannelStateDesc", ""), fields.get("Context", "")
            self._report[call_id] = leg.phase(state, context, fields.get("BridgeId", ""))
            leg.is_up = leg.is_up or state == "Up"
            leg.is_in_stasis = fields.get("Application") == "Stasis"
        return []

    def _channels_shown(self, fields: dict[str, str]) -> Effects:
        command, report = self._asked_by(fields), self._report
        if command is None:
            return []
        self._query = None
        calls = tuple(report.items())
        effects: Effects = [CallsReported(command.node_id, command.server_id, command.query_id, calls)]
        for leg in list(self.legs.values()):
            self._count_missed(leg, is_there=leg.call_id in report)
        self._doubtful.clear()
        for call_id in report:
            shown = self.legs.get(call_id)  # its end may have been told while the list came
            if shown is not None:
                effects += self._begun(shown)
        return effects

    def _asked_by(self, fields: dict[str, str]) -> QueryCalls | None:
        """The open question that a line answers; None: an older one, or none."""
        query = self._query
        return query if query is not None and fields.get("ActionID") == f"{QUERY}{query.query_id}" else None

    def _count_missed(self, leg: Leg, *, is_there: bool) -> None:
        """Forget a leg that the server does not have. The core has been told so, and draws its own conclusions.

        A report may be a moment behind the events, so one is not enough, unless the connection was lost in between.
        """
        leg.reports_missed = 0 if is_there else leg.reports_missed + leg.has_begun
        if leg.reports_missed >= REPORTS_MISSED_MAX or (leg.call_id in self._doubtful and not is_there):
            del self.legs[leg.call_id]

    # --- legs ----------------------------------------------------------------------------------------------------

    def _new_leg(self, call_id: CallId, kind: LegKind) -> Leg:
        leg = self.legs[call_id] = Leg(call_id, channel_id(self._run, call_id), kind)
        return leg

    def _leg(self, uniqueid: str) -> Leg | None:
        call_id = call_of(self._run, uniqueid)
        return self.legs.get(call_id) if call_id is not None else None

    def _by_number(self, text: str) -> Leg | None:
        return self.legs.get(int(text)) if text.isascii() and text.isdigit() and len(text) <= 18 else None

    def _request(self, leg: Leg, action: Action) -> Effects:
        if len(self.unconfirmed) >= self._requests_max:
            self._queue.append((leg.call_id, action))
            return []
        self.unconfirmed[leg.call_id] = None
        return [action]

    def _begun(self, leg: Leg, *, hang_up: bool = True) -> Effects:
        """The first sign of a leg: it is accepted, and there is room for another request."""
        if leg.has_begun:
            return []
        leg.has_begun = True
        effects = self._confirmed(leg)
        accepted = EngagingAccepted if leg.kind is LegKind.ENGAGING else DialAccepted
        effects.append(accepted(leg.call_id))
        if leg.must_end and hang_up:
            effects.append(requests.hang_up(leg.channel, f"hangup-{leg.call_id}"))
        return effects

    def _confirmed(self, leg: Leg) -> Effects:
        self.unconfirmed.pop(leg.call_id, None)
        effects: Effects = []
        while self._queue and len(self.unconfirmed) < self._requests_max:
            call_id, action = self._queue.popleft()
            self.unconfirmed[call_id] = None
            effects.append(action)
        return effects

    def _refused(self, leg: Leg, reason: str) -> Effects:
        """There never was a call; who wants it released hears just that."""
        return self._end(leg, _released(leg) if leg.must_end else DialRejected(leg.call_id, reason))

    def _end(self, leg: Leg, last: Event) -> Effects:
        """The leg is over: the core hears it last."""
        del self.legs[leg.call_id]
        return [*self._confirmed(leg), last]


def _released(leg: Leg) -> Event:
    return EngagingReleased(leg.call_id) if leg.kind is LegKind.ENGAGING else CallReleased(leg.call_id)
