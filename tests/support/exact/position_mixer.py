"""A position mixer is the token mixing of MLP-Mixer: torch.nn.Linear over positions."""

from __future__ import annotations

import torch
from support.exact import CAUSAL, GRID, SEQUENCE, Leaf, Row, Twin
from torch import Tensor, nn

from itnet_kernels.position_mixer import PositionMixer


def _token_mixing(op: PositionMixer) -> Twin:
    """One Linear along the positions, between the two along the channels."""
    mix = nn.Linear(op.length, op.length, bias=False).double()
    with torch.no_grad():
        mix.weight.copy_(op.matrices()[0])

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        y_BND: Tensor = op.out(mix(op.value(u_BND).mT).mT)
        return y_BND

    def as_ours(grad_NN: Tensor) -> Tensor:
        if not op.causal:
            return grad_NN.unsqueeze(0)
        row_T, column_T = torch.tril_indices(op.length, op.length)
        return grad_NN[row_T, column_T].unsqueeze(0)

    copied = [Leaf(p, p) for p in (*op.value.parameters(), *op.out.parameters())]
    return Twin(run, [Leaf(op.w, mix.weight, as_ours), *copied])


ROWS = [
    Row("position_mixer", f"torch.nn.Linear over {where}", site, _token_mixing, {"groups": 1})
    for where, site in (
        ("the positions of a sequence, as in MLP-Mixer", SEQUENCE),
        ("the positions of a grid, as in MLP-Mixer", GRID),
        ("earlier positions, a triangular matrix", CAUSAL),
    )
]
