"""Channels and bridges as values, and the AMI text of the events about them. Nothing here decides anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from outdial.drivers.fake_asterisk.causes import TEXT
from outdial.drivers.fake_asterisk.plan import CalleeBehaviour
from outdial.drivers.fake_asterisk.timers import Timer

DOWN, RINGING, UP = 0, 5, 6
STATE: Mapping[int, str] = {DOWN: "Down", RINGING: "Ringing", UP: "Up"}


@dataclass(slots=True, eq=False)
class OriginateRequest:
    """An Originate that has not been answered by OriginateResponse yet."""

    action_id: str
    channel: str
    """As written in the request: `PJSIP/2001@trunk`."""
    context: str
    exten: str
    timeout_ms: float
    caller_number: str
    caller_name: str
    variables: list[tuple[str, str]]
    channel_id: str
    account: str = ""


@dataclass(slots=True, eq=False)
class Bridge:
    """Channels that hear each other; made by Dial() or, with an application, over ARI."""

    id: str
    created: float
    over_ari: bool = False
    name: str = ""
    channels: "list[Channel]" = field(default_factory=list)
    apps: list[str] = field(default_factory=list)
    """Applications that have had a channel in it: they hear of its end."""
    technology: str = "simple_bridge"
    """`native_rtp` once two channels are in."""


@dataclass(slots=True, eq=False)
class Channel:
    """One leg of a call."""

    id: str
    name: str
    endpoint: str
    """PJSIP endpoint: a phone, or a trunk."""
    behaviour: CalleeBehaviour
    context: str
    linked_id: str
    created: float
    exten: str = "s"
    priority: int = 1
    state: int = DOWN
    caller_number: str = "<unknown>"
    caller_name: str = "<unknown>"
    account: str = ""
    app: str = ""
    app_data: str = ""
    cause: int = 0
    """Hang-up cause so far; what Hangup reports unless something else ends the channel."""
    tech_cause: int = 0
    variables: dict[str, str] = field(default_factory=dict)
    request: OriginateRequest | None = None
    """The Originate that it was made for, until that is answered."""
    parent: "Channel | None" = None
    """The channel whose Dial() called this one."""
    child: "Channel | None" = None
    """The leg that this channel's Dial() called."""
    bridge: Bridge | None = None
    stasis: str | None = None
    """The ARI application that holds it."""
    gone: bool = False
    far_timer: Timer | None = None
    """What the far end does next."""
    limit_timer: Timer | None = None
    """How long it may ring."""
    app_timer: Timer | None = None
    """What the dialplan does next."""

    def place(self, context: str, exten: str, priority: int, app: str, app_data: str) -> None:
        """Where it is in the dialplan."""
        self.context, self.exten, self.priority = context, exten, priority
        self.app, self.app_data = app, app_data

    def stop_timers(self) -> None:
        for timer in (self.far_timer, self.limit_timer, self.app_timer):
            if timer is not None:
                timer.cancel()
        self.far_timer = self.limit_timer = self.app_timer = None


def described(channel: Channel) -> str:
    """The header block of a channel."""
    number, name = channel.caller_number, channel.caller_name
    return (
        f"Channel: {channel.name}\r\nChannelState: {channel.state}\r\nChannelStateDesc: {STATE[channel.state]}\r\n"
        f"CallerIDNum: {number}\r\nCallerIDName: {name}\r\nConnectedLineNum: {number}\r\nConnectedLineName: {name}\r\n"
        f"Language: en\r\nAccountCode: {channel.account}\r\nContext: {channel.context}\r\nExten: {channel.exten}\r\n"
        f"Priority: {channel.priority}\r\nUniqueid: {channel.id}\r\nLinkedid: {channel.linked_id}\r\n"
    )


def described_as_destination(channel: Channel) -> str:
    """The header block of the called channel in dial events."""
    number, name = channel.caller_number, channel.caller_name
    return (
        f"DestChannel: {channel.name}\r\nDestChannelState: {channel.state}\r\n"
        f"DestChannelStateDesc: {STATE[channel.state]}\r\nDestCallerIDNum: {number}\r\nDestCallerIDName: {name}\r\n"
        f"DestConnectedLineNum: {number}\r\nDestConnectedLineName: {name}\r\nDestLanguage: en\r\n"
        f"DestAccountCode: {channel.account}\r\nDestContext: {channel.context}\r\nDestExten: {channel.exten}\r\n"
        f"DestPriority: {channel.priority}\r\nDestUniqueid: {channel.id}\r\nDestLinkedid: {channel.linked_id}\r\n"
    )


class EventText:
    """AMI events of one server as text, complete with the empty line at the end."""

    def __init__(self, systemname: str, *, tech_causes: bool) -> None:
        self._system = f"SystemName: {systemname}\r\n" if systemname else ""
        self._call = f"Privilege: call,all\r\n{self._system}"
        self._user = f"Privilege: user,all\r\n{self._system}"
        self._tech_causes = tech_causes

    def new_channel(self, channel: Channel) -> str:
        return f"Event: Newchannel\r\n{self._call}{described(channel)}\r\n"

    def new_state(self, channel: Channel) -> str:
        return f"Event: Newstate\r\n{self._call}{described(channel)}\r\n"

    def dial(self, what: str, channel: Channel, last: str) -> str:
        """DialBegin, DialState or DialEnd; `last` is the last header, which differs."""
        parent = described(channel.parent) if channel.parent else ""
        return f"Event: {what}\r\n{self._call}{parent}{described_as_destination(channel)}{last}\r\n\r\n"

    def originate_response(self, request: OriginateRequest, reason: int, channel: str, channel_id: str) -> str:
        return (
            f"Event: OriginateResponse\r\n{self._call}ActionID: {request.action_id}\r\n"
            f"Response: {'Success' if reason == 4 else 'Failure'}\r\nChannel: {channel}\r\n"
            f"Context: {request.context}\r\nExten: {request.exten}\r\nReason: {reason}\r\nUniqueid: {channel_id}\r\n"
            f"CallerIDNum: {request.caller_number or '<unknown>'}\r\n"
            f"CallerIDName: {request.caller_name or '<unknown>'}\r\n\r\n"
        )

    def hang_up_request(self, channel: Channel) -> str:
        """The far end hangs up."""
        cause = f"Cause: {channel.cause}\r\n" if channel.cause else ""
        return f"Event: HangupRequest\r\n{self._call}{described(channel)}{cause}{self._tech_cause(channel)}\r\n"

    def soft_hang_up_request(self, channel: Channel) -> str:
        """This server hangs up."""
        return f"Event: SoftHangupRequest\r\n{self._call}{described(channel)}Cause: 16\r\n\r\n"

    def hang_up(self, channel: Channel) -> str:
        cause = channel.cause
        return (
            f"Event: Hangup\r\n{self._call}{described(channel)}"
            f"Cause: {cause}\r\nCause-txt: {TEXT.get(cause, 'Unknown')}\r\n{self._tech_cause(channel)}\r\n"
        )

    def _tech_cause(self, channel: Channel) -> str:
        return f"TechCause: {channel.tech_cause}\r\n" if channel.tech_cause and self._tech_causes else ""

    def user_event(self, name: str, fields: list[tuple[str, str]], channel: Channel | None) -> str:
        body = "".join(f"{key}: {value}\r\n" for key, value in fields)
        about = described(channel) if channel else ""
        return f"Event: UserEvent\r\n{self._user}{about}UserEvent: {name}\r\n{body}\r\n"

    def device_state(self, endpoint: str, state: str) -> str:
        return f"Event: DeviceStateChange\r\n{self._call}Device: PJSIP/{endpoint}\r\nState: {state}\r\n\r\n"

    def bridge(self, what: str, bridge: Bridge, channel: Channel | None = None) -> str:
        """BridgeCreate, BridgeEnter, BridgeLeave or BridgeDestroy."""
        about = described(channel) if channel else ""
        return (
            f"Event: {what}\r\n{self._call}BridgeUniqueid: {bridge.id}\r\n"
            f"BridgeType: {'stasis' if bridge.over_ari else 'basic'}\r\nBridgeTechnology: {bridge.technology}\r\n"
            f"BridgeCreator: {'Stasis' if bridge.over_ari else '<unknown>'}\r\nBridgeName: <unknown>\r\n"
            f"BridgeNumChannels: {len(bridge.channels)}\r\nBridgeVideoSourceMode: none\r\n{about}\r\n"
        )

    def shut_down(self) -> str:
        return f"Event: Shutdown\r\nPrivilege: system,all\r\n{self._system}Shutdown: Cleanly\r\nRestart: False\r\n\r\n"
