"""The same names as in the other modules, for other things."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from itnet_nas.kernels import Operator

SCALES = (7.0,)


class Clash:
    scale = 5.0


class Tricky(Operator):
    """Not the other Tricky."""

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return F.gelu(u_BND * SCALES[0] * Clash.scale)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND
