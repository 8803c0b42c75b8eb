"""The one form that every family can be written in: factors of the integral transform.

    y[i] = Σ_h O_h Σ_j K^h[i, j] V_h f[j]  +  W u[i]  +  b

K mixes positions, V and O mix channels, h runs over heads. The field f is u itself, or u with more
beside it: a constant 1 where values have a bias, the output y[j − 1] where a recurrence feeds it
back. A family with feedback gives K and f *along the trajectory that u produces*; it is an integral
transform given that trajectory, not of u alone, and `feedback` says so.

What belongs to a kernel is inside K: support, measure, normaliser, path, and a gate that multiplies
the output of a head, since g[i] Σ_j K[i, j] v[j] = Σ_j (g[i] K[i, j]) v[j].

Shapes  B examples, N positions, D channels, H heads, E channels of a head, F channels of f
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class DenseKernel(NamedTuple):
    """Factors at given u: written out in full, so meant for small N, in float64."""

    k_BHNN: Tensor  # K^h[i, j]; i is the first N
    v_HEF: Tensor
    o_HDE: Tensor
    w_DD: Tensor | None = None
    b_D: Tensor | None = None
    field_BNF: Tensor | None = None  # None: f is u
    feedback: bool = False


def apply_dense(kernel: DenseKernel, u_BND: Tensor) -> Tensor:
    """y_BND, term by term as in the formula; for any family."""
    f_BNF = u_BND if kernel.field_BNF is None else kernel.field_BNF
    v_BHNE = torch.einsum("hef,bnf->bhne", kernel.v_HEF, f_BNF)
    mixed_BHNE = kernel.k_BHNN @ v_BHNE
    y_BND = torch.einsum("hde,bhne->bnd", kernel.o_HDE, mixed_BHNE)
    if kernel.w_DD is not None:
        y_BND = y_BND + u_BND @ kernel.w_DD.mT
    if kernel.b_D is not None:
        y_BND = y_BND + kernel.b_D
    return y_BND


def with_one(u_BND: Tensor) -> Tensor:
    """The field (u, 1), on which a value map with a bias is linear: f_BNF with F = D + 1."""
    return torch.cat([u_BND, torch.ones_like(u_BND[..., :1])], -1)


def one_head_per_channel(width: int, like: Tensor) -> tuple[Tensor, Tensor]:
    """(v, o) of D heads with one channel each: head d reads channel d and writes channel d."""
    unit_DD = torch.eye(width, dtype=like.dtype, device=like.device)
    return unit_DD.unsqueeze(1), unit_DD.unsqueeze(2)
