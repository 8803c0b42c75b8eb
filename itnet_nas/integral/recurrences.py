"""What recurrences that run forward, or both ways, have in common.

    memory   x[n] = k[n] ⊙ x[n − 1] + g[n]   gives   x[i] = Σ_{j ≤ i} Φ[i, j] ⊙ g[j],
             Φ[i, j] = Π_{t = j + 1 … i} k[t]

A masked position is passed over: real positions are moved to the front in their order, computed,
and moved back.

Shapes  B examples, N positions, D channels in, S numbers of one memory
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from itnet_nas.integral.masks import zero_masked

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

    Run = Callable[[Tensor], Tensor]  # u_BND -> y_BNS, from the first position to the last


def both_ways(ahead: Run, back: Run | None, u_BND: Tensor, mask_BN: Tensor | None = None) -> Tensor:
    """y_BNS of `ahead`, and beside it that of `back`, which is run from the last position on.

    Without `back` there is one direction. 0 where a position is not real.
    """
    if mask_BN is None:
        y_BNS = ahead(u_BND)
        if back is None:
            return y_BNS
        return torch.cat([y_BNS, back(u_BND.flip(1)).flip(1)], -1)
    u_BND = zero_masked(u_BND, mask_BN)
    order_BN = torch.argsort((~mask_BN).long(), dim=1, stable=True)
    front_BND = _pick(u_BND, order_BN)
    y_BNS = ahead(front_BND)
    if back is not None:
        n_N = torch.arange(u_BND.shape[1], device=u_BND.device)
        mirror_BN = mask_BN.sum(1, keepdim=True) - 1 - n_N
        mirror_BN = torch.where(mirror_BN >= 0, mirror_BN, n_N)
        back_BNS = _pick(back(_pick(front_BND, mirror_BN)), mirror_BN)
        y_BNS = torch.cat([y_BNS, back_BNS], -1)
    return zero_masked(_pick(y_BNS, torch.argsort(order_BN, dim=1)), mask_BN)


def _pick(u_BND: Tensor, index_BN: Tensor) -> Tensor:
    """u[b, index[b, n]]."""
    return u_BND.gather(1, index_BN.unsqueeze(-1).expand(-1, -1, u_BND.shape[-1]))


def torch_loop(layer: nn.GRU | nn.LSTM) -> Run:
    """A layer of torch, `batch_first`, as a run from an empty memory."""

    def run(u_BND: Tensor) -> Tensor:
        y_BNS: Tensor = layer(u_BND)[0]
        return y_BNS

    return run


def kept_products(keep_BNS: Tensor) -> Tensor:
    """Φ_BSNN of k_BNS, 0 for j > i; row by row, for small N."""
    length = keep_BNS.shape[1]
    n_N = torch.arange(length, device=keep_BNS.device)
    row_BSN = torch.zeros_like(keep_BNS.mT)
    rows = []
    for i in range(length):
        row_BSN = torch.where(n_N == i, 1.0, keep_BNS[:, i].unsqueeze(-1) * row_BSN)
        rows.append(row_BSN)
    return torch.stack(rows, 2)


def tanh_slope(x: Tensor) -> Tensor:
    """tanh(x) / x, and 1 at 0: what makes a tanh of a linear map a weight times that map."""
    small = x == 0
    return torch.where(small, 1.0, x.tanh() / torch.where(small, 1.0, x))
