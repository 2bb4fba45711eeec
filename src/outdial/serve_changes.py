"""Changes over the API: settings on top of the configuration file, and the file itself."""

import asyncio
import contextlib
import hashlib
import json
import os
import tempfile
import time
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from outdial.api.configuration_file import ConfigurationChanges, DifferenceView, FileNow
from outdial.api.entity_tags import CheckTag, quoted
from outdial.api.problems import not_found
from outdial.api.running_settings import Kind, ObjectSettings, SettingView, Value
from outdial.config.changes import Setting, check_names, lay_over, settings_of
from outdial.config.loading import text_of
from outdial.configuration_differences import differences
from outdial.core.errors import OutdialError
from outdial.serve_setup import Setup, read_setup, read_setup_with, unchanged_notes
from outdial.service_configuration import ServiceConfiguration
from outdial.setting_overrides import Override, Place

PREVIOUS = ".previous"
"""End of the name of the file that was replaced."""


class NotWritten(OutdialError):
    """The configuration file cannot be written."""

    code = "not_written"


class ServeSettings:
    """Settings of the running server: `outdial.api.running_settings.RunningSettings`."""

    def __init__(self, configuration: ServiceConfiguration) -> None:
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

        async def read() -> Setup:
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

    async def _read(self, before: Setup, kind: Kind, dbid: int, values: Mapping[str, Value | None], by: str) -> Setup:
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
        path = self._configuration.path
        setup = await asyncio.to_thread(read_setup, path, before.text, overrides)
        await self._configuration.records.store.change_settings(self._configuration.server, kept, taken_back)
        left_out = tuple(each for each in before.left_out if (each[0].place.kind, each[0].place.dbid) != (kind, dbid))
        # what the operator has been told of the file before is not news
        return replace(setup, left_out=left_out, notes=())

    async def _parse(self) -> dict[str, Any]:
        """The file in effect, parsed once."""
        text = self._configuration.setup.text
        if self._parsed[0] != text:
            self._parsed = text, await asyncio.to_thread(tomllib.loads, text.removeprefix("\ufeff"))
        return self._parsed[1]

    def _told(self, setup: Setup, raw: Mapping[str, Any], kind: Kind, dbid: int) -> ObjectSettings | None:
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


def _all(setup: Setup) -> list[Override]:
    """Changes that are in effect, and those that are left out."""
    return [*setup.overrides, *(override for override, _ in setup.left_out)]


def _view(setting: Setting, was: Setting, override: Override | None, left_out: str | None) -> SettingView:
    return SettingView(
        name=setting.name,
        value=setting.value,
        file_value=was.value,
        unit=setting.unit,
        allowed=setting.allowed,
        text=setting.text,
        overridden_by=None if override is None else override.changed_by,
        since_utc_ms=None if override is None else override.changed_utc_ms,
        left_out=left_out,
    )


class ServeFile:
    """The configuration file of the running server: `outdial.api.configuration_file.ConfigurationFile`."""

    def __init__(self, configuration: ServiceConfiguration) -> None:
        """Nothing is read yet."""
        self._configuration = configuration

    async def read(self) -> FileNow:
        """See `ConfigurationFile.read`."""
        text = await asyncio.to_thread(text_of, self._configuration.path)
        return FileNow(text, tag_of(text), text == self._configuration.setup.text)

    async def check(self, text: str) -> ConfigurationChanges:
        """See `ConfigurationFile.check`."""
        configuration = self._configuration
        overrides = await configuration.records.store.setting_overrides(configuration.server)
        setup = await asyncio.to_thread(read_setup_with, configuration.path, overrides, text)
        return _changes(configuration.setup, setup)

    async def replace(self, text: str, check_tag: CheckTag) -> ConfigurationChanges:
        """See `ConfigurationFile.replace`."""
        configuration = self._configuration
        changes: list[ConfigurationChanges] = []

        async def read() -> Setup:
            check_tag((await self.read()).tag)
            setup = await configuration.read_again(text)
            changes.append(_changes(configuration.setup, setup))
            await asyncio.to_thread(write_in_place_of, configuration.path, text)
            return setup

        await configuration.change(read)
        return changes[0]


def _changes(before: Setup, after: Setup) -> ConfigurationChanges:
    return ConfigurationChanges(
        differences=[DifferenceView(**asdict(each)) for each in differences(before.loaded, after.loaded)],
        notes=[*after.notes, *unchanged_notes(before, after)],
        tag=tag_of(after.text),
    )


def tag_of(text: str) -> str:
    """Entity tag of a file's content."""
    return quoted(hashlib.sha256(text.encode()).hexdigest()[:16])


def write_in_place_of(path: Path, text: str) -> None:
    """Put a text in the place of a file, at once or not at all; the old one is beside it as `….previous`.

    Raises:
        NotWritten: it cannot be written; the file is as it was.
    """
    path = path.resolve()  # a link stays a link
    new = None
    try:
        handle, new = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _like(new, path)
        _keep(path)
        os.replace(new, path)
        _sync(path.parent)
    except OSError as error:
        if new is not None:
            with contextlib.suppress(OSError):
                os.unlink(new)
        raise NotWritten(f"{path}: cannot be written: {error.strerror or error}") from error


def _like(new: str, old: Path) -> None:
    """Who may read it stays the same."""
    found = old.stat()
    os.chmod(new, found.st_mode & 0o7777)
    with contextlib.suppress(PermissionError):
        os.chown(new, found.st_uid, found.st_gid)


def _keep(path: Path) -> None:
    """The old file gets a second name, which takes the place of an earlier one."""
    spare = path.with_name(f".{path.name}{PREVIOUS}")
    spare.unlink(missing_ok=True)
    os.link(path, spare)
    try:
        os.replace(spare, path.with_name(path.name + PREVIOUS))
    except OSError:
        spare.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
