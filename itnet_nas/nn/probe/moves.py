"""Moves of the positions, under which a shared rule is the same.

    sequence  "3"      by 3 positions towards the end
    grid      "0,1"    rows down, columns to the right; sides take turns
    cloud     "move"   every point by the same way, about as far as the cloud is wide
              "turn"   every point around the middle of the cloud, from two dimensions on
    set       "swap"   its points in another order

On a sequence or grid the content moves with the positions, what falls over the edge is lost, and
the gap is filled with what stands there in another example. In a cloud the points stay the same
ones, in the same order, with the same content.

Shapes  B examples, N positions, D channels, A coordinates
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch

from itnet_nas.nn.probe.rows import Field

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.kernels.site import Domain


@final
@dataclass(frozen=True)
class Move:
    """A moved field, and where each position went: -1 where it fell over the edge.

    `counts` is False for a turn, which is told apart: a rule may be the same everywhere, and yet
    know a direction.
    """

    name: str
    field: Field
    to_N: Tensor
    counts: bool = True


def moves(
    field: Field, domain: Domain, shifts: tuple[int, ...], generator: torch.Generator
) -> list[Move]:
    """The moves of a domain. None where it is too small for one."""
    if domain.kind != "points":
        return [_shifted(field, domain, steps) for steps in _steps(domain, shifts)]
    if field.x_BNA is None:
        order_N = torch.randperm(field.length, generator=generator).to(field.u_BND.device)
        return [_carried(field, "swap", order_N)] if field.length > 1 else []
    stay_N = torch.arange(field.length, device=field.u_BND.device)
    found = [Move("move", _translated(field, field.x_BNA, generator), stay_N)]
    if field.x_BNA.shape[-1] > 1:
        turned = _turned(field, field.x_BNA, generator)
        found.append(Move("turn", turned, stay_N, counts=False))
    return found


def _steps(domain: Domain, shifts: tuple[int, ...]) -> list[tuple[int, ...]]:
    """How far along each side; at most a quarter of it, so that probed positions stay inside."""
    found: list[tuple[int, ...]] = []
    for turn, shift in enumerate(shifts):
        sides = len(domain.shape)
        side = sides - 1 - turn % sides  # to the right, down, to the right, …
        far = min(shift, max(1, domain.shape[side] // 4))
        steps = tuple(far if side == at else 0 for at in range(sides))
        if domain.shape[side] > 1 and steps not in found:
            found.append(steps)
    return found


def _shifted(field: Field, domain: Domain, steps: tuple[int, ...]) -> Move:
    n_N = torch.arange(field.length, device=field.u_BND.device)
    rest_N, to_N, inside_N = n_N, torch.zeros_like(n_N), torch.ones_like(n_N, dtype=torch.bool)
    stride = 1
    for size, step in zip(reversed(domain.shape), reversed(steps), strict=True):
        at_N = rest_N % size + step
        inside_N &= at_N < size
        to_N = to_N + stride * at_N
        rest_N, stride = rest_N // size, stride * size
    name = ",".join(map(str, steps))
    return _carried(field, name, torch.where(inside_N, to_N, -1))


def _carried(field: Field, name: str, to_N: Tensor) -> Move:
    """Everything to its new position; what stands in another example fills the gap."""
    stays_N = to_N >= 0
    u_BND = field.u_BND.roll(1, 0)
    u_BND[:, to_N[stays_N]] = field.u_BND[:, stays_N]
    mask_BN = None
    if field.mask_BN is not None:
        mask_BN = field.mask_BN.roll(1, 0)
        mask_BN[:, to_N[stays_N]] = field.mask_BN[:, stays_N]
    return Move(name, Field(u_BND, mask_BN, field.x_BNA), to_N)


def _middle(field: Field, x_BNA: Tensor) -> tuple[Tensor, Tensor]:
    """(mean_B1A, size_B11): where the real points stand, and their distance from there."""
    real_BN1 = field.real_BN.unsqueeze(-1).to(x_BNA)
    count_B11 = real_BN1.sum(1, keepdim=True).clamp(min=1)
    # What stands at a position that is not real may be anything.
    x_BNA = torch.where(real_BN1 > 0, x_BNA, 0)
    mean_B1A = x_BNA.sum(1, keepdim=True) / count_B11
    square_BN1 = (x_BNA - mean_B1A).square().sum(-1, keepdim=True) * real_BN1
    return mean_B1A, (square_BN1.sum(1, keepdim=True) / count_B11).sqrt()


def _translated(field: Field, x_BNA: Tensor, generator: torch.Generator) -> Field:
    _, size_B11 = _middle(field, x_BNA)
    way_B1A = torch.randn(len(field), 1, x_BNA.shape[-1], generator=generator).to(x_BNA)
    way_B1A = way_B1A / way_B1A.norm(dim=-1, keepdim=True).clamp(min=1e-6)
    return Field(field.u_BND, field.mask_BN, x_BNA + way_B1A * size_B11)


def _turned(field: Field, x_BNA: Tensor, generator: torch.Generator) -> Field:
    """By a rotation drawn evenly from all of them: no mirror image."""
    mean_B1A, _ = _middle(field, x_BNA)
    axes = x_BNA.shape[-1]
    square_BAA = torch.randn(len(field), axes, axes, generator=generator, dtype=torch.float64)
    q_BAA, r_BAA = torch.linalg.qr(square_BAA)
    q_BAA = q_BAA * r_BAA.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)
    q_BAA[:, :, 0] *= torch.linalg.det(q_BAA).sign().unsqueeze(-1)
    return Field(field.u_BND, field.mask_BN, (x_BNA - mean_B1A) @ q_BAA.to(x_BNA).mT + mean_B1A)
