"""What an operator costs, from the formula that its family states."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]


class Cost(BaseModel):
    """Cost of an operator, for one example in float32.

    flops            floating-point operations of one forward pass; a multiply-add counts 2.
                     Normalisation, activations and residual sums are left out everywhere, the work
                     of softmax, scans and FFTs is not.
    params           trainable numbers
    state_bytes      memory carried from one position to the next while decoding; None where the
                     operator cannot decode
    train_flops      operations of a forward and a backward pass, gradients of the input included
    decode_flops     operations of one step at the last position; None where it cannot decode
    traffic_bytes    bytes that a forward pass has to move: input, output and weights once, and what
                     its evaluation writes out and reads again
    activation_bytes bytes that a forward pass keeps for the backward pass, input included, weights
                     not

    Stated by formula because counters are blind: torch's own counts 0 for flash attention on the
    CPU, for FFTs, for LSTMs and for scans. None means that a figure is not known; it never means 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flops: Count
    params: Count
    state_bytes: Count | None = None
    train_flops: Count | None = None
    decode_flops: Count | None = None
    traffic_bytes: Count | None = None
    activation_bytes: Count | None = None

    def __add__(self, other: Cost) -> Cost:
        """Costs of two parts one after the other; a figure is known only if both parts know it."""
        figures: dict[str, int | None] = {}
        for name in type(self).model_fields:
            mine, theirs = getattr(self, name), getattr(other, name)
            figures[name] = None if mine is None or theirs is None else mine + theirs
        return Cost.model_validate(figures)
