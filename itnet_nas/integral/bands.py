"""Sums over a window, with weights that differ from position to position.

    y[n] = Σ_o a[n, o] v[n + o]           o over a window, 0 where n + o lies outside the domain

A row of positions is cut into blocks of C. What a block of y needs of v are W = C + T − 1
neighbours, and its weights are a band: row c of a C × W matrix holds a[n, ·] from column c on. So a
sum over a window is one product of small matrices for each block, and on a grid one for each row of
the window; the band wastes C − 1 columns of zeros and is still far faster than to gather. It is
written without a copy for each row: T weights and C zeros beside each other, all rows in one line,
and the last C numbers left out, put each row one column further than the one above.

The backward pass needs a and v alone, and is two sums of the same kind:

    ∂v[m] = Σ_o a[m − o, o] ∂y[m − o]          ∂a[n, o] = ∂y[n] · v[n + o]

A window is given by how many positions it holds `before` and `after` its own, along every axis; its
taps are numbered row by row, as the positions are.

Shapes  B examples, N positions, H heads, E channels of a head, R taps of a window;
        X rows of Y positions (a sequence is one row), S × T taps of a window,
        J blocks of C positions in a row, W positions that a block needs, M blocks in all
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any, final

import torch
from torch import Tensor
from torch.nn import functional as F

from itnet_nas.integral.networks import Dims, by_network, more_examples
from itnet_nas.integral.positions import coordinates
from itnet_nas.integral.precision import as_given

_Margins = tuple[tuple[int, int], tuple[int, int]]  # positions before and after, by row and column


def window_offsets(before: int, after: int, axes: int) -> list[tuple[int, ...]]:
    """o of every tap, in order: −before … after along each axis."""
    return list(product(range(-before, after + 1), repeat=axes))


def window_pairs(
    shape: tuple[int, ...], before: int, after: int, device: torch.device | None = None
) -> Tensor:
    """Booleans t_RNN: whether m stands at offset o_r of n, x[m] − x[n] = o_r."""
    x_NA = coordinates(shape, device)
    offset_RA = torch.tensor(window_offsets(before, after, len(shape)), device=device)
    gap_NNA = x_NA.unsqueeze(0) - x_NA.unsqueeze(1)
    pairs_RNN: Tensor = (gap_NNA == offset_RA[:, None, None]).all(-1)
    return pairs_RNN


def window_real(mask_BN: Tensor, shape: tuple[int, ...], before: int, after: int) -> Tensor:
    """Booleans r_BNR: whether the tap looks at a position that is inside and real."""
    real = F.pad(mask_BN.reshape(-1, *shape), (before, after) * len(shape))
    for axis in range(len(shape)):
        real = real.unfold(1 + axis, before + after + 1, 1)
    return real.reshape(*mask_BN.shape, -1)


def window_sum(
    a_BNHR: Tensor, v_BNHE: Tensor, shape: tuple[int, ...], before: int, after: int
) -> Tensor:
    """y_BNHE in the dtype of v; `a` may have one example for all of v's. v is 0 where masked.

    `shape` is (N,) on a sequence, (X, Y) on a grid.
    """
    a_BNHR = a_BNHR.to(v_BNHE.dtype)
    batch, length, heads, size = v_BNHE.shape
    shared = len(a_BNHR) < batch
    if shared:
        # Examples with the same weights stand side by side, as if they were channels.
        v_BNHE = v_BNHE.permute(1, 2, 0, 3).reshape(1, length, heads, batch * size)
    # A sequence is one row, and its window has one row of taps.
    rows, side = (shape[0], before + after + 1) if len(shape) == 2 else (1, 1)
    a_BXYHST = a_BNHR.reshape(len(a_BNHR), rows, -1, heads, side, before + after + 1)
    v_BXYHE = v_BNHE.reshape(len(v_BNHE), rows, -1, heads, v_BNHE.shape[-1])
    margins = ((before, after) if len(shape) == 2 else (0, 0), (before, after))
    y_BXYHE: Tensor = _WindowSum.apply(a_BXYHST, v_BXYHE, margins)  # type: ignore[no-untyped-call]
    if shared:
        return y_BXYHE.reshape(length, heads, batch, size).permute(2, 0, 1, 3)
    return y_BXYHE.reshape(batch, length, heads, size)


@final
class _WindowSum(torch.autograd.Function):
    """Keeps a and v alone: bands and blocks are made again on the way back."""

    @staticmethod
    def forward(a_BXYHST: Tensor, v_BXYHE: Tensor, margins: _Margins) -> Tensor:
        return _sum(a_BXYHST, v_BXYHE, margins)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, _Margins], output: Tensor) -> None:
        a_BXYHST, v_BXYHE, ctx.margins = inputs
        ctx.save_for_backward(a_BXYHST, v_BXYHE)

    @staticmethod
    def vmap(info: Any, in_dims: Dims, *given: Any) -> tuple[Tensor, int]:
        """Networks are more examples."""
        a_BXYHST, v_BXYHE = more_examples(info.batch_size, in_dims, given[:2])
        y_BXYHE: Tensor = _WindowSum.apply(a_BXYHST, v_BXYHE, given[2])  # type: ignore[no-untyped-call]
        return by_network(info.batch_size, y_BXYHE), 0

    @staticmethod
    def backward(ctx: Any, grad_BXYHE: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        a_BXYHST, v_BXYHE = ctx.saved_tensors
        grad_a = grad_v = None
        if ctx.needs_input_grad[0]:
            grad_a = _products(grad_BXYHE, v_BXYHE, ctx.margins, a_BXYHST.shape[-2:])
        if ctx.needs_input_grad[1]:
            (above, below), (before, after) = ctx.margins
            turned = _seen_from_the_other_end(a_BXYHST, ctx.margins)
            grad_v = _sum(turned, grad_BXYHE, ((below, above), (after, before)))
        return grad_a, grad_v, None


def _sum(a_BXYHST: Tensor, v_BXYHE: Tensor, margins: _Margins) -> Tensor:
    """y_BXYHE."""
    batch, rows, columns, heads, side, taps = a_BXYHST.shape
    blocks, block = _cut(columns, taps)
    band_SMCW = _bands(a_BXYHST, blocks, block)
    v_XMWE = _blocks(v_BXYHE, margins, taps, blocks, block)
    with as_given(v_BXYHE):
        y_MCE = band_SMCW[0] @ v_XMWE[:rows].flatten(0, 1)
        for s in range(1, side):
            y_MCE = torch.baddbmm(y_MCE, band_SMCW[s], v_XMWE[s : s + rows].flatten(0, 1))
    y_XBHYE = y_MCE.reshape(rows, batch, heads, blocks * block, -1)[..., :columns, :]
    return y_XBHYE.permute(1, 0, 3, 2, 4)


def _products(
    g_BXYHE: Tensor, v_BXYHE: Tensor, margins: _Margins, window: tuple[int, int]
) -> Tensor:
    """g[n] · v[n + o] for every tap, as p_BXYHST."""
    batch, rows, columns, heads, _ = g_BXYHE.shape
    side, taps = window
    blocks, block = _cut(columns, taps)
    width = block + taps - 1
    v_XMWE = _blocks(v_BXYHE, margins, taps, blocks, block)
    g_XBHYE = F.pad(g_BXYHE.permute(1, 0, 3, 2, 4), (0, 0, 0, blocks * block - columns))
    g_MCE = g_XBHYE.reshape(-1, block, g_XBHYE.shape[-1])
    parts = []
    for s in range(side):
        p_MCW = g_MCE @ v_XMWE[s : s + rows].flatten(0, 1).mT
        # The way of `_bands` back: rows one longer, and tap 0 is in column 0 of each.
        line = F.pad(p_MCW.flatten(1), (0, block)).reshape(-1, block, width + 1)[..., :taps]
        parts.append(line.reshape(rows, batch, heads, blocks * block, taps)[..., :columns, :])
    return torch.stack(parts).permute(2, 1, 4, 3, 0, 5)


def _cut(columns: int, taps: int) -> tuple[int, int]:
    """(J, C): blocks of about 16 positions, of about 32 where a window is longer than that."""
    blocks = math.ceil(columns / (16 if taps < 48 else 32))
    return blocks, math.ceil(columns / blocks)


def _bands(a_BXYHST: Tensor, blocks: int, block: int) -> Tensor:
    """The weights as matrices of C rows and W columns, each row one column further."""
    columns, _, side, taps = a_BXYHST.shape[2:]
    a_SXBHYT = a_BXYHST.permute(4, 1, 0, 3, 2, 5)
    line = F.pad(a_SXBHYT, (0, block, 0, blocks * block - columns))
    width = block + taps - 1
    line = line.reshape(*line.shape[:4], blocks, block * (width + 1))[..., : block * width]
    return line.reshape(side, -1, block, width)


def _blocks(v_BXYHE: Tensor, margins: _Margins, taps: int, blocks: int, block: int) -> Tensor:
    """For each block the positions that its windows see, as v_XMWE with rows above and below."""
    rows, (before, after) = margins
    rest = blocks * block - v_BXYHE.shape[2]
    v_XBHYE = v_BXYHE.permute(1, 0, 3, 2, 4)
    v_XBHYE = F.pad(v_XBHYE, (0, 0, before, after + rest, 0, 0, 0, 0, *rows))
    v_XBHJEW = v_XBHYE.unfold(3, block + taps - 1, block)
    return v_XBHJEW.mT.flatten(1, 3)


def _seen_from_the_other_end(a_BXYHST: Tensor, margins: _Margins) -> Tensor:
    """t[m, −o] = a[m − o, o]: the weights with which m is read, by where the reader stands."""
    (above, below), (before, after) = margins
    # Taps the other way round: reader m + s′ − below of tap s′, so that both go up together.
    a = F.pad(a_BXYHST.flip(-2, -1), (0,) * 6 + (after, before, below, above))
    b, x, y, h, s, t = a.stride()
    return a.as_strided(a_BXYHST.shape, (b, x, y, h, x + s, y + t))
