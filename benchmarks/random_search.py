"""How well random search is predicted by a run that made little of it.

    python benchmarks/random_search.py [--instances 6] [--real 100]

On instances of the planted landscape, the hypervolume of random search after 20, 100 and 200 trials
is predicted from

    20     trials, all of them drawn at random
    40     the first 40 trials of a run of `evolution` over 100, the random ones among them
    100    all of that run

by resampling the random trials with replacement, and by `analysis.random_model`; and held against
the mean of `--real` random searches. Then, for a real baseline of 100 trials: how often an interval
holds the mean of random search, and another random search, where 95 of 100 are meant.

Random searches are made on the tables of the landscape: as `RandomSearcher` does, and faster.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from itnet_nas.analysis.hypervolume import scale
from itnet_nas.analysis.random_model import random_model
from itnet_nas.analysis.volumes import volumes
from itnet_nas.arch.van_der_corput import van_der_corput
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.search.random_search import RandomSearcher
from itnet_nas.search.stratified import POOL
from itnet_nas.testing.planted_landscape import FAILURE, PlantedLandscape
from itnet_nas.testing.simulated import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.analysis.hypervolume import Scale
    from itnet_nas.results.record import TrialRecord

    Floats = NDArray[np.float64]

COUNTS = (20, 100, 200)
TRIALS = 100
MADE = 4  # real baselines per instance


def random_searches(
    landscape: PlantedLandscape, on: Scale, searches: int, trials: int, seed: int
) -> Floats:
    """Points (searches, trials, 2) on a scale; NaN for a failure."""
    tables, rng = landscape._tables, np.random.default_rng(seed)
    places_N = np.array([van_der_corput(k) for k in range(trials)])
    found = np.full((searches, trials, 2), np.nan)
    for search in range(searches):
        rows_NP = tables.draw(POOL * trials, rng).reshape(trials, POOL, -1)
        logs_NP = np.log(tables.flops(rows_NP.reshape(POOL * trials, -1))).reshape(trials, POOL)
        low, high = logs_NP.min(axis=1), logs_NP.max(axis=1)
        far_NP = np.abs(logs_NP - (low + places_N * (high - low))[:, None])
        rows = rows_NP[np.arange(trials), far_NP.argmin(axis=1)]
        errors = tables.errors(rows) + landscape.noise * rng.standard_normal(trials)
        for axis, values in enumerate((np.clip(errors, 0, 100), tables.flops(rows))):
            found[search, :, axis] = [on.axes[axis].unit(value) for value in values]
        found[search, tables.fragile(rows) & (rng.random(trials) < FAILURE)] = np.nan
    return found


def points(on: Scale, records: Sequence[TrialRecord]) -> Floats:
    """(N, 2); NaN for a failure."""
    return np.array([on.point(r) if r.complete else (np.nan, np.nan) for r in records])


def resampled(points_N2: Floats, counts: Sequence[int]) -> Floats:
    """Hypervolumes (300, C) of the trials drawn with replacement."""
    rng = np.random.default_rng(0)
    places = rng.integers(0, len(points_N2), (300, max(counts)))
    return volumes(points_N2[places], counts)


def modelled(
    landscape: PlantedLandscape,
    records: Sequence[TrialRecord],
    drawn: Sequence[TrialRecord],
    on: Scale,
    counts: Sequence[int],
) -> Floats:
    """Hypervolumes (K, C) of simulated random searches."""
    model = random_model(landscape.space(TRIALS), records, drawn, on, counts)
    assert model is not None
    return model.V_KC


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--instances", type=int, default=6)
    parser.add_argument("--real", type=int, default=100)
    asked = parser.parse_args()
    errors: dict[str, list[Floats]] = defaultdict(list)
    covers: dict[str, list[Floats]] = defaultdict(list)
    spreads: list[Floats] = []
    held: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for seed in range(asked.instances):
        landscape = PlantedLandscape(seed)
        first = run(RandomSearcher(), landscape.space(20), landscape.record, 1000 + seed)
        whole = run(EvolutionSearcher(), landscape.space(TRIALS), landscape.record, seed)
        on = scale(landscape.space(TRIALS), whole)
        truth_KC = volumes(random_searches(landscape, on, asked.real, max(COUNTS), seed), COUNTS)
        spreads.append(truth_KC.std(axis=0))
        drawn = [record for record in whole if record.proposed_by == "random"]
        found = {
            "resampling of 20": resampled(points(on, first), COUNTS),
            "model from 20": modelled(landscape, first, first, on, COUNTS),
            "model from 40": modelled(landscape, whole[:40], drawn, on, COUNTS),
            "model from 100": modelled(landscape, whole, drawn, on, COUNTS),
        }
        for name, predicted_KC in found.items():
            errors[name].append(predicted_KC.mean(axis=0) - truth_KC.mean(axis=0))
            low, high = np.quantile(predicted_KC, [0.025, 0.975], axis=0)
            covers[name].append(((low <= truth_KC) & (truth_KC <= high)).mean(axis=0))
        for number in range(MADE):
            space = landscape.space(TRIALS)
            made = run(RandomSearcher(), space, landscape.record, 2000 + number)
            reached = on.hypervolume(made)
            again = resampled(points(on, made), [TRIALS])[:, 0]
            intervals = {
                "resampling": again - again.mean() + reached,
                "model": modelled(landscape, [*made, *whole], made, on, [TRIALS])[:, 0],
            }
            for name, volumes_K in intervals.items():
                low, high = np.quantile(volumes_K, [0.025, 0.975])
                inside = (low <= truth_KC[:, 1]) & (truth_KC[:, 1] <= high)
                held[name].append((low <= truth_KC[:, 1].mean() <= high, inside.mean()))
        print(f"instance {seed}: random search {truth_KC.mean(axis=0).round(3)}", flush=True)
    print(f"\nafter {COUNTS} trials; sd of a real search {np.mean(spreads, axis=0).round(3)}")
    for name, rows in errors.items():
        bias, size = np.mean(rows, axis=0).round(3), np.abs(rows).mean(axis=0).round(3)
        within = np.mean(covers[name], axis=0).round(2)
        print(f"{name:18} bias {bias}  size of error {size}  real searches in the band {within}")
    print(f"\ninterval of a real baseline of {TRIALS} trials")
    for name, pairs in held.items():
        mean, another = np.mean(pairs, axis=0)
        print(f"{name:18} holds the mean {mean:.2f}, another search {another:.2f}")


if __name__ == "__main__":
    main()
