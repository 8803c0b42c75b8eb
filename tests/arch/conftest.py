"""Spaces for the tests of architectures, drawn by hypothesis or written out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from itnet_nas.axes import Bias, Content, Sharing, State, Support
from itnet_nas.kernels import Cost, Domain
from itnet_nas.registry import Origin
from itnet_nas.space.space import Choice, Edge, Layer, Objective, Repeat, Space, TaskChoice
from itnet_nas.space.spec import SearchSpec
from itnet_nas.tasks import Metric, Real, Recipe, Target, TaskFacts

# Machines differ in speed; what a property says does not.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

BIAS = {
    "conv": Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=1),
    "attention": Bias(support=Support.FULL, sharing=Sharing.PERMUTATION, content=Content.PAIR),
    "gru": Bias(support=Support.FULL, sharing=Sharing.TRANSLATION, state=State.FEEDBACK),
}


def choice(family: str, cost: Cost | None = None, **params: Any) -> Choice:
    size = 10 * (1 + sum(int(value) for value in params.values()))
    state = None if family == "attention" else 4 * size
    return Choice(
        family=family,
        params=params,
        bias=BIAS[family],
        cost=cost or Cost(flops=7 * size, params=size, state_bytes=state),
    )


CHOICES = (
    choice("conv", radius=1),
    choice("conv", radius=2),
    choice("conv", radius=3),
    choice("attention", heads=2, rope=True),
    choice("attention", heads=2, rope=False),
    choice("attention", heads=4, rope=True),
    choice("gru"),
)


def space_of(
    layers: list[Layer],
    edges: list[Edge],
    repeats: tuple[Repeat, ...] = (),
    constraints: tuple[str, ...] = (),
) -> Space:
    metric = Metric(name="error", direction="min")
    origin = Origin(name="toy", path="toy:FAMILY", package="toy", version="1")
    recipe = Recipe(steps=1, batch_size=1, lr=0.1)
    return Space(
        name="toy",
        task=TaskChoice(name="toy", params={}),
        facts=TaskFacts(
            domain=Domain(kind="sequence", shape=(8,)),
            inputs=(Real(channels=1),),
            target=Target(where="pooled", kind="classes", size=2),
            metrics=(metric,),
            recipe=recipe,
            licence="none",
            source="none",
            data="toy",
        ),
        width=4,
        mlp_ratio=2,
        layers=tuple(layers),
        edges=tuple(edges),
        repeats=repeats,
        objectives=(
            Objective(name="error", direction="min"),
            Objective(name="flops", direction="min"),
        ),
        constraints=constraints,
        recipe=recipe,
        search=SearchSpec(),
        coding_cost=Cost(flops=100, params=18, state_bytes=0),
        kernel_origins={"conv": origin},
        task_origin=origin,
    )


@st.composite
def drawn_spaces(draw: st.DrawFn) -> Space:
    """Up to five layers and a repeat somewhere among them, with optional layers and edges.

    As in a checked space, every layer is reached from the input, reaches the output, and has an
    edge into it that is always there.
    """
    layers: list[Layer] = []
    edges: list[Edge] = []
    repeats: list[Repeat] = []
    choices = st.lists(st.sampled_from(CHOICES), min_size=1, max_size=3, unique_by=id)

    def connect(name: str, earlier: list[str]) -> None:
        sources = draw(st.lists(st.sampled_from(earlier), min_size=1, max_size=3, unique=True))
        for i, source in enumerate(sources):
            edges.append(Edge(source=source, target=name, optional=i > 0 and draw(st.booleans())))

    tail = ["input"]
    for number in range(draw(st.integers(1, 4))):
        if not repeats and draw(st.booleans()):
            size = draw(st.integers(1, 2))
            kinds = [(tuple(draw(choices)), draw(st.booleans())) for _ in range(size)]
            skip = size == 2 and draw(st.booleans())
            counts = tuple(draw(st.sets(st.integers(1, 3), min_size=1, max_size=3)))
            copies, before = [], draw(st.sampled_from(tail))
            for copy in range(1, max(counts) + 1):
                names = tuple(f"m_{copy}_{i}" for i in range(size))
                for i, (name, (kind, optional)) in enumerate(zip(names, kinds, strict=True)):
                    layers.append(Layer(name=name, choices=kind, optional=optional))
                    edges.append(Edge(source=before if i == 0 else names[0], target=name))
                if skip:
                    edges.append(Edge(source=before, target=names[1], optional=True))
                copies.append(names)
                before = names[-1]
            repeats.append(
                Repeat(name="m", counts=counts, copies=tuple(copies), tied=draw(st.booleans()))
            )
            tail.append(before)
        else:
            name = f"mix{number}"
            layers.append(
                Layer(name=name, choices=tuple(draw(choices)), optional=draw(st.booleans()))
            )
            connect(name, tail)
            tail.append(name)
    used = {edge.source for edge in edges if not edge.optional}
    ends = [layer.name for layer in layers if layer.name not in used]
    edges += [Edge(source=name, target="output") for name in ends]
    if len(layers) > 1 and layers[0].name not in ends and draw(st.booleans()):
        edges.append(Edge(source=layers[0].name, target="output", optional=True))
    return space_of(layers, edges, tuple(repeats))


@pytest.fixture(scope="session")
def spaces() -> st.SearchStrategy[Space]:
    return drawn_spaces()


@pytest.fixture(scope="session")
def make_space() -> Callable[..., Space]:
    return space_of


@pytest.fixture(scope="session")
def make_choice() -> Callable[..., Choice]:
    return choice


@pytest.fixture(scope="session")
def chain() -> Callable[..., Space]:
    """`chain([choices of layer 1], [choices of layer 2], …)`: layers one after the other."""

    def build(*kinds: list[Choice], optional: bool = False, **more: Any) -> Space:
        names = [f"mix{i}" for i in range(1, len(kinds) + 1)]
        layers = [
            Layer(name=name, choices=tuple(kind), optional=optional)
            for name, kind in zip(names, kinds, strict=True)
        ]
        ends = ["input", *names, "output"]
        edges = [Edge(source=a, target=b) for a, b in itertools.pairwise(ends)]
        return space_of(layers, edges, **more)

    return build


@pytest.fixture(scope="session")
def constrained() -> Callable[..., Space]:
    """`constrained(space, "params <= 10", …)`: the same space with these constraints."""

    def build(space: Space, *constraints: str) -> Space:
        fields = {name: getattr(space, name) for name in Space.model_fields}
        return Space(**{**fields, "constraints": constraints})

    return build
