"""Which positions count for a position, how much, and what becomes of sums over them.

A window in a domain whose positions are in order has soft edges,

    φ^h(i, j) = Π_axes 1 / (1 + (o / σ)⁴),   o = x_i − x_j,   σ = σ_past where o > 0, else σ_future

a half at a distance of σ, and never quite 0: however narrow it is, it can learn to be wide. φ is 0
where j may not count for i: beyond a radius, or ahead where the domain is causal. With n = Σ_j φ

    K^h[i, j] = s_h n^p_h φ(i, j) / n ( κ(i, j) − c_h mean_j κ(i, j) )

is κ under the measure φ / n, its mean taken away in so far as c is 1. Without that nearly all of a
fresh kernel is a mean over positions. p = 1/2 keeps sums of independent values equally loud however
many they are, p = 0 is the mean.

Source  ITNet (arXiv 2606.19538)
Shapes  B examples, N queries, C of them, S keys, H heads, A axes, T sides (past, future),
        E channels of a head
"""

from __future__ import annotations

import math
from typing import NamedTuple, final

import torch
from torch import Tensor, nn

from itnet_nas.integral.positions import coordinates, domain_shape
from itnet_nas.integral.precision import at_least_float32

NARROWEST = math.log(0.3)  # positions; the next one then counts less than a hundredth


@final
class PairWindow(NamedTuple):
    """Which keys count for a query, and how much.

    `x_NA` are the positions of a domain of `shape`, whole numbers, as floats. Without widths those
    that may count all count the same.
    """

    x_NA: Tensor
    shape: tuple[int, ...]
    log_width_HAT: Tensor | None = None
    causal: bool = False
    radius: int | None = None

    def weights(self, queries: slice = slice(None), keys: slice = slice(None)) -> Tensor:
        """φ_HCS; H is 1 where no width is given."""
        o_ACS = self.x_NA[queries].T.unsqueeze(2) - self.x_NA[keys].T.unsqueeze(1)
        phi_HCS = torch.ones_like(o_ACS[:1])
        if self.log_width_HAT is not None:
            rate_HAT11 = torch.exp(-self.log_width_HAT.clamp(min=NARROWEST))[..., None, None]
            rate_HACS = rate_HAT11[:, :, 0]
            if rate_HAT11.shape[2] > 1:
                rate_HACS = torch.where(o_ACS > 0, rate_HACS, rate_HAT11[:, :, 1])
            edges_HACS = 1 / (1 + (o_ACS * rate_HACS).square().square())
            phi_HCS = edges_HACS[:, 0] if len(o_ACS) == 1 else edges_HACS.prod(1)
        if self.causal:
            phi_HCS = phi_HCS * (o_ACS[0] >= 0)
        if self.radius is not None:
            phi_HCS = phi_HCS * (o_ACS.abs().amax(0) <= self.radius)
        return phi_HCS

    @property
    def margin(self) -> int | None:
        """How far a key that counts is from its query in the order of positions, at most."""
        # A row of a grid away is as many positions as there are columns.
        return None if self.radius is None else self.radius * sum((1, *self.shape[1:]))


@final
class DomainWindow(nn.Module):
    """The window of every position of a sequence or a grid; `soft` where it has widths to learn.

    They begin evenly on a scale of octaves, from twice the domain for the first head down to about
    a neighbour for the last.
    """

    def __init__(
        self, shape: tuple[int, ...], heads: int, soft: bool, causal: bool, radius: int | None
    ) -> None:
        super().__init__()
        self.shape = shape
        self.causal = causal
        self.radius = radius
        widest = math.log(2 * max(shape))
        octave_H11 = (torch.arange(heads) / max(1, heads - 1)).reshape(-1, 1, 1)
        log_width_H11 = widest - octave_H11 * (widest - math.log(1.5))
        log_width_HAT = log_width_H11.repeat(1, len(shape), 1 if causal else 2)
        self.log_width_HAT = nn.Parameter(log_width_HAT) if soft else None

    def forward(self, length: int, like: Tensor) -> PairWindow | None:
        """Of a sequence of `length`, or of the grid; None where everything counts the same."""
        if self.log_width_HAT is None and self.radius is None and not self.causal:
            return None
        x_NA, shape = self._positions(length, like), domain_shape(self.shape, length)
        return PairWindow(x_NA, shape, self.log_width_HAT, self.causal, self.radius)

    def places(self, length: int, like: Tensor) -> Tensor:
        """x_1NA, from −1 to 1 along the longest axis of the domain, however short a sequence is."""
        return (2 * self._positions(length, like) / max(1, max(self.shape) - 1) - 1).unsqueeze(0)

    def _positions(self, length: int, like: Tensor) -> Tensor:
        return coordinates(domain_shape(self.shape, length), like.device).to(at_least_float32(like))


@final
class CentredMeasure(nn.Module):
    """s, p and c of every head, and what they make of κ, given sums over pairs or each pair."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.scale_H = nn.Parameter(torch.ones(heads))
        self.power_H = nn.Parameter(torch.full((heads,), 0.5))
        self.centre_H = nn.Parameter(torch.ones(heads))

    def forward(self, z_BHNE: Tensor, z0_BHNE: Tensor) -> Tensor:
        """Σ_j K v_j from Σ_j φ κ f_j and Σ_j φ f_j, where f is v and a last channel of 1."""
        n_BHN1 = z0_BHNE[..., -1:].clamp(min=1)
        joint_BHNE, mean_v_BHNE = z_BHNE / n_BHN1, z0_BHNE[..., :-1] / n_BHN1
        mean_BHN1 = self.centre_H[:, None, None] * joint_BHNE[..., -1:]
        return self._loudness(n_BHN1) * (joint_BHNE[..., :-1] - mean_BHN1 * mean_v_BHNE)

    def by_pairs(self, phi_BHNS: Tensor, kappa_BHNS: Tensor) -> Tensor:
        """K_BHNS."""
        n_BHN1 = phi_BHNS.sum(-1, keepdim=True).clamp(min=1)
        mu_BHNS = phi_BHNS / n_BHN1
        mean_BHN1 = (mu_BHNS * kappa_BHNS).sum(-1, keepdim=True)
        centred_BHNS = kappa_BHNS - self.centre_H[:, None, None] * mean_BHN1
        return self._loudness(n_BHN1) * mu_BHNS * centred_BHNS

    def _loudness(self, n_BHN1: Tensor) -> Tensor:
        return self.scale_H[:, None, None] * n_BHN1 ** self.power_H[:, None, None]
