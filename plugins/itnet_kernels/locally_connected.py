"""Locally connected: a window at every position, and at every position weights of its own.

    h[n, g] = Σ_o w_g[n, o] u[n + o, g],       y = W h + b

    o runs over |o| ≤ r; in a causal domain over −r ≤ o ≤ 0; on a grid over both axes.

The D channels are cut into G groups, each with its own weights. A convolution whose weights are not
shared: it can do something else in every place, and has to learn each place for itself.

Axes    window(r) support · position-specific · no state · no content
Source  locally connected layers, as in DeepFace (doi 10.1109/CVPR.2014.220)
Shapes  B examples, N positions (at most L), D channels, G groups, E = D / G channels of a group,
        R taps: 2r+1, causal r+1, on a grid (2r+1)²
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.bands import window_pairs, window_real, window_sum
from itnet_nas.integral.dense import DenseKernel
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.positions import domain_shape
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


@final
class LocallyConnected(Operator):
    """`shape` is that of the largest field; on a sequence fewer positions are the first ones."""

    def __init__(
        self, width: int, radius: int, groups: int, shape: tuple[int, ...], causal: bool
    ) -> None:
        super().__init__()
        self.shape = shape
        self.before = radius
        self.after = 0 if causal else radius
        inside_1N = torch.ones(1, torch.Size(shape).numel(), dtype=torch.bool)
        real_NR = window_real(inside_1N, shape, self.before, self.after)[0]
        # Each place is scaled by how many neighbours it has, so that all are equally loud.
        w_GNR = torch.randn(groups, *real_NR.shape) * real_NR.sum(1, keepdim=True).rsqrt()
        self.w_GNR = nn.Parameter(w_GNR)
        self.out = nn.Linear(width, width)
        nn.init.normal_(self.out.weight, std=width**-0.5)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """A sum over the window by products of bands; all examples share those of a place."""
        batch, length, _ = u_BND.shape
        u_BNGE = zero_masked(u_BND, mask_BN).reshape(batch, length, len(self.w_GNR), -1)
        w_1NGR = self.w_GNR[:, :length].transpose(0, 1).unsqueeze(0)
        shape = domain_shape(self.shape, length)
        h_BNGE = window_sum(w_1NGR, u_BNGE, shape, self.before, self.after)
        return zero_masked(self.out(h_BNGE.flatten(2)), mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K^g[i, j] = Σ_o w_g[i, o] [x_j − x_i = o]; V cuts out the channels of a group."""
        batch, length, width = u_BND.shape
        groups = len(self.w_GNR)
        shape = domain_shape(self.shape, length)
        pair_RNN = window_pairs(shape, self.before, self.after, u_BND.device)
        k_GNN = torch.einsum("gir,rij->gij", self.w_GNR[:, :length], pair_RNN.to(u_BND.dtype))
        unit_DD = torch.eye(width, dtype=u_BND.dtype, device=u_BND.device)
        return DenseKernel(
            k_BHNN=k_GNN.expand(batch, -1, -1, -1),
            v_HEF=unit_DD.reshape(groups, -1, width),
            o_HDE=self.out.weight.reshape(width, groups, -1).transpose(0, 1),
            b_D=self.out.bias,
        )

    @property
    def decodes(self) -> bool:
        """In a causal domain: the last r inputs are all that is needed."""
        return self.after == 0

    def start(self, batch: int) -> Any:
        """(position 0, the r inputs before the first one: zeros, (B, r, D))."""
        if not self.decodes:
            return super().start(batch)
        return 0, self.w_GNR.new_zeros(batch, self.before, self.out.in_features)

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Slide the window by one, and take the weights of that place."""
        if not self.decodes:
            return super().step(u_BD, state)
        n, past_BrD = state
        window_BRD = torch.cat([past_BrD, u_BD.unsqueeze(1)], 1)
        window_BRGE = window_BRD.reshape(*window_BRD.shape[:2], len(self.w_GNR), -1)
        h_BGE = torch.einsum("gr,brge->bge", self.w_GNR[:, n], window_BRGE)
        return self.out(h_BGE.flatten(1)), (n + 1, window_BRD[:, 1:])


class LocallyConnectedParams(KernelParams):
    """How far a window reaches, and how many sets of weights there are."""

    radius: Annotated[
        int,
        Field(ge=1, le=64, description="positions on each side; in a causal domain, past ones"),
        Values(1, 3),
    ]
    groups: Annotated[
        int,
        Field(ge=1, le=64, description="groups of channels, each with its own weights"),
        Values(4),
    ] = 4


@final
class LocallyConnectedFamily(KernelFamily[LocallyConnectedParams]):
    """Windows over sequences and grids of fixed shape, without shared weights."""

    Params: ClassVar[type[KernelParams]] = LocallyConnectedParams
    summary: ClassVar[str] = "a window with weights of its own at every position, not shared"
    source: ClassVar[str] = "doi 10.1109/CVPR.2014.220"

    most: ClassVar[int] = 1 << 24

    def bias(self, params: LocallyConnectedParams) -> Bias:
        """window(radius), with a rule of its own at every position."""
        return Bias(support=Support.WINDOW, radius=params.radius, sharing=Sharing.POSITION_SPECIFIC)

    def cost(self, site: Site, params: LocallyConnectedParams) -> Cost:
        """2 N D R and 2 N D²; taps beyond the border are counted, the zeros of the bands are not.

        Moved beside input, output and weights: the sums, in and out. Kept for the backward pass:
        input and sums, and the input of all examples in another order.
        """
        width, length = site.width, site.length
        taps = _taps(site, params.radius)
        each = 2 * width * taps + 2 * width**2
        weights = params.groups * length * taps + width**2 + width
        return Cost(
            flops=length * each,
            params=weights,
            state_bytes=4 * params.radius * width if site.causal else None,
            train_flops=3 * length * each,
            decode_flops=each if site.causal else None,
            traffic_bytes=4 * (4 * length * width + weights),
            activation_bytes=8 * length * width,
        )

    def build(self, site: Site, params: LocallyConnectedParams) -> LocallyConnected:
        """The operator."""
        return LocallyConnected(
            width=site.width,
            radius=params.radius,
            groups=params.groups,
            shape=site.domain.shape,
            causal=site.causal,
        )

    def refuses(self, site: Site, params: LocallyConnectedParams) -> str:
        """Positions must have neighbours and names, groups come out even, weights be few enough."""
        if site.domain.kind == "points":
            return "a point cloud has no neighbours in a row, so a window has no meaning on it"
        if site.width % params.groups:
            return f"{params.groups} groups do not divide width {site.width}"
        taps = _taps(site, params.radius)
        weights = params.groups * site.length * taps
        if weights > self.most:
            return (
                f"{taps} taps at {site.length} positions for {params.groups} groups are {weights} "
                f"weights, more than {self.most}"
            )
        return ""

    def normalize(self, site: Site, params: LocallyConnectedParams) -> LocallyConnectedParams:
        """A radius beyond the domain is cut to the largest one that still adds a neighbour."""
        reach = max(1, site.domain.extent - 1)
        return params.model_copy(update={"radius": min(params.radius, reach)})

    def morphisms(self, site: Site, params: LocallyConnectedParams) -> tuple[Morphism, ...]:
        """A wider window with zeros outside, and twice the groups with weights copied."""
        axes, after = len(site.domain.shape), 0 if site.causal else 1
        side = params.radius * (1 + after) + 1

        def widened(weights: Weights) -> dict[str, Tensor]:
            by_axis = weights["w_GNR"].reshape(params.groups, site.length, *[side] * axes)
            return {**weights, "w_GNR": F.pad(by_axis, (1, after) * axes).flatten(2)}

        def copied(weights: Weights) -> dict[str, Tensor]:
            return {**weights, "w_GNR": weights["w_GNR"].repeat_interleave(2, 0)}

        moves = []
        radius, groups = params.radius + 1, 2 * params.groups
        wider = params.model_copy(update={"radius": radius})
        if radius <= min(64, site.domain.extent - 1) and not self.refuses(site, wider):
            change = f"radius {params.radius} -> {radius}, zeros outside"
            moves.append(Morphism(wider, widened, change))
        more = params.model_copy(update={"groups": groups})
        if groups <= 64 and not self.refuses(site, more):
            change = f"groups {params.groups} -> {groups}, weights copied"
            moves.append(Morphism(more, copied, change))
        return tuple(moves)


def _taps(site: Site, radius: int) -> int:
    side = radius + 1 if site.causal else 2 * radius + 1
    taps: int = side ** len(site.domain.shape)
    return taps


FAMILY = LocallyConnectedFamily()
