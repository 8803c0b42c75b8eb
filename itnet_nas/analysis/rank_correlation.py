"""Spearman's rank correlation with its 95 % interval.

    ρ = Pearson's correlation of the ranks, ties at their mean
    tanh( artanh ρ ± 1.96 √((1 + ρ²/2) / (n − 3)) )

A perfect order of n pairs is no proof of ρ = 1: the far end of its interval is that of an order in
which two neighbours have changed places, ρ = 1 − 12 / (n (n² − 1)).

Source  the variance of the transformed coefficient: Bonett and Wright, Psychometrika 65, 2000
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST = 4  # pairs; fewer have no interval
NORMAL_95 = 1.959964


@final
@dataclass(frozen=True)
class RankCorrelation:
    """The coefficient, the ends of its interval, and how many pairs it rests on."""

    value: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.value:.2f} (95 %: {self.low:.2f} to {self.high:.2f}, {self.pairs} trials)"


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> RankCorrelation | None:
    """Of two figures of the same things, in the same order; None for fewer than four pairs.

    A figure that is the same for all tells nothing apart: ρ = 0, and the interval is all there is.
    """
    if len(one) != len(other):
        raise ValueError(f"{len(one)} figures cannot be paired with {len(other)}")
    pairs = len(one)
    if pairs < LEAST:
        return None
    a, b = _centred_ranks(one), _centred_ranks(other)
    spread = math.sqrt(float(a @ a) * float(b @ b))
    if spread == 0:
        return RankCorrelation(0.0, -1.0, 1.0, pairs)
    value = max(-1.0, min(1.0, float(a @ b) / spread))
    # Sums of half numbers are exact, but the root is not.
    value = round(value, 12)
    most = 1 - 12 / (pairs * (pairs**2 - 1))
    inner = max(-most, min(most, value))
    half = NORMAL_95 * math.sqrt((1 + inner**2 / 2) / (pairs - 3))
    low, high = (math.tanh(math.atanh(inner) + sign * half) for sign in (-1, 1))
    return RankCorrelation(value, min(low, value), max(high, value), pairs)


def _centred_ranks(figures: Sequence[float]) -> NDArray[np.float64]:
    """Ranks from the mean rank on, ties at their mean, (n,)."""
    values = np.asarray(figures, dtype=np.float64)
    distinct, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    del distinct
    ends = np.cumsum(counts)
    ranks = (ends - (counts - 1) / 2)[place]
    return np.asarray(ranks - (len(values) + 1) / 2)
