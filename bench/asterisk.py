"""The whole dialer on real Asterisk servers, and on fakes: CPU per attempt, latency, seizing against transferring.

The dialer runs in a process of its own; callees and phones are sipp, which logs every INVITE by a clock that counts
microseconds. Each outcome is compared with what the callee did. A figure that was measured several times is given as
median (smallest-largest). What other processes of the machine used meanwhile is shown as `others`, in cores: where
they take what there is, the latencies are theirs.

Takes about four minutes, so it runs only when it is named: `make bench-asterisk`. Where Asterisk and sipp cannot
be had, only the part with fakes runs.
"""

import itertools
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.asterisk_dialer import Job, Load, Report
from bench.asterisk_figures import disagreements, numbers, per_second, percentile, shown, spread, waits_ms
from bench.asterisk_lab import Lab, carry_out, fakes
from outdial.lab import LabUnavailable
from outdial.lab.node import SECRET, USER, Node

SLOW = True

RATES = ((1, 50), (1, 100), (1, 200), (3, 80))
"""Shape: (nodes, attempts per second on each)."""
REPEATS = 3
SECONDS = 4.0
"""How long a row dials. Unit: s."""
RING_MS = 1_000
BURSTS, BURST = 6, 60
"""Requests at once, each time by a fresh dialer: the order in which the server tells of them is at its worst."""
READY_SAMPLES = 150
READY_REPEATS = 2
BACKGROUND_QUEUE = 47
"""Calls in progress that make about 100 attempts per second: one lasts 0.47 s in the mean."""
CUSTOMERS, AGENTS = 200, 10
CUSTOMER = {"silent": "2000", "speaks": "2010"}
"""Customers by what they send after the answer: nothing at all, or sound packets every 20 ms, as everybody does."""
TALKS = (
    ("progressive-with-seizing", "speaks"),
    ("progressive-with-seizing", "silent"),
    ("progressive", "silent"),
)
FAKE_QUEUES = (60, 150, 300)
"""Calls in progress; one lasts 0.05 s in the mean."""
FAKE_SPEED = 10.0
FAKE_RING_MS = 100
FAKE_SECONDS = 3.0

Row = dict[str, Any]
_runs = itertools.count(1)


def run() -> dict[str, object]:
    """Measure all parts, print tables, return the figures."""
    if not Path("/proc/stat").exists():
        print("needs Linux: the CPU time of other processes is read from /proc")
        return {}
    began = time.monotonic()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory(prefix="outdial-bench-") as folder:
        try:
            lab = Lab(Path(folder))
        except LabUnavailable as error:
            print(f"no real servers on this machine, only fakes are measured: {error}")
        else:
            try:
                print(f"{lab.version}, {len(lab.nodes)} nodes; callees and agents' phones by sipp")
                for name, (measure, seconds) in PARTS.items():
                    if time.monotonic() - began + seconds > SECONDS_MAX:
                        print(f"\n{name} is left out: the machine is so slow that it would take too long")
                        continue
                    figures[name] = measure(lab)
            finally:
                lab.close()
    figures["fake"] = _fake()
    return figures


# --- CPU and latency under load ----------------------------------------------------------------------------------

LOAD_KEYS = (
    *("per_second", "outdial_ms", "asterisk_ms", "callees_ms", "others"),
    *("invite_ms_p50", "invite_ms_p99", "sign_ms_p99"),
)
"""Figures of which the spread is shown."""


def _load(lab: Lab) -> list[Row]:
    """Rows are repeated in turn, so that the machine's other work hits all of them."""
    print(f"\n30 % busy, 30 % answer, 40 % ring out; {REPEATS} x {SECONDS:.0f} s; CPU in ms per attempt, latency in ms")
    print(
        "nodes  asked  made/s  outdial           asterisk          sipp  wrong  INVITE p50  p99              ", end=""
    )
    print("first sign p99   others")
    runs: dict[tuple[int, int], list[Row]] = {key: [] for key in RATES}
    for _, (nodes, rate) in itertools.product(range(REPEATS), RATES):
        runs[nodes, rate].append(_load_run(lab, lab.nodes[:nodes], rate))
    rows = []
    for (nodes, rate), done in runs.items():
        row: Row = {"nodes": nodes, "asked_per_second": rate * nodes, "runs": done}
        for key in LOAD_KEYS:
            row[key] = spread([each[key] for each in done])
        wrong = sum(sum(each["wrong"].values()) for each in done)
        print(
            f"{nodes:>5} {rate * nodes:>6} {row['per_second']['median']:>7.1f}  {shown(row['outdial_ms']):<17} "
            f"{shown(row['asterisk_ms']):<17} {row['callees_ms']['median']:.2f} {wrong:>6} "
            f"{row['invite_ms_p50']['median']:>10.1f}  {shown(row['invite_ms_p99'], 1):<16} "
            f"{shown(row['sign_ms_p99'], 1):<16} {shown(row['others'])}"
        )
        for each in done:
            _complain(each)
        rows.append(row)
    return rows


def _load_run(lab: Lab, nodes: Sequence[Node], rate: int) -> Row:
    total = rate * len(nodes)
    # twice what the rate keeps in progress: the call rate of the nodes is what paces
    load = Load("power-gvp", _numbers(total * (SECONDS + 2)), queue=round(1.2 * total), ring_ms_max=RING_MS)
    before = lab.callees.counts()
    report = carry_out(lab.job(nodes, [load], seconds=SECONDS, call_rate_max=rate))
    row = _measured(report, lab.callees.counts() - before)
    invite_ns = lab.invite_ns()
    waits = [(invite_ns[each.number] - each.dialed_ns) / 1e6 for each in report.tried if each.number in invite_ns]
    signs = waits_ms(report.tried, "dialed_ns", "accepted_ns")
    return row | _percentiles("invite", waits) | _percentiles("sign", signs)


def _measured(report: Report, invited: Counter[str]) -> Row:
    """What every run is asked."""
    attempts = len(report.tried)
    return {
        "attempts": attempts,
        "per_second": per_second(report.tried),
        "outdial_ms": 1e3 * report.cpu_s / attempts,
        **{f"{name}_ms": 1e3 * used_s / attempts for name, used_s in report.watched_cpu_s.items()},
        "others": report.others_cores,
        "steps_per_attempt": report.steps / attempts,
        "wrong": dict(disagreements(report.tried, invited)),
        "refused": dict(Counter(report.refused)),
    }


def _percentiles(name: str, waits_ms: Iterable[float], *percents: int) -> Row:
    waits = sorted(waits_ms)
    row: Row = {f"{name}_ms_p{percent}": percentile(waits, percent) for percent in percents or (50, 99)}
    return row | {f"{name}_ms_max": percentile(waits, 100), f"{name}_count": len(waits)}


def _complain(row: Row) -> None:
    """Say what should not have been."""
    for kind, count in row["wrong"].items():
        print(f"      wrong: {count} x {kind}")
    for reason, count in row["refused"].items():
        print(f"      refused: {count} x {reason}")


def _numbers(count: float, prefixes: Sequence[str] = ()) -> list[str]:
    """Numbers that no run before has called."""
    return numbers(round(count), next(_runs), *([prefixes] if prefixes else []))


def _bursts(lab: Lab) -> Row:
    row: Row = {"attempts": 0, "wrong": Counter(), "refused": Counter()}
    for _ in range(BURSTS):
        load = Load("power-gvp", _numbers(BURST, ("2486",)), queue=BURST, ring_ms_max=RING_MS)
        before = lab.callees.counts()
        report = carry_out(lab.job(lab.nodes[:1], [load]))
        once = _measured(report, lab.callees.counts() - before)
        row["attempts"] += once["attempts"]
        row["wrong"].update(once["wrong"])
        row["refused"].update(once["refused"])
    print(f"\n{BURSTS} bursts of {BURST} requests, all busy: {row['attempts']} made, {row['wrong'].total()} wrong")
    _complain(row)
    return row


# --- an agent becomes ready --------------------------------------------------------------------------------------


def _ready(lab: Lab) -> list[Row]:
    print(f"\nan agent becomes ready → INVITE at the callee, ms; progressive; {READY_REPEATS} x {READY_SAMPLES}")
    print("background/s   p50               p99               max    to the order p99  others")
    rows = []
    for queue in (0, BACKGROUND_QUEUE):
        done = [_ready_run(lab, queue) for _ in range(READY_REPEATS)]
        row: Row = {"queue": queue, "runs": done}
        for key in ("per_second", "ready_ms_p50", "ready_ms_p99", "ready_ms_max", "order_ms_p99", "others"):
            row[key] = spread([each[key] for each in done])
        print(
            f"{row['per_second']['median']:>12.0f}   {shown(row['ready_ms_p50'])}  {shown(row['ready_ms_p99'])}  "
            f"{row['ready_ms_max']['max']:>6.1f}  {shown(row['order_ms_p99'])}  {shown(row['others'])}"
        )
        for each in done:
            _complain(each)
        rows.append(row)
    return rows


def _ready_run(lab: Lab, queue: int) -> Row:
    dice = random.Random(queue)
    pauses = [dice.uniform(0.005, 0.05) for _ in range(READY_SAMPLES)]
    background = Load("power-gvp", _numbers(3_000) if queue else [], queue=queue, ring_ms_max=RING_MS)
    called = Load("progressive", _numbers(READY_SAMPLES + 50, ("2486",)), agents=1)
    before = lab.callees.counts()
    report = carry_out(lab.job(lab.nodes[:1], [background, called], ready_pauses_s=pauses))
    row = _measured(report, lab.callees.counts() - before)
    row["per_second"] = per_second(each for each in report.tried if each.group_id == 1)
    invite_ns = lab.invite_ns()
    dialed_ns = {each.number: each.dialed_ns for each in report.tried}
    waits = [(invite_ns[number] - at_ns) / 1e6 for number, at_ns in report.ready_ns.items()]
    orders = [(dialed_ns[number] - at_ns) / 1e6 for number, at_ns in report.ready_ns.items()]
    return row | _percentiles("ready", waits) | _percentiles("order", orders)


# --- seizing against transferring --------------------------------------------------------------------------------


def _seizing(lab: Lab) -> list[Row]:
    print(f"\n{CUSTOMERS} customers, {AGENTS} agents; answer → conversation, ms; an agent's phone rings 30 ms")
    print("server      mode                      customer  p50    p95    max  order → p50    p95  talked  legs  wrong")
    nodes = {"asterisk22": lab.nodes[0]}
    try:
        nodes["asterisk16"] = lab.add_node("asterisk16", 16)
    except LabUnavailable as error:
        print(f"asterisk16 is left out: {error}")
    rows = []
    for (version, node), (mode, customer) in itertools.product(nodes.items(), TALKS):
        row = _seizing_run(lab, node, mode, CUSTOMER[customer]) | {"server": version, "mode": mode, "is": customer}
        rows.append(row)
        print(
            f"{version:<11} {mode:<25} {customer:<7} {row['answer_ms_p50']:>5.1f} {row['answer_ms_p95']:>6.1f} "
            f"{row['answer_ms_max']:>6.1f} {row['order_ms_p50']:>12.1f} {row['order_ms_p95']:>6.1f} "
            f"{row['answer_count']:>7} {row['legs']:>5} {sum(row['wrong'].values()):>6}"
        )
        _complain(row)
    return rows


def _seizing_run(lab: Lab, node: Node, mode: str, prefix: str) -> Row:
    load = Load(mode, _numbers(CUSTOMERS, (prefix,)), agents=AGENTS, ring_ms_max=5_000)
    before = lab.callees.counts(), lab.phones.counts()
    # silent customers hang up after 300 ms by themselves; those who speak are left by us
    report = carry_out(lab.job([node], [load], talk_ms_max=300 if prefix == CUSTOMER["speaks"] else 60_000))
    legs = lab.phones.counts() - before[1]
    row = _measured(report, lab.callees.counts() - before[0])
    row |= {"legs": sum(legs.values()), "agents": len(legs), "legs_per_agent_max": max(legs.values(), default=0)}
    row |= _percentiles("answer", waits_ms(report.tried, "answered_ns", "connected_ns"), 50, 95)
    return row | _percentiles("order", waits_ms(report.tried, "connecting_ns", "connected_ns"), 50, 95)


PARTS = {"load": (_load, 75), "bursts": (_bursts, 5), "ready": (_ready, 35), "seizing": (_seizing, 70)}
"""Shape: {name: (function, seconds that it takes)}. The fakes take half a minute more."""
SECONDS_MAX = 210.0
"""No part begins that would not be over after this time. Unit: s."""


# --- fakes -------------------------------------------------------------------------------------------------------


def _fake() -> dict[str, object]:
    print(
        f"\none fake server in a process of its own, the same mix {FAKE_SPEED:.0f} times as fast; CPU in ms per attempt"
    )
    print("in progress   made/s  outdial  steps  fake   outdial's core busy  wrong  others")
    rows = []
    for queue in FAKE_QUEUES:
        row, report = _fake_run(queue, profiled=False)
        row |= {"in_progress": queue, "busy": row["outdial_ms"] * row["per_second"] / 1e3}
        rows.append(row)
        print(
            f"{queue:>11} {row['per_second']:>8.0f} {row['outdial_ms']:>8.3f} {row['steps_per_attempt']:>6.1f} "
            f"{row['fake_ms']:>5.3f} {row['busy']:>21.0%} {sum(row['wrong'].values()):>6}  {row['others']:.2f}"
        )
        _complain(row)
    _, report = _fake_run(FAKE_QUEUES[-1], profiled=True)
    attempts = len(report.tried)
    print("\nwhere its time goes (profiled, which makes it about twice as slow): ms per 1,000 attempts")
    print("    own  with callees  calls/attempt  function")
    for name, calls, own_s, total_s in report.hottest:
        print(f"{1e6 * own_s / attempts:>7.1f} {1e6 * total_s / attempts:>13.1f} {calls / attempts:>14.1f}  {name}")
    return {"rows": rows, "hottest": report.hottest}


def _fake_run(queue: int, *, profiled: bool) -> tuple[Row, Report]:
    load = Load("power-gvp", _numbers(7_000 * FAKE_SECONDS), queue=queue, ring_ms_max=FAKE_RING_MS)
    with fakes(1, FAKE_SPEED) as (places, pid, invited):
        report = carry_out(
            Job(places, USER, SECRET, [load], seconds=FAKE_SECONDS, watched={"fake": [pid]}, profiled=profiled)
        )
    return _measured(report, invited), report
