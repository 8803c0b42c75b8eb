"""A space with a planted, separable error: what a strategy finds can be judged without training."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from support.tiny import ORIGIN, tiny_space

from itnet_nas.arch.cost import costs
from itnet_nas.arch.genotype import bias_of
from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.kernels import Cost
from itnet_nas.results.record import TrialError, TrialRecord, TrialState
from itnet_nas.space.space import Choice, Layer, Space
from itnet_nas.space.spec import SearchSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.search.searcher import Searcher

REFERENCE = (1.0, 1.2e5)  # error, flops: worse than anything in the space


def planted_space(layers: int = 8, trials: int = 100, constraints: Sequence[str] = ()) -> Space:
    """A chain; each layer has two families with five sizes each; a larger size costs more."""
    choices = tuple(
        Choice(
            family=family,
            params={"size": size},
            bias=Bias(support=Support.POINT, sharing=Sharing.PERMUTATION),
            cost=Cost(flops=dear * size, params=10 * size, state_bytes=0),
        )
        for family, dear in (("left", 1000), ("right", 2500))
        for size in range(1, 6)
    )
    names = [f"mix{index + 1}" for index in range(layers)]
    plain = tiny_space(layers, search=SearchSpec(trials=trials), constraints=tuple(constraints))
    fields = {
        **dict(plain),
        "layers": tuple(Layer(name=name, choices=choices) for name in names),
        "kernel_origins": {"left": ORIGIN, "right": ORIGIN},
    }
    return Space(**fields)


def planted_error(architecture: Architecture, seed: int) -> float:
    """0 to 1: the mean over layers of a penalty that is least at a planted family and size."""
    rng = Random(seed)
    penalty = 0.0
    for layer in architecture.layers:
        family, size = rng.choice(["left", "right"]), rng.randrange(1, 6)
        penalty += 0.4 * (layer.family != family) + 0.1 * abs(layer.params["size"] - size)
    return penalty / len(architecture.layers)


def planted_record(
    space: Space,
    number: int,
    architecture: Architecture,
    seed: int = 0,
    state: TrialState = TrialState.COMPLETE,
) -> TrialRecord:
    """What a trial of the architecture leaves."""
    figures = costs(space, architecture)
    objectives = {"error": planted_error(architecture, seed), "flops": figures["flops"]}
    failed = state is TrialState.FAILED
    return TrialRecord(
        number=number,
        state=state,
        architecture=architecture,
        key=architecture.key,
        bias=bias_of(space, architecture),
        task=space.task,
        task_origin=space.task_origin,
        data=space.facts.data,
        kernel_origins=space.kernel_origins,
        recipe=space.recipe,
        seed=number,
        proposed_by="test",
        steps=space.recipe.steps,
        objectives={} if failed else objectives,
        error=TrialError(kind="non_finite", message="the loss is nan") if failed else None,
    )


def propose(
    searcher: Searcher,
    space: Space,
    records: Sequence[TrialRecord],
    pending: Sequence[Architecture] = (),
    seed: int = 0,
) -> Architecture | None:
    """The next proposal, with the generator that belongs to its number."""
    rng = Random(f"{seed} {len(records) + len(pending)}")
    proposal = searcher.ask(space, records, pending, rng)
    return None if proposal is None else proposal.architecture


def run_search(
    searcher: Searcher, space: Space, trials: int, seed: int = 0, workers: int = 1
) -> list[TrialRecord]:
    """A search with `workers` always busy; of those, one drawn at random ends first."""
    order = Random(f"order {seed}")
    records: list[TrialRecord] = []
    pending: dict[int, Architecture] = {}
    number = 0
    while True:
        while len(pending) < workers and number < trials:
            architecture = propose(searcher, space, records, list(pending.values()), seed)
            if architecture is None:
                trials = number
                break
            pending[number] = architecture
            number += 1
        if not pending:
            return records
        done = order.choice(sorted(pending))
        records.append(planted_record(space, done, pending.pop(done), seed))
        records.sort(key=lambda record: record.number)


def volume(records: Sequence[TrialRecord]) -> float:
    """Area that the records dominate below `REFERENCE`, as a share of the whole."""
    area, best = 0.0, REFERENCE[0]
    points = sorted((r.objectives["flops"], r.objectives["error"]) for r in records if r.complete)
    for flops, error in points:
        if error < best:
            area += (best - error) * (REFERENCE[1] - flops)
            best = error
    return area / (REFERENCE[0] * REFERENCE[1])
