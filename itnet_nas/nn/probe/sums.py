"""What a probe keeps of the rows that it reads: sums over positions and channels of the input.

With e_j = ‖row_j‖² the energy of a row at position j, all of them without j = i but `own`:

    own     e_i                                              total   Σ_j e_j
    far     Σ_j e_j |j − i|                                  even    Σ_j e_j · mean distance
    past    Σ_{j < i} e_j                                    future  Σ_{j > i} e_j
    near    e_j by distance (of a cloud: by rank of distance)
    for two inputs b, b′ of the same rule
      meet    ⟨row(b), row(b′)⟩                              level   (total(b) + total(b′)) / 2
      overlap Σ_j √(e_j(b) e_j(b′))                          both    √(total(b) total(b′))
    for a move S that takes j to S j
      follow  2 ⟨row_ij(u), row_SiSj(Su)⟩                    each    ‖row_ij(u)‖² + ‖row_SiSj(Su)‖²

Past and future are compared as far as both reach, but in a causal domain, where the past alone
counts as what a row could see.

Two inputs share a rule only in the same surroundings. Where all positions are real and have no
places, every pair of examples does. Elsewhere the content of one example is put where the points
of another stand and under its mask, which makes one pair of each example.

What is smaller than the rounding of the largest block of its row is 0; so are masked positions.

Shapes  B examples, N positions, D channels, K rows of each example,
        P positions, C channels of them, X distances
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch

from itnet_nas.nn.probe.places import distances, ranks
from itnet_nas.nn.probe.rows import AT_ONCE, Field, rows

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.kernels.site import Domain
    from itnet_nas.nn.probe.moves import Move
    from itnet_nas.nn.probe.rows import Run


@final
@dataclass(frozen=True)
class Sums:
    """On the CPU, in float64. `kept` by name, as *_PCB, *_PCBX or *_PCBB.

    `in_pairs` says whether `meet` and its like hold every pair of examples (*_PCBB) or one of each
    (*_PCB). `moved` holds `follow` and `each` of every move.
    """

    kept: dict[str, Tensor]
    moved: dict[str, tuple[Tensor, Tensor]]
    in_pairs: bool
    rows: int  # of the Jacobian, over all examples


def summed(
    op: Run,
    field: Field,
    domain: Domain,
    position_P: Tensor,
    channel_C: Tensor,
    moves: list[Move],
    moved_inputs: int,
) -> Sums:
    """Read the rows at these positions and channels, and again after each of the moves.

    Only the first `moved_inputs` examples are moved; `follow` and `each` of the others are 0.
    """
    positions, channels = len(position_P), len(channel_C)
    position_K = position_P.repeat_interleave(channels)
    channel_K = channel_C.repeat(positions)
    seen = _Seen(field, domain, position_P)
    in_pairs = field.x_BNA is None and bool((field.real_BN == field.real_BN[:1]).all())
    other = None if in_pairs or len(field) < 2 else borrowed(field)
    pieces: list[dict[str, Tensor]] = []
    at_once = max(1, AT_ONCE // max(1, field.u_BND.numel()))
    for first in range(0, len(position_K), at_once):
        at_K, of_K = position_K[first : first + at_once], channel_K[first : first + at_once]
        index_K = torch.arange(first, first + len(at_K), device=at_K.device) // channels
        row_KBND, own_KB = _apart(rows(op, field, at_K, of_K), field.real_BN, at_K)
        e_KBN = row_KBND.square().sum(-1)
        piece = {"own": own_KB, **seen.sums(e_KBN, index_K)}
        if in_pairs:
            piece |= _every_pair(row_KBND, e_KBN)
        elif other is not None:
            again_KBND, _ = _apart(rows(op, other, at_K, of_K), field.real_BN, at_K)
            piece |= _one_pair(row_KBND, again_KBND)
        for move in moves:
            piece[f"follow {move.name}"], piece[f"each {move.name}"] = _followed(
                op, move, row_KBND, at_K, of_K, moved_inputs
            )
        pieces.append(piece)
    kept = {
        name: torch.cat([piece[name] for piece in pieces]).to("cpu", torch.float64)
        for name in pieces[0]
    }
    kept = {name: a.reshape(positions, channels, *a.shape[1:]) for name, a in kept.items()}
    moved = {m.name: (kept.pop(f"follow {m.name}"), kept.pop(f"each {m.name}")) for m in moves}
    read = (1 + (other is not None)) * len(field) + len(moves) * min(moved_inputs, len(field))
    return Sums(kept, moved, in_pairs, read * len(position_K))


def borrowed(field: Field) -> Field:
    """The places and mask of each example, with the content of the next one.

    Real positions are filled in order, from the first again where the next example has fewer.
    """
    real_BN, next_BN = field.real_BN, field.real_BN.roll(-1, 0)
    order_BN = torch.argsort((~next_BN).long(), dim=1, stable=True)
    at_BN = (real_BN.long().cumsum(1) - 1).clamp(min=0)
    from_BN = order_BN.gather(1, at_BN % next_BN.sum(1, keepdim=True).clamp(min=1))
    u_BND = field.u_BND.roll(-1, 0)
    u_BND = u_BND.gather(1, from_BN.unsqueeze(-1).expand_as(u_BND))
    return Field(torch.where(real_BN.unsqueeze(-1), u_BND, field.u_BND), field.mask_BN, field.x_BNA)


@final
class _Seen:
    """What every row could see, so that its energies are compared with that."""

    def __init__(self, field: Field, domain: Domain, position_P: Tensor) -> None:
        n_N = torch.arange(field.length, device=position_P.device)
        at_P1N = position_P[:, None, None]
        real_1BN = field.real_BN.unsqueeze(0)
        others_PBN = real_1BN & (n_N != at_P1N)
        self.far_PBN = distances(field, domain, position_P)
        self.before_PBN, self.after_PBN = others_PBN & (n_N < at_P1N), others_PBN & (n_N > at_P1N)
        count_PBN = self.before_PBN if domain.causal else others_PBN
        there_PB = count_PBN.sum(-1).clamp(min=1)
        self.even_PB = (self.far_PBN * count_PBN).sum(-1) / there_PB
        if domain.kind == "points":
            self.near_PBN = ranks(self.far_PBN, others_PBN)
        else:
            self.near_PBN = self.far_PBN.long()
        self.kinds = field.length + 1 if domain.kind == "points" else domain.extent
        if not domain.causal:
            reach_PB1 = torch.minimum(
                self._furthest(self.before_PBN), self._furthest(self.after_PBN)
            )
            within_PBN = self.far_PBN <= reach_PB1
            self.before_PBN, self.after_PBN = (
                self.before_PBN & within_PBN,
                self.after_PBN & within_PBN,
            )

    def _furthest(self, some_PBN: Tensor) -> Tensor:
        return (self.far_PBN * some_PBN).amax(-1, keepdim=True)

    def sums(self, e_KBN: Tensor, index_K: Tensor) -> dict[str, Tensor]:
        """Of rows at the positions with these numbers."""
        total_KB = e_KBN.sum(-1)
        # On the CPU, where adding up by index is deterministic.
        near_KBX = torch.zeros(*e_KBN.shape[:2], self.kinds, dtype=e_KBN.dtype)
        return {
            "total": total_KB,
            "far": (e_KBN * self.far_PBN[index_K]).sum(-1),
            "even": total_KB * self.even_PB[index_K],
            "past": (e_KBN * self.before_PBN[index_K]).sum(-1),
            "future": (e_KBN * self.after_PBN[index_K]).sum(-1),
            "near": near_KBX.scatter_add(-1, self.near_PBN[index_K].cpu(), e_KBN.cpu()),
        }


def _apart(row_KBND: Tensor, real_BN: Tensor, at_K: Tensor) -> tuple[Tensor, Tensor]:
    """(rows without their own position, energy there): only what is real, and no rounding."""
    real_KBN = real_BN[:, at_K].T.unsqueeze(-1) & real_BN
    row_KBND = torch.where(real_KBN.unsqueeze(-1), row_KBND, 0)
    e_KBN = row_KBND.square().sum(-1)
    rounding = (30 * torch.finfo(row_KBND.dtype).eps) ** 2
    kept_KBN = e_KBN > rounding * e_KBN.amax(-1, keepdim=True)
    k_K = torch.arange(len(at_K), device=at_K.device)
    own_KB = e_KBN[k_K, :, at_K]
    kept_KBN[k_K, :, at_K] = False
    return torch.where(kept_KBN.unsqueeze(-1), row_KBND, 0), own_KB


def _every_pair(row_KBND: Tensor, e_KBN: Tensor) -> dict[str, Tensor]:
    flat_KBF = row_KBND.flatten(2)
    # Roots first: the product of two small energies is less than float32 can hold.
    total_KB, root_KBN = e_KBN.sum(-1), e_KBN.sqrt()
    size_KB = total_KB.sqrt()
    return {
        "meet": flat_KBF @ flat_KBF.mT,
        "overlap": root_KBN @ root_KBN.mT,
        "level": (total_KB.unsqueeze(1) + total_KB.unsqueeze(2)) / 2,
        "both": size_KB.unsqueeze(1) * size_KB.unsqueeze(2),
    }


def _one_pair(row_KBND: Tensor, again_KBND: Tensor) -> dict[str, Tensor]:
    e_KBN, also_KBN = row_KBND.square().sum(-1), again_KBND.square().sum(-1)
    return {
        "meet": (row_KBND * again_KBND).sum((-1, -2)),
        "overlap": (e_KBN.sqrt() * also_KBN.sqrt()).sum(-1),
        "level": (e_KBN.sum(-1) + also_KBN.sum(-1)) / 2,
        "both": e_KBN.sum(-1).sqrt() * also_KBN.sum(-1).sqrt(),
    }


def _followed(
    op: Run, move: Move, row_KBND: Tensor, at_K: Tensor, of_K: Tensor, inputs: int
) -> tuple[Tensor, Tensor]:
    """(follow_KB, each_KB) over what the move kept inside; 0 where it lost the row itself."""
    field = move.field.take(torch.arange(min(inputs, row_KBND.shape[1]), device=at_K.device))
    to_K = move.to_N[at_K]
    # A row that fell over the edge is read at position 0, and not counted.
    moved_KBND = rows(op, field, to_K.clamp(min=0), of_K)
    moved_KBND, _ = _apart(moved_KBND, field.real_BN, to_K.clamp(min=0))
    stays_N = move.to_N >= 0
    there_KBND = moved_KBND[:, :, move.to_N[stays_N]]
    here_KBND = row_KBND[:, : len(field), stays_N]
    counts_K1 = (to_K >= 0).unsqueeze(-1).to(row_KBND.dtype)
    follow_KB = 2 * (here_KBND * there_KBND).sum((-1, -2)) * counts_K1
    each_KB = (here_KBND.square() + there_KBND.square()).sum((-1, -2)) * counts_K1
    rest = row_KBND.new_zeros(len(at_K), row_KBND.shape[1] - len(field))
    return torch.cat([follow_KB, rest], 1), torch.cat([each_KB, rest], 1)
