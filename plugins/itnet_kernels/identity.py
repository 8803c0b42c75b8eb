"""Identity: no integral at all, the term W u(x) of the operator alone.

    y[n] = W u[n] + b                                     no heads, so that no kernel is left

The skip around an operator belongs to the layer, so an operator that were 0 or u would be a layer
without a kernel; this is the plainest one that still has weights.

Axes    point support · permutation-shared · no state · no content
Source  ITNet (arXiv 2606.19538), the local term W_o u(x)
Shapes  B examples, N positions, D channels
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

from torch import nn

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.integral.dense import DenseKernel
from itnet_nas.integral.masks import zero_masked
from itnet_nas.kernels import Cost, KernelFamily, KernelParams, Site
from itnet_nas.kernels.operator import Operator

if TYPE_CHECKING:
    from torch import Tensor


@final
class Identity(Operator):
    """One linear map of the channels, the same at every position."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(width, width)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """One matrix product."""
        y_BND: Tensor = self.mix(zero_masked(u_BND, mask_BN))
        return zero_masked(y_BND, mask_BN)

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """No heads; the local term W and b alone."""
        batch, length, width = u_BND.shape
        return DenseKernel(
            k_BHNN=u_BND.new_zeros(batch, 0, length, length),
            v_HEF=u_BND.new_zeros(0, 1, width),
            o_HDE=u_BND.new_zeros(0, width, 1),
            w_DD=self.mix.weight,
            b_D=self.mix.bias,
        )

    @property
    def decodes(self) -> bool:
        """Always: a point needs no memory."""
        return True

    def start(self, batch: int) -> Any:
        """Nothing."""
        del batch
        return ()

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """W u + b."""
        return self.mix(u_BD), state


class IdentityParams(KernelParams):
    """There is nothing to choose."""


@final
class IdentityFamily(KernelFamily[IdentityParams]):
    """The family without a kernel: what a layer is when it need not look around."""

    Params: ClassVar[type[KernelParams]] = IdentityParams
    summary: ClassVar[str] = "no mixing of positions, one linear map of the channels"
    source: ClassVar[str] = "arXiv 2606.19538, the local term"

    def bias(self, params: IdentityParams) -> Bias:
        """A point, blind to where it stands."""
        del params
        return Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)

    def cost(self, site: Site, params: IdentityParams) -> Cost:
        """2 N D², training three times that, a step 2 D²; nothing but the input is kept."""
        del params
        width, length = site.width, site.length
        weights = width**2 + width
        return Cost(
            flops=2 * length * width**2,
            params=weights,
            state_bytes=0,
            train_flops=6 * length * width**2,
            decode_flops=2 * width**2,
            traffic_bytes=4 * (2 * length * width + weights),
            activation_bytes=4 * length * width,
        )

    def build(self, site: Site, params: IdentityParams) -> Identity:
        """The operator."""
        del params
        return Identity(site.width)


FAMILY = IdentityFamily()
