"""One job, several seeds: the architecture is trained once under each, and the record is the mean.

A record of several seeds has a replicate for each of them. Its objectives, figures and curve are
means over the seeds; `steps` and `seed` are those of the first. It has no probe, and the weights,
if they are wanted, are the first seed's. A seed that fails makes the whole record a failure that
names it: a mean over the seeds that came through would flatter the architecture. Such a job leaves
no checkpoints.

The seeds are trained together where that can be done and pays, else one after the other, and the
record says why in `apart`. Figures of the two ways agree to rounding.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from itnet_nas.results.confirm_ledger import TEST
from itnet_nas.results.record import CurvePoint, Outcome, Replicate, TrialState
from itnet_nas.train.evaluate_together import (
    alone,
    failed_record,
    refuses_together,
    train_together,
)
from itnet_nas.train.stacked import Apart
from itnet_nas.train.together import SeedFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from itnet_nas.results.job import TrialJob
    from itnet_nas.results.record import TrialRecord

    Report = Callable[[CurvePoint], bool] | None
    Evaluate = Callable[[TrialJob, Report], Outcome]


def evaluate_seeds(job: TrialJob, report: Report, evaluate: Evaluate) -> Outcome:
    """Train the architecture of `job` under each of its `seeds`.

    `evaluate` trains it under one. `report` gets the points of every seed's curve; its answer False
    makes the record STOPPED, and later seeds are not trained.
    """
    started, clock = time.time(), time.perf_counter()
    apart = refuses_together(job)
    if not apart:
        try:
            records, weights = train_together(job, report)
        except SeedFailed as failure:
            seconds = time.perf_counter() - clock
            return _failed(job, failed_record(job, failure), "", started, seconds)
        except Apart as reason:
            apart = str(reason)
    if apart:
        records, weights = _one_after_the_other(job, report, evaluate)
    seconds = time.perf_counter() - clock
    if records[-1].state is TrialState.FAILED:
        return _failed(job, records[-1], apart, started, seconds)
    return Outcome(record=merged(job, records, apart, started, seconds), weights=weights)


def _one_after_the_other(
    job: TrialJob, report: Report, evaluate: Evaluate
) -> tuple[list[TrialRecord], bytes | None]:
    """Records of the seeds until one is not complete, and the weights of the first."""
    records: list[TrialRecord] = []
    weights = None
    for seed in job.seeds:
        outcome = evaluate(alone(job, seed), report)
        weights = weights if records else outcome.weights
        records.append(outcome.record)
        if not outcome.record.complete:
            break
    return records, weights


def merged(
    job: TrialJob, records: Sequence[TrialRecord], apart: str, started: float, seconds: float
) -> TrialRecord:
    """The record of `job` from those of its seeds: means, and a replicate of every complete one."""
    first, last = records[0], records[-1]
    return job.record(
        state=last.state,
        steps=first.steps,
        objectives=_mean([record.objectives for record in records]),
        figures=_mean([_told(job, record.figures) for record in records]),
        curve=mean_curve([record.curve for record in records]),
        replicates=tuple(replicate(job, record) for record in records if record.complete),
        apart=apart,
        device=first.device,
        started=started,
        seconds=seconds,
    )


def replicate(job: TrialJob, record: TrialRecord) -> Replicate:
    """What one seed adds to the record of several."""
    test = {}
    if job.test:
        found = record.figures.items()
        test = {name.removeprefix(TEST): value for name, value in found if name.startswith(TEST)}
    return Replicate(seed=record.seed, objectives=record.objectives, test=test)


def mean_curve(curves: Sequence[Sequence[CurvePoint]]) -> tuple[CurvePoint, ...]:
    """Means at the steps that every curve has."""
    return tuple(
        CurvePoint(
            step=points[0].step,
            train_loss=_mean_of([point.train_loss for point in points]),
            metrics=_mean([point.metrics for point in points]),
        )
        for points in zip(*curves, strict=False)
    )


def _failed(
    job: TrialJob, record: TrialRecord, apart: str, started: float, seconds: float
) -> Outcome:
    assert record.error is not None
    error = record.error.model_copy(
        update={"message": f"seed {record.seed}: {record.error.message}"}
    )
    failure = job.record(
        state=TrialState.FAILED,
        steps=record.steps,
        apart=apart,
        device=record.device,
        started=started,
        seconds=seconds,
        error=error,
    )
    return Outcome(record=failure)


def _told(job: TrialJob, figures: Mapping[str, float]) -> dict[str, float]:
    """Figures without those of the test split, which stand in the replicates."""
    return {n: v for n, v in figures.items() if not (job.test and n.startswith(TEST))}


def _mean(found: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Means of what every one of them has; one that was stopped may lack a measured cost."""
    names = [name for name in found[0] if all(name in each for each in found)]
    return {name: sum(each[name] for each in found) / len(found) for name in names}


def _mean_of(losses: Sequence[float | None]) -> float | None:
    known = [loss for loss in losses if loss is not None]
    return sum(known) / len(known) if known else None
