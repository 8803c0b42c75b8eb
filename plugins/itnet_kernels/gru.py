"""GRU: a gated memory is carried along, and its gates read what it holds.

    r = σ(W_r u[n] + b_r + U_r h + c_r)        z = σ(W_z u[n] + b_z + U_z h + c_z)
    a = tanh(W_a u[n] + b_a + r ⊙ (U_a h + c_a))
    y[n] = h ← (1 − z) ⊙ a + z ⊙ h

In a causal domain one memory of D numbers runs forward. Elsewhere two of D/2 numbers run, one in
each direction, and y[n] joins them. A masked position is passed over: the memory stays as it was.

Axes    full support · translation-shared · feedback state · path content (transition)
Source  arXiv 1406.1078, in the form of torch.nn.GRU
Shapes  B examples, N positions, D channels, S numbers of one memory
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

import torch
from torch import nn

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.integral.masks import real_positions, zero_masked
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


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
        """torch's fused loops; real positions are moved to the front first, in their order."""
        if mask_BN is None:
            y_BND: Tensor = self.ahead(u_BND)[0]
            if self.back is None:
                return y_BND
            back_BNS = self.back(u_BND.flip(1))[0].flip(1)
            return torch.cat([y_BND, back_BNS], -1)
        u_BND = zero_masked(u_BND, mask_BN)
        order_BN = torch.argsort((~mask_BN).long(), dim=1, stable=True)
        front_BND = _pick(u_BND, order_BN)
        y_BND = self.ahead(front_BND)[0]
        if self.back is not None:
            n_N = torch.arange(u_BND.shape[1], device=u_BND.device)
            mirror_BN = mask_BN.sum(1, keepdim=True) - 1 - n_N
            mirror_BN = torch.where(mirror_BN >= 0, mirror_BN, n_N)
            back_BNS = _pick(self.back(_pick(front_BND, mirror_BN))[0], mirror_BN)
            y_BND = torch.cat([y_BND, back_BNS], -1)
        return zero_masked(_pick(y_BND, torch.argsort(order_BN, dim=1)), mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """The formula, position by position."""
        batch, length, _ = u_BND.shape
        examples = []
        for b in range(batch):
            real = real_positions(mask_BN, b, length)
            parts = [self._run(self.ahead, u_BND[b], real)]
            if self.back is not None:
                parts.append(self._run(self.back, u_BND[b], real[::-1]))
            examples.append(torch.cat(parts, -1))
        return torch.stack(examples)

    @staticmethod
    def _run(gru: nn.GRU, u_ND: Tensor, positions: list[int]) -> Tensor:
        weight = dict(gru.named_parameters())
        h_S = u_ND.new_zeros(gru.hidden_size)
        rows = [h_S] * len(u_ND)
        for n in positions:
            from_u = weight["weight_ih_l0"] @ u_ND[n] + weight["bias_ih_l0"]
            from_h = weight["weight_hh_l0"] @ h_S + weight["bias_hh_l0"]
            (ur_S, uz_S, ua_S), (hr_S, hz_S, ha_S) = from_u.chunk(3), from_h.chunk(3)
            r_S, z_S = torch.sigmoid(ur_S + hr_S), torch.sigmoid(uz_S + hz_S)
            h_S = (1 - z_S) * torch.tanh(ua_S + r_S * ha_S) + z_S * h_S
            rows[n] = h_S
        return torch.stack(rows)

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


def _pick(u_BND: Tensor, index_BN: Tensor) -> Tensor:
    """u[b, index[b, n]]."""
    return u_BND.gather(1, index_BN.unsqueeze(-1).expand(-1, -1, u_BND.shape[-1]))


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
        """For each memory of S numbers N (6 S (D + S) + 5 S): three gates, then their products."""
        del params
        width = site.width
        size, runs = (width, 1) if site.causal else (width // 2, 2)
        weights = 3 * size * (width + size)
        return Cost(
            flops=runs * site.length * (2 * weights + 5 * size),
            params=runs * (weights + 6 * size),
            state_bytes=4 * size if site.causal else None,
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


FAMILY = GruFamily()
