"""Which position acts on which: the one measurement behind the contract's checks of a bias.

    R[n, m] = ( Σ_{d, e} (∂y[n, d] / ∂u[m, e])² )^½

Exact, by one backward pass: the field is given once for every output number, and each copy asks for
the gradient of its own. Only reverse mode is used, since fused kernels have no forward mode. It
relies on examples not acting on one another, which the contract checks apart.

Shapes  N positions, D channels, Q = N·D output numbers
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    Run = Callable[[Tensor, Tensor | None], Tensor]  # (u_BND, mask_BN) -> y_BND, an Operator or so


def jacobian(op: Run, u_ND: Tensor, mask_N: Tensor | None = None) -> Tensor:
    """∂y[n, d] / ∂u[m, e] as j_NDND, for one example."""
    length, width = u_ND.shape
    count = length * width
    u_QND = u_ND.detach().expand(count, -1, -1).clone().requires_grad_()
    mask_QN = None if mask_N is None else mask_N.expand(count, -1)
    y_QQ = op(u_QND, mask_QN).reshape(count, count)
    (j_QND,) = torch.autograd.grad(y_QQ.diagonal().sum(), u_QND)
    return j_QND.reshape(length, width, length, width)


def influence(op: Run, u_ND: Tensor, mask_N: Tensor | None = None) -> Tensor:
    """R_NM: how strongly y at n answers to u at m, for one example."""
    return jacobian(op, u_ND, mask_N).square().sum((1, 3)).sqrt()


def reach(op: Run, u_ND: Tensor, noise: float = 1e-12) -> Tensor:
    """Where the influence is more than rounding: booleans r_NM.

    `noise` is relative to the largest influence; an FFT in float64 leaves about 1e-16 where the
    exact value is 0.
    """
    r_NM = influence(op, u_ND)
    return r_NM > noise * r_NM.max()
