"""Layers whose bias is known: families at given params, and what is no family, written out.

Families stand as they are built, with seed 0, but for what the name of a layer says.

Shapes  B examples, N positions, D channels, A coordinates, R taps
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from itnet_nas.kernels import Domain, Operator, Site
from itnet_nas.registry import KERNELS

Run = Callable[[Tensor, Tensor | None, Tensor | None], Tensor]

LENGTH, WIDTH = 64, 16
ORDER = Domain(kind="sequence", shape=(LENGTH,))
CAUSAL = Domain(kind="sequence", shape=(LENGTH,), causal=True)
GRID = Domain(kind="grid", shape=(12, 12))
CLOUD = Domain(kind="points", shape=(48,), coordinates=2)
SET = Domain(kind="points", shape=(48,))


@final
@dataclass(frozen=True)
class Layer:
    """A layer, where it stands, and the scores that are known without a probe."""

    name: str
    domain: Domain
    make: Callable[[], Run]
    known: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}, {self.domain}"


def family(name: str, change: Callable[[Any], None] | None = None, **params: Any) -> Any:
    """Domain -> the operator of a family, changed where that is asked for."""

    def make(domain: Domain) -> Operator:
        kind = KERNELS.load(name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            op = kind.build(Site(domain=domain, width=WIDTH), kind.Params(**params)).eval()
        if change is not None:
            with torch.no_grad():
                change(op)
        return op

    return make


def drawn(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def sharper(by: float) -> Callable[[Any], None]:
    """Larger queries, and so larger scores of attention."""

    def change(op: Any) -> None:
        op.qkv.weight[:WIDTH] *= by
        op.qkv.bias[:WIDTH] *= by

    return change


def slower(by: float) -> Callable[[Any], None]:
    """A bias on the gate that keeps what is remembered: of an LSTM or a GRU."""

    def change(op: Any) -> None:
        op.ahead.bias_ih_l0[WIDTH : 2 * WIDTH] += by

    return change


def nearer(by: float) -> Callable[[Any], None]:
    """A narrower window of the `integral`."""

    def change(op: Any) -> None:
        op.kernel.window.log_width_HAT.fill_(by)

    return change


def after(make: Any, then: Callable[[Tensor], Tensor]) -> Any:
    """Something done to each output number by itself."""
    return lambda domain: _then(make(domain), then)


def _then(op: Run, then: Callable[[Tensor], Tensor]) -> Run:
    return lambda u_BND, mask_BN, x_BNA: then(op(u_BND, mask_BN, x_BNA))


def placed(make: Any) -> Any:
    """A vector of its own for each position, added to the input."""

    def build(domain: Domain) -> Run:
        op, place_ND = make(domain), drawn(domain.length, WIDTH, seed=7)
        return lambda u_BND, mask_BN, x_BNA: op(u_BND + place_ND.to(u_BND), mask_BN, x_BNA)

    return build


def matrix(k_NN: Callable[[Domain], Tensor]) -> Any:
    """A fixed matrix over positions, the same for all channels, then one over channels."""

    def build(domain: Domain) -> Run:
        kernel_NN, w_DD = k_NN(domain), drawn(WIDTH, WIDTH, seed=1) / WIDTH**0.5
        return lambda u_BND, mask_BN, x_BNA: (kernel_NN.to(u_BND) @ u_BND) @ w_DD.to(u_BND)

    return build


def average(domain: Domain) -> Tensor:
    return torch.full((domain.length, domain.length), 1 / domain.length)


def permutation(domain: Domain) -> Tensor:
    order_N = torch.randperm(domain.length, generator=torch.Generator().manual_seed(3))
    return torch.eye(domain.length)[order_N]


def fading(rate: float) -> Callable[[Domain], Tensor]:
    """rate^|n − m|, of the past alone in a causal domain."""

    def kernel(domain: Domain) -> Tensor:
        lag_NN = torch.arange(domain.length)[:, None] - torch.arange(domain.length)
        k_NN = rate ** lag_NN.abs().float()
        return k_NN.tril() if domain.causal else k_NN

    return kernel


def alternating(period: int) -> Any:
    """A window of two on each side whose taps come back every `period` positions."""

    def build(domain: Domain) -> Run:
        w_NDR = drawn(period, WIDTH, 5, seed=4)[torch.arange(domain.length) % period]

        def run(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
            near_BNDR = F.pad(u_BND, (0, 0, 2, 2)).unfold(1, 5, 1)
            return torch.einsum("bndr,ndr->bnd", near_BNDR, w_NDR.to(u_BND))

        return run

    return build


def blocks(size: int) -> Any:
    """Sharp attention within blocks of `size` positions."""

    def build(domain: Domain) -> Run:
        block_N = torch.arange(domain.length) // size
        apart_NN = block_N[:, None] != block_N
        q_DD, k_DD, v_DD = drawn(3, WIDTH, WIDTH, seed=5) / WIDTH**0.5

        def run(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
            score_BNN = (u_BND @ q_DD.to(u_BND)) @ (u_BND @ k_DD.to(u_BND)).mT
            weight_BNN = score_BNN.masked_fill(apart_NN, -torch.inf).softmax(-1)
            return weight_BNN @ (u_BND @ v_DD.to(u_BND))

        return run

    return build


def pair_network(domain: Domain) -> Run:
    """y[n] = mean over m of MLP(u[n], u[m]) v[m], with no normaliser."""
    hidden = 16
    a_DH, b_DH = drawn(2, WIDTH, hidden, seed=6) / WIDTH**0.5
    r_H, v_DD = drawn(hidden, seed=8), drawn(WIDTH, WIDTH, seed=9) / WIDTH**0.5

    def run(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        left_BN1H = (u_BND @ a_DH.to(u_BND)).unsqueeze(2)
        right_B1NH = (u_BND @ b_DH.to(u_BND)).unsqueeze(1)
        k_BNN = torch.tanh(left_BN1H + right_B1NH) @ r_H.to(u_BND)
        return k_BNN @ (u_BND @ v_DD.to(u_BND)) / u_BND.shape[1]

    return run


def pointwise(domain: Domain) -> Run:
    """A small network at each position."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH))
    return lambda u_BND, mask_BN, x_BNA: net(u_BND)


def gated(u_BND: Tensor) -> Tensor:
    """u · σ(u): a gate that each number is for itself."""
    return u_BND * u_BND.sigmoid()


def turned(domain: Domain) -> Run:
    """A filter in frequency: a convolution that goes round the edges of a grid."""
    height, width = domain.shape
    k_HWD = drawn(height, width, WIDTH, seed=2)
    f_HWD = torch.fft.fft2(k_HWD, dim=(0, 1))

    def run(u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        u_BHWD = torch.fft.fft2(u_BND.unflatten(1, (height, width)), dim=(1, 2))
        return torch.fft.ifft2(u_BHWD * f_HWD, dim=(1, 2)).real.flatten(1, 2).to(u_BND)

    return run
