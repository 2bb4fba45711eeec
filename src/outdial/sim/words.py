"""What simulated agents say of their calls: dispositions, and that customers want to be called back."""

from collections.abc import Callable

from outdial.core.callback_events import CallbackRequested, DispositionGiven
from outdial.core.errors import InvariantViolated
from outdial.core.results import CallResult
from outdial.core.units import AgentId, Millis, RequestId
from outdial.sim.clock import Agenda
from outdial.sim.draws import Stream
from outdial.sim.settings import WorkforceSettings

FIRST_REQUEST: RequestId = 1_000_000_000
"""Numbers of agents' requests: beyond those of operators."""
SAID_MS: Millis = 900
"""From the beginning of a conversation to the first thing that is said in it. Ours."""
RESULTS = (CallResult.WRONG_NUMBER, CallResult.WRONG_PARTY, CallResult.ANSWERING_MACHINE, CallResult.DO_NOT_CALL)


class Words:
    """Half of what agents say is said during the call."""

    def __init__(self, settings: WorkforceSettings, agenda: Agenda, seed: int) -> None:
        self.utc_ms: Callable[[Millis], Millis] = _no_calendar
        self._settings = settings
        self._agenda = agenda
        self._luck = Stream(seed, "words")
        self._last_request = FIRST_REQUEST

    def during_call(self, at_ms: Millis, agent_id: AgentId) -> None:
        """A conversation begins."""
        if self._settings.callback_ratio or self._settings.disposition_ratio:
            self._agenda.add(at_ms + SAID_MS, self._say, agent_id)

    def after_call(self, at_ms: Millis, agent_id: AgentId) -> None:
        """A conversation has ended."""
        if self._settings.callback_ratio or self._settings.disposition_ratio:
            self._agenda.add(at_ms + 1, self._say, agent_id)

    def _say(self, at_ms: Millis, _serial: int, agent_id: AgentId) -> None:
        settings, luck = self._settings, self._luck
        if luck.chance(settings.callback_ratio / 2):
            ahead_ms = luck.exponential(settings.callback_ms_mean)
            personal = luck.chance(settings.callback_personal_ratio)
            at_utc_ms = self.utc_ms(at_ms) + ahead_ms
            self._agenda.emit(CallbackRequested(self._next_request(), agent_id, at_utc_ms, personal))
        elif luck.chance(settings.disposition_ratio / 2):
            self._agenda.emit(DispositionGiven(self._next_request(), agent_id, luck.pick(RESULTS)))

    def _next_request(self) -> RequestId:
        self._last_request += 1
        return self._last_request


def _no_calendar(_at_ms: Millis) -> Millis:
    raise InvariantViolated("nobody knows the date: the world was not put together")
