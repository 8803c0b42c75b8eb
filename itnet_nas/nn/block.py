"""`Block`: one layer of a network, a kernel and an MLP, each around a residual.

    u ← u + mixer(LN(u))
    u ← u + W₂ GELU(W₁ LN(u) + b₁) + b₂            W₁: D → rD,  W₂: rD → D

Shapes  B examples, N positions, D channels, A coordinates of a point; r is `mlp_ratio`
Source  pre-norm residual blocks, arXiv 2002.04745
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.kernels.operator import Operator


def masked(u_BND: Tensor, mask_BN: Tensor | None) -> Tensor:
    """0 where a position is not real, even if it held an infinity."""
    if mask_BN is None:
        return u_BND
    return u_BND.masked_fill(~mask_BN.unsqueeze(-1), 0)


@final
class Block(nn.Module):
    """The mixer looks across positions, the MLP across channels. Masked positions give 0."""

    def __init__(self, mixer: Operator, width: int, mlp_ratio: int) -> None:
        super().__init__()
        self.mixer_norm = nn.LayerNorm(width)
        self.mixer = mixer
        self.mlp_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, mlp_ratio * width),
            nn.GELU(),
            nn.Linear(mlp_ratio * width, width),
        )

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """u_BND -> u_BND. `mask_BN` is True where a position is real; points stand at `x_BNA`."""
        u_BND = u_BND + self.mixer(self.mixer_norm(u_BND), mask_BN, x_BNA)
        u_BND = u_BND + self.mlp(self.mlp_norm(u_BND))
        return masked(u_BND, mask_BN)
