"""The configuration file over the API: read, tried, and replaced as a whole."""

import asyncio
import contextlib
import hashlib
import os
import tempfile
from dataclasses import asdict
from pathlib import Path

from outdial.api.configuration_file import ConfigurationChanges, DifferenceView, FileNow
from outdial.api.entity_tags import CheckTag, quoted
from outdial.config.loading import text_of
from outdial.configuration_differences import differences
from outdial.core.errors import OutdialError
from outdial.serve_setup import Setup, read_setup_with, unchanged_notes
from outdial.service_configuration import ServiceConfiguration

PREVIOUS = ".previous"
"""End of the name of the file that was replaced."""


class NotWritten(OutdialError):
    """The configuration file cannot be written."""

    code = "not_written"


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
