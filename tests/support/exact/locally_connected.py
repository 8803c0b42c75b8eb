"""A locally connected layer is a product of unfolded patches with the weights of each place."""

from __future__ import annotations

import torch
from support.exact import CAUSAL, GRID, SEQUENCE, Leaf, Row, Twin
from torch import Tensor
from torch.nn import functional as F

from itnet_kernels.locally_connected import LocallyConnected


def _unfolded(op: LocallyConnected) -> Twin:
    """torch.nn.functional.unfold over a grid of one row, or of many; then one einsum."""
    groups, length, _ = op.w_GNR.shape
    shape = op.shape if len(op.shape) == 2 else (1, length)
    side = op.before + op.after + 1
    rows = (op.before, op.after) if len(op.shape) == 2 else (0, 0)
    window = (side if len(op.shape) == 2 else 1, side)

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        u_BDXY = u_BND.mT.reshape(len(u_BND), -1, *shape)
        patches = F.unfold(F.pad(u_BDXY, (op.before, op.after, *rows)), window)
        patches_BGERN = patches.reshape(len(u_BND), groups, -1, window[0] * side, length)
        h_BNGE = torch.einsum("gnr,bgern->bnge", op.w_GNR, patches_BGERN)
        y_BND: Tensor = op.out(h_BNGE.flatten(2))
        return y_BND

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


ROWS = [
    Row(
        "locally_connected",
        f"a locally connected layer, by torch.nn.functional.unfold, {where}",
        site,
        _unfolded,
        {"radius": 2, "groups": groups},
    )
    for where, site, groups in (
        ("sequence", SEQUENCE, 2),
        ("causal", CAUSAL, 8),
        ("grid", GRID, 2),
    )
]
