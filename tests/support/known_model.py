"""A surrogate that is known: f = Σ_slots value[slot][family] + a table of two slots, and its doubt.

The covariance is that of f = x·w with w ~ N(weights, spread² I) over the columns of the encoding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.surrogate.encoding import encoding_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from itnet_nas.space.space import Space
    from itnet_nas.surrogate.encoding import Rows

    Floats = NDArray[np.float64]


@final
class KnownModel:
    """`values`: layer -> family -> what it is worth; `together`: what a pair of families adds."""

    def __init__(
        self,
        space: Space,
        values: dict[str, dict[str, float]],
        together: dict[tuple[str, str, str, str], float] | None = None,
        spread: float = 0.0,
    ) -> None:
        self._encoding = encoding_of(space)
        self._spread = spread
        self._column: dict[tuple[str, str], int] = {}
        for layer in space.layers:
            start = self._encoding.variable_of.tolist().index(
                self._encoding.names.index(f"{layer.name} choice")
            )
            families = [*dict.fromkeys(choice.family for choice in layer.choices), "absent"]
            for place, family in enumerate(families):
                self._column[layer.name, family] = start + place
        self._weights = np.zeros(len(self._encoding.variable_of))
        for name, worth in values.items():
            for family, value in worth.items():
                self._weights[self._column[name, family]] = value
        self._together = together or {}

    def predict(self, rows: Rows) -> tuple[Floats, Floats]:
        """Means, and standard deviations."""
        mean = rows.features @ self._weights
        for (one, first, other, second), value in self._together.items():
            both = rows.features[:, self._column[one, first]]
            mean = mean + value * both * rows.features[:, self._column[other, second]]
        return mean, self._spread * np.sqrt((rows.features**2).sum(axis=1))

    def posterior(self, rows: Rows) -> tuple[Floats, Floats]:
        """Means, and the covariance."""
        return self.predict(rows)[0], self._spread**2 * (rows.features @ rows.features.T)
