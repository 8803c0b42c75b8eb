"""Gated sum: two running sums; each token adds to one, or asks for one, or clears both.

    add r    s_r ← s_r + x[n]            y[n] = s_r
    ask r                                y[n] = s_r
    clear    s_0 = s_1 ← 0               y[n] = 0

x is a vector of 8 random signs, which counts where something is added. Half of the tokens add and
one in twenty clears. What is said is divided by the deviation that y has on the whole. No two
examples are the same. Metric: R², 0 by chance.

Planted  A linear state that the content along the path steers. Sums want a memory that neither
         fades nor saturates, and 16 numbers of it; a kernel without a path cannot know what was
         cleared in between, and attention averages where a sum is wanted (0.65; 0.78 with rotary
         positions). A GRU, whose memory is bounded, falls behind with two sums to keep apart
         (0.68).
Starts   Not every start of Mamba gets there. With 4 numbers for each channel 14 of 19 solved it
         (0.972 to 0.994), the others ended at 0.442 to 0.948; with 16 numbers 9 of 9 did (0.989 to
         0.994), among them all five starts that had failed, for half as much time again.
Beside   Of the families outside the task's space `delta_net` (0.995) and `ssd` (0.989) have a
         linear state with a path too, but the memory of an `lstm` is unbounded and has feedback
         (0.976). So that the state is linear is planted among the families of the space alone; all
         that are known to solve it read the path.
"""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np

from itnet_nas.axes import Content, State
from itnet_nas.tasks import Categorical, Domain, Input, Real
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import Examples, PlantedReals

LENGTH, SUMS, CHANNELS = 48, 2, 8
ADD, CLEAR = 0.5, 0.05  # how often a token does so
ADDS, CLEARS = SUMS, 2 * SUMS  # symbols: asks for 0 and 1, adds to 0 and 1, clears


@final
class GatedSumTask(PlantedReals):
    """What has been added to this sum since it was cleared?"""

    summary = "planted: two sums that tokens add to and clear; a selective linear state wins"
    planted = (LayerAnswer("mamba", {"state": State.LINEAR, "content": Content.PATH}),)
    domain = Domain(kind="sequence", shape=(LENGTH,), causal=True)
    inputs: ClassVar[tuple[Input, ...]] = (
        Real(channels=CHANNELS),
        Categorical(classes=2 * SUMS + 1),
    )
    channels = CHANNELS
    steps = 400

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        sign_BNC = 2 * rng.integers(0, 2, (count, LENGTH, CHANNELS)) - 1
        which_BN = rng.integers(0, SUMS, (count, LENGTH))
        chance_BN = rng.random((count, LENGTH))
        clears_BN = chance_BN < CLEAR
        adds_BN = ~clears_BN & (chance_BN < CLEAR + ADD)
        sum_BSC = np.zeros((count, SUMS, CHANNELS), np.int64)
        y_BNC = np.zeros_like(sign_BNC)
        row_B = np.arange(count)
        for n in range(LENGTH):
            sum_BSC[clears_BN[:, n]] = 0
            sum_BSC[row_B, which_BN[:, n]] += sign_BNC[:, n] * adds_BN[:, n, None]
            y_BNC[:, n] = sum_BSC[row_B, which_BN[:, n]]
        symbol_BN = np.where(clears_BN, CLEARS, which_BN + ADDS * adds_BN)
        said_BNC = (y_BNC / _deviation()).astype(np.float32)
        return Examples((sign_BNC.astype(np.float32), symbol_BN), said_BNC)

    def variance(self) -> float:
        """That of a sum, divided by itself."""
        return 1.0


def _deviation() -> float:
    """The deviation of y, over all positions.

    E s² grows by P(add) / 2 in a token and is lost with P(clear). At a token that adds, the sum it
    asks for is the one that has grown.
    """
    squares, held = 0.0, 0.0
    for _ in range(LENGTH):
        squares += (1 - CLEAR) * held + ADD
        held = (1 - CLEAR) * held + ADD / SUMS
    return float((squares / LENGTH) ** 0.5)
