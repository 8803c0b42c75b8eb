"""A family whose kernel reads what it is told to, with a bias that may say something else.

y[i] = M Σ_{j ≤ i} c(u[i], u[j]) u[j]

none 1     query 1 + q·u[i]     key 1 + k·u[j]     pair (1 + q·u[i]) (1 + k·u[j])
threshold max(0, q·u[i] + k·u[j])
"""

from __future__ import annotations

from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn

from itnet_nas.axes import Bias, Content, Entry, Sharing, Support
from itnet_nas.integral.dense import DenseKernel
from itnet_nas.integral.masks import zero_masked
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Operator, Site

Reads = Literal["none", "query", "key", "pair", "threshold"]
RIGHT: dict[str, tuple[Content, tuple[Entry, ...]]] = {
    "none": (Content.NONE, ()),
    "query": (Content.ONE_SIDED, (Entry.AMPLITUDE,)),
    "key": (Content.ONE_SIDED, (Entry.AMPLITUDE,)),
    "pair": (Content.PAIR, (Entry.AMPLITUDE,)),
    "threshold": (Content.PAIR, (Entry.AMPLITUDE, Entry.SUPPORT)),
}


@final
class Scores(Operator):
    """Written out; nothing is fast about it."""

    def __init__(self, width: int, reads: Reads) -> None:
        super().__init__()
        self.reads = reads
        self.m_DD = nn.Parameter(torch.randn(width, width) / width)
        if reads not in ("none", "key"):
            self.q_D = nn.Parameter(torch.randn(width))
        if reads not in ("none", "query"):
            self.k_D = nn.Parameter(torch.randn(width))

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        u_BND = zero_masked(u_BND, mask_BN)
        return zero_masked(self._scores(u_BND) @ u_BND @ self.m_DD.mT, mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        k_BHNN = self._scores(zero_masked(u_BND, mask_BN)).unsqueeze(1)
        unit_1DD = torch.eye(u_BND.shape[-1], dtype=u_BND.dtype).unsqueeze(0)
        return DenseKernel(k_BHNN, unit_1DD, self.m_DD.unsqueeze(0))

    def _scores(self, u_BND: Tensor) -> Tensor:
        asks_BN1 = (u_BND * self.q_D).sum(-1, keepdim=True) if hasattr(self, "q_D") else None
        says_B1N = (u_BND * self.k_D).sum(-1).unsqueeze(1) if hasattr(self, "k_D") else None
        c_BNN = u_BND.new_ones(len(u_BND), u_BND.shape[1], u_BND.shape[1])
        if self.reads == "threshold" and asks_BN1 is not None and says_B1N is not None:
            return torch.relu(asks_BN1 + says_B1N).tril()
        if asks_BN1 is not None:
            c_BNN = c_BNN * (1 + asks_BN1)
        if says_B1N is not None:
            c_BNN = c_BNN * (1 + says_B1N)
        return c_BNN.tril()


class NoParams(KernelParams):
    """Nothing to choose."""


@final
class ScoresFamily(KernelFamily[NoParams]):
    """`declared` stands in the bias, `reads` in the code."""

    Params: ClassVar[type[KernelParams]] = NoParams
    summary = "sums over the past, weighed by content"
    source = "this test"

    def __init__(
        self,
        reads: Reads,
        declared: Content | None = None,
        entry: tuple[Entry, ...] | None = None,
    ) -> None:
        self.reads = reads
        content, enters = RIGHT[reads]
        self.content = content if declared is None else declared
        self.entry = enters if entry is None else entry

    def bias(self, params: NoParams) -> Bias:
        return Bias(
            support=Support.FULL,
            sharing=Sharing.PERMUTATION,
            content=self.content,
            entry=self.entry,
        )

    def cost(self, site: Site, params: NoParams) -> Cost:
        length, width = site.length, site.width
        sides = {"none": 0, "query": 1, "key": 1}.get(self.reads, 2)
        flops = 2 * length * width * (length + width + sides)
        weights = width**2 + sides * width
        numbers = 3 * length * width + (1 + sides) * length**2
        return Cost(
            flops=flops,
            params=weights,
            train_flops=3 * flops,
            traffic_bytes=4 * (2 * length * width + weights + numbers),
            activation_bytes=4 * numbers,
        )

    def build(self, site: Site, params: NoParams) -> Operator:
        return Scores(site.width, self.reads)

    def refuses(self, site: Site, params: NoParams) -> str:
        return "" if site.causal else "it looks back"
