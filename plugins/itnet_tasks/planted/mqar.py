"""MQAR: recall with keys and values in turn, so that a key has to be told its value first.

    k1 v1 k2 v2 … k12 v12, then the 12 keys in another order

32 keys and 32 values; an example has 12 different keys. What is asked for is the value of each. No
two examples are the same. Metric: accuracy at the queries, 1/32 by chance.

Planted  Two layers in this order: one that moves content by one position, so that a value knows its
         key; then attention, which finds the key that is asked for. A state or a long convolution
         below does as well as a window does, but costs more.
"""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np

from itnet_nas.axes import Content, Support
from itnet_nas.tasks import Categorical, Domain, Input
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import IGNORED, Examples, PlantedClasses
from itnet_tasks.planted.draws import some_of

PAIRS, KEYS, VALUES = 12, 32, 32
LENGTH = 3 * PAIRS


@final
class MqarTask(PlantedClasses):
    """Which value came after this key?"""

    summary = "planted, two layers: look up what followed a key; a window, then attention wins"
    planted = (
        LayerAnswer("conv", {}),  # any kernel that can shift will do: a window is the cheapest
        LayerAnswer("attention", {"support": Support.FULL, "content": Content.PAIR}),
    )
    domain = Domain(kind="sequence", shape=(LENGTH,), causal=True)
    inputs: ClassVar[tuple[Input, ...]] = (Categorical(classes=KEYS + VALUES),)
    classes = VALUES
    steps = 200

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        key_BP = some_of(KEYS, PAIRS, count, rng)
        value_BP = rng.integers(0, VALUES, (count, PAIRS))
        order_BP = some_of(PAIRS, PAIRS, count, rng)
        told_BN = np.stack([key_BP, KEYS + value_BP], 2).reshape(count, 2 * PAIRS)
        token_BN = np.concatenate([told_BN, np.take_along_axis(key_BP, order_BP, 1)], 1)
        target_BN = np.full_like(token_BN, IGNORED)
        target_BN[:, 2 * PAIRS :] = np.take_along_axis(value_BP, order_BP, 1)
        return Examples((token_BN,), target_BN)
