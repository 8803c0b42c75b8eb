"""`Guess`: what is known of a space after some trials: quality as a model has it, and the front.

Quality and costs are put on the scales of the hypervolume, ideal 0 and reference 1, so that an
improvement here is one of the figure that a report shows. Quality that is worse than the median is
pulled in,

    g(u) = m + s ln(1 + (u − m)/s) for u > m,     s = m − min u

since how bad the bad ones are must not set the scale on which good ones are told apart.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.analysis.hypervolume import scale
from itnet_nas.analysis.pareto import nondominated_rank, signed
from itnet_nas.results.record import TrialState
from itnet_nas.search.candidates import Candidate
from itnet_nas.search.improvement import expected_improvement
from itnet_nas.search.priors import split
from itnet_nas.space.space import COMPUTED_COSTS
from itnet_nas.surrogate import fit
from itnet_nas.surrogate.encoding import encoding_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.analysis.hypervolume import Axis
    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.stratified import CostsOf
    from itnet_nas.space.space import Space
    from itnet_nas.surrogate import Surrogate
    from itnet_nas.surrogate.surrogate import Known

    Floats = NDArray[np.float64]

FRONTS = 2  # whose members are parents
LEAST_TOLD = 10  # complete trials of another task, for it to be listened to
NEAREST = 400  # complete trials that a model is made of
DOUBT = 0.5  # more than a model has of its own: where hope is largest, so is the error
SURE = 0.98  # of a failure, at most
DRAWS = (-1.28, -0.52, 0.0, 0.52, 1.28)  # of a cost that is guessed, in sd


@final
@dataclass(frozen=True)
class Observations:
    """Trials of a space: those with every objective, those that came to nothing, and other tasks'.

    others   per task, or data, that was told beforehand: members of the space and their quality
    """

    complete: tuple[TrialRecord, ...]
    failed: tuple[TrialRecord, ...]
    others: tuple[Known, ...]

    @classmethod
    def of(cls, space: Space, records: Sequence[TrialRecord]) -> Observations:
        """Those whose architecture is a member of the space."""
        encoding = encoding_of(space)
        members = [r for r in records if encoding.genotype(r.architecture) is not None]
        results, priors = split(space, members)
        names = {objective.name for objective in space.objectives}
        complete = [r for r in results if r.complete and names <= r.objectives.keys()]
        failed = [r for r in results if r.state in (TrialState.FAILED, TrialState.INFEASIBLE)]
        tasks: dict[tuple[str, str], list[TrialRecord]] = defaultdict(list)
        for record in priors:
            if record.complete and space.objectives[0].name in record.objectives:
                tasks[record.data, str(record.task)].append(record)
        others = tuple(
            ([r.architecture for r in told], [signed(r, space.objectives[:1])[0] for r in told])
            for told in tasks.values()
            if len(told) >= LEAST_TOLD
        )
        return cls(tuple(complete), tuple(failed), others)


@final
class Guess:
    """From at least one complete trial."""

    def __init__(
        self, space: Space, seen: Observations, pending: Sequence[Architecture], costs_of: CostsOf
    ) -> None:
        self._space = space
        self._costs_of = costs_of
        self._axes = scale(space, seen.complete).axes
        kept = _nearest(seen.complete, self._axes)
        architectures = [record.architecture for record in kept]
        raw = np.array([_unit(self._axes[0], r.objectives[self._axes[0].name]) for r in kept])
        self._pull = _Pull(raw)
        self.surrogate = fit(space, architectures, self._pull(raw), seen.others)
        self._failing = self._guess_failures(seen)
        self._guessed = self._guess_costs(seen.complete)
        # Trials under way are themselves a look at what is in doubt.
        self._doubt = 1.0 + DOUBT / (1 + len(pending))
        believed = self.surrogate.believing(pending)
        self._believed = believed
        mean, _ = believed.predict([*architectures, *pending])
        self._reference = self._pull(np.ones(1))[0]
        if mean.min() >= self._reference:
            self._reference = float(mean.max() + 0.1 * np.ptp(mean) + 1e-9)
        candidates = [self.candidate(architecture) for architecture in (*architectures, *pending)]
        genotypes = [one.genotype for one in candidates]
        costs = self.costs(candidates)[len(DRAWS) // 2 if self._guessed else 0]
        self._front = np.column_stack([mean / self._reference, costs])
        rank = nondominated_rank(self._front[: len(architectures)])
        self.parents = [g for g, r in zip(genotypes, rank, strict=False) if r < FRONTS]
        self.known = set(genotypes)

    def candidate(self, architecture: Architecture) -> Candidate:
        """An architecture as a candidate. KeyError for a stranger."""
        genotype = encoding_of(self._space).genotype(architecture)
        if genotype is None:
            raise KeyError(f"not a member of the space {self._space.name}: {architecture.label}")
        return Candidate(genotype, architecture)

    def improvement(self, candidates: Sequence[Candidate]) -> Floats:
        """Expected improvement of the hypervolume (m,)."""
        mean, deviation = self._believed.predict_of([one.genotype for one in candidates])
        deviation = self._doubt * deviation
        gains = [
            expected_improvement(
                mean / self._reference, deviation / self._reference, costs, self._front
            )
            for costs in self.costs(candidates)
        ]
        gain = np.stack(gains).mean(axis=0)
        if self._failing is not None:
            fails, _ = self._failing.predict_of([one.genotype for one in candidates])
            gain = gain * (1.0 - np.clip(fails, 0.0, SURE))
        return np.asarray(gain)

    def costs(self, candidates: Sequence[Candidate]) -> Floats:
        """(draws, m, k) on the scales of the costs; one draw where all can be computed."""
        figures = [self._costs_of(self._space, one.architecture) for one in candidates]
        genotypes = [one.genotype for one in candidates]
        columns = []
        for axis in self._axes[1:]:
            if axis.name in self._guessed:
                mean, deviation = self._guessed[axis.name].predict_of(genotypes)
                columns.append(np.array([mean + z * deviation for z in DRAWS]))
            else:
                known = [_unit(axis, one.get(axis.name, math.inf)) for one in figures]
                columns.append(np.array(known)[None, :])
        draws = max(len(column) for column in columns)
        return np.stack([np.broadcast_to(c, (draws, c.shape[1])) for c in columns], axis=2)

    def _guess_failures(self, seen: Observations) -> Surrogate | None:
        """How likely a trial comes to nothing: a surrogate of 1 for those that did and 0 else."""
        if not seen.failed:
            return None
        failed = seen.failed[-NEAREST:]
        ended = [record.architecture for record in (*seen.complete[-NEAREST:], *failed)]
        labels = np.repeat([0.0, 1.0], [len(ended) - len(failed), len(failed)])
        return fit(self._space, ended, labels)

    def _guess_costs(self, complete: Sequence[TrialRecord]) -> dict[str, Surrogate]:
        """A surrogate for each cost that no formula gives."""
        computed = self._costs_of(self._space, complete[0].architecture)
        architectures = [record.architecture for record in complete[-NEAREST:]]
        return {
            axis.name: fit(
                self._space,
                architectures,
                [_unit(axis, record.objectives[axis.name]) for record in complete[-NEAREST:]],
            )
            for axis in self._axes[1:]
            if axis.name not in computed and axis.name not in COMPUTED_COSTS
        }


@final
class _Pull:
    """The function g of the top of the file."""

    def __init__(self, units: Floats) -> None:
        self._middle = float(np.median(units))
        self._spread = self._middle - float(units.min())

    def __call__(self, units: Floats) -> Floats:
        if self._spread <= 0:
            return units
        above = np.maximum(0.0, units - self._middle)
        pulled = self._middle + self._spread * np.log1p(above / self._spread)
        return np.where(above > 0, pulled, units)


def _unit(axis: Axis, value: float) -> float:
    """`Axis.unit`, not cut off."""
    if axis.log and value <= 0:
        return 0.0
    ideal, reference, at = (
        (math.log10(x) if x < math.inf else x) if axis.log else x
        for x in (axis.ideal, axis.reference, value)
    )
    return 0.0 if ideal == reference else (at - ideal) / (reference - ideal)


def _nearest(complete: Sequence[TrialRecord], axes: Sequence[Axis]) -> list[TrialRecord]:
    """At most `NEAREST`, the best ranks first; in the order of their numbers."""
    if len(complete) <= NEAREST:
        return list(complete)
    points = [[_unit(axis, record.objectives[axis.name]) for axis in axes] for record in complete]
    rank = nondominated_rank(points)
    best = sorted(range(len(complete)), key=lambda i: (rank[i], complete[i].number))[:NEAREST]
    return [complete[i] for i in sorted(best)]
