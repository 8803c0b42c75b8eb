"""Point attention beside rotary attention by the published formula, pair by pair."""

from __future__ import annotations

import torch
from support.exact import POINTS, Leaf, Row, Twin
from torch import Tensor

from itnet_kernels.point_attention import PointAttention


def _rotation(angle_P: Tensor) -> Tensor:
    """The block-diagonal matrix that turns channels (2p, 2p + 1) by angle p."""
    cos_P, sin_P = angle_P.cos(), angle_P.sin()
    blocks = torch.stack([torch.stack([cos_P, -sin_P], -1), torch.stack([sin_P, cos_P], -1)], -2)
    return torch.block_diag(*blocks)


def _rotary(op: PointAttention) -> Twin:
    """softmax(q_i^T R(x_j − x_i) k_j / √E) over the points that are seen."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        assert x_BNA is not None
        far_BNN = torch.cdist(x_BNA, x_BNA, compute_mode="donot_use_mm_for_euclid_dist")
        examples = []
        for u_ND, x_NA, far_NN in zip(u_BND, x_BNA, far_BNN, strict=True):
            q, k, v = (
                (u_ND @ op.qkv.weight.T + op.qkv.bias).unflatten(-1, (3, op.heads, -1)).unbind(1)
            )
            rows = []
            for i in range(len(u_ND)):
                seen = far_NN[i].argsort()[: op.neighbours or len(u_ND)].tolist()
                heads = []
                for h in range(op.heads):
                    scores = [
                        q[i, h] @ _rotation((x_NA[j] - x_NA[i]) @ op.omega_HAP[h]) @ k[j, h]
                        for j in seen
                    ]
                    share = (torch.stack(scores) / q.shape[-1] ** 0.5).softmax(0)
                    heads.append(share @ v[seen, h])
                rows.append(op.out.weight @ torch.cat(heads) + op.out.bias)
            examples.append(torch.stack(rows))
        return torch.stack(examples)

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


ROWS = [
    Row("point_attention", "rotary attention over coordinates, pair by pair", POINTS, _rotary,
        {"heads": 2}),
    Row("point_attention", "the same over k nearest points", POINTS, _rotary,
        {"heads": 2, "neighbours": 5}),
]  # fmt: skip
