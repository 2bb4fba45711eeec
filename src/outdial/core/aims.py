"""What else a predictive group may steer by: how busy its agents are, how long they wait, or how long persons do.

The budget of abandoned persons (`budget`) is always the ceiling. Under it, an aim has a threshold of its own, moved a
small step with every sample or conversation, up while agents should be busier, down while they should not be. The
smaller of the two thresholds counts.

Source: the vendor's optimization targets busy factor, waiting time and distribution time. Ours: the steering (0014).
"""

import enum
import math
from dataclasses import dataclass

from outdial.core.units import SECOND_MS, Millis

STEP = 0.05
"""Largest step for one conversation, or for five seconds of watching. Unit: natural logarithm. Ours (0014)."""
BUSY_GAIN = 0.25
"""Step in five seconds for a busy factor that is off by one. Ours (0014)."""
FADE = 0.95
"""What is left of an old conversation's weight after the next one: some twenty are averaged. Ours (0014)."""
SAMPLE_MS: Millis = 5 * SECOND_MS
LOG_MIN, LOG_MAX = math.log(1e-5), math.log(0.6)


class AimKind(enum.StrEnum):
    """What a predictive group steers by. Source: the vendor's optimization targets."""

    OVERDIAL_RATE = "overdial-rate"
    """Share of answered persons who find no agent: as high as allowed."""
    BUSY_FACTOR = "busy-factor"
    """Share of time that agents are busy."""
    WAITING_TIME = "waiting-time"
    """Mean time that an agent waits for a call."""
    DISTRIBUTION_TIME = "distribution-time"
    """Mean time that an answered person waits for an agent."""


@dataclass(slots=True)
class Aim:
    """One group's aim."""

    kind: AimKind = AimKind.OVERDIAL_RATE
    value: float = 0.0
    """Busy factor: share of 1; times: ms."""
    _log: float = math.log(0.02)
    _idle_ms: float = 0.0
    """Time that agents have waited, fading."""
    _served: float = 0.0
    """Persons who have got an agent, fading alike."""
    _sampled_at_ms: Millis | None = None

    def change(self, kind: AimKind, value: float) -> None:
        """Steer by something else from now on; the threshold goes on from where it is."""
        self.kind, self.value = kind, value

    def sample(self, free: int, busy: int, mono_ms: Millis) -> None:
        """How many agents are free and busy now; to be told every few seconds."""
        elapsed_ms = mono_ms - self._sampled_at_ms if self._sampled_at_ms is not None else 0
        self._sampled_at_ms = mono_ms
        self._idle_ms += free * elapsed_ms
        if self.kind is AimKind.BUSY_FACTOR and free + busy:
            self._move(BUSY_GAIN * (self.value - busy / (free + busy)) * elapsed_ms / SAMPLE_MS)

    def served(self, wait_ms: Millis) -> None:
        """A person who had waited so long has got an agent."""
        self._idle_ms *= FADE
        self._served = FADE * self._served + 1.0
        if self.kind is AimKind.WAITING_TIME:
            self._move(STEP * (self._idle_ms / self._served - self.value) / max(self.value, SECOND_MS))
        elif self.kind is AimKind.DISTRIBUTION_TIME:
            self._move(STEP * (self.value - wait_ms) / max(self.value, 1.0))

    def _move(self, step: float) -> None:
        self._log = min(LOG_MAX, max(LOG_MIN, self._log + min(STEP, max(-STEP, step))))

    def busy_max(self, handle_ms: float) -> float:
        """Share of their time that agents are to be busy at most, as far as the aim says. Range: 0 … 1.

        Args:
            handle_ms: mean conversation with after-call work.
        """
        if self.kind is AimKind.BUSY_FACTOR:
            return self.value
        if self.kind is AimKind.WAITING_TIME:
            return handle_ms / (handle_ms + self.value)
        return 1.0

    def threshold(self, ceiling: float) -> float:
        """Most risk that the next call may take, given what the budget allows."""
        return ceiling if self.kind is AimKind.OVERDIAL_RATE else min(ceiling, math.exp(self._log))
