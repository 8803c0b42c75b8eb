"""Layers of torch in a form that goes better through `torch.vmap`, with the same weights.

linear   examples and positions in one axis: a product of matrices for each network. With the axes
         apart vmap repeats a network's matrix for every example.
gru      torch's loop has no form for vmap: `GruLoop`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from torch import nn
from torch.nn import functional as F

from itnet_nas.train.gru_loop import GruLoop

if TYPE_CHECKING:
    from torch import Tensor


@final
class FlatLinear(nn.Linear):
    """y = W u + b for every row of u, whatever its axes."""

    def forward(self, u: Tensor) -> Tensor:
        """(…, in) -> (…, out)."""
        if u.ndim < 3:
            return F.linear(u, self.weight, self.bias)
        flat = F.linear(u.flatten(0, -2), self.weight, self.bias)
        return flat.reshape(*u.shape[:-1], flat.shape[-1])


def make_mappable(network: nn.Module) -> None:
    """Turn the layers of a network, which is for nothing else, into their better forms.

    Subclasses of torch's layers are left as they are: nobody knows what theirs compute.
    """
    for module in network.modules():
        if type(module) is nn.Linear:
            module.__class__ = FlatLinear
        elif type(module) is nn.GRU and GruLoop.fits(module):
            module.__class__ = GruLoop
