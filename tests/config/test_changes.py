"""Settings that are changed at run time: checked like the file, laid over it, left out when they fit no more."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config_samples import PIECES, added, changed, text_with
from outdial.config import Loaded, loads
from outdial.config.changes import CAMPAIGN_SETTINGS, GROUP_SETTINGS, check_names, fitting, lay_over, settings_of
from outdial.config.groups import CampaignGroupTable
from outdial.config.options import option_of
from outdial.core.aims import AimKind
from outdial.core.errors import ConfigError
from outdial.core.modes import DialingMode
from outdial.setting_overrides import CAMPAIGN, CAMPAIGN_GROUP, Override, Place

TEXT = text_with()


def change(name: str, value: object, kind: str = CAMPAIGN_GROUP, dbid: int = 1) -> Override:
    """A word of Ada's."""
    return Override(Place(kind, dbid, name), value, "user ada", 1_800_000_000_000)


def load(*overrides: Override, text: str = TEXT) -> Loaded:
    return loads(text, "test.toml", Path(), overrides)


def mistakes(*overrides: Override, text: str = TEXT) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(*overrides, text=text)
    return caught.value.mistakes


@pytest.mark.parametrize(
    "name, value, field, expected",
    [
        ("dialing_mode", "progressive", "dialing_mode", DialingMode.PROGRESSIVE),
        ("number_of_cpd_ports", 12, "number_of_cpd_ports", 12),
        ("ring_timeout_s", 20, "ring_ms_max", 20_000),
        ("ring_timeout_s", 20.5, "ring_ms_max", 20_500),
        ("optimization_value", 2, "overdial_ratio_max", 0.02),
        ("maximum_calls_per_agent", 1.5, "calls_per_agent_max_millis", 1_500),
        ("progressive_multiplier", 1.2, "progressive_multiplier_millis", 1_200),
        ("call_wait_in_queue_timeout", 1, "call_wait_in_queue_ms_max", 1_000),
        ("call_progress_detection", False, "call_progress_detection", False),
        ("caller_id", "+15550100", "caller_id", "+15550100"),
    ],
)
def test_a_change_is_as_if_it_stood_in_the_file(name: str, value: object, field: str, expected: object) -> None:
    [group] = load(change(name, value)).configuration.campaign_groups
    assert expected == getattr(group, field)


def test_what_the_file_says_in_whatever_spelling_is_replaced() -> None:
    for spelled in ("Number of CPD Ports", "number_of_cpd_ports", "number-of-cpd-ports"):
        text = added("group", f'"{spelled}" = 5')
        assert 5 == load(text=text).configuration.campaign_groups[0].number_of_cpd_ports
        assert (
            7 == load(change("number_of_cpd_ports", 7), text=text).configuration.campaign_groups[0].number_of_cpd_ports
        )


def test_changes_depend_on_each_other_as_options_do() -> None:
    [group] = load(
        change("optimization_target", "busy-factor"), change("optimization_value", 85)
    ).configuration.campaign_groups
    assert (AimKind.BUSY_FACTOR, 0.85) == (group.aim, group.aim_value)
    assert "missing" in mistakes(change("optimization_target", "busy-factor"))[0]


def test_weights_of_lists() -> None:
    for entry in ('"customers"', "1", "{ calling-list = 'customers', weight = 30 }", "{ calling_list = 1 }"):
        text = changed("campaign", '["customers"]', f"[{entry}]")
        [campaign] = load(change("weights.1", 44, CAMPAIGN), text=text).configuration.campaigns
        assert ((1, 44),) == campaign.lists
    assert "weight" in mistakes(change("weights.1", 101, CAMPAIGN))[0]


def test_the_limit_of_a_campaign() -> None:
    assert 25_000 == load(change("abandonment_limit", 2.5, CAMPAIGN)).configuration.campaigns[0].abandonment_limit_ppm


def test_every_mistake_is_told_at_once_in_the_words_of_the_file() -> None:
    assert [
        "test.toml: campaign-group[east].number-of-cpd-ports = -1: out of range; allowed: a whole number 0 … 1,000,000",
        "test.toml: campaign-group[east].ring-timeout-s = true: wrong type (a boolean); allowed: a number 5 … 180",
    ] == sorted(mistakes(change("number_of_cpd_ports", -1), change("ring_timeout_s", True)))
    assert "has no effect in dialing mode" in mistakes(change("asm_channel_num", 3))[0]


def test_changes_of_objects_that_are_gone_wait_and_are_told() -> None:
    loaded = load(change("ring_timeout_s", 20, dbid=9), change("weights.8", 20, CAMPAIGN))
    assert 2 == sum("waits" in note for note in loaded.notes)
    assert loaded.configuration == load().configuration


def test_the_parsed_file_stays_as_it_is() -> None:
    raw = tomllib.loads(TEXT)
    lay_over(raw, [change("ring_timeout_s", 20), change("weights.1", 20, CAMPAIGN)])
    assert tomllib.loads(TEXT) == raw


# --- what there is to change --------------------------------------------------------------------------------------


def test_settings_are_told_with_what_is_allowed() -> None:
    found_settings = settings_of(tomllib.loads(added("group", "ring-timeout-s = 30")), CAMPAIGN_GROUP, 1)
    assert found_settings is not None
    assert [setting.name for setting in found_settings] == list(GROUP_SETTINGS)
    found = {setting.name: setting for setting in found_settings}
    assert (30, "seconds", "a number 5 … 180") == (
        found["ring_timeout_s"].value,
        found["ring_timeout_s"].unit,
        found["ring_timeout_s"].allowed,
    )
    assert ("predictive", None) == (found["dialing_mode"].value, found["asm_channel_num"].value)
    of_campaign = settings_of(tomllib.loads(TEXT), CAMPAIGN, 1)
    assert of_campaign is not None
    assert [("abandonment_limit", None), ("weights.1", 10)] == [(each.name, each.value) for each in of_campaign]
    assert settings_of(tomllib.loads(TEXT), CAMPAIGN, 2) is None


def test_every_option_of_a_group_is_either_changeable_or_the_files() -> None:
    kept = {"dbid", "name", "campaign", "agent_group", "dialer", "statistics_carry_over_hours", "start"}
    assert kept == set(CampaignGroupTable.model_fields) - set(GROUP_SETTINGS)
    assert all(option_of(info).core for info in (*GROUP_SETTINGS.values(), *CAMPAIGN_SETTINGS.values()))


def test_names_that_there_are_not() -> None:
    found_settings = settings_of(tomllib.loads(TEXT), CAMPAIGN_GROUP, 1) or []
    check_names(found_settings, ["ring_timeout_s"], "group")
    with pytest.raises(ConfigError) as caught:
        check_names(found_settings, ["ring_timout_s", "dialer"], "group")
    assert ['did you mean "ring_timeout_s"?', "cannot be changed at run time"] == [
        part
        for line in caught.value.mistakes
        for part in ('did you mean "ring_timeout_s"?', "cannot be changed at run time")
        if part in line
    ]


# --- changes that do not fit any more -----------------------------------------------------------------------------


def groups(count: int) -> str:
    """So many groups that differ in their names."""
    pieces = [PIECES["group"].replace("dbid = 1", f"dbid = {n}").replace("east", f"g{n}") for n in range(1, count + 1)]
    return text_with(group="".join(pieces))


def test_what_makes_the_file_wrong_is_left_out_and_the_rest_kept() -> None:
    text = groups(9)
    fine = [change("ring_timeout_s", 20, dbid=n) for n in range(1, 10)]
    wrong = [change("asm_channel_num", 3, dbid=4), change("maximum_queue_size", 9, dbid=7)]
    reads = 0

    def read(overrides):
        nonlocal reads
        reads += 1
        return load(*overrides, text=text)

    loaded, left_out = fitting(read, [*fine, *wrong])
    rings = {group.dbid: group.ring_ms_max for group in loaded.configuration.campaign_groups}
    assert {n: 25_000 if n in (4, 7) else 20_000 for n in range(1, 10)} == rings
    assert {(4, "asm_channel_num"), (4, "ring_timeout_s"), (7, "maximum_queue_size"), (7, "ring_timeout_s")} == {
        (override.place.dbid, override.place.name) for override, _ in left_out
    }
    assert all("has no effect" in mistake for _, mistake in left_out)
    assert reads < 20


def test_a_file_with_mistakes_of_its_own_is_refused_for_those() -> None:
    wrong = TEXT.replace("channel_num = 60", "channel_num = -60")
    with pytest.raises(ConfigError) as caught:
        fitting(lambda overrides: load(*overrides, text=wrong), [change("asm_channel_num", 3)])
    assert 1 == len(caught.value.mistakes)
    assert "channel_num" in caught.value.mistakes[0]


def test_nothing_changed_is_read_once() -> None:
    override = change("ring_timeout_s", 20)
    loaded, left_out = fitting(lambda overrides: load(*overrides), [override])
    assert [] == left_out
    assert loaded.configuration == load(override).configuration
    assert replace(loaded, notes=()) == replace(load(override), notes=())


# --- the rule: over the file is as good as in the file ------------------------------------------------------------

VALUES = {
    "dialing_mode": st.sampled_from([*(mode.value for mode in DialingMode), "fast"]),
    "number_of_cpd_ports": st.integers(-1, 50) | st.booleans(),
    "asm_channel_num": st.integers(-1, 20),
    "maximum_queue_size": st.integers(0, 20),
    "optimization_target": st.sampled_from([*(kind.value for kind in AimKind), "gain"]),
    "optimization_value": st.integers(-1, 101) | st.floats(0, 100, allow_nan=False).map(lambda value: round(value, 2)),
    "overdial_rate_max": st.integers(0, 100),
    "progressive_multiplier": st.sampled_from([0.5, 1, 1.25, 15, 16]),
    "maximum_calls_per_agent": st.sampled_from([0, 1.5, 1.0005]),
    "ring_timeout_s": st.integers(4, 181),
    "call_progress_detection": st.booleans() | st.just("yes"),
    "drop_message": st.sampled_from(["", "sorry", "a b"]),
    "minimum_record_buffer": st.integers(0, 300),
    "optimal_record_buffer": st.integers(1, 300),
    "caller_id": st.sampled_from(["+15550100", "x"]),
}


def outcome(text: str, overrides: list[Override]) -> tuple[object, ...]:
    """The configuration, or its mistakes."""
    try:
        loaded = load(*overrides, text=text)
    except ConfigError as error:
        return ("mistakes", *sorted(error.mistakes))
    return ("fine", loaded.configuration, loaded.notes)


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional=VALUES))
def test_a_change_over_the_file_is_as_good_as_one_in_it(values: dict[str, Any]) -> None:
    base = text_with(group=PIECES["group"].replace('dialing-mode = "predictive"\n', ""))
    in_file = {"dialing_mode": "predictive", **values}
    lines = [f"{option_of(GROUP_SETTINGS[name]).spelling} = {json.dumps(value)}\n" for name, value in in_file.items()]
    over_it = [change(name, value) for name, value in values.items()]
    assert outcome(base + "".join(lines), []) == outcome(base + 'dialing-mode = "predictive"\n', over_it)
