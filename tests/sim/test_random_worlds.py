"""A hundred and fifty random worlds with faults; every checker watches every step.

A third of them are the same on every machine, the others follow the run's seed: in CI the commit hash, so that every
commit sees worlds that nobody has seen before and anybody can see them again.
"""

import pytest

from outdial.sim.run import ATTEMPTS_MIN, Verdict, try_seed

KNOWN_BATCHES, NEW_BATCHES = 5, 10
SEEDS_PER_BATCH = 10

STORIES = (
    (20, "the word on a release was lost, and a group waited for it although its call was out of the way"),
    (22, "groups that share agents were not told when a call of another one ended"),
    (121, "ports of a returned node were given away before its lost calls had been counted again"),
    (256, "somebody on another node stood in line, and a person beside an idle engaged agent waited behind them"),
    (320, "a caller went from the IVR to an agent, and nobody looked whether another call was wanted"),
    (492, "an agent who did not answer was given the next call in the same step"),
    (3101, "an agent came back, each group's part of the agents grew, and no group noticed"),
    (1660530489, "a node could be tried again, and the group had itself woken two seconds after its last look instead"),
    (737, "the first in line for a port found its node full, and the port was offered to nobody behind it"),
    (1135, "a buffer full of chains was given back, and the checker counted one record a chain"),
    (1177, "the report on a lost call was lost, a verdict came, and the machine was left on the line"),
    (5013, "a node had room again by its learned capacity, and the group waited for a call to end"),
)
"""Seeds that once found a bug, with its story."""


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(KNOWN_BATCHES))
def test_known_worlds(batch):
    check(range(1 + batch * SEEDS_PER_BATCH, 1 + (batch + 1) * SEEDS_PER_BATCH))


@pytest.mark.slow
@pytest.mark.parametrize("batch", range(NEW_BATCHES))
def test_new_worlds(batch, seed):
    first = seed % 1_000_000_000 + batch * SEEDS_PER_BATCH
    check(range(first, first + SEEDS_PER_BATCH))


@pytest.mark.slow
@pytest.mark.parametrize(("known", "story"), STORIES)
def test_worlds_that_found_a_bug(known, story):
    check([known])


def check(seeds):
    """Run the seeds; every one makes its attempts and keeps every invariant."""
    verdicts: list[Verdict] = [try_seed(each) for each in seeds]
    assert [verdict.error for verdict in verdicts if verdict.error] == []
    assert sum(verdict.attempts for verdict in verdicts) >= ATTEMPTS_MIN * len(verdicts)
