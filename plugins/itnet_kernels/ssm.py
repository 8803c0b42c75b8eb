"""State space: a memory that fades and turns in a fixed way, and a linear reading of it.

    x_s ← λ_s x_s + u[n],   |λ_s| < 1         n complex modes s for each channel
    h[n] = Re Σ_s C_s x_s + g u[n]            so h = K * u + g u with K[t] = Re Σ_s C_s λ_s^t
    y[n] = W h[n] + b                         a linear map of the channels

λ_s = exp(−(ε + e^{a_s}) + i ω_s) with ε = 1e-4, so a mode fades whatever the weights are. A vector
B_s in front of u would only multiply C_s, and is left out. Where the domain is not causal a second
kernel reads the later positions: h[n] += Σ_{t ≥ 1} K'[t] u[n + t]. As an integral, channel d has
the kernel K_d[i − j] + g_d [i = j] (+ K'_d[j − i]), and W mixes the channels.

Training convolves by FFT, in float32 at least; decoding carries the n complex numbers x_s. The
kernel is a product of two small tables: with t = F j + i, 0 ≤ i < F,

    K[F j + i] = Re Σ_s (C_s λ_s^(F j)) λ_s^i             some 2 √N powers of λ_s instead of N

Axes    full support · translation-shared · linear(n) state · no content
Source  S4D, arXiv 2206.11893
Shapes  B examples, N positions, D channels, S modes, I = F fine and J = ⌈N / F⌉ coarse lags
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, final

import torch
from pydantic import Field
from torch import nn

from itnet_nas.axes import Bias, Sharing, State, Support
from itnet_nas.integral.dense import DenseKernel, one_head_per_channel
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.integral.fft import fft_flops, fft_length, long_convolution
from itnet_nas.integral.masks import zero_masked
from itnet_nas.integral.precision import as_given
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Site, Values, Weights
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


@final
class Modes(nn.Module):
    """S fading, turning modes for each channel, and the kernel that they make.

    At first they fade within 1 to `longest` positions, as many in each octave, and turns are spread
    over the half circle; the reading is scaled so that white noise comes out as loud as it went in.
    """

    slowest: ClassVar[float] = 1e-4

    def __init__(self, width: int, modes: int, longest: int) -> None:
        super().__init__()
        log_rate_DS = -math.log(longest) * torch.rand(width, modes)
        turn_S = math.pi * torch.arange(modes) / modes
        loud_DS = (2 * log_rate_DS.exp() / modes).sqrt()
        self.log_rate_DS = nn.Parameter(log_rate_DS)
        self.turn_DS = nn.Parameter(turn_S.repeat(width, 1))
        self.c_DS2 = nn.Parameter(loud_DS.unsqueeze(-1) * torch.randn(width, modes, 2))

    def transition(self) -> Tensor:
        """λ_DS, complex."""
        return torch.polar(torch.exp(-(self.slowest + self.log_rate_DS.exp())), self.turn_DS)

    def kernel(self, length: int) -> Tensor:
        """K_DN for lags 0 … N − 1, real."""
        fine, coarse = table_sizes(length)
        re_DSI, im_DSI = self._powers(fine, 1)
        re_DSJ, im_DSJ = self._powers(coarse, fine)
        c_DS1, d_DS1 = self.c_DS2.unsqueeze(-1).unbind(2)
        read_re_DSJ = c_DS1 * re_DSJ - d_DS1 * im_DSJ
        read_im_DSJ = c_DS1 * im_DSJ + d_DS1 * re_DSJ
        # Re(a b) = Re a Re b − Im a Im b, summed over modes: one product of matrices. Autocast
        # would round it, and a kernel is as long as the sequence.
        with as_given(self.turn_DS):
            left_DXJ = torch.cat([read_re_DSJ, -read_im_DSJ], 1)
            k_DJI = left_DXJ.mT @ torch.cat([re_DSI, im_DSI], 1)
        return k_DJI.flatten(1)[:, :length]

    def _powers(self, count: int, stride: int) -> tuple[Tensor, Tensor]:
        """Real and imaginary parts of λ_s^t for t = 0, stride, 2 stride, …, each (D, S, count)."""
        t = stride * torch.arange(count, device=self.turn_DS.device, dtype=self.turn_DS.dtype)
        fade = torch.exp(-(self.slowest + self.log_rate_DS.exp()).unsqueeze(-1) * t)
        angle = self.turn_DS.unsqueeze(-1) * t
        return fade * angle.cos(), fade * angle.sin()


def table_sizes(length: int) -> tuple[int, int]:
    """(fine lags F, a power of two near √N; coarse lags ⌈N / F⌉) of a kernel of N lags."""
    fine = 1 << ((length - 1).bit_length() // 2)
    return fine, -(-length // fine)


@final
class Ssm(Operator):
    """Convolution with the kernel of a diagonal linear recurrence; `length` is that of the site."""

    undecayed: ClassVar[tuple[str, ...]] = ("log_rate_DS", "turn_DS")

    def __init__(self, width: int, modes: int, length: int, causal: bool) -> None:
        super().__init__()
        self.past = Modes(width, modes, length)
        self.future = None if causal else Modes(width, modes, length)
        self.skip_D = nn.Parameter(torch.ones(width))
        self.mix = nn.Linear(width, width)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """By FFT, whatever the device."""
        u_BND = zero_masked(u_BND, mask_BN)
        length = u_BND.shape[1]
        future_DN = None if self.future is None else self.future.kernel(length)
        h_BND = long_convolution(u_BND.mT, self.past.kernel(length), future_DN).mT
        y_BND: Tensor = self.mix(h_BND + self.skip_D * u_BND)
        return zero_masked(y_BND, mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """K as in the formula; heads are channels, V reads one each, O holds the columns of W."""
        batch, length, width = u_BND.shape
        n_N = torch.arange(length, device=u_BND.device)
        gap_NN = n_N.unsqueeze(1) - n_N
        k_DNN = self.skip_D[:, None, None] * (gap_NN == 0)
        k_DNN = k_DNN + self.past.kernel(length)[:, gap_NN.clamp(min=0)] * (gap_NN >= 0)
        if self.future is not None:
            k_DNN = k_DNN + self.future.kernel(length)[:, (-gap_NN).clamp(min=0)] * (gap_NN < 0)
        v_D1D, _ = one_head_per_channel(width, u_BND)
        return DenseKernel(
            k_BHNN=k_DNN.expand(batch, -1, -1, -1),
            v_HEF=v_D1D,
            o_HDE=self.mix.weight.mT.unsqueeze(-1),
            b_D=self.mix.bias,
        )

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """The recurrence, position by position; the later positions from the last one on."""
        u_BND = zero_masked(u_BND, mask_BN)
        length = u_BND.shape[1]
        rows = [self.skip_D * u_BND[:, n] for n in range(length)]
        x_BDS = torch.zeros_like(torch.view_as_complex(self.past.c_DS2))
        for n in range(length):
            x_BDS = self.past.transition() * x_BDS + u_BND[:, n, :, None]
            rows[n] = rows[n] + self._read(self.past, x_BDS)
        if self.future is not None:
            x_BDS = torch.zeros_like(torch.view_as_complex(self.future.c_DS2))
            for n in reversed(range(length)):
                # What stands at n itself is not later than n: read first, then take it in.
                x_BDS = self.future.transition() * x_BDS
                rows[n] = rows[n] + self._read(self.future, x_BDS)
                x_BDS = x_BDS + u_BND[:, n, :, None]
        return zero_masked(self.mix(torch.stack(rows, 1)), mask_BN)

    @staticmethod
    def _read(modes: Modes, x_BDS: Tensor) -> Tensor:
        """Re Σ_s C_s x_s."""
        return (torch.view_as_complex(modes.c_DS2) * x_BDS).sum(-1).real

    @property
    def decodes(self) -> bool:
        """Where there is no second kernel for later positions."""
        return self.future is None

    def start(self, batch: int) -> Any:
        """Silence, (B, D, S) complex."""
        if self.future is not None:
            return super().start(batch)
        silent_DS = torch.zeros_like(torch.view_as_complex(self.past.c_DS2.detach()))
        return silent_DS.expand(batch, -1, -1).clone()

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One turn of the recurrence."""
        if self.future is not None:
            return super().step(u_BD, state)
        x_BDS = self.past.transition() * state + u_BD.unsqueeze(-1)
        return self.mix(self._read(self.past, x_BDS) + self.skip_D * u_BD), x_BDS


class SsmParams(KernelParams):
    """How much is remembered."""

    state: Annotated[
        int,
        Field(ge=1, le=256, description="complex numbers that each channel carries along"),
        Values(4, 16),
    ]


@final
class SsmFamily(KernelFamily[SsmParams]):
    """Diagonal linear time-invariant state spaces over ordered domains."""

    Params: ClassVar[type[KernelParams]] = SsmParams
    summary: ClassVar[str] = "linear state space, fixed fading modes; constant memory when decoding"
    source: ClassVar[str] = "arXiv 2206.11893"

    def bias(self, params: SsmParams) -> Bias:
        """Everything so far, through a linear memory that does not look at the content."""
        return Bias(
            support=Support.FULL,
            sharing=Sharing.TRANSLATION,
            state=State.LINEAR,
            state_size=params.state,
        )

    def cost(self, site: Site, params: SsmParams) -> Cost:
        """FFT convolution D·(7.5 M log₂ M + 3 M + 6), kernels D S (4 F J + 4 F + 10 J), skip, map.

        For each mode a value of a kernel takes 4 operations, a real and an imaginary multiply-add,
        and a power 4: exponent, angle and two products, the reading 6 more on the J coarse ones.
        exp, cos and sin count as activations do. The kernel and its transform are made once for a
        whole batch, but wholly counted: the cost is that of one example.

        Backward there are three transforms again, two products of spectra, and twice the rest. A
        step turns and reads a mode, 11, and skips and maps. Moved beside input, output and weights:
        h, and kernels, spectra and tables, in and out. Kept: input, h, two spectra, and 6 numbers
        for each fine and 8 for each coarse power.
        """
        width, length = site.width, site.length
        kernels = 1 if site.causal else 2
        modes = width * params.state
        fine, coarse = table_sizes(length)
        tables = kernels * modes * (4 * fine * coarse + 4 * fine + 10 * coarse)
        mix = 2 * width + 2 * width**2
        points = fft_length(length)
        spectrum = points + 2
        transforms = width * fft_flops(length)
        backward = transforms + 3 * width * spectrum
        weights = kernels * 4 * modes + width + width**2 + width
        moved = width * (4 * length + 2 * kernels * length + 6 * spectrum + 2 * points)
        moved += 4 * kernels * modes * (fine + coarse)
        kept = width * (2 * length + 2 * spectrum) + kernels * modes * (6 * fine + 8 * coarse)
        return Cost(
            flops=transforms + tables + length * mix,
            params=weights,
            state_bytes=8 * modes if site.causal else None,
            train_flops=transforms + backward + 3 * (tables + length * mix),
            decode_flops=11 * modes + mix if site.causal else None,
            traffic_bytes=4 * (moved + weights),
            activation_bytes=4 * kept,
        )

    def build(self, site: Site, params: SsmParams) -> Ssm:
        """The operator."""
        return Ssm(site.width, modes=params.state, length=site.length, causal=site.causal)

    def refuses(self, site: Site, params: SsmParams) -> str:
        """A memory needs an order."""
        del params
        if site.domain.kind != "sequence":
            return f"a recurrence needs a sequence, not {site.domain}"
        return ""

    def evaluations(
        self, site: Site, params: SsmParams, device: str = "cpu"
    ) -> tuple[Evaluation, ...]:
        """By FFT on every device: a kernel that does not look at the content needs no scan."""
        del params, device
        points = fft_length(site.length)
        steps = f"{site.length} steps one after the other; decoding takes them, by `step`"
        return (
            Evaluation("fft", True, f"all positions at once, by transforms of {points} points"),
            Evaluation("recurrence", False, steps),
        )

    def morphisms(self, site: Site, params: SsmParams) -> tuple[Morphism, ...]:
        """Twice the modes: new ones fade like the old, turn between them, and are not yet read."""
        if 2 * params.state > 256:
            return ()
        larger = SsmParams(state=2 * params.state)

        def carry(weights: Weights) -> dict[str, Tensor]:
            new = dict(weights)
            for name in ("past",) if site.causal else ("past", "future"):
                rate, turn, c = (f"{name}.{part}" for part in ("log_rate_DS", "turn_DS", "c_DS2"))
                further = weights[turn] + math.pi / larger.state
                new[rate] = torch.cat([weights[rate], weights[rate]], 1)
                new[turn] = torch.cat([weights[turn], further], 1)
                new[c] = torch.cat([weights[c], 0 * weights[c]], 1)
            return new

        change = f"state {params.state} -> {larger.state}, not yet read"
        return (Morphism(larger, carry, change),)


FAMILY = SsmFamily()
