"""Several examples in one row, kept apart: segments are unpacked, computed, and packed again.

    row      a a a b b c c c c        segment  0 0 0 1 1 2 2 2 2
    unpacked a a a ·                  one row for each segment, padded to the longest,
             b b · ·                  with a mask that is True where a position is real
             c c c c

Exact for every operator by the one promise that each of them keeps: padding changes nothing. A
position starts anew at 0 in each segment.

Shapes  B examples, N positions, D channels; S segments in all examples, L positions of the longest
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, final

import torch

if TYPE_CHECKING:
    from torch import Tensor


@final
class Packing(NamedTuple):
    """Where each position of the packed rows stands when they are unpacked."""

    mask_SL: Tensor  # True where a position is real
    place_BN: Tensor  # s · L + l; positions that are not real point at 0
    real_BN: Tensor


def packing(segment_BN: Tensor, mask_BN: Tensor | None = None) -> Packing:
    """From integers that are the same within a segment, and change where the next one begins."""
    batch, length = segment_BN.shape
    real_BN = torch.ones_like(segment_BN, dtype=torch.bool) if mask_BN is None else mask_BN
    begins_BN = torch.ones_like(real_BN)
    begins_BN[:, 1:] = segment_BN[:, 1:] != segment_BN[:, :-1]
    row_BN = begins_BN.flatten().cumsum(0).reshape(batch, length) - 1
    n_BN = torch.arange(length, device=segment_BN.device).expand(batch, length)
    start_BN = torch.where(begins_BN, n_BN, 0).cummax(1).values
    column_BN = n_BN - start_BN
    rows, columns = int(row_BN.max()) + 1, int(column_BN.max()) + 1
    place_BN = row_BN * columns + column_BN
    mask_S = torch.zeros(rows * columns, dtype=torch.bool, device=segment_BN.device)
    mask_S[place_BN[real_BN]] = True
    return Packing(mask_S.reshape(rows, columns), torch.where(real_BN, place_BN, 0), real_BN)


def unpack(u_BND: Tensor, where: Packing) -> Tensor:
    """u_SLD, 0 where a position is not real."""
    rows, columns = where.mask_SL.shape
    flat = u_BND.new_zeros(rows * columns, u_BND.shape[-1])
    flat = flat.index_copy(0, where.place_BN[where.real_BN], u_BND[where.real_BN])
    return flat.reshape(rows, columns, -1)


def pack(y_SLD: Tensor, where: Packing) -> Tensor:
    """y_BND, 0 where a position is not real."""
    y_BND = y_SLD.flatten(0, 1)[where.place_BN]
    return y_BND.masked_fill(~where.real_BN.unsqueeze(-1), 0)
