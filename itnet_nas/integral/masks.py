"""What "a position is not real" means to a tensor.

Shapes  B examples, N positions, D channels; a mask is True where a position is real.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def zero_masked(u_BND: Tensor, mask_BN: Tensor | None) -> Tensor:
    """u where a position is real, 0 elsewhere, even if an infinity or a NaN stood there."""
    if mask_BN is None:
        return u_BND
    return u_BND.masked_fill(~mask_BN.unsqueeze(-1), 0)


def real_positions(mask_BN: Tensor | None, example: int, length: int) -> list[int]:
    """The real positions of one example, ascending; for reference loops."""
    if mask_BN is None:
        return list(range(length))
    return [int(n) for n in torch.nonzero(mask_BN[example]).flatten()]
