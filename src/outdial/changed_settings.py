"""Settings on top of a configuration file, for the API: what counts, what the file says, and changing it."""

import asyncio
import hashlib
import json
import time
import tomllib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from outdial.api.entity_tags import CheckTag, quoted
from outdial.api.problems import not_found
from outdial.api.running_settings import Kind, ObjectSettings, SettingView, Value
from outdial.config.changes import Setting, check_names, lay_over, settings_of
from outdial.setting_overrides import Override, Place


class LaidOver(Protocol):
    """A configuration file with what was changed on top of it."""

    @property
    def text(self) -> str:
        """The file."""
        ...

    @property
    def overrides(self) -> tuple[Override, ...]:
        """What was changed and is in effect."""
        ...

    @property
    def left_out(self) -> tuple[tuple[Override, str], ...]:
        """What was changed and has no effect, with a mistake each."""
        ...


S = TypeVar("S", bound=LaidOver)


class Changing(Protocol, Generic[S]):
    """A configuration that can be changed while it is in effect."""

    setup: S
    """What is in effect."""

    async def change(self, read: Callable[[], Coroutine[Any, Any, S]]) -> S:
        """Have another one take effect, when its turn has come; nothing else changes while it is read."""
        ...

    async def read_changed(
        self, overrides: Sequence[Override], kept: Sequence[Override], taken_back: Sequence[Place]
    ) -> S:
        """The file in effect under other changes; these are kept if they are good.

        Args:
            overrides: all changes that are to count.
            kept: those of them that are new.
            taken_back: what counts no more.

        Raises:
            ConfigError: mistakes: all of them; nothing is kept.
        """
        ...


class ChangedSettings(Generic[S]):
    """`outdial.api.running_settings.RunningSettings` of a configuration that can be changed."""

    def __init__(self, configuration: Changing[S]) -> None:
        """Nothing is parsed yet."""
        self._configuration = configuration
        self._parsed: tuple[str, dict[str, Any]] = ("", {})

    async def of(self, kind: Kind, dbid: int) -> ObjectSettings | None:
        """See `RunningSettings.of`."""
        return self._told(self._configuration.setup, await self._parse(), kind, dbid)

    async def change(
        self, kind: Kind, dbid: int, values: Mapping[str, Value | None], by: str, check_tag: CheckTag
    ) -> ObjectSettings:
        """See `RunningSettings.change`."""

        async def read() -> S:
            before, raw = self._configuration.setup, await self._parse()
            now = self._told(before, raw, kind, dbid)
            if now is None:
                raise not_found(f"{kind} {dbid}")
            check_tag(now.tag)
            check_names(settings_of(raw, kind, dbid) or [], values, f"{kind} {dbid}")
            return await self._read(before, kind, dbid, values, by)

        setup = await self._configuration.change(read)
        found = self._told(setup, await self._parse(), kind, dbid)
        assert found is not None  # the file is as it was
        return found

    async def _read(self, before: LaidOver, kind: Kind, dbid: int, values: Mapping[str, Value | None], by: str) -> S:
        """Check the changes together with those that there are; keep them if they are good."""
        utc_ms = time.time_ns() // 1_000_000
        own = {each.place: each for each in _all(before) if (each.place.kind, each.place.dbid) == (kind, dbid)}
        kept, taken_back = [], []
        for name, value in values.items():
            place = Place(kind, dbid, name)
            if value is None:
                taken_back.append(place)
                own.pop(place, None)
            else:
                own[place] = Override(place, value, by, utc_ms)
                kept.append(own[place])
        others = [each for each in before.overrides if (each.place.kind, each.place.dbid) != (kind, dbid)]
        overrides = sorted([*others, *own.values()], key=lambda each: each.place)
        return await self._configuration.read_changed(overrides, kept, taken_back)

    async def _parse(self) -> dict[str, Any]:
        """The file in effect, parsed once."""
        text = self._configuration.setup.text
        if self._parsed[0] != text:
            self._parsed = text, await asyncio.to_thread(tomllib.loads, text.removeprefix("\ufeff"))
        return self._parsed[1]

    def _told(self, setup: LaidOver, raw: Mapping[str, Any], kind: Kind, dbid: int) -> ObjectSettings | None:
        in_file = settings_of(raw, kind, dbid)
        now = settings_of(lay_over(raw, setup.overrides)[0], kind, dbid)
        if in_file is None or now is None:
            return None
        by_place = {each.place: each for each in _all(setup)}
        reasons = {each.place: mistake for each, mistake in setup.left_out}
        views = []
        for was, setting in zip(in_file, now, strict=True):
            place = Place(kind, dbid, setting.name)
            views.append(_view(setting, was, by_place.get(place), reasons.get(place)))
        digest = json.dumps([(each.name, each.value, each.file_value, each.since_utc_ms) for each in views])
        return ObjectSettings(quoted(hashlib.sha256(digest.encode()).hexdigest()[:16]), tuple(views))


def _all(setup: LaidOver) -> list[Override]:
    """Changes that are in effect, and those that are left out."""
    return [*setup.overrides, *(override for override, _ in setup.left_out)]


def _view(setting: Setting, was: Setting, override: Override | None, left_out: str | None) -> SettingView:
    return SettingView(
        name=setting.name,
        value=setting.value,
        file_value=was.value,
        unit=setting.unit,
        allowed=setting.allowed,
        choices=setting.choices,
        text=setting.text,
        overridden_by=None if override is None else override.changed_by,
        since_utc_ms=None if override is None else override.changed_utc_ms,
        left_out=left_out,
    )
