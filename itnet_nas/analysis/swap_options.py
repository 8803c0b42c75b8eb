"""What could sit at a layer instead, and which of it an axis asks for.

Which options those are, nearest first, is written at the top of `swaps`.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import normal, realise
from itnet_nas.axes import AXES, Bias, Sharing, Support

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.arch.architecture import Architecture, LayerChoice
    from itnet_nas.arch.genotype import Genotype
    from itnet_nas.arch.plan import Plan

MOST_TIED = 4  # of those that are equally near
FIGURES: dict[str, tuple[str, ...]] = {"support": ("radius", "dilation"), "state": ("state_size",)}
_ABSENT = Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)


@dataclass(frozen=True)
class Kernel:
    """What sits at the layer now."""

    layer: LayerChoice
    bias: Bias
    flops: int


@dataclass(frozen=True)
class Option:
    """Another answer for the layer; `layer` is None where it is left out."""

    layer: LayerChoice | None
    bias: Bias
    flops: int
    architecture: Architecture
    feasible: bool


def options_of(
    plan: Plan, genotype: Genotype, index: int, names: Sequence[str], architecture: Architecture
) -> list[Option]:
    """Every other network that differs in this slot's layers alone, in the order of the space."""
    slot = plan.slots[index]
    answers: list[int | None] = [
        i for i in range(len(slot.choices)) if i != genotype.choices[index]
    ]
    if slot.optional:
        answers.append(None)
    rest = {layer.name: layer for layer in architecture.layers if layer.name not in names}
    found = []
    for answer in answers:
        edited = replace(genotype, choices=_put(genotype.choices, index, answer))
        with contextlib.suppress(ValueError):  # no layer would be left
            after = realise(plan.space, normal(plan, edited))
            others = {layer.name: layer for layer in after.layers if layer.name not in names}
            wired = answer is None or after.edges == architecture.edges
            if others != rest or not wired or after.key == architecture.key:
                continue  # something else would change as well, or nothing at all
            layer = next((layer for layer in after.layers if layer.name == names[0]), None)
            bias = _ABSENT if answer is None else slot.choices[answer].bias
            flops = 0 if answer is None else slot.choices[answer].cost.flops
            found.append(Option(layer, bias, flops, after, feasible(plan.space, after)))
    return found


def chosen(axis: str, kernel: Kernel, options: Sequence[Option], most: int) -> tuple[Option, ...]:
    """The options that an axis asks for by itself, as the top of the file says."""
    value = value_of(axis, kernel.bias)
    kernels = [option for option in options if option.layer is not None]
    other = [option for option in kernels if value_of(axis, option.bias) != value]
    left_out = without(axis, value, options)
    size = []
    if not other and not left_out:
        size = [option for option in kernels if size_between(axis, option.bias, kernel.bias) > 0]
    return (
        *_nearest(axis, kernel, [option for option in other if option.feasible], most),
        *[option for option in left_out if option.feasible],
        *_closest(axis, kernel, [option for option in size if option.feasible], most),
    )


def without(axis: str, value: str, options: Sequence[Option]) -> list[Option]:
    """The network without the layer, which answers for its support alone."""
    if axis != "support" or value == Support.POINT:
        return []
    return [option for option in options if option.layer is None]


def value_of(axis: str, bias: Bias) -> str:
    return str(getattr(bias, axis))


def others(axis: str, one: Bias, other: Bias) -> tuple[str, ...]:
    return tuple(
        name for name in AXES if name != axis and getattr(one, name) != getattr(other, name)
    )


def size_between(axis: str, one: Bias, other: Bias) -> float:
    """How far the axis's figures are apart: Σ |ln((a + 1)/(b + 1))|, unknown ones counting as 0."""
    pairs = [(getattr(one, name) or 0, getattr(other, name) or 0) for name in FIGURES.get(axis, ())]
    return sum(abs(math.log((a + 1) / (b + 1))) for a, b in pairs)


def _put(choices: Sequence[int | None], index: int, answer: int | None) -> tuple[int | None, ...]:
    return (*choices[:index], answer, *choices[index + 1 :])


def _nearest(axis: str, kernel: Kernel, options: Sequence[Option], most: int) -> Sequence[Option]:
    """Those with another value of the axis, as the top of the file says."""
    if not options:
        return []
    ordered = sorted(
        options, key=lambda option: (_far(axis, kernel, option), _cost(kernel, option))
    )
    least = _far(axis, kernel, ordered[0])
    if least == 0:
        ordered = [option for option in ordered if _far(axis, kernel, option) == 0]
    seen: dict[tuple[int, str], int] = {}
    turns = []  # the how-manieth of its value among those equally near
    for option in ordered:
        place = (_far(axis, kernel, option), value_of(axis, option.bias))
        turns.append(seen.get(place, 0))
        seen[place] = turns[-1] + 1
    rounds = sorted(
        zip(turns, ordered, strict=True), key=lambda pair: (_far(axis, kernel, pair[1]), pair[0])
    )
    tied = sum(far == least for far, _ in seen)
    return [option for _, option in rounds[: max(most, min(tied, MOST_TIED))]]


def _closest(axis: str, kernel: Kernel, options: Sequence[Option], most: int) -> Sequence[Option]:
    """Those of another size: fewest other axes, then the nearest figure, then cost."""
    return sorted(
        options,
        key=lambda option: (
            _far(axis, kernel, option),
            size_between(axis, option.bias, kernel.bias),
            _cost(kernel, option),
        ),
    )[:most]


def _far(axis: str, kernel: Kernel, option: Option) -> int:
    return len(others(axis, kernel.bias, option.bias))


def _cost(kernel: Kernel, option: Option) -> float:
    return abs(math.log((option.flops + 1) / (kernel.flops + 1)))
