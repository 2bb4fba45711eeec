"""The rules of other dialers: worked examples on small floors, and days that repeat."""

import importlib
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = (
    *("progressive", "ratio", "feedback", "feedback-uncapped"),
    *("vicidial-average", "vicidial-hard", "vicidial-tapered"),
    *("omnidialer", "omnidialer-uncapped", "issabel", "impactdialing", "erlang-b", "batch", "plain"),
)
MINUTE_MS = 60_000


@pytest.fixture
def peers(monkeypatch):
    """The module; the folder bench is not installed."""
    monkeypatch.syspath_prepend(str(ROOT))
    return importlib.import_module("bench.pacing.peers")


@pytest.fixture
def model(peers):
    return importlib.import_module("bench.pacing.model")


@pytest.fixture
def part(peers):
    """Find a module of the package by name."""
    return lambda name: importlib.import_module(f"bench.pacing.peers.{name}")


@pytest.fixture
def floor(model):
    """Make a floor."""

    def make(free=0, talking=(), working=(), in_flight=0, waiting=0):
        """`talking`, `working`: since when, one agent each."""
        made = model.Floor(model.Cell(agents=10, hit=0.2))
        for number in range(free):
            made.free.append(model.Agent(number))
        for state, since in [("talk", at) for at in talking] + [("work", at) for at in working]:
            agent = model.Agent(100 + len(made.busy))
            agent.state, agent.since = state, since
            made.busy[agent.number] = agent
        for record in range(in_flight):
            made.calls[record] = model.Call(record, 0)
        for record in range(waiting):
            made.waiting.append(model.Call(1_000 + record, 0))
        return made

    return make


def resolve(model, pacer, *, persons, others, now=0):
    """Tell the pacer of attempts that rang 10 s, answered ones 1 s before the verdict."""
    for number in range(persons + others):
        call = model.Call(number, now - 10_000)
        call.picked_at = now - 1_000 if number < persons else None
        if number < persons:
            pacer.picked_up(now - 1_000, call)
        pacer.resolved(now, call, number < persons)


def handle(model, pacer, *, talk_ms, work_ms, times=1):
    """Tell the pacer of conversations."""
    agent = model.Agent(1)
    for _ in range(times):
        for state, before, since, now in (
            ("talk", "free", 0, 0),
            ("work", "talk", 0, talk_ms),
            ("free", "work", talk_ms, talk_ms + work_ms),
        ):
            agent.state = state
            pacer.agent(now, agent, before, since)


# --- all of them -----------------------------------------------------------------------------


def test_every_rule_is_listed_in_order(peers):
    assert list(peers.PEERS) == list(PEERS)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name == "impactdialing" else name for name in PEERS]
)
def test_an_hour_repeats(peers, model, name):
    cell = model.Cell(agents=6, hit=0.3, day_ms=60 * MINUTE_MS)
    first, second = (model.run_day(cell, peers.PEERS[name](cell), 1) for _ in range(2))
    assert first == second
    assert first.persons > 50
    assert first.utilisation > 0.25


@pytest.mark.parametrize("name", PEERS)
def test_nobody_logged_in_nobody_called(peers, model, floor, name):
    cell = model.Cell(agents=2, hit=0.3, day_ms=10 * MINUTE_MS)
    pacer = peers.PEERS[name](cell)
    assert pacer.wanted(0, floor()) == 0
    resolve(model, pacer, persons=60, others=60, now=20_000)
    handle(model, pacer, talk_ms=60_000, work_ms=15_000, times=60)
    for _ in range(200):
        pacer.fate(20_000, False)
    assert [pacer.wanted(now, floor()) for now in range(0, 120_000, 500)] == [0] * 240


@pytest.mark.parametrize("name", PEERS)
def test_everybody_gone_for_ten_minutes_nobody_called(peers, model, name):
    """Calls go on until the last agent has left, not longer."""
    away = model.Break(at_ms=20 * MINUTE_MS, for_ms=20 * MINUTE_MS, share=1.0)
    cell = model.Cell(agents=5, hit=0.3, day_ms=40 * MINUTE_MS)
    with_break = replace(cell, breaks=(away,))
    pacer = peers.PEERS[name](cell)
    dialed = []
    pacer.dialed = lambda now, call: dialed.append(now)
    model.run_day(with_break, pacer, 1)
    assert [now for now in dialed if now > 30 * MINUTE_MS] == []


# --- lines per free agent --------------------------------------------------------------------


@pytest.mark.parametrize(
    "free, waiting, in_flight, expected",
    [(4, 0, 0, 4), (4, 0, 3, 1), (4, 1, 3, 0), (4, 0, 9, 0), (0, 2, 0, 0)],
)
def test_progressive(part, floor, free, waiting, in_flight, expected):
    pacer = part("ratios").Progressive()
    assert expected == pacer.wanted(0, floor(free=free, waiting=waiting, in_flight=in_flight))


@pytest.mark.parametrize(
    "ratio, free, waiting, in_flight, whole, plain",
    [
        (0.7, 4, 0, 1, 1, 1),  # printed by the vendor
        (0.7, 10, 0, 7, 0, 0),
        (2.5, 3, 0, 0, 7, 7),
        (2.5, 3, 1, 0, 5, 5),
        (13.0, 1, 0, 1, 0, 12),  # one call occupies the agent, or a thirteenth of it
        (2.0, 0, 3, 0, 0, 0),
    ],
)
def test_fixed_ratio(part, floor, ratio, free, waiting, in_flight, whole, plain):
    seen = floor(free=free, waiting=waiting, in_flight=in_flight)
    assert whole == part("ratios").FixedRatio(ratio, in_whole_agents=True).wanted(0, seen)
    assert plain == part("ratios").FixedRatio(ratio).wanted(0, seen)


def test_best_ratio_is_the_highest_that_meets_the_target(part, model):
    ratios = part("ratios")
    cell = model.Cell(agents=5, hit=0.3, day_ms=60 * MINUTE_MS)
    best = ratios.best_ratio(cell, (1, 2))
    above = ratios.RATIOS[ratios.RATIOS.index(best) + 1]
    lost = {
        ratio: sum(model.run_day(cell, ratios.FixedRatio(ratio), seed).abandonment for seed in (1, 2)) / 2
        for ratio in (best, above)
    }
    assert lost[best] <= 0.03 < lost[above]


def test_without_a_ratio_that_qualifies_it_is_one(part, model):
    cell = model.Cell(agents=12, hit=0.9, target=0.0, day_ms=10 * MINUTE_MS)
    assert part("ratios").best_ratio(cell, (1,)) == 1.0


@pytest.mark.parametrize(
    "gain, start, lost, expected",
    [
        (1.0, 1.0, 0, 2.0),
        (0.5, 2.0, 0, 3.0),
        (0.5, 2.0, 3, 2.0),  # at the limit
        (0.5, 2.0, 1, 2.0 * (1 + 0.5 * 2 / 3)),
        (0.5, 2.0, 6, 1.0),
        (0.5, 3.0, 50, 1.5),  # never more than the gain
        (1.0, 2.0, 50, 1.0),  # never below one
        (1.0, 2.0, 0, 3.0),  # nor above the cap
    ],
)
def test_feedback_corrects_after_a_hundred_persons(part, gain, start, lost, expected):
    pacer = part("ratios").RatioWithFeedback(0.03, gain=gain, start=start)
    for person in range(100):
        assert pacer.ratio == start
        pacer.fate(0, person < lost)
    assert pacer.ratio == pytest.approx(expected)


# --- VICIdial --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "level, free, talking, in_flight, waiting, expected",
    [
        (1.0, 4, 6, 0, 0, 4),  # progressive
        (1.0, 4, 6, 3, 0, 1),
        (1.5, 0, 10, 0, 0, 5),  # also for agents who talk
        (1.25, 2, 0, 0, 0, 3),  # half a line is one
        (2.0, 0, 4, 3, 2, 0),
    ],
)
def test_vicidial_lines(part, floor, level, free, talking, in_flight, waiting, expected):
    pacer = part("vicidial").VicidialAdaptive(0.03, 480 * MINUTE_MS)
    pacer.level = level
    seen = floor(free=free, talking=[0] * talking, working=[0] * 3, in_flight=in_flight, waiting=waiting)
    assert pacer.wanted(2_000, seen) == 0
    assert pacer.wanted(2_500, seen) == expected


@pytest.mark.parametrize(
    "intensity, free, talking, waiting, expected",
    [
        (0, 2, 8, 0, 1.2 * 1.5),
        (0, 0, 10, 2, 0.8 * 1.5),
        (50, 2, 8, 0, 1.3 * 1.5),
        (50, 0, 10, 2, 0.9 * 1.5),
        (0, 10, 0, 0, 3.0),  # the cap
        (0, 0, 10, 9, 1.0),
    ],
)
def test_vicidial_level_follows_idle_agents(part, floor, intensity, free, talking, waiting, expected):
    pacer = part("vicidial").VicidialAdaptive(0.03, 480 * MINUTE_MS, intensity=intensity)
    pacer.level = 1.5
    seen = floor(free=free, talking=[0] * talking, waiting=waiting)
    for now in range(500, 15_000, 500):
        pacer.wanted(now, seen)
        assert pacer.level == 1.5
    pacer.wanted(15_000, seen)
    assert pacer.level == pytest.approx(expected)


@pytest.mark.parametrize(
    "method, at_min, lost, expected",
    [
        ("hard", 61, 4, 1.0),
        ("average", 61, 4, 1.3),
        ("tapered", 61, 4, 2.6 * 0.699),  # 800 - 101
        ("tapered", 419, 4, 1.0),  # 800 - 659
        ("hard", 61, 3, 2.6),  # at the limit
    ],
)
def test_vicidial_beyond_the_limit(part, floor, method, at_min, lost, expected):
    pacer = part("vicidial").VicidialAdaptive(0.03, 480 * MINUTE_MS, method)
    pacer.level = 2.6
    for person in range(100):
        pacer.fate(0, person < lost)
    seen = floor(talking=[0] * 10)
    pacer.wanted(at_min * MINUTE_MS - 60_000, seen)  # looks the counts up and, being a quarter minute, adapts
    pacer.level = 2.6
    pacer.wanted(at_min * MINUTE_MS, seen)
    assert pacer.level == pytest.approx(expected)


def test_vicidial_halves_after_a_bad_minute(part, floor):
    pacer = part("vicidial").VicidialAdaptive(0.6, 480 * MINUTE_MS)
    pacer.level = 3.0
    for person in range(21):
        pacer.fate(0, person < 11)
    pacer.wanted(MINUTE_MS, floor(talking=[0] * 10))
    assert pacer.level == pytest.approx(1.5)


def test_vicidial_tapers_in_digits_of_the_clock(part):
    vicidial = part("vicidial")
    assert [vicidial.hhmm(minute * MINUTE_MS) for minute in (0, 59, 60, 555)] == [0, 59, 100, 915]


# --- OMniDialer and Issabel ------------------------------------------------------------------


def test_omnidialer_formula(part, floor):
    pacer = part("omnidialer").OmniDialer(0.03, starts_per_s=None)
    pacer.handled = 50
    pacer.hit.value, pacer.ring_ms.value, pacer.verdict_ms.value = 0.25, 9_000.0, 1_000.0
    pacer.handle_ms.value, pacer.work_ms.value = 60_000.0, 15_000.0
    # expected: 1 - exp(-10/20) = 0.393, 1 - exp(-10/1) = 1.000, after-call work 1 - exp(-10/5) = 0.865
    seen = floor(free=2, talking=[60_000, 0], working=[90_000], in_flight=4)
    assert pacer.expected(100_000, seen) == pytest.approx(2.258, abs=0.001)
    assert pacer.wanted(100_000, seen) == 13  # (2 + 2.258 - 4 × 0.25) / 0.25
    pacer.starts_per_s = 3
    assert pacer.wanted(100_000, seen) == 3
    pacer.handled = 49
    assert pacer.wanted(100_000, floor(free=2, in_flight=1)) == 1


@pytest.mark.parametrize("lost, expected", [(0.0, 2.0), (0.015, 2.0), (0.0225, 1.1), (0.03, 0.2), (0.5, 0.2)])
def test_omnidialer_slows_down_near_the_limit(part, lost, expected):
    pacer = part("omnidialer").OmniDialer(0.03, aggressiveness=2.0)
    pacer.lost.value = lost
    assert pacer.gamma() == pytest.approx(expected)


def test_omnidialer_latches_after_one_abandoned_call_until_fourteen_are_connected(part, floor):
    pacer = part("omnidialer").OmniDialer(0.03)
    pacer.handled = 50
    pacer.fate(0, True)
    latched = []
    for now in range(1, 6):
        pacer.wanted(now * 1_000, floor(free=1))
        latched.append(pacer.is_latched)
    assert latched == [False, False, False, False, True]
    connected = 0
    while pacer.is_latched:
        pacer.fate(0, False)
        connected += 1
        pacer.wanted(6_000, floor(free=1))
    assert connected == 14


def test_issabel_formula(part, model, floor):
    pacer = part("issabel").Issabel()
    handle(model, pacer, talk_ms=60_000, work_ms=15_000, times=10)
    resolve(model, pacer, persons=4, others=6, now=200_000)
    # soon free from 60 s × -ln 0.03 = 210.4 s on, less 9 s of ringing: the conversation of 205 s
    seen = floor(free=3, talking=[195_000, 205_000], working=[0], in_flight=2)
    assert pacer.soon_free(400_000, seen) == 1
    assert pacer.wanted(400_000, seen) == 5  # (3 + 1 - 2) / 0.4
    assert part("issabel").Issabel(overcommit=False).wanted(0, floor(free=3, in_flight=2)) == 1


def test_issabel_takes_a_fifth_as_answered_at_least(part, model, floor):
    pacer = part("issabel").Issabel()
    resolve(model, pacer, persons=1, others=9)
    assert pacer.wanted(0, floor(free=2)) == 10


# --- Impact Dialing --------------------------------------------------------------------------


def test_rehearsal_of_certain_calls(part):
    impact = part("impactdialing")
    past = impact.Past(outcomes=((10, True),), handles=(20,), patience_s=2)
    # everybody: 10 s of dialing, 20 s busy, 0 or up to 2 s until the next decision
    busy, lost = impact.rehearse(impact.Choice(1.0, 240), 4, past, impact.Stream(1, "test"))
    assert busy == pytest.approx(2 / 3, abs=0.05)
    assert lost == 0
    busier, lost_too = impact.rehearse(impact.Choice(2.0, 240), 4, past, impact.Stream(1, "test"))
    assert busier >= busy
    assert lost_too > 0.03


def test_rehearsal_chooses_one_to_one_when_everybody_answers(part):
    impact = part("impactdialing")
    past = impact.Past(outcomes=((10, True),), handles=(20,), patience_s=2)
    assert impact.choose(4, past, 0.03, impact.Stream(1, "test")).rate == 1.0


def test_impactdialing_formula(part, model, floor):
    impact = part("impactdialing")
    pacer = impact.ImpactDialing(0.03, 2_000)
    seen = floor(free=4, talking=[0, 0], in_flight=2)
    assert pacer.wanted(0, seen) == 2  # nothing is known
    resolve(model, pacer, persons=10, others=40)
    handle(model, pacer, talk_ms=60_000, work_ms=15_000)
    pacer.choice, pacer.chosen_at = impact.Choice(3.0, 60), 100_000
    for number, since in ((1, 0), (2, 80_000)):
        agent = model.Agent(number)
        agent.state = "talk"
        pacer.agent(since, agent, "free", 0)
    assert pacer.wanted(100_000, seen) == 13  # 3 × (4 + 1 older than a minute) - 2
    seen.persons, seen.abandoned = 100, 4
    assert pacer.wanted(100_000, seen) == 9  # 2.25 × 5 - 2
    assert pacer.wanted(100_000, floor(free=4)) == 4  # fewer than five agents


# --- Erlang and batch ------------------------------------------------------------------------


@pytest.mark.parametrize("servers, traffic, expected", [(1, 1.0, 0.5), (2, 1.0, 0.2), (10, 5.0, 0.01838)])
def test_erlang_b(part, servers, traffic, expected):
    assert part("erlang").erlang_b(servers, traffic) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("servers, expected", [(10, 53.6), (30, 74.6), (100, 88.1), (1_000, 97.8)])
def test_erlang_bound_is_that_of_the_study(part, servers, expected):
    assert part("erlang").traffic_at(servers, 0.03) * 0.97 / servers * 100 == pytest.approx(expected, abs=0.06)


def test_erlang_rate(part, model, floor):
    pacer = part("erlang").ErlangB(0.03)
    seen = floor(free=5, talking=[0] * 5)
    assert pacer.wanted(0, seen) == 5  # nothing is known
    resolve(model, pacer, persons=10, others=40, now=60_000)
    handle(model, pacer, talk_ms=60_000, work_ms=15_000)
    pacer.wanted(75_000, seen)
    calls = sum(pacer.wanted(now, seen) for now in range(75_100, 1_075_100, 100))
    assert calls == pytest.approx(5.529 / (0.2 * 75) * 1_000, abs=1)  # B(10, 5.529) = 3 %


@pytest.mark.parametrize(
    "calls, hit, free, expected",
    [
        (3, 0.2, 3, 0.0),
        (2, 0.2, 1, 0.04),
        (3, 0.5, 1, 0.5 * 3 - 7 / 8),
        (4, 0.2, 2, 4 * 0.0064 + 2 * 0.0016),
        (50_000, 0.2, 1_000, 9_000.0),
    ],
)
def test_overflow_of_a_batch(part, calls, hit, free, expected):
    assert part("batch").overflow(calls, hit, free) == pytest.approx(expected)


@pytest.mark.parametrize(
    "hit, free, expected",
    [
        (0.2, 1, 1),  # two calls: 0.04 of 0.4 persons
        (0.2, 2, 3),  # three: 0.008 of 0.6; four: 0.0288 of 0.8
        (0.9, 5, 5),
        (0.2, 200, 1_009),
    ],
)
def test_batch_size(part, hit, free, expected):
    batch = part("batch")
    assert batch.batch_size(hit, free, 0.03) == expected
    assert batch.overflow(expected, hit, free) <= 0.03 * expected * hit
    assert batch.overflow(expected + 1, hit, free) > 0.03 * (expected + 1) * hit


def test_batch_waits_for_the_last_call(part, model, floor):
    pacer = part("batch").Batch(0.03)
    assert pacer.wanted(0, floor(free=4)) == 4
    resolve(model, pacer, persons=199, others=799)
    assert pacer.wanted(0, floor(free=4, in_flight=1)) == 0
    assert pacer.wanted(0, floor(free=2, waiting=0)) == 3


# --- our own, before -------------------------------------------------------------------------


def test_plain_bound_at_no_safety_is_the_expected_free_agents(part):
    allowed = part("plain").persons_allowed(free=4.5, var_free=1.0, hit=0.2, hit_persons=100, z=0.0)
    assert allowed == pytest.approx(4.5)


def test_plain_bound_solves_its_inequality(part):
    free, var_free, hit, known, z = 6.0, 1.2, 0.25, 80.0, 1.5
    persons = part("plain").persons_allowed(free=free, var_free=var_free, hit=hit, hit_persons=known, z=z)
    deviation = (persons * (1 - hit) + persons**2 / known + var_free) ** 0.5
    assert persons + z * deviation == pytest.approx(free)


def test_plain_brake(part, model, floor):
    pacer = part("plain").Plain(0.03)
    resolve(model, pacer, persons=20, others=80, now=100_000)
    seen = floor(free=5, talking=[0] * 5)
    assert pacer.wanted(100_000, seen) > 5
    for person in range(20):
        pacer.fate(100_000 + person, person < 2)
    assert pacer.brake.is_on
    assert pacer.wanted(100_000, seen) == 5
