"""AMI on the wire: bytes to messages, requests to bytes. Pure.

    Asterisk Call Manager/11.0.0\\r\\n                   the banner, once
    Event: Hangup\\r\\nUniqueid: 7\\r\\n\\r\\n               a message: lines `Key: value`, then an empty line
    Response: Success\\r\\nActionID: x\\r\\n\\r\\n           the answer to a request

Three choices, all *ours*:

1. Only CR LF ends a line. A lone CR or LF belongs to the value: values come from the public network (names of callers,
   SIP headers in user events), and whoever can send a line feed must not be able to write a line of our protocol.
2. For the same reason a line or a message that makes no sense is skipped and counted instead of ending the connection
   with all of its calls. Only a stream that makes no sense for long, `GARBLED_MAX` messages in a row, is given up.
3. Events nobody wants are skipped before they are parsed, by the name in their first line: a busy server sends ten of
   these for each one that matters.

Everything is bounded: what exceeds a bound raises `WireError`, and the connection must end.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from outdial.core.errors import OutdialError

# Largest message, without the empty line that ends it. Unit: bytes. Origin: an event has 0.3 to 2 kB.
MESSAGE_BYTES_MAX = 262_144

# Most lines of one message. Unit: lines. Origin: an event has 10 to 60, a `Command` response one for each output line.
LINES_MAX = 4_096

# Longest banner, with its CR LF. Unit: bytes. Origin: Asterisk's has 30.
BANNER_BYTES_MAX = 256

# Messages without sense in a row after which the stream is out of step for good. Unit: messages.
GARBLED_MAX = 100

# Longest line of a request, with CR LF. Unit: bytes. Origin: measured on 16.28 and 22.10, and dangerous beyond: the
# line is dropped, and what follows it is taken for a request of its own.
REQUEST_LINE_BYTES_MAX = 1_024

# Most lines of a request, `Action` among them. Unit: lines. Origin: measured on 16.28 and 22.10 (129 are refused).
REQUEST_LINES_MAX = 128

BANNER = b"Asterisk Call Manager"
"""How the first line begins, of the server and of proxies for it."""

_CRLF = b"\r\n"
_END = b"\r\n\r\n"
_EVENT = b"Event: "
_RESPONSE = b"Response: "
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_BREAKING = re.compile(r"[\r\n\0]")


class WireError(OutdialError):
    """What the server sends, or what is to be sent to it, breaks the protocol or one of its bounds."""

    code = "ami_wire"


@dataclass(frozen=True, slots=True)
class Message:
    """An event or a response.

    Attributes:
        event: name of the event; "" for a response.
        response: `Success`, `Error`, `Goodbye`, ...; "" for an event.
        fields: every line, the first one too. Shape: {key: value}; of a key that came more than once the last value.
        repeated: keys that came more than once, with all of their values in order.
    """

    event: str
    response: str
    fields: dict[str, str]
    repeated: dict[str, tuple[str, ...]]

    def values(self, key: str) -> tuple[str, ...]:
        """Every value of a key, in order, however often it came (`Output`, `ChanVariable`)."""
        if key in self.repeated:
            return self.repeated[key]
        return (self.fields[key],) if key in self.fields else ()


class Decoder:
    """One connection's incoming half. Feed it what arrives, cut wherever the network cut it.

    Attributes:
        banner: the server's first line, without CR LF; None until it is complete.
        garbled: messages that made no sense, wholly or in a line, so far.

    Invariant: the messages do not depend on how the stream is cut.
    """

    __slots__ = ("_buffer", "_garbled_in_a_row", "_searched", "_wanted", "banner", "garbled")

    def __init__(self, wanted: frozenset[str] | None = None) -> None:
        """Nothing has arrived yet.

        Args:
            wanted: names of events to return; None: all. Responses are always returned.
        """
        self.banner: str | None = None
        self.garbled = 0
        self._garbled_in_a_row = 0
        self._wanted = None if wanted is None else frozenset(name.encode() for name in wanted)
        self._buffer = bytearray()
        """The beginning of a message whose end has not arrived. At most MESSAGE_BYTES_MAX + 3 bytes."""
        self._searched = 0
        """How much of it is known to hold no end of a message."""

    def feed(self, data: bytes) -> list[Message]:
        """Take in bytes; return the messages that are complete now, oldest first.

        Raises:
            WireError: it is not the manager interface that speaks, or a bound is exceeded. Nothing more can be read.
        """
        if self.banner is None:
            rest = self._greet(data)
            if rest is None:
                return []
            data = rest
        blocks = self._complete(data)
        messages = []
        wanted = self._wanted
        for block in blocks:
            if block.startswith(_EVENT):
                if wanted is not None:
                    end = block.find(_CRLF)
                    if block[7 : end if end >= 0 else len(block)] not in wanted:
                        self._garbled_in_a_row = 0
                        continue
                messages.append(self._parse(block, is_event=True))
            elif block.startswith(_RESPONSE):
                messages.append(self._parse(block, is_event=False))
            elif block:
                self._skip_garbled(block)
        return messages

    def _greet(self, data: bytes) -> bytes | None:
        """Read the banner; return what follows it, None when it is not complete."""
        self._buffer += data
        end = self._buffer.find(_CRLF, 0, BANNER_BYTES_MAX)
        if end < 0:
            if len(self._buffer) >= BANNER_BYTES_MAX:
                raise WireError(f"no banner: {_shown(self._buffer)} is no line of at most {BANNER_BYTES_MAX} bytes")
            return None
        if not self._buffer.startswith(BANNER):
            raise WireError(f"not a manager interface: its banner is {_shown(self._buffer[:end])}")
        self.banner = self._buffer[:end].decode("utf-8", "replace")
        rest = bytes(self._buffer[end + 2 :])
        self._buffer.clear()
        return rest

    def _complete(self, data: bytes) -> list[bytes]:
        """Add to what is there and cut off complete messages. Linear in the stream, however small its pieces."""
        if self._buffer:
            self._buffer += data
            if self._buffer.find(_END, self._searched) < 0:
                self._check_rest()
                return []
            data = bytes(self._buffer)
            self._buffer.clear()
        blocks = data.split(_END)
        self._buffer += blocks.pop()
        self._check_rest()
        if len(data) > MESSAGE_BYTES_MAX and any(len(block) > MESSAGE_BYTES_MAX for block in blocks):
            raise WireError(f"a message of more than {MESSAGE_BYTES_MAX} bytes")
        return blocks

    def _check_rest(self) -> None:
        held = len(self._buffer)
        if held > MESSAGE_BYTES_MAX + 3:  # up to three bytes of its end may be there
            raise WireError(f"a message of more than {MESSAGE_BYTES_MAX} bytes")
        self._searched = max(0, held - 3)

    def _parse(self, block: bytes, *, is_event: bool) -> Message:
        self._garbled_in_a_row = 0
        lines = block.decode("utf-8", "replace").split("\r\n")
        if len(lines) > LINES_MAX:
            raise WireError(f"a message of more than {LINES_MAX} lines")
        repeated: dict[str, tuple[str, ...]] = {}
        try:
            fields = dict([line.split(": ", 1) for line in lines])
        except ValueError:  # a line without ": "
            fields = {}
        if len(fields) != len(lines):
            fields, repeated = self._parse_lines(lines)
        name = lines[0].partition(": ")[2]
        return Message(name, "", fields, repeated) if is_event else Message("", name, fields, repeated)

    def _parse_lines(self, lines: list[str]) -> tuple[dict[str, str], dict[str, tuple[str, ...]]]:
        """The slow way, for messages with repeated keys, `Key:` without a blank, or lines that make no sense."""
        values: dict[str, list[str]] = {}
        is_garbled = False
        for line in lines:
            key, separator, value = line.partition(": ")
            if not separator:
                key, separator, value = line.partition(":")
            if separator:
                values.setdefault(key, []).append(value)
            else:
                is_garbled = True
        self.garbled += is_garbled
        fields = {key: several[-1] for key, several in values.items()}
        return fields, {key: tuple(several) for key, several in values.items() if len(several) > 1}

    def _skip_garbled(self, block: bytes) -> None:
        self.garbled += 1
        self._garbled_in_a_row += 1
        if self._garbled_in_a_row >= GARBLED_MAX:
            raise WireError(f"{GARBLED_MAX} messages in a row without sense; the last begins with {_shown(block)}")


def encode(action: str, fields: Iterable[tuple[str, str]]) -> bytes:
    """A request as bytes.

    Args:
        action: name of the request.
        fields: its other lines, in order; a key may come more than once (`Variable`).

    Raises:
        WireError: a key is not made of letters, digits, `-` and `_`; a value holds CR, LF or NUL, with which it could
            write lines of its own, or cannot be written in UTF-8; a line or the request is too long.
    """
    lines = [_line("Action", action)]
    lines += [_line(key, value) for key, value in fields]
    if len(lines) > REQUEST_LINES_MAX:
        raise WireError(f"{action}: {len(lines)} lines, at most {REQUEST_LINES_MAX}")
    lines.append(_CRLF)
    return b"".join(lines)


def _line(key: str, value: str) -> bytes:
    if not _NAME.fullmatch(key):
        raise WireError(f"key {key!r}: allowed are letters, digits, '-' and '_'")
    if _BREAKING.search(value):
        raise WireError(f"{key}: {_value_shown(key, value)} holds a line break or NUL")
    try:
        line = f"{key}: {value}\r\n".encode()
    except UnicodeEncodeError:
        raise WireError(f"{key}: {_value_shown(key, value)} cannot be written in UTF-8") from None
    if len(line) > REQUEST_LINE_BYTES_MAX:
        raise WireError(f"{key}: a line of {len(line)} bytes, at most {REQUEST_LINE_BYTES_MAX}")
    return line


def _value_shown(key: str, value: str) -> str:
    return "the value" if key == "Secret" else _shown(value)


def _shown(text: bytes | bytearray | str, length_max: int = 60) -> str:
    """A piece of anything that is safe to show to an operator."""
    if not isinstance(text, str):
        text = text[: length_max + 1].decode("utf-8", "replace")
    return ascii(text[:length_max]) + ("..." if len(text) > length_max else "")
