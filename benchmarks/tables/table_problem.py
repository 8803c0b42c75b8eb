"""`TableProblem`: a searcher's problem whose trials are entries of a published table.

A trial shows the error of one training, drawn by the trial's seed from those the table has; what a
search found is scored by the mean over all of them. The second objective is the latency of the
table, which a searcher may look up (`costs`) as it may compute FLOPs elsewhere; or, for one
objective, a cost that is the same for all.
"""

from __future__ import annotations

import importlib.util
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, final

from itnet_nas.analysis.hypervolume import volume
from itnet_nas.analysis.pareto import nondominated
from itnet_nas.arch.cost import costs
from itnet_nas.kernels import Cost, Domain
from itnet_nas.registry import Origin
from itnet_nas.results.record import TrialError, TrialRecord
from itnet_nas.space.space import INPUT, OUTPUT, Edge, Layer, Objective, Space, TaskChoice
from itnet_nas.space.spec import SearchSpec
from itnet_nas.tasks import Categorical, Metric, Recipe, Target, TaskFacts
from itnet_nas.testing.simulated import left

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from itnet_nas.arch.architecture import Architecture

BEYOND = 0.1  # of the front's range, from its worst point to the reference


@dataclass(frozen=True)
class Entry:
    """errors   in points, one for each training
    latency  milliseconds
    """

    errors: tuple[float, ...]
    latency: float

    @property
    def error(self) -> float:
        """Mean over the trainings."""
        return sum(self.errors) / len(self.errors)


@final
class TableProblem:
    """A chain of nodes, and for each of its members an entry of the table or none.

    name       of the problem; also of its task
    nodes      of the space
    entries    code -> entry
    code       architecture -> its code; architectures that are the same network share one
    single     one objective: the second is a cost that is the same for all
    """

    def __init__(
        self,
        name: str,
        nodes: Sequence[Layer],
        entries: Mapping[str, Entry],
        code: Callable[[Architecture], str],
        *,
        single: bool = False,
    ) -> None:
        self.name, self.single = name, single
        self._nodes, self._entries, self._code = tuple(nodes), entries, code

    def __len__(self) -> int:
        """How many networks the table has."""
        return len(self._entries)

    def space(self, trials: int) -> Space:
        """The space, with a search of so many trials."""
        return _space(self.name, self._nodes, "flops" if self.single else "latency_ms", trials)

    @cached_property
    def _plain(self) -> Space:
        return self.space(1)

    def costs(self, space: Space, architecture: Architecture) -> Mapping[str, float]:
        """What is computed, and the latency; what is not in the table has the largest one."""
        entry = self.entry(architecture)
        latency = self._dearest if entry is None else entry.latency
        return {**costs(space, architecture), "latency_ms": latency}

    def entry(self, architecture: Architecture) -> Entry | None:
        """What the table says of it."""
        return self._entries.get(self._code(architecture))

    def record(self, number: int, architecture: Architecture, by: str, seed: int) -> TrialRecord:
        """What a trial leaves; one that is not in the table failed."""
        space, entry = self._plain, self.entry(architecture)
        objectives = {}
        if entry is not None:
            draw = Random(f"{self.name} {architecture.key} {seed}")
            cost = self.costs(space, architecture)[space.objectives[1].name]
            objectives = {"error": draw.choice(entry.errors), space.objectives[1].name: cost}
        missing = TrialError(kind="no_entry", message="the table has no such network")
        error = missing if entry is None else None
        return left(space, number, architecture, by, seed, objectives, error)

    def share(self, architectures: Sequence[Architecture]) -> float:
        """Hypervolume of (error, log10 latency) as a share of the table's own front.

        The reference is the worst of the front in each objective, and a tenth of its range beyond.
        """
        found = [entry for a in architectures if (entry := self.entry(a)) is not None]
        return self._volume(_points(found)) / self._whole if found else 0.0

    @cached_property
    def front(self) -> list[tuple[float, float]]:
        """(error, log10 latency) of the table's non-dominated entries."""
        points = _points(list(self._entries.values()))
        return [point for point, on in zip(points, nondominated(points), strict=True) if on]

    @cached_property
    def reference(self) -> tuple[float, float]:
        """What hypervolumes are measured from."""
        errors, places = zip(*self.front, strict=True)
        return (
            max(errors) + BEYOND * (max(errors) - min(errors)),
            max(places) + BEYOND * (max(places) - min(places)),
        )

    @cached_property
    def best(self) -> float:
        """The least error in the table, in points."""
        return min(entry.error for entry in self._entries.values())

    @cached_property
    def _dearest(self) -> float:
        return max(entry.latency for entry in self._entries.values())

    @cached_property
    def _whole(self) -> float:
        return self._volume(self.front)

    def _volume(self, points: Sequence[tuple[float, float]]) -> float:
        return volume(points, self.reference)


def installed(package: str, inside: str, distribution: str) -> Path:
    """A file of an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder) / inside
        if path.is_file():
            return path
    raise ModuleNotFoundError(
        f"the table {inside} is in the package {distribution}, which is not installed; "
        f"pip install {distribution}"
    )


def _points(entries: Sequence[Entry]) -> list[tuple[float, float]]:
    return [(entry.error, math.log10(entry.latency)) for entry in entries]


def _space(name: str, nodes: tuple[Layer, ...], cost: str, trials: int) -> Space:
    names = [node.name for node in nodes]
    origin = Origin(name=name, path=f"tables:{name}", package="itnet-nas", version="0.1.0")
    recipe = Recipe(steps=1, batch_size=1, lr=0.01)
    return Space(
        name=name,
        task=TaskChoice(name=name, params={}),
        facts=TaskFacts(
            domain=Domain(kind="sequence", shape=(1,), causal=True),
            inputs=(Categorical(classes=2),),
            target=Target(where="pooled", kind="classes", size=2),
            metrics=(Metric(name="error", direction="min", description="points, 0 to 100"),),
            recipe=recipe,
            licence="Apache-2.0",
            source="a published table",
            data=name,
        ),
        width=1,
        mlp_ratio=1,
        layers=nodes,
        edges=tuple(
            Edge(source=source, target=target)
            for source, target in zip([INPUT, *names], [*names, OUTPUT], strict=True)
        ),
        objectives=(
            Objective(name="error", direction="min"),
            Objective(name=cost, direction="min"),
        ),
        recipe=recipe,
        search=SearchSpec(trials=trials),
        coding_cost=Cost(flops=1, params=1, state_bytes=0),
        kernel_origins={choice.family: origin for node in nodes for choice in node.choices},
        task_origin=origin,
    )
