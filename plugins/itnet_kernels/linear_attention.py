"""Linear attention: positions weigh each other by products of features, which sum up in a state.

    y[i] = W Σ_h O_h Σ_j K^h[i, j] v_h[j] + b,         (q, k, v) = W' u + c
    K^h[i, j] = γ_h^|i − j| φ(q_h[i])·φ(k_h[j]),       over all j, in a causal domain over j ≤ i

    features "elu"       φ(x) = elu(x) + 1, which is positive, and K^h[i, ·] is divided by its sum
             "identity"  φ(x) = x, and nothing is divided
    decay    "none"      γ_h = 1
             "fixed"     γ_h = 1 − 2^(−5 − h), h = 0 … H − 1

Since j enters by φ(k) v^T alone, the past of a position is a matrix of S x E numbers. Where every
position sees all others, one such matrix serves them all; else `itnet_nas.integral.linear_sums`
has one for each chunk, in float32 at least. A sum of less than 1e-6 is taken as 1e-6.

Axes    full support · permutation-shared, with decay translation-shared · linear(S) state
        · pair content (amplitude)
Source  "elu" without decay arXiv 2006.16236; "identity" with decay is retention, 2307.08621, but
        for its gate, its rotary turns and its norm of each head
Shapes  B examples, N positions, D channels, H heads, E = D / H channels of a head, S numbers of a
        query or key, X = E, or E + 1 where the sum of K stands beside the values
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.integral.dense import DenseKernel, with_one
from itnet_nas.integral.linear_sums import (
    fading_norms,
    linear_sum,
    linear_sum_evaluations,
    linear_sum_work,
)
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.precision import at_least_float32
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from itnet_nas.integral.evaluation import Evaluation


@final
class LinearAttention(Operator):
    """`length` is that of the site: white noise of this length comes out about as loud as it is."""

    smallest: ClassVar[float] = 1e-6

    def __init__(
        self, width: int, heads: int, state: int, elu: bool, fades: bool, length: int, causal: bool
    ) -> None:
        super().__init__()
        self.heads = heads
        self.state = state
        self.elu = elu
        self.fades = fades
        self.causal = causal
        self.qkv = nn.Linear(width, 2 * heads * state + width)
        self.out = nn.Linear(width, width)
        for layer in (self.qkv, self.out):
            nn.init.normal_(layer.weight, std=width**-0.5)
            nn.init.zeros_(layer.bias)
        loud_H = self._loudness(length)
        # The mean of a long sequence is quiet. To make it loud again is to amplify what is common
        # to all positions, and the first ones of a causal sequence: so not beyond 4.
        v_H = (1 / loud_H).clamp(max=4) if self.elu else loud_H ** (-1 / 3)
        qk_H = torch.ones_like(v_H) if self.elu else v_H
        rows = [qk_H.repeat_interleave(state)] * 2 + [v_H.repeat_interleave(width // heads)]
        with torch.no_grad():
            self.qkv.weight.mul_(torch.cat(rows).unsqueeze(-1))

    def _log_decay(self, like: Tensor) -> Tensor:
        """log γ_H, 0 without decay."""
        h_H = torch.arange(self.heads, device=like.device, dtype=at_least_float32(like))
        return torch.log1p(-torch.exp2(-5 - h_H)) if self.fades else 0 * h_H

    def _loudness(self, length: int) -> Tensor:
        """Of Σ_j K[i, j] v[j], for each head, where u is white noise."""
        log_H = self._log_decay(self.out.weight)
        sum_HN, square_HN = fading_norms(log_H, length, self.causal)
        if self.elu:
            return (square_HN / sum_HN.square()).mean(-1).sqrt()
        # k and v are linear in the same u: their product has a mean, of variance 1 / D.
        power_HN = square_HN + sum_HN.square() / self.out.in_features
        return (self.state * power_HN.mean(-1)).sqrt()

    def _project(
        self, u_BND: Tensor, mask_BN: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """φ(q), φ(k) and v, by heads; φ(k) is 0 where a position is not real."""
        parts = [self.heads * self.state] * 2 + [u_BND.shape[-1]]
        heads = self.qkv(u_BND).split(parts, -1)
        q, k, v = (x.unflatten(-1, (self.heads, -1)).transpose(1, 2) for x in heads)
        if self.elu:
            # Of a strided tensor elu would take four times as long.
            q, k = (F.elu(x.to(at_least_float32(x)).contiguous()) + 1 for x in (q, k))
        if mask_BN is not None:
            k = k.masked_fill(~mask_BN[:, None, :, None], 0)
        return q, k, v

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """By one sum, or in chunks; to the values a 1 is added, which sums up K itself."""
        q, k, v = self._project(zero_masked(u_BND, mask_BN), mask_BN)
        log_H = self._log_decay(v) if self.fades else None
        y_BHNX = linear_sum(q, k, with_one(v) if self.elu else v, log_H, self.causal)
        return zero_masked(self._read(y_BHNX, v), mask_BN)

    def _read(self, y_BHNX: Tensor, like: Tensor) -> Tensor:
        """Divide, join the heads, mix."""
        if self.elu:
            y_BHNX = y_BHNX[..., :-1] / y_BHNX[..., -1:].clamp(min=self.smallest)
        y_BND: Tensor = self.out(y_BHNX.to(like.dtype).transpose(1, 2).flatten(2))
        return y_BND

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K as in the formula, divided or not; V has its bias beside it, on (u, 1)."""
        u_BND = zero_masked(u_BND, mask_BN)
        length, width = u_BND.shape[1:]
        q, k, _ = self._project(u_BND, mask_BN)
        n_N = torch.arange(length, device=u_BND.device)
        gap_NN = (n_N.unsqueeze(1) - n_N).abs()
        k_BHNN = q @ k.mT * (self._log_decay(q)[:, None, None] * gap_NN).exp()
        if self.causal:
            k_BHNN = k_BHNN.tril()
        if self.elu:
            k_BHNN = k_BHNN / k_BHNN.sum(-1, keepdim=True).clamp(min=self.smallest)
        v_DF = torch.cat([self.qkv.weight, self.qkv.bias.unsqueeze(1)], 1)[-width:]
        return DenseKernel(
            k_BHNN=k_BHNN,
            v_HEF=v_DF.reshape(self.heads, -1, width + 1),
            o_HDE=self.out.weight.reshape(width, self.heads, -1).transpose(0, 1),
            b_D=self.out.bias,
            field_BNF=with_one(u_BND),
        )

    @property
    def decodes(self) -> bool:
        """In a causal domain, with a state that does not grow."""
        return self.causal

    def start(self, batch: int) -> Any:
        """Nothing seen, (B, H, S, X)."""
        if not self.causal:
            return super().start(batch)
        size = self.out.in_features // self.heads + self.elu
        return self.out.weight.new_zeros(batch, self.heads, self.state, size)

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """The state fades, gains φ(k) v^T, and is read by φ(q)."""
        if not self.causal:
            return super().step(u_BD, state)
        q, k, v = self._project(u_BD.unsqueeze(1))
        v_BH1X = with_one(v) if self.elu else v
        fade_H11 = self._log_decay(v).exp().reshape(-1, 1, 1)
        state = fade_H11 * state + k.mT * v_BH1X
        return self._read(q @ state, v).squeeze(1), state


class LinearAttentionParams(KernelParams):
    """Heads, the size of a state, what is multiplied, and how it fades."""

    heads: Annotated[int, Field(ge=1, le=64, description="must divide the width"), Values(4)]
    state: Annotated[
        int,
        Field(ge=1, le=256, description="numbers of a query and a key: what a channel carries"),
        Values(16),
    ] = 16
    features: Annotated[
        Literal["elu", "identity"],
        Field(description="elu: elu + 1, and weights that sum to 1; identity: plain products"),
        Values("elu", "identity"),
    ] = "elu"
    decay: Annotated[
        Literal["none", "fixed"],
        Field(description="fixed: each head forgets at a rate of its own, as in retention"),
        Values("none", "fixed"),
    ] = "none"


@final
class LinearAttentionFamily(KernelFamily[LinearAttentionParams]):
    """Attention by products of features: over any domain, where it fades over sequences."""

    Params: ClassVar[type[KernelParams]] = LinearAttentionParams
    summary: ClassVar[str] = "attention by products of features; constant memory when decoding"
    source: ClassVar[str] = "arXiv 2006.16236; with decay arXiv 2307.08621"

    def bias(self, params: LinearAttentionParams) -> Bias:
        """Everything, weighed by content, through a linear state; a decay knows distances."""
        fades = params.decay == "fixed"
        return Bias(
            support=Support.FULL,
            sharing=Sharing.TRANSLATION if fades else Sharing.PERMUTATION,
            state=State.LINEAR,
            state_size=params.state,
            content=Content.PAIR,
            entry=(Entry.AMPLITUDE,),
        )

    def cost(self, site: Site, params: LinearAttentionParams) -> Cost:
        """Maps 4 N D (H S + D), and what `linear_sum_work` says, of X channels for each head.

        A step: maps, and 4 H S X, with decay 5. Moved beside input, output and weights: q, k, v, y
        and the heads joined, in and out, and what the sum moves. Kept: input, the heads joined,
        what the sum keeps, and with "elu" q, k and v before it, and y before it was divided.
        """
        width, length, heads, state = site.width, site.length, params.heads, params.state
        elu, fades = params.features == "elu", params.decay == "fixed"
        size, keys = width // heads + elu, heads * state
        maps = 4 * width * (keys + width)
        work = linear_sum_work(length, heads, state, size, site.causal, fades)
        weights = 2 * keys * (width + 1) + 2 * (width**2 + width)
        moved = 2 * width + 2 * (2 * keys + 2 * heads * size + width)
        kept = 2 * width + (2 * keys + width + heads * size if elu else 0)
        step = maps + (5 if fades else 4) * keys * size
        return Cost(
            flops=length * maps + work.flops,
            params=weights,
            state_bytes=4 * keys * size if site.causal else None,
            train_flops=3 * length * maps + work.train_flops,
            decode_flops=step if site.causal else None,
            traffic_bytes=4 * (length * moved + weights + work.moved),
            activation_bytes=4 * (length * kept + work.kept),
        )

    def build(self, site: Site, params: LinearAttentionParams) -> LinearAttention:
        """The operator."""
        return LinearAttention(
            width=site.width,
            heads=params.heads,
            state=params.state,
            elu=params.features == "elu",
            fades=params.decay == "fixed",
            length=site.length,
            causal=site.causal,
        )

    def refuses(self, site: Site, params: LinearAttentionParams) -> str:
        """Heads must come out even, and a decay needs distances along an order."""
        if site.width % params.heads:
            return f"{params.heads} heads do not divide width {site.width}"
        if params.decay == "fixed" and site.domain.kind != "sequence":
            return f"a decay needs a sequence, not {site.domain}"
        return ""

    def evaluations(
        self, site: Site, params: LinearAttentionParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """One sum, or chunks."""
        return linear_sum_evaluations(site.length, site.causal, params.decay == "fixed", device)

    def morphisms(self, site: Site, params: LinearAttentionParams) -> tuple[Morphism, ...]:
        """Twice the heads, with queries and keys in common; with "identity" twice the state."""
        heads, state = params.heads, params.state
        parts = [heads * state, heads * state, site.width]

        def carry(weights: Weights, change: Callable[[Tensor, int], Tensor]) -> dict[str, Tensor]:
            """Queries (part 0) and keys (part 1) go through `change` as (H, S, D or nothing)."""
            new = dict(weights)
            for name in ("qkv.weight", "qkv.bias"):
                rows = list(torch.split(weights[name], parts))
                for part in (0, 1):
                    by_head = rows[part].reshape(heads, state, *rows[part].shape[1:])
                    rows[part] = change(by_head, part).flatten(0, 1)
                new[name] = torch.cat(rows)
            return new

        def split(weights: Weights) -> dict[str, Tensor]:
            return carry(weights, lambda rows, _: rows.repeat_interleave(2, 0))

        def grown(weights: Weights) -> dict[str, Tensor]:
            return carry(weights, lambda rows, part: torch.cat([rows, part * rows], 1))

        moves = []
        if params.decay == "none" and 2 * heads <= 64 and site.width % (2 * heads) == 0:
            more = params.model_copy(update={"heads": 2 * heads})
            change = f"heads {heads} -> {2 * heads}, queries and keys copied"
            moves.append(Morphism(more, split, change))
        if params.features == "identity" and 2 * state <= 256:
            larger = params.model_copy(update={"state": 2 * state})
            change = f"state {state} -> {2 * state}, the new queries 0"
            moves.append(Morphism(larger, grown, change))
        return tuple(moves)


FAMILY = LinearAttentionFamily()
