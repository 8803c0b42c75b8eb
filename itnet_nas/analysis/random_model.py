"""What random search would reach, by a model: searches that were never made, drawn and scored.

    pool      members of the space, drawn as random search draws them (`random_draws`)
    quality   f(pool) + s ε,    f ~ the surrogate's posterior over the pool,    ε ~ N(0, 1)
    cost      by formula; one that is measured comes from a surrogate of its logarithm
    failure   a trial leaves nothing as often as the random trials of the run did

One simulated search is one draw of f, and members of the pool in one order. The surrogate is fitted
to every complete trial of the run. Resampling the trials would need no model, but can find nothing
better than the best one seen, and random search does. On the planted landscape, 200 trials of
random search are predicted from 20 random ones to 0.044 of hypervolume, from 40 trials of
`evolution` to 0.026 and from 100 to 0.013; resampling is off by 0.083 (`benchmarks/random_search`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.analysis.random_draws import orders, pool, spread_cost
from itnet_nas.analysis.volumes import volumes
from itnet_nas.arch.cost import costs
from itnet_nas.arch.count import ENUMERABLE, raw_count
from itnet_nas.arch.genotype import genotype_of
from itnet_nas.surrogate import fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.analysis.hypervolume import Axis, Scale
    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Objective, Space
    from itnet_nas.surrogate import Surrogate

    Floats = NDArray[np.float64]

SEARCHES = 200  # that are simulated
ENOUGH = 8  # complete trials for a surrogate that says anything


@final
class RandomModel:
    """Simulated random searches of one run.

    V_KC      hypervolume of each simulated search after each of `counts` trials
    surrogate of quality
    """

    def __init__(
        self,
        space: Space,
        trained: Sequence[TrialRecord],
        members: Sequence[Architecture],
        scale: Scale,
        counts: Sequence[int],
        failing: float,
    ) -> None:
        self.counts = tuple(counts)
        quality, *costs_of = space.objectives
        self.surrogate = _surrogate(space, trained, quality.name, log=False)
        rng = np.random.default_rng(0)
        shape = (SEARCHES, len(members))
        drawn = [_unit(scale.axes[0], _trainings(self.surrogate, members, rng))]
        for cost, axis in zip(costs_of, scale.axes[1:], strict=True):
            values = _costs(space, trained, members, cost, rng)
            drawn.append(np.broadcast_to(_unit(axis, values), shape))
        points_KPD = np.stack(drawn, axis=-1)
        order_KN = orders(spread_cost(space, members), len(members), max(counts), SEARCHES, rng)
        points_KND = np.take_along_axis(points_KPD, order_KN[..., None], axis=1)
        points_KND[rng.random(points_KND.shape[:2]) < failing] = np.nan
        self.V_KC = volumes(points_KND, self.counts)

    @property
    def mean(self) -> Floats:
        """Of the hypervolume, per count."""
        return np.asarray(self.V_KC.mean(axis=0))

    @property
    def band(self) -> tuple[Floats, Floats]:
        """Within which 95 of 100 random searches lie, per count."""
        low, high = np.quantile(self.V_KC, [0.025, 0.975], axis=0)
        return low, high


def random_model(
    space: Space,
    records: Sequence[TrialRecord],
    drawn: Sequence[TrialRecord],
    scale: Scale,
    counts: Sequence[int],
) -> RandomModel | None:
    """The model from the trials of a run.

    None where too few of them are complete, and where so few architectures are feasible that
    random search would have to look for them in ways that are not simulated here.

    drawn   those of the random trials, which say how often one fails
    counts  trials after which hypervolumes are wanted
    """
    trained = [
        record
        for record in records
        if record.complete and genotype_of(space, record.architecture) is not None
    ]
    if len(trained) < ENOUGH:
        return None
    drawn_from = pool(space, max(counts))
    if not drawn_from or (len(drawn_from) < max(counts) and raw_count(space) > ENUMERABLE):
        return None
    failing = sum(not record.complete for record in drawn) / max(1, len(drawn))
    return RandomModel(space, trained, drawn_from, scale, counts, failing)


def _surrogate(space: Space, trained: Sequence[TrialRecord], name: str, *, log: bool) -> Surrogate:
    values = np.array([record.objectives[name] for record in trained])
    return fit(
        space, [record.architecture for record in trained], np.log(values) if log else values
    )


def _trainings(
    surrogate: Surrogate, members: Sequence[Architecture], rng: np.random.Generator
) -> Floats:
    """What trainings of the whole pool would show, (searches, pool)."""
    mean, covariance = surrogate.posterior(members)
    smooth = rng.standard_normal((SEARCHES, len(members))) @ _root(covariance).T
    noise = surrogate.noise * rng.standard_normal((SEARCHES, len(members)))
    return np.asarray(mean + smooth + noise)


def _costs(
    space: Space,
    trained: Sequence[TrialRecord],
    members: Sequence[Architecture],
    cost: Objective,
    rng: np.random.Generator,
) -> Floats:
    """(pool,) where there is a formula, else (searches, pool)."""
    known = [costs(space, architecture).get(cost.name) for architecture in members]
    if all(value is not None for value in known):
        return np.array(known, dtype=np.float64)
    log = all(record.objectives[cost.name] > 0 for record in trained)
    drawn = _trainings(_surrogate(space, trained, cost.name, log=log), members, rng)
    return np.asarray(np.exp(drawn)) if log else drawn


def _unit(axis: Axis, values: Floats) -> Floats:
    """`Axis.unit` of each."""
    ideal, reference = axis.ideal, axis.reference
    if ideal == reference:
        return np.where(values == ideal, 0.0, 1.0)
    if axis.log:
        ideal, reference = np.log10(ideal), np.log10(reference)
        values = np.log10(np.maximum(values, np.finfo(np.float64).tiny))
    return np.clip((values - ideal) / (reference - ideal), 0.0, 1.0)


def _root(covariance: Floats) -> Floats:
    """Its lower root, with as much on the diagonal as it takes."""
    largest = float(np.diag(covariance).max()) or 1.0
    for power in range(-9, 0):
        try:
            eye = 10.0**power * largest * np.eye(len(covariance))
            return np.asarray(np.linalg.cholesky(covariance + eye))
        except np.linalg.LinAlgError:
            continue
    return np.diag(np.sqrt(np.maximum(np.diag(covariance), 0.0)))
