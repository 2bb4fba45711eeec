"""Calls and records: nothing is called twice, lost, or settled while it lives.

Checkers:

* `call`: what the dialer remembers of a call agrees with what was ordered; calls are numbered upwards; a call that may
  hang has a deadline; an engaging call ends by the server's word or by a deadline, never just so.
* `number`: no number in two calls, by our own ledger and in the world, except for calls that nobody could know of.
* `settlement`: every attempt is settled exactly once, and none whose call is alive where the dialer can see it.
* `record`: every chain that the store has handed out is in one place (a buffer, on offer, in an attempt) and leaves it
  once: settled, given back, or cancelled.

Source: design section 7, item 3.
"""

from dataclasses import replace

from outdial.core.attempt import AttemptState
from outdial.core.callback_events import CallbacksFetched
from outdial.core.commands import CancelRecord, Dial, OfferRecord, QueryCalls, ReturnRecord, SettleAttempt, TreatRecord
from outdial.core.deadlines import Timer
from outdial.core.engaging import EngagingState
from outdial.core.events import (
    CallConnected,
    CallPhase,
    CallReleased,
    CallsReported,
    DeadlineReached,
    DialRejected,
    EngagingReleased,
    RecordCancelled,
    RecordsFetched,
)
from outdial.core.records import Chain, Record
from outdial.core.units import SECOND_MS, AgentId, CallId, GroupId, ListId, Millis, RecordId, ServerId
from outdial.sim.checks_picture import Picture
from outdial.sim.checks_seen import Leg
from outdial.sim.servers import Link

ASK_MS_MAX: Millis = SECOND_MS
"""How long a server may be connected before it is asked for calls that were lost with it. Unit: ms. Ours."""
_ENGAGING_TIMED = (EngagingState.REQUESTED, EngagingState.PROCEEDING, EngagingState.RELEASING, EngagingState.LOST)


class Claim:
    """A chain in the dialer's hands."""

    __slots__ = ("agent_id", "call_id", "group_id", "records")

    def __init__(self, chain: Chain, group_id: GroupId) -> None:
        self.records = list(chain.records)
        self.group_id = group_id
        self.call_id: CallId | None = None
        """The attempt that it is in."""
        self.agent_id: AgentId | None = None
        """The agent to whom it is on offer."""

    @property
    def place(self) -> str:
        """For people."""
        if self.call_id is not None:
            return f"in attempt {self.call_id}"
        if self.agent_id is not None:
            return f"on offer to agent {self.agent_id}"
        return f"in the buffer of group {self.group_id}"


class CallChecks:
    """Watches attempts, engaging calls and records."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._state = picture.state
        self._claims: dict[RecordId, Claim] = {}
        self._chains = 0
        """Chains in the dialer's hands."""
        self._attempts = 0
        self._offers = 0
        self._unseen: dict[CallId, None] = {}
        """Settled while they were, or came to be, alive out of sight."""
        self._double_dials = 0
        self._asked: dict[ServerId, Millis] = {}
        """When each server was last asked for calls."""

    @property
    def chains(self) -> int:
        """Chains in the dialer's hands."""
        return self._chains

    def record(self, record_id: RecordId) -> Record | None:
        """A record in the dialer's hands."""
        claim = self._claims.get(record_id)
        return None if claim is None else next((own for own in claim.records if own.record_id == record_id), None)

    # --- events -------------------------------------------------------------------------------------

    def fetched(self, event: RecordsFetched | CallbacksFetched) -> None:
        """The store has handed out chains."""
        claims = self._claims
        for chain in event.chains:
            claim = Claim(chain, event.group_id)
            self._chains += 1
            for record in chain.records:
                if record.record_id in claims:
                    place = claims[record.record_id].place
                    self._picture.fail("record", f"record {record.record_id} is handed out twice; it is {place}")
                claims[record.record_id] = claim

    def forbidden(self, event: RecordCancelled) -> None:
        """A record must not be dialed, unless it is handed out anew."""
        claim = self._claims.get(event.record_id)
        if claim is not None:
            why = event.forbidden_by or "the list of cancelled records"
            claim.records = [
                replace(own, do_not_call=why)
                if (own.list_id, own.record_id) == (event.list_id, event.record_id)
                else own
                for own in claim.records
            ]

    def connected(self, event: CallConnected) -> None:
        """A transfer is done: in regular modes the call has left the dialer."""
        leg = self._picture.legs.get(event.call_id)
        if leg is None or leg.mode.is_seizing or leg.mode.is_gvp:
            return
        attempt = self._state.attempts.get(event.call_id)
        if attempt is not None and attempt.connected_at_ms is not None:
            self._picture.port_home(leg)

    def reported(self, event: CallsReported) -> None:
        """A server says which calls it has: those are found. Only the answer to the last question counts."""
        picture = self._picture
        if picture.queries.get(event.server_id) != event.query_id:
            return
        del picture.queries[event.server_id]
        for call_id, phase in event.calls:
            leg = picture.legs.get(call_id)
            if leg is not None and leg.node_id == event.node_id:
                if leg.lost_at_ms is not None:
                    leg.lost_at_ms = leg.released_at_ms = None  # what was ordered before was lost with the connection
                    leg.server_id = event.server_id
                picture.touched_calls[call_id] = None
                if leg.is_engaging and leg.agent_id is not None:
                    picture.touched_agents[leg.agent_id] = None
                leg.is_engaged |= leg.is_engaging and phase in (CallPhase.ANSWERED, CallPhase.CONNECTED)

    def find_ended(self, engaged_now: int) -> None:
        """Engaging calls that the dialer has given up in this step, before its commands are looked at.

        Args:
            engaged_now: `Engage` commands of this step.
        """
        picture = self._picture
        if len(picture.engaging) + engaged_now == len(self._state.engagings):
            return
        for call_id in [call_id for call_id in picture.engaging if call_id not in self._state.engagings]:
            leg = picture.engaging[call_id]
            self._check_engaging_end(leg)
            picture.end(leg)

    def _check_engaging_end(self, leg: Leg) -> None:
        event, now_ms = self._picture.event, self._picture.mono_ms
        if isinstance(event, EngagingReleased | DialRejected) and event.call_id == leg.call_id:
            return
        released_ms = leg.released_at_ms
        ocs = self._state.ocs
        if isinstance(event, CallsReported) and event.node_id == leg.node_id:
            return
        timed_out = released_ms is not None and now_ms >= released_ms + ocs.release_ms_max
        lost = leg.lost_at_ms is not None and now_ms >= leg.lost_at_ms + ocs.lost_call_ms_max
        if not (isinstance(event, DeadlineReached) and (timed_out or lost)):
            self._picture.fail("call", f"engaging call {leg.call_id} was given up for no reason: {leg}")

    # --- commands -----------------------------------------------------------------------------------

    def dialed(self, command: Dial, leg: Leg) -> None:
        """An attempt is being ordered; it is not in the picture yet."""
        picture = self._picture
        self.numbered(leg)
        older = picture.numbers.get(command.number)
        if older is not None:
            picture.fail("number", f"{command.number} is dialed as call {leg.call_id} and is in call {older} already")
        claim = self._take(command.record_id, "dialed")
        if claim.records[0].record_id != command.record_id:
            picture.fail("record", f"record {command.record_id} is dialed before {claim.records[0].record_id}")
        self._no_longer_offered(claim)
        claim.call_id = command.call_id
        self._attempts += 1

    def numbered(self, leg: Leg) -> None:
        """A call is being ordered."""
        last = self._picture.last_call_id
        if leg.call_id <= last:
            self._picture.fail("call", f"call number {leg.call_id} is given after {last}")

    def offered(self, command: OfferRecord) -> None:
        """A record is shown to an agent."""
        claim = self._take(command.record.record_id, "offered")
        if claim.agent_id is not None:
            self._picture.fail("record", f"record {command.record.record_id} is offered twice; it is {claim.place}")
        claim.agent_id = command.agent_id
        self._offers += 1

    def settled(self, command: SettleAttempt) -> None:
        """An attempt is over."""
        picture = self._picture
        leg = picture.legs.get(command.call_id)
        if leg is None or leg.is_engaging:
            known = "settled before" if command.call_id <= picture.last_call_id else "never dialed"
            picture.fail("settlement", f"call {command.call_id} is settled, and was {known}")
        if (command.record_id, command.list_id) != (leg.record_id, leg.list_id) or command.group_id != leg.group_id:
            picture.fail("settlement", f"call {command.call_id} is settled as another one: {command}")
        self._check_over(leg)
        claim = self._claims.get(command.record_id)
        if claim is None or claim.call_id != command.call_id:
            place = "nowhere" if claim is None else claim.place
            picture.fail("record", f"record {command.record_id} is settled with call {command.call_id}; it is {place}")
        self._drop(claim)
        self._attempts -= 1
        if command.agent_id is not None:
            picture.touched_agents[command.agent_id] = None
        picture.end(leg)

    def returned(self, command: ReturnRecord) -> None:
        """A chain goes back undialed, from this record on."""
        claim = self._take(command.record_id, "given back")
        if claim.records[0].record_id != command.record_id:
            self._picture.fail("record", f"record {command.record_id} is given back without those before it")
        self._drop(claim)

    def cancelled(self, command: CancelRecord) -> None:
        """One record is finished undialed."""
        claim = self._take(command.record_id, "cancelled")
        claim.records = [record for record in claim.records if record.record_id != command.record_id]
        del self._claims[command.record_id]
        if not claim.records:
            self._drop(claim)
        elif claim.agent_id is not None:
            self._no_longer_offered(claim)

    def treated(self, command: TreatRecord) -> None:
        """A chain goes back with a result that it has come to without a call."""
        self._drop(self._take(command.record_id, "treated"))

    def asked(self, command: QueryCalls) -> None:
        """A server is asked for calls."""
        self._asked[command.server_id] = self._picture.mono_ms
        self._picture.queries[command.server_id] = command.query_id

    def _take(self, record_id: RecordId, what: str) -> Claim:
        claim = self._claims.get(record_id)
        if claim is None:
            self._picture.fail("record", f"record {record_id} is {what}, and the store has not handed it out")
        if claim.call_id is not None:
            self._picture.fail("record", f"record {record_id} is {what}; it is {claim.place}")
        return claim

    def _no_longer_offered(self, claim: Claim) -> None:
        if claim.agent_id is not None:
            claim.agent_id = None
            self._offers -= 1

    def _drop(self, claim: Claim) -> None:
        self._no_longer_offered(claim)
        self._chains -= 1
        for record in claim.records:
            del self._claims[record.record_id]

    # --- the truth ----------------------------------------------------------------------------------

    def _check_over(self, leg: Leg) -> None:
        """An attempt is being settled: is its call really over, as far as the dialer could know?"""
        picture = self._picture
        event = picture.event
        call = picture.world.live_calls.get(leg.call_id)
        if call is None:
            if leg.lost_at_ms is not None:
                self._note_unseen(leg.call_id)  # its request may still wait in the socket of a server that hangs
            return
        server = call.server
        if isinstance(event, CallReleased | DialRejected) and event.call_id == leg.call_id:
            picture.fail("settlement", f"call {leg.call_id} is settled by {event}, and is alive: {call}")
        self._note_unseen(leg.call_id)
        if server.link is not Link.UP:
            return
        up_ms = picture.up.get(server.server_id, picture.mono_ms)
        if picture.mono_ms - up_ms >= ASK_MS_MAX and self._asked.get(server.server_id, -1) < up_ms:
            picture.fail(
                "settlement",
                f"call {leg.call_id} is settled and is alive on server {server.server_id}, which has been connected "
                f"since {up_ms} ms and was never asked for its calls",
            )
        if isinstance(event, CallsReported) and event.server_id == server.server_id:
            picture.fail("settlement", f"call {leg.call_id} is settled by a report of the server that has it: {call}")
        if leg.lost_at_ms is None and leg.released_at_ms is None:
            picture.fail("settlement", f"call {leg.call_id} is settled without a release, and is alive: {call}")

    def _note_unseen(self, call_id: CallId) -> None:
        self._unseen[call_id] = None

    def _check_double_dials(self) -> None:
        """The world has dialed a number while a call to it was alive."""
        double_dials = self._picture.world.exchange.double_dials
        for double in double_dials[self._double_dials :]:
            if not double.is_stale and double.older not in self._unseen:
                self._picture.fail("number", f"{double.number} is really in two calls: {double}")
        self._double_dials = len(double_dials)

    # --- after every step ---------------------------------------------------------------------------

    def after_step(self) -> None:
        """Counts."""
        state, picture = self._state, self._picture
        if len(state.attempts) != self._attempts or len(state.engagings) != len(picture.engaging):
            picture.fail(
                "call",
                f"the dialer remembers {len(state.attempts)} attempts and {len(state.engagings)} engaging calls, "
                f"ordered and not ended are {self._attempts} and {len(picture.engaging)}",
            )
        if len(state.numbers) != self._attempts + self._offers:
            picture.fail(
                "number",
                f"{len(state.numbers)} numbers are taken, by {self._attempts} attempts and {self._offers} offers",
            )
        if len(picture.world.exchange.double_dials) != self._double_dials:
            self._check_double_dials()
        if picture.world.lists.strays:
            picture.fail("record", picture.world.lists.strays[0])

    def look(self, call_id: CallId) -> None:
        """One call that the step was about, or all of them in a sweep."""
        picture, state = self._picture, self._state
        leg = picture.legs.get(call_id)
        attempt, engaging = state.attempts.get(call_id), state.engagings.get(call_id)
        if leg is None:
            if attempt is not None or engaging is not None:
                picture.fail("call", f"the dialer remembers call {call_id}, which is over or was never ordered")
        elif leg.is_engaging:
            if engaging is None or (engaging.agent_id, engaging.node_id) != (leg.agent_id, leg.node_id):
                picture.fail("call", f"engaging call {call_id} is forgotten, or remembered differently: {leg}")
            timed = engaging.state in _ENGAGING_TIMED
            if timed and state.deadlines.at((Timer.ENGAGING, call_id)) is None:
                picture.fail("call", f"engaging call {call_id} is {engaging.state.value} without a deadline")
        else:
            if attempt is None or (attempt.group_id, attempt.node_id) != (leg.group_id, leg.node_id):
                picture.fail("call", f"attempt {call_id} is forgotten, or remembered differently: {leg}")
            if state.deadlines.at((Timer.CALL, call_id)) is None:
                picture.fail("call", f"attempt {call_id} is {attempt.state.value} without a deadline")
            if state.numbers.get(leg.number) != call_id:
                picture.fail("number", f"{leg.number} belongs to {state.numbers.get(leg.number)}, not to {call_id}")
            if call_id not in state.groups[leg.group_id].calls[attempt.state]:
                picture.fail("call", f"attempt {call_id} is not filed as {attempt.state.value}")

    # --- everything -------------------------------------------------------------------------------

    def sweep(self) -> None:
        """All calls and all records."""
        picture, state = self._picture, self._state
        for call_id in picture.legs:
            self.look(call_id)
        filed = sum(len(calls) for group in state.groups.values() for calls in group.calls.values())
        settled = sum(len(group.calls[AttemptState.SETTLED]) for group in state.groups.values())
        if filed != self._attempts or settled:
            picture.fail("call", f"{filed} attempts are filed by state, {settled} of them as settled")
        buffers = 0
        for group in state.groups.values():
            buffers += len(group.buffer) + len(group.callbacks)
            for chain in (*group.buffer, *group.callbacks.values()):
                self._check_buffered(group.group_id, chain)
        if buffers + self._offers + self._attempts != self._chains:
            picture.fail(
                "record",
                f"{self._chains} chains were handed out; {buffers} are in buffers, {self._offers} on offer, "
                f"{self._attempts} in attempts",
            )

    def _check_buffered(self, group_id: GroupId, chain: Chain) -> None:
        claim = self._claims.get(chain.records[0].record_id)
        if claim is None or claim.call_id is not None or claim.agent_id is not None:
            place = "not handed out" if claim is None else claim.place
            self._picture.fail(
                "record", f"record {chain.records[0].record_id} is in the buffer of group {group_id}; it is {place}"
            )
        if len(chain.records) != len(claim.records) or chain.records[0].record_id != claim.records[0].record_id:
            self._picture.fail("record", f"chain in the buffer of group {group_id} is {chain}, not {claim.records}")

    def at_end(self) -> None:
        """Everything has been given back, and the store agrees."""
        if self._chains:
            places = [claim.place for claim in list(self._claims.values())[:9]]
            self._picture.fail("record", f"{self._chains} chains never came back: {places}")
        claimed: dict[ListId, int] = {
            list_id: count for list_id, count in self._picture.world.lists.claimed_counts().items() if count
        }
        if claimed:
            self._picture.fail("record", f"the store still waits for chains of lists {claimed}")
