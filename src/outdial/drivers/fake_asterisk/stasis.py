"""ARI applications: which one has a websocket, which channels it holds, and the JSON of its events."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from outdial.drivers.fake_asterisk.channels import STATE, Bridge, Channel


class StasisApps:
    """Applications by name. An event goes to the websocket that registered the application last, or nowhere."""

    def __init__(self, systemname: str) -> None:
        self.asterisk_id = ":".join(f"{byte:02x}" for byte in systemname.encode()[:6].ljust(6, b"\0"))
        self._sockets: dict[str, Callable[[str], None]] = {}
        self._channels: dict[str, dict[str, Channel]] = {}
        self._bridges: dict[str, dict[str, Bridge]] = {}
        """Bridges that an application follows: a channel of it is in them, or was."""

    def connect(self, app: str, send: Callable[[str], None]) -> None:
        """A websocket registers an application. One that had it before is told, stays open and hears nothing more."""
        before = self._sockets.get(app)
        if before is not None:
            before(self._dump({"type": "ApplicationReplaced", "timestamp": stamp()}, app))
        self._sockets[app] = send
        self._channels.setdefault(app, {})

    def disconnect(self, app: str, send: Callable[[str], None]) -> None:
        """A websocket has gone. The application's channels and bridges stay."""
        if self._sockets.get(app) == send:
            del self._sockets[app]
            self._forget_if_unused(app)

    def is_connected(self, app: str) -> bool:
        return app in self._sockets

    def start(self, channel: Channel, app: str, args: list[str]) -> bool:
        """Stasis(): True when the application has the channel; False when nobody listens for it."""
        if app not in self._sockets:
            return False
        channel.stasis = app
        self._channels[app][channel.id] = channel
        event = {"type": "StasisStart", "timestamp": stamp(), "args": args, "channel": channel_json(channel)}
        self._send(app, event)
        return True

    def end(self, channel: Channel) -> None:
        """The channel leaves its application, if it is in one."""
        app, channel.stasis = channel.stasis, None
        if app is None:
            return
        self._channels[app].pop(channel.id, None)
        self._send(app, {"type": "StasisEnd", "timestamp": stamp(), "channel": channel_json(channel)})
        self._forget_if_unused(app)

    def hang_up_requested(self, channel: Channel, details: dict[str, Any]) -> None:
        """ChannelHangupRequest with these details: who asks, and why."""
        if channel.stasis is not None:
            event = {**details, "type": "ChannelHangupRequest", "timestamp": stamp()}
            self._send(channel.stasis, {**event, "channel": channel_json(channel)})

    def bridge_event(self, what: str, bridge: Bridge, channel: Channel) -> None:
        """ChannelEnteredBridge or ChannelLeftBridge, to the channel's application."""
        if channel.stasis is not None:
            event = {"type": what, "timestamp": stamp(), "bridge": bridge_json(bridge)}
            self._send(channel.stasis, {**event, "channel": channel_json(channel)})

    def follow(self, app: str, bridge: Bridge) -> None:
        """A channel of the application has come into a bridge, for the first time."""
        self._bridges.setdefault(app, {})[bridge.id] = bridge

    def bridge_destroyed(self, app: str, bridge: Bridge) -> None:
        """A bridge that the application follows is gone."""
        self._bridges[app].pop(bridge.id, None)
        self._send(app, {"type": "BridgeDestroyed", "timestamp": stamp(), "bridge": bridge_json(bridge)})
        self._forget_if_unused(app)

    def app_json(self, app: str) -> dict[str, Any] | None:
        """The application as GET /applications shows it; None: it is unknown."""
        channels = self._channels.get(app)
        if channels is None:
            return None
        return {
            "name": app,
            "channel_ids": list(channels),
            "bridge_ids": list(self._bridges.get(app, ())),
            "endpoint_ids": [],
            "device_names": [],
            "events_allowed": [],
            "events_disallowed": [],
        }

    def apps_json(self) -> list[dict[str, Any]]:
        return [shown for app in self._channels if (shown := self.app_json(app)) is not None]

    def forget_all(self) -> None:
        self._sockets.clear()
        self._channels.clear()
        self._bridges.clear()

    def _forget_if_unused(self, app: str) -> None:
        if app not in self._sockets and not self._channels.get(app) and not self._bridges.get(app):
            self._channels.pop(app, None)

    def _send(self, app: str, event: dict[str, Any]) -> None:
        send = self._sockets.get(app)
        if send is not None:
            send(self._dump(event, app))

    def _dump(self, event: dict[str, Any], app: str) -> str:
        return json.dumps({**event, "asterisk_id": self.asterisk_id, "application": app}, separators=(",", ":"))


def channel_json(channel: Channel) -> dict[str, Any]:
    who = {"name": channel.caller_name, "number": channel.caller_number}
    who = {key: "" if value == "<unknown>" else value for key, value in who.items()}
    return {
        "id": channel.id,
        "name": channel.name,
        "state": STATE[channel.state],
        "protocol_id": f"{channel.id}@fake",
        "caller": who,
        "connected": who,
        "accountcode": channel.account,
        "dialplan": {
            "context": channel.context,
            "exten": channel.exten,
            "priority": channel.priority,
            "app_name": channel.app,
            "app_data": channel.app_data,
        },
        "creationtime": stamp(channel.created),
        "language": "en",
    }


def bridge_json(bridge: Bridge) -> dict[str, Any]:
    return {
        "id": bridge.id,
        "technology": bridge.technology,
        "bridge_type": "mixing",
        "bridge_class": "stasis" if bridge.over_ari else "basic",
        "creator": "Stasis" if bridge.over_ari else "",
        "name": bridge.name,
        "channels": [channel.id for channel in bridge.channels],
        "creationtime": stamp(bridge.created),
        "video_mode": "talker",
    }


def stamp(seconds: float | None = None) -> str:
    """An instant as ARI writes it; none given: this one."""
    instant = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}+0000"
