"""The answer to one question of a certificate, and how it is said."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from itnet_nas.analysis.numbers import count, short
from itnet_nas.analysis.words import unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.analysis.evidence import Replacement

_MOST_DECIMALS = 9


class Verdict(StrEnum):
    """What is said of one layer and axis; `certificate` says when."""

    NECESSARY = "necessary"
    PREFERRED = "preferred"
    NOT_IDENTIFIED = "not identified"
    NOT_TESTED = "not tested"
    NOT_SOLVED = "not solved"


@dataclass(frozen=True)
class AxisVerdict:
    """One layer and axis, and what the trainings say of it.

    value          of the axis in the candidate, whose kernel is `label`
    tied           other layers that share the kernel and were swapped with it
    alternatives   every replacement of the question
    note           what else there is to know, in words; the reason where there is no answer
    mildest        the label of the replacement that loses least, of those that were tested
    effect         its mean loss; low, high: the interval at 1 − α, for that comparison alone
    bound          the least of the corrected lower bounds: necessary when all lie above the floor
    floor          of the mildest replacement; seeds: its number of pairs
    also           the axes that changed together with this one in it: the evidence cannot tell
                   them apart
    """

    layer: str
    axis: str
    value: str
    label: str
    tied: tuple[str, ...]
    verdict: Verdict
    alternatives: tuple[Replacement, ...]
    note: str = ""
    mildest: str = ""
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    floor: float | None = None
    seeds: int = 0
    also: tuple[str, ...] = ()


def words(found: AxisVerdict, quality: str, direction: str = "min") -> str:
    """The answer in a sentence; `quality` and `direction` are those of the certificate.

    `necessary: without window support the error grows by 0.48 ± 0.03 (3 seeds)`.
    """
    if found.effect is None or found.low is None or found.verdict is Verdict.NOT_SOLVED:
        return f"{found.verdict}: {found.note}"
    trained = count(found.seeds, "seed")
    others = sum(one.comparison is not None for one in found.alternatives)
    if others > 1:
        trained += f", the mildest of {others} replacements"
    change = plus_minus(found.effect, found.effect - found.low)
    if found.verdict is Verdict.NOT_IDENTIFIED:
        worse = "better" if found.effect < 0 else "worse"
        size = plus_minus(abs(found.effect), found.effect - found.low)
        noise = found.floor or 0.0
        beyond = "where the noise is" if -found.effect > noise else "within the noise of"
        within = f"{beyond} {short(noise, 2)}"
        text = f"{_instead(found)} it is {worse} by {size} {unit(quality)}, {within}"
        return f"{found.verdict}: {text} ({trained})"
    sure = "" if found.verdict is Verdict.NECESSARY else ", but not surely"
    verb = "grow" if direction == "min" else "fall"
    ending = "" if "/" in unit(quality) else "s"
    text = f"{_without(found)} the {unit(quality)} {verb}{ending} by {change}{sure}"
    return f"{found.verdict}: {text} ({trained})"


def plus_minus(value: float, half: float) -> str:
    """`0.48 ± 0.03`: as many decimals as the first digit of the half-width asks for."""
    if not half > 0.0:
        return short(value)
    decimals = min(_MOST_DECIMALS, max(0, -math.floor(math.log10(half))))
    return f"{value:.{decimals}f} ± {half:.{decimals}f}"


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last


def _without(found: AxisVerdict) -> str:
    """`without window support (content changes too)`: what the mildest replacement took away."""
    one = next(one for one in found.alternatives if one.label == found.mildest)
    if one.differs != "value":
        text = _instead(found)
    elif found.value == "none":
        text = f"with {found.axis}"
    else:
        text = f"without {found.value} {found.axis}"
    if not one.also:
        return text
    return f"{text} ({listed(one.also)} change{'s' if len(one.also) == 1 else ''} too)"


def _instead(found: AxisVerdict) -> str:
    """`with conv(radius=6) in its place`."""
    one = next(one for one in found.alternatives if one.label == found.mildest)
    return "without this layer" if one.differs == "absent" else f"with {one.label} in its place"
