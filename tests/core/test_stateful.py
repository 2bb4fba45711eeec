"""The dialer against an outside that says anything, in any order, twice, too late, or about nobody.

No event may raise. After every step the memory fits together, no port, number or record is used twice or lost, and the
work and the memory of a step are bounded. At the end the outside falls silent: by time alone everything comes home.
Then the outside is healthy, and a started group dials.
"""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dialing_story import (
    BACKUP,
    Story,
    configuration,
    cpd_server,
    dialing_story,
    group,
    node,
    number_of,
    record,
    treatment,
)
from outdial.core import availability, callable_records, desks, settlement
from outdial.core import events as e
from outdial.core.abandonment import Counts, bucket_of
from outdial.core.agent_odds import Spells
from outdial.core.call_odds import CallOdds
from outdial.core.carry_over import learned
from outdial.core.commands import CancelRecord, Dial, Engage, FetchRecords, ReturnRecord, SettleAttempt
from outdial.core.deadlines import STALE_SLACK
from outdial.core.groups import Group
from outdial.core.modes import DialingMode as Mode
from outdial.core.nodes import Node
from outdial.core.ports import Pool
from outdial.core.records import Chain
from outdial.core.results import CallResult, Verdict
from outdial.core.settings import Configuration, LoadBalancing, PrimeNodeLoss, Switch, TreatmentAction
from outdial.core.state import State
from outdial.core.units import MINUTE_MS, RecordId

SMALL = {
    "minimum_record_buffer": 2,
    "optimal_record_buffer": 4,
    "history_length": 3,
    "ivr_ms_max": MINUTE_MS,
    "after_call_work_ms_max": 5_000,
}
COMMANDS_PER_STEP_MAX = 250
NUMBERS = 30
PHONES = ["7101", "7102", "7201", "7202", "7501", "900"]

BASE = configuration(
    group(1, Mode.PREDICTIVE, agents=2, **SMALL),
    group(2, Mode.PROGRESSIVE_SEIZING, agents=2, dial_node=2, asm_channel_num=0, **SMALL),
    group(3, Mode.POWER_GVP, agents=0, agents_of=1, maximum_queue_size=2, **SMALL),
    group(4, Mode.PUSH_PREVIEW, agents=0, agents_of=1, **SMALL),
    group(5, Mode.PROGRESSIVE, agents=1, cpd_server=9, number_of_cpd_ports=2, drop_message="sorry", **SMALL),
    group(6, Mode.PROGRESSIVE_GVP, agents=0, agents_of=1, drop_message="sorry", **SMALL),
    nodes=[node(1, call_rate_max=5, slow_start_ms=2_000), node(2), node(3, backup=None), cpd_server(9, 3)],
    ports=10,
    treatments=[
        treatment(CallResult.BUSY, TreatmentAction.RETRY_IN, 10_000),
        treatment(CallResult.NO_ANSWER, TreatmentAction.NEXT_IN_CHAIN),
    ],
    node_outlier_ejection=True,
    reconnect_ms=30_000,
    audit_ms=20_000,
    talk_ms_max=MINUTE_MS,
)


def _without_agents(*gone: int) -> Configuration:
    groups = tuple(replace(each, agents=tuple(n for n in each.agents if n not in gone)) for each in BASE.agent_groups)
    return replace(BASE, agents=tuple(each for each in BASE.agents if each.dbid not in gone), agent_groups=groups)


def _with_ocs(**changes: Any) -> Configuration:
    return replace(BASE, ocs=replace(BASE.ocs, **changes))


def _without_groups(*gone: int, **changes: Any) -> Configuration:
    return replace(BASE, campaign_groups=tuple(g for g in BASE.campaign_groups if g.dbid not in gone), **changes)


CONFIGURATIONS = [
    BASE,
    replace(BASE, switches=(Switch(1, "switch", 2, True),)),
    replace(BASE, switches=(Switch(1, "switch", 12, False),)),
    replace(BASE, nodes=(node(1, backup=None), node(2), node(3), cpd_server(9, 1))),
    replace(_with_ocs(connections=(1, 2)), nodes=(node(1), node(2), cpd_server(9, 3))),
    _without_groups(5, nodes=BASE.nodes[:3]),
    _without_groups(1, 4),
    _without_agents(101),
    _without_agents(102, 202),
    _with_ocs(sip_cluster_prime_node=2),
    _with_ocs(prime_node_loss=PrimeNodeLoss.PROMOTE, sip_cluster_lb_mode=LoadBalancing.LEAST_LOADED),
    _with_ocs(sip_cluster_lb_mode=LoadBalancing.NONE, audit_ms=0),
    replace(BASE, agent_groups=(BASE.agent_groups[0], replace(BASE.agent_groups[1], sip_cluster_asm_dial_node=3))),
    replace(BASE, agent_groups=(replace(BASE.agent_groups[0], agents=(101, 201)), *BASE.agent_groups[1:])),
]

CALLS = st.integers(-8, 2)
"""Which call: counted back from the youngest; above 0: one that there never was."""
SERVERS = st.sampled_from([1, 101, 2, 102, 3, 103, 9, 109, 77])
NODES = st.sampled_from([1, 2, 3, 9, 77])
GROUPS = st.integers(1, 7)
AGENTS = st.sampled_from([101, 102, 201, 202, 501, 999])
CONNECTIONS = [e.CallConnected, e.IvrStarted, e.IvrAgentRequested, e.MessageStarted, e.MessageEnded]
SIGNS = st.sampled_from(
    [
        e.DialAccepted,
        e.CalleeAlerting,
        e.CalleeAnswered,
        e.CallConnected,
        e.IvrStarted,
        e.IvrAgentRequested,
        e.MessageStarted,
        e.MessageEnded,
        e.EngagingAccepted,
        e.AgentEngaged,
        e.EngagingReleased,
        lambda call_id: e.ConnectFailed(call_id, "no"),
        lambda call_id: e.DialRejected(call_id, "no", congested=True),
        lambda call_id: e.VerdictReached(call_id, Verdict.PERSON),
        lambda call_id: e.VerdictReached(call_id, Verdict.MACHINE),
    ]
)


class AnythingGoes(RuleBasedStateMachine):
    """Events without sense or order."""

    @initialize(ports=st.sampled_from([None, None, 5]), depth=st.sampled_from([4, 3, 2, 1, 0]))
    def begin(self, ports: int | None, depth: int) -> None:
        """A loaded dialer; mostly with agents and calls, some of them talking."""
        self.story = Story(BASE, answers=False)
        self.dialed: set[int] = set()
        self.numbers: dict[int, str] = {}
        self.chains: list[list[RecordId]] = []
        self.most_armed = 0
        if depth >= 1:
            self.tell(*(e.ServerConnected(number, ports) for number in (1, 2, 3, 9)))
            self.operator_starts_all()
            self.store_serves_all(1)
            for agent in (101, 102, 201, 202, 501):
                self.agent_is_there(agent)
        if depth >= 2:
            self.agents_wait_on_the_line(1)
            self.time_passes(150)
        if depth >= 3:
            self.many_people_answer(Verdict.PERSON, 1)
        if depth >= 4:
            self.tell(*(word(n) for n in list(self.numbers) for word in (e.CallConnected, e.IvrStarted)))

    def tell(self, *events: e.Event) -> None:
        """One step each, with the books kept."""
        for event in events:
            self.story.tell(event)
            self._keep_books()

    def _keep_books(self) -> None:
        commands = self.story.commands
        assert len(commands) <= COMMANDS_PER_STEP_MAX
        # a step may disarm some that it has armed
        self.most_armed = max(self.most_armed, len(self.story.state.deadlines) + 20)
        for command in commands:
            match command:
                case Dial(call_id, number=number):
                    assert call_id not in self.dialed
                    assert number not in self.numbers.values(), "a number is in two calls"
                    self.dialed.add(call_id)
                    self.numbers[call_id] = number
                case SettleAttempt(call_id, record_id=record_id):
                    assert call_id in self.numbers, "settled twice, or never dialed"
                    del self.numbers[call_id]
                    self._close(record_id)
                case ReturnRecord(_, record_id):
                    self._close(record_id)
                case CancelRecord(_, record_id):
                    [chain] = [chain for chain in self.chains if record_id in chain]
                    chain.remove(record_id)
                    if not chain:
                        self.chains.remove(chain)

    def _close(self, record_id: RecordId) -> None:
        [chain] = [chain for chain in self.chains if record_id in chain]
        assert chain[0] == record_id, "the claim on a chain ends with its first record"
        self.chains.remove(chain)

    def call(self, back: int) -> int:
        """A call, probably one that is alive."""
        state = self.story.state
        live = sorted([*state.attempts, *state.engagings])
        if back <= 0 and live:
            return live[back % len(live)]
        return max(1, state.last_call_id + back)

    # --- what the outside says ---

    @rule(ms=st.sampled_from([0, 1, 150, 1_000, 5_000, 20_000, 61_000]))
    def time_passes(self, ms: int) -> None:
        """Deadlines are reported."""
        end_ms = self.story.mono_ms + ms
        while (at_ms := self.story.dialer.next_deadline()) is not None and at_ms <= end_ms:
            self.story.set_clock(max(self.story.mono_ms, at_ms))
            self.tell(e.DeadlineReached())
        self.story.set_clock(end_ms)

    @rule(ms=st.integers(0, 40_000))
    def time_passes_unnoticed(self, ms: int) -> None:
        """The driver is late: deadlines pile up, or there is none at all."""
        self.story.set_clock(self.story.mono_ms + ms)
        self.tell(e.DeadlineReached())

    @rule(server=SERVERS, ports=st.sampled_from([None, None, 0, 2, 5]))
    def server_connects(self, server: int, ports: int | None) -> None:
        """Also twice, also without having been asked."""
        self.tell(e.ServerConnected(server, ports))

    @rule(server=SERVERS)
    def server_is_lost(self, server: int) -> None:
        """Also twice, also one that never was."""
        self.tell(e.ServerLost(server, "reset"))

    @rule(up=st.booleans())
    def cluster_comes_or_goes(self, up: bool) -> None:
        """All primaries at once."""
        self.tell(*(e.ServerConnected(n) if up else e.ServerLost(n, "reset") for n in (1, 2, 3, 9)))

    @rule(
        server=SERVERS,
        calls=st.dictionaries(CALLS, st.sampled_from(e.CallPhase), max_size=4),
        query=st.sampled_from([0, 0, 0, -1, 1]),
    )
    def server_reports(self, server: int, calls: dict[int, e.CallPhase], query: int) -> None:
        """The last question, an old one, or one that was never asked."""
        asked = self.story.queries.get(server)
        query_id = asked.query_id + query if asked else 1
        node_id = asked.node_id if asked else server % BACKUP
        reported = {self.call(back): phase for back, phase in calls.items()}
        self.tell(e.CallsReported(node_id, server, query_id, tuple(reported.items())))

    @rule(back=CALLS, sign=SIGNS)
    def something_happens_to_a_call(self, back: int, sign: Any) -> None:
        """To any call, an attempt's sign to an engaging call as well."""
        self.tell(sign(self.call(back)))

    @rule(back=CALLS, verdict=st.sampled_from([Verdict.PERSON, *Verdict]), takes=st.booleans())
    def a_call_goes_well(self, back: int, verdict: Verdict, takes: bool) -> None:
        """From the request to a verdict, so that later states are seen often enough."""
        call = self.call(back)
        self.tell(e.DialAccepted(call), e.CalleeAnswered(call), e.VerdictReached(call, verdict))
        if takes:
            self.tell(e.CallConnected(call), e.IvrStarted(call))

    @rule(verdict=st.sampled_from([Verdict.PERSON, Verdict.PERSON, Verdict.UNKNOWN]), part=st.integers(1, 3))
    def many_people_answer(self, verdict: Verdict, part: int) -> None:
        """Every call (or every second, or third) that may."""
        for call_id in list(self.story.state.attempts)[::part]:
            self.tell(e.DialAccepted(call_id), e.CalleeAnswered(call_id), e.VerdictReached(call_id, verdict))

    @rule(part=st.integers(1, 3), word=st.sampled_from(CONNECTIONS))
    def many_are_connected(self, part: int, word: Any) -> None:
        """With agents, applications or a message."""
        self.tell(*(word(call_id) for call_id in list(self.story.state.attempts)[::part]))

    @rule(abandoned=st.integers(0, 50), late=st.booleans())
    def a_ledger_is_told(self, abandoned: int, late: bool) -> None:
        """Before the campaign has called, or when it is too late."""
        bucket = bucket_of(self.story.utc_ms) if late else 0
        self.tell(e.AbandonmentFound(7, 1, Counts(900, 880, 20), ((bucket, Counts(100, 50, abandoned)),)))

    @rule(part=st.integers(1, 2))
    def agents_wait_on_the_line(self, part: int) -> None:
        """Engaging calls are answered."""
        self.tell(*(e.AgentEngaged(call_id) for call_id in list(self.story.state.engagings)[::part]))

    @rule(part=st.integers(1, 3))
    def many_calls_end(self, part: int) -> None:
        """Busy, or after a conversation."""
        self.tell(*(e.CallReleased(call_id, 486) for call_id in list(self.story.state.attempts)[::part]))

    @rule(back=CALLS, sip=st.sampled_from([None, 200, 486, 503, 999]), cause=st.sampled_from([None, 0, 16, 17, 127]))
    def a_call_ends(self, back: int, sip: int | None, cause: int | None) -> None:
        """Any call, also twice."""
        self.tell(e.CallReleased(self.call(back), sip, cause))

    @rule(agent=AGENTS, phone=st.sampled_from(["", *PHONES]))
    def agent_signs_in(self, agent: int, phone: str) -> None:
        """With a phone that may be somebody else's."""
        self.tell(e.AgentLoggedIn(agent, phone))

    @rule(agent=AGENTS, what=st.sampled_from([e.AgentBecameReady, e.AgentBecameNotReady, e.AgentLoggedOut]))
    def agent_does_something(self, agent: int, what: Any) -> None:
        """Also when signed out or in a call."""
        self.tell(what(agent))

    @rule(agent=AGENTS, back=st.none() | st.integers(0, 5))
    def agent_hangs_up(self, agent: int, back: int | None) -> None:
        """From the desktop: also in no call, or when another one is meant."""
        self.tell(e.HangUpRequested(agent, None if back is None else self.call(back)))

    @rule(agent=AGENTS, in_ms=st.sampled_from([None, -5_000, 0, 1, 3_000, 20_000, 100_000]))
    def agent_announces_to_leave(self, agent: int, in_ms: int | None) -> None:
        """Also when signed out, and whatever becomes of it."""
        self.tell(e.AgentLeaveAnnounced(agent, None if in_ms is None else self.story.mono_ms + in_ms))

    @rule()
    def agents_are_there(self) -> None:
        """All of them."""
        for agent in (101, 102, 201, 202, 501):
            self.agent_is_there(agent)

    @rule(agent=AGENTS)
    def agent_is_there(self, agent: int) -> None:
        """What it takes to be free, so that dialing happens often enough."""
        phone = next((each.settings.phone for n, each in self.story.state.agents.items() if n == agent), "none")
        prime = self.story.state.prime_id or 1
        self.tell(
            e.AgentLoggedIn(agent, phone),
            e.PhoneStateChanged(prime, phone, e.PhoneState.IDLE),
            e.AgentBecameReady(agent),
        )

    @rule(node_id=NODES, phone=st.sampled_from(PHONES), state=st.sampled_from(e.PhoneState))
    def phone_changes(self, node_id: int, phone: str, state: e.PhoneState) -> None:
        """From any node."""
        self.tell(e.PhoneStateChanged(node_id, phone, state))

    @rule(agent=AGENTS, group_id=GROUPS, what=st.integers(0, 3))
    def agent_previews(self, agent: int, group_id: int, what: int) -> None:
        """Asks, accepts, rejects or cancels, with or without an offer."""
        events = [
            e.PreviewRequested(agent, group_id),
            e.PreviewAccepted(agent),
            e.PreviewRejected(agent),
            e.PreviewRejected(agent, cancel_record=True),
        ]
        self.tell(events[what])

    @rule(
        group_id=GROUPS,
        sizes=st.lists(st.integers(1, 3), max_size=6),
        numbers=st.lists(st.integers(0, NUMBERS - 1), min_size=18, max_size=18),
        exhausted=st.booleans(),
        old=st.booleans(),
    )
    def store_answers(self, group_id: int, sizes: list[int], numbers: list[int], exhausted: bool, old: bool) -> None:
        """With records whose numbers repeat; to a question that was asked, or to none."""
        chains = []
        for size in sizes:
            ids = range(self.story.last_record_id + 1, self.story.last_record_id + size + 1)
            self.story.last_record_id += size
            chains.append(Chain(tuple(record(each, number=number_of(numbers.pop())) for each in ids)))
            self.chains.append(list(ids))
        asked = [each.fetch_id for each in self.story.ever(FetchRecords) if each.group_id == group_id]
        fetch_id = asked[0 if old else -1] if asked else 1
        self.tell(e.RecordsFetched(group_id, fetch_id, tuple(chains), exhausted))

    @rule(size=st.integers(1, 2))
    def store_serves_all(self, size: int) -> None:
        """Whoever waits for records gets some, with numbers that are mostly free."""
        for group_id, each in list(self.story.state.groups.items()):
            if each.is_fetching:
                chains = []
                for _ in range(3):
                    ids = range(self.story.last_record_id + 1, self.story.last_record_id + size + 1)
                    self.story.last_record_id += size
                    chains.append(Chain(tuple(record(n, number=number_of(n % NUMBERS)) for n in ids)))
                    self.chains.append(list(ids))
                self.tell(e.RecordsFetched(group_id, each.fetch_id, tuple(chains)))

    @rule(group_id=GROUPS, fetch_id=st.integers(1, 30))
    def store_fails(self, group_id: int, fetch_id: int) -> None:
        """Whatever it was asked."""
        self.tell(e.FetchFailed(group_id, fetch_id, "down"))

    @rule(number=st.integers(0, NUMBERS - 1))
    def number_becomes_do_not_call(self, number: int) -> None:
        """While it is dialed, on offer or in memory; few of them, so that dialing goes on."""
        if len(self.story.state.do_not_call) < NUMBERS // 5:
            self.tell(e.DoNotCallAdded(number_of(number)))

    @rule(back=st.integers(0, 30), list_id=st.sampled_from([1, 1, 2]))
    def record_is_cancelled(self, back: int, list_id: int) -> None:
        """Wherever it is."""
        self.tell(e.RecordCancelled(list_id, max(1, self.story.last_record_id - back)))

    @rule(group_id=GROUPS, start=st.booleans())
    def operator_starts_or_stops(self, group_id: int, start: bool) -> None:
        """Also what runs already."""
        self.tell(e.GroupStartRequested(1, group_id) if start else e.GroupStopRequested(1, group_id))

    @rule(group_id=GROUPS, pause=st.booleans())
    def operator_pauses_or_resumes(self, group_id: int, pause: bool) -> None:
        """Also what does not run."""
        self.tell(e.GroupPauseRequested(1, group_id) if pause else e.GroupResumeRequested(1, group_id))

    @rule(node_id=NODES)
    def operator_promotes(self, node_id: int) -> None:
        """Active or not."""
        self.tell(e.NodePromoteRequested(1, node_id))

    @rule()
    def operator_starts_all(self) -> None:
        """So that there is something to see."""
        self.tell(*(e.GroupStartRequested(1, number) for number in range(1, 7)))

    @rule(group_id=GROUPS, mode=st.sampled_from(Mode))
    def operator_changes_mode(self, group_id: int, mode: Mode) -> None:
        """Within the family or not."""
        self.tell(e.GroupModeChangeRequested(1, group_id, mode))

    @rule(group_id=GROUPS, of=st.integers(0, 5))
    def statistics_are_found(self, group_id: int, of: int) -> None:
        """What some group knows by now, for another or itself; dialed or not."""
        groups = list(self.story.state.groups.values())
        self.tell(e.StatisticsFound(1, group_id, learned(self.story.state, groups[of % len(groups)])))

    @rule(node_id=NODES, drain=st.booleans())
    def operator_drains(self, node_id: int, drain: bool) -> None:
        """Or takes it back."""
        self.tell(e.NodeDrainRequested(1, node_id) if drain else e.NodeEnableRequested(1, node_id))

    @rule(which=st.integers(0, len(CONFIGURATIONS) - 1))
    def configuration_is_loaded(self, which: int) -> None:
        """In the middle of everything."""
        self.tell(e.ConfigurationLoaded(CONFIGURATIONS[which]))

    # --- what must hold ---

    @invariant()
    def attempts_are_what_was_dialed_and_not_settled(self) -> None:
        """Each dialed once and settled at most once."""
        assert set(self.numbers) == set(self.story.state.attempts)

    @invariant()
    def no_record_is_lost_or_used_twice(self) -> None:
        """Every claimed chain is in exactly one place."""
        state = self.story.state
        held = [chain for each in state.groups.values() for chain in each.buffer]
        held += [agent.offer[1] for agent in state.agents.values() if agent.offer is not None]
        held += [attempt.chain for attempt in state.attempts.values()]
        places = Counter(tuple(each.record_id for each in chain.records) for chain in held)
        assert Counter(map(tuple, self.chains)) == places

    @invariant()
    def memory_is_bounded(self) -> None:
        """By what is configured and what is alive."""
        state = self.story.state
        live = len(state.attempts) + len(state.engagings)
        objects = len(state.groups) + len(state.agents) + len(state.links) + len(state.nodes) + len(state.pools)
        assert len(state.deadlines) <= live + 2 * objects
        assert len(state.deadlines._heap) <= 2 * self.most_armed + STALE_SLACK + 1
        assert len(state.phones) <= len(state.agents)
        assert len(state.numbers) <= len(state.attempts) + len(state.agents)

    @invariant()
    def snapshot_can_be_taken(self) -> None:
        """At any time, with readable reasons; an object that is asked for alone looks the same."""
        snapshot, views = self.story.dialer.snapshot(), self.story.dialer.views
        for view in snapshot.groups:
            assert all(view.holds)
            assert view.ports.reason
        assert views.now == (snapshot.mono_ms, snapshot.utc_ms)
        assert tuple(views.group(one.group_id) for one in snapshot.groups) == snapshot.groups
        assert tuple(views.node(one.node_id) for one in snapshot.nodes) == snapshot.nodes
        assert tuple(views.agent(one.agent_id) for one in snapshot.agents) == snapshot.agents
        assert tuple(views.campaign(one.campaign_id) for one in snapshot.campaigns) == snapshot.campaigns

    def teardown(self) -> None:
        """Silence: everything ends by time alone. Then health: a group dials."""
        if not hasattr(self, "story"):
            return
        self.tell(e.ConfigurationLoaded(BASE))
        self.tell(*(e.GroupStopRequested(1, number) for number in range(1, 7)))
        for _ in range(4):
            self.time_passes(61_000)
        state = self.story.state
        assert ({}, {}, {}) == (state.attempts, state.engagings, state.numbers)
        assert [0] * len(state.pools) == [pool.used_ports + len(pool.stranded) for pool in state.pools.values()]
        assert {"stopped"} == {view.state for view in self.story.dialer.snapshot().groups}
        assert [] == self.chains
        self._a_healthy_group_dials()

    def _a_healthy_group_dials(self) -> None:
        self.tell(*(e.NodeEnableRequested(1, number) for number in (1, 2, 3)))
        self.tell(*(e.ServerLost(server, "reset") for server in (1, 101, 2, 102, 3)))
        self.tell(*(e.ServerConnected(number, 4) for number in (1, 2, 3)))
        self.tell(
            *(e.AgentLoggedOut(agent) for agent in (101, 102)), e.GroupModeChangeRequested(1, 1, Mode.PROGRESSIVE)
        )
        self.tell(e.GroupStartRequested(1, 1))
        self.story.last_record_id += 1
        last = self.story.last_record_id
        self.chains.append([last])
        self.tell(
            e.RecordsFetched(1, self.story.state.groups[1].fetch_id, (Chain((record(last, number="+15559999999"),)),)),
            e.AgentLoggedIn(101, "7101"),
            e.PhoneStateChanged(self.story.state.prime_id or 0, "7101", e.PhoneState.IDLE),
            e.AgentBecameReady(101),
        )
        self.time_passes(1_000)
        assert last in [dial.record_id for dial in self.story.ever(Dial)]


TestAnythingGoes = pytest.mark.slow(AnythingGoes.TestCase)
TestAnythingGoes.settings = settings(max_examples=60, stateful_step_count=50)


# --- the checks object to what they are for -----------------------------------------------------------------------


def _some_work() -> None:
    """A little of everything: calls, a lost node, a stop, a number that must not be called."""
    story = dialing_story(
        group(1, agents=4), group(2, Mode.PROGRESSIVE_SEIZING, agents=2), ports=5, do_not_call=[number_of(2)]
    )
    story.engaged(*story.ever(Engage))
    story.node_down(3)
    for call_id in list(story.state.attempts):
        story.person_answers(call_id)
        story.agent_takes(call_id)
        story.ended(call_id)
    story.drain(2)
    story.agent_ready(101, 102, 103, 201)
    story.agent_not_ready(101, 102, 103, 104)
    for call_id in list(story.state.attempts):
        story.person_answers(call_id)
    story.ended(*story.state.attempts)
    story.agent_ready(101, 102, 103)
    story.ended(*story.state.attempts, sip=486)
    story.stop(1)
    story.agent_ready(104)
    story.tell(e.AgentLeaveAnnounced(104, story.mono_ms + MINUTE_MS))
    story.log_out(104)
    story.load(story.configuration)


def test_sound_dialer_passes_the_checks() -> None:
    _some_work()


@pytest.mark.parametrize(
    "where, what, instead",
    [
        (Pool, "release", lambda self, call_id: True),
        (Pool, "room", lambda self, group_id, kind: 9),
        (Node, "refusal", lambda self, mono_ms: None),
        (Node, "is_active", property(lambda self: True)),
        (Group, "is_running", property(lambda self: True)),
        (State, "arm_call", lambda self, attempt, at_ms: None),
        (callable_records, "may_dial", lambda record, rules, utc_ms, do_not_call: None),
        (availability, "_file", lambda queue, agent_id, belongs: queue.setdefault(agent_id, None)),
        (settlement, "let_agent_go", lambda state, attempt: None),
        (settlement, "stop_waiting", lambda state, attempt: None),
        (settlement, "landed", lambda state, attempt, *, person: None),
        (CallOdds, "_leave", lambda self, dialed_at_ms, at_ms: 0),
        (Spells, "end", lambda self, began_at_ms, at_ms: None),
        (Spells, "drop", lambda self, began_at_ms: None),
        (desks, "expect_leave", lambda state, agent, at_ms: None),
    ],
    ids=[
        "a port does not come home",
        "the pool has no limit",
        "nodes are never refused",
        "nodes are never lost",
        "groups never stop",
        "calls have no deadline",
        "everybody may be called",
        "agents never leave a queue",
        "agents are not let go",
        "persons who left stay in line",
        "calls that are over stay in the forecast",
        "ringing never ends in the forecast",
        "conversations never end in the forecast",
        "who leaves is still expected back",
        "who has left is still about to leave",
    ],
)
def test_checks_catch_a_planted_bug(where: Any, what: str, instead: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(where, what, instead)
    with pytest.raises((AssertionError, KeyError, IndexError)):
        _some_work()
