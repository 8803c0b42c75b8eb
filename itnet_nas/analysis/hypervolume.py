"""Hypervolume: how much of the space of objectives a front dominates, as one number in [0, 1].

Every objective is first put on a scale from 0 (ideal) to 1 (reference):

    quality   reference: the metric's chance level if the task states one, else beyond the worst
              complete trial; ideal: 0 for a metric to be made small, 1 for a share to be made
              large, the best complete trial where neither fits
    cost      the space's cheapest architecture is ideal, and the reference lies beyond its dearest;
              on a log10 scale where both are positive. Measured costs, which no formula bounds,
              take the cheapest and the dearest complete trial instead

"Beyond" is a tenth of the range, so that the worst one still counts for something. Scales made from
the space alone are the same for every run of it; `Axis.fixed` says which are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from itnet_nas.analysis.pareto import nondominated
from itnet_nas.arch.cost import bounds

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Objective, Space

BEYOND = 0.1


@dataclass(frozen=True)
class Axis:
    """One objective's scale. `reference` may lie below `ideal`, where more is better.

    `origin` says in words where the two come from; `fixed` whether the space alone decides them.
    """

    name: str
    ideal: float
    reference: float
    log: bool
    fixed: bool
    origin: str

    def unit(self, value: float) -> float:
        """0 at the ideal, 1 at the reference, cut off at both."""
        ideal, reference = self._place(self.ideal), self._place(self.reference)
        if ideal == reference:
            return 0.0 if value == self.ideal else 1.0
        if self.log and value <= 0:
            return 0.0
        return min(1.0, max(0.0, (self._place(value) - ideal) / (reference - ideal)))

    def _place(self, value: float) -> float:
        return math.log10(value) if self.log else value


@dataclass(frozen=True)
class Scale:
    """The scales of a space's objectives, in their order."""

    axes: tuple[Axis, ...]

    @property
    def reference(self) -> dict[str, float]:
        """Objective -> the worst value that still counts."""
        return {axis.name: axis.reference for axis in self.axes}

    @property
    def ideal(self) -> dict[str, float]:
        """Objective -> the value that a hypervolume of 1 would need."""
        return {axis.name: axis.ideal for axis in self.axes}

    @property
    def fixed(self) -> bool:
        """Whether hypervolumes of different runs of the space may be compared."""
        return all(axis.fixed for axis in self.axes)

    def point(self, record: TrialRecord) -> tuple[float, ...]:
        """A complete record as a point of the unit cube."""
        return tuple(axis.unit(record.objectives[axis.name]) for axis in self.axes)

    def hypervolume(self, records: Iterable[TrialRecord]) -> float:
        """What the complete ones of these records dominate, in [0, 1]."""
        points = [self.point(record) for record in records if record.complete]
        return volume(points, (1.0,) * len(self.axes))


def scale(space: Space, records: Sequence[TrialRecord]) -> Scale:
    """The scale on which the hypervolumes of this space are measured."""
    complete = [record for record in records if record.complete]
    seen = {
        objective.name: [record.objectives[objective.name] for record in complete]
        for objective in space.objectives
    }
    limits = bounds(space)
    quality, *costs = space.objectives
    axes = [_quality_axis(space, quality, seen[quality.name])]
    for cost in costs:
        if cost.name in limits:
            axes.append(_cost_axis(cost, *limits[cost.name], "the space's", fixed=True))
        elif seen[cost.name]:
            low, high = min(seen[cost.name]), max(seen[cost.name])
            axes.append(_cost_axis(cost, low, high, "the complete trials'", fixed=False))
        else:
            axes.append(Axis(cost.name, 0.0, 1.0, log=False, fixed=False, origin="not measured"))
    return Scale(tuple(axes))


def hypervolume(
    space: Space, records: Sequence[TrialRecord], scale_of: Scale | None = None
) -> float:
    """The hypervolume of a run, or of any of its records on the scale of all (`scale_of`)."""
    return (scale_of or scale(space, records)).hypervolume(records)


def curve(
    space: Space, records: Sequence[TrialRecord], scale_of: Scale | None = None
) -> list[tuple[int, float]]:
    """(trials ended so far, hypervolume then), one per record in the order of their numbers.

    All on the scale of the whole run (`scale_of` where it is known), so it never falls.
    """
    on = scale_of or scale(space, records)
    corner = (1.0,) * len(on.axes)
    front: list[tuple[float, ...]] = []
    now = 0.0
    found = []
    ordered = sorted(records, key=lambda record: record.number)
    for count, record in enumerate(ordered, start=1):
        if record.complete:
            point = on.point(record)
            if not any(_covers(other, point) for other in front):
                front = [other for other in front if not _covers(point, other)] + [point]
                now = volume(front, corner)
        found.append((count, now))
    return found


def volume(points: Sequence[Sequence[float]], reference: Sequence[float]) -> float:
    """Exact volume between the points, to be made small, and the reference; two or three of them.

    Points that are not better than the reference everywhere add nothing.
    """
    size = len(reference)
    if size not in (2, 3):
        raise ValueError(f"a hypervolume of two or three objectives is wanted, got {size}")
    inside = [
        tuple(point)
        for point in points
        if all(value < limit for value, limit in zip(point, reference, strict=True))
    ]
    if not inside:
        return 0.0
    kept = sorted({p for p, stays in zip(inside, nondominated(inside), strict=True) if stays})
    if size == 2:
        return _area(kept, reference)
    # Slabs along the last objective: what lies below a slab's floor dominates all of the slab.
    kept.sort(key=lambda point: point[2])
    floors = [point[2] for point in kept] + [reference[2]]
    total = 0.0
    for count in range(1, len(kept) + 1):
        height = floors[count] - floors[count - 1]
        if height > 0:
            total += height * _area(sorted(point[:2] for point in kept[:count]), reference)
    return total


def _area(points: Sequence[tuple[float, ...]], reference: Sequence[float]) -> float:
    """Area between points sorted by the first coordinate and the reference."""
    total, floor = 0.0, reference[1]
    for x, y in points:
        if y < floor:
            total += (reference[0] - x) * (floor - y)
            floor = y
    return total


def _covers(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True))


def _quality_axis(space: Space, quality: Objective, seen: Sequence[float]) -> Axis:
    less = quality.direction == "min"
    chance = next((m.chance for m in space.facts.metrics if m.name == quality.name), None)
    fixed = True
    if less and min(seen, default=0.0) >= 0 and (chance is None or chance > 0):
        ideal, of = 0.0, "ideal 0"
    elif not less and all(0 <= value <= 1 for value in seen) and (chance is None or chance < 1):
        ideal, of = 1.0, "ideal 1"
    else:
        ideal, of = (min if less else max)(seen, default=0.0), "ideal: best complete trial"
        fixed = False
    if chance is not None:
        return Axis(quality.name, ideal, chance, log=False, fixed=fixed, origin=f"{of}; chance")
    worst = (max if less else min)(seen, default=ideal)
    beyond = worst + BEYOND * (worst - ideal)
    return Axis(
        quality.name, ideal, beyond, log=False, fixed=False, origin=f"{of}; beyond the worst trial"
    )


def _cost_axis(cost: Objective, low: float, high: float, whose: str, *, fixed: bool) -> Axis:
    less = cost.direction == "min"
    log = less and low > 0
    ideal, worst = (low, high) if less else (high, low)
    beyond = ideal * (worst / ideal) ** (1 + BEYOND) if log else worst + BEYOND * (worst - ideal)
    origin = (
        f"{whose} {'cheapest and beyond its dearest' if fixed else 'best and beyond the worst'}"
    )
    return Axis(cost.name, ideal, beyond, log=log, fixed=fixed, origin=origin)
