"""What campaign groups have learned, carried over from one start of `outdial serve` to the next.

The groups that want it are told what they knew; every few minutes and at the end what all of them know is saved. It is
not needed to dial: what cannot be read or written is told, and dialing goes on.
"""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path

from structlog.typing import FilteringBoundLogger

from outdial.config import Loaded
from outdial.config.groups import HOURS_MAX
from outdial.core.carry_over import has_dialed, learned
from outdial.core.commands import Command, Reply
from outdial.core.dialer import Dialer
from outdial.core.events import Event, StatisticsFound
from outdial.core.learned import Learned
from outdial.core.units import HOUR_MS, MINUTE_MS, GroupId, Millis, Now
from outdial.drivers.clock import Clock
from outdial.names import Names
from outdial.results_files import utc_text
from outdial.statistics_file import FILE_NAME, Saved, StatisticsError, read_statistics, reject, write_statistics

SAVE_MS: Millis = 5 * MINUTE_MS
"""Time between two savings: what a crash loses. Unit: ms."""


class ServeStatistics:
    """`statistics.json` while the server runs.

    Attributes:
        names: of the configuration in effect.
    """

    def __init__(self, folder: Path, core: Dialer, names: Names, clock: Clock, log: FilteringBoundLogger) -> None:
        """Read the file; a wrong one is moved out of the way.

        Args:
            folder: where the file is.
            core: the dialer, looked at between its steps.
            names: for the lines of the log.
            clock: what tells how old an entry is.
            log: where everything is told.
        """
        self.names = names
        self._path = folder / FILE_NAME
        self._core = core
        self._clock = clock
        self._log = log
        self._offered: dict[GroupId, None] = {}
        """Groups that have been looked up in this run."""
        self._saving: asyncio.Task[None] | None = None
        self._save_at_ms = clock.read().mono_ms + SAVE_MS
        self._is_failing = False
        self._saved = self._read()

    def _read(self) -> dict[GroupId, Saved]:
        try:
            return read_statistics(self._path)
        except StatisticsError as error:
            mistakes = list(error.mistakes)
        try:
            moved_to = str(reject(self._path))
        except StatisticsError as error:
            mistakes += error.mistakes
            moved_to = None
        self._log.warning("statistics rejected", mistakes=mistakes, moved_to=moved_to)
        return {}

    # --- at the start --------------------------------------------------------------------------------------------

    def found(self, loaded: Loaded) -> Iterator[tuple[GroupId, Learned]]:
        """What groups that are new in the configuration are to begin with."""
        utc_ms = self._clock.read().utc_ms
        for group_id, ms_max in loaded.statistics_ms_max.items():
            if group_id in self._offered:
                continue
            self._offered[group_id] = None
            saved = self._saved.get(group_id)
            if saved is None:
                self._log.info("statistics not used", group=self.names.group(group_id), why="none are saved")
            elif abs(utc_ms - saved.utc_ms) > ms_max:
                why = f"not of the last {ms_max / HOUR_MS:g} hours"
                self._log.info("statistics not used", **self._named(saved), why=why)
            else:
                yield group_id, saved.learned

    def observe(self, now: Now, event: Event, commands: Sequence[Command]) -> None:
        """Tell what the dialer has taken over. What it refuses is told as any refusal."""
        if isinstance(event, StatisticsFound) and any(isinstance(each, Reply) and each.ok for each in commands):
            saved = self._saved[event.group_id]
            self._log.info("statistics taken over", **self._named(saved), calls=saved.learned.calls.resolved)

    def _named(self, saved: Saved) -> dict[str, str]:
        return {"group": self.names.group(saved.group_id), "saved_utc": utc_text(saved.utc_ms)}

    # --- from then on --------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Save, if it is time and the last time is over."""
        mono_ms = self._clock.read().mono_ms
        if mono_ms >= self._save_at_ms and (self._saving is None or self._saving.done()):
            self._save_at_ms = mono_ms + SAVE_MS
            self._saving = asyncio.create_task(self._save())

    async def finish(self) -> None:
        """Save for the last time."""
        if self._saving is not None:
            await self._saving
        await self._save()

    async def _save(self) -> None:
        """Look at the dialer now, write beside the loop."""
        if not self._look_at_groups():
            return
        try:
            await asyncio.to_thread(write_statistics, self._path, list(self._saved.values()))
        except StatisticsError as error:
            if not self._is_failing:
                self._log.warning("statistics not saved", text=str(error), consequence="dialing goes on")
            self._is_failing = True
        else:
            self._is_failing = False

    def _look_at_groups(self) -> bool:
        """Take down what the groups that have dialed know now. Returns whether there are any."""
        state, utc_ms = self._core.state, self._clock.read().utc_ms
        fresh = {
            group_id: Saved(group_id, group.settings.name, utc_ms, learned(state, group))
            for group_id, group in state.groups.items()
            if has_dialed(group) and group.odds.resolved
        }
        year_ms = HOURS_MAX * HOUR_MS
        kept = {group_id: saved for group_id, saved in self._saved.items() if abs(utc_ms - saved.utc_ms) < year_ms}
        self._saved = {**kept, **fresh}
        return bool(fresh)
