"""One call attempt in seven files: the newcomer's walk, from a record in memory to its disposition.

Read along: `callable_records.py`, `dialing.py` with `pacing.py`, `ports.py`, `nodes.py`, `attempt.py` with `calls.py`,
`results.py`, `treatments.py`. Each station asserts what that file did, and nothing more.
"""

from dialing_story import (
    NOON_MS,
    SWITCH,
    Story,
    chain,
    configuration,
    dialing_story,
    group,
    number_of,
    treatment,
)
from outdial.core.agents import AgentState
from outdial.core.attempt import AttemptState
from outdial.core.callable_records import take_next
from outdial.core.commands import AgentStateChanged, Dial, Disposition, FetchRecords, Release, SettleAttempt, Transfer
from outdial.core.dialing import situation
from outdial.core.modes import DialingMode
from outdial.core.pacing import attempts_to_start
from outdial.core.ports import PortKind
from outdial.core.results import CallResult, Fault, Signs, Verdict, classify
from outdial.core.results import Ending as End
from outdial.core.settings import TreatmentAction
from outdial.core.treatments import dispose
from outdial.core.units import MINUTE_MS

RETRY = treatment(CallResult.NO_ANSWER, TreatmentAction.RETRY_IN, 20 * MINUTE_MS)


def test_one_attempt_from_record_to_disposition() -> None:
    story = Story(configuration(group(1, DialingMode.PROGRESSIVE), treatments=[RETRY]), has_records=False)
    dialing = story.start(1).state.groups[1]

    # 1. Records: the group asks for some before it can dial, so that they are there when an agent is.
    assert story.the(FetchRecords).group_id == 1
    story.fetched(chain(1), chain(2), exhausted=True)
    assert [1, 2] == [each.records[0].record_id for each in dialing.buffer]
    assert story.said(Dial) == [], "nobody is logged in"
    assert ("no agent logged in",) == story.group().holds

    # 2. Pacing: one agent, nobody waiting, nothing in flight: one attempt.
    story.phones_answer = False
    story.agent_ready(101)
    assert 0 == attempts_to_start(DialingMode.PROGRESSIVE, situation(story.state, dialing)), "the phone is not known"
    story.phones_answer = True
    dial = story.log_out(101).agent_ready(101).the(Dial)
    assert (1, number_of(1)) == (dial.record_id, dial.number)
    assert 0 == attempts_to_start(DialingMode.PROGRESSIVE, situation(story.state, dialing)), "one call, one agent"

    # 3. Ports: one lease, in the name of the attempt.
    pool = story.state.pools[SWITCH]
    lease = pool.common[dial.call_id]
    assert (1, PortKind.REGULAR, 1) == (lease.group_id, lease.kind, lease.node_id)
    assert (100, 1) == (story.group().ports.maximum_ports, story.group().ports.used_ports)

    # 4. Nodes: the first in turn; the next request goes to the second.
    assert (1, 1) == (dial.node_id, dial.server_id)
    assert 1 == story.state.rotation.cursor

    # 5. The attempt: requested, proceeding, alerting, answered, and when it is a person, to the agent.
    assert "requested" == story.call_state(dial)
    assert "proceeding" == story.accepted(dial).call_state(dial)
    assert (1, 0) == (story.group().dialing, story.group().ringing)
    story.advance(1_000)
    assert "alerting" == story.rings(dial).call_state(dial)
    assert (1, 1) == (story.group().dialing, story.group().ringing), "what rings is not answered yet"
    story.advance(7_000)
    assert "answered" == story.answered(dial).call_state(dial)
    assert (0, 0, 1) == (story.group().dialing, story.group().ringing, story.group().answered)
    story.advance(1_500)
    story.verdict(Verdict.PERSON, dial)
    transfer = story.the(Transfer)
    assert (dial.call_id, 101, "7101") == (transfer.call_id, transfer.agent_id, transfer.phone)
    assert ("connecting", "reserved") == (story.call_state(dial), story.agent(101).state)
    assert 1 == story.the(AgentStateChanged).group_id, "the group that the agent is busy for"
    story.advance(500)
    story.agent_takes(dial)
    assert ("connected", "talking") == (story.call_state(dial), story.agent(101).state)
    assert 0 == story.group().ports.used_ports, "the call has left the dialer"
    assert story.state.nodes[1].calls == {}

    # 6. The result: a conversation is an answer, whatever ended it.
    story.advance(60_000)
    signs = story.state.attempts[dial.call_id].signs()
    assert (CallResult.ANSWER, Fault.NONE) == (classify(signs).call_result, classify(signs).fault)
    settled = story.ended(dial, cause=16).the(SettleAttempt)
    assert (CallResult.ANSWER, Fault.NONE) == (settled.call_result, settled.fault)
    assert (9_500 - 1_500, 500, 60_000) == (settled.ring_ms, settled.wait_ms, settled.talk_ms)
    assert (1, 101, NOON_MS) == (settled.attempt_n, settled.agent_id, settled.dialed_utc_ms)

    # 7. The disposition: no treatment for an answer, so the record is done. The agent writes something down.
    assert Disposition(TreatmentAction.DONE) == settled.disposition
    assert "settled" == story.call_state(dial)
    assert AgentState.AFTER_CALL_WORK.value == story.agent(101).state

    # And around again: the agent is ready, the second record is next, on the second node.
    dial = story.agent_ready(101).the(Dial)
    assert (2, 2) == (dial.record_id, dial.node_id)


def test_one_attempt_that_nobody_answers_is_tried_again_later() -> None:
    story = dialing_story(group(1, ring_ms_max=20_000), treatments=[RETRY])
    dial = story.the(Dial)
    story.accepted(dial)
    story.rings(dial)
    asked_utc_ms = story.utc_ms

    # The far end may ring for 20 s, and the server has 5 s more to say that it gave up.
    assert story.advance(23_999).said(Release) == []
    assert dial.call_id == story.advance(1).the(Release).call_id
    assert AttemptState.RELEASING.value == story.call_state(dial)

    settled = story.ended(dial).the(SettleAttempt)
    signs = Signs(End.RING_TIMEOUT, False, False, None, None, None)
    assert (CallResult.NO_ANSWER, Fault.CALLEE) == (classify(signs).call_result, classify(signs).fault)
    assert (CallResult.NO_ANSWER, Fault.CALLEE) == (settled.call_result, settled.fault)
    assert settled.disposition.action is TreatmentAction.RETRY_IN
    assert asked_utc_ms + 24_000 + 20 * MINUTE_MS == settled.disposition.not_before_utc_ms
    assert ((CallResult.NO_ANSWER, 1),) == settled.disposition.history

    # The treatment was for one time: with this history the record is done.
    again = chain(1, history=settled.disposition.history).records[0]
    rules = story.state.lists[1].treatments
    assert TreatmentAction.DONE is dispose(again, CallResult.NO_ANSWER, rules, (), story.utc_ms).action


def test_next_record_is_taken_from_memory_in_order() -> None:
    story = Story(configuration(group(1)), has_records=False)
    story.start(1).fetched(chain(1, 2), chain(3), exhausted=True)
    dialing = story.state.groups[1]
    assert chain(1, 2) == take_next(story.state, dialing)
    assert chain(3) == take_next(story.state, dialing)
    assert take_next(story.state, dialing) is None
