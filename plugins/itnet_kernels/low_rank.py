"""Low rank: positions meet through a few numbers, so the kernel is global and smooth.

    K^h[i, j] = s_h n_i^(−p_h) Σ_r φ^h_r(i) ψ^h_r(j)          r = 1 … R
    y[i] = O concat_h Σ_j K^h[i, j] V_h u[j] + W u[i] + b
    (φ, ψ)(i) = A gelu(C u[i] + P (√2 cos ω x_i, √2 sin ω x_i) + c) + a

    reads "content"    no P: blind to positions
          "position"   no C: the kernel is a fixed matrix
          "both"

n_i counts the positions that i sees. p = 1 makes their mean, p = ½ keeps white noise equally loud
however many they are; it is learned, from ½ on. x runs from 0 to 1 along a sequence or the longer
axis of a grid, or is where a point stands. ω is learned too. In a causal domain j ≤ i.

R is a bias, not a precision: whatever passes between positions passes through R numbers for each
channel. Of 1,024 positions, the best matrix of rank 16 misses 3 % of what a fresh MLP of u[i], u[j]
and x_i − x_j gives, 19 % of a flat softmax (scores of deviation ½), but 77 % of a sharp one
(deviation 2) and 76 % of a Gaussian window of σ = 8 positions.

Axes    full support · permutation-shared without positions, else position-specific · linear(R)
        state · pair content (amplitude) or none
Source  ITNet (arXiv 2606.19538), low-rank evaluation
Shapes  B examples, N positions, D channels, H heads, R rank, E = D / H channels of a head,
        A coordinates, F frequencies, M hidden numbers of the feature map
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.integral.dense import DenseKernel
from itnet_nas.integral.low_rank import (
    FREQUENCIES,
    FeatureMap,
    low_rank_evaluations,
    low_rank_mix,
    low_rank_work,
)
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.positions import coordinates
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.integral.evaluation import Evaluation


@final
class LowRank(Operator):
    """`shape` is that of the site; `axes` is A, 0 where nothing is known of positions."""

    undecayed: ClassVar[tuple[str, ...]] = ("omega_AF", "scale_H", "power_H")

    def __init__(
        self,
        width: int,
        heads: int,
        rank: int,
        reads: str,
        shape: tuple[int, ...],
        axes: int,
        causal: bool,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.shape = shape
        self.causal = causal
        self.features = FeatureMap(width, heads, rank, reads != "position", axes)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)
        self.local = nn.Linear(width, width, bias=False)
        # White noise comes out with a variance of 1/2 from the integral and 1/2 from W u.
        for layer, loud in ((self.value, 1.0), (self.out, 0.5), (self.local, 0.5)):
            nn.init.normal_(layer.weight, std=math.sqrt(loud / width))
        nn.init.zeros_(self.out.bias)
        # Where ψ reads u, ψ and v are alike, and their sum grows faster than that of white noise.
        alike = {"content": 0.5, "position": 0.0, "both": 0.25}[reads]
        scale = (1 + alike * math.prod(shape) / width) ** -0.5
        self.scale_H = nn.Parameter(torch.full((heads,), scale))
        self.power_H = nn.Parameter(torch.full((heads,), 0.5))

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """By sums of R numbers for each channel; no pair is formed but inside a chunk."""
        u_BND = zero_masked(u_BND, mask_BN)
        phi, psi = self.features(u_BND, self._places(u_BND, mask_BN, x_BNA))
        v_BHNE = self.value(u_BND).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        mixed_BHNE = low_rank_mix(phi, psi, v_BHNE, self.causal)
        mixed_BHNE = mixed_BHNE * self._measure(self._seen(u_BND, mask_BN))
        y_BND = self.out(mixed_BHNE.transpose(1, 2).flatten(2)) + self.local(u_BND)
        return zero_masked(y_BND, mask_BN)

    def _places(self, u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        if x_BNA is not None:
            return zero_masked(x_BNA, mask_BN)
        shape = self.shape if len(self.shape) == 2 else (u_BND.shape[1],)
        x_NA = coordinates(shape, u_BND.device).to(self.scale_H.dtype)
        return x_NA.unsqueeze(0) / max(self.shape)

    def _seen(self, u_BND: Tensor, mask_BN: Tensor | None) -> Tensor:
        """n_XN: how many positions each one sees; (X, 1) where it is the same for all of them."""
        real_XN = torch.ones_like(u_BND[:1, :, 0]) if mask_BN is None else mask_BN
        real_XN = real_XN.to(self.scale_H.dtype)
        return real_XN.cumsum(1) if self.causal else real_XN.sum(1, keepdim=True)

    def _measure(self, n_XN: Tensor) -> Tensor:
        """s_h n^(−p_h), (X, H, N, 1)."""
        log_n_X1N = n_XN.clamp(min=1).log().unsqueeze(1)
        return (self.scale_H[:, None] * torch.exp(-self.power_H[:, None] * log_n_X1N)).unsqueeze(-1)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K pair by pair; W is the local part."""
        batch, length, _ = u_BND.shape
        u_BND = zero_masked(u_BND, mask_BN)
        phi, psi = self.features(u_BND, self._places(u_BND, mask_BN, x_BNA))
        sees_BNN = torch.ones(batch, length, length, dtype=torch.bool, device=u_BND.device)
        if self.causal:
            sees_BNN = sees_BNN.tril()
        if mask_BN is not None:
            sees_BNN = sees_BNN & mask_BN.unsqueeze(1)
        k_BHNN = torch.einsum("bhir,bhjr->bhij", phi, psi) * sees_BNN.unsqueeze(1)
        width, size = u_BND.shape[2], u_BND.shape[2] // self.heads
        return DenseKernel(
            k_BHNN * self._measure(sees_BNN.sum(-1).to(u_BND.dtype)),
            v_HEF=self.value.weight.reshape(self.heads, size, width),
            o_HDE=self.out.weight.reshape(width, self.heads, size).transpose(0, 1),
            w_DD=self.local.weight,
            b_D=self.out.bias,
        )

    @property
    def decodes(self) -> bool:
        """In a causal domain, with R numbers for each channel."""
        return self.causal

    def start(self, batch: int) -> Any:
        """(position 0, empty sums (B, H, R, E))."""
        if not self.causal:
            return super().start(batch)
        size = self.out.in_features // self.heads
        return 0, self.scale_H.new_zeros(batch, self.heads, self.features.rank, size)

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Take ψ vᵀ into the sum, then read it by φ."""
        if not self.causal:
            return super().step(u_BD, state)
        n, sum_BHRE = state
        u_B1D, x_111 = u_BD.unsqueeze(1), self.scale_H.new_full((1, 1, 1), n / max(self.shape))
        phi, psi = self.features(u_B1D, x_111)
        v_BH1E = self.value(u_B1D).unflatten(-1, (self.heads, -1)).transpose(1, 2)
        sum_BHRE = sum_BHRE + psi.mT * v_BH1E
        mixed_BH1E = phi.to(sum_BHRE.dtype) @ sum_BHRE
        mixed_BH1E = mixed_BH1E * self._measure(self.scale_H.new_full((1, 1), n + 1))
        return self.out(mixed_BH1E.flatten(1)) + self.local(u_BD), (n + 1, sum_BHRE)


class LowRankParams(KernelParams):
    """How many numbers pass, how many kernels there are, and what they read."""

    rank: Annotated[
        int,
        Field(ge=1, le=256, description="numbers for each channel through which positions meet"),
        Values(8, 32),
    ]
    heads: Annotated[int, Field(ge=1, le=64, description="must divide the width"), Values(4)] = 4
    reads: Annotated[
        Literal["content", "position", "both"],
        Field(description="what the kernel depends on"),
        Values("content", "both"),
    ] = "both"


@final
class LowRankFamily(KernelFamily[LowRankParams]):
    """Global, smooth kernels over any domain."""

    Params: ClassVar[type[KernelParams]] = LowRankParams
    summary: ClassVar[str] = "global and smooth: positions meet through a few numbers, linear time"
    source: ClassVar[str] = "arXiv 2606.19538, low-rank evaluation"

    def bias(self, params: LowRankParams) -> Bias:
        """Everything, through R numbers for each channel: they are the state where there is order.

        On grids and sets they are the only way from one part of the domain to another.
        """
        fixed = params.reads == "position"
        return Bias(
            support=Support.FULL,
            sharing=Sharing.PERMUTATION if params.reads == "content" else Sharing.POSITION_SPECIFIC,
            state=State.LINEAR,
            state_size=params.rank,
            content=Content.NONE if fixed else Content.PAIR,
            entry=() if fixed else (Entry.AMPLITUDE,),
        )

    def build(self, site: Site, params: LowRankParams) -> LowRank:
        """The operator."""
        axes = 0 if params.reads == "content" else site.domain.dimensions
        heads, rank, reads, shape = params.heads, params.rank, params.reads, site.domain.shape
        return LowRank(site.width, heads, rank, reads, shape, axes, site.causal)

    def cost(self, site: Site, params: LowRankParams) -> Cost:
        """Linear maps 2 N G, angles 2 N A F, `low_rank_work` for the mixing, and N D for the scale.

        G = D² (4 with content, else 3) + 2 D F with positions + 2 D H R weights. Training takes
        three times as much, since every factor of every product has a gradient. A step takes 2 G,
        2 A F, 4 R D for the sums and their reading, and D.
        """
        width, length, heads, rank = site.width, site.length, params.heads, params.rank
        squares = 3 if params.reads == "position" else 4
        waves = 0 if params.reads == "content" else FREQUENCIES
        axes = site.domain.dimensions if waves else 0
        weights = squares * width**2 + 2 * waves * width + 2 * width * heads * rank
        each = 2 * weights + 2 * axes * waves + width
        work = low_rank_work(length, heads, rank, width // heads, site.causal)
        flops = length * each + work.flops
        written = length * (6 * width + 2 * heads * rank + 3 * waves) + work.written
        kept = length * (5 * width + 3 * waves + axes) + work.kept
        count = weights + 2 * width + 2 * heads * rank + 2 * heads + axes * waves
        return Cost(
            flops=flops,
            params=count,
            state_bytes=4 * rank * width if site.causal else None,
            train_flops=3 * flops,
            decode_flops=each + 4 * rank * width if site.causal else None,
            traffic_bytes=4 * (2 * length * width + count + 2 * written),
            activation_bytes=4 * kept,
        )

    def refuses(self, site: Site, params: LowRankParams) -> str:
        """Heads must come out even, and positions must be known to be read."""
        if site.width % params.heads:
            return f"{params.heads} heads do not divide width {site.width}"
        if params.reads != "content" and not site.domain.dimensions:
            return "a bare set has no positions that a kernel could read"
        return ""

    def normalize(self, site: Site, params: LowRankParams) -> LowRankParams:
        """A map of D hidden numbers and a constant has no more than D + 1 features of its own."""
        return params.model_copy(update={"rank": min(params.rank, site.width + 1)})

    def evaluations(
        self, site: Site, params: LowRankParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """One sum, all pairs of a short past, or chunks of it."""
        del params, device
        return low_rank_evaluations(site.length, site.causal)

    def morphisms(self, site: Site, params: LowRankParams) -> tuple[Morphism, ...]:
        """Twice the rank, the new φ being 0; and reading what was not read, by zero columns."""
        found = []
        twice = params.model_copy(update={"rank": 2 * params.rank})
        if twice.rank <= 256 and self.normalize(site, twice) == twice:
            change = f"rank {params.rank} -> {twice.rank}, new features read by nobody yet"
            found.append(Morphism(twice, partial(_twice, heads=params.heads), change))
        both = params.model_copy(update={"reads": "both"})
        if params.reads != "both" and not self.refuses(site, both):
            change = f"reads {params.reads} -> both, with zeros"
            axes = site.domain.dimensions if params.reads == "content" else 0
            found.append(Morphism(both, partial(_both, axes=axes), change))
        return tuple(found)


def _twice(weights: Weights, heads: int) -> dict[str, Tensor]:
    """φ: 0 for the new numbers. ψ: rows of the old ones moved along by one, ready to be read."""
    carried = dict(weights)
    for name in ("features.last.weight", "features.last.bias"):
        old = carried[name]
        phi, psi = old.reshape(2, heads, -1, *old.shape[1:])
        wide = torch.cat([phi, torch.zeros_like(phi)], 1), torch.cat([psi, psi.roll(1, -1)], 1)
        carried[name] = torch.stack(wide).flatten(0, 2)
    return carried


def _both(weights: Weights, axes: int) -> dict[str, Tensor]:
    """A map of zeros for what is new; the frequencies are drawn, always the same ones."""
    carried = dict(weights)
    like = carried["features.c_M"]
    if axes:
        carried["features.place.weight"] = like.new_zeros(len(like), 2 * FREQUENCIES)
        drawn = torch.randn(axes, FREQUENCIES, generator=torch.Generator().manual_seed(0))
        carried["features.omega_AF"] = 2 * math.pi * drawn.to(like)
    else:
        carried["features.content.weight"] = like.new_zeros(len(like), len(like))
    return carried


FAMILY = LowRankFamily()
