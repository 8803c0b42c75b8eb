"""Places: a window with weights of its own in every place, from few sequences.

    y[n] = Σ_{|o| ≤ 3} w[n, o] x[n + o]             x white, Σ_o w[n, o]² = 1

48 positions, zeros beyond the border, 32 sequences to learn from. Metric: R², 0 by chance.

Planted  A window, position-specific: each place has 7 weights, and 32 sequences are enough for
         them, but not for the 48 that a matrix over all positions has there. One rule for all
         places is wrong in almost every one.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from itnet_nas.axes import Sharing, Support
from itnet_nas.tasks import Domain, Input, Real
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import Examples, PlantedReals, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTH, RADIUS = 48, 3
RULE = 11  # seed of the weights


class WindowedReals(PlantedReals):
    """A window whose weights depend on the position; a subclass says how."""

    domain = Domain(kind="sequence", shape=(LENGTH,))
    inputs: ClassVar[tuple[Input, ...]] = (Real(channels=1),)
    steps = 400
    n_train = 32
    period: ClassVar[int]  # positions from one rule to the same again

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """w, (48, 7)."""
        w_PR = stream(RULE).standard_normal((self.period, 2 * RADIUS + 1))
        w_PR /= np.linalg.norm(w_PR, axis=1, keepdims=True)
        return w_PR[np.arange(LENGTH) % self.period]

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        x_BN = rng.standard_normal((count, LENGTH))
        window_BNR = np.lib.stride_tricks.sliding_window_view(
            np.pad(x_BN, ((0, 0), (RADIUS, RADIUS))), 2 * RADIUS + 1, axis=1
        )
        y_BN = (window_BNR * self.weights).sum(2)
        return Examples((x_BN[..., None].astype(np.float32),), y_BN[..., None].astype(np.float32))

    def variance(self) -> float:
        """Less than 1 by what hangs over the border."""
        place_NR = np.arange(LENGTH)[:, None] + np.arange(-RADIUS, RADIUS + 1)
        inside_NR = (place_NR >= 0) & (place_NR < LENGTH)
        return float((self.weights**2 * inside_NR).sum(1).mean())


@final
class PlacesTask(WindowedReals):
    """What does the rule of this place make of its neighbours?"""

    summary = "planted: a window with a rule of its own in every place; locally connected wins"
    planted = (
        LayerAnswer(
            "locally_connected",
            {"support": Support.WINDOW, "sharing": Sharing.POSITION_SPECIFIC},
        ),
    )
    period = LENGTH
