"""Optimistic concurrency: who changes something says which version of it they have seen (RFC 9110, section 13)."""

from typing import Annotated, Any

from fastapi import Header

from outdial.api.entity_tags import CheckTag
from outdial.api.problems import MEDIA_TYPE, Problem, ProblemView

HEADER_CHARACTERS_MAX = 1_000

IfMatch = Annotated[
    str,
    Header(
        alias="If-Match",
        max_length=HEADER_CHARACTERS_MAX,
        description="Demanded: the `ETag` of what the change is based on. `*`: whatever is there.",
        examples=['"5f1d7a84c2b9e0d3"'],
    ),
]
PRECONDITIONS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemView, "content": {MEDIA_TYPE: {}}, "description": text}
    for status, text in (
        (412, "Somebody has changed it meanwhile."),
        (428, "The header If-Match is missing."),
    )
}
"""Refusals of routes that want `If-Match`."""


def checking(if_match: str) -> CheckTag:
    """The check that a request asks for.

    Raises:
        Problem: 428, it names no version.
    """
    if not if_match:
        raise Problem(428, "precondition_required", "header If-Match is missing: the ETag of what was read before")
    tags = {tag.strip() for tag in if_match.split(",")}

    def check(tag: str) -> None:
        if tags.isdisjoint((tag, "*")):
            raise Problem(
                412, "precondition_failed", f"somebody has changed it meanwhile: it is {tag} now; read it again"
            )

    return check
