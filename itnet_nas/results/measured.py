"""`LayerProbe`: what a trained layer does, read off its Jacobian on real inputs. Plain JSON.

J_ij = ∂y_i/∂u_j is a D × D block. The self block j = i is reported apart and left out of every
other score. All scores but `r90`, `horizon` and `causality` (−1 … 1) lie between 0 and 1.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator


class Estimate(BaseModel):
    """A score and its 95 % interval, which resamples inputs, positions and channels together."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    value: FiniteFloat
    low: FiniteFloat
    high: FiniteFloat

    @model_validator(mode="after")
    def _is_an_interval(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"{self.value} does not lie between {self.low} and {self.high}")
        return self


class Scores(BaseModel):
    """The scores of one layer. None where a score does not apply; `LayerProbe.notes` says why.

    self_share       energy of the self block, of all energy
    extent           mean distance of the energy, over that of a uniform kernel: 0 local, 1 global
    r90              least distance within which 90 % of the energy lies, in positions; on a cloud
                     the number of nearest points that hold it
    causality        energy from the past minus that from the future, over their sum
    sharing          shift concordance: 1 where the rule moves with the positions; mean over shifts
    sharing_by_shift the same for each shift, by its name ("1", "3"; "0,1" on a grid; "turn" of a
                     cloud), so that periodic sharing shows
    content          the part of the energy that changes with the input
    pattern          the same without the gain of every output
    routing          how much the places that are looked at change with the input
    state            write coherence over its null: 1 where all of the past is written into one
                     direction, 1/state is the number of effective states
    horizon          energy-weighted lag of what the future knows of the past, in positions
    beyond_pairwise  how much of a block's change comes from third positions
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    self_share: Estimate
    extent: Estimate | None = None
    r90: Estimate | None = None
    causality: Estimate | None = None
    sharing: Estimate | None = None
    sharing_by_shift: dict[str, Estimate] = {}
    content: Estimate | None = None
    pattern: Estimate | None = None
    routing: Estimate | None = None
    state: Estimate | None = None
    horizon: Estimate | None = None
    beyond_pairwise: Estimate | None = None


class LayerProbe(BaseModel):
    """One layer of one trial: trained, and at initialisation on the inputs it had then.

    What a Jacobian cannot tell apart (a linear state and a long convolution) is declared by the
    family; `step_error` says how well its `step` proves it: the largest difference between
    decoding and `forward` on the real inputs, over the largest output; None where it cannot decode.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True)

    trained: Scores
    initial: Scores | None = None
    step_error: FiniteFloat | None = None
    budget: str  # name of the budget: default, full
    split: str = "validation"
    inputs: Annotated[int, Field(ge=1, description="examples that were probed")]
    rows: Annotated[int, Field(ge=1, description="rows of the Jacobian, over all examples")]
    seconds: Annotated[float, Field(ge=0, description="wall clock of the probe of this layer")] = 0
    notes: Annotated[dict[str, str], Field(description="score -> why it is not there")] = {}
    hints: Annotated[
        dict[str, tuple[FiniteFloat, ...]],
        Field(description="what weights say of themselves, such as widths; no evidence"),
    ] = {}
