"""The rows of `operators.py`: an operator of ours, and what a user would otherwise take.

Rivals are the operators of torch where there is one, else the textbook form in plain torch: what
the formula says, with autograd left to do the rest.

Shapes  B examples, N positions, D channels, H heads, E channels of a head, S numbers of state
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from itnet_nas.integral.windows import window_attention
from itnet_nas.kernels import Domain, Site
from itnet_nas.registry import KERNELS

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH, WIDTH, HEADS = 8, 64, 4
FOREVER = 10**9


@dataclass(frozen=True)
class Row:
    """Builders by length N; `rival_up_to` is the longest N at which the rival can be run at all."""

    name: str
    beside: str
    ours: Callable[[int], nn.Module]
    rival: Callable[[int], nn.Module]
    inputs: Callable[[int], tuple[Tensor, ...]]
    rival_up_to: int = FOREVER


def field(length: int) -> tuple[Tensor, ...]:
    """u_BND, standard normal."""
    return (torch.randn(BATCH, length, WIDTH),)


def heads(length: int) -> tuple[Tensor, ...]:
    """q, k, v of 4 heads."""
    return tuple(torch.randn(BATCH, HEADS, length, WIDTH // HEADS) for _ in range(3))


class Call(nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs)


def family(name: str, kind: str = "sequence", causal: bool = False, **params: Any) -> Any:
    """A builder of one of our operators."""

    def build(length: int) -> nn.Module:
        found = KERNELS.load(name)
        domain = Domain(kind=kind, shape=(length,), causal=causal)  # type: ignore[arg-type]
        built: nn.Module = found.build(Site(domain=domain, width=WIDTH), found.Params(**params))
        return built.train()

    return build


class TorchConv(nn.Module):
    """nn.Conv1d, depthwise with a linear map behind it, or dense."""

    def __init__(self, taps: int, dense: bool = False, causal: bool = False) -> None:
        super().__init__()
        self.left = taps - 1 if causal else taps // 2
        self.right = 0 if causal else taps - 1 - taps // 2
        self.conv = nn.Conv1d(WIDTH, WIDTH, taps, groups=1 if dense else WIDTH, bias=dense)
        self.mix = nn.Identity() if dense else nn.Linear(WIDTH, WIDTH)

    def forward(self, u_BND: Tensor) -> Tensor:
        y: Tensor = self.mix(self.conv(F.pad(u_BND.mT, (self.left, self.right))).mT)
        return y


class TorchAttention(nn.Module):
    """nn.MultiheadAttention, which takes the fused path when weights are not asked for."""

    def __init__(self, length: int, causal: bool = False) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
        self.causal = causal
        self.mask = nn.Transformer.generate_square_subsequent_mask(length) if causal else None

    def forward(self, u_BND: Tensor) -> Tensor:
        y_BND, _ = self.inner(
            u_BND, u_BND, u_BND, need_weights=False, attn_mask=self.mask, is_causal=self.causal
        )
        found: Tensor = y_BND
        return found


class MaskedAttention(nn.Module):
    """Scaled dot-product attention under a mask of N x N that leaves a window open."""

    def __init__(self, length: int, radius: int, project: bool) -> None:
        super().__init__()
        n_N = torch.arange(length)
        self.mask = (n_N[:, None] - n_N).abs() <= radius
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH) if project else None
        self.out = nn.Linear(WIDTH, WIDTH) if project else None

    def forward(self, *inputs: Tensor) -> Tensor:
        if self.qkv is None or self.out is None:
            return F.scaled_dot_product_attention(*inputs, attn_mask=self.mask)
        heads_BN3HE = self.qkv(inputs[0]).reshape(BATCH, -1, 3, HEADS, WIDTH // HEADS)
        q, k, v = heads_BN3HE.permute(2, 0, 3, 1, 4)
        y_BHNE = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask)
        y: Tensor = self.out(y_BHNE.transpose(1, 2).flatten(2))
        return y


class TorchRecurrence(nn.Module):
    """nn.LSTM or nn.GRU."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.inner = kind(WIDTH, WIDTH, batch_first=True)

    def forward(self, u_BND: Tensor) -> Tensor:
        y: Tensor = self.inner(u_BND)[0]
        return y


class Quadratic(nn.Module):
    """y_i = Σ_{j ≤ i} e^{a_i − a_j} (q_i·k_j) v_j with the N x N matrix written out.

    Without decay the sum is divided by Σ_j q_i·k_j, as linear attention wants it.
    """

    def __init__(self, decay: bool, state: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, WIDTH + 2 * HEADS * state)
        self.rate = nn.Linear(WIDTH, HEADS) if decay else None
        self.out = nn.Linear(WIDTH, WIDTH)
        self.state = state

    def forward(self, u_BND: Tensor) -> Tensor:
        length = u_BND.shape[1]
        v, q, k = self.qkv(u_BND).split([WIDTH, HEADS * self.state, HEADS * self.state], dim=-1)
        q, k, v = (t.reshape(BATCH, length, HEADS, -1).transpose(1, 2) for t in (q, k, v))
        if self.rate is None:
            q, k = F.elu(q) + 1, F.elu(k) + 1
        score_BHNN = (q @ k.mT).tril()
        if self.rate is None:
            y_BHNE = score_BHNN @ v / score_BHNN.sum(-1, keepdim=True)
        else:
            a_BHN = -F.softplus(self.rate(u_BND)).cumsum(1).mT
            gap_BHNN = (a_BHN.unsqueeze(-1) - a_BHN.unsqueeze(-2)).clamp(max=0)
            y_BHNE = (score_BHNN * gap_BHNN.exp()) @ v
        y: Tensor = self.out(y_BHNE.transpose(1, 2).flatten(2))
        return y


class LoopScan(nn.Module):
    """The selective scan as its formula: a loop over positions, under autograd."""

    def __init__(self, state: int) -> None:
        super().__init__()
        self.inner = nn.Linear(WIDTH, 3 * WIDTH + 2 * state)
        log_a_S = torch.log(torch.arange(1, state + 1, dtype=torch.float32))
        self.log_a_DS = nn.Parameter(log_a_S.repeat(WIDTH, 1))
        self.skip_D = nn.Parameter(torch.ones(WIDTH))
        self.out = nn.Linear(WIDTH, WIDTH)
        self.state = state

    def forward(self, u_BND: Tensor) -> Tensor:
        x, z, rate, b, c = self.inner(u_BND).split(
            [WIDTH, WIDTH, WIDTH, self.state, self.state], dim=-1
        )
        step = F.softplus(rate)
        a_DS = -self.log_a_DS.exp()
        h_BDS = x.new_zeros(BATCH, WIDTH, self.state)
        rows = []
        # Unbound once: the gradient of an index is as long as the sequence, at every step.
        for s_BD, x_BD, b_BS, c_BS in zip(*(t.unbind(1) for t in (step, x, b, c)), strict=True):
            fade_BDS = torch.exp(s_BD.unsqueeze(-1) * a_DS)
            h_BDS = fade_BDS * h_BDS + (s_BD * x_BD).unsqueeze(-1) * b_BS.unsqueeze(1)
            rows.append((h_BDS * c_BS.unsqueeze(1)).sum(-1))
        y_BND = torch.stack(rows, 1) + self.skip_D * x
        y: Tensor = self.out(y_BND * F.silu(z))
        return y


class LoopMinGru(nn.Module):
    """h ← (1 − z) h + z W u, position by position, under autograd."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(WIDTH, 2 * WIDTH)

    def forward(self, u_BND: Tensor) -> Tensor:
        z_BND, v_BND = self.inner(u_BND).chunk(2, -1)
        z_BND = torch.sigmoid(z_BND)
        h_BD = torch.zeros_like(u_BND[:, 0])
        rows = []
        for z_BD, v_BD in zip(z_BND.unbind(1), v_BND.unbind(1), strict=True):
            h_BD = (1 - z_BD) * h_BD + z_BD * v_BD
            rows.append(h_BD)
        return torch.stack(rows, 1)


class LoopDelta(nn.Module):
    """The gated delta rule, position by position, under autograd."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.gates = nn.Linear(WIDTH, 2 * HEADS)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, u_BND: Tensor) -> Tensor:
        length, size = u_BND.shape[1], WIDTH // HEADS
        q, k, v = self.qkv(u_BND).reshape(BATCH, length, 3, HEADS, size).unbind(2)
        q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
        fade_BNH, write_BNH = torch.sigmoid(self.gates(u_BND)).chunk(2, -1)
        s_BHEE = u_BND.new_zeros(BATCH, HEADS, size, size)
        rows = []
        parts = (t.unbind(1) for t in (q, k, v, fade_BNH, write_BNH))
        for q_BHE, k_BHE, v_BHE, fade_BH, write_BH in zip(*parts, strict=True):
            k_BHE1 = k_BHE.unsqueeze(-1)
            s_BHEE = fade_BH[..., None, None] * s_BHEE
            held_BHE1 = s_BHEE @ k_BHE1
            new_BHE1 = write_BH[..., None, None] * (v_BHE.unsqueeze(-1) - held_BHE1)
            s_BHEE = s_BHEE + new_BHE1 @ k_BHE1.mT
            rows.append((s_BHEE @ q_BHE.unsqueeze(-1)).squeeze(-1))
        y: Tensor = self.out(torch.stack(rows, 1).flatten(2))
        return y


class ConcatMlp(nn.Module):
    """The pair kernel as the textbook has it: an MLP over concatenated features of every pair."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(3 * WIDTH + 2, hidden)
        self.second = nn.Linear(hidden, HEADS)
        self.value = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, u_BND: Tensor) -> Tensor:
        length = u_BND.shape[1]
        x_N = torch.linspace(-1, 1, length)
        gap_NN = x_N[:, None] - x_N
        there_NN2 = torch.stack([gap_NN, gap_NN.square()], -1)
        query = u_BND[:, :, None].expand(-1, -1, length, -1)
        key = u_BND[:, None].expand(-1, length, -1, -1)
        there = there_NN2.expand(BATCH, -1, -1, -1)
        hidden = F.gelu(self.first(torch.cat([query, key, query * key, there], -1)))
        k_BHNN = self.second(hidden).permute(0, 3, 1, 2)
        k_BHNN = (k_BHNN - k_BHNN.mean(-1, keepdim=True)) / length**0.5
        v_BHNE = self.value(u_BND).reshape(BATCH, length, HEADS, -1).transpose(1, 2)
        y: Tensor = self.out((k_BHNN @ v_BHNE).transpose(1, 2).flatten(2))
        return y


class UnfoldedDynamic(nn.Module):
    """Taps from the query, applied to windows that `unfold` lays out and a product copies."""

    def __init__(self, radius: int) -> None:
        super().__init__()
        self.radius = radius
        self.taps = nn.Linear(WIDTH, HEADS * (2 * radius + 1))
        self.value = nn.Linear(WIDTH, WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, u_BND: Tensor) -> Tensor:
        length, count = u_BND.shape[1], 2 * self.radius + 1
        tap_BNHR = self.taps(u_BND).reshape(BATCH, length, HEADS, count).softmax(-1)
        v_BDN = F.pad(self.value(u_BND).mT, (self.radius, self.radius))
        window_BDNR = v_BDN.unfold(-1, count, 1)
        window_BNHER = window_BDNR.reshape(BATCH, HEADS, -1, length, count).permute(0, 3, 1, 2, 4)
        y: Tensor = self.out((window_BNHER * tap_BNHR.unsqueeze(3)).sum(-1).flatten(2))
        return y


class TorchMixer(nn.Module):
    """nn.Linear over positions between two linear maps over channels: one matrix for all."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.value = nn.Linear(WIDTH, WIDTH)
        self.mix = nn.Linear(length, length, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH)

    def forward(self, u_BND: Tensor) -> Tensor:
        y: Tensor = self.out(self.mix(self.value(u_BND).mT).mT)
        return y


class LoopSsm(nn.Module):
    """A diagonal linear state, position by position, under autograd."""

    def __init__(self, modes: int) -> None:
        super().__init__()
        self.rate_DS = nn.Parameter(torch.rand(WIDTH, modes))
        self.turn_DS = nn.Parameter(math.pi * torch.rand(WIDTH, modes))
        self.c_DS2 = nn.Parameter(torch.randn(WIDTH, modes, 2))
        self.mix = nn.Linear(WIDTH, WIDTH)

    def forward(self, u_BND: Tensor) -> Tensor:
        step_DS = torch.polar(torch.exp(-self.rate_DS), self.turn_DS)
        c_DS = torch.view_as_complex(self.c_DS2)
        h_BDS = torch.zeros(BATCH, *step_DS.shape, dtype=step_DS.dtype)
        rows = []
        for u_BD in u_BND.unbind(1):
            h_BDS = step_DS * h_BDS + u_BD.unsqueeze(-1)
            rows.append((c_DS * h_BDS).sum(-1).real)
        y: Tensor = self.mix(torch.stack(rows, 1))
        return y


def _windowed(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return window_attention(q, k, v, 32)


ROWS = (
    Row("conv, 7 taps", "nn.Conv1d depthwise + nn.Linear",
        family("conv", radius=3), lambda _: TorchConv(7), field),
    Row("conv, 7 taps, dense", "nn.Conv1d",
        family("conv", radius=3, channels="dense"), lambda _: TorchConv(7, dense=True), field),
    Row("conv, 63 taps", "nn.Conv1d depthwise + nn.Linear",
        family("conv", radius=31), lambda _: TorchConv(63), field),
    Row("long_conv, causal", "nn.Conv1d with N taps + nn.Linear",
        family("long_conv", causal=True), lambda n: TorchConv(n, causal=True), field),
    Row("continuous_conv", "nn.Conv1d with 2N − 1 taps + nn.Linear",
        family("continuous_conv"), lambda n: TorchConv(2 * n - 1), field),
    Row("attention", "nn.MultiheadAttention",
        family("attention", heads=HEADS), TorchAttention, field),
    Row("attention, causal", "nn.MultiheadAttention, causal",
        family("attention", causal=True, heads=HEADS),
        lambda n: TorchAttention(n, causal=True), field),
    Row("attention, window 32", "the same by SDPA with a mask of N x N",
        family("attention", heads=HEADS, window=32),
        lambda n: MaskedAttention(n, 32, project=True), field),
    Row("window 32 without its maps", "SDPA with a mask of N x N",
        lambda _: Call(_windowed), lambda n: MaskedAttention(n, 32, project=False), heads),
    Row("linear_attention, causal", "the N x N matrix written out",
        family("linear_attention", causal=True, heads=HEADS),
        lambda _: Quadratic(decay=False, state=WIDTH // HEADS), field, 1024),
    Row("ssd, causal", "the N x N matrix written out",
        family("ssd", causal=True, state=16), lambda _: Quadratic(decay=True, state=16),
        field, 1024),
    Row("ssm, causal", "the recurrence as a loop",
        family("ssm", causal=True, state=16), lambda _: LoopSsm(16), field),
    Row("mamba, causal", "the recurrence as a loop",
        family("mamba", causal=True, state=16), lambda _: LoopScan(16), field),
    Row("min_gru, causal", "the recurrence as a loop",
        family("min_gru", causal=True), lambda _: LoopMinGru(), field),
    Row("delta_net, causal", "the recurrence as a loop",
        family("delta_net", causal=True, heads=HEADS), lambda _: LoopDelta(), field),
    Row("lstm, causal", "nn.LSTM",
        family("lstm", causal=True), lambda _: TorchRecurrence(nn.LSTM), field),
    Row("gru, causal", "nn.GRU",
        family("gru", causal=True), lambda _: TorchRecurrence(nn.GRU), field),
    Row("dynamic_conv, 7 taps", "unfold and a product",
        family("dynamic_conv", radius=3, heads=HEADS), lambda _: UnfoldedDynamic(3), field),
    Row("position_mixer, 1 group", "nn.Linear over positions",
        family("position_mixer", groups=1), TorchMixer, field),
    Row("integral", "an MLP on every pair, concatenated",
        family("integral"), lambda _: ConcatMlp(16), field, 1024),
    Row("low_rank", "integral, exact",
        family("low_rank", rank=16), family("integral"), field, 1024),
)  # fmt: skip
