"""Mamba's selective scan by its published formula, discretised and run position by position."""

from __future__ import annotations

import torch
from support.exact import CAUSAL, SEQUENCE, Leaf, Row, Twin
from torch import Tensor
from torch.nn import functional as F

from itnet_kernels.mamba import Mamba


def _selective_scan(op: Mamba) -> Twin:
    """Ā = e^(ΔA), B̄x = Δ B x; h ← Ā h + B̄x; y = C h + D x, gated by silu(z), then a linear map."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        width, runs, rank = u_BND.shape[-1], len(op.step_RD), op.delta_RDP.shape[-1]
        made = u_BND @ op.inner.weight.T + op.inner.bias
        x, z, low = made[..., :width], made[..., width : 2 * width], made[..., 2 * width :]
        keys = low[..., rank:].reshape(*u_BND.shape[:2], 2, runs, op.state)
        y_BND = op.skip_D * x
        for r in range(runs):
            dt = F.softplus(low[..., :rank] @ op.delta_RDP[r].T + op.step_RD[r])
            a_bar = torch.exp(torch.einsum("bnd,ds->bnds", dt, -op.log_rate_RDS[r].exp()))
            b_bar_x = torch.einsum("bnd,bns,bnd->bnds", dt, keys[:, :, 1, r], x)
            order = list(range(u_BND.shape[1]))[:: -1 if r else 1]
            h_BDS, heard = torch.zeros_like(a_bar[:, 0]), {}
            for n in order:
                h_BDS = a_bar[:, n] * h_BDS + b_bar_x[:, n]
                heard[n] = torch.einsum("bds,bs->bd", h_BDS, keys[:, n, 0, r])
            y_BND = y_BND + torch.stack([heard[n] for n in sorted(heard)], 1)
        return (F.silu(z) * y_BND) @ op.out.weight.T + op.out.bias

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


ROWS = [
    Row("mamba", "Mamba's selective scan as a recurrence", CAUSAL, _selective_scan, {"state": 4}),
    Row("mamba", "the same both ways", SEQUENCE, _selective_scan, {"state": 3}),
]
