"""CKConv with FlexConv's window, as their papers write them: offset by offset, pair by pair."""

from __future__ import annotations

import math
from itertools import product

import torch
from support.exact import CAUSAL, GRID, SEQUENCE, Leaf, Row, Twin
from torch import Tensor

from itnet_kernels.continuous_conv import ContinuousConv
from itnet_nas.kernels import Domain, Site

# Long enough for every offset to be computed by FFT.
LONG = Site(domain=Domain(kind="sequence", shape=(60,)), width=8)


def _weight(op: ContinuousConv, offset: tuple[int, ...]) -> Tensor:
    """ψ(o) of CKConv, a network of sines of relative positions in [−1, 1], times the window."""
    relative = [o / max(1, reach) for o, reach in zip(offset, op.before, strict=True)]
    angle_H = sum((op.turn_HA[:, a] * x for a, x in enumerate(relative)), op.phase_H)
    second_H = torch.sin(op.inner.weight @ torch.sin(angle_H) + op.inner.bias)
    height_D = op.read.weight @ second_H + op.read.bias
    window_D = torch.ones_like(height_D)
    for a, o in enumerate(offset):
        width_D = op.log_width_DA[:, a].exp()
        window_D = window_D * torch.exp(-((o / width_D) ** 2) / 2)
    return height_D * window_D


def _pair_by_pair(op: ContinuousConv) -> Twin:
    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        shape = u_BND.shape[1:2] if len(op.shape) == 1 else op.shape
        places = list(product(*[range(size) for size in shape]))
        weights = {
            o: _weight(op, o)
            for o in product(*[range(-b, a + 1) for b, a in zip(op.before, op.after, strict=True)])
        }
        rows = []
        for x in places:
            y_BD = torch.zeros_like(u_BND[:, 0])
            for m, z in enumerate(places):
                offset = tuple(b - a for a, b in zip(x, z, strict=True))
                if offset in weights:
                    y_BD = y_BD + weights[offset] * u_BND[:, m]
            rows.append(y_BD @ op.mix.weight.T + op.mix.bias)
        return torch.stack(rows, 1)

    assert math.prod(op.shape) < 100
    return Twin(run, [Leaf(p, p) for p in op.parameters()])


_SENSE = "two hidden layers of sines, frequencies learnt with the rest"
ROWS = [
    Row("continuous_conv", system, site, _pair_by_pair, params, sense=_SENSE)
    for system, site, params in (
        ("CKConv, arXiv 2102.02611, with a Gaussian window", CAUSAL, {"hidden": 4}),
        ("CKConv looking both ways", SEQUENCE, {"hidden": 4}),
        ("CKConv of 119 offsets", LONG, {"hidden": 4}),
        ("FlexConv, arXiv 2110.08059, 5 x 5 offsets", GRID, {"hidden": 4, "radius": 2}),
    )
]
