"""The order in which definitions can stand in one module."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from itnet_nas.nn.source import Unit

    Needs = Mapping[Unit, Sequence[tuple[Unit, bool]]]


def definition_order(needs: Needs, is_class: Callable[[Unit], bool]) -> list[Unit]:
    """Every unit, each behind what its definition reads and, if it can be, what its code calls.

    needs   unit -> (other unit, whether it is read when the unit is defined), in reading order
    """
    order: dict[Unit, None] = {}
    waiting: set[Unit] = set()

    def place(unit: Unit) -> None:
        if unit in waiting:
            return
        waiting.add(unit)
        for other in _needed_first(unit, needs, is_class):
            place(other)
        order[unit] = None

    for unit in _depth_first(needs):
        place(unit)
    return list(order)


def _needed_first(unit: Unit, needs: Needs, is_class: Callable[[Unit], bool]) -> list[Unit]:
    """What the definition reads; for functions among that, all that they read when called."""
    first: dict[Unit, None] = {}
    todo = [(unit, True)]
    while todo:
        here, immediate_only = todo.pop()
        for other, immediate in needs[here]:
            if (immediate or not immediate_only) and other != unit and other not in first:
                first[other] = None
                todo.append((other, is_class(other)))
    return list(first)


def _depth_first(needs: Needs) -> list[Unit]:
    """Units behind their needs of any kind, as far as circles allow: the order of reading."""
    entered: set[Unit] = set()
    order: list[Unit] = []

    def enter(unit: Unit) -> None:
        if unit in entered:
            return
        entered.add(unit)
        for other, _ in needs[unit]:
            enter(other)
        order.append(unit)

    for unit in needs:
        enter(unit)
    return order
