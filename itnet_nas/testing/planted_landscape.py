"""`PlantedLandscape`: a search problem whose truth is known, for people who write searchers.

Nothing is trained and no plugin is needed: what an architecture would reach is a formula over the
space of `planted_space`, drawn anew for each seed.

    error = 100 · sigmoid(a + b·z)                                          points, 0 to 100
    z     = Σ_nodes main[choice]  +  Σ_10 pairs table[family, family']
            + CONTENT for each layer with content and without global support
            + SOMEWHERE if no layer is global  +  SOMEWHERE if no layer is recurrent

`main` is strong at 6, medium at 6 and weak at 12 of the 24 nodes of layers, with dear families more
often good than bad; a numeric param adds a valley at a value of its own. Pairs stand in the same or
in neighbouring layers. About two thirds of the variance over the space are additive, so models of
single choices and of pairs can be told apart; the best error of an instance lies near 13 points.

A trial adds Gaussian noise that is a function of the architecture and the trial's seed. Four of ten
random architectures are fragile (a layer with a rule of its own at each position and a large
recurrent state): their trainings diverge 15 times in 100.
"""

from __future__ import annotations

import math
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, final

import numpy as np

from itnet_nas.analysis.hypervolume import BEYOND, volume
from itnet_nas.arch.architecture import choice_text
from itnet_nas.arch.cost import bounds, costs
from itnet_nas.arch.plan import plan_of
from itnet_nas.space.space import TaskChoice
from itnet_nas.testing.planted_front import best_known
from itnet_nas.testing.planted_space import planted_space
from itnet_nas.testing.planted_tables import Tables
from itnet_nas.testing.simulated import DIVERGED, left, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.search.searcher import Searcher
    from itnet_nas.space.space import Space

    Indices = NDArray[np.int64]
    Floats = NDArray[np.float64]

FAILURE = 0.15  # of the trainings of a fragile architecture
DRAWS = 60_000  # behind `true_importance`


@final
class PlantedLandscape:
    """One instance.

    seed        which one
    noise       standard deviation of a training, in points; a small real table has 0.4
    failures    whether trainings of fragile architectures may fail
    irrelevant  a node that is planted as without any effect on the error
    """

    def __init__(
        self,
        seed: int,
        *,
        noise: float = 0.4,
        failures: bool = True,
        irrelevant: str | None = None,
    ) -> None:
        self.seed, self.noise, self.failures, self.irrelevant = seed, noise, failures, irrelevant
        params = {"seed": seed, "irrelevant": irrelevant}
        self._task = TaskChoice(name="planted_landscape", params=params)
        self._spaces: dict[int, Space] = {}
        self._rows: dict[str, Indices] = {}
        self._plain = self.space(1)
        plan = plan_of(self._plain)
        self._index = plan.index
        if irrelevant is not None and irrelevant not in self._index:
            names = ", ".join(self._index)
            raise ValueError(f"no node is called {irrelevant!r}; there are {names}")
        self._tables = Tables(self._plain, seed, irrelevant)

    def space(self, trials: int) -> Space:
        """The space, with a search of so many trials."""
        if trials not in self._spaces:
            data = f"planted landscape {self.seed} {self.irrelevant}"
            self._spaces[trials] = planted_space(self._task, data, trials)
        return self._spaces[trials]

    def error(self, architecture: Architecture) -> float:
        """Without noise, in points. KeyError for a stranger."""
        return float(self._tables.errors(self._row(architecture)[None])[0])

    def fails(self, architecture: Architecture, seed: int) -> bool:
        """Whether this training of it diverges."""
        if not (self.failures and self._tables.fragile(self._row(architecture)[None])[0]):
            return False
        return Random(f"failure {self.seed} {architecture.key} {seed}").random() < FAILURE

    def measured(self, architecture: Architecture, seed: int) -> float:
        """What a training under this seed would show: the error with noise, within 0 and 100."""
        draw = Random(f"noise {self.seed} {architecture.key} {seed}").gauss(0.0, self.noise)
        return min(100.0, max(0.0, self.error(architecture) + draw))

    def record(self, number: int, architecture: Architecture, by: str, seed: int) -> TrialRecord:
        """What a trial of the architecture leaves: complete, or failed."""
        space = self._plain
        objectives = {
            "error": self.measured(architecture, seed),
            "flops": costs(space, architecture)["flops"],
        }
        error = DIVERGED if self.fails(architecture, seed) else None
        return left(space, number, architecture, by, seed, objectives, error)

    def run(
        self, searcher: Searcher, trials: int, seed: int = 0, workers: int = 1
    ) -> list[TrialRecord]:
        """What a search of so many trials leaves; see `simulated.run`."""
        return run(searcher, self.space(trials), self.record, seed, workers)

    def true_importance(self) -> dict[str, float]:
        """Node -> share of the variance of the error that its choice explains on its own.

        Var(E[error | choice]) / Var(error), architectures drawn as `arch.sample` draws them; from
        60,000 draws. What nodes explain together is in no share, so they add up to about
        0.65.
        """
        rows = self._tables.draw(DRAWS, np.random.default_rng(0))
        errors = self._tables.errors(rows)
        total = float(errors.var())
        found = {}
        for node, name in enumerate(self._index):
            counts = np.bincount(rows[:, node])
            sums = np.bincount(rows[:, node], weights=errors)
            between = float(counts @ (sums / counts - errors.mean()) ** 2) / DRAWS
            # Means of finite groups differ by chance alone; that much is taken off.
            chance = (len(counts) - 1) / DRAWS * (total - between)
            found[name] = max(0.0, between - chance) / total if name != self.irrelevant else 0.0
        return found

    def draws(self, count: int, seed: int = 0) -> tuple[Indices, Floats]:
        """Choices (count, nodes) of random architectures, and their errors without noise."""
        rows = self._tables.draw(count, np.random.default_rng(seed))
        return rows, self._tables.errors(rows)

    def hypervolume(self, architectures: Sequence[Architecture]) -> float:
        """What they dominate without noise, as a share of the best that is known.

        Area of (error / 100, log10 flops) below an error of 1 and a cost that lies a tenth of the
        range beyond the space's dearest, divided by the area that an evolution reaches in 40,000
        noiseless evaluations. Two hundred random architectures have about 0.7.
        """
        return self.area(architectures) / self.best_area

    def area(self, architectures: Sequence[Architecture]) -> float:
        """What they dominate without noise, as a share of all below the reference."""
        if not architectures:
            return 0.0
        rows = np.array([self._row(architecture) for architecture in architectures])
        points = np.column_stack([self._tables.errors(rows) / 100, self._place(rows)])
        return volume(points.tolist(), (1.0, 1.0))

    @cached_property
    def best_area(self) -> float:
        """The largest `area` that is known; takes some seconds, once."""
        return best_known(self._tables.errors, self._place, self._tables.sizes, self.seed)

    def _place(self, rows: Indices) -> Floats:
        """Where log10 flops stand between the cheapest (0) and the reference (1)."""
        low, high = (math.log10(flops) for flops in bounds(self._plain)["flops"])
        return np.asarray(
            (np.log10(self._tables.flops(rows)) - low) / ((1 + BEYOND) * (high - low))
        )

    def _row(self, architecture: Architecture) -> Indices:
        """Places of its choices; kept, since searches are judged again after each trial."""
        row = self._rows.get(architecture.key)
        if row is None:
            layers = architecture.layers
            places = [self._index[one.name][choice_text(one.family, one.params)] for one in layers]
            row = self._rows[architecture.key] = np.array(places)
        return row
