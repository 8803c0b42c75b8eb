"""What weights say of themselves: widths that the windows of a kernel have learned.

A hint where to look, and no evidence: a head with a wide window may be silent, and one map may be
written with many weights. What a layer does is for the probe to say.

Shapes  H heads, A axes, T sides (past, future; the past alone where a domain is causal)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itnet_nas.integral.measures import NARROWEST, DomainWindow

if TYPE_CHECKING:
    from torch import nn

# Per axis the side on which x_i − x_j > 0, then the other one.
_SIDES = {1: (("past", "future"),), 2: (("above", "below"), ("left", "right"))}


def hints(operator: nn.Module) -> dict[str, tuple[float, ...]]:
    """`width, past` -> the distance at which each head's window has sunk to a half, in positions.

    {} for an operator without a window that learns.
    """
    found: dict[str, tuple[float, ...]] = {}
    for module in operator.modules():
        if not isinstance(module, DomainWindow) or module.log_width_HAT is None:
            continue
        width_HAT = module.log_width_HAT.detach().float().clamp(min=NARROWEST).exp().cpu()
        for width_HT, sides in zip(width_HAT.unbind(1), _SIDES[width_HAT.shape[1]], strict=True):
            for width_H, side in zip(width_HT.unbind(1), sides, strict=False):
                found[f"width, {side}"] = tuple(width_H.tolist())
    return found
