"""Pictures as coordinates: what the report's template draws as SVG. Nothing here knows HTML."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from itnet_nas.analysis.numbers import count
from itnet_nas.analysis.pareto import nondominated, signed
from itnet_nas.analysis.ticks import linear_ticks, log_ticks, tick_labels
from itnet_nas.analysis.words import figure, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Objective, Space

# In units of the drawing. Text of 13 units stays above 11 px on a page that is 480 px wide.
WIDTH, HEIGHT = 560.0, 360.0
LEFT, RIGHT, TOP, BOTTOM = 62.0, 546.0, 16.0, 306.0
MARGIN = 0.12  # of the front's range, on each side
DRAWN = 700  # dots beyond this are thinned to one per 4 x 4 units
LOWEST_LABEL_GAP = 15.0


@dataclass(frozen=True)
class Range:
    """The part of one axis that is shown, and where it lies in the drawing."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """The coordinate of a value, to a tenth of a unit."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log10(low), math.log10(high), math.log10(value)
        return round(self.start + (self.end - self.start) * (at - low) / (high - low), 1)

    def shows(self, value: float) -> bool:
        """Whether a value lies in the part that is shown."""
        return self.low <= value <= self.high

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """(coordinate, label) of every tick."""
        values = (log_ticks if self.log else linear_ticks)(self.low, self.high)
        return [
            (self.place(value), label)
            for value, label in zip(values, tick_labels(values), strict=True)
        ]


@dataclass(frozen=True)
class Dot:
    """One trial in the picture. `name` is shown beside it where it is not empty.

    It stands on the cheap and good side, where no trial can be.
    """

    x: float
    y: float
    trial: int
    title: str
    name: str = ""
    name_x: float = 0.0
    name_y: float = 0.0
    anchor: str = "end"


@dataclass(frozen=True)
class Level:
    """A horizontal line to compare with. `label_y` is where its label fits."""

    y: float
    label_y: float
    label: str


@dataclass(frozen=True)
class Chart:
    """A picture with two axes."""

    title: str
    x_label: str
    y_label: str
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    path: str
    dots: list[Dot] = field(default_factory=list)
    members: list[Dot] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def scatter(
    space: Space,
    records: Sequence[TrialRecord],
    front: Sequence[TrialRecord],
    cost: Objective,
    named: dict[int, str],
) -> Chart | None:
    """Quality against one cost: every complete trial, the front as a step line; None without one.

    Cut to the range of the front and a margin: dominated trials can lie far away, and would take
    the room from what is to be seen. `named` gives trials that are labelled.
    """
    if not front:
        return None
    quality = space.objectives[0]
    complete = [record for record in records if record.complete]
    x = _range(_values(front, cost), _values(complete, cost), LEFT, RIGHT, log=True)
    y = _range(_values(front, quality), _values(complete, quality), BOTTOM, TOP, log=False)
    on_front = {record.number for record in front}
    dots, outside = [], 0
    for record in complete:
        if record.number in on_front:
            continue
        if x.shows(record.objectives[cost.name]) and y.shows(record.objectives[quality.name]):
            dots.append(_dot(record, quality, cost, x, y))
        else:
            outside += 1
    dots, hidden = _thinned(dots)
    notes = []
    if outside:
        notes.append(f"{count(outside, 'dominated trial')} outside the picture")
    if hidden:
        notes.append(f"{count(hidden, 'dot')} left out where dots lie on each other")
    levels = _levels(space, quality, y, notes)
    if len(space.objectives) > 2:
        notes.append("the line is the front of these two objectives alone")
    better = "lower" if quality.direction == "min" else "higher"
    scale = "logarithmic" if x.log else "linear"
    return Chart(
        title=f"{quality.name} against {cost.name}",
        x_label=f"{cost.name} ({scale})",
        y_label=f"{quality.name} ({better} is better)",
        x_ticks=x.ticks,
        y_ticks=y.ticks,
        path=_steps(front, (quality, cost), x, y),
        dots=dots,
        members=[
            _dot(record, quality, cost, x, y, named.get(record.number, "")) for record in front
        ],
        levels=levels,
        notes=notes,
    )


def _values(records: Sequence[TrialRecord], objective: Objective) -> list[float]:
    return [record.objectives[objective.name] for record in records]


def _range(
    front: Sequence[float], every: Sequence[float], start: float, end: float, *, log: bool
) -> Range:
    low, high = min(front), max(front)
    if low == high:  # one point has no range: take that of all
        low, high = min(every), max(every)
    log = log and low > 0
    if log:
        pad = (math.log10(high) - math.log10(low)) * MARGIN or 0.2
        return Range(low / 10**pad, high * 10**pad, start, end, log=True)
    pad = (high - low) * MARGIN or abs(high) * 0.1 or 0.1
    return Range(low - pad, high + pad, start, end)


def _dot(
    record: TrialRecord, quality: Objective, cost: Objective, x: Range, y: Range, name: str = ""
) -> Dot:
    at, of = record.objectives[cost.name], record.objectives[quality.name]
    title = (
        f"trial {record.number}: {figure(quality.name, of, 4)}, {figure(cost.name, at)}; "
        f"{record.architecture.label}"
    )
    left, top = x.place(at), y.place(of)
    room = left - LEFT > 80
    return Dot(
        x=left,
        y=top,
        trial=record.number,
        title=title,
        name=name,
        name_x=round(left + (-7 if room else 4), 1),
        name_y=round(top + (19 if quality.direction == "min" else -11), 1),
        anchor="end" if room else "start",
    )


def _thinned(dots: list[Dot]) -> tuple[list[Dot], int]:
    if len(dots) <= DRAWN:
        return dots, 0
    kept = {(dot.x // 4, dot.y // 4): dot for dot in dots}
    return list(kept.values()), len(dots) - len(kept)


def _steps(
    front: Sequence[TrialRecord], pair: tuple[Objective, Objective], x: Range, y: Range
) -> str:
    """The lower edge of what the front dominates, in these two objectives."""
    quality, cost = pair
    points = [signed(record, pair) for record in front]
    kept = sorted(
        {
            (x.place(record.objectives[cost.name]), y.place(record.objectives[quality.name]))
            for record, stays in zip(front, nondominated(points), strict=True)
            if stays
        }
    )
    return f"M{kept[0][0]} {kept[0][1]}" + "".join(f"H{a}V{b}" for a, b in kept[1:]) + f"H{RIGHT}"


def _levels(space: Space, quality: Objective, y: Range, notes: list[str]) -> list[Level]:
    """Chance and baselines as lines; those out of sight go into the notes."""
    metric = next((m for m in space.facts.metrics if m.name == quality.name), None)
    if metric is None:
        return []
    known = dict(metric.baselines)
    if metric.chance is not None:
        known["chance"] = metric.chance
    shown: list[Level] = []
    for name, value in sorted(known.items(), key=lambda item: item[1]):
        text = f"{name} {value:.4g}"
        if not y.shows(value):
            side = "above" if value > y.high else "below"
            notes.append(f"{text} {unit(quality.name)} lies {side} the picture")
            continue
        at = y.place(value)
        label_y = at - 5
        if shown and shown[-1].label_y - label_y < LOWEST_LABEL_GAP:
            label_y = shown[-1].label_y - LOWEST_LABEL_GAP
        shown.append(Level(at, label_y, text))
    return shown
