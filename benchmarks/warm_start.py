"""What a search of another task is worth to this one, and what it costs where it is worth nothing.

    python benchmarks/warm_start.py --instances 6

Two planted landscapes over one space; of the other task an architecture has the logit of error

    ρ · here + √(1 − ρ²) · rest

with mean 0 and sd 1 over random architectures, `rest` being what another instance does not share
with this one; so ρ is the correlation of the tasks. The other task is searched first, by evolution,
and its trials are told to a search of this one, which is asked how many trials it needs for the
noiseless hypervolume that a cold search has after `--trials`. "Cold again" is a cold search under
another seed: how much of the difference is chance.
"""

from __future__ import annotations

import argparse
import math
from random import Random
from statistics import fmean, linear_regression, median, pstdev
from typing import TYPE_CHECKING, NamedTuple

from itnet_nas.arch.sample import sample
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.search.searcher import Proposal, Searcher
from itnet_nas.search.strategies import strategy
from itnet_nas.search.warm_start import NAME
from itnet_nas.space.space import TaskChoice
from itnet_nas.testing.planted_landscape import PlantedLandscape
from itnet_nas.testing.simulated import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

SAMPLES = 500  # behind mean and sd of a landscape
LONGER = 1.2  # as many trials as cold has, before a level counts as not reached
KINDS = {"cold again": None, "related, ρ = 0.7": 0.7, "unrelated, ρ = 0": 0.0}


class Told(Searcher):
    """A strategy that was told of records beforehand, as a run with a warm start tells it."""

    name = "told"

    def __init__(self, searcher: Searcher, priors: Sequence[TrialRecord]) -> None:
        self._searcher, self._priors = searcher, priors

    def ask(
        self,
        space: Space,
        records: Sequence[TrialRecord],
        pending: Sequence[Architecture],
        rng: Random,
    ) -> Proposal | None:
        """What the strategy proposes."""
        return self._searcher.ask(space, [*self._priors, *records], pending, rng)


class Mixed:
    """Another task over the same space: a share of this one's errors, the rest its own."""

    def __init__(self, here: PlantedLandscape, there: PlantedLandscape, rho: float) -> None:
        self.here, self._there = here, there
        space, rng = here.space(1), Random(f"mixed {here.seed}")
        drawn = [sample(space, rng) for _ in range(SAMPLES)]
        ours = [logit(here.error(one)) for one in drawn]
        theirs = [logit(there.error(one)) for one in drawn]
        self._mean, self._spread = fmean(ours), pstdev(ours)
        # Instances resemble each other a little; what they share is taken out of the other one.
        self._line = linear_regression(ours, theirs)
        rest = [theirs[i] - self._line.slope * ours[i] for i in range(SAMPLES)]
        self._weight = math.sqrt(1 - rho**2) / pstdev(rest)
        self._rho = rho

    def error(self, architecture: Architecture) -> float:
        """In points, on the scale of this task."""
        ours = logit(self.here.error(architecture))
        expected = self._line.intercept + self._line.slope * ours
        rest = logit(self._there.error(architecture)) - expected
        z = self._rho * (ours - self._mean) / self._spread + self._weight * rest
        return 100 / (1 + math.exp(-(self._mean + self._spread * z)))

    def record(self, number: int, architecture: Architecture, by: str, seed: int) -> TrialRecord:
        """What a trial leaves that does not fail."""
        found = self.here.record(number, architecture, by, seed)
        noise = Random(f"mixed {architecture.key} {seed}").gauss(0.0, self.here.noise)
        error = min(100.0, max(0.0, self.error(architecture) + noise))
        if found.objectives:
            found = found.model_copy(update={"objectives": {**found.objectives, "error": error}})
        return found


def logit(error: float) -> float:
    """Of an error in points; ends are moved a little inside."""
    share = min(max(error / 100, 1e-6), 1 - 1e-6)
    return math.log(share / (1 - share))


def told(other: Mixed, trials: int, seed: int) -> list[TrialRecord]:
    """The trials of a search of the other task, as a new run has them."""
    records = run(EvolutionSearcher(), other.here.space(trials), other.record, seed)
    task = TaskChoice(name="another", params={})
    changes = {"task": task, "data": "another", "imported": "another", "proposed_by": NAME}
    return [record.model_copy(update=changes) for record in records if record.complete]


class Found(NamedTuple):
    """Trials to the level of the cold search; the share of the best hypervolume at half and all."""

    trials: float
    half: float
    whole: float


def study(instance: int, trials: int, name: str) -> dict[str, Found]:
    """One instance: the cold search, and every kind of another."""
    here, there = PlantedLandscape(instance), PlantedLandscape(1000 + instance)
    searcher = strategy(name)
    cold = here.run(searcher, trials, seed=instance)
    level = here.area([one.architecture for one in cold])
    studies = {"cold": _found(here, cold, level, trials)}
    longer = round(LONGER * trials)
    for kind, rho in KINDS.items():
        if rho is None:
            records = here.run(searcher, longer, seed=100 + instance)
        else:
            priors = told(Mixed(here, there, rho), trials, 200 + instance)
            records = here.run(Told(searcher, priors), longer, seed=instance)
        studies[kind] = _found(here, records, level, trials)
    return studies


def _found(
    landscape: PlantedLandscape, records: Sequence[TrialRecord], level: float, trials: int
) -> Found:
    architectures = [record.architecture for record in records]
    areas = [landscape.area(architectures[:count]) for count in range(1, len(records) + 1)]
    reached = (count for count, area in enumerate(areas, start=1) if area >= level - 1e-12)
    best = landscape.best_area
    return Found(next(reached, math.inf), areas[trials // 2 - 1] / best, areas[trials - 1] / best)


def rows(studies: Sequence[dict[str, Found]], trials: int) -> list[str]:
    """One line per kind: medians of trials, means of hypervolumes."""
    lines = []
    for kind in studies[0]:
        found = [one[kind] for one in studies]
        each = ", ".join("–" if f.trials == math.inf else f"{f.trials:.0f}" for f in found)
        middle = median(one.trials for one in found)
        shown = f"> {LONGER * trials:.0f}" if middle == math.inf else f"{middle:g}"
        lines.append(
            f"| {kind} | {shown} | {each} | {fmean(one.half for one in found):.3f} "
            f"| {fmean(one.whole for one in found):.3f} |"
        )
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=6)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--strategy", default="surrogate")
    given = parser.parse_args()
    studies = [study(i, given.trials, given.strategy) for i in range(given.instances)]
    half, whole = given.trials // 2, given.trials
    print(f"| told | trials to cold's level, median | each | share at {half} | at {whole} |")
    print("|---|--:|---|--:|--:|")
    print("\n".join(rows(studies, given.trials)))


if __name__ == "__main__":
    main()
