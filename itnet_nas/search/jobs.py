"""A `TrialJob` out of a space: what every training of one space has in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.arch.cost import costs
from itnet_nas.arch.genotype import bias_of
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import TrialState
from itnet_nas.space.constraint import Constraint
from itnet_nas.space.space import MEASURED_COSTS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space
    from itnet_nas.space.spec import SearchSpec

CHECKPOINT_FROM = 1_000  # steps; a shorter trial is cheaper to run again than to checkpoint


def measured_constraints(space: Space) -> list[Constraint]:
    """The constraints that only a measurement can judge."""
    return [one for one in map(Constraint.parse, space.constraints) if not one.computed]


def judged(record: TrialRecord, constraints: Sequence[Constraint]) -> TrialRecord:
    """The record, infeasible where it is complete and breaks one of these constraints."""
    figures = {**record.figures, **record.objectives}
    if not record.complete or all(one.holds(figures) for one in constraints):
        return record
    return record.model_copy(update={"state": TrialState.INFEASIBLE})


def make_job(
    space: Space,
    search: SearchSpec,
    architecture: Architecture,
    *,
    number: int,
    seed: int,
    proposed_by: str,
    keep_weights: bool,
    probe: bool,
    reason: str = "",
    checkpoint: Path | None = None,
    stop_at: int | None = None,
    measure_at: tuple[int, ...] = (),
) -> TrialJob:
    """One architecture to be trained with the recipe and the settings of a search.

    checkpoint   the folder where a long training, or one that pauses, leaves its checkpoints; None
                 trains without
    stop_at      the step after which it pauses
    measure_at   steps whose validation its curve must have
    """
    wanted = {objective.name for objective in space.objectives}
    for constraint in measured_constraints(space):
        wanted |= set(constraint.names)
    families = {layer.family for layer in architecture.layers}
    long = space.recipe.steps >= CHECKPOINT_FROM
    kept = checkpoint if long or stop_at is not None else None
    return TrialJob(
        number=number,
        proposed_by=proposed_by,
        reason=reason,
        architecture=architecture,
        bias=bias_of(space, architecture),
        task=space.task,
        task_origin=space.task_origin,
        data=space.facts.data,
        kernel_origins={name: space.kernel_origins[name] for name in sorted(families)},
        recipe=space.recipe,
        seed=seed,
        objectives=space.objectives,
        costs=costs(space, architecture),
        measure=tuple(name for name in MEASURED_COSTS if name in wanted),
        threads=search.cpus_per_trial,
        keep_weights=keep_weights,
        probe=probe,
        checkpoint=None if kept is None else str(kept.absolute()),
        checkpoint_every=space.recipe.steps // 10 if kept is not None and long else 0,
        stop_at=stop_at,
        measure_at=measure_at,
    )
