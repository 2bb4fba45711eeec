"""What the calls in flight of a group will bring: persons, and when.

Learned from the group's own calls, by the age at which a call leaves ringing and by the time that detection takes:

* `left[b]` calls left ringing (picked up or ended) at age bin b, `persons[b]` of them turned out to be persons. With
  the calls that still ring these give, for every age, the chance per bin of a person picking up. Calls that have not
  ended are counted for the time that they did live through, so early outcomes (busy, quick answers) do not pass for
  all.
* delays from the pick-up to the verdict, for persons and for everything else. A call in detection is a person with a
  chance that falls with the time it takes, or rises.
* the level (`level.py`): persons seen against persons expected of late. The shapes above have a long memory,
  the level must not.

Calls are not kept one by one but by time slots, so a forecast costs the same for ten calls in flight and for ten
thousand. No call has a chance of its own: estimates are per group and age (decision 0014).

Source: discrete-time hazards with exposure after Cox (1972) and Kaplan, Meier (1958). Ours: slots,
constants.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from outdial.core.level import Level
from outdial.core.ring_chances import Chances, chances_at, lifted, reached
from outdial.core.risk import HORIZONS
from outdial.core.units import SECOND_MS, Millis

RING_BIN_MS: Millis = 500
RING_BINS = 180
"""Ages up to 90 s; older calls count as the last bin."""
DELAY_BIN_MS: Millis = 100
DELAY_BINS = 100
"""Verdicts up to 10 s after the pick-up."""
SURE_BINS = 30
"""Nearly every person has a verdict after so many bins."""
MEMORY = 3_000.0
"""Calls after which an old one has lost 63 % of its weight in the shapes. Ours (0014)."""
MEMORY_FLIGHTS = 20.0
"""Or this many times the calls in flight, if that is more: a window that is short against the calls' lives counts time
that they have rung before it began. Ours (0014)."""
SHARE_PRIOR = 4.0
"""Calls that the share of persons over all ages counts for at one age. Ours (0014)."""
SHARE_AGES = 3
"""Bins from the age itself to the farthest that says something about it. Ours (0014)."""
SHAPES_MS: Millis = 60 * SECOND_MS
NEWS = 0.05
"""Shapes are worked out anew after this time, or when this share of all calls is new."""
HORIZON_NEWS_MS: Millis = 200
"""Horizons that have moved by no more than this stay: agents' chances were worked out for them."""
FACTOR_NEWS = 0.002
"""A change of the level by less than this part changes no chances."""
DOUBT = 0.7
"""A young group takes its calls for better than they look, by this over the root of the persons seen. Ours (0014)."""


@dataclass(slots=True)
class _Detecting:
    """Calls that were picked up in one time slot and have no verdict yet."""

    count: int = 0
    share: float = 0.0
    """Sum of the chances of being persons, at the pick-up."""


@dataclass(slots=True)
class CallOdds:
    """What one campaign group has learned about its calls."""

    delay_bin_ms: Millis = DELAY_BIN_MS
    """Width of the bins for delays: longer where an IVR application stands between a person and an agent."""
    first_at_ms: Millis | None = None
    """When the first call was requested."""
    resolved: int = 0
    """Calls whose outcome is known, ever."""
    persons_seen: int = 0
    left: list[float] = field(default_factory=lambda: [0.0] * RING_BINS)
    persons: list[float] = field(default_factory=lambda: [0.0] * RING_BINS)
    judged: list[float] = field(default_factory=lambda: [0.0] * RING_BINS)
    """Calls picked up at an age whose verdict is known."""
    person_delays: list[float] = field(default_factory=lambda: _prior_delays(4, 18))
    other_delays: list[float] = field(default_factory=lambda: _prior_delays(20, 45))
    horizons: tuple[Millis, ...] = (0,) * HORIZONS
    """Times from the request to a person's verdict: the k-th is the (k − ½)/6 quantile. Unit: ms."""
    fresh: Chances = (0.0,) * HORIZONS
    """Chances of a call that is started now."""
    _level: Level = field(default_factory=Level)
    _ringing: dict[int, int] = field(default_factory=dict)
    """Calls ringing. Shape: {slot of the request: calls}."""
    _detecting: dict[int, _Detecting] = field(default_factory=dict)
    _ring_chances: list[Chances] = field(default_factory=list)
    _share: list[float] = field(default_factory=lambda: [0.5] * RING_BINS)
    _compensator: list[float] = field(default_factory=lambda: [0.0] * (RING_BINS + 1))
    """Persons expected from a call by the time it has rung for so many bins."""
    _verdicts: dict[int, tuple[float, float, tuple[float, ...]]] = field(default_factory=dict)
    """What detection says, worked out since the shapes were, by the bins that it has taken."""
    _person_cdf: list[float] = field(default_factory=list)
    _other_cdf: list[float] = field(default_factory=list)
    _expected_left: float = 0.0
    """Persons expected from calls that have left ringing since the last look."""
    _expected_ringing: float = 0.0
    _new: int = 0
    """Calls resolved since the shapes were worked out."""
    _new_persons: int = 0
    _shaped_at: Millis = -SHAPES_MS
    _factor: float = 1.0
    _lifted: list[Chances] = field(default_factory=list)
    """Chances by age with the level applied."""

    # --- what happens ------------------------------------------------------------------------------------------------

    def dialed(self, at_ms: Millis) -> None:
        """A call was requested."""
        if self.first_at_ms is None:
            self.first_at_ms = at_ms
        slot = at_ms // RING_BIN_MS
        self._ringing[slot] = self._ringing.get(slot, 0) + 1

    def ended(self, dialed_at_ms: Millis, at_ms: Millis) -> None:
        """A ringing call ended without an answer."""
        self.left[self._leave(dialed_at_ms, at_ms)] += 1.0
        self._count_resolved(person=False)

    def picked_up(self, dialed_at_ms: Millis, at_ms: Millis) -> None:
        """Somebody or something answered: detection begins."""
        age = self._leave(dialed_at_ms, at_ms)
        self.left[age] += 1.0
        place = at_ms // (2 * self.delay_bin_ms)
        slot = self._detecting.get(place)
        if slot is None:
            slot = self._detecting[place] = _Detecting()
        slot.count += 1
        slot.share += self._share[age]

    def judged_after(self, dialed_at_ms: Millis, picked_at_ms: Millis, at_ms: Millis, *, person: bool) -> None:
        """Detection has decided, or the call ended before it did."""
        age = _ring_bin(picked_at_ms - dialed_at_ms)
        place = picked_at_ms // (2 * self.delay_bin_ms)
        slot = self._detecting.get(place)
        if slot is not None:
            slot.count -= 1
            slot.share -= self._share[age]
            if slot.count <= 0:
                del self._detecting[place]
        self.judged[age] += 1.0
        delay = (at_ms - picked_at_ms) // self.delay_bin_ms
        delay = delay if delay < DELAY_BINS else DELAY_BINS - 1
        if person:
            self.persons[age] += 1.0
            self.person_delays[delay] += 1.0
        else:
            self.other_delays[delay] += 1.0
        self._count_resolved(person=person)

    def forgotten(self, dialed_at_ms: Millis, picked_at_ms: Millis | None, at_ms: Millis) -> None:
        """A call in flight whose fate says nothing: its node was lost, or it never was one."""
        if picked_at_ms is None:
            self._leave(dialed_at_ms, at_ms)  # persons were expected of it until now
            return
        age = _ring_bin(picked_at_ms - dialed_at_ms)
        self.left[age] = max(0.0, self.left[age] - 1.0)
        self._expected_left -= self._share[age]
        slot = self._detecting.get(picked_at_ms // (2 * self.delay_bin_ms))
        if slot is not None:
            slot.share *= 1.0 - 1.0 / slot.count
            slot.count -= 1
            if slot.count <= 0:
                del self._detecting[picked_at_ms // (2 * self.delay_bin_ms)]

    def _leave(self, dialed_at_ms: Millis, at_ms: Millis) -> int:
        slot, ringing = dialed_at_ms // RING_BIN_MS, self._ringing
        count = ringing.get(slot, 0) - 1
        if count > 0:
            ringing[slot] = count
        else:
            ringing.pop(slot, None)
        age = _ring_bin(at_ms - dialed_at_ms)
        self._expected_left += self._compensator[age + 1]  # at risk in all of its last bin, as the hazards count it
        return age

    def _count_resolved(self, *, person: bool) -> None:
        self.resolved += 1
        self._new += 1
        if person:
            self.persons_seen += 1
            self._new_persons += 1

    @property
    def level(self) -> float:
        """Persons seen per person expected of late."""
        return self._level.value

    @property
    def in_flight(self) -> int:
        """Calls that ring or are in detection."""
        return sum(self._ringing.values()) + sum(slot.count for slot in self._detecting.values())

    # --- what it means -----------------------------------------------------------------------------------------------

    def update(self, now_ms: Millis) -> None:
        """Work out shapes, horizons and level anew. To be called every few seconds."""
        ringing = self._expected_of_ringing(now_ms)
        self._follow_level(ringing)
        is_new = self._new >= max(10.0, NEWS * self.resolved) or now_ms - self._shaped_at >= SHAPES_MS
        if is_new:
            self._shaped_at = now_ms
            self._shape(now_ms)
            ringing = self._expected_of_ringing(now_ms)
        self._expected_ringing = ringing
        factor = self.level * (1.0 + DOUBT / math.sqrt(self.persons_seen + 1.0))
        if is_new or abs(factor - self._factor) > FACTOR_NEWS * self._factor:
            self._factor = factor
            self._lifted = [lifted(factor, row) for row in self._ring_chances]
            if self._lifted:
                self.fresh = self._lifted[0]

    def _shape(self, now_ms: Millis) -> None:
        fade = math.exp(-min(1.0, self._new / max(MEMORY, MEMORY_FLIGHTS * self.in_flight)))
        self._new = 0
        if fade < 1.0:
            for counts in (self.left, self.persons, self.judged, self.person_delays, self.other_delays):
                counts[:] = [fade * count for count in counts]
        self._verdicts = {}
        self._person_cdf = _cdf(self.person_delays)
        self._other_cdf = _cdf(self.other_delays)
        running = [0] * RING_BINS
        for slot, count in self._ringing.items():
            running[self._age(slot, now_ms)] += count
        self._work_out(running)

    def _work_out(self, running: Sequence[int]) -> None:
        """From counts to chances, for every age at which a call may ring."""
        total = sum(self.persons)
        share = (total + 1.0) / (sum(self.judged) + 2.0)
        unknown = SHARE_PRIOR * share / SHARE_PRIOR
        at_risk, survival = reached(self.left, running), 1.0
        alive = [0.0] * (RING_BINS + 1)
        density = [0.0] * RING_BINS  # of a person picking up, for a call that is started now
        self._compensator[0] = 0.0
        judged = max((age for age in range(RING_BINS) if self.judged[age]), default=-1)
        for age in range(RING_BINS):
            alive[age] = survival
            leaving = self.left[age]
            self._share[age] = self._share_at(age, share) if age < judged + SHARE_AGES else unknown
            if at_risk[age] > 0.0 and leaving > 0.0:
                hazard = self.persons[age] / at_risk[age]
                self._compensator[age + 1] = self._compensator[age] + hazard
                density[age] = survival * hazard
                survival *= max(0.0, 1.0 - leaving / at_risk[age])
            else:
                self._compensator[age + 1] = self._compensator[age]
        alive[RING_BINS] = survival
        self._place_horizons(density)
        sums = [0.0]
        for chance in density:
            sums.append(sums[-1] + chance)
        oldest = max((age for age in range(RING_BINS) if density[age] > 0.0), default=0)
        in_time = [self._in_time(horizon) for horizon in self.horizons]
        self._ring_chances = [chances_at(age, alive[age], density, sums, in_time) for age in range(oldest + 1)]

    def _share_at(self, age: int, share: float) -> float:
        """Share of persons among the calls that are picked up at an age, from the ages around it."""
        low, high = max(0, age - SHARE_AGES + 1), min(RING_BINS, age + SHARE_AGES)
        persons, judged = sum(self.persons[low:high]), sum(self.judged[low:high])
        return (persons + SHARE_PRIOR * share) / (judged + SHARE_PRIOR)

    def _place_horizons(self, density: Sequence[float]) -> None:
        """Quantiles of the time from the request to a person's verdict."""
        total = sum(density)
        if total <= 0.0:
            self.horizons = tuple(round((4.0 + 3.5 * part) * SECOND_MS) for part in range(HORIZONS))
            return
        mean_delay = self.delay_bin_ms * _mean_place(self.person_delays)
        found: list[Millis] = []
        running, part = 0.0, 0
        for age, chance in enumerate(density):
            before, running = running, running + chance / total
            while part < HORIZONS and running >= (part + 0.5) / HORIZONS:
                within = ((part + 0.5) / HORIZONS - before) / max(1e-12, running - before)
                found.append(round((age + within) * RING_BIN_MS + mean_delay))
                part += 1
        found += [found[-1] if found else 0] * (HORIZONS - len(found))
        if any(abs(new - old) > HORIZON_NEWS_MS for new, old in zip(found, self.horizons, strict=True)):
            self.horizons = tuple(found)

    def _in_time(self, horizon: Millis) -> tuple[int, list[float]]:
        """Which pick-ups have their verdict within a horizon.

        Returns:
            So many bins ahead are pick-ups in time whatever their verdict takes; and chances of those after them,
            bin by bin, until none is in time.
        """
        cdf, perhaps = self._person_cdf, []
        last = horizon // RING_BIN_MS + 1
        sure = min(last, max(0, (horizon - SURE_BINS * self.delay_bin_ms) // RING_BIN_MS))
        for ahead in range(sure, last):
            left_ms = horizon - ahead * RING_BIN_MS - RING_BIN_MS // 2
            perhaps.append(cdf[min(DELAY_BINS, left_ms // self.delay_bin_ms)] if left_ms > 0 else 0.0)
        return sure, perhaps

    def _expected_of_ringing(self, now_ms: Millis) -> float:
        """Persons expected until now from the calls that still ring."""
        expected, newest = self._compensator, (now_ms - RING_BIN_MS // 2) // RING_BIN_MS
        return sum(
            count * expected[min(RING_BINS - 1, newest - slot) if newest > slot else 0]
            for slot, count in self._ringing.items()
        )

    def _follow_level(self, ringing: float) -> None:
        """Persons seen against persons expected, both fading."""
        if not self._compensator[-1]:  # nothing was expected yet: those who came are no surprise
            self._new_persons = 0
            return
        expected = max(0.0, self._expected_left + ringing - self._expected_ringing)
        self._expected_left = 0.0
        self._level.add(self._new_persons, expected)
        self._new_persons = 0

    def flights(self, now_ms: Millis) -> list[tuple[int, Chances]]:
        """The calls in flight now, those of like chances together."""
        chances = self._lifted
        oldest, newest = len(chances), (now_ms - RING_BIN_MS // 2) // RING_BIN_MS
        found = [
            (count, chances[newest - slot if newest > slot else 0])
            for slot, count in self._ringing.items()
            if newest - slot < oldest
        ]
        found += self._in_detection(now_ms)
        return found

    def _in_detection(self, now_ms: Millis) -> list[tuple[int, Chances]]:
        """The calls in detection now. Bayes on the delay: a call is a person with a chance that the time it takes
        changes."""
        bin_ms, verdicts, is_learned = self.delay_bin_ms, self._verdicts, bool(self._person_cdf)
        found = []
        for slot, detecting in self._detecting.items():
            count, share = detecting.count, detecting.share / detecting.count
            share = 0.0 if share < 0.0 else 1.0 if share > 1.0 else share
            if not is_learned:
                found.append((count, (share,) * HORIZONS))
                continue
            at = min(DELAY_BINS, now_ms // bin_ms - 2 * slot)
            known = verdicts.get(at)
            if known is None:
                known = verdicts[at] = self._verdicts_from(at)
            person, other, ends = known
            weight = share * person
            if weight <= 1e-12:
                found.append((count, (0.0,) * HORIZONS))
            else:
                found.append((count, lifted(self._factor * (weight / (weight + (1.0 - share) * other)) / person, ends)))
        return found

    def _verdicts_from(self, at: int) -> tuple[float, float, tuple[float, ...]]:
        """Chances that detection takes longer than so many bins, of a person and of others; and of a person's end."""
        cdf, bin_ms = self._person_cdf, self.delay_bin_ms
        ends = tuple(cdf[min(DELAY_BINS, at + horizon // bin_ms)] - cdf[at] for horizon in self.horizons)
        return 1.0 - cdf[at], 1.0 - self._other_cdf[at], ends

    @staticmethod
    def _age(slot: int, now_ms: Millis) -> int:
        return min(RING_BINS - 1, max(0, now_ms - slot * RING_BIN_MS - RING_BIN_MS // 2) // RING_BIN_MS)


def _ring_bin(age_ms: Millis) -> int:
    place = age_ms // RING_BIN_MS
    return place if place < RING_BINS else RING_BINS - 1


def _prior_delays(first: int, last: int) -> list[float]:
    """Two calls' worth of verdicts, spread over bins first … last."""
    return [2.0 / (last - first) if first <= place < last else 0.0 for place in range(DELAY_BINS)]


def _cdf(counts: Sequence[float]) -> list[float]:
    """Share below each bin's beginning. Shape: one more than the bins; the last is 1."""
    total = sum(counts)
    found, running = [0.0], 0.0
    for count in counts:
        running += count
        found.append(running / total)
    return found


def _mean_place(counts: Sequence[float]) -> float:
    return sum((place + 0.5) * count for place, count in enumerate(counts)) / max(1e-9, sum(counts))
