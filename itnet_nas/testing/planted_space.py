"""The space of the planted landscape: a chain of 26 nodes whose choices carry their costs.

    l1_support … l6_support   point · global · local(window) · dilated(window)
    l1_sharing … l6_sharing   shared · position · grouped(groups)
    l1_state   … l6_state     none · recurrent(size)
    l1_content … l6_content   fixed · query · pair(heads)
    width                     channels(count)
    rank                      terms(count)

50 variables, 24 of them there for some families alone (the window of a layer counts once), 2.6·10²¹
architectures. Costs add up over the
nodes; their decimal logarithm spans two decades. The bias of a choice varies along its own node's
axis only.
"""

from __future__ import annotations

from itnet_nas.axes import AXES, Bias, Content, Sharing, State, Support
from itnet_nas.kernels import Cost, Domain
from itnet_nas.registry import Origin
from itnet_nas.space.space import INPUT, OUTPUT, Choice, Edge, Layer, Objective, Space, TaskChoice
from itnet_nas.space.spec import SearchSpec
from itnet_nas.tasks import Categorical, Metric, Recipe, Target, TaskFacts

LAYERS = 6
WINDOWS = (2, 3, 5, 8, 12, 18)
GROUPS = (2, 4, 8)
SIZES = (4, 8, 16, 32)
HEADS = (1, 2, 4, 8)
CHANNELS = (8, 16, 24, 32, 48, 64)
RANKS = (1, 2, 4, 8, 16)

_ORIGIN = Origin(
    name="planted_landscape",
    path="itnet_nas.testing.planted_landscape:PlantedLandscape",
    package="itnet-nas",
    version="0.1.0",
)
_PLAIN = Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)


def planted_space(task: TaskChoice, data: str, trials: int) -> Space:
    """The space, as the space of `task` on `data`; `trials` is what its search asks for."""
    layers = chain()
    names = [layer.name for layer in layers]
    recipe = Recipe(steps=1, batch_size=1, lr=0.01)
    facts = TaskFacts(
        domain=Domain(kind="sequence", shape=(1,), causal=True),
        inputs=(Categorical(classes=2),),
        target=Target(where="pooled", kind="classes", size=2),
        metrics=(Metric(name="error", direction="min", description="points, 0 to 100"),),
        recipe=recipe,
        licence="none",
        source="planted",
        data=data,
    )
    families = {choice.family for layer in layers for choice in layer.choices}
    return Space(
        name="planted_landscape",
        task=task,
        facts=facts,
        width=1,
        mlp_ratio=1,
        layers=layers,
        edges=tuple(
            Edge(source=source, target=target)
            for source, target in zip([INPUT, *names], [*names, OUTPUT], strict=True)
        ),
        objectives=(
            Objective(name="error", direction="min"),
            Objective(name="flops", direction="min"),
        ),
        recipe=recipe,
        search=SearchSpec(trials=trials),
        coding_cost=Cost(flops=30_000, params=1, state_bytes=0),
        kernel_origins={family: _ORIGIN for family in sorted(families)},
        task_origin=_ORIGIN,
    )


def chain() -> tuple[Layer, ...]:
    """The nodes in order."""
    found = [
        Layer(name=f"l{number}_{axis}", choices=_choices(axis))
        for number in range(1, LAYERS + 1)
        for axis in AXES
    ]
    width = tuple(_choice("channels", 20 * c**3, _PLAIN, count=c) for c in CHANNELS)
    rank = tuple(_choice("terms", 1_000 * r, _PLAIN, count=r) for r in RANKS)
    return (*found, Layer(name="width", choices=width), Layer(name="rank", choices=rank))


def _choices(axis: str) -> tuple[Choice, ...]:
    if axis == "support":
        window = {"support": Support.WINDOW}
        return (
            _choice("point", 100, _PLAIN),
            _choice("global", 20_000, _with(support=Support.FULL)),
            *(_choice("local", 400 * w, _with(**window, radius=w), window=w) for w in WINDOWS),
            *(
                _choice("dilated", 450 * w, _with(**window, radius=2 * w, dilation=2), window=w)
                for w in WINDOWS
            ),
        )
    if axis == "sharing":
        return (
            _choice("shared", 100, _with(sharing=Sharing.TRANSLATION)),
            _choice("position", 10_000, _with(sharing=Sharing.POSITION_SPECIFIC)),
            *(
                _choice("grouped", 750 * g, _with(sharing=Sharing.PERIODIC), groups=g)
                for g in GROUPS
            ),
        )
    if axis == "state":
        return (
            _choice("none", 100, _PLAIN),
            *(
                _choice("recurrent", 350 * s, _with(state=State.LINEAR, state_size=s), size=s)
                for s in SIZES
            ),
        )
    return (
        _choice("fixed", 100, _PLAIN),
        _choice("query", 3_000, _with(content=Content.ONE_SIDED)),
        *(_choice("pair", 6_000 + 1_000 * h, _with(content=Content.PAIR), heads=h) for h in HEADS),
    )


def _choice(family: str, flops: int, bias: Bias, **params: int) -> Choice:
    cost = Cost(flops=flops, params=max(1, flops // 100), state_bytes=0)
    return Choice(family=family, params=params, bias=bias, cost=cost)


def _with(**fields: object) -> Bias:
    return _PLAIN.model_copy(update=fields)
