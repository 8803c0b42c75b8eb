"""LSTM: a gated memory that is written, kept and shown by three gates, which read what was shown.

    i = σ(W_i u[n] + b_i + U_i h + e_i)        f, o alike: write, keep, show
    a = tanh(W_a u[n] + b_a + U_a h + e_a)
    c ← f ⊙ c + i ⊙ a
    y[n] = h ← o ⊙ tanh(c)

In a causal domain one memory of D numbers runs forward. Elsewhere two of D/2 numbers run, one in
each direction, and y[n] joins them. A masked position is passed over: the memory stays as it was.

Since gates and candidate read h, this is an integral transform *given the trajectory*:
y[i] = Σ_{j ≤ i} o[i] t[i] Φ[i, j] i[j] s[j] (W_a u[j] + b_a + U_a y[j − 1] + e_a), with s and t the
ratio tanh(x) / x inside the two tanh, and Φ[i, j] the product of f[j + 1] … f[i].

Axes    full support · translation-shared · feedback state · path content (transition, amplitude,
        gate)
Source  Neural Computation 9(8), 1997, with the forget gate of 2000, in the form of torch.nn.LSTM
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
    """One memory along its way: h after a position and before it, gates, tanh(x) / x of both."""

    lstm: nn.LSTM
    h_BNS: Tensor
    before_BNS: Tensor
    write_BNS: Tensor
    keep_BNS: Tensor
    show_BNS: Tensor
    slope_BNS: Tensor  # of the candidate
    shown_BNS: Tensor  # of the memory


@final
class Lstm(Operator):
    """`ahead` runs from the first position to the last, `back` the other way."""

    def __init__(self, width: int, causal: bool) -> None:
        super().__init__()
        size = width if causal else width // 2
        self.ahead = nn.LSTM(width, size, batch_first=True)
        self.back = None if causal else nn.LSTM(width, size, batch_first=True)

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
        """Each memory along its way; a masked position leaves it as it was."""
        length = u_BND.shape[1]
        real_BN = torch.ones_like(u_BND[..., 0], dtype=torch.bool) if mask_BN is None else mask_BN
        runs = []
        for lstm, order in ((self.ahead, range(length)), (self.back, reversed(range(length)))):
            if lstm is None:
                continue
            w_u, w_h, b_u, b_h = lstm.parameters()
            h_BS = c_BS = u_BND.new_zeros(len(u_BND), lstm.hidden_size)
            rows = {}
            for n in order:
                real_B1, before_BS = real_BN[:, n, None], h_BS
                sums = u_BND[:, n] @ w_u.T + b_u + h_BS @ w_h.T + b_h
                i, f, p_BS, o = sums.chunk(4, -1)
                write_BS = torch.sigmoid(i) * real_B1
                keep_BS = torch.where(real_B1, torch.sigmoid(f), 1.0)
                show_BS = torch.sigmoid(o)
                c_BS = keep_BS * c_BS + write_BS * p_BS.tanh()
                h_BS = torch.where(real_B1, show_BS * c_BS.tanh(), h_BS)
                slopes = tanh_slope(p_BS), tanh_slope(c_BS)
                rows[n] = (h_BS, before_BS, write_BS, keep_BS, show_BS, *slopes)
            parts = zip(*(rows[n] for n in range(length)), strict=True)
            runs.append(_Run(lstm, *(torch.stack(part, 1) for part in parts)))
        return runs

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K along the trajectory: a head for each number of a memory, over (u, y before, 1)."""
        u_BND = zero_masked(u_BND, mask_BN)
        runs = self._runs(u_BND, mask_BN)
        field = [u_BND, *(run.before_BNS for run in runs), torch.ones_like(u_BND[..., :1])]
        kernels, values = [], []
        for at, run in enumerate(runs):
            keep_BNS = run.keep_BNS.flip(1) if at else run.keep_BNS
            kept_BSNN = kept_products(keep_BNS)
            kept_BSNN = kept_BSNN.flip(2, 3) if at else kept_BSNN
            shown_BSN = (run.show_BNS * run.shown_BNS).mT
            taken_BSN = (run.write_BNS * run.slope_BNS).mT
            kernels.append(shown_BSN.unsqueeze(3) * kept_BSNN * taken_BSN.unsqueeze(2))
            w_u, w_h, b_u, b_h = (part.chunk(4)[2] for part in run.lstm.parameters())
            reads = [w_h if at == other else 0 * w_h for other in range(len(runs))]
            values.append(torch.cat([w_u, *reads, (b_u + b_h).unsqueeze(1)], 1))
        unit_YY = torch.eye(sum(map(len, values)), dtype=u_BND.dtype, device=u_BND.device)
        return DenseKernel(
            k_BHNN=torch.cat(kernels, 1),
            v_HEF=torch.cat(values).unsqueeze(1),
            o_HDE=unit_YY.unsqueeze(-1),
            field_BNF=torch.cat(field, -1),
            feedback=True,
        )

    @property
    def decodes(self) -> bool:
        """Where one memory runs forward."""
        return self.back is None

    def start(self, batch: int) -> Any:
        """Empty memories h and c, (2, B, D)."""
        if self.back is not None:
            return super().start(batch)
        return next(self.ahead.parameters()).new_zeros(2, batch, self.ahead.hidden_size)

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One turn of the memory."""
        if self.back is not None:
            return super().step(u_BD, state)
        h_1BD, c_1BD = state.unsqueeze(1)
        y_B1D, memories = self.ahead(u_BD.unsqueeze(1), (h_1BD.contiguous(), c_1BD.contiguous()))
        return y_B1D.squeeze(1), torch.cat(memories)


class LstmParams(KernelParams):
    """There is nothing to choose: the memory has as many numbers as there are channels."""


@final
class LstmFamily(KernelFamily[LstmParams]):
    """Recurrence with a memory behind gates over ordered domains."""

    Params: ClassVar[type[KernelParams]] = LstmParams
    summary: ClassVar[str] = (
        "recurrence with a memory behind three gates; runs both ways where nothing is hidden"
    )
    source: ClassVar[str] = "Neural Computation 9(8), 1997"

    def bias(self, params: LstmParams) -> Bias:
        """Everything so far, through a memory whose gates read what it showed."""
        del params
        return Bias(
            support=Support.FULL,
            sharing=Sharing.TRANSLATION,
            state=State.FEEDBACK,
            state_size=2,
            content=Content.PATH,
            entry=(Entry.TRANSITION, Entry.AMPLITUDE, Entry.GATE),
        )

    def cost(self, site: Site, params: LstmParams) -> Cost:
        """For each memory of S numbers N (8 S (D + S) + 4 S): four gates, then their products.

        Moved beside input, output and weights: the four parts that come from u, out and in again.
        Kept, as the library lays it out on a CPU: the input, 3 D + 12 S + 64 numbers for each
        position and a block of 3200 (figures read off, within a quarter).
        """
        del params
        width, length = site.width, site.length
        size, runs = (width, 1) if site.causal else (width // 2, 2)
        weights = 4 * size * (width + size)
        step = runs * (2 * weights + 4 * size)
        numbers = runs * (weights + 8 * size)
        kept = length * (4 * width + 12 * size + 64) + 3200
        return Cost(
            flops=length * step,
            params=numbers,
            state_bytes=8 * size if site.causal else None,
            train_flops=3 * length * step,
            decode_flops=step if site.causal else None,
            traffic_bytes=4 * (length * (2 * width + 8 * runs * size) + numbers),
            activation_bytes=4 * runs * kept,
        )

    def build(self, site: Site, params: LstmParams) -> Lstm:
        """The operator."""
        del params
        return Lstm(width=site.width, causal=site.causal)

    def refuses(self, site: Site, params: LstmParams) -> str:
        """A memory needs an order, and two of them an even width."""
        del params
        if site.domain.kind != "sequence":
            return f"a recurrence needs a sequence, not {site.domain}"
        if not site.causal and site.width % 2:
            return f"two directions need an even width, and {site.width} is odd"
        return ""

    def evaluations(
        self, site: Site, params: LstmParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """By torch's loop on every device: what a gate reads is known one position at a time."""
        del params
        library = "cuDNN's" if device == "cuda" else "oneDNN's"
        steps = f"{site.length} steps through Python; decoding takes them, by `step`"
        return (
            Evaluation("fused", True, f"{library} loop: a gate has to wait for the memory before"),
            Evaluation("recurrence", False, steps),
        )


FAMILY = LstmFamily()
