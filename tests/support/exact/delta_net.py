"""The delta rule as a memory that corrects itself: read what stands at a key, write the difference.

The memory is the other way round than ours, S numbers of a key by E of a value, as the papers' code
has it, and runs head by head.
"""

from __future__ import annotations

import torch
from support.exact import CAUSAL, SEQUENCE, Leaf, Row, Twin
from torch import Tensor

from itnet_kernels.delta_net import DeltaNet


def _recurrence(op: DeltaNet) -> Twin:
    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        length, width = u_BND.shape[1:]
        size, values = op.state, width // op.heads
        q_BNK, k_BNK = op.keys(u_BND).chunk(2, -1)
        v_BND, gate_BNG = op.value(u_BND), op.gates(u_BND)
        heads = []
        for h in range(op.heads):
            here = slice(h * size, (h + 1) * size)
            q, k = (_normal(t[..., here]) for t in (q_BNK, k_BNK))
            v = v_BND[..., h * values : (h + 1) * values]
            beta = torch.sigmoid(gate_BNG[..., h])
            alpha = torch.ones_like(beta)
            if op.log_rate_H is not None:
                rate = torch.exp(op.log_rate_H[h])
                alpha = torch.exp(-rate * torch.nn.functional.softplus(gate_BNG[..., op.heads + h]))
            backwards = not op.causal and h >= op.heads // 2
            memory = u_BND.new_zeros(len(u_BND), size, values)
            rows = [memory[:, 0]] * length
            for n in reversed(range(length)) if backwards else range(length):
                memory = alpha[:, n, None, None] * memory
                stored = torch.einsum("bse,bs->be", memory, k[:, n])
                change = beta[:, n, None] * (v[:, n] - stored)
                memory = memory + torch.einsum("bs,be->bse", k[:, n], change)
                rows[n] = torch.einsum("bse,bs->be", memory, q[:, n])
            heads.append(torch.stack(rows, 1))
        y_BND: Tensor = op.out(torch.cat(heads, -1))
        return y_BND

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


def _normal(k_BNS: Tensor) -> Tensor:
    return k_BNS / torch.sqrt((k_BNS**2).sum(-1, keepdim=True) + 1e-6)


ROWS = [
    Row("delta_net", f"{system} by its recurrence, {where}", site, _recurrence, params)
    for where, site in (("causal", CAUSAL), ("half of the heads backwards", SEQUENCE))
    for system, params in (
        ("Gated DeltaNet, arXiv 2412.06464,", {"heads": 2, "state": 5}),
        ("DeltaNet, arXiv 2406.06484,", {"heads": 4, "state": 3, "gated": False}),
    )
]
