"""Point convolution beside kernel integrals over a ball, pair by pair."""

from __future__ import annotations

import torch
from support.exact import POINTS, Leaf, Row, Twin
from torch import Tensor
from torch.nn import functional as F

from itnet_kernels.point_conv import PointConv


def _kernel(op: PointConv, gap_A: Tensor) -> Tensor:
    """κ of one offset, for each channel."""
    gap_A = gap_A / (op.radius or 1.0)
    given = torch.cat([gap_A, (gap_A @ gap_A).unsqueeze(0)])
    phi_M = F.gelu(op.first.weight @ given + op.first.bias)
    return op.reads_MD[0] + phi_M @ op.reads_MD[1:]


def _integral(op: PointConv) -> Twin:
    """Σ over pairs, near ones by `torch.cdist`: the ball, or the k smallest distances."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        assert x_BNA is not None
        far_BNN = torch.cdist(x_BNA, x_BNA, compute_mode="donot_use_mm_for_euclid_dist")
        examples = []
        for u_ND, x_NA, far_NN in zip(u_BND, x_BNA, far_BNN, strict=True):
            rows = []
            for i in range(len(u_ND)):
                if op.radius is not None:
                    near = [j for j in range(len(u_ND)) if far_NN[i, j] <= op.radius]
                else:
                    near = far_NN[i].argsort()[: op.neighbours].tolist()
                h_D = torch.zeros_like(u_ND[0])
                for j in near:
                    v_D = op.value.weight @ u_ND[j] + op.value.bias
                    h_D = h_D + _kernel(op, x_NA[j] - x_NA[i]) * v_D
                rows.append(op.out.weight @ (len(near) ** -op.power * h_D) + op.out.bias)
            examples.append(torch.stack(rows))
        return torch.stack(examples)

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


ROWS = [
    Row("point_conv", "PointConv over k nearest points, pair by pair", POINTS, _integral,
        {"neighbours": 5}),
    Row("point_conv", "kernel integral over a ball (GNO), pair by pair", POINTS, _integral,
        {"neighbours": 14, "radius": 1.5}),
]  # fmt: skip
