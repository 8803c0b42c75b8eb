"""`Surrogate`: what quality an architecture of a space would have, from those that were trained.

Two models stand behind it, and the one with the smaller error on observations left out is used: a
linear one, which is quick and needs few observations, and a Gaussian process, which also knows how
choices work together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.surrogate.encoding import encoding_of
from itnet_nas.surrogate.gaussian import GaussianProcess
from itnet_nas.surrogate.informed import Informed
from itnet_nas.surrogate.linear import LinearModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.genotype import Genotype
    from itnet_nas.space.space import Space
    from itnet_nas.surrogate.model import Columns, Model

    Floats = NDArray[np.float64]

ENOUGH = 10  # observations for a Gaussian process
PROOF = 1.2  # so many times smaller must the error be for other tasks to have a part

Known = tuple["Sequence[Architecture]", "Sequence[float] | Floats"]


@final
class Surrogate:
    """What `fit` gives.

    name      of the model that was chosen
    noise     standard deviation of a training about the value that its architecture has
    loo_r2    1 − mean square of the left-out residuals / variance; 0 where there is no variance
    count     observations
    informed  whether what is expected on other tasks has a part in it
    """

    def __init__(self, encoding: Columns, model: Model, values: Floats) -> None:
        self._encoding = encoding
        self.model = model
        self._values = values
        self.name = model.name
        self.noise = model.noise
        self.count = len(values)
        self.informed = isinstance(encoding, Informed)
        spread = float(values.var())
        self.loo_r2 = 1.0 - float((model.left_out**2).mean()) / spread if spread > 0 else 0.0

    def predict(self, architectures: Sequence[Architecture]) -> tuple[Floats, Floats]:
        """Mean and standard deviation (m,) of the noiseless quality. KeyError for a stranger."""
        return self.model.predict(self._encoding.rows(architectures))

    def predict_of(self, genotypes: Sequence[Genotype]) -> tuple[Floats, Floats]:
        """`predict` of genotypes."""
        return self.model.predict(self._encoding.rows_of(genotypes))

    def posterior(self, architectures: Sequence[Architecture]) -> tuple[Floats, Floats]:
        """Mean (m,) and covariance (m, m) of the noiseless quality. KeyError for a stranger."""
        return self.model.posterior(self._encoding.rows(architectures))

    def believing(self, architectures: Sequence[Architecture]) -> Surrogate:
        """The same, had these been observed with the values that it expects of them."""
        if not architectures:
            return self
        rows = self._encoding.rows(architectures)
        mean, _ = self.model.predict(rows)
        values = np.append(self._values, mean)
        return Surrogate(self._encoding, self.model.with_more(rows, mean), values)

    def __str__(self) -> str:
        return f"{self.name}, leave-one-out R² {self.loo_r2:.2f} on {self.count} trials"


def fit(
    space: Space,
    architectures: Sequence[Architecture],
    values: Sequence[float] | Floats,
    others: Sequence[Known] = (),
) -> Surrogate:
    """The surrogate of architectures and their values; one may stand several times.

    others   the same of other tasks, one each: what is expected there is one more thing to go by,
             unless observations that are left out are guessed better without it

    ValueError without any, KeyError for one that is no member of the space.
    """
    if not len(architectures):
        raise ValueError("a surrogate needs an observation")
    found = np.asarray(values, dtype=np.float64)
    encoding = encoding_of(space)
    encodings: list[Columns] = [encoding]
    if others:
        encodings.append(Informed(encoding, [fit(space, *known).model for known in others]))
    tried: list[tuple[float, int, Columns, Model]] = []
    for columns in encodings:
        weight = PROOF if isinstance(columns, Informed) else 1.0
        rows = columns.rows(architectures)
        models: list[Model] = [LinearModel(rows, found)]
        if len(found) >= ENOUGH and found.std() > 0:
            models.append(GaussianProcess(columns, rows, found))
        tried += [
            (weight * float((model.left_out**2).mean()), len(tried) + place, columns, model)
            for place, model in enumerate(models)
        ]
    _, _, chosen, best = min(tried, key=lambda one: one[:2])
    return Surrogate(chosen, best, found)
