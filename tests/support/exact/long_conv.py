"""A long convolution beside torch's direct one, with a tap for every lag."""

from __future__ import annotations

import torch
from support.exact import CAUSAL, GRID, SEQUENCE, Leaf, Row, Twin
from torch import Tensor
from torch.nn import functional as F

from itnet_kernels.long_conv import LongConv
from itnet_nas.kernels import Domain, Site

# Long enough for every lag to be computed by FFT.
LONG = Site(domain=Domain(kind="sequence", shape=(60,)), width=8)
LONG_CAUSAL = Site(domain=Domain(kind="sequence", shape=(100,), causal=True), width=8)
LARGE = Site(domain=Domain(kind="grid", shape=(7, 8)), width=8)


def _direct(op: LongConv) -> Twin:
    """torch.nn.functional.conv1d or conv2d, groups = channels, and a linear map."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        batch, length, width = u_BND.shape
        sides = (length,) if len(op.shape) == 1 else op.shape
        margins = [n for b, a in zip(op.before, op.after, strict=True) for n in (a, b)][::-1]
        u_BDX = F.pad(u_BND.mT.reshape(batch, width, *sides), margins)
        convolve = F.conv1d if len(sides) == 1 else F.conv2d
        y_BDX = convolve(u_BDX, op.taps.unsqueeze(1), groups=width)
        return y_BDX.flatten(2).mT @ op.mix.weight.T + op.mix.bias

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


def _lag_by_lag(op: LongConv) -> Twin:
    """y[n] = Σ_t w[t] u[n − t], section 2 of arXiv 2302.06646: one lag after the other."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        rows = []
        for n in range(u_BND.shape[1]):
            past = [op.taps[:, -1 - lag] * u_BND[:, n - lag] for lag in range(n + 1)]
            rows.append(torch.stack(past).sum(0) @ op.mix.weight.T + op.mix.bias)
        return torch.stack(rows, 1)

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


ROWS = [
    Row("long_conv", "torch conv1d with 2N − 1 = 47 taps", SEQUENCE, _direct),
    Row("long_conv", "torch conv1d with 2N − 1 = 119 taps", LONG, _direct),
    Row("long_conv", "torch conv2d with 9 x 11 taps", GRID, _direct),
    Row("long_conv", "torch conv2d with 13 x 15 taps", LARGE, _direct),
    Row("long_conv", "a causal long convolution of 24 lags, arXiv 2302.06646", CAUSAL, _lag_by_lag),
    Row(
        "long_conv",
        "a causal long convolution of 100 lags, arXiv 2302.06646",
        LONG_CAUSAL,
        _lag_by_lag,
    ),
]
