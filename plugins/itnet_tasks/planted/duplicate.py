"""Duplicate: does this token stand anywhere else?

32 tokens of 64 kinds: 8 kinds twice and 16 once, shuffled. No two examples are the same, and every
position sees all others. Metric: accuracy, 0.5 by chance.

Planted  Content of the pair, over the whole sequence, later positions included: a token has to find
         its like wherever it stands.
"""

from __future__ import annotations

from typing import ClassVar, final

import numpy as np

from itnet_nas.axes import Content, Support
from itnet_nas.tasks import Categorical, Domain, Input
from itnet_tasks.planted.answer import LayerAnswer
from itnet_tasks.planted.base import Examples, PlantedClasses
from itnet_tasks.planted.draws import some_of

TWICE, ONCE, KINDS = 8, 16, 64
LENGTH = 2 * TWICE + ONCE


@final
class DuplicateTask(PlantedClasses):
    """Is there another one like this?"""

    summary = "planted: find a token's like; attention wins"
    planted = (LayerAnswer("attention", {"support": Support.FULL, "content": Content.PAIR}),)
    domain = Domain(kind="sequence", shape=(LENGTH,))
    inputs: ClassVar[tuple[Input, ...]] = (Categorical(classes=KINDS),)
    classes = 2
    steps = 600

    def draw(self, count: int, rng: np.random.Generator) -> Examples:
        kind_BK = some_of(KINDS, TWICE + ONCE, count, rng)
        sorted_BN = np.concatenate([kind_BK[:, :TWICE], kind_BK], 1)
        double_N = np.arange(LENGTH) < 2 * TWICE
        order_BN = some_of(LENGTH, LENGTH, count, rng)
        token_BN = np.take_along_axis(sorted_BN, order_BN, 1)
        return Examples((token_BN,), double_N[order_BN].astype(np.int64))
