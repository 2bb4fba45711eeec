"""Bridges: the one that Dial() makes for two legs, and those that an ARI application makes."""

import time
import uuid
from collections.abc import Callable

from outdial.drivers.fake_asterisk.channels import Bridge, Channel, EventText
from outdial.drivers.fake_asterisk.stasis import StasisApps


class Bridges:
    """All bridges of a server."""

    def __init__(self, emit: Callable[[str], None], text: EventText, stasis: StasisApps) -> None:
        self.over_ari: dict[str, Bridge] = {}
        self._emit = emit
        self._text = text
        self._stasis = stasis

    def join(self, channels: list[Channel]) -> None:
        """Into a new bridge that lasts as long as its channels: that of Dial(), or of AMI's Bridge."""
        bridge = Bridge(str(uuid.uuid4()), time.time())
        self._emit(self._text.bridge("BridgeCreate", bridge))
        for channel in channels:
            self.enter(bridge, channel)

    def create(self, bridge_id: str, name: str) -> Bridge:
        """POST /bridges: a mixing bridge."""
        bridge = Bridge(bridge_id, time.time(), over_ari=True, name=name)
        self.over_ari[bridge_id] = bridge
        self._emit(self._text.bridge("BridgeCreate", bridge))
        return bridge

    def destroy(self, bridge: Bridge) -> None:
        """DELETE /bridges: who is in it leaves it and stays in its application."""
        for channel in list(bridge.channels):
            self.leave(channel)
        self.over_ari.pop(bridge.id, None)
        self._emit(self._text.bridge("BridgeDestroy", bridge))
        for app in bridge.apps:
            self._stasis.bridge_destroyed(app, bridge)

    def enter(self, bridge: Bridge, channel: Channel) -> None:
        """Into the bridge, out of any other; into the same one again is leaving and entering."""
        if channel.bridge is not None:
            self.leave(channel)
        bridge.channels.append(channel)
        channel.bridge = bridge
        self._emit(self._text.bridge("BridgeEnter", bridge, channel))
        if channel.stasis is not None and channel.stasis not in bridge.apps:
            bridge.apps.append(channel.stasis)
            self._stasis.follow(channel.stasis, bridge)
        self._stasis.bridge_event("ChannelEnteredBridge", bridge, channel)
        if len(bridge.channels) == 2:
            bridge.technology = "native_rtp"

    def leave(self, channel: Channel) -> None:
        """Out of its bridge. The bridge of a Dial() goes with its last channel."""
        bridge = channel.bridge
        if bridge is None:
            return
        channel.bridge = None
        bridge.channels.remove(channel)
        self._emit(self._text.bridge("BridgeLeave", bridge, channel))
        self._stasis.bridge_event("ChannelLeftBridge", bridge, channel)
        if bridge.over_ari:
            bridge.technology = "simple_bridge"
        elif not bridge.channels:
            self._emit(self._text.bridge("BridgeDestroy", bridge))

    def forget_all(self) -> None:
        self.over_ari.clear()
