"""minGRU beside its paper's recurrence."""

from __future__ import annotations

import torch
from support.exact import CAUSAL, SEQUENCE, Leaf, Row, Twin
from torch import Tensor

from itnet_kernels.min_gru import MinGru


def _loop(op: MinGru) -> Twin:
    """h_t = (1 − z_t) h_{t−1} + z_t h̃_t with z = σ(Linear(x)), h̃ = Linear(x); halves both ways."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        z_BND = torch.sigmoid(u_BND @ op.gate.weight.T + op.gate_D)
        v_BND = u_BND @ op.value.weight.T + op.value.bias
        half = u_BND.shape[-1] // op.runs
        halves = []
        for run in range(op.runs):
            part = slice(run * half, (run + 1) * half)
            order = list(range(u_BND.shape[1]))[:: -1 if run else 1]
            h_BS, found = u_BND.new_zeros(len(u_BND), half), {}
            for n in order:
                z_BS = z_BND[:, n, part]
                h_BS = (1 - z_BS) * h_BS + z_BS * v_BND[:, n, part]
                found[n] = h_BS
            halves.append(torch.stack([found[n] for n in sorted(found)], 1))
        return torch.cat(halves, -1)

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


ROWS = [
    Row("min_gru", "minGRU as a recurrence", CAUSAL, _loop),
    Row("min_gru", "minGRU as a recurrence, half of it backward", SEQUENCE, _loop),
]
