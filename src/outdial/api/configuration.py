"""The configuration file: read it, try a new one, put it into effect."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from outdial.api.access import Caller, Scope, needs
from outdial.api.configuration_file import ConfigurationChanges, ConfigurationFile
from outdial.api.parts import ApiParts
from outdial.api.preconditions import PRECONDITIONS, IfMatch, checking
from outdial.api.problems import Problem

BYTES_MAX = 4 * 2**20
"""Largest configuration that is taken over the API. Unit: bytes. Ours."""
TOML = "application/toml"
TAKEN_TYPES = (TOML, "text/plain", "application/octet-stream")

Admin = Annotated[Caller, Depends(needs(Scope.ADMIN))]
DryRun = Annotated[bool, Query(description="Only say what would change.")]
BODY = {"required": True, "content": {TOML: {"schema": {"type": "string", "maxLength": BYTES_MAX}}}}


def router(parts: ApiParts) -> APIRouter:
    """Routes under `/configuration`."""
    routes = APIRouter(prefix="/configuration", tags=["configuration"])

    def file_for(caller: Caller) -> ConfigurationFile:
        if caller.campaigns is not None:
            raise Problem(403, "forbidden", f"{caller.name} may see some campaigns only, and the file has all of them")
        if parts.configuration_file is None:
            raise Problem(409, "not_changeable", "this server has no configuration file")
        return parts.configuration_file

    @routes.get(
        "",
        summary="The configuration file; it holds no passwords",
        response_class=Response,
        responses={200: {"content": {TOML: {"schema": {"type": "string"}}}, "description": "The file."}},
    )
    async def get_configuration(caller: Admin) -> Response:
        found = await file_for(caller).read()
        in_effect = "true" if found.is_in_effect else "false"
        return Response(found.text, media_type=TOML, headers={"ETag": found.tag, "Outdial-In-Effect": in_effect})

    @routes.put(
        "",
        summary="Put another configuration file into effect; the old one is kept beside it",
        responses={**PRECONDITIONS, 413: PRECONDITIONS[412] | {"description": "More than 4 MiB."}},
        openapi_extra={"requestBody": BODY},
    )
    async def put_configuration(
        request: Request, caller: Admin, response: Response, dry_run: DryRun = False, if_match: IfMatch = ""
    ) -> ConfigurationChanges:
        file = file_for(caller)
        text = await _text_of(request)
        if dry_run:
            return await file.check(text)
        before = await file.read()
        changes = await file.replace(text, checking(if_match))
        await parts.audit.note(
            caller,
            "configuration.replace",
            "configuration",
            {"tag": before.tag},
            {"tag": changes.tag, "differences": [each.model_dump() for each in changes.differences]},
        )
        response.headers["ETag"] = changes.tag
        return changes

    return routes


async def _text_of(request: Request) -> str:
    """The body, as far as it may be long."""
    kind = request.headers.get("content-type", TOML).partition(";")[0].strip().lower()
    if kind not in TAKEN_TYPES:
        raise Problem(415, "unsupported_media_type", f"the body is {kind[:100]}; allowed: {TOML}")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > BYTES_MAX:
            raise Problem(413, "too_large", f"the body has more than {BYTES_MAX:,} bytes")
        parts.append(part)
    if not size:
        raise Problem(422, "invalid_request", "the body is empty; it has to be the whole configuration file")
    try:
        return b"".join(parts).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Problem(422, "invalid_request", f"the body is not UTF-8: byte {error.start}") from error
