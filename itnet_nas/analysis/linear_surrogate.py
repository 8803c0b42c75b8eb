"""A linear guess at quality: what each axis value and each family is worth at each layer.

    y = ȳ + X w + ε,      w ~ N(0, σ²/r),  ε ~ N(0, σ²)

X holds a 1 for every (layer, axis, value), (layer, family) and (layer absent) that an architecture
has, centred. y is signed quality (less is better). The ratio r is the one of a grid with the
largest evidence, σ² integrated out under an inverse gamma prior whose scale is a hundredth of the
spread of y: a fit that is perfect by chance does not claim to be certain.

    A = Xᵀ X + r I
    mean(x) = ȳ + xᵀ A⁻¹ Xᵀ (y − ȳ),      var(x) = σ² (1 + 1/n + xᵀ A⁻¹ x)

It serves to order what is tried next, never as evidence. `fit` and `predict` are all that is used
of it, so that another surrogate can stand behind the same two names.

One singular value decomposition of X serves every r.

Source  Bayesian linear regression with the ratio by evidence, as in MacKay 1992.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.analysis.pareto import signed
from itnet_nas.arch.genotype import bias_of
from itnet_nas.axes import AXES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.axes import Bias
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space

RATIOS = tuple(float(10.0**power) for power in np.linspace(-2.0, 3.0, 21))
_SHAPE = 1.0  # of the inverse gamma prior: worth two observations


def fit(space: Space, records: Sequence[TrialRecord]) -> LinearSurrogate:
    """The surrogate of the complete records. Without any, it knows nothing: mean 0, sd infinite."""
    known = sorted((one for one in records if one.complete), key=lambda one: (one.number, one.seed))
    rows = [_features(space, one.architecture, one.bias) for one in known]
    names = tuple(sorted({name for row in rows for name in row}))
    features = _encode(rows, names)
    quality = np.array([signed(one, space.objectives[:1])[0] for one in known])
    return LinearSurrogate(space, names, _Posterior(features, quality) if known else None)


@final
class LinearSurrogate:
    """What `fit` gives; its columns are named by `names`."""

    def __init__(
        self, space: Space, names: Sequence[tuple[str, ...]], posterior: _Posterior | None
    ) -> None:
        self._space = space
        self._names = names
        self._posterior = posterior

    def predict(self, architecture: Architecture) -> tuple[float, float]:
        """Mean and standard deviation of the signed quality of one more training of it.

        KeyError for a choice that the space does not offer.
        """
        bias = bias_of(self._space, architecture)
        if self._posterior is None:
            return 0.0, math.inf
        row = _encode([_features(self._space, architecture, bias)], self._names)[0]
        return self._posterior.predict(row)


@final
class _Posterior:
    """From features (n, F) and signed quality (n,), at the ratio with the largest evidence."""

    def __init__(self, features: NDArray[np.float64], quality: NDArray[np.float64]) -> None:
        self._middle = features.mean(axis=0)
        self._centre = float(quality.mean())
        self._count = len(quality)
        rest = quality - self._centre
        left, values, self._axes = np.linalg.svd(features - self._middle, full_matrices=False)
        self._squares = values**2
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
        self._weights = seen * values / (self._squares + self._ratio)

    def predict(self, row: NDArray[np.float64]) -> tuple[float, float]:
        """Mean and standard deviation at features (F,)."""
        centred = row - self._middle
        along = self._axes @ centred
        # What lies across every axis was never varied: there the prior is all that is known.
        across = max(0.0, float(centred @ centred) - float(along @ along))
        known = float(along**2 @ (1.0 / (self._squares + self._ratio)))
        variance = self._variance * (1.0 + 1.0 / self._count + known + across / self._ratio)
        return self._centre + float(along @ self._weights), math.sqrt(variance)


def _features(
    space: Space, architecture: Architecture, biases: Mapping[str, Bias]
) -> set[tuple[str, ...]]:
    """Names of what the architecture has; of a record with the biases it was stored with."""
    here = {layer.name: layer.family for layer in architecture.layers}
    found: set[tuple[str, ...]] = {
        (layer.name, "absent") for layer in space.layers if layer.name not in here
    }
    for name, family in here.items():
        found.add((name, "family", family))
        found |= {(name, axis, str(getattr(biases[name], axis))) for axis in AXES}
    return found


def _encode(
    rows: Sequence[set[tuple[str, ...]]], names: Sequence[tuple[str, ...]]
) -> NDArray[np.float64]:
    """1 where the row has the name; what no record ever had says nothing."""
    array = [[float(name in row) for name in names] for row in rows]
    return np.array(array, dtype=np.float64).reshape(len(rows), len(names))
