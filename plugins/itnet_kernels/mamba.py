"""Mamba: each channel carries numbers that fade at rates which the content chooses.

    Δ = softplus(U_Δ l + t)                                    how much of position n is taken in
    h[d, s] ← e^(Δ[d] A[d, s]) h[d, s] + Δ[d] x[d] B[s]        A < 0
    y[n] = W (silu(z) ⊙ (h C + skip ⊙ x)) + b                  (x, z, l, C, B) = W' u[n] + c

so with a[i] = A Σ_{n ≤ i} Δ[n] channel d has the kernel

    K[i, j] = silu(z[i]) ( Σ_s C[i, s] e^(a[i, s] − a[j, s]) B[j, s] Δ[j] [j ≤ i]  +  skip [i = j] )

Where the domain is not causal a second memory, with a Δ, A, C and B of its own, runs backward. A
masked position has Δ = 0: nothing fades, nothing is taken in. The paper's short convolution and its
doubled width are left out. `itnet_nas.integral.scans` computes; Δ, decays and memories are kept in
float32 at least.

Axes    full support · translation-shared · linear(S) state · path content (transition, amplitude,
        gate)
Source  arXiv 2312.00752
Shapes  B examples, N positions, D channels, S numbers of state, P = ⌈D / 16⌉ numbers that Δ is made
        of, R runs: 1 where causal, else 2
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.integral.dense import DenseKernel, with_one
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.precision import as_given, at_least_float32
from itnet_nas.integral.scans import selective_scan, selective_scan_evaluations
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.integral.evaluation import Evaluation


class _Run(NamedTuple):
    """What drives one memory, made from u."""

    delta_BND: Tensor
    a_DS: Tensor
    c_BNS: Tensor
    b_BNS: Tensor


@final
class Mamba(Operator):
    """Run 0 goes forward; run 1, where there is one, backward."""

    undecayed: ClassVar[tuple[str, ...]] = ("log_rate_RDS", "step_RD", "skip_D")

    def __init__(self, width: int, state: int, length: int, causal: bool) -> None:
        super().__init__()
        self.state = state
        runs, rank = 1 if causal else 2, -(-width // 16)
        self.inner = nn.Linear(width, 2 * width + rank + 2 * runs * state)
        self.delta_RDP = nn.Parameter(0.5 * rank**-0.5 * torch.randn(runs, width, rank))
        self.out = nn.Linear(width, width)
        # Rates 1 … S; Δ begins at 1 / τ, and τ goes from 2 to as many positions as there are.
        rate_S = torch.arange(1.0, state + 1)
        self.log_rate_RDS = nn.Parameter(rate_S.log().expand(runs, width, state).clone())
        tau_D = torch.logspace(1, math.log2(max(4, length)), width, base=2)
        self.step_RD = nn.Parameter(torch.expm1(1 / tau_D).log().repeat(runs, 1))
        # White noise: half of what is said comes from memories, half from x itself, and silu lets
        # 0.36 of the power through. B and x are linear in the same u, hence 1 / D.
        held_D = (0.5 / tau_D[:, None] / rate_S + 1 / width / rate_S**2).sum(1)
        loud_D = (0.5 / (runs * held_D)).sqrt()
        self.skip_D = nn.Parameter(0.5**0.5 / loud_D)
        nn.init.normal_(self.inner.weight, std=width**-0.5)
        nn.init.normal_(self.out.weight, std=(0.36 * width) ** -0.5)
        nn.init.zeros_(self.inner.bias)
        nn.init.zeros_(self.out.bias)
        with torch.no_grad():
            self.inner.weight[:width] *= loud_D.unsqueeze(-1)

    def _make(
        self, u_BND: Tensor, mask_BN: Tensor | None = None
    ) -> tuple[Tensor, Tensor, list[_Run]]:
        """x, the gate, and the runs, for u with zeros at masked positions."""
        width, exact = u_BND.shape[-1], at_least_float32(u_BND)
        runs, rank = len(self.step_RD), self.delta_RDP.shape[-1]
        weight, bias = self.inner.weight, self.inner.bias
        x_BND, z_BND = F.linear(u_BND, weight[: 2 * width], bias[: 2 * width]).chunk(2, -1)
        made = []
        # What steers a memory is few numbers, and their rounding would be carried along.
        with as_given(u_BND):
            rest = F.linear(u_BND.to(exact), weight[2 * width :], bias[2 * width :])
            low_BNP, *keys = torch.split(rest, [rank, *[self.state] * 2 * runs], -1)
            for r in range(runs):
                raw_BND = low_BNP @ self.delta_RDP[r].mT
                delta_BND = zero_masked(F.softplus(raw_BND + self.step_RD[r]), mask_BN)
                made.append(_Run(delta_BND, -self.log_rate_RDS[r].exp(), keys[r], keys[runs + r]))
        return x_BND, F.silu(z_BND), made

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """By a scan over chunks."""
        x_BND, gate_BND, runs = self._make(zero_masked(u_BND, mask_BN), mask_BN)
        s_BND = self.skip_D * x_BND
        for r, (delta, a_DS, c, b) in enumerate(runs):
            if r:
                ahead = (part.flip(1) for part in (delta, x_BND, b, c))
                delta, x, b, c = ahead
                s_BND = s_BND + selective_scan(delta, a_DS, x, b, c).flip(1)
            else:
                s_BND = s_BND + selective_scan(delta, a_DS, x_BND, b, c)
        return zero_masked(self._speak(s_BND, gate_BND), mask_BN)

    def _speak(self, s_BND: Tensor, gate_BND: Tensor) -> Tensor:
        y_BND: Tensor = self.out(gate_BND * s_BND.to(gate_BND.dtype))
        return y_BND

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """The recurrence, position by position; the second run from the last one on."""
        x_BND, gate_BND, runs = self._make(zero_masked(u_BND, mask_BN), mask_BN)
        rows = list((self.skip_D * x_BND).unbind(1))
        for r, run in enumerate(runs):
            h_BDS = x_BND.new_zeros(len(u_BND), *run.a_DS.shape)
            places = range(u_BND.shape[1])
            for n in reversed(places) if r else places:
                delta_BD1 = run.delta_BND[:, n].unsqueeze(-1)
                gain_BDS = delta_BD1 * x_BND[:, n].unsqueeze(-1) * run.b_BNS[:, n].unsqueeze(1)
                h_BDS = (delta_BD1 * run.a_DS).exp() * h_BDS + gain_BDS
                rows[n] = rows[n] + (h_BDS * run.c_BNS[:, n].unsqueeze(1)).sum(-1)
        return zero_masked(self._speak(torch.stack(rows, 1), gate_BND), mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K as in the formula, so that heads are channels; V has its bias beside it, on (u, 1)."""
        u_BND = zero_masked(u_BND, mask_BN)
        length, width = u_BND.shape[1:]
        _, gate_BND, runs = self._make(u_BND, mask_BN)
        eye_NN = torch.eye(length, dtype=u_BND.dtype, device=u_BND.device)
        k_BDNN = self.skip_D[:, None, None] * eye_NN
        for r, (delta_BND, a_DS, c_BNS, b_BNS) in enumerate(runs):
            # Σ_{n ≤ i} Δ[n] − Σ_{n ≤ j} Δ[n] for j ≤ i; backward the Δ of i … j − 1.
            sum_BND = delta_BND.flip(1).cumsum(1).flip(1) if r else delta_BND.cumsum(1)
            gap_BDNN = sum_BND.mT.unsqueeze(3) - sum_BND.mT.unsqueeze(2)
            seen_NN = torch.ones_like(eye_NN).triu() if r else torch.ones_like(eye_NN).tril()
            gap_BDNN = gap_BDNN.masked_fill(seen_NN == 0, math.inf)
            for s in range(self.state):
                fade_BDNN = (a_DS[:, s, None, None] * gap_BDNN).exp()
                pair_BNN = c_BNS[:, :, s].unsqueeze(2) * b_BNS[:, :, s].unsqueeze(1)
                k_BDNN = k_BDNN + fade_BDNN * pair_BNN.unsqueeze(1) * delta_BND.mT.unsqueeze(2)
        v_DF = torch.cat([self.inner.weight, self.inner.bias.unsqueeze(1)], 1)[:width]
        return DenseKernel(
            k_BHNN=k_BDNN * gate_BND.mT.unsqueeze(3),
            v_HEF=v_DF.unsqueeze(1),
            o_HDE=self.out.weight.mT.unsqueeze(-1),
            b_D=self.out.bias,
            field_BNF=with_one(u_BND),
        )

    @property
    def decodes(self) -> bool:
        """Where one memory runs forward."""
        return len(self.step_RD) == 1

    def start(self, batch: int) -> Any:
        """An empty memory, (B, D, S)."""
        if not self.decodes:
            return super().start(batch)
        return self.step_RD.new_zeros(batch, *self.log_rate_RDS.shape[1:])

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One turn of the recurrence."""
        if not self.decodes:
            return super().step(u_BD, state)
        x_BD, gate_BD, (run,) = self._make(u_BD)
        delta_BD1 = run.delta_BND.unsqueeze(-1)
        gain_BDS = delta_BD1 * x_BD.unsqueeze(-1) * run.b_BNS.unsqueeze(1)
        state = (delta_BD1 * run.a_DS).exp() * state + gain_BDS
        s_BD = (state * run.c_BNS.unsqueeze(1)).sum(-1) + self.skip_D * x_BD
        return self._speak(s_BD, gate_BD), state


class MambaParams(KernelParams):
    """How much is remembered."""

    state: Annotated[
        int, Field(ge=1, le=256, description="numbers that each channel carries"), Values(8, 16)
    ]


@final
class MambaFamily(KernelFamily[MambaParams]):
    """Linear state spaces with a decay for each number, chosen by the content, over sequences."""

    Params: ClassVar[type[KernelParams]] = MambaParams
    summary: ClassVar[str] = "linear memories that fade at rates chosen by content, as in Mamba"
    source: ClassVar[str] = "arXiv 2312.00752"

    def bias(self, params: MambaParams) -> Bias:
        """Everything so far, through a linear memory whose transition reads the content."""
        return Bias(
            support=Support.FULL,
            sharing=Sharing.TRANSLATION,
            state=State.LINEAR,
            state_size=params.state,
            content=Content.PATH,
            entry=(Entry.TRANSITION, Entry.AMPLITUDE, Entry.GATE),
        )

    def cost(self, site: Site, params: MambaParams) -> Cost:
        """Maps 2 N D (3 D + P + R (2 S + P)), R N D (6 S + 2) for memories, 3 N D to weigh.

        A number of state takes Δ A, fading, gain and reading; evaluation in chunks goes through
        the memories twice, training three times more. Moved beside input, output and weights: what
        is made of u, out and in again, and Δ and what is heard, three times. Kept: input, what is
        made of it, Δ before and after, gate, s and their product, and memories at the borders of
        about √N chunks.
        """
        width, state, length = site.width, params.state, site.length
        runs, rank = 1 if site.causal else 2, -(-width // 16)
        maps = 2 * width * (3 * width + rank + runs * (2 * state + rank))
        memories = runs * width * (6 * state + 2)
        step = maps + memories + 3 * width
        made = 2 * width + rank + 2 * runs * state
        weights = (width + 1) * made + runs * width * (rank + state + 1) + width
        weights += width * (width + 1)
        borders = runs * width * state * round(length**0.5)
        kept = length * (made + (5 + 3 * runs) * width + runs * (width + 2 * state)) + borders
        return Cost(
            flops=length * step,
            params=weights,
            state_bytes=4 * width * state if site.causal else None,
            train_flops=3 * length * step,
            decode_flops=step if site.causal else None,
            traffic_bytes=4
            * (length * (2 * width + 2 * made + 6 * runs * width) + 2 * borders + weights),
            activation_bytes=4 * kept,
        )

    def build(self, site: Site, params: MambaParams) -> Mamba:
        """The operator."""
        return Mamba(site.width, params.state, site.length, site.causal)

    def refuses(self, site: Site, params: MambaParams) -> str:
        """A memory needs an order."""
        del params
        if site.domain.kind != "sequence":
            return f"a recurrence needs a sequence, not {site.domain}"
        return ""

    def evaluations(
        self, site: Site, params: MambaParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """As `selective_scan` says."""
        del params
        return selective_scan_evaluations(site.length, device)

    def morphisms(self, site: Site, params: MambaParams) -> tuple[Morphism, ...]:
        """Twice the state, the new half not yet read."""
        if 2 * params.state > 256:
            return ()
        larger = params.model_copy(update={"state": 2 * params.state})
        runs, before = 1 if site.causal else 2, 2 * site.width + -(-site.width // 16)

        def grown(weights: Weights) -> dict[str, Tensor]:
            new = dict(weights)
            for name in ("inner.weight", "inner.bias"):
                rest, keys = weights[name][:before], weights[name][before:]
                c, b = keys.reshape(2, runs, params.state, *keys.shape[1:])
                both = torch.stack([torch.cat([c, 0 * c], 1), torch.cat([b, b], 1)])
                new[name] = torch.cat([rest, both.flatten(0, 2)])
            new["log_rate_RDS"] = weights["log_rate_RDS"].repeat(1, 1, 2)
            return new

        change = f"state {params.state} -> {larger.state}, not yet read"
        return (Morphism(larger, grown, change),)


FAMILY = MambaFamily()
