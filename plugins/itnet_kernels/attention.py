"""Attention: every position weighs the others by what stands there.

    y[i] = W_o concat_h Σ_j softmax_j( q_i·k_j / √E + p(i, j) ) v_j + b,     (q, k, v) = W u + c

    position "none"     p = 0: blind to positions
             "alibi"    p = −m_h dist(i, j)
             "rotary"   q and k are turned by angles that grow with the position
    window r            only j with dist(i, j) ≤ r, on a sequence evaluated in memory O(N·r)

In a causal domain j ≤ i. On a grid dist is the larger of the row and column distance (a window is
a square) and rotary is axial. `itnet_nas.integral.positions` has the formulas.

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
from itnet_nas.integral.masks import real_positions, zero_masked
from itnet_nas.integral.positions import (
    alibi_bias,
    alibi_slopes,
    coordinates,
    distances,
    rotary_angles,
    rotate,
)
from itnet_nas.integral.windows import band_pairs, window_attention
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site, Values
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


@final
class Attention(Operator):
    """`shape` has one size on a sequence or a set, which is not used, and two on a grid."""

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

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Fused softmax attention; in blocks where a window lies on a sequence."""
        q, k, v = self._project(zero_masked(u_BND, mask_BN))
        x_NA = self._places(u_BND)
        if self.position == "rotary":
            angle_NP = rotary_angles(x_NA, q.shape[-1], q)
            q, k = rotate(q, angle_NP), rotate(k, angle_NP)
        if self.window is not None and len(self.shape) == 1:
            slope_H = alibi_slopes(self.heads, q) if self.position == "alibi" else None
            y = window_attention(q, k, v, self.window, self.causal, mask_BN, slope_H)
        elif mask_BN is None and self.window is None and self.position != "alibi":
            y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        else:
            y = F.scaled_dot_product_attention(q, k, v, attn_mask=self._allowed(q, x_NA, mask_BN))
        return zero_masked(self.out(y.transpose(1, 2).flatten(2)), mask_BN)

    def _project(self, u_BND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """q, k and v, each (B, H, N, E)."""
        heads_BN3HE = self.qkv(u_BND).reshape(*u_BND.shape[:2], 3, self.heads, -1)
        q, k, v = heads_BN3HE.permute(2, 0, 3, 1, 4)
        return q, k, v

    def _places(self, u_BND: Tensor) -> Tensor:
        shape = self.shape if len(self.shape) == 2 else (u_BND.shape[1],)
        return coordinates(shape, u_BND.device)

    def _allowed(self, q_BHNE: Tensor, x_NA: Tensor, mask_BN: Tensor | None) -> Tensor:
        """Which keys a query sees, as booleans, or with ALiBi as what is added to the scores."""
        length = len(x_NA)
        allowed = torch.ones(1, 1, length, length, dtype=torch.bool, device=q_BHNE.device)
        if self.causal:
            allowed = allowed.tril()
        if self.window is not None:
            allowed = allowed & (distances(x_NA) <= self.window)
        if mask_BN is not None:
            allowed = allowed & mask_BN[:, None, None, :]
        # A masked query may see itself: its row is dropped later, but must not be empty.
        allowed = allowed | torch.eye(length, dtype=torch.bool, device=q_BHNE.device)
        if self.position != "alibi":
            return allowed
        return alibi_bias(x_NA, self.heads, q_BHNE).masked_fill(~allowed, -math.inf)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Query by query, over the keys that it may see."""
        q, k, v = self._project(zero_masked(u_BND, mask_BN))
        batch, heads, length, size = q.shape
        places = [tuple(int(a) for a in x) for x in self._places(u_BND)]
        if self.position == "rotary":
            q, k = self._turned(q, places), self._turned(k, places)
        examples = []
        for b in range(batch):
            real = real_positions(mask_BN, b, length)
            rows = [u_BND.new_zeros(heads * size)] * length
            for i in real:
                gap = {
                    j: max(abs(p - r) for p, r in zip(places[i], places[j], strict=True))
                    for j in real
                }
                seen = [
                    j
                    for j in real
                    if (j <= i or not self.causal)
                    and (self.window is None or gap[j] <= self.window)
                ]
                parts = []
                for h in range(heads):
                    score = k[b, h, seen] @ q[b, h, i] / size**0.5
                    if self.position == "alibi":
                        slope = 2 ** (-8 * (h + 1) / heads)
                        score = score - slope * score.new_tensor([gap[j] for j in seen])
                    parts.append(torch.softmax(score, 0) @ v[b, h, seen])
                rows[i] = self.out(torch.cat(parts))
            examples.append(torch.stack(rows))
        return zero_masked(torch.stack(examples), mask_BN)

    def _turned(self, q_BHNE: Tensor, places: list[tuple[int, ...]]) -> Tensor:
        """Rotary, pair by pair: (a, b) -> (a cos − b sin, a sin + b cos)."""
        axes = len(places[0])
        per_axis = q_BHNE.shape[-1] // 2 // axes
        base = 10000.0 if axes == 1 else 100.0
        rows = []
        for n, x in enumerate(places):
            channels: list[Tensor] = []
            for p in range(axes * per_axis):
                angle = x[p // per_axis] * base ** (-(p % per_axis) / per_axis)
                a_BH, b_BH = q_BHNE[:, :, n, 2 * p], q_BHNE[:, :, n, 2 * p + 1]
                channels.append(a_BH * math.cos(angle) - b_BH * math.sin(angle))
                channels.append(a_BH * math.sin(angle) + b_BH * math.cos(angle))
            rows.append(torch.stack(channels, -1))
        return torch.stack(rows, 2)

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
        q, k, v = self._project(u_BD.unsqueeze(1))
        if self.position == "rotary":
            angle_1P = rotary_angles(torch.tensor([[n]], device=q.device), q.shape[-1], q)
            q, k = rotate(q, angle_1P), rotate(k, angle_1P)
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
        """Maps 8 N D², and for each of P pairs of positions 4 D and a softmax of 4 H.

        P counts the pairs that the formula has: N², causal N(N+1)/2, in a window those within it,
        however many the evaluation meets. ALiBi adds 2 H P, rotary 6 N D.
        """
        width, length, shape = site.width, site.length, site.domain.shape
        pairs = 1
        for size in shape:
            radius = size - 1 if params.window is None else params.window
            pairs *= band_pairs(size, radius, site.causal)
        flops = 8 * length * width**2 + 4 * pairs * width + 4 * params.heads * pairs
        if params.position == "alibi":
            flops += 2 * params.heads * pairs
        if params.position == "rotary":
            flops += 6 * length * width
        kept = length if params.window is None else min(length, params.window)
        return Cost(
            flops=flops,
            params=4 * width**2 + 4 * width,
            state_bytes=8 * kept * width if site.causal else None,
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

    def normalize(self, site: Site, params: AttentionParams) -> AttentionParams:
        """A window that reaches every position is none."""
        if params.window is not None and params.window >= site.domain.extent - 1:
            return params.model_copy(update={"window": None})
        return params


FAMILY = AttentionFamily()
