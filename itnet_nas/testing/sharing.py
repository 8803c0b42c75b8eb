"""Checks of the declared sharing: under which moves of the positions the rule stays the same.

A sharing is declared as the largest group of moves, so that two things are asked: its own moves
change nothing, and those of a larger group change something. Moves are tried exactly, with a patch
of real positions that is moved about in a masked field; so a rule that reads the content can be
tried as well as a fixed one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from itnet_nas.axes import Sharing
from itnet_nas.integral.positions import coordinates
from itnet_nas.testing.bench import Placed, demand, nothing_here, worst

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.testing.bench import Bench

SAME = 1e-9  # relative; a rule that differs at all differs by far more than this


def sharing_is_as_declared(bench: Bench) -> None:
    """The declared group is the largest one: its moves change nothing, a larger group's would.

    permutation    positions are exchanged
    translation    a patch is moved by one, along each axis; points are moved all together
    periodic       not by one, but some longer move along an axis changes nothing
    otherwise      no move does, up to half of an axis
    """
    declared = bench.family.bias(bench.params).sharing
    op = bench.place(bench.stirred())
    blind = permutation_gap(bench, op)
    if declared is Sharing.PERMUTATION:
        demand(blind <= SAME, f"declared permutation-shared, but exchanging positions changes the "
                              f"output by {blind:.1e}")  # fmt: skip
        return
    demand(blind > SAME, f"declared {declared}, but it is blind to positions: declare permutation")
    if bench.site.domain.kind == "points":
        nothing_here(op.x_BNA is None, "points that stand nowhere cannot be moved")
        moved = _points_gap(bench, op)
    else:
        moved = max(translation_gap(bench, op, axis, 1) for axis in _axes(bench))
    if declared is Sharing.TRANSLATION:
        demand(moved <= SAME, f"declared translation-shared, but moving a patch changes its output "
                              f"by {moved:.1e}")  # fmt: skip
        return
    demand(moved > SAME, f"declared {declared}, but moving a patch changes nothing: declare "
                         f"translation")  # fmt: skip
    if bench.site.domain.kind != "points":
        _a_period_is_declared(bench, op, declared)


def permutation_gap(bench: Bench, op: Placed) -> float:
    """What exchanging positions changes; causal: at the last one, by exchanging those before it."""
    u_BND = bench.field()
    length = bench.site.length
    fixed = 1 if bench.site.causal else 0
    generator = torch.Generator().manual_seed(4)
    order_N = torch.arange(length)
    order_N[: length - fixed] = torch.randperm(length - fixed, generator=generator)
    with torch.no_grad():
        y_BND, moved_BND = op(u_BND), op(u_BND[:, order_N])
    if bench.site.causal:
        return worst(moved_BND[:, -1], y_BND[:, -1])
    return worst(moved_BND, y_BND[:, order_N])


def translation_gap(bench: Bench, op: Placed, axis: int, by: int) -> float:
    """What moving a patch of real positions along one axis changes in its own output."""
    shape = bench.site.domain.shape
    stride = 1 if axis == len(shape) - 1 else shape[-1]
    patch_N = torch.nonzero(coordinates(shape)[:, axis] < shape[axis] - by).flatten()
    u_BND = bench.field()
    outputs: list[Tensor] = []
    for start in (0, by * stride):
        mask_BN = torch.zeros(u_BND.shape[:2], dtype=torch.bool)
        mask_BN[:, patch_N + start] = True
        moved_BND = torch.zeros_like(u_BND)
        moved_BND[:, patch_N + start] = u_BND[:, patch_N]
        with torch.no_grad():
            outputs.append(op(moved_BND, mask_BN)[:, patch_N + start])
    return worst(outputs[1], outputs[0])


def _a_period_is_declared(bench: Bench, op: Placed, declared: Sharing) -> None:
    """periodic: some move changes nothing; position-specific: none does."""
    shape = bench.site.domain.shape
    whole = declared is Sharing.PERIODIC  # a patch of two positions shows a period, if there is one
    kept = None
    for axis in _axes(bench):
        furthest = shape[axis] - 2 if whole else shape[axis] // 2
        for by in range(2, furthest + 1):
            if kept is None and translation_gap(bench, op, axis, by) <= SAME:
                kept = by
    if declared is Sharing.PERIODIC:
        nothing_here(kept is None and len(shape) > 1, f"{shape} is too small to see a period")
        demand(kept is not None, f"declared periodic, but no move by up to {max(shape) - 2} "
                                 f"positions keeps the output of a patch")  # fmt: skip
    else:
        demand(kept is None, f"declared {declared}, but moving a patch by {kept} changes nothing: "
                             f"declare periodic")  # fmt: skip


def _points_gap(bench: Bench, op: Placed) -> float:
    """What moving all points by the same step changes."""
    x_BNA = op.x_BNA
    if x_BNA is None:
        return 0.0
    away_A = torch.arange(1.0, 1.0 + x_BNA.shape[-1], dtype=x_BNA.dtype)
    with torch.no_grad():
        return worst(Placed(op.op, x_BNA + away_A)(bench.field()), op(bench.field()))


def _axes(bench: Bench) -> range:
    return range(len(bench.site.domain.shape))
