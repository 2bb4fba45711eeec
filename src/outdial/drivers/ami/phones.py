"""Agents' phones on one Asterisk server: device states become events of the core. Pure.

A subscription asks for all device states once and then follows the changes. A phone that the server does not know at
all is unreachable. Nothing is remembered over a lost connection: the core forgets what a lost node said, too.

Source: ours, measured on Asterisk 16.28 and 22.10.
"""

from outdial.core.commands import SubscribePhones
from outdial.core.events import Event, PhoneState, PhoneStateChanged
from outdial.drivers.ami.requests import Action, DialStrings
from outdial.drivers.ami.wire import Message

WANTED = frozenset({"DeviceStateChange", "DeviceStateListComplete"})
"""Events that are listened to."""

STATES = {
    "NOT_INUSE": PhoneState.IDLE,
    "INUSE": PhoneState.BUSY,
    "BUSY": PhoneState.BUSY,
    "ONHOLD": PhoneState.BUSY,
    "RINGINUSE": PhoneState.BUSY,
    "RINGING": PhoneState.RINGING,
    "UNAVAILABLE": PhoneState.UNREACHABLE,
    "INVALID": PhoneState.UNREACHABLE,
    "UNKNOWN": PhoneState.UNKNOWN,
}
"""Device states of Asterisk. Any other word is UNKNOWN."""


class Phones:
    """Phones that the core asked about, on one server."""

    def __init__(self, strings: DialStrings) -> None:
        self.strings = strings
        self._phones: dict[str, str] = {}  # device: phone
        self._node_id = 0
        self._serial = 0
        self._listed: dict[str, PhoneState] | None = None  # while a list is coming

    def subscribe(self, command: SubscribePhones) -> list[Action]:
        """Carry out `SubscribePhones`."""
        self._node_id = command.node_id
        self._phones |= {self.strings.phone(phone): phone for phone in command.phones}
        self._serial += 1
        self._listed = {}
        return [Action("DeviceStateList", (("ActionID", f"phones-{self._serial}"),))]

    def lose_connection(self) -> None:
        """Forget everything."""
        self._phones.clear()
        self._listed = None

    def hear(self, message: Message) -> list[Event]:
        """Take in a device state, or the end of a list of them."""
        fields = message.fields
        if message.event == "DeviceStateListComplete":
            return self._complete() if fields.get("ActionID") == f"phones-{self._serial}" else []
        phone = self._phones.get(fields.get("Device", ""))
        if phone is None:
            return []
        state = STATES.get(fields.get("State", ""), PhoneState.UNKNOWN)
        if "ActionID" in fields:
            if self._listed is not None and fields["ActionID"] == f"phones-{self._serial}":
                self._listed[phone] = state
            return []
        if self._listed is not None:
            self._listed[phone] = state
        return [PhoneStateChanged(self._node_id, phone, state)]

    def _complete(self) -> list[Event]:
        listed, self._listed = self._listed or {}, None
        return [
            PhoneStateChanged(self._node_id, phone, listed.get(phone, PhoneState.UNREACHABLE))
            for phone in self._phones.values()
        ]
