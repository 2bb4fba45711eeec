"""Simulated agents and their phones.

An agent signs in, becomes ready, answers the phone, talks, does after-call work, takes breaks and signs out. What the
core holds the agent for is the core's affair; the agent only knows the desktop (buttons pressed, a word on the screen)
and the phone. Two habits keep the day going whatever goes wrong in between: an agent who expects calls and sees
"not ready" or "after-call work" on the screen presses *ready* again, and one who missed a call does so after a pause.

A phone carries one call at a time. Its state goes to the servers that are asked to tell; the desktop talks to the core
directly, so its events never get lost.
"""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field

from outdial.core.errors import InvariantViolated
from outdial.core.events import (
    AgentBecameNotReady,
    AgentBecameReady,
    AgentLeaveAnnounced,
    AgentLoggedIn,
    AgentLoggedOut,
    PhoneState,
    PreviewAccepted,
    PreviewRejected,
    PreviewRequested,
)
from outdial.core.settings import Agent as AgentConfiguration
from outdial.core.units import AgentId, GroupId, Millis
from outdial.sim.clock import Action, Agenda
from outdial.sim.draws import Stream, exponential, gamma
from outdial.sim.servers import Call
from outdial.sim.settings import WorkforceSettings
from outdial.sim.words import Words

TAKE_OVER_MS: Millis = 700
"""From a word on the screen that the agent did not expect to pressing *ready*. Unit: ms. Ours: a quick person."""
PRESS_AGAIN = ("not ready", "after-call work")
"""What an agent who expects calls does not want to see. Values of `outdial.core.agents.AgentState`."""


class Doing(enum.Enum):
    """What an agent is doing, as the agent sees it."""

    AWAY = "away"
    SIGNED_IN = "signed in"
    """Not ready yet."""
    EXPECTING = "expecting calls"
    LOOKING = "looking at a record"
    TALKING = "talking"
    WRAPPING_UP = "wrapping up"
    PAUSING = "pausing"
    """After a missed call."""
    BREAK = "on a break"


class Phone:
    """One phone: a line for one call."""

    __slots__ = ("agent", "call", "dn", "is_attended", "state", "timer")

    def __init__(self, dn: str) -> None:
        self.dn = dn
        self.state = PhoneState.IDLE
        self.call: Call | None = None
        self.agent: SimAgent | None = None
        self.is_attended = False  # by somebody who is not simulated
        self.timer = 0

    def __repr__(self) -> str:
        return f"Phone({self.dn}, {self.state.value}, {self.call})"


@dataclass(slots=True, eq=False, repr=False)
class SimAgent:
    """One agent."""

    agent_id: AgentId
    phone: Phone
    doing: Doing = Doing.AWAY
    timer: int = 0
    is_leaving: bool = False
    break_ms: Millis = 0
    """Length of the break that begins as soon as the agent is free. 0: none."""
    break_at_ms: Millis = 0
    """Not before this instant."""
    shift_end_ms: Millis | None = None
    """The end of the shift, once it has been announced."""
    preview_groups: list[GroupId] = field(default_factory=list)
    """Preview groups to ask for records, in turn."""

    def __repr__(self) -> str:
        return f"SimAgent({self.agent_id}, {self.doing.value}, {self.phone.state.value})"


class Workforce:
    """All agents and phones."""

    def __init__(
        self, agents: tuple[AgentConfiguration, ...], settings: WorkforceSettings, agenda: Agenda, seed: int
    ) -> None:
        self.phones = {agent.phone: Phone(agent.phone) for agent in agents}
        self.agents = {agent.dbid: SimAgent(agent.dbid, self.phones[agent.phone]) for agent in agents}
        self.report_phone: Callable[[Millis, str, PhoneState], None] = _nobody
        self.on_answer: Callable[[Millis, Call], None] = _nobody
        self.on_miss: Callable[[Millis, Call], None] = _nobody
        self.on_hang_up: Callable[[Millis, Call], None] = _nobody
        """Who keeps the calls is told that a phone was answered, was not, or that its end of a call is gone."""
        self._settings = settings
        self._agenda = agenda
        self._luck = Stream(seed, "agents")
        self._previews = Stream(seed, "previews")
        self._losses = Stream(seed, "phone losses")
        self.words = Words(settings, agenda, seed)
        self.is_calm = False
        """No more phones are lost."""
        self._answer = exponential(settings.answer_ms_mean)
        self._after_call_work = gamma(settings.after_call_work_ms_mean, settings.after_call_work_ms_cv)
        self._pause = exponential(settings.missed_call_pause_ms_mean)
        self._preview = exponential(settings.preview_ms_mean)

    def start(self, preview_groups: dict[AgentId, list[GroupId]]) -> None:
        """Note when everybody comes and goes.

        Args:
            preview_groups: groups in preview mode that an agent may ask for records.
        """
        settings = self._settings
        for agent in self.agents.values():
            agent.preview_groups = preview_groups.get(agent.agent_id, [])
            come_ms = settings.shift_start_ms + self._luck.between(0, settings.login_spread_ms)
            self._agenda.add(come_ms, self._sign_in, agent)
            if settings.shift_end_ms is not None:
                leave_ms = max(settings.shift_end_ms + self._luck.between(0, settings.logout_spread_ms), come_ms + 1)
                self._agenda.add(leave_ms, self._want_to_leave, agent)
                if settings.leave_announce_ms:
                    at_ms = max(leave_ms - settings.leave_announce_ms, come_ms)
                    self._agenda.add(at_ms, self._announce_shift_end, (agent, leave_ms))
        if settings.phone_loss_interval_ms_mean:
            for phone in self.phones.values():
                self._note_phone_loss(0, phone)

    def phone_state(self, dn: str) -> PhoneState:
        """What a phone is doing."""
        phone = self.phones.get(dn)
        return phone.state if phone is not None else PhoneState.UNREACHABLE

    # --- the phone ----------------------------------------------------------------------------

    def ring(self, at_ms: Millis, dn: str, call: Call, ring_ms_max: Millis) -> str:
        """Let a phone ring for a call: it is answered, or not within `ring_ms_max`.

        Returns:
            Why it cannot ring; empty when it does.
        """
        phone = self.phones.get(dn)
        if phone is None or phone.state is PhoneState.UNREACHABLE:
            return "phone unreachable"
        if phone.call is not None:
            return "phone busy"
        phone.call = call
        call.phone = phone
        agent = phone.agent
        is_there = phone.is_attended or (agent is not None and agent.doing not in (Doing.AWAY, Doing.BREAK))
        answer_ms = self._luck.draw(self._answer)
        if is_there and answer_ms < ring_ms_max and not self._luck.chance(self._settings.no_answer_ratio):
            phone.timer = self._agenda.add(at_ms + answer_ms, self._pick_up, phone)
        else:
            phone.timer = self._agenda.add(at_ms + ring_ms_max, self._stop_ringing, phone)
        self._show(at_ms, phone, PhoneState.RINGING)
        return ""

    def _pick_up(self, at_ms: Millis, serial: int, phone: Phone) -> None:
        if phone.timer == serial and phone.call is not None:
            self._show(at_ms, phone, PhoneState.BUSY)
            self.on_answer(at_ms, phone.call)

    def _stop_ringing(self, at_ms: Millis, serial: int, phone: Phone) -> None:
        if phone.timer != serial or phone.call is None:
            return
        call = phone.call
        self.free(at_ms, phone)
        agent = phone.agent
        if agent is not None and agent.doing in (Doing.EXPECTING, Doing.LOOKING):
            agent.doing = Doing.PAUSING
            self._later(at_ms + self._luck.draw(self._pause), self._press_ready, agent)
        self.on_miss(at_ms, call)

    def free(self, at_ms: Millis, phone: Phone) -> None:
        """The call on the phone is over; a conversation on it too."""
        if phone.call is not None:
            phone.call.phone = None
            phone.call = None
        phone.timer = 0
        if phone.state is not PhoneState.UNREACHABLE:
            self._show(at_ms, phone, PhoneState.IDLE)
        self.end_talk(at_ms, phone)

    def talk(self, at_ms: Millis, phone: Phone) -> None:
        """The agent at the phone has a customer on the line."""
        if phone.agent is not None:
            phone.agent.doing = Doing.TALKING
            phone.agent.timer = 0
            self.words.during_call(at_ms, phone.agent.agent_id)

    def end_talk(self, at_ms: Millis, phone: Phone) -> None:
        """The customer is gone: after-call work."""
        agent = phone.agent
        if agent is not None and agent.doing is Doing.TALKING:
            agent.doing = Doing.WRAPPING_UP
            self.words.after_call(at_ms, agent.agent_id)
            self._later(at_ms + self._luck.draw(self._after_call_work), self._finish_wrapping_up, agent)

    def _show(self, at_ms: Millis, phone: Phone, state: PhoneState) -> None:
        if phone.state is not state:
            phone.state = state
            self.report_phone(at_ms, phone.dn, state)

    def _hang_up(self, at_ms: Millis, phone: Phone) -> None:
        call = phone.call
        if call is not None:
            self.free(at_ms, phone)
            self.on_hang_up(at_ms, call)

    def _note_phone_loss(self, at_ms: Millis, phone: Phone) -> None:
        wait_ms = self._losses.exponential(self._settings.phone_loss_interval_ms_mean)
        self._agenda.add(at_ms + wait_ms, self._lose_phone, phone)

    def _lose_phone(self, at_ms: Millis, _serial: int, phone: Phone) -> None:
        if self.is_calm:
            return
        self._show(at_ms, phone, PhoneState.UNREACHABLE)
        self._hang_up(at_ms, phone)
        back_ms = at_ms + self._losses.exponential(self._settings.phone_loss_ms_mean)
        self._agenda.add(back_ms, self._find_phone, phone)

    def _find_phone(self, at_ms: Millis, _serial: int, phone: Phone) -> None:
        self._show(at_ms, phone, PhoneState.IDLE)
        self._note_phone_loss(at_ms, phone)

    # --- the agent ----------------------------------------------------------------------------

    def _later(self, at_ms: Millis, action: Action, agent: SimAgent) -> None:
        """The agent's next act; it takes the place of the one planned before."""
        agent.timer = self._agenda.add(at_ms, action, agent)

    def _sign_in(self, at_ms: Millis, _serial: int, agent: SimAgent) -> None:
        agent.doing = Doing.SIGNED_IN
        agent.phone.agent = agent
        self._agenda.emit(AgentLoggedIn(agent.agent_id, agent.phone.dn))
        late_ms = self._luck.exponential(self._settings.late_ready_ms_mean)
        self._later(at_ms + late_ms, self._press_ready, agent)

    def _press_ready(self, at_ms: Millis, serial: int, agent: SimAgent) -> None:
        if agent.timer != serial:
            return
        if agent.is_leaving:
            self._leave(at_ms, agent)
            return
        was_on_break = agent.doing is Doing.BREAK
        agent.doing = Doing.EXPECTING
        agent.timer = 0
        self._agenda.emit(AgentBecameReady(agent.agent_id))
        if was_on_break and agent.shift_end_ms is not None:
            self._agenda.emit(AgentLeaveAnnounced(agent.agent_id, agent.shift_end_ms))
        self._ask_later(at_ms, agent, 1)

    def _finish_wrapping_up(self, at_ms: Millis, serial: int, agent: SimAgent) -> None:
        if agent.timer != serial:
            return
        settings = self._settings
        if agent.phone.call is not None and self._luck.chance(settings.drop_engaging_ratio):
            self._hang_up(at_ms, agent.phone)
        if not agent.break_ms and self._luck.chance(settings.break_ratio):
            agent.break_ms = self._luck.exponential(settings.break_ms_mean)
            if settings.leave_announce_ms and not agent.is_leaving:
                self._announce_break(at_ms + settings.leave_announce_ms, agent)
        if agent.break_ms and at_ms >= agent.break_at_ms and not agent.is_leaving:
            self._take_break(at_ms, agent)
        else:
            self._press_ready(at_ms, serial, agent)

    def _announce_break(self, begin_ms: Millis, agent: SimAgent) -> None:
        """A break that would come after the end of the shift is none."""
        if agent.shift_end_ms is not None and begin_ms >= agent.shift_end_ms:
            agent.break_ms = 0
            return
        agent.break_at_ms = begin_ms
        self._agenda.emit(AgentLeaveAnnounced(agent.agent_id, begin_ms))
        self._agenda.add(begin_ms, self._break_begins, agent)

    def _break_begins(self, at_ms: Millis, _serial: int, agent: SimAgent) -> None:
        """The announced instant has come. After a call the break follows by itself."""
        if not agent.break_ms or at_ms < agent.break_at_ms or agent.is_leaving:
            return
        if agent.doing is Doing.EXPECTING and agent.phone.state is not PhoneState.RINGING:
            self._take_break(at_ms, agent)
        elif agent.doing in (Doing.EXPECTING, Doing.LOOKING, Doing.PAUSING):
            self._agenda.add(at_ms + TAKE_OVER_MS, self._break_begins, agent)

    def _announce_shift_end(self, at_ms: Millis, _serial: int, subject: tuple[SimAgent, Millis]) -> None:
        """Unless a break has been announced, which comes first: what is announced last counts."""
        agent, leave_ms = subject
        agent.shift_end_ms = leave_ms
        if agent.break_at_ms <= at_ms:
            self._agenda.emit(AgentLeaveAnnounced(agent.agent_id, leave_ms))

    def _take_break(self, at_ms: Millis, agent: SimAgent) -> None:
        agent.doing = Doing.BREAK
        self._agenda.emit(AgentBecameNotReady(agent.agent_id, "break"))
        self._later(at_ms + agent.break_ms, self._press_ready, agent)
        agent.break_ms = 0

    def send_on_break(self, at_ms: Millis, share: float, length_ms: Millis) -> None:
        """A share of the agents goes on a break: idle ones now, the others after their call."""
        for agent in self.agents.values():
            if self._luck.chance(share):
                agent.break_ms, agent.break_at_ms = max(1, length_ms), 0
                if agent.doing is Doing.EXPECTING and agent.phone.state is not PhoneState.RINGING:
                    self._take_break(at_ms, agent)

    def _want_to_leave(self, at_ms: Millis, _serial: int, agent: SimAgent) -> None:
        agent.is_leaving = True
        if agent.doing not in (Doing.TALKING, Doing.WRAPPING_UP):
            self._leave(at_ms, agent)

    def _leave(self, at_ms: Millis, agent: SimAgent) -> None:
        """Hang up and sign out."""
        agent.doing = Doing.AWAY
        agent.timer = 0
        self._hang_up(at_ms, agent.phone)
        self._agenda.emit(AgentLoggedOut(agent.agent_id))

    # --- the desktop --------------------------------------------------------------------------

    def see(self, at_ms: Millis, agent_id: AgentId, state: str) -> None:
        """The desktop shows what the core holds the agent for."""
        agent = self.agents.get(agent_id)
        if agent is None or agent.doing is not Doing.EXPECTING:
            return
        if state in PRESS_AGAIN:
            self._later(at_ms + TAKE_OVER_MS, self._press_ready, agent)
        elif state == "ready":
            self._ask_later(at_ms, agent, TAKE_OVER_MS)

    def offer(self, at_ms: Millis, agent_id: AgentId) -> None:
        """A record is on the screen."""
        agent = self.agents.get(agent_id)
        if agent is None or agent.doing is Doing.AWAY:
            return
        if agent.doing is Doing.EXPECTING:
            agent.doing = Doing.LOOKING
            self._later(at_ms + self._previews.draw(self._preview), self._decide, agent)
        elif agent.doing is not Doing.LOOKING:
            self._agenda.add(at_ms + TAKE_OVER_MS, self._decline, agent)

    def withdraw(self, at_ms: Millis, agent_id: AgentId) -> None:
        """The record is no longer on the screen."""
        agent = self.agents.get(agent_id)
        if agent is not None and agent.doing is Doing.LOOKING:
            agent.doing = Doing.EXPECTING
            agent.timer = 0
            self._ask_later(at_ms, agent, TAKE_OVER_MS)

    def _decide(self, at_ms: Millis, serial: int, agent: SimAgent) -> None:
        if agent.timer != serial:
            return
        agent.doing = Doing.EXPECTING
        if self._previews.chance(self._settings.preview_reject_ratio):
            cancel = self._previews.chance(self._settings.preview_cancel_ratio)
            self._agenda.emit(PreviewRejected(agent.agent_id, cancel))
        else:
            self._agenda.emit(PreviewAccepted(agent.agent_id))
        self._ask_later(at_ms, agent, self._settings.preview_ask_ms)

    def _decline(self, _at_ms: Millis, _serial: int, agent: SimAgent) -> None:
        if agent.doing not in (Doing.AWAY, Doing.LOOKING):
            self._agenda.emit(PreviewRejected(agent.agent_id))

    def _ask_later(self, at_ms: Millis, agent: SimAgent, after_ms: Millis) -> None:
        if agent.preview_groups:
            self._later(at_ms + after_ms, self._ask, agent)

    def _ask(self, at_ms: Millis, serial: int, agent: SimAgent) -> None:
        """Preview mode: ask for a record, of each group in turn, until one comes."""
        if agent.timer != serial or agent.doing is not Doing.EXPECTING:
            return
        if agent.phone.call is None:
            group_id = agent.preview_groups.pop(0)
            agent.preview_groups.append(group_id)
            self._agenda.emit(PreviewRequested(agent.agent_id, group_id))
        self._ask_later(at_ms, agent, self._settings.preview_ask_ms)


def _nobody(*_: object) -> None:
    raise InvariantViolated("nobody keeps the calls: the world was not put together")
