"""`LinearModel`: a weight for every column, with a closed posterior.

    y = ȳ + (x − x̄)·w + ε,      w ~ N(0, σ²/r),  ε ~ N(0, σ²)

The ratio r is the one of a grid with the largest evidence, σ² integrated out under an inverse gamma
prior whose scale is a hundredth of the spread of y: a fit that is perfect by chance does not claim
to be certain.

    A = Xᵀ X + r I
    mean(x) = ȳ + (x − x̄)ᵀ A⁻¹ Xᵀ (y − ȳ),      cov(x, x') = σ² (1/n + (x − x̄)ᵀ A⁻¹ (x' − x̄))

One singular value decomposition of X serves every r.

Source  Bayesian linear regression with the ratio by evidence, as in MacKay 1992; leave-one-out
        residuals by the hat matrix (Allen's PRESS, 1974).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itnet_nas.surrogate.encoding import Rows

    Floats = NDArray[np.float64]

RATIOS = tuple(float(10.0**power) for power in np.linspace(-2.0, 3.0, 21))
_SHAPE = 1.0  # of the inverse gamma prior: worth two observations


@final
class LinearModel:
    """From rows and values (n,); n is at least 1."""

    name: ClassVar[str] = "linear model"

    def __init__(self, rows: Rows, values: Floats) -> None:
        self._rows, self._values = rows, values
        features = rows.features
        self._middle = features.mean(axis=0)
        self.centre = float(values.mean())
        self.spread = float(values.std()) or 1.0
        self._count = len(values)
        rest = values - self.centre
        left, scales, self._axes = _singular(features - self._middle)
        self._squares = scales**2
        seen = left.T @ rest
        total = float(rest @ rest)
        scale = 0.01 * total / self._count + 1e-24
        found = []
        for ratio in RATIOS:
            # (y − ȳ)ᵀ C⁻¹ (y − ȳ) and ln|C| with C = I + X Xᵀ / r.
            kept = self._squares / (self._squares + ratio)
            misfit = max(0.0, total - float(seen**2 @ kept))
            freedom = self._count + 2 * _SHAPE
            variance = (misfit + 2 * _SHAPE * scale) / freedom
            volume = float(np.log1p(self._squares / ratio).sum())
            found.append((-0.5 * freedom * math.log(variance) - 0.5 * volume, ratio, variance))
        _, self._ratio, self._variance = max(found)
        self._weights = seen * scales / (self._squares + self._ratio)
        self.noise = math.sqrt(self._variance)
        shrunk = left * (self._squares / (self._squares + self._ratio))
        fitted = shrunk @ seen
        leverage = np.einsum("nk,nk->n", shrunk, left) + 1.0 / self._count
        self.left_out = (rest - fitted) / np.maximum(1e-9, 1.0 - leverage)

    def with_more(self, rows: Rows, values: Floats) -> LinearModel:
        """The same of more observations."""
        return LinearModel(self._rows + rows, np.append(self._values, values))

    def posterior(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean (m,) and covariance (m, m) of the noiseless values."""
        along, across = self._split(rows)
        mean = self.centre + along @ self._weights
        known = (along / (self._squares + self._ratio)) @ along.T
        unseen = across @ across.T / self._ratio
        return mean, self._variance * (1.0 / self._count + known + unseen)

    def predict(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation (m,) of the noiseless values."""
        along, across = self._split(rows)
        mean = self.centre + along @ self._weights
        known = along**2 @ (1.0 / (self._squares + self._ratio))
        unseen = (across**2).sum(axis=1) / self._ratio
        return mean, np.sqrt(self._variance * (1.0 / self._count + known + unseen))

    def _split(self, rows: Rows) -> tuple[Floats, Floats]:
        """What lies along the axes that were varied, (m, k), and what lies across them, (m, C)."""
        centred = rows.features - self._middle
        along = centred @ self._axes.T
        return along, centred - along @ self._axes


def _singular(matrix: Floats) -> tuple[Floats, Floats, Floats]:
    """U, s, Vᵀ. LAPACK gives up on a few matrices whose transposes it can take apart."""
    try:
        return np.linalg.svd(matrix, full_matrices=False)
    except np.linalg.LinAlgError:
        left, scales, right = np.linalg.svd(matrix.T, full_matrices=False)
        return right.T, scales, left.T
