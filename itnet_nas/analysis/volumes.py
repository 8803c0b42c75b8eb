"""Hypervolumes of many orders of points at once: after n of them, for several n.

    two objectives     V(n) = Σ_i (x_{i+1} − x_i) (1 − min_{j ≤ i} y_j)        points by x
    three objectives   V(n) = Σ_k (z_{k+1} − z_k) V₂(first k by z)             slabs along z

over those of the first n points, in the unit cube with the reference in its far corner (1, …, 1).
It is what `hypervolume.volume` says, for K orders of N points in one go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def volumes(points_KND: Floats, counts: Sequence[int]) -> Floats:
    """Volume (K, C) of the first n points of each order, for each n of `counts`.

    points (K, N, D), D two or three, all to be made small; NaN is a point that adds nothing.
    """
    size = points_KND.shape[-1]
    if size not in (2, 3):
        raise ValueError(f"a hypervolume of two or three objectives is wanted, got {size}")
    # A point at the reference dominates nothing.
    inside = np.where(np.isfinite(points_KND).all(axis=-1, keepdims=True), points_KND, 1.0)
    inside = np.clip(inside, 0.0, 1.0)
    return np.stack([_volume(inside[:, :n], size) for n in counts], axis=1)


def _volume(points_KND: Floats, size: int) -> Floats:
    if not points_KND.shape[1]:
        return np.zeros(len(points_KND))
    if size == 2:
        return _area(points_KND)
    order = np.argsort(points_KND[..., 2], axis=1, kind="stable")
    by_height = np.take_along_axis(points_KND, order[..., None], axis=1)
    floors = np.pad(by_height[..., 2], ((0, 0), (0, 1)), constant_values=1.0)
    total = np.zeros(len(points_KND))
    for k in range(points_KND.shape[1]):
        total += (floors[:, k + 1] - floors[:, k]) * _area(by_height[:, : k + 1, :2])
    return total


def _area(points_KN2: Floats) -> Floats:
    order = np.argsort(points_KN2[..., 0], axis=1, kind="stable")
    x = np.take_along_axis(points_KN2[..., 0], order, axis=1)
    y = np.take_along_axis(points_KN2[..., 1], order, axis=1)
    steps = np.diff(x, axis=1, append=1.0)
    return np.asarray((steps * (1.0 - np.minimum.accumulate(y, axis=1))).sum(axis=1))
