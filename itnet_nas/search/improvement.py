"""Expected improvement of the hypervolume, with costs that are known.

Quality y ~ N(µ, σ²) is uncertain, the costs c of a candidate are not. Between the front and the
reference, let l(t) be the best quality that the front has at costs ≤ t. A candidate then adds

    I(y) = ∫_{t ≥ c} max(0, l(t) − y) dt

and l is constant on the cells of the grid that the front's costs span. So the expectation is a sum,
exact, with nothing drawn:

    E[I] = Σ_cells |cell ∩ {t ≥ c}| · ((l − µ) Φ(z) + σ φ(z)),     z = (l − µ) / σ

with one cost or two. Every objective is to be made small and has its reference at 1.

Source  the cell decomposition of Emmerich et al. 2011, with the costs' part carried out.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def expected_improvement(mean: Floats, deviation: Floats, costs: Floats, front: Floats) -> Floats:
    """Per candidate (m,) what it is expected to add.

    mean, deviation  (m,) of the quality
    costs            (m, k) with k of 1 or 2
    front            (p, 1 + k): quality, then costs, of points whether or not they are dominated
    """
    axes = costs.shape[1]
    inside = front[(front < 1.0).all(axis=1)]
    edges = [np.unique(np.append(inside[:, 1 + k], 1.0)) for k in range(axes)]
    # Below the cheapest there is a cell as well; it begins at the candidate itself.
    lows = [np.concatenate([[-np.inf], one[:-1]]) for one in edges]
    level = _levels(inside, lows)
    lengths = [
        np.maximum(0.0, high[None, :] - np.maximum(low[None, :], costs[:, k, None]))
        for k, (low, high) in enumerate(zip(lows, edges, strict=True))
    ]
    levels, back = np.unique(level, return_inverse=True)
    gain = _below(levels, mean[:, None], np.maximum(deviation, 1e-12)[:, None])
    cells = gain[:, back.reshape(level.shape)]
    if axes == 1:
        return np.asarray(np.einsum("ma,ma->m", cells, lengths[0]))
    return np.asarray(np.einsum("mab,ma,mb->m", cells, lengths[0], lengths[1], optimize=True))


def _levels(front: Floats, lows: list[Floats]) -> Floats:
    """The best quality at costs up to the lower corner of each cell; 1 where there is none."""
    level = np.ones([len(low) for low in lows])
    for quality, *at in front.tolist():
        cells = tuple(
            slice(int(np.searchsorted(low, cost)), None) for low, cost in zip(lows, at, strict=True)
        )
        level[cells] = np.minimum(level[cells], quality)
    return level


def _below(levels: Floats, mean: Floats, deviation: Floats) -> Floats:
    """E[max(0, l − y)] for each level."""
    z = (levels[None, :] - mean) / deviation
    density = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    return np.asarray(deviation * (z * _normal(z) + density))


def _normal(z: Floats) -> Floats:
    """The distribution function Φ of the standard normal."""
    return np.asarray(0.5 * np.asarray(_erfc(-z / math.sqrt(2.0)), dtype=np.float64))


_erfc = np.frompyfunc(math.erfc, 1, 1)
