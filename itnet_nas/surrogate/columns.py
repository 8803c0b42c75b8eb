"""The variables of one layer, and their columns: see `encoding`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from itnet_nas.arch.architecture import choice_text
from itnet_nas.axes import AXES

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from itnet_nas.arch.plan import Slot

    Floats = NDArray[np.float64]

ABSENT = "absent"


@final
@dataclass(frozen=True)
class Block:
    """One variable of a slot: the row of each choice, None where it does not count."""

    rows: tuple[Floats | None, ...]
    absent: Floats | None
    columns: int
    half: float

    def of(self, choice: int | None) -> Floats | None:
        """The row of a choice; of None that of a layer that is absent."""
        return self.absent if choice is None else self.rows[choice]


@final
class SlotColumns:
    """The variables of one layer, or of one place of a tied motif."""

    def __init__(self, slot: Slot) -> None:
        families = [choice.family for choice in slot.choices]
        kinds = {name: place for place, name in enumerate([*dict.fromkeys(families), ABSENT])}
        self.blocks = {"choice": _names(families, kinds, absent=ABSENT)}
        seen = {_partition(families)}
        for axis in AXES:
            values = [str(getattr(choice.bias, axis)) for choice in slot.choices]
            split = _partition(values)
            if len(set(values)) > 1 and split not in seen:
                seen.add(split)
                places = {value: place for place, value in enumerate(dict.fromkeys(values))}
                self.blocks[axis] = _names(values, places)
        for family in dict.fromkeys(families):
            mine = [choice.params for choice in slot.choices if choice.family == family]
            for name in dict.fromkeys(name for params in mine for name in params):
                block = _param(slot, family, name)
                if block is not None:
                    self.blocks[f"{family} {name}"] = block


def _names(values: Sequence[str], places: dict[str, int], absent: str | None = None) -> Block:
    eye = np.eye(len(places))
    return Block(
        rows=tuple(eye[places[value]] for value in values),
        absent=None if absent is None else eye[places[absent]],
        columns=len(places),
        half=1.0,
    )


def _param(slot: Slot, family: str, name: str) -> Block | None:
    """A parameter of one family; None where it has one value alone."""
    missing = object()
    given = [
        choice.params.get(name, missing) if choice.family == family else missing
        for choice in slot.choices
    ]
    # Told apart by their text, since 1, 1.0 and True are equal and lists cannot be hashed.
    text = {choice_text("", {"": v}): v for v in given if v is not missing}
    if len(text) < 2:
        return None
    numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in text.values())
    order = sorted(text, key=lambda t: (text[t] if numbers else 0, t))
    place = {key: index for index, key in enumerate(order)}
    count = len(order)
    eye = np.eye(count)
    rows: list[Floats | None] = []
    for value in given:
        if value is missing:
            rows.append(None)
            continue
        at = place[choice_text("", {"": value})]
        rows.append(steps(at, count) if numbers else eye[at])
    return Block(tuple(rows), None, count - 1 if numbers else count, 0.5 if numbers else 1.0)


def steps(place: int, count: int) -> Floats:
    """±1 per step between `count` ordered values, divided by √(count − 1)."""
    if count < 2:
        return np.zeros(1)
    return np.asarray(np.where(np.arange(count - 1) < place, 1.0, -1.0) / np.sqrt(count - 1))


def _partition(values: Sequence[Hashable]) -> tuple[int, ...]:
    """Which of them are alike, whatever they are called."""
    first: dict[Any, int] = {}
    return tuple(first.setdefault(value, len(first)) for value in values)
