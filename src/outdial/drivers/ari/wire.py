"""ARI as values: events of the websocket, requests and replies of REST.

Asterisk talks about everything that happens to a channel in Stasis, and the dialer needs six kinds of it. So a message
is first read for its `type` alone, which builds nothing else, and only a wanted one is decoded, into the few fields
that are used. Fields that are not named here may come, go and change; a named one that is missing or of another kind
makes the message garbled.

Source: the events and models of Asterisk's REST API, checked with 16.28 and 22.10.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

import msgspec

from outdial.core.errors import OutdialError


class AriGarbled(OutdialError):
    """The server sent something that is not ARI."""

    code = "ari_garbled"


_PATH = re.compile(r"(?:/(?:[A-Za-z0-9_.~-]|%[0-9A-F]{2})+)+")


# --- requests ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AriRequest:
    """One REST request."""

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    """Below `/ari`, beginning with a slash, quoted already: see `path_of`."""
    query: tuple[tuple[str, str], ...] = ()
    """Names and values, not quoted."""
    lane: str = ""
    """Requests of one lane are sent strictly one after the other; an agent's bridge is a good lane."""

    def __post_init__(self) -> None:
        """Refuse what would become another request than was meant.

        Raises:
            ValueError: the path is not quoted; a bug in the caller.
        """
        if not _PATH.fullmatch(self.path):
            raise ValueError(f"not a quoted path that begins with a slash: {self.path!r}")


@dataclass(frozen=True, slots=True)
class AriReply:
    """What came back."""

    status: int
    """HTTP status. 0: no answer; the server may or may not have done what was asked."""
    body: bytes = b""

    @property
    def is_done(self) -> bool:
        """Whether the server did what was asked (2xx)."""
        return 200 <= self.status < 300


NO_ANSWER = AriReply(0)


def path_of(*parts: str) -> str:
    """The path of an ARI resource, each part quoted: `path_of("bridges", "a/b")` is `/bridges/a%2Fb`."""
    return "".join("/" + quote(part, safe="") for part in parts)


# --- events ------------------------------------------------------------------------------------------------------


class Channel(msgspec.Struct, frozen=True):
    """A channel, as far as it is of interest."""

    id: str
    """What AMI calls Uniqueid: the ChannelId given in Originate."""
    state: str = ""
    """Up, Ring, Ringing, Down, ..."""


class Bridge(msgspec.Struct, frozen=True):
    """A bridge."""

    id: str
    channels: tuple[str, ...] = ()
    """Ids of the channels in it."""
    name: str = ""
    """What it was called by who made it."""


class Application(msgspec.Struct, frozen=True):
    """What an application has, whether or not anybody listens for it."""

    channel_ids: tuple[str, ...]


class StasisStart(msgspec.Struct, frozen=True, tag_field="type", tag="StasisStart"):
    """A channel has come into the application."""

    channel: Channel
    args: tuple[str, ...] = ()
    """Arguments of the dialplan's `Stasis()` behind the application's name."""
    replace_channel: Channel | None = None
    """The channel whose place it takes (an attended transfer)."""


class StasisEnd(msgspec.Struct, frozen=True, tag_field="type", tag="StasisEnd"):
    """A channel has left the application: hung up, or sent on."""

    channel: Channel


class ChannelEnteredBridge(msgspec.Struct, frozen=True, tag_field="type", tag="ChannelEnteredBridge"):
    """A channel has come into a bridge."""

    bridge: Bridge
    channel: Channel


class ChannelLeftBridge(msgspec.Struct, frozen=True, tag_field="type", tag="ChannelLeftBridge"):
    """A channel has left a bridge."""

    bridge: Bridge
    channel: Channel


class BridgeDestroyed(msgspec.Struct, frozen=True, tag_field="type", tag="BridgeDestroyed"):
    """A bridge is gone."""

    bridge: Bridge


class ApplicationReplaced(msgspec.Struct, frozen=True, tag_field="type", tag="ApplicationReplaced"):
    """Another websocket has taken the application over; nothing more comes on this one."""

    application: str = ""


AriEvent = StasisStart | StasisEnd | ChannelEnteredBridge | ChannelLeftBridge | BridgeDestroyed | ApplicationReplaced


class _Kind(msgspec.Struct):
    type: str


_KIND = msgspec.json.Decoder(_Kind)

_WANTED: Mapping[str, msgspec.json.Decoder[AriEvent]] = {
    kind.__name__: msgspec.json.Decoder(kind)
    for kind in (StasisStart, StasisEnd, ChannelEnteredBridge, ChannelLeftBridge, BridgeDestroyed, ApplicationReplaced)
}

_BRIDGES = msgspec.json.Decoder(tuple[Bridge, ...])
_APPLICATION = msgspec.json.Decoder(Application)


def decode(text: str | bytes) -> AriEvent | None:
    """Read one message of the websocket.

    Returns:
        The event, or None when it is of a kind that the dialer does not need.

    Raises:
        AriGarbled: not JSON, not an ARI message, or a wanted field is missing or wrong: the server's fault.
    """
    try:
        decoder = _WANTED.get(_KIND.decode(text).type)
        return None if decoder is None else decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise AriGarbled(f"not an ARI event: {error}: {text[:80]!r}") from error


def decode_bridges(body: bytes) -> tuple[Bridge, ...]:
    """Read the answer to `GET /bridges`.

    Raises:
        AriGarbled: not a list of bridges: the server's fault.
    """
    try:
        return _BRIDGES.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise AriGarbled(f"not a list of bridges: {error}: {body[:80]!r}") from error


def decode_application(body: bytes) -> Application:
    """Read the answer to `GET /applications/<name>`.

    Raises:
        AriGarbled: not an application: the server's fault.
    """
    try:
        return _APPLICATION.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise AriGarbled(f"not an application: {error}: {body[:80]!r}") from error
