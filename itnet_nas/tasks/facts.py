"""What a task states about itself before any data is read: plain, frozen, JSON. No torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from itnet_nas.kernels.site import Domain

Positive = Annotated[int, Field(ge=1)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Categorical(_Model):
    """One symbol of `classes` per position; tensor of int64, (B, N)."""

    kind: Literal["categorical"] = "categorical"
    classes: Positive


class Real(_Model):
    """`channels` numbers per position; tensor of float32, (B, N, channels)."""

    kind: Literal["real"] = "real"
    channels: Positive


Input = Annotated[Categorical | Real, Field(discriminator="kind")]


class Target(_Model):
    """What the network has to say.

    where   at every position, once per example from the mean over positions, or once per example
            from the last position
    kind    a class out of `size` (int64; -100 is not scored), or `size` real numbers
    """

    where: Literal["per_position", "pooled", "last"]
    kind: Literal["classes", "reals"]
    size: Positive


class Metric(_Model):
    """A figure of quality. `chance` and `baselines` are the lines to beat in a report.

    Where it is known what can be reached, `ceiling` says it, and `solved` the figure from which on
    a report may say that the task was solved; below it nobody is named as the bias that it needs.
    """

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    direction: Literal["min", "max"]
    description: str = ""
    chance: float | None = None
    baselines: dict[str, float] = {}
    ceiling: float | None = None
    solved: float | None = None


class Recipe(_Model):
    """How one trial is trained: AdamW, linear warm-up, cosine down to `final_lr` of the peak.

    The budget is `steps` of `batch_size` examples, never seconds, so that it means the same on
    every machine. A task's recipe is the one its figures were measured with.
    """

    steps: Positive
    batch_size: Positive
    lr: Annotated[float, Field(gt=0)]
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    beta2: Annotated[float, Field(gt=0, lt=1)] = 0.98
    warmup: Annotated[int, Field(ge=0)] = 50
    final_lr: Annotated[float, Field(ge=0, le=1)] = 0.05
    clip: Annotated[float, Field(gt=0)] = 1.0
    eval_every: Annotated[int, Field(ge=0, description="steps; 0 evaluates at the end alone")] = 0
    compile: Annotated[bool, Field(description="torch.compile; seconds to minutes a trial")] = False


class TaskFacts(_Model):
    """Everything that a search needs to know of a task, so that it can be planned without data."""

    domain: Domain
    inputs: Annotated[tuple[Input, ...], Field(min_length=1)]
    target: Target
    metrics: Annotated[tuple[Metric, ...], Field(min_length=1)]
    recipe: Recipe
    licence: str
    source: str
    data: Annotated[str, Field(description="hash of the data, so that results are never mixed")]

    @model_validator(mode="after")
    def _metrics_have_distinct_names(self) -> Self:
        names = [metric.name for metric in self.metrics]
        if len(set(names)) < len(names):
            raise ValueError(f"two metrics share a name: {', '.join(names)}")
        return self

    @property
    def quality(self) -> Metric:
        """The first metric: what a search optimises unless its file says otherwise."""
        return self.metrics[0]
