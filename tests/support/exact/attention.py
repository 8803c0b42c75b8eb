"""Attention beside torch's own, and beside ALiBi, rotary and windows as their papers write them."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from support.exact import CAUSAL, GRID, SEQUENCE, Leaf, Row, Twin
from torch import Tensor, nn

from itnet_kernels.attention import Attention


def _torch(op: Attention) -> Twin:
    """torch.nn.MultiheadAttention, masked where it is causal."""
    theirs = nn.MultiheadAttention(8, op.heads, batch_first=True, dtype=torch.float64)
    ours = (op.qkv.weight, op.qkv.bias, op.out.weight, op.out.bias)
    names = ("in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias")
    theirs.load_state_dict(dict(zip(names, ours, strict=True)))

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        ahead_NN = torch.ones(u_BND.shape[1], u_BND.shape[1], dtype=torch.bool).triu(1)
        mask_NN = ahead_NN if op.causal else None
        y_BND: Tensor = theirs(u_BND, u_BND, u_BND, attn_mask=mask_NN, need_weights=False)[0]
        return y_BND

    pairs = zip(ours, names, strict=True)
    return Twin(run, [Leaf(mine, theirs.get_parameter(name)) for mine, name in pairs])


def _by_loops(
    op: Attention,
    sees: Callable[[int, int], bool],
    score: Callable[[int, int, int, Tensor, Tensor], Tensor],
) -> Twin:
    """Query by query and head by head; `score(h, i, j, q_i, k_j)` is not yet divided by √E."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        examples = []
        size = u_BND.shape[2] // op.heads
        for u_ND in u_BND:
            q, k, v = (u_ND @ op.qkv.weight.T + op.qkv.bias).chunk(3, -1)
            rows = []
            for i in range(len(u_ND)):
                seen = [j for j in range(len(u_ND)) if sees(i, j)]
                heads = []
                for h in range(op.heads):
                    own = slice(h * size, (h + 1) * size)
                    scores = [score(h, i, j, q[i, own], k[j, own]) / math.sqrt(size) for j in seen]
                    shares = torch.stack(scores).exp()
                    heads.append((shares / shares.sum()) @ v[seen, own])
                rows.append(op.out.weight @ torch.cat(heads) + op.out.bias)
            examples.append(torch.stack(rows))
        return torch.stack(examples)

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


def _alibi(op: Attention) -> Twin:
    """softmax(q_i·K^T + m · [−(i − 1), …, −1, 0]), section 3 of arXiv 2108.12409."""

    def score(h: int, i: int, j: int, q_E: Tensor, k_E: Tensor) -> Tensor:
        ratio = 2 ** (-8 / op.heads)
        return q_E @ k_E - math.sqrt(len(q_E)) * ratio ** (h + 1) * (i - j)

    return _by_loops(op, lambda i, j: j <= i, score)


def _rotary(op: Attention) -> Twin:
    """q^T R_(j − i) k, a block of 2 x 2 for each frequency, equation 16 of arXiv 2104.09864."""

    def score(h: int, i: int, j: int, q_E: Tensor, k_E: Tensor) -> Tensor:
        total = torch.zeros((), dtype=q_E.dtype)
        for p in range(len(q_E) // 2):
            angle = (j - i) * 10000 ** (-2 * p / len(q_E))
            cos, sin = math.cos(angle), math.sin(angle)
            turn = torch.tensor([[cos, -sin], [sin, cos]], dtype=q_E.dtype)
            both = slice(2 * p, 2 * p + 2)
            total = total + q_E[both] @ turn @ k_E[both]
        return total

    return _by_loops(op, lambda i, j: j <= i or not op.causal, score)


def _neighbours(op: Attention) -> Twin:
    """Each query over the keys within a square, or the last ones of a causal sequence."""
    assert op.window is not None
    radius, columns = op.window, op.shape[-1] if len(op.shape) == 2 else 1

    def sees(i: int, j: int) -> bool:
        down, right = i // columns - j // columns, i % columns - j % columns
        return max(abs(down), abs(right)) <= radius and (j <= i or not op.causal)

    return _by_loops(op, sees, lambda h, i, j, q_E, k_E: q_E @ k_E)


_BORDER = "every query has a window of its own: at the border it is cut off, not moved inwards"

ROWS = [
    Row("attention", "torch.nn.MultiheadAttention", SEQUENCE, _torch, {"heads": 2}),
    Row("attention", "torch.nn.MultiheadAttention, causal", CAUSAL, _torch, {"heads": 4}),
    Row("attention", "torch.nn.MultiheadAttention over the places of a grid", GRID, _torch,
        {"heads": 2}),
    Row("attention", "ALiBi (arXiv 2108.12409), pair by pair", CAUSAL, _alibi,
        {"heads": 4, "position": "alibi"}),
    Row("attention", "rotary embedding (arXiv 2104.09864), pair by pair", CAUSAL, _rotary,
        {"heads": 2, "position": "rotary"}),
    Row("attention", "rotary embedding (arXiv 2104.09864), pair by pair, both ways", SEQUENCE,
        _rotary, {"heads": 2, "position": "rotary"}),
    Row("attention", "sliding window attention (arXiv 2004.05150), query by query", CAUSAL,
        _neighbours, {"heads": 2, "window": 3}),
    Row("attention", "neighbourhood attention (arXiv 2204.07143), query by query", GRID,
        _neighbours, {"heads": 2, "window": 1}, sense=_BORDER),
]  # fmt: skip
