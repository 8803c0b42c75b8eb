"""How sure a mean of few values is: Student's t, and Holm's correction for many questions.

    interval        x̄ ± t_{(1+c)/2, n−1} · s/√n
    lower bound     x̄ − t_{1−α, n−1} · s/√n                    one-sided
    p of "μ ≤ m"    P(T_{n−1} > (x̄ − m) / (s/√n))             one-sided

with x̄ the mean and s the standard deviation (n − 1 below) of n values. For paired seeds the values
are the differences of the pairs.

The tail of T with ν degrees of freedom is ½ I_x(ν/2, ½) at x = ν/(ν + t²) for t ≥ 0, with I the
regularised incomplete beta function, here by its continued fraction. Quantiles invert it.

Source  Student 1908; Holm 1979, "A simple sequentially rejective multiple test procedure";
        the continued fraction in Abramowitz and Stegun, 26.5.8, evaluated as by Lentz 1976.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_TINY = 1e-300  # keeps the denominators of the continued fraction away from 0
_TERMS = 10_000


def t_tail(t: float, freedom: int) -> float:
    """P(T > t) for Student's T with `freedom` degrees of freedom. ValueError below one."""
    if freedom < 1:
        raise ValueError(f"Student's t needs at least 1 degree of freedom, got {freedom}")
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    square = t * t
    if square <= freedom:
        # The smaller of x and 1 − x is computed without cancellation.
        tail = 0.5 * (1.0 - incomplete_beta(0.5, freedom / 2, square / (freedom + square)))
    else:
        tail = 0.5 * incomplete_beta(freedom / 2, 0.5, freedom / (freedom + square))
    return tail if t >= 0 else 1.0 - tail


@lru_cache(maxsize=1024)
def t_quantile(probability: float, freedom: int) -> float:
    """The t with P(T ≤ t) = probability. ValueError unless 0 < probability < 1."""
    if not 0.0 < probability < 1.0:
        raise ValueError(f"a quantile needs a probability between 0 and 1, got {probability}")
    if probability < 0.5:
        return -t_quantile(1.0 - probability, freedom)
    upper = 1.0 - probability
    low, high = 0.0, 1.0
    while t_tail(high, freedom) > upper:
        low, high = high, 2.0 * high
    while True:
        middle = 0.5 * (low + high)
        if middle in (low, high):
            return middle
        if t_tail(middle, freedom) > upper:
            low = middle
        else:
            high = middle


def mean(values: Sequence[float]) -> float:
    """x̄; the same for every order of the values."""
    return math.fsum(values) / len(values)


def deviation(values: Sequence[float]) -> float:
    """s, with n − 1 below. ValueError for fewer than two values."""
    if len(values) < 2:
        raise ValueError(f"a standard deviation needs at least 2 values, got {len(values)}")
    middle = mean(values)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


def interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """The two-sided interval of the mean. ValueError for fewer than two values."""
    half = t_quantile(0.5 * (1.0 + confidence), len(values) - 1) * _error(values)
    middle = mean(values)
    return middle - half, middle + half


def lower_bound(values: Sequence[float], alpha: float) -> float:
    """What the mean exceeds but for a probability of `alpha`. ValueError below two values."""
    error = _error(values)
    return mean(values) - t_quantile(1.0 - alpha, len(values) - 1) * error


def p_above(values: Sequence[float], level: float) -> float:
    """How probable so large a mean would be if the true one were `level`: small when above it.

    Values that do not differ at all leave nothing to chance: 0 above the level, else 1. ValueError
    for fewer than two values.
    """
    error, gap = _error(values), mean(values) - level
    if error == 0.0:
        return 0.0 if gap > 0.0 else 1.0
    return t_tail(gap / error, len(values) - 1)


@dataclass(frozen=True)
class Holm:
    """What Holm's procedure says of m hypotheses, in the order in which they were given.

    rejected   whether the hypothesis falls
    level      the level that its p-value was held to: α/(m − i) where i fell before it; where it
               stands, that of the first one that stood
    adjusted   the smallest α at which it would fall
    """

    rejected: tuple[bool, ...]
    level: tuple[float, ...]
    adjusted: tuple[float, ...]


def holm(p_values: Sequence[float], alpha: float) -> Holm:
    """Step down from the smallest p-value, each held to α over the number not yet rejected.

    The family is all that is handed in: with probability at least 1 − α no true hypothesis among
    them is rejected, whatever their dependence. A certificate hands in its (layer, axis) pairs, so
    that is the family-wise error over one certificate.
    """
    count = len(p_values)
    order = sorted(range(count), key=lambda index: (p_values[index], index))
    rejected, level, adjusted = [False] * count, [0.0] * count, [0.0] * count
    worst = 0.0
    fallen = 0
    for step, index in enumerate(order):
        worst = max(worst, min(1.0, (count - step) * p_values[index]))
        adjusted[index] = worst
        level[index] = alpha / (count - fallen)
        if fallen == step and p_values[index] <= level[index]:
            rejected[index] = True
            fallen += 1
    return Holm(tuple(rejected), tuple(level), tuple(adjusted))


def looks(least: int, most: int) -> int:
    """How often a test may be looked at when values come one by one, from `least` to `most`.

    α is split evenly over the looks: a p-value times their number is valid at whichever of them
    one stops (Bonferroni), so it does not matter why one stopped.
    """
    return max(1, most - least + 1)


def _error(values: Sequence[float]) -> float:
    """s/√n, the standard error of the mean."""
    return deviation(values) / math.sqrt(len(values))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), the regularised incomplete beta function, for 0 ≤ x ≤ 1."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1.0) / (a + b + 2.0):  # the fraction converges fast on the other side alone
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(logarithm + a * math.log(x) + b * math.log1p(-x)) / a
    return front / _fraction(a, b, x)


def _fraction(a: float, b: float, x: float) -> float:
    """1 + d₁/(1 + d₂/(1 + …)), from the front, so that it can stop when it no longer changes."""
    value, above, below = 1.0, 1.0, 0.0
    for term in range(1, _TERMS):
        half = term // 2
        if term % 2:
            d = -(a + half) * (a + b + half) * x / ((a + 2 * half) * (a + 2 * half + 1))
        else:
            d = half * (b - half) * x / ((a + term - 1) * (a + term))
        below = 1.0 / _apart(1.0 + d * below)
        above = _apart(1.0 + d / above)
        value *= above * below
        if abs(above * below - 1.0) < 1e-15:
            break
    return value


def _apart(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
