"""The API as one ASGI application: routes, one file per resource, all under `/v1`.

No interactive documentation is served, as it would load scripts from elsewhere; the document itself is at
`/v1/openapi.json`.
"""

from fastapi import FastAPI

from outdial.api import (
    account_routes,
    agents,
    cluster,
    configuration,
    decisions,
    desk,
    desk_acts,
    groups,
    observability,
    problems,
    settings,
    store_side,
    stream,
    webhooks,
    why,
)
from outdial.api.document import describe
from outdial.api.parts import ApiParts
from outdial.api.protection import protect

PREFIX = "/v1"
DESCRIPTION = """The API of an outbound contact server. Instants are UTC in milliseconds, durations milliseconds, rates
shares of 1. Objects are named by their DBID. Refusals are problem details (RFC 9457)."""
REFUSALS = {
    status: {"model": problems.ProblemView, "content": {problems.MEDIA_TYPE: {}}, "description": text}
    for status, text in (
        (400, "The request cannot be read."),
        (401, "Nobody has been recognised."),
        (403, "The caller lacks a scope."),
        (404, "There is no such object, or not for this caller."),
        (409, "The state of things forbids it."),
        (413, "The body is too large."),
        (422, "Wrong values, all of them named."),
        (429, "Too much at once; `Retry-After` says when to try again."),
        (503, "Not now; try again."),
    )
}


def make_app(parts: ApiParts) -> FastAPI:
    """Put the application together."""
    app = FastAPI(
        title="outdial",
        version=parts.version,
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=dict(REFUSALS),  # type: ignore[arg-type]
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    app.state.access = parts.access
    problems.install(app)
    for resource in (
        *(groups, cluster, agents, desk, desk_acts, stream),
        *(settings, configuration, decisions, why, observability, webhooks),
    ):
        app.include_router(resource.router(parts), prefix=PREFIX)
    if parts.store is not None:
        for routes in store_side.routers(parts.store, parts.audit):
            app.include_router(routes, prefix=PREFIX)
    for made in account_routes.routers(parts):
        app.include_router(made, prefix=PREFIX)
    protect(app, parts.access, parts.accounts, parts.protection)
    describe(app)
    return app
