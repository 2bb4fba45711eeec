"""Settings of a demonstration: changed while it runs, in memory."""

import asyncio

import pytest

from outdial.api.problems import Problem
from outdial.changed_settings import ChangedSettings
from outdial.core.errors import ConfigError
from outdial.core.events import ConfigurationLoaded, Event
from outdial.demo_scene import DemoOptions, load_scene
from outdial.demo_settings import settings_of_demo
from outdial.drivers.clock import SystemClock


def fine(tag: str) -> None:
    """Whatever is there."""


def stale(tag: str) -> None:
    raise Problem(412, "precondition_failed", tag)


def test_a_change_is_checked_and_takes_effect():
    told: list[Event] = []
    changing = settings_of_demo(load_scene(DemoOptions(), SystemClock()), told.append)
    assert changing is not None
    settings = ChangedSettings(changing)
    group_id = changing.setup.configuration.campaign_groups[0].dbid

    async def story() -> None:
        before = await settings.of("campaign-group", group_id)
        assert before is not None
        after = await settings.change("campaign-group", group_id, {"ring_timeout_s": 11}, "ada", fine)
        [ring] = [each for each in after.settings if each.name == "ring_timeout_s"]
        assert (ring.value, ring.overridden_by, after.tag != before.tag) == (11, "ada", True)
        with pytest.raises(ConfigError):
            await settings.change("campaign-group", group_id, {"ring_timeout_s": 1}, "ada", fine)
        with pytest.raises(Problem):
            await settings.change("campaign-group", group_id, {"ring_timeout_s": 12}, "ada", stale)
        back = await settings.change("campaign-group", group_id, {"ring_timeout_s": None}, "ada", fine)
        assert back.tag == before.tag
        assert await settings.of("campaign-group", 999) is None

    asyncio.run(story())
    rings = [event.configuration.campaign_groups[0].ring_ms_max for event in told]
    assert (len(rings), rings[0]) == (2, 11_000)
    first = told[-1]
    assert isinstance(first, ConfigurationLoaded)
    assert first.configuration == load_scene(DemoOptions(), SystemClock()).configuration
