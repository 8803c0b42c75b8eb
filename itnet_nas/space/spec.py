"""The shape of a search-space file: keys, types and ranges. What the words mean is `check`'s."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=40)]
Figure = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class _Model(BaseModel):
    """Immutable, and an unknown key is an error: a typo must never be a default."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class TaskSpec(BaseModel):
    """`task: {name: …, …}`: every key beside the name belongs to the task's own params."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="allow", frozen=True)

    name: str

    @property
    def params(self) -> dict[str, Any]:
        """The keys beside the name."""
        return dict(self.__pydantic_extra__ or {})


class NetworkSpec(_Model):
    """What every layer of the network shares."""

    width: Annotated[int, Field(ge=1, description="channels D of every layer")] = 64
    mlp_ratio: Annotated[int, Field(ge=1, description="hidden / outer width of the MLPs")] = 2


class EdgeSpec(_Model):
    """An edge into a layer, in its long form."""

    source: Annotated[Name, Field(alias="from")]
    optional: Annotated[bool, Field(description="the edge may be left out")] = False


# Unions are told apart by looking first, so that a value is held to one of their members and gets
# one message. Their tags start with ~, which no key does.
def _edge_kind(value: Any) -> str:
    return "~edge" if isinstance(value, dict | EdgeSpec) else "~name"


Incoming = Annotated[
    Annotated[Name, Tag("~name")] | Annotated[EdgeSpec, Tag("~edge")], Discriminator(_edge_kind)
]


def _kernels_kind(value: Any) -> str:
    return "~word" if isinstance(value, str) else "~families"


def _nothing_is_empty(value: Any) -> Any:
    """`conv:` with nothing behind it is `conv: {}`."""
    return {} if value is None else value


FamilyValues = Annotated[dict[str, Any], BeforeValidator(_nothing_is_empty)]
Kernels = Annotated[
    Annotated[Literal["any"], Tag("~word")] | Annotated[dict[str, FamilyValues], Tag("~families")],
    Discriminator(_kernels_kind),
]


class LayerSpec(_Model):
    """One node of the graph: a place where one of several kernels will sit."""

    name: Name
    after: Annotated[
        tuple[Incoming, ...], Field(description="edges into this layer; () reads the input")
    ] = ()
    kernels: Annotated[
        Kernels,
        Field(description="family -> parameter -> the values to try; or any"),
    ]
    axes: Annotated[
        dict[str, tuple[str, ...]],
        Field(description="axis -> values; only choices with such a bias are kept"),
    ] = {}
    optional: Annotated[bool, Field(description="the layer may be left out")] = False


def _count_kind(value: Any) -> str:
    return "~list" if isinstance(value, list | tuple) else "~one"


Copies = Annotated[int, Field(ge=1, le=64)]
Count = Annotated[
    Annotated[Copies, Tag("~one")] | Annotated[tuple[Copies, ...], Tag("~list")],
    Discriminator(_count_kind),
]


class RepeatSpec(_Model):
    """A motif that stands several times in a row; how often may be searched."""

    repeat: Annotated[Name, Field(description="name of the motif; copies are NAME_1, NAME_2, …")]
    count: Annotated[
        Count,
        Field(description="how many copies, or the numbers to try"),
    ]
    tied: Annotated[bool, Field(description="every copy makes the same choices")] = False
    after: tuple[Incoming, ...] = ()
    layers: Annotated[tuple[LayerSpec, ...], Field(min_length=1)]


def _kind(value: Any) -> str:
    given = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return "~repeat" if "repeat" in given else "~layer"


class TrainingSpec(_Model):
    """What to change in the task's own recipe; None keeps the recipe's figure."""

    steps: Annotated[int, Field(ge=1)] | None = None
    batch_size: Annotated[int, Field(ge=1)] | None = None
    lr: Annotated[float, Field(gt=0)] | None = None
    weight_decay: Annotated[float, Field(ge=0)] | None = None
    warmup: Annotated[int, Field(ge=0)] | None = None
    eval_every: Annotated[int, Field(ge=0)] | None = None
    compile: bool | None = None


class SeedsSpec(_Model):
    """Where the first trials come from: what the layers of another run were measured to do."""

    # A run keeps its settings as they are written in a file.
    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, serialize_by_alias=True
    )

    source: Annotated[
        str,
        Field(
            alias="from",
            min_length=1,
            description="folder of a run with measured layers, from the current directory on",
        ),
    ]
    trials: Annotated[
        int, Field(ge=1, le=64, description="so many of the nearest architectures at most")
    ] = 3


# Values of a seed that stands as a mapping: a family, or one family with its params.
def _seed_kind(value: Any) -> str:
    return "~families" if isinstance(value, dict) else "~word"


LayerSeed = Annotated[
    Annotated[str, Tag("~word")]
    | Annotated[dict[str, FamilyValues], Field(min_length=1, max_length=1), Tag("~families")],
    Discriminator(_seed_kind),
]
SeedWord = Literal["convolution", "attention", "recurrent", "hybrid"]
Seed = Annotated[
    Annotated[SeedWord, Tag("~word")] | Annotated[dict[str, LayerSeed], Tag("~families")],
    Discriminator(_seed_kind),
]


def _seeds_kind(value: Any) -> str:
    return "~run" if value is None or isinstance(value, dict | SeedsSpec) else "~list"


class HalvingSpec(_Model):
    """Successive halving: most trials pause early, and only the better ones go on."""

    first: Annotated[
        float, Field(ge=1 / 3, lt=1, description="share of the steps before the first pause")
    ] = 0.34
    keep: Annotated[
        float, Field(gt=0, lt=1, description="share of the trials at a pause that goes on")
    ] = 0.5
    rungs: Annotated[int, Field(ge=1, le=2, description="how often a trial may pause")] = 1

    def steps_of(self, total: int) -> tuple[int, ...]:
        """The steps after which a training of `total` steps pauses: first^((R − i)/R) of them.

        Rounded up; a pause that is none, because the training is that short, is left out.
        """
        shares = [self.first ** ((self.rungs - i) / self.rungs) for i in range(self.rungs)]
        # Rounded first, so that 0.34 of 100 is 34 in spite of how it is written in binary.
        steps = {math.ceil(round(share * total, 6)) for share in shares}
        return tuple(sorted(step for step in steps if step < total))


class SearchSpec(_Model):
    """How to search: defaults that flags of the command override."""

    strategy: Literal["surrogate", "evolution", "random", "optuna_tpe", "optuna_nsga2"] = (
        "surrogate"
    )
    trials: Annotated[int, Field(ge=1)] = 40
    seed: Annotated[int, Field(ge=0)] = 0
    workers: Annotated[int, Field(ge=1)] | None = None
    time: Annotated[str, Field(pattern=r"^\d+(\.\d+)?[smhd]?$")] | None = None
    cpus_per_trial: Annotated[int, Field(ge=1)] = 1
    gpus_per_trial: Annotated[float, Field(ge=0)] | None = None
    keep_weights: Literal["front", "all", "none"] = "front"
    probe: Annotated[
        bool, Field(description="measure what each layer does, before and after training")
    ] = True
    baseline: Annotated[
        bool, Field(description="then as many trials of random search, to compare with")
    ] = False
    seeds: Annotated[
        Annotated[
            Annotated[SeedsSpec | None, Tag("~run")]
            | Annotated[tuple[Seed, ...], Field(min_length=1, max_length=64), Tag("~list")],
            Discriminator(_seeds_kind),
        ],
        Field(description="the first trials: named architectures, or what another run's became"),
    ] = None
    warm_start: Annotated[
        str | None,
        Field(
            min_length=1,
            description="folder of a run whose trials are taken over, from the current directory",
        ),
    ] = None
    halving: Annotated[
        HalvingSpec | None,
        Field(description="pause trials early, and go on with the better ones; {}: as usual"),
    ] = None

    def changed(self, **given: Any) -> SearchSpec:
        """The settings with those put over them that are not None. Raises ValidationError.

        `halving` may be True or False as well: True keeps the figures that are there.
        """
        over = {name: value for name, value in given.items() if value is not None}
        if over.get("halving") is True:
            over["halving"] = self.halving or HalvingSpec()
        elif over.get("halving") is False:
            over["halving"] = None
        return self.model_validate({**self.model_dump(), **over})


class SpaceSpec(_Model):
    """A search space, as its author wrote it. `check` says whether it can be searched."""

    version: Literal[1]
    task: TaskSpec
    network: NetworkSpec = NetworkSpec()
    layers: Annotated[
        tuple[
            Annotated[
                Annotated[LayerSpec, Tag("~layer")] | Annotated[RepeatSpec, Tag("~repeat")],
                Discriminator(_kind),
            ],
            ...,
        ],
        Field(min_length=1),
    ]
    objectives: Annotated[
        tuple[Figure, ...] | None,
        Field(description="the first is quality, the others are costs; default: the task's, flops"),
    ] = None
    constraints: tuple[str, ...] = ()
    training: TrainingSpec = TrainingSpec()
    search: SearchSpec = SearchSpec()
