"""Rule profiles: those that come with outdial, those of a file, and campaign groups that do not keep them."""

import datetime

import pytest

from config_samples import PIECES, added, mistakes_in, text_with
from outdial.config import loads
from outdial.config.rules_check import own_profiles
from outdial.core.dial_rules import dial_rules
from outdial.core.rules import RuleProfile
from outdial.core.units import HOUR_MS

HOUR_S = 3_600
EIGHT_TO_NINE = ((8 * HOUR_S, 21 * HOUR_S),) * 7


def rules_in(text: str) -> tuple[RuleProfile, ...]:
    return loads(text).configuration.calling_lists[0].rules


def only(text: str) -> str:
    [mistake] = mistakes_in(text)
    return mistake


# --- those of outdial ----------------------------------------------------------------------------------------------


def test_every_profile_of_outdial_says_where_it_comes_from_and_what_to_check():
    assert list(own_profiles()) == ["neutral", "uk-ofcom", "us-fl", "us-reg-f", "us-tsr-tcpa"]
    for name, row in own_profiles().items():
        table = row.table
        assert table.title and table.version and table.remarks, name
        assert table.sources or name == "neutral", name


def test_a_list_that_names_no_rules_has_the_neutral_ones_which_limit_nothing():
    rules = dial_rules(loads(text_with("")).configuration.calling_lists[0])
    assert rules.labels == ("neutral 2026-11-22",)
    assert rules.is_plain


def test_federal_rules_of_the_united_states():
    [profile] = rules_in(added("list", 'rules = ["us-tsr-tcpa"]'))
    assert profile.week == EIGHT_TO_NINE
    assert (profile.ring_ms_min, profile.connect_ms_max) == (15_000, 2_000)
    assert (profile.abandonment_ratio_max, profile.abandonment_days) == (0.03, 30)
    assert not profile.needs_facts


def test_florida_builds_on_the_federal_rules_and_the_strictest_holds():
    configuration = loads(added("list", 'rules = ["us-fl"]')).configuration
    rules = dial_rules(configuration.calling_lists[0])
    assert rules.labels == ("us-fl 2026-11-22", "us-tsr-tcpa 2026-11-22")
    assert rules.week == ((8 * HOUR_S, 20 * HOUR_S),) * 7
    assert [(window_ms, limit) for window_ms, limit in rules.rolling] == [(24 * HOUR_MS, (3, "us-fl"))]
    assert configuration.calling_lists[0].rules[1].ring_ms_min == 15_000


def test_debt_collection():
    rules = dial_rules(loads(added("list", 'rules = ["us-reg-f"]')).configuration.calling_lists[0])
    assert rules.rolling == ((7 * 24 * HOUR_MS, (7, "us-reg-f")),)
    assert rules.after_conversation == (7 * 24 * HOUR_MS, "us-reg-f")


@pytest.mark.parametrize("agent_first", [False, True])
def test_united_kingdom_leaves_numbers_alone_unless_an_agent_is_there_first(agent_first):
    calling_list = loads(added("list", 'rules = ["uk-ofcom"]')).configuration.calling_lists[0]
    rules = dial_rules(calling_list, agent_first=agent_first)
    assert rules.after_abandoned == (None if agent_first else (72 * HOUR_MS, "uk-ofcom"))
    assert rules.machine_day == ("" if agent_first else "uk-ofcom")
    assert rules.needs_facts


def test_rules_of_the_campaign_hold_besides_those_of_its_lists():
    configuration = loads(added("campaign", 'rules = ["us-reg-f"]')).configuration
    [campaign] = configuration.campaigns
    rules = dial_rules(configuration.calling_lists[0], campaign.rules)
    assert rules.labels == ("neutral 2026-11-22", "us-reg-f 2026-11-22")


# --- own profiles --------------------------------------------------------------------------------------------------

OWN = """
[[closed-days]]
name = "germany"
dates = ["12-25", "2026-04-03", "02-29"]

[[rule-profile]]
name = "house"
title = "What we promise"
version = "2026-03-01"
on-top-of = ["us-tsr-tcpa"]
closed-days = ["germany"]
attempts-life-max = 10
attempts-day-max = 2
consent-required = true

[[rule-profile.hours]]
days = ["mon", "tue", "wed", "thu", "fri"]
from = "09:00"
till = "20:00"

[[rule-profile.hours]]
days = ["sat"]
from = "10:00"
till = "14:00"
"""


def test_own_profile_with_weekdays_and_closed_days():
    own, federal = rules_in(added("list", 'rules = ["house"]') + OWN)
    assert federal.name == "us-tsr-tcpa"
    assert own.week == (*((9 * HOUR_S, 20 * HOUR_S),) * 5, (10 * HOUR_S, 14 * HOUR_S), (0, 0))
    [days] = own.closed_days
    dates = [datetime.date.fromordinal(day + datetime.date(1970, 1, 1).toordinal()) for day in days.days]
    assert datetime.date(2026, 4, 3) in dates and datetime.date(2027, 4, 3) not in dates
    assert [date.year for date in dates if (date.month, date.day) == (12, 25)] == list(range(2020, 2041))
    assert [date.year for date in dates if (date.month, date.day) == (2, 29)] == list(range(2020, 2041, 4))
    assert (own.attempts_life_max, own.attempts_day_max, own.consent_required) == (10, 2, True)


def test_an_own_profile_has_another_version_with_every_change_of_its_limits():
    texts = (OWN, OWN.replace("attempts-day-max = 2", "attempts-day-max = 3"), OWN.replace('"12-25"', '"12-26"'))
    versions = [rules_in(added("list", 'rules = ["house"]') + text)[0].version for text in (*texts, OWN)]
    assert len(set(versions)) == 3 and versions[0] == versions[3]
    assert all(version.startswith("2026-03-01.") for version in versions)


def test_closed_days_of_a_list():
    _, closed = rules_in(added("list", 'closed-days = ["germany"]') + OWN)
    assert closed.name == "closed-days germany"
    assert len(closed.closed_days[0].days) == 21 + 1 + 6


# --- mistakes ------------------------------------------------------------------------------------------------------

HEAD = '[[rule-profile]]\nname = "{}"\nversion = "2026-01-01"\n'


@pytest.mark.parametrize(
    "text, wrong",
    [
        (
            added("list", 'rules = ["us-fI"]'),
            'calling-list[customers].rules[#1] = "us-fI": there is no such rule profile',
        ),
        (added("campaign", 'rules = ["none"]'), 'campaign[spring].rules[#1] = "none": there is no such rule profile'),
        (added("list", 'closed-days = ["x"]'), 'calling-list[customers].closed-days[#1] = "x": there are no such days'),
        (text_with(HEAD.format("us-fl")), 'rule-profile[us-fl].name = "us-fl": one of outdial\'s own'),
        (text_with(2 * HEAD.format("a")), 'rule-profile[a, #2].name = "a": used twice'),
        (text_with(HEAD.format("a") + 'on-top-of = ["a"]'), "rule-profile[a].on-top-of: builds on itself"),
        (text_with(HEAD.format("a") + 'on-top-of = ["b"]'), 'rule-profile[a].on-top-of[#1] = "b": there is no such'),
        (
            text_with(HEAD.format("a") + "attempts-24h-max = 101"),
            "rule-profile[a].attempts-24h-max = 101: out of range",
        ),
        (text_with('[[rule-profile]]\nname = "a"\nversion = "soon"'), 'version = "soon": not a date'),
        (
            text_with('[[closed-days]]\nname = "a"\ndates = ["2026-02-30"]'),
            'dates[#1] = "2026-02-30": there is no such day',
        ),
        (text_with('[[closed-days]]\nname = "a"\ndates = ["13-01"]'), 'dates[#1] = "13-01": there is no such day'),
        (
            text_with(HEAD.format("a") + '[[rule-profile.hours]]\nfrom = "20:00"\ntill = "08:00"'),
            'till = "08:00": not later than from',
        ),
        (
            text_with(HEAD.format("a") + '[[rule-profile.hours]]\ndays = ["mon", "mon"]\nfrom = 0\ntill = 10'),
            "days: mon is named twice",
        ),
    ],
)
def test_mistakes_of_rules(text, wrong):
    assert wrong in only(text)


def test_profiles_that_build_on_each_other_are_each_a_mistake():
    text = text_with(HEAD.format("a") + 'on-top-of = ["b"]\n' + HEAD.format("b") + 'on-top-of = ["a"]')
    found = mistakes_in(text)
    assert [mistake.split(":")[0] for mistake in found] == ["rule-profile[a].on-top-of", "rule-profile[b].on-top-of"]


# --- campaign groups -----------------------------------------------------------------------------------------------


def with_group(*lines: str, rules: str = "us-tsr-tcpa") -> str:
    return text_with(list=PIECES["list"] + f'rules = ["{rules}"]\n', group=PIECES["group"] + "\n".join(lines))


@pytest.mark.parametrize(
    "line, wrong",
    [
        ("ring-timeout-s = 14.9", "ring-timeout-s = 14.9: shorter than {by} allows; allowed: at least 15"),
        (
            "call_wait_in_queue_timeout = 3",
            "call_wait_in_queue_timeout = 3: longer than {by} allows; allowed: at most 2",
        ),
        ("abandonment-s-max = 2.5", "abandonment-s-max = 2.5: longer than {by} allows; allowed: at most 2"),
        (
            "optimization-value = 3.5",
            "optimization-value = 3.5: more abandoned persons than {by} allows; allowed: at most 3",
        ),
        (
            'optimization-target = "busy-factor"\noptimization-value = 80\noverdial-rate-max = 4',
            "overdial-rate-max = 4: more abandoned persons than {by} allows; allowed: at most 3",
        ),
    ],
)
@pytest.mark.parametrize("rules", ["us-tsr-tcpa", "us-fl"])
def test_group_that_does_not_keep_the_rules_of_its_lists(line, wrong, rules):
    source = "16 CFR 310.4(b)(4) (FTC Telemarketing Sales Rule): abandoned calls, ringing, wait for an agent"
    expected = "campaign-group[east]." + wrong.format(by=f"us-tsr-tcpa ({source})")
    assert only(with_group(line, rules=rules)) == expected


def test_rules_of_the_campaign_count_too():
    text = text_with(
        campaign=PIECES["campaign"] + 'rules = ["us-tsr-tcpa"]\n', group=PIECES["group"] + "ring-timeout-s = 10"
    )
    assert "shorter than us-tsr-tcpa" in only(text)


def test_the_ledgers_limit_of_a_campaign_keeps_the_rules():
    campaign = PIECES["campaign"] + 'rules = ["us-tsr-tcpa"]\nabandonment-limit = '
    loads(text_with(campaign=campaign + "3\n"))
    assert "campaign[spring].abandonment-limit = 3.1: more abandoned persons than us-tsr-tcpa (16 CFR" in only(
        text_with(campaign=campaign + "3.1\n")
    )
    loaded = loads(text_with(campaign=campaign.replace("us-tsr-tcpa", "uk-ofcom") + "5\n"))
    assert any("aims at; allowed: at most 3" in note for note in loaded.notes)


def test_limits_of_pacing_do_not_concern_preview():
    preview = PIECES["group"].replace('"predictive"', '"preview"') + "call_wait_in_queue_timeout = 5\n"
    loads(text_with(list=PIECES["list"] + 'rules = ["us-tsr-tcpa"]\n', group=preview))
    none = PIECES["campaign"] + "abandonment-windows = []\n"
    loads(text_with(list=PIECES["list"] + 'rules = ["us-tsr-tcpa"]\n', campaign=none, group=preview))


@pytest.mark.parametrize(
    "windows, days, is_kept",
    [
        ('["30-days"]', 30, True),
        ('["day"]', 30, True),
        ('["24-hours", "life"]', 30, True),
        ("[]", 30, False),
        ('["life"]', 30, False),
        ('["life"]', 366, False),
        ('["30-days"]', 7, False),
        ('["30-days"]', 90, True),
        ('["30-days", "day"]', 1, True),
        ("[]", 0, True),
    ],
)
def test_a_window_of_the_campaign_is_as_short_as_the_time_over_which_the_rules_take_the_share(windows, days, is_kept):
    profile = f'[[rule-profile]]\nname = "a"\nversion = "2026-01-01"\nabandonment-days = {days}\n'
    campaign = PIECES["campaign"] + f'rules = ["a"]\nabandonment-windows = {windows}\n'
    limit, aim = "abandonment-percent-max = 3\n", "abandonment-percent-aim = 3\n"
    loads(text_with(campaign=campaign) + profile)  # without a share there is nothing to keep
    wrong = f"abandonment-windows: none keeps the share of abandoned persons over {days} days, as a ("
    noted = [note for note in loads(text_with(campaign=campaign) + profile + aim).notes if "abandonment-win" in note]
    if is_kept:
        loads(text_with(campaign=campaign) + profile + limit)
        assert noted == []
    else:
        found = only(text_with(campaign=campaign) + profile + limit)
        assert wrong in found and 'with one of "day", "24-hours"' in found
        assert ('"30-days"' in found.partition("allowed")[2]) is (days >= 30)
        assert len(noted) == 1 and wrong in noted[0]


def test_the_kingdoms_share_is_one_of_a_day():
    noted = [note for note in loads(with_group(rules="uk-ofcom")).notes if "abandonment-windows" in note]
    assert len(noted) == 1 and "over a day, as uk-ofcom (" in noted[0]
    by_day = PIECES["campaign"] + 'abandonment-windows = ["day"]\n'
    assert loads(text_with(list=PIECES["list"] + 'rules = ["uk-ofcom"]\n', campaign=by_day)).notes == ()


def test_an_aim_is_a_note():
    loaded = loads(with_group("optimization-value = 5", rules="uk-ofcom"))
    [note] = [note for note in loaded.notes if "optimization-value" in note]
    assert "more abandoned persons than uk-ofcom" in note and "aims at" in note
