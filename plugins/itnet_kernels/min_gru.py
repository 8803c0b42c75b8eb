"""minGRU: a memory whose gate reads the input alone, so that it never has to wait.

    z = σ(W_z u[n] + b_z)
    y[n] = h ← (1 − z) ⊙ h + z ⊙ (W u[n] + b)

so that K[i, j] = z[j] Π_{t = j + 1 … i} (1 − z[t]) for each number of the memory. In a causal
domain one memory of D numbers runs forward. Elsewhere two of D/2 numbers run, one each way,
and y[n] joins them. At a masked position z = 0: the memory stays as it was.

Axes    full support · translation-shared · linear(1) state · path content (transition)
Source  arXiv 2410.01201
Shapes  B examples, N positions, D channels, S numbers of one memory
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, final

import torch
from torch import nn

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.integral.dense import DenseKernel, one_head_per_channel, with_one
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.precision import at_least_float32
from itnet_nas.integral.recurrences import kept_products
from itnet_nas.integral.scans import linear_scan, scan_chunks
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


@final
class MinGru(Operator):
    """The first half of the numbers runs forward, the second, where there is one, backward."""

    undecayed: ClassVar[tuple[str, ...]] = ("gate_D",)

    def __init__(self, width: int, length: int, causal: bool) -> None:
        super().__init__()
        self.runs = 1 if causal else 2
        self.gate = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width)
        # Memories forget in τ positions, from 2 to as many as there are: z begins near 1 / τ.
        size = width // self.runs
        tau_S = torch.logspace(1, math.log2(max(4, length)), size, base=2)
        self.gate_D = nn.Parameter(-torch.log(tau_S - 1).repeat(self.runs))
        nn.init.normal_(self.gate.weight, std=0.5 * width**-0.5)
        nn.init.normal_(self.value.weight, std=width**-0.5)
        nn.init.zeros_(self.value.bias)
        with torch.no_grad():  # a mean over 2 τ − 1 values of white noise, as loud as one of them
            self.value.weight *= (2 * tau_S - 1).sqrt().repeat(self.runs).unsqueeze(-1)

    def _gates(self, u_BND: Tensor, mask_BN: Tensor | None) -> Tensor:
        """z_BND, for u with zeros at masked positions."""
        z_BND = torch.sigmoid(self.gate(u_BND).to(at_least_float32(u_BND)) + self.gate_D)
        return zero_masked(z_BND, mask_BN)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """By a scan over chunks."""
        u_BND = zero_masked(u_BND, mask_BN)
        z_BND, v_BND = self._gates(u_BND, mask_BN), self.value(u_BND)
        parts = []
        for run, (z_BNS, v_BNS) in enumerate(
            zip(z_BND.chunk(self.runs, -1), v_BND.chunk(self.runs, -1), strict=True)
        ):
            a_BNS, b_BNS = 1 - z_BNS, z_BNS * v_BNS
            if run:
                parts.append(linear_scan(a_BNS.flip(1), b_BNS.flip(1)).flip(1))
            else:
                parts.append(linear_scan(a_BNS, b_BNS))
        return zero_masked(torch.cat(parts, -1).to(v_BND.dtype), mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """The recurrence, position by position; the second half from the last one on."""
        u_BND = zero_masked(u_BND, mask_BN)
        z_BND, v_BND = self._gates(u_BND, mask_BN), self.value(u_BND)
        parts = []
        for run in range(self.runs):
            z_BNS, v_BNS = z_BND.chunk(self.runs, -1)[run], v_BND.chunk(self.runs, -1)[run]
            h_BS = torch.zeros_like(v_BNS[:, 0])
            rows: dict[int, Tensor] = {}
            places = range(u_BND.shape[1])
            for n in reversed(places) if run else places:
                h_BS = (1 - z_BNS[:, n]) * h_BS + z_BNS[:, n] * v_BNS[:, n]
                rows[n] = h_BS
            parts.append(torch.stack([rows[n] for n in places], 1))
        return zero_masked(torch.cat(parts, -1), mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K as in the formula, so that heads are channels."""
        u_BND = zero_masked(u_BND, mask_BN)
        z_BND = self._gates(u_BND, mask_BN)
        kernels = []
        for run, z_BNS in enumerate(z_BND.chunk(self.runs, -1)):
            kept_BSNN = kept_products(1 - (z_BNS.flip(1) if run else z_BNS))
            kept_BSNN = kept_BSNN.flip(2, 3) if run else kept_BSNN
            kernels.append(kept_BSNN * z_BNS.mT.unsqueeze(2))
        v_DF = torch.cat([self.value.weight, self.value.bias.unsqueeze(1)], 1)
        return DenseKernel(
            k_BHNN=torch.cat(kernels, 1),
            v_HEF=v_DF.unsqueeze(1),
            o_HDE=one_head_per_channel(u_BND.shape[-1], u_BND)[1],
            field_BNF=with_one(u_BND),
        )

    @property
    def decodes(self) -> bool:
        """Where one memory runs forward."""
        return self.runs == 1

    def start(self, batch: int) -> Any:
        """An empty memory, (B, D)."""
        if not self.decodes:
            return super().start(batch)
        return self.gate_D.new_zeros(batch, len(self.gate_D))

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One turn of the memory."""
        if not self.decodes:
            return super().step(u_BD, state)
        z_BD = self._gates(u_BD, None)
        h_BD = (1 - z_BD) * state + z_BD * self.value(u_BD)
        return h_BD, h_BD


class MinGruParams(KernelParams):
    """There is nothing to choose: the memory has as many numbers as there are channels."""


@final
class MinGruFamily(KernelFamily[MinGruParams]):
    """Gated recurrence without feedback over ordered domains."""

    Params: ClassVar[type[KernelParams]] = MinGruParams
    summary: ClassVar[str] = "gated recurrence whose gate reads the input alone; trains in parallel"
    source: ClassVar[str] = "arXiv 2410.01201"

    def bias(self, params: MinGruParams) -> Bias:
        """Everything so far, through a linear memory whose transition reads the content."""
        del params
        return Bias(
            support=Support.FULL,
            sharing=Sharing.TRANSLATION,
            state=State.LINEAR,
            state_size=1,
            content=Content.PATH,
            entry=(Entry.TRANSITION,),
        )

    def cost(self, site: Site, params: MinGruParams) -> Cost:
        """Maps 4 N D², and 5 N D for the memory: 1 − z, two products, a sum, and handing on.

        Moved beside input, output and weights: gates, values and memories, out and in again, twice.
        Kept: the input, z before and after, values, a, and the memories.
        """
        del params
        width, length = site.width, site.length
        step = 4 * width**2 + 5 * width
        weights = 2 * width**2 + 2 * width
        return Cost(
            flops=length * step,
            params=weights,
            state_bytes=4 * width if site.causal else None,
            train_flops=3 * length * step,
            decode_flops=step if site.causal else None,
            traffic_bytes=4 * (14 * length * width + weights),
            activation_bytes=4 * 6 * length * width,
        )

    def build(self, site: Site, params: MinGruParams) -> MinGru:
        """The operator."""
        del params
        return MinGru(width=site.width, length=site.length, causal=site.causal)

    def refuses(self, site: Site, params: MinGruParams) -> str:
        """A memory needs an order, and two of them an even width."""
        del params
        if site.domain.kind != "sequence":
            return f"a recurrence needs a sequence, not {site.domain}"
        if not site.causal and site.width % 2:
            return f"two directions need an even width, and {site.width} is odd"
        return ""

    def evaluations(
        self, site: Site, params: MinGruParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """In chunks on every device: no gate waits for a memory."""
        del params, device
        chunks, size = scan_chunks(site.length)
        steps = f"{site.length} steps one after the other; decoding takes them, by `step`"
        return (
            Evaluation("chunks", True, f"{chunks} chunks of {size} take a step together"),
            Evaluation("recurrence", False, steps),
        )


FAMILY = MinGruFamily()
