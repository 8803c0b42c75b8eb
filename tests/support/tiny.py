"""A space of two layers with three choices each, jobs and records in it: no plugin, no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itnet_nas.arch.architecture import Architecture, LayerChoice
from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.kernels import Cost, Domain
from itnet_nas.registry import Origin
from itnet_nas.results.job import TrialJob
from itnet_nas.results.record import TrialError, TrialRecord, TrialState
from itnet_nas.space.space import Choice, Edge, Layer, Objective, Space, TaskChoice
from itnet_nas.space.spec import SearchSpec
from itnet_nas.tasks import Categorical, Metric, Recipe, Target, TaskFacts

if TYPE_CHECKING:
    from collections.abc import Sequence

FAMILIES = ("left", "middle", "right")
ORIGIN = Origin(name="tiny", path="tiny:FAMILY", package="itnet-nas", version="0.1.0")


def tiny_space(layers: int = 2, search: SearchSpec | None = None, **changes: Any) -> Space:
    """A chain of `layers` layers, each one of three families; dearer families cost more."""
    choices = tuple(
        Choice(
            family=family,
            params={},
            bias=Bias(support=Support.POINT, sharing=Sharing.PERMUTATION),
            cost=Cost(flops=100 * (index + 1), params=10 * index, state_bytes=0),
        )
        for index, family in enumerate(FAMILIES)
    )
    names = [f"mix{index + 1}" for index in range(layers)]
    facts = TaskFacts(
        domain=Domain(kind="sequence", shape=(8,), causal=True),
        inputs=(Categorical(classes=4),),
        target=Target(where="per_position", kind="classes", size=4),
        metrics=(Metric(name="error", direction="min", chance=0.75),),
        recipe=Recipe(steps=3, batch_size=2, lr=0.01),
        licence="none",
        source="made up",
        data="0",
    )
    fields: dict[str, Any] = {
        "name": "tiny",
        "task": TaskChoice(name="made_up", params={}),
        "facts": facts,
        "width": 4,
        "mlp_ratio": 2,
        "layers": tuple(Layer(name=name, choices=choices) for name in names),
        "edges": tuple(
            Edge(source=source, target=target)
            for source, target in zip(["input", *names], [*names, "output"], strict=True)
        ),
        "objectives": (
            Objective(name="error", direction="min"),
            Objective(name="flops", direction="min"),
        ),
        "recipe": facts.recipe,
        "search": search or SearchSpec(strategy="random", trials=6),
        "coding_cost": Cost(flops=10, params=5, state_bytes=0),
        "kernel_origins": {family: ORIGIN for family in FAMILIES},
        "task_origin": ORIGIN,
    }
    return Space(**{**fields, **changes})


def chain(space: Space, families: Sequence[str]) -> Architecture:
    """The member of a tiny space with these families, in order."""
    names = [layer.name for layer in space.layers]
    return Architecture(
        width=space.width,
        mlp_ratio=space.mlp_ratio,
        layers=tuple(
            LayerChoice(name=name, family=family, params={})
            for name, family in zip(names, families, strict=True)
        ),
        edges=tuple(
            sorted((edge.source, edge.target) for edge in space.edges),
        ),
    )


def job_of(space: Space, number: int, architecture: Architecture, seed: int = 1) -> TrialJob:
    """A job of a tiny space."""
    return TrialJob(
        number=number,
        proposed_by="random",
        architecture=architecture,
        bias={layer.name: space.layers[0].choices[0].bias for layer in architecture.layers},
        task=space.task,
        task_origin=space.task_origin,
        data=space.facts.data,
        kernel_origins=space.kernel_origins,
        recipe=space.recipe,
        seed=seed,
        objectives=space.objectives,
        costs={"flops": 400.0},
    )


def record_of(
    job: TrialJob, error: float | None = 0.5, failure: TrialError | None = None
) -> TrialRecord:
    """What a trial of `job` would leave: complete with this error, or failed."""
    state = TrialState.COMPLETE if failure is None else TrialState.FAILED
    objectives = {} if error is None or failure else {"error": error, "flops": job.costs["flops"]}
    steps = job.recipe.steps
    return job.record(state=state, steps=steps, objectives=objectives, error=failure)
