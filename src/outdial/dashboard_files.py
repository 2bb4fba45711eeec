"""Where the dashboard's files are, and whether they are whole."""

from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("dashboard")
LACKING = (
    "The dashboard lacks its browser libraries: npm could not be reached when this copy was set up. "
    "`python browser/libraries.py` in the source tree fetches them."
)


def add_dashboard(app: Any) -> None:
    """Let an application of the API serve the dashboard, too, at every path that is not the API's.

    Args:
        app: a FastAPI application that has all its routes.
    """
    from outdial.api.pages import pages  # an ASGI library is slow to import, and not everybody serves pages

    # not mounted at the root, which would take everything that is no route, and tell it without a problem's shape
    app.router.routes.extend(pages(FOLDER).routes)


def lacking() -> str:
    """What a person should know about the dashboard. Empty: it is whole."""
    from outdial.api.pages import has_libraries

    return "" if has_libraries(FOLDER) else LACKING
