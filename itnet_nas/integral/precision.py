"""Places where autocast must not round: log-decays, running sums and states stay as exact as given.

half-precision a ∈ (0.998, 1] rounds to 1, so that a slow decay becomes none at all
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch import Tensor


def as_given(like: Tensor) -> AbstractContextManager[Any]:
    """Inside, products of matrices have the dtype of their factors, whatever autocast asks for.

    For the device of `like`; a device without autocast, as the meta device, has nothing to turn
    off.
    """
    kind = like.device.type
    if not torch.amp.is_autocast_available(kind):
        return nullcontext()
    return torch.autocast(kind, enabled=False)


def at_least_float32(like: Tensor) -> torch.dtype:
    """float64 for float64, float32 for everything smaller."""
    return torch.float64 if like.dtype == torch.float64 else torch.float32
