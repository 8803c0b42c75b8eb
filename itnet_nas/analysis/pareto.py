"""Who dominates whom: ranks, crowding, and the front of a run.

Points are rows of objectives, all to be made small; `signed` turns the others round. One point
dominates another when it is nowhere worse and somewhere better. Equal points do not dominate each
other, so duplicates stay together, on the front or off it.

Ranks: points are taken in lexicographic order, so whoever dominates a point came before it. Each
rank keeps the lower staircase of its last two coordinates; a rank dominates a point exactly when
its staircase passes below it, and then so does every better rank, so the rank of a point is found
by bisection. O(n log² n) for two and three objectives.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Objective, Space


def signed(record: TrialRecord, objectives: Sequence[Objective]) -> tuple[float, ...]:
    """The objectives of a complete record, each turned so that less is better."""
    return tuple(
        record.objectives[objective.name] * (1.0 if objective.direction == "min" else -1.0)
        for objective in objectives
    )


def nondominated(points: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[bool]:
    """Per point whether no other dominates it."""
    return [rank == 0 for rank in nondominated_rank(points)]


def nondominated_rank(points: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[int]:
    """Per point 0 on the front, 1 on the front of what is left without it, and so on.

    points (n, m) with m from 1 to 3. ValueError for more objectives or a figure that is not finite.
    """
    array = _array(points)
    if not len(array):
        return []
    # The missing coordinates are equal for all, so they decide nothing.
    full = np.hstack([np.zeros((len(array), 3 - array.shape[1])), array])
    distinct, back = np.unique(full, axis=0, return_inverse=True)
    stairs: list[_Staircase] = []
    ranks: list[int] = []
    for _, y, z in distinct.tolist():
        low, high = 0, len(stairs)
        while low < high:
            middle = (low + high) // 2
            if stairs[middle].below(y, z):
                low = middle + 1
            else:
                high = middle
        if low == len(stairs):
            stairs.append(_Staircase())
        stairs[low].add(y, z)
        ranks.append(low)
    return [ranks[place] for place in back.ravel().tolist()]


def crowding(points: Sequence[Sequence[float]] | NDArray[np.float64]) -> list[float]:
    """How much room each point of one front has around it; infinite at the ends.

    The sum over objectives of the distance between the two neighbours, divided by the range
    (NSGA-II, Deb et al. 2002). An objective that is the same for all adds nothing.
    """
    array = _array(points)
    room = np.zeros(len(array))
    if len(array) <= 2:
        return [float("inf")] * len(array)
    for column in array.T:
        order = np.argsort(column, kind="stable")
        values = column[order]
        span = values[-1] - values[0]
        if span <= 0:
            continue
        room[order[1:-1]] += (values[2:] - values[:-2]) / span
        room[order[[0, -1]]] = np.inf
    return [float(value) for value in room]


def front(space: Space, records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """The complete records that no complete record dominates, cheapest first.

    Sorted by the first cost; ties by quality, then the other cost, then the trial's number.
    """
    complete = [record for record in records if record.complete]
    points = [signed(record, space.objectives) for record in complete]
    kept = [
        (point, record)
        for point, record, stays in zip(points, complete, nondominated(points), strict=True)
        if stays
    ]
    kept.sort(key=lambda pair: (pair[0][1], pair[0][0], pair[0][2:], pair[1].number))
    return [record for _, record in kept]


def dominated_by(
    space: Space, record: TrialRecord, records: Sequence[TrialRecord]
) -> list[TrialRecord]:
    """The complete ones of `records` that dominate a complete record, in their order."""
    mine = signed(record, space.objectives)
    return [
        other
        for other in records
        if other.complete and _dominates(signed(other, space.objectives), mine)
    ]


def _dominates(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


class _Staircase:
    """Points (y, z) of which none is below another: y rises, z falls."""

    def __init__(self) -> None:
        self._y: list[float] = []
        self._z: list[float] = []

    def below(self, y: float, z: float) -> bool:
        """Whether a point is at most (y, z) in both."""
        place = bisect_right(self._y, y)
        return place > 0 and self._z[place - 1] <= z

    def add(self, y: float, z: float) -> None:
        """Take in a point that none is below; those that it is below go."""
        first = last = bisect_left(self._y, y)
        while last < len(self._z) and self._z[last] >= z:
            last += 1
        self._y[first:last] = [y]
        self._z[first:last] = [z]


def _array(points: Any) -> NDArray[np.float64]:
    array = np.asarray(points, dtype=np.float64)
    if not array.size:
        return array.reshape(0, 1)
    if array.ndim != 2 or array.shape[1] > 3:
        raise ValueError(f"points of one to three objectives are wanted, got shape {array.shape}")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array).all(axis=1))[0])
        raise ValueError(f"point {row} is not finite: {array[row].tolist()}")
    return array
