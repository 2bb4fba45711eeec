"""How much risk the next call may take: the account of abandoned persons, and the threshold that follows from it.

A person who finds no agent is spent from a budget: `target` of all persons who answer in a window of hours. What is
left of it, over the persons still expected in the next two hours (or to the window's end), is the share that may be
lost from here on. The threshold is steered towards that share, one small step for every person: up with each one who
found an agent, down with each one who did not, in such proportion that it rests where the share is met, whatever the
forecasts get wrong.

Some calls are kept back, as many as bad luck may cost in ten minutes: the count varies as its root, and persons are
lost in bunches, the greater the group the more at once. One call at least is kept back: the last one cannot be halved.
When one more lost person would break the target of all persons expected in the window, nearly nothing is risked any
more: half a call, spread over the whole window. That keeps agents far busier than progressive dialing does.

While something else than pacing holds the group back (ports, records, nodes), the threshold does not rise: it would
only learn that nobody is lost when nobody is called. While the budget is spent, it does not rise above the target.

Source: integral control of a count; ours: steps, margins, window (decision 0014).
"""

import math
from dataclasses import dataclass

from outdial.core.units import MINUTE_MS, SECOND_MS, Millis

WINDOW_MS: Millis = 480 * MINUTE_MS
"""The target is met over this time from the group's first answered person; then a new window begins. Ours (0014)."""
AHEAD_MS: Millis = 120 * MINUTE_MS
"""A surplus or a debt is worked off in this time. Ours (0014)."""
MARGIN, MARGIN_MS, MARGIN_MIN = 2.0, 10 * MINUTE_MS, 1.0
"""Abandoned calls that are kept back: twice the standard deviation of those of ten minutes, and at least one. Ours
(0014)."""
START = 2.0 / 3.0
"""Threshold of a new group, as a share of the target. Ours (0014)."""
LEAST, MOST = 0.4, 1.6
"""The share that is steered for stays within these parts of the target. Ours (0014)."""
STEPS, STEPS_MIN, STEP_MS = 10.0, 4.0, 10 * MINUTE_MS
"""One lost person lowers the threshold by one part in ten; in fewer where under a hundred are lost in a window (their
root, at least four), in more where over ten are lost in ten minutes (as many as these). Ours (0014)."""
BUNCH_MS: Millis = 12 * SECOND_MS
"""The variance of the number of lost persons is its mean times the root of those who answer in this time. Ours: seen in
the benchmark (0014)."""
THRESHOLD_MIN, THRESHOLD_MAX = 1e-5, 0.6
PROJECTION_MS_MIN: Millis = 10 * MINUTE_MS
"""Less history than this is taken for this much. Ours (0014)."""
SPENT_CALLS = 0.5
"""Calls that may be lost in a window whose budget is spent, were it so all the time. Ours (0014)."""
BURST_FACTOR = 2.0
BURST_CALLS = 5
"""Nothing is risked any more beyond this many times the target and this many calls. Ours (0014)."""
RECENT = 300
"""Persons over which the recent share is averaged, for display. Ours (0014)."""


@dataclass(frozen=True, slots=True)
class Account:
    """What a whole campaign has spent today. Fields as in `Budget`."""

    persons: int
    lost: int
    began_at_ms: Millis | None


@dataclass(slots=True)
class Budget:
    """The account of one campaign group."""

    target: float
    """Share of answered persons who may find no agent. Range: 0 … 1."""
    persons: int = 0
    """Answered persons whose fate is known, in this window."""
    lost: int = 0
    """Those of them who found no agent."""
    recent: float = 0.0
    """Share of lost persons of late. Range: 0 … 1."""
    is_held_back: bool = False
    """Something else than pacing limits the group."""
    began_at_ms: Millis | None = None
    """When the first person of the window answered."""
    campaign: Account | None = None
    """What the ledger says of the campaign today: it is spent from in the place of this account, which then only says
    how many persons the group itself has. None: the ledger says nothing."""
    _log_factor: float = math.log(START)
    """The threshold as a multiple of the target. Unit: natural logarithm."""
    _fates: int = 0

    def person(self, *, lost: bool, mono_ms: Millis) -> None:
        """The fate of an answered person is known."""
        self._fates += 1
        self.recent += ((1.0 if lost else 0.0) - self.recent) / min(self._fates, RECENT)
        if self.began_at_ms is None or mono_ms - self.began_at_ms >= WINDOW_MS:
            self.began_at_ms, self.persons, self.lost = mono_ms, 0, 0
        self.persons += 1
        self.lost += lost
        if self.target <= 0.0:
            return
        share = self._allowed(mono_ms, _persons_per_ms(self._account, mono_ms))
        step = (share - lost) / self._steps(mono_ms)
        if step > 0.0 and (self.is_held_back or (self._log_factor >= 0.0 and self.is_spent(mono_ms))):
            return
        self.resume(self._log_factor + step)

    @property
    def log_factor(self) -> float:
        """The threshold as a multiple of the target, which a later run may begin with. Unit: natural logarithm."""
        return self._log_factor

    def follow(self, account: Account, limit_ppm: int) -> None:
        """Spend from the campaign's account from now on, and keep its limit where it is the stricter one."""
        self.campaign = account
        self.target = min(self.target, limit_ppm / 1e6)

    def resume(self, log_factor: float) -> None:
        """Go on from a threshold, within its limits; the account stays what it is."""
        if self.target > 0.0:
            low, high = math.log(THRESHOLD_MIN / self.target), math.log(THRESHOLD_MAX / self.target)
            self._log_factor = min(high, max(low, log_factor))

    def _allowed(self, mono_ms: Millis, per_ms: float) -> float:
        """Share of the next persons who may be lost, so that the window ends on the target."""
        account, ahead_ms = self._account, AHEAD_MS
        if self.campaign is None:
            ahead_ms = min(AHEAD_MS, WINDOW_MS - (mono_ms - (self.began_at_ms or 0)))
        expected = max(1.0, per_ms * max(1, ahead_ms))
        margin = max(MARGIN_MIN, MARGIN * _deviation(self.target * per_ms * MARGIN_MS, per_ms))
        share = self.target + (self.target * account.persons - account.lost - margin) / expected
        return min(MOST * self.target, max(LEAST * self.target, share))

    def _steps(self, mono_ms: Millis) -> float:
        """Lost persons who lower the threshold by a factor of e: few move it by luck, many move it too late."""
        lost_per_ms = self.target * _persons_per_ms(self, mono_ms)
        return max(STEPS_MIN, min(STEPS, math.sqrt(lost_per_ms * WINDOW_MS)), lost_per_ms * STEP_MS)

    @property
    def threshold(self) -> float:
        """Most risk that the next call may take while the budget lasts. Range: 0 … 1."""
        return self.target * math.exp(self._log_factor) if self.target > 0.0 else 0.0

    def risk_max(self, mono_ms: Millis) -> float:
        """Most risk that the next call may take. Range: 0 … 1."""
        if self.is_spent(mono_ms):
            return min(self.threshold, SPENT_CALLS / self._persons_max(mono_ms))
        return self.threshold

    def is_spent(self, mono_ms: Millis) -> bool:
        """Whether one more lost person would break the target of all persons expected in the window.

        Nobody yet is taken for one person: a group that knows its calls from an earlier run need not wait for them.
        """
        return self._account.lost + 1 > self._persons_max(mono_ms) * self.target

    @property
    def is_overrun(self) -> bool:
        """Whether too many are lost for any window: nothing may be risked, whatever is expected of its rest.

        Twice the target and some calls more, or a target of none: forecasts that far off are not to be asked.
        """
        account = self._account
        return self.target <= 0.0 or account.lost > BURST_FACTOR * self.target * account.persons + BURST_CALLS

    def expected_more(self, mono_ms: Millis) -> int:
        """Persons who will still answer in the window, going by those who have."""
        return max(0, int(self._projected(mono_ms)) - self._account.persons)

    def _persons_max(self, mono_ms: Millis) -> float:
        return max(self._account.persons, self._projected(mono_ms))

    def _projected(self, mono_ms: Millis) -> float:
        account = self._account
        elapsed_ms = mono_ms - account.began_at_ms if account.began_at_ms is not None else 0
        return max(1, account.persons) * WINDOW_MS / max(PROJECTION_MS_MIN, elapsed_ms)

    @property
    def _account(self) -> "Account | Budget":
        return self.campaign or self

    @property
    def recent_millis(self) -> int:
        """The recent share. Unit: thousandths."""
        return round(1_000 * self.recent)


def _deviation(lost: float, per_ms: float) -> float:
    """Standard deviation of the number of lost persons, where so many are expected of so many who answer per ms."""
    return math.sqrt(lost * max(1.0, math.sqrt(per_ms * BUNCH_MS)))


def _persons_per_ms(account: Account | Budget, mono_ms: Millis) -> float:
    return (account.persons + 2.0) / (mono_ms - (account.began_at_ms or 0) + MINUTE_MS)
