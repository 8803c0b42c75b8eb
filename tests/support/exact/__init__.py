"""Families beside the public systems that they are special cases of: one file of rows per family.

A row names a system, and gives it with the weights of an operator of ours. Outputs and gradients
are then compared in float64. `rows()` finds every row; the table of `docs/operator.md` shows them.

Shapes  B examples, N positions, D channels, A coordinates of a point
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from itnet_nas.integral import apply_dense
from itnet_nas.kernels import Domain, Operator, Site
from itnet_nas.registry import KERNELS
from itnet_nas.testing.bench import Bench

SEQUENCE = Site(domain=Domain(kind="sequence", shape=(24,)), width=8)
CAUSAL = Site(domain=Domain(kind="sequence", shape=(24,), causal=True), width=8)
GRID = Site(domain=Domain(kind="grid", shape=(5, 6)), width=8)
POINTS = Site(domain=Domain(kind="points", shape=(14,), coordinates=3), width=8)


class Leaf(NamedTuple):
    """A weight of ours, the one of theirs that holds the same, and how theirs is read as ours."""

    ours: Tensor
    theirs: Tensor
    as_ours: Callable[[Tensor], Tensor] = lambda theirs: theirs


class Twin(NamedTuple):
    """The other system with copied weights: (u_BND, x_BNA) -> y_BND.

    A reference loop that reads our own parameters lists each as Leaf(p, p).
    """

    run: Callable[[Tensor, Tensor | None], Tensor]
    leaves: Sequence[Leaf] = ()


def dense_twin(op: Operator) -> Twin:
    """The integral with the operator's own kernel written out."""

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        return apply_dense(op.dense_kernel(u_BND, None, x_BNA), u_BND)

    return Twin(run, [Leaf(p, p) for p in op.parameters()])


@dataclass(frozen=True)
class Row:
    """One claim: this family at these params is that system."""

    family: str
    system: str  # "torch.nn.Conv1d, 5 taps, dilation 2"
    site: Site
    twin: Callable[[Any], Twin]  # from the operator in float64, whose weights it may overwrite
    params: Mapping[str, Any] = field(default_factory=dict)
    sense: str = ""  # where it holds in a qualified sense only: "given the trajectory", …

    def __str__(self) -> str:
        return f"{self.family} is {self.system}"


class Gap(NamedTuple):
    """Largest absolute differences."""

    output: float
    gradient: float


def gap(row: Row) -> Gap:
    """Outputs, and gradients of the input and of every weight that both have."""
    family = KERNELS.load(row.family)
    bench = Bench(family, family.Params(**row.params), row.site)
    op: Operator = bench.build()
    twin = row.twin(op)
    u_BND, x_BNA = bench.field().requires_grad_(), bench.places()
    weight_BND = bench.field(seed=2)
    ours_BND, theirs_BND = op(u_BND, None, x_BNA), twin.run(u_BND, x_BNA)
    output = _far(ours_BND, theirs_BND)
    ours = [u_BND, *(leaf.ours for leaf in twin.leaves)]
    theirs = [u_BND, *(leaf.theirs for leaf in twin.leaves)]
    ours_grads = torch.autograd.grad((ours_BND * weight_BND).sum(), ours)
    their_grads = torch.autograd.grad((theirs_BND * weight_BND).sum(), theirs)
    reads = [lambda grad: grad, *(leaf.as_ours for leaf in twin.leaves)]
    gaps = [
        _far(mine, read(other))
        for mine, other, read in zip(ours_grads, their_grads, reads, strict=True)
    ]
    return Gap(output, max(gaps))


def _far(a: Tensor, b: Tensor) -> float:
    assert a.shape == b.shape, f"{tuple(a.shape)} is not {tuple(b.shape)}"
    return float((a - b).detach().abs().max())


def rows() -> list[Row]:
    """Every row, sorted by family and system."""
    found: list[Row] = []
    for module in pkgutil.iter_modules(__path__):
        found += importlib.import_module(f"{__name__}.{module.name}").ROWS
    return sorted(found, key=str)
