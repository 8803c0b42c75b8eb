"""SSD (Mamba-2): a memory that each position makes fade, gain and speak by what stands there.

    Δ_h = softplus(w_h·u[n] + t_h)                  how much of position n is taken in, by head h
    X_h ← e^(−Δ_h r_h) X_h + Δ_h B[n] x_h[n]^T      r_h > 0; X_h is S x E numbers
    s_h[n] = X_h^T C[n] + d_h x_h[n]
    y[n] = W (silu(z[n]) ⊙ concat_h s_h[n]) + b     (x, z, C, B) = W' u + c

So with a_h[i] = −r_h Σ_{n ≤ i} Δ_h[n], channel e of head h has the kernel

    K[i, j] = silu(z_e[i]) ( e^(a_h[i] − a_h[j]) (C[i]·B[j]) Δ_h[j] [j ≤ i]  +  d_h [i = j] )

Where the domain is not causal a second memory, with a Δ, r, C and B of its own, runs backward and
speaks before it takes a position in. A masked position has Δ = 0: nothing fades, nothing is taken
in. The paper's short convolution and its norm before W are left out. `itnet_nas.integral.chunks`
computes in chunks; Δ, decays and memories are kept in float32 at least.

Axes    full support · translation-shared · linear(S) state · path content (transition, amplitude,
        gate)
Source  arXiv 2405.21060
Shapes  B examples, N positions, D channels, H heads, E = D / H channels of a head, S numbers of B
        and of C, R runs: 1 where causal, else 2
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, NamedTuple, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.integral.chunks import fading_sum, fading_sum_evaluations, fading_sum_work
from itnet_nas.integral.dense import DenseKernel, with_one
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.precision import at_least_float32
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.integral.evaluation import Evaluation


class _Run(NamedTuple):
    """What drives one memory, made from u; `log_BHN` are −Δ r."""

    c_B1NS: Tensor
    b_B1NS: Tensor
    delta_BHN: Tensor
    log_BHN: Tensor


@final
class Ssd(Operator):
    """Run 0 goes forward; run 1, where there is one, backward."""

    undecayed: ClassVar[tuple[str, ...]] = ("log_rate_RH", "step_RH", "skip_H")

    def __init__(self, width: int, heads: int, state: int, length: int, causal: bool) -> None:
        super().__init__()
        runs = 1 if causal else 2
        self.heads = heads
        self.state = state
        self.inner = nn.Linear(width, 2 * width + 2 * runs * state)
        self.delta = nn.Linear(width, runs * heads, bias=False)
        self.out = nn.Linear(width, width)
        # A head forgets in τ positions, from 2 to as many as there are; Δ begins near 1 / τ.
        tau_H = torch.logspace(math.log2(2), math.log2(max(4, length)), heads, base=2)
        self.log_rate_RH = nn.Parameter(torch.zeros(runs, heads))
        self.step_RH = nn.Parameter(torch.expm1(1 / tau_H).log().repeat(runs, 1))
        # White noise: half of what a head says comes from its memories, half from x itself, and
        # silu lets 0.36 of the power through. B and x are linear in the same u, hence 1 / D.
        loud_H = (0.5 / (runs * state * (0.5 / tau_H + 1 / width))).sqrt()
        self.skip_H = nn.Parameter(0.5**0.5 / loud_H)
        for layer, loud in ((self.inner, 1.0), (self.delta, 0.5), (self.out, 0.36**-0.5)):
            nn.init.normal_(layer.weight, std=loud * width**-0.5)
        nn.init.zeros_(self.inner.bias)
        nn.init.zeros_(self.out.bias)
        with torch.no_grad():
            self.inner.weight[:width] *= loud_H.repeat_interleave(width // heads).unsqueeze(-1)

    def _make(
        self, u_BND: Tensor, mask_BN: Tensor | None = None
    ) -> tuple[Tensor, Tensor, list[_Run]]:
        """x by heads, the gate, and the runs, for u with zeros at masked positions."""
        width, runs = u_BND.shape[-1], len(self.log_rate_RH)
        parts = self.inner(u_BND).split([width, width, *[self.state] * 2 * runs], -1)
        raw_BXN = self.delta(u_BND).to(at_least_float32(u_BND)).mT
        made = []
        for r, raw_BHN in enumerate(raw_BXN.chunk(runs, 1)):
            delta_BHN = F.softplus(raw_BHN + self.step_RH[r].unsqueeze(-1))
            if mask_BN is not None:
                delta_BHN = delta_BHN.masked_fill(~mask_BN.unsqueeze(1), 0)
            log_BHN = -self.log_rate_RH[r].exp().unsqueeze(-1) * delta_BHN
            c_B1NS, b_B1NS = (part.unsqueeze(1) for part in (parts[2 + r], parts[2 + runs + r]))
            made.append(_Run(c_B1NS, b_B1NS, delta_BHN, log_BHN))
        x_BHNE = parts[0].unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return x_BHNE, F.silu(parts[1]), made

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Each run in chunks; C and B are shared by the heads."""
        x_BHNE, gate_BND, runs = self._make(zero_masked(u_BND, mask_BN), mask_BN)
        s_BHNE = self.skip_H[:, None, None] * x_BHNE
        for r, run in enumerate(runs):
            parts = run.c_B1NS, run.b_B1NS, run.delta_BHN.unsqueeze(-1) * x_BHNE, run.log_BHN
            c, b, v, log = (part.flip(2) for part in parts) if r else parts
            heard_BHNE = fading_sum(c, b, v, log, strict=r == 1)
            s_BHNE = s_BHNE + (heard_BHNE.flip(2) if r else heard_BHNE)
        return zero_masked(self._speak(s_BHNE, gate_BND), mask_BN)

    def _speak(self, s_BHNE: Tensor, gate_BND: Tensor) -> Tensor:
        s_BND = s_BHNE.to(gate_BND.dtype).transpose(1, 2).flatten(2)
        y_BND: Tensor = self.out(gate_BND * s_BND)
        return y_BND

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """The recurrence, position by position; the second run from the last one on."""
        x_BHNE, gate_BND, runs = self._make(zero_masked(u_BND, mask_BN), mask_BN)
        rows = list((self.skip_H[:, None, None] * x_BHNE).unbind(2))
        for r, run in enumerate(runs):
            x_BHSE = x_BHNE.new_zeros(len(u_BND), self.heads, self.state, x_BHNE.shape[-1])
            places = range(u_BND.shape[1])
            for n in reversed(places) if r else places:
                x_BHSE = run.log_BHN[:, :, n, None, None].exp() * x_BHSE
                taken_BHE = run.delta_BHN[:, :, n, None] * x_BHNE[:, :, n]
                gained_BHSE = run.b_B1NS[:, :, n].unsqueeze(-1) * taken_BHE.unsqueeze(-2)
                heard_BHSE = x_BHSE if r else x_BHSE + gained_BHSE
                rows[n] = rows[n] + (run.c_B1NS[:, :, n].unsqueeze(-1) * heard_BHSE).sum(-2)
                x_BHSE = x_BHSE + gained_BHSE
        return zero_masked(self._speak(torch.stack(rows, 2), gate_BND), mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K as in the formula, so that heads are channels; V has its bias beside it, on (u, 1)."""
        u_BND = zero_masked(u_BND, mask_BN)
        length, width = u_BND.shape[1:]
        _, gate_BND, runs = self._make(u_BND, mask_BN)
        eye_NN = torch.eye(length, dtype=u_BND.dtype, device=u_BND.device)
        k_BHNN = self.skip_H[:, None, None] * eye_NN
        for r, (c_B1NS, b_B1NS, delta_BHN, log_BHN) in enumerate(runs):
            # e^(a_i − a_j) for j ≤ i; backward the decays of i … j − 1, and never j = i.
            a_BHN = log_BHN.flip(-1).cumsum(-1).flip(-1) if r else log_BHN.cumsum(-1)
            seen_NN = torch.ones_like(eye_NN).triu(1) if r else torch.ones_like(eye_NN).tril()
            gap_BHNN = a_BHN.unsqueeze(-1) - a_BHN.unsqueeze(-2)
            fade_BHNN = gap_BHNN.masked_fill(seen_NN == 0, -math.inf).exp()
            k_BHNN = k_BHNN + fade_BHNN * (c_B1NS @ b_B1NS.mT) * delta_BHN.unsqueeze(-2)
        k_BDNN = k_BHNN.repeat_interleave(width // self.heads, 1) * gate_BND.mT.unsqueeze(-1)
        v_DF = torch.cat([self.inner.weight, self.inner.bias.unsqueeze(1)], 1)[:width]
        return DenseKernel(
            k_BHNN=k_BDNN,
            v_HEF=v_DF.unsqueeze(1),
            o_HDE=self.out.weight.mT.unsqueeze(-1),
            b_D=self.out.bias,
            field_BNF=with_one(u_BND),
        )

    @property
    def decodes(self) -> bool:
        """Where one memory runs forward."""
        return len(self.log_rate_RH) == 1

    def start(self, batch: int) -> Any:
        """An empty memory, (B, H, S, E)."""
        if not self.decodes:
            return super().start(batch)
        size = self.out.in_features // self.heads
        return self.out.weight.new_zeros(batch, self.heads, self.state, size)

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One turn of the recurrence."""
        if not self.decodes:
            return super().step(u_BD, state)
        x_BH1E, gate_B1D, (run,) = self._make(u_BD.unsqueeze(1))
        gained_BH1E = run.delta_BHN.unsqueeze(-1) * x_BH1E
        state = run.log_BHN.exp().unsqueeze(-1) * state + run.b_B1NS.mT * gained_BH1E
        s_BH1E = run.c_B1NS @ state + self.skip_H[:, None, None] * x_BH1E
        return self._speak(s_BH1E, gate_B1D).squeeze(1), state


class SsdParams(KernelParams):
    """How much is remembered, and at how many rates it fades."""

    state: Annotated[
        int, Field(ge=1, le=256, description="numbers that each channel carries"), Values(16, 32)
    ]
    heads: Annotated[
        int,
        Field(ge=1, le=64, description="groups of channels that fade together"),
        Values(4),
    ] = 4


@final
class SsdFamily(KernelFamily[SsdParams]):
    """Linear state spaces with one decay for each head, chosen by the content, over sequences."""

    Params: ClassVar[type[KernelParams]] = SsdParams
    summary: ClassVar[str] = "linear memory that content makes fade, as in Mamba-2; decodes cheaply"
    source: ClassVar[str] = "arXiv 2405.21060"

    def bias(self, params: SsdParams) -> Bias:
        """Everything so far, through a linear memory whose transition reads the content."""
        return Bias(
            support=Support.FULL,
            sharing=Sharing.TRANSLATION,
            state=State.LINEAR,
            state_size=params.state,
            content=Content.PATH,
            entry=(Entry.TRANSITION, Entry.AMPLITUDE, Entry.GATE),
        )

    def cost(self, site: Site, params: SsdParams) -> Cost:
        """Maps 2 N D (3 D + R (2 S + H)), N D (3 + R) to weigh, and R times `fading_sum_work`.

        A step turns the memory once instead, 5 S D. Moved beside input, output and weights: what is
        made of u, values and memories weighed, in and out, and what the chunks move. Kept: input,
        what is made of it, gate, s and their product, and what the chunks keep.
        """
        width, heads, state = site.width, params.heads, params.state
        length, runs = site.length, 1 if site.causal else 2
        maps = 2 * width * (3 * width + runs * (2 * state + heads))
        weigh = width * (3 + runs)
        work = fading_sum_work(length, heads, state, width // heads, key_heads=1)
        made = 2 * width + runs * (2 * state + heads)
        weights = (width + 1) * (3 * width + 2 * runs * state) + runs * heads * (width + 2) + heads
        moved = 2 * width + 2 * (made + runs * (width + heads) + 2 * width)
        kept = 4 * width + made + runs * heads
        step = maps + weigh + 5 * state * width
        return Cost(
            flops=length * (maps + weigh) + runs * work.flops,
            params=weights,
            state_bytes=4 * state * width if site.causal else None,
            train_flops=3 * length * (maps + weigh) + runs * work.train_flops,
            decode_flops=step if site.causal else None,
            traffic_bytes=4 * (length * moved + weights + runs * work.moved),
            activation_bytes=4 * (length * kept + runs * work.kept),
        )

    def build(self, site: Site, params: SsdParams) -> Ssd:
        """The operator."""
        return Ssd(site.width, params.heads, params.state, site.length, site.causal)

    def refuses(self, site: Site, params: SsdParams) -> str:
        """A memory needs an order, and heads must come out even."""
        if site.domain.kind != "sequence":
            return f"a recurrence needs a sequence, not {site.domain}"
        if site.width % params.heads:
            return f"{params.heads} heads do not divide width {site.width}"
        return ""

    def evaluations(
        self, site: Site, params: SsdParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """As `fading_sum` says."""
        del params
        return fading_sum_evaluations(site.length, device)

    def morphisms(self, site: Site, params: SsdParams) -> tuple[Morphism, ...]:
        """Twice the heads, each half with the decay of the whole; twice the state, not yet read."""
        runs, width = 1 if site.causal else 2, site.width
        keys = runs * params.state

        def split(weights: Weights) -> dict[str, Tensor]:
            axis = {"delta.weight": 0, "step_RH": 1, "log_rate_RH": 1, "skip_H": 0}
            twice = {name: weights[name].repeat_interleave(2, a) for name, a in axis.items()}
            return {**weights, **twice}

        def grown(weights: Weights) -> dict[str, Tensor]:
            new = dict(weights)
            for name in ("inner.weight", "inner.bias"):
                xz, c, b = torch.split(weights[name], [2 * width, keys, keys])
                c, b = (part.reshape(runs, params.state, *part.shape[1:]) for part in (c, b))
                c, b = torch.cat([c, 0 * c], 1), torch.cat([b, b], 1)
                new[name] = torch.cat([xz, c.flatten(0, 1), b.flatten(0, 1)])
            return new

        moves = []
        if 2 * params.heads <= 64 and width % (2 * params.heads) == 0:
            more = params.model_copy(update={"heads": 2 * params.heads})
            moves.append(Morphism(more, split, f"heads {params.heads} -> {more.heads}, copied"))
        if 2 * params.state <= 256:
            larger = params.model_copy(update={"state": 2 * params.state})
            change = f"state {params.state} -> {larger.state}, not yet read"
            moves.append(Morphism(larger, grown, change))
        return tuple(moves)


FAMILY = SsdFamily()
