"""A line to one server for tests: commands go in, and what the server says is written down and waited for."""

import asyncio
from typing import TypeVar

from outdial.core.commands import Connect, Dial, Engage, Join, Release
from outdial.core.events import (
    AgentEngaged,
    CalleeAnswered,
    CallReleased,
    DialRejected,
    Event,
    ServerConnected,
    ServerLost,
    VerdictReached,
)
from outdial.core.modes import DialingMode
from outdial.core.results import CallResult, Ending, Signs, Verdict, classify
from outdial.core.settings import CampaignGroup, DialerId, DialerKind
from outdial.drivers.asterisk import AsteriskServer, AsteriskSettings
from outdial.drivers.servers import draw_run

E = TypeVar("E", bound=Event)

SWITCH = DialerId(DialerKind.SWITCH, 1)
REGULAR, SEIZING, IVR = 1, 2, 3
GROUPS = {
    REGULAR: CampaignGroup(REGULAR, "regular", 1, 1, DialingMode.PREDICTIVE, SWITCH, caller_id='"Shop" <5551000>'),
    SEIZING: CampaignGroup(SEIZING, "seizing", 1, 1, DialingMode.PREDICTIVE_SEIZING, SWITCH),
    IVR: CampaignGroup(IVR, "ivr", 1, None, DialingMode.POWER_GVP, SWITCH, ivr_application="survey"),
}
WITHIN_S = 5.0
"""Longest wait for a sign. Far more than any server takes."""


class Line:
    """One server, commanded by hand.

    Attributes:
        events: everything that the server has said, in order.
    """

    def __init__(self, settings: AsteriskSettings) -> None:
        self.events: list[Event] = []
        self.settings = settings
        self.server = AsteriskServer(settings, draw_run(), self._heard)
        self.server.configure(dict(GROUPS))
        self._news = asyncio.Event()
        self._call_id = 0

    def _heard(self, event: Event) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, kind: type[E], call_id: int | None = None, *, within_s: float = WITHIN_S, nth: int = 1) -> E:
        """Wait for the nth event of a kind (about a call), which may have come already."""

        async def look() -> E:
            while True:
                found = self.all_of(kind, call_id)
                if len(found) >= nth:
                    return found[nth - 1]
                self._news.clear()
                await self._news.wait()

        try:
            return await asyncio.wait_for(look(), within_s)
        except TimeoutError:
            raise AssertionError(f"no {kind.__name__} about {call_id} in {within_s} s: {self.events[-20:]}") from None

    def all_of(self, kind: type[E], call_id: int | None = None) -> list[E]:
        """Events of a kind (about a call) so far."""
        found = [event for event in self.events if isinstance(event, kind)]
        return [event for event in found if call_id in (None, getattr(event, "call_id", None))]

    def about(self, call_id: int) -> list[str]:
        """Kinds of what was said about a call, in order."""
        return [type(event).__name__ for event in self.events if getattr(event, "call_id", None) == call_id]

    # --- doing ---------------------------------------------------------------------------------------------------

    async def connect(self) -> "Line":
        """Connect and wait until the server counts."""
        lost, count = len(self.all_of(ServerLost)), len(self.all_of(ServerConnected))
        self.server.carry_out(Connect(self.settings.server_id))
        while len(self.all_of(ServerConnected)) == count:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 10)
            if len(self.all_of(ServerLost)) > lost:  # still booting
                lost += 1
                await asyncio.sleep(0.1)
                self.server.carry_out(Connect(self.settings.server_id))
        return self

    def dial(self, number: str, *, group_id: int = REGULAR, cpd: bool = False, ring_ms_max: int = 5_000) -> int:
        """Dial a number; returns the call."""
        self._call_id += 1
        node_id, server_id = self.settings.node_id, self.settings.server_id
        self.server.carry_out(
            Dial(self._call_id, node_id, server_id, group_id, 1, self._call_id, number, ring_ms_max, cpd)
        )
        return self._call_id

    def preview(self, number: str, phone: str, *, ring_ms_max: int = 5_000) -> int:
        """Dial a number from an agent's phone."""
        self._call_id += 1
        node_id, server_id = self.settings.node_id, self.settings.server_id
        self.server.carry_out(
            Dial(self._call_id, node_id, server_id, REGULAR, 1, self._call_id, number, ring_ms_max, False, 1, phone)
        )
        return self._call_id

    def engage(self, phone: str, *, ring_ms_max: int = 5_000) -> int:
        """Call an agent's phone for seizing; returns the engaging call."""
        self._call_id += 1
        node_id, server_id = self.settings.node_id, self.settings.server_id
        self.server.carry_out(Engage(self._call_id, node_id, server_id, SEIZING, 1, phone, ring_ms_max))
        return self._call_id

    async def engaged(self, phone: str) -> int:
        """Engage an agent and wait until the agent is."""
        call_id = self.engage(phone)
        await self.until(AgentEngaged, call_id)
        return call_id

    async def answered(self, number: str, **how: object) -> int:
        """Dial a number and wait for the answer."""
        call_id = self.dial(number, **how)  # type: ignore[arg-type]
        await self.until(CalleeAnswered, call_id)
        return call_id

    async def release(self, call_id: int) -> None:
        """End a call and wait for the word of it."""
        self.server.carry_out(Release(call_id))
        await self.until(CallReleased, call_id)

    def join(self, call_id: int, engaging_call_id: int) -> None:
        """Join a customer to an engaged agent."""
        self.server.carry_out(Join(call_id, engaging_call_id, 1))

    async def result(self, call_id: int, *, within_s: float = WITHIN_S, verdict: Verdict | None = None) -> CallResult:
        """Wait for the end of a call that nobody connects, and classify it as the core would."""
        end: Event
        rejected = self.all_of(DialRejected, call_id)
        if rejected:
            end = rejected[0]
        else:
            end = await self._end(call_id, within_s)
        answered = bool(self.all_of(CalleeAnswered, call_id))
        heard = verdict or next((event.verdict for event in self.all_of(VerdictReached, call_id)), None)
        if isinstance(end, DialRejected):
            return classify(Signs(Ending.REJECTED, False, False, None, None, None, end.congested)).call_result
        assert isinstance(end, CallReleased)
        return classify(Signs(Ending.RELEASED, answered, False, heard, end.sip_status, end.q850_cause)).call_result

    async def _end(self, call_id: int, within_s: float) -> Event:
        done, waiting = await asyncio.wait(
            {
                asyncio.ensure_future(self.until(CallReleased, call_id, within_s=within_s)),
                asyncio.ensure_future(self.until(DialRejected, call_id, within_s=within_s)),
            },
            return_when=asyncio.FIRST_COMPLETED,
        )
        for task in waiting:
            task.cancel()
        return done.pop().result()

    def close(self) -> None:
        """Reset the connections."""
        self.server.abort()
