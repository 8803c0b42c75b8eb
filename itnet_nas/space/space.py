"""`Space`: what may be searched, with every name resolved and every choice spelled out.

The value that leaves `check`. It is plain JSON: a run keeps it, and whoever reads the run needs no
plugin, no file and no registry. A choice carries its bias and its cost, so that a controller can
price an architecture in microseconds.
"""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from itnet_nas.axes import Bias
from itnet_nas.kernels.cost import Cost
from itnet_nas.registry import Origin
from itnet_nas.space.spec import SearchSpec
from itnet_nas.tasks.facts import Recipe, TaskFacts

INPUT = "input"
OUTPUT = "output"

COMPUTED_COSTS = ("flops", "params", "state_bytes")
MEASURED_COSTS = ("latency_ms", "memory_mb", "train_seconds")


class _Model(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)


class Choice(_Model):
    """One kernel that a layer may have: canonical params, and what they imply at this site."""

    family: str
    params: dict[str, Any]
    bias: Bias
    cost: Cost

    @cached_property
    def label(self) -> str:
        """`conv(radius=3)`."""
        inside = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.family}({inside})" if inside else self.family


class Layer(_Model):
    """A node of the graph with every choice that passed its filters. `choices` is never empty."""

    name: str
    choices: tuple[Choice, ...]
    optional: bool = False


class Edge(_Model):
    """Data flow from `source` (a layer or "input") to `target` (a layer or "output")."""

    source: str
    target: str
    optional: bool = False


class Repeat(_Model):
    """A motif written out `max(counts)` times; copy k is absent when fewer copies are chosen.

    `copies[k][i]` names layer i of copy k. With `tied`, layer i has the same choice in each copy.
    """

    name: str
    counts: tuple[int, ...]
    copies: tuple[tuple[str, ...], ...]
    tied: bool


class Objective(_Model):
    """A named figure with a direction. The first of a space is quality, the others are costs."""

    name: str
    direction: Literal["min", "max"]


class TaskChoice(_Model):
    """Which task, with its params as the task itself spelled them out."""

    name: str
    params: dict[str, Any]


class Space(_Model):
    """What may be searched. Layers stand in topological order, ties in the order of the file."""

    schema_version: Literal[1] = 1
    name: str
    task: TaskChoice
    facts: TaskFacts
    width: int
    mlp_ratio: int
    layers: tuple[Layer, ...]
    edges: tuple[Edge, ...]
    repeats: tuple[Repeat, ...] = ()
    objectives: Annotated[tuple[Objective, ...], Field(min_length=2, max_length=3)]
    constraints: tuple[str, ...] = ()
    recipe: Recipe
    search: SearchSpec
    coding_cost: Cost
    kernel_origins: dict[str, Origin]
    task_origin: Origin

    @cached_property
    def layer(self) -> dict[str, Layer]:
        """Layers by name."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def fingerprint(self) -> str:
        """What makes results comparable: all but the name, the search and the versions."""
        kept = self.model_dump(
            mode="json", exclude={"name", "search", "kernel_origins", "task_origin"}
        )
        return digest(kept)


def digest(value: Any) -> str:
    """32 hex digits of blake2b over canonical JSON: sorted keys, no spaces, no NaN."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
