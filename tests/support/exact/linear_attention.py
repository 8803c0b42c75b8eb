"""Linear attention and retention as their papers write them."""

from __future__ import annotations

import torch
from support.exact import CAUSAL, GRID, SEQUENCE, Leaf, Row, Twin
from torch import Tensor

from itnet_kernels.linear_attention import LinearAttention


def _projected(op: LinearAttention, u_BND: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """q, k and v, each (B, N, H, ·)."""
    keys, width = op.heads * op.state, u_BND.shape[-1]
    parts = torch.split(u_BND @ op.qkv.weight.T + op.qkv.bias, [keys, keys, width], -1)
    q, k, v = (part.reshape(*part.shape[:2], op.heads, -1) for part in parts)
    return q, k, v


def _positive(x: Tensor) -> Tensor:
    return torch.where(x > 0, x + 1, x.exp())


def _leaves(op: LinearAttention) -> list[Leaf]:
    return [Leaf(p, p) for p in op.parameters()]


def _transformers_are_rnns(op: LinearAttention) -> Twin:
    """s ← s + φ(k) v^T, z ← z + φ(k); φ(q)·s / φ(q)·z, equations 16 to 20 of arXiv 2006.16236."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        q, k, v = _projected(op, u_BND)
        s = u_BND.new_zeros(len(u_BND), op.heads, op.state, v.shape[-1])
        z = u_BND.new_zeros(len(u_BND), op.heads, op.state)
        rows = []
        for n in range(u_BND.shape[1]):
            s = s + _positive(k[:, n]).unsqueeze(-1) * v[:, n].unsqueeze(-2)
            z = z + _positive(k[:, n])
            above = (_positive(q[:, n]).unsqueeze(-1) * s).sum(-2)
            below = (_positive(q[:, n]) * z).sum(-1, keepdim=True)
            rows.append((above / below).flatten(1))
        return torch.stack(rows, 1) @ op.out.weight.T + op.out.bias

    return Twin(run, _leaves(op))


def _everywhere(op: LinearAttention) -> Twin:
    """Equation 5 of arXiv 2006.16236, all pairs."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        q, k, v = _projected(op, u_BND)
        similar = torch.einsum("bihs,bjhs->bhij", _positive(q), _positive(k))
        y = torch.einsum("bhij,bjhe->bihe", similar / similar.sum(-1, keepdim=True), v)
        return y.flatten(2) @ op.out.weight.T + op.out.bias

    return Twin(run, _leaves(op))


def _retention(op: LinearAttention) -> Twin:
    """S ← γ S + k^T v, o = q S, equation 6 of arXiv 2307.08621, with γ = 1 − 2^(−5 − h)."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        q, k, v = _projected(op, u_BND)
        gamma = u_BND.new_tensor([1 - 2 ** (-5 - h) for h in range(op.heads)])
        s = u_BND.new_zeros(len(u_BND), op.heads, op.state, v.shape[-1])
        rows = []
        for n in range(u_BND.shape[1]):
            s = gamma[:, None, None] * s + k[:, n].unsqueeze(-1) * v[:, n].unsqueeze(-2)
            rows.append((q[:, n].unsqueeze(-1) * s).sum(-2).flatten(1))
        return torch.stack(rows, 1) @ op.out.weight.T + op.out.bias

    return Twin(run, _leaves(op))


_ELU = {"heads": 2, "state": 5}
_RETENTION = {"heads": 4, "state": 3, "features": "identity", "decay": "fixed"}

ROWS = [
    Row("linear_attention", "the linear transformer, as a recurrence", CAUSAL,
        _transformers_are_rnns, _ELU),
    Row("linear_attention", "the linear transformer, unmasked, on a sequence", SEQUENCE,
        _everywhere, _ELU),
    Row("linear_attention", "the linear transformer, unmasked, on a grid", GRID, _everywhere, _ELU),
    Row("linear_attention", "retention (RetNet), as a recurrence", CAUSAL, _retention, _RETENTION,
        sense="without rotary turns, norm and gate"),
]  # fmt: skip
