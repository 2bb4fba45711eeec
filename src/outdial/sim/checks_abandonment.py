"""Abandoned calls: what each settlement says of its person agrees with what was seen at the callee's side.

Checker `abandonment`: our own notes say when a callee answered, what was heard, when somebody was there and whether a
message began. From them follows

* a person on whose call nobody was ever there is abandoned, and so is one who met somebody later than the limit after
  the verdict; one who met somebody within the limit after the answer is not;
* a message is booked if, and only if, it began and did not fail;
* the ledger of a campaign, once there is one, is the sum of what it was told and of the settlements since: each is in
  it once.

Whatever lies between the answer and the verdict is left to the clock that the group has chosen.

Source: 16 CFR 310.4(b)(1)(iv). Ours: the notes.
"""

from dataclasses import dataclass

from outdial.core.abandonment import BUCKET_MS, NOTHING, Counts
from outdial.core.commands import SettleAttempt
from outdial.core.events import (
    AbandonmentFound,
    CallConnected,
    CalleeAnswered,
    IvrStarted,
    MessageEnded,
    MessageStarted,
    VerdictReached,
)
from outdial.core.results import Verdict, reached_person
from outdial.core.units import CallId, Millis
from outdial.sim.checks_picture import Picture

EARLIER = -1
"""Stands for the bucket of everything that is older."""


@dataclass(slots=True)
class Notes:
    """What was seen of one call. Instants are the first ones."""

    answered_ms: Millis | None = None
    verdict_ms: Millis | None = None
    met_ms: Millis | None = None
    """Agent or IVR application was there."""
    message: bool = False


class AbandonmentChecks:
    """Watches what becomes of answered persons."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._notes: dict[CallId, Notes] = {}
        self._books: dict[int, dict[int, Counts]] = {}
        """What the ledgers must say. Shape: {campaign: {start of the bucket: counts}}."""

    # --- events -------------------------------------------------------------------------------------

    def found(self, event: AbandonmentFound) -> None:
        """A ledger has been told: every count is at least that."""
        if event.campaign_id in self._picture.state.campaigns:
            book = self._books.setdefault(event.campaign_id, {})
            for bucket, counts in ((EARLIER, event.earlier), *event.buckets):
                known = book.get(bucket, NOTHING)
                book[bucket] = Counts(*[max(pair) for pair in zip(known, counts, strict=True)])

    def answered(self, event: CalleeAnswered) -> None:
        """The callee has answered."""
        notes = self._of(event.call_id)
        if notes is not None and notes.answered_ms is None:
            notes.answered_ms = self._picture.mono_ms

    def judged(self, event: VerdictReached) -> None:
        """Detection has decided."""
        notes = self._of(event.call_id)
        if notes is not None and notes.verdict_ms is None:
            notes.verdict_ms = self._picture.mono_ms

    def met(self, event: CallConnected | IvrStarted) -> None:
        """Somebody is there. What the dialer did not take for it does not count: nobody goes on with such a call."""
        notes, attempt = self._of(event.call_id), self._picture.state.attempts.get(event.call_id)
        if notes is not None and notes.met_ms is None and attempt is not None and attempt.connected_at_ms is not None:
            notes.met_ms = self._picture.mono_ms

    def message_started(self, event: MessageStarted) -> None:
        """The callee hears the message."""
        notes = self._of(event.call_id)
        if notes is not None:
            notes.message = True

    def message_ended(self, event: MessageEnded) -> None:
        """The message is over; one that failed was none."""
        notes = self._of(event.call_id)
        if notes is not None:
            notes.message = event.played

    def _of(self, call_id: CallId) -> Notes | None:
        leg = self._picture.legs.get(call_id)
        return None if leg is None or leg.is_engaging else self._notes.setdefault(call_id, Notes())

    # --- commands -----------------------------------------------------------------------------------

    def settled(self, command: SettleAttempt) -> None:
        """An attempt is over."""
        notes = self._notes.pop(command.call_id, Notes())
        person = reached_person(command.call_result) and not command.mode.is_preview
        if command.person != person or (command.clock is not None) != person or command.abandoned > person:
            self._fail(command, f"a person: {person}")
        if person:
            self._check_person(command, notes)
        if command.message_played and not notes.message:
            self._fail(command, "no message was heard")
        if command.campaign_id in self._books:
            self._check_ledger(command)

    def _check_person(self, command: SettleAttempt, notes: Notes) -> None:
        limit_ms = self._picture.groups[command.group_id].abandonment_ms_max
        if notes.met_ms is None:
            if not command.abandoned:
                self._fail(command, f"nobody was ever there: {notes}")
            return
        if notes.verdict_ms is not None and notes.met_ms - notes.verdict_ms > limit_ms and not command.abandoned:
            self._fail(command, f"somebody was there too late: {notes}")
        in_time = notes.answered_ms is not None and notes.met_ms - notes.answered_ms <= limit_ms
        if in_time and command.abandoned and not command.mode.is_gvp:
            self._fail(command, f"somebody was there in time: {notes}")

    def _check_ledger(self, command: SettleAttempt) -> None:
        person, abandoned = command.person, command.abandoned
        machine = not person and command.verdict in (Verdict.MACHINE, Verdict.SILENCE)
        live = person and not abandoned and command.agent_id is not None
        own = Counts(*map(int, (person, live, abandoned, machine, abandoned and command.message_played)))
        book = self._books[command.campaign_id]
        bucket = command.dialed_utc_ms - command.dialed_utc_ms % BUCKET_MS
        book[bucket] = book.get(bucket, NOTHING).plus(own)
        total = Counts(*map(sum, zip(*book.values(), strict=True)))
        ledger = self._picture.state.ledgers.get(command.campaign_id)
        said = NOTHING if ledger is None else ledger.life
        if said != total:
            self._fail(command, f"the ledger says {said}, and should say {total}")

    def _fail(self, command: SettleAttempt, finding: str) -> None:
        self._picture.fail("abandonment", f"call {command.call_id} is settled as {command}; {finding}")
