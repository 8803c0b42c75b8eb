"""GRU: a gated memory is carried along, and its gates read what it holds.

    r = σ(W_r u[n] + b_r + U_r h + c_r)        z = σ(W_z u[n] + b_z + U_z h + c_z)
    a = tanh(W_a u[n] + b_a + r ⊙ (U_a h + c_a))
    y[n] = h ← (1 − z) ⊙ a + z ⊙ h

In a causal domain one memory of D numbers runs forward. Elsewhere two of D/2 numbers run, one in
each direction, and y[n] joins them. A masked position is passed over: the memory stays as it was.

Since gates and candidate read h, this is an integral transform *given the trajectory*:
y[i] = Σ_{j ≤ i} Φ[i, j] (1 − z[j]) s[j] (W_a u[j] + b_a + r[j] ⊙ (U_a y[j − 1] + c_a)), with
s = tanh(p) / p of what stands inside the tanh, and Φ[i, j] the product of z[j + 1] … z[i].

Axes    full support · translation-shared · feedback state · path content (transition)
Source  arXiv 1406.1078, in the form of torch.nn.GRU
Shapes  B examples, N positions, D channels, S numbers of one memory
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, final

import torch
from torch import nn

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.integral.dense import DenseKernel
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.recurrences import both_ways, kept_products, tanh_slope, torch_loop
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


class _Run(NamedTuple):
    """One memory along its way: after a position and before it, gates, and s = tanh(p) / p."""

    gru: nn.GRU
    h_BNS: Tensor
    before_BNS: Tensor
    r_BNS: Tensor
    z_BNS: Tensor
    slope_BNS: Tensor


@final
class Gru(Operator):
    """`ahead` runs from the first position to the last, `back` the other way."""

    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        size = width if causal else width // 2
        self.ahead = nn.GRU(width, size, batch_first=True)
        self.back = None if causal else nn.GRU(width, size, batch_first=True)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """torch's fused loops."""
        back = None if self.back is None else torch_loop(self.back)
        return both_ways(torch_loop(self.ahead), back, u_BND, mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """The formula, position by position."""
        u_BND = zero_masked(u_BND, mask_BN)
        runs = [run.h_BNS for run in self._runs(u_BND, mask_BN)]
        return zero_masked(torch.cat(runs, -1), mask_BN)

    def _runs(self, u_BND: Tensor, mask_BN: Tensor | None) -> list[_Run]:
        """Each memory along its way; where a position is masked, z = 1: it stays as it was."""
        length = u_BND.shape[1]
        real_BN = torch.ones_like(u_BND[..., 0], dtype=torch.bool) if mask_BN is None else mask_BN
        runs = []
        for gru, order in ((self.ahead, range(length)), (self.back, reversed(range(length)))):
            if gru is None:
                continue
            w_u, w_h, b_u, b_h = gru.parameters()
            h_BS = u_BND.new_zeros(len(u_BND), gru.hidden_size)
            rows = {}
            for n in order:
                before_BS = h_BS
                from_u, from_h = u_BND[:, n] @ w_u.T + b_u, h_BS @ w_h.T + b_h
                (ur, uz, ua), (hr, hz, ha) = from_u.chunk(3, -1), from_h.chunk(3, -1)
                r_BS, z_BS = torch.sigmoid(ur + hr), torch.sigmoid(uz + hz)
                z_BS = torch.where(real_BN[:, n, None], z_BS, 1.0)
                p_BS = ua + r_BS * ha
                h_BS = (1 - z_BS) * torch.tanh(p_BS) + z_BS * h_BS
                rows[n] = (h_BS, before_BS, r_BS, z_BS, tanh_slope(p_BS))
            parts = [
                torch.stack(part, 1) for part in zip(*(rows[n] for n in range(length)), strict=True)
            ]
            runs.append(_Run(gru, *parts))
        return runs

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K along the trajectory: a = s ⊙ (W_a u + b_a + r ⊙ (U_a h + c_a)) with s = tanh(p) / p.

        Two heads for each number of a memory: one reads (u, 1) through W_a and b_a, the other the
        memory that came before, with r in its kernel. Φ holds the z between two positions.
        """
        u_BND = zero_masked(u_BND, mask_BN)
        runs = self._runs(u_BND, mask_BN)
        size = self.ahead.hidden_size
        field = [u_BND, *(run.before_BNS for run in runs), torch.ones_like(u_BND[..., :1])]
        kernels, values = [], []
        for at, run in enumerate(runs):
            back = at == 1
            z_BNS = run.z_BNS.flip(1) if back else run.z_BNS
            kept_BSNN = kept_products(z_BNS)
            kept_BSNN = kept_BSNN.flip(2, 3) if back else kept_BSNN
            taken_BSN = ((1 - run.z_BNS) * run.slope_BNS).mT
            kernels += [
                kept_BSNN * taken_BSN.unsqueeze(2),
                kept_BSNN * (taken_BSN * run.r_BNS.mT).unsqueeze(2),
            ]
            w_u, w_h, b_u, b_h = (part.chunk(3)[2] for part in run.gru.parameters())
            others = [w_h if at == other else 0 * w_h for other in range(len(runs))]
            reads_u = torch.cat([w_u, *(0 * w_h for _ in runs), b_u.unsqueeze(1)], 1)
            reads_h = torch.cat([0 * w_u, *others, b_h.unsqueeze(1)], 1)
            values += [reads_u, reads_h]
        unit_SY = torch.eye(len(runs) * size, dtype=u_BND.dtype, device=u_BND.device)
        writes = [unit_SY[at * size : (at + 1) * size] for at in range(len(runs)) for _ in range(2)]
        return DenseKernel(
            k_BHNN=torch.cat(kernels, 1),
            v_HEF=torch.cat(values).unsqueeze(1),
            o_HDE=torch.cat(writes).unsqueeze(-1),
            field_BNF=torch.cat(field, -1),
            feedback=True,
        )

    @property
    def decodes(self) -> bool:
        """Where one memory runs forward."""
        return self.back is None

    def start(self, batch: int) -> Any:
        """An empty memory, (B, D)."""
        if self.back is not None:
            return super().start(batch)
        return next(self.ahead.parameters()).new_zeros(batch, self.ahead.hidden_size)

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One turn of the memory."""
        if self.back is not None:
            return super().step(u_BD, state)
        y_B1D, h_1BD = self.ahead(u_BD.unsqueeze(1), state.unsqueeze(0))
        return y_B1D.squeeze(1), h_1BD.squeeze(0)


class GruParams(KernelParams):
    """There is nothing to choose: the memory has as many numbers as there are channels."""


@final
class GruFamily(KernelFamily[GruParams]):
    """Gated recurrence over ordered domains."""

    Params: ClassVar[type[KernelParams]] = GruParams
    summary: ClassVar[str] = (
        "gated recurrence with feedback; runs both ways where nothing is hidden"
    )
    source: ClassVar[str] = "arXiv 1406.1078"

    def bias(self, params: GruParams) -> Bias:
        """Everything so far, through a memory whose transition reads itself."""
        del params
        return Bias(
            support=Support.FULL,
            sharing=Sharing.TRANSLATION,
            state=State.FEEDBACK,
            state_size=1,
            content=Content.PATH,
            entry=(Entry.TRANSITION,),
        )

    def cost(self, site: Site, params: GruParams) -> Cost:
        """For each memory of S numbers N (6 S (D + S) + 5 S): three gates, then their products.

        Moved beside input, output and weights: the three parts that come from u, out and in again.
        Kept, as torch does: the input, and seven numbers for each one of the memory.
        """
        del params
        width, length = site.width, site.length
        size, runs = (width, 1) if site.causal else (width // 2, 2)
        weights = 3 * size * (width + size)
        step = runs * (2 * weights + 5 * size)
        numbers = runs * (weights + 6 * size)
        return Cost(
            flops=length * step,
            params=numbers,
            state_bytes=4 * size if site.causal else None,
            train_flops=3 * length * step,
            decode_flops=step if site.causal else None,
            traffic_bytes=4 * (length * (2 * width + 6 * runs * size) + numbers),
            activation_bytes=4 * length * runs * (width + 7 * size),
        )

    def build(self, site: Site, params: GruParams) -> Gru:
        """The operator."""
        del params
        return Gru(width=site.width, causal=site.causal)

    def refuses(self, site: Site, params: GruParams) -> str:
        """A memory needs an order, and two of them an even width."""
        del params
        if site.domain.kind != "sequence":
            return f"a recurrence needs a sequence, not {site.domain}"
        if not site.causal and site.width % 2:
            return f"two directions need an even width, and {site.width} is odd"
        return ""

    def evaluations(
        self, site: Site, params: GruParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """By torch's loop on every device: what a gate reads is known one position at a time."""
        del params
        library = "cuDNN's" if device == "cuda" else "torch's own"
        steps = f"{site.length} steps through Python; decoding takes them, by `step`"
        return (
            Evaluation("fused", True, f"{library} loop: a gate has to wait for the memory before"),
            Evaluation("recurrence", False, steps),
        )


FAMILY = GruFamily()
