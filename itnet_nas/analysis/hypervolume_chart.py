"""The picture of a search that settles: hypervolume over trials, random search beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from itnet_nas.analysis.chart import BOTTOM, LEFT, MARGIN, RIGHT, TOP, Chart, Range
from itnet_nas.analysis.hypervolume import curve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.baseline import Baseline
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


@final
@dataclass(frozen=True)
class RandomLine:
    """Random search in the picture: its line, the outline of its band ("" for none), its kind."""

    path: str
    band: str
    estimated: bool
    title: str


@final
@dataclass(frozen=True)
class HypervolumeChart:
    """The picture, and random search in it where anything is known of that."""

    chart: Chart
    random: RandomLine | None = None


def hypervolume_chart(
    space: Space, records: Sequence[TrialRecord], beside: Baseline | None = None
) -> HypervolumeChart | None:
    """Hypervolume over trials; None before there are two and any volume."""
    points = curve(space, records, None if beside is None else beside.scale)
    if len(points) < 2 or points[-1][1] <= 0:
        return None
    most = points[-1][0]
    line = [] if beside is None else [one for one in beside.curve if one[0] <= most]
    band = [] if beside is None else [one for one in beside.band if one[0] <= most]
    shown = [value for _, value in [*points, *line] if value > 0] + [high for _, _, high in band]
    low, high = min(shown), max(shown)
    pad = (high - low) * MARGIN or high * 0.05
    x = Range(0.0, float(max(2, most)), LEFT, RIGHT)
    y = Range(max(0.0, low - 2 * pad), min(1.0, high + pad), BOTTOM, TOP)
    chart = Chart(
        title="Hypervolume over trials",
        x_label="trials ended",
        y_label="hypervolume (higher is better)",
        x_ticks=[tick for tick in x.ticks if tick[1].isdecimal() or "k" in tick[1]],
        y_ticks=y.ticks,
        path=_steps(points, x, y),
    )
    if beside is None or not line:
        return HypervolumeChart(chart)
    estimated = beside.kind == "estimated"
    return HypervolumeChart(
        chart,
        RandomLine(
            path="M" + "L".join(_at(count, value, x, y) for count, value in line),
            band=_outline(band, x, y),
            estimated=estimated,
            title=f"random search, {'estimated' if estimated else 'made beside it'}",
        ),
    )


def _steps(points: Sequence[tuple[int, float]], x: Range, y: Range) -> str:
    commands, before = [], None
    for number, value in points:
        if value > 0 and value != before:
            at = f"{x.place(number)}"
            commands.append(
                f"M{at} {y.place(value)}" if before is None else f"H{at}V{y.place(value)}"
            )
            before = value
    return "".join(commands) + f"H{x.place(points[-1][0])}"


def _outline(band: Sequence[tuple[int, float, float]], x: Range, y: Range) -> str:
    if not band:
        return ""
    there = [_at(count, high, x, y) for count, _, high in band]
    back = [_at(count, low, x, y) for count, low, _ in reversed(band)]
    return "M" + "L".join([*there, *back]) + "Z"


def _at(count: float, value: float, x: Range, y: Range) -> str:
    """A point; what lies below the picture stands on its lower edge."""
    return f"{x.place(count)} {y.place(max(value, y.low))}"
