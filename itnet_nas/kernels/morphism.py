"""`Morphism`: a move to other params that keeps the function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.kernels.params import KernelParams

Weights: TypeAlias = Mapping[str, "Tensor"]


class Morphism(NamedTuple):
    """The operator of `params` with the weights `carry(weights)` computes what the old one did.

    `weights` is the state dict of the old operator, the answer is one of the new; both operators
    stand at the same site. `change` says the move in a few words: "window 3 -> 4, zeros outside".
    """

    params: KernelParams
    carry: Callable[[Weights], dict[str, Tensor]]
    change: str
