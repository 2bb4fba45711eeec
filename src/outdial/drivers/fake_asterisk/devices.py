"""Device states of endpoints: how many legs ring and talk on each, and who is reachable."""

from collections.abc import Callable

from outdial.drivers.fake_asterisk.channels import DOWN, RINGING, UP, EventText
from outdial.drivers.fake_asterisk.plan import Plan


class Devices:
    """States as chan_pjsip tells them without `device_state_busy_at`. An event only when a state changes."""

    def __init__(self, plan: Plan, emit: Callable[[str], None], text: EventText) -> None:
        self.unreachable = set(plan.unregistered)
        self._plan = plan
        self._emit = emit
        self._text = text
        self._ringing: dict[str, int] = {}
        self._up: dict[str, int] = {}
        self._told: dict[str, str] = {}

    def state(self, endpoint: str) -> str:
        """NOT_INUSE, RINGING, INUSE, RINGINUSE or UNAVAILABLE."""
        ringing, up = self._ringing.get(endpoint, 0), self._up.get(endpoint, 0)
        if up:
            return "RINGINUSE" if ringing else "INUSE"
        if ringing:
            return "RINGING"
        return "UNAVAILABLE" if endpoint in self.unreachable else "NOT_INUSE"

    def states(self) -> list[tuple[str, str]]:
        """Every endpoint with its state."""
        return [(endpoint, self.state(endpoint)) for endpoint in [*self._plan.phones, *sorted(self._plan.trunks)]]

    def count(self, endpoint: str, before: int, after: int) -> None:
        """A leg of the endpoint changes its state; DOWN for not yet and no more."""
        if before != after:
            self._add(endpoint, before, -1)
            self._add(endpoint, after, 1)

    def tell(self, endpoint: str) -> None:
        """Send the state if it is news."""
        state = self.state(endpoint)
        if self._told.get(endpoint, "UNAVAILABLE" if endpoint in self._plan.unregistered else "NOT_INUSE") != state:
            self._told[endpoint] = state
            self._emit(self._text.device_state(endpoint, state))

    def set_reachable(self, endpoint: str, *, reachable: bool) -> None:
        """The endpoint gets or loses its contact."""
        if reachable:
            self.unreachable.discard(endpoint)
        else:
            self.unreachable.add(endpoint)
        self.tell(endpoint)

    def forget_calls(self) -> None:
        self._ringing.clear()
        self._up.clear()
        self._told = {endpoint: self.state(endpoint) for endpoint, _ in self.states()}

    def _add(self, endpoint: str, state: int, legs: int) -> None:
        if state == RINGING:
            self._ringing[endpoint] = self._ringing.get(endpoint, 0) + legs
        elif state == UP:
            self._up[endpoint] = self._up.get(endpoint, 0) + legs
        else:
            assert state == DOWN
