"""`TrialJob`: all that a trial needs, as plain JSON, so that any process can run it."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from itnet_nas.arch.architecture import Architecture
from itnet_nas.axes import Bias
from itnet_nas.registry import Origin
from itnet_nas.results.record import TrialRecord
from itnet_nas.space.space import Objective, TaskChoice
from itnet_nas.tasks.facts import Recipe


class TrialJob(BaseModel):
    """One architecture to be trained once.

    `costs` are the computed ones, which the controller already knows; `measure` names the measured
    ones that are wanted. `threads` fixes torch's thread count: sums come out differently with
    another one, and results must not depend on where a trial ran.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    number: Annotated[int, Field(ge=0)]
    attempt: Annotated[int, Field(ge=1)] = 1
    proposed_by: str
    reason: Annotated[str, Field(description="what the proposal rests on, in a few words")] = ""
    architecture: Architecture
    bias: dict[str, Bias]
    task: TaskChoice
    task_origin: Origin
    data: str  # hash of the task's data on the driver; a node with other data must not train
    kernel_origins: dict[str, Origin]
    recipe: Recipe
    seed: Annotated[int, Field(ge=0)]
    objectives: tuple[Objective, ...]
    costs: dict[str, float]
    measure: tuple[str, ...] = ()
    threads: Annotated[int, Field(ge=1)] = 1
    keep_weights: bool = True
    probe: bool = True  # measure what every layer does, before and after training
    seeds: Annotated[
        tuple[int, ...], Field(description="train once under each; `seed` is the first of them")
    ] = ()
    test: Annotated[bool, Field(description="score the test split, for a confirmation")] = False
    stop_at: Annotated[
        int | None, Field(ge=1, description="pause after this step, with a checkpoint; None: never")
    ] = None
    measure_at: Annotated[
        tuple[int, ...], Field(description="steps whose validation the curve must have")
    ] = ()
    checkpoint: str | None = None  # a folder that survives the worker; None trains without one
    checkpoint_every: Annotated[int, Field(ge=0)] = 0  # steps; 0 never

    def record(self, **found: Any) -> TrialRecord:
        """The record of this job: what was asked, and what was `found`."""
        kept = (
            *("number", "architecture", "bias", "task", "task_origin", "data", "kernel_origins"),
            *("recipe", "seed", "proposed_by", "reason", "attempt"),
        )
        asked = {name: getattr(self, name) for name in kept}
        return TrialRecord(key=self.architecture.key, **asked, **found)
