"""Small search problems that a strategy is tried on: no plugin, no training, every shape of space.

chain       10⁴ architectures, two families with five sizes at each of four layers
graph       optional layers and edges, copies, params of every kind; a constraint; three
            objectives, of which the first is to grow
measured    the chain with a cost that is known only after training
few         9 architectures
rest        100 architectures, of which 3 meet the constraint
point       1 architecture
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from itnet_nas.arch.cost import bounds, costs
from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.kernels import Cost, Domain
from itnet_nas.registry import Origin
from itnet_nas.results.record import TrialRecord, TrialState
from itnet_nas.space.space import (
    INPUT,
    OUTPUT,
    Choice,
    Edge,
    Layer,
    Objective,
    Repeat,
    Space,
    TaskChoice,
)
from itnet_nas.space.spec import SearchSpec
from itnet_nas.tasks import Categorical, Metric, Recipe, Target, TaskFacts
from itnet_nas.testing.simulated import DIVERGED, left

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itnet_nas.arch.architecture import Architecture

_ORIGIN = Origin(name="ground", path="itnet_nas.testing", package="itnet-nas", version="0.1.0")
_BIAS = Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)


@dataclass(frozen=True)
class Ground:
    """A space, and what a trial in it would leave."""

    name: str
    space: Space
    size: int | None = None  # how many feasible architectures; None: more than are ever tried

    def trials(self, number: int) -> Ground:
        """The same for a search of so many trials."""
        search = self.space.search.model_copy(update={"trials": number})
        return Ground(self.name, changed(self.space, search=search), self.size)

    def record(
        self,
        number: int,
        architecture: Architecture,
        by: str,
        seed: int,
        state: TrialState = TrialState.COMPLETE,
    ) -> TrialRecord:
        """What a trial leaves that ends like this; only failures have no figures."""
        error = DIVERGED if state is TrialState.FAILED else None
        figures = self.objectives(architecture)
        return left(self.space, number, architecture, by, seed, figures, error, state)

    def objectives(self, architecture: Architecture) -> dict[str, float]:
        """Quality is best at a planted family of each layer and at sizes near 3."""
        known = costs(self.space, architecture)
        penalty = fmean(map(_penalty, architecture.layers))
        latency = 1.0 + known["flops"] / 1e4 + _chance(architecture.label)
        figures = {"error": penalty, "accuracy": 1.0 - penalty, "latency_ms": latency, **known}
        return {objective.name: figures[objective.name] for objective in self.space.objectives}


def changed(space: Space, **fields: Any) -> Space:
    """The space with other fields; `model_copy` would keep what the old one had worked out."""
    old = {name: getattr(space, name) for name in Space.model_fields}
    return Space(**{**old, **fields})


def _penalty(layer: Any) -> float:
    sizes = [value for value in layer.params.values() if type(value) is int]
    away = sum(abs(size - 3) for size in sizes)
    return 0.6 * _chance(f"{layer.name} {layer.family}") + min(0.4, 0.1 * away)


def _chance(text: str) -> float:
    """A number in [0, 1) that is the same in every process."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest()) / 2**32


def chain() -> Ground:
    """Four layers."""
    return Ground("chain", _space("chain", _line(4)))


def measured() -> Ground:
    """The chain with a measured cost before the computed one."""
    return Ground("measured", _space("measured", _line(4), costs=("latency_ms", "flops")))


def few() -> Ground:
    """Two layers with three choices each."""
    return Ground("few", _space("few", _line(2, choices=_sizes("left", 3))), 9)


def rest() -> Ground:
    """Both layers at the smallest size, or one of them a size larger."""
    free = _space("rest", _line(2))
    limit = bounds(free)["flops"][0] + 1000
    return Ground("rest", changed(free, constraints=(f"flops <= {limit}",)), 3)


def point() -> Ground:
    """No choice at all."""
    return Ground("point", _space("point", _line(1, choices=_sizes("left", 1))), 1)


def graph() -> Ground:
    """Every kind of decision."""
    kinds = (
        *_sizes("left", 3),
        _choice("heads", 900, heads=2, rope=True),
        _choice("heads", 900, heads=2, rope=False),
        _choice("heads", 1800, heads=4, rope=True),
        _choice("mode", 400, mode="fast"),
        _choice("mode", 700, mode="slow", window=None),
        _choice("none", 50),
    )
    names = ("stem", "side", "cell_1", "cell_2", "cell_3", "end")
    layers = tuple(Layer(name=name, choices=kinds, optional=name == "side") for name in names)
    pairs = [
        (INPUT, "stem"),
        ("stem", "side"),
        ("side", "cell_1"),
        ("cell_1", "cell_2"),
        ("cell_2", "cell_3"),
        ("cell_3", "end"),
        ("end", OUTPUT),
    ]
    edges = (
        *(Edge(source=source, target=target) for source, target in pairs),
        Edge(source="stem", target="end", optional=True),
    )
    copies = (("cell_1",), ("cell_2",), ("cell_3",))
    repeat = Repeat(name="cell", counts=(1, 2, 3), copies=copies, tied=False)
    objectives = (
        Objective(name="accuracy", direction="max"),
        Objective(name="flops", direction="min"),
        Objective(name="params", direction="min"),
    )
    space = _space("graph", layers, edges=edges, repeats=(repeat,), objectives=objectives)
    low, high = bounds(space)["flops"]
    limit = f"flops <= {round((low + 2 * high) / 3)}"
    return Ground("graph", changed(space, constraints=(limit,)))


GROUNDS: tuple[Callable[[], Ground], ...] = (chain, graph, measured, few, rest, point)


def _line(length: int, choices: Sequence[Choice] = ()) -> tuple[Layer, ...]:
    both = tuple(choices) or (*_sizes("left", 5), *_sizes("right", 5, dear=2500))
    return tuple(Layer(name=f"mix{index + 1}", choices=both) for index in range(length))


def _sizes(family: str, number: int, dear: int = 1000) -> tuple[Choice, ...]:
    return tuple(_choice(family, dear * size, size=size) for size in range(1, number + 1))


def _choice(family: str, flops: int, **params: Any) -> Choice:
    cost = Cost(flops=flops, params=flops // 25, state_bytes=flops // 50)
    return Choice(family=family, params=params, bias=_BIAS, cost=cost)


def _space(
    name: str,
    layers: tuple[Layer, ...],
    *,
    costs: Sequence[str] = ("flops",),
    **changes: Any,
) -> Space:
    recipe = Recipe(steps=1, batch_size=1, lr=0.01)
    facts = TaskFacts(
        domain=Domain(kind="sequence", shape=(8,), causal=True),
        inputs=(Categorical(classes=4),),
        target=Target(where="per_position", kind="classes", size=4),
        metrics=(
            Metric(name="error", direction="min", chance=0.75),
            Metric(name="accuracy", direction="max", chance=0.25),
        ),
        recipe=recipe,
        licence="none",
        source="made up",
        data=f"ground {name}",
    )
    names = [layer.name for layer in layers]
    objectives = [Objective(name=one, direction="min") for one in ("error", *costs)]
    fields: dict[str, Any] = {
        "name": name,
        "task": TaskChoice(name="ground", params={}),
        "facts": facts,
        "width": 4,
        "mlp_ratio": 1,
        "layers": layers,
        "edges": tuple(
            Edge(source=source, target=target)
            for source, target in zip([INPUT, *names], [*names, OUTPUT], strict=True)
        ),
        "objectives": tuple(objectives),
        "recipe": recipe,
        "search": SearchSpec(trials=40),
        "coding_cost": Cost(flops=10, params=5, state_bytes=0),
        "kernel_origins": {choice.family: _ORIGIN for layer in layers for choice in layer.choices},
        "task_origin": _ORIGIN,
    }
    return Space(**{**fields, **changes})
