"""`GaussianProcess`: how alike two architectures are says how alike their values are.

    y = ȳ + s f + ε,     f ~ GP(0, k),   ε ~ N(0, s² ν)

    k(a, b) = h exp(−Σ_v θ_v D_v(a, b)) + l Σ_v e^{t_v} S_v(a, b) / Z,     θ_v = e^{t_v} θ₀

S_v and D_v are those of `encoding`. The first term, a product over variables, knows how choices
work together; the second is a sum of effects and goes on beyond what was seen. One relevance t_v
per variable serves both. Z makes the sum's mean diagonal 1 at t = 0, and θ₀ the mean distance 2.

t_v ~ N(0, 1), ln h and ln l ~ N(ln ½, 1), ln ν ~ N(ln 0.03, 1.5²) are found by `STEPS` steps of
Adam on the posterior, with the gradient

    ∂L/∂p = ½ tr((K⁻¹ − α αᵀ) ∂K/∂p) + prior,      α = K⁻¹ y

on at most `FIT` observations; what is predicted rests on all of them.

Source  Rasmussen & Williams 2006, chapter 5 (also leave-one-out: residual_i = α_i / K⁻¹_ii); an
        overlap kernel for categories as in Hutter 2009.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from itnet_nas.surrogate.encoding import Rows
    from itnet_nas.surrogate.model import Columns

    Floats = NDArray[np.float64]

STEPS = 40
RATE = 0.15
FIT = 120
DISTANCE = 2.0  # Σ θ_v D_v of a mean pair, before anything is learned
_MEANS = (math.log(0.5), math.log(0.5), math.log(0.03))
_SPREADS = (1.0, 1.0, 1.5)
_LEAST_NOISE = 1e-6


@final
@dataclass(frozen=True)
class Kernel:
    """Weights per variable of both terms, and the variances h and ν; all of values with sd 1."""

    distance: Floats
    alike: Floats
    product: float
    noise: float


@final
class GaussianProcess:
    """From rows and values (n,), n at least 2 and not all alike.

    The kernel is learned unless it is given.
    """

    name: ClassVar[str] = "Gaussian process"

    def __init__(
        self, encoding: Columns, rows: Rows, values: Floats, kernel: Kernel | None = None
    ) -> None:
        self._encoding = encoding
        self.centre = float(values.mean())
        self.spread = float(values.std()) or 1.0
        scaled = (values - self.centre) / self.spread
        if kernel is None:
            kernel = learn(encoding, rows, scaled)
        self.kernel = kernel
        self._rows, self._values = rows, values
        matrix = self._between(rows, rows)
        matrix[np.diag_indices(len(rows))] += kernel.noise
        self._root = _cholesky(matrix)
        inverse_root = np.linalg.inv(self._root)
        self._inverse = inverse_root.T @ inverse_root
        self._solved = self._inverse @ scaled
        self.noise = self.spread * math.sqrt(kernel.noise)
        self.left_out = self.spread * self._solved / np.diag(self._inverse)

    def with_more(self, rows: Rows, values: Floats) -> GaussianProcess:
        """The same kernel on more observations."""
        return GaussianProcess(
            self._encoding, self._rows + rows, np.append(self._values, values), self.kernel
        )

    def posterior(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean (m,) and covariance (m, m) of the noiseless values."""
        across = self._between(rows, self._rows)
        mean = self.centre + self.spread * (across @ self._solved)
        covariance = self._between(rows, rows) - across @ self._inverse @ across.T
        return mean, self.spread**2 * covariance

    def predict(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation (m,) of the noiseless values."""
        across = self._between(rows, self._rows)
        mean = self.centre + self.spread * (across @ self._solved)
        prior = self.kernel.product + rows.features**2 @ self._alike_of_columns()
        variance = prior - np.einsum("mn,mn->m", across @ self._inverse, across)
        return mean, self.spread * np.sqrt(np.maximum(variance, 1e-12))

    def _alike_of_columns(self) -> Floats:
        return np.asarray(self.kernel.alike[self._encoding.variable_of])

    def _between(self, one: Rows, other: Rows) -> Floats:
        """The kernel (m, n) of two sets, noise left out."""
        weights = self.kernel.distance * self._encoding.half
        far = 0.5 * np.add.outer(one.active @ weights, other.active @ weights)
        columns = weights[self._encoding.variable_of]
        far -= (one.features * columns) @ other.features.T
        alike = (one.features * self._alike_of_columns()) @ other.features.T
        return np.asarray(self.kernel.product * np.exp(-np.maximum(far, 0.0)) + alike)


def learn(encoding: Columns, rows: Rows, scaled: Floats) -> Kernel:
    """The kernel of the largest posterior density; values have mean 0 and sd 1."""
    if len(rows) > FIT:
        # The better half of them, and as many of the others at even steps of their order.
        order = np.argsort(scaled, kind="stable")
        rest = order[FIT // 2 :]
        steps = np.linspace(0, len(rest) - 1, FIT - FIT // 2).round().astype(int)
        kept = np.sort(np.concatenate([order[: FIT // 2], rest[steps]]))
        rows, scaled = rows.take(kept), scaled[kept]
    variables, count = len(encoding.names), len(rows)
    alike = np.empty((variables, count * count))
    for v in range(variables):
        block = rows.features[:, encoding.variable_of == v]
        alike[v] = (block @ block.T).ravel()
    there = rows.active.T
    both = 0.5 * (there[:, :, None] + there[:, None, :]).reshape(variables, -1)
    far = encoding.half[:, None] * (both - alike)
    base = DISTANCE / max(float(far.sum(axis=0).mean()), 1e-9)
    total = max(float(alike[:, :: count + 1].sum(axis=0).mean()), 1e-9)
    means = np.array([*np.zeros(variables), *_MEANS])
    spreads = np.array([*np.ones(variables), *_SPREADS])

    def gradient(point: Floats) -> Floats:
        relevance = np.exp(point[:variables])
        product, additive, noise = np.exp(point[variables:])
        near = product * np.exp(-(base * relevance) @ far)
        sums = (additive / total * relevance) @ alike
        matrix = (near + sums).reshape(count, count)
        matrix[np.diag_indices(count)] += noise + _LEAST_NOISE
        inverse = np.linalg.inv(matrix)
        solved = inverse @ scaled
        outer = 0.5 * (inverse - np.outer(solved, solved)).ravel()
        of_relevance = -base * relevance * (far @ (outer * near))
        of_relevance += additive / total * relevance * (alike @ outer)
        rest = (outer @ near, outer @ sums, noise * float(outer[:: count + 1].sum()))
        return np.asarray(np.array([*of_relevance, *rest]) + (point - means) / spreads**2)

    point = _adam(means, gradient)
    relevance = np.exp(point[:variables])
    product, additive, noise = np.exp(point[variables:])
    return Kernel(
        distance=base * relevance,
        alike=additive / total * relevance,
        product=float(product),
        noise=float(noise) + _LEAST_NOISE,
    )


def _adam(start: Floats, gradient: Callable[[Floats], Floats]) -> Floats:
    """`STEPS` steps of Adam (arXiv 1412.6980) from `start`, at a rate that falls to a tenth."""
    point = start.copy()
    first, second = np.zeros_like(point), np.zeros_like(point)
    for step in range(1, STEPS + 1):
        slope = gradient(point)
        first = 0.9 * first + 0.1 * slope
        second = 0.99 * second + 0.01 * slope**2
        rate = RATE * (1.0 - 0.9 * (step - 1) / STEPS)
        towards = (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.99**step)) + 1e-8)
        point = point - rate * towards
    return point


def _cholesky(matrix: Floats) -> Floats:
    """Its lower root, with as much on the diagonal as it takes."""
    for jitter in (0.0, *(10.0**power for power in range(-10, 1))):
        try:
            return np.asarray(np.linalg.cholesky(matrix + jitter * np.eye(len(matrix))))
        except np.linalg.LinAlgError:
            continue
    raise AssertionError("a kernel with a unit on its diagonal has a root")
