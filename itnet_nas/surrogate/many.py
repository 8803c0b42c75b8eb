"""The rows of many genotypes at once.

Columns of different slots do not meet, and shares of biases add up over slots. So where a space has
neither motifs nor optional edges, a row is that of the genotype without any layer, plus what each
slot's answer adds to it: one table per slot, read off the encoding once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.arch.genotype import Genotype
from itnet_nas.arch.plan import plan_of
from itnet_nas.surrogate.encoding import Rows, encoding_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from itnet_nas.space.space import Space


@final
class ManyRows:
    """`Encoding.rows` of genotypes, as `genotype_of` gives them; nothing is kept of them."""

    def __init__(self, space: Space) -> None:
        self._encoding = encoding_of(space)
        plan = plan_of(space)
        self._tables: list[Rows] = []
        if plan.edge_slots or space.repeats:
            return
        nothing: tuple[int | None, ...] = (None,) * len(plan.slots)
        self._empty = self._one_by_one([Genotype(nothing, (), ())])
        for place, slot in enumerate(plan.slots):
            # None, an absent layer, is the last row.
            alone = [
                Genotype((*nothing[:place], answer, *nothing[place + 1 :]), (), ())
                for answer in (*range(len(slot.choices)), None)
            ]
            rows = self._one_by_one(alone)
            self._tables.append(
                Rows(rows.features - self._empty.features, rows.active - self._empty.active)
            )

    def of(self, genotypes: Sequence[Genotype]) -> Rows:
        """Features (n, C) and activity (n, V)."""
        if not self._tables:
            return self._one_by_one(genotypes)
        features = np.repeat(self._empty.features, len(genotypes), axis=0)
        active = np.repeat(self._empty.active, len(genotypes), axis=0)
        for slot, table in enumerate(self._tables):
            answers = [-1 if (c := one.choices[slot]) is None else c for one in genotypes]
            features += table.features[answers]
            active += table.active[answers]
        return Rows(features, active)

    def _one_by_one(self, genotypes: Sequence[Genotype]) -> Rows:
        found = [self._encoding.encode(genotype) for genotype in genotypes]
        features = np.array([row for row, _ in found])
        active = np.array([row for _, row in found])
        return Rows(
            features.reshape(len(found), len(self._encoding.variable_of)),
            active.reshape(len(found), len(self._encoding.names)),
        )
