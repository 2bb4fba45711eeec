"""The board out of the API's stream: server-sent events (WHATWG HTML, section 9.2) put together again."""

import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from outdial.api.board import Board
from outdial.client.transport import Transport

KEYS = {"groups": "dbid", "pools": "dialer", "nodes": "dbid", "agents": "dbid"}
"""Parts of the board that are told object by object, and what names these."""


class Event(NamedTuple):
    """One event of a stream."""

    kind: str
    data: str
    last_id: str


def events(lines: Iterable[str]) -> Iterator[Event]:
    """Events out of lines. Comments and fields that are not known are passed over."""
    kind, data, last_id = "message", list[str](), ""
    for line in lines:
        if not line:
            if data:
                yield Event(kind, "\n".join(data), last_id)
            kind, data = "message", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            kind = value
        elif name == "data":
            data.append(value)
        elif name == "id":
            last_id = value


def boards(transport: Transport) -> Iterator[Board]:
    """The board each time that it changes.

    Raises:
        NotReached: the stream has ended.
    """
    raw: dict[str, Any] | None = None
    for event in events(transport.lines("/stream", {"Accept": "text/event-stream"})):
        value = json.loads(event.data)
        if event.kind == "snapshot":
            raw = value
        elif event.kind == "change" and raw is not None:
            raw = changed(raw, value)
        else:
            continue
        yield Board.model_validate(raw)


def changed(board: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """A board after one change; what has gone goes, what is new stands at the end."""
    after = {**board, "utc_ms": change["utc_ms"]}
    removed = change.get("removed", {})
    for part, key in KEYS.items():
        objects = {each[key]: each for each in board[part]}
        for name in removed.get(part, ()):
            objects.pop(name, None)
        objects.update({each[key]: each for each in change.get(part, ())})
        after[part] = list(objects.values())
    for part in ("alarms", "stops"):
        if part in change:
            after[part] = change[part]
    return after
