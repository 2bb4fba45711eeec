"""Build hook: a wheel holds the dashboard's browser libraries, so they are fetched before it is made."""

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class BrowserLibraries(BuildHookInterface):  # type: ignore[misc]
    """Runs libraries.py for everything but an editable install, which reads the source tree."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fetch the libraries; a build without them ends here, with the reason."""
        if version == "editable":
            return
        place = Path(__file__).with_name("libraries.py")
        found = importlib.util.spec_from_file_location("libraries", place)
        assert found is not None and found.loader is not None
        libraries = importlib.util.module_from_spec(found)
        found.loader.exec_module(libraries)
        try:
            libraries.put(libraries.VENDOR)
        except libraries.Unavailable as error:
            raise SystemExit(
                f"outdial: the wheel needs its browser libraries, and they cannot be had: {error}"
            ) from error
