"""Continuous convolution: a small network says how much a neighbour counts, from its offset alone.

    k(o) = e^(−½ Σ_a (o_a / σ_a)²) ⊙ M(o)             a window of learnt width for each channel
    M(o) = C sin(B sin(F o / r + φ) + β) + γ          a network on sines of the offset
    h[n] = Σ_o k(o) ⊙ u[n + o],       y = W h + b

    o runs over |o| ≤ r, or over every offset there is (then r is the longest one); in a causal
    domain over −r ≤ o ≤ 0; on a grid over both axes.

The weights of neighbouring offsets are tied together, and their number does not depend on how far
the window reaches. At first widths σ are spread from 1 position to r, as many channels in each
octave, frequencies from about one turn over the window to a turn in four positions, and each
channel is scaled to be as loud as its input. As an integral channel d has the kernel K_d[i, j] =
k_d(x_j − x_i), and W mixes the channels. The network runs once for a whole batch.

Axes    window(r) or full support · translation-shared · no state · no content
Source  CKConv arXiv 2102.02611; the learnt Gaussian window FlexConv arXiv 2110.08059
Shapes  B examples, N positions, D channels, A axes, H hidden units,
        R offsets: 2r+1, causal r+1, on a grid a product of two such
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

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
from itnet_nas.integral.precision import as_given
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.integral.dense import DenseKernel
    from itnet_nas.integral.evaluation import Evaluation


@final
class ContinuousConv(Operator):
    """`shape` is that of the largest field; a shorter sequence uses the offsets that it has."""

    undecayed: ClassVar[tuple[str, ...]] = ("turn_HA", "log_width_DA")
    narrowest: ClassVar[float] = -3.0  # log σ; e^(−3) positions are a single one

    def __init__(
        self, width: int, hidden: int, radius: int | None, shape: tuple[int, ...], causal: bool
    ) -> None:
        super().__init__()
        axes = len(shape)
        self.shape = shape
        self.before = tuple(size - 1 if radius is None else min(radius, size - 1) for size in shape)
        self.after = (0,) * axes if causal else self.before
        self.causal = causal
        reach_A = torch.tensor([max(1, early) for early in self.before])
        way_HA = F.normalize(torch.randn(hidden, axes))
        octave_H1 = torch.rand(hidden, 1)
        self.turn_HA = nn.Parameter(way_HA * math.pi * (reach_A / 2).clamp(min=1) ** octave_H1)
        self.phase_H = nn.Parameter(2 * math.pi * torch.rand(hidden))
        self.inner = nn.Linear(hidden, hidden)
        self.read = nn.Linear(hidden, width)
        octave_D1 = (torch.arange(width).unsqueeze(1) + 0.5) / width
        self.log_width_DA = nn.Parameter(octave_D1 * reach_A.log())
        self.mix = nn.Linear(width, width)
        # A sine of white noise has a mean square of a half.
        nn.init.normal_(self.inner.weight, std=(2 / hidden) ** 0.5)
        nn.init.normal_(self.mix.weight, std=width**-0.5)
        with torch.no_grad():
            loud_D = self.kernel().flatten(1).norm(dim=1)
            self.read.weight.div_(loud_D.unsqueeze(1))
            self.read.bias.div_(loud_D)

    def kernel(self) -> Tensor:
        """k_DR with one axis of taps for each axis of the domain, in the dtype of the weights."""
        like = self.turn_HA
        ranges = [range(-b, a + 1) for b, a in zip(self.before, self.after, strict=True)]
        lines = [
            torch.arange(r.start, r.stop, device=like.device, dtype=like.dtype) for r in ranges
        ]
        o_RA = torch.cartesian_prod(*lines).reshape(-1, len(ranges))
        reach_A = o_RA.new_tensor([max(1, early) for early in self.before])
        # Autocast would round what is taken the sine of.
        with as_given(like):
            h_RH = torch.sin(F.linear(o_RA / reach_A, self.turn_HA, self.phase_H))
            m_RD = self.read(torch.sin(self.inner(h_RH)))
            steep_DA = torch.exp(-2 * self.log_width_DA.clamp(min=self.narrowest))
            k_RD: Tensor = m_RD * torch.exp(-0.5 * F.linear(o_RA.square(), steep_DA))
        return k_RD.mT.reshape(-1, *[len(r) for r in ranges])

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """The kernel, then as any convolution, directly or by FFT: `evaluations` says which."""
        u_BND = zero_masked(u_BND, mask_BN)
        shape = domain_shape(self.shape, u_BND.shape[1])
        h_BND = depthwise_convolution(u_BND, self.kernel(), shape, self.before)
        y_BND: Tensor = self.mix(h_BND)
        return zero_masked(y_BND, mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K_d[i, j] = k_d(x_j − x_i); heads are channels, O holds the columns of W."""
        shape = domain_shape(self.shape, u_BND.shape[1])
        pair_RNN = tap_pairs(shape, self.before, self.after, 1, u_BND.device)
        return depthwise_kernel(self.kernel().flatten(1), self.mix, u_BND, pair_RNN)

    @property
    def decodes(self) -> bool:
        """In a causal domain: the last r inputs are all that is needed."""
        return self.causal

    def start(self, batch: int) -> Any:
        """The kernel, (D, r + 1), and the r inputs before the first one: zeros, (B, r, D)."""
        if not self.causal:
            return super().start(batch)
        k_DR = self.kernel().detach()
        return k_DR, k_DR.new_zeros(batch, self.before[0], len(k_DR))

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Slide the window by one; the network has run when decoding began."""
        if not self.causal:
            return super().step(u_BD, state)
        k_DR, past_BND = state
        seen_BND = torch.cat([past_BND, u_BD.unsqueeze(1)], 1)
        return self.mix((k_DR.mT * seen_BND).sum(1)), (k_DR, seen_BND[:, 1:])


class ContinuousConvParams(KernelParams):
    """How far the window reaches at most, and how large the network is."""

    radius: Annotated[
        int | None,
        Field(ge=1, le=4096, description="positions on each side; null: the whole domain"),
        Values(None),
    ] = None
    hidden: Annotated[
        int,
        Field(ge=2, le=256, description="units in each of the network's two hidden layers"),
        Values(16, 32),
    ] = 16


@final
class ContinuousConvFamily(KernelFamily[ContinuousConvParams]):
    """Convolutions over sequences and grids whose weights are a function of the offset."""

    Params: ClassVar[type[KernelParams]] = ContinuousConvParams
    summary: ClassVar[str] = "convolution by a network of the offset, in windows of learnt width"
    source: ClassVar[str] = "arXiv 2102.02611 and 2110.08059"

    def bias(self, params: ContinuousConvParams) -> Bias:
        """window(radius), or everything; shared by translation."""
        support = Support.FULL if params.radius is None else Support.WINDOW
        return Bias(support=support, sharing=Sharing.TRANSLATION, radius=params.radius)

    def cost(self, site: Site, params: ContinuousConvParams) -> Cost:
        """D times the work of one channel, the network, and a map of 2 N D². As on a CPU.

        `depthwise_work` says what a channel takes, directly 2 N R, else by three FFTs. The network
        takes 2 R (A H + H² + H D), the window R D (2 A + 2), once for a whole batch but wholly
        counted; twice that backward. Kept of them: 4 H + 2 D numbers for each offset, moved as
        often out and in. A step does not run the network: 2 D (r + 1) + 2 D².
        """
        width, length, shape = site.width, site.length, site.domain.shape
        before, after = _sides(site, params)
        hidden, axes = params.hidden, len(shape)
        taps = math.prod(b + a + 1 for b, a in zip(before, after, strict=True))
        network = 2 * taps * (axes * hidden + hidden**2 + hidden * width)
        network += taps * width * (2 * axes + 2)
        work = depthwise_work(shape, before, after)
        mix = 2 * length * width**2
        weights = (axes + 2 + hidden + width) * hidden + width * (1 + axes) + width**2 + width
        each = taps * (4 * hidden + 2 * width)
        causal = site.causal
        return Cost(
            flops=width * work.flops + network + mix,
            params=weights,
            state_bytes=4 * width * (taps + before[0]) if causal else None,
            train_flops=width * (work.flops + work.back) + 3 * (network + mix),
            decode_flops=2 * width * taps + 2 * width**2 if causal else None,
            traffic_bytes=4 * (width * (4 * length + work.moved) + 2 * each + weights),
            activation_bytes=4 * (width * (length + work.kept) + each),
        )

    def build(self, site: Site, params: ContinuousConvParams) -> ContinuousConv:
        """The operator."""
        return ContinuousConv(
            width=site.width,
            hidden=params.hidden,
            radius=params.radius,
            shape=site.domain.shape,
            causal=site.causal,
        )

    def refuses(self, site: Site, params: ContinuousConvParams) -> str:
        """An offset needs positions in rows."""
        del params
        if site.domain.kind == "points":
            return "a point cloud has no neighbours in a row, so an offset has no meaning on it"
        return ""

    def normalize(self, site: Site, params: ContinuousConvParams) -> ContinuousConvParams:
        """A window that reaches every position is none."""
        if params.radius is None or params.radius < site.domain.extent - 1:
            return params
        return params.model_copy(update={"radius": None})

    def evaluations(
        self, site: Site, params: ContinuousConvParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """Directly, or by FFT where the window is long."""
        before, after = _sides(site, params)
        return depthwise_evaluations(site.domain.shape, before, after, 1, device)

    def morphisms(self, site: Site, params: ContinuousConvParams) -> tuple[Morphism, ...]:
        """Twice the hidden units: new ones turn half as fast again, and are not yet read."""
        del site
        hidden = 2 * params.hidden
        if hidden > 256:
            return ()

        def grown(weights: Weights) -> dict[str, Tensor]:
            inner, read, half = weights["inner.weight"], weights["read.weight"], params.hidden
            return {
                **weights,
                "turn_HA": torch.cat([weights["turn_HA"], 1.5 * weights["turn_HA"]]),
                "phase_H": weights["phase_H"].repeat(2),
                "inner.weight": torch.cat([F.pad(inner, (0, half)), F.pad(inner, (half, 0))]),
                "inner.bias": weights["inner.bias"].repeat(2),
                "read.weight": torch.cat([read, 0 * read], 1),
            }

        larger = params.model_copy(update={"hidden": hidden})
        change = f"hidden {params.hidden} -> {hidden}, not yet read"
        return (Morphism(larger, grown, change),)


def _sides(site: Site, params: ContinuousConvParams) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Taps before and after, along each axis."""
    shape = site.domain.shape
    before = tuple(min(size - 1, params.radius or size) for size in shape)
    return before, (0,) * len(before) if site.causal else before


FAMILY = ContinuousConvFamily()
