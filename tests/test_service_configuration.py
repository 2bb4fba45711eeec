"""Changes of a running server's configuration: one after the other, all or nothing, and nobody waits for ever."""

import asyncio
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fake_store import HeardLog
from outdial.core.errors import ConfigError
from outdial.serve_changes import NotWritten, write_in_place_of
from outdial.serve_setup import Setup, read_setup
from outdial.service_configuration import WAITING_MAX, ServerEnds, ServiceConfiguration, TooManyChanges
from serve_samples import PASSWORD, write_configuration


class Desk:
    """A configuration between a fake database and a service that notes what takes effect."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = HeardLog()
        self.told: list[str] = []
        self.effects: list[tuple[str, str]] = []
        self.woken = asyncio.Event()
        store = SimpleNamespace(setting_overrides=self._nothing)
        records: Any = SimpleNamespace(store=store, add_lists=self._nothing)
        watch: Any = SimpleNamespace(
            reloading=lambda: self.told.append("reloading"), reloaded=lambda: self.told.append("reloaded")
        )
        log: Any = self.log
        self.error: Exception | None = None
        self.configuration = ServiceConfiguration(path, read_setup(path), records, log, watch, self.woken.set)

    async def _nothing(self, _: object) -> list[Any]:
        return []

    async def take_effect(self, before: Setup) -> None:
        if self.error is not None:
            raise self.error
        self.effects.append((before.text[-3:], self.configuration.setup.text[-3:]))

    async def follow(self, steps: int = 2) -> None:
        """Whatever waits: reads it, and has it take effect."""
        for _ in range(steps):
            await asyncio.wait_for(self.woken.wait(), 10)
            self.woken.clear()
            await self.configuration.follow(self.take_effect)

    def another(self, end: str) -> Any:
        """Reads a configuration that ends so."""

        async def read() -> Setup:
            return replace(self.configuration.setup, text=f"#{end}")

        return read


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setenv("OUTDIAL_TEST_PASSWORD", PASSWORD)
    return write_configuration(tmp_path)


def run(work) -> None:
    asyncio.run(work)


def test_a_reload_is_said_twice_and_read_once(path):
    async def story() -> None:
        desk = Desk(path)
        path.write_text(path.read_text() + "# 1")
        desk.configuration.reload()
        desk.configuration.reload()
        await desk.follow()
        await desk.configuration.follow(desk.take_effect)
        assert [new for _, new in desk.effects] == ["# 1"]
        assert (desk.told, desk.log.events) == (["reloading", "reloaded"], ["reloaded"])

    run(story())


def test_a_file_with_mistakes_changes_nothing(path):
    async def story() -> None:
        desk = Desk(path)
        path.write_text("wrong")
        desk.configuration.reload()
        before = desk.configuration.setup
        await desk.follow()
        assert (desk.configuration.setup, desk.effects, desk.log.events) == (before, [], ["not reloaded"])
        assert desk.told == ["reloading", "reloaded"]

    run(story())


def test_changes_take_effect_one_after_the_other(path):
    async def story() -> None:
        desk = Desk(path)
        first = asyncio.create_task(desk.configuration.change(desk.another("1st")))
        second = asyncio.create_task(desk.configuration.change(desk.another("2nd")))
        await asyncio.sleep(0)
        await desk.follow()
        assert (await first).text == "#1st"
        assert not second.done()
        desk.woken.set()
        await desk.follow()
        assert (await second).text == "#2nd"
        assert desk.effects[-1] == ("1st", "2nd")

    run(story())


def test_who_asks_for_what_is_wrong_is_told(path):
    async def story() -> None:
        desk = Desk(path)

        async def wrong() -> Setup:
            raise ConfigError(["a: wrong"])

        asked = asyncio.create_task(desk.configuration.change(wrong))
        await asyncio.sleep(0)
        await desk.follow()
        with pytest.raises(ConfigError):
            await asked
        assert desk.log.events == []

    run(story())


def test_a_bug_ends_the_service_and_nobody_waits(path):
    async def story() -> None:
        desk = Desk(path)
        desk.error = RuntimeError("planted")
        asked = asyncio.create_task(desk.configuration.change(desk.another("1st")))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await desk.follow()
        with pytest.raises(ServerEnds):
            await asked

    run(story())


def test_the_end_of_the_server_ends_all_waiting(path):
    async def story() -> None:
        desk = Desk(path)
        never = asyncio.Event()

        async def slow() -> Setup:
            await never.wait()
            return desk.configuration.setup

        asked = [asyncio.create_task(desk.configuration.change(each)) for each in (slow, desk.another("2nd"))]
        await asyncio.sleep(0)
        await desk.follow(1)
        desk.configuration.close()
        for task in asked:
            with pytest.raises(ServerEnds):
                await task
        with pytest.raises(ServerEnds):
            await desk.configuration.change(slow)

    run(story())


def test_so_many_changes_are_not_taken(path):
    async def story() -> None:
        desk = Desk(path)
        asked = [asyncio.create_task(desk.configuration.change(desk.another("x"))) for _ in range(WAITING_MAX)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyChanges):
            await desk.configuration.change(desk.another("y"))
        desk.configuration.close()
        await asyncio.gather(*asked, return_exceptions=True)

    run(story())


# --- writing the file ---------------------------------------------------------------------------------------------


def test_the_file_is_replaced_at_once_and_the_old_one_is_kept(tmp_path):
    path = tmp_path / "outdial.toml"
    path.write_text("1")
    path.chmod(0o600)
    for text in ("2", "3"):
        write_in_place_of(path, text)
    assert (path.read_text(), (tmp_path / "outdial.toml.previous").read_text()) == ("3", "2")
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == ["outdial.toml", "outdial.toml.previous"]


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "etc").mkdir()
    real, link = tmp_path / "etc" / "real.toml", tmp_path / "outdial.toml"
    real.write_text("1")
    link.symlink_to(real)
    write_in_place_of(link, "2")
    assert (link.is_symlink(), real.read_text()) == (True, "2")


def test_what_cannot_be_written_leaves_everything_as_it_was(tmp_path):
    path = tmp_path / "outdial.toml"
    path.write_text("1")
    (tmp_path / "outdial.toml.previous").mkdir()
    with pytest.raises(NotWritten, match="cannot be written"):
        write_in_place_of(path, "2")
    assert path.read_text() == "1"
    assert not list(tmp_path.glob(".*"))
