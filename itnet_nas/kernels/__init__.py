"""What the author of a kernel family builds on. Public: covered by the compatibility promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itnet_nas.kernels.cost import Cost
from itnet_nas.kernels.family import KernelFamily
from itnet_nas.kernels.morphism import Morphism, Weights
from itnet_nas.kernels.params import KernelParams, Values
from itnet_nas.kernels.site import Domain, Site

if TYPE_CHECKING:
    from itnet_nas.kernels.operator import Operator

__all__ = [
    "Cost",
    "Domain",
    "KernelFamily",
    "KernelParams",
    "Morphism",
    "Operator",
    "Site",
    "Values",
    "Weights",
]


def __getattr__(name: str) -> Any:
    # Operator is a torch module; those who only read params and costs must not pay for torch.
    if name == "Operator":
        from itnet_nas.kernels.operator import Operator

        return Operator
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
