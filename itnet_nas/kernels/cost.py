"""What an operator costs, from the formula that its family states."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Count = Annotated[int, Field(ge=0)]


class Cost(BaseModel):
    """Cost of one forward pass over one example.

    flops        floating-point operations; a multiply-add counts 2. Normalisation, activations
                 and residual sums are left out everywhere, the work of softmax, scans and FFTs
                 is not.
    params       trainable numbers
    state_bytes  memory carried from one position to the next while decoding, in float32;
                 None where the operator cannot decode

    Stated by formula because counters are blind: torch's own counts 0 for flash attention on the
    CPU, for FFTs, for LSTMs and for scans.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    flops: Count
    params: Count
    state_bytes: Count | None = None

    def __add__(self, other: Cost) -> Cost:
        """Costs of two parts one after the other; the whole decodes only if both parts do."""
        if self.state_bytes is None or other.state_bytes is None:
            state = None
        else:
            state = self.state_bytes + other.state_bytes
        return Cost(
            flops=self.flops + other.flops, params=self.params + other.params, state_bytes=state
        )
