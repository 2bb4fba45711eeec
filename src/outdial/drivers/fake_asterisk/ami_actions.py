"""The actions of the manager interface: what each one answers and does. Responses are those of 22.10 and 16.28."""

import time
from collections.abc import Callable, Mapping

from outdial.drivers.fake_asterisk.ami_session import Action, AmiSession
from outdial.drivers.fake_asterisk.channels import Channel, OriginateRequest, described
from outdial.drivers.fake_asterisk.dialplan import CONTEXT, EXTENSIONS, value_of
from outdial.drivers.fake_asterisk.exchange import Exchange

MODULES = frozenset(
    {
        *(
            "app_amd",
            "app_dial",
            "app_playback",
            "app_stack",
            "app_stasis",
            "app_userevent",
            "bridge_simple",
            "chan_pjsip",
            "pbx_config",
        ),
        *("res_ari", "res_ari_applications", "res_ari_bridges", "res_ari_channels", "res_ari_events"),
        *("res_manager_devicestate", "res_pjsip", "res_pjsip_header_funcs"),
    }
)
"""Modules that ModuleCheck finds."""
COMMANDS = (
    *("Bridge", "CoreSettings", "CoreShowChannels", "CoreStatus", "DeviceStateList", "Events", "Getvar", "Hangup"),
    *("ListCommands", "Logoff", "ModuleCheck", "Originate", "Ping", "Redirect", "Setvar", "ShowDialPlan", "UserEvent"),
)
"""What ListCommands lists: all that the user may do."""


class AmiActions:
    """Carries out the actions of logged-in sessions."""

    def __init__(self, exchange: Exchange, *, version: str, ami_version: str, started: float) -> None:
        self._exchange = exchange
        self._version = version
        self._ami_version = ami_version
        self.started = started
        self._actions: Mapping[str, Callable[[AmiSession, Action], None]] = {
            "bridge": self._bridge,
            "coresettings": self._core_settings,
            "coreshowchannels": self._core_show_channels,
            "corestatus": self._core_status,
            "devicestatelist": self._device_state_list,
            "events": self._events,
            "getvar": self._getvar,
            "hangup": self._hangup,
            "listcommands": self._list_commands,
            "logoff": self._logoff,
            "modulecheck": self._module_check,
            "originate": self._originate,
            "ping": self._ping,
            "redirect": self._redirect,
            "setvar": self._setvar,
            "showdialplan": self._show_dialplan,
            "userevent": self._user_event,
        }

    def carry_out(self, session: AmiSession, action: Action) -> None:
        """One action of a logged-in client."""
        handler = self._actions.get(action.name)
        if handler is not None:
            handler(session, action)
        elif not action.name:
            session.fail(action, "Missing action in request")
        else:
            name = action.get("action")
            advice = "Use Action: ListCommands to show available commands."
            session.fail(action, f"Invalid/unknown command: {name}. {advice}")

    # --- calls ------------------------------------------------------------------------------------------------

    def _originate(self, session: AmiSession, action: Action) -> None:
        problem = self._originate_problem(action)
        if problem:
            session.fail(action, problem)
            return
        name, number = parse_caller_id(action.get("callerid"))
        request = OriginateRequest(
            action_id=action.get("actionid"),
            channel=action.get("channel"),
            context=action.get("context"),
            exten=action.get("exten"),
            timeout_ms=float(action.get("timeout") or 30_000),
            caller_number=number,
            caller_name=name,
            variables=action.variables,
            channel_id=action.get("channelid"),
            account=action.get("account"),
        )
        session.respond(action, "Success", ("Message", "Originate successfully queued"))
        self._exchange.originate(request)

    def _originate_problem(self, action: Action) -> str:
        """Why an Originate is refused at once; "": it is queued."""
        channel = action.get("channel")
        if not channel:
            return "Channel not specified"
        if "/" not in channel or channel.endswith("/"):
            return "Invalid channel"
        if action.get("async").lower() not in ("true", "yes", "1", "on"):
            return "The fake server wants Async: true"
        timeout, priority = action.get("timeout"), action.get("priority")
        if timeout and not timeout.isdecimal():
            return "Invalid timeout"
        if priority and priority != "1":
            return "Invalid priority" if not priority.isdecimal() else "Extension does not exist."
        if not self._exchange.dialplan.has(action.get("context"), action.get("exten")):
            return "Extension does not exist."
        return ""

    def _channel_of(self, action: Action, key: str = "channel") -> Channel | None:
        return self._exchange.find(action.get(key))

    def _hangup(self, session: AmiSession, action: Action) -> None:
        if not action.get("channel"):
            session.fail(action, "No channel specified")
            return
        cause = action.get("cause")
        channel = self._channel_of(action)
        if channel is None:
            session.fail(action, "No such channel")
        else:
            session.respond(action, "Success", ("Message", "Channel Hungup"))
            self._exchange.hang_up(channel, int(cause) if cause.isdecimal() and int(cause) <= 127 else 0)

    def _redirect(self, session: AmiSession, action: Action) -> None:
        if not action.get("channel"):
            session.fail(action, "Channel not specified")
            return
        priority = action.get("priority") or "1"
        channel = self._channel_of(action)
        if not priority.isdecimal():
            session.fail(action, "Invalid priority")
        elif channel is None:
            session.fail(action, f"Channel does not exist: {action.get('channel')}")
        else:
            session.respond(action, "Success", ("Message", "Redirect successful"))
            self._exchange.redirect(channel, action.get("context"), action.get("exten"), int(priority))

    def _bridge(self, session: AmiSession, action: Action) -> None:
        first, second = self._channel_of(action, "channel1"), self._channel_of(action, "channel2")
        if first is None or second is None:
            missing = "Channel1" if first is None else "Channel2"
            session.fail(action, f"{missing} does not exist: {action.get(missing.lower())}")
        else:
            session.respond(action, "Success", ("Message", "Channels have been bridged"))
            self._exchange.bridge_two(first, second)

    def _setvar(self, session: AmiSession, action: Action) -> None:
        name = action.get("variable").lstrip("_")
        if not name:
            session.fail(action, "No variable specified")
        elif not action.get("channel"):
            self._exchange.globals[name] = action.get("value")
            session.respond(action, "Success", ("Message", "Variable Set"))
        elif (channel := self._channel_of(action)) is None:
            session.fail(action, "No such channel")
        else:
            channel.variables[name] = action.get("value")
            session.respond(action, "Success", ("Message", "Variable Set"))

    def _getvar(self, session: AmiSession, action: Action) -> None:
        channel = self._channel_of(action)
        if not action.get("variable"):
            session.fail(action, "No variable specified")
        elif action.get("channel") and channel is None:
            session.fail(action, "No such channel")
        else:
            value = value_of(channel, action.get("variable"), self._exchange.globals)
            session.respond(action, "Success", ("Variable", action.get("variable")), ("Value", value))

    def _user_event(self, session: AmiSession, action: Action) -> None:
        session.respond(action, "Success", ("Message", "Event Sent"))
        fields = [(key, value) for key, value in action.fields.items() if key not in ("action", "userevent")]
        self._exchange.emit(self._exchange.text.user_event(action.get("userevent"), fields, None))

    # --- lists ------------------------------------------------------------------------------------------------

    def _send_list(self, session: AmiSession, action: Action, message: str, items: list[str], complete: str) -> None:
        """A list: its start, its items as events, its end, each with the ActionID."""
        action_id = action.get("actionid")
        tag = f"ActionID: {action_id}\r\n" if action_id else ""
        session.respond(action, "Success", ("EventList", "start"), ("Message", message))
        for item in items:
            name, _, rest = item.partition("\r\n")
            session.send(f"Event: {name}\r\n{tag}{rest}\r\n")
        session.send(f"Event: {complete}\r\n{tag}EventList: Complete\r\nListItems: {len(items)}\r\n\r\n")

    def _core_show_channels(self, session: AmiSession, action: Action) -> None:
        now = time.time()
        items = [
            f"CoreShowChannel\r\n{described(channel)}Application: {channel.app}\r\n"
            f"ApplicationData: {channel.app_data}\r\nDuration: {duration(now - channel.created)}\r\n"
            f"BridgeId: {channel.bridge.id if channel.bridge else ''}\r\n"
            for channel in self._exchange.channels.values()
        ]
        self._send_list(session, action, "Channels will follow", items, "CoreShowChannelsComplete")

    def _device_state_list(self, session: AmiSession, action: Action) -> None:
        items = [
            f"DeviceStateChange\r\nDevice: PJSIP/{endpoint}\r\nState: {state}\r\n"
            for endpoint, state in self._exchange.devices.states()
        ]
        self._send_list(session, action, "Device State Changes will follow", items, "DeviceStateListComplete")

    def _show_dialplan(self, session: AmiSession, action: Action) -> None:
        context = action.get("context")
        if context and context != CONTEXT:
            session.fail(action, f"Did not find context {context}")
            return
        items = [
            f"ListDialplan\r\nContext: {CONTEXT}\r\nExtension: {exten}\r\nPriority: {priority}\r\n"
            f"Application: {app}\r\nAppData: {data}\r\nRegistrar: pbx_config\r\n"
            for exten, steps in EXTENSIONS.items()
            for priority, (app, data) in enumerate(steps, 1)
        ]
        self._send_list(session, action, "DialPlan list will follow", items, "ShowDialPlanComplete")

    # --- the server -------------------------------------------------------------------------------------------

    def _ping(self, session: AmiSession, action: Action) -> None:
        session.respond(action, "Success", ("Ping", "Pong"), ("Timestamp", f"{time.time():.6f}"))

    def _events(self, session: AmiSession, action: Action) -> None:
        session.wants_events = action.get("eventmask").lower() not in ("off", "")
        session.respond(action, "Success", ("Events", "On" if session.wants_events else "Off"))

    def _logoff(self, session: AmiSession, action: Action) -> None:
        session.respond(action, "Goodbye", ("Message", "Thanks for all the fish."))
        session.log_off()

    def _list_commands(self, session: AmiSession, action: Action) -> None:
        session.respond(action, "Success", *((name, "(Priv: all,all)") for name in COMMANDS))

    def _core_settings(self, session: AmiSession, action: Action) -> None:
        session.respond(
            action,
            "Success",
            ("AMIversion", self._ami_version),
            ("AsteriskVersion", self._version),
            ("SystemName", self._exchange.systemname),
            ("CoreMaxCalls", str(self._exchange.channels_max)),
            ("CoreMaxLoadAvg", "0.000000"),
            ("CoreRunUser", ""),
            ("CoreRunGroup", ""),
            ("CoreMaxFilehandles", "0"),
            ("CoreRealTimeEnabled", "No"),
            ("CoreCDRenabled", "No"),
            ("CoreHTTPenabled", "Yes"),
        )

    def _core_status(self, session: AmiSession, action: Action) -> None:
        started = time.gmtime(self.started)
        date, clock = time.strftime("%Y-%m-%d", started), time.strftime("%H:%M:%S", started)
        session.respond(
            action,
            "Success",
            ("CoreStartupDate", date),
            ("CoreStartupTime", clock),
            ("CoreReloadDate", date),
            ("CoreReloadTime", clock),
            ("CoreCurrentCalls", str(len(self._exchange.channels))),
            ("CoreProcessedCalls", str(self._exchange.calls_processed)),
        )

    def _module_check(self, session: AmiSession, action: Action) -> None:
        if action.get("module").removesuffix(".so") in MODULES:
            session.respond(action, "Success", ("Version", ""))
        else:
            session.fail(action, "Module not loaded")


def parse_caller_id(text: str) -> tuple[str, str]:
    """`"x" <123>` → (x, 123); `123` → ("", 123)."""
    name, bracket, rest = text.partition("<")
    if bracket:
        return name.strip().strip('"'), rest.partition(">")[0].strip()
    return "", text.strip()


def duration(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}"
