"""Statistics and the trace digest: what is counted, and in how little memory."""

from outdial.core.commands import AgentStateChanged, Disposition, SettleAttempt
from outdial.core.events import AgentBecameReady, CalleeAnswered, DeadlineReached, VerdictReached
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult, Fault, Verdict
from outdial.core.settings import TreatmentAction
from outdial.core.units import Now
from outdial.sim.report import SAMPLES_MAX, Statistics
from outdial.sim.run import Simulation
from outdial.sim.trace import TraceDigest
from small_world import small_configuration, small_settings


def settled(result, *, verdict=None, wait_ms=0, talk_ms=0, mode=DialingMode.PROGRESSIVE, fault=Fault.NONE):
    return SettleAttempt(
        call_id=1,
        group_id=1,
        node_id=101,
        list_id=1,
        record_id=1,
        number="1",
        mode=mode,
        call_result=result,
        fault=fault,
        verdict=verdict,
        sip_status=None,
        q850_cause=None,
        agent_id=None,
        attempt_n=1,
        dialed_utc_ms=0,
        ring_ms=0,
        wait_ms=wait_ms,
        talk_ms=talk_ms,
        disposition=Disposition(TreatmentAction.DONE),
    )


def statistics(*steps):
    """Statistics after some steps: (at, commands)."""
    found = Statistics(small_configuration())
    for at_ms, commands in steps:
        found.after_step(Now(at_ms, at_ms), DeadlineReached(), commands)
    return found


def snapshot():
    return Simulation(small_configuration(), small_settings(), seed=1).dialer.snapshot()


def test_persons_are_lost_who_never_came_to_an_agent():
    attempts = [
        settled(CallResult.ANSWER, verdict=Verdict.PERSON, talk_ms=5_000, wait_ms=100),
        settled(CallResult.ANSWER, verdict=Verdict.UNKNOWN, talk_ms=7_000, wait_ms=2_500),
        settled(CallResult.DROPPED, verdict=Verdict.PERSON, wait_ms=2_000),
        settled(CallResult.ANSWERING_MACHINE, verdict=Verdict.MACHINE),
        settled(CallResult.BUSY, fault=Fault.CALLEE),
        settled(CallResult.SWITCH_ERROR, fault=Fault.NODE),
        settled(CallResult.ANSWER, verdict=Verdict.PERSON, talk_ms=1, mode=DialingMode.PREVIEW),
    ]
    group = statistics((5, attempts)).report(1, 10, snapshot(), {}).groups[0]
    assert (group.attempts, group.persons, group.connected, group.late_connects) == (7, 3, 2, 1)
    assert group.lost_ratio == 0.333333
    assert (group.wait_ms_max, group.talk_ms_mean, group.node_faults) == (2_500, 6_000.0, 1)
    assert list(group.results) == ["busy", "answering_machine", "dropped", "answer", "switch_error"]


def test_utilisation_is_talk_and_after_call_work_per_time_logged_in():
    states = [(0, "not ready"), (1_000, "ready"), (4_000, "reserved"), (5_000, "talking"), (8_000, "after-call work")]
    found = statistics(*((at_ms, [AgentStateChanged(1, state)]) for at_ms, state in states))
    work = found.report(1, 10_000, snapshot(), {}).work[0]
    assert work.utilisation == 0.5
    assert (work.logged_in_ms, work.conversations, work.idle_ms_mean) == (10_000, 1, 4_000.0)


def test_samples_stay_few_however_long_the_run():
    found, view = statistics(), snapshot()
    for _ in range(20 * SAMPLES_MAX):
        found.sample(view)
    assert SAMPLES_MAX // 2 <= len(found.report(1, 0, view, {}).samples) <= SAMPLES_MAX


def digest(*steps):
    trace = TraceDigest()
    for at_ms, event, commands in steps:
        trace.add(Now(at_ms, 0), event, commands)
    return trace.hexdigest()


def test_the_digest_notices_instant_event_fields_and_commands():
    same = (5, VerdictReached(1, Verdict.PERSON), [AgentStateChanged(1, "ready")])
    others = [
        (6, *same[1:]),
        (5, CalleeAnswered(1), same[2]),
        (5, VerdictReached(2, Verdict.PERSON), same[2]),
        (5, VerdictReached(1, Verdict.MACHINE), same[2]),
        (5, same[1], []),
        (5, same[1], [AgentStateChanged(1, "talking")]),
        (5, AgentBecameReady(1), same[2]),
    ]
    assert digest(same) == digest(same)
    assert len({digest(step) for step in [same, *others]}) == 8
