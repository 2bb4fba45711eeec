"""What the benchmark says about ports: sums worked out by hand, and days whose ports are known otherwise."""

import json
import math

import pytest

MINUTE_MS = 60_000


def alone(part):
    """A worker without other processes."""

    class Alone(part("measure").Workers):
        def each(self, work, tasks):
            return [work(task) for task in tasks]

    return Alone(1, lambda text: None)


# --- calls in flight ----------------------------------------------------------------------------------------------


def test_calls_are_counted_as_often_before_decisions_as_after_them(part):
    """A big group decides once a second. What an hour has more than its first half is attempts times their length."""
    model, ours = part("model"), part("ours")
    half, hour = (
        model.run_day(model.Cell(100, 0.2, day_ms=minutes * MINUTE_MS), ours.Ours(model.Cell(100, 0.2)), seed=1)
        for minutes in (30, 50)
    )
    in_flight = (hour.calls_ms - half.calls_ms) / (20 * MINUTE_MS)
    assert sum(hour.port_samples) / len(hour.port_samples) == pytest.approx(in_flight, rel=0.01)


def test_formula_is_measured_against_days_of_both_ways_of_dialing(part, monkeypatch):
    a_priori = part("demand.a_priori")
    monkeypatch.setattr(a_priori, "HITS", (0.20,))
    monkeypatch.setattr(a_priori, "TALKS_MS", (60_000,))
    monkeypatch.setattr(a_priori, "SEEDS", {10: 4, 30: 1})
    whole = a_priori.Cell
    monkeypatch.setattr(a_priori, "Cell", lambda agents, hit: whole(agents, hit, day_ms=60 * MINUTE_MS))
    text, rows = a_priori.part(alone(part), agents=(10,), factor=0.5)
    assert [(row.mode, row.agents, row.days) for row in rows] == [("predictive", 10, 2), ("progressive", 10, 2)]
    assert all(abs(row.dialing.error) < 0.15 and row.dialing_peak.actual > row.dialing.actual for row in rows)
    assert text.count("| 20% | 60 | 10 |") == 2
    json.dumps(part("measure").as_json(rows), allow_nan=False)


def test_error_of_a_guess_is_a_part_of_what_was(part):
    guess = part("demand.a_priori").Guess
    assert guess(9.0, 10.0).error == pytest.approx(-0.1)
    assert guess(11.0, 10.0).error == pytest.approx(0.1)


# --- a step of the hit ratio --------------------------------------------------------------------------------------


def test_estimate_has_arrived_when_it_is_first_within_a_tenth(part):
    steps = part("demand.steps")
    at = steps.STEP_AT_MS
    path = {at - 5_000: 10.0, at: 20.0, at + 5_000: 11.2, at + 10_000: 10.9, at + 15_000: 12.0}
    assert steps._arrival(path, rest=10.0) == 10
    assert math.isinf(steps._arrival(path, rest=5.0))


def test_what_never_arrives_is_said_so(part):
    steps = part("demand.steps")
    row = steps.Step(10, 2.0, "beyond doubt", 1, None, None, 40.0, 1.9, 0.05)
    assert "| 10 | × 2 | beyond doubt | 1 | never | never | 40 | 1.90 | 0.050 |" in steps._table([row])
    json.dumps(part("measure").as_json([row]), allow_nan=False)


# --- one pool for many groups -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "ports, weights, parts",
    [
        (10, [1, 1], [5, 5]),
        (10, [12, 6], [7, 3]),
        (11, [1, 1, 1], [4, 4, 3]),
        (5, [100, 1, 1], [4, 1, 1]),
    ],
)
def test_a_split_is_whole_and_leaves_nobody_without_a_port(part, ports, weights, parts):
    assert part("demand.pools")._whole(ports, weights) == parts


def test_sharing_by_need_is_compared_at_the_split_s_abandonment(part):
    """0.3 %: of limits at which 0.1 % and 0.5 % are lost, half of the time each: talk of 10 and 12 hours is 11."""
    pools = part("demand.pools")
    share, way = pools.Share, pools.Way
    split = way("by agents", 2, False, 0.03)
    runs = {
        split: [share(10.0, 0.002, 0.4), share(10.0, 0.004, 0.4)],
        split._replace(shares="by need"): [share(13.0, 0.02, 0.5)] * 2,
        split._replace(shares="by need", limit=0.01): [share(12.5, 0.005, 0.5), share(11.5, 0.005, 0.5)],
        split._replace(shares="by need", limit=0.003): [share(10.5, 0.001, 0.5), share(9.5, 0.001, 0.5)],
    }
    row = pools._row(split, runs)
    assert (row.ahead, row.ahead_error, row.ahead_lost) == pytest.approx((0.10, 0.05, 0.003))


def test_sharing_by_need_that_abandons_less_anyway_is_compared_as_it_is(part):
    pools = part("demand.pools")
    split = pools.Way("equal parts", 2, False, 0.03)
    runs = {split: [pools.Share(10.0, 0.02, 0.4)], split._replace(shares="by need"): [pools.Share(12.0, 0.01, 0.5)]}
    row = pools._row(split, runs)
    assert (row.ahead, row.ahead_error, row.ahead_lost) == (pytest.approx(0.2), None, 0.01)


def test_lower_limits_are_run_only_where_they_are_needed(part, monkeypatch):
    """By need abandons 2 % at its limit of 3 %, the splits 2 % of five groups, but none of two."""
    pools = part("demand.pools")
    asked = []

    def share(task):
        way, _ = task
        asked.append(way)
        lost = {0.03: 0.02, 0.01: 0.005, 0.003: 0.0}[way.limit]
        return pools.Share(10.0, 0.0 if way.groups == 2 and way.shares != "by need" else lost, 0.4)

    monkeypatch.setattr(pools, "share", share)
    monkeypatch.setattr(pools, "SEEDS", {2: 1, 5: 1})
    text, rows = pools.part(alone(part), agents=(), factor=1.0)
    assert {way.limit for way in asked if way.groups == 5} == {0.03}
    assert {way.limit for way in asked if way.groups == 2 and way.shares == "by need"} == {0.03, 0.01, 0.003}
    assert all(row.ahead_lost == (0.0 if row.groups == 2 else 0.02) for row in rows if row.shares != "by need")
    assert "| 2 | 18 | 10 | half | equal parts | 3 % | 1 | 10.00 @ 0.00 | 40.0% | +0.0 % | 0.00 |" in text
    json.dumps(part("measure").as_json(rows), allow_nan=False)


def test_groups_share_one_pool_in_the_engine(part, monkeypatch):
    """Five minutes of two groups: agents talk, and every way uses the same records, agents and ports."""
    pools = part("demand.pools")
    monkeypatch.setattr(pools, "TIME_MS", 5 * MINUTE_MS)
    ways = [pools.Way(shares, 2, False, 0.03) for shares in pools.SHARES]
    ports = [sum(group.number_of_cpd_ports for group in pools._configuration(way).campaign_groups) for way in ways]
    assert ports == [0, 10, 10]
    assert all(pools._configuration(way).switches[0].channel_num == 10 for way in ways)
    assert all(pools.share((way, 1)).talk_h > 0.3 for way in ways)


def test_picture_of_pools_is_the_same_each_time(part, tmp_path):
    pytest.importorskip("matplotlib")
    ways = [("by need", 0.0, 0.01), ("equal parts", 0.1, 0.0), ("by agents", -0.02, 0.02)]
    rows = [
        {"groups": groups, "moves": moves, "shares": way, "limit": 0.03, "ahead": ahead, "lost": lost}
        for groups in (2, 20)
        for moves in (False, True)
        for way, ahead, lost in ways
    ]
    plots = part("plots")
    pictures = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        assert plots.draw({"pools": rows}, tmp_path / name) == [str(tmp_path / name / "pools.svg")]
        pictures.append((tmp_path / name / "pools.svg").read_text(encoding="utf-8"))
    assert pictures[0] == pictures[1]
    assert all(
        words in pictures[0] for words in ("by agents", "abandoned at a limit of 3 %, %", "groups dial by turns")
    )
    assert "dc:date" not in pictures[0]
