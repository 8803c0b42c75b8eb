"""Softmax attention inside a window of a sequence or a grid, without a number for every pair.

    y[i] = Σ_{dist(i, j) ≤ r} softmax_j( q[i]·k[j] / √E − m_h dist(i, j) ) v[j]  causal: j ≤ i only

dist is |i − j| on a sequence, and the larger of the row and column distance on a grid.

The domain is cut into blocks of C positions along each axis. The queries of a block meet its own
keys and those in a margin of r around it (causal: before it), and a mask takes away what the window
does not hold. So along an axis a query meets C + 2r (C + r) keys, however long the axis is.

Source  block-local attention, arXiv 2004.05150
Shapes  B examples, H heads, N positions, E channels of a head; J blocks of C queries and K keys,
        all axes in one; X positions of one axis or two, each cut into its blocks
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch.nn import functional as F

from itnet_nas.integral.positions import over_both

if TYPE_CHECKING:
    from torch import Tensor

# Positions of a block along each axis. On a CPU, forward and backward, 4096 positions with a radius
# of 8 took 100 ms in blocks of 32, 82 in blocks of 64, 113 in blocks of 128; a grid of 28 x 28 with
# a radius of 2 took 27 ms in blocks of 4 x 4, 28 of 7 x 7, 44 of 14 x 14.
_BLOCK = {1: 64, 2: 7}
# What blocks meet of all pairs, at most. A grid of 14 x 14 meets 0.41 with a radius of 1, in 0.81
# of the time of one block, and 0.62 with a radius of 2, in 1.1 of it.
_WORTH = 0.5


@final
class Blocks(NamedTuple):
    """How a domain is cut: by axis, the blocks, the queries of each, and margins of its keys."""

    counts: tuple[int, ...]
    sizes: tuple[int, ...]
    margins: tuple[tuple[int, int], ...]  # before and after

    @property
    def number(self) -> int:
        """J."""
        return math.prod(self.counts)

    @property
    def queries(self) -> int:
        """C."""
        return math.prod(self.sizes)

    @property
    def keys(self) -> int:
        """K."""
        margins = zip(self.sizes, self.margins, strict=True)
        return math.prod(size + before + after for size, (before, after) in margins)

    @property
    def pairs(self) -> int:
        """Scores that are formed, for each head."""
        return self.number * self.queries * self.keys


def band_pairs(length: int, radius: int, causal: bool = False) -> int:
    """How many pairs (i, j) of `length` positions lie within `radius`; causal: with j ≤ i."""
    radius = min(radius, length - 1)
    past = radius * length - radius * (radius + 1) // 2
    return length + past * (1 if causal else 2)


def window_blocks(
    shape: tuple[int, ...], radius: int, causal: bool = False, block: int | None = None
) -> Blocks:
    """Blocks of about `block` positions along each axis, but at least `radius`.

    Left to itself it takes what is fast, and one block where several would meet most pairs anyway.
    An axis that is not cut has no margins.
    """
    side = max(radius, _BLOCK[len(shape)] if block is None else block)
    counts = tuple(max(1, size // side) for size in shape)
    sizes = tuple(-(-size // count) for size, count in zip(shape, counts, strict=True))
    around = (radius, 0 if causal else radius)
    cut = Blocks(counts, sizes, tuple(around if count > 1 else (0, 0) for count in counts))
    if block is None and cut.pairs > _WORTH * math.prod(shape) ** 2:
        return Blocks((1,) * len(shape), shape, ((0, 0),) * len(shape))
    return cut


def window_attention(
    q_BHNE: Tensor,
    k_BHNE: Tensor,
    v_BHNE: Tensor,
    radius: int,
    causal: bool = False,
    mask_BN: Tensor | None = None,
    slope_H: Tensor | None = None,
    block: int | None = None,
    shape: tuple[int, ...] | None = None,
) -> Tensor:
    """y_BHNE. `mask_BN` is True where a key is real; `slope_H` are ALiBi's m_h.

    A query always sees its own key, so that no row of the softmax is empty: the rows of positions
    that are not real hold finite numbers that mean nothing. `shape` is that of a grid, and left out
    on a sequence; `block` is that of `window_blocks`.
    """
    shape = (q_BHNE.shape[2],) if shape is None else shape
    blocks = window_blocks(shape, radius, causal, block)
    bias = _bias(shape, radius, causal, blocks, mask_BN, slope_H, q_BHNE.device)
    if blocks.number == 1:
        return F.scaled_dot_product_attention(q_BHNE, k_BHNE, v_BHNE, attn_mask=bias)
    # Positions before heads: so they stand in a projection, and most cuts are views of it.
    q, k, v = (x.transpose(1, 2) for x in (q_BHNE, k_BHNE, v_BHNE))
    q_XHCE = _queries(q, shape, blocks).transpose(1, 2)
    k_XHKE, v_XHKE = (_keys(x, shape, blocks).transpose(1, 2) for x in (k, v))
    if len(bias) < len(q_XHCE):
        bias = bias.repeat(len(q), 1, 1, 1)
    y_XHCE = F.scaled_dot_product_attention(q_XHCE, k_XHKE, v_XHKE, attn_mask=bias)
    return _joined(y_XHCE.transpose(1, 2), len(q), shape, blocks).transpose(1, 2)


def _bias(
    shape: tuple[int, ...],
    radius: int,
    causal: bool,
    blocks: Blocks,
    mask_BN: Tensor | None,
    slope_H: Tensor | None,
    device: torch.device,
) -> Tensor:
    """Which keys a query sees, (J or B·J, 1, C, K); with slopes what is added, (…, H, …)."""
    near_CK = torch.ones(1, 1, dtype=torch.bool, device=device)
    inside_JK, gap_CK = near_CK, near_CK.long() * 0
    for size, count, side, (before, after) in zip(shape, *blocks, strict=True):
        key_K = torch.arange(-before, side + after, device=device)
        gap = key_K - torch.arange(side, device=device).unsqueeze(1)
        near = (gap.abs() <= radius) & (gap <= 0) if causal else gap.abs() <= radius
        place_JK = torch.arange(count, device=device).unsqueeze(1) * side + key_K
        near_CK = over_both(torch.logical_and, near_CK, near)
        inside_JK = over_both(torch.logical_and, inside_JK, (place_JK >= 0) & (place_JK < size))
        gap_CK = over_both(torch.maximum, gap_CK, gap.abs())
    sees_JCK = near_CK & inside_JK.unsqueeze(1)
    if mask_BN is not None:
        real_BN11 = mask_BN[..., None, None]
        real_X1K = _keys(real_BN11, shape, blocks).flatten(2).transpose(1, 2)
        sees_JCK = (sees_JCK & real_X1K.reshape(-1, blocks.number, *real_X1K.shape[1:])).flatten(
            0, 1
        )
    sees_J1CK = (sees_JCK | (gap_CK == 0)).unsqueeze(1)
    if slope_H is None:
        return sees_J1CK
    alibi_HCK = -slope_H[:, None, None] * gap_CK.to(slope_H.dtype)
    return alibi_HCK.masked_fill(~sees_J1CK, -math.inf)


def _cut(x_BNHE: Tensor, shape: tuple[int, ...], blocks: Blocks) -> Tensor:
    """(B, J, C, H, E) on a sequence, (B, J, C, J, C, H, E) on a grid; zeros after the last one."""
    x_BXHE = x_BNHE.reshape(len(x_BNHE), *shape, *x_BNHE.shape[2:])
    rest = [j * c - size for size, j, c in zip(shape, blocks.counts, blocks.sizes, strict=True)]
    if any(rest):
        x_BXHE = F.pad(x_BXHE, [0, 0, 0, 0, *(side for r in reversed(rest) for side in (0, r))])
    cuts = [size for both in zip(blocks.counts, blocks.sizes, strict=True) for size in both]
    return x_BXHE.reshape(len(x_BNHE), *cuts, *x_BNHE.shape[2:])


def _blockwise(x: Tensor, axes: int) -> Tensor:
    """(B, J, K, H, E) or (B, J, K, J, K, H, E) to (B·J, K, H, E)."""
    return x.flatten(0, 1) if axes == 1 else x.transpose(2, 3).flatten(3, 4).flatten(0, 2)


def _queries(q_BNHE: Tensor, shape: tuple[int, ...], blocks: Blocks) -> Tensor:
    return _blockwise(_cut(q_BNHE, shape, blocks), len(shape))


def _keys(k_BNHE: Tensor, shape: tuple[int, ...], blocks: Blocks) -> Tensor:
    """Of each block, and of what lies around it: zeros beyond the ends."""
    k = _cut(k_BNHE, shape, blocks)
    for axis, (before, after) in enumerate(blocks.margins):
        block, side = 1 + 2 * axis, 2 + 2 * axis
        parts, last = [k], k.shape[block] - 1
        if before:
            ends = k.narrow(side, k.shape[side] - before, before)
            nothing = torch.zeros_like(ends.narrow(block, 0, 1))
            parts.insert(0, torch.cat([nothing, ends.narrow(block, 0, last)], block))
        if after:
            starts = k.narrow(side, 0, after)
            nothing = torch.zeros_like(starts.narrow(block, 0, 1))
            parts.append(torch.cat([starts.narrow(block, 1, last), nothing], block))
        k = torch.cat(parts, side)
    return _blockwise(k, len(shape))


def _joined(y_XCHE: Tensor, batch: int, shape: tuple[int, ...], blocks: Blocks) -> Tensor:
    """Blocks to y_BNHE."""
    y = y_XCHE.reshape(batch, *blocks.counts, *blocks.sizes, *y_XCHE.shape[2:])
    y = y.flatten(1, 2) if len(shape) == 1 else y.transpose(2, 3).flatten(3, 4).flatten(1, 2)
    for axis, size in enumerate(shape):
        y = y.narrow(1 + axis, 0, size)
    return y.flatten(1, len(shape))
