"""A feed as server-sent events (WHATWG HTML, section 9.2)."""

import hashlib
from collections.abc import AsyncIterator, Callable

from starlette.requests import Request
from starlette.responses import StreamingResponse

from outdial.api.feed import Feed, Message

HEARTBEAT_S = 15.0
"""Longest silence. Unit: seconds. Origin: proxies cut connections that are silent for 30 to 60 s."""
GOLDEN_RATIO = 0.618034
"""Its multiples are spread evenly, however many there are."""
RETRY_MS = 1_000
"""When a browser connects again. Unit: ms."""
LAST_ID_CHARACTERS_MAX = 64
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def event_stream(
    request: Request, feed: Feed, audience: frozenset[str] | None, snapshot: Callable[[], str]
) -> StreamingResponse:
    """Stream a feed to one listener, from where it left off or from a whole snapshot.

    Args:
        request: may carry `Last-Event-ID`.
        feed: what is streamed.
        audience: campaigns that exist for the listener. None: all.
        snapshot: how things stand, as JSON in one line: the message `snapshot`, which comes first.
    """
    last_id = request.headers.get("last-event-id", "")[:LAST_ID_CHARACTERS_MAX]
    return StreamingResponse(
        _messages(feed, audience, snapshot, last_id), media_type="text/event-stream", headers=HEADERS
    )


async def _messages(
    feed: Feed, audience: frozenset[str] | None, snapshot: Callable[[], str], last_id: str
) -> AsyncIterator[str]:
    mark = mark_of(audience)
    with feed.listen() as listener:  # first: what comes while the snapshot is written must not be missed
        yield f"retry: {RETRY_MS}\n\n"
        missed = feed.missed(last_id.removesuffix(mark)) if last_id.endswith(mark) else None
        seen = feed.number  # what the queue has of it is not told twice
        if missed is None:
            yield f"event: snapshot\nid: {feed.id_of(seen)}{mark}\ndata: {snapshot()}\n\n"
        for message in missed or ():
            yield _event(feed, message, audience, mark)
        while not listener.is_dropped:
            message_or_none = await listener.next(silence_s(listener.key, HEARTBEAT_S))
            if message_or_none is not None:
                if message_or_none.number > seen:
                    yield _event(feed, message_or_none, audience, mark)
            elif not listener.is_dropped:
                yield ": still here\n\n"


def silence_s(key: int, longest_s: float) -> float:
    """How long a stream may be silent: streams that fell silent together must not all speak up in the same instant.

    Args:
        key: tells it from other streams.
        longest_s: most that it may be. Unit: seconds.

    Returns:
        Three quarters of that, or up to all of it.
    """
    return longest_s * (0.75 + 0.25 * (key * GOLDEN_RATIO % 1))


def mark_of(audience: frozenset[str] | None) -> str:
    """What ids end with: who sees other campaigns than before begins anew, or would miss what has not changed since."""
    if audience is None:
        return ""
    return "." + hashlib.sha256("\0".join(sorted(audience)).encode()).hexdigest()[:8]


def _event(feed: Feed, message: Message, audience: frozenset[str] | None, mark: str) -> str:
    data = message.encode(audience)
    if not data:
        return f": {message.number}\n\n"
    return f"event: {message.kind}\nid: {feed.id_of(message.number)}{mark}\ndata: {data}\n\n"
