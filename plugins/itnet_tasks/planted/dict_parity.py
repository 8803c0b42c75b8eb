"""Dictionary parity: look a bit up for every query, and say whether their sum so far is odd.

8 tokens (key, bit), then 12 queries, keys drawn from those 8 with repetition, each with a blank;
16 keys.

    y[q] = (bit of key 1 + … + bit of key q) mod 2

All queries teach, those from the fifth on are scored. No two examples are the same. Metric:
accuracy, 0.5 by chance.

Planted  Two layers in this order: attention, which finds the bit; then a state with feedback, which
         counts it. Neither alone, nor the other way round.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np

from itnet_nas.axes import Content, State, Support
from itnet_nas.tasks import Categorical, Domain, Input
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import IGNORED, Examples, PlantedClasses
from itnet_tasks.planted.draws import some_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAIRS, QUERIES, KEYS = 8, 12, 16
WARM = 4  # queries that teach but are not scored
BLANK = 2
LENGTH = PAIRS + QUERIES


@final
class DictParityTask(PlantedClasses):
    """Is the sum of the bits looked up so far odd?"""

    summary = "planted, two layers: parity of bits looked up; attention, then a feedback state wins"
    planted = (
        LayerAnswer("attention", {"support": Support.FULL, "content": Content.PAIR}),
        LayerAnswer("gru", {"state": State.FEEDBACK}),
    )
    domain = Domain(kind="sequence", shape=(LENGTH,), causal=True)
    inputs: ClassVar[tuple[Input, ...]] = (Categorical(classes=KEYS), Categorical(classes=3))
    classes = 2
    steps = 400

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        key_BP = some_of(KEYS, PAIRS, count, rng)
        bit_BP = rng.integers(0, 2, (count, PAIRS))
        asked_BQ = rng.integers(0, PAIRS, (count, QUERIES))
        key_BN = np.concatenate([key_BP, np.take_along_axis(key_BP, asked_BQ, 1)], 1)
        bit_BN = np.full((count, LENGTH), BLANK)
        bit_BN[:, :PAIRS] = bit_BP
        target_BN = np.full((count, LENGTH), IGNORED)
        target_BN[:, PAIRS:] = np.take_along_axis(bit_BP, asked_BQ, 1).cumsum(1) % 2
        return Examples((key_BN, bit_BN), target_BN)

    def judged(self, target: NDArray[Any]) -> NDArray[Any]:
        return np.where(np.arange(LENGTH) < PAIRS + WARM, IGNORED, target)
