"""The general kernel beside the networks of pairs, integrals and products that it is made of."""

from __future__ import annotations

import math

import torch
from support.exact import CAUSAL, POINTS, SEQUENCE, Leaf, Row, Twin
from torch import Tensor, nn

from itnet_kernels.integral import Integral


def _is_a_mean(op: Integral) -> None:
    """K = κ / n: neither centred nor louder, the measure that the other systems have."""
    measure = op.kernel.measure
    nn.init.ones_(measure.scale_H)
    nn.init.zeros_(measure.power_H)
    nn.init.zeros_(measure.centre_H)


def _linear(layer: nn.Linear) -> nn.Linear:
    """One of the same size, with the same weights."""
    bias = getattr(layer, "bias", None) is not None
    other = nn.Linear(layer.in_features, layer.out_features, bias=bias, dtype=torch.float64)
    other.load_state_dict(layer.state_dict())
    return other


def _leaves(*pairs: tuple[nn.Module, nn.Module]) -> list[Leaf]:
    return [
        Leaf(mine, other)
        for ours, theirs in pairs
        for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True)
    ]


def _network_of_pairs(op: Integral) -> Twin:
    """torch.nn.Linear, GELU and Linear on a row of features for every pair; A and B are 1."""
    _is_a_mean(op)
    mlp, heads = op.kernel.mlp, op.heads
    assert mlp.left is not None
    assert mlp.right is not None
    for layer in (mlp.left, mlp.right):
        nn.init.eye_(layer.weight)
    first, read, value, out, local = map(_linear, (mlp.first, mlp.read, op.value, op.out, op.local))
    omega_FA, phase_F = mlp.get_parameter("omega_FA"), mlp.get_parameter("phase_F")
    network = nn.Sequential(first, nn.GELU(), read)

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        assert x_BNA is not None
        length = u_BND.shape[1]
        ui, uj = (u_BND.unsqueeze(at).expand(-1, length, length, -1) for at in (2, 1))
        xi, xj = (x_BNA.unsqueeze(at).expand(-1, length, length, -1) for at in (2, 1))
        wave = math.sqrt(2) * torch.cos((xi - xj) @ omega_FA.T + phase_F)
        square = (xi - xj).square().sum(-1, keepdim=True)
        kappa_BNNH = network(torch.cat([xi - xj, square, wave, ui, uj, ui * uj], -1))
        v_BNHE = value(u_BND).unflatten(-1, (heads, -1))
        h_BNHE = torch.einsum("bijh,bjhe->bihe", kappa_BNNH, v_BNHE) / length
        y_BND: Tensor = out(h_BNHE.flatten(2)) + local(u_BND)
        return y_BND

    both = ((mlp.first, first), (mlp.read, read), (op.value, value), (op.out, out))
    waves = [Leaf(omega_FA, omega_FA), Leaf(phase_F, phase_F)]
    return Twin(run, [*_leaves(*both, (op.local, local)), *waves])


def _integral_transform(op: Integral) -> Twin:
    """Σ_j κ(x_i − x_j) f(x_j) / n, point by point; a channel of κ for each one of f."""
    _is_a_mean(op)
    nn.init.eye_(op.value.weight)
    nn.init.eye_(op.out.weight)
    nn.init.zeros_(op.local.weight)
    mlp = op.kernel.mlp
    omega_FA, phase_F = mlp.get_parameter("omega_FA"), mlp.get_parameter("phase_F")
    first, read = mlp.first, mlp.read

    def kappa(gap_A: Tensor) -> Tensor:
        wave_F = math.sqrt(2) * torch.cos(omega_FA @ gap_A + phase_F)
        given = torch.cat([gap_A, (gap_A @ gap_A).unsqueeze(0), wave_F])
        kappa_D: Tensor = read(nn.functional.gelu(first(given)))
        return kappa_D

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        assert x_BNA is not None
        examples = []
        for f_ND, x_NA in zip(u_BND, x_BNA, strict=True):
            rows = []
            for i in range(len(f_ND)):
                terms = [kappa(x_NA[i] - x_NA[j]) * f_ND[j] for j in range(len(f_ND))]
                rows.append(torch.stack(terms).mean(0))
            examples.append(torch.stack(rows))
        return torch.stack(examples)

    names = [*first.parameters(), *read.parameters(), omega_FA, phase_F]
    return Twin(run, [Leaf(p, p) for p in names])


def _non_local(op: Integral) -> Twin:
    """z = u + W_z Σ_j θ(u_i)·φ(u_j) g(u_j) / n, over j ≤ i where that is all there is.

    κ is a product of two projections, since GELU(p) − GELU(−p) = p.
    """
    _is_a_mean(op)
    mlp = op.kernel.mlp
    assert mlp.left is not None
    assert mlp.right is not None
    sizes = mlp.left.out_features
    nn.init.zeros_(mlp.first.weight)
    mlp.first.weight.data[0, -sizes:], mlp.first.weight.data[1, -sizes:] = 1.0, -1.0
    mlp.read.weight.data[:] = torch.tensor([[1.0, -1.0]])
    nn.init.eye_(op.local.weight)
    theta, phi, g, w_z = map(_linear, (mlp.left, mlp.right, op.value, op.out))

    def run(u_BND: Tensor, x_BNA: Tensor | None) -> Tensor:
        f_BNN = theta(u_BND) @ phi(u_BND).mT
        count_N1 = torch.full_like(f_BNN[0, :, :1], f_BNN.shape[1])
        if op.causal:
            f_BNN, count_N1 = f_BNN.tril(), torch.ones_like(count_N1).cumsum(0)
        z_BND: Tensor = u_BND + w_z(f_BNN @ g(u_BND) / count_N1)
        return z_BND

    pairs = ((mlp.left, theta), (mlp.right, phi), (op.value, g), (op.out, w_z))
    return Twin(run, _leaves(*pairs))


_PRODUCT = {"hidden": 2, "heads": 1, "hadamard": 4, "position": False}
ROWS = [
    Row("integral", "torch.nn.Linear, GELU, Linear on every pair of points", POINTS,
        _network_of_pairs, {"hidden": 6, "heads": 2, "hadamard": 8}, "where c = 0"),
    Row("integral", "integral transform of neural operators, point by point", POINTS,
        _integral_transform, {"hidden": 6, "heads": 8, "content": "none"}, "where c = 0"),
    Row("integral", "non-local block, dot product", SEQUENCE, _non_local, _PRODUCT, "where c = 0"),
    Row("integral", "non-local block, dot product, causal", CAUSAL, _non_local, _PRODUCT,
        "where c = 0"),
]  # fmt: skip
