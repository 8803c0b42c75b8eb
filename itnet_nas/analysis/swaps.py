"""Swaps: the architecture with one layer's kernel replaced, to see what an axis of it was worth.

For a layer and an axis the other choices of the layer are asked, nearest first:

    value   those with another value of the axis: where some differ in that axis only, these alone,
            else by how many other axes differ too
    size    where there are none, those with another figure of the axis: radius and dilation belong
            to support, the state's size to state
    absent  of an optional layer also the network without it, for support: what is not there looks
            at nothing but the point itself
    beside  what another axis of the layer asks for, where it has another value of this one too: it
            is trained anyway, and a value without which something does as well is not needed

Equally near ones are taken in an order that shows other values of the axis first, then by cost:
|ln(FLOPs + 1) − ln(FLOPs' + 1)|. One architecture may serve several axes; it is trained once.

A motif whose copies are tied is swapped in all copies, and named by its first layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from itnet_nas.analysis.swap_options import (
    Kernel,
    Option,
    chosen,
    options_of,
    others,
    size_between,
    value_of,
    without,
)
from itnet_nas.arch.genotype import genotype_of
from itnet_nas.arch.plan import plan_of
from itnet_nas.axes import AXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.plan import Slot
    from itnet_nas.space.space import Space

Difference = Literal["value", "size", "absent"]

LEFT_OUT = "left out"


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
           are all kept, up to four, and what other axes ask for comes on top

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
            options = options_of(plan, genotype, index, names, architecture)
            kernel = Kernel(layers[names[0]], slot.choices[now].bias, slot.choices[now].cost.flops)
            asked = {axis: chosen(axis, kernel, options, most) for axis in AXES}
            trained = {one.architecture.key: one for group in asked.values() for one in group}
            tied = tuple(names[1:])
            found += [
                _axis(axis, kernel, tied, options, slot, asked[axis], trained.values())
                for axis in AXES
            ]
    return tuple(found)


def value_words(axis: str, value: str) -> str:
    """`window support`, `translation sharing`, `no state`, `pair content`."""
    return f"no {axis}" if value == "none" else f"{value} {axis}"


def _axis(
    axis: str,
    kernel: Kernel,
    tied: tuple[str, ...],
    options: Sequence[Option],
    slot: Slot,
    asked: Sequence[Option],
    trained: Iterable[Option],
) -> AxisSwaps:
    value = value_of(axis, kernel.bias)
    keys = {option.architecture.key for option in asked}
    beside = [
        option
        for option in trained
        if option.layer is not None
        and option.architecture.key not in keys
        and value_of(axis, option.bias) != value
    ]
    return AxisSwaps(
        layer=kernel.layer.name,
        axis=axis,
        value=value,
        label=kernel.layer.label,
        tied=tied,
        swaps=tuple(_swap(axis, kernel, option) for option in (*asked, *beside)),
        reason="" if asked else _reason(axis, kernel, options, slot),
    )


def _reason(axis: str, kernel: Kernel, options: Sequence[Option], slot: Slot) -> str:
    """Why an axis asks for nothing."""
    value = value_of(axis, kernel.bias)
    if len(slot.choices) == 1 and not options:
        return "the space offers nothing else here"
    kernels = [option for option in options if option.layer is not None]
    differ = any(
        value_of(axis, option.bias) != value or size_between(axis, option.bias, kernel.bias) > 0
        for option in kernels
    )
    if differ or without(axis, value, options):
        return f"no choice here with other {axis} meets the constraints"
    return f"every choice here has {value_words(axis, value)}"


def _swap(axis: str, kernel: Kernel, option: Option) -> Swap:
    value, other = value_of(axis, kernel.bias), value_of(axis, option.bias)
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
        also=others(axis, kernel.bias, option.bias),
        architecture=option.architecture,
    )
