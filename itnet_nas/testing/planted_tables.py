"""`Tables`: the effects of one planted landscape, evaluated for many architectures at once.

An architecture is a row of 26 numbers: the place of the choice of each node, in the order of the
chain. Tables are drawn by Python's own generator, so an instance is the same on every machine.
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, NamedTuple, final

import numpy as np

from itnet_nas.arch.cost import block_cost
from itnet_nas.axes import AXES
from itnet_nas.testing.planted_space import LAYERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.space.space import Choice, Space

    Indices = NDArray[np.int64]
    Floats = NDArray[np.float64]

STRONG, MEDIUM, WEAK = 1.0, 0.4, 0.12  # standard deviation of a node's families
WIDTH, RANK = 0.4, 0.3
DEAR_IS_GOOD = 0.6  # how often the families of a node are in the order of their costs
VALLEY = 1.2  # depth of a numeric param's valley, in parts of its node's strength
PAIRS, PAIR = 10, 0.68
CONTENT, SOMEWHERE = 0.6, 2.0
SLOPE, MIDDLE = 0.09, -0.3
LARGE = 2  # place of the least recurrent size that makes a layer fragile


class Pair(NamedTuple):
    """How the families of two nodes work together: a table over their choices."""

    one: int
    other: int
    table: Floats


@final
class Tables:
    """Effects of every choice, pair and rule; `sizes` says how many choices each node has."""

    def __init__(self, space: Space, seed: int, irrelevant: str | None = None) -> None:
        rng = Random(f"planted landscape {seed}")
        self._space = space
        self._choices = [layer.choices for layer in space.layers]
        self.names = [layer.name for layer in space.layers]
        self.sizes = [len(choices) for choices in self._choices]
        self._dead = irrelevant
        strengths = [STRONG] * 6 + [MEDIUM] * 6 + [WEAK] * 12
        rng.shuffle(strengths)
        main = [
            _main(choices, strength, rng)
            for choices, strength in zip(self._choices, [*strengths, WIDTH, RANK], strict=True)
        ]
        self._pairs = [self._pair(rng) for _ in range(PAIRS)]
        if irrelevant is not None:
            dead = self.names.index(irrelevant)
            main[dead] = np.zeros(self.sizes[dead])
            self._pairs = [p for p in self._pairs if dead not in (p.one, p.other)]
        self._start = np.concatenate([[0], np.cumsum(self.sizes)[:-1]])
        self._main = np.concatenate(main)
        self._flops = np.concatenate(
            [np.array([choice.cost.flops for choice in c], dtype=float) for c in self._choices]
        )
        self._base = space.coding_cost.flops + len(self.names) * block_cost(space)[0]

    def errors(self, rows: Indices) -> Floats:
        """Errors (n,) of rows (n, 26), in points and without noise."""
        z = self._main[rows + self._start].sum(axis=1)
        for pair in self._pairs:
            z += pair.table[rows[:, pair.one], rows[:, pair.other]]
        z += self._rules(rows)
        return np.asarray(100.0 / (1.0 + np.exp(-(MIDDLE + SLOPE * z))))

    def flops(self, rows: Indices) -> Floats:
        """Operations (n,) of rows (n, 26): those of `arch.cost`."""
        return np.asarray(self._base + self._flops[rows + self._start].sum(axis=1))

    def fragile(self, rows: Indices) -> NDArray[np.bool_]:
        """Whether some layer has a rule at each position and a large recurrent state."""
        found = np.zeros(len(rows), dtype=bool)
        for layer in range(1, LAYERS + 1):
            large = self._is(rows, f"l{layer}_state", "recurrent", LARGE)
            found |= large & self._is(rows, f"l{layer}_sharing", "position")
        return found

    def draw(self, count: int, rng: np.random.Generator) -> Indices:
        """Rows (count, 26) as `arch.sample` draws them: a family, then one of its choices."""
        columns = []
        for choices in self._choices:
            families = [choice.family for choice in choices]
            weights = np.array([1.0 / families.count(f) / len(set(families)) for f in families])
            edges = np.cumsum(weights)
            columns.append(np.searchsorted(edges, rng.random(count) * edges[-1], side="right"))
        return np.stack(columns, axis=1)

    def _rules(self, rows: Indices) -> Floats:
        z = np.zeros(len(rows))
        seen_global, seen_recurrent = np.zeros((2, len(rows)), dtype=bool)
        for layer in range(1, LAYERS + 1):
            support, content = f"l{layer}_support", f"l{layer}_content"
            is_global = self._is(rows, support, "global")
            seen_global |= is_global
            seen_recurrent |= self._is(rows, f"l{layer}_state", "recurrent")
            if self._dead not in (support, content):
                z += CONTENT * (~is_global & ~self._is(rows, content, "fixed"))
        return z + SOMEWHERE * ~seen_global + SOMEWHERE * ~seen_recurrent

    def _is(self, rows: Indices, node: str, family: str, least: int = 0) -> NDArray[np.bool_]:
        """Whether the node has that family, at its choice number `least` or later.

        A node that is planted as without effect has none.
        """
        if node == self._dead:
            return np.zeros(len(rows), dtype=bool)
        place = self.names.index(node)
        mine = [i for i, choice in enumerate(self._choices[place]) if choice.family == family]
        return np.isin(rows[:, place], mine[least:])

    def _pair(self, rng: Random) -> Pair:
        """Two nodes of one layer or of two neighbours, and a table over their families."""
        first = rng.randrange(LAYERS)
        second = min(LAYERS - 1, first + rng.randrange(2))
        one = first * len(AXES) + rng.randrange(len(AXES))
        other = second * len(AXES) + rng.randrange(len(AXES))
        while other == one:
            other = second * len(AXES) + rng.randrange(len(AXES))
        left, right = (_families(self._choices[node]) for node in (one, other))
        table = np.array(
            [[rng.gauss(0.0, 1.0) for _ in range(max(right) + 1)] for _ in range(max(left) + 1)]
        )
        table -= table.mean(axis=0)
        table -= table.mean(axis=1, keepdims=True)
        table *= PAIR / max(float(table.std()), 1e-9)
        return Pair(one, other, table[np.ix_(left, right)])


def _families(choices: Sequence[Choice]) -> list[int]:
    """For each choice the number of its family."""
    order = list(dict.fromkeys(choice.family for choice in choices))
    return [order.index(choice.family) for choice in choices]


def _main(choices: Sequence[Choice], strength: float, rng: Random) -> Floats:
    """The effect of each choice: its family's, and the valley of its numeric param."""
    of = _families(choices)
    count = max(of) + 1
    effect = [rng.gauss(0.0, 1.0) for _ in range(count)]
    if rng.random() < DEAR_IS_GOOD:
        dear = [
            max(c.cost.flops for c, f in zip(choices, of, strict=True) if f == g)
            for g in range(count)
        ]
        order = sorted(range(count), key=dear.__getitem__)
        for family, value in zip(order, sorted(effect, reverse=True), strict=True):
            effect[family] = value
    levels = np.array(effect)
    levels = strength * (levels - levels.mean()) / levels.std() if count > 1 else np.zeros(1)
    found = levels[of]
    for family in range(count):
        mine = [i for i, f in enumerate(of) if f == family]
        if len(mine) > 1:
            peak = rng.randrange(len(mine)) if count > 1 else len(mine) - rng.randrange(1, 3)
            steps = (np.arange(len(mine)) - peak) / (len(mine) - 1)
            found[mine] += VALLEY * strength * (steps**2 - (steps**2).mean())
    return found
