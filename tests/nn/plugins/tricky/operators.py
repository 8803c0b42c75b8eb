"""Operators that use the language in more ways than most."""

from __future__ import annotations

import functools
import math as m
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch
import torch.utils.checkpoint
from torch import nn

import tricky.helpers
from itnet_nas.kernels import Operator
from tricky import helpers

from .helpers import Clash
from .helpers import double as twice

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.kernels import Site

try:
    from torch.nn.functional import relu as positive
except ImportError:
    positive = None

# A comment above a constant is not part of it.
LIMIT = 10
LIMIT += 1


@dataclass(frozen=True)
class Window:
    """Named by a field of another class before that is defined."""

    size: int = LIMIT


class Base(Operator):
    """Shared by both."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain_D = nn.Parameter(torch.ones(width))

    def scaled(self, u_BND: Tensor) -> Tensor:
        return u_BND * self.gain_D


def traced(function: Any) -> Any:
    @functools.wraps(function)
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


@final
class Tricky(Base):
    """Every way to reach a name, in one."""

    window = Window()

    def __init__(self, width: int, mode: str = 'a"b', *, sizes: tuple[int, ...] = (1,)) -> None:
        super().__init__(width)
        self.mode = mode
        self.sizes = sizes

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return torch.from_numpy(np.array(u_BND))

    # This comment belongs to `forward`.
    @traced
    def forward(self, u_BND: Tensor, mask_BN: Tensor | None = None, site: Site = None) -> Tensor:
        from .helpers import weigh

        double = 1.0  # hides nothing: the function is known as `twice` here
        scaled: Site | Tensor = self.scaled(u_BND) * double
        é = scaled + twice(scaled) + helpers.halve(scaled) + tricky.helpers.double(u_BND)
        total = sum(LIMIT for LIMIT in range(3)) + LIMIT + self.window.size + Clash.scale
        é = torch.utils.checkpoint.checkpoint(positive, é, use_reentrant=False)
        return weigh(é) * m.sqrt(total) + len(self.sizes) + (lambda twice: twice)(1.0)


class KeepsReference(Operator):
    """Falls back on its reference."""

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return self.reference(u_BND, mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND + 1


class NeedsNumpy(Operator):
    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND * float(np.sqrt(2.0))

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND


class UsesAModule(Operator):
    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return vars(helpers)["double"](u_BND)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND


class LastIsReference(Operator):
    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND

    # Only of the reference.
    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND


class Reader(nn.Module):
    """A head of its own: an attribute that is read, one that is not, a buffer, a parameter."""

    def __init__(self, facts: object, width: int) -> None:
        super().__init__()
        self.facts = facts
        self.scale = 2.0
        self.pick = nn.Sequential(nn.Linear(width, 5, bias=False), nn.Dropout(0.25))
        self.shift = nn.Parameter(torch.randn(5))
        self.register_buffer("saved", torch.arange(5.0))
        self.register_buffer("unsaved", torch.arange(5), persistent=False)

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return self.pick(u_BND) * self.scale + self.shift + self.saved + self.unsaved
