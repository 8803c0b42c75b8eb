"""`Encoding`: an architecture as numbers, one block of columns per variable.

    variable                      columns                                    counts where
    what a layer is               one per family, and one for "absent"       always
    a coordinate of its bias      one per value of the axis                  the layer is there
    a parameter of a family       numbers: L − 1 steps of ±1, divided by     the layer has that
                                  √(L − 1), for L values in order; other     family
                                  values: one each
    an optional edge              there, not there                           its target is there
    how many copies of a motif    steps, as for a number                     always
    how often a bias stands       per axis and value, the share of layers    always
                                  that have it

F holds the columns, A says per variable whether it counts. Then for two architectures a and b

    S_v = F_v(a)·F_v(b)                      1 where the variable is the same, less where it is not
    D_v = half_v (½ A_v(a) + ½ A_v(b) − S_v) 0 where it is the same, 1 where it is as far as can be

with half_v = 1 for names, ½ for numbers (then D is the distance in steps, as a share of the range)
and 0 for the shares, which have no distance. A variable that counts in one of the two alone adds
half_v / 2, so that D_v is ½ half_v |F_v(a) − F_v(b)|², a squared distance, and exp(−Σ θ_v D_v) a
covariance; that they differ in family is said by the layer itself.

A coordinate that splits the choices of a layer exactly as its families do, or as another coordinate
does, is left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.arch.genotype import genotype_of
from itnet_nas.arch.plan import ByFingerprint, plan_of
from itnet_nas.axes import AXES
from itnet_nas.surrogate.columns import SlotColumns, steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.arch.genotype import Genotype
    from itnet_nas.arch.plan import Slot
    from itnet_nas.space.space import Space

    Floats = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Rows:
    """Encoded architectures: features (n, C) and whether each variable counts (n, V)."""

    features: Floats
    active: Floats

    def __len__(self) -> int:
        return len(self.features)

    def __add__(self, other: Rows) -> Rows:
        return Rows(
            np.vstack([self.features, other.features]), np.vstack([self.active, other.active])
        )

    def take(self, places: Sequence[int] | NDArray[np.int64]) -> Rows:
        """Some of them, in that order."""
        return Rows(self.features[places], self.active[places])


@final
class Encoding:
    """The columns of one space. `variable_of` (C,) and `half` (V,) belong to them."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._plan = plan_of(space)
        self.names: list[str] = []
        half: list[float] = []
        variable_of: list[int] = []
        self._at: list[int] = []  # first column of each variable
        for name, columns, weight in self._variables():
            self._at.append(len(variable_of))
            variable_of += [len(self.names)] * columns
            self.names.append(name)
            half.append(weight)
        self.half = np.array(half)
        self.variable_of = np.array(variable_of, dtype=np.int64)
        self._genotypes: dict[object, Genotype | None] = {}
        self._known: dict[Genotype, tuple[Floats, Floats]] = {}

    def genotype(self, architecture: Architecture) -> Genotype | None:
        """`genotype_of`, remembered."""
        # Not by key: that leaves out what layers are called, and then an answer would depend on
        # which of two networks that compute the same was asked for first.
        layers = tuple((layer.name, layer.text) for layer in architecture.layers)
        name = (layers, architecture.edges, architecture.width, architecture.mlp_ratio)
        if name not in self._genotypes:
            if len(self._genotypes) > _KEPT:
                self._genotypes.clear()
            self._genotypes[name] = genotype_of(self._space, architecture)
        return self._genotypes[name]

    def rows(self, architectures: Sequence[Architecture]) -> Rows:
        """KeyError for an architecture that is no member of the space."""
        genotypes = []
        for architecture in architectures:
            genotype = self.genotype(architecture)
            if genotype is None:
                raise KeyError(
                    f"not a member of the space {self._space.name}: {architecture.label}"
                )
            genotypes.append(genotype)
        return self.rows_of(genotypes)

    def rows_of(self, genotypes: Sequence[Genotype]) -> Rows:
        """The same of genotypes."""
        found = [self._row(genotype) for genotype in genotypes]
        features = np.array([row for row, _ in found]).reshape(-1, len(self.variable_of))
        active = np.array([row for _, row in found]).reshape(-1, len(self.names))
        return Rows(features, active)

    def _row(self, genotype: Genotype) -> tuple[Floats, Floats]:
        known = self._known.get(genotype)
        if known is None:
            if len(self._known) > _KEPT:
                self._known.clear()
            known = self._known[genotype] = self.encode(genotype)
        return known

    def _variables(self) -> Iterator[tuple[str, int, float]]:
        plan = self._plan
        self._slots = [SlotColumns(slot) for slot in plan.slots]
        for slot, columns in zip(plan.slots, self._slots, strict=True):
            name = plan.names[slot.nodes[0]]
            for what, block in columns.blocks.items():
                yield f"{name} {what}", block.columns, block.half
        for pairs in plan.edge_slots:
            source, target = (plan.names[node] for node in pairs[0])
            yield f"{source} > {target}", 2, 1.0
        for repeat, counts in zip(self._space.repeats, plan.counts, strict=True):
            yield f"count of {repeat.name}", max(1, len(counts) - 1), 0.5
        self._shares = _shared_values(plan.slots)
        if self._shares:
            yield "shares of biases", len(self._shares), 0.0

    def encode(self, genotype: Genotype) -> tuple[Floats, Floats]:
        """Features (C,) and activity (V,), made anew."""
        plan = self._plan
        features, active = np.zeros(len(self.variable_of)), np.zeros(len(self.names))
        variable = 0

        def put(values: Sequence[float] | Floats | None) -> None:
            nonlocal variable
            if values is not None:
                start = self._at[variable]
                features[start : start + len(values)] = values
                active[variable] = 1.0
            variable += 1

        for columns, choice in zip(self._slots, genotype.choices, strict=True):
            for block in columns.blocks.values():
                put(block.of(choice))
        open_edges = plan.open_edges(genotype.choices, genotype.counts)
        for there, is_open in zip(genotype.edges, open_edges, strict=True):
            put((float(there), float(not there)) if is_open else None)
        for count, counts in zip(genotype.counts, plan.counts, strict=True):
            put(steps(counts.index(count), len(counts)))
        if self._shares:
            put(self._share_row(genotype))
        return features, active

    def _share_row(self, genotype: Genotype) -> Floats:
        row = np.zeros(len(self._shares))
        for slot, choice in zip(self._plan.slots, genotype.choices, strict=True):
            if choice is not None:
                bias = slot.choices[choice].bias
                for axis in AXES:
                    place = self._shares.get((axis, str(getattr(bias, axis))))
                    if place is not None:
                        row[place] += 1.0
        return row / max(1, len(self._plan.slots))


_KEPT = 5_000  # of what was asked for before


def _shared_values(slots: Sequence[Slot]) -> dict[tuple[str, str], int]:
    """Values of an axis that several layers may have and not all of them must, with a place."""
    layers: dict[tuple[str, str], int] = {}
    for slot in slots:
        for axis in AXES:
            values = {str(getattr(choice.bias, axis)) for choice in slot.choices}
            if len(values) > 1 or slot.optional:
                for value in sorted(values):
                    layers[axis, value] = layers.get((axis, value), 0) + 1
    shared = sorted(name for name, count in layers.items() if count > 1)
    return {name: place for place, name in enumerate(shared)}


def encoding_of(space: Space) -> Encoding:
    """The encoding of a space, made once."""
    return _encoding(ByFingerprint(space))


@lru_cache(maxsize=8)
def _encoding(key: ByFingerprint) -> Encoding:
    return Encoding(key.space)
