"""What the report shows of a confirmation: a picture, a table and sentences, as plain values.

The picture has the front against its first cost: a diamond with its interval for the fresh seeds,
and beside it, hollow, what the search saw. Trials of one band stand on one shaded strip.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.chart import BOTTOM, LEFT, MARGIN, RIGHT, TOP, Range
from itnet_nas.analysis.confirmed import confirmation
from itnet_nas.analysis.confirmed_words import cells, sentences
from itnet_nas.analysis.numbers import column
from itnet_nas.analysis.words import figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.beside import Beside
    from itnet_nas.analysis.confirmed import Confirmation, Confirmed
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


def confirmed_section(
    space: Space, records: Sequence[TrialRecord], beside: Beside
) -> dict[str, Any] | None:
    """All that the template draws; None where nothing was trained again."""
    found = confirmation(space, records, beside.confirmations)
    if found is None:
        return None
    head, rows = cells(found)
    search = column([one.search for one in found.members])
    costs = [column([one.costs[name] for one in found.members]) for name in found.costs]
    return {
        "quality": found.quality,
        "costs": found.costs,
        "head": head,
        "rows": [
            {
                "trial": one.trial,
                "on_front": one.on_front,
                "search": search[place],
                "cells": rows[one.trial],
                "costs": [texts[place] for texts in costs],
                "label": one.label,
            }
            for place, one in enumerate(found.members)
        ],
        "sentences": [f"Candidates are {found.rule}.", *map(_sentence, sentences(found))],
        "chart": _chart(found),
    }


def _chart(found: Confirmation) -> dict[str, Any] | None:
    members = [one for one in found.front if one.fresh is not None]
    if not members:
        return None
    cost = found.costs[0]
    y = _span([value for one in members for value in _heights(one)], BOTTOM, TOP, log=False)
    x = _span([one.costs[cost] for one in members], LEFT, RIGHT, log=True)
    better = "lower" if found.direction == "min" else "higher"
    return {
        "title": f"{found.quality} under fresh seeds against {cost}",
        "x_label": f"{cost} ({'logarithmic' if x.log else 'linear'})",
        "y_label": f"{found.quality} ({better} is better)",
        "x_ticks": x.ticks,
        "y_ticks": y.ticks,
        "bands": _strips(members, y),
        "members": [_mark(one, one.costs[cost], cost, x, y) for one in members],
    }


def _mark(one: Confirmed, at: float, cost: str, x: Range, y: Range) -> dict[str, Any]:
    fresh = one.fresh
    assert fresh is not None
    return {
        "trial": one.trial,
        "title": f"trial {one.trial}: {one}; {figure(cost, at)}; {one.label}",
        "x": x.place(at),
        "fresh": y.place(fresh.mean),
        "search": y.place(one.search),
        "low": None if fresh.low is None else y.place(fresh.low),
        "high": None if fresh.high is None else y.place(fresh.high),
    }


def _strips(members: Sequence[Confirmed], y: Range) -> list[dict[str, float]]:
    """Where the bands of more than one trial lie: from the best mean to the worst."""
    found: dict[int, list[float]] = {}
    for one in members:
        if one.band is not None and one.fresh is not None:
            found.setdefault(one.band, []).append(y.place(one.fresh.mean))
    return [
        {"y": min(places) - 7, "height": round(max(places) - min(places) + 14, 1)}
        for places in found.values()
        if len(places) > 1
    ]


def _heights(one: Confirmed) -> list[float]:
    fresh = one.fresh
    known = [one.search] if fresh is None else [one.search, fresh.mean, fresh.low, fresh.high]
    return [value for value in known if value is not None]


def _span(values: Sequence[float], start: float, end: float, *, log: bool) -> Range:
    """A range with some room on both sides."""
    low, high = min(values), max(values)
    if log and low > 0:
        room = (high / low) ** MARGIN if high > low else 1.6
        return Range(low / room, high * room, start, end, log=True)
    pad = (high - low) * MARGIN or abs(high) * 0.1 or 0.1
    return Range(low - pad, high + pad, start, end)


def _sentence(line: str) -> str:
    return f"{line[:1].upper()}{line[1:]}."
