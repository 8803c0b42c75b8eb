"""How much a pair of positions is ruled by a third one: what is beyond a pairwise kernel.

    H_ijm = ∂J_ij / ∂u_m = ∂²y_i / ∂u_j ∂u_m
    beyond = Σ_i Σ_{j≠i} Σ_{m∉{i,j}} ‖H_ijm‖²  /  Σ_i Σ_{j≠i} Σ_m ‖H_ijm‖²

The sums run over real positions, m = i and m = j with them below the line alone. A kernel that
reads two positions and what stands there gives exactly 0. A normaliser, a path between the two and
feedback give more.

Second derivatives do not exist for fused kernels, so rows are compared at two fields. Every real
position is moved at once, each channel by ±s at random: the change of the block J_ij has on average
the energy s² Σ_m ‖H_ijm‖². Then half of the positions other than i, drawn anew for each row: where
j is not among them, the energy is s² / 2 Σ_{m∉{i,j}} ‖H_ijm‖², and j is not among them half of the
time. So every pass asks about every m, and what has to be 0 is 0 in each of them.

Shapes  B examples, N positions, D channels, T rows of each example, S draws again
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn

from itnet_nas.nn.probe.interval import Resamples, estimate
from itnet_nas.nn.probe.rows import Field, pulled_back

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from itnet_nas.nn.probe.budget import Budget
    from itnet_nas.nn.probe.rows import Run
    from itnet_nas.results.measured import Estimate


def beyond_pairwise(
    op: Run,
    u_BND: Tensor,
    mask_BN: Tensor | None,
    x_BNA: Tensor | None,
    budget: Budget,
    generator: Generator,
) -> tuple[Estimate | None, str, int]:
    """(the share, or None and why it is not there, rows that were pulled back).

    `budget.third_positions` positions i of each example are drawn from those that are real, and
    four rows are read for each. A module is copied to float64, unless its device has none; any
    other callable is run in the dtype of `u_BND`.
    """
    if not budget.third_positions:
        return None, "this budget does not ask for it", 0
    run, given = _precisely(op, Field(u_BND.detach(), mask_BN, x_BNA))
    if int(given.real_BN.sum(1).max()) < 3:
        return None, "there is no third position", 0
    asked = budget.third_positions
    real_BN, like = given.real_BN, given.u_BND
    at_TBN = _drawn(real_BN, asked, generator)
    v_TBND = _signs(asked, like, generator) * at_TBN.unsqueeze(-1)
    others_TBN = real_BN & ~at_TBN
    half_TBN = others_TBN & (_uniform(asked, like, generator)[..., 0] < 0.5)
    # The error of a central difference grows with the square of its step, that of rounding with
    # the inverse.
    small = torch.finfo(like.dtype).eps ** (1 / 3)
    step_TBND = small * _size(given) * _signs(asked, like, generator)
    level_TBN, change_TBN = _changes(run, given, v_TBND, step_TBND * real_BN.unsqueeze(-1))
    _, by_half_TBN = _changes(run, given, v_TBND, step_TBND * half_TBN.unsqueeze(-1))
    rows = 4 * asked * len(given)
    level_TB, change_TB = ((e_TBN * others_TBN).sum(-1) for e_TBN in (level_TBN, change_TBN))
    third_TB = 4 * (by_half_TBN * (others_TBN & ~half_TBN)).sum(-1)
    if float(level_TB.sum()) <= torch.finfo(like.dtype).eps * float(level_TBN.sum()):
        return None, "no position acts on another one", rows
    # Moved by the size of the input, the kernel would change by less than the step.
    if float(change_TB.sum()) <= 4 * small**4 * float(level_TB.sum()):
        return None, "the kernel does not change with the input", rows
    again = Resamples(asked, 1, len(given), budget.resamples, generator)
    share_S = again.ratio(third_TB.unsqueeze(1).cpu(), change_TB.unsqueeze(1).cpu())
    return estimate(share_S, 0, 1), "", rows


def _precisely(op: Run, given: Field) -> tuple[Run, Field]:
    """A module in float64 with its field; as they are where that is not to be had."""
    if not isinstance(op, nn.Module) or given.u_BND.device.type == "mps":
        return op, given
    x_BNA = None if given.x_BNA is None else given.x_BNA.double()
    return copy.deepcopy(op).double(), Field(given.u_BND.double(), given.mask_BN, x_BNA)


def _drawn(real_BN: Tensor, asked: int, generator: Generator) -> Tensor:
    """at_TBN: for each row one of the real positions."""
    draw_TBN = torch.rand(asked, *real_BN.shape, generator=generator).to(real_BN.device)
    place_TB1 = (draw_TBN + real_BN).argmax(-1, keepdim=True)
    return torch.zeros_like(draw_TBN, dtype=torch.bool).scatter(-1, place_TB1, True) & real_BN


def _uniform(asked: int, like_BND: Tensor, generator: Generator) -> Tensor:
    return torch.rand(asked, *like_BND.shape, generator=generator).to(like_BND)


def _signs(asked: int, like_BND: Tensor, generator: Generator) -> Tensor:
    return 1 - 2 * torch.randint(2, (asked, *like_BND.shape), generator=generator).to(like_BND)


def _size(given: Field) -> Tensor:
    """Root of the mean square of what really stands there, in all examples; 1 where it is 0."""
    square = given.u_BND[given.real_BN].square().mean()
    return torch.where(square > 0, square, 1).sqrt()


def _changes(op: Run, given: Field, v_TBND: Tensor, step_TBND: Tensor) -> tuple[Tensor, Tensor]:
    """Energies at each position, of rows and of their difference over two steps: e_TBN both."""
    asked, batch = v_TBND.shape[:2]
    here = given.take(torch.arange(batch, device=v_TBND.device).repeat(asked))
    step_QND = step_TBND.flatten(0, 1)
    up_QND, down_QND = (
        pulled_back(op, Field(u_QND, here.mask_BN, here.x_BNA), v_TBND.flatten(0, 1)[None])[0]
        for u_QND in (here.u_BND + step_QND, here.u_BND - step_QND)
    )
    level_QN = (up_QND.square() + down_QND.square()).sum(-1) / 2
    change_QN = (up_QND - down_QND).square().sum(-1)
    return level_QN.reshape(asked, batch, -1), change_QN.reshape(asked, batch, -1)
