"""The tricky operators as families, and a task with a head of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import tiny_plugins
from torch import nn

from itnet_nas.axes import Bias, Sharing, Support
from itnet_nas.kernels import Cost, KernelFamily, Operator, Site

from . import operators, other

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


@final
class Built(KernelFamily[tiny_plugins.NoParams]):
    Params = tiny_plugins.NoParams
    summary = "for these tests"
    source = "these tests"

    def __init__(self, make: Callable[[int], Operator]) -> None:
        self.make = make

    def bias(self, params: tiny_plugins.NoParams) -> Bias:
        return Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)

    def cost(self, site: Site, params: tiny_plugins.NoParams) -> Cost:
        return Cost(flops=0, params=0, state_bytes=0)

    def build(self, site: Site, params: tiny_plugins.NoParams) -> Operator:
        return self.make(site.width)


FACTOR = 1.0


class Changed(Operator):
    """Reads a constant that something else changes after the module was loaded."""

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND * FACTOR

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND


def _change() -> None:
    globals()["FACTOR"] = 3.0


_change()

TRICKY = Built(lambda width: operators.Tricky(width, sizes=(1, 2)))
OTHER = Built(lambda width: other.Tricky())
KEEPS = Built(lambda width: operators.KeepsReference())
NEEDS_NUMPY = Built(lambda width: operators.NeedsNumpy())
CHANGED = Built(lambda width: Changed())


class OwnHeadTask(tiny_plugins.EchoTask):
    def head(self, width: int) -> nn.Module:
        return operators.Reader(self.facts(), width)
