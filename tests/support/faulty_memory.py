"""A healthy recurrence, faults to plant in it by name, and changes that are none.

a[n] = σ(w ⊙ u[n] + b)        s[n] = a[n] ⊙ s[n − 1] + (1 − a[n]) ⊙ u[n]        y[n] = M s[n]
"""

from __future__ import annotations

from typing import Any, ClassVar, final

import torch
from support.faulty_content import NoParams
from torch import Tensor, nn

from itnet_nas.axes import Bias, Content, Entry, Sharing, State, Support
from itnet_nas.integral.dense import DenseKernel, one_head_per_channel
from itnet_nas.integral.masks import zero_masked
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Operator, Site

MEMORY = Bias(
    support=Support.FULL,
    sharing=Sharing.TRANSLATION,
    state=State.LINEAR,
    state_size=1,
    content=Content.PATH,
    entry=(Entry.TRANSITION,),
)


@final
class Memory(Operator):
    """One number for each channel."""

    def __init__(self, width: int, twist: str) -> None:
        super().__init__()
        self.twist = twist
        self.w_D = nn.Parameter(torch.randn(width))
        self.b_D = nn.Parameter(torch.randn(width))
        m_DD = torch.randn(width, width) / width**0.5
        self.m_DD = nn.Parameter(m_DD if twist != "begins at zero" else torch.zeros_like(m_DD))
        if twist == "dead parameter":
            self.spare_D = nn.Parameter(torch.ones(width))
        if twist == "drawn and not saved":
            self.register_buffer("drawn_D", torch.rand(width), persistent=False)
        if twist == "constant buffer":
            self.register_buffer("one", torch.ones(()), persistent=False)
        if twist == "closure":
            self.last = lambda y_BND: y_BND

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        if self.twist == "input in place":
            u_BND = u_BND.mul_(1 if mask_BN is None else mask_BN.unsqueeze(-1))
        if self.twist == "counts its calls":
            self.b_D.data += 1e-3
        if self.twist == "throws dice":
            torch.rand(())
        if self.twist == "gradient of rubbish" and mask_BN is not None:
            kept_BN1 = mask_BN.unsqueeze(-1)
            u_BND = torch.where(kept_BN1, u_BND.exp().log(), 0 * kept_BN1)
        u_BND = zero_masked(u_BND, mask_BN)
        a_BND = self._keeps(u_BND, mask_BN)
        s_BD, rows = torch.zeros_like(u_BND[:, 0]), []
        for n in range(u_BND.shape[1]):
            s_BD = a_BND[:, n] * s_BD + (1 - a_BND[:, n]) * u_BND[:, n]
            rows.append(s_BD)
        s_BND = torch.stack(rows, 1)
        if self.twist == "both ways":
            s_BND = s_BND + s_BND.mean(1, keepdim=True)
        if self.twist == "other order":
            return zero_masked((self.m_DD @ s_BND.mT).mT, mask_BN)
        return zero_masked(self._show(s_BND), mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        a_BND = self._keeps(zero_masked(u_BND, mask_BN), mask_BN)
        length = u_BND.shape[1]
        rows = []
        for i in range(length):
            ahead_BND = a_BND[:, 1 : i + 1].flip(1).cumprod(1).flip(1)
            kept_BND = nn.functional.pad(ahead_BND, (0, 0, 0, 1), value=1.0)
            row_BND = kept_BND * (1 - a_BND[:, : i + 1])
            rows.append(nn.functional.pad(row_BND, (0, 0, 0, length - 1 - i)).mT)
        v_HEF, _ = one_head_per_channel(u_BND.shape[-1], u_BND)
        shown_DD = self._show(torch.eye(u_BND.shape[-1], dtype=u_BND.dtype)).mT
        return DenseKernel(torch.stack(rows, 2), v_HEF, shown_DD.mT.unsqueeze(2))

    def _keeps(self, u_XND: Tensor, mask_BN: Tensor | None = None) -> Tensor:
        """a; 1 at masked positions, which leave the memory as it is."""
        a_XND = torch.sigmoid(self.w_D * u_XND + self.b_D)
        return a_XND if mask_BN is None else a_XND.masked_fill(~mask_BN.unsqueeze(-1), 1.0)

    def _show(self, s_XND: Tensor) -> Tensor:
        if self.twist == "drawn and not saved":
            s_XND = s_XND * self.drawn_D.to(s_XND.dtype)
        return s_XND @ self.m_DD.mT

    @property
    def decodes(self) -> bool:
        return True

    def start(self, batch: int) -> Any:
        silent_BD = self.m_DD.new_zeros(batch, len(self.m_DD))
        spare = {"carries too much": 20, "gives out late": 1}.get(self.twist, 0)
        return [silent_BD, *(torch.zeros_like(silent_BD) for _ in range(spare))]

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        s_BD, *rest = state
        if self.twist == "gives out late":
            rest = [rest[0] + 1]
            s_BD = s_BD * (rest[0] <= 30)
        a_BD = self._keeps(u_BD)
        if self.twist == "state in place":
            return self._show(s_BD.mul_(a_BD).add_((1 - a_BD) * u_BD)), [s_BD, *rest]
        s_BD = a_BD * s_BD + (1 - a_BD) * u_BD
        return self._show(s_BD), [s_BD, *rest]


@final
class MemoryFamily(KernelFamily[NoParams]):
    """Healthy but for one word, one coordinate or one figure."""

    Params: ClassVar[type[KernelParams]] = NoParams
    summary = "a memory that the content fills"
    source = "this test"

    def __init__(
        self, twist: str = "", bias: Bias = MEMORY, cost: dict[str, Any] | None = None
    ) -> None:
        self.twist = twist
        self.stated = bias
        self.wrong = cost or {}

    def bias(self, params: NoParams) -> Bias:
        return self.stated

    def cost(self, site: Site, params: NoParams) -> Cost:
        length, width = site.length, site.width
        numbers = 6 * length * width
        dead = width if self.twist == "dead parameter" else 0
        spare = {"carries too much": 20, "gives out late": 1}.get(self.twist, 0)
        right: dict[str, Any] = {
            "flops": length * width * (2 * width + 6),
            "params": width**2 + 2 * width + dead,
            "state_bytes": 4 * width * (1 + spare),
            "train_flops": 3 * length * width * (2 * width + 6),
            "decode_flops": width * (2 * width + 6),
            "traffic_bytes": 8 * (length * width + numbers + width**2 + 3 * width),
            "activation_bytes": 4 * numbers,
        }
        return Cost(**{**right, **self.wrong})

    def build(self, site: Site, params: NoParams) -> Operator:
        return Memory(site.width, self.twist)

    def refuses(self, site: Site, params: NoParams) -> str:
        if self.twist == "refuses everything":
            return "not here"
        return "" if site.causal else "it looks back"
