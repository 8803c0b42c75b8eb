"""The problems of `searchers.py`: each gives records without training and knows the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from tables.nas_bench_201 import nas_bench_201
from tables.nas_bench_graph import nas_bench_graph

from itnet_nas.arch.cost import costs
from itnet_nas.testing.planted_landscape import PlantedLandscape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tables.table_problem import TableProblem

    from itnet_nas.arch.architecture import Architecture
    from itnet_nas.results.record import TrialRecord
    from itnet_nas.space.space import Space


def problem(name: str, seed: int) -> Planted | Table:
    """A problem by name; `seed` says which landscape is planted."""
    if name == "planted":
        return Planted(seed)
    if name == "nas_bench_graph":
        return Table(nas_bench_graph("arxiv"))
    return Table(nas_bench_201("cifar100", single=name.endswith("_error")))


@final
class Planted:
    """The planted landscape, scored by the hypervolume of errors without noise."""

    single = False

    def __init__(self, seed: int) -> None:
        self._landscape = PlantedLandscape(seed)

    def space(self, trials: int) -> Space:
        """The space, with a search of so many trials."""
        return self._landscape.space(trials)

    def record(self, number: int, architecture: Architecture, by: str, seed: int) -> TrialRecord:
        """What a trial leaves."""
        return self._landscape.record(number, architecture, by, seed)

    def costs(self, space: Space, architecture: Architecture) -> Mapping[str, float]:
        """What is known before it is trained."""
        return costs(space, architecture)

    def score(self, records: Sequence[TrialRecord]) -> float:
        """Share of the best front that is known."""
        return self._landscape.hypervolume([record.architecture for record in records])


@final
class Table:
    """A published table, scored by means over all trainings."""

    def __init__(self, table: TableProblem) -> None:
        self._table, self.single = table, table.single

    def space(self, trials: int) -> Space:
        """The space, with a search of so many trials."""
        return self._table.space(trials)

    def record(self, number: int, architecture: Architecture, by: str, seed: int) -> TrialRecord:
        """What a trial leaves."""
        return self._table.record(number, architecture, by, seed)

    def costs(self, space: Space, architecture: Architecture) -> Mapping[str, float]:
        """What is known before it is trained."""
        return self._table.costs(space, architecture)

    def score(self, records: Sequence[TrialRecord]) -> float:
        """Share of the table's front; for one objective, regret of what looks best in points."""
        if not self.single:
            return self._table.share([record.architecture for record in records])
        if not records:
            return 100.0 - self._table.best
        chosen = min(records, key=lambda record: record.objectives["error"])
        entry = self._table.entry(chosen.architecture)
        assert entry is not None  # its record is complete
        return entry.error - self._table.best
