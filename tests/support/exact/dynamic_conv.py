"""Dynamic convolution tap by tap, and involution by unfolding, as their papers write them."""

from __future__ import annotations

import torch
from support.exact import CAUSAL, GRID, SEQUENCE, Leaf, Row, Twin
from torch import Tensor
from torch.nn import functional as F

from itnet_kernels.dynamic_conv import DynamicConv


def _own(op: DynamicConv) -> list[Leaf]:
    return [Leaf(p, p) for p in op.parameters()]


def _tap_by_tap(op: DynamicConv) -> Twin:
    """A softmax over the taps of each position, one position and one head after the other."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        length, width = u_BND.shape[1:]
        size, taps = width // op.heads, op.before + op.after + 1
        v_BND, s_BNS = op.value(u_BND), op.score(u_BND)
        rows = []
        for n in range(length):
            parts = []
            inside = [r for r in range(taps) if 0 <= n + r - op.before < length]
            for h in range(op.heads):
                chosen = [h * taps + r for r in inside]
                a_BR = torch.softmax(s_BNS[:, n, chosen], -1)
                there = [n + r - op.before for r in inside]
                v_BRE = v_BND[:, there, h * size : (h + 1) * size]
                parts.append((a_BR.unsqueeze(-1) * v_BRE).sum(1))
            rows.append(op.out(torch.cat(parts, -1)))
        return torch.stack(rows, 1)

    return Twin(run, _own(op))


def _involution(op: DynamicConv) -> Twin:
    """torch.nn.functional.unfold, and a product with the kernel that each pixel makes."""
    side = op.before + op.after + 1

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        batch, length, width = u_BND.shape
        v_BDXY = op.value(u_BND).mT.reshape(batch, width, *op.shape)
        patches = F.unfold(v_BDXY, side, padding=op.before)
        patches_BHERN = patches.reshape(batch, op.heads, -1, side**2, length)
        a_BH1RN = op.score(u_BND).mT.reshape(batch, op.heads, 1, side**2, length)
        y_BND: Tensor = op.out((a_BH1RN * patches_BHERN).sum(3).reshape(batch, width, length).mT)
        return y_BND

    return Twin(run, _own(op))


ROWS = [
    Row(
        "dynamic_conv",
        f"dynamic convolution, arXiv 1901.10430, {where}",
        site,
        _tap_by_tap,
        {"radius": 2, "heads": 2},
        sense="where the border cuts a window, the softmax runs over what is left of it",
    )
    for where, site in (("sequence", SEQUENCE), ("causal", CAUSAL))
]
ROWS.append(
    Row(
        "dynamic_conv",
        "involution, arXiv 2103.06255, by torch.nn.functional.unfold",
        GRID,
        _involution,
        {"radius": 1, "heads": 2, "taps": "linear"},
        sense="the kernel of a pixel is one linear map of its channels",
    )
)
