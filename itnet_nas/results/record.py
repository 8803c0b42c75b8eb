"""`TrialRecord`: what a trial left behind. Written once, never edited, read without plugins."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from itnet_nas.arch.architecture import Architecture
from itnet_nas.axes import Bias
from itnet_nas.registry import Origin
from itnet_nas.results.measured import LayerProbe
from itnet_nas.space.space import TaskChoice
from itnet_nas.tasks.facts import Recipe


class TrialState(StrEnum):
    """How a trial ended."""

    COMPLETE = "complete"  # trained for its whole budget; every objective is known
    STOPPED = "stopped"  # ended early on purpose; its figures belong to a smaller budget
    FAILED = "failed"  # raised, diverged, ran out of memory, or its worker was lost
    INFEASIBLE = "infeasible"  # breaks a constraint that only a measurement could show


class TrialError(BaseModel):
    """Why a trial failed. `kind` is what failures are grouped by."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    kind: str  # non_finite | out_of_memory | lost_worker | other_data | a class name
    message: str
    traceback: str = ""


class CurvePoint(BaseModel):
    """One point of a learning curve."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    step: int
    train_loss: FiniteFloat | None = None
    metrics: dict[str, FiniteFloat] = {}


class Replicate(BaseModel):
    """One of several trainings of one architecture that a single job asked for.

    `test` holds the metrics of the test split, which a final confirmation alone reads.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    seed: Annotated[int, Field(ge=0)]
    objectives: dict[str, FiniteFloat]
    test: dict[str, FiniteFloat] = {}


class TrialRecord(BaseModel):
    """Append-only: a record is written once, when its trial ends."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    number: Annotated[int, Field(ge=0)]
    state: TrialState
    architecture: Architecture
    key: str
    bias: dict[str, Bias]
    task: TaskChoice
    task_origin: Origin
    data: Annotated[str, Field(description="hash of the task's data")]
    kernel_origins: dict[str, Origin]
    recipe: Recipe
    seed: int
    proposed_by: str
    reason: Annotated[str, Field(description="what the proposal rested on, in a few words")] = ""
    attempt: int = 1
    steps: Annotated[int, Field(ge=0, description="optimiser steps that were spent")] = 0
    objectives: dict[str, FiniteFloat] = {}
    figures: Annotated[
        dict[str, FiniteFloat], Field(description="every other figure: metrics, costs, spreads")
    ] = {}
    curve: tuple[CurvePoint, ...] = ()
    probe: Annotated[
        dict[str, LayerProbe], Field(description="layer -> what it does, measured; {} unprobed")
    ] = {}
    probe_error: Annotated[str, Field(description="why there is no probe")] = ""
    replicates: Annotated[
        tuple[Replicate, ...], Field(description="one for each of the job's `seeds`; else none")
    ] = ()
    apart: Annotated[
        str, Field(description="why seeds were trained one after the other; empty: together")
    ] = ""
    imported: Annotated[str, Field(description="the run that trained it, where not this one")] = ""
    device: str = ""
    started: Annotated[float, Field(description="seconds since the epoch")] = 0.0
    seconds: Annotated[float, Field(ge=0, description="wall clock of the whole trial")] = 0.0
    error: TrialError | None = None

    @model_validator(mode="after")
    def _state_and_error_agree(self) -> Self:
        if (self.error is not None) != (self.state is TrialState.FAILED):
            raise ValueError(
                f"a {self.state} record and error={self.error!r} contradict each other"
            )
        if self.key != self.architecture.key:
            raise ValueError("the key is not the architecture's")
        return self

    @property
    def complete(self) -> bool:
        """Whether the figures count for a front."""
        return self.state is TrialState.COMPLETE

    def reproducible(self) -> dict[str, Any]:
        """All that the same job must give again: everything but times, device and attempt."""
        measured = {"latency_ms", "latency_iqr_ms", "memory_mb", "train_seconds"}
        dump = self.model_dump(
            mode="json", exclude={"started", "seconds", "device", "attempt", "error"}
        )
        for field in ("objectives", "figures"):
            dump[field] = {k: v for k, v in dump[field].items() if k not in measured}
        for probe in dump["probe"].values():
            del probe["seconds"]
        return dump


class Outcome(BaseModel):
    """What comes back from a trial: its record, and the trained weights if they were wanted.

    `weights` is a state dict as written by `torch.save`; it travels beside the record because a
    record is read by those who have no torch.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    record: TrialRecord
    weights: bytes | None = None
