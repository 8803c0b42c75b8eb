"""The modules between a task's tensors and the channels of a network, with their cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from itnet_nas.tasks.facts import Categorical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from itnet_nas.tasks.facts import Input, Target


class Encoder(nn.Module):
    """Sum of one embedding per categorical input and one linear map per real input.

    No position is added: whether a layer knows positions is a matter of its kernel.
    """

    def __init__(self, inputs: Sequence[Input], width: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(
            nn.Embedding(item.classes, width)
            if isinstance(item, Categorical)
            else nn.Linear(item.channels, width)
            for item in inputs
        )

    def forward(self, *inputs: Tensor) -> Tensor:
        """(B, N) int64 or (B, N, channels) float32, one per input -> u_BND."""
        encoded: Tensor = self.parts[0](inputs[0])
        for part, tensor in zip(list(self.parts)[1:], inputs[1:], strict=True):
            encoded = encoded + part(tensor)
        return encoded


class Head(nn.Module):
    """A linear map at every position, of the mean over positions, or at the last position."""

    def __init__(self, target: Target, width: int) -> None:
        super().__init__()
        self.where = target.where
        self.linear = nn.Linear(width, target.size)

    def forward(self, u_BND: Tensor, mask_BN: Tensor | None = None) -> Tensor:
        """u_BND -> (B, N, size) per position, else (B, size)."""
        if self.where == "per_position":
            read = u_BND
        elif self.where == "pooled":
            if mask_BN is None:
                read = u_BND.mean(1)
            else:
                weight_BN1 = mask_BN.unsqueeze(-1).to(u_BND.dtype)
                read = (u_BND * weight_BN1).sum(1) / weight_BN1.sum(1).clamp(min=1)
        elif mask_BN is None:
            read = u_BND[:, -1]
        else:
            last_B = mask_BN.to(torch.int64).cumsum(1).argmax(1)
            read = u_BND[torch.arange(len(u_BND), device=u_BND.device), last_B]
        found: Tensor = self.linear(read)
        return found
