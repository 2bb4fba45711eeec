"""The API and the dashboard of a demonstration."""

import errno
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from outdial.alarms import Alarm
from outdial.api.credentials import new_secret
from outdial.api.memory_access import MemoryAccess
from outdial.api_dialer import ApiDialer
from outdial.config.api import LISTEN, Api, Listen, listen_of
from outdial.demo_settings import DemoSettings
from outdial.desk_agents import DeskAgents
from outdial.observation import Observation
from outdial.serve_api import Host, ServeApi
from outdial.serve_certificate import ApiError

GUEST = "demo"
Say = Callable[[str, str], None]
"""Takes a kind and a sentence, for the log of the demonstration."""


class DemoApiLog:
    """What happens around the API, as sentences on the board."""

    def __init__(self, say: Say) -> None:
        """Say nothing yet."""
        self._say = say

    def changed(self, change: dict[str, Any]) -> None:
        """Somebody has changed something."""
        self._say("plain", f"{change['by']}: {change['action']} {change['subject']}")

    def requested(self, line: dict[str, Any]) -> None:
        """A request has changed something, which `changed` tells, or was refused, which its sender has been told."""

    def alarms(self, raised: tuple[Alarm, ...], cleared: tuple[Alarm, ...]) -> None:
        """Alarms have been raised and cleared."""
        for alarm in raised:
            self._say("bad", f"alarm: {alarm.text}")
        for alarm in cleared:
            self._say("good", f"alarm is over: {alarm.text}")

    def api_ended(self, error: Exception) -> None:
        """The API has come to an end by itself."""
        self._say("bad", f"the API has ended: {error!r}")


def demo_api(
    listen: Listen,
    dialer: ApiDialer,
    log: DemoApiLog,
    observation: Observation,
    desks: DeskAgents,
    changing: DemoSettings | None,
) -> ServeApi:
    """Open the API. Where nothing else was asked for and the usual port is taken, any free one will do.

    Raises:
        ApiError: the address cannot be had.
    """
    # whoever reaches loopback may watch and operate; from elsewhere it takes the key that stands in the address
    guests = {} if listen.is_loopback else {GUEST: new_secret()}
    host = Host(dialer, observation, log, MemoryAccess(), guests, desks, changing=changing)
    api = Api(listen, open_metrics=listen.is_loopback)
    try:
        return ServeApi(api, host)
    except ApiError as error:
        cause = error.__cause__
        if listen != listen_of(LISTEN) or not isinstance(cause, OSError) or cause.errno != errno.EADDRINUSE:
            raise
        return ServeApi(replace(api, listen=replace(listen, port=0)), host)
