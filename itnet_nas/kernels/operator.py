"""`Operator`: the module that a family builds, one integral transform u -> y."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

from torch import nn

from itnet_nas.integral.dense import apply_dense
from itnet_nas.integral.masks import zero_masked

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.integral.dense import DenseKernel


class Operator(nn.Module, ABC):
    """y(x) = ∫ K(x, x', u(x), u(x')) v(x') dμ(x'), discretised over the positions of a site.

    Shapes  B examples, N positions, D channels, A coordinates of a point.

    `mask_BN` is True where a position is real. A masked position contributes nothing, takes no
    part in any normaliser, and its output is 0. `x_BNA` says where the points of a set stand; it
    is None on sequences and grids, whose positions are known, and on a bare set.

    Several examples packed into one row are unpacked before they come here
    (`itnet_nas.integral.packing`), which is exact because padding changes nothing.

    The constructor takes plain values only (numbers, texts, booleans, None and tuples of them):
    they are kept as `arguments`, and an exported network is written with them.
    """

    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    # Names, at any depth, of parameters that weight decay would harm: rates, decays, widths.
    undecayed: ClassVar[tuple[str, ...]] = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Keep what the constructor was called with."""
        self = super().__new__(cls)
        object.__setattr__(self, "arguments", (args, kwargs))
        return self

    @abstractmethod
    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """The fast path. Returns y_BND in the dtype of `u_BND`."""

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        """The factors K, V, O of this operator at `u_BND`, written out from the formula.

        The unifying claim as code: `apply_dense` of them is `forward`. For small N, in float64;
        differentiable.
        """
        raise NotImplementedError(f"{type(self).__name__} does not state its kernel")

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        """The same map so slowly that a reader can check it against the formula.

        Tests hold `forward` to it, values and gradients. Where loops say it more plainly than the
        dense kernel does, a family writes them here, and is held to both.
        """
        kernel = self.dense_kernel(u_BND, mask_BN, x_BNA)
        return zero_masked(apply_dense(kernel, zero_masked(u_BND, mask_BN)), mask_BN)

    @property
    def decodes(self) -> bool:
        """Whether `start` and `step` produce y one position at a time."""
        return False

    def start(self, batch: int) -> Any:
        """The state before the first position, for `batch` examples."""
        raise NotImplementedError(f"{type(self).__name__} cannot decode; ask `decodes` first")

    def step(self, u_BD: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One position: (u_BD, state) -> (y_BD, next state). Equals `forward` position by position.

        The state of a family with constant memory does not grow.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot decode; ask `decodes` first")
