"""Convolution: every position mixes its neighbours, with the same weights everywhere.

    depthwise   y[n] = W Σ_o w[o] ⊙ u[n + o] + b      a window for each channel, then a linear map
    dense       y[n] = Σ_o W[o] u[n + o] + b          a matrix for each tap

    o runs over |o| ≤ r; in a causal domain over −r ≤ o ≤ 0; on a grid over both axes.

Axes    window(r) support · translation-shared · no state · no content
Source  ITNet (arXiv 2606.19538), convolution as a special case
Shapes  B examples, N positions, D channels, R taps: 2r+1, causal r+1, on a grid (2r+1)²
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, final

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.masks import zero_masked
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site, Values
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


@final
class Conv(Operator):
    """`shape` has one size on a sequence, which is not used, and two on a grid."""

    def __init__(
        self, width: int, radius: int, dense: bool, shape: tuple[int, ...], causal: bool
    ) -> None:
        super().__init__()
        self.radius = radius
        self.dense = dense
        self.shape = shape
        self.causal = causal
        side = radius + 1 if causal else 2 * radius + 1
        taps = side ** len(shape)
        sources = width if dense else 1
        scale = (sources * taps) ** -0.5
        # One axis of taps for each axis of the domain, as conv1d and conv2d want it.
        self.taps = nn.Parameter(scale * torch.randn(width, sources, *[side] * len(shape)))
        if dense:
            self.mix: nn.Module = nn.Identity()
            self.b_D = nn.Parameter(torch.zeros(width))
        else:
            self.mix = nn.Linear(width, width)
            self.register_parameter("b_D", None)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """conv1d or conv2d, direct: below ten taps or so nothing is faster."""
        x = zero_masked(u_BND, mask_BN).mT
        groups = 1 if self.dense else x.shape[1]
        if len(self.shape) == 2:
            x = x.reshape(*x.shape[:2], *self.shape)
            x = F.conv2d(x, self.taps, self.b_D, padding=self.radius, groups=groups).flatten(2)
        else:
            x = F.pad(x, (self.radius, 0 if self.causal else self.radius))
            x = F.conv1d(x, self.taps, self.b_D, groups=groups)
        return zero_masked(self.mix(x.mT), mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """Position by position, tap by tap."""
        u_BND = zero_masked(u_BND, mask_BN)
        length = u_BND.shape[1]
        shape = self.shape if len(self.shape) == 2 else (length,)
        last = 0 if self.causal else self.radius
        offsets = list(product(range(-self.radius, last + 1), repeat=len(shape)))
        place = {x: n for n, x in enumerate(product(*[range(size) for size in shape]))}
        rows = []
        for x in place:
            y_BD = torch.zeros_like(u_BND[:, 0])
            for o in offsets:
                m = place.get(tuple(a + b for a, b in zip(x, o, strict=True)))
                if m is None:
                    continue
                w: Tensor = self.taps
                for a in reversed(o):
                    w = w[..., a + self.radius]
                y_BD = y_BD + (u_BND[:, m] @ w.T if self.dense else u_BND[:, m] * w[:, 0])
            rows.append(y_BD if self.b_D is None else y_BD + self.b_D)
        return zero_masked(self.mix(torch.stack(rows, 1)), mask_BN)

    @property
    def decodes(self) -> bool:
        """In a causal domain: the last r inputs are all that is needed."""
        return self.causal

    def start(self, batch: int) -> Any:
        """The r inputs before the first one: zeros, (B, r, D)."""
        if not self.causal:
            return super().start(batch)
        return self.taps.new_zeros(batch, self.radius, self.taps.shape[0])

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Slide the window by one."""
        if not self.causal:
            return super().step(u_BD, state)
        window_BRD = torch.cat([state, u_BD.unsqueeze(1)], 1)
        groups = 1 if self.dense else u_BD.shape[1]
        y_BD1 = F.conv1d(window_BRD.mT, self.taps, self.b_D, groups=groups)
        return self.mix(y_BD1.squeeze(-1)), window_BRD[:, 1:]


class ConvParams(KernelParams):
    """How far a window reaches, and whether its taps mix channels."""

    radius: Annotated[
        int,
        Field(ge=1, le=64, description="positions on each side; in a causal domain, past ones"),
        Values(1, 3, 6),
    ]
    channels: Annotated[
        Literal["depthwise", "dense"],
        Field(
            description="depthwise: a window per channel, then a linear map; dense: a matrix "
            "per tap"
        ),
        Values("depthwise"),
    ] = "depthwise"


@final
class ConvFamily(KernelFamily[ConvParams]):
    """Convolutions over sequences and grids."""

    Params: ClassVar[type[KernelParams]] = ConvParams
    summary: ClassVar[str] = "convolution over a window, the same weights everywhere"
    source: ClassVar[str] = "arXiv 2606.19538, convolution as a special case"

    def bias(self, params: ConvParams) -> Bias:
        """window(radius), shared by translation."""
        return Bias(support=Support.WINDOW, sharing=Sharing.TRANSLATION, radius=params.radius)

    def cost(self, site: Site, params: ConvParams) -> Cost:
        """depthwise 2 N D R + 2 N D², dense 2 N D² R; taps beyond the border are counted."""
        width, length = site.width, site.length
        side = params.radius + 1 if site.causal else 2 * params.radius + 1
        taps = side ** len(site.domain.shape)
        dense = params.channels == "dense"
        weights = width**2 * taps if dense else width * taps + width**2
        state = 4 * params.radius * width if site.causal else None
        return Cost(flops=2 * length * weights, params=weights + width, state_bytes=state)

    def build(self, site: Site, params: ConvParams) -> Conv:
        """The operator."""
        return Conv(
            width=site.width,
            radius=params.radius,
            dense=params.channels == "dense",
            shape=site.domain.shape,
            causal=site.causal,
        )

    def refuses(self, site: Site, params: ConvParams) -> str:
        """A window needs positions in rows."""
        del params
        if site.domain.kind == "points":
            return "a point cloud has no neighbours in a row, so a window has no meaning on it"
        return ""

    def normalize(self, site: Site, params: ConvParams) -> ConvParams:
        """A radius beyond the domain is cut to the largest one that still adds a neighbour."""
        reach = max(1, site.domain.extent - 1)
        return params.model_copy(update={"radius": min(params.radius, reach)})


FAMILY = ConvFamily()
