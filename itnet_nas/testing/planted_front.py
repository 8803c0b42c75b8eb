"""The best front of a planted landscape that is known: found by an evolution without noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from itnet_nas.analysis.hypervolume import volume

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Indices = NDArray[np.int64]
    Floats = NDArray[np.float64]

POPULATION = 200
GENERATIONS = 200


def best_known(
    errors: Callable[[Indices], Floats],
    place: Callable[[Indices], Floats],
    sizes: Sequence[int],
    seed: int,
) -> float:
    """Area below (1, 1) of the front after 40,000 evaluations; ten times as many add 1 to 2 %.

    errors  rows (n, nodes) -> errors (n,) in points
    place   rows -> costs (n,) from 0 to 1
    sizes   how many choices each node has

    A third of the children cross two parents node by node; each then changes one node or two.
    Parents are the best by non-domination and by crowding, of parents and children together.
    """
    rng = np.random.default_rng(seed)
    high = np.array(sizes)
    rows = rng.integers(0, high, size=(POPULATION, len(sizes)))
    points = np.column_stack([errors(rows) / 100, place(rows)])
    for _ in range(GENERATIONS - 1):
        first, second = (_tournament(points, rng) for _ in range(2))
        children = rows[first].copy()
        crossed = (rng.random(POPULATION) < 1 / 3)[:, None] & (rng.random(rows.shape) < 0.5)
        children[crossed] = rows[second][crossed]
        for change in (np.ones(POPULATION, dtype=bool), rng.random(POPULATION) < 0.5):
            node = rng.integers(0, len(sizes), POPULATION)
            drawn = rng.integers(0, high[node])
            children[change, node[change]] = drawn[change]
        rows = np.unique(np.vstack([rows, children]), axis=0)
        points = np.column_stack([errors(rows) / 100, place(rows)])
        kept = _select(points)
        rows, points = rows[kept], points[kept]
    return volume(points.tolist(), (1.0, 1.0))


def _tournament(points: Floats, rng: np.random.Generator) -> Indices:
    """One of two parents each; they stand best first."""
    return np.asarray(rng.integers(0, len(points), (2, POPULATION)).min(axis=0))


def _select(points: Floats) -> list[int]:
    """The best POPULATION of them, best first."""
    left = np.arange(len(points))
    chosen: list[int] = []
    while len(chosen) < POPULATION and len(left):
        order = left[np.lexsort((points[left, 0], points[left, 1]))]
        low = np.minimum.accumulate(points[order, 0])
        first = np.concatenate([[True], points[order[1:], 0] < low[:-1]])
        layer = order[first]
        room = np.full(len(layer), np.inf)
        if len(layer) > 2:
            gaps = points[layer[2:]] - points[layer[:-2]]
            room[1:-1] = np.abs(gaps).sum(axis=1)
        chosen += layer[np.argsort(-room, kind="stable")].tolist()
        left = order[~first]
    return chosen[:POPULATION]
