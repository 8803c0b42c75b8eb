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
from itnet_nas.integral import DenseKernel, accelerator, apply_dense, one_head_per_channel
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

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        raise TypeError(np.array(u_BND))

    # This comment belongs to `forward`.
    @traced
    def forward(
        self,
        u_BND: Tensor,
        mask_BN: Tensor | None = None,
        x_BNA: Tensor | None = None,
        site: Site = None,
    ) -> Tensor:
        from .helpers import weigh

        double = 1.0  # hides nothing: the function is known as `twice` here
        scaled: Site | Tensor = self.scaled(u_BND) * double
        é = scaled + twice(scaled) + helpers.halve(scaled) + tricky.helpers.double(u_BND)
        total = sum(LIMIT for LIMIT in range(3)) + LIMIT + self.window.size + Clash.scale
        é = torch.utils.checkpoint.checkpoint(positive, é, use_reentrant=False)
        return weigh(é) * m.sqrt(total) + len(self.sizes) + (lambda twice: twice)(1.0)


class KeepsReference(Operator):
    """Falls back on its reference, and that on its kernel."""

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return self.reference(u_BND, mask_BN)

    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND + len(self.dense_kernel(u_BND, mask_BN))

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Any:
        return (u_BND,)


class Accelerated(Operator):
    """Asks for a kernel of another package."""

    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        fast = accelerator("nowhere_at_all:scan", u_BND.device.type, "nowhere").function
        return u_BND + 2 if fast is None else fast(u_BND)


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


@final
class EndsWithSlowForms(Operator):
    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return self._both(u_BND)

    def _both(self, u_BND: Tensor) -> Tensor:
        return u_BND

    # Only of the slow forms.
    def reference(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return self._both(apply_dense(self.dense_kernel(u_BND), u_BND))

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> DenseKernel:
        return DenseKernel(self._slow(u_BND), *one_head_per_channel(u_BND.shape[-1], u_BND))

    def _slow(self, u_BND: Tensor) -> Tensor:
        return self._slower(u_BND)

    @staticmethod
    def _slower(u_BND: Tensor) -> Tensor:
        return torch.eye(u_BND.shape[1]).expand(len(u_BND), u_BND.shape[-1], -1, -1)


class MayBeInherited(Operator):
    def forward(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Tensor:
        return u_BND

    def dense_kernel(
        self, u_BND: Tensor, mask_BN: Tensor | None = None, x_BNA: Tensor | None = None
    ) -> Any:
        return self._for_both(u_BND)

    def _for_both(self, u_BND: Tensor) -> Tensor:
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
