"""Gated sum: count what is kept since the last reset.

    s[n] = a[n] s[n − 1] + k[n] x[n],      y[n] = s[n] / √48        each of 8 channels by itself

x are random signs. Each token says what becomes of them: kept (k = 1), passed over (k = 0), or a
reset (a = 0, k = 0); else a = 1.
"""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np

from itnet_nas.axes import Content, State
from itnet_nas.tasks import Categorical, Domain, Input, Real
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import Examples, PlantedReals

LENGTH, CHANNELS = 64, 8
KEEP, RESET = 0.4, 0.05
SCALE = 4.0


@final
class GatedSumTask(PlantedReals):
    """What has been kept since the last reset?"""

    summary = "planted: sums of what is kept since a reset; a selective linear state wins"
    planted = (LayerAnswer("mamba", {"state": State.LINEAR, "content": Content.PATH}),)
    domain = Domain(kind="sequence", shape=(LENGTH,), causal=True)
    inputs: ClassVar[tuple[Input, ...]] = (Real(channels=CHANNELS), Categorical(classes=3))
    channels = CHANNELS
    steps = 400

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        sign_BNC = 2 * rng.integers(0, 2, (count, LENGTH, CHANNELS)) - 1
        chance_BN = rng.random((count, LENGTH))
        what_BN = np.where(chance_BN < RESET, 2, np.where(chance_BN < RESET + KEEP, 1, 0))
        total_BNC = np.cumsum(sign_BNC * (what_BN == 1)[..., None], 1)
        n_N = np.arange(LENGTH)
        last_BN = np.maximum.accumulate(np.where(what_BN == 2, n_N, -1), 1)
        before = np.take_along_axis(total_BNC, np.maximum(last_BN, 0)[..., None], 1)
        y_BNC = (total_BNC - before * (last_BN >= 0)[..., None]) / SCALE
        return Examples((sign_BNC.astype(np.float32), what_BN), y_BNC.astype(np.float32))

    def variance(self) -> float:
        """E of what is kept since the last reset."""
        found, mean = 0.0, []
        for _ in range(LENGTH):
            found = (1 - RESET) * found + KEEP
            # a reset leaves nothing: P(kept) = KEEP
            mean.append(found)
        return float(np.mean(mean)) / SCALE**2
