"""Long convolution: a window over the whole domain, with a free weight for every lag.

    h[n] = Σ_o w[o] ⊙ u[n + o],       y = W h + b

    o runs over every lag there is, |o| < N; in a causal domain over −N < o ≤ 0; on a grid over
    both axes, (2X−1)(2Y−1) lags.

Nothing ties the weights of neighbouring lags together, so any lag can be picked out, and each has
to be learnt. At first they are noise under an envelope that fades as e^(−|o| / τ), with a τ from 1
to N positions for each channel. As an integral channel d has the kernel K_d[i, j] = w_d[x_j − x_i],
and W mixes the channels.

Axes    full support · translation-shared · no state · no content
Source  long convolutions arXiv 2302.06646; on grids, there circular, arXiv 2107.00645
Shapes  B examples, N positions, D channels, R lags: 2N−1, causal N, on a grid (2X−1)(2Y−1)
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, final

import torch
from torch import nn

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.convolution import (
    depthwise_convolution,
    depthwise_evaluations,
    depthwise_kernel,
    depthwise_work,
    tap_pairs,
)
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.positions import domain_shape
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.integral.dense import DenseKernel
    from itnet_nas.integral.evaluation import Evaluation


@final
class LongConv(Operator):
    """`shape` is that of the largest field; a shorter sequence uses the lags that it has."""

    def __init__(self, width: int, shape: tuple[int, ...], causal: bool) -> None:
        super().__init__()
        self.shape = shape
        self.before = tuple(size - 1 for size in shape)
        self.after = (0,) * len(shape) if causal else self.before
        self.causal = causal
        sides = [b + a + 1 for b, a in zip(self.before, self.after, strict=True)]
        taps = torch.randn(width, *sides)
        octave_D1 = (torch.arange(width).unsqueeze(1) + 0.5) / width
        for axis, early in enumerate(self.before):
            lag_R = (torch.arange(sides[axis]) - early).abs()
            envelope_DR = torch.exp(-lag_R / max(shape) ** octave_D1)
            # As loud as the input: the squares of the envelope sum to 1.
            envelope_DR = envelope_DR / envelope_DR.norm(dim=1, keepdim=True)
            ones = [1] * (len(shape) - 1)
            taps = taps * envelope_DR.reshape(width, *ones[:axis], sides[axis], *ones[axis:])
        self.taps = nn.Parameter(taps)
        self.mix = nn.Linear(width, width)
        nn.init.normal_(self.mix.weight, std=width**-0.5)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """By FFT, or directly on a short domain: `evaluations` says which."""
        u_BND = zero_masked(u_BND, mask_BN)
        shape = domain_shape(self.shape, u_BND.shape[1])
        h_BND = depthwise_convolution(u_BND, self.taps, shape, self.before)
        y_BND: Tensor = self.mix(h_BND)
        return zero_masked(y_BND, mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K_d[i, j] = w_d[x_j − x_i]; heads are channels, O holds the columns of W."""
        shape = domain_shape(self.shape, u_BND.shape[1])
        pair_RNN = tap_pairs(shape, self.before, self.after, 1, u_BND.device)
        return depthwise_kernel(self.taps.flatten(1), self.mix, u_BND, pair_RNN)

    @property
    def decodes(self) -> bool:
        """In a causal domain, with all inputs so far at hand."""
        return self.causal

    def start(self, batch: int) -> Any:
        """The N − 1 inputs before the first one: zeros, (B, N − 1, D)."""
        if not self.causal:
            return super().start(batch)
        return self.taps.new_zeros(batch, self.before[0], len(self.taps))

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One sum over all lags."""
        if not self.causal:
            return super().step(u_BD, state)
        seen_BND = torch.cat([state, u_BD.unsqueeze(1)], 1)
        return self.mix((self.taps.mT * seen_BND).sum(1)), seen_BND[:, 1:]


class LongConvParams(KernelParams):
    """None: a long convolution is as long as its domain."""


@final
class LongConvFamily(KernelFamily[LongConvParams]):
    """Convolutions as long as the sequence or grid that they stand on."""

    Params: ClassVar[type[KernelParams]] = LongConvParams
    summary: ClassVar[str] = "convolution over the whole domain, a free weight for every lag"
    source: ClassVar[str] = "arXiv 2302.06646"

    def bias(self, params: LongConvParams) -> Bias:
        """Everything, shared by translation."""
        del params
        return Bias(support=Support.FULL, sharing=Sharing.TRANSLATION)

    def cost(self, site: Site, params: LongConvParams) -> Cost:
        """D times the work of one channel, and a map of 2 N D². As on a CPU.

        `depthwise_work` says what a channel takes, directly 2 N R, else by three FFTs. Moved and
        kept beside that: the field between window and map. A step sums over N lags, 2 N D.
        """
        del params
        width, length, shape = site.width, site.length, site.domain.shape
        before, after = _sides(site)
        taps = math.prod(b + a + 1 for b, a in zip(before, after, strict=True))
        weights = width * taps + width**2 + width
        work = depthwise_work(shape, before, after)
        mix = 2 * length * width**2
        return Cost(
            flops=width * work.flops + mix,
            params=weights,
            state_bytes=4 * (length - 1) * width if site.causal else None,
            train_flops=width * (work.flops + work.back) + 3 * mix,
            decode_flops=2 * length * width + 2 * width**2 if site.causal else None,
            traffic_bytes=4 * (width * (4 * length + work.moved) + weights),
            activation_bytes=4 * width * (length + work.kept),
        )

    def build(self, site: Site, params: LongConvParams) -> LongConv:
        """The operator."""
        del params
        return LongConv(site.width, shape=site.domain.shape, causal=site.causal)

    def refuses(self, site: Site, params: LongConvParams) -> str:
        """A lag needs positions in rows."""
        del params
        if site.domain.kind == "points":
            return "a point cloud has no neighbours in a row, so a lag has no meaning on it"
        return ""

    def evaluations(
        self, site: Site, params: LongConvParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """By FFT, or directly on a short domain."""
        del params
        before, after = _sides(site)
        return depthwise_evaluations(site.domain.shape, before, after, 1, device)


def _sides(site: Site) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Lags before and after, along each axis."""
    before = tuple(size - 1 for size in site.domain.shape)
    return before, (0,) * len(before) if site.causal else before


FAMILY = LongConvFamily()
