"""Runs that hang together, made from arithmetic: a space, and records that belong to it.

The quality of an architecture is a fixed function of its kernels plus a little noise, its cost is
what `arch.cost` computes, and members come from `arch.sample`.
"""

from __future__ import annotations

from random import Random
from typing import Any

from itnet_nas.arch.architecture import Architecture
from itnet_nas.arch.cost import costs
from itnet_nas.arch.genotype import bias_of
from itnet_nas.arch.sample import sample
from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.kernels import Cost, Domain
from itnet_nas.registry import Origin
from itnet_nas.results.record import TrialError, TrialRecord, TrialState
from itnet_nas.space.space import Choice, Edge, Layer, Objective, Space, TaskChoice
from itnet_nas.space.spec import SearchSpec
from itnet_nas.tasks import Categorical, Metric, Recipe, Target, TaskFacts

N, D = 128, 48
FULL = Bias(
    support=Support.FULL,
    sharing=Sharing.PERMUTATION,
    content=Content.PAIR,
    entry=(Entry.AMPLITUDE,),
)
KERNELS: dict[str, tuple[dict[str, Any], Bias, int]] = {
    "identity": ({}, Bias(support=Support.POINT, sharing=Sharing.PERMUTATION), 0),
    "conv3": (
        {"radius": 3},
        Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=3),
        2 * N * D * 4,
    ),
    "conv6": (
        {"radius": 6},
        Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=6),
        2 * N * D * 7,
    ),
    "attention": ({"heads": 4}, FULL, 8 * N * D * D + 4 * N * N * D),
    "ssm": (
        {"state_size": 8},
        Bias(support=Support.FULL, sharing=Sharing.TRANSLATION, state=State.LINEAR, state_size=8),
        2 * N * D * 24,
    ),
    "gru": (
        {},
        Bias(
            support=Support.FULL,
            sharing=Sharing.TRANSLATION,
            state=State.FEEDBACK,
            content=Content.PATH,
            entry=(Entry.GATE, Entry.TRANSITION),
        ),
        12 * N * D * D,
    ),
}
GAIN = {"identity": 0.0, "conv3": 0.55, "conv6": 0.62, "attention": 0.6, "ssm": 0.66, "gru": 0.9}
FAMILY = {name: name.rstrip("36") for name in KERNELS}


def choice(name: str) -> Choice:
    """One kernel of the table above."""
    params, bias, flops = KERNELS[name]
    return Choice(
        family=FAMILY[name],
        params=params,
        bias=bias,
        cost=Cost(flops=flops, params=flops // N, state_bytes=None if name == "attention" else 4),
    )


def origin(name: str) -> Origin:
    """Where a made-up plugin would come from."""
    return Origin(name=name, path=f"made_up.{name}:X", package="itnet-nas", version="0.1.0")


def space(**changes: Any) -> Space:
    """Two layers, a window first or something with memory, bits per byte against FLOPs."""
    facts = TaskFacts(
        domain=Domain(kind="sequence", shape=(N,), causal=True),
        inputs=(Categorical(classes=256),),
        target=Target(where="per_position", kind="classes", size=256),
        metrics=(
            Metric(
                name="bits_per_byte", direction="min", chance=8.0, baselines={"order 2 model": 3.2}
            ),
            Metric(name="accuracy", direction="max"),
        ),
        recipe=Recipe(steps=400, batch_size=16, lr=0.004),
        licence="PSF-2.0",
        source="the standard library of Python",
        data="5f2b7c0e9d1a4c33",
    )
    names = ("local", "memory")
    fields: dict[str, Any] = {
        "name": "quickstart",
        "task": TaskChoice(name="python_source", params={"length": N}),
        "facts": facts,
        "width": D,
        "mlp_ratio": 2,
        "layers": (
            Layer(
                name="local",
                choices=tuple(map(choice, ("identity", "conv3", "conv6", "attention", "gru"))),
            ),
            Layer(
                name="memory",
                choices=tuple(map(choice, ("identity", "conv6", "attention", "ssm", "gru"))),
            ),
        ),
        "edges": (
            Edge(source="input", target=names[0]),
            Edge(source=names[0], target=names[1]),
            Edge(source=names[1], target="output"),
        ),
        "objectives": (
            Objective(name="bits_per_byte", direction="min"),
            Objective(name="flops", direction="min"),
        ),
        "recipe": facts.recipe,
        "search": SearchSpec(strategy="evolution", trials=20, seed=0),
        "coding_cost": Cost(flops=2 * N * D * 256, params=256 * D * 2, state_bytes=0),
        "kernel_origins": {name: origin(name) for name in set(FAMILY.values())},
        "task_origin": origin("python_source"),
    }
    return Space(**{**fields, **changes})


def deep_space(layers: int = 6, **changes: Any) -> Space:
    """A chain of layers that all may be left out but the first; large enough for any run."""
    every = tuple(map(choice, KERNELS))
    names = [f"mix{index + 1}" for index in range(layers)]
    return space(
        name="deep",
        layers=tuple(
            Layer(name=name, choices=every, optional=place > 0) for place, name in enumerate(names)
        ),
        edges=tuple(
            Edge(source=a, target=b)
            for a, b in zip(["input", *names], [*names, "output"], strict=True)
        ),
        **changes,
    )


def record(
    of: Space,
    number: int,
    architecture: Architecture,
    failure: TrialError | None = None,
    **objectives: float,
) -> TrialRecord:
    """The record of a trial; complete unless `failure` says why not."""
    known = costs(of, architecture)
    wanted = [objective.name for objective in of.objectives]
    figures = {} if failure else {**known, **objectives}
    return TrialRecord(
        number=number,
        state=TrialState.COMPLETE if failure is None else TrialState.FAILED,
        architecture=architecture,
        key=architecture.key,
        bias=bias_of(of, architecture),
        task=of.task,
        task_origin=of.task_origin,
        data=of.facts.data,
        kernel_origins={name: of.kernel_origins[name] for name in _families(architecture)},
        recipe=of.recipe,
        seed=1000 + number,
        proposed_by="random" if number < 8 else "evolution",
        steps=of.recipe.steps if failure is None else 40,
        objectives={name: value for name, value in figures.items() if name in wanted},
        figures={name: value for name, value in figures.items() if name not in wanted},
        device="cpu",
        started=1_764_000_000.0 + 30 * number,
        seconds=25.0 + number % 7,
        error=failure,
    )


def run(of: Space, trials: int, seed: int = 0, failing: float = 0.05) -> list[TrialRecord]:
    """Records 0 … trials - 1, of different architectures as long as there are any; some failed."""
    rng = Random(seed)
    found = []
    seen: set[str] = set()
    for number in range(trials):
        architecture = sample(of, rng)
        for _ in range(100):
            if architecture.key not in seen:
                break
            architecture = sample(of, rng)
        seen.add(architecture.key)
        failure = None
        if rng.random() < failing:
            kind = rng.choice(["out_of_memory", "non_finite"])
            failure = TrialError(kind=kind, message=f"{kind} at step 40: the loss was nan")
        bits = quality(architecture) + rng.gauss(0, 0.02)
        found.append(record(of, number, architecture, failure, **_figures(of, bits, rng)))
    return found


def quality(architecture: Architecture) -> float:
    """Bits per byte: each kernel gains something, kernels of a second kind gain more."""
    names = [
        next(name for name in KERNELS if FAMILY[name] == c.family and KERNELS[name][0] == c.params)
        for c in architecture.layers
    ]
    gain = 0.0
    for place, name in enumerate(names):
        gain += GAIN[name] * (1.0 if name not in names[:place] else 0.3) / (1 + 0.5 * place)
    return 4.2 - gain


def _figures(of: Space, bits: float, rng: Random) -> dict[str, float]:
    found = {"bits_per_byte": bits, "accuracy": max(0.0, 1 - bits / 5)}
    if any(objective.name == "latency_ms" for objective in of.objectives):
        found["latency_ms"] = 1 + rng.random() * 5
    return found


def _families(architecture: Architecture) -> set[str]:
    return {layer.family for layer in architecture.layers}
