"""Low-rank kernels beside the same systems written otherwise: as loops, and as a full matrix."""

from __future__ import annotations

import math

import torch
from support.exact import CAUSAL, GRID, POINTS, SEQUENCE, Leaf, Row, Twin
from torch import Tensor, nn

from itnet_kernels.low_rank import LowRank
from itnet_nas.integral.positions import coordinates


def _is_a_mean(op: LowRank) -> None:
    """n^(−1), without a factor: the measure that the other systems have."""
    nn.init.ones_(op.scale_H)
    nn.init.ones_(op.power_H)


def _linear_attention(op: LowRank) -> Twin:
    """S ← S + ψ(u[n]) v[n]ᵀ, y[n] = φ(u[n])ᵀ S / n, head by head."""
    _is_a_mean(op)
    feature, heads = op.features, op.heads
    first, last = nn.Linear(8, 8, dtype=torch.float64), nn.Linear(8, 16, dtype=torch.float64)
    assert feature.content is not None
    first.load_state_dict({"weight": feature.content.weight, "bias": feature.c_M})
    last.load_state_dict(feature.last.state_dict())
    value, out, local = op.value.weight, op.out, op.local.weight

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        rows = []
        s_BHRE = u_BND.new_zeros(len(u_BND), heads, 4, 4)
        for n, u_BD in enumerate(u_BND.unbind(1)):
            both = last(nn.functional.gelu(first(u_BD))).reshape(-1, 2, heads, 4)
            v_BHE = (u_BD @ value.T).reshape(-1, heads, 4)
            s_BHRE = s_BHRE + torch.einsum("bhr,bhe->bhre", both[:, 1], v_BHE)
            y_BHE = torch.einsum("bhr,bhre->bhe", both[:, 0], s_BHRE) / (n + 1)
            rows.append(out(y_BHE.flatten(1)) + u_BD @ local.T)
        return torch.stack(rows, 1)

    ours = (feature.content.weight, feature.c_M, feature.last.weight, feature.last.bias)
    theirs = (first.weight, first.bias, last.weight, last.bias)
    return Twin(run, [Leaf(a, b) for a, b in zip(ours, theirs, strict=True)])


def _neural_operator(op: LowRank) -> Twin:
    """y(x) = (1/N) Σ_r φ_r(x, u(x)) Σ_j ψ_r(x_j, u_j) v(x_j), point by point, r by r."""
    _is_a_mean(op)
    feature = op.features
    assert feature.content is not None
    assert feature.place is not None
    first = nn.Linear(8 + 32, 8, dtype=torch.float64)
    joined = torch.cat([feature.content.weight, feature.place.weight], 1)
    first.load_state_dict({"weight": joined, "bias": feature.c_M})
    omega_AF = feature.get_parameter("omega_AF")

    def features(u_D: Tensor, x_A: Tensor) -> tuple[Tensor, Tensor]:
        angle_F = x_A @ omega_AF
        seen = torch.cat([u_D, math.sqrt(2) * angle_F.cos(), math.sqrt(2) * angle_F.sin()])
        phi_R, psi_R = feature.last(nn.functional.gelu(first(seen))).chunk(2)
        return phi_R, psi_R

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        assert x_BNA is not None
        examples = []
        for u_ND, x_NA in zip(u_BND, x_BNA, strict=True):
            met = [features(u_D, x_A) for u_D, x_A in zip(u_ND, x_NA, strict=True)]
            rows = []
            for i, u_D in enumerate(u_ND):
                y_D = torch.zeros_like(u_D)
                for r in range(3):
                    inner_D = sum(
                        (met[j][1][r] * op.value(u_ND[j]) for j in range(len(u_ND))), 0 * u_D
                    )
                    y_D = y_D + met[i][0][r] * inner_D / len(u_ND)
                rows.append(op.out(y_D) + op.local(u_D))
            examples.append(torch.stack(rows))
        return torch.stack(examples)

    return Twin(
        run,
        [
            Leaf(feature.content.weight, first.weight, lambda grad: grad[:, :8]),
            Leaf(feature.place.weight, first.weight, lambda grad: grad[:, 8:]),
            Leaf(feature.c_M, first.bias),
            Leaf(omega_AF, omega_AF),
            Leaf(feature.last.weight, feature.last.weight),
        ],
    )


def _matrix(op: LowRank) -> Twin:
    """torch.nn.Linear over the positions, holding Φ Ψᵀ / N."""
    _is_a_mean(op)
    length = math.prod(op.shape)
    x_NA = coordinates(op.shape).double() / max(op.shape)
    with torch.no_grad():
        phi, psi = op.features(torch.empty(1, length, 8, dtype=torch.float64), x_NA[None])
    mixer = nn.Linear(length, length, bias=False, dtype=torch.float64)
    mixer.load_state_dict({"weight": (phi[0, 0] @ psi[0, 0].T) / length})
    value, out, local = (nn.Linear(8, 8, bias=b, dtype=torch.float64) for b in (False, True, False))
    for theirs, mine in ((value, op.value), (out, op.out), (local, op.local)):
        theirs.load_state_dict(mine.state_dict())

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        y_BND: Tensor = out(mixer(value(u_BND).mT).mT) + local(u_BND)
        return y_BND

    pairs = [(op.value, value), (op.out, out), (op.local, local)]
    return Twin(run, [Leaf(mine.weight, theirs.weight) for mine, theirs in pairs])


ROWS = [
    Row(
        "low_rank",
        "linear attention (arXiv 2006.16236) as a recurrence",
        CAUSAL,
        _linear_attention,
        {"rank": 4, "heads": 2, "reads": "content"},
        sense="its features an MLP, divided by the number of positions, not by their weights",
    ),
    Row(
        "low_rank",
        "a low-rank neural operator (arXiv 2108.08481), point by point",
        POINTS,
        _neural_operator,
        {"rank": 3, "heads": 1},
        sense="its features also read u",
    ),
    Row(
        "low_rank",
        "torch.nn.Linear over positions, its matrix of rank 5",
        SEQUENCE,
        _matrix,
        {"rank": 5, "heads": 1, "reads": "position"},
    ),
    Row(
        "low_rank",
        "torch.nn.Linear over the places of a grid, its matrix of rank 5",
        GRID,
        _matrix,
        {"rank": 5, "heads": 1, "reads": "position"},
    ),
]
