"""Kernels of low rank: a pair of positions meets through R numbers only, so no pair is ever formed.

    y[i] = Σ_j (φ[i]·ψ[j]) v[j] = φ[i]ᵀ S,    S = Σ_j ψ[j] v[j]ᵀ        two thin products, O(N·R·E)

Where j ≤ i alone may count, S runs along: S[i] = S[i − 1] + ψ[i] v[i]ᵀ. All its N values would take
N·R·E numbers, so it is kept at the ends of chunks of C positions, and inside a chunk pairs are
formed after all: memory O(N·(R + E + C + R·E / C)).

Source  low rank: ITNet (arXiv 2606.19538); in chunks as in arXiv 2312.06635
Shapes  B examples, H heads, N positions, D channels, R rank, E channels of a head, J chunks of C
        positions, A coordinates, F frequencies, M hidden numbers, X either B or 1
"""

from __future__ import annotations

import math
from typing import NamedTuple, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from itnet_nas.integral.evaluation import Evaluation, taken
from itnet_nas.integral.precision import at_least_float32

# Measured on one thread of a CPU: at most a third slower than the best for ranks from 16 to 64,
# one head or four, 256 to 4096 positions.
CHUNK = 32
FREQUENCIES = 16
_GELU = 0.425  # mean square of gelu of a standard normal number


@final
class FeatureMap(nn.Module):
    """(φ, ψ)(i) = A gelu(C u[i] + P (√2 cos ω x_i, √2 sin ω x_i) + c) + a, both of H R numbers.

    Without `content` there is no C, with `axes` 0 no P. ω is learned, from wavelengths of about 1
    on. White noise gives φ[i]·ψ[j] a variance of 1.
    """

    omega_AF: Tensor

    def __init__(self, width: int, heads: int, rank: int, content: bool, axes: int) -> None:
        super().__init__()
        self.heads = heads
        self.rank = rank
        self.content = nn.Linear(width, width, bias=False) if content else None
        self.place = nn.Linear(2 * FREQUENCIES, width, bias=False) if axes else None
        waves = nn.Parameter(2 * math.pi * torch.randn(axes, FREQUENCIES)) if axes else None
        self.register_parameter("omega_AF", waves)
        self.c_M = nn.Parameter(torch.zeros(width))
        self.last = nn.Linear(width, 2 * heads * rank)
        inputs = [part for part in (self.content, self.place) if part is not None]
        for part in inputs:
            nn.init.normal_(part.weight, std=(len(inputs) * part.in_features) ** -0.5)
        nn.init.normal_(self.last.weight, std=(_GELU * width * rank**0.5) ** -0.5)
        nn.init.zeros_(self.last.bias)

    def forward(self, u_BND: Tensor, x_XNA: Tensor) -> tuple[Tensor, Tensor]:
        """(φ, ψ), each (B, H, N, R), or (X, H, N, R) where u is not read."""
        hidden_XNM: Tensor = self.c_M
        if self.content is not None:
            hidden_XNM = hidden_XNM + self.content(u_BND)
        if self.place is not None:
            # A product of matrices would be rounded by autocast, and angles must not be.
            angle_XNF = (x_XNA.unsqueeze(-1) * self.omega_AF).sum(-2)
            wave_XNF = math.sqrt(2) * torch.cat([angle_XNF.cos(), angle_XNF.sin()], -1)
            hidden_XNM = hidden_XNM + self.place(wave_XNF)
        both = self.last(F.gelu(hidden_XNM)).unflatten(-1, (2, self.heads, self.rank))
        phi, psi = both.transpose(1, 3).unbind(2)
        return phi, psi


def low_rank_evaluations(length: int, causal: bool = False) -> tuple[Evaluation, ...]:
    """How `low_rank_mix` computes: by one sum, by all pairs, or in chunks."""
    short = causal and length <= CHUNK
    fits = f"{length} positions {'fit' if short else 'do not fit'} into one chunk of {CHUNK}"
    return (
        Evaluation(
            "sum",
            not causal,
            "each position has a sum of its own, of what came before it"
            if causal
            else "every position reads the same sum over all of them, so no pair is formed",
        ),
        Evaluation("pairs", short, fits if causal else "one sum serves every position"),
        Evaluation("chunks", causal and not short, fits if causal else "there is no past to sum"),
    )


def low_rank_mix(
    phi_BHNR: Tensor, psi_BHNR: Tensor, v_BHNE: Tensor, causal: bool = False
) -> Tensor:
    """y_BHNE. A position whose ψ or v is 0 takes no part.

    Products may be rounded by autocast; the running sum is kept in float32 at least.
    """
    length = v_BHNE.shape[2]
    way = taken(low_rank_evaluations(length, causal))
    if way == "sum":
        return phi_BHNR @ (psi_BHNR.mT @ v_BHNE)
    if way == "pairs":
        return _past(phi_BHNR @ psi_BHNR.mT) @ v_BHNE
    rest = -length % CHUNK
    phi, psi, v = (
        F.pad(part.contiguous(), (0, 0, 0, rest)).reshape(*part.shape[:2], -1, CHUNK, part.shape[3])
        for part in (phi_BHNR, psi_BHNR, v_BHNE)
    )
    inside_BHJCE = _past(phi @ psi.mT) @ v
    # The last sum is not asked for; leaving it out would copy ψ and v once more.
    sums_BHJRE = psi.mT @ v
    exact = at_least_float32(sums_BHJRE)
    before_BHJRE = F.pad(sums_BHJRE.to(exact).cumsum(2)[:, :, :-1], (0, 0, 0, 0, 1, 0))
    y_BHJCE: Tensor = inside_BHJCE + phi @ before_BHJRE.to(phi.dtype)
    return y_BHJCE.flatten(2, 3)[:, :, :length]


def _past(k_XCC: Tensor) -> Tensor:
    """k[i, j] where j ≤ i, else 0. A product, as `tril` and its gradient are 4 times slower."""
    return k_XCC * torch.ones(k_XCC.shape[-2:], dtype=k_XCC.dtype, device=k_XCC.device).tril()


class LowRankWork(NamedTuple):
    """What `low_rank_mix` does for one example: operations, and numbers rather than bytes."""

    flops: int
    written: int  # on the way, and read again
    kept: int  # for the backward pass, φ, ψ and v included


def low_rank_work(
    length: int, heads: int, rank: int, size: int, causal: bool = False
) -> LowRankWork:
    """With E = `size`; a last chunk is filled up, and the filling is counted, as it is computed.

    sum     4 N H R E operations
    pairs   2 N² H (R + E), and 1 for each pair to be left out or not
    chunks  2 C² H (R + E) + C² H and 4 C H R E + H R E for each of J chunks
    """
    way = taken(low_rank_evaluations(length, causal))
    features, sums = heads * (2 * rank + size), heads * rank * size
    if way == "sum":
        return LowRankWork(4 * length * sums, sums, length * features + sums)
    if way == "pairs":
        pairs = heads * length**2
        return LowRankWork(pairs * (2 * (rank + size) + 1), 2 * pairs, length * features + pairs)
    chunks = -(-length // CHUNK)
    filled, pairs = chunks * CHUNK, chunks * CHUNK**2 * heads
    return LowRankWork(
        pairs * (2 * (rank + size) + 1) + 4 * filled * sums + chunks * sums,
        filled * (features + heads * size) + 2 * pairs + 2 * chunks * sums,
        filled * (features + heads * rank) + pairs + chunks * sums,
    )
