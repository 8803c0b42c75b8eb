"""Parity: is the number of ones so far odd?

    y[n] = (u[0] + … + u[n]) mod 2                          u random bits

48 bits; all positions teach, those from 16 on are scored. No two examples are the same. Metric:
accuracy, 0.5 by chance.

Planted  A state with feedback: each one has to turn the memory over. A linear state whose numbers
         fade cannot change a sign, and neither sums nor looking back tell odd from even.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from itnet_nas.axes import State
from itnet_nas.tasks import Categorical, Domain, Input
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import IGNORED, Examples, PlantedClasses

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTH, SCORED_FROM = 48, 16


@final
class ParityTask(PlantedClasses):
    """Odd or even so far?"""

    summary = "planted: running parity of random bits; a state with feedback wins"
    planted = (LayerAnswer("gru", {"state": State.FEEDBACK}),)
    domain = Domain(kind="sequence", shape=(LENGTH,), causal=True)
    inputs: ClassVar[tuple[Input, ...]] = (Categorical(classes=2),)
    classes = 2
    steps = 400

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        bit_BN = rng.integers(0, 2, (count, LENGTH))
        return Examples((bit_BN,), bit_BN.cumsum(1) % 2)

    def judged(self, target: NDArray[Any]) -> NDArray[Any]:
        return np.where(np.arange(LENGTH) < SCORED_FROM, IGNORED, target)
