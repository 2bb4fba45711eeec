"""Settings that were changed at run time: kept until they are taken back, apart for every server."""

from dataclasses import replace

from outdial.setting_overrides import CAMPAIGN, CAMPAIGN_GROUP, Override, Place
from store.contract.story import NOW, opened

RING = Override(Place(CAMPAIGN_GROUP, 1, "ring_timeout_s"), 22.5, "user ada", NOW)
PORTS = Override(Place(CAMPAIGN_GROUP, 1, "number_of_cpd_ports"), 12, "token crm", NOW + 1)
MESSAGE = Override(Place(CAMPAIGN_GROUP, 2, "caller_id"), '"Ада & Söhne" <+15550100>', "user ада", NOW + 2)
WEIGHT = Override(Place(CAMPAIGN, 2, "weights.4"), 20, "user ada", NOW + 3)
DETECTION = Override(Place(CAMPAIGN_GROUP, 1, "call_progress_detection"), False, "user ada", NOW + 4)


async def test_what_is_kept_is_there_at_the_next_start(database):
    async with opened(database) as store:
        assert await store.setting_overrides("a") == ()
        await store.change_settings("a", [RING, WEIGHT, PORTS, MESSAGE, DETECTION], [])
    async with opened(database) as store:
        found = await store.setting_overrides("a")
        assert found == tuple(sorted([RING, WEIGHT, PORTS, MESSAGE, DETECTION], key=lambda each: each.place))
        assert [type(each.value) for each in found] == [int, bool, int, float, str]


async def test_a_later_word_takes_the_place_of_an_earlier_one(database):
    later = replace(RING, value=30, changed_by="user bob", changed_utc_ms=NOW + 9)
    async with opened(database) as store:
        await store.change_settings("a", [RING, PORTS], [])
        await store.change_settings("a", [later], [PORTS.place])
        assert await store.setting_overrides("a") == (later,)


async def test_taking_back_what_is_not_there_changes_nothing(database):
    async with opened(database) as store:
        await store.change_settings("a", [RING], [])
        await store.change_settings("a", [], [PORTS.place, WEIGHT.place])
        assert await store.setting_overrides("a") == (RING,)


async def test_servers_have_their_own(database):
    async with opened(database) as store:
        await store.change_settings("a", [RING], [])
        await store.change_settings("b", [replace(RING, value=9)], [])
        await store.change_settings("b", [], [RING.place])
        assert await store.setting_overrides("a") == (RING,)
        assert await store.setting_overrides("b") == ()
