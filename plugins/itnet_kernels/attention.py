"""Attention: every position weighs the others by what stands there.

    y[i] = W_o concat_h Σ_j softmax_j( q_i·k_j / √E + p(i, j) ) v_j + b,     (q, k, v) = W u + c

    position "none"     p = 0: blind to positions
             "alibi"    p = −m_h dist(i, j)
             "rotary"   q and k are turned by angles that grow with the position
    window r            only j with dist(i, j) ≤ r

In a causal domain j ≤ i. On a grid dist is the larger of the row and column distance (a window is
a square) and rotary is axial. `itnet_nas.integral.positions` has the formulas, `.attending` the
ways to compute them. On points, places or none, it is blind: `point_attention` reads their places.

Axes    full or window(r) support · permutation-shared without position or window, else translation
        · no state · pair content (amplitude)
Source  arXiv 1706.03762; ALiBi 2108.12409; rotary 2104.09864
Shapes  B examples, N positions, D channels, H heads, E = D / H channels of a head
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Content, Entry, Sharing, Support
from itnet_nas.integral.attending import (
    Sight,
    attend,
    attention_evaluations,
    attention_loudness,
    attention_work,
    softmax_over,
)
from itnet_nas.integral.dense import DenseKernel, with_one
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.positions import (
    alibi_slopes,
    coordinates,
    distances,
    rotary_angles,
    rotate,
)
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site, Values
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.integral.evaluation import Evaluation


@final
class Attention(Operator):
    """`shape` is that of the site: white noise of this size comes out about as loud as it is."""

    def __init__(
        self,
        width: int,
        heads: int,
        position: str,
        window: int | None,
        shape: tuple[int, ...],
        causal: bool,
    ) -> None:
        super().__init__()
        self.heads = heads
        self.position = position
        self.window = window
        self.shape = shape
        self.causal = causal
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        # The mean of many positions is quiet. To make it loud again is to amplify what is common to
        # all of them: so not beyond 4.
        gain = min(4, 1 / attention_loudness(self.sight))
        nn.init.normal_(self.qkv.weight, std=width**-0.5)
        nn.init.normal_(self.out.weight, std=gain * width**-0.5)
        for layer in (self.qkv, self.out):
            nn.init.zeros_(layer.bias)

    @property
    def sight(self) -> Sight:
        """What a query sees."""
        return Sight(self.shape, self.causal, self.window, self.position == "alibi")

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Fused softmax attention; in blocks where a window is much smaller than the domain."""
        q, k, v = self._project(zero_masked(u_BND, mask_BN))
        y_BHNE = attend(q, k, v, self.sight, mask_BN)
        return zero_masked(self.out(y_BHNE.transpose(1, 2).flatten(2)), mask_BN)

    def _project(self, u_BND: Tensor, first: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """q, k and v, each (B, H, N, E), turned by their positions; in a step that is `first`."""
        heads_BN3HE = self.qkv(u_BND).unflatten(-1, (3, self.heads, -1))
        q, k, v = heads_BN3HE.permute(2, 0, 3, 1, 4)
        if self.position == "rotary":
            x_NA = self._places(u_BND) if first is None else coordinates((1,), u_BND.device) + first
            angle_NP = rotary_angles(x_NA, q.shape[-1], q)
            q, k = rotate(q, angle_NP), rotate(k, angle_NP)
        return q, k, v

    def _places(self, u_BND: Tensor) -> Tensor:
        shape = self.shape if len(self.shape) == 2 else (u_BND.shape[1],)
        return coordinates(shape, u_BND.device)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K is the softmax, over what may be seen; V has its bias beside it, on (u, 1)."""
        u_BND = zero_masked(u_BND, mask_BN)
        width = u_BND.shape[2]
        q, k, _ = self._project(u_BND)
        dist_NN = distances(self._places(u_BND))
        score_BHNN = q @ k.mT / math.sqrt(q.shape[-1])
        if self.position == "alibi":
            score_BHNN = score_BHNN - alibi_slopes(self.heads, q)[:, None, None] * dist_NN
        sees_BHNN = torch.ones_like(score_BHNN, dtype=torch.bool)
        if self.causal:
            sees_BHNN = sees_BHNN.tril()
        if self.window is not None:
            sees_BHNN = sees_BHNN & (dist_NN <= self.window)
        if mask_BN is not None:
            sees_BHNN = sees_BHNN & mask_BN[:, None, None, :]
        v_DF = torch.cat([self.qkv.weight, self.qkv.bias.unsqueeze(1)], 1)[-width:]
        return DenseKernel(
            k_BHNN=softmax_over(score_BHNN, sees_BHNN),
            v_HEF=v_DF.reshape(self.heads, -1, width + 1),
            o_HDE=self.out.weight.reshape(width, self.heads, -1).transpose(0, 1),
            b_D=self.out.bias,
            field_BNF=with_one(u_BND),
        )

    @property
    def decodes(self) -> bool:
        """In a causal domain, with a cache: of all keys and values, or of the last `window`."""
        return self.causal

    def start(self, batch: int) -> Any:
        """(position 0, no keys, no values)."""
        if not self.causal:
            return super().start(batch)
        empty = self.qkv.weight.new_zeros(batch, self.heads, 0, self.out.in_features // self.heads)
        return 0, empty, empty

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One query over the cache and its own key."""
        if not self.causal:
            return super().step(u_BD, state)
        n, k_cache, v_cache = state
        q, k, v = self._project(u_BD.unsqueeze(1), n)
        k, v = torch.cat([k_cache, k], 2), torch.cat([v_cache, v], 2)
        bias = None
        if self.position == "alibi":
            gap_K = torch.arange(k.shape[2] - 1, -1, -1, device=q.device, dtype=q.dtype)
            bias = -alibi_slopes(self.heads, q)[:, None, None] * gap_K
        y_BHE = F.scaled_dot_product_attention(q, k, v, attn_mask=bias).squeeze(2)
        if self.window is not None:
            k, v = k[:, :, -self.window :], v[:, :, -self.window :]
        return self.out(y_BHE.flatten(1)), (n + 1, k, v)


class AttentionParams(KernelParams):
    """Heads, what they know of positions, and how far they look."""

    heads: Annotated[int, Field(ge=1, le=64, description="must divide the width"), Values(2, 4)]
    position: Annotated[
        Literal["none", "alibi", "rotary"],
        Field(description="what the scores know of positions"),
        Values("none", "rotary"),
    ] = "none"
    window: Annotated[
        Annotated[int, Field(ge=1, le=4096)] | None,
        Field(description="positions seen on each side; null: all"),
        Values(None),
    ] = None


@final
class AttentionFamily(KernelFamily[AttentionParams]):
    """Softmax attention over any domain."""

    Params: ClassVar[type[KernelParams]] = AttentionParams
    summary: ClassVar[str] = "softmax attention, full or in a window; no position, ALiBi or rotary"
    source: ClassVar[str] = "arXiv 1706.03762"

    def bias(self, params: AttentionParams) -> Bias:
        """A window moves with its centre, so it is no longer blind to positions."""
        blind = params.position == "none" and params.window is None
        return Bias(
            support=Support.FULL if params.window is None else Support.WINDOW,
            radius=params.window,
            sharing=Sharing.PERMUTATION if blind else Sharing.TRANSLATION,
            content=Content.PAIR,
            entry=(Entry.AMPLITUDE,),
        )

    def cost(self, site: Site, params: AttentionParams) -> Cost:
        """Maps 8 N D², rotary 6 N D, and what `attention_work` says of the pairs.

        Training takes three times the maps, and turns twice. A step: maps 8 D², rotary 6 D, and the
        pairs of the last position. Moved beside input, output and weights: q, k, v and y, with
        rotary the turned q and k. Kept: input, q, k, v and y, with rotary the turned q and k.
        """
        width, length = site.width, site.length
        rotary = params.position == "rotary"
        work = attention_work(_sight(site, params), params.heads, width // params.heads)
        maps, turns = 8 * width**2, 6 * width if rotary else 0
        kept = length if params.window is None else min(length, params.window)
        weights = 4 * width**2 + 4 * width
        moved = length * width * (14 if rotary else 10) + weights + work.moved
        return Cost(
            flops=length * (maps + turns) + work.flops,
            params=weights,
            state_bytes=8 * kept * width if site.causal else None,
            train_flops=length * (3 * maps + 2 * turns) + work.train_flops,
            decode_flops=maps + turns + work.decode_flops if site.causal else None,
            traffic_bytes=4 * moved,
            activation_bytes=4 * (length * width * (4 if rotary else 1) + work.kept),
        )

    def build(self, site: Site, params: AttentionParams) -> Attention:
        """The operator."""
        return Attention(
            width=site.width,
            heads=params.heads,
            position=params.position,
            window=params.window,
            shape=site.domain.shape,
            causal=site.causal,
        )

    def refuses(self, site: Site, params: AttentionParams) -> str:
        """Heads must come out even, turns need pairs of channels, distances need an order."""
        if site.width % params.heads:
            return f"{params.heads} heads do not divide width {site.width}"
        if site.domain.kind == "points":
            if params.position != "none":
                return f"points stand in no order, so {params.position} has no positions to use"
            if params.window is not None:
                return "points stand in no order, so a window has no meaning on them"
        size = site.width // params.heads
        factor = 4 if site.domain.kind == "grid" else 2
        if params.position == "rotary" and size % factor:
            return (
                f"rotary on a {site.domain.kind} needs heads of a multiple of {factor} channels, "
                f"and {params.heads} heads of width {site.width} have {size}"
            )
        return ""

    def evaluations(
        self, site: Site, params: AttentionParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """One fused pass, with or without something added, or blocks."""
        return attention_evaluations(_sight(site, params), site.width // params.heads, device)

    def normalize(self, site: Site, params: AttentionParams) -> AttentionParams:
        """A window that reaches every position is none."""
        if params.window is not None and params.window >= site.domain.extent - 1:
            return params.model_copy(update={"window": None})
        return params


def _sight(site: Site, params: AttentionParams) -> Sight:
    return Sight(site.domain.shape, site.causal, params.window, params.position == "alibi")


FAMILY = AttentionFamily()
