"""Settings of a demonstration that are changed while it runs: checked as those of a server, kept in memory only."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from outdial.config import loads
from outdial.core.events import ConfigurationLoaded, Event
from outdial.core.settings import Configuration
from outdial.far_side import FarSide
from outdial.record_shares import share_records
from outdial.setting_overrides import Override, Place


@dataclass(frozen=True, slots=True)
class DemoSetup:
    """The shipped scenario with what was changed."""

    text: str
    configuration: Configuration
    overrides: tuple[Override, ...] = ()
    left_out: tuple[tuple[Override, str], ...] = ()


class DemoSettings:
    """What is in effect in a demonstration: `outdial.changed_settings.Changing`.

    Attributes:
        setup: what that is.
    """

    def __init__(
        self, file: Path, text: str, configuration: Configuration, records: int, tell: Callable[[Event], None]
    ) -> None:
        """Nothing is changed.

        Args:
            file: the scenario; paths in it are relative to its folder.
            text: what it says.
            configuration: what the dialer was given of it.
            records: records of all lists together.
            tell: gives the dialer a fact.
        """
        self.setup = DemoSetup(text, configuration)
        self._file = file
        self._records = records
        self._tell = tell
        self._turn = asyncio.Lock()

    async def change(self, read: Callable[[], Coroutine[Any, Any, DemoSetup]]) -> DemoSetup:
        """See `Changing.change`."""
        async with self._turn:
            setup = await read()
            self._tell(ConfigurationLoaded(setup.configuration))
            self.setup = setup
            return setup

    async def read_changed(
        self, overrides: Sequence[Override], kept: Sequence[Override], taken_back: Sequence[Place]
    ) -> DemoSetup:
        """See `Changing.read_changed`."""
        text = self.setup.text
        loaded = await asyncio.to_thread(loads, text, self._file.name, self._file.parent, overrides)
        return DemoSetup(text, share_records(loaded.configuration, self._records), tuple(overrides))


def settings_of_demo(scene: FarSide, tell: Callable[[Event], None]) -> DemoSettings | None:
    """Settings that may be changed in a demonstration. None: none."""
    if scene.scenario is None:
        return None
    file, text = scene.scenario
    records = sum(state.source.count for state in scene.lists.by_id.values())
    return DemoSettings(file, text, scene.configuration, records, tell)
