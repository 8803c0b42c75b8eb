"""Convolution: every position mixes its neighbours, with the same weights everywhere.

    depthwise   y[n] = W Σ_o w[o] ⊙ u[n + s·o] + b      a window for each channel, then a linear map
    dense       y[n] = Σ_o W[o] u[n + s·o] + b          a matrix for each tap

    o runs over |o| ≤ r; in a causal domain over −r ≤ o ≤ 0; on a grid over both axes.

With a dilation s above 1 the window has holes: it sees every s-th position, up to s·r away. As an
integral a depthwise convolution has a head for each channel, K^d[i, j] = w_d[o] where x_j = x_i +
s·o, and W mixes the channels; a dense one has a head for each tap, K^o[i, j] = 1 there.

Axes    window(s·r) support · translation-shared · no state · no content
Source  ITNet (arXiv 2606.19538), convolution as a special case; dilation arXiv 1511.07122
Shapes  B examples, N positions, D channels, R taps: 2r+1, causal r+1, on a grid (2r+1)²
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.convolution import (
    dense_convolution,
    depthwise_convolution,
    depthwise_evaluations,
    depthwise_kernel,
    depthwise_work,
    spread_taps,
    tap_pairs,
    taps_inside,
)
from itnet_nas.integral.dense import DenseKernel, one_head_per_channel
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.positions import domain_shape
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.integral.evaluation import Evaluation


@final
class Conv(Operator):
    """`shape` has one size on a sequence, which is not used, and two on a grid."""

    def __init__(
        self,
        width: int,
        radius: int,
        dense: bool,
        shape: tuple[int, ...],
        causal: bool,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        self.radius = radius
        self.shape = shape
        self.causal = causal
        self.dilation = dilation
        side = radius + 1 if causal else 2 * radius + 1
        taps = side ** len(shape)
        sources = width if dense else 1
        scale = (sources * taps) ** -0.5
        # One axis of taps for each axis of the domain, as conv1d and conv2d want it.
        self.taps = nn.Parameter(scale * torch.randn(width, sources, *[side] * len(shape)))
        self.mix = None if dense else nn.Linear(width, width)
        if self.mix is not None:
            nn.init.normal_(self.mix.weight, std=width**-0.5)
        self.b_D = nn.Parameter(torch.zeros(width)) if dense else None

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Directly, or by FFT where taps are many: `evaluations` says from how many on."""
        u_BND = zero_masked(u_BND, mask_BN)
        shape = domain_shape(self.shape, u_BND.shape[1])
        before = (self.radius,) * len(shape)
        if self.mix is None:
            y_BND = dense_convolution(u_BND, self.taps, shape, before, self.dilation, self.b_D)
        else:
            taps = self.taps.squeeze(1)
            h_BND = depthwise_convolution(u_BND, taps, shape, before, self.dilation)
            y_BND = self.mix(h_BND)
        return zero_masked(y_BND, mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K as in the formula: a head for each channel, or for each tap."""
        shape = domain_shape(self.shape, u_BND.shape[1])
        before = (self.radius,) * len(shape)
        after = (0,) * len(shape) if self.causal else before
        pair_RNN = tap_pairs(shape, before, after, self.dilation, u_BND.device)
        if self.mix is not None:
            return depthwise_kernel(self.taps.flatten(1), self.mix, u_BND, pair_RNN)
        v_D1D, _ = one_head_per_channel(u_BND.shape[2], u_BND)
        return DenseKernel(
            k_BHNN=pair_RNN.to(u_BND.dtype).expand(len(u_BND), -1, -1, -1),
            v_HEF=v_D1D.squeeze(1).expand(len(pair_RNN), -1, -1),
            o_HDE=self.taps.flatten(2).permute(2, 0, 1),
            b_D=self.b_D,
        )

    @property
    def decodes(self) -> bool:
        """In a causal domain: the last s·r inputs are all that is needed."""
        return self.causal

    def start(self, batch: int) -> Any:
        """The s·r inputs before the first one: zeros, (B, s·r, D)."""
        if not self.causal:
            return super().start(batch)
        return self.taps.new_zeros(batch, self.dilation * self.radius, self.taps.shape[0])

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Slide the window by one."""
        if not self.causal:
            return super().step(u_BD, state)
        window_BND = torch.cat([state, u_BD.unsqueeze(1)], 1)
        seen_BDR = window_BND[:, :: self.dilation].mT
        if self.mix is None:
            y_BD = F.linear(seen_BDR.flatten(1), self.taps.flatten(1), self.b_D)
        else:
            y_BD = self.mix((self.taps.squeeze(1) * seen_BDR).sum(-1))
        return y_BD, window_BND[:, 1:]


class ConvParams(KernelParams):
    """How far a window reaches, in which steps, and whether its taps mix channels."""

    radius: Annotated[
        int,
        Field(ge=1, le=64, description="taps on each side; in a causal domain, past ones"),
        Values(1, 3, 6),
    ]
    channels: Annotated[
        Literal["depthwise", "dense"],
        Field(
            description="depthwise: a window per channel, then a linear map; dense: a matrix "
            "per tap"
        ),
        Values("depthwise"),
    ] = "depthwise"
    dilation: Annotated[
        int,
        Field(ge=1, le=64, description="positions from one tap to the next"),
        Values(1),
    ] = 1


@final
class ConvFamily(KernelFamily[ConvParams]):
    """Convolutions over sequences and grids."""

    Params: ClassVar[type[KernelParams]] = ConvParams
    summary: ClassVar[str] = "convolution over a window, the same weights everywhere"
    source: ClassVar[str] = "arXiv 2606.19538, convolution as a special case"

    def bias(self, params: ConvParams) -> Bias:
        """window(s·r), with holes where it is dilated, shared by translation."""
        return Bias(
            support=Support.WINDOW,
            sharing=Sharing.TRANSLATION,
            radius=params.radius * params.dilation,
            dilation=params.dilation,
        )

    def cost(self, site: Site, params: ConvParams) -> Cost:
        """depthwise 2 N D R, or the work of FFTs, and 2 N D²; dense 2 N D² R. As on a CPU.

        Taps beyond the border are counted, those beyond both ends are not. A depthwise one moves
        and keeps the field between window and map, too; `depthwise_work` says what its window
        takes. A step takes every tap.
        """
        width, length, shape = site.width, site.length, site.domain.shape
        before, after = _sides(site, params)
        taps = math.prod(b + a + 1 for b, a in zip(before, after, strict=True))
        dense = params.channels == "dense"
        weights = width**2 * taps if dense else width * taps + width**2
        work = depthwise_work(shape, before, after, params.dilation)
        flops, train = width * work.flops, width * (work.flops + work.back)
        moved, kept = 2 * length + work.moved, length + work.kept
        if dense:
            flops = 2 * length * width**2 * taps_inside(shape, before, after, params.dilation)
            train, moved, kept = 3 * flops, 0, length
        else:
            flops, train = flops + 2 * length * width**2, train + 6 * length * width**2
        return Cost(
            flops=flops,
            params=weights + width,
            state_bytes=4 * params.dilation * params.radius * width if site.causal else None,
            train_flops=train,
            decode_flops=2 * weights if site.causal else None,
            traffic_bytes=4 * (width * (2 * length + moved) + weights + width),
            activation_bytes=4 * width * kept,
        )

    def build(self, site: Site, params: ConvParams) -> Conv:
        """The operator."""
        return Conv(
            width=site.width,
            radius=params.radius,
            dense=params.channels == "dense",
            shape=site.domain.shape,
            causal=site.causal,
            dilation=params.dilation,
        )

    def refuses(self, site: Site, params: ConvParams) -> str:
        """A window needs positions in rows, and a neighbour that it can see."""
        if site.domain.kind == "points":
            return "a point cloud has no neighbours in a row, so a window has no meaning on it"
        if 1 < params.dilation >= site.domain.extent:
            return f"a dilation of {params.dilation} leaves no neighbour on {site.domain}"
        return ""

    def normalize(self, site: Site, params: ConvParams) -> ConvParams:
        """A radius beyond the domain is cut to the largest one that still adds a neighbour."""
        reach = max(1, (site.domain.extent - 1) // params.dilation)
        return params.model_copy(update={"radius": min(params.radius, reach)})

    def evaluations(
        self, site: Site, params: ConvParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """Direct or by FFT for a window per channel; one way where taps are matrices."""
        if params.channels == "dense":
            return ()
        before, after = _sides(site, params)
        return depthwise_evaluations(site.domain.shape, before, after, params.dilation, device)

    def morphisms(self, site: Site, params: ConvParams) -> tuple[Morphism, ...]:
        """A wider window, one without holes, and a matrix for each tap in place of the map."""
        axes, after = len(site.domain.shape), 0 if site.causal else 1
        radius, reach = params.radius + 1, params.radius * params.dilation

        def widened(weights: Weights) -> dict[str, Tensor]:
            return {**weights, "taps": F.pad(weights["taps"], (1, after) * axes)}

        def filled(weights: Weights) -> dict[str, Tensor]:
            return {**weights, "taps": spread_taps(weights["taps"], params.dilation, axes)}

        def mixed(weights: Weights) -> dict[str, Tensor]:
            taps = torch.einsum("de,e...->de...", weights["mix.weight"], weights["taps"].squeeze(1))
            return {"taps": taps, "b_D": weights["mix.bias"]}

        moves = []
        if radius <= min(64, (site.domain.extent - 1) // params.dilation):
            wider = params.model_copy(update={"radius": radius})
            change = f"radius {params.radius} -> {radius}, zeros outside"
            moves.append(Morphism(wider, widened, change))
        if params.dilation > 1 and reach <= 64:
            whole = params.model_copy(update={"radius": reach, "dilation": 1})
            change = f"dilation {params.dilation} -> 1, zeros between"
            moves.append(Morphism(whole, filled, change))
        if params.channels == "depthwise":
            dense = params.model_copy(update={"channels": "dense"})
            moves.append(Morphism(dense, mixed, "depthwise -> dense, window times map"))
        return tuple(moves)


def _sides(site: Site, params: ConvParams) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Taps before and after, along each axis."""
    before = (params.radius,) * len(site.domain.shape)
    return before, (0,) * len(before) if site.causal else before


FAMILY = ConvFamily()
