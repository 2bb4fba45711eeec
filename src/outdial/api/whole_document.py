"""The OpenAPI document of an API that has every part, without a server: for the reference page and for generators."""

from typing import Any

from outdial import __version__
from outdial.api.app import make_app
from outdial.api.parts import ApiParts


def whole_document() -> dict[str, Any]:
    """The document. Shape: OpenAPI 3.1."""
    return make_app(unasked_parts()).openapi()


def unasked_parts() -> ApiParts:
    """Every part, for an application that nobody asks anything but who may ask."""
    part: Any = _Unasked()
    return ApiParts(
        dialer=part,
        board=part,
        access=part,
        audit=part,
        version=__version__,
        desks=part,
        settings=part,
        configuration_file=part,
        record_reasons=part,
        accounts=part,
        store=part,
    )


class _Unasked:
    """Stands for a part: routes are made with it, and nobody asks them."""

    def __getattr__(self, name: str) -> Any:
        return self
