"""torch.nn.Conv1d and Conv2d: dense, depthwise with a linear map behind, dilated, causal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from support.exact import CAUSAL, GRID, SEQUENCE, Leaf, Row, Twin
from torch import Tensor, nn
from torch.nn import functional as F

from itnet_kernels.conv import Conv
from itnet_nas.kernels import Domain, Site

# Long enough for 121 taps to be computed by FFT.
LONG = Site(domain=Domain(kind="sequence", shape=(80,)), width=8)


def _torch(**kwargs: Any) -> Callable[[Conv], Twin]:
    """nn.Conv1d or nn.Conv2d with these arguments, and nn.Linear behind a depthwise one."""

    def twin(op: Conv) -> Twin:
        width, _, *sides = op.taps.shape
        kind = nn.Conv1d if len(sides) == 1 else nn.Conv2d
        dense = op.mix is None
        groups = 1 if dense else width
        conv = kind(width, width, tuple(sides), groups=groups, bias=dense, **kwargs).double()  # type: ignore[arg-type]
        leaves = [Leaf(op.taps, conv.weight)]
        mix: nn.Module = nn.Identity()
        if op.mix is None:
            assert op.b_D is not None
            assert conv.bias is not None
            leaves.append(Leaf(op.b_D, conv.bias))
        else:
            linear = nn.Linear(width, width).double()
            leaves += [Leaf(op.mix.weight, linear.weight), Leaf(op.mix.bias, linear.bias)]
            mix = linear
        with torch.no_grad():
            for leaf in leaves:
                leaf.theirs.copy_(leaf.ours)
        # Conv1d has no padding in front alone.
        front = op.dilation * op.radius if op.causal else 0

        def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
            shape = u_BND.shape[1:2] if len(op.shape) == 1 else op.shape
            u_BDX = u_BND.mT.reshape(len(u_BND), width, *shape)
            y_BDX = conv(F.pad(u_BDX, (front, 0)) if front else u_BDX)
            y_BND: Tensor = mix(y_BDX.flatten(2).mT)
            return y_BND

        return Twin(run, leaves)

    return twin


def _row(system: str, site: Site, params: dict[str, Any], **kwargs: Any) -> Row:
    return Row("conv", system, site, _torch(**kwargs), params)


ROWS = [
    _row("torch.nn.Conv1d", SEQUENCE, {"radius": 3, "channels": "dense"}, padding=3),
    _row(
        "torch.nn.Conv1d, dilation 2",
        SEQUENCE,
        {"radius": 2, "channels": "dense", "dilation": 2},
        padding=4,
        dilation=2,
    ),
    _row("torch.nn.Conv1d, padded in front", CAUSAL, {"radius": 3, "channels": "dense"}),
    _row(
        "torch.nn.Conv1d, a group for each channel, and Linear", SEQUENCE, {"radius": 3}, padding=3
    ),
    _row(
        "torch.nn.Conv1d, a group for each channel, dilation 3, padded in front, and Linear",
        CAUSAL,
        {"radius": 3, "dilation": 3},
        dilation=3,
    ),
    _row(
        "torch.nn.Conv1d, a group for each channel, 121 taps, and Linear",
        LONG,
        {"radius": 60},
        padding=60,
    ),
    _row("torch.nn.Conv2d", GRID, {"radius": 1, "channels": "dense"}, padding=1),
    _row(
        "torch.nn.Conv2d, dilation 2",
        GRID,
        {"radius": 1, "channels": "dense", "dilation": 2},
        padding=2,
        dilation=2,
    ),
    _row("torch.nn.Conv2d, a group for each channel, and Linear", GRID, {"radius": 2}, padding=2),
    _row(
        "torch.nn.Conv2d, a group for each channel, dilation 2, and Linear",
        GRID,
        {"radius": 2, "dilation": 2},
        padding=4,
        dilation=2,
    ),
]
