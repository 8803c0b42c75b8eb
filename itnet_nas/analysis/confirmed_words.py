"""A confirmation in words: lines for a terminal, cells for tables. Figures with their intervals."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from itnet_nas.analysis.numbers import change, count, short
from itnet_nas.analysis.words import unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.confirmed import Confirmation, Confirmed, Mean

ROUNDING = 1e-9  # of a mean: a narrower interval is the rounding of equal figures
Cell = int | float | str | None


def plus_minus(one: Mean | None, absent: str = "–") -> str:
    """`0.1234 ± 0.0056`: the mean to the second digit of its interval's half width."""
    if one is None:
        return absent
    half = one.half
    if half is None:
        return short(one.mean, 4)
    if half <= ROUNDING * abs(one.mean):
        return f"{short(one.mean, 4)} ± 0"
    places = max(0, 1 - math.floor(math.log10(half)))
    return f"{one.mean:.{places}f} ± {half:.{places}f}"


def percent(probability: float | None, absent: str = "–") -> str:
    """`83 %`; what is nearly sure is not called sure."""
    if probability is None:
        return absent
    if 0.995 <= probability < 1.0:
        return "> 99 %"
    return "< 1 %" if 0.0 < probability < 0.005 else f"{100 * probability:.0f} %"


def says(one: Confirmed) -> str:
    """One member in one line."""
    if one.fresh is None:
        return f"confirmed: no, {one.failed or 'it was not trained again'}"
    parts = [
        f"confirmed: {plus_minus(one.fresh)} {unit(one.quality)} over "
        f"{count(one.fresh.n, 'fresh seed')}, {short(one.search, 4)} at search time"
    ]
    if one.test is not None:
        parts.append(f"test split {plus_minus(one.test)}")
    if one.nondominated is not None:
        parts.append(f"non-dominated with probability {percent(one.nondominated)}")
    return "; ".join(parts)


def columns(found: Confirmation) -> tuple[list[str], dict[int, list[Cell]]]:
    """Names of columns, and trial -> exact figures; None for what is not there."""
    name = found.quality
    test = [f"{name}_test", f"{name}_test_low", f"{name}_test_high"]
    head = [f"{name}_fresh", f"{name}_low", f"{name}_high", "seeds", *test, "p_nondominated"]
    rows: dict[int, list[Cell]] = {}
    for one in found.members:
        fresh, tested = one.fresh, one.test
        rows[one.trial] = [
            *_three(fresh),
            None if fresh is None else fresh.n,
            *_three(tested),
            one.nondominated,
        ]
    return head, rows


def table(found: Confirmation) -> tuple[list[str], list[list[Cell]]]:
    """Every member with every figure, exact, for a program."""
    beside, rows = columns(found)
    head = ["trial", "on_front", found.quality, *beside, "band", *found.costs, "layers"]
    return head, [
        [
            one.trial,
            int(one.on_front),
            one.search,
            *rows[one.trial],
            one.band,
            *(one.costs[name] for name in found.costs),
            one.label,
        ]
        for one in found.members
    ]


def cells(found: Confirmation, absent: str = "–") -> tuple[list[str], dict[int, list[str]]]:
    """The same for people: mean ± half width, test, probability, and the band."""
    head = ["fresh seeds", "test split", "non-dominated", "band"]
    return head, {
        one.trial: [
            "failed" if one.failed else plus_minus(one.fresh, absent),
            plus_minus(one.test, absent),
            percent(one.nondominated, absent),
            absent if one.band is None else str(one.band),
        ]
        for one in found.members
    }


def text(found: Confirmation) -> str:
    """All of it, as `confirm` prints it on a terminal."""
    beside, rows = cells(found)
    head = ["trial", found.quality, *beside, *found.costs, "layers"]
    body = [
        [
            str(one.trial),
            short(one.search, 4),
            *rows[one.trial],
            *(short(one.costs[name]) for name in found.costs),
            one.label,
        ]
        for one in found.members
    ]
    on_front = len(found.front)
    lines = _aligned([head, *body])
    if on_front < len(body):
        lines.insert(1 + on_front, "beside the front:")
    return "\n".join([*lines, "", *sentences(found)])


def sentences(found: Confirmation) -> list[str]:
    """What the figures are, and what they say of the search."""
    lines = [
        f"the seed of the search chose the front and its order; fresh seeds report its "
        f"{found.quality}: mean ± half of the 95 % interval"
    ]
    if found.optimism is not None:
        one = found.optimism
        which = "too good" if one.mean > 0 else "too bad"
        lines.append(
            f"search-time values were {which} by {plus_minus(_size(one))} on average over "
            f"{count(one.n, 'member')} of the front"
            + (", which may be chance" if _covers_zero(one) else "")
        )
    if found.noise is not None:
        lines.append(
            f"noise of one training: sd {short(found.noise.sd)}; trials of one band lie within it "
            f"of each other"
        )
    lines.append(reads(found))
    lines += [
        f"trial {one.trial} could not be trained again: {one.failed}"
        for one in found.members
        if one.failed
    ]
    if found.left:
        lines.append(f"{count(found.left, 'training')} left: what stands here is not whole")
    return lines


def reads(found: Confirmation) -> str:
    """How often the test split was looked at."""
    if not any(one.test for one in found.members):
        return "the test split was not scored: the task has none, or nothing was trained"
    if found.reads == 1:
        return "the test split was read once"
    return (
        f"the test split was read {found.reads} times: the more often, the less its figures are "
        f"worth"
    )


def optimism(found: Confirmation) -> str:
    """`+0.012 ± 0.004`, with its sign; empty where there is none."""
    one = found.optimism
    if one is None:
        return ""
    return change(one.mean) if one.half is None else f"{change(one.mean)} ± {short(one.half, 2)}"


def _covers_zero(one: Mean) -> bool:
    return one.low is None or one.high is None or one.low <= 0.0 <= one.high


def _size(one: Mean) -> Mean:
    """The same without its sign."""
    if one.mean >= 0:
        return one
    low = None if one.high is None else -one.high
    high = None if one.low is None else -one.low
    return replace(one, mean=-one.mean, low=low, high=high)


def _three(one: Mean | None) -> list[Cell]:
    return [None, None, None] if one is None else [one.mean, one.low, one.high]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Everything but the last column to the right."""
    last = len(rows[0]) - 1
    widths = [max(len(row[place]) for row in rows) for place in range(last)]
    return [
        "  ".join([*(cell.rjust(w) for cell, w in zip(row, widths, strict=False)), row[last]])
        for row in rows
    ]
