"""What a surrogate needs of a model, and of an encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.genotype import Genotype
    from itnet_nas.surrogate.encoding import Rows

    Floats = NDArray[np.float64]


class Columns(Protocol):
    """An encoding: `names` of V variables, `half` (V,), `variable_of` (C,) as in `encoding`."""

    names: list[str]
    half: Floats
    variable_of: NDArray[np.int64]

    def rows(self, architectures: Sequence[Architecture]) -> Rows:
        """KeyError for an architecture that is no member of the space."""

    def rows_of(self, genotypes: Sequence[Genotype]) -> Rows:
        """The same of genotypes."""


class Model(Protocol):
    """A regression of values on rows.

    centre, spread  mean and standard deviation of the values; spread is 1 where they are all alike
    noise           standard deviation of an observation about its noiseless value
    left_out        (n,) what each observation is off from what the others say of it
    """

    centre: float
    spread: float
    noise: float
    left_out: Floats

    @property
    def name(self) -> str:
        """What it is called in a sentence."""

    def with_more(self, rows: Rows, values: Floats) -> Model:
        """The same model with more observations."""

    def posterior(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean (m,) and covariance (m, m) of the noiseless values."""

    def predict(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation (m,) of the noiseless values."""
