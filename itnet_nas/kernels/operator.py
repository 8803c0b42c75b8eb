"""`Operator`: the module that a family builds, one integral transform u -> y."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Self

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor


class Operator(nn.Module, ABC):
    """y(x) = ∫ K(x, x', u(x), u(x')) v(x') dμ(x'), discretised over the positions of a site.

    Shapes  B examples, N positions, D channels.

    `mask_BN` is True where a position is real. A masked position contributes nothing, takes no
    part in any normaliser, and its output is 0.

    The constructor takes plain values only (numbers, texts, booleans, None and tuples of them):
    they are kept as `arguments`, and an exported network is written with them.
    """

    arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Keep what the constructor was called with."""
        self = super().__new__(cls)
        object.__setattr__(self, "arguments", (args, kwargs))
        return self

    @abstractmethod
    def forward(self, u_BND: Tensor, mask_BN: Tensor | None = None) -> Tensor:
        """The fast path. Returns y_BND in the dtype of `u_BND`."""

    @abstractmethod
    def reference(self, u_BND: Tensor, mask_BN: Tensor | None = None) -> Tensor:
        """The same map by loops that a reader can check against the formula.

        Slow; differentiable; meant for float64 and small N. Tests hold `forward` to it, values and
        gradients.
        """

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
