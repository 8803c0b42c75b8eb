"""Which positions are probed, and how far every other position is from them.

Distances are counted in positions along a sequence; on a grid they are the longer of the two sides
(Chebyshev), so that a square window of radius r holds what lies within r; in a cloud they are those
of its points (Euclid).

Rows are taken from the interior: from the second and third quarter of the positions, along every
side of a grid, and from the third quarter in a causal domain, where a position late enough has a
past to look at. So every row sees at least a quarter of the domain on either side, and still lies
within it when the field is moved.

Shapes  B examples, N positions, P positions that are probed, A coordinates
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from itnet_nas.kernels.site import Domain
    from itnet_nas.nn.probe.rows import Field


def interior(field: Field, domain: Domain, count: int, generator: torch.Generator) -> Tensor:
    """`count` positions at random, in order, as position_P; fewer where there are fewer.

    Only positions that are real in at least half of the examples; where none is, those that are so
    in the most.
    """
    often_N = field.real_BN.float().mean(0).cpu()
    often_N = often_N >= torch.minimum(often_N.max(), torch.tensor(0.5))
    if domain.kind == "grid":
        height, width = domain.shape
        inside_N = torch.zeros(height, width, dtype=torch.bool)
        inside_N[slice(*_middle(height)), slice(*_middle(width))] = True
        chosen_N = (inside_N.flatten() & often_N).nonzero().flatten()
        if not len(chosen_N):  # a mask may have left nothing in the middle
            chosen_N = often_N.nonzero().flatten()
    else:
        chosen_N = often_N.nonzero().flatten()
        if domain.kind == "sequence":
            low, high = _middle(len(chosen_N))
            chosen_N = chosen_N[len(chosen_N) // 2 if domain.causal else low : high]
    order = torch.randperm(len(chosen_N), generator=generator)[:count]
    return chosen_N[order].sort().values.to(field.u_BND.device)


def _middle(length: int) -> tuple[int, int]:
    """The second and third quarter, one position at least."""
    return length // 4, max(length // 4 + 1, (3 * length + 3) // 4)


def offsets(domain: Domain, position_P: Tensor) -> Tensor:
    """offset_PNA: where each position of a sequence or grid stands, seen from those probed."""
    n_N = torch.arange(domain.length, device=position_P.device)
    if domain.kind == "grid":
        width = domain.shape[1]
        place_NA = torch.stack([n_N // width, n_N % width], -1)
    else:
        place_NA = n_N.unsqueeze(-1)
    return place_NA - place_NA[position_P].unsqueeze(1)


def distances(field: Field, domain: Domain, position_P: Tensor) -> Tensor:
    """far_PBN of every position from those probed; 0 everywhere in a set without places."""
    if domain.kind != "points":
        far_PN = offsets(domain, position_P).abs().max(-1).values
        return far_PN.unsqueeze(1).expand(-1, len(field), -1).to(field.u_BND)
    if field.x_BNA is None:
        return field.u_BND.new_zeros(len(position_P), len(field), field.length)
    x_PB1A = field.x_BNA[:, position_P].transpose(0, 1).unsqueeze(2)
    far_PBN: Tensor = torch.linalg.vector_norm(field.x_BNA - x_PB1A, dim=-1)
    return far_PBN


def ranks(far_PBN: Tensor, others_PBN: Tensor) -> Tensor:
    """rank_PBN: 1 for the nearest of the other positions, 2 for the next, and so on."""
    order_PBN = far_PBN.masked_fill(~others_PBN, torch.inf).argsort(stable=True, dim=-1)
    rank_PBN: Tensor = order_PBN.argsort(-1) + 1
    return rank_PBN
