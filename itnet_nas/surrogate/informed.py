"""`Informed`: an encoding with one more column for each other task that something is known of.

The column is what a surrogate of that task expects, with mean 0 and sd 1 over what was trained
there, times √(V / 4) for V variables: about as much as a quarter of all choices together may
explain. How much of it holds here is learned with the rest: its weight is that of one column, so
another task that has nothing to do with this one costs one degree of freedom and no more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.surrogate.encoding import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.genotype import Genotype
    from itnet_nas.surrogate.encoding import Encoding
    from itnet_nas.surrogate.model import Model

    Floats = NDArray[np.float64]


@final
class Informed:
    """In the place of an `Encoding`."""

    def __init__(self, encoding: Encoding, others: Sequence[Model]) -> None:
        self._encoding = encoding
        self._others = others
        count = len(others)
        self.names = [*encoding.names, *(f"other task {k + 1}" for k in range(count))]
        self.half = np.append(encoding.half, np.zeros(count))
        added = len(encoding.names) + np.arange(count)
        self.variable_of = np.append(encoding.variable_of, added)
        self._scale = (len(encoding.names) / 4) ** 0.5

    def rows(self, architectures: Sequence[Architecture]) -> Rows:
        """KeyError for an architecture that is no member of the space."""
        return self._add(self._encoding.rows(architectures))

    def rows_of(self, genotypes: Sequence[Genotype]) -> Rows:
        """The same of genotypes."""
        return self._add(self._encoding.rows_of(genotypes))

    def _add(self, rows: Rows) -> Rows:
        features, active = rows.features, rows.active
        for model in self._others:
            expected, _ = model.predict(rows)
            column = self._scale * (expected - model.centre) / model.spread
            features = np.column_stack([features, column])
            active = np.column_stack([active, np.ones(len(rows))])
        return Rows(features, active)
