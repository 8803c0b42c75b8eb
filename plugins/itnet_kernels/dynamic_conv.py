"""Dynamic convolution: every position says itself how its neighbours are to be weighed.

    s[n, h, o] = t_ho · u[n] + c_ho                    for each head h a score of every tap o
    a[n, h, ·] = softmax_o s[n, h, o], or s itself     over the neighbours that are there
    h[n, h] = Σ_o a[n, h, o] V_h u[n + o] + c_h,       y = W h + b

    o runs over |o| ≤ r; in a causal domain over −r ≤ o ≤ 0; on a grid over both axes.

With softmax a window that meets the border, or a position that is not real, shares its weight among
the neighbours that are left. Without it, on a grid, this is involution.

Axes    window(r) support · translation-shared · no state · one-sided content (amplitude)
Source  dynamic convolution arXiv 1901.10430, involution arXiv 2103.06255
Shapes  B examples, N positions, D channels, H heads, E = D / H channels of a head,
        R taps: 2r+1, causal r+1, on a grid (2r+1)²
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn

from itnet_nas.axes import Bias, Content, Entry, Sharing, Support
from itnet_nas.integral.bands import window_pairs, window_real, window_sum
from itnet_nas.integral.dense import DenseKernel, with_one
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.positions import domain_shape
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


@final
class DynamicConv(Operator):
    """`shape` has one size on a sequence, which is not used, and two on a grid."""

    def __init__(
        self,
        width: int,
        radius: int,
        heads: int,
        softmax: bool,
        shape: tuple[int, ...],
        causal: bool,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.softmax = softmax
        self.shape = shape
        self.before = radius
        self.after = 0 if causal else radius
        taps = (self.before + self.after + 1) ** len(shape)
        self.value = nn.Linear(width, width)
        self.score = nn.Linear(width, heads * taps)
        self.out = nn.Linear(width, width)
        # Scores of white noise vary by 1, half by the content. Their softmax e^s / Σ e^s has a mean
        # square of about e / R², which is made good for on the way out.
        spread = 1.0 if softmax else taps**-0.5
        nn.init.normal_(self.score.weight, std=spread * (2 * width) ** -0.5)
        nn.init.normal_(self.score.bias, std=spread * 0.5**0.5)
        loud = max(1.0, (taps / math.e) ** 0.5) if softmax else 1.0
        nn.init.normal_(self.value.weight, std=width**-0.5)
        nn.init.normal_(self.out.weight, std=loud * width**-0.5)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """A sum over the window by products of bands, so that no neighbour is copied R times."""
        u_BND = zero_masked(u_BND, mask_BN)
        shape = domain_shape(self.shape, u_BND.shape[1])
        v_BND = zero_masked(self.value(u_BND), mask_BN)
        v_BNHE = v_BND.reshape(*v_BND.shape[:2], self.heads, -1)
        a_BNHR = self._scores(u_BND)
        if self.softmax:
            there_BN = mask_BN
            if there_BN is None:
                there_BN = torch.ones(1, u_BND.shape[1], dtype=torch.bool, device=u_BND.device)
            a_BNHR = _softmax(a_BNHR, window_real(there_BN, shape, self.before, self.after))
        h_BNHE = window_sum(a_BNHR, v_BNHE, shape, self.before, self.after)
        return zero_masked(self.out(h_BNHE.flatten(2)), mask_BN)

    def _scores(self, u_BND: Tensor) -> Tensor:
        """s_BNHR."""
        s_BNHR: Tensor = self.score(u_BND).unflatten(-1, (self.heads, -1))
        return s_BNHR

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K^h[i, j] = Σ_o a[i, h, o] [x_j − x_i = o]; V has its bias beside it, on (u, 1)."""
        u_BND = zero_masked(u_BND, mask_BN)
        width = u_BND.shape[2]
        pair_RNN = window_pairs(
            domain_shape(self.shape, u_BND.shape[1]), self.before, self.after, u_BND.device
        )
        score_BHNN = torch.einsum("bihr,rij->bhij", self._scores(u_BND), pair_RNN.to(u_BND.dtype))
        near_BHNN = pair_RNN.any(0).expand_as(score_BHNN)
        if mask_BN is not None:
            near_BHNN = near_BHNN & mask_BN[:, None, None, :]
        if self.softmax:
            share_BHNN = score_BHNN.exp() * near_BHNN
            total_BHN1 = share_BHNN.sum(-1, keepdim=True)
            k_BHNN = share_BHNN / total_BHN1.masked_fill(total_BHN1 == 0, 1)
        else:
            k_BHNN = score_BHNN * near_BHNN
        v_DF = torch.cat([self.value.weight, self.value.bias.unsqueeze(1)], 1)
        return DenseKernel(
            k_BHNN=k_BHNN,
            v_HEF=v_DF.reshape(self.heads, -1, width + 1),
            o_HDE=self.out.weight.reshape(width, self.heads, -1).transpose(0, 1),
            b_D=self.out.bias,
            field_BNF=with_one(u_BND),
        )

    @property
    def decodes(self) -> bool:
        """In a causal domain: the last r values are all that is needed."""
        return self.after == 0

    def start(self, batch: int) -> Any:
        """(position 0, no values yet): the values before the first are zeros, (B, r, D)."""
        if not self.decodes:
            return super().start(batch)
        return 0, self.value.weight.new_zeros(batch, self.before, self.value.out_features)

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Slide the window by one; taps before the first position take no part."""
        if not self.decodes:
            return super().step(u_BD, state)
        n, past_BrD = state
        v_BRD = torch.cat([past_BrD, self.value(u_BD).unsqueeze(1)], 1)
        s_BHR = self.score(u_BD).reshape(len(u_BD), self.heads, -1)
        if self.softmax:
            missing = max(0, self.before - n)
            share_BHR = s_BHR[..., missing:].softmax(-1)
            s_BHR = torch.cat([torch.zeros_like(s_BHR[..., :missing]), share_BHR], -1)
        v_BRHE = v_BRD.reshape(*v_BRD.shape[:2], self.heads, -1)
        h_BHE = torch.einsum("bhr,brhe->bhe", s_BHR, v_BRHE)
        return self.out(h_BHE.flatten(1)), (n + 1, v_BRD[:, 1:])


def _softmax(s_BNHR: Tensor, real_BNR: Tensor) -> Tensor:
    """Over the taps that look at something real; `real` may have one example for all.

    With positions last a softmax over a few taps takes a sixth of the time.
    """
    s_BHRN = s_BNHR.permute(0, 2, 3, 1).contiguous()
    # A finite floor: a position that is not real may have no real neighbour at all.
    floor = torch.finfo(s_BHRN.dtype).min
    a_BHRN = s_BHRN.masked_fill(~real_BNR.mT.unsqueeze(1), floor).softmax(2)
    return a_BHRN.permute(0, 3, 1, 2)


class DynamicConvParams(KernelParams):
    """How far a window reaches, by how many heads, and what becomes of the scores."""

    radius: Annotated[
        int,
        Field(ge=1, le=64, description="positions on each side; in a causal domain, past ones"),
        Values(1, 3, 6),
    ]
    heads: Annotated[
        int,
        Field(ge=1, le=64, description="groups of channels with weights of their own"),
        Values(4),
    ] = 4
    taps: Annotated[
        Literal["softmax", "linear"],
        Field(description="softmax: weights that sum to 1; linear: the scores as they are"),
        Values("softmax"),
    ] = "softmax"


@final
class DynamicConvFamily(KernelFamily[DynamicConvParams]):
    """Convolutions over sequences and grids whose weights each position makes for itself."""

    Params: ClassVar[type[KernelParams]] = DynamicConvParams
    summary: ClassVar[str] = "a window whose weights each position makes from its own content"
    source: ClassVar[str] = "arXiv 1901.10430; on grids arXiv 2103.06255"

    def bias(self, params: DynamicConvParams) -> Bias:
        """window(radius), shared by translation, weighed by what stands in the middle."""
        return Bias(
            support=Support.WINDOW,
            radius=params.radius,
            sharing=Sharing.TRANSLATION,
            content=Content.ONE_SIDED,
            entry=(Entry.AMPLITUDE,),
        )

    def cost(self, site: Site, params: DynamicConvParams) -> Cost:
        """Maps 4 N D², scores 2 N D H R, softmax 4 N H R, the sum over the window 2 N D R.

        Taps beyond the border are counted, the zeros of the bands are not. Moved beside input,
        output and weights: values, sums and scores, in and out, and the softmax of those. Kept for
        the backward pass: input, values, sums, and the weights of the taps.
        """
        width, length, heads = site.width, site.length, params.heads
        taps = _taps(site, params.radius)
        softmax = params.taps == "softmax"
        each = 4 * width**2 + 2 * width * heads * taps + 2 * width * taps
        each += 4 * heads * taps if softmax else 0
        weights = 2 * (width**2 + width) + heads * taps * (width + 1)
        passes = 4 if softmax else 2
        return Cost(
            flops=length * each,
            params=weights,
            state_bytes=4 * params.radius * width if site.causal else None,
            train_flops=3 * length * each,
            decode_flops=each if site.causal else None,
            traffic_bytes=4 * (length * (6 * width + passes * heads * taps) + weights),
            activation_bytes=4 * length * (3 * width + heads * taps),
        )

    def build(self, site: Site, params: DynamicConvParams) -> DynamicConv:
        """The operator."""
        return DynamicConv(
            width=site.width,
            radius=params.radius,
            heads=params.heads,
            softmax=params.taps == "softmax",
            shape=site.domain.shape,
            causal=site.causal,
        )

    def refuses(self, site: Site, params: DynamicConvParams) -> str:
        """A window needs positions in rows, and heads must come out even."""
        if site.domain.kind == "points":
            return "a point cloud has no neighbours in a row, so a window has no meaning on it"
        if site.width % params.heads:
            return f"{params.heads} heads do not divide width {site.width}"
        return ""

    def normalize(self, site: Site, params: DynamicConvParams) -> DynamicConvParams:
        """A radius beyond the domain is cut to the largest one that still adds a neighbour."""
        reach = max(1, site.domain.extent - 1)
        return params.model_copy(update={"radius": min(params.radius, reach)})

    def morphisms(self, site: Site, params: DynamicConvParams) -> tuple[Morphism, ...]:
        """Twice the heads, with scores copied; without softmax a wider window, scored 0.

        With softmax a new tap would take its weight from the others.
        """
        moves = []
        axes = len(site.domain.shape)
        after = 0 if site.causal else 1
        side = params.radius * (1 + after) + 1

        def by_head(weights: Weights) -> dict[str, Tensor]:
            """Scores as (H, taps along each axis, D or 1)."""
            shape = (params.heads, *[side] * axes, -1)
            return {name: weights[name].reshape(shape) for name in ("score.weight", "score.bias")}

        def like(weights: Weights, scores: dict[str, Tensor]) -> dict[str, Tensor]:
            bias = scores["score.bias"].flatten()
            weight = scores["score.weight"].flatten(0, axes)
            return {**weights, "score.weight": weight, "score.bias": bias}

        def copied(weights: Weights) -> dict[str, Tensor]:
            return like(
                weights, {n: s.repeat_interleave(2, 0) for n, s in by_head(weights).items()}
            )

        def widened(weights: Weights) -> dict[str, Tensor]:
            rest = (0, 0, *(1, after) * axes)
            return like(
                weights, {n: nn.functional.pad(s, rest) for n, s in by_head(weights).items()}
            )

        heads = 2 * params.heads
        if heads <= 64 and site.width % heads == 0:
            more = params.model_copy(update={"heads": heads})
            moves.append(Morphism(more, copied, f"heads {params.heads} -> {heads}, scores copied"))
        radius = params.radius + 1
        if params.taps == "linear" and radius <= min(64, site.domain.extent - 1):
            wider = params.model_copy(update={"radius": radius})
            change = f"radius {params.radius} -> {radius}, zeros outside"
            moves.append(Morphism(wider, widened, change))
        return tuple(moves)


def _taps(site: Site, radius: int) -> int:
    side = radius + 1 if site.causal else 2 * radius + 1
    taps: int = side ** len(site.domain.shape)
    return taps


FAMILY = DynamicConvFamily()
