"""`LayerAnswer`: what one layer has to be, stated as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import StrEnum


@final
@dataclass(frozen=True)
class LayerAnswer:
    """The answer for one layer, in the order of the layers.

    family  the cheapest of the families that solve the task at this layer
    axes    axis -> the value that every solution has there; an axis is left out where solutions
            differ, where no other value can be had on this domain, or where the task is
            indifferent to it

    Solutions are sought among the families of the task's space in `search_spaces/planted`. Where
    another installed family is known to solve the task with another value, the task's page says so.
    """

    family: str
    axes: Mapping[str, StrEnum]
