"""What the tricky operators import, by every way there is."""

from __future__ import annotations

import math

import torch
from torch import Tensor

SCALES = {name: value for name, value in zip(("half", "twice"), (0.5, 2.0), strict=True)}


def double(u: Tensor) -> Tensor:
    return u * SCALES["twice"]


def halve(u: Tensor) -> Tensor:
    return u * SCALES["half"]


def _table(size: int) -> list[float]:
    return [_entry(place) for place in range(size)]


def _entry(place: int) -> float:
    return math.cos(place)


TABLE = _table(4)  # calls a function that calls another when the module is loaded


class Clash:
    """A class that two modules call the same."""

    scale = 3.0


def weigh(u: Tensor) -> Tensor:
    return u * torch.tensor(TABLE).sum() * Clash.scale
