"""Softmax attention over a domain, by the fused kernel that suits what is seen.

    y[i] = Σ_j softmax_j( q[i]·k[j] / √E − m_h dist(i, j) ) v[j]

    j runs over all positions, in a causal domain over j ≤ i, in a window over dist(i, j) ≤ r

Torch's scaled_dot_product_attention writes no score into memory, unless a mask or bias that it is
given needs a gradient: then it writes them all, which at 4096 positions takes 6 times the time and
70 times the memory on a CPU. So nothing here is learned but q, k and v, and what is hidden or added
is made without a number for every pair where that can be:

    padding   a channel of its own, in which a query has 1 and a key 0, or −30,000 if it is not real
    ALiBi     on a sequence a bias depends on j − i alone. With the queries in reverse order, one
              row of 2 N − 1 numbers holds them all: each query reads from one number further on
    windows   blocks (`itnet_nas.integral.windows`)

Source  fused attention arXiv 2205.14135
Shapes  B examples, H heads, N positions, E channels of a head, O = 2 N − 1 differences of positions
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, final

import torch
from torch.nn import functional as F

from itnet_nas.integral.evaluation import Evaluation, taken
from itnet_nas.integral.flex import flex_suits, flex_window_attention
from itnet_nas.integral.positions import alibi_bias, alibi_slopes, domain_shape
from itnet_nas.integral.windows import band_pairs, window_attention, window_blocks

if TYPE_CHECKING:
    from torch import Tensor

# A fused pass with a bias forms pairs that a causal one leaves out: in 4 parts, 5/8 of all of them.
_PARTS = 4
_HIDDEN = -3e4  # e to this is 0 in every dtype, after a division by √E too; half precision holds it


@final
class Sight(NamedTuple):
    """What a query sees, and whether a distance lowers its score."""

    shape: tuple[int, ...]  # of the domain: one size, or rows and columns
    causal: bool = False
    window: int | None = None
    alibi: bool = False

    @property
    def length(self) -> int:
        """N."""
        return math.prod(self.shape)

    @property
    def pairs(self) -> int:
        """How many pairs (i, j) the formula has."""
        radii = [size - 1 if self.window is None else self.window for size in self.shape]
        sizes = zip(self.shape, radii, strict=True)
        return math.prod(band_pairs(size, radius, self.causal) for size, radius in sizes)


@final
class AttentionWork(NamedTuple):
    """Figures for one example, in operations and in numbers."""

    flops: int
    train_flops: int
    decode_flops: int
    moved: int  # written and read, beside q, k, v and y
    kept: int  # for the backward pass: q, k, v, y, and what the evaluation adds


def attention_evaluations(sight: Sight, size: int, device: str) -> tuple[Evaluation, ...]:
    """How `attend` computes with heads of `size` channels, on a kind of device."""
    length, window = sight.length, sight.window
    by_flex, flex_why = flex_suits(length, window, size, device)
    whole = "no window: every query meets every key"
    if window is None:
        way = "bias" if sight.alibi else "fused"
        fused_why = "ALiBi adds to the scores" if sight.alibi else "no score is written to memory"
        bias_why = "what ALiBi adds needs no gradient, so that no score is written to memory"
        bias_why = bias_why if sight.alibi else "nothing is added to the scores"
        blocked_why = whole
    else:
        blocks = window_blocks(sight.shape, window, sight.causal)
        cut = blocks.number > 1
        way = "flex" if by_flex else "blocked" if cut else "bias"
        fused_why = f"a window of {window} hides keys from queries"
        bias_why = blocked_why = "blocks would meet more than half of all pairs"
        if cut:
            bias_why = "it would have a number for every pair"
            blocked_why = f"a query meets {blocks.keys} keys in its block, not {length}"
        if by_flex:
            bias_why, blocked_why = "it would have a number for every pair", "it would copy keys"
    math_why = (
        "it writes every score to memory: at 4096 positions 6 times the time and 70 times the "
        "memory; a learned bias alone would need that"
    )
    reasons = {
        "fused": fused_why,
        "bias": bias_why,
        "blocked": blocked_why,
        "flex": flex_why,
        "math": math_why,
    }
    return tuple(Evaluation(name, name == way, why) for name, why in reasons.items())


def attend(
    q_BHNE: Tensor, k_BHNE: Tensor, v_BHNE: Tensor, sight: Sight, mask_BN: Tensor | None = None
) -> Tensor:
    """y_BHNE. `mask_BN` is True where a key is real.

    There may be fewer positions than a sequence of `sight` has. The rows of positions that are not
    real hold finite numbers that mean nothing.
    """
    heads, length, size = q_BHNE.shape[1:]
    device = q_BHNE.device
    sight = sight._replace(shape=domain_shape(sight.shape, length))
    way = taken(attention_evaluations(sight, size, device.type))
    slope_H = alibi_slopes(heads, q_BHNE) if sight.alibi else None
    if sight.window is not None:
        # FlexAttention has no float64, and an exported program brings no compiler along.
        exact = q_BHNE.dtype == torch.float64
        if way == "flex" and not exact and not torch.compiler.is_exporting():
            return flex_window_attention(
                q_BHNE, k_BHNE, v_BHNE, sight.window, sight.causal, mask_BN, slope_H, sight.shape
            )
        return window_attention(
            q_BHNE, k_BHNE, v_BHNE, sight.window, sight.causal, mask_BN, slope_H, shape=sight.shape
        )
    if mask_BN is None and slope_H is None:
        return F.scaled_dot_product_attention(q_BHNE, k_BHNE, v_BHNE, is_causal=sight.causal)
    if mask_BN is not None and slope_H is None and not sight.causal:
        # A row without a key would have no softmax; what it holds is not used.
        seen_BN = mask_BN | ~mask_BN.any(-1, keepdim=True)
        seen_B11N = seen_BN[:, None, None, :]
        return F.scaled_dot_product_attention(q_BHNE, k_BHNE, v_BHNE, attn_mask=seen_B11N)
    q, k, v = q_BHNE, k_BHNE, v_BHNE
    if mask_BN is not None:
        q, k, v = _with_a_channel_for_padding(q, k, v, mask_BN)
    scale = size**-0.5
    if slope_H is None:
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scale)
    elif len(sight.shape) == 1:
        y = _with_sliding_bias(q, k, v, slope_H, sight.causal, scale)
    else:
        bias = alibi_bias(sight.shape, slope_H).unsqueeze(0)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias, scale=scale)
    return y[..., :size]


def _with_a_channel_for_padding(
    q_BHNE: Tensor, k_BHNE: Tensor, v_BHNE: Tensor, mask_BN: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Values get one too, of 0, since a fused pass on a CPU wants all three of one size.

    A mask of N x N takes 1.3 times the time where half of the pairs are hidden anyway.
    """
    one_BHN1 = torch.ones_like(q_BHNE[..., :1])
    hidden_B1N1 = torch.where(mask_BN, 0.0, _HIDDEN).to(k_BHNE.dtype)[:, None, :, None]
    hidden_BHN1 = hidden_B1N1.expand_as(one_BHN1)
    return (
        torch.cat([q_BHNE, one_BHN1], -1),
        torch.cat([k_BHNE, hidden_BHN1], -1),
        torch.cat([v_BHNE, torch.zeros_like(one_BHN1)], -1),
    )


def _with_sliding_bias(
    q_BHNE: Tensor, k_BHNE: Tensor, v_BHNE: Tensor, slope_H: Tensor, causal: bool, scale: float
) -> Tensor:
    """ALiBi on a sequence; where causal in parts, each of which meets no key after its end."""
    length = q_BHNE.shape[2]
    parts = _PARTS if causal and length >= _PARTS * 64 else 1
    ends = [length * (part + 1) // parts for part in range(parts)]
    rows, start = [], 0
    for end in ends:
        bias = _sliding_bias(slope_H, end - start, end, causal)
        backwards = q_BHNE[:, :, start:end].flip(2)
        k, v = k_BHNE[:, :, :end], v_BHNE[:, :, :end]
        y = F.scaled_dot_product_attention(backwards, k, v, attn_mask=bias, scale=scale)
        rows.append(y.flip(2))
        start = end
    return torch.cat(rows, 2)


def _sliding_bias(slope_H: Tensor, queries: int, keys: int, causal: bool) -> Tensor:
    """(1, H, queries, keys) for the last `queries` of the positions of the keys, in reverse order.

    Row i reads from difference 1 − keys + i on. Elsewhere than on a CPU the fused passes want rows
    that stand apart.
    """
    gap_O = torch.arange(1 - keys, queries, device=slope_H.device)
    bias_HO = -slope_H.unsqueeze(1) * gap_O.abs().to(slope_H.dtype)
    if causal:
        bias_HO = bias_HO.masked_fill(gap_O > 0, -math.inf)
    heads, differences = bias_HO.shape
    bias = bias_HO.as_strided((1, heads, queries, keys), (0, differences, 1, 1))
    return bias if bias.device.type == "cpu" else bias.contiguous()


def attention_work(sight: Sight, heads: int, size: int) -> AttentionWork:
    """Of P pairs and D = H E channels 4 D + 4 H for each, with ALiBi 2 H more.

    P counts the pairs that the formula has, however many the evaluation meets. The backward pass
    makes the scores again: 10 D + 8 H, with ALiBi 2 H. A step meets the pairs of the last position.
    Moved: keys and values of a block with its margins, and what is added to scores. Kept: q, k, v,
    y, the sum of each softmax, and what is moved. Both as on a CPU, without padding.
    """
    length, width = sight.length, heads * size
    each = 4 * width + (6 if sight.alibi else 4) * heads
    back = 10 * width + (10 if sight.alibi else 8) * heads
    last = length if sight.window is None else min(length, sight.window + 1)
    added = 0
    if sight.window is not None:
        blocks = window_blocks(sight.shape, sight.window, sight.causal)
        if blocks.number > 1:
            added += 2 * blocks.number * blocks.keys * width
        added += blocks.pairs * (heads if sight.alibi else 1)
    elif sight.alibi:
        sequence = len(sight.shape) == 1
        added = heads * (2 * length - 1) if sequence else heads * length**2
    return AttentionWork(
        flops=sight.pairs * each,
        train_flops=sight.pairs * (each + back),
        decode_flops=last * each,
        moved=2 * added,
        kept=4 * length * width + length * heads + added,
    )


def attention_loudness(sight: Sight) -> float:
    """Of a mean of values that are white noise, by scores that are, all of deviation 1.

    A softmax of n such scores has a sum of squares of about e / n, and 1 where n = 1.
    """
    seen_N = torch.ones(1)
    for size in sight.shape:
        x_X = torch.arange(size)
        radius = size if sight.window is None else sight.window
        after_X = 0 * x_X if sight.causal else (size - 1 - x_X).clamp(max=radius)
        seen_N = torch.outer(seen_N, 1 + x_X.clamp(max=radius) + after_X).flatten()
    return math.sqrt(float((math.e / (seen_N + math.e - 1)).mean()))


def softmax_over(score_BHNN: Tensor, sees_BHNN: Tensor) -> Tensor:
    """The softmax over the keys that a query sees; all 0 where it sees none. For dense kernels."""
    share_BHNN = score_BHNN.masked_fill(~sees_BHNN, -math.inf)
    empty_BHN1 = ~sees_BHNN.any(-1, keepdim=True)
    return share_BHNN.masked_fill(empty_BHN1, 0).softmax(-1).masked_fill(empty_BHN1, 0)
