"""Planted bugs: what the checkers of `outdial.sim.checkers` must catch, each in a world in which it can show.

A *trial* (`trials.py`) is a small, quick world. A *plant* breaks one thing in the dialer, by putting something else in
the place of one of its functions, and names the checker that has to notice. The same trial without the plant is clean.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from outdial.core import (
    allocation,
    availability,
    callable_records,
    calls,
    campaign_accounts,
    cluster,
    compliance,
    desks,
    dialing,
    dispositions,
    distribution,
    group_control,
    placement,
    port_shares,
    preview,
    recent_calls,
    safe_harbour,
    seizing,
    settlement,
)
from outdial.core import dialer as front_door
from outdial.core import events as e
from outdial.core.abandonment import Counts
from outdial.core.agents import AgentState
from outdial.core.attempt import AttemptSignal
from outdial.core.commands import AgentStateChanged, Dial, QueryCalls, Release, ReleaseEngaging, SettleAttempt
from outdial.core.deadlines import Deadlines, Timer
from outdial.core.events import PhoneState
from outdial.core.groups import GroupSignal, Hold
from outdial.core.nodes import LinkSignal, Node, NoNodeReason, Rotation
from outdial.core.ports import NoPort, Pool
from outdial.core.recent_calls import RecentNumbers
from outdial.core.state import State

Put = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Plant:
    """One bug."""

    name: str
    checker: str
    trial: str
    put: Put
    sweep_every: int


PLANTS: list[Plant] = []


def plant(checker: str, trial: str, *, sweep_every: int = 20) -> Callable[[Put], Put]:
    """Note a plant, with the checker that must catch it and the trial in which it shows."""

    def note(put: Put) -> Put:
        PLANTS.append(Plant(put.__name__, checker, trial, put, sweep_every))
        return put

    return note


def nothing(*_arguments: Any, **_named: Any) -> None:
    """In the place of something that is forgotten."""


def change_room(patch: pytest.MonkeyPatch, *ignored: NoPort) -> None:
    """Pools find room where there is none."""
    room = Pool.room

    def careless(self, group_id, kind):
        found = room(self, group_id, kind)
        is_full = self.used_ports >= self.ports - self.reserved_ports
        return 1 if found in ignored and (found is NoPort.POOL_FULL or not is_full) else found

    patch.setattr(Pool, "room", careless)


def change_emit(patch: pytest.MonkeyPatch, change: Callable[[Any], list[Any]]) -> None:
    """Commands become others on their way out."""
    emit = State.emit

    def changed(self, command):
        for each in change(command):
            emit(self, each)

    patch.setattr(State, "emit", changed)


def change_refusal(patch: pytest.MonkeyPatch, reason: NoNodeReason) -> None:
    """Nodes take requests that they must not take."""
    refusal = Node.refusal

    def blind(self, mono_ms):
        found = refusal(self, mono_ms)
        return None if found is not None and found.reason is reason else found

    patch.setattr(Node, "refusal", blind)


# --- ports ------------------------------------------------------------------------------------


@plant("pool", "unlimited")
def the_pool_is_over_committed(patch):
    change_room(patch, NoPort.POOL_FULL)


@plant("lease", "mixed")
def every_tenth_port_never_comes_home(patch):
    release = State.release_lease

    def leak(self, call_id, pool, node_id):
        release(self, call_id, pool if call_id % 10 else None, node_id)

    patch.setattr(State, "release_lease", leak)


@plant("lease", "mixed")
def every_tenth_call_has_no_lease(patch):
    take = Pool.lease

    def forget(self, lease):
        return take(self, lease) if lease.call_id % 10 else None

    patch.setattr(Pool, "lease", forget)


@plant("lease", "reporting")
def calls_of_a_lost_node_hold_ports_of_the_others(patch):
    patch.setattr(Pool, "strand", nothing)


@plant("lease", "reporting")
def leases_stay_stranded_when_their_node_is_back(patch):
    patch.setattr(Pool, "unstrand", nothing)


@plant("node ledger", "mixed")
def nodes_keep_calls_that_are_over(patch):
    release = State.release_lease

    def keep(self, call_id, pool, node_id):
        release(self, call_id, pool, 0)

    patch.setattr(State, "release_lease", keep)


@plant("pool size", "reporting")
def ports_of_lost_nodes_are_counted(patch):
    patch.setattr(port_shares, "_reported", lambda node: node.total_ports or 0)


@plant("maximum", "capped")
def groups_go_beyond_their_maximum(patch):
    change_room(patch, NoPort.GROUP_MAXIMUM)


@plant("maximum", "reserved")
def agents_are_engaged_beyond_the_limit_of_engaging_ports(patch):
    change_room(patch, NoPort.ENGAGING_LIMIT)


@plant("maximum", "reserved")
def reserved_ports_are_given_to_others(patch):
    room = Pool.room

    def greedy(self, group_id, kind):
        reserved_ports, self.reserved_ports = self.reserved_ports, 0
        found = room(self, group_id, kind)
        self.reserved_ports = reserved_ports
        return found

    patch.setattr(Pool, "room", greedy)


@plant("shares", "regular")
def one_port_is_shared_out_to_nobody(patch):
    share_ports = allocation.share_ports

    def wasteful(pool_ports, claims):
        shares = share_ports(pool_ports, claims)
        if len(shares) > 1:
            shares[0] = shares[0]._replace(maximum_ports=shares[0].maximum_ports - 1)
        return shares

    patch.setattr(allocation, "share_ports", wasteful)


@plant("shares", "reserved")
def the_cap_on_engaging_ports_is_forgotten(patch):
    basis = allocation.basis
    patch.setattr(allocation, "basis", lambda user, dynamic: basis(user, dynamic)._replace(engaging_cap=None))


@plant("shares", "reserved")
def reservations_do_not_come_off_the_pool(patch):
    basis = allocation.basis
    patch.setattr(allocation, "basis", lambda user, dynamic: basis(user, dynamic)._replace(reserved=0))


# --- callbacks --------------------------------------------------------------------------------


@plant("callback", "callbacks")
def a_callback_goes_to_whoever_is_free(patch):
    ready_callbacks = preview.ready_callbacks

    def to_anybody(state, group):
        found = ready_callbacks(state, group)
        free = [state.agents[each] for each in state.agent_group_of(group).free]
        others = [agent for agent in free if all(agent is not wanted for wanted, _ in found)]
        return [(others.pop() if others else agent, chain) for agent, chain in found]

    patch.setattr(preview, "ready_callbacks", to_anybody)


@plant("callback", "callbacks")
def what_is_said_during_a_call_is_forgotten(patch):
    patch.setattr(
        dispositions, "follow_word", lambda state, chain, word, result: dispositions.by_treatments(state, chain, result)
    )


@plant("callback", "callbacks")
def nobody_is_offered_a_callback(patch):
    patch.setattr(dialing, "offer_callbacks", nothing)


@plant("callback", "callbacks")
def callbacks_are_dialed_at_once(patch):
    def hasty(command):
        if isinstance(command, SettleAttempt) and command.disposition.agent_id is None:
            return [replace(command, disposition=replace(command.disposition, record_type=None, not_before_utc_ms=0))]
        return [command]

    change_emit(patch, hasty)


# --- calls and records ------------------------------------------------------------------------


@plant("call", "mixed")
def attempts_have_no_deadline(patch):
    patch.setattr(State, "arm_call", nothing)


@plant("call", "mixed")
def some_attempts_are_never_settled(patch):
    change_emit(
        patch,
        lambda command: [] if isinstance(command, SettleAttempt) and command.call_id % 20 == 0 else [command],
    )


@plant("call", "mixed")
def a_call_number_is_given_twice(patch):
    new_call_id = State.new_call_id

    def forgetful(self):
        if self.last_call_id == 50:
            self.last_call_id = 49
        return new_call_id(self)

    patch.setattr(State, "new_call_id", forgetful)


@plant("settlement", "mixed")
def some_attempts_are_settled_twice(patch):
    change_emit(
        patch,
        lambda command: [command] * (2 if isinstance(command, SettleAttempt) and command.call_id % 20 == 0 else 1),
    )


@plant("settlement", "mixed")
def attempts_are_settled_instead_of_released(patch):
    def hasty(state, attempt, ending):
        attempt.ending = attempt.ending or ending
        settlement.settle(state, attempt, AttemptSignal.GONE)

    patch.setattr(calls, "end_call", hasty)


# --- abandoned calls --------------------------------------------------------------------------


@plant("abandonment", "ledger")
def who_is_connected_too_late_is_not_abandoned(patch):
    fate_of = safe_harbour.fate_of

    def lenient(attempt, settings):
        fate = fate_of(attempt, settings)
        return fate._replace(abandoned=fate.abandoned and attempt.connected_at_ms is None)

    patch.setattr(safe_harbour, "fate_of", lenient)


@plant("abandonment", "ledger")
def who_hangs_up_while_waiting_is_not_abandoned(patch):
    fate_of = safe_harbour.fate_of

    def lenient(attempt, settings):
        fate = fate_of(attempt, settings)
        return fate._replace(abandoned=fate.abandoned and attempt.ending is not None)

    patch.setattr(safe_harbour, "fate_of", lenient)


@plant("abandonment", "ledger")
def a_dropped_person_is_counted_twice(patch):
    count = campaign_accounts.count

    def generous(state, settled):
        count(state, settled)
        if settled.abandoned:
            count(state, settled)

    patch.setattr(settlement, "count", generous)


@plant("abandonment", "ledger")
def what_is_told_again_is_counted_again(patch):
    patch.setattr(Counts, "beyond", lambda self, other: self)


@plant("abandonment", "ledger")
def machines_are_persons(patch):
    fate_of = safe_harbour.fate_of
    patch.setattr(safe_harbour, "fate_of", lambda attempt, settings: fate_of(attempt, settings)._replace(person=True))


@plant("abandonment", "ledger")
def every_dropped_person_is_said_to_have_heard_the_message(patch):
    change_emit(
        patch,
        lambda command: [
            replace(command, message_played=command.person) if isinstance(command, SettleAttempt) else command
        ],
    )


@plant("settlement", "standby")
def a_server_that_comes_back_to_stand_by_is_not_asked(patch):
    query = cluster.query

    def incurious(state, link):
        if state.nodes[link.node_id].server_id == link.server_id:
            query(state, link)

    patch.setattr(cluster, "query", incurious)


@plant("number", "repeated")
def numbers_are_dialed_while_they_are_in_a_call(patch):
    take_next = callable_records.take_next

    def blind(state, group):
        numbers, state.numbers = state.numbers, {}
        chain = take_next(state, group)
        state.numbers = numbers
        return chain

    patch.setattr(dialing, "take_next", blind)
    patch.setattr(preview, "take_next", blind)


@plant("record", "repeated")
def records_are_dropped_instead_of_given_back(patch):
    patch.setattr(callable_records, "give_back", nothing)


@plant("record", "repeated")
def records_are_given_back_twice(patch):
    give_back = callable_records.give_back

    def insistent(*arguments):
        give_back(*arguments)
        give_back(*arguments)

    patch.setattr(callable_records, "give_back", insistent)


@plant("record", "slow store")
def chains_that_come_after_the_stop_are_dropped(patch):
    fetched = callable_records.fetched

    def careless(state, event):
        if state.groups[event.group_id].is_running:
            fetched(state, event)

    kind = next(kind for kind, handler in front_door._HANDLERS.items() if handler is fetched)
    patch.setitem(front_door._HANDLERS, kind, careless)


@plant("record", "mixed")
def a_chain_is_left_in_the_buffer_when_it_is_dialed(patch):
    take_next = callable_records.take_next

    def copying(state, group):
        chain = take_next(state, group)
        if chain is not None and chain.records[0].record_id % 20 == 1:
            group.buffer.append(chain)
        return chain

    patch.setattr(dialing, "take_next", copying)


# --- what may not be ordered --------------------------------------------------------------------


@plant("inactive node", "faults")
def inactive_nodes_are_dialed_on(patch):
    change_refusal(patch, NoNodeReason.NONE_ACTIVE)


@plant("inactive node", "faults")
def requests_go_to_the_primary_even_when_the_backup_is_in_use(patch):
    change_emit(
        patch,
        lambda command: [replace(command, server_id=command.node_id) if isinstance(command, Dial) else command],
    )


@plant("draining node", "operator")
def drained_nodes_are_dialed_on(patch):
    change_refusal(patch, NoNodeReason.DRAINING)


@plant("prime lost", "faults")
def dialing_goes_on_without_the_prime_node(patch):
    patch.setattr(dialing, "unreachable", nothing)


@plant("calling hours", "hours")
def calling_hours_are_ignored(patch):
    patch.setattr(callable_records, "may_dial", nothing)


@plant("calling hours", "hours")
def an_accepted_record_is_not_looked_at_again(patch):
    patch.setattr(preview, "_too_late", nothing)


@plant("calling hours", "weekday")
def hours_by_weekday_are_forgotten(patch):
    hours_of = compliance.hours_of
    patch.setattr(compliance, "hours_of", lambda record, rules: replace(hours_of(record, rules), week=()))


@plant("attempts", "rules")
def attempts_are_not_counted(patch):
    patch.setattr(compliance, "_too_many", lambda facts, zones, rules, utc_ms: [])


@plant("attempts", "rules")
def one_attempt_too_many(patch):
    too_many = compliance._too_many

    def generous(facts, zones, rules, utc_ms):
        more = tuple((window_ms, limit._replace(value=limit.value + 1)) for window_ms, limit in rules.rolling)
        return too_many(facts, zones, replace(rules, rolling=more), utc_ms)

    patch.setattr(compliance, "_too_many", generous)


@plant("left alone", "rules")
def calls_since_the_claim_are_not_added(patch):
    patch.setattr(RecentNumbers, "with_recent", lambda self, number, facts: facts)


@plant("left alone", "rules")
def numbers_are_let_go_and_nobody_knows(patch):
    patch.setattr(recent_calls, "NUMBERS_MAX", 1)
    patch.setattr(RecentNumbers, "are_too_old", lambda self, facts, mono_ms: False)


@plant("left alone", "rules")
def numbers_are_not_left_alone(patch):
    patch.setattr(compliance, "_left_alone", lambda *_: [])


@plant("do not call", "forbidden")
def the_do_not_call_list_is_ignored(patch):
    may_dial = callable_records.may_dial
    patch.setattr(callable_records, "may_dial", lambda record, rules, utc_ms, _: may_dial(record, rules, utc_ms, ()))


@plant("do not call", "forbidden")
def what_the_store_says_of_a_record_is_ignored(patch):
    may_dial = callable_records.may_dial
    patch.setattr(callable_records, "may_dial", lambda record, *rest: may_dial(replace(record, do_not_call=""), *rest))


@plant("do not call", "operator", sweep_every=100_000)
def what_is_said_of_a_record_in_memory_is_not_heard(patch):
    patch.setattr(callable_records, "cancelled", nothing)


@plant("stopped group", "operator", sweep_every=100_000)
def a_group_that_was_stopped_goes_on(patch):
    patch.setattr(group_control, "stop", nothing)


@plant("paused group", "pauses", sweep_every=100_000)
def a_paused_group_goes_on(patch):
    patch.setattr(group_control, "pause", nothing)


@plant("paused group", "pauses", sweep_every=100_000)
def a_paused_group_offers_records(patch):
    def forgetful(state, group):
        if group.is_paused and group.mode.is_preview:
            return dialing._preview(state, group)
        return start_attempts(state, group)

    start_attempts = dialing._start_attempts
    patch.setattr(dialing, "_start_attempts", forgetful)


@plant("idle", "pauses", sweep_every=100_000)
def nobody_resumes_a_paused_group(patch):
    resume = front_door._HANDLERS[e.GroupResumeRequested]

    def only_says_so(state, event):
        group = state.groups[event.group_id]
        resume(state, event)
        if group.is_running and not group.is_paused:
            group.move(GroupSignal.PAUSE)

    patch.setitem(front_door._HANDLERS, e.GroupResumeRequested, only_says_so)


@plant("links", "pauses", sweep_every=100_000)
def a_promotion_is_only_confirmed(patch):
    patch.setattr(group_control, "make_prime", nothing)


@plant("no agents", "regular")
def calls_are_made_for_nobody(patch):
    start_attempts = dialing._start_attempts

    def eager(state, group):
        hold = start_attempts(state, group)
        return dialing._start(state, group, 1) if hold[0] is Hold.NO_AGENTS else hold

    patch.setattr(dialing, "_start_attempts", eager)


@plant("agent not free", "phones")
def persons_are_sent_to_phones_that_cannot_ring(patch):
    first_agent_for = distribution._first_agent_for

    def careless(state, attempt):
        group = state.agent_groups.get(attempt.agent_group_id)
        for agent_id in group.working if group is not None else ():
            agent = state.agents[agent_id]
            if agent.state is AgentState.READY and agent.phone_state is not PhoneState.IDLE:
                return agent
        return first_agent_for(state, attempt)

    patch.setattr(distribution, "_first_agent_for", careless)


@plant("agent not free", "both servers")
def persons_are_joined_to_agents_on_another_server(patch):
    def careless(state, attempt):
        return next((state.agents[agent_id] for agent_id in distribution.agents_for(state, attempt)), None)

    patch.setattr(distribution, "_first_agent_for", careless)


@plant("agent not free", "seizing")
def an_agent_is_engaged_twice(patch):
    engage = seizing._engage

    def twice(state, group, node, agent_id):
        engage(state, group, node, agent_id)
        engage(state, group, node, agent_id)

    patch.setattr(seizing, "_engage", twice)


@plant("call rate", "rates")
def the_call_rate_of_nodes_is_ignored(patch):
    change_refusal(patch, NoNodeReason.CALL_RATE)


# --- which node -------------------------------------------------------------------------------


@plant("rotation", "regular")
def every_other_node_is_passed_over(patch):
    choose = Rotation.choose

    def skip(self, members, mono_ms):
        found = choose(self, members, mono_ms)
        self.cursor = (self.cursor + 1) % len(members)
        return found

    patch.setattr(Rotation, "choose", skip)


@plant("rotation", "faults")
def a_node_that_is_back_is_not_used_again(patch):
    refusal = Node.refusal

    def unforgiving(self, mono_ms):
        if self.returned_at_ms is not None and self.returned_at_ms > 5_000:
            return Node(self.settings).refusal(mono_ms)
        return refusal(self, mono_ms)

    patch.setattr(Node, "refusal", unforgiving)


@plant("least loaded", "least loaded")
def nodes_take_turns_whatever_their_load(patch):
    def in_turn(self, members, _ports, mono_ms):
        return self.choose(members, mono_ms)

    patch.setattr(Rotation, "choose_least_loaded", in_turn)


def _always_prime(patch: pytest.MonkeyPatch, condition: Callable[[State, Any], bool]) -> None:
    fixed_node = placement.fixed_node

    def elsewhere(state, group):
        node = fixed_node(state, group)
        is_moved = node is not None and group.mode.is_seizing and condition(state, node)
        return placement.prime_for_dialing(state) if is_moved else node

    for module in (placement, dialing):
        patch.setattr(module, "fixed_node", elsewhere)


@plant("dialer node", "seizing")
def seizing_groups_dial_on_the_prime_node(patch):
    _always_prime(patch, lambda _state, _node: True)


@plant("dialer node", "dialer lost")
def seizing_groups_fail_over_to_the_prime_node(patch):
    _always_prime(patch, lambda _state, node: not node.is_active)


@plant("links", "faults")
def the_loss_of_a_primary_goes_unnoticed(patch):
    move = Node.move

    def deaf(self, signal, mono_ms):
        return signal is not LinkSignal.PRIMARY_DOWN and move(self, signal, mono_ms)

    patch.setattr(Node, "move", deaf)


@plant("links", "faults")
def a_lost_prime_node_remains_the_prime_node(patch):
    elect_prime = cluster.elect_prime

    def loyal(state):
        if state.prime_id is None:
            elect_prime(state)

    patch.setattr(cluster, "elect_prime", loyal)


# --- progress ---------------------------------------------------------------------------------


@plant("idle", "regular")
def nobody_wakes_a_group(patch):
    patch.setattr(State, "touch", nothing)


@plant("idle", "handover")
def nobody_is_woken_by_ports_that_come_home(patch):
    dial_dirty = dialing.dial_dirty

    def deaf(state):
        state.freed_pools.clear()
        dial_dirty(state)

    patch.setattr(front_door, "dial_dirty", deaf)


@plant("idle", "operator")
def nobody_is_woken_by_what_concerns_everybody(patch):
    patch.setattr(State, "touch_all", nothing)


@plant("no progress", "patience")
def phones_are_never_subscribed(patch):
    patch.setattr(desks, "subscribe", nothing)
    patch.setattr(cluster, "subscribe", nothing)


@plant("no progress", "patience")
def records_are_fetched_once_only(patch):
    fetch_if_low = callable_records.fetch_if_low

    def tired(state, group):
        if not group.fetch_id:
            fetch_if_low(state, group)

    patch.setattr(dialing, "fetch_if_low", tired)


@plant("hang", "faults")
def a_lost_server_is_never_tried_again(patch):
    patch.setitem(front_door._TIMERS, Timer.SERVER, nothing)


@plant("hang", "slow store")
def fetches_have_no_deadline(patch):
    arm = Deadlines.arm

    def selective(self, key, at_ms):
        if key[0] is not Timer.FETCH:
            arm(self, key, at_ms)

    patch.setattr(Deadlines, "arm", selective)


@plant("hang", "regular")
def ports_are_not_shared_again_after_the_period(patch):
    patch.setitem(front_door._TIMERS, Timer.POOL, nothing)


@plant("connection", "outage")
def the_backup_of_a_lost_primary_is_not_tried(patch):
    deadline = cluster.deadline

    def proud(state, server_id):
        if state.links[server_id].is_primary:
            deadline(state, server_id)

    patch.setattr(cluster, "_try_other", nothing)
    patch.setitem(front_door._TIMERS, Timer.SERVER, proud)


@plant("orphan", "failover")
def a_lost_backup_is_not_tried_while_the_primary_is_in_use(patch):
    deadline = cluster.deadline

    def proud(state, server_id):
        link = state.links[server_id]
        if link.is_primary or not state.nodes[link.node_id].is_active:
            deadline(state, server_id)

    patch.setitem(front_door._TIMERS, Timer.SERVER, proud)


@plant("orphan", "partition")
def calls_that_nobody_knows_are_not_released(patch):
    emit = State.emit

    def kind(self, command):
        known = isinstance(command, Release | ReleaseEngaging) and command.call_id not in self.attempts | self.engagings
        if not known:
            emit(self, command)

    patch.setattr(State, "emit", kind)


@plant("at rest", "seizing")
def agents_of_a_stopped_group_are_held_on_the_line(patch):
    patch.setattr(group_control, "release_engaging", nothing)


# --- work and memory --------------------------------------------------------------------------


@plant("work", "regular")
def a_question_is_asked_a_thousand_times(patch):
    change_emit(patch, lambda command: [command] * (1_000 if isinstance(command, QueryCalls) else 1))


@plant("work", "regular")
def a_deadline_sets_itself_again_at_once(patch):
    recalculate = port_shares.recalculate

    def restless(state, pool):
        recalculate(state, pool)
        state.deadlines.arm(port_shares._timer(pool.dialer), state.mono_ms)

    patch.setattr(port_shares, "recalculate", restless)


@plant("growth", "patience")
def the_deadline_heap_is_never_cleaned(patch):
    patch.setattr(Deadlines, "_rebuild", nothing)


# --- agents -----------------------------------------------------------------------------------


@plant("agent", "mixed")
def agents_talk_on_when_their_call_is_over(patch):
    patch.setattr(settlement, "let_agent_go", nothing)


@plant("agent", "mixed")
def nobody_says_for_which_group_an_agent_is_busy(patch):
    patch.setattr(availability, "AgentStateChanged", lambda *what: AgentStateChanged(*what[:3]))


@plant("agent", "faults")
def every_node_has_a_word_on_phones(patch):
    handlers = front_door._HANDLERS
    kind = next(kind for kind, handler in handlers.items() if handler is desks.phone_changed)

    def gullible(state, event):
        desks.phone_changed(state, replace(event, node_id=state.prime_id))

    patch.setitem(handlers, kind, gullible)


@plant("registry", "mixed")
def nobody_ever_leaves_a_queue(patch):
    def sticky(queue, agent_id, belongs):
        if belongs:
            queue.setdefault(agent_id, None)

    patch.setattr(availability, "_file", sticky)


@plant("longest idle", "mixed")
def the_shortest_idle_agent_comes_first(patch):
    agents_for = distribution.agents_for
    patch.setattr(distribution, "agents_for", lambda *what: OrderedDict(reversed(agents_for(*what).items())))


@plant("longest idle", "waiting")
def the_last_person_in_line_is_served_first(patch):
    seek_agent = distribution.seek_agent

    def push_forward(state, attempt):
        seek_agent(state, attempt)
        line = distribution.line_of(state, attempt)
        if attempt.call_id in line:
            line.move_to_end(attempt.call_id, last=False)

    patch.setattr(calls, "seek_agent", push_forward)
