"""Pages of long answers: `cursor` says where the page before has ended, `next_cursor` where this one has.

A cursor is opaque to the client: what was given is given back. It stays good while records are added or finished.
"""

from typing import Annotated

from fastapi import Query

from outdial.api.problems import Problem

PAGE = 100
"""Entries of a page when nobody says how many."""
PAGE_MAX = 1_000
_DIGITS_MAX = 18

Cursor = Annotated[
    str | None, Query(max_length=40, description="`next_cursor` of the page before. Default: the first.")
]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX, description="Entries of the page, at most.")]


def place_of(cursor: str | None) -> int:
    """Number of the last entry of the page before; 0: there was none.

    Raises:
        Problem: no page has ended like this.
    """
    if cursor is None:
        return 0
    if cursor.isascii() and cursor.isdigit() and len(cursor) <= _DIGITS_MAX:
        return int(cursor)
    mistake = f"query.cursor: {cursor!r} is not the next_cursor of a page"
    raise Problem(422, "invalid_request", "the request has mistakes", mistakes=[mistake])
