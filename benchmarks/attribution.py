"""Does attribution find what matters, and how often do its intervals hold?

    python benchmarks/attribution.py [--trials 100] [--by random] [--instances 12] [--planted 20]

On the planted landscape, whose truth is known (`itnet_nas.testing.planted_landscape`), noise 0.4:

    recall        of the six nodes with the largest true shares of the variance, those that are
                  among the six that attribution names; 6/26 by chance
    captured      the variance that those six explain, as a share of what the true six explain
    effects       share of all options whose true effect lies in the 95 % credible interval
    sign          share of the resolved options whose true effect has the sign that is claimed
    shares        share of all nodes whose true share of the variance lies in its 95 % interval
    resolved      nodes of 26 that are resolved
    irrelevant    share of the runs in which a node that was planted as without effect, a different
                  one each time, is not resolved

True effects are means over 200,000 random architectures. Trials are either drawn at random
(`arch.sample`) or what the strategy `evolution` tried.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from random import Random
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from itnet_nas.analysis.attribution import RANDOM, attribution
from itnet_nas.analysis.option_groups import groups_of
from itnet_nas.arch.sample import sample
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.testing.planted_landscape import PlantedLandscape
from itnet_nas.testing.simulated import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.results.record import TrialRecord

DRAWS = 200_000
HEAD = (
    "| trials | of | instances | recall, mean | recall, worst | captured | effects | sign | shares "
    "| resolved | CPU s |"
)


@dataclass(frozen=True)
class Row:
    """What one instance gave; shares from 0 to 1."""

    recall: float
    captured: float
    effects: float
    sign: float
    shares: float
    resolved: int
    seconds: float
    irrelevant: bool


def true_effects(landscape: PlantedLandscape) -> list[list[float]]:
    """Per group and option E[error | option] − E[error]; a node is a layer, in order."""
    space = landscape.space(1)
    rows, errors = landscape.draws(DRAWS, seed=1)
    return [
        [
            float(errors[np.isin(rows[:, group.decision.index], answers)].mean() - errors.mean())
            for option in group.options
            for answers in [[answer for answer, _ in option.answers]]
        ]
        for group in groups_of(space)
    ]


def trials_of(landscape: PlantedLandscape, trials: int, seed: int, by: str) -> list[TrialRecord]:
    """Records of a run: drawn at random, or proposed by evolution."""
    if by == RANDOM:
        space, rng = landscape.space(trials), Random(seed)
        return [landscape.record(n, sample(space, rng), RANDOM, n) for n in range(trials)]
    return run(EvolutionSearcher(), landscape.space(trials), landscape.record, seed=seed)


def study(landscape: PlantedLandscape, trials: int, seed: int, by: str) -> Row:
    """Attribution of one run, beside the truth."""
    records = trials_of(landscape, trials, seed, by)
    start = time.process_time()
    found = attribution(landscape.space(trials), records)
    seconds = time.process_time() - start
    truth, shares = landscape.true_importance(), {one.place: one.share for one in found.places}
    options = [
        (effect, true, group.resolved and effect.resolved)
        for group, of in zip(found.groups, true_effects(landscape), strict=True)
        for effect, true in zip(group.effects, of, strict=True)
    ]
    signs = [effect.value * true > 0 for effect, true, sure in options if sure]
    resolved = {one.place for one in found.places if one.resolved}
    true, named = top_six(truth), top_six(shares)
    return Row(
        recall=len(true & named) / 6,
        captured=sum(truth[one] for one in named) / sum(truth[one] for one in true),
        effects=fmean(effect.low <= true <= effect.high for effect, true, _ in options),
        sign=fmean(signs) if signs else 1.0,
        shares=fmean(one.share_low <= truth[one.place] <= one.share_high for one in found.places),
        resolved=len(resolved),
        seconds=seconds,
        irrelevant=landscape.irrelevant not in resolved,
    )


def top_six(shares: dict[str, float]) -> set[str]:
    """Names of the six largest."""
    return set(sorted(shares, key=lambda name: shares[name])[-6:])


def line(trials: int, by: str, rows: Sequence[Row]) -> str:
    """One row of the table."""
    cells = [
        f"{trials}",
        by,
        f"{len(rows)}",
        f"{fmean(row.recall for row in rows):.2f}",
        f"{min(row.recall for row in rows):.2f}",
        f"{fmean(row.captured for row in rows):.2f}",
        f"{fmean(row.effects for row in rows):.2f}",
        f"{fmean(row.sign for row in rows):.2f}",
        f"{fmean(row.shares for row in rows):.2f}",
        f"{fmean(row.resolved for row in rows):.1f}",
        f"{fmean(row.seconds for row in rows):.1f}",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print a row of the table, and how often what is irrelevant is left alone."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--instances", type=int, default=12)
    parser.add_argument("--planted", type=int, default=20)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--by", choices=[RANDOM, "evolution"], default=RANDOM)
    given = parser.parse_args()
    if given.instances:
        rows = [
            study(PlantedLandscape(seed), given.trials, 100 + seed, given.by)
            for seed in range(given.instances)
        ]
        print(HEAD)
        print("|---:|---|" + "---:|" * 9)
        print(line(given.trials, given.by, rows), flush=True)
    if given.planted:
        names = [layer.name for layer in PlantedLandscape(0).space(1).layers]
        planted = [
            study(
                PlantedLandscape(seed, irrelevant=names[7 * seed % 24]),
                given.trials,
                100 + seed,
                given.by,
            )
            for seed in range(given.planted)
        ]
        kept = sum(row.irrelevant for row in planted)
        print(f"planted as irrelevant: not resolved in {kept} of {len(planted)} runs")


if __name__ == "__main__":
    main()
