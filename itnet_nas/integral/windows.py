"""Softmax attention inside a window of a sequence, in memory O(N·r).

    y[i] = Σ_{|i − j| ≤ r} softmax_j( q[i]·k[j] / √E − m_h |i − j| ) v[j]        causal: j ≤ i only

The sequence is cut into blocks of C ≥ r positions. The queries of a block see the keys of the
block before, of their own and of the block after (causal: not the one after), and a mask takes away
what the window does not hold. So each query meets 3C (2C) keys, however long the sequence is.

Source  block-local attention, arXiv 2004.05150
Shapes  B examples, H heads, N positions, E channels of a head, C positions of a block,
        J blocks, K = 3C or 2C keys that a block sees
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


def band_pairs(length: int, radius: int, causal: bool = False) -> int:
    """How many pairs (i, j) of `length` positions lie within `radius`; causal: with j ≤ i."""
    radius = min(radius, length - 1)
    past = radius * length - radius * (radius + 1) // 2
    return length + past * (1 if causal else 2)


def window_attention(
    q_BHNE: Tensor,
    k_BHNE: Tensor,
    v_BHNE: Tensor,
    radius: int,
    causal: bool = False,
    mask_BN: Tensor | None = None,
    slope_H: Tensor | None = None,
    block: int | None = None,
) -> Tensor:
    """y_BHNE. `mask_BN` is True where a key is real; `slope_H` are ALiBi's m_h.

    A query always sees its own key, so that no row of the softmax is empty: the rows of positions
    that are not real hold finite numbers that mean nothing. `block` is C, at least `radius`.
    """
    batch, heads, length, size = q_BHNE.shape
    # Below 16 positions a block costs more in overhead than it saves in pairs.
    block = max(radius, 16) if block is None else block
    blocks = math.ceil(length / block)
    after = 0 if causal else block
    rest = blocks * block - length

    q_XHCE = F.pad(q_BHNE, (0, 0, 0, rest)).reshape(batch, heads, blocks, block, size)
    q_XHCE = q_XHCE.transpose(1, 2).flatten(0, 1)
    k_XHKE = _neighbours(k_BHNE, block, after, rest)
    v_XHKE = _neighbours(v_BHNE, block, after, rest)

    device = q_BHNE.device
    query_C1 = torch.arange(block, device=device).unsqueeze(1)
    key_K = torch.arange(2 * block + after, device=device) - block
    gap_CK = (query_C1 - key_K).abs()
    near_CK = gap_CK <= radius
    if causal:
        near_CK = near_CK & (key_K <= query_C1)
    start_J11 = torch.arange(blocks, device=device)[:, None, None] * block
    inside_J1K = (start_J11 + key_K >= 0) & (start_J11 + key_K < length)
    allowed_BJ1CK = (near_CK & inside_J1K)[None, :, None].expand(batch, -1, -1, -1, -1)
    if mask_BN is not None:
        real_BJK = F.pad(mask_BN, (block, rest + after)).unfold(1, 2 * block + after, block)
        allowed_BJ1CK = allowed_BJ1CK & real_BJK[:, :, None, None, :]
    allowed_BJ1CK = allowed_BJ1CK | (gap_CK == 0)

    bias = allowed_BJ1CK.flatten(0, 1)
    if slope_H is not None:
        alibi_HCK = -slope_H[:, None, None] * gap_CK.to(slope_H.dtype)
        bias = alibi_HCK.masked_fill(~bias, -math.inf)
    y_XHCE = F.scaled_dot_product_attention(q_XHCE, k_XHKE, v_XHKE, attn_mask=bias)
    y_BJHCE = y_XHCE.reshape(batch, blocks, heads, block, size)
    y_BHNE: Tensor = y_BJHCE.transpose(1, 2).flatten(2, 3)[:, :, :length]
    return y_BHNE


def _neighbours(k_BHNE: Tensor, block: int, after: int, rest: int) -> Tensor:
    """For each block the keys before, in and after it: (B·J, H, K, E)."""
    padded = F.pad(k_BHNE, (0, 0, block, rest + after))
    k_BHJEK = padded.unfold(2, 2 * block + after, block)
    return k_BHJEK.permute(0, 2, 1, 4, 3).flatten(0, 1)
