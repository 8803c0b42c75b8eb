"""Swaps: the architecture with one layer's kernel replaced, to see what an axis of it was worth.

For a layer and an axis the other choices of the layer are asked, nearest first:

    value   those with another value of the axis: where some differ in that axis only, these alone,
            else by how many other axes differ too
    size    where there are none, those with another figure of the axis: radius and dilation belong
            to support, the state's size to state
    absent  of an optional layer also the network without it, for support: what is not there looks
            at nothing but the point itself

Equally near ones are taken in an order that shows other values of the axis first, then by cost:
|ln(FLOPs + 1) − ln(FLOPs' + 1)|. One architecture may serve several axes; it is trained once.

A motif whose copies are tied is swapped in all copies, and named by its first layer.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from itnet_nas.arch.feasible import feasible
from itnet_nas.arch.genotype import genotype_of, normal, realise
from itnet_nas.arch.plan import plan_of
from itnet_nas.axes import AXES, Bias, Sharing, Support

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.arch.architecture import Architecture, LayerChoice
    from itnet_nas.arch.genotype import Genotype
    from itnet_nas.arch.plan import Plan, Slot
    from itnet_nas.space.space import Space

Difference = Literal["value", "size", "absent"]

MOST_TIED = 4  # of those that are equally near
FIGURES: dict[str, tuple[str, ...]] = {"support": ("radius", "dilation"), "state": ("state_size",)}
LEFT_OUT = "left out"
_ABSENT = Bias(support=Support.POINT, sharing=Sharing.PERMUTATION)


@dataclass(frozen=True)
class Swap:
    """One layer replaced, seen from one axis.

    layer, axis     what is asked about
    value, other    the axis in the candidate and after the swap; equal where the sizes differ
    differs         value | size | absent
    family, params  the kernel that comes in; None where the layer is left out
    label           `conv(radius=3)`, or "left out"
    also            the other axes that change with it
    architecture    the whole network after the swap
    """

    layer: str
    axis: str
    value: str
    other: str
    differs: Difference
    family: str | None
    params: dict[str, object] | None
    label: str
    also: tuple[str, ...]
    architecture: Architecture


@dataclass(frozen=True)
class AxisSwaps:
    """The swaps of one layer and axis, nearest first. `reason` says why, where there are none.

    `tied` names the other layers that take the same choice and are swapped with it.
    """

    layer: str
    axis: str
    value: str
    label: str
    tied: tuple[str, ...]
    swaps: tuple[Swap, ...]
    reason: str = ""


def swaps(space: Space, architecture: Architecture, *, most: int = 2) -> tuple[Swap, ...]:
    """Every swap of every layer and axis, in the order of the layers.

    most   how many per layer and axis; ones that are equally near and show other values of the axis
           are all kept, up to four

    Raises ValueError where the architecture is no member of the space.
    """
    return tuple(
        swap for found in axis_swaps(space, architecture, most=most) for swap in found.swaps
    )


def axis_swaps(space: Space, architecture: Architecture, *, most: int = 2) -> tuple[AxisSwaps, ...]:
    """The same by layer and axis, also for those that cannot be tested. Raises as `swaps`."""
    plan = plan_of(space)
    genotype = genotype_of(space, architecture)
    if genotype is None:
        raise ValueError(
            f"{architecture.label}: this architecture is no member of the space {space.name}, so "
            "nothing says what could replace its layers; certify a trial of this space"
        )
    layers = {layer.name: layer for layer in architecture.layers}
    found: list[AxisSwaps] = []
    for index, slot in enumerate(plan.slots):
        names = [plan.names[node] for node in slot.nodes if plan.names[node] in layers]
        now = genotype.choices[index]
        if names and now is not None:
            options = _options(plan, genotype, index, names, architecture)
            kernel = _Kernel(layers[names[0]], slot.choices[now].bias, slot.choices[now].cost.flops)
            for axis in AXES:
                found.append(_axis(axis, kernel, tuple(names[1:]), options, slot, most))
    return tuple(found)


def value_words(axis: str, value: str) -> str:
    """`window support`, `translation sharing`, `no state`, `pair content`."""
    return f"no {axis}" if value == "none" else f"{value} {axis}"


@dataclass(frozen=True)
class _Kernel:
    """What sits at the layer now."""

    layer: LayerChoice
    bias: Bias
    flops: int


@dataclass(frozen=True)
class _Option:
    """Another answer for the layer; `layer` is None where it is left out."""

    layer: LayerChoice | None
    bias: Bias
    flops: int
    architecture: Architecture
    feasible: bool


def _options(
    plan: Plan, genotype: Genotype, index: int, names: Sequence[str], architecture: Architecture
) -> list[_Option]:
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
            found.append(_Option(layer, bias, flops, after, feasible(plan.space, after)))
    return found


def _put(choices: Sequence[int | None], index: int, answer: int | None) -> tuple[int | None, ...]:
    return (*choices[:index], answer, *choices[index + 1 :])


def _axis(
    axis: str,
    kernel: _Kernel,
    tied: tuple[str, ...],
    options: Sequence[_Option],
    slot: Slot,
    most: int,
) -> AxisSwaps:
    value = _value(axis, kernel.bias)
    kernels = [option for option in options if option.layer is not None]
    other = [option for option in kernels if _value(axis, option.bias) != value]
    without = [
        option
        for option in options
        if option.layer is None and axis == "support" and value != Support.POINT
    ]
    size = []
    if not other and not without:
        size = [option for option in kernels if _size(axis, option.bias, kernel.bias) > 0]
    chosen = [
        *_nearest(axis, kernel, [option for option in other if option.feasible], most),
        *[option for option in without if option.feasible],
        *_closest(axis, kernel, [option for option in size if option.feasible], most),
    ]
    reason = ""
    if not chosen:
        if len(slot.choices) == 1 and not options:
            reason = "the space offers nothing else here"
        elif other or without or size:
            reason = f"no choice here with other {axis} meets the constraints"
        else:
            reason = f"every choice here has {value_words(axis, value)}"
    return AxisSwaps(
        layer=kernel.layer.name,
        axis=axis,
        value=value,
        label=kernel.layer.label,
        tied=tied,
        swaps=tuple(_swap(axis, kernel, option) for option in chosen),
        reason=reason,
    )


def _nearest(
    axis: str, kernel: _Kernel, options: Sequence[_Option], most: int
) -> Sequence[_Option]:
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
        place = (_far(axis, kernel, option), _value(axis, option.bias))
        turns.append(seen.get(place, 0))
        seen[place] = turns[-1] + 1
    rounds = sorted(
        zip(turns, ordered, strict=True), key=lambda pair: (_far(axis, kernel, pair[1]), pair[0])
    )
    tied = sum(far == least for far, _ in seen)
    return [option for _, option in rounds[: max(most, min(tied, MOST_TIED))]]


def _closest(
    axis: str, kernel: _Kernel, options: Sequence[_Option], most: int
) -> Sequence[_Option]:
    """Those of another size: fewest other axes, then the nearest figure, then cost."""
    return sorted(
        options,
        key=lambda option: (
            _far(axis, kernel, option),
            _size(axis, option.bias, kernel.bias),
            _cost(kernel, option),
        ),
    )[:most]


def _swap(axis: str, kernel: _Kernel, option: _Option) -> Swap:
    value, other = _value(axis, kernel.bias), _value(axis, option.bias)
    differs: Difference = "size" if value == other else "value"
    layer = option.layer
    return Swap(
        layer=kernel.layer.name,
        axis=axis,
        value=value,
        other=other,
        differs="absent" if layer is None else differs,
        family=None if layer is None else layer.family,
        params=None if layer is None else dict(layer.params),
        label=LEFT_OUT if layer is None else layer.label,
        also=_also(axis, kernel.bias, option.bias),
        architecture=option.architecture,
    )


def _value(axis: str, bias: Bias) -> str:
    return str(getattr(bias, axis))


def _also(axis: str, one: Bias, other: Bias) -> tuple[str, ...]:
    return tuple(
        name for name in AXES if name != axis and getattr(one, name) != getattr(other, name)
    )


def _far(axis: str, kernel: _Kernel, option: _Option) -> int:
    return len(_also(axis, kernel.bias, option.bias))


def _cost(kernel: _Kernel, option: _Option) -> float:
    return abs(math.log((option.flops + 1) / (kernel.flops + 1)))


def _size(axis: str, one: Bias, other: Bias) -> float:
    """How far the axis's figures are apart: Σ |ln((a + 1)/(b + 1))|, unknown ones counting as 0."""
    pairs = [(getattr(one, name) or 0, getattr(other, name) or 0) for name in FIGURES.get(axis, ())]
    return sum(abs(math.log((a + 1) / (b + 1))) for a, b in pairs)
