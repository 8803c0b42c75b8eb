"""Recall: say the value that stands beside this key.

24 tokens (key, value), then the same 24 keys in another order, each with a blank; what is asked for
is the value of each. 64 keys, of which an example has 24 different ones, 16 values. No two examples
are the same. Metric: accuracy at the queries, 1/16 by chance.

Planted  Content of the pair: which position is looked at depends on the key here and the key there.
         One layer is enough, since key and value stand in one token; a memory would have to hold
         24 pairs.
"""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np

from itnet_nas.axes import Content, Support
from itnet_nas.tasks import Categorical, Domain, Input
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import IGNORED, Examples, PlantedClasses
from itnet_tasks.planted.draws import some_of

PAIRS, KEYS, VALUES = 24, 64, 16
BLANK = VALUES


@final
class RecallTask(PlantedClasses):
    """Which value goes with this key?"""

    summary = "planted: look up the value of a key; attention wins"
    planted = (LayerAnswer("attention", {"support": Support.FULL, "content": Content.PAIR}),)
    domain = Domain(kind="sequence", shape=(2 * PAIRS,), causal=True)
    inputs: ClassVar[tuple[Input, ...]] = (
        Categorical(classes=KEYS),
        Categorical(classes=VALUES + 1),
    )
    classes = VALUES
    steps = 400

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        key_BP = some_of(KEYS, PAIRS, count, rng)
        value_BP = rng.integers(0, VALUES, (count, PAIRS))
        order_BP = some_of(PAIRS, PAIRS, count, rng)
        asked_BP = np.take_along_axis(key_BP, order_BP, 1)
        answer_BP = np.take_along_axis(value_BP, order_BP, 1)
        key_BN = np.concatenate([key_BP, asked_BP], 1)
        value_BN = np.concatenate([value_BP, np.full_like(value_BP, BLANK)], 1)
        target_BN = np.concatenate([np.full_like(value_BP, IGNORED), answer_BP], 1)
        return Examples((key_BN, value_BN), target_BN)
