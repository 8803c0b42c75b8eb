"""Which points stand near a point: exactly, and whatever the order in which they are given.

    knn      the k nearest points to each one, itself among them
    radius   of these, those within a distance

Distances are taken from differences of coordinates, around the middle of a cloud, so that moving it
as a whole changes nothing but roundings. They are compared in float32; equal ones are told apart by
the order of coordinates, so that only points at one and the same place are told apart by theirs in
the list. The choice itself has no gradient.

Shapes  B examples, N positions, A coordinates, K neighbours, D channels
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

AT_ONCE = 1 << 18  # distances that are held at a time: they stay in the cache


def centred(x_BNA: Tensor, mask_BN: Tensor | None = None) -> Tensor:
    """Coordinates around the mean of the real points; 0 where a point is not real."""
    if mask_BN is None:
        return x_BNA - x_BNA.mean(1, keepdim=True)
    real_BN1 = mask_BN.unsqueeze(-1)
    x_BNA = x_BNA.masked_fill(~real_BN1, 0)
    mean_B1A = x_BNA.sum(1, keepdim=True) / real_BN1.sum(1, keepdim=True).clamp(min=1)
    return (x_BNA - mean_B1A).masked_fill(~real_BN1, 0)


@torch.no_grad()
def nearest(
    x_BNA: Tensor, count: int, mask_BN: Tensor | None = None, radius: float | None = None
) -> tuple[Tensor, Tensor]:
    """(index_BNK, there_BNK) with K = min(count, N), from the nearest on.

    Where fewer than K real points stand near enough, `there` is False and `index` the point itself.
    O(N²) operations in blocks of queries; memory O(N · K) and a block.
    """
    batch, length, _ = x_BNA.shape
    x_BNA = centred(x_BNA, mask_BN)
    rank_BN = _rank(x_BNA)
    never = torch.iinfo(torch.int64).max
    block = max(1, AT_ONCE // (batch * length))
    indices, found = [], []
    for start in range(0, length, block):
        # By differences: the way by products loses what is near and far from the origin.
        far_BCN = torch.cdist(
            x_BNA[:, start : start + block], x_BNA, compute_mode="donot_use_mm_for_euclid_dist"
        ).float()
        # Bits of a number that is not negative grow with it; the rank fills the lower half.
        key_BCN = (far_BCN.view(torch.int32).long() << 31) + rank_BN.unsqueeze(1)
        if mask_BN is not None:
            key_BCN = key_BCN.masked_fill(~mask_BN.unsqueeze(1), never)
        if radius is not None:
            key_BCN = key_BCN.masked_fill(far_BCN > radius, never)
        key_BCK, index_BCK = key_BCN.topk(min(count, length), largest=False)
        indices.append(index_BCK)
        found.append(key_BCK < never)
    index_BNK, there_BNK = torch.cat(indices, 1), torch.cat(found, 1)
    itself_N1 = torch.arange(length, device=x_BNA.device).unsqueeze(-1)
    if mask_BN is not None:
        there_BNK = there_BNK & mask_BN.unsqueeze(-1)
    return torch.where(there_BNK, index_BNK, itself_N1), there_BNK


def _rank(x_BNA: Tensor) -> Tensor:
    """Place of each point when they are sorted by their coordinates, the last one first of all."""
    order_BN = torch.arange(x_BNA.shape[1], device=x_BNA.device).expand(x_BNA.shape[:2])
    for x_BN in x_BNA.unbind(-1):
        again_BN = x_BN.gather(1, order_BN).argsort(dim=1, stable=True)
        order_BN = order_BN.gather(1, again_BN)
    return order_BN.argsort(1)


def at_neighbours(v_BND: Tensor, index_BNK: Tensor) -> Tensor:
    """v_BNKD: what stands at each neighbour."""
    batch, length, count = index_BNK.shape
    flat_BPD = index_BNK.reshape(batch, -1, 1).expand(-1, -1, v_BND.shape[-1])
    return v_BND.gather(1, flat_BPD).reshape(batch, length, count, -1)


def near_matrix(index_BNK: Tensor, there_BNK: Tensor) -> Tensor:
    """near_BNN: booleans, whether j is a neighbour of i; for small N."""
    length = index_BNK.shape[1]
    hit_BNKN = index_BNK.unsqueeze(-1) == torch.arange(length, device=index_BNK.device)
    return (hit_BNKN & there_BNK.unsqueeze(-1)).any(2)
