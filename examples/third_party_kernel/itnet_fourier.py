"""Fourier filter: a convolution as long as the sequence, whose kernel has few frequencies.

    h[n] = Σ_{t ≥ 0} K[t] u[n − t]  +  Σ_{t ≥ 1} K'[t] u[n + t]      (no second sum where causal)
    K[t] = exp(−½ (t / (s L))²) Σ_{k < M} a_k cos(π k (t + ½) / L)
    y[n] = W h[n] + b

Each channel has its own amplitudes a and its own width s of the envelope; L is the length of the
site. The envelope is Gaussian, so there is no recurrence of finite size that gives the same filter.
It is evaluated by FFT with padding, so nothing wraps around the ends.

Axes    full support · translation-shared · no state · no content
Source  the low modes of FNO (arXiv 2010.08895) and GFNet (arXiv 2107.00645), in the domain of lags
Shapes  B examples, N positions, D channels, M modes
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, ClassVar, final

import torch
from pydantic import Field
from torch import nn

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.dense import DenseKernel, one_head_per_channel
from itnet_nas.integral.fft import fft_flops, fft_length, long_convolution
from itnet_nas.integral.masks import zero_masked
from itnet_nas.kernels import (
    Cost,
    KernelFamily,
    KernelParams,
    Morphism,
    Operator,
    Site,
    Values,
    Weights,
)

if TYPE_CHECKING:
    from torch import Tensor


@final
class Fourier(Operator):
    """`length` is L; fewer positions may be given."""

    undecayed: ClassVar[tuple[str, ...]] = ("log_s_SD",)

    def __init__(self, width: int, length: int, modes: int, causal: bool) -> None:
        super().__init__()
        self.length = length
        sides = 1 if causal else 2
        # White noise comes out about as loud as it went in.
        scale = math.sqrt(2 / (modes * length * sides))
        self.a_SDM = nn.Parameter(scale * torch.randn(sides, width, modes))
        self.log_s_SD = nn.Parameter(torch.empty(sides, width).uniform_(math.log(0.25), 0.0))
        self.mix = nn.Linear(width, width)

    def kernel(self, length: int) -> Tensor:
        """K (and K', where there is one) at lags 0 … N − 1, as k_SDN."""
        t_N = torch.arange(length, device=self.a_SDM.device, dtype=self.a_SDM.dtype)
        k_M = torch.arange(self.a_SDM.shape[-1], device=t_N.device, dtype=t_N.dtype)
        wave_MN = torch.cos(math.pi / self.length * k_M[:, None] * (t_N + 0.5))
        spread_SD1 = self.length * self.log_s_SD.exp().unsqueeze(-1)
        return torch.exp(-0.5 * (t_N / spread_SD1).square()) * (self.a_SDM @ wave_MN)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """By FFT."""
        u_BND = zero_masked(u_BND, mask_BN)
        h_BDN = long_convolution(u_BND.mT, *self.kernel(u_BND.shape[1]))
        return zero_masked(self.mix(h_BDN.mT), mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Pair by pair of positions, mode by mode."""
        u_BND = zero_masked(u_BND, mask_BN)
        rows = []
        for n in range(u_BND.shape[1]):
            h_BD = torch.zeros_like(u_BND[:, 0])
            for m in range(u_BND.shape[1]):
                side = 0 if m <= n else 1
                if side < len(self.a_SDM):
                    h_BD = h_BD + self._at(side, abs(n - m)) * u_BND[:, m]
            rows.append(self.mix(h_BD))
        return zero_masked(torch.stack(rows, 1), mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """One head for each channel, K^d[n, m] by the lag n − m; O mixes the channels."""
        batch, length, width = u_BND.shape
        k_SDN = self.kernel(length)
        n_N = torch.arange(length, device=u_BND.device)
        lag_NN = n_N.unsqueeze(1) - n_N
        k_DNN = k_SDN[0][:, lag_NN.clamp(min=0)] * (lag_NN >= 0)
        if len(k_SDN) == 2:
            k_DNN = k_DNN + k_SDN[1][:, (-lag_NN).clamp(min=0)] * (lag_NN < 0)
        v_HEF, _ = one_head_per_channel(width, u_BND)
        o_HDE = self.mix.weight.mT.unsqueeze(2)
        return DenseKernel(k_DNN.expand(batch, -1, -1, -1), v_HEF, o_HDE, b_D=self.mix.bias)

    def _at(self, side: int, lag: int) -> Tensor:
        """One value of the kernel for each channel."""
        k_D = torch.zeros_like(self.log_s_SD[side])
        for k, a_D in enumerate(self.a_SDM[side].unbind(-1)):
            k_D = k_D + a_D * math.cos(math.pi * k * (lag + 0.5) / self.length)
        return k_D * torch.exp(-0.5 * (lag / (self.log_s_SD[side].exp() * self.length)) ** 2)


class FourierParams(KernelParams):
    """How fine the filter can be."""

    modes: Annotated[
        int,
        Field(ge=1, le=64, description="cosines that make up the kernel, from the slowest on"),
        Values(4, 8),
    ]


@final
class FourierFamily(KernelFamily[FourierParams]):
    """Long smooth filters over sequences."""

    Params: ClassVar[type[KernelParams]] = FourierParams
    summary: ClassVar[str] = "a filter as long as the sequence, made of a few cosines"
    source: ClassVar[str] = "arXiv 2010.08895 and arXiv 2107.00645, low modes"

    def bias(self, params: FourierParams) -> Bias:
        """Everything, by a rule of distance alone."""
        del params
        return Bias(support=Support.FULL, sharing=Sharing.TRANSLATION)

    def cost(self, site: Site, params: FourierParams) -> Cost:
        """The FFT convolution, 2 M + 4 for each value of the kernel, and 2 N D² for the map.

        Backward the convolution takes as many transforms again and one more product of spectra,
        everything else twice as much as forward. Kept are three tables of the kernel, the cosines,
        and of the convolution both padded inputs, both spectra and its padded output.
        """
        width, length = site.width, site.length
        sides = 1 if site.causal else 2
        points = fft_length(length)
        convolution, product = width * fft_flops(length), 6 * width * (points // 2 + 1)
        kernel = sides * width * length * (2 * params.modes + 4)
        rest = kernel + 2 * length * width**2
        count = sides * width * (params.modes + 1) + width**2 + width
        kept = width * (3 * sides * length + 5 * points) + params.modes * length
        return Cost(
            flops=convolution + rest,
            params=count,
            train_flops=2 * convolution + product + 3 * rest,
            traffic_bytes=4 * (2 * length * width + count + 2 * kept),
            activation_bytes=4 * kept,
        )

    def build(self, site: Site, params: FourierParams) -> Fourier:
        """The operator."""
        return Fourier(width=site.width, length=site.length, modes=params.modes, causal=site.causal)

    def refuses(self, site: Site, params: FourierParams) -> str:
        """A lag needs positions in a row."""
        del params
        if site.domain.kind != "sequence":
            return f"a filter over lags needs a sequence, not {site.domain}"
        return ""

    def normalize(self, site: Site, params: FourierParams) -> FourierParams:
        """L cosines already give every kernel of L lags; more only repeat them."""
        return params.model_copy(update={"modes": min(params.modes, site.length)})

    def morphisms(self, site: Site, params: FourierParams) -> tuple[Morphism, ...]:
        """Twice the modes, the new ones with amplitude 0."""
        modes = min(2 * params.modes, site.length, 64)
        if modes <= params.modes:
            return ()

        def carry(weights: Weights) -> dict[str, Tensor]:
            more = modes - params.modes
            return {**weights, "a_SDM": nn.functional.pad(weights["a_SDM"], (0, more))}

        change = f"modes {params.modes} -> {modes}, zeros"
        return (Morphism(FourierParams(modes=modes), carry, change),)


FAMILY = FourierFamily()
