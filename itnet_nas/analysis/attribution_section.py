"""What the report shows of an attribution: dots with whiskers, tables and sentences, as values.

The picture has the groups with the largest shares, resolved ones first; every other figure stands
in a table below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itnet_nas.analysis.attribution import attribution
from itnet_nas.analysis.attribution_words import (
    failure_lines,
    foremost,
    front_lines,
    heading,
    pair_lines,
    percents,
    signed_span,
)
from itnet_nas.analysis.chart import Range
from itnet_nas.analysis.words import unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.attributed import Attribution, GroupEffects
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

# In units of the drawing, as in `chart`.
LEFT, RIGHT, TOP, STEP = 196.0, 546.0, 26.0, 20.0
LETTERS = 27  # of a label
DRAWN = 36  # rows of the picture


def attribution_section(space: Space, records: Sequence[TrialRecord]) -> dict[str, Any] | None:
    """All that the template draws; None where no trial is complete."""
    if not any(record.complete for record in records):
        return None
    return section_of(attribution(space, records))


def section_of(found: Attribution) -> dict[str, Any]:
    """The same of an attribution."""
    return {
        "lead": foremost(found),
        "resolved": any(place.resolved for place in found.places),
        "lines": [_sentence(line) for line in heading(found)] if found.surrogate else [],
        "chart": _chart(found),
        "places": [
            {
                "place": one.place,
                "share": percents(one.share, one.share_low, one.share_high),
                "resolved": one.resolved,
            }
            for one in sorted(found.places, key=lambda one: (-one.share, one.place))
        ],
        "pairs": pair_lines(found) if found.surrogate else [],
        "front": front_lines(found) if found.groups else [],
        "failures": failure_lines(found),
        "groups": [
            {
                "name": f"{group.place}, {group.what}",
                "share": percents(group.share, group.share_low, group.share_high),
                "reason": group.reason,
                "rows": [
                    {
                        "option": one.label,
                        "effect": signed_span(one.value, one.low, one.high),
                        "resolved": one.resolved and group.resolved,
                        "complete": one.complete,
                        "failed": one.failed,
                        "front": f"{one.front.count} of {one.front.members}",
                    }
                    for one in group.effects
                ],
            }
            for group in found.groups
        ],
        "quality": unit(found.quality),
    }


def _chart(found: Attribution) -> dict[str, Any] | None:
    groups = _drawn(found)
    if not groups:
        return None
    ends = [end for group in groups for one in group.effects for end in (one.low, one.high)]
    low, high = min(0.0, *ends), max(0.0, *ends)
    room = 0.06 * (high - low) or 0.1
    x = Range(low - room, high + room, LEFT, RIGHT)
    rows, heads, y = [], [], TOP
    for group in groups:
        share = percents(group.share, group.share_low, group.share_high)
        heads.append({"y": y, "name": _short(f"{group.place} {group.what}", 40), "share": share})
        for one in group.effects:
            y += STEP
            span = signed_span(one.value, one.low, one.high)
            rows.append(
                {
                    "y": y,
                    "label": _short(one.label, LETTERS),
                    "title": f"{group.place} {group.what} {one.label}: {span}",
                    "x": x.place(one.value),
                    "low": x.place(one.low),
                    "high": x.place(one.high),
                    "faint": not (one.resolved and group.resolved),
                }
            )
        y += 1.5 * STEP
    side = "left" if found.direction == "min" else "right"
    return {
        "title": f"Effects of options on {unit(found.quality)}",
        "rows": rows,
        "heads": heads,
        "zero": x.place(0.0),
        "ticks": x.ticks,
        "bottom": y - STEP,
        "height": y + 1.4 * STEP,
        "x_label": f"change of {unit(found.quality)} ({side} is better)",
    }


def _drawn(found: Attribution) -> list[GroupEffects]:
    order = sorted(found.groups, key=lambda one: (not one.resolved, -one.share, one.place))
    kept: list[GroupEffects] = []
    rows = 0
    for group in order:
        rows += len(group.effects) + 1
        if rows > DRAWN:
            break
        kept.append(group)
    return kept


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: letters - 1] + "…"


def _sentence(line: str) -> str:
    text = f"{line[:1].upper()}{line[1:]}"
    return text if text.endswith(".") else f"{text}."
