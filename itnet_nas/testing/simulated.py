"""A search without trainings: `run`, and `left`, which writes down what one would leave."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from itnet_nas.arch.genotype import bias_of
from itnet_nas.results.record import TrialError, TrialRecord, TrialState

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.search.searcher import Proposal, Searcher
    from itnet_nas.space.space import Space


def run(
    searcher: Searcher,
    space: Space,
    record: Callable[[int, Architecture, str, int], TrialRecord],
    seed: int = 0,
    workers: int = 1,
) -> list[TrialRecord]:
    """Records of a search of `space.search.trials` trials, in the order of their numbers.

    record  (number, architecture, by, training seed) -> what the trial leaves

    All workers are busy as long as there is something to train; of the trials under way, one drawn
    at random ends first. Proposal n gets the generator `Random(f"{seed}:{n}")`, and trial n the
    training seed n. The search ends early where the searcher finds nothing new.
    """
    order = Random(f"order {seed}")
    records: list[TrialRecord] = []
    pending: dict[int, Proposal] = {}
    number, trials = 0, space.search.trials
    while True:
        while len(pending) < workers and number < trials:
            under_way = [proposal.architecture for proposal in pending.values()]
            proposal = searcher.ask(space, records, under_way, Random(f"{seed}:{number}"))
            if proposal is None:
                trials = number
                break
            pending[number] = proposal
            number += 1
        if not pending:
            return records
        done = order.choice(sorted(pending))
        proposal = pending.pop(done)
        records.append(record(done, proposal.architecture, proposal.by, done))
        records.sort(key=lambda one: one.number)


def left(
    space: Space,
    number: int,
    architecture: Architecture,
    by: str,
    seed: int,
    objectives: Mapping[str, float],
    error: TrialError | None = None,
    state: TrialState = TrialState.COMPLETE,
) -> TrialRecord:
    """The record of a trial that was not trained. With an error it failed, and has no figures."""
    return TrialRecord(
        number=number,
        state=state if error is None else TrialState.FAILED,
        architecture=architecture,
        key=architecture.key,
        bias=bias_of(space, architecture),
        task=space.task,
        task_origin=space.task_origin,
        data=space.facts.data,
        kernel_origins=space.kernel_origins,
        recipe=space.recipe,
        seed=seed,
        proposed_by=by,
        steps=space.recipe.steps,
        objectives=dict(objectives) if error is None else {},
        error=error,
    )


DIVERGED = TrialError(kind="non_finite", message="the loss is nan")
