"""How much too good is a front, and how much is left of that once it was confirmed?

    python benchmarks/confirm.py --instances 10

Evolution searches the planted landscape, whose truth is known; the front is chosen among single
noisy trainings, and confirmed by the code that `itnet-nas confirm` runs: the same choice of
finalists, the same seeds, the same reading. Only the training is a formula. Figures are in points
of error, and a front counts all of its points alike.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.confirmed import confirmation
from itnet_nas.analysis.finalists import finalists, rule
from itnet_nas.analysis.pareto import nondominated
from itnet_nas.results.record import Outcome, Replicate, TrialError, TrialState
from itnet_nas.results.store import Store
from itnet_nas.search.confirm import Confirmer, plan_round, reporting_seeds, taken_seeds
from itnet_nas.search.evolution import EvolutionSearcher
from itnet_nas.testing.planted_landscape import PlantedLandscape

if TYPE_CHECKING:
    from itnet_nas.results.job import TrialJob

HEAD = (
    "| noise | seeds | optimism: in the search | as confirm estimates it | of what it reports "
    "| intervals that hold | called non-dominated | and are | points | trainings |"
)


def trained(landscape: PlantedLandscape, job: TrialJob) -> Outcome:
    """What a worker would send back: an error under each seed, or a failure."""
    architecture = job.architecture
    if any(landscape.fails(architecture, seed) for seed in job.seeds):
        error = TrialError(kind="non_finite", message="the loss is nan")
        return Outcome(record=job.record(state=TrialState.FAILED, error=error))
    figures = [
        {"error": landscape.measured(architecture, seed), "flops": job.costs["flops"]}
        for seed in job.seeds
    ]
    return Outcome(
        record=job.record(
            state=TrialState.COMPLETE,
            objectives={name: fmean(one[name] for one in figures) for name in figures[0]},
            replicates=tuple(
                Replicate(seed=seed, objectives=one)
                for seed, one in zip(job.seeds, figures, strict=True)
            ),
        )
    )


def study(instance: int, noise: float, seeds: int, trials: int = 200) -> dict[str, Any]:
    """One search and its confirmation, beside the truth."""
    landscape = PlantedLandscape(instance, noise=noise)
    space = landscape.space(trials)
    records = landscape.run(EvolutionSearcher(), trials, seed=instance)
    with (
        tempfile.TemporaryDirectory() as folder,
        Store.create(Path(folder) / "run", space) as store,
    ):
        for record in records:
            store.add_record(record)
        fresh = reporting_seeds(space.search.seed, seeds, taken_seeds(store))
        chosen = finalists(space, records, None)
        plan_round(space, store.confirmations, space.search, chosen, fresh, rule(None))
        session = Confirmer(space, store.confirmations, space.search)
        while (job := session.next_job()) is not None:
            session.tell(trained(landscape, job))
        found = confirmation(space, records, session.records())
    assert found is not None
    assert found.optimism is not None
    architectures = {record.number: record.architecture for record in records}
    truth = {one.trial: landscape.error(architectures[one.trial]) for one in found.members}
    told = [one for one in found.members if one.fresh is not None]
    really = dict(
        zip(
            [one.trial for one in told],
            nondominated([[truth[one.trial], one.costs["flops"]] for one in told]),
            strict=True,
        )
    )
    front = [one for one in found.front if one.fresh is not None]
    return {
        "searched": fmean(truth[one.trial] - one.search for one in found.front),
        "estimated": found.optimism.mean,
        "reported": fmean(truth[one.trial] - one.fresh.mean for one in front if one.fresh),
        "held": fmean(
            one.fresh.low <= truth[one.trial] <= one.fresh.high
            for one in told
            if one.fresh is not None and one.fresh.low is not None and one.fresh.high is not None
        ),
        "likely": fmean(one.nondominated or 0.0 for one in told),
        "really": fmean(really[one.trial] for one in told),
        "points": len(found.front),
        "trainings": seeds * len(chosen),
    }


def row(noise: float, seeds: int, instances: int, trials: int = 200) -> str:
    """One line of the table: means over instances."""
    studies = [study(instance, noise, seeds, trials) for instance in range(instances)]
    mean = {name: fmean(one[name] for one in studies) for name in studies[0]}
    return (
        f"| {noise:g} | {seeds} | {mean['searched']:+.2f} | {mean['estimated']:+.2f} "
        f"| {mean['reported']:+.2f} | {mean['held']:.0%} | {mean['likely']:.0%} "
        f"| {mean['really']:.0%} | {mean['points']:.1f} | {mean['trainings']:.0f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=10)
    parser.add_argument("--trials", type=int, default=200)
    given = parser.parse_args()
    print(HEAD)
    print("|--:" * HEAD.count(" | ") + "|--:|")
    for noise, seeds in ((2.0, 3), (2.0, 5), (0.4, 3)):
        print(row(noise, seeds, given.instances, given.trials))


if __name__ == "__main__":
    main()
