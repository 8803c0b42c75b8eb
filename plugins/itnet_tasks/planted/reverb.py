"""Reverb: noise through a long random filter, from few recordings.

    y[n] = Σ_{k < 48} h[k] x[n − k] + 0.05 e[n]             x and e white, Σ h² = 1

96 positions, and nothing before the first; the 48 taps of h are random and do not fade. Metric: R²,
0 by chance; the noise leaves 0.997.

Planted  The whole past, by one rule for all positions: 48 recordings give 4,608 equations for 48
         taps, but a rule for each pair of positions has 4,656 unknowns. A window is too short, and
         a gated memory would have to hold 47 numbers. Weights of a softmax are positive and sum
         to 1.
Beside   What computes the same map does as well: `ssm` with 16 modes in each of 32 channels, whose
         linear state is a long convolution (0.995), and `continuous_conv` (0.995). So that there
         is no state is planted among the families of the task's space alone.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np

from itnet_nas.axes import Content, Sharing, State, Support
from itnet_nas.tasks import Domain, Input, Real
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import Examples, PlantedReals, stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTH, TAPS = 96, 48
NOISE = 0.05
RULE = 1  # seed of the filter


@final
class ReverbTask(PlantedReals):
    """What does the room make of this noise?"""

    summary = "planted: a filter of 48 random taps; a long convolution wins"
    planted = (
        LayerAnswer(
            "long_conv",
            {
                "support": Support.FULL,
                "sharing": Sharing.TRANSLATION,
                "state": State.NONE,
                "content": Content.NONE,
            },
        ),
    )
    domain = Domain(kind="sequence", shape=(LENGTH,), causal=True)
    inputs: ClassVar[tuple[Input, ...]] = (Real(channels=1),)
    steps = 400
    n_train = 48

    @cached_property
    def taps(self) -> NDArray[np.float64]:
        """h, (48,)."""
        h_K = stream(RULE).standard_normal(TAPS)
        return h_K / np.linalg.norm(h_K)

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        x_BN = rng.standard_normal((count, LENGTH))
        y_BN = NOISE * rng.standard_normal((count, LENGTH))
        for lag, tap in enumerate(self.taps):
            y_BN[:, lag:] += tap * x_BN[:, : LENGTH - lag]
        return Examples((x_BN[..., None].astype(np.float32),), y_BN[..., None].astype(np.float32))

    def variance(self) -> float:
        """At n the taps up to n have something to act on."""
        heard_N = np.concatenate([np.cumsum(self.taps**2), np.ones(LENGTH - TAPS)])
        return float(heard_N.mean() + self.noise())

    def noise(self) -> float:
        return NOISE**2
