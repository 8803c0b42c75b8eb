"""A family whose rule comes again after some positions, with a sharing that may say otherwise.

y[n] = M (g[n mod P] ⊙ (u[n] + u[n − 1]))
"""

from __future__ import annotations

from typing import ClassVar, final

import torch
from support.faulty_content import NoParams
from torch import Tensor, nn

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.dense import DenseKernel, one_head_per_channel
from itnet_nas.integral.masks import zero_masked
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Operator, Site


@final
class Periodic(Operator):
    """`period` 1 is a convolution, one as long as the domain a rule of its own everywhere."""

    def __init__(self, width: int, period: int) -> None:
        super().__init__()
        self.g_PD = nn.Parameter(torch.randn(period, width))
        self.m_DD = nn.Parameter(torch.randn(width, width) / width**0.5)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        u_BND = zero_masked(u_BND, mask_BN)
        before_BND = nn.functional.pad(u_BND, (0, 0, 1, 0))[:, :-1]
        y_BND = (self._rule(u_BND.shape[1]) * (u_BND + before_BND)) @ self.m_DD.mT
        return zero_masked(y_BND, mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        batch, length, width = u_BND.shape
        one_NN = torch.eye(length, dtype=u_BND.dtype)
        band_NN = one_NN + one_NN.roll(1, 0).tril()
        k_DNN = self._rule(length).mT.unsqueeze(2) * band_NN
        v_HEF, _ = one_head_per_channel(width, u_BND)
        return DenseKernel(k_DNN.expand(batch, -1, -1, -1), v_HEF, self.m_DD.mT.unsqueeze(2))

    def _rule(self, length: int) -> Tensor:
        return self.g_PD[torch.arange(length, device=self.g_PD.device) % len(self.g_PD)]


@final
class PeriodicFamily(KernelFamily[NoParams]):
    """`declared` stands in the bias, `period` in the code; it cannot be packed, so no padding."""

    Params: ClassVar[type[KernelParams]] = NoParams
    summary = "two taps, louder here than there"
    source = "this test"

    def __init__(self, period: int, declared: Sharing) -> None:
        self.period = period
        self.declared = declared

    def bias(self, params: NoParams) -> Bias:
        return Bias(support=Support.WINDOW, radius=1, sharing=self.declared)

    def cost(self, site: Site, params: NoParams) -> Cost:
        length, width = site.length, site.width
        flops = length * width * (2 * width + 2)
        weights = width * (width + self.period)
        return Cost(
            flops=flops,
            params=weights,
            train_flops=3 * flops,
            traffic_bytes=4 * (6 * length * width + weights),
            activation_bytes=4 * 4 * length * width,
        )

    def build(self, site: Site, params: NoParams) -> Operator:
        return Periodic(site.width, self.period)

    def refuses(self, site: Site, params: NoParams) -> str:
        return "" if site.causal else "it looks back"
