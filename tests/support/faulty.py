"""Two healthy families, one on sequences and one on points, and faults to plant in them by name.

Every check of the contract is tried on a family that is whole but for one fault, so that a check
which is always red cannot pass for one that works.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, final

import torch
from pydantic import Field
from torch import Tensor, nn

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.dense import DenseKernel
from itnet_nas.integral.evaluation import Evaluation
from itnet_nas.integral.masks import zero_masked
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Morphism, Operator, Site, Values
from itnet_nas.testing.kernel_contract import check_family


class Window(Operator):
    """y[n] = M Σ_r w[r] ⊙ u[n + r − 2], r = 0, 1, 2: a causal window, then a map of channels."""

    def __init__(self, width: int, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.w_DR = nn.Parameter(torch.randn(width, 3))
        self.m_DD = nn.Parameter(torch.randn(width, width) / width**0.5)
        if fault == "hidden parameter":
            self.spare = nn.Parameter(torch.zeros(width))

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        if self.fault == "mask forgotten":
            mask_BN = None
        if self.fault == "mask off by one" and mask_BN is not None:
            mask_BN = mask_BN | mask_BN.roll(1, 1)
        u_BND = u_BND if self.fault == "rubbish leaks" else zero_masked(u_BND, mask_BN)
        w_DR = self.w_DR.detach() if self.fault == "gradient lost" else self.w_DR
        if self.fault == "taps reversed":
            w_DR = w_DR.flip(1)
        shift = {"looks ahead": 1, "looks too far": -1}.get(self.fault, 0)
        y_BND = sum((w_DR[:, r] * _moved(u_BND, r - 2 + shift) for r in range(3)), 0 * u_BND)
        if self.fault == "knows where it is":
            place_N = torch.arange(u_BND.shape[1], dtype=u_BND.dtype)
            y_BND = y_BND * place_N[:, None]
        if self.fault == "reads the content":
            y_BND = y_BND * (1 + u_BND.square())
        if self.fault == "examples meet":
            y_BND = y_BND + 0.1 * y_BND.mean(0)
        if self.fault == "dice":
            y_BND = y_BND * (1 + 1e-3 * torch.rand(()))
        if self.fault == "rounded sums" and torch.is_autocast_enabled("cpu"):
            y_BND = y_BND.cumsum(1).bfloat16().float().diff(dim=1, prepend=0 * y_BND[:, :1])
        if self.fault == "branches on a value" and bool(u_BND.abs().sum() > 0):
            y_BND = y_BND * 1
        if self.fault == "overflows when half" and torch.is_autocast_enabled("cpu"):
            y_BND = 1e38 * (10 * y_BND).bfloat16()
        y_BND = _count(self.fault, y_BND @ self.m_DD.mT)
        if self.fault == "always double":
            y_BND = y_BND.double()
        return y_BND if self.fault == "masked output" else zero_masked(y_BND, mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        u_BND = zero_masked(u_BND, mask_BN)
        w_DR = self.w_DR.detach() if self.fault == "gradient lost twice" else self.w_DR
        rows = []
        for n in range(u_BND.shape[1]):
            y_BD = torch.zeros_like(u_BND[:, 0])
            for r in range(3):
                if n + r - 2 >= 0:
                    y_BD = y_BD + w_DR[:, r] * u_BND[:, n + r - 2]
            rows.append(y_BD @ self.m_DD.mT)
        return zero_masked(_count(self.fault, torch.stack(rows, 1)), mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        if self.fault == "no factors":
            return super().dense_kernel(u_BND, mask_BN, x_BNA)
        batch, length, width = u_BND.shape
        k_DNN = u_BND.new_zeros(width, length, length)
        for r in range(3):
            band_NN = torch.eye(length, dtype=u_BND.dtype).roll(2 - r, 0).tril()
            tap = r if self.fault != "factor K reversed" else 2 - r
            k_DNN = k_DNN + self.w_DR[:, tap, None, None] * band_NN
        k_BHNN = _count(self.fault, k_DNN.expand(batch, -1, -1, -1))
        unit_DD = torch.eye(width, dtype=u_BND.dtype)
        v_HEF, o_HDE = unit_DD.unsqueeze(1), self.m_DD.mT.unsqueeze(2)
        if self.fault == "factors V and O exchanged":
            v_HEF, o_HDE = o_HDE.mT, v_HEF.mT
        if self.fault == "factors without a gradient":
            k_BHNN = k_BHNN * u_BND.detach().sum() / u_BND.sum()
        return DenseKernel(k_BHNN, v_HEF, o_HDE)

    @property
    def decodes(self) -> bool:
        return self.fault != "does not decode"

    def start(self, batch: int) -> Any:
        return self.w_DR.new_zeros(batch, 2, len(self.w_DR))

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        window_BRD = torch.cat([state, u_BD.unsqueeze(1)], 1)
        y_BD = (window_BRD[:, -3:] * self.w_DR.T).sum(1) @ self.m_DD.mT
        if self.fault == "step forgets":
            return y_BD, torch.zeros_like(window_BRD[:, 1:])
        return y_BD, window_BRD if self.fault == "memory grows" else window_BRD[:, 1:]


def _count(fault: str, y_XNX: Tensor) -> Tensor:
    """The fault that every other form of the operator shares: padding counts as positions."""
    return y_XNX / y_XNX.shape[-2] if fault == "counts padding" else y_XNX


class LostTwice(Window):
    """The gradient is missing in both paths, so that only finite differences can tell."""

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return self.reference(u_BND, mask_BN)


def _moved(u_BND: Tensor, by: int) -> Tensor:
    """u at n + by, 0 beyond the ends."""
    length = u_BND.shape[1]
    moved_BND = nn.functional.pad(u_BND, (0, 0, max(-by, 0), max(by, 0)))
    return moved_BND[:, max(by, 0) :][:, :length]


class Size(KernelParams):
    size: Annotated[int, Field(ge=1, le=4), Values(1, 2)] = 1


class OtherSize(KernelParams):
    size: Annotated[int, Field(ge=1, le=4), Values(1, 2)] = 1


class BadSize(KernelParams):
    size: Annotated[int, Field(ge=1, le=4), Values(1, 9)] = 1


class NoValues(KernelParams):
    size: Annotated[int, Field(ge=1, le=4)] = 1


WINDOW = Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=2)


class Family(KernelFamily[Size]):
    """Healthy but for one word, one coordinate or one figure; size 4 is refused everywhere."""

    Params: ClassVar[type[KernelParams]] = Size
    summary = "three taps"
    source = "this test"

    def __init__(
        self, fault: str = "", bias: Bias = WINDOW, cost: dict[str, Any] | None = None
    ) -> None:
        self.fault = fault
        self.stated = bias
        self.wrong = cost or {}

    def bias(self, params: Size) -> Bias:
        return self.stated

    def cost(self, site: Site, params: Size) -> Cost:
        length, width = site.length, site.width
        decodes = self.fault != "does not decode"
        weights = 3 * width + width**2
        right: dict[str, Any] = {
            "flops": 2 * length * weights,
            "params": weights,
            "state_bytes": 8 * width if decodes else None,
            "train_flops": 6 * length * weights,
            "decode_flops": 2 * weights if decodes else None,
            "traffic_bytes": 4 * (4 * length * width + weights),
            "activation_bytes": 4 * 4 * length * width,
        }
        return Cost(**{**right, **self.wrong})

    def build(self, site: Site, params: Size) -> Operator:
        kind = LostTwice if self.fault == "gradient lost twice" else Window
        if self.fault == "argument is no plain value":
            return kind(site.width, fault=_Word(""))
        return kind(site.width, self.fault)

    def refuses(self, site: Site, params: Size) -> str:
        if params.size == 4:
            return "it is too large"
        return "" if site.causal else "it looks back"

    def normalize(self, site: Site, params: Size) -> Size:
        if self.fault == "never normal":
            return params.model_copy(update={"size": params.size % 3 + 1})
        return params

    def evaluations(self, site: Site, params: Size, device: str = "cpu") -> tuple[Evaluation, ...]:
        taps = Evaluation("taps", True, "three of them")
        fft = Evaluation("fft", False, "three taps are few")
        return {
            "two evaluations taken": (taps, fft._replace(taken=True)),
            "no evaluation taken": (taps._replace(taken=False), fft),
            "no evaluation taken on cuda": (taps._replace(taken=device == "cpu"), fft),
            "an evaluation without a reason": (taps, fft._replace(reason=" ")),
            "an evaluation listed twice": (taps, taps._replace(taken=False)),
        }.get(self.fault, (taps, fft))

    def morphisms(self, site: Site, params: Size) -> tuple[Morphism, ...]:
        larger = Morphism(params.model_copy(update={"size": 3}), dict, "size -> 3")
        by_fault = {
            "a move that changes the function": larger._replace(
                carry=lambda weights: {name: 1.01 * weight for name, weight in weights.items()}
            ),
            "a move that loses a weight": larger._replace(
                carry=lambda weights: {"w_DR": weights["w_DR"]}
            ),
            "a move to nowhere": larger._replace(params=params),
            "a move that is refused": larger._replace(params=params.model_copy(update={"size": 4})),
            "a move to another family": larger._replace(params=OtherSize(size=3)),
        }
        return (by_fault.get(self.fault, larger),)


class _Word(str):
    pass


@final
class Ball(Operator):
    """y[i] = Σ_j w_ij u[j] / Σ_j w_ij with w_ij = exp(−s |x_i − x_j|²)."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault
        self.s = nn.Parameter(torch.tensor(0.5))

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        y_BND = self._weights(u_BND, mask_BN, x_BNA) @ zero_masked(u_BND, mask_BN)
        return zero_masked(y_BND, mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        unit_1DD = torch.eye(u_BND.shape[-1], dtype=u_BND.dtype).unsqueeze(0)
        return DenseKernel(self._weights(u_BND, mask_BN, x_BNA).unsqueeze(1), unit_1DD, unit_1DD)

    def _weights(self, u_BND: Tensor, mask_BN: Tensor | None, x_BNA: Tensor | None) -> Tensor:
        assert x_BNA is not None
        if self.fault != "places of masked points leak":
            x_BNA = zero_masked(x_BNA, mask_BN)
        gap_BNN = (x_BNA.unsqueeze(2) - x_BNA.unsqueeze(1)).square().sum(-1)
        w_BNN = torch.exp(-self.s * gap_BNN)
        if self.fault == "places are absolute":
            w_BNN = w_BNN * torch.exp(-0.1 * x_BNA.square().sum(-1)).unsqueeze(1)
        if self.fault == "order matters":
            w_BNN = w_BNN * torch.arange(1.0, 1.0 + w_BNN.shape[-1], dtype=w_BNN.dtype)
        if mask_BN is not None and self.fault != "places of masked points leak":
            w_BNN = w_BNN * mask_BN.unsqueeze(1)
        return w_BNN / w_BNN.sum(-1, keepdim=True).clamp(min=1e-30)


class BallFamily(KernelFamily[Size]):
    """Healthy but for one word."""

    Params: ClassVar[type[KernelParams]] = Size
    summary = "a soft ball"
    source = "this test"

    def __init__(self, fault: str = "") -> None:
        self.fault = fault

    def bias(self, params: Size) -> Bias:
        return Bias(support=Support.FULL, sharing=Sharing.TRANSLATION)

    def cost(self, site: Site, params: Size) -> Cost:
        pairs, width, axes = site.length**2, site.width, site.domain.coordinates
        flops = pairs * (3 * axes + 2 * width)
        return Cost(
            flops=flops,
            params=1,
            train_flops=3 * flops,
            traffic_bytes=4 * (2 * site.length * width + 6 * pairs + 1),
            activation_bytes=4 * (4 * pairs + site.length * width),
        )

    def build(self, site: Site, params: Size) -> Operator:
        return Ball(self.fault)

    def refuses(self, site: Site, params: Size) -> str:
        return "" if site.domain.coordinates else "it needs places"


def broken(family: KernelFamily[Any]) -> dict[str, str]:
    """Check -> why, for the default params."""
    return {check: why for check, _, why in check_family(family, [{}])}
