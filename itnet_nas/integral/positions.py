"""Where positions stand, how far apart they are, and two ways to let attention know.

    ALiBi    score(i, j) += −m_h · dist(i, j),      m_h = 2^(−8 h / H),  h = 1 … H
    rotary   pair p of a query or key at position x is turned by the angle x · θ_p,
             θ_p = base^(−p / P),  p = 0 … P − 1, so that q_i · k_j depends on i − j alone

On a grid distances are Chebyshev (the larger of the row and column distance), as in a square
window, and rotary is axial: the first half of the pairs turns with the row, the second half with
the column.

Sources  ALiBi arXiv 2108.12409, rotary arXiv 2104.09864, axial rotary arXiv 2403.13298
Shapes   N positions, A axes (1 or 2), H heads, E channels of a head, P = E / 2 pairs
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from itnet_nas.integral.precision import at_least_float32

if TYPE_CHECKING:
    from collections.abc import Callable


def domain_shape(shape: tuple[int, ...], length: int) -> tuple[int, ...]:
    """That of a grid; a sequence has as many positions as there are, however many its site has."""
    return shape if len(shape) > 1 else (length,)


def coordinates(shape: tuple[int, ...], device: torch.device | None = None) -> Tensor:
    """x_NA, int64: (n,) on a sequence, (n // W, n % W) on a grid."""
    axes = [torch.arange(size, device=device) for size in shape]
    return torch.cartesian_prod(*axes).reshape(-1, len(shape))


def distances(x_NA: Tensor) -> Tensor:
    """d_NN: Chebyshev distance max_a |x[n, a] − x[m, a]|; on a sequence |n − m|."""
    d_NN: Tensor = (x_NA.unsqueeze(1) - x_NA.unsqueeze(0)).abs().amax(-1)
    return d_NN


def alibi_slopes(heads: int, like: Tensor) -> Tensor:
    """m_H, on the device and in the dtype of `like`; from steep to flat, always positive."""
    h_H = torch.arange(1, heads + 1, device=like.device, dtype=like.dtype)
    return torch.exp2(-8 * h_H / heads)


def alibi_bias(shape: tuple[int, ...], slope_H: Tensor) -> Tensor:
    """−m_h · dist(n, m) as b_HNN, to be added to the scores. It needs no gradient."""
    dist_NN = torch.zeros(1, 1, dtype=slope_H.dtype, device=slope_H.device)
    for size in shape:
        x_X = torch.arange(size, dtype=slope_H.dtype, device=slope_H.device)
        gap_XX = (x_X.unsqueeze(1) - x_X).abs()
        # Axis by axis: the coordinates of every pair would take many times the memory.
        dist_NN = over_both(torch.maximum, dist_NN, gap_XX)
    return -slope_H[:, None, None] * dist_NN


def over_both(
    function: Callable[[Tensor, Tensor], Tensor], first_XY: Tensor, second_PQ: Tensor
) -> Tensor:
    """function(first[x, y], second[p, q]) as (X·P, Y·Q): what two axes make together."""
    both_XPYQ = function(first_XY[:, None, :, None], second_PQ[None, :, None, :])
    return both_XPYQ.flatten(2).flatten(0, 1)


def rotary_angles(x_NA: Tensor, size: int, like: Tensor) -> Tensor:
    """Angles a_NP in radians for heads of `size` channels; float32, or float64 if `like` is.

    `size` must be even on a sequence (base 10000) and a multiple of 4 on a grid (base 100, since
    a grid has few positions along each axis).
    """
    axes = x_NA.shape[1]
    pairs = size // 2 // axes
    base = 10000.0 if axes == 1 else 100.0
    dtype = at_least_float32(like)
    p_P = torch.arange(pairs, device=x_NA.device, dtype=dtype)
    theta_P = base ** (-p_P / pairs)
    return (x_NA.to(dtype).unsqueeze(-1) * theta_P).flatten(1)


def rotate(q_BHNE: Tensor, angle_NP: Tensor) -> Tensor:
    """Turn channels (2p, 2p + 1) of position n by angle[n, p]; in the dtype of `q_BHNE`.

    Angles may also be those of each example and head, (B, H, N, P), or of one for all of them.

    A pair is a complex number and a turn its product with e^(i·angle), which on a CPU takes a
    quarter of the time of four products of strided halves. Half precision is turned in float32.
    """
    turn_NP = torch.polar(torch.ones_like(angle_NP), angle_NP)
    pair_BHNP2 = q_BHNE.to(angle_NP.dtype).contiguous().reshape(*q_BHNE.shape[:-1], -1, 2)
    turned_BHNP2 = torch.view_as_real(torch.view_as_complex(pair_BHNP2) * turn_NP)
    return turned_BHNP2.flatten(-2).to(q_BHNE.dtype)
