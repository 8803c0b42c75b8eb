"""What the trainings so far say of each swap: losses paired by seed, against a floor of noise.

    loss of a swap at a seed    signed quality of the swap − signed quality of the candidate
    floor, n pairs              the larger of
                                  t_{.975, k−1} · √2 · s / √n
                                  a hundredth of what the candidate gains over chance

s is the candidate's standard deviation over its k seeds. The first line is what the mean of n
differences would exceed with a probability of 2.5 % were the swap an identical copy under other
seeds; the swap's own spread is not used, since a kernel that does not fit the task trains less
evenly. Chance is the metric's, else its worst baseline, else 0.

A record counts for an architecture (by key) and one of the certificate's seeds; everything else is
left aside, the trial by which the candidate was chosen above all, since that one is flattered by
selection. A training that did not end complete gives no figure, and is counted as what it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, final

from itnet_nas.analysis.pareto import signed
from itnet_nas.analysis.significance import (
    deviation,
    interval,
    looks,
    lower_bound,
    mean,
    p_above,
    t_quantile,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.swaps import Difference, Swap
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space
    from itnet_nas.tasks.facts import Metric

FLOOR_TAIL = 0.025
FLOOR_SHARE = 0.01
LEAST = 3  # seeds, before anything is said

State = Literal["tested", "waiting", "failed"]


@dataclass(frozen=True)
class Comparison:
    """A replacement against the candidate, with enough pairs to say something.

    loss         mean over the pairs; positive where the replacement is worse
    low, high    its two-sided interval at 1 − α, for this comparison alone
    upper        one-sided upper bound at 1 − α, not corrected either: says when it is harmless
    bound        one-sided lower bound, corrected as the certificate says: what a verdict reads
    floor        at this number of pairs
    p            of "the loss is within the floor", corrected for looks alone
    """

    loss: float
    low: float
    high: float
    upper: float
    bound: float
    floor: float
    p: float

    @property
    def harmless(self) -> bool:
        """Whether the loss is known to lie within the floor."""
        return self.upper <= self.floor


@dataclass(frozen=True)
class Replacement:
    """One replacement, and how it did.

    key         of the network after the swap
    other       the axis after the swap; `differs` and `also` as in `Swap`
    state       tested | waiting (for more trainings) | failed (too often to be compared)
    losses      (seed, loss) of every pair
    failures    how each training that gave no figure ended
    comparison  None unless tested
    """

    key: str
    label: str
    family: str | None
    params: dict[str, object] | None
    other: str
    differs: Difference
    also: tuple[str, ...]
    state: State
    losses: tuple[tuple[int, float], ...]
    failures: tuple[str, ...]
    comparison: Comparison | None = None

    @property
    def seeds(self) -> int:
        """Number of pairs."""
        return len(self.losses)


@final
class Evidence:
    """The records that count, looked up by architecture and seed.

    Raises ValueError for fewer than two seeds, for one given twice, and where the candidate's own
    trial has one of them.
    """

    def __init__(
        self,
        space: Space,
        candidate: TrialRecord,
        records: Sequence[TrialRecord],
        *,
        seeds: Sequence[int],
        alpha: float,
        least: int = LEAST,
    ) -> None:
        _check(candidate, seeds, alpha)
        self.space, self.key, self.seeds, self.alpha = space, candidate.key, tuple(seeds), alpha
        self.least = max(2, min(least, len(seeds)))
        self.looks = looks(self.least, len(seeds))
        self._found: dict[tuple[str, int], TrialRecord] = {}
        wanted = set(seeds)
        # Of two trainings of the same thing the complete one counts, and the earlier one.
        for record in sorted(records, key=lambda one: (not one.complete, one.number)):
            if record.seed in wanted:
                self._found.setdefault((record.key, record.seed), record)

    @property
    def metric(self) -> Metric | None:
        """What the task states about the quality; None where it is no metric of the task."""
        name = self.space.objectives[0].name
        return next((one for one in self.space.facts.metrics if one.name == name), None)

    def known(self, key: str, index: int) -> bool:
        """Whether a training has ended, however it did."""
        return (key, self.seeds[index]) in self._found

    def figures(self, key: str) -> dict[int, float]:
        """Index of the seed -> signed quality, of the trainings that are complete."""
        found = {}
        for index, seed in enumerate(self.seeds):
            record = self._found.get((key, seed))
            if record is not None and record.complete:
                found[index] = signed(record, self.space.objectives[:1])[0]
        return found

    def failures(self, key: str) -> dict[int, str]:
        """Index of the seed -> how the training ended, of those that are not complete."""
        found = {}
        for index, seed in enumerate(self.seeds):
            record = self._found.get((key, seed))
            if record is not None and not record.complete:
                found[index] = record.error.kind if record.error else str(record.state)
        return found

    def hopeless(self, key: str) -> bool:
        """Whether an architecture failed so often that no more trainings are spent on it."""
        failed = len(self.failures(key))
        left = len(self.seeds) - failed
        return left < self.least or (failed >= self.least and not self.figures(key))

    @property
    def quality(self) -> float | None:
        """Mean signed quality of the candidate over its seeds; None without any."""
        figures = self.figures(self.key)
        return mean(list(figures.values())) if figures else None

    @property
    def mean(self) -> float | None:
        """The same in its own sign, as a reader knows it."""
        return None if self.quality is None else self._sign * self.quality

    @property
    def solved(self) -> bool | None:
        """Whether the candidate reaches what the task calls solved; None where that is open.

        Open where the task states no such figure, and before the candidate has enough seeds.
        """
        metric, quality = self.metric, self.quality
        if metric is None or metric.solved is None or quality is None:
            return None
        if len(self.figures(self.key)) < self.least:
            return None
        return quality <= self._sign * metric.solved

    def floor(self, pairs: int) -> float:
        """The floor at a number of pairs. ValueError before the candidate has two seeds."""
        figures = list(self.figures(self.key).values())
        spread = t_quantile(1.0 - FLOOR_TAIL, len(figures) - 1) * deviation(figures)
        gain = FLOOR_SHARE * abs(self._chance() - mean(figures))
        return max(spread * math.sqrt(2.0 / pairs), gain)

    def open_pairs(self, key: str) -> list[int]:
        """Indices of seeds at which a pair with the candidate may still come."""
        mine, theirs = self.figures(self.key), self.figures(key)
        lost = self.failures(self.key).keys() | self.failures(key).keys()
        paired = mine.keys() & theirs.keys()
        return [i for i in range(len(self.seeds)) if i not in lost and i not in paired]

    def compare(self, swap: Swap) -> Replacement:
        """The swap against the candidate, its bound not corrected yet for other questions."""
        key = swap.architecture.key
        mine, theirs = self.figures(self.key), self.figures(key)
        losses = {i: theirs[i] - mine[i] for i in sorted(mine.keys() & theirs.keys())}
        found = Replacement(
            key=key,
            label=swap.label,
            family=swap.family,
            params=swap.params,
            other=swap.other,
            differs=swap.differs,
            also=swap.also,
            state=self._state(key, len(losses)),
            losses=tuple((self.seeds[i], loss) for i, loss in losses.items()),
            failures=tuple(kind for _, kind in sorted(self.failures(key).items())),
        )
        if found.state != "tested":
            return found
        values, floor = list(losses.values()), self.floor(len(losses))
        low, high = interval(values, 1.0 - self.alpha)
        comparison = Comparison(
            loss=mean(values),
            low=low,
            high=high,
            upper=-lower_bound([-value for value in values], self.alpha),
            bound=lower_bound(values, self.alpha / self.looks),
            floor=floor,
            p=min(1.0, self.looks * p_above(values, floor)),
        )
        return replace(found, comparison=comparison)

    def bounded(self, tested: Replacement, level: float) -> Replacement:
        """The same with its lower bound at the level of its question, shared among the looks."""
        if tested.comparison is None:
            return tested
        bound = lower_bound([loss for _, loss in tested.losses], level / self.looks)
        return replace(tested, comparison=replace(tested.comparison, bound=bound))

    def _state(self, key: str, pairs: int) -> State:
        if pairs >= self.least:
            return "tested"
        never = pairs + len(self.open_pairs(key)) < self.least
        return "failed" if never or self.hopeless(key) or self.hopeless(self.key) else "waiting"

    @property
    def _sign(self) -> float:
        return 1.0 if self.space.objectives[0].direction == "min" else -1.0

    def _chance(self) -> float:
        """Signed quality of knowing nothing."""
        metric = self.metric
        if metric is None:
            return 0.0
        if metric.chance is not None:
            return self._sign * metric.chance
        return max((self._sign * value for value in metric.baselines.values()), default=0.0)


def _check(candidate: TrialRecord, seeds: Sequence[int], alpha: float) -> None:
    where = f"certificate of trial {candidate.number}"
    if len(seeds) < 2:
        raise ValueError(
            f"{where}: got {len(seeds)} seed(s); one seed shows no spread, so nothing can be told "
            f"from noise: give at least 2, better {LEAST} to 5"
        )
    if len(set(seeds)) < len(seeds):
        raise ValueError(f"{where}: a seed is given twice in {list(seeds)}; give distinct ones")
    if candidate.seed in seeds:
        raise ValueError(
            f"{where}: seed {candidate.seed} is the one it was chosen by, so its figure is "
            "flattered by selection; give fresh seeds"
        )
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"{where}: alpha must lie between 0 and 1, got {alpha}")
