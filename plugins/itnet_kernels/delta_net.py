"""Gated delta rule: a memory of keys and values, in which a new value replaces the old one.

    q, k = unit vectors of W_q u[n], W_k u[n]       v = W_v u[n]       for each head
    β = σ(b·u[n] + c)                               how much is replaced
    log α = −e^a softplus(d·u[n] + e)               how much fades; 0 where it is not gated
    S ← α S (I − β k kᵀ) + β v kᵀ
    y[n] = W (S q of all heads) + b

so that K[i, j] = β_j k_jᵀ A_{j+1} … A_i q_i with A_t = α_t (I − β_t k_t k_tᵀ). In a causal domain
every head runs forward. Elsewhere the first half of the heads does, and the second half runs from
the last position to the first. A masked position is passed over: the memory stays as it was.

Axes    full support · translation-shared · linear(n) state · path content (transition, amplitude)
Source  Gated DeltaNet, arXiv 2412.06464; without a gate DeltaNet, arXiv 2406.06484
Shapes  B examples, N positions, D channels, H heads, S numbers of a key, E = D / H of a value
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.integral.delta import (
    delta_chunk,
    delta_evaluations,
    delta_flops,
    delta_rule,
    delta_step,
    unit,
)
from itnet_nas.integral.dense import DenseKernel
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.precision import as_given, at_least_float32
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site, Values
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.integral.evaluation import Evaluation


@final
class DeltaNet(Operator):
    """`state` is S, the numbers of a key."""

    undecayed: ClassVar[tuple[str, ...]] = ("log_rate_H",)

    def __init__(self, width: int, heads: int, state: int, gated: bool, causal: bool) -> None:
        super().__init__()
        self.heads = heads
        self.state = state
        self.causal = causal
        self.keys = nn.Linear(width, 2 * heads * state, bias=False)  # queries, then keys
        self.value = nn.Linear(width, width, bias=False)
        self.gates = nn.Linear(width, 2 * heads if gated else heads)
        self.out = nn.Linear(width, width)
        if gated:
            # With softplus(0) = 0.7, half-times from two positions to five hundred.
            self.log_rate_H = nn.Parameter(
                torch.empty(heads).uniform_(math.log(0.002), math.log(0.5))
            )
        else:
            self.register_parameter("log_rate_H", None)
        # What is read of a memory of random keys is 0.6 as loud as what was written, or less.
        nn.init.normal_(self.keys.weight, std=width**-0.5)
        nn.init.normal_(self.value.weight, std=width**-0.5)
        nn.init.normal_(self.out.weight, std=2 * width**-0.5)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """In chunks, or by a kernel of flash-linear-attention."""
        q, k, v, beta, log_decay = self._project(u_BND, mask_BN)
        y_BHNE = delta_rule(q, k, v, beta, log_decay)
        y_BND: Tensor = self.out(self._run_back(y_BHNE).transpose(1, 2).flatten(2))
        return zero_masked(y_BND, mask_BN)

    def _project(self, u_BND: Tensor, mask_BN: Tensor | None) -> tuple[Tensor, ...]:
        """q, k, v as (B, H, N, ·), β and log α as (B, H, N), in the order in which heads run."""
        u_BND = zero_masked(u_BND, mask_BN)
        with as_given(u_BND):
            # Rounded by autocast, a short key would be turned, and a slow decay be none at all.
            exact_BND = u_BND.to(self.keys.weight.dtype)
            q, k = self.keys(exact_BND).chunk(2, -1)
            gates_BGN = self.gates(exact_BND).mT
        q, k, v = (
            t.reshape(*u_BND.shape[:2], self.heads, -1).transpose(1, 2)
            for t in (q, k, self.value(u_BND))
        )
        beta = torch.sigmoid(gates_BGN[:, : self.heads])
        log_decay = torch.zeros_like(beta)
        if self.log_rate_H is not None:
            fade_BHN = F.softplus(gates_BGN[:, self.heads :])
            log_decay = -self.log_rate_H.exp().unsqueeze(1) * fade_BHN
        if mask_BN is not None:
            masked_B1N = ~mask_BN.unsqueeze(1)
            beta, log_decay = beta.masked_fill(masked_B1N, 0), log_decay.masked_fill(masked_B1N, 0)
        q, k, v, beta, log_decay = map(self._run_back, (q, k, v, beta, log_decay))
        return unit(q), unit(k), v, beta, log_decay

    def _run_back(self, t_BHN: Tensor) -> Tensor:
        """The second half of the heads from the last position to the first; its own inverse."""
        if self.causal:
            return t_BHN
        ahead, back = t_BHN.chunk(2, 1)
        return torch.cat([ahead, back.flip(2)], 1)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K^h[i, j] = β_j k_jᵀ A_{j+1} … A_i q_i, one A after the other."""
        q, k, _, beta, log_decay = self._project(u_BND, mask_BN)
        length, width = u_BND.shape[1:]
        unit_SS = torch.eye(self.state, dtype=k.dtype, device=k.device)
        kk_BHNSS = k.unsqueeze(-1) * k.unsqueeze(-2)
        fade_BHN11 = log_decay.exp()[..., None, None]
        a_BHNSS = fade_BHN11 * (unit_SS - beta[..., None, None] * kk_BHNSS)
        rows = []
        keys_BHJS = k[:, :, :0]  # of every j so far, what is left of β_j k_j
        for i in range(length):
            keys_BHJS = keys_BHJS @ a_BHNSS[:, :, i]
            keys_BHJS = torch.cat([keys_BHJS, (beta.unsqueeze(-1) * k)[:, :, i : i + 1]], 2)
            row_BHJ = (keys_BHJS @ q[:, :, i].unsqueeze(-1)).squeeze(-1)
            rows.append(F.pad(row_BHJ, (0, length - 1 - i)))
        k_BHNN = self._run_back(self._run_back(torch.stack(rows, 2)).mT).mT
        return DenseKernel(
            k_BHNN=k_BHNN,
            v_HEF=self.value.weight.reshape(self.heads, -1, width),
            o_HDE=self.out.weight.reshape(width, self.heads, -1).transpose(0, 1),
            b_D=self.out.bias,
        )

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """The memory, position by position."""
        q, k, v, beta, log_decay = self._project(u_BND, mask_BN)
        unit_SS = torch.eye(self.state, dtype=k.dtype)
        s_BHES = v.new_zeros(*v.shape[:2], v.shape[-1], self.state)
        rows = []
        for n in range(u_BND.shape[1]):
            k_BH1S, v_BHE1 = k[:, :, n].unsqueeze(2), v[:, :, n].unsqueeze(3)
            beta_BH11, fade_BH11 = beta[:, :, n, None, None], log_decay[:, :, n, None, None].exp()
            s_BHES = fade_BH11 * s_BHES @ (unit_SS - beta_BH11 * k_BH1S.mT @ k_BH1S)
            s_BHES = s_BHES + beta_BH11 * v_BHE1 @ k_BH1S
            rows.append((s_BHES @ q[:, :, n].unsqueeze(3)).squeeze(3))
        y_BHNE = self._run_back(torch.stack(rows, 2))
        return zero_masked(self.out(y_BHNE.transpose(1, 2).flatten(2)), mask_BN)

    @property
    def decodes(self) -> bool:
        """Where all heads run forward."""
        return self.causal

    def start(self, batch: int) -> Any:
        """Empty memories, (B, H, E, S)."""
        if not self.causal:
            return super().start(batch)
        weight = self.out.weight
        shape = (batch, self.heads, weight.shape[0] // self.heads, self.state)
        return weight.new_zeros(shape, dtype=at_least_float32(weight))

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One turn of the memories."""
        if not self.causal:
            return super().step(u_BD, state)
        q, k, v, beta, log_decay = (t[:, :, 0] for t in self._project(u_BD.unsqueeze(1), None))
        y_BHE, state = delta_step(state, q, k, v, beta, log_decay)
        return self.out(y_BHE.flatten(1).to(u_BD.dtype)), state


class DeltaNetParams(KernelParams):
    """How many memories there are, how large they are, and whether they fade."""

    heads: Annotated[int, Field(ge=1, le=64, description="must divide the width"), Values(2, 4)]
    state: Annotated[
        int,
        Field(ge=1, le=256, description="numbers of a key, and so of a memory for each channel"),
        Values(16),
    ] = 16
    gated: Annotated[
        bool,
        Field(description="whether the content also says how fast the whole memory fades"),
        Values(True),
    ] = True


@final
class DeltaNetFamily(KernelFamily[DeltaNetParams]):
    """Delta rules over ordered domains."""

    Params: ClassVar[type[KernelParams]] = DeltaNetParams
    summary: ClassVar[str] = "a memory in which a new value replaces the one under its key"
    source: ClassVar[str] = "arXiv 2412.06464"

    def bias(self, params: DeltaNetParams) -> Bias:
        """Everything so far, through a linear memory that the content turns and fills."""
        return Bias(
            support=Support.FULL,
            sharing=Sharing.TRANSLATION,
            state=State.LINEAR,
            state_size=params.state,
            content=Content.PATH,
            entry=(Entry.TRANSITION, Entry.AMPLITUDE),
        )

    def cost(self, site: Site, params: DeltaNetParams) -> Cost:
        """Maps 4 N D (H S + D), gates 2 N D H (twice where gated), and `delta_flops` for each head.

        A step costs the maps and H (6 E S + E S). Moved beside input, output and weights: queries,
        keys, values, what is read, and for each chunk of C positions two C × C tables and the
        memories, in and out. Kept for the backward pass: 5 tables and 2 memories of each chunk, and
        for each position and head 7 numbers for each of a key and 4 for each of a value.
        """
        width, length, heads, size = site.width, site.length, params.heads, params.state
        values = width // heads
        gates = heads * (2 if params.gated else 1)
        maps = 4 * width * (heads * size + width) + 2 * width * gates
        weights = width * (2 * heads * size + width) + gates * (width + 1) + width**2 + width
        weights += heads if params.gated else 0
        forward, both = delta_flops(length, size, values)
        chunk = delta_chunk(length, size)
        chunks = math.ceil(length / chunk)
        memories = chunks * heads * (values + size) * size
        tables = chunks * heads * chunk**2
        row = heads * (2 * size + 2 * values)
        kept = heads * (7 * size + 4 * values) + width
        return Cost(
            flops=length * maps + heads * forward,
            params=weights,
            state_bytes=4 * width * size if site.causal else None,
            train_flops=3 * length * maps + heads * both,
            decode_flops=maps + 7 * width * size if site.causal else None,
            traffic_bytes=4 * (2 * length * (width + row) + weights + 4 * tables + 2 * memories),
            activation_bytes=4 * (length * kept + 5 * tables + 2 * memories),
        )

    def build(self, site: Site, params: DeltaNetParams) -> DeltaNet:
        """The operator."""
        return DeltaNet(
            width=site.width,
            heads=params.heads,
            state=params.state,
            gated=params.gated,
            causal=site.causal,
        )

    def refuses(self, site: Site, params: DeltaNetParams) -> str:
        """A memory needs an order, heads come out even, and two directions an even number."""
        if site.domain.kind != "sequence":
            return f"a recurrence needs a sequence, not {site.domain}"
        if site.width % params.heads:
            return f"{params.heads} heads do not divide width {site.width}"
        if not site.causal and params.heads % 2:
            return f"two directions need an even number of heads, and {params.heads} is odd"
        return ""

    def evaluations(
        self, site: Site, params: DeltaNetParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """On CUDA values are bfloat16, as in training there."""
        return delta_evaluations(site.length, params.state, device, half=device == "cuda")


FAMILY = DeltaNetFamily()
